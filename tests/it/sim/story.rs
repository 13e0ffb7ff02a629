//! A failing seed, told: what was untrue, and the days of each contact as one line of time.

use std::fmt::Write as _;

use super::run::Accepted;
use super::world::{T0, World};

/// The seed, what was untrue, and everything that happened, contact by contact.
pub(super) fn told(seed: u64, what: &str, world: &World, accepted: &[Accepted]) -> String {
    let mut story = format!("seed {seed}: {what}\n");
    let outcomes = world.ledger.outcomes();
    let effects = world.ledger.effects();
    let mut groups: Vec<&str> = outcomes.values().map(|outcome| outcome.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let mut lines = Vec::new();
        for outcome in outcomes.values().filter(|outcome| outcome.group == group) {
            let known = accepted.iter().find(|one| one.id == outcome.id);
            let name = known
                .map_or_else(|| format!("({})", outcome.verb), |one| format!("{:?} {}", one.kind, one.text));
            lines.push((outcome.accepted_at, format!("{name}: accepted as {}", outcome.id)));
            lines.extend(outcome.history.iter().map(|m| (m.at, format!("{name}: {} {}", m.what, m.code))));
            let end = outcome.done_at.unwrap_or_else(|| world.now.now());
            let record = outcome.record_id.as_deref().unwrap_or("no record");
            lines.push((end, format!("{name}: {:?}, claim {}, {record}", outcome.state, outcome.fence)));
            for effect in &effects {
                let id = effect["id"].as_str().unwrap_or_default();
                let ours = effect["key"] == outcome.id.as_str() || Some(id) == outcome.record_id.as_deref();
                let own = known.is_none_or(|one| effect.to_string().contains(&one.text));
                if ours && own {
                    let at = tieline::time::Timestamp::from_millis(effect["at"].as_i64().unwrap_or_default());
                    lines.push((at, format!("{name}: effect in the org: {} {id}", effect["verb"])));
                }
            }
        }
        lines.sort_by_key(|(at, _)| *at);
        writeln!(story, " {group}").unwrap();
        for (at, line) in lines {
            writeln!(story, "  {:>9.3} s  {line}", at.since(T0).as_secs_f64()).unwrap();
        }
    }
    story
}
