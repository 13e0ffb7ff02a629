//! The simulated org of local mode: what shall go wrong there, and what was done there.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    routing::{delete, get},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::writes::Page;
use crate::clock;
use crate::http::App;
use crate::http::problem::Problem;
use crate::org::Org;
use crate::org::wire::{Method, Reply, Request};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/org/faults", get(list).post(add).delete(clear))
        .route("/org/faults/{id}", delete(remove))
        .route("/org/journal", get(journal))
}

/// A fault rule of the simulated org.
#[derive(Debug, ToSchema)]
#[schema(as = FaultRule)]
#[expect(dead_code, reason = "describes what the org's own interface tells")]
pub struct Rule {
    /// Its number.
    id: u64,
    /// What goes wrong: `status=503`, `latency=300ms`, `cut=before`, `cut=after`, `late=5s`, `lock`,
    /// `record=CODE`, `session`, `limit=daily`, `limit=concurrent` or `limit=chatter`.
    r#do: String,
    /// Only calls whose path contains this.
    path: Option<String>,
    /// Only calls by this verb.
    method: Option<String>,
    /// Only calls or records of this object.
    object: Option<String>,
    /// The share of matching calls, 0 to 1.
    share: Option<f64>,
    /// It ends after striking this often.
    count: Option<u64>,
    /// The first so many matching calls are spared.
    skip: Option<u64>,
    /// Begins this long after it was given (`10s`).
    from: Option<String>,
    /// Ends this long after it was given.
    until: Option<String>,
    /// How many calls it fits.
    matched: u64,
    /// How many of them it struck.
    struck: u64,
}

/// The numbers of new rules.
#[derive(Debug, ToSchema)]
#[schema(as = AddedFaults)]
#[expect(dead_code, reason = "describes what the org's own interface tells")]
pub struct Added {
    ids: Vec<u64>,
}

/// The fault rules in force.
#[utoipa::path(get, path = "/org/faults", operation_id = "faults", tag = "simulated org", responses((status = 200, body = Vec<Rule>), (status = 404, description = "no org is simulated here")))]
pub async fn list(State(app): State<App>) -> Result<Json<Value>, Problem> {
    ask(app.org.as_ref(), Method::Get, "/_org/faults", Bytes::new())
}

/// Adds rules: JSON, or lines of text such as `status=503,share=0.2`.
#[utoipa::path(post, path = "/org/faults", operation_id = "addFaults", tag = "simulated org", request_body(content = String, content_type = "text/plain"), responses((status = 200, body = Added), (status = 400, description = "no rule, or one that means nothing")))]
pub async fn add(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Problem> {
    ask(app.org.as_ref(), Method::Post, "/_org/faults", body)
}

/// Removes all rules: everything works again.
#[utoipa::path(delete, path = "/org/faults", operation_id = "clearFaults", tag = "simulated org", responses((status = 200)))]
pub async fn clear(State(app): State<App>) -> Result<Json<Value>, Problem> {
    ask(app.org.as_ref(), Method::Delete, "/_org/faults", Bytes::new())
}

/// Removes one rule.
#[utoipa::path(delete, path = "/org/faults/{id}", operation_id = "removeFault", tag = "simulated org", params(("id" = u64, Path)), responses((status = 200), (status = 404)))]
pub async fn remove(State(app): State<App>, Path(id): Path<u64>) -> Result<Json<Value>, Problem> {
    ask(app.org.as_ref(), Method::Delete, &format!("/_org/faults/{id}"), Bytes::new())
}

/// One page of the journal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    /// Newest first.
    #[schema(value_type = Vec<Entry>)]
    entries: Vec<Value>,
    /// What to ask the next page by; absent on the last.
    next: Option<String>,
}

/// One thing that took effect in the simulated org.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what the org's own interface tells")]
pub struct Entry {
    /// Counts from 1 without gaps.
    seq: u64,
    /// When.
    at: i64,
    /// Which call of the org it came by.
    call: u64,
    /// `create`, `update`, `delete`, `post`, `comment`, `like` or `unlike`.
    verb: String,
    /// The object.
    object: String,
    /// The record.
    id: String,
    /// The writer's key.
    key: Option<String>,
    /// Method and path of the call.
    via: String,
    /// What was written.
    #[schema(value_type = Object)]
    fields: Value,
}

