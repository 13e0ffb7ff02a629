//! Every law broken on purpose, one at a time: the search or a scenario of the whole path must notice.
//!
//! [`every_law_that_is_broken_is_caught`] prints what caught which.

use std::time::Duration;

use serde_json::{Map, json};
use tieline::clock::Deadline;
use tieline::event::{Contact, Control, Mode, Write};
use tieline::outcome::Status;
use tieline::outcome::mutants::{Mutant, break_law};
use tieline::write::Asked;

use super::scenarios::{case, queued, statuses, work};
use super::search;
use super::world::World;

/// Whether a scenario keeps its promise with this law broken, or with none.
fn kept(scenario: impl Future<Output = bool>, broken: Option<Mutant>) -> bool {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    break_law(broken);
    let kept = runtime.block_on(scenario);
    break_law(None);
    kept
}

/// What noticed that this law is broken.
fn catchers(law: Mutant) -> Vec<String> {
    let mut caught = Vec::new();
    // What is accepted when is no part of the state machine.
    let searched = !matches!(law, Mutant::R9 | Mutant::DuplicateRule);
    for case in search::cases().iter().filter(|_| searched) {
        if let Some(breach) = search::search(case, Some(law)).breach {
            let what = breach.lines().next().unwrap_or_default();
            caught.push(format!("the search in {} steps, {what}", breach.lines().count() - 2));
            break;
        }
    }
    let scenario: Option<(&str, bool)> = match law {
        Mutant::R6 => Some(("a_record_that_is_gone", kept(a_record_that_is_gone_after_doubt(), Some(law)))),
        Mutant::R8 => Some(("an_update_that_comes_late", kept(an_update_that_comes_late(), Some(law)))),
        Mutant::R9 => Some(("a_repeat_of_a_write_that_waits", kept(a_repeat_that_waits(), Some(law)))),
        Mutant::DuplicateRule => Some(("a_b_a", kept(a_b_a_are_three(), Some(law)))),
        _ => None,
    };
    if let Some((name, false)) = scenario {
        caught.push(format!("the scenario {name}"));
    }
    caught
}

#[test]
fn every_law_that_is_broken_is_caught() {
    let mut uncaught = Vec::new();
    for law in Mutant::ALL {
        let caught = catchers(law);
        println!("{law:?} broken: {}", caught.join("; "));
        if caught.is_empty() {
            uncaught.push(law);
        }
    }
    assert!(uncaught.is_empty(), "these laws may be broken and nobody notices: {uncaught:?}");
}

#[test]
fn kept_laws_keep_their_promises() {
    assert!(kept(an_update_that_comes_late(), None), "R8");
    assert!(kept(a_record_that_is_gone_after_doubt(), None), "R6");
    assert!(kept(a_repeat_that_waits(), None), "R9");
    assert!(kept(a_b_a_are_three(), None), "the duplicate rule");
}

/// A case that exists, of contact `g`.
async fn with_a_case(world: &World) -> String {
    let made = queued(world, vec![("g".to_owned(), case(0))]).await;
    work(world, Duration::from_secs(5)).await;
    let outcomes = world.outcomes("g").await;
    outcomes.iter().find(|o| o.id == made[0].id).unwrap().record_id.clone().unwrap()
}

/// R8: it does not overwrite the next.
async fn an_update_that_comes_late() -> bool {
    let world = World::new(8, Duration::from_millis(300));
    let id = with_a_case(&world).await;
    world.faults("late=400s,method=PATCH,count=1");
    let update = |text: &str| {
        let fields = json!({ "Subject": text }).as_object().cloned().unwrap();
        ("g".to_owned(), Write::Update { object: "Case".to_owned(), id: id.clone(), fields })
    };
    queued(&world, vec![update("v1"), update("v2")]).await;
    work(&world, Duration::from_secs(1500)).await;
    let journal = world.journal();
    let values: Vec<_> = journal
        .iter()
        .filter(|e| e["verb"] == "update")
        .map(|e| e["fields"]["Subject"].to_string())
        .collect();
    assert!(values.contains(&"\"v2\"".to_owned()), "{values:?}");
    values.is_sorted()
}

/// R6: it was deleted.
async fn a_record_that_is_gone_after_doubt() -> bool {
    let world = World::new(9, Duration::from_millis(300));
    let id = with_a_case(&world).await;
    world.faults("cut=after,method=DELETE,count=1");
    let gone = Write::Delete { object: "Case".to_owned(), id };
    let envelopes = queued(&world, vec![("g".to_owned(), gone)]).await;
    work(&world, Duration::from_secs(60)).await;
    statuses(&world, &envelopes).await == [Status::Succeeded]
}

/// R9: it is queued again.
async fn a_repeat_that_waits() -> bool {
    let world = World::new(10, Duration::from_millis(300));
    let writes = world.writes();
    let contact = Contact { contact_id: "g".to_owned(), initial_contact_id: None, instance_arn: None };
    let control =
        Control { given: true, mode: Some(Mode::Queue), key: Some("one".to_owned()), ..Control::default() };
    let (write, parameters) = (case(1), Map::new());
    let asked = Asked {
        write: &write,
        contact: Some(&contact),
        parameters: &parameters,
        control: &control,
        unique: "r",
        traceparent: None,
    };
    let soon = || Deadline::after(Duration::from_secs(5));
    writes.carry(&asked, soon(), soon(), world.now.now()).await.unwrap();
    // The message is gone and the record stands: as after an attempt that ended half-way.
    let now = world.now.now();
    let lost = world.queue.receive(1, Duration::from_secs(60), Duration::ZERO, now).await.unwrap();
    world.queue.delete(&[lost[0].handle.clone()], now).await;
    tokio::time::sleep(Duration::from_secs(400)).await;
    writes.carry(&asked, soon(), soon(), world.now.now()).await.unwrap();
    work(&world, Duration::from_secs(30)).await;
    world.outcomes("g").await[0].status() == Status::Succeeded
}

/// The duplicate rule: a write that equals the last one but one is a write of its own.
async fn a_b_a_are_three() -> bool {
    let world = World::new(11, Duration::from_millis(300));
    let writes = world.writes();
    let contact = Contact { contact_id: "g".to_owned(), initial_contact_id: None, instance_arn: None };
    let control = Control { given: true, mode: Some(Mode::Queue), ..Control::default() };
    for text in ["A", "B", "A"] {
        let parameters = json!({ "Subject": text }).as_object().cloned().unwrap();
        let write = Write::Create { object: "Task".to_owned(), fields: parameters.clone() };
        let asked = Asked {
            write: &write,
            contact: Some(&contact),
            parameters: &parameters,
            control: &control,
            unique: "r",
            traceparent: None,
        };
        let soon = || Deadline::after(Duration::from_secs(5));
        writes.carry(&asked, soon(), soon(), world.now.now()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    work(&world, Duration::from_secs(30)).await;
    world.journal().iter().filter(|effect| effect["object"] == "Task").count() == 3
}
