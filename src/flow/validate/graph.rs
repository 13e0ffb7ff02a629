//! A flow as a graph: what is reached, what comes before what, what goes round.

use std::collections::HashMap;

use super::{At, FLOW_LIMIT, nearest};
use crate::flow::catalogue::{self, Block};
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

    pub(super) fn target(&self, port: &str) -> Option<usize> {
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
    pub(super) fn cycles(&self) -> Vec<Vec<usize>> {
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
