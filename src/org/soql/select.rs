//! SELECT's entries as columns of a statement, and as the shape of its records.

use std::collections::{HashMap, HashSet};

use super::super::error::OrgError;
use super::super::schema::{Kind, Object};
use super::ast::{Expr, FieldSet, Item, Path, Query, TypeOf};
use super::filter::Builder;
use super::plan::{Ask, Node, Record, Within};
use super::scope::{Column, Scope, Step};
use super::{expr, fault, plan, scope};

/// The columns of the statement.
#[derive(Default)]
struct Columns {
    list: Vec<String>,
    places: HashMap<String, usize>,
}

impl Columns {
    fn add(&mut self, sql: &str) -> usize {
        if let Some(&at) = self.places.get(sql) {
            return at;
        }
        self.list.push(sql.to_owned());
        self.places.insert(sql.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }
}

/// The columns of a query for records, and the record that they make.
pub(crate) fn select(
    ask: Ask<'_>,
    object: &Object,
    query: &Query,
    within: Within<'_>,
    scope: &mut Scope<'_>,
    builder: &mut Builder<'_>,
) -> Result<(Vec<String>, Record), OrgError> {
    let mut select = Select { ask, columns: Columns::default(), nodes: Vec::new(), seen: HashSet::new() };
    let id = select.columns.add("t.\"Id\"");
    for item in &query.select {
        match item {
            Item::Value(expr, alias) => select.value(scope, builder, expr, alias.as_deref())?,
            Item::Fields(set) => select.fields(scope, object, *set)?,
            Item::TypeOf(type_of) => select.type_of(scope, type_of)?,
            Item::Child(child) => builder.steady &= select.child(object, query, child, within)?,
            Item::Count => return Err(fault::malformed("unexpected token: 'COUNT'")),
        }
    }
    Ok((select.columns.list, Record { object: object.name.clone(), id, nodes: select.nodes }))
}

/// SELECT's entries, as they become columns.
struct Select<'q> {
    ask: Ask<'q>,
    columns: Columns,
    nodes: Vec<(String, Node)>,
    seen: HashSet<String>,
}

