//! S: well-formed, and yet hardly what was meant.

use std::collections::{BTreeSet, HashSet};

use super::graph::{Graph, Node};
use super::{Around, At, Report, Severity};
use crate::flow::catalogue::{self, Executor};
use crate::flow::json::Json;
use crate::flow::model::Action;
use crate::flow::path::{Path, Root};

/// The longest that a run may take.
const RUN_LIMIT_MS: f64 = 60_000.0;

pub(super) fn look(report: &mut Report, graph: &Graph<'_>, around: &Around) {
    for node in &graph.nodes {
        constant(report, node);
    }
    events(report, graph, around);
    delays(report, graph);
    stores(report, graph, around);
    form(report, graph, around);
    if let Some(other) = around.also_active.first() {
        report.add(
            "S504",
            Severity::Warning,
            &At::FILE,
            format!("{other} is active for the same source and event."),
            "Both run, in their order. Usually one flow is meant.",
        );
    }
    let empty = graph.start.is_some_and(|s| match graph.nodes[s].out.as_slice() {
        [(_, target)] => graph.nodes[*target].kind() == "SE_End",
        _ => false,
    });
    if empty {
        report.add(
            "S506",
            Severity::Info,
            &At::FILE.below("actions"),
            "Start leads straight to End: the flow does nothing.",
            "Put blocks between them.",
        );
    }
}

fn constant(report: &mut Report, node: &Node<'_>) {
    let Some(block) = node.block else { return };
    if block.executor != Executor::Engine || !block.has_port("true") {
        return;
    }
    let mut given = block.controls.iter().filter_map(|c| node.action.control(&c.name)).peekable();
    if given.peek().is_some() && given.all(|v| !reads(v)) {
        report.add(
            "S501",
            Severity::Warning,
            &node.at.below("controls"),
            format!("{} compares values that never change.", node.name()),
            "It always goes the same way. Choose a value of an earlier block.",
        );
    }
}

fn reads(value: &Json) -> bool {
    match value {
        Json::Text(text) => Path::parse(text).is_some(),
        Json::Array(items) => items.iter().any(reads),
        Json::Object(members) => members.iter().any(|(_, v)| reads(v)),
        _ => false,
    }
}

fn events(report: &mut Report, graph: &Graph<'_>, around: &Around) {
    let event = (around.source.as_deref().and_then(catalogue::source))
        .and_then(|s| s.event(around.event.as_deref()?));
    let Some(event) = event else { return };
    for node in &graph.nodes {
        let creates = match node.kind() {
            "SE_SFCreateTask" | "SE_AgentCreateTaskContact" => true,
            "SE_SFSaveLog" => match node.action.control("recordId") {
                Some(Json::Text(id)) => matches!(id.as_str(), "" | "null" | "undefined"),
                _ => true,
            },
            _ => false,
        };
        if creates && event.repeats {
            report.add(
                "S502",
                Severity::Warning,
                &node.at,
                format!(
                    "{} creates something each time {} comes, and it comes several times for one contact.",
                    node.name(),
                    event.name
                ),
                "Create on an event that comes once, such as onConnecting.",
            );
        }
        let pops = node.kind().starts_with("SE_SFScreenpop") || node.kind() == "SE_SFSearchAndScreenpop";
        let calls = node.block.is_some_and(|b| b.executor == Executor::ServerSalesforce);
        if event.often && (pops || calls) {
            let what = if pops { "opens a page" } else { "calls Salesforce" };
            report.add(
                "S507",
                Severity::Warning,
                &node.at,
                format!("{} {what} each time {} comes, which can be every second.", node.name(), event.name),
                "Use an event that comes once, or remember in a property that it was done.",
            );
        }
    }
}

