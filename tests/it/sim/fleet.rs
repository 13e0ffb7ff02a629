//! What a fleet spends: calls in every window, and what keeping count of them costs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tieline::dispatch;
use tieline::outcome::Status;
use tieline::time::Timestamp;

use super::scenarios::{case, queued, statuses};
use super::world::{T0, World};

/// Calls a second that the fleet may make, and with them the hard limit of any ten seconds.
const RATE: f64 = 20.0;
const WINDOW: Duration = Duration::from_secs(10);
const HARD: usize = 200;
/// 0.8 of it: what is given out of an aligned window, reads and writes together.
const CAP: usize = 160;

fn settings(rate: f64) -> dispatch::Settings {
    // Narrow calls, so that there are many; and nobody takes everything, so that all have to do.
    dispatch::Settings {
        rate: Some(rate),
        fleet: true,
        width: 1,
        capacity: 60,
        ..dispatch::Settings::default()
    }
}

async fn work(world: &World, workers: u64, rate: f64, time: Duration) {
    let workers: Vec<_> = (0..workers)
        .map(|n| {
            let worker = world.worker(&format!("w{n}"), 0, n, settings(rate));
            tokio::spawn(async move { worker.run(tokio::time::sleep(time)).await })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

/// The most calls in any span of this length, and in any such span that begins at a multiple of it.
fn most(calls: &[Timestamp], window: Duration) -> (usize, usize) {
    let sliding = calls.iter().map(|from| {
        let until = from.plus(window);
        calls.iter().filter(|at| *at >= from && **at < until).count()
    });
    let length = i64::try_from(window.as_millis()).unwrap();
    let mut aligned = std::collections::BTreeMap::new();
    for at in calls {
        *aligned.entry(at.as_millis() / length).or_insert(0) += 1;
    }
    (sliding.max().unwrap_or(0), aligned.into_values().max().unwrap_or(0))
}

#[tokio::test(start_paused = true)]
async fn a_fleet_of_any_size_stays_within_every_window() {
    for workers in [1, 2, 8] {
        let world = World::new(20 + workers, Duration::from_millis(200));
        let cases = (0..3000).map(|n| (format!("g{n}"), case(n))).collect();
        let envelopes = queued(&world, cases).await;
        work(&world, workers, RATE, Duration::from_secs(120)).await;
        let done = statuses(&world, &envelopes).await.iter().filter(|s| **s == Status::Succeeded).count();
        let calls = world.exchange.calls.lock().unwrap().clone();
        let (sliding, aligned) = most(&calls, WINDOW);
        let paced = world.ledger.paced.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a ratio to print")]
        let each = paced as f64 / calls.len() as f64;
        let took = calls.last().map_or(0.0, |last| last.since(calls[0]).as_secs_f64());
        println!(
            "{workers} workers: {} calls in {took:.0} s, {sliding} in the fullest ten seconds (hard limit {HARD}), \
             {aligned} in the fullest aligned ones (cap {CAP}), {each:.3} table writes a call",
            calls.len()
        );
        assert_eq!(done, envelopes.len(), "after {took} s");
        assert!(sliding <= HARD && aligned <= CAP, "{sliding} {aligned}");
        assert!(each <= 0.25, "{each}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_six_hours_of_outage_the_line_drains_at_the_limit_in_order() {
    const OUTAGE: Duration = Duration::from_secs(6 * 3600);
    let world = World::new(30, Duration::from_millis(200));
    world.faults("status=503,until=21600s");
    let writes = (0..900).map(|n| (format!("g{}", n % 300), case(n))).collect();
    let envelopes = queued(&world, writes).await;
    work(&world, 2, 2.0, OUTAGE + Duration::from_secs(900)).await;
    assert!(statuses(&world, &envelopes).await.iter().all(|s| *s == Status::Succeeded));
    let outcomes = world.ledger.outcomes();
    let burnt: u32 = outcomes.values().map(|outcome| outcome.attempts).sum();
    let effects = world.journal();
    let number = |id: &str| effects.iter().position(|effect| effect["key"] == *id).unwrap();
    let unordered = envelopes
        .iter()
        .enumerate()
        .filter(|(n, envelope)| {
            let next = envelopes.get(n + 300);
            next.is_some_and(|next| number(envelope.id.as_str()) > number(next.id.as_str()))
        })
        .count();
    let back = T0.plus(OUTAGE);
    let calls: Vec<Timestamp> =
        world.exchange.calls.lock().unwrap().iter().copied().filter(|at| *at >= back).collect();
    let took = calls.last().unwrap().since(calls[0]).as_secs_f64();
    let (sliding, _) = most(&calls, WINDOW);
    println!(
        "after six hours of outage: {} writes in {} calls and {took:.0} s, at most {sliding} in ten seconds (hard \
         limit 20), {burnt} attempts burnt, {unordered} out of order",
        envelopes.len(),
        calls.len()
    );
    assert_eq!((effects.len(), burnt, unordered), (envelopes.len(), 0, 0));
    assert!(sliding <= 20, "{sliding}");
    // 2 a second less the margin and the reserve is 1.28; half of that would be no drain at the limit.
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = calls.len() as f64 / took;
    assert!(rate >= 0.64, "{rate} calls a second");
}
