//! `/composite/sobjects`: up to 200 records of one verb in one call.
//!
//! A collection answers 200 whatever became of its records; each has its own result, in the order
//! of the request, with `statusCode` where rows alone say `errorCode`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::org::ask::{Answer, Ask, Call, Refusal, Said, not_allowed, told, unreadable};
use crate::org::data::{Tx, Upserted};
use crate::org::error::OrgError;
use crate::org::schema::Object;
use crate::org::wire::Method;
use crate::org::{id, rows};

/// Records in one collection.
const MOST: usize = 200;
/// Runs of one type in one collection.
const RUNS: usize = 10;
/// Ids of one read.
const MOST_READ: usize = 2_000;

/// Answers a question whose path goes on after `/composite/sobjects`.
pub(super) fn answer(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, rest: &[&str]) -> Answer {
    if ask.version < 42 || (rest.len() == 2 && ask.version < 46) {
        return Err(OrgError::not_found().into());
    }
    match (ask.method, rest) {
        (Method::Post, []) => create(call, tx, ask),
        (Method::Patch, []) => update(call, tx, ask),
        (Method::Patch, [object, field]) => upsert(call, tx, ask, object, field),
        (Method::Delete, []) => delete(call, tx, ask),
        (Method::Get | Method::Head | Method::Post, [object]) => retrieve(call, tx, ask, object),
        (method, []) => Err(not_allowed(method, "POST,PATCH,DELETE")),
        (method, [_]) => Err(not_allowed(method, "GET,HEAD,POST")),
        (method, [_, _]) => Err(not_allowed(method, "PATCH")),
        _ => Err(OrgError::not_found().into()),
    }
}

/// What became of one record: its result, and whether it is a success.
struct Outcome {
    id: Option<String>,
    created: Option<bool>,
    errors: Vec<OrgError>,
}

impl Outcome {
    fn of(id: Option<&str>, done: Result<Option<String>, Vec<OrgError>>) -> Self {
        match done {
            Ok(new) => Self { id: new.or_else(|| id.map(str::to_owned)), created: None, errors: Vec::new() },
            Err(errors) => Self { id: id.map(str::to_owned), created: None, errors },
        }
    }

    fn told(&self) -> Value {
        let mut out = Map::new();
        if let Some(id) = &self.id {
            out.insert("id".to_owned(), id.as_str().into());
        }
        out.insert("success".to_owned(), self.errors.is_empty().into());
        out.insert("errors".to_owned(), self.errors.iter().map(|e| told(e, "statusCode")).collect());
        if let Some(created) = self.created {
            out.insert("created".to_owned(), created.into());
        }
        Value::Object(out)
    }
}

/// Runs a collection's records: each alone, or, where the caller wants all or none, as one.
fn run<T>(
    call: &Call<'_>,
    tx: &Tx<'_>,
    all_or_none: bool,
    records: &[T],
    keeps_id: bool,
    mut one: impl FnMut(&T) -> Outcome,
) -> Answer {
    let mut outcomes: Vec<Outcome> = call.trial(tx, || {
        let outcomes: Vec<Outcome> = records.iter().map(&mut one).collect();
        let keep = !all_or_none || outcomes.iter().all(|o| o.errors.is_empty());
        (outcomes, keep)
    })?;
    if all_or_none && outcomes.iter().any(|o| !o.errors.is_empty()) {
        for outcome in outcomes.iter_mut().filter(|o| o.errors.is_empty()) {
            if !keeps_id {
                outcome.id = None;
            }
            outcome.created = None;
            outcome.errors.push(OrgError::new(
                "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "Record rolled back because not all records were valid and the request was using AllOrNone header",
            ));
        }
    }
    Ok(Said::ok(outcomes.iter().map(Outcome::told).collect()))
}

/// The records of a body, each an object.
type Records<'a> = Vec<&'a Map<String, Value>>;

/// `allOrNone` and the records.
fn records<'a>(ask: &'a Ask<'_>) -> Result<(bool, Records<'a>), OrgError> {
    let body = ask.object()?;
    let all_or_none = match body.get("allOrNone") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(_) => return Err(unreadable("allOrNone is no boolean")),
    };
    let Some(Value::Array(list)) = body.get("records") else {
        return Err(unreadable("The body has no list of records"));
    };
    limit(list.len(), MOST)?;
    let records = list
        .iter()
        .map(|r| r.as_object().ok_or_else(|| unreadable("A record is no object")))
        .collect::<Result<_, _>>()?;
    Ok((all_or_none, records))
}

fn limit(count: usize, most: usize) -> Result<(), OrgError> {
    if count > most {
        return Err(OrgError::new(
            "EXCEEDED_ID_LIMIT",
            format!("record limit reached. cannot submit more than {most} records into this call"),
        ));
    }
    Ok(())
}

