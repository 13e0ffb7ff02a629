//! T and C: blocks that are known or not, and what is written into their arguments.

use super::graph::{Graph, Node};
use super::{Around, At, Repair, Report, Severity, nearest};
use crate::flow::catalogue::{self, Control, ControlType, Executor, catalogue};
use crate::flow::json::Json;
use crate::flow::path::Path;

/// Blocks whose result is a text put together from others.
const BUILT: [&str; 3] = ["SE_CoreStringTemplate", "SE_CoreJoinStrings", "SE_CoreReplaceString"];

pub(super) fn look(report: &mut Report, graph: &Graph<'_>, around: &Around) {
    for node in &graph.nodes {
        if node.action.kind().is_none() {
            continue;
        }
        kind(report, node, around);
        arguments(report, graph, node);
    }
}

fn kind(report: &mut Report, node: &Node<'_>, around: &Around) {
    let at = node.at.below("type");
    let Some(block) = node.block else {
        let kinds = catalogue().blocks.iter().map(|b| b.kind.as_str());
        let hint = match if report.has_many("T201") { None } else { nearest(node.kind(), kinds) } {
            Some((name, _)) => format!("Perhaps {name} is meant. It is kept as it is."),
            None => "It is kept as it is. A run that comes to it leaves by failure.".to_owned(),
        };
        report.add("T201", Severity::Warning, &at, format!("The block {} is not known.", node.kind()), hint);
        return;
    };
    if block.evidence.kind == "inferred" {
        report.add(
            "T202",
            Severity::Info,
            &at,
            format!("{} is a name that Tieline inferred.", block.kind),
            "Tieline runs it; the adapter may know this block by another name.",
        );
    }
    if let Some(why) = &block.deprecated {
        report.add("T203", Severity::Warning, &at, format!("{} is deprecated.", node.name()), why.as_str());
    }
    if let Some(source) = around.source.as_deref().and_then(catalogue::source)
        && !block.sources.contains(&source.id)
    {
        report.add(
            "T204",
            Severity::Warning,
            &at,
            format!("{} makes no sense in a flow of {}.", node.name(), source.label),
            "What it works on is not there. Use it in a flow of another source.",
        );
    }
    if block.dangerous {
        let hint = block.safety.as_deref().unwrap_or("Look closely at what can be written into it.");
        report.add(
            "T205",
            Severity::Warning,
            &at,
            format!("{} can do harm by what is written into it.", node.name()),
            hint,
        );
    }
}

fn arguments(report: &mut Report, graph: &Graph<'_>, node: &Node<'_>) {
    let controls = node.at.below("controls");
    for name in node.action.json().get("controls").map_or_else(Vec::new, Json::doubles) {
        report.add(
            "C309",
            Severity::Warning,
            &controls.below(name),
            format!("The argument {name} of {} stands twice.", node.name()),
            "Keep one; the last one counts.",
        );
    }
    let Some(block) = node.block else { return };
    for (name, value) in node.action.controls() {
        let at = controls.below(name);
        match block.control(name) {
            Some(control) => argument(report, graph, node, control, value, &at),
            None if block.kind == "SE_SFCreateTask" && name == "TaskSubType" => {
                report.add(
                    "C306",
                    Severity::Info,
                    &at,
                    "TaskSubType is a misspelling of versions before 5.4; it does nothing.",
                    "TaskSubtype is the one that counts. It is kept.",
                );
            }
            None => {
                let names = block.controls.iter().map(|c| c.name.as_str());
                let hint = match if report.has_many("C302") { None } else { nearest(name, names) } {
                    Some((known, _)) => format!("Perhaps {known} is meant. It is kept."),
                    None => "It is kept and does nothing.".to_owned(),
                };
                report.add(
                    "C302",
                    Severity::Info,
                    &at,
                    format!("{} has no argument {name}.", node.name()),
                    hint,
                );
            }
        }
    }
    for control in block.controls.iter().filter(|c| c.required && c.default.is_none()) {
        if node.action.control(&control.name).is_none() {
            report.add(
                "C301",
                Severity::Error,
                &controls,
                format!("{} lacks its argument {}.", node.name(), control.name),
                format!("Give it {}.", control.label.to_lowercase()),
            );
        }
    }
}

