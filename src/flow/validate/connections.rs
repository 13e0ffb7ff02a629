//! G: Start and End, connections, and the paths that they make.

use std::collections::HashSet;

use super::graph::{Graph, Node};
use super::{At, Repair, Report, Severity};
use crate::flow::catalogue::Executor;
use crate::flow::json::Json;

pub(super) fn look(report: &mut Report, graph: &Graph<'_>) {
    ends(report, graph);
    for index in 0..graph.nodes.len() {
        connections(report, graph, index);
    }
    paths(report, graph);
}

fn ends(report: &mut Report, graph: &Graph<'_>) {
    let of = |kind: &str| -> Vec<&Node<'_>> { graph.nodes.iter().filter(|n| n.kind() == kind).collect() };
    let (starts, ends) = (of("SE_Start"), of("SE_End"));
    let list = At::FILE.below("actions");
    if starts.is_empty() {
        report.add(
            "G101",
            Severity::Error,
            &list,
            "There is no Start.",
            "Add a Start and connect it to the first block.",
        );
    }
    for start in starts.iter().skip(1) {
        report.add(
            "G102",
            Severity::Error,
            &start.at,
            format!("{} is a second Start.", start.name()),
            "Keep one Start; a run begins at one place.",
        );
    }
    if ends.is_empty() {
        report.add(
            "G103",
            Severity::Warning,
            &list,
            "There is no End.",
            "Add an End, so that a finished run can be told from one that stopped.",
        );
    }
    for end in ends.iter().skip(1) {
        report.add(
            "G104",
            Severity::Info,
            &end.at,
            format!("{} is a further End.", end.name()),
            "It works; the adapter's editor draws one.",
        );
    }
}

fn connections(report: &mut Report, graph: &Graph<'_>, index: usize) {
    let node = &graph.nodes[index];
    for port in node.action.json().get("ports").map_or_else(Vec::new, Json::doubles) {
        report.add(
            "G113",
            Severity::Error,
            &node.at.below("ports").below(port),
            format!("{port} of {} stands twice, with a target each.", node.name()),
            "An output leads to one block; the last one counts. Remove the other.",
        );
    }
    for (port, target) in node.action.ports() {
        let at = node.at.below("ports").below(port);
        if let Some(block) = node.block
            && !block.has_port(port)
        {
            let outputs = if block.ports.is_empty() { "none".to_owned() } else { block.ports.join(", ") };
            report.add(
                "G106",
                Severity::Error,
                &at,
                format!("{} has no output {port}.", node.name()),
                format!("Its outputs: {outputs}."),
            );
        }
        match target {
            Json::Text(id) => match graph.by_id.get(id.as_str()) {
                None => {
                    report.add(
                        "G105",
                        Severity::Error,
                        &at,
                        format!("{port} of {} leads to {id}, which does not exist.", node.name()),
                        "Connect it again.",
                    );
                    if !report.is_full("G105")
                        && let Some((name, true)) = graph.nearest(id)
                    {
                        let repair = Repair::Replace(target.clone(), Json::text(name));
                        report.fixable(format!("Connect it to {name}"), repair);
                    }
                }
                Some(to) if *to == index => {
                    report.add(
                        "G108",
                        Severity::Error,
                        &at,
                        format!("{} is connected to itself.", node.name()),
                        "Connect it to another block.",
                    );
                }
                Some(to) if graph.nodes[*to].kind() == "SE_Start" => {
                    report.add(
                        "G107",
                        Severity::Error,
                        &at,
                        format!("{port} of {} leads into Start.", node.name()),
                        "Connect it to the block after Start.",
                    );
                }
                Some(_) => {}
            },
            Json::Array(_) => {
                report.add(
                    "G113",
                    Severity::Error,
                    &at,
                    format!("{port} of {} has several targets.", node.name()),
                    "An output leads to one block; put the others one after the other.",
                );
            }
            other => {
                report.add(
                    "F009",
                    Severity::Error,
                    &at,
                    format!("The target of {port} is {}, and must be the id of an action.", other.kind()),
                    "Connect it again.",
                );
            }
        }
    }
    for port in node.block.map_or(&[][..], |b| &b.ports) {
        if node.action.ports().any(|(p, _)| p == port) {
            continue;
        }
        let severity =
            if matches!(port.as_str(), "done" | "success") { Severity::Warning } else { Severity::Info };
        report.add(
            "G111",
            severity,
            &node.at.below("ports"),
            format!("{port} of {} is not connected.", node.name()),
            "The run stops there. Connect it if that is not what is meant.",
        );
    }
    if let (Some(success), Some(failure)) = (node.target("success"), node.target("failure"))
        && success == failure
    {
        let severity = match graph.nodes[success].kind() {
            // Nothing is left to do either way: the most usual ending of published flows.
            "SE_End" => return,
            "SE_Log" => Severity::Info,
            _ => Severity::Warning,
        };
        report.add(
            "G114",
            severity,
            &node.at.below("ports"),
            format!("Success and failure of {} lead to the same block.", node.name()),
            "A failure goes unnoticed there. Give it a path of its own, or a Log.",
        );
    }
}

fn paths(report: &mut Report, graph: &Graph<'_>) {
    for group in graph.cycles() {
        let inside: HashSet<usize> = group.iter().copied().collect();
        let way_out = group.iter().any(|n| {
            let node = &graph.nodes[*n];
            node.out.iter().any(|(_, t)| !inside.contains(t))
                || node.block.is_some_and(|b| b.ports.len() > node.out.len())
        });
        let waits = group.iter().any(|n| {
            let node = &graph.nodes[*n];
            node.kind() == "SE_CoreDelay" || node.block.is_none_or(|b| b.executor != Executor::Engine)
        });
        let first = group.iter().copied().min().unwrap_or_default();
        let node = &graph.nodes[first];
        let (severity, hint) = match (way_out, waits) {
            (false, _) => (
                Severity::Error,
                "Nothing leads out of it: a run would end at its limit. Add a condition that leaves it.",
            ),
            (true, false) => (
                Severity::Error,
                "Nothing in it waits or calls: a run would go round at full speed. Add a Delay, or undo the connection back.",
            ),
            (true, true) => (
                Severity::Warning,
                "A run may go round until its limit of time. Count the rounds, or undo the connection back.",
            ),
        };
        report.add(
            "G109",
            severity,
            &node.at,
            format!("{} is part of a cycle of {} blocks.", node.name(), group.len()),
            hint,
        );
    }
    let ends: Vec<usize> =
        graph.nodes.iter().enumerate().filter(|(_, n)| n.kind() == "SE_End").map(|(i, _)| i).collect();
    let mut ending = vec![false; graph.nodes.len()];
    let mut stack = ends.clone();
    while let Some(node) = stack.pop() {
        if !std::mem::replace(&mut ending[node], true) {
            stack.extend(&graph.nodes[node].into);
        }
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        if !graph.reached[index] {
            report.add(
                "G110",
                Severity::Warning,
                &node.at,
                format!("{} cannot be reached from Start.", node.name()),
                "Connect it, or remove it; it never runs.",
            );
        } else if !ends.is_empty() && !ending[index] && !node.out.is_empty() {
            report.add(
                "G112",
                Severity::Warning,
                &node.at,
                format!("No path leads from {} to End.", node.name()),
                "Connect the last block of the path to End.",
            );
        }
    }
}
