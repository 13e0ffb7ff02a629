//! Queries with aggregates: groups, subtotals, HAVING.

use super::super::error::OrgError;
use super::super::schema::Kind;
use super::ast::{Expr, Item, Query};
use super::expr::Term;
use super::filter::Builder;
use super::plan::{Column, Plan, Shape, page, sort_key, where_clause};
use super::scope::Scope;
use super::{expr, fault};

/// A column of the result: the same in every grouping, or depending on what it groups by.
enum Cell {
    Same(String),
    /// The group's value; null in a subtotal over it. Holds its place among the groups.
    Group(usize),
    /// 1 in a subtotal over the group.
    Grouping(usize),
}

/// Plans a query whose rows are groups.
pub(crate) fn plan(
    query: &Query,
    mut scope: Scope<'_>,
    mut builder: Builder<'_>,
    wheres: &[String],
) -> Result<Plan, OrgError> {
    if query.group.is_empty() && query.limit.is_some() {
        let what = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT";
        return Err(fault::at("MALFORMED_QUERY", scope.text, query.at, what));
    }
    let (keys, sets) = groups(query, scope.text)?;
    let mut by = Vec::with_capacity(keys.len());
    for key in &keys {
        let term = builder.term(&mut scope, key)?;
        let aliased = matches!(key, Expr::Call { .. }) && !expr::is_date_part(key);
        if !term.groupable || term.aggregate || aliased {
            let what = format!("field '{}' can not be grouped in a query call", term.name);
            return Err(fault::at("INVALID_FIELD", scope.text, key.at(), &what));
        }
        by.push(term);
    }
    let mut columns: Vec<Column> = Vec::new();
    let mut cells = Vec::new();
    let mut unnamed = 0;
    for item in &query.select {
        let Item::Value(value, alias) = item else {
            return Err(fault::at(
                "MALFORMED_QUERY",
                scope.text,
                query.at,
                "Grouped query can only select grouped fields and aggregates",
            ));
        };
        let (cell, kind, own_name) = cell(value, &by, &mut scope, &mut builder)?;
        let name = alias.clone().or(own_name).unwrap_or_else(|| {
            unnamed += 1;
            format!("expr{}", unnamed - 1)
        });
        if columns.iter().any(|c| c.name.eq_ignore_ascii_case(&name)) {
            return Err(fault::at(
                "MALFORMED_QUERY",
                scope.text,
                value.at(),
                &format!("duplicate alias: {name}"),
            ));
        }
        columns.push(Column { name, kind, formatted: value.function() == "FORMAT" });
        cells.push(cell);
    }
    let mut order = Vec::new();
    for (at, key) in query.order.iter().enumerate() {
        let (cell, ..) = cell(&key.by, &by, &mut scope, &mut builder)?;
        cells.push(cell);
        order.push(sort_key(&format!("k{}", columns.len() + at), key));
    }
    builder.having = Some(by.iter().map(|key| key.sql.clone()).collect());
    let having = query.having.as_ref().map(|c| builder.condition(&mut scope, c)).transpose()?;
    let tail = format!("FROM \"{}\" AS t{} {}", scope.object.name, scope.joined(), where_clause(wheres));
    let selects: Vec<String> =
        sets.iter().map(|set| select(set, &by, &cells, &tail, having.as_deref())).collect();
    let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
    let shown: Vec<String> = (0..columns.len()).map(|at| format!("k{at}")).collect();
    let sql =
        format!("SELECT {} FROM ({}){order}{}", shown.join(", "), selects.join(" UNION ALL "), page(query));
    Ok(builder.plan(&scope, query, sql, Shape::Groups(columns)))
}

