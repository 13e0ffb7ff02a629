//! SOSL and parameterized search: text → expression of the index → ids → records.

pub(crate) mod index;
mod parameterized;
mod parse;
mod term;

use serde_json::Value;

use super::data::{Context, Tx};
use super::error::OrgError;
use super::schema::Object;
use super::soql::ast::{Expr, Item, Path, Query};
use super::soql::plan::{Ask, Within};
use super::soql::{plan, run};

/// Records in one answer.
const MOST: u64 = 2_000;
/// Records of one object, where nothing narrows it.
const MOST_OF_ONE: u64 = 250;

/// What is asked of the index.
#[derive(Clone, Debug, Default, PartialEq)]
struct Search {
    /// As typed, escapes and all.
    term: String,
    /// `ALL`, `NAME`, `EMAIL`, `PHONE`, `SIDEBAR`.
    group: String,
    /// Each object with what its parentheses say; none: all searchable objects.
    returning: Vec<Query>,
    /// For messages: the text that each of them was read from, where it is not the search itself.
    sources: Vec<String>,
    limit: Option<u64>,
    offset: Option<u64>,
}

impl Tx<'_> {
    /// Answers SOSL with `searchRecords`.
    ///
    /// # Errors
    /// `MALFORMED_SEARCH` and those of [`query`](Self::query).
    pub fn search(&self, ctx: &Context, sosl: &str) -> Result<Vec<Value>, OrgError> {
        let search = parse::sosl(sosl)?;
        self.find_all(ctx, sosl, search)
    }

    fn find_all(&self, ctx: &Context, text: &str, search: Search) -> Result<Vec<Value>, OrgError> {
        let refuse = |what: &str| Err(OrgError::new("MALFORMED_SEARCH", what));
        let returning = if search.returning.is_empty() { self.everything() } else { search.returning };
        let narrowed = search.offset.or_else(|| returning.iter().find_map(|q| q.offset));
        if narrowed.is_some() && returning.len() > 1 {
            return refuse("OFFSET can only be used with a single object in the RETURNING clause");
        }
        if narrowed.is_some_and(|n| n > MOST) {
            return Err(OrgError::new("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOSL offset allowed is 2000"));
        }
        if search.limit.is_some_and(|n| n > MOST)
            || returning.iter().any(|q| q.limit.is_some_and(|n| n > MOST))
        {
            return refuse("SOSL queries can return up to 2000 records");
        }
        self.catch_up()?;
        let expression = term::expression(self, &search.term, &search.group)?;
        let objects = u64::try_from(returning.len()).unwrap_or(u64::MAX).max(1);
        let mut found = Vec::with_capacity(returning.len());
        let mut seen: Vec<&str> = Vec::new();
        for (at, mut query) in returning.into_iter().enumerate() {
            let text = search.sources.get(at).map_or(text, String::as_str);
            let name = query.from.text();
            let object = self.schema.object(&name).filter(|o| o.searchable);
            let Some(object) = object else {
                let known = self.schema.object(&name).is_some();
                let what = if known {
                    format!("entity type {name} does not support search")
                } else {
                    return Err(super::soql::no_object(text, &name, query.from.at));
                };
                return Err(OrgError::new("INVALID_TYPE", what));
            };
            if seen.contains(&object.name.as_str()) {
                return refuse(&format!("duplicate object in the RETURNING clause: {}", object.name));
            }
            seen.push(&object.name);
            let plain = query.filter.is_none() && query.order.is_empty();
            let most = if objects == 1 && !plain { MOST } else { (MOST / objects).min(MOST_OF_ONE) };
            query.limit = Some(query.limit.unwrap_or(most));
            query.offset = query.offset.or(search.offset);
            let ids = match &expression {
                Some(_) if object.search_only_by_name => self.matching_any_field(&search.term, object)?,
                Some(expression) => self.matching(expression, object)?,
                None => Vec::new(),
            };
            // Planned even where nothing was found: what is wrong with it is to be told.
            let ask = Ask { schema: self.schema, ctx, text, all: false };
            let plan = plan::plan_over(ask, object, &query, Within::Ids(&ids))?;
            found.push(if ids.is_empty() { Vec::new() } else { run::run(self, ask, &plan)?.records });
        }
        Ok(share(found, search.limit.unwrap_or(MOST)))
    }

    /// Feed objects ignore IN.
    fn matching_any_field(&self, term: &str, object: &Object) -> Result<Vec<String>, OrgError> {
        match term::expression(self, term, "ALL")? {
            Some(expression) => self.matching(&expression, object),
            None => Ok(Vec::new()),
        }
    }

    /// RETURNING as it is where nobody says: ids of all objects that are searched unasked.
    fn everything(&self) -> Vec<Query> {
        let objects = self.schema.objects().iter().filter(|o| o.searchable && !o.search_only_by_name);
        objects.map(|o| only_id(Path { parts: vec![o.name.clone()], at: 0 })).collect()
    }
}

/// An object of RETURNING without parentheses.
fn only_id(from: Path) -> Query {
    let id = Path { parts: vec!["Id".to_owned()], at: from.at };
    Query { select: vec![Item::Value(Expr::Path(id), None)], from, ..Query::default() }
}

/// At most `limit` records, evenly over the objects.
fn share(found: Vec<Vec<Value>>, limit: u64) -> Vec<Value> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut taken = vec![0usize; found.len()];
    let mut left = limit;
    loop {
        let mut moved = false;
        for (count, records) in taken.iter_mut().zip(&found) {
            if left > 0 && *count < records.len() {
                *count += 1;
                left -= 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    found.into_iter().zip(taken).flat_map(|(records, count)| records.into_iter().take(count)).collect()
}

#[cfg(test)]
pub(crate) mod tests;
