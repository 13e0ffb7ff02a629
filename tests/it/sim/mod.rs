//! The whole write path in virtual time: invoke side, queue, table, workers and org in one thread,
//! with faults at every edge drawn from a seed.
//!
//! | law | what is demanded |
//! |---|---|
//! | I1 | every accepted write is settled in the end, and its message gone |
//! | I2 | no write has a second effect |
//! | I3 | succeeded means that the effect is there under the Id told; dead, that there is none, or the reason says that nobody knows |
//! | I4 | the values of a record come in the order of acceptance, and none comes back |
//! | I6 | every dead write has its letter |
//! | I10 | what a contact saw succeed, it reads ([`reads`]) |
//!
//! `SEEDS=2000` (how many) and `SEED=17` (from where) choose what [`seeds`] runs; a seed that fails
//! is printed with the story of its contacts.

#[cfg(debug_assertions)]
mod laws;
mod reads;
mod run;
mod scenarios;
mod world;

use std::env;

#[expect(clippy::disallowed_methods, reason = "switches of the test, not of the product")]
fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn seeds() {
    let first = number("SEED", 1);
    let count = number("SEEDS", 40);
    let mut total = run::Figures::default();
    let mut failed = Vec::new();
    for seed in first..first + count {
        match run::run(seed) {
            Ok(figures) => {
                total.accepted += figures.accepted;
                total.succeeded += figures.succeeded;
                total.dead += figures.dead;
                total.calls += figures.calls;
                total.crashes += figures.crashes;
            }
            Err(story) => failed.push(story),
        }
    }
    println!("{count} seeds: {total:?}");
    assert!(failed.is_empty(), "{} of {count} seeds failed; the first:\n{}", failed.len(), failed[0]);
    assert!(total.succeeded > total.accepted / 2, "a world in which nothing works proves nothing: {total:?}");
}

#[test]
fn the_same_seed_is_the_same_world() {
    let figures = |seed| format!("{:?}", run::run(seed).unwrap_or_default());
    assert_eq!(figures(3), figures(3));
}
