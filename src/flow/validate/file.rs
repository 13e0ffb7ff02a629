//! F: the shape of the file.

use std::collections::HashMap;

use super::{At, Repair, Report, Severity};
use crate::flow::catalogue::{self, ControlType};
use crate::flow::json::Json;
use crate::flow::model::{ACTION_KEYS, Action, Document};

/// Looks at the file; false where there are no actions to look at further.
pub(super) fn look(report: &mut Report, document: &Document) -> bool {
    let Json::Object(members) = document.json() else {
        report.add(
            "F001",
            Severity::Error,
            &At::FILE,
            format!("The file is {}, and a flow is an object.", document.json().kind()),
            "Export the flow again. The text is kept.",
        );
        return false;
    };
    let Some(Json::Array(actions)) = document.json().get("actions") else {
        let hint = if document.json().get("flow").or_else(|| document.json().get("document")).is_some() {
            "The flow seems to stand inside a record; import takes it out."
        } else {
            "A flow file has the form {\"actions\":[…]}."
        };
        report.add("F002", Severity::Error, &At::FILE, "`actions` is missing or is no list.", hint);
        return false;
    };
    for (key, _) in members {
        if key != "actions" && key != "name" {
            unknown(report, &At::FILE.below(key), key);
        }
    }
    let mut ids: HashMap<&str, usize> = HashMap::with_capacity(actions.len());
    for (index, json) in actions.iter().enumerate() {
        let action = Action::new(json);
        let at = At::action(index, action.id());
        let (Json::Object(_), Some(id), Some(_)) = (json, action.id(), action.kind()) else {
            report.add(
                "F003",
                Severity::Error,
                &at,
                format!("Action number {} has no text `id` or no text `type`.", index + 1),
                "Give it both, or remove it; it cannot run.",
            );
            continue;
        };
        if let Some(first) = ids.get(id) {
            report.add(
                "F004",
                Severity::Error,
                &at.below("id"),
                format!("The id {id} is that of action number {} too.", first + 1),
                "Give one of them another id, and say which one connections and expressions mean.",
            );
        } else {
            ids.insert(id, index);
        }
        one(report, action, &at);
    }
    true
}

fn one(report: &mut Report, action: Action<'_>, at: &At) {
    for (key, _) in action.json().members() {
        if !ACTION_KEYS.contains(&key.as_str()) {
            unknown(report, &at.below(key), key);
        }
    }
    for (key, value) in action.json().get("meta").map_or(&[][..], Json::members) {
        if key != "title" || value.as_str().is_none() {
            unknown(report, &at.below("meta").below(key), key);
        }
    }
    for key in ["controls", "ports", "meta"] {
        let value = action.json().get(key);
        if let Some(value) = value
            && !matches!(value, Json::Object(_) | Json::Null)
        {
            report.add(
                "F009",
                Severity::Error,
                &at.below(key),
                format!("`{key}` is {}, and must be an object.", value.kind()),
                "Write {} where there is nothing.",
            );
        }
    }
    if older(action) {
        report.add(
            "F007",
            Severity::Info,
            at,
            "Written in the older dialect (null for nothing, or no ports or meta).",
            "It is read as it was meant; the repair writes it in the newer dialect.",
        );
        report.fixable("Write it in the newer dialect", Repair::Normalise);
    }
    if let Some(id) = action.id()
        && !editor_form(id)
    {
        report.add(
            "F008",
            Severity::Info,
            &at.below("id"),
            format!("The id {id} is not of the form uid-N that the editor writes."),
            "It works. The repair gives it such an id in all connections and expressions.",
        );
        report.fixable("Renumber it everywhere", Repair::Renumber);
    }
    if action.position().is_none() {
        report.add(
            "F005",
            Severity::Warning,
            &at.below("position"),
            "The place on the stage is not two numbers.",
            "It is drawn where there is room; the repair writes that place.",
        );
        report.fixable("Lay it out", Repair::Place);
    }
}

/// `uid-` and digits.
pub(super) fn editor_form(id: &str) -> bool {
    id.strip_prefix("uid-").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether the newer dialect would write the action differently.
fn older(action: Action<'_>) -> bool {
    let absent_or_null = |key| matches!(action.json().get(key), None | Some(Json::Null));
    absent_or_null("controls")
        || absent_or_null("ports")
        || absent_or_null("meta")
        || action.json().get("ports").is_some_and(|p| p.members().iter().any(|(_, t)| *t == Json::Null))
        || action.controls().iter().any(|(_, v)| *v == Json::Null)
}

/// The action as the newer dialect writes it: keys in the editor's order, nothing null.
pub(super) fn normalised(json: &Json) -> Json {
    let action = Action::new(json);
    let block = action.kind().and_then(catalogue::block);
    let mut members = Vec::new();
    for key in ACTION_KEYS {
        let value = match (key, json.get(key)) {
            ("controls", Some(Json::Object(controls))) => Json::Object(
                controls
                    .iter()
                    .map(|(name, value)| {
                        let kind = block.and_then(|b| b.control(name)).map(|c| c.kind);
                        (name.clone(), if *value == Json::Null { nothing(kind) } else { value.clone() })
                    })
                    .collect(),
            ),
            ("ports", Some(Json::Object(ports))) => {
                Json::Object(ports.iter().filter(|(_, t)| *t != Json::Null).cloned().collect())
            }
            ("controls" | "ports" | "meta", None | Some(Json::Null)) => Json::object(),
            (_, Some(value)) => value.clone(),
            (_, None) => continue,
        };
        members.push((key.to_owned(), value));
    }
    members.extend(json.members().iter().filter(|(k, _)| !ACTION_KEYS.contains(&k.as_str())).cloned());
    Json::Object(members)
}

/// What null stands for in an argument of that type.
pub(super) fn nothing(kind: Option<ControlType>) -> Json {
    match kind {
        Some(ControlType::Map) => Json::object(),
        Some(ControlType::List) => Json::Array(Vec::new()),
        Some(ControlType::Boolean) => Json::Bool(false),
        _ => Json::text(""),
    }
}

fn unknown(report: &mut Report, at: &At, key: &str) {
    report.add(
        "F006",
        Severity::Info,
        at,
        format!("The key {key} is not known."),
        "It is kept as it is and changes nothing.",
    );
}
