//! Real processes, killed without a word while Salesforce loses answers and locks records; and then
//! the org's own journal is compared with what the flows were told.
//!
//! Two set-ups run side by side: `tieline local`, killed whole; and a fleet on the emulator of AWS,
//! the `bootstrap` that answers flows, two pollers and the `bootstrap` behind the queue, each killed
//! at random. The org runs in the test and is never killed: its journal is the judge.
//!
//! `CRASH_SECS=600 cargo test --test it crash:: -- --nocapture` kills for longer (`make crash MINUTES=10`);
//! `CHAOS=7` draws other deaths.

mod books;
mod fleet;

use std::env;
use std::time::Duration;

use books::Books;
use fleet::{Fleet, Local};
use tieline::dispatch::Chance;

#[expect(clippy::disallowed_methods, reason = "switches of the test, not of the product")]
fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// How long flows wait for their outcomes once nothing goes wrong any more: claims of the dead lapse in
/// a minute, and what was behind them follows; in a long run the last doubts settle first.
fn calm() -> Duration {
    Duration::from_secs(if is_long() { 1500 } else { 300 })
}

fn is_long() -> bool {
    time() >= Duration::from_secs(300)
}

fn time() -> Duration {
    Duration::from_secs(number("CRASH_SECS", 30))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let mut chance = Chance::new(number("CHAOS", 1));
    let books = Books::open(chance.next(), is_long()).await;
    let mut local = Local::start(&books).await;
    let flows = books.flows(local.address(), 6);
    let (end, mut kills) = (tokio::time::sleep(time()), 0);
    tokio::pin!(end);
    loop {
        let life = Duration::from_millis(300 + chance.below(4000));
        tokio::select! {
            () = &mut end => break,
            () = tokio::time::sleep(life) => {
                local.kill_and_start(&books).await;
                kills += 1;
            }
        }
    }
    books.calm();
    let told = books.settled(flows, calm()).await;
    let logs = local.end().await;
    println!("local mode, {kills} kills in {:?}: {told}", time());
    books.check(&logs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_whose_processes_are_killed_loses_and_doubles_nothing() {
    let Some(emulator) = crate::emulator::Emulator::start().await else { return };
    let mut chance = Chance::new(number("CHAOS", 1) ^ 0xf1ee7);
    let books = Books::open(chance.next(), is_long()).await;
    let mut fleet = Fleet::start(&books, &emulator).await;
    let flows = books.flows(fleet.address(), 6);
    let (end, mut kills) = (tokio::time::sleep(time()), 0);
    tokio::pin!(end);
    loop {
        let life = Duration::from_millis(200 + chance.below(2500));
        tokio::select! {
            () = &mut end => break,
            () = tokio::time::sleep(life) => {
                fleet.kill_one(chance.next()).await;
                kills += 1;
            }
        }
    }
    books.calm();
    let told = books.settled(flows, calm()).await;
    let logs = fleet.end().await;
    println!("a fleet, {kills} kills in {:?}: {told}", time());
    books.check(&logs);
}
