//! `/sobjects`: describe and single rows.

use serde_json::{Map, Value, json};

use crate::org::ask::{Answer, Ask, Call, Refusal, Said, not_allowed};
use crate::org::data::{Context, Tx, Upserted};
use crate::org::error::OrgError;
use crate::org::schema::Object;
use crate::org::wire::Method;
use crate::org::{hold, id, rest};
use crate::time::Timestamp;

/// Answers a question whose path goes on after `/sobjects`.
pub(super) fn answer(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, rest: &[&str]) -> Answer {
    let reads = matches!(ask.method, Method::Get | Method::Head);
    let object = match rest {
        [] if reads => return Ok(unless_known(call, ask, || tx.schema.describe_global(ask.version))),
        [] => return Err(not_allowed(ask.method, "HEAD,GET")),
        [name, ..] => tx.schema.object(name).ok_or_else(OrgError::not_found)?,
    };
    match (ask.method, rest) {
        (_, [_, "describe"]) if reads => Ok(unless_known(call, ask, || object.describe(ask.version))),
        (_, [_]) if reads => Ok(Said::ok(json!({
            "objectDescribe": object.summary(ask.version),
            "recentItems": rest::recent(call, tx, ask, Some(&object.name)),
        }))),
        (_, [_, "updated"]) if reads => updated(call, tx, ask, object),
        (_, [_, "deleted"]) if reads => deleted(call, tx, ask, object),
        (Method::Post, [_] | [_, "Id"]) => create(call, tx, ask, object),
        (_, [_, id]) if reads => read(call, tx, ask, object, id),
        (Method::Patch, [_, id]) => update(call, tx, ask, object, id),
        (Method::Delete, [_, id]) => {
            call.delete(tx, &call.context(ask), object, id)?;
            Ok(Said::nothing())
        }
        (_, [_, field, value]) => by_field(call, tx, ask, object, field, value),
        (method, [_]) => Err(not_allowed(method, "HEAD,GET,POST")),
        (method, [_, "describe" | "updated" | "deleted"]) => Err(not_allowed(method, "HEAD,GET")),
        (method, [_, _]) => Err(not_allowed(method, "HEAD,GET,PATCH,DELETE")),
        _ => Err(OrgError::not_found().into()),
    }
}

