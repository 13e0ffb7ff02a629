//! CTI Flows: what checking a flow and running one costs, on one core, and what a run can hold.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tieline::flow::model::Document;
use tieline::flow::run::{Event, Flow, Limits, Run, Status, Step};
use tieline::flow::validate::{Around, check_text};
use tieline::time::Timestamp;

use crate::Environment;
use crate::flow_files::{chain, round};
use crate::table::{Table, percentile};

const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);
/// How often each thing is measured.
const TIMES: usize = 200;

/// Checks, runs and weighs flows.
#[expect(clippy::unused_async, reason = "a part is async")]
pub async fn measure(table: &mut Table, _: &Environment) -> anyhow::Result<()> {
    let text = chain(500);
    let mut checks = timed(|| drop(black_box(check_text(black_box(&text), &Around::default()))));
    let check = percentile(&mut checks, 0.5).as_secs_f64() * 1000.0;
    table.at_most("flows: a flow of 500 actions is checked (p50)", check, "ms", 5.0);

    let damaged = damaged(100_000);
    let began = Instant::now();
    black_box(check_text(&damaged, &Around::default()));
    let check = began.elapsed().as_secs_f64() * 1000.0;
    table.add("flows: a damaged file of 100,000 actions is checked", check, "ms");

    let flow = Flow::new(&Document::parse(&round())?);
    let steps = Limits::default().steps;
    let mut runs = timed(|| {
        let mut run = begin(&flow);
        assert_eq!(run.advance(&flow, NOW), Step::Over(Status::Limit));
        black_box(run);
    });
    let per_second = f64::from(steps) / percentile(&mut runs, 0.5).as_secs_f64();
    table.at_least("flows: steps of the engine a second", per_second, "1/s", 200_000.0);

    // The worst that a flow can do: as much as fits into each result, until the run is ended.
    let flow = Flow::new(&Document::parse(&hoard())?);
    let mut run = begin(&flow);
    run.advance(&flow, NOW);
    let size = serde_json::to_vec(&run)?.len() as f64 / f64::from(1 << 20);
    table.at_most("flows: the largest run, as JSON", size, "MB", 12.0);
    Ok(())
}

fn begin(flow: &Flow) -> Run {
    let event = Event { payload: json!({"text": "banana"}), contact: Value::Null, ..Event::default() };
    Run::start("run", flow, event, Map::new(), Limits::default(), NOW)
}

fn timed(mut work: impl FnMut()) -> Vec<Duration> {
    work();
    (0..TIMES)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect()
}

/// Actions of the older dialect, of blocks that nobody knows, which lead nowhere.
fn damaged(count: usize) -> String {
    let action = |n: usize| json!({"id": format!("uid{n}"), "type": format!("SE_Nope{n}"), "controls": null, "ports": {"x": format!("gone-{n}")}});
    json!({"actions": (0..count).map(action).collect::<Vec<_>>()}).to_string()
}

/// Actions that each double the text of the one before.
fn hoard() -> String {
    let mut actions = vec![json!({"id": "s", "type": "SE_Start", "ports": {"done": "0"}})];
    for n in 0..60 {
        let before = if n == 0 {
            "$.payload.text".to_owned()
        } else {
            format!("$.actions.{}.results.value", (n - 1).min(17))
        };
        actions.push(json!({"id": n.to_string(), "type": "SE_CoreJoinStrings", "controls": {"value1": before, "value2": before}, "ports": {"done": (n + 1).to_string()}}));
    }
    json!({ "actions": actions }).to_string()
}
