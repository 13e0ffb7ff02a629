//! From a query to one SQL statement and the shape of its answer.

use std::collections::HashMap;
use std::collections::HashSet;

use rusqlite::types::Value as Sql;

use super::super::data::Context;
use super::super::error::OrgError;
use super::super::schema::Kind;
use super::super::schema::Object;
use super::super::schema::Schema;
use super::ast::Expr;
use super::ast::FieldSet;
use super::ast::Item;
use super::ast::Path;
use super::ast::Query;
use super::ast::TypeOf;
use super::expr;
use super::fault;
use super::filter::Builder;
use super::group;
use super::scope;
use super::scope::Column;
use super::scope::Scope;
use super::scope::Step;

/// Everything a query is asked with.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'q> {
    pub(crate) schema: &'q Schema,
    pub(crate) ctx: &'q Context,
    /// The text, for messages.
    pub(crate) text: &'q str,
    /// From the bin too.
    pub(crate) all: bool,
}

/// What limits a query beside its own words.
#[derive(Clone, Copy)]
pub(crate) enum Within<'q> {
    /// Nothing.
    Top,
    /// The children of a record whose id is the first parameter.
    Children { field: &'q str, depth: usize, only_parent: bool },
    /// Records of these ids, in their order where the query has none.
    Ids(&'q [String]),
}

/// A statement ready to run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) sql: String,
    pub(crate) params: Vec<Sql>,
    pub(crate) shape: Shape,
}

/// What the rows of the statement are.
#[derive(Debug)]
pub(crate) enum Shape {
    /// One row, one number.
    Count,
    /// Groups: the columns in order, each with its name.
    Groups(Vec<(String, Kind)>),
    Records(Record),
}

/// One record: the object, the column of its id, its fields in order.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) object: String,
    pub(crate) id: usize,
    pub(crate) nodes: Vec<(String, Node)>,
}

