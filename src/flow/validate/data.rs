//! X: expressions, and whether what they read can be there.

use std::collections::HashSet;

use super::graph::{Graph, Node};
use super::{Around, At, Repair, Report, Severity};
use crate::flow::catalogue;
use crate::flow::json::Json;
use crate::flow::path::{self, Path, Root};

pub(super) fn look(report: &mut Report, graph: &Graph<'_>, around: &Around) {
    let mut flows =
        Flows { from: vec![None; graph.nodes.len()], after_failure: vec![None; graph.nodes.len()] };
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        for (name, value) in node.action.controls() {
            let optional = node.block.is_some_and(|b| b.control(name).is_none_or(|c| !c.required));
            let dead = node.kind() == "SE_SFCreateTask" && name == "TaskSubType";
            if !dead {
                let reader = Reader { graph, around, index, optional, control: name };
                each(value, &node.at.below("controls").below(name), &mut |text, at| {
                    expression(report, &reader, &mut flows, text, at);
                });
            }
        }
        if node.kind() == "SE_CoreStringTemplate" {
            template(report, node);
        }
    }
}

/// Every text of a value, with where it stands.
fn each(value: &Json, at: &At, found: &mut impl FnMut(&str, &At)) {
    match value {
        Json::Text(text) => found(text, at),
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each(item, &at.below(&index.to_string()), found);
            }
        }
        Json::Object(members) => {
            for (key, item) in members {
                each(item, &at.below(key), found);
            }
        }
        _ => {}
    }
}

struct Reader<'g, 'd> {
    graph: &'g Graph<'d>,
    around: &'g Around,
    index: usize,
    optional: bool,
    control: &'g str,
}

/// What is reached from a producer, computed once per producer.
struct Flows {
    from: Vec<Option<Vec<bool>>>,
    after_failure: Vec<Option<Vec<bool>>>,
}

fn expression(report: &mut Report, reader: &Reader<'_, '_>, flows: &mut Flows, text: &str, at: &At) {
    let node = &reader.graph.nodes[reader.index];
    if !text.starts_with('$') {
        let template = node.kind() == "SE_CoreStringTemplate" && reader.control == "template";
        let placed = Root::NAMES.iter().any(|root| text.contains(&format!("$.{root}")));
        if placed || (text.contains("${") && !template) {
            report.add(
                "X410",
                Severity::Warning,
                at,
                "An expression inside ordinary text is not filled in.",
                "Fill it with a String Template, and use its result here.",
            );
        }
        return;
    }
    let template_text =
        node.kind() == "SE_CoreStringTemplate" && reader.control == "template" && text.starts_with("${");
    let Some(path) = Path::parse(text) else {
        if !template_text {
            not_one(report, reader, text, at);
        }
        return;
    };
    let Some(root) = path.root() else {
        report.add(
            "X402",
            Severity::Error,
            at,
            "An expression with an unknown root.",
            format!("It begins with one of: {}.", Root::NAMES.map(|n| format!("$.{n}")).join(", ")),
        );
        return;
    };
    available(report, reader, root, at);
    if root == Root::Contact && path.key(1) == Some("parsedNumber") && path.key(2) == Some("phone") {
        changed(report, text, &path.with_key(2, "number"), at);
    }
    if root == Root::Payload {
        payload(report, reader, &path, at);
    }
    reads(report, reader, flows, text, &path, at);
}

fn not_one(report: &mut Report, reader: &Reader<'_, '_>, text: &str, at: &At) {
    let first = text.trim_start_matches('$').split('.').next().unwrap_or_default();
    let meant = ["uid-", "uid"]
        .iter()
        .map(|p| format!("{p}{first}"))
        .find(|id| reader.graph.by_id.contains_key(id.as_str()));
    let hint = match meant {
        Some(id) => format!("Perhaps $.actions.{id}… is meant. As it stands it is plain text."),
        None => "An expression has the form $.actions.<id>.results.<name>. As it stands it is plain text."
            .to_owned(),
    };
    report.add("X401", Severity::Error, at, "It begins with $ but is no expression.", hint);
}

fn available(report: &mut Report, reader: &Reader<'_, '_>, root: Root, at: &At) {
    let name = match root {
        Root::Payload => "payload",
        Root::Contact => "contact",
        Root::Agent => "agent",
        Root::Actions | Root::Properties => return,
    };
    if let Some(source) = reader.around.source.as_deref().and_then(catalogue::source)
        && !source.context.iter().any(|c| c.root == name)
    {
        report.add(
            "X408",
            Severity::Warning,
            at,
            format!("There is no $.{name} in a flow of {}.", source.label),
            "The value is missing in every run.",
        );
    }
}

fn changed(report: &mut Report, text: &str, newer: &Path, at: &At) {
    report.add(
        "X409",
        Severity::Warning,
        at,
        "parsedNumber.phone became parsedNumber.number in version 5.22.",
        "Tieline reads both; the adapter reads the newer one.",
    );
    report.fixable("Read the newer name", Repair::Replace(Json::text(text), Json::text(newer.to_string())));
}

