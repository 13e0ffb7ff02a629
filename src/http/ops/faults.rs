//! The simulated org of local mode: what shall go wrong there, and what was done there.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    routing::{delete, get},
};
use serde_json::Value;

use crate::clock;
use crate::http::App;
use crate::http::problem::Problem;
use crate::org::Org;
use crate::org::wire::{Method, Reply, Request};

/// The last effects, as many as a page shows.
const JOURNAL: &str = "/_org/journal?limit=200";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/org/faults", get(list).post(add).delete(clear))
        .route("/org/faults/{id}", delete(remove))
        .route("/org/journal", get(journal))
}

/// The fault rules in force.
#[utoipa::path(get, path = "/org/faults", responses((status = 200, description = "the rules, as the org tells them"), (status = 404, description = "no org is simulated here")))]
pub async fn list(State(app): State<App>) -> Result<Json<Value>, Problem> {
    ask(app.org.as_ref(), Method::Get, "/_org/faults", Bytes::new())
}

/// Adds rules: JSON, or lines of text such as `status=503,share=0.2`.
#[utoipa::path(post, path = "/org/faults", request_body(content = String, content_type = "text/plain"), responses((status = 200, description = "the numbers of the new rules"), (status = 400)))]
pub async fn add(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Problem> {
    ask(app.org.as_ref(), Method::Post, "/_org/faults", body)
}

/// Removes all rules: everything works again.
#[utoipa::path(delete, path = "/org/faults", responses((status = 200)))]
pub async fn clear(State(app): State<App>) -> Result<Json<Value>, Problem> {
    ask(app.org.as_ref(), Method::Delete, "/_org/faults", Bytes::new())
}

/// Removes one rule.
#[utoipa::path(delete, path = "/org/faults/{id}", params(("id" = u64, Path)), responses((status = 200), (status = 404)))]
pub async fn remove(State(app): State<App>, Path(id): Path<u64>) -> Result<Json<Value>, Problem> {
    ask(app.org.as_ref(), Method::Delete, &format!("/_org/faults/{id}"), Bytes::new())
}

/// What took effect in the org lately, newest last.
#[utoipa::path(get, path = "/org/journal", responses((status = 200, description = "the journal, as the org tells it")))]
pub async fn journal(State(app): State<App>) -> Result<Json<Value>, Problem> {
    ask(app.org.as_ref(), Method::Get, JOURNAL, Bytes::new())
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
        let Json(told) = ask(Some(&org), Method::Get, JOURNAL, Bytes::new()).unwrap();
        let names: Vec<&Value> = told.as_array().unwrap().iter().map(|e| &e["fields"]["Name"]).collect();
        assert_eq!((names.len(), names[0], names[199]), (200, &json!("Account 50"), &json!("Account 249")));
    }

    #[test]
    fn what_the_org_refuses_is_told_in_its_words() {
        let org = Org::new(Settings { sample: false, ..Settings::default() }, clock::now()).unwrap();
        let told = ask(Some(&org), Method::Post, "/_org/faults", Bytes::from("explode")).unwrap_err();
        assert_eq!(told.status, 400);
        assert!(told.detail.contains("`explode` is no fault; there are status=N"), "{}", told.detail);
        let told = ask(Some(&org), Method::Delete, "/_org/faults/7", Bytes::new()).unwrap_err();
        assert_eq!(told.status, 404);
        assert_eq!(ask(None, Method::Get, JOURNAL, Bytes::new()).unwrap_err().status, 404);
    }
}
