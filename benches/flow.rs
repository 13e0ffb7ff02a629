//! What the flow engine and the validator cost: 500 actions checked, pure steps run.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may fail")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Map, Value, json};
use std::hint::black_box;
use tieline::flow::model::Document;
use tieline::flow::run::{Event, Flow, Limits, Run, Status, Step};
use tieline::flow::validate::{Around, check_text};
use tieline::time::Timestamp;

/// A flow of `count` actions in a chain, each reading the one before.
fn chain(count: usize) -> String {
    let mut actions = vec![
        json!({"id": "uid-0", "type": "SE_Start", "meta": {}, "controls": {}, "ports": {"done": "uid-1"}, "position": [0, 0]}),
    ];
    for n in 1..count - 1 {
        let before = if n == 1 {
            "$.payload.text".to_owned()
        } else {
            format!("$.actions.uid-{}.results.value", n - 1)
        };
        actions.push(json!({"id": format!("uid-{n}"), "type": "SE_CoreReplaceString", "meta": {},
            "controls": {"text": before, "search": "a", "replacement": "b"}, "ports": {"done": format!("uid-{}", n + 1)}, "position": [n * 16, 0]}));
    }
    actions.push(json!({"id": format!("uid-{}", count - 1), "type": "SE_End", "meta": {}, "controls": {}, "ports": {}, "position": [0, 0]}));
    json!({ "actions": actions }).to_string()
}

fn validate(c: &mut Criterion) {
    let text = chain(500);
    c.bench_function("flow: validate 500 actions", |b| {
        b.iter(|| black_box(check_text(black_box(&text), &Around::default())));
    });
}

fn steps(c: &mut Criterion) {
    // Round and round between a condition and a payload read, to the limit of steps.
    let flow = Flow::new(&Document::parse(&json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "a"}},
        {"id": "a", "type": "SE_CoreReplaceString", "controls": {"text": "$.payload.text", "search": "a", "replacement": "b"}, "ports": {"done": "b"}},
        {"id": "b", "type": "SE_CoreTruthy", "controls": {"value": "$.actions.a.results.value"}, "ports": {"true": "a", "false": "a"}}]}).to_string()).unwrap());
    let limits = Limits::default();
    let now = Timestamp::from_millis(1_795_170_000_000);
    let event = Event { payload: json!({"text": "banana"}), contact: Value::Null, ..Event::default() };
    let mut group = c.benchmark_group("flow");
    group.throughput(Throughput::Elements(limits.steps.into()));
    group.bench_function("1000 pure steps", |b| {
        b.iter_batched(
            || Run::start("run", &flow, event.clone(), Map::new(), limits, now),
            |mut run| {
                assert_eq!(run.advance(&flow, now), Step::Over(Status::Limit));
                run
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, validate, steps);
criterion_main!(benches);