/// The longest path of delays written as numbers; connections back are not followed.
fn delays(report: &mut Report, graph: &Graph<'_>) {
    let Some(start) = graph.start else { return };
    let order = graph.reverse_postorder(start);
    let mut rank = vec![0; graph.nodes.len()];
    order.iter().enumerate().for_each(|(r, n)| rank[*n] = r);
    let mut waited = vec![0.0_f64; graph.nodes.len()];
    let mut worst: Option<(usize, f64)> = None;
    for &index in &order {
        let node = &graph.nodes[index];
        if node.kind() == "SE_CoreDelay" {
            let written = match node.action.control("milliseconds") {
                Some(Json::Text(text)) => text.trim().parse().unwrap_or(0.0),
                Some(number) => number.as_f64().unwrap_or(0.0),
                None => 1000.0,
            };
            waited[index] += written.max(0.0);
            if waited[index] > RUN_LIMIT_MS && worst.is_none_or(|(_, most)| waited[index] > most) {
                worst = Some((index, waited[index]));
            }
        }
        for (_, target) in &node.out {
            if rank[*target] > rank[index] {
                waited[*target] = waited[*target].max(waited[index]);
            }
        }
    }
    if let Some((index, sum)) = worst {
        let node = &graph.nodes[index];
        report.add(
            "S503",
            Severity::Warning,
            &node.at,
            format!("Up to {} the delays add up to {sum} ms; a run may take {RUN_LIMIT_MS} ms.", node.name()),
            "The run is ended before. Wait less.",
        );
    }
}

fn stores(report: &mut Report, graph: &Graph<'_>, around: &Around) {
    let own = written(graph.nodes.iter().map(|node| node.action));
    let (Some(elsewhere), Some(own)) = (&around.properties_written, own) else { return };
    for node in graph.nodes.iter().filter(|n| n.kind() == "SE_GetProperty") {
        let Some(key) = node.action.control("key").and_then(Json::as_str) else { continue };
        let literal = !key.is_empty() && Path::parse(key).is_none();
        if literal && key != "userProfile" && !own.contains(key) && !elsewhere.contains(key) {
            report.add(
                "S505",
                Severity::Info,
                &node.at.below("controls").below("key"),
                format!("No flow writes the property {key}."),
                "The default value is taken in every run.",
            );
        }
    }
}

/// The keys that these actions write to the property store; none where a key is computed.
pub(super) fn written<'d>(actions: impl Iterator<Item = Action<'d>>) -> Option<BTreeSet<String>> {
    let mut keys = BTreeSet::new();
    for action in actions.filter(|action| action.kind() == Some("SE_SetProperty")) {
        let key = action.control("key").and_then(Json::as_str).unwrap_or_default();
        if Path::parse(key).is_some() {
            return None;
        }
        keys.insert(key.to_owned());
    }
    Some(keys)
}

/// Form fields that nobody reads. A flow that takes the payload whole reads them all.
fn form(report: &mut Report, graph: &Graph<'_>, around: &Around) {
    let Some(fields) = &around.form_fields else { return };
    if graph.nodes.iter().any(|n| n.kind() == "SE_GetPayload") {
        return;
    }
    let mut read = HashSet::new();
    for node in &graph.nodes {
        node.action.controls().iter().for_each(|(_, v)| payload_keys(v, &mut read));
    }
    for field in fields.iter().filter(|f| !read.contains(f.as_str())) {
        report.add(
            "S508",
            Severity::Warning,
            &At::FILE,
            format!("The form field {field} is never read."),
            format!("Use $.payload.{field}, or remove the field."),
        );
    }
}

fn payload_keys(value: &Json, read: &mut HashSet<String>) {
    match value {
        Json::Text(text) => {
            if let Some(path) = Path::parse(text)
                && path.root() == Some(Root::Payload)
                && let Some(key) = path.key(1)
            {
                read.insert(key.to_owned());
            }
        }
        Json::Array(items) => items.iter().for_each(|v| payload_keys(v, read)),
        Json::Object(members) => members.iter().for_each(|(_, v)| payload_keys(v, read)),
        _ => {}
    }
}
