//! The failure table: what goes wrong, what holds against it, and the test that falls without that.
//!
//! | # | what happens | what holds | tests |
//! |---|---|---|---|
//! | 1 | Amazon Connect repeats its call | the id is the call's; the queue knows it, later the record | `write::a_key_names_one_write_however_late_and_never_another`, `laws::a_b_a_are_three` |
//! | 2 | the queue's answer is lost | the same id again | `write::row_2_…` |
//! | 3 | the function dies between queue and record | the worker makes the record | `write::row_3_…`, seeds |
//! | 4 | no queue | nothing is accepted | `write::row_4_…` |
//! | 5 | a worker dies before its call | the claim lapses; sent again, or looked up first | [`row_5_6_a_worker_dies_around_its_call`], `laws` R2 |
//! | 6 | a worker dies after its call | the key refuses a second; else looked up | the same |
//! | 7 | a call is cut, its effect comes late | doubt, settle time, lookup | [`row_7_an_effect_that_comes_late_is_the_only_one`], `laws` Settle |
//! | 8 | a call succeeds in part | results by their place | [`row_8_of_a_call_only_what_failed_is_sent_again`] |
//! | 9 | a message comes again while its write is under way | the claim that stands | [`row_9_12_a_message_delivered_twice_is_sent_once`], `laws` R1 |
//! | 10 | a receipt handle is stale | the next delivery finds it settled | `backend_contract::an_ended_lease_…`, seeds |
//! | 11 | the answer of a receive is lost | the messages come back in a minute; no long wait is given up | seeds (`Wires::after`), `backend_contract::a_message_that_comes_late_…` |
//! | 12 | a message is delivered twice | the claim's condition | as 9, seeds (`Wires::twice`) |
//! | 13 | a message that is no envelope | buried as it is | `scenarios::what_is_no_envelope_…` |
//! | 14 | a write kills its process | suspected alone, then set aside | [`row_14_a_write_that_kills_its_workers_is_set_aside_and_its_neighbours_pass`] |
//! | 15 | no table to bury in | dead only once the letter is kept | `write::row_15_…`, seeds (I6) |
//! | 16 | the table throttles | accepted all the same; nothing is sent unclaimed; a claim whose answer was lost is looked for | `write::row_16_…`, [`row_16_without_the_table_nothing_is_sent`], `worker::a_claim_whose_answer_…`, [`row_16_an_update_that_nobody_knew_of_does_not_undo_a_later_one`] |
//! | 17 | the table is gone after the call | kept in memory, then doubt | [`row_17_what_cannot_be_recorded_is_found_out`] |
//! | 18 | Salesforce is down for hours | the line closes | `fleet::after_six_hours_…` |
//! | 19 | the daily limit is reached | the line closes, a probe each five minutes | [`row_19_at_the_daily_limit_writes_wait`] |
//! | 20 | the session ends, the login is refused | one renewal; the line closes | [`row_20_a_login_that_is_refused_buries_nothing`] |
//! | 21 | clocks differ | margins around the claim | seeds (4 s each way), `search` (5 s) |
//! | 22 | a process stands still | R5, the check before the call | seeds (`Wires::frozen`), `laws` R5 |
//! | 23 | a deployment in the middle | finish, give back; what is newer waits | [`row_23_workers_are_replaced_while_they_work`] |
//! | 24 | too large | refused at once | `write::row_24_…` |
//! | 25 | a backlog | wide calls | `dispatch::a_thousand_creates_…`, `fleet` |
//! | 26 | a flow runs away | its own contact waits, no other | [`row_26_a_contact_without_measure_delays_nobody_else`] |
//! | 27 | refused after doubt | verified first | `outcome::r4_…`, `laws` R4 |
//! | 28 | its parent is dead | dead with it, and replayed with it | [`row_28_what_refers_to_the_dead_dies_with_its_reason`], `replay::dependants_…` |

use std::time::Duration;

use serde_json::{Map, json};
use tieline::clock::Deadline;
use tieline::dispatch;
use tieline::event::{Contact, Control, Mode, Write};
use tieline::outcome::{Outcome, Reason, State, Status};
use tieline::store::Message;
use tieline::write::Asked;

use super::scenarios::{case, cases, queued, statuses, work};
use super::wires::Wires;
use super::world::{T0, World};

const LATENCY: Duration = Duration::from_millis(300);

fn task(subject: &str) -> Write {
    let fields = json!({ "Subject": subject }).as_object().cloned().unwrap();
    Write::Create { object: "Task".to_owned(), fields }
}