/// A payload key against what the event gives.
fn payload(report: &mut Report, reader: &Reader<'_, '_>, path: &Path, at: &At) {
    let Some(key) = path.key(1) else { return };
    let gives: Vec<&str> = if let Some(fields) = &reader.around.form_fields {
        fields.iter().map(String::as_str).collect()
    } else {
        let event = (reader.around.source.as_deref().and_then(catalogue::source))
            .and_then(|s| s.event(reader.around.event.as_deref()?))
            .filter(|e| !e.open_payload && !e.payload.is_empty());
        let Some(event) = event else { return };
        event.payload.iter().map(|f| f.name.as_str()).collect()
    };
    if !gives.contains(&key) {
        report.add(
            "S508",
            Severity::Warning,
            at,
            format!("Nothing gives the payload key {key}."),
            format!("There are: {}.", gives.join(", ")),
        );
    }
}

fn reads(report: &mut Report, reader: &Reader<'_, '_>, flows: &mut Flows, text: &str, path: &Path, at: &At) {
    let Some(id) = path.action() else { return };
    let graph = reader.graph;
    let Some(producer) = graph.by_id.get(id).copied() else {
        let near = if report.is_full("X403") { None } else { graph.nearest(id) };
        let hint = match near {
            Some((name, _)) => format!("Perhaps {name} is meant."),
            None => "The block was removed or renamed. Choose the value again.".to_owned(),
        };
        report.add("X403", Severity::Error, at, format!("It reads {id}, and there is no such action."), hint);
        if let Some((name, true)) = near {
            report.fixable(
                format!("Read {name}"),
                Repair::Replace(Json::text(text), Json::text(path.with_action(name).to_string())),
            );
        }
        return;
    };
    let made = &graph.nodes[producer];
    fields(report, made, path, at);
    if path.result() == Some("parsedNumber")
        && path.key(4) == Some("phone")
        && made.kind() == "SE_ContactProperties"
    {
        changed(report, text, &path.with_key(4, "number"), at);
    }
    if !graph.has_data_flow() {
        return;
    }
    let reached =
        flows.from[producer].get_or_insert_with(|| graph.reachable(made.out.iter().map(|(_, t)| *t), None));
    if !reached[reader.index] {
        report.add(
            "X404",
            Severity::Error,
            at,
            format!("{} does not come before this block.", made.name()),
            "Its result can never be there. Connect it before, or choose another value.",
        );
        return;
    }
    if !graph.reached[reader.index] || graph.start.is_none() {
        return;
    }
    let severity = if reader.optional { Severity::Info } else { Severity::Warning };
    if !graph.dominates(producer, reader.index) {
        report.add(
            "X405",
            severity,
            at,
            format!("{} does not run on every path to this block.", made.name()),
            "The value is missing where it did not run; a missing value is left out.",
        );
    }
    if path.key(2) == Some("results")
        && let Some((_, failed)) = made.out.iter().find(|(port, _)| *port == "failure")
    {
        let after =
            flows.after_failure[producer].get_or_insert_with(|| graph.reachable([*failed], Some(producer)));
        if after[reader.index] {
            report.add(
                "X406",
                severity,
                at,
                format!("This block is reached when {} failed, too.", made.name()),
                "A block that failed has no results; a missing value is left out.",
            );
        }
    }
}

/// The part of the record that is read, against what the block returns.
fn fields(report: &mut Report, made: &Node<'_>, path: &Path, at: &At) {
    match path.key(2) {
        Some("results") => {}
        Some("success" | "exception") | None => return,
        Some(other) => {
            report.add(
                "X407",
                Severity::Warning,
                at,
                format!("The record of {} has no {other}.", made.name()),
                "A record has results, success and exception.",
            );
            return;
        }
    }
    let (Some(block), Some(name)) = (made.block, path.result()) else { return };
    if block.results.is_empty() {
        report.add(
            "X412",
            Severity::Warning,
            at,
            format!("{} has no results.", made.name()),
            "The value is missing in every run.",
        );
    } else if !block.results.iter().any(|r| r.name == name) {
        let has: Vec<&str> = block.results.iter().map(|r| r.name.as_str()).collect();
        report.add(
            "X407",
            Severity::Warning,
            at,
            format!("{} has no result {name}.", made.name()),
            format!("It has: {}.", has.join(", ")),
        );
    }
}

/// The places of a String Template against its variables.
fn template(report: &mut Report, node: &Node<'_>) {
    let Some(template) = node.action.control("template").and_then(Json::as_str) else { return };
    if Path::parse(template).is_some() {
        return;
    }
    let Some(Json::Object(variables)) = node.action.control("variables") else { return };
    let places = path::places(template);
    let (used, known): (HashSet<&str>, HashSet<&str>) =
        (places.iter().copied().collect(), variables.iter().map(|(name, _)| name.as_str()).collect());
    let at = node.at.below("controls");
    for (name, _) in variables.iter().filter(|(name, _)| !used.contains(name.as_str())) {
        report.add(
            "X411",
            Severity::Warning,
            &at.below("variables").below(name),
            format!("The variable {name} is not used in the template."),
            format!("Write ${{{name}}} where it belongs, or remove it."),
        );
    }
    for place in places.iter().filter(|place| !known.contains(*place)) {
        report.add(
            "X411",
            Severity::Warning,
            &at.below("template"),
            format!("The template has a place {place}, and there is no such variable."),
            "Add the variable; the place stays as it is written.",
        );
    }
}
