//! `/composite/tree` and `/composite/graph`: families of records that are made together or not at all.

use std::collections::HashSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::org::ask::Answer;
use crate::org::ask::Ask;
use crate::org::ask::Call;
use crate::org::ask::Said;
use crate::org::ask::told;
use crate::org::ask::unreadable;
use crate::org::composite;
use crate::org::data::Context;
use crate::org::data::Tx;
use crate::org::error::OrgError;
use crate::org::schema::Object;

/// Records of one tree, types among them, and generations.
const MOST: usize = 200;
const MOST_TYPES: usize = 5;
const DEEPEST: usize = 5;

/// Graphs of one call, and subrequests of all of them.
const MOST_GRAPHS: usize = 75;
const MOST_NODES: usize = 500;

/// One record of a tree, its children taken off.
struct Node<'a> {
    object: &'a Object,
    reference: &'a str,
    fields: Map<String, Value>,
    /// The parent's place in the list, and the field that points to it.
    parent: Option<(usize, &'a str)>,
}

/// `POST /composite/tree/X`.
pub(super) fn tree(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, object: &str) -> Answer {
    if ask.version < 34 {
        return Err(OrgError::not_found().into());
    }
    let object = tx.schema.object(object).ok_or_else(OrgError::not_found)?;
    let mut nodes = Vec::new();
    let body = Value::Object(ask.object()?.clone());
    plant(tx, &body, object, None, 1, &mut nodes)?;
    let too_large = |what: &str| OrgError::new("LIMIT_EXCEEDED", format!("A tree may hold at most {what}"));
    if nodes.len() > MOST {
        return Err(too_large("200 records").into());
    }
    if nodes.iter().map(|n| n.object.name.as_str()).collect::<HashSet<_>>().len() > MOST_TYPES {
        return Err(too_large("5 types").into());
    }
    let mut names = HashSet::new();
    if let Some(twice) = nodes.iter().find(|n| !names.insert(n.reference)) {
        let text = format!("Duplicate ReferenceId provided in the request: {}", twice.reference);
        return Err(OrgError::new("INVALID_INPUT", text).into());
    }
    let ctx = call.context(ask);
    let (results, failed) = call.trial(tx, || {
        let (results, failed) = grow(call, tx, &ctx, &nodes);
        ((results, failed), !failed)
    })?;
    let status = if failed { 400 } else { 201 };
    Ok(Said::new(status, json!({"hasErrors": failed, "results": results})))
}

/// Reads records and, through the relations they name, their children, parents first.
fn plant<'a>(
    tx: &Tx<'a>,
    body: &'a Value,
    object: &'a Object,
    parent: Option<(usize, &'a str)>,
    depth: usize,
    into: &mut Vec<Node<'a>>,
) -> Result<(), OrgError> {
    if depth > DEEPEST {
        return Err(OrgError::new("LIMIT_EXCEEDED", "A tree may be at most 5 records deep"));
    }
    let Some(Value::Array(list)) = body.get("records") else {
        return Err(unreadable("The body has no list of records"));
    };
    for record in list {
        let attributes = record.get("attributes");
        let attribute = |name: &str| attributes.and_then(|a| a.get(name)).and_then(Value::as_str);
        let reference = attribute("referenceId").ok_or_else(|| {
            OrgError::new("INVALID_INPUT", "Include a ReferenceId value for each record in the request")
        })?;
        if attribute("type").is_none_or(|t| !t.eq_ignore_ascii_case(&object.name)) {
            let text =
                format!("The record {reference} is not of the type {} that its place asks for", object.name);
            return Err(OrgError::new("INVALID_INPUT", text));
        }
        let place = into.len();
        into.push(Node { object, reference, fields: Map::new(), parent });
        let mut fields = Map::new();
        for (name, value) in record.as_object().into_iter().flatten().filter(|(n, _)| *n != "attributes") {
            match object.child(name) {
                Some(child) if value.get("records").is_some() => {
                    let child_object = tx.schema.object(&child.object).ok_or_else(OrgError::not_found)?;
                    plant(tx, value, child_object, Some((place, &child.field)), depth + 1, into)?;
                }
                _ => {
                    fields.insert(name.clone(), value.clone());
                }
            }
        }
        if let Some(node) = into.get_mut(place) {
            node.fields = fields;
        }
    }
    Ok(())
}

fn grow(call: &Call<'_>, tx: &Tx<'_>, ctx: &Context, nodes: &[Node<'_>]) -> (Vec<Value>, bool) {
    let mut ids: Vec<Option<String>> = Vec::with_capacity(nodes.len());
    let mut errors = Vec::new();
    for node in nodes {
        let mut fields = node.fields.clone();
        if let Some((parent, field)) = node.parent {
            let Some(Some(id)) = ids.get(parent) else {
                ids.push(None);
                continue;
            };
            fields.insert(field.to_owned(), id.as_str().into());
        }
        match call.create(tx, ctx, node.object, &fields) {
            Ok(id) => ids.push(Some(id)),
            Err(refused) => {
                let refused: Vec<Value> = refused.iter().map(|e| told(e, "statusCode")).collect();
                errors.push(json!({"referenceId": node.reference, "errors": refused}));
                ids.push(None);
            }
        }
    }
    if !errors.is_empty() {
        return (errors, true);
    }
    let made =
        nodes.iter().zip(ids).map(|(node, id)| json!({"referenceId": node.reference, "id": id})).collect();
    (made, false)
}

/// `POST /composite/graph`: each graph is a composite of its own that holds whole or not at all.
pub(super) fn graphs(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Answer {
    if ask.version < 50 {
        return Err(OrgError::not_found().into());
    }
    let body = ask.object()?;
    let Some(Value::Array(list)) = body.get("graphs") else {
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
        if !subs.iter().all(composite::Sub::is_row) {
            let text = format!("The graph {name} holds something other than single rows of sobjects");
            return Err(OrgError::new("INVALID_INPUT", text).into());
        }
        graphs.push((name, subs));
    }
    if graphs.len() > MOST_GRAPHS || graphs.iter().map(|(_, subs)| subs.len()).sum::<usize>() > MOST_NODES {
        let text = format!("A call may hold {MOST_GRAPHS} graphs and {MOST_NODES} nodes in all");
        return Err(OrgError::new("LIMIT_EXCEEDED", text).into());
    }
    let mut results = Vec::with_capacity(graphs.len());
    for (name, subs) in &graphs {
        let order: Vec<usize> = (0..subs.len()).collect();
        let (said, well) = composite::run(call, tx, subs, &order, true)?;
        results.push(json!({
            "graphId": name, "graphResponse": {"compositeResponse": said}, "isSuccessful": well,
        }));
    }
    Ok(Said::ok(json!({"graphs": results})))
}
