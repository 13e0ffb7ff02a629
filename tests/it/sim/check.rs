//! What must be true once everything is settled.

use serde_json::Value;
use tieline::outcome::{Reason, State};

use super::ledger::same;
use super::run::{Accepted, Figures, Kind};
use super::world::World;

/// Compares every accepted write with what the org has done. `Err` is what is untrue.
pub(super) fn check(world: &World, accepted: &[Accepted], figures: &mut Figures) -> Result<(), String> {
    let outcomes = world.ledger.outcomes();
    let effects = world.ledger.effects();
    figures.accepted = accepted.len();
    for one in accepted {
        let Some(outcome) = outcomes.get(&one.id) else {
            return Err(format!("I1: {} has no outcome", one.id));
        };
        let record = match one.kind {
            Kind::Update => case_of(world, one),
            Kind::Delete => effects.iter().find(|e| created(e, &one.text)).map(|e| text(e, "id")),
            Kind::Case | Kind::Task | Kind::Post => None,
        };
        let made = |effect: &&Value| match one.kind {
            Kind::Case => effect["verb"] == "create" && effect["key"] == one.id.as_str(),
            Kind::Task => created(effect, &one.text),
            Kind::Post => effect["object"] == "FeedItem" && effect.to_string().contains(&quoted(&one.text)),
            Kind::Update => {
                effect["verb"] == "update"
                    && effect["fields"]["Subject"] == *one.text
                    && record.as_deref().is_some_and(|id| same(&text(effect, "id"), id))
            }
            Kind::Delete => {
                effect["verb"] == "delete"
                    && record.as_deref().is_some_and(|id| same(&text(effect, "id"), id))
            }
        };
        let found: Vec<&Value> = effects.iter().filter(made).collect();
        match &outcome.state {
            State::Succeeded => {
                figures.succeeded += 1;
                if found.is_empty() {
                    return Err(format!("I3: {} succeeded without an effect", one.id));
                }
                let id = outcome.record_id.clone().unwrap_or_default();
                if one.kind != Kind::Delete && !found.iter().any(|e| same(&text(e, "id"), &id)) {
                    return Err(format!("I3: {} is told as {id} and is another", one.id));
                }
                if one.kind != Kind::Update && found.len() != 1 {
                    return Err(format!("I2: {} took effect {} times", one.id, found.len()));
                }
            }
            State::Dead { reason } => {
                figures.dead += 1;
                let honest = matches!(reason, Reason::InDoubt | Reason::Ambiguous);
                if !found.is_empty() && !honest {
                    return Err(format!("I3: {} is dead ({reason:?}) and took effect", one.id));
                }
                if one.kind == Kind::Update && *reason == Reason::Ambiguous && outcome.fault.is_none() {
                    return Err(format!("R7: {} is given up and nobody refused it", one.id));
                }
            }
            state => return Err(format!("I1: {} is {state:?} in the end", one.id)),
        }
    }
    Ok(())
}

fn text(effect: &Value, name: &str) -> String {
    effect[name].as_str().unwrap_or_default().to_owned()
}

fn quoted(text: &str) -> String {
    format!("{text}\"")
}

fn created(effect: &Value, subject: &str) -> bool {
    effect["verb"] == "create" && effect["fields"]["Subject"] == *subject
}

/// The case that the updates of a contact mean: also one whose flow was never told of it.
fn case_of(world: &World, one: &Accepted) -> Option<String> {
    let outcomes = world.ledger.outcomes();
    let case = outcomes.values().find(|o| o.group == one.group && o.name.as_deref() == Some("case"))?;
    case.record_id.clone()
}