fn argument(
    report: &mut Report,
    graph: &Graph<'_>,
    node: &Node<'_>,
    control: &Control,
    value: &Json,
    at: &At,
) {
    let empty = match value {
        Json::Null => true,
        Json::Text(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    };
    if empty {
        if control.required {
            report.add(
                "C301",
                Severity::Warning,
                at,
                format!("{} of {} is empty.", control.name, node.name()),
                format!("Give it {}.", control.label.to_lowercase()),
            );
        }
        return;
    }
    if let Json::Text(text) = value {
        if text == "null" || text == "undefined" {
            report.add(
                "C307",
                Severity::Info,
                at,
                format!("{} is the text {text}.", control.name),
                "Save (or Create) a Record reads it as nothing; everywhere else it is that text.",
            );
            return;
        }
        if text.starts_with('$') {
            built(report, graph, node, control, text, at);
            return;
        }
    }
    literal(report, node, control, value, at);
    for key in value.doubles() {
        report.add(
            "C309",
            Severity::Warning,
            &at.below(key),
            format!("The key {key} stands twice in {}.", control.name),
            "Keep one; the last one counts.",
        );
    }
    for (key, item) in value.members() {
        if key.trim().is_empty() {
            report.add(
                "C309",
                Severity::Warning,
                at,
                format!("A key of {} is empty.", control.name),
                "Name it, or remove the line.",
            );
        }
        if matches!(item, Json::Object(_) | Json::Array(_)) {
            wrong(report, node, control, item, "text or an expression", &at.below(key));
        }
    }
}

/// A literal against the type of its argument.
fn literal(report: &mut Report, node: &Node<'_>, control: &Control, value: &Json, at: &At) {
    match (control.kind, value) {
        (ControlType::Text, Json::Text(_) | Json::Number(_))
        | (ControlType::Any, Json::Text(_) | Json::Number(_) | Json::Bool(_))
        | (ControlType::Boolean, Json::Bool(_))
        | (ControlType::Map, Json::Object(_))
        | (ControlType::List, Json::Array(_) | Json::Text(_))
        | (ControlType::Number, Json::Number(_)) => {}
        (ControlType::Number, Json::Text(text)) => {
            if text.trim().parse::<f64>().ok().filter(|n| n.is_finite()).is_none() {
                report.add(
                    "C305",
                    Severity::Error,
                    at,
                    format!("{} of {} is not a number.", control.name, node.name()),
                    "Write digits, or an expression.",
                );
            }
        }
        (ControlType::Select, Json::Text(text)) => {
            if !control.options.contains(text) {
                report.add(
                    "C304",
                    Severity::Warning,
                    at,
                    format!("{} of {} is not among the options.", control.name, node.name()),
                    format!("One of: {}.", control.options.join(", ")),
                );
            }
        }
        (ControlType::Boolean, Json::Text(text)) if text == "true" || text == "false" => {
            wrong(report, node, control, value, "a check box", at);
            report.fixable(
                format!("Make it the check box value {text}"),
                Repair::Replace(value.clone(), Json::Bool(text == "true")),
            );
        }
        (kind, _) => {
            let wanted = match kind {
                ControlType::Map => "names with values",
                ControlType::List => "a list",
                ControlType::Boolean => "a check box",
                ControlType::Number => "a number",
                _ => "text or an expression",
            };
            wrong(report, node, control, value, wanted, at);
        }
    }
}

fn wrong(report: &mut Report, node: &Node<'_>, control: &Control, value: &Json, wanted: &str, at: &At) {
    report.add(
        "C303",
        Severity::Error,
        at,
        format!("{} of {} is {}, and must be {wanted}.", control.name, node.name(), value.kind()),
        "Write it again in the editor.",
    );
}

/// SOQL or an address that was put together from other values.
fn built(report: &mut Report, graph: &Graph<'_>, node: &Node<'_>, control: &Control, text: &str, at: &At) {
    let soql =
        node.block.is_some_and(|b| b.executor == Executor::ServerSalesforce) && control.name == "query";
    if !soql && control.name != "url" {
        return;
    }
    let Some(path) = Path::parse(text) else { return };
    let from_text = match path.action() {
        Some(id) => graph.by_id.get(id).is_some_and(|i| BUILT.contains(&graph.nodes[*i].kind())),
        None => path.root().is_some(),
    };
    if from_text {
        let what = if soql { "The SOQL" } else { "The address" };
        report.add(
            "C308",
            Severity::Warning,
            at,
            format!("{what} of {} is built from values that nobody escaped.", node.name()),
            "A caller who can set one of the values can change what it says. Use a lookup block, or values of a known form.",
        );
    }
}
