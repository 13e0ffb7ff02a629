//! One request: its body from the writes that travel in it, and the answer of each from its reply.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::send::Going;
use super::{Done, Worker};
use crate::clock::Deadline;
use crate::dispatch::{Collection, Key, Lane, Shape};
use crate::event::{Write, Written, is_record_id};
use crate::fault::{Class, Fault};
use crate::salesforce::{Called, Part, Spent, classify, rows};

/// What came of a call.
#[derive(Debug)]
pub(super) struct Answers {
    /// What the call met as a whole.
    pub(super) whole: Option<Fault>,
    /// Each write's answer, with how many share it.
    pub(super) each: Vec<(Result<Done, Fault>, usize)>,
    /// What it cost.
    pub(super) spent: Spent,
}

impl Worker {
    /// Makes the request. Puts `going` into the order of its answers.
    pub(super) async fn call(&self, shape: &Shape, going: &mut Vec<Going>, deadline: Deadline) -> Answers {
        match shape {
            Shape::Posts(_) if going.len() > 1 => self.posts(going, deadline).await,
            Shape::Collections(collections) if going.len() > 1 => {
                self.collections(collections, going, deadline).await
            }
            _ => self.single(going, deadline).await,
        }
    }

    async fn single(&self, going: &[Going], deadline: Deadline) -> Answers {
        let Some(only) = going.first() else { return all_met(&short_reply(), 0, Spent::default()) };
        let Called { result, spent } = self.inner.client.apply(&only.write, deadline).await;
        let (whole, answer) = match result {
            Ok(written) => (None, Ok(done(&only.write, written))),
            Err(fault) => (of_the_line(&fault).then(|| fault.clone()), Err(fault)),
        };
        Answers { whole, each: vec![(answer, 1)], spent }
    }

    async fn posts(&self, going: &[Going], deadline: Deadline) -> Answers {
        let bodies: Vec<Value> = going
            .iter()
            .filter_map(|going| match &going.write {
                Write::Post { element_type, subject_id, message_type, text, mention } => {
                    Some(rows::post_body(element_type, subject_id, message_type, text, mention.as_deref()))
                }
                _ => None,
            })
            .collect();
        let Called { result, spent } = self.inner.client.post_batch(&bodies, deadline).await;
        match result {
            Ok(results) if results.len() == going.len() => {
                let made = |id| Done { id: Some(id), created: None };
                told_by_each(results.into_iter().map(|r| (r.map(made), 1)).collect(), spent)
            }
            Ok(_) => all_met(&short_reply(), going.len(), spent),
            Err(fault) => all_met(&fault, going.len(), spent),
        }
    }

    /// One `/composite` call.
    async fn collections(
        &self,
        collections: &[Collection],
        going: &mut Vec<Going>,
        deadline: Deadline,
    ) -> Answers {
        let version = &self.inner.client.settings().version;
        let mut by_key: HashMap<Key, Going> = going.drain(..).map(|going| (going.key, going)).collect();
        let mut requests = Vec::new();
        let mut sizes = Vec::new();
        for collection in collections {
            let start = going.len();
            going.extend(collection.keys.iter().filter_map(|key| by_key.remove(key)));
            let writes = going.get(start..).unwrap_or_default();
            if !writes.is_empty() {
                requests.push(subrequest(version, collection.lane, requests.len(), writes));
                sizes.push(writes.len());
            }
        }
        let body = json!({
            "allOrNone": false, "collateSubrequests": false, "compositeRequest": requests,
        });
        let Called { result, spent } = self.inner.client.composite(&body, deadline).await;
        match result {
            Err(fault) => all_met(&fault, going.len(), spent),
            Ok(parts) if parts.len() == sizes.len() => {
                let answers =
                    parts.iter().zip(&sizes).flat_map(|(part, size)| read_collection(part, *size)).collect();
                told_by_each(answers, spent)
            }
            Ok(_) => all_met(&short_reply(), going.len(), spent),
        }
    }
}

fn all_met(fault: &Fault, count: usize, spent: Spent) -> Answers {
    Answers { whole: Some(fault.clone()), each: vec![(Err(fault.clone()), count); count], spent }
}

/// A limit of the organisation's is one of the whole call, also where only a part of it tells.
fn told_by_each(each: Vec<(Result<Done, Fault>, usize)>, spent: Spent) -> Answers {
    let mut faults = each.iter().filter_map(|(answer, _)| answer.as_ref().err());
    let whole =
        faults.find(|fault| matches!(fault.class, Class::Throttled(_)) && of_the_line(fault)).cloned();
    Answers { whole, each, spent }
}