/// Runs a worker until it dies of the text in `deadly`, or until `time`; whether it died.
async fn work_until_it_dies(world: &World, name: &str, time: Duration) -> bool {
    let worker = world.worker(name, 0, 1, dispatch::Settings::default());
    let running = tokio::spawn(async move { worker.run(std::future::pending()).await });
    let died = tokio::time::timeout(time, world.exchange.died.notified()).await.is_ok();
    running.abort();
    died
}

#[tokio::test(start_paused = true)]
async fn row_5_6_a_worker_dies_around_its_call() {
    for applied in [false, true] {
        let world = World::new(40, LATENCY);
        world.exchange.deadly("mortal", applied);
        let mortal = Write::Create {
            object: "Case".to_owned(),
            fields: json!({ "Subject": "mortal" }).as_object().cloned().unwrap(),
        };
        let writes = vec![("g".to_owned(), mortal), ("h".to_owned(), task("mortal"))];
        let envelopes = queued(&world, writes).await;
        assert!(work_until_it_dies(&world, "first", Duration::from_secs(10)).await);
        world.exchange.harmless();
        // With a key at once when the claim has lapsed; without one after it must have settled.
        work(&world, Duration::from_secs(90)).await;
        assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded, Status::InDoubt]);
        work(&world, Duration::from_secs(900)).await;
        assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 2], "applied {applied}");
        assert_eq!(world.journal().len(), 2, "applied {applied}");
        assert_eq!(world.ledger.breach(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn row_7_an_effect_that_comes_late_is_the_only_one() {
    for late in [1, 20, 100, 300, 599] {
        let world = World::new(41, LATENCY);
        world.faults(&format!("late={late}s,method=POST,path=/services/data,count=1"));
        let envelopes = queued(&world, vec![("g".to_owned(), case(1)), ("h".to_owned(), task("late"))]).await;
        work(&world, Duration::from_secs(1500)).await;
        assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 2], "{late} s");
        assert_eq!(world.journal().len(), 2, "{late} s");
        assert_eq!(world.ledger.breach(), None, "{late} s");
    }
}

#[tokio::test(start_paused = true)]
async fn row_8_of_a_call_only_what_failed_is_sent_again() {
    let world = World::new(42, LATENCY);
    world.faults("lock,object=Case,count=2");
    let envelopes = queued(&world, cases(6)).await;
    work(&world, Duration::from_secs(60)).await;
    assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 6]);
    let outcomes = world.ledger.outcomes();
    let claims: u64 = outcomes.values().map(|outcome| outcome.fence).sum();
    assert_eq!((world.journal().len(), claims), (6, 8), "two of six were claimed a second time");
}

#[tokio::test(start_paused = true)]
async fn row_9_12_a_message_delivered_twice_is_sent_once() {
    let world = World::new(43, Duration::from_secs(8));
    let envelopes = queued(&world, vec![("g".to_owned(), task("once"))]).await;
    // Again, and in a group of its own, so that nothing of the queue holds it back.
    let again = Message {
        group: "another".to_owned(),
        deduplication_id: "another".to_owned(),
        body: envelopes[0].encode().unwrap(),
    };
    let first = world.worker("first", 0, 1, dispatch::Settings::default());
    let first = tokio::spawn(async move { first.run(tokio::time::sleep(Duration::from_secs(200))).await });
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(world.queue.send(&[again], T0).await[0].is_ok());
    work(&world, Duration::from_secs(200)).await;
    first.await.unwrap();
    assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded]);
    assert_eq!(world.journal().len(), 1);
    let depth = world.queue.depth(T0).await.unwrap();
    assert_eq!(depth.visible + depth.in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn row_14_a_write_that_kills_its_workers_is_set_aside_and_its_neighbours_pass() {
    let world = World::new(44, LATENCY);
    world.exchange.deadly("poison", false);
    let mut writes = vec![("p".to_owned(), task("poison"))];
    writes[0].1 = Write::Create {
        object: "Case".to_owned(),
        fields: json!({ "Subject": "poison" }).as_object().cloned().unwrap(),
    };
    writes.extend(cases(5));
    let envelopes = queued(&world, writes).await;
    let mut deaths = 0;
    while work_until_it_dies(&world, &format!("w{deaths}"), Duration::from_secs(1200)).await {
        deaths += 1;
        assert!(deaths < 9, "it kills for ever");
    }
    let outcomes = world.ledger.outcomes();
    assert_eq!(outcomes[&envelopes[0].id].state, State::Dead { reason: Reason::CrashLoop });
    assert_eq!(statuses(&world, &envelopes[1..]).await, [Status::Succeeded; 5]);
    println!("a write that kills its process was set aside after {deaths} deaths");
}

#[tokio::test(start_paused = true)]
async fn row_16_without_the_table_nothing_is_sent() {
    let world = World::new(45, LATENCY);
    let envelopes = queued(&world, cases(3)).await;
    *world.trouble.wires.lock().unwrap() = Wires { before: 1000, ..Wires::default() };
    work(&world, Duration::from_secs(60)).await;
    assert_eq!(world.exchange.calls.lock().unwrap().len(), 0);
    *world.trouble.wires.lock().unwrap() = Wires::default();
    work(&world, Duration::from_secs(120)).await;
    assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 3]);
}

