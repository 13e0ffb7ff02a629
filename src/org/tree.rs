//! `/composite/tree`: a family of records that is made together or not at all.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::org::ask::{Answer, Ask, Call, Said, told, unreadable};
use crate::org::data::{Context, Tx};
use crate::org::error::OrgError;
use crate::org::schema::Object;

/// Records of one tree, types among them, and generations.
const MOST: usize = 200;
const MOST_TYPES: usize = 5;
const DEEPEST: usize = 5;

/// One record of a tree, its children taken off.
struct Node<'a> {
    object: &'a Object,
    reference: &'a str,
    fields: Map<String, Value>,
    /// The parent's place in the list, and the field that points to it.
    parent: Option<(usize, &'a str)>,
    /// What is wrong with it before it is made.
    wrong: Option<OrgError>,
}

/// `POST /composite/tree/X`.
pub(super) fn answer(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, object: &str) -> Answer {
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
    for node in &mut nodes {
        if !names.insert(node.reference) {
            let text = "Duplicate ReferenceId provided in the request.";
            node.wrong = Some(OrgError::new("INVALID_INPUT", text));
        }
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
            OrgError::new("INVALID_INPUT", "Include a reference ID for each record in the request.")
        })?;
        let wrong = match attribute("type") {
            Some(given) if given.eq_ignore_ascii_case(&object.name) => None,
            Some(given) => {
                Some(format!("A record of type {given} stands where one of {} should.", object.name))
            }
            None => Some("Include an entity type for each record in the request.".to_owned()),
        };
        let wrong = wrong.map(|text| OrgError::new("INVALID_INPUT", text));
        let place = into.len();
        into.push(Node { object, reference, fields: Map::new(), parent, wrong });
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
        let made = match &node.wrong {
            Some(wrong) => Err(vec![wrong.clone()]),
            None => call.create(tx, ctx, node.object, &fields),
        };
        match made {
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
