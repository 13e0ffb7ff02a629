//! From a query to one SQL statement and the shape of its answer.

use rusqlite::types::Value as Sql;

use super::super::data::Context;
use super::super::error::OrgError;
use super::super::schema::{Kind, Object, Schema};
use super::ast::{FieldSet, Item, Query};
use super::filter::Builder;
use super::scope::Scope;
use super::{expr, fault, group, scope, select};

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
    /// The one record whose id is the first parameter.
    Record,
    /// Records of these ids.
    Ids(&'q [String]),
}

/// A statement ready to run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) sql: String,
    pub(crate) params: Vec<Sql>,
    pub(crate) shape: Shape,
    /// The object of its FROM.
    pub(crate) object: String,
    /// Whether its records count as looked at.
    pub(crate) viewed: bool,
    /// Whether it is the same whoever asks, and whenever.
    pub(crate) steady: bool,
}

/// What the rows of the statement are.
#[derive(Debug)]
pub(crate) enum Shape {
    /// One row, one number.
    Count,
    /// Groups: the columns in order.
    Groups(Vec<Column>),
    Records(Record),
}

/// A column of a group.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) formatted: bool,
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
    let mut builder = Builder::new(ask);
    let mut wheres = Vec::new();
    match within {
        Within::Top => {}
        Within::Children { field, .. } => {
            let parent = builder.param(Sql::Null);
            wheres.push(format!("t.\"{field}\" = {parent}"));
        }
        Within::Record => {
            let id = builder.param(Sql::Null);
            wheres.push(format!("t.Id = {id}"));
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
    if let Some(at) = query.narrowed {
        let what = "WITH DATA CATEGORY and WITH UserId are not supported on this entity";
        return Err(fault::at("MALFORMED_QUERY", ask.text, at, what));
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
            let me = Sql::Text(builder.asker().user_id.clone());
            let me = builder.param(me);
            Ok(Some(format!("t.OwnerId = {me}")))
        }
        _ => Err(OrgError::new(
            "INVALID_QUERY_SCOPE",
            format!("scope '{name}' is not supported on entity '{}'", scope.object.name),
        )),
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
    Ok(builder.plan(scope, query, sql, Shape::Count))
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
    let (columns, record) = select::select(ask, object, query, within, &mut scope, &mut builder)?;
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
        columns.join(", "),
        object.name,
        scope.joined(),
        where_clause(wheres),
        keys.join(", "),
        page(query)
    );
    Ok(builder.plan(&scope, query, sql, Shape::Records(record)))
}

/// Nulls come first, whichever the direction, unless the query says otherwise.
pub(crate) fn sort_key(sql: &str, order: &super::ast::Order) -> String {
    let direction = if order.descending { "DESC" } else { "ASC" };
    let nulls = if order.nulls_last == Some(true) { "LAST" } else { "FIRST" };
    format!("{sql} {direction} NULLS {nulls}")
}