#[tokio::test(start_paused = true)]
async fn row_16_an_update_that_nobody_knew_of_does_not_undo_a_later_one() {
    let world = World::new(52, LATENCY);
    let made = queued(&world, cases(1)).await;
    work(&world, Duration::from_secs(5)).await;
    let id = world.ledger.outcomes()[&made[0].id].record_id.clone().unwrap();
    let update = |text: &str| {
        let fields = json!({ "Subject": text }).as_object().cloned().unwrap();
        Write::Update { object: "Case".to_owned(), id: id.clone(), fields }
    };
    // Accepted while the table was down: its message is all there is of it.
    let first = queued(&world, vec![("g0".to_owned(), update("v1"))]).await;
    world.state.remove(&Outcome::key("g0", first[0].id), T0).await.unwrap();
    let contact = Contact { contact_id: "g0".to_owned(), initial_contact_id: None, instance_arn: None };
    let control =
        Control { given: true, mode: Some(Mode::Sync), key: Some("v2".to_owned()), ..Control::default() };
    let (second, parameters) = (update("v2"), Map::new());
    let asked = Asked {
        write: &second,
        contact: Some(&contact),
        parameters: &parameters,
        control: &control,
        unique: "r",
        traceparent: None,
    };
    let soon = || Deadline::after(Duration::from_secs(5));
    world.writes().carry(&asked, soon(), soon(), world.now.now()).await.unwrap();
    work(&world, Duration::from_secs(60)).await;
    let journal = world.journal();
    let values: Vec<_> =
        journal.iter().filter(|e| e["verb"] == "update").map(|e| e["fields"]["Subject"].clone()).collect();
    assert_eq!(values, ["v2"]);
    assert_eq!(world.ledger.outcomes()[&first[0].id].error_code(), Some("SUPERSEDED"));
    assert_eq!(world.letters("g0").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn row_17_what_cannot_be_recorded_is_found_out() {
    for outage in [20, 100] {
        let world = World::new(46, Duration::from_secs(3));
        let envelopes = queued(&world, vec![("g".to_owned(), case(1)), ("h".to_owned(), task("t"))]).await;
        let worker = world.worker("w", 0, 1, dispatch::Settings::default());
        let working =
            tokio::spawn(async move { worker.run(tokio::time::sleep(Duration::from_secs(1200))).await });
        while world.exchange.calls.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        *world.trouble.wires.lock().unwrap() = Wires { before: 1000, ..Wires::default() };
        tokio::time::sleep(Duration::from_secs(outage)).await;
        *world.trouble.wires.lock().unwrap() = Wires::default();
        working.await.unwrap();
        assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 2], "{outage} s");
        assert_eq!(world.journal().len(), 2, "{outage} s");
        assert_eq!(world.ledger.breach(), None, "{outage} s");
    }
}

#[tokio::test(start_paused = true)]
async fn row_19_at_the_daily_limit_writes_wait() {
    for fleet in [false, true] {
        let world = World::new(47, LATENCY);
        world.faults("limit=daily,path=/services/data,until=3600s");
        let envelopes = queued(&world, cases(20)).await;
        let settings = dispatch::Settings { fleet, ..dispatch::Settings::default() };
        let worker = world.worker("w", 0, 1, settings);
        // Salesforce says that everything is used; that it no longer is, only a call can tell.
        worker.run(tokio::time::sleep(Duration::from_secs(4200))).await;
        assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 20]);
        let back = T0.plus(Duration::from_secs(3600));
        let probes = world.exchange.calls.lock().unwrap().iter().filter(|at| **at < back).count();
        let burnt: u32 = world.ledger.outcomes().values().map(|outcome| outcome.attempts).sum();
        println!("an hour at the daily limit: {probes} probes, {burnt} attempts burnt");
        assert!(burnt == 0 && (6..=14).contains(&probes), "{burnt} {probes}");
    }
}

