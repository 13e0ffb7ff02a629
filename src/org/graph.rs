//! `/composite/graph`: up to 75 graphs, each a composite of single rows that holds whole or not at
//! all.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::org::ask::{Answer, Ask, Call, Said, unreadable};
use crate::org::composite;
use crate::org::composite::Sub;
use crate::org::data::Tx;
use crate::org::error::OrgError;

/// Graphs of one call, subrequests of all of them, and how many graphs may fail.
const MOST: usize = 75;
const MOST_NODES: usize = 500;
const MOST_FAILED: usize = 14;
/// Subrequests of a graph of which each uses the one before, and kinds of subrequests.
const DEEPEST: usize = 15;
const MOST_KINDS: usize = 15;

/// `POST /composite/graph`.
pub(super) fn answer(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Answer {
    if ask.version < 50 {
        return Err(OrgError::not_found().into());
    }
    let Some(Value::Array(list)) = ask.object()?.get("graphs") else {
        return Err(unreadable("The body has no list of graphs").into());
    };
    let mut names = HashSet::new();
    let mut graphs = Vec::with_capacity(list.len());
    for graph in list {
        let map = graph.as_object().ok_or_else(|| unreadable("A graph is no object"))?;
        let name = map.get("graphId").and_then(Value::as_str).filter(|n| names.insert(*n));
        let name =
            name.ok_or_else(|| OrgError::new("INVALID_INPUT", "Each graph needs a graphId of its own"))?;
        let subs = composite::read(map)?;
        if !subs.iter().all(Sub::is_row) {
            let text = format!("The graph {name} holds something other than single rows of sobjects");
            return Err(OrgError::new("INVALID_INPUT", text).into());
        }
        graphs.push((name, subs));
    }
    few_enough(&graphs)?;
    let mut failed = 0;
    let mut results = Vec::with_capacity(graphs.len());
    for (name, subs) in &graphs {
        let order: Vec<usize> = (0..subs.len()).collect();
        let (said, well) = if failed > MOST_FAILED {
            (subs.iter().map(composite::halted).collect(), false)
        } else {
            composite::run(call, tx, subs, &order, true)?
        };
        failed += usize::from(!well);
        results.push(json!({
            "graphId": name, "graphResponse": {"compositeResponse": said}, "isSuccessful": well,
        }));
    }
    Ok(Said::ok(json!({"graphs": results})))
}

fn few_enough(graphs: &[(&str, Vec<Sub<'_>>)]) -> Result<(), OrgError> {
    let refuse = |text: String| Err(OrgError::new("LIMIT_EXCEEDED", text));
    let nodes: usize = graphs.iter().map(|(_, subs)| subs.len()).sum();
    if graphs.len() > MOST || nodes > MOST_NODES {
        return refuse(format!("A call may hold {MOST} graphs and {MOST_NODES} nodes in all"));
    }
    for (name, subs) in graphs {
        if subs.iter().map(Sub::kind).collect::<HashSet<_>>().len() > MOST_KINDS {
            return refuse(format!("The graph {name} holds more than {MOST_KINDS} kinds of nodes"));
        }
        if depth(subs) > DEEPEST {
            return refuse(format!("The graph {name} is more than {DEEPEST} nodes deep"));
        }
    }
    Ok(())
}

/// The longest chain of subrequests of which each uses what the one before said.
fn depth(subs: &[Sub<'_>]) -> usize {
    let mut depths: HashMap<&str, usize> = HashMap::new();
    for sub in subs {
        let used = sub.references().iter().filter_map(|name| depths.get(name.as_str()).copied()).max();
        depths.insert(sub.reference, used.unwrap_or_default() + 1);
    }
    depths.into_values().max().unwrap_or_default()
}
