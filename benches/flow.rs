//! What the flow engine and the validator cost: 500 actions checked, pure steps run.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a bench may fail")]

#[path = "figures/flow_files.rs"]
mod flow_files;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Map, Value, json};
use std::hint::black_box;
use tieline::flow::model::Document;
use tieline::flow::run::{Event, Flow, Limits, Run, Status, Step};
use tieline::flow::validate::{Around, check_text};
use tieline::time::Timestamp;

fn validate(c: &mut Criterion) {
    let text = flow_files::chain(500);
    c.bench_function("flow: validate 500 actions", |b| {
        b.iter(|| black_box(check_text(black_box(&text), &Around::default())));
    });
}

fn steps(c: &mut Criterion) {
    let flow = Flow::new(&Document::parse(&flow_files::round()).unwrap());
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