#[tokio::test(start_paused = true)]
async fn row_20_a_login_that_is_refused_buries_nothing() {
    let world = World::new(48, LATENCY);
    let refused = json!({"do": "status=400", "path": "/oauth2/token", "until": "1800s",
        "body": r#"{"error":"invalid_grant","error_description":"authentication failure"}"#});
    world.faults(&refused.to_string());
    let envelopes = queued(&world, cases(5)).await;
    work(&world, Duration::from_secs(1700)).await;
    assert!(world.letters("g0").await.is_empty());
    work(&world, Duration::from_secs(600)).await;
    assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 5]);
    // Sessions that end while writes are under way cost nobody anything.
    world.faults("session,count=3");
    let more = queued(&world, (5..9).map(|n| (format!("g{n}"), case(n))).collect()).await;
    work(&world, Duration::from_secs(120)).await;
    assert_eq!(statuses(&world, &more).await, [Status::Succeeded; 4]);
    let burnt: u32 = world.ledger.outcomes().values().map(|outcome| outcome.attempts).sum();
    assert_eq!((burnt, world.journal().len()), (0, 9));
}

#[tokio::test(start_paused = true)]
async fn row_23_workers_are_replaced_while_they_work() {
    let world = World::new(49, Duration::from_secs(2));
    let newer = Message {
        group: "newer".to_owned(),
        deduplication_id: "newer".to_owned(),
        body: json!({"v": 99, "id": "tl-from-tomorrow"}).to_string(),
    };
    assert!(world.queue.send(&[newer], T0).await[0].is_ok());
    let envelopes = queued(&world, (0..60).map(|n| (format!("g{}", n % 20), case(n))).collect()).await;
    for _ in 0..12 {
        work(&world, Duration::from_secs(9)).await;
    }
    // Nobody waited for a dead one's message: what was not under way was given back at once.
    assert_eq!(statuses(&world, &envelopes).await, [Status::Succeeded; 60]);
    assert_eq!(world.journal().len(), 60);
    assert!(world.letters("newer").await.is_empty(), "it waits for a newer worker");
    let depth = world.queue.depth(T0).await.unwrap();
    assert_eq!(depth.visible + depth.in_flight, 1);
}

#[tokio::test(start_paused = true)]
async fn row_26_a_contact_without_measure_delays_nobody_else() {
    let world = World::new(50, LATENCY);
    let runaway: Vec<_> = (0..500).map(|n| ("runaway".to_owned(), case(n))).collect();
    let runaway = queued(&world, runaway).await;
    let others = queued(&world, cases(20)).await;
    work(&world, Duration::from_secs(6)).await;
    assert_eq!(statuses(&world, &others).await, [Status::Succeeded; 20]);
    let done = statuses(&world, &runaway).await.iter().filter(|s| **s == Status::Succeeded).count();
    assert!(done > 0 && done < 500, "{done}");
}

#[tokio::test(start_paused = true)]
async fn row_28_what_refers_to_the_dead_dies_with_its_reason() {
    let world = World::new(51, LATENCY);
    world.faults("record=REQUIRED_FIELD_MISSING,object=Case,count=1");
    let writes = world.writes();
    let contact = Contact { contact_id: "g".to_owned(), initial_contact_id: None, instance_arn: None };
    let links = [
        ("Case", "a", "parent", None),
        ("Task", "b", "child", Some("@{a.Id}")),
        ("Task", "c", "grandchild", Some("@{b.Id}")),
    ];
    let mut tickets = Vec::new();
    for (object, name, subject, refers) in links {
        let mut fields = Map::from_iter([("Subject".to_owned(), json!(subject))]);
        fields.extend(refers.map(|to| ("WhatId".to_owned(), json!(to))));
        let write = Write::Create { object: object.to_owned(), fields: fields.clone() };
        let control = Control {
            given: true,
            mode: Some(Mode::Queue),
            name: Some(name.to_owned()),
            ..Control::default()
        };
        let asked = Asked {
            write: &write,
            contact: Some(&contact),
            parameters: &fields,
            control: &control,
            unique: name,
            traceparent: None,
        };
        let soon = || Deadline::after(Duration::from_secs(5));
        let taken = writes.carry(&asked, soon(), soon(), world.now.now()).await.unwrap();
        tickets.push(taken.id.unwrap());
    }
    work(&world, Duration::from_secs(60)).await;
    let outcomes = world.ledger.outcomes();
    let codes: Vec<_> = tickets.iter().map(|id| outcomes[id].error_code().unwrap_or_default()).collect();
    assert_eq!(codes, ["REQUIRED_FIELD_MISSING", "DEPENDENCY_FAILED", "DEPENDENCY_FAILED"]);
    assert!(world.journal().is_empty());
    assert_eq!(world.letters("g").await.len(), 3);
}
