//! Single promises, each in a world of its own.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, json};
use tieline::dispatch;
use tieline::envelope::{Envelope, WriteId};
use tieline::event::Write;
use tieline::outcome::{Outcome, Status};
use tieline::store::{Expect, Message};

use super::world::{T0, World};

/// Puts writes into the queue as the invoke side does: one of each contact.
pub(super) async fn queued(world: &World, writes: Vec<(String, Write)>) -> Vec<Envelope> {
    let mut envelopes = Vec::new();
    let mut messages = Vec::new();
    for (n, (group, write)) in writes.into_iter().enumerate() {
        let envelope = Envelope {
            v: 1,
            id: WriteId::keyed("org.example.com", &group, &format!("{n} {write:?}")),
            generation: 1,
            org: "org.example.com".to_owned(),
            group: group.clone(),
            contact: None,
            write,
            refs: Vec::new(),
            unbound: Vec::new(),
            name: None,
            attribute: None,
            hash: String::new(),
            flush: false,
            accepted_at: T0,
            traceparent: None,
            rest: Map::new(),
        };
        let body = envelope.encode().unwrap();
        messages.push(Message { group, deduplication_id: envelope.deduplication_id(), body });
        let row = Outcome::accepted(&envelope).row();
        world.state.put(&row, Expect::Absent, T0).await.unwrap();
        envelopes.push(envelope);
    }
    assert!(world.queue.send(&messages, T0).await.iter().all(Result::is_ok));
    envelopes
}

pub(super) fn case(n: usize) -> Write {
    let fields = json!({"Subject": format!("case {n}")}).as_object().cloned().unwrap();
    Write::Create { object: "Case".to_owned(), fields }
}

pub(super) fn cases(count: usize) -> Vec<(String, Write)> {
    (0..count).map(|n| (format!("g{n}"), case(n))).collect()
}

/// Lets a worker run for this long.
pub(super) async fn work(world: &World, time: Duration) {
    let worker = world.worker("w", 0, 1, dispatch::Settings::default());
    worker.run(tokio::time::sleep(time)).await;
}

pub(super) async fn statuses(world: &World, envelopes: &[Envelope]) -> Vec<Status> {
    let mut statuses = Vec::new();
    for envelope in envelopes {
        let outcomes = world.outcomes(&envelope.group).await;
        statuses.extend(outcomes.iter().filter(|o| o.id == envelope.id).map(Outcome::status));
    }
    statuses
}

