//! G: connections, and what follows from them: what is reached, what comes before what.

use std::collections::HashMap;

use super::{At, FLOW_LIMIT, Repair, Report, Severity, nearest};
use crate::flow::catalogue::{self, Block, Executor};
use crate::flow::json::Json;
use crate::flow::model::{Action, Document};

/// The flow as a graph over the places of its actions.
pub(super) struct Graph<'d> {
    pub(super) nodes: Vec<Node<'d>>,
    pub(super) by_id: HashMap<&'d str, usize>,
    pub(super) start: Option<usize>,
    /// Reached from Start; everything, where there is no Start.
    pub(super) reached: Vec<bool>,
    /// The immediate dominator of each node reached; empty above [`FLOW_LIMIT`] nodes.
    dominator: Vec<Option<usize>>,
    /// The place of each node in the order of a walk from Start, by which dominators are compared.
    rank: Vec<usize>,
}

pub(super) struct Node<'d> {
    pub(super) action: Action<'d>,
    pub(super) at: At,
    pub(super) block: Option<&'static Block>,
    /// Output and the place it leads to, where that exists.
    pub(super) out: Vec<(&'d str, usize)>,
    pub(super) into: Vec<usize>,
}

impl Node<'_> {
    pub(super) fn kind(&self) -> &str {
        self.action.kind().unwrap_or_default()
    }

    /// How messages name it.
    pub(super) fn name(&self) -> String {
        let title = self.action.title().or(self.block.map(|b| b.title.as_str())).unwrap_or(self.kind());
        format!("{title} ({})", self.action.id().unwrap_or("without id"))
    }

    fn target(&self, port: &str) -> Option<usize> {
        self.out.iter().find(|(p, _)| *p == port).map(|(_, t)| *t)
    }
}