impl Select<'_> {
    fn once(&mut self, key: &str) -> Result<(), OrgError> {
        if self.seen.insert(key.to_ascii_lowercase()) {
            return Ok(());
        }
        Err(OrgError::new("INVALID_FIELD", format!("duplicate field selected: {key}")))
    }

    fn value(
        &mut self,
        scope: &mut Scope<'_>,
        builder: &mut Builder<'_>,
        expr: &Expr,
        alias: Option<&str>,
    ) -> Result<(), OrgError> {
        let refuse = |what: String| Err(fault::at("MALFORMED_QUERY", self.ask.text, expr.at(), &what));
        let Some(path) = expr.path() else { return refuse("unexpected token: ')'".to_owned()) };
        if let (Expr::Path(_), Some(_)) = (expr, alias) {
            return refuse("only aggregate expressions use field aliasing".to_owned());
        }
        if expr::is_date_part(expr) {
            return refuse(format!("Field must be grouped or aggregated: {}", path.text()));
        }
        let column = scope.column(path)?;
        if let Expr::Path(_) = expr {
            self.once(&path_key(&column))?;
            return self.place(column);
        }
        let term = builder.term(scope, expr)?;
        let formatted = expr.function() == "FORMAT";
        let leaf = Node::Leaf { column: self.columns.add(&term.sql), kind: term.kind, formatted };
        match alias {
            Some(alias) => {
                self.once(alias)?;
                self.nodes.push((alias.to_owned(), leaf));
            }
            None => {
                self.once(&path_key(&column))?;
                place(&mut self.nodes, &mut self.columns, &column.steps, column.name, leaf);
            }
        }
        Ok(())
    }

    fn place(&mut self, column: Column<'_>) -> Result<(), OrgError> {
        let leaf = if column.kind == Kind::Address {
            let field = column.name.as_str();
            let prefix = field.strip_suffix("Address").unwrap_or(field);
            let part = |key: &'static str, name: &str, kind| {
                (key, self.columns.add(&format!("{}.\"{prefix}{name}\"", column.table)), kind)
            };
            Node::Address(address(part))
        } else {
            Node::Leaf { column: self.columns.add(&column.sql), kind: column.kind, formatted: false }
        };
        place(&mut self.nodes, &mut self.columns, &column.steps, column.name, leaf);
        Ok(())
    }

    fn fields(&mut self, scope: &mut Scope<'_>, object: &Object, set: FieldSet) -> Result<(), OrgError> {
        let wanted = object.fields.iter().filter(|f| match set {
            FieldSet::All => true,
            FieldSet::Standard => !f.custom,
            FieldSet::Custom => f.custom,
        });
        for field in wanted {
            self.once(&field.name)?;
            let column = scope.column(&Path { parts: vec![field.name.clone()], at: 0 })?;
            self.place(column)?;
        }
        Ok(())
    }

    fn type_of(&mut self, scope: &mut Scope<'_>, type_of: &TypeOf) -> Result<(), OrgError> {
        let at = type_of.path.at;
        let [name] = type_of.path.parts.as_slice() else {
            return Err(fault::at(
                "MALFORMED_QUERY",
                self.ask.text,
                at,
                "TYPEOF takes one relationship name",
            ));
        };
        let field = scope.object.parent(name).filter(|f| f.references.len() > 1);
        let Some(field) = field else {
            let what = format!("TYPEOF is not supported on the relationship '{name}': it is not polymorphic");
            return Err(fault::at("INVALID_FIELD", self.ask.text, at, &what));
        };
        let relation = field.relationship.clone().unwrap_or_default();
        self.once(&relation)?;
        let id = format!("{}.\"{}\"", scope.table, field.name);
        let mut cases = Vec::new();
        for (when, paths) in &type_of.when {
            let object = self.ask.schema.object(&when.text());
            let Some(object) = object.filter(|o| field.references.contains(&o.name)) else {
                return Err(scope::no_object(self.ask.text, &when.text(), when.at));
            };
            let table = scope.join(&scope.table.clone(), field, object)?;
            let mut nodes = Vec::new();
            // The branch's fields are the parent's own: a scope of its own, on the joined table.
            let mut inner = Scope::new(self.ask.schema, self.ask.text, object, &table);
            for path in paths {
                let column = inner.column(path)?;
                let leaf =
                    Node::Leaf { column: self.columns.add(&column.sql), kind: column.kind, formatted: false };
                place(&mut nodes, &mut self.columns, &column.steps, column.name, leaf);
            }
            scope.adopt(inner);
            cases.push((object.name.clone(), nodes));
        }
        let mut otherwise = Vec::new();
        for path in &type_of.otherwise {
            let mut parts = vec![relation.clone()];
            parts.extend(path.parts.iter().cloned());
            let column = scope.column(&Path { parts, at: path.at })?;
            let leaf =
                Node::Leaf { column: self.columns.add(&column.sql), kind: column.kind, formatted: false };
            otherwise.push((column.name, leaf));
        }
        let id = self.columns.add(&id);
        self.nodes.push((relation, Node::TypeOf { id, cases, otherwise }));
        Ok(())
    }

    /// A child query; tells whether its plan is steady.
    fn child(
        &mut self,
        object: &Object,
        parent: &Query,
        query: &Query,
        within: Within<'_>,
    ) -> Result<bool, OrgError> {
        let name = query.from.parts.last().map(String::as_str).unwrap_or_default();
        let Some(child) = object.child(name).filter(|_| query.from.parts.len() <= 2) else {
            let what = format!(
                "Didn't understand relationship '{name}' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
            );
            return Err(fault::at("INVALID_TYPE", self.ask.text, query.from.at, &what));
        };
        self.once(&child.relationship)?;
        let depth = if let Within::Children { depth, .. } = within { depth + 1 } else { 1 };
        let inner = Within::Children { field: &child.field, depth, only_parent: parent.limit == Some(1) };
        let Some(target) = self.ask.schema.object(&child.object) else { return Err(OrgError::not_found()) };
        let plan = plan::plan_over(self.ask, target, query, inner)?;
        let steady = plan.steady;
        self.nodes.push((child.relationship.clone(), Node::Child(Box::new(plan))));
        Ok(steady)
    }
}

/// Puts a leaf beneath its parents, which are made where they are first met.
fn place(nodes: &mut Vec<(String, Node)>, columns: &mut Columns, steps: &[Step], name: String, leaf: Node) {
    let Some((step, rest)) = steps.split_first() else {
        nodes.push((name, leaf));
        return;
    };
    let there = nodes.iter().position(|(n, node)| *n == step.name && matches!(node, Node::Parent { .. }));
    let at = there.unwrap_or_else(|| {
        let id = columns.add(&step.id);
        nodes.push((step.name.clone(), Node::Parent { id, object: step.object.clone(), nodes: Vec::new() }));
        nodes.len() - 1
    });
    if let Some((_, Node::Parent { nodes, .. })) = nodes.get_mut(at) {
        place(nodes, columns, rest, name, leaf);
    }
}

fn path_key(column: &Column<'_>) -> String {
    let mut names: Vec<&str> = column.steps.iter().map(|s| s.name.as_str()).collect();
    names.push(&column.name);
    names.join(".")
}

/// The parts of a compound address, in Salesforce's order.
fn address(
    mut part: impl FnMut(&'static str, &str, Kind) -> (&'static str, usize, Kind),
) -> Vec<(&'static str, usize, Kind)> {
    vec![
        part("city", "City", Kind::String),
        part("country", "Country", Kind::String),
        part("geocodeAccuracy", "GeocodeAccuracy", Kind::String),
        part("latitude", "Latitude", Kind::Double),
        part("longitude", "Longitude", Kind::Double),
        part("postalCode", "PostalCode", Kind::String),
        part("state", "State", Kind::String),
        part("street", "Street", Kind::String),
    ]
}