/// Metadata, or 304 where the caller has it: it has not changed since the org was made.
fn unless_known(call: &Call<'_>, ask: &Ask<'_>, describe: impl FnOnce() -> Value) -> Said {
    let born = jiff::Timestamp::from_millisecond(call.org.born.as_millis()).unwrap_or_default();
    let known = ask
        .headers
        .get("if-modified-since")
        .and_then(|since| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(since).ok())
        .is_some_and(|since| since.as_second() >= born.as_second());
    if known {
        return Said::new(304, Value::Null);
    }
    let mut said = Said::ok(describe());
    said.headers.push(("Last-Modified", born.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    said
}

/// A row's address.
pub(super) fn url(ask: &Ask<'_>, object: &Object, id: &str) -> String {
    format!("{}/sobjects/{}/{id}", ask.root(), object.name)
}

fn create(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, object: &Object) -> Answer {
    let id = call.create(tx, &call.context(ask), object, ask.object()?)?;
    viewed(call, ask, object, &id);
    let mut said = Said::new(201, json!({"id": id, "success": true, "errors": []}));
    said.headers.push(("Location", url(ask, object, &id)));
    Ok(said)
}

fn read(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, object: &Object, id: &str) -> Answer {
    let fields: Option<Vec<&str>> = ask
        .target
        .param("fields")
        .map(|list| list.split(',').map(str::trim).filter(|f| !f.is_empty()).collect());
    let record = tx.retrieve(&call.context(ask), &object.name, id, fields.as_deref())?;
    viewed(call, ask, object, id);
    Ok(Said::ok(record))
}

/// Puts a record among the recent ones where the caller asks for it (`Sforce-Mru`).
fn viewed(call: &Call<'_>, ask: &Ask<'_>, object: &Object, id: &str) {
    if ask.headers.option("sforce-mru", "updateMru").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        call.org.view(&object.name, id);
    }
}

fn update(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, object: &Object, id: &str) -> Answer {
    let fields = ask.object()?;
    no_id_inside(fields)?;
    call.update(tx, &call.context(ask), object, id, fields)?;
    viewed(call, ask, object, id);
    Ok(Said::nothing())
}

fn no_id_inside(fields: &Map<String, Value>) -> Result<(), OrgError> {
    match fields.keys().find(|name| name.eq_ignore_ascii_case("id")) {
        Some(_) => {
            Err(OrgError::new("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
                .field("Id"))
        }
        None => Ok(()),
    }
}

/// `/sobjects/X/Field/value`: the row by an external id (or by `Id`).
fn by_field(
    call: &Call<'_>,
    tx: &Tx<'_>,
    ask: &Ask<'_>,
    object: &Object,
    field: &str,
    value: &str,
) -> Answer {
    let ctx = call.context(ask);
    let text = Value::from(value);
    match ask.method {
        Method::Patch => return upsert(call, tx, ask, object, field, &text),
        Method::Get | Method::Head | Method::Delete => {}
        method => return Err(not_allowed(method, "HEAD,GET,PATCH,DELETE")),
    }
    let found = if field.eq_ignore_ascii_case("id") {
        vec![value.to_owned()]
    } else {
        tx.find(&object.name, field, &text)?
    };
    match found.as_slice() {
        [] => Err(OrgError::not_found().into()),
        [id] if ask.method == Method::Delete => {
            call.delete(tx, &ctx, object, id)?;
            Ok(Said::nothing())
        }
        [id] => read(call, tx, ask, object, id),
        several => Ok(choices(ask, object, several)),
    }
}

/// 300: the rows between which the caller must choose; nothing was written.
fn choices(ask: &Ask<'_>, object: &Object, ids: &[String]) -> Said {
    Said::new(300, ids.iter().map(|id| url(ask, object, id)).collect())
}

fn upsert(
    call: &Call<'_>,
    tx: &Tx<'_>,
    ask: &Ask<'_>,
    object: &Object,
    field: &str,
    value: &Value,
) -> Answer {
    let fields = ask.object()?;
    no_id_inside(fields)?;
    let same = |given: &Value| given.as_str().map_or_else(|| given.to_string(), str::to_owned) == *value;
    if fields.iter().any(|(name, given)| name.eq_ignore_ascii_case(field) && !same(given)) {
        let text = format!("The {field} field should not be specified in the sobject data.");
        return Err(OrgError::new("INVALID_FIELD", text).field(field).into());
    }
    if let (true, Some(id)) = (field.eq_ignore_ascii_case("id"), value.as_str()) {
        return update(call, tx, ask, object, id);
    }
    let update_only = ask.target.param("updateOnly").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let (done, id) =
        match upsert_row(call, tx, &call.context(ask), object, (field, value), fields, update_only)? {
            Upserted::Several(ids) => return Ok(choices(ask, object, &ids)),
            Upserted::Created(id) => (201, id),
            Upserted::Updated(id) => (200, id),
        };
    viewed(call, ask, object, &id);
    if done == 200 && ask.version < 46 {
        return Ok(Said::nothing());
    }
    let mut body = json!({"id": id, "success": true, "errors": []});
    if ask.version >= 46 {
        body["created"] = (done == 201).into();
    }
    let mut said = Said::new(done, body);
    if done == 201 {
        said.headers.push(("Location", url(ask, object, &id)));
    }
    Ok(said)
}

/// Upserts one record and notes it, for rows and collections alike.
pub(super) fn upsert_row(
    call: &Call<'_>,
    tx: &Tx<'_>,
    ctx: &Context,
    object: &Object,
    (field, value): (&str, &Value),
    fields: &Map<String, Value>,
    update_only: bool,
) -> Result<Upserted, Refusal> {
    call.struck(object)?;
    let done = tx.upsert(ctx, &object.name, field, value, fields, update_only)?;
    let (verb, id) = match &done {
        Upserted::Created(id) => ("create", id),
        Upserted::Updated(id) => ("update", id),
        Upserted::Several(_) => return Ok(done),
    };
    let mut written = Map::new();
    let name = object.field(field).map_or(field, |f| f.name.as_str());
    written.insert(name.to_owned(), value.clone());
    written.extend(fields.clone());
    call.note(verb, object, id, &written);
    Ok(done)
}

/// The two ends of `?start=…&end=…`, as SOQL writes them.
fn span(ask: &Ask<'_>) -> Result<(Timestamp, Timestamp), OrgError> {
    let end = |name: &str| -> Result<Timestamp, OrgError> {
        let text = ask.target.param(name).ok_or_else(|| {
            OrgError::new(
                "MISSING_ARGUMENT",
                format!("The parameter {name} is missing: an ISO 8601 date and time"),
            )
        })?;
        // A plus sign that was not encoded has become a space.
        text.replace(' ', "+")
            .parse::<jiff::Timestamp>()
            .map(|t| Timestamp::from_millis(t.as_millisecond()))
            .map_err(|_| {
                OrgError::new(
                    "INVALID_REPLICATION_DATE",
                    format!("The parameter {name} is no ISO 8601 date and time"),
                )
            })
    };
    let (start, end) = (end("start")?, end("end")?);
    if start >= end {
        return Err(OrgError::new("INVALID_REPLICATION_DATE", "startDate before endDate required"));
    }
    Ok((start, end))
}

fn stamp(at: Timestamp) -> String {
    at.to_rfc3339().replace('Z', "+0000")
}

fn updated(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, object: &Object) -> Answer {
    let (start, end) = span(ask)?;
    let soql = format!(
        "SELECT Id FROM {} WHERE SystemModstamp >= {} AND SystemModstamp < {}",
        object.name,
        start.to_rfc3339(),
        end.to_rfc3339()
    );
    let rows = tx.query(&call.context(ask), &soql, false)?;
    let ids: Vec<&Value> = rows.records.iter().map(|r| &r["Id"]).collect();
    Ok(Said::ok(json!({"ids": ids, "latestDateCovered": stamp(end.min(call.context.now))})))
}

fn deleted(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, object: &Object) -> Answer {
    let (start, end) = span(ask)?;
    let soql = format!(
        "SELECT Id, SystemModstamp FROM {} WHERE IsDeleted = true AND SystemModstamp >= {} AND SystemModstamp < {}",
        object.name,
        start.to_rfc3339(),
        end.to_rfc3339()
    );
    let rows = tx.query(&call.context(ask), &soql, true)?;
    let records: Vec<Value> =
        rows.records.iter().map(|r| json!({"id": r["Id"], "deletedDate": r["SystemModstamp"]})).collect();
    Ok(Said::ok(json!({
        "deletedRecords": records,
        "earliestDateAvailable": stamp(call.org.born),
        "latestDateCovered": stamp(end.min(call.context.now)),
    })))
}

impl crate::org::Inner {
    /// Puts a record at the head of the recent ones.
    pub(super) fn view(&self, object: &str, id: &str) {
        let Some(id) = id::normalise(id) else { return };
        let mut recent = hold(&self.recent);
        recent.retain(|(_, other)| *other != id);
        recent.push_front((object.to_owned(), id));
        recent.truncate(200);
    }
}
