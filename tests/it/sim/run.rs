//! One seed: a workload, a time of trouble, a time of calm, and what must be true then.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tieline::clock::Deadline;
use tieline::dispatch::{self, Chance};
use tieline::envelope::WriteId;
use tieline::event::{Contact, Control, Mode, Write};
use tieline::outcome::{Outcome, Reason, State};
use tieline::write::Asked;

use super::world::{Wires, World};

/// A write that the invoke side said it had accepted.
#[derive(Clone, Debug)]
struct Accepted {
    id: WriteId,
    group: String,
    kind: &'static str,
    text: String,
}

/// What a run counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub(super) accepted: usize,
    pub(super) succeeded: usize,
    pub(super) dead: usize,
    pub(super) calls: usize,
    pub(super) crashes: usize,
}

fn case_of(n: usize) -> Write {
    let fields = json!({"Subject": format!("case {n}"), "Origin": "Phone"});
    Write::Create { object: "Case".to_owned(), fields: object(fields) }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// Runs one seed in virtual time. `Err` tells what was untrue, and the story of that contact.
pub(super) fn run(seed: u64) -> Result<Figures, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(simulate(seed))
}

async fn simulate(seed: u64) -> Result<Figures, String> {
    let mut chance = Chance::new(seed);
    let world = World::new(seed, Duration::from_millis(300));
    *world.trouble.wires.lock().unwrap() = Wires {
        before: chance.below(30),
        after: chance.below(30),
        slow: chance.below(200),
        frozen: chance.below(4),
    };
    for rule in [
        "cut=after,method=POST,path=/services/data/*,share=0.15",
        "cut=before,method=POST,path=/services/data/*,share=0.1",
        "late=400s,method=PATCH,path=/services/data/*,share=0.1",
        "late=500s,method=POST,path=/services/data/*,share=0.1",
        "status=503,path=/services/data/*,share=0.1",
        "lock,share=0.15",
        "record=FIELD_CUSTOM_VALIDATION_EXCEPTION,object=Task,share=0.1",
        "record=REQUIRED_FIELD_MISSING,object=Case,share=0.03",
        "session,share=0.05",
    ] {
        if chance.below(3) == 0 {
            world.faults(&rule.replace(",path=/services/data/*", ""));
        }
    }
    let mut figures = Figures::default();
    let mut accepted = Vec::new();
    let mut workers = Vec::new();
    let writes = world.writes();
    let contacts = 2 + usize::try_from(chance.below(4)).unwrap();
    let mut numbers = vec![0_usize; contacts];
    for step in 0..(contacts * 7) {
        // Workers come, and go without a word.
        while workers.len() < 2 {
            figures.crashes += 1;
            let name = format!("w{}", figures.crashes);
            let skew = i64::try_from(chance.below(8000)).unwrap() - 4000;
            let worker = world.worker(&name, skew, chance.next(), dispatch::Settings::default());
            workers.push(tokio::spawn(async move { worker.run(std::future::pending()).await }));
        }
        if chance.below(4) == 0 {
            let victim = usize::try_from(chance.below(2)).unwrap();
            workers.remove(victim).abort();
        }
        let which = usize::try_from(chance.below(contacts as u64)).unwrap();
        numbers[which] += 1;
        if let Some(one) = accept(&world, &writes, which, numbers[which], step, &mut chance).await {
            accepted.push(one);
        }
        tokio::time::sleep(Duration::from_millis(chance.below(40_000))).await;
    }
    world.no_faults();
    workers.into_iter().for_each(|w| w.abort());
    let last = world.worker("last", 0, seed, dispatch::Settings::default());
    let drain = tokio::spawn(async move { last.run(std::future::pending()).await });
    let mut calm = 0;
    while !settled(&world, &accepted).await {
        calm += 1;
        if calm > 1000 {
            return Err(told(seed, "I1: not drained after four hours of calm", &world, &accepted).await);
        }
        tokio::time::sleep(Duration::from_secs(15)).await;
    }
    // Whatever the org still has in hand takes effect, and late messages find their outcomes.
    tokio::time::sleep(Duration::from_secs(1200)).await;
    drain.abort();
    figures.calls = world.exchange.calls.lock().unwrap().len();
    check(seed, &world, &accepted, &mut figures).await?;
    Ok(figures)
}