impl<'d> Graph<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        let mut by_id = HashMap::new();
        let mut nodes: Vec<Node<'d>> = document
            .actions()
            .enumerate()
            .map(|(index, action)| {
                if let Some(id) = action.id() {
                    by_id.entry(id).or_insert(index);
                }
                Node {
                    action,
                    at: At::action(index, action.id()),
                    block: action.kind().and_then(catalogue::block),
                    out: Vec::new(),
                    into: Vec::new(),
                }
            })
            .collect();
        for index in 0..nodes.len() {
            let out: Vec<(&'d str, usize)> = nodes[index]
                .action
                .ports()
                .filter_map(|(port, target)| Some((port, *by_id.get(target.as_str()?)?)))
                .collect();
            for (_, target) in &out {
                nodes[*target].into.push(index);
            }
            nodes[index].out = out;
        }
        let start = nodes.iter().position(|n| n.kind() == "SE_Start");
        let mut graph =
            Self { reached: Vec::new(), dominator: Vec::new(), rank: Vec::new(), nodes, by_id, start };
        match start {
            None => graph.reached = vec![true; graph.nodes.len()],
            Some(start) => graph.walk(start),
        }
        graph
    }

    /// Whether data flow is small enough to be looked at.
    pub(super) fn has_data_flow(&self) -> bool {
        self.nodes.len() <= FLOW_LIMIT
    }

    /// The id that was probably meant. Above [`FLOW_LIMIT`] nobody is helped by guesses.
    pub(super) fn nearest(&self, id: &str) -> Option<(&'d str, bool)> {
        self.has_data_flow().then(|| nearest(id, self.by_id.keys().copied())).flatten()
    }

    /// What can be reached from these nodes, themselves included, never entering `without`.
    pub(super) fn reachable(
        &self,
        from: impl IntoIterator<Item = usize>,
        without: Option<usize>,
    ) -> Vec<bool> {
        let mut seen = vec![false; self.nodes.len()];
        let mut stack: Vec<usize> = from.into_iter().collect();
        while let Some(node) = stack.pop() {
            if Some(node) == without || std::mem::replace(&mut seen[node], true) {
                continue;
            }
            stack.extend(self.nodes[node].out.iter().map(|(_, t)| *t));
        }
        seen
    }

    /// Whether every path from Start to `node` passes `by` (a node passes itself).
    pub(super) fn dominates(&self, by: usize, node: usize) -> bool {
        let mut here = Some(node);
        while let Some(n) = here {
            if n == by {
                return true;
            }
            if self.rank.get(n) <= self.rank.get(by) {
                return false;
            }
            here = self.dominator.get(n).copied().flatten();
        }
        false
    }

    /// Reached nodes in reverse postorder from Start; and dominators by the algorithm of Cooper,
    /// Harvey and Kennedy, which on flows as people draw them needs two rounds.
    fn walk(&mut self, start: usize) {
        let order = self.reverse_postorder(start);
        self.reached = vec![false; self.nodes.len()];
        self.rank = vec![usize::MAX; self.nodes.len()];
        for (rank, node) in order.iter().enumerate() {
            self.reached[*node] = true;
            self.rank[*node] = rank;
        }
        if !self.has_data_flow() {
            return;
        }
        let mut dominator: Vec<Option<usize>> = vec![None; self.nodes.len()];
        dominator[start] = Some(start);
        let mut changed = true;
        while changed {
            changed = false;
            for &node in order.iter().skip(1) {
                let mut new = None;
                for &before in self.nodes[node].into.iter().filter(|b| dominator[**b].is_some()) {
                    new = Some(match new {
                        None => before,
                        Some(other) => self.common(&dominator, before, other),
                    });
                }
                if new.is_some() && dominator[node] != new {
                    dominator[node] = new;
                    changed = true;
                }
            }
        }
        dominator[start] = None;
        self.dominator = dominator;
    }

    fn common(&self, dominator: &[Option<usize>], mut a: usize, mut b: usize) -> usize {
        while a != b {
            let later = if self.rank[a] > self.rank[b] { &mut a } else { &mut b };
            match dominator[*later] {
                Some(up) if up != *later => *later = up,
                _ => return *later,
            }
        }
        a
    }

    pub(super) fn reverse_postorder(&self, start: usize) -> Vec<usize> {
        let mut seen = vec![false; self.nodes.len()];
        let mut order = Vec::new();
        let mut stack = vec![(start, 0)];
        seen[start] = true;
        while let Some((node, next)) = stack.last_mut() {
            if let Some((_, target)) = self.nodes[*node].out.get(*next) {
                *next += 1;
                if !std::mem::replace(&mut seen[*target], true) {
                    stack.push((*target, 0));
                }
            } else {
                order.push(*node);
                stack.pop();
            }
        }
        order.reverse();
        order
    }

    /// Strongly connected groups of more than one node (Tarjan, without recursion).
    fn cycles(&self) -> Vec<Vec<usize>> {
        let count = self.nodes.len();
        let (mut index, mut low) = (vec![usize::MAX; count], vec![0; count]);
        let (mut on, mut held, mut next) = (vec![false; count], Vec::new(), 0);
        let mut groups = Vec::new();
        for root in 0..count {
            if index[root] != usize::MAX {
                continue;
            }
            let mut calls = vec![(root, 0)];
            while let Some((node, edge)) = calls.last_mut() {
                let node = *node;
                if *edge == 0 {
                    (index[node], low[node]) = (next, next);
                    next += 1;
                    held.push(node);
                    on[node] = true;
                }
                if let Some((_, target)) = self.nodes[node].out.get(*edge) {
                    *edge += 1;
                    if index[*target] == usize::MAX {
                        calls.push((*target, 0));
                    } else if on[*target] {
                        low[node] = low[node].min(index[*target]);
                    }
                    continue;
                }
                calls.pop();
                if let Some((above, _)) = calls.last() {
                    low[*above] = low[*above].min(low[node]);
                }
                if low[node] == index[node] {
                    let at = held.iter().rposition(|n| *n == node).unwrap_or(0);
                    let group = held.split_off(at);
                    group.iter().for_each(|n| on[*n] = false);
                    if group.len() > 1 {
                        groups.push(group);
                    }
                }
            }
        }
        groups
    }
}

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
                        report.fixable(format!("Connect it to {name}"), Repair::Replace(Json::text(name)));
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
        let inside: std::collections::HashSet<usize> = group.iter().copied().collect();
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