/// One field of a record.
#[derive(Debug)]
pub(crate) enum Node {
    Leaf {
        column: usize,
        kind: Kind,
        formatted: bool,
    },
    /// `object` is `None` where the parent can be of several.
    Parent {
        id: usize,
        object: Option<String>,
        nodes: Vec<(String, Self)>,
    },
    /// Compound: part, column, type.
    Address(Vec<(&'static str, usize, Kind)>),
    /// By the object of the parent: its fields.
    TypeOf {
        id: usize,
        cases: Vec<(String, Vec<(String, Self)>)>,
        otherwise: Vec<(String, Self)>,
    },
    Child(Box<Plan>),
}

/// The columns of the statement.
#[derive(Default)]
pub(crate) struct Columns {
    pub(crate) list: Vec<String>,
    places: HashMap<String, usize>,
}

impl Columns {
    pub(crate) fn add(&mut self, sql: &str) -> usize {
        if let Some(&at) = self.places.get(sql) {
            return at;
        }
        self.list.push(sql.to_owned());
        self.places.insert(sql.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }
}

/// Plans a query over the object it names.
pub(crate) fn plan(ask: Ask<'_>, query: &Query, within: Within<'_>) -> Result<Plan, OrgError> {
    let name = query.from.text();
    let object = ask.schema.object(&name).ok_or_else(|| scope::no_object(ask.text, &name, query.from.at))?;
    plan_over(ask, object, query, within)
}

/// Plans a query over this object, whatever its FROM says.
pub(crate) fn plan_over(
    ask: Ask<'_>,
    object: &Object,
    query: &Query,
    within: Within<'_>,
) -> Result<Plan, OrgError> {
    limits(ask, query, within)?;
    let mut scope = Scope::new(ask.schema, ask.text, object, "t");
    for (alias, path) in &query.aliases {
        let mut parts = path.parts.clone();
        let own = |part: &String| {
            part.eq_ignore_ascii_case(&object.name)
                || query.aliases.iter().any(|(a, p)| a.eq_ignore_ascii_case(part) && p != path)
        };
        if path.at == query.from.at || parts.first().is_some_and(own) {
            parts.remove(0);
        }
        scope.aliases.push((alias.clone(), if path.at == query.from.at { Vec::new() } else { parts }));
    }
    let mut builder = Builder {
        ctx: ask.ctx,
        params: Vec::new(),
        tables: 0,
        all: ask.all,
        semijoins: 0,
        negated: false,
        nested: false,
        having: false,
    };
    let mut wheres = Vec::new();
    match within {
        Within::Top => {}
        Within::Children { field, .. } => {
            let parent = builder.param(Sql::Null);
            wheres.push(format!("t.\"{field}\" = {parent}"));
        }
        Within::Ids(ids) => {
            let list: Vec<String> = ids.iter().map(|id| builder.param(Sql::Text(id.clone()))).collect();
            wheres.push(format!("t.Id IN ({})", list.join(", ")));
        }
    }
    if !ask.all {
        wheres.push("t.IsDeleted = 0".to_owned());
    }
    if let Some(scope_name) = &query.scope {
        wheres.extend(mine(&mut builder, &scope, scope_name)?);
    }
    if let Some(filter) = &query.filter {
        wheres.push(builder.condition(&mut scope, filter)?);
    }
    if query.select == [Item::Count] {
        return count(query, &scope, builder, &wheres);
    }
    let grouped = !query.group.is_empty()
        || query.having.is_some()
        || query.select.iter().any(|item| matches!(item, Item::Value(e, _) if expr::is_aggregate(e)));
    if grouped {
        return group::plan(query, scope, builder, &wheres);
    }
    records(ask, object, query, within, scope, builder, &wheres)
}

/// What a query may not ask, whatever its names.
fn limits(ask: Ask<'_>, query: &Query, within: Within<'_>) -> Result<(), OrgError> {
    let refuse = |what: &str| Err(fault::at("MALFORMED_QUERY", ask.text, query.at, what));
    if query.offset.is_some_and(|n| n > 2_000) {
        return Err(OrgError::new("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"));
    }
    if let Within::Children { depth, only_parent, .. } = within {
        if query.offset.is_some() && !only_parent {
            return refuse("OFFSET in a subquery needs LIMIT 1 in the query around it");
        }
        if query.select == [Item::Count] || !query.group.is_empty() {
            return refuse("Aggregates are not allowed in a child relationship query");
        }
        let most = if ask.ctx.api_version >= 58 { 5 } else { 1 };
        if depth > most {
            return refuse(
                "Nesting of child relationship queries is limited to 5 levels, to 1 before API version 58",
            );
        }
    }
    if query.select.iter().filter(|item| matches!(item, Item::Child(_))).count() > 20 {
        return refuse("A query may hold up to 20 child relationship queries");
    }
    let all = |item: &Item| matches!(item, Item::Fields(FieldSet::All | FieldSet::Custom));
    if query.select.iter().any(all) && query.limit.is_none_or(|n| n > 200) {
        return refuse("The SOQL FIELDS function must have a LIMIT of at most 200");
    }
    Ok(())
}

/// USING SCOPE.
fn mine(builder: &mut Builder<'_>, scope: &Scope<'_>, name: &str) -> Result<Option<String>, OrgError> {
    match name {
        "everything" => Ok(None),
        "mine" | "mine_and_my_groups" if scope.object.field("OwnerId").is_some() => {
            let me = builder.param(Sql::Text(builder.ctx.user_id.clone()));
            Ok(Some(format!("t.OwnerId = {me}")))
        }
        _ => Err(fault::malformed(format!(
            "scope '{name}' is not supported on entity '{}'",
            scope.object.name
        ))),
    }
}

fn count(
    query: &Query,
    scope: &Scope<'_>,
    builder: Builder<'_>,
    wheres: &[String],
) -> Result<Plan, OrgError> {
    if !query.order.is_empty() || !query.group.is_empty() {
        return Err(fault::malformed("COUNT() stands alone: it takes neither ORDER BY nor GROUP BY"));
    }
    let from = format!("FROM \"{}\" AS t{} {}", scope.object.name, scope.joined(), where_clause(wheres));
    let sql = match page(query) {
        page if page.is_empty() => format!("SELECT count(*) {from}"),
        page => format!("SELECT count(*) FROM (SELECT 1 {from}{page})"),
    };
    Ok(Plan { sql, params: builder.params, shape: Shape::Count })
}

/// ` WHERE …`, or nothing.
pub(crate) fn where_clause(wheres: &[String]) -> String {
    if wheres.is_empty() { String::new() } else { format!("WHERE {}", wheres.join(" AND ")) }
}

/// ` LIMIT … OFFSET …`, or nothing.
pub(crate) fn page(query: &Query) -> String {
    match (query.limit, query.offset) {
        (None, None) => String::new(),
        (limit, offset) => {
            let limit = limit.map_or(-1, |n| i64::try_from(n).unwrap_or(i64::MAX));
            format!(" LIMIT {limit} OFFSET {}", offset.unwrap_or_default())
        }
    }
}

fn records(
    ask: Ask<'_>,
    object: &Object,
    query: &Query,
    within: Within<'_>,
    mut scope: Scope<'_>,
    mut builder: Builder<'_>,
    wheres: &[String],
) -> Result<Plan, OrgError> {
    let mut select = Select { ask, columns: Columns::default(), nodes: Vec::new(), seen: HashSet::new() };
    let id = select.columns.add("t.\"Id\"");
    for item in &query.select {
        match item {
            Item::Value(expr, alias) => select.value(&mut scope, &mut builder, expr, alias.as_deref())?,
            Item::Fields(set) => select.fields(&mut scope, object, *set)?,
            Item::TypeOf(type_of) => select.type_of(&mut scope, type_of)?,
            Item::Child(child) => select.child(object, query, child, within)?,
            Item::Count => return Err(fault::malformed("unexpected token: 'COUNT'")),
        }
    }
    let mut keys = Vec::with_capacity(query.order.len() + 1);
    for order in &query.order {
        let term = builder.term(&mut scope, &order.by)?;
        if !term.sortable || term.aggregate {
            let what = format!("field '{}' can not be sorted in a query call", term.name);
            return Err(fault::at("INVALID_FIELD", ask.text, order.by.at(), &what));
        }
        keys.push(sort_key(&term.sql, order));
    }
    keys.push("t.rowid".to_owned());
    let sql = format!(
        "SELECT {} FROM \"{}\" AS t{} {} ORDER BY {}{}",
        select.columns.list.join(", "),
        object.name,
        scope.joined(),
        where_clause(wheres),
        keys.join(", "),
        page(query)
    );
    let record = Record { object: object.name.clone(), id, nodes: select.nodes };
    Ok(Plan { sql, params: builder.params, shape: Shape::Records(record) })
}

/// Nulls come first, whichever the direction, unless the query says otherwise.
pub(crate) fn sort_key(sql: &str, order: &super::ast::Order) -> String {
    let direction = if order.descending { "DESC" } else { "ASC" };
    let nulls = if order.nulls_last == Some(true) { "LAST" } else { "FIRST" };
    format!("{sql} {direction} NULLS {nulls}")
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

    fn child(
        &mut self,
        object: &Object,
        parent: &Query,
        query: &Query,
        within: Within<'_>,
    ) -> Result<(), OrgError> {
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
        let plan = plan_over(self.ask, target, query, inner)?;
        self.nodes.push((child.relationship.clone(), Node::Child(Box::new(plan))));
        Ok(())
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