/// What a flow does: a case, changes of it, comments to it; each repeated when its call fails.
async fn accept(
    world: &World,
    writes: &tieline::write::Writes,
    which: usize,
    number: usize,
    step: usize,
    chance: &mut Chance,
) -> Option<Accepted> {
    let group = format!("contact-{which}");
    let text = format!("v{number:03}");
    let (kind, write, name) = match (number, chance.below(4)) {
        (1, _) => ("case", case_of(which), Some("case".to_owned())),
        (_, 0) => {
            let fields = object(json!({"Subject": format!("task {which}-{number}"), "WhatId": "@{case.Id}"}));
            ("task", Write::Create { object: "Task".to_owned(), fields }, None)
        }
        (_, 1) => (
            "post",
            Write::Post {
                element_type: "FeedItem".to_owned(),
                subject_id: "@{case.Id}".to_owned(),
                message_type: "Text".to_owned(),
                text: format!("post {which}-{number}"),
                mention: None,
            },
            None,
        ),
        _ => {
            let fields = object(json!({ "Subject": text.clone() }));
            ("update", Write::Update { object: "Case".to_owned(), id: "@{case.Id}".to_owned(), fields }, None)
        }
    };
    let contact = Contact { contact_id: group.clone(), initial_contact_id: None, instance_arn: None };
    let control = Control {
        given: true,
        mode: Some(Mode::Queue),
        key: Some(format!("step {step}")),
        name,
        ..Control::default()
    };
    let parameters = object(json!({ "step": step, "kind": kind }));
    for _ in 0..3 {
        let asked = Asked {
            write: &write,
            contact: Some(&contact),
            parameters: &parameters,
            control: &control,
            unique: "request",
            traceparent: None,
        };
        let (soft, hard) = (Deadline::after(Duration::from_secs(2)), Deadline::after(Duration::from_secs(6)));
        match writes.carry(&asked, soft, hard, world.now.now()).await {
            Ok(taken) => {
                return taken.id.map(|id| Accepted { id, group, kind, text });
            }
            // Amazon Connect calls again.
            Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
    None
}

async fn settled(world: &World, accepted: &[Accepted]) -> bool {
    let depth = world.queue.depth(world.now.now()).await.unwrap();
    if depth.visible + depth.in_flight > 0 {
        return false;
    }
    for one in accepted {
        let outcomes = world.outcomes(&one.group).await;
        if !outcomes.iter().any(|o| o.id == one.id && o.is_settled()) {
            return false;
        }
    }
    true
}

async fn check(seed: u64, world: &World, accepted: &[Accepted], figures: &mut Figures) -> Result<(), String> {
    let journal = world.journal();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let mut outcomes: BTreeMap<WriteId, Outcome> = BTreeMap::new();
    let mut groups: Vec<&str> = accepted.iter().map(|a| a.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in &groups {
        outcomes.extend(world.outcomes(group).await.into_iter().map(|o| (o.id, o)));
    }
    macro_rules! demand {
        ($law:expr, $holds:expr) => {
            if !$holds {
                return Err(told(seed, &$law, world, accepted).await);
            }
        };
    }
    figures.accepted = accepted.len();
    for one in accepted {
        let outcome = &outcomes[&one.id];
        let made = |e: &&Value| match one.kind {
            "case" => e["verb"] == "create" && e["key"] == one.id.as_str(),
            "task" => e["verb"] == "create" && e["fields"]["Subject"] == outcome_subject(one),
            "post" => e["object"] == "FeedItem" && e.to_string().contains(&outcome_subject(one)),
            _ => {
                e["verb"] == "update"
                    && e["fields"]["Subject"] == one.text
                    && is_case_of(e, one, &outcomes, accepted)
            }
        };
        let effects: Vec<&Value> = journal.iter().filter(made).collect();
        match &outcome.state {
            State::Succeeded => {
                figures.succeeded += 1;
                demand!(format!("I3: {} succeeded without an effect", one.id), !effects.is_empty());
                if one.kind != "update" {
                    let id = outcome.record_id.clone().unwrap_or_default();
                    demand!(
                        format!("I3: {} has another Id than its effect", one.id),
                        effects.iter().any(|e| same(&text(e, "id"), &id))
                    );
                    demand!(
                        format!("I2: {} took effect {} times", one.id, effects.len()),
                        effects.len() == 1
                    );
                }
            }
            State::Dead { reason } => {
                figures.dead += 1;
                let honest = matches!(reason, Reason::InDoubt | Reason::Ambiguous);
                demand!(
                    format!("I3: {} is dead ({reason:?}) and took effect", one.id),
                    effects.is_empty() || honest
                );
                let letters = world.letters(&one.group).await;
                demand!(
                    format!("I6: {} is dead without a letter", one.id),
                    letters.iter().any(|l| l.id == one.id && !l.envelope.is_null())
                );
            }
            _ => demand!(format!("I1: {} is not settled", one.id), false),
        }
        demand!(format!("I2: {} had a second effect", one.id), outcome.also.is_empty());
    }
    // I4: the values of a case come in the order in which they were accepted; none comes back.
    for group in groups {
        let Some(case) = accepted.iter().find(|a| a.group == group && a.kind == "case") else { continue };
        let Some(id) = outcomes[&case.id].record_id.clone() else { continue };
        let values: Vec<String> = journal
            .iter()
            .filter(|e| e["verb"] == "update" && same(&text(e, "id"), &id))
            .map(|e| e["fields"]["Subject"].as_str().unwrap_or_default().to_owned())
            .collect();
        demand!(format!("I4: {group}: {values:?} is out of order"), values.is_sorted());
    }
    Ok(())
}

fn outcome_subject(one: &Accepted) -> String {
    let which = one.group.trim_start_matches("contact-");
    let number: usize = one.text.trim_start_matches('v').parse().unwrap();
    format!("{} {which}-{number}", one.kind)
}

fn is_case_of(
    entry: &Value,
    one: &Accepted,
    outcomes: &BTreeMap<WriteId, Outcome>,
    accepted: &[Accepted],
) -> bool {
    let case = accepted.iter().find(|a| a.group == one.group && a.kind == "case");
    let id = case.and_then(|case| outcomes[&case.id].record_id.clone()).unwrap_or_default();
    same(entry["id"].as_str().unwrap_or_default(), &id)
}

fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && a.get(..15) == b.get(..15)
}

/// The seed, what was untrue, and what a person would look at: every outcome and every effect.
async fn told(seed: u64, what: &str, world: &World, accepted: &[Accepted]) -> String {
    let mut story = format!("seed {seed}: {what}\n");
    let mut groups: Vec<&str> = accepted.iter().map(|a| a.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        for outcome in world.outcomes(group).await {
            let kind = accepted.iter().find(|a| a.id == outcome.id).map_or("?", |a| a.kind);
            let text = accepted.iter().find(|a| a.id == outcome.id).map_or("?", |a| a.text.as_str());
            writeln!(
                story,
                "{group} {kind} {text} {} {:?} fence {} attempts {} doubt {:?} record {:?} {:?}",
                outcome.id,
                outcome.state,
                outcome.fence,
                outcome.attempts,
                outcome.doubt,
                outcome.record_id,
                outcome
                    .history
                    .iter()
                    .map(|m| format!("{:?} {} {}", m.at, m.what, m.code))
                    .collect::<Vec<_>>()
            )
            .unwrap();
        }
    }
    for entry in world.journal() {
        writeln!(
            story,
            "effect at {} {} {} {} {}",
            entry["at"], entry["verb"], entry["object"], entry["id"], entry["fields"]["Subject"]
        )
        .unwrap();
    }
    story
}
