//! `parameterizedSearch`: the same search, its parts as JSON.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::data::{Context, Tx};
use super::super::error::OrgError;
use super::super::schema::Schema;
use super::super::soql::ast::{Expr, Item, Query};
use super::super::soql::parse;
use super::Search;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    q: Option<String>,
    #[serde(rename = "in")]
    group: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default, alias = "sobject")]
    sobjects: Vec<Wanted>,
    overall_limit: Option<Count>,
    default_limit: Option<Count>,
    offset: Option<Count>,
    metadata: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    name: String,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(rename = "where")]
    filter: Option<String>,
    limit: Option<Count>,
    order_by: Option<String>,
}

/// Documented as text, sent as either.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Count {
    Number(u64),
    Text(String),
}

impl Count {
    fn read(this: Option<&Self>, name: &str) -> Result<Option<u64>, OrgError> {
        let number = match this {
            None => return Ok(None),
            Some(Self::Number(n)) => Some(*n),
            Some(Self::Text(text)) => text.trim().parse().ok(),
        };
        match number {
            Some(n) if n <= super::MOST => Ok(Some(n)),
            _ => Err(OrgError::new(
                "NUMBER_OUTSIDE_VALID_RANGE",
                format!("{name} must be a whole number of at most {}", super::MOST),
            )),
        }
    }
}

impl Tx<'_> {
    /// Answers a `parameterizedSearch` body: an object with `searchRecords`, and `metadata` where
    /// that was asked for. A GET's parameters are to be brought into the body's form first.
    ///
    /// # Errors
    /// As [`search`](Self::search); `JSON_PARSER_ERROR` for a body of another form.
    pub fn parameterized_search(&self, ctx: &Context, body: &Value) -> Result<Value, OrgError> {
        let body: Body =
            Body::deserialize(body).map_err(|e| OrgError::new("JSON_PARSER_ERROR", e.to_string()))?;
        let Some(term) = body.q.as_deref().filter(|q| !q.trim().is_empty()) else {
            return Err(OrgError::new("MISSING_ARGUMENT", "the search text q is missing"));
        };
        let group = body.group.as_deref().unwrap_or("ALL").to_ascii_uppercase();
        if !["ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR"].contains(&group.as_str()) {
            return Err(OrgError::new(
                "INVALID_SEARCH_SCOPE",
                format!("in must be ALL, NAME, EMAIL, PHONE or SIDEBAR, not {group}"),
            ));
        }
        if !body.fields.is_empty() && body.sobjects.is_empty() {
            return Err(OrgError::new("INVALID_FIELD", "fields needs at least one sobject"));
        }
        let default_limit = Count::read(body.default_limit.as_ref(), "defaultLimit")?;
        let offset = Count::read(body.offset.as_ref(), "offset")?;
        if offset.is_some() && body.sobjects.len() != 1 {
            return Err(OrgError::new("MALFORMED_SEARCH", "offset needs exactly one sobject"));
        }
        let mut returning = Vec::with_capacity(body.sobjects.len());
        let mut sources = Vec::with_capacity(body.sobjects.len());
        for wanted in &body.sobjects {
            let soql = wanted.soql(&body.fields);
            let mut query = wanted.query(&soql)?;
            query.limit = Count::read(wanted.limit.as_ref(), "limit")?.or(default_limit);
            returning.push(query);
            sources.push(soql);
        }
        let labels = body.metadata.as_deref().is_some_and(|m| m.eq_ignore_ascii_case("LABELS"));
        let metadata = labels.then(|| labels_of(self.schema, &returning));
        let search = Search {
            term: term.to_owned(),
            group,
            returning,
            sources,
            limit: Count::read(body.overall_limit.as_ref(), "overallLimit")?,
            offset,
        };
        let records = self.find_all(ctx, term, search)?;
        let mut out = json!({"searchRecords": records});
        if let (Some(metadata), Some(out)) = (metadata, out.as_object_mut()) {
            out.insert("metadata".to_owned(), metadata);
        }
        Ok(out)
    }
}

impl Wanted {
    /// What it asks, as SOQL would ask it.
    fn soql(&self, general: &[String]) -> String {
        let fields = if self.fields.is_empty() { general } else { &self.fields };
        let fields = if fields.is_empty() { "Id".to_owned() } else { fields.join(", ") };
        let mut soql = format!("SELECT {fields} FROM {}", self.name);
        if let Some(filter) = self.filter.as_deref().filter(|f| !f.trim().is_empty()) {
            soql.push_str(&format!(" WHERE {filter}"));
        }
        if let Some(order) = self.order_by.as_deref().filter(|o| !o.trim().is_empty()) {
            let order = order.replace("NULLS_", "NULLS ").replace("nulls_", "nulls ");
            soql.push_str(&format!(" ORDER BY {order}"));
        }
        soql
    }

    /// The same, read.
    fn query(&self, soql: &str) -> Result<Query, OrgError> {
        let query = parse::soql(soql)?;
        let whole = query.limit.is_none()
            && query.offset.is_none()
            && query.group.is_empty()
            && query.from.text() == self.name;
        if !whole || query.select.iter().any(|item| matches!(item, Item::Child(_) | Item::Count)) {
            return Err(OrgError::new(
                "MALFORMED_SEARCH",
                format!("what is asked of {} holds more than fields and conditions", self.name),
            ));
        }
        Ok(query)
    }
}

/// The labels of the fields asked for.
fn labels_of(schema: &Schema, returning: &[Query]) -> Value {
    let entities = returning.iter().filter_map(|query| {
        let object = schema.object(&query.from.text())?;
        let fields: Vec<Value> = query
            .select
            .iter()
            .filter_map(|item| match item {
                Item::Value(Expr::Path(path), _) => object.field(&path.text()),
                _ => None,
            })
            .map(|field| json!({"label": field.label, "name": field.name}))
            .collect();
        Some(json!({"entityName": object.name, "fieldMetadata": fields}))
    });
    json!({"entityMetadata": entities.collect::<Vec<_>>()})
}
