//! SOQL: text → query → SQL → records as Salesforce writes them.
//!
//! [`parse`] reads the published grammar, [`plan`] finds what the names mean and makes one SQL
//! statement (and one for each child query), [`run`] shapes its rows; [`plans`] keeps what is asked
//! again. Nothing is written here.

pub(crate) mod ast;
mod dates;
mod expr;
pub(crate) mod fault;
mod filter;
mod format;
pub(crate) mod functions;
mod group;
mod literal;
pub(crate) mod lower;
pub(crate) mod parse;
pub(crate) mod plan;
pub(crate) mod plans;
pub(crate) mod run;
mod scope;
mod select;
mod text;

pub(crate) use self::scope::no_object;

use serde_json::Value;

use self::ast::{Expr, FieldSet, Item, Path, Query};
use self::plan::{Ask, Within};
use super::data::{Context, Rows, Tx};
use super::error::OrgError;
use super::schema::Object;

impl Tx<'_> {
    /// Answers SOQL; with `all` also from the bin, as queryAll does. All records at once: paging is
    /// the caller's.
    ///
    /// # Errors
    /// `MALFORMED_QUERY`, `INVALID_FIELD`, `INVALID_TYPE` and their like, as Salesforce words them.
    pub fn query(&self, ctx: &Context, soql: &str, all: bool) -> Result<Rows, OrgError> {
        let ask = Ask { schema: self.schema, ctx, text: soql, all };
        let plan = self.state.plans.of(ask, soql, || plan::plan(ask, &parse::soql(soql)?, Within::Top))?;
        let rows = run::run(self, ask, &plan)?;
        Ok(Rows { object: plan.object.clone(), viewed: plan.viewed, ..rows })
    }

    /// One record by its id, living or not.
    pub(super) fn record(
        &self,
        ctx: &Context,
        object: &Object,
        id: &str,
        fields: Option<&[&str]>,
    ) -> Result<Option<Value>, OrgError> {
        let text = fields.map(|names| names.join(",")).unwrap_or_default();
        let ask = Ask { schema: self.schema, ctx, text: &text, all: true };
        let plan = self.state.plans.of(ask, &format!("{}:{text}", object.name), || {
            let query = Query { select: select(fields), limit: Some(1), ..Query::default() };
            plan::plan_over(ask, object, &query, Within::Record)
        })?;
        Ok(run::of(self, ask, &plan, id)?.records.pop())
    }
}

/// Fields by their names, each once; all of them where none are named.
fn select(fields: Option<&[&str]>) -> Vec<Item> {
    let path = |name: &str| Path { parts: name.split('.').map(|p| p.trim().to_owned()).collect(), at: 0 };
    match fields {
        None => vec![Item::Fields(FieldSet::Standard), Item::Fields(FieldSet::Custom)],
        Some(names) => {
            let mut seen = std::collections::HashSet::new();
            let once = names.iter().filter(|n| seen.insert(n.to_ascii_lowercase()));
            once.map(|name| Item::Value(Expr::Path(path(name)), None)).collect()
        }
    }
}

#[cfg(test)]
mod tests;
