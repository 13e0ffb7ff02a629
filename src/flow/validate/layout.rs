//! Places on the stage for actions that have none: left to right in the order in which they run.

use crate::flow::json::Json;
use crate::flow::model::Document;

use super::graph::Graph;

/// The distance of columns and rows, on the editor's grid of 16.
const STEP: (i64, i64) = (352, 208);

/// A place for each action, by how far it is from Start.
pub(super) fn places(document: &Document) -> Vec<Json> {
    let graph = Graph::new(document);
    let count = graph.nodes.len();
    let mut column = vec![None; count];
    let mut queue = std::collections::VecDeque::new();
    if let Some(start) = graph.start {
        column[start] = Some(0);
        queue.push_back(start);
    }
    while let Some(node) = queue.pop_front() {
        for (_, target) in &graph.nodes[node].out {
            if column[*target].is_none() {
                column[*target] = column[node].map(|c: i64| c + 1);
                queue.push_back(*target);
            }
        }
    }
    let beyond = column.iter().flatten().max().map_or(0, |c| c + 1);
    let mut rows = std::collections::HashMap::new();
    (0..count)
        .map(|node| {
            let column = column[node].unwrap_or(beyond);
            let row = rows.entry(column).or_insert(0_i64);
            let place = [column * STEP.0, *row * STEP.1];
            *row += 1;
            Json::Array(place.iter().map(|n| Json::Number(n.to_string())).collect())
        })
        .collect()
}
