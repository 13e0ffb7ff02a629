//! I10: a contact that saw its write succeed never reads anything older, and what is not marked as
//! old is as new as it claims to be. Readers, writer and worker are processes of their own with
//! clocks of their own; the org is slow, refuses and loses answers; stamps come late or never; what
//! readers keep is put late.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, json};
use tieline::clock::Deadline;
use tieline::dispatch::{self, Chance};
use tieline::event::{Contact, Control, Mode, OutcomeQuery, Read, Shape, Write};
use tieline::outcome::Status;
use tieline::read::{Call, Reads, SETTLE, Settings, Source, Tables};
use tieline::store::Table;
use tieline::store::sqlite::{CACHE, Sqlite};
use tieline::time::Timestamp;
use tieline::write::Asked;

use super::number;
use super::scenarios::{case, queued, work};
use super::wires::{Trouble, Wired, Wires};
use super::world::World;

const FRESH: Duration = Duration::from_secs(60);

/// What a reader was given: when, by which contact, which version, from where; and what its contact
/// had seen when it asked.
#[derive(Debug)]
struct Seen {
    at: Timestamp,
    own: bool,
    version: u32,
    source: Source,
    least: u32,
}

#[derive(Debug, Default)]
struct Told {
    reads: usize,
    hits: usize,
    stale: usize,
    succeeded: u32,
}

fn reader(world: &World, cache: &Arc<dyn Table>, seed: u64, skew: i64) -> Reads {
    // Only slow: what the reader itself is told is true, what it keeps comes late.
    let late = Trouble::new(Wires { slow: 400, ..Wires::default() }, seed);
    let cache: Arc<dyn Table> = Arc::new(Wired { inner: cache.clone(), trouble: late });
    let settings = Settings {
        fresh: FRESH,
        stale: Duration::from_secs(86_400),
        negative: Duration::from_secs(15),
        ..Settings::default()
    };
    let tables = Tables { cache: Some(cache), state: Some(world.state.clone()) };
    Reads::new(world.client(), settings, tables, world.now.skewed(skew))
}

fn contact(id: &str) -> Contact {
    Contact { contact_id: id.to_owned(), initial_contact_id: None, instance_arn: None }
}

async fn read(world: &World, reads: &Reads, who: &str, id: &str, least: &Mutex<u32>) -> Option<Seen> {
    let least = if who == "g" { *least.lock().unwrap() } else { 0 };
    let soql = format!("SELECT Id, Subject FROM Case WHERE Id = '{id}'");
    let contact = contact(who);
    let deadline = Deadline::after(Duration::from_secs(6));
    let call = Call { contact: Some(&contact), cache: None, soft: Duration::from_secs(2), deadline };
    let answer = reads.answer(&Read::Query { soql, shape: Shape::First }, &call).await;
    let found = answer.result.ok()?;
    let version = found.records.first()?["Subject"].as_str()?.trim_start_matches('v').parse().ok()?;
    Some(Seen { at: world.now.now(), own: who == "g", version, source: answer.source, least })
}

/// Accepts version after version, and lets the contact look until it sees each succeed.
async fn write(world: &World, id: &str, least: &Mutex<u32>, seed: u64) {
    let (writes, contact) = (world.writes(), contact("g"));
    let mut chance = Chance::new(seed ^ 0x77);
    for version in 1..=12 {
        let fields = json!({ "Subject": format!("v{version:03}") }).as_object().cloned().unwrap();
        let update = Write::Update { object: "Case".to_owned(), id: id.to_owned(), fields };
        let key = Some(format!("version {version}"));
        let control = Control { given: true, mode: Some(Mode::Queue), key, ..Control::default() };
        let parameters = Map::from_iter([("version".to_owned(), version.into())]);
        let asked = Asked {
            write: &update,
            contact: Some(&contact),
            parameters: &parameters,
            control: &control,
            unique: "request",
            traceparent: None,
        };
        let soon = || Deadline::after(Duration::from_secs(2));
        let Ok(taken) = writes.carry(&asked, soon(), soon(), world.now.now()).await else { continue };
        let query = OutcomeQuery::Id(taken.id.unwrap().to_string());
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(100 + chance.below(900))).await;
            let Ok(found) = writes.ask(&query, Some(&contact), soon(), world.now.now()).await else {
                continue;
            };
            let notes = found.notes(world.now.now());
            if notes["tl_status"] == Status::Succeeded.word() {
                *least.lock().unwrap() = version;
            }
            if notes["tl_done"] == true {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(chance.below(20_000))).await;
    }
}

