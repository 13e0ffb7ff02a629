//! Literals: values and ranges of the type of what they are compared with.

use jiff::tz::TimeZone;
use rusqlite::types::Value as Sql;

use super::super::data::value;
use super::super::error::OrgError;
use super::super::id;
use super::super::schema::Kind;
use super::ast::{Expr, Literal};
use super::expr::Term;
use super::filter::{Builder, is_text};
use super::scope::Scope;
use super::{dates, fault, text};

impl Builder<'_> {
    /// A literal of the term's type, as a parameter.
    pub(crate) fn literal(
        &mut self,
        scope: &Scope<'_>,
        left: &Expr,
        term: &Term,
        literal: &Literal,
    ) -> Result<String, OrgError> {
        let value = match (term.kind, literal) {
            (Kind::Id | Kind::Reference, Literal::Text(raw)) => {
                let given = text::unescape(raw);
                let id = id::normalise(&given).ok_or_else(|| {
                    let what = format!("invalid ID field: {given}");
                    fault::at("INVALID_QUERY_FILTER_OPERATOR", scope.text, left.at(), &what)
                })?;
                Sql::Text(id)
            }
            (Kind::Boolean, Literal::Bool(b)) => Sql::Integer(i64::from(*b)),
            (Kind::Int, Literal::Number(n)) if n.fract() == 0.0 && n.abs() < 1e15 => {
                #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
                let whole = *n as i64;
                Sql::Integer(whole)
            }
            (Kind::Int | Kind::Double | Kind::Percent, Literal::Number(n))
            | (Kind::Currency, Literal::Number(n) | Literal::Money(n)) => Sql::Real(*n),
            (Kind::Date, Literal::Date(day)) => match value::date(day) {
                Some(day) => Sql::Text(day.to_string()),
                None => {
                    return Err(fault::at(
                        "INVALID_FIELD",
                        scope.text,
                        left.at(),
                        &format!("Invalid date: {day}"),
                    ));
                }
            },
            (Kind::DateTime, Literal::DateTime(at)) => match value::datetime(at) {
                Some(at) => Sql::Integer(at),
                None => {
                    return Err(fault::at(
                        "INVALID_FIELD",
                        scope.text,
                        left.at(),
                        &format!("Invalid datetime: {at}"),
                    ));
                }
            },
            (Kind::Time, Literal::Text(raw)) => match value::time(&text::unescape(raw)) {
                Some(time) => Sql::Text(time),
                None => return Err(self.bad_literal(scope, left, term)),
            },
            (kind, Literal::Text(raw)) if is_text(kind) => Sql::Text(text::unescape(raw)),
            _ => return Err(self.bad_literal(scope, left, term)),
        };
        Ok(self.param(value))
    }

    /// First and last edge of a date literal, in the type of the term.
    pub(crate) fn range(
        &mut self,
        scope: &Scope<'_>,
        left: &Expr,
        term: &Term,
        name: &str,
        n: Option<u32>,
    ) -> Result<(Sql, Sql), OrgError> {
        let ctx = self.asker();
        let zone = &ctx.time_zone;
        let now = jiff::Timestamp::from_millisecond(ctx.now.as_millis()).unwrap_or_default();
        let range = dates::range(name, n, now.to_zoned(zone.clone()).date());
        let edges = range.and_then(|(from, to)| match term.kind {
            Kind::Date => Some((Sql::Text(from.to_string()), Sql::Text(to.to_string()))),
            Kind::DateTime => Some((midnight(from, zone)?, midnight(to, zone)?)),
            _ => None,
        });
        match edges {
            Some(edges) => Ok(edges),
            None if matches!(term.kind, Kind::Date | Kind::DateTime) => Err(fault::at(
                "INVALID_FIELD",
                scope.text,
                left.at(),
                &format!("{name}: the range lies outside the valid dates"),
            )),
            None => Err(self.bad_literal(scope, left, term)),
        }
    }

    pub(crate) fn bad_literal(&self, scope: &Scope<'_>, left: &Expr, term: &Term) -> OrgError {
        let (kind, quotes) = match term.kind {
            Kind::Boolean => ("boolean", "should not"),
            Kind::Int => ("int", "should not"),
            Kind::Double | Kind::Percent => ("double", "should not"),
            Kind::Currency => ("currency", "should not"),
            Kind::Date => ("date", "should not"),
            Kind::DateTime => ("dateTime", "should not"),
            Kind::Time => ("time", "should"),
            _ => ("string", "should"),
        };
        let what = format!(
            "value of filter criterion for field '{}' must be of type {kind} and {quotes} be enclosed in quotes",
            term.name
        );
        fault::at("INVALID_FIELD", scope.text, left.at(), &what)
    }
}

fn midnight(day: jiff::civil::Date, zone: &TimeZone) -> Option<Sql> {
    let at = day.to_zoned(zone.clone()).ok()?;
    Some(Sql::Integer(at.timestamp().as_millisecond()))
}
