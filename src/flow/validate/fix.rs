//! Safe repairs: those where only one thing can be meant. A run does after them what it did before,
//! or what it could not do for a lost hyphen.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::{Around, Diagnostic, Repair, escaped, file, layout, whole};
use crate::flow::json::Json;
use crate::flow::model::Document;
use crate::flow::path::Path;

/// A repair that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = AppliedFix))]
pub struct Applied {
    /// The code of the finding.
    pub code: &'static str,
    /// The action, as it was called before.
    pub action: Option<String>,
    /// Where.
    pub pointer: String,
    /// What was done.
    pub label: String,
}

/// Makes the safe repairs of a document: all, or those of these codes. What is not repaired stays
/// as it is, to the byte.
pub fn apply(document: &mut Document, around: &Around, codes: Option<&[String]>) -> Vec<Applied> {
    let wanted = |d: &Diagnostic| codes.is_none_or(|codes| codes.iter().any(|c| c == d.code));
    let findings: Vec<Diagnostic> = whole(document, around).into_iter().filter(wanted).collect();
    let places = findings.iter().any(|d| repair(d) == Some(&Repair::Place)).then(|| layout::places(document));
    let mut renumber = Vec::new();
    let mut applied = Vec::new();
    // Pointers into arguments go first: the newer dialect may move nothing but keys of an action.
    let replaced = replace(document, &findings);
    for (number, finding) in findings.iter().enumerate() {
        let Some(fix) = &finding.fix else { continue };
        let index = finding.order.wrapping_sub(1);
        let done = match &fix.repair {
            Repair::Replace(..) => replaced.contains(&number),
            Repair::Normalise => true,
            Repair::Place => {
                match (document.actions_mut().get_mut(index), places.as_ref().and_then(|p| p.get(index))) {
                    (Some(action), Some(place)) => {
                        action.set("position", place.clone());
                        true
                    }
                    _ => false,
                }
            }
            Repair::Renumber => {
                renumber.extend(finding.action.clone());
                true
            }
        };
        if done {
            applied.push(Applied {
                code: finding.code,
                action: finding.action.clone(),
                pointer: finding.pointer.clone(),
                label: fix.label.clone(),
            });
        }
    }
    for finding in findings.iter().filter(|d| repair(d) == Some(&Repair::Normalise)) {
        if let Some(action) = document.actions_mut().get_mut(finding.order.wrapping_sub(1)) {
            *action = file::normalised(action);
        }
    }
    rename(document, &renumber);
    applied
}

/// Puts each new value in its place, where the old one stands there; gives the numbers of those that
/// were put. Each object is looked at once, however many of its members are replaced.
fn replace(document: &mut Document, findings: &[Diagnostic]) -> HashSet<usize> {
    let mut by_parent: HashMap<&str, Vec<_>> = HashMap::new();
    for (number, finding) in findings.iter().enumerate() {
        if let Some(Repair::Replace(old, new)) = repair(finding)
            && let Some((parent, key)) = finding.pointer.rsplit_once('/')
        {
            by_parent.entry(parent).or_default().push((number, key, old, new));
        }
    }
    let mut replaced = HashSet::new();
    for (parent, repairs) in by_parent {
        let mut places: HashMap<String, &mut Json> = match at_mut(document.json_mut(), parent) {
            Some(Json::Object(members)) => {
                members.iter_mut().map(|(key, value)| (escaped(key), value)).collect()
            }
            Some(Json::Array(items)) => {
                items.iter_mut().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
            }
            _ => continue,
        };
        for (number, key, old, new) in repairs {
            if let Some(place) = places.get_mut(key).filter(|place| ***place == *old) {
                place.clone_from(new);
                replaced.insert(number);
            }
        }
    }
    replaced
}

fn repair(finding: &Diagnostic) -> Option<&Repair> {
    finding.fix.as_ref().map(|f| &f.repair)
}

/// Gives these actions ids of the editor's form, in connections and expressions too.
fn rename(document: &mut Document, ids: &[String]) {
    let mut taken: HashSet<String> = document.actions().filter_map(|a| a.id().map(str::to_owned)).collect();
    let mut next: u64 = document.free_id().trim_start_matches("uid-").parse().unwrap_or(0);
    let mut names: HashMap<String, String> = HashMap::new();
    for id in ids {
        if names.contains_key(id) {
            continue;
        }
        let mut name = format!("uid-{}", id.trim_start_matches("uid"));
        while !file::editor_form(&name) || taken.contains(&name) {
            name = format!("uid-{next}");
            next = next.wrapping_add(1);
        }
        taken.insert(name.clone());
        names.insert(id.clone(), name);
    }
    if names.is_empty() {
        return;
    }
    for action in document.actions_mut() {
        if let Some(Json::Text(id)) = action.get_mut("id")
            && let Some(name) = names.get(id)
        {
            id.clone_from(name);
        }
        if let Some(Json::Object(ports)) = action.get_mut("ports") {
            for (_, target) in ports {
                if let Json::Text(id) = target
                    && let Some(name) = names.get(id)
                {
                    id.clone_from(name);
                }
            }
        }
        if let Some(controls) = action.get_mut("controls") {
            rewrite(controls, &names);
        }
    }
}

fn rewrite(value: &mut Json, names: &HashMap<String, String>) {
    match value {
        Json::Text(text) => {
            if let Some(path) = Path::parse(text)
                && let Some(name) = path.action().and_then(|id| names.get(id))
            {
                *text = path.with_action(name).to_string();
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|v| rewrite(v, names)),
        Json::Object(members) => members.iter_mut().for_each(|(_, v)| rewrite(v, names)),
        _ => {}
    }
}

/// What a JSON pointer points at.
fn at_mut<'j>(json: &'j mut Json, pointer: &str) -> Option<&'j mut Json> {
    let mut here = json;
    for part in pointer.split('/').skip(1) {
        let key = part.replace("~1", "/").replace("~0", "~");
        here = match here {
            Json::Array(items) => items.get_mut(key.parse::<usize>().ok()?)?,
            object => object.get_mut(&key)?,
        };
    }
    Some(here)
}
