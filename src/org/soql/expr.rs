//! Fields and functions as SQL terms.

use super::super::error::OrgError;
use super::super::schema::{Field, Kind};
use super::ast::Expr;
use super::fault;
use super::filter::Builder;
use super::scope::{Column, Scope};

/// What a field or function is in SQL.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) sql: String,
    pub(crate) kind: Kind,
    /// The field's name, for messages and results.
    pub(crate) name: String,
    pub(crate) filterable: bool,
    pub(crate) sortable: bool,
    pub(crate) groupable: bool,
    /// What an id or reference points to.
    pub(crate) references: Vec<String>,
    /// Holds COUNT, SUM, ….
    pub(crate) aggregate: bool,
}

/// Functions of a date; those of DAY_ONLY's kind are dates again.
const DATE_PARTS: [&str; 12] = [
    "CALENDAR_YEAR",
    "CALENDAR_QUARTER",
    "CALENDAR_MONTH",
    "FISCAL_YEAR",
    "FISCAL_QUARTER",
    "FISCAL_MONTH",
    "DAY_IN_MONTH",
    "DAY_IN_WEEK",
    "DAY_IN_YEAR",
    "WEEK_IN_MONTH",
    "WEEK_IN_YEAR",
    "HOUR_IN_DAY",
];
const AGGREGATES: [&str; 6] = ["COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"];

/// Whether this expression is an aggregate, or formats one.
pub(crate) fn is_aggregate(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) => false,
        Expr::Call { args, .. } => {
            AGGREGATES.contains(&expr.function().as_str()) || args.iter().any(is_aggregate)
        }
    }
}

/// Whether this is a function of a date.
pub(crate) fn is_date_part(expr: &Expr) -> bool {
    let name = expr.function();
    name == "DAY_ONLY" || DATE_PARTS.contains(&name.as_str())
}

/// Text in SQL's quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Builder<'_> {
    /// The expression in SQL.
    pub(crate) fn term(&mut self, scope: &mut Scope<'_>, expr: &Expr) -> Result<Term, OrgError> {
        let (name, args, at) = match expr {
            Expr::Path(path) => return Ok(plain(scope.column(path)?, &scope.object.name)),
            Expr::Call { args, at, .. } => (expr.function(), args, *at),
        };
        let refuse = |what: String| fault::at("MALFORMED_QUERY", scope.text, at, &what);
        let [arg] = args.as_slice() else {
            return Err(refuse(format!("unexpected number of parameters of {name}")));
        };
        if AGGREGATES.contains(&name.as_str()) {
            let inner = self.term(scope, arg)?;
            return aggregate(&name, inner).map_err(refuse);
        }
        if name == "DAY_ONLY" || DATE_PARTS.contains(&name.as_str()) {
            return self.date_part(scope, &name, arg);
        }
        match name.as_str() {
            "TOLABEL" => {
                let Expr::Path(path) = arg else { return Err(refuse("toLabel takes a field".to_owned())) };
                let column = scope.column(path)?;
                let sql = labelled(&column);
                let mut term = plain(column, &scope.object.name);
                term.sql = sql;
                Ok(term)
            }
            "CONVERTCURRENCY" => {
                let term = self.term(scope, arg)?;
                if term.kind != Kind::Currency {
                    return Err(refuse(format!(
                        "convertCurrency takes a currency field, and '{}' is none",
                        term.name
                    )));
                }
                Ok(term)
            }
            "FORMAT" => self.term(scope, arg),
            "DISTANCE" => {
                let term = self.term(scope, arg)?;
                let what = format!("field '{}' is not a geolocation field", term.name);
                Err(fault::at("INVALID_FIELD", scope.text, at, &what))
            }
            "GROUPING" => Err(refuse("GROUPING is of use with GROUP BY ROLLUP or CUBE only".to_owned())),
            "CONVERTTIMEZONE" => {
                Err(refuse("convertTimezone can only stand within a function of dates".to_owned()))
            }
            _ => {
                let Expr::Call { name, .. } = expr else { return Err(refuse(String::new())) };
                Err(refuse(format!("unexpected token: '{name}'")))
            }
        }
    }

    fn date_part(&mut self, scope: &mut Scope<'_>, name: &str, arg: &Expr) -> Result<Term, OrgError> {
        let (inner, zone) = match arg {
            Expr::Call { args, .. } if arg.function() == "CONVERTTIMEZONE" => {
                (args.first().unwrap_or(arg), self.zone())
            }
            _ => (arg, "'UTC'".to_owned()),
        };
        let term = self.term(scope, inner)?;
        let fits = term.kind == Kind::DateTime
            || term.kind == Kind::Date && !matches!(name, "HOUR_IN_DAY" | "DAY_ONLY");
        if !fits || term.aggregate {
            let what = format!("field {} does not support the function {name}", term.name);
            return Err(fault::at("MALFORMED_QUERY", scope.text, arg.at(), &what));
        }
        let (sql, kind) = match name {
            "DAY_ONLY" => (format!("sf_day({}, {zone})", term.sql), Kind::Date),
            _ => (format!("sf_part({}, '{name}', {zone})", term.sql), Kind::Int),
        };
        Ok(Term { sql, kind, groupable: true, ..term })
    }
}

fn plain(column: Column<'_>, object: &str) -> Term {
    let is = |test: fn(&Field) -> bool| column.field.is_none_or(test);
    let references = match (column.kind, column.field) {
        (Kind::Id, _) => {
            vec![column.steps.last().and_then(|s| s.object.clone()).unwrap_or_else(|| object.to_owned())]
        }
        (_, Some(field)) => field.references.clone(),
        _ => Vec::new(),
    };
    Term {
        filterable: is(|f| f.filterable),
        sortable: is(|f| f.sortable),
        groupable: is(|f| f.groupable),
        sql: column.sql,
        kind: column.kind,
        name: column.name,
        references,
        aggregate: false,
    }
}

fn aggregate(name: &str, inner: Term) -> Result<Term, String> {
    let number = matches!(inner.kind, Kind::Int | Kind::Double | Kind::Currency | Kind::Percent);
    let fits = match name {
        "SUM" | "AVG" => number,
        "MIN" | "MAX" => !matches!(inner.kind, Kind::Boolean | Kind::MultiPicklist | Kind::Address),
        _ => inner.kind != Kind::Address,
    };
    if !fits || inner.aggregate {
        return Err(format!("field {} does not support aggregate operator {name}", inner.name));
    }
    let (sql, kind) = match name {
        "COUNT" => (format!("count({})", inner.sql), Kind::Int),
        "COUNT_DISTINCT" => (format!("count(DISTINCT {})", inner.sql), Kind::Int),
        "SUM" => (format!("sum({})", inner.sql), inner.kind),
        "AVG" => (format!("avg({})", inner.sql), Kind::Double),
        "MIN" => (format!("min({})", inner.sql), inner.kind),
        _ => (format!("max({})", inner.sql), inner.kind),
    };
    Ok(Term { sql, kind, aggregate: true, filterable: true, sortable: true, ..inner })
}

/// A picklist's label in place of its value.
fn labelled(column: &Column<'_>) -> String {
    let values = column.field.map(|f| f.values.as_slice()).unwrap_or_default();
    let cases: String = values
        .iter()
        .filter_map(|v| Some(format!(" WHEN {} THEN {}", quoted(&v.value), quoted(v.label.as_ref()?))))
        .collect();
    if cases.is_empty() {
        return column.sql.clone();
    }
    format!("(CASE {sql}{cases} ELSE {sql} END COLLATE SALESFORCE)", sql = column.sql)
}
