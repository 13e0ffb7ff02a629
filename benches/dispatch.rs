//! The brain alone: how many writes it takes from lease to settled in a second.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tieline::dispatch::{Action, Brain, Job, Lane, Reply, Report, Settings, Settled};
use tieline::outcome::Effect;
use tieline::time::Timestamp;

const WRITES: u64 = 4000;

fn jobs() -> Vec<Job> {
    let objects: Vec<Arc<str>> = ["Case", "Task", "Contact"].into_iter().map(Arc::from).collect();
    (0..WRITES)
        .map(|key| Job {
            key,
            group: Arc::from(format!("contact-{}", key / 2)),
            lane: if key % 3 == 0 { Lane::Update } else { Lane::Create },
            object: objects[(key % 3) as usize].clone(),
            record: (key % 3 == 0).then(|| Arc::from(format!("500{key:012}"))),
            parents: vec![Arc::from(format!("001{:012}", key / 2))],
            effect: Effect::UniqueField,
            flush: false,
            sent_at: Timestamp::EPOCH,
        })
        .collect()
}

/// Everything leased is sent, answered and settled.
fn drain(jobs: Vec<Job>) -> usize {
    let mut brain = Brain::new(Settings { concurrency: 4, ..Settings::default() }, 1);
    let now = Timestamp::from_millis(1_000_000);
    let mut calls = 0;
    let mut jobs = Some(jobs);
    while let Some(action) = brain.poll(now) {
        match action {
            Action::Lease { .. } => {
                if let Some(jobs) = jobs.take() {
                    brain.on_leased(jobs, Timestamp::EPOCH);
                }
            }
            Action::Send(call) => {
                calls += 1;
                let replies = call.shape.keys().map(|key| (key, Reply::Applied)).collect();
                brain.on_replies(call.number, Report { sent: true, fault: None }, replies, now);
            }
            Action::Settle { key, .. } => brain.on_settled(key, Settled::Done, Timestamp::EPOCH),
            Action::Extend { .. } | Action::Release { .. } | Action::Alarm(_) | Action::Allow { .. } => {}
        }
    }
    assert_eq!(brain.held(), 0);
    calls
}

fn brain(c: &mut Criterion) {
    let mut group = c.benchmark_group("brain");
    group.throughput(Throughput::Elements(WRITES));
    group.bench_function("lease to settled", |b| {
        b.iter_batched(jobs, |jobs| black_box(drain(jobs)), BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, brain);
criterion_main!(benches);