/// The statement of one grouping: which of the keys it keeps apart.
fn select(set: &[usize], by: &[Term], cells: &[Cell], tail: &str, having: Option<&str>) -> String {
    let columns: Vec<String> = cells
        .iter()
        .enumerate()
        .map(|(at, cell)| {
            let sql = match cell {
                Cell::Same(sql) => sql.as_str(),
                Cell::Group(key) if set.contains(key) => by.get(*key).map_or("NULL", |t| t.sql.as_str()),
                Cell::Group(_) => "NULL",
                Cell::Grouping(key) if set.contains(key) => "0",
                Cell::Grouping(_) => "1",
            };
            format!("{sql} AS k{at}")
        })
        .collect();
    let mut sql = format!("SELECT {} {tail}", columns.join(", "));
    let keys: Vec<&str> = set.iter().filter_map(|key| by.get(*key)).map(|t| t.sql.as_str()).collect();
    if !keys.is_empty() {
        sql.push_str(&format!(" GROUP BY {}", keys.join(", ")));
    }
    if let Some(having) = having {
        sql.push_str(&format!(" HAVING {having}"));
    }
    sql
}

/// The keys, and the groupings over them: one, or ROLLUP's and CUBE's.
fn groups<'e>(query: &'e Query, text: &str) -> Result<(Vec<&'e Expr>, Vec<Vec<usize>>), OrgError> {
    if let [Expr::Call { name, args, at }] = query.group.as_slice() {
        let keys: Vec<&Expr> = args.iter().collect();
        let n = keys.len();
        if name.eq_ignore_ascii_case("ROLLUP") || name.eq_ignore_ascii_case("CUBE") {
            if n > 3 {
                return Err(fault::at(
                    "MALFORMED_QUERY",
                    text,
                    *at,
                    &format!("{name} takes up to three fields"),
                ));
            }
            let sets = if name.eq_ignore_ascii_case("ROLLUP") {
                (0..=n).rev().map(|kept| (0..kept).collect()).collect()
            } else {
                (0..1usize << n)
                    .rev()
                    .map(|bits| (0..n).filter(|key| bits >> (n - 1 - key) & 1 == 1).collect())
                    .collect()
            };
            return Ok((keys, sets));
        }
    }
    let keys: Vec<&Expr> = query.group.iter().collect();
    let all = (0..keys.len()).collect();
    Ok((keys, vec![all]))
}

/// What an expression of SELECT or ORDER BY is, its type, and its name where it has one.
fn cell(
    value: &Expr,
    by: &[Term],
    scope: &mut Scope<'_>,
    builder: &mut Builder<'_>,
) -> Result<(Cell, Kind, Option<String>), OrgError> {
    if let (Expr::Call { args, at, .. }, "GROUPING") = (value, value.function().as_str()) {
        let key = match args.as_slice() {
            [arg] => {
                let term = builder.term(scope, arg)?;
                by.iter().position(|t| t.sql == term.sql)
            }
            _ => None,
        };
        let Some(key) = key else {
            return Err(fault::at(
                "MALFORMED_QUERY",
                scope.text,
                *at,
                "GROUPING takes one field of GROUP BY",
            ));
        };
        return Ok((Cell::Grouping(key), Kind::Int, None));
    }
    let term = builder.term(scope, value)?;
    if term.aggregate {
        return Ok((Cell::Same(term.sql), term.kind, None));
    }
    // Formatting and labels of a group are those of its key.
    let key = match value {
        Expr::Call { args, .. }
            if matches!(value.function().as_str(), "FORMAT" | "TOLABEL" | "CONVERTCURRENCY") =>
        {
            match args.first() {
                Some(arg) => builder.term(scope, arg)?.sql,
                None => term.sql.clone(),
            }
        }
        _ => term.sql.clone(),
    };
    let Some(at) = by.iter().position(|t| t.sql == key) else {
        let name = value.path().map(super::ast::Path::text).unwrap_or_default();
        let what = format!("Field must be grouped or aggregated: {name}");
        return Err(fault::at("MALFORMED_QUERY", scope.text, value.at(), &what));
    };
    let name = matches!(value, Expr::Path(_)).then_some(term.name);
    let cell = if key == term.sql { Cell::Group(at) } else { Cell::Same(term.sql) };
    Ok((cell, term.kind, name))
}