/// What took effect in the org, newest first.
#[utoipa::path(get, path = "/org/journal", tag = "simulated org", params(Page), responses((status = 200, body = Journal), (status = 404, description = "no org is simulated here")))]
pub async fn journal(State(app): State<App>, Query(page): Query<Page>) -> Result<Json<Journal>, Problem> {
    let before = page.after.as_deref().map(str::parse::<u64>).transpose();
    let before = before.map_err(|_| Problem::bad_request("`after` is the `next` of the page before."))?;
    let target = lately(page.size(), before.unwrap_or_default());
    let Json(told) = ask(app.org.as_ref(), Method::Get, &target, Bytes::new())?;
    let Value::Array(mut entries) = told else {
        return Err(Problem::unavailable("The org tells no journal."));
    };
    entries.reverse();
    let oldest = entries.last().and_then(|entry| entry.get("seq")).and_then(Value::as_u64);
    let next = oldest.filter(|seq| *seq > 1 && entries.len() == page.size()).map(|seq| seq.to_string());
    Ok(Json(Journal { entries, next }))
}

/// The last so many effects before a number, or before now where it is zero.
fn lately(most: usize, before: u64) -> String {
    format!("/_org/journal?limit={most}&before={before}")
}

/// Asks the org of this process by its own interface.
fn ask(org: Option<&Org>, method: Method, target: &str, body: Bytes) -> Result<Json<Value>, Problem> {
    let Some(org) = org else {
        return Err(Problem::not_found("No org is simulated here: SF_HOST names a real one."));
    };
    let request = Request { method, target: target.to_owned(), headers: Vec::new(), body };
    match org.handle(&request, clock::now()).reply {
        Reply::Response(response) if response.status < 300 => {
            Ok(Json(serde_json::from_slice(&response.body).unwrap_or(Value::Null)))
        }
        Reply::Response(response) => {
            let said: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            let text = said["error"].as_str().unwrap_or("The org refuses this rule.");
            Err(if response.status == 404 { Problem::not_found(text) } else { Problem::bad_request(text) })
        }
        Reply::Cut { .. } => Err(Problem::unavailable("The org does not answer.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::org::Settings;

    #[test]
    fn the_journal_shows_what_came_last() {
        let org = Org::new(Settings { sample: false, ..Settings::default() }, clock::now()).unwrap();
        for n in 0..250 {
            let request = Request {
                method: Method::Post,
                target: "/services/data/v66.0/sobjects/Account".to_owned(),
                headers: vec![("Authorization".to_owned(), "Bearer any".to_owned())],
                body: json!({"Name": format!("Account {n}")}).to_string().into(),
            };
            drop(org.handle(&request, clock::now()));
        }
        let names = |target: &str| {
            let Json(told) = ask(Some(&org), Method::Get, target, Bytes::new()).unwrap();
            told.as_array().unwrap().iter().map(|e| e["fields"]["Name"].clone()).collect::<Vec<_>>()
        };
        let last = names(&lately(200, 0));
        assert_eq!((last.len(), &last[0], &last[199]), (200, &json!("Account 50"), &json!("Account 249")));
        assert_eq!(names(&lately(2, 51)), [json!("Account 48"), json!("Account 49")], "the page before");
    }

    #[test]
    fn what_the_org_refuses_is_told_in_its_words() {
        let org = Org::new(Settings { sample: false, ..Settings::default() }, clock::now()).unwrap();
        let told = ask(Some(&org), Method::Post, "/_org/faults", Bytes::from("explode")).unwrap_err();
        assert_eq!(told.status, 400);
        assert!(told.detail.contains("`explode` is no fault; there are status=N"), "{}", told.detail);
        let told = ask(Some(&org), Method::Delete, "/_org/faults/7", Bytes::new()).unwrap_err();
        assert_eq!(told.status, 404);
        assert_eq!(ask(None, Method::Get, &lately(1, 0), Bytes::new()).unwrap_err().status, 404);
    }
}