async fn story(seed: u64) -> Result<Told, String> {
    let mut chance = Chance::new(seed);
    let mut skew = || i64::try_from(chance.below(1_800)).unwrap() - 900;
    let mut world = World::new(seed, Duration::from_millis(150));
    let cache = Sqlite::in_memory().unwrap().table(CACHE);
    world.cache = Some(Arc::new(Wired { inner: cache.clone(), trouble: world.trouble.clone() }));
    let made = queued(&world, vec![("maker".to_owned(), case(0))]).await;
    work(&world, Duration::from_secs(5)).await;
    let id =
        world.outcomes("maker").await.iter().find(|o| o.id == made[0].id).unwrap().record_id.clone().unwrap();

    let readers: Vec<Reads> = (0..3).map(|n| reader(&world, &cache, seed * 10 + n, skew())).collect();
    let worker = world.worker("w", skew(), seed, dispatch::Settings::default());
    world.faults(
        "latency=20ms,jitter=1500ms,path=/services/data\nstatus=503,share=0.1,path=/services/data\n\
         cut=after,share=0.05,path=/services/data",
    );
    *world.trouble.wires.lock().unwrap() = Wires { before: 20, after: 20, slow: 100, ..Wires::default() };
    let running = tokio::spawn(async move { worker.run(std::future::pending()).await });
    let least = Mutex::new(0);
    let seen = Mutex::new(Vec::new());
    let mut turn = Chance::new(seed ^ 0x99);
    let reading = async {
        loop {
            let reads = &readers[usize::try_from(turn.below(3)).unwrap()];
            let who = if turn.below(3) == 0 { "other" } else { "g" };
            let (a, b) = futures::join!(
                read(&world, reads, who, &id, &least),
                read(&world, &readers[0], "third", &id, &least),
            );
            seen.lock().unwrap().extend(a.into_iter().chain(b));
            tokio::time::sleep(Duration::from_millis(turn.below(3_000))).await;
        }
    };
    tokio::select! {
        () = write(&world, &id, &least, seed) => {}
        () = reading => {}
    }
    running.abort();

    // When each version took effect.
    let took = |version: u32| {
        let subject = json!(format!("v{version:03}"));
        let effect =
            world.journal().into_iter().find(|e| e["verb"] == "update" && e["fields"]["Subject"] == subject);
        effect.and_then(|e| e["at"].as_str().map(str::to_owned).or_else(|| Some(e["at"].to_string())))
    };
    let mut told = Told { succeeded: *least.lock().unwrap(), ..Told::default() };
    for seen in seen.into_inner().unwrap() {
        told.reads += 1;
        told.stale += usize::from(seen.source == Source::Stale);
        told.hits += usize::from(matches!(seen.source, Source::Memory | Source::Table));
        if seen.own && seen.version < seen.least {
            return Err(format!("seed {seed}: the contact saw {} succeed: {seen:?}", seen.least));
        }
        let replaced = took(seen.version + 1).and_then(|at| at.parse().ok()).map(Timestamp::from_millis);
        if let (Some(replaced), true) = (replaced, seen.source != Source::Stale)
            && seen.at.since(replaced) > FRESH + SETTLE + Duration::from_secs(7)
        {
            return Err(format!("seed {seed}: replaced at {replaced:?}, and given as new: {seen:?}"));
        }
    }
    Ok(told)
}

#[test]
fn what_a_contact_saw_succeed_it_reads() {
    let (first, count) = (number("SEED", 1), number("SEEDS", 8).min(300));
    let mut total = Told::default();
    for seed in first..first + count {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        match runtime.block_on(story(seed)) {
            Ok(told) => {
                total.reads += told.reads;
                total.hits += told.hits;
                total.stale += told.stale;
                total.succeeded += told.succeeded;
            }
            Err(why) => panic!("{why}"),
        }
    }
    println!("{count} seeds: {total:?}");
    assert!(total.hits > total.reads / 10, "nothing was cached: {total:?}");
    assert!(u64::from(total.succeeded) > 6 * count, "hardly anything was written: {total:?}");
}