/// Whether what a single write met says something about the line, and not about its record.
fn of_the_line(fault: &Fault) -> bool {
    match fault.class {
        // All else is met on the way: a network, a login, a server.
        Class::Retryable => {
            !matches!(
                fault.code.as_str(),
                "UNABLE_TO_LOCK_ROW" | "ROW_LOCKED" | "QUERY_TIMEOUT" | "TXN_SECURITY_METERING_ERROR"
            ) && !fault.message.contains("UNABLE_TO_LOCK_ROW")
        }
        // That no record can be made keeps none from being changed.
        Class::Throttled(_) => fault.code != "STORAGE_LIMIT_EXCEEDED",
        Class::Ours | Class::Unknown => true,
        Class::Rejected => false,
    }
}

fn short_reply() -> Fault {
    Fault::new(
        Class::Unknown,
        "UNEXPECTED_RESPONSE",
        "the answer has another number of results than the call had writes; nobody knows which were applied",
    )
}

fn done(write: &Write, written: Written) -> Done {
    match (written, write) {
        (Written::Created { id }, _) => Done { id: Some(id), created: None },
        (Written::Upserted { id, created }, _) => Done { id: Some(id), created: Some(created) },
        (_, Write::Update { id, .. } | Write::Delete { id, .. }) => {
            // One that was named by an external id stays unknown.
            Done { id: Some(id.clone()).filter(|id| is_record_id(id)), created: None }
        }
        _ => Done::default(),
    }
}

fn subrequest(version: &str, lane: Lane, number: usize, writes: &[Going]) -> Value {
    let base = format!("/services/data/{version}/composite/sobjects");
    let reference = format!("c{number}");
    if lane == Lane::Delete {
        let ids: Vec<_> = writes
            .iter()
            .filter_map(|going| match &going.write {
                Write::Delete { id, .. } => Some(rows::escape(id)),
                _ => None,
            })
            .collect();
        let url = format!("{base}?ids={}&allOrNone=false", ids.join(","));
        return json!({"method": "DELETE", "url": url, "referenceId": reference});
    }
    let url = match writes.first().map(|going| &going.write) {
        Some(Write::Upsert { object, external_field, .. }) => {
            format!("{base}/{}/{}", rows::escape(object), rows::escape(external_field))
        }
        _ => base,
    };
    let method = if lane == Lane::Create { "POST" } else { "PATCH" };
    let records: Vec<Value> = writes.iter().map(|going| record(&going.write)).collect();
    let body = json!({"allOrNone": false, "records": records});
    json!({"method": method, "url": url, "referenceId": reference, "body": body})
}

/// One record of a collection.
fn record(write: &Write) -> Value {
    let mut record = Map::new();
    let mut put = |object: &str, extra: Option<(&str, &str)>, fields: &Map<String, Value>| {
        record.insert("attributes".to_owned(), json!({"type": object}));
        if let Some((name, value)) = extra {
            record.insert(name.to_owned(), value.into());
        }
        record.extend(fields.clone());
    };
    match write {
        Write::Create { object, fields } => put(object, None, fields),
        Write::Update { object, id, fields } => put(object, Some(("id", id)), fields),
        Write::Upsert { object, external_field, external_id, fields } => {
            put(object, Some((external_field, external_id)), fields);
        }
        Write::Comment { element_id, comment_type: _, text } => {
            let body = Map::from_iter([("CommentBody".to_owned(), text.as_str().into())]);
            put("FeedComment", Some(("FeedItemId", element_id)), &body);
        }
        Write::Delete { .. } | Write::Post { .. } => {}
    }
    Value::Object(record)
}

/// The answers of one collection: a fault of the whole of it is shared by all.
fn read_collection(part: &Part, size: usize) -> Vec<(Result<Done, Fault>, usize)> {
    let results = match classify::part(part.status, &part.body) {
        Err(fault) => return vec![(Err(fault), size); size],
        Ok(body) => body.as_array().filter(|results| results.len() == size),
    };
    let Some(results) = results else { return vec![(Err(short_reply()), size); size] };
    let done = |result: &Value| Done {
        id: result.get("id").and_then(Value::as_str).map(str::to_owned),
        created: result.get("created").and_then(Value::as_bool),
    };
    results.iter().map(|result| (classify::record(result).map(done), 1)).collect()
}
