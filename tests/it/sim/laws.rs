//! Laws that only the whole path can show, each kept and then broken: the scenario must tell the two
//! apart.

use std::time::Duration;

use serde_json::{Map, json};
use tieline::clock::Deadline;
use tieline::event::{Contact, Control, Mode, Write};
use tieline::outcome::Status;
use tieline::outcome::mutants::{Mutant, break_law};
use tieline::write::Asked;

use super::scenarios::{case, queued, statuses, work};
use super::world::World;

/// Runs a scenario with a law kept, then broken: it must tell the two apart.
fn needs<F>(law: Mutant, scenario: impl Fn() -> F)
where
    F: Future<Output = bool>,
{
    let run = |broken| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        break_law(broken);
        let kept = runtime.block_on(scenario());
        break_law(None);
        kept
    };
    assert!(run(None), "the promise of {law:?} is not kept");
    assert!(!run(Some(law)), "{law:?} may be broken and nobody notices");
}

/// A case that exists, of contact `g`.
async fn with_a_case(world: &World) -> String {
    let made = queued(world, vec![("g".to_owned(), case(0))]).await;
    work(world, Duration::from_secs(5)).await;
    let outcomes = world.outcomes("g").await;
    outcomes.iter().find(|o| o.id == made[0].id).unwrap().record_id.clone().unwrap()
}

#[test]
fn r8_an_update_that_comes_late_does_not_overwrite_the_next() {
    needs(Mutant::R8, || async {
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
    });
}

#[test]
fn r6_a_record_that_is_gone_after_doubt_was_deleted() {
    needs(Mutant::R6, || async {
        let world = World::new(9, Duration::from_millis(300));
        let id = with_a_case(&world).await;
        world.faults("cut=after,method=DELETE,count=1");
        let gone = Write::Delete { object: "Case".to_owned(), id };
        let envelopes = queued(&world, vec![("g".to_owned(), gone)]).await;
        work(&world, Duration::from_secs(60)).await;
        statuses(&world, &envelopes).await == [Status::Succeeded]
    });
}

#[test]
fn r9_a_repeat_of_a_write_that_waits_is_queued_again() {
    needs(Mutant::R9, || async {
        let world = World::new(10, Duration::from_millis(300));
        let writes = world.writes();
        let contact = Contact { contact_id: "g".to_owned(), initial_contact_id: None, instance_arn: None };
        let control = Control {
            given: true,
            mode: Some(Mode::Queue),
            key: Some("one".to_owned()),
            ..Control::default()
        };
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
    });
}
