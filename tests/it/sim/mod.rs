//! The whole write path in virtual time: invoke side, queue, table, workers and org in one thread,
//! with faults at every edge drawn from a seed; and around its law alone, every way that two
//! workers can take.
//!
//! | law | what is demanded | where it is held |
//! |---|---|---|
//! | I1 | an accepted write is in the queue until it is settled, and is settled in the end | `ledger`, at every message that goes; `check` |
//! | I2 | no write has a second effect | `ledger`, at every effect; `check` |
//! | I3 | succeeded: the effect is there under the Id told; dead: there is none, or the reason says that nobody knows; replies alike | `ledger`, at every outcome; `run`; `check` |
//! | I4 | the values of a record come in the order of acceptance, and none comes back | `ledger`, at every effect |
//! | I5 | calls stay within what the fleet may spend | `fleet` |
//! | I6 | every dead write has its letter, whole, before it is dead | `ledger`, at every outcome and letter |
//! | I7 | states move along their graph, claims count up, a success stays | `ledger`, at every outcome; `search` |
//! | I8 | with the faults gone, everything drains | `run` |
//! | I9 | no field's value in any log | `crash` |
//! | I10 | what a contact saw succeed, it reads | `reads` |
//!
//! The table of failures, and which test holds which row, is in [`rows`].
//!
//! `SEEDS=2000` (how many) and `SEED=17` (from where) choose what [`seeds`] runs; a seed that fails
//! is printed, shrunk, and told as the timeline of its contacts.

mod check;
mod fleet;
#[cfg(debug_assertions)]
mod laws;
mod ledger;
mod reads;
mod rows;
mod run;
mod scenarios;
#[cfg(debug_assertions)]
mod search;
mod story;
mod wires;
mod world;

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use run::{Figures, Plan};

#[expect(clippy::disallowed_methods, reason = "switches of the test, not of the product")]
fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn seeds() {
    let first = number("SEED", 1);
    let count = number("SEEDS", 2000);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let next = AtomicU64::new(0);
    let total = Mutex::new(Figures::default());
    let failed: Mutex<Vec<(u64, String)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..number("THREADS", cores) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return;
                    }
                    match run::run(&Plan::of(first + n)) {
                        Ok(figures) => total.lock().unwrap().add(figures),
                        Err(story) => {
                            println!("{}", story.lines().next().unwrap_or_default());
                            failed.lock().unwrap().push((first + n, story));
                        }
                    }
                    if n > 0 && n.is_multiple_of(5000) {
                        println!("{n} of {count} seeds, {} failed", failed.lock().unwrap().len());
                    }
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    println!("{count} seeds from {first}: {total:?}, {} failed", failed.len());
    if let Some((seed, story)) = failed.first() {
        let story = run::shrink(&Plan::of(*seed), story.clone());
        panic!("{} of {count} seeds failed; the first, shrunk:\n{story}", failed.len());
    }
    assert!(total.succeeded > total.accepted / 2, "a world in which nothing works proves nothing: {total:?}");
}

#[test]
fn the_same_seed_is_the_same_world() {
    let figures = || format!("{:?}", run::run(&Plan::of(3)));
    assert_eq!(figures(), figures());
}

#[cfg(debug_assertions)]
#[test]
fn every_way_of_two_workers_keeps_the_promises() {
    let mut total = 0;
    for case in search::cases() {
        let found = search::search(&case, None);
        println!("{}, clocks {} ms apart: {} states", case.name, case.skew, found.states);
        assert!(found.breach.is_none(), "{}", found.breach.unwrap_or_default());
        total += found.states;
    }
    println!("{total} states in all, no breach");
}