#[tokio::test(start_paused = true)]
async fn a_thousand_creates_of_a_thousand_contacts_cost_at_most_five_calls() {
    let world = World::new(1, Duration::from_millis(300));
    let envelopes = queued(&world, cases(1000)).await;
    work(&world, Duration::from_secs(10)).await;
    let calls = world.exchange.calls.lock().unwrap().len();
    println!("1,000 creates: {calls} calls");
    assert!(statuses(&world, &envelopes).await.iter().all(|s| *s == Status::Succeeded));
    assert!(calls <= 5, "{calls} calls");
    assert_eq!(world.journal().len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_six_hours_loses_nothing_and_burns_no_attempt() {
    let world = World::new(2, Duration::from_millis(300));
    world.faults("status=503,until=21600s");
    let envelopes = queued(&world, cases(40)).await;
    work(&world, Duration::from_secs(21_600 + 120)).await;
    for envelope in &envelopes {
        let outcomes = world.outcomes(&envelope.group).await;
        assert_eq!((outcomes[0].status(), outcomes[0].attempts), (Status::Succeeded, 0), "{:?}", outcomes[0]);
    }
    assert_eq!(world.journal().len(), 40);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_envelope_is_buried_and_its_neighbours_pass() {
    let world = World::new(3, Duration::from_millis(300));
    let garbage = ["", "Missed call", "{\"v\":1}", "[1,2]"];
    let messages: Vec<Message> = garbage
        .iter()
        .enumerate()
        .map(|(n, body)| Message {
            group: "odd".to_owned(),
            deduplication_id: format!("x{n}"),
            body: if body.is_empty() { " ".to_owned() } else { (*body).to_owned() },
        })
        .collect();
    assert!(world.queue.send(&messages, T0).await.iter().all(Result::is_ok));
    let envelopes = queued(&world, vec![("odd".to_owned(), case(1)), ("g".to_owned(), case(2))]).await;
    work(&world, Duration::from_secs(30)).await;
    assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 2]);
    assert_eq!(world.letters("odd").await.len(), garbage.len());
}

#[tokio::test(start_paused = true)]
async fn a_rejected_write_is_dead_with_its_reason_and_the_next_of_its_contact_goes_on() {
    let world = World::new(4, Duration::from_millis(300));
    let bad = Write::Create {
        object: "Case".to_owned(),
        fields: Map::from_iter([("Nope__c".to_owned(), json!(1))]),
    };
    let envelopes = queued(&world, vec![("g".to_owned(), bad), ("g".to_owned(), case(2))]).await;
    work(&world, Duration::from_secs(30)).await;
    assert_eq!(statuses(&world, &envelopes).await, [Status::Failed, Status::Succeeded]);
    let letters = world.letters("g").await;
    assert_eq!((letters.len(), letters[0].id), (1, envelopes[0].id));
    assert!(letters[0].fault.message.contains("Nope__c"), "{:?}", letters[0].fault);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_second_case() {
    let world = World::new(5, Duration::from_millis(300));
    world.faults("cut=after,method=POST,count=3");
    let envelopes = queued(&world, cases(3)).await;
    work(&world, Duration::from_secs(60)).await;
    assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 3]);
    assert_eq!(world.journal().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn several_workers_share_a_queue_and_double_nothing() {
    let world = Arc::new(World::new(6, Duration::from_millis(300)));
    let envelopes = queued(&world, cases(300)).await;
    let workers: Vec<_> = (0..8)
        .map(|n| {
            let worker = world.worker(&format!("w{n}"), 0, n, dispatch::Settings::default());
            tokio::spawn(async move { worker.run(tokio::time::sleep(Duration::from_secs(30))).await })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(statuses(&world, &envelopes).await.iter().all(|s| *s == Status::Succeeded));
    assert_eq!(world.journal().len(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_lambda_hands_over_is_answered_message_by_message() {
    let world = World::new(7, Duration::from_millis(300));
    world.faults("lock,object=Case,count=1");
    queued(&world, vec![("a".to_owned(), case(1)), ("a".to_owned(), case(2)), ("b".to_owned(), case(3))])
        .await;
    let messages = world.queue.receive(10, Duration::from_secs(60), Duration::ZERO, T0).await.unwrap();
    assert_eq!(messages.len(), 3);
    let groups: Vec<_> = messages.iter().map(|m| (m.handle.clone(), m.group.clone())).collect();
    let worker = world.worker("lambda", 0, 1, dispatch::Settings::default());
    let done = worker.handle_batch(messages, tokio::time::sleep(Duration::from_secs(50))).await;
    // The one that found its record locked failed, and with it those behind it.
    let failed: Vec<_> = groups.iter().filter(|(h, _)| !done.contains(h)).map(|(_, g)| g.as_str()).collect();
    assert!(failed == ["a", "a"] || failed == ["b"], "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn creates_wait_where_the_field_for_their_identity_is_not_unique() {
    let mut world = World::new(12, Duration::from_millis(300));
    world.unique_fields = [("case".to_owned(), "subject".to_owned())].into();
    let envelopes = queued(&world, cases(3)).await;
    work(&world, Duration::from_secs(900)).await;
    assert_eq!(statuses(&world, &envelopes).await, [Status::Queued; 3]);
    assert!(world.journal().is_empty() && world.exchange.calls.lock().unwrap().is_empty());
    // A worker that is told of a unique one sends them.
    world.unique_fields = [("case".to_owned(), "writekey__c".to_owned())].into();
    work(&world, Duration::from_secs(600)).await;
    assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 3]);
}
