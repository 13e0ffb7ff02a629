//! Conditions: WHERE and HAVING as SQL that is always true or false.
//!
//! Nulls as Salesforce treats them: a comparison with an empty field is false, `!=` true, and NOT
//! turns that round. Literals must be of the field's type.

use rusqlite::types::Value as Sql;

use super::super::data::Context;
use super::super::error::OrgError;
use super::super::schema::Kind;
use super::ast::{Condition, Expr, Literal, Operator, Query};
use super::expr::{Term, quoted};
use super::plan::{Ask, Plan, Shape};
use super::scope::Scope;
use super::{fault, text};

/// What the clauses of one SQL statement gather.
pub(crate) struct Builder<'q> {
    ctx: &'q Context,
    params: Vec<Sql>,
    /// Tables named so far.
    tables: usize,
    /// Rows of the bin are seen too.
    all: bool,
    /// Semi- and anti-joins so far.
    semijoins: usize,
    /// Under a NOT: false must be false there. Elsewhere null does as well, and lets SQLite use
    /// its indices.
    negated: bool,
    /// Within OR or NOT, where no semi-join may stand.
    nested: bool,
    /// In HAVING, where aggregates may stand and of the fields those that are grouped: their SQL.
    pub(crate) having: Option<Vec<String>>,
    /// Whether nothing so far depends on who asks or when.
    pub(crate) steady: bool,
}

impl<'q> Builder<'q> {
    pub(crate) const fn new(ask: Ask<'q>) -> Self {
        Self {
            ctx: ask.ctx,
            params: Vec::new(),
            tables: 0,
            all: ask.all,
            semijoins: 0,
            negated: false,
            nested: false,
            having: None,
            steady: true,
        }
    }

