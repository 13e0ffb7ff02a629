//! Runs a plan: rows become records as Salesforce writes them.

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Row, params_from_iter};
use serde_json::{Map, Value, json};

use super::super::data::{Rows, Tx, value};
use super::super::error::OrgError;
use super::super::schema::Kind;
use super::format;
use super::plan::{Ask, Node, Plan, Record, Shape};

/// Runs the plan.
pub(crate) fn run(tx: &Tx<'_>, ask: Ask<'_>, plan: &Plan) -> Result<Rows, OrgError> {
    rows(tx, ask, plan, &plan.params)
}

/// Runs a plan whose first parameter is a record's id: of that record, or of its children.
pub(crate) fn of(tx: &Tx<'_>, ask: Ask<'_>, plan: &Plan, id: &str) -> Result<Rows, OrgError> {
    let mut params = plan.params.clone();
    if let Some(first) = params.first_mut() {
        *first = Sql::Text(id.to_owned());
    }
    rows(tx, ask, plan, &params)
}

fn rows(tx: &Tx<'_>, ask: Ask<'_>, plan: &Plan, params: &[Sql]) -> Result<Rows, OrgError> {
    let mut statement = tx.db.prepare_cached(&plan.sql)?;
    let mut found = statement.query(params_from_iter(params))?;
    let mut records = Vec::new();
    while let Some(row) = found.next()? {
        records.push(match &plan.shape {
            Shape::Count => {
                let n: i64 = row.get(0)?;
                return Ok(Rows { total_size: usize::try_from(n).unwrap_or_default(), ..Rows::default() });
            }
            Shape::Groups(columns) => {
                let mut out = Map::with_capacity(columns.len() + 1);
                out.insert("attributes".to_owned(), json!({"type": "AggregateResult"}));
                for (at, column) in columns.iter().enumerate() {
                    out.insert(column.name.clone(), leaf(ask, row, at, column.kind, column.formatted)?);
                }
                Value::Object(out)
            }
            Shape::Records(record) => one(tx, ask, record, row)?,
        });
    }
    Ok(Rows { total_size: records.len(), records, ..Rows::default() })
}

fn one(tx: &Tx<'_>, ask: Ask<'_>, record: &Record, row: &Row<'_>) -> Result<Value, OrgError> {
    let id = text(row, record.id)?.unwrap_or_default();
    let mut out = with_attributes(ask, &record.object, &record.object, id, record.nodes.len());
    nodes(tx, ask, &record.nodes, row, id, &mut out)?;
    Ok(Value::Object(out))
}

/// A record's beginning. `shown` is the type it goes by, `object` where it is found.
fn with_attributes(ask: Ask<'_>, shown: &str, object: &str, id: &str, more: usize) -> Map<String, Value> {
    let mut attributes = Map::with_capacity(2);
    attributes.insert("type".to_owned(), Value::from(shown));
    let url = format!("/services/data/v{}.0/sobjects/{object}/{id}", ask.ctx.api_version);
    attributes.insert("url".to_owned(), Value::String(url));
    let mut out = Map::with_capacity(more + 1);
    out.insert("attributes".to_owned(), Value::Object(attributes));
    out
}

fn nodes(
    tx: &Tx<'_>,
    ask: Ask<'_>,
    nodes_: &[(String, Node)],
    row: &Row<'_>,
    id: &str,
    out: &mut Map<String, Value>,
) -> Result<(), OrgError> {
    for (name, node) in nodes_ {
        let value = match node {
            Node::Leaf { column, kind, formatted } => leaf(ask, row, *column, *kind, *formatted)?,
            Node::Address(parts) => address(parts, row)?,
            Node::Parent { id: column, object, nodes: inner } => match text(row, *column)? {
                None => Value::Null,
                Some(parent) => {
                    let real =
                        object.as_deref().or_else(|| tx.schema.object_of_id(parent).map(|o| o.name.as_str()));
                    let mut nested = with_attributes(
                        ask,
                        object.as_deref().unwrap_or("Name"),
                        real.unwrap_or("Name"),
                        parent,
                        inner.len(),
                    );
                    nodes(tx, ask, inner, row, parent, &mut nested)?;
                    Value::Object(nested)
                }
            },
            Node::TypeOf { id: column, cases, otherwise } => match text(row, *column)? {
                None => Value::Null,
                Some(parent) => {
                    let real = tx.schema.object_of_id(parent).map_or("Name", |o| o.name.as_str());
                    let branch =
                        cases.iter().find(|(object, _)| object == real).map_or(otherwise, |(_, nodes)| nodes);
                    let mut nested = with_attributes(ask, real, real, parent, branch.len());
                    nodes(tx, ask, branch, row, parent, &mut nested)?;
                    Value::Object(nested)
                }
            },
            Node::Child(plan) => {
                let found = of(tx, ask, plan, id)?;
                if found.records.is_empty() {
                    Value::Null
                } else {
                    json!({"totalSize": found.total_size, "done": true, "records": found.records})
                }
            }
        };
        out.insert(name.clone(), value);
    }
    Ok(())
}

fn leaf(ask: Ask<'_>, row: &Row<'_>, column: usize, kind: Kind, formatted: bool) -> Result<Value, OrgError> {
    let plain = value::load(kind, row.get_ref(column)?);
    Ok(if formatted { format::shown(kind, &plain, &ask.ctx.time_zone) } else { plain })
}

/// Null where all its parts are.
fn address(parts: &[(&'static str, usize, Kind)], row: &Row<'_>) -> Result<Value, OrgError> {
    let mut out = Map::with_capacity(parts.len());
    for (key, column, kind) in parts {
        out.insert((*key).to_owned(), value::load(*kind, row.get_ref(*column)?));
    }
    Ok(if out.values().all(Value::is_null) { Value::Null } else { Value::Object(out) })
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<Option<&'r str>, OrgError> {
    match row.get_ref(column)? {
        ValueRef::Text(text) => Ok(std::str::from_utf8(text).ok()),
        _ => Ok(None),
    }
}