/// The record's own type, as its `attributes` say.
fn type_of<'s>(tx: &Tx<'s>, record: &Map<String, Value>) -> Result<&'s Object, OrgError> {
    let name =
        record.get("attributes").and_then(|a| a.get("type")).and_then(Value::as_str).ok_or_else(|| {
            OrgError::new("INVALID_INPUT", "Include an entity type in the attributes of each record")
        })?;
    tx.schema
        .object(name)
        .ok_or_else(|| OrgError::new("INVALID_TYPE", format!("sObject type '{name}' is not supported.")))
}

/// Types of all records; more than ten runs of one type are refused.
fn types<'s>(tx: &Tx<'s>, records: &[&Map<String, Value>]) -> Result<Vec<&'s Object>, OrgError> {
    let types = records.iter().map(|r| type_of(tx, r)).collect::<Result<Vec<_>, _>>()?;
    let runs = types.chunk_by(|a, b| a.name == b.name).count();
    if runs > RUNS {
        return Err(OrgError::new(
            "LIMIT_EXCEEDED",
            "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking.",
        ));
    }
    Ok(types)
}

fn create(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Answer {
    let (all_or_none, records) = records(ask)?;
    let ctx = call.context(ask);
    let records: Vec<_> = types(tx, &records)?.into_iter().zip(records).collect();
    run(call, tx, all_or_none || call.whole.get(), &records, false, |(object, fields)| {
        Outcome::of(None, call.create(tx, &ctx, object, fields).map(Some))
    })
}

/// The record's id, whatever case its key has.
fn id_of(record: &Map<String, Value>) -> Option<&str> {
    record.iter().find(|(name, _)| name.eq_ignore_ascii_case("id")).and_then(|(_, v)| v.as_str())
}

fn malformed(id: &str) -> OrgError {
    OrgError::new("MALFORMED_ID", format!("malformed id {id}"))
}

fn update(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Answer {
    let (all_or_none, records) = records(ask)?;
    let ctx = call.context(ask);
    let types = types(tx, &records)?;
    let mut seen: HashMap<String, u32> = HashMap::new();
    for id in records.iter().filter_map(|r| id_of(r)) {
        *seen.entry(id::normalise(id).unwrap_or_else(|| id.to_owned())).or_default() += 1;
    }
    let records: Vec<_> = types.into_iter().zip(records).collect();
    run(call, tx, all_or_none || call.whole.get(), &records, true, |(object, record)| {
        let Some(given) = id_of(record) else {
            return Outcome::of(
                None,
                Err(vec![OrgError::new("MISSING_ARGUMENT", "Id not specified in an update call")]),
            );
        };
        let Some(id) = id::normalise(given) else {
            return Outcome::of(Some(given), Err(vec![malformed(given)]));
        };
        if seen.get(&id).is_some_and(|n| *n > 1) {
            let error = OrgError::new("DUPLICATE_VALUE", format!("Duplicate id in list: {id}")).field("Id");
            return Outcome::of(Some(&id), Err(vec![error]));
        }
        let mut fields = (*record).clone();
        fields.retain(|name, _| !name.eq_ignore_ascii_case("id"));
        Outcome::of(Some(&id), call.update(tx, &ctx, object, &id, &fields).map(|()| None))
    })
}

fn upsert(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, object: &str, field: &str) -> Answer {
    let object = tx.schema.object(object).ok_or_else(OrgError::not_found)?;
    let (all_or_none, records) = records(ask)?;
    if let Some(other) = types(tx, &records)?.into_iter().find(|t| t.name != object.name) {
        let text = format!("A record of type {} cannot be upserted as {}", other.name, object.name);
        return Err(OrgError::new("INVALID_INPUT", text).into());
    }
    // An unknown field refuses the call, not its records.
    let known = field.eq_ignore_ascii_case("id") || object.field(field).is_some_and(|f| f.external_id);
    if !known {
        let text = format!("Provided external ID field does not exist or is not accessible: {field}");
        return Err(OrgError::new("NOT_FOUND", text).status(404).into());
    }
    let ctx = call.context(ask);
    let value = |record: &Map<String, Value>| {
        record
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(field))
            .map(|(_, v)| v.clone())
            .filter(|v| !v.is_null())
    };
    let mut seen: HashMap<String, u32> = HashMap::new();
    for value in records.iter().filter_map(|r| value(r)) {
        *seen.entry(value.to_string().to_lowercase()).or_default() += 1;
    }
    run(call, tx, all_or_none || call.whole.get(), &records, false, |record| {
        let mut outcome = match value(record) {
            None if field.eq_ignore_ascii_case("id") => {
                let done = call.create(tx, &ctx, object, record).map(Some);
                Outcome { created: Some(true), ..Outcome::of(None, done) }
            }
            None => Outcome::of(
                None,
                Err(vec![OrgError::new("MISSING_ARGUMENT", format!("{field} not specified")).field(field)]),
            ),
            Some(value) if seen.get(&value.to_string().to_lowercase()).is_some_and(|n| *n > 1) => {
                Outcome::of(
                    None,
                    Err(vec![
                        OrgError::new(
                            "DUPLICATE_VALUE",
                            format!("Duplicate external id specified: {}", plain(&value)),
                        )
                        .field(field),
                    ]),
                )
            }
            Some(value) => {
                let mut fields = (*record).clone();
                fields.retain(|name, _| !name.eq_ignore_ascii_case(field));
                upsert_one(call, tx, &ctx, object, (field, &value), &fields)
            }
        };
        // Salesforce says so of records that it refused, too.
        outcome.created.get_or_insert(true);
        outcome
    })
}

fn upsert_one(
    call: &Call<'_>,
    tx: &Tx<'_>,
    ctx: &crate::org::data::Context,
    object: &Object,
    (field, value): (&str, &Value),
    fields: &Map<String, Value>,
) -> Outcome {
    if let (true, Some(id)) = (field.eq_ignore_ascii_case("id"), value.as_str()) {
        let done = call.update(tx, ctx, object, id, fields).map(|()| None);
        return Outcome { created: Some(false), ..Outcome::of(Some(id), done) };
    }
    match rows::upsert_row(call, tx, ctx, object, (field, value), fields, false) {
        Ok(Upserted::Created(id)) => Outcome { created: Some(true), ..Outcome::of(None, Ok(Some(id))) },
        Ok(Upserted::Updated(id)) => Outcome { created: Some(false), ..Outcome::of(None, Ok(Some(id))) },
        Ok(Upserted::Several(ids)) => Outcome::of(
            None,
            Err(vec![
                OrgError::new(
                    "DUPLICATE_EXTERNAL_ID",
                    format!(
                        "{field}: more than one record found for external id field: [{}]",
                        ids.join(", ")
                    ),
                )
                .field(field),
            ]),
        ),
        Err(Refusal(errors)) => Outcome::of(None, Err(errors)),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn delete(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Answer {
    let ids = ask.target.param("ids").unwrap_or_default();
    let ids: Vec<&str> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Err(OrgError::new("MISSING_ARGUMENT", "The ids parameter is required").into());
    }
    limit(ids.len(), MOST)?;
    let all_or_none = ask.target.param("allOrNone").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let ctx = call.context(ask);
    run(call, tx, all_or_none || call.whole.get(), &ids, true, |given| {
        let known = id::normalise(given).and_then(|id| tx.schema.object_of_id(&id).map(|o| (o, id)));
        match known {
            Some((object, id)) => Outcome::of(Some(&id), call.delete(tx, &ctx, object, &id).map(|()| None)),
            None => Outcome::of(Some(given), Err(vec![malformed(given)])),
        }
    })
}

fn retrieve(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, object: &str) -> Answer {
    let object = tx.schema.object(object).ok_or_else(OrgError::not_found)?;
    let list = |name: &str| -> Result<Vec<String>, OrgError> {
        if ask.method == Method::Post {
            let body = ask.object()?;
            let Some(Value::Array(list)) = body.get(name) else {
                return Err(unreadable(format!("The body has no list of {name}")));
            };
            return list
                .iter()
                .map(|v| {
                    v.as_str()
                        .map(str::to_owned)
                        .ok_or_else(|| unreadable(format!("A value of {name} is no text")))
                })
                .collect();
        }
        let text = ask.target.param(name).unwrap_or_default();
        Ok(text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect())
    };
    let (ids, fields) = (list("ids")?, list("fields")?);
    if ids.is_empty() || fields.is_empty() {
        return Err(OrgError::new("MISSING_ARGUMENT", "ids and fields are required").into());
    }
    limit(ids.len(), MOST_READ)?;
    let ctx = call.context(ask);
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    if let Some(unknown) = fields.iter().find(|f| !f.contains('.') && object.field(f).is_none()) {
        let text = format!("No such column '{unknown}' on sobject of type {}", object.name);
        return Err(OrgError::new("INVALID_FIELD", text).into());
    }
    // What is missing, deleted or no id of this object is null in its place.
    let one = |id: &String| tx.retrieve(&ctx, &object.name, id, Some(&fields)).unwrap_or_default();
    Ok(Said::ok(ids.iter().map(one).collect()))
}