    /// Who asks, and when: the plan is good for this once.
    pub(crate) const fn asker(&mut self) -> &'q Context {
        self.steady = false;
        self.ctx
    }

    /// The statement with what was gathered for it.
    pub(crate) fn plan(self, scope: &Scope<'_>, query: &Query, sql: String, shape: Shape) -> Plan {
        let Self { params, steady, .. } = self;
        Plan { sql, params, shape, object: scope.object.name.clone(), viewed: query.viewed, steady }
    }

    /// A parameter of the statement.
    pub(crate) fn param(&mut self, value: Sql) -> String {
        self.params.push(value);
        format!("?{}", self.params.len())
    }

    /// A comparison that may be null, as the surroundings need it.
    fn sure(&self, sql: String) -> String {
        if self.negated { format!("ifnull({sql}, 0)") } else { sql }
    }

    /// Runs `work` as within OR or NOT.
    fn inside<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let outside = std::mem::replace(&mut self.nested, true);
        let out = work(self);
        self.nested = outside;
        out
    }

    /// Runs `work` as under a NOT where `not` says so.
    fn under<T>(&mut self, not: bool, work: impl FnOnce(&mut Self) -> T) -> T {
        let outside = self.negated;
        self.negated |= not;
        let out = work(self);
        self.negated = outside;
        out
    }

    /// The condition as SQL; null stands for false where nothing negates it.
    pub(crate) fn condition(
        &mut self,
        scope: &mut Scope<'_>,
        condition: &Condition,
    ) -> Result<String, OrgError> {
        Ok(match condition {
            Condition::And(all) => self.joined(scope, all, " AND ")?,
            Condition::Or(all) => self.inside(|b| b.joined(scope, all, " OR "))?,
            Condition::Not(inner) => {
                let inner = self.inside(|b| b.under(true, |b| b.condition(scope, inner)))?;
                format!("(NOT {inner})")
            }
            Condition::Compare(left, operator, right) => self.compare(scope, left, *operator, right)?,
            Condition::In { left, not, values } => {
                let inside = self.under(*not, |b| b.one_of(scope, left, values))?;
                if *not { format!("(NOT {inside})") } else { inside }
            }
            Condition::InQuery { left, not, query } => self.semijoin(scope, left, *not, query)?,
            Condition::Includes { left, not, values } => {
                let term = self.filterable(scope, left)?;
                if term.kind != Kind::MultiPicklist {
                    return Err(self.bad_operator(scope, left, &term));
                }
                let mut each = Vec::new();
                for value in values {
                    let wanted = self.literal(scope, left, &term, value)?;
                    each.push(format!("sf_includes({}, {wanted})", term.sql));
                }
                format!("({}({}))", if *not { "NOT " } else { "" }, each.join(" OR "))
            }
        })
    }

    fn one_of(&mut self, scope: &mut Scope<'_>, left: &Expr, values: &[Literal]) -> Result<String, OrgError> {
        let term = self.filterable(scope, left)?;
        let mut each = Vec::new();
        let mut plain = Vec::with_capacity(values.len());
        for value in values {
            match value {
                value if is_empty(&term, value) || matches!(value, Literal::Range(..)) => {
                    each.push(self.equal(scope, left, &term, value, false)?);
                }
                _ => plain.push(self.literal(scope, left, &term, value)?),
            }
        }
        if !plain.is_empty() {
            each.push(self.sure(format!("{} IN ({})", term.sql, plain.join(", "))));
        }
        Ok(format!("({})", each.join(" OR ")))
    }

    fn joined(&mut self, scope: &mut Scope<'_>, all: &[Condition], with: &str) -> Result<String, OrgError> {
        let parts = all.iter().map(|c| self.condition(scope, c)).collect::<Result<Vec<_>, _>>()?;
        Ok(balanced(&parts, with))
    }

    /// What a condition may stand on.
    fn filterable(&mut self, scope: &mut Scope<'_>, left: &Expr) -> Result<Term, OrgError> {
        let term = self.term(scope, left)?;
        let refuse = |what: String| Err(fault::at("MALFORMED_QUERY", scope.text, left.at(), &what));
        match &self.having {
            None if term.aggregate => return refuse(format!("unexpected token: '{}'", left.function())),
            Some(keys) if !term.aggregate && !keys.contains(&term.sql) => {
                return refuse(format!("Field must be grouped or aggregated: {}", term.name));
            }
            _ => {}
        }
        if !term.filterable {
            let what = format!("field '{}' can not be filtered in a query call", term.name);
            return Err(fault::at("INVALID_FIELD", scope.text, left.at(), &what));
        }
        Ok(term)
    }

    fn compare(
        &mut self,
        scope: &mut Scope<'_>,
        left: &Expr,
        operator: Operator,
        right: &Literal,
    ) -> Result<String, OrgError> {
        let term = self.filterable(scope, left)?;
        let sign = match operator {
            Operator::Equal => return self.equal(scope, left, &term, right, false),
            Operator::NotEqual => return self.equal(scope, left, &term, right, true),
            Operator::Like => return self.like(scope, left, &term, right),
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
        };
        if matches!(term.kind, Kind::Boolean | Kind::MultiPicklist) || *right == Literal::Null {
            return Err(self.bad_operator(scope, left, &term));
        }
        if let Literal::Range(name, n) = right {
            let (from, to) = self.range(scope, left, &term, name, *n)?;
            // Before the first day, or not after the last.
            let (sign, edge) = match operator {
                Operator::Less => ("<", from),
                Operator::LessOrEqual => ("<", to),
                Operator::Greater => (">=", to),
                _ => (">=", from),
            };
            let edge = self.param(edge);
            return Ok(self.sure(format!("{} {sign} {edge}", term.sql)));
        }
        let value = self.literal(scope, left, &term, right)?;
        Ok(self.sure(format!("{} {sign} {value}", term.sql)))
    }

    fn equal(
        &mut self,
        scope: &Scope<'_>,
        left: &Expr,
        term: &Term,
        right: &Literal,
        not: bool,
    ) -> Result<String, OrgError> {
        let is = if not { "IS NOT" } else { "IS" };
        match right {
            Literal::Null if term.kind == Kind::Boolean => Ok(format!("(ifnull({}, 0) {is} 0)", term.sql)),
            _ if is_empty(term, right) => Ok(format!("({} {is} NULL)", term.sql)),
            Literal::Range(name, n) => {
                let (from, to) = self.range(scope, left, term, name, *n)?;
                let (from, to) = (self.param(from), self.param(to));
                let inside = format!("({0} >= {from} AND {0} < {to})", term.sql);
                Ok(if not { format!("(NOT ifnull({inside}, 0))") } else { self.sure(inside) })
            }
            _ => {
                let value = self.literal(scope, left, term, right)?;
                // A parent that is not there has no false flags: the flag reads as false.
                if term.kind == Kind::Boolean {
                    return Ok(format!("(ifnull({}, 0) {is} {value})", term.sql));
                }
                Ok(if not {
                    format!("({} IS NOT {value})", term.sql)
                } else {
                    self.sure(format!("{} = {value}", term.sql))
                })
            }
        }
    }

    fn like(
        &mut self,
        scope: &Scope<'_>,
        left: &Expr,
        term: &Term,
        right: &Literal,
    ) -> Result<String, OrgError> {
        if !is_text(term.kind) || term.kind == Kind::MultiPicklist {
            return Err(self.bad_operator(scope, left, term));
        }
        let Literal::Text(raw) = right else { return Err(self.bad_literal(scope, left, term)) };
        let pattern = self.param(Sql::Text(text::pattern(raw)));
        Ok(format!("sf_like({}, {pattern})", term.sql))
    }

    /// `IN (SELECT …)`.
    fn semijoin(
        &mut self,
        scope: &mut Scope<'_>,
        left: &Expr,
        not: bool,
        query: &Query,
    ) -> Result<String, OrgError> {
        let refuse = |what: &str| Err(fault::at("MALFORMED_QUERY", scope.text, left.at(), what));
        self.semijoins += 1;
        if self.semijoins > 2 {
            return refuse("Maximum 2 semi join sub-selects are allowed");
        }
        if self.nested {
            return refuse(
                "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions.",
            );
        }
        if query.limit.is_some()
            || query.offset.is_some()
            || !query.order.is_empty()
            || !query.group.is_empty()
        {
            return refuse(
                "Semi join sub-selects can only have one field and no ORDER BY, LIMIT or GROUP BY",
            );
        }
        let term = self.filterable(scope, left)?;
        if !matches!(term.kind, Kind::Id | Kind::Reference) {
            return refuse("Semi join sub-selects are only allowed on an id or reference field");
        }
        let [super::ast::Item::Value(Expr::Path(path), None)] = query.select.as_slice() else {
            return refuse("Semi join sub-selects must select exactly one field");
        };
        let Some(object) = scope.schema.object(&query.from.text()) else {
            return Err(super::scope::no_object(scope.text, &query.from.text(), query.from.at));
        };
        if object.name == scope.object.name {
            return refuse("The inner and outer selects should not be on the same object type");
        }
        if matches!(object.name.as_str(), "Task" | "Event") {
            return refuse(&format!("Entity '{}' is not supported for semi join inner selects", object.name));
        }
        if !matches!(left, Expr::Path(path) if scope.is_own(path)) {
            return refuse("The left operand of a semi join must be a field of the outer object itself");
        }
        self.tables += 1;
        let mut inner = Scope::new(scope.schema, scope.text, object, &format!("t{}", self.tables));
        inner.aliases = query.aliases.iter().take(1).map(|(alias, _)| (alias.clone(), Vec::new())).collect();
        let column = inner.column(path)?;
        if !matches!(column.kind, Kind::Id | Kind::Reference) {
            return refuse("The inner select field of a semi join must be an id or reference field");
        }
        let own = if column.kind == Kind::Id {
            vec![object.name.clone()]
        } else {
            column.field.map(|f| f.references.clone()).unwrap_or_default()
        };
        if !term.references.iter().any(|r| own.contains(r)) {
            let what = format!(
                "The left operand field in the where expression for outer query '{}' should be of the same type as the inner select field '{}'",
                term.name, column.name
            );
            return refuse(&what);
        }
        let nested = |c: &Condition| matches!(c, Condition::InQuery { .. });
        if query.filter.as_ref().is_some_and(|f| any(f, &nested)) {
            return refuse("Nesting of semi join sub-selects is not supported");
        }
        let outside = std::mem::replace(&mut self.negated, false);
        let filter = query.filter.as_ref().map(|f| self.condition(&mut inner, f)).transpose()?;
        self.negated = outside;
        let mut wheres = vec![format!("{} IS NOT NULL", column.sql)];
        if !self.all {
            wheres.push(format!("{}.IsDeleted = 0", inner.table));
        }
        wheres.extend(filter);
        let sql = format!(
            "SELECT {} FROM \"{}\" AS {}{} WHERE {}",
            column.sql,
            object.name,
            inner.table,
            inner.joined(),
            wheres.join(" AND ")
        );
        Ok(self.under(not, |b| {
            let inside = b.sure(format!("{} IN ({sql})", term.sql));
            if not { format!("(NOT {inside})") } else { inside }
        }))
    }

    fn bad_operator(&self, scope: &Scope<'_>, left: &Expr, term: &Term) -> OrgError {
        let what = format!("invalid operator on {} field", term.kind.name());
        fault::at("INVALID_QUERY_FILTER_OPERATOR", scope.text, left.at(), &what)
    }

    /// The zone's name, for functions of dates.
    pub(crate) fn zone(&mut self) -> String {
        quoted(self.asker().time_zone.iana_name().unwrap_or("UTC"))
    }
}

/// Joins in halves of halves: a long chain of conditions is no deep one, and SQLite reads it.
fn balanced(parts: &[String], with: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        _ => {
            let (left, right) = parts.split_at(parts.len() / 2);
            format!("({}{with}{})", balanced(left, with), balanced(right, with))
        }
    }
}

/// Whether the literal stands for an empty field: `NULL`, or text without a letter.
fn is_empty(term: &Term, literal: &Literal) -> bool {
    let text = is_text(term.kind) || matches!(term.kind, Kind::Id | Kind::Reference);
    match literal {
        Literal::Null => true,
        Literal::Text(raw) => text && raw.is_empty(),
        _ => false,
    }
}

/// Whether any part of a condition is such.
fn any(condition: &Condition, such: &impl Fn(&Condition) -> bool) -> bool {
    such(condition)
        || match condition {
            Condition::And(all) | Condition::Or(all) => all.iter().any(|c| any(c, such)),
            Condition::Not(inner) => any(inner, such),
            _ => false,
        }
}

pub(crate) fn is_text(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::String
            | Kind::TextArea
            | Kind::Picklist
            | Kind::MultiPicklist
            | Kind::ComboBox
            | Kind::Email
            | Kind::Phone
            | Kind::Url
    )
}
