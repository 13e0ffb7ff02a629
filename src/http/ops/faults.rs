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
use crate::org::wire::{Method, Reply, Request};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/org/faults", get(list).post(add).delete(clear))
        .route("/org/faults/{id}", delete(remove))
        .route("/org/journal", get(journal))
}

/// The fault rules in force.
#[utoipa::path(get, path = "/org/faults", responses((status = 200, description = "the rules, as the org tells them"), (status = 404, description = "no org is simulated here")))]
pub async fn list(State(app): State<App>) -> Result<Json<Value>, Problem> {
    ask(&app, Method::Get, "/_org/faults", Bytes::new())
}

/// Adds rules: JSON, or lines of text such as `status=503,share=0.2`.
#[utoipa::path(post, path = "/org/faults", request_body(content = String, content_type = "text/plain"), responses((status = 200, description = "the numbers of the new rules"), (status = 400)))]
pub async fn add(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Problem> {
    ask(&app, Method::Post, "/_org/faults", body)
}

/// Removes all rules: everything works again.
#[utoipa::path(delete, path = "/org/faults", responses((status = 200)))]
pub async fn clear(State(app): State<App>) -> Result<Json<Value>, Problem> {
    ask(&app, Method::Delete, "/_org/faults", Bytes::new())
}

/// Removes one rule.
#[utoipa::path(delete, path = "/org/faults/{id}", params(("id" = u64, Path)), responses((status = 200), (status = 404)))]
pub async fn remove(State(app): State<App>, Path(id): Path<u64>) -> Result<Json<Value>, Problem> {
    ask(&app, Method::Delete, &format!("/_org/faults/{id}"), Bytes::new())
}

/// What took effect in the org, newest last.
#[utoipa::path(get, path = "/org/journal", responses((status = 200, description = "the journal, as the org tells it")))]
pub async fn journal(State(app): State<App>) -> Result<Json<Value>, Problem> {
    ask(&app, Method::Get, "/_org/journal?limit=200", Bytes::new())
}

/// Asks the org of this process by its own interface.
fn ask(app: &App, method: Method, target: &str, body: Bytes) -> Result<Json<Value>, Problem> {
    let Some(org) = &app.org else {
        return Err(Problem::not_found("No org is simulated here: SF_HOST names a real one."));
    };
    let request = Request { method, target: target.to_owned(), headers: Vec::new(), body };
    match org.handle(&request, clock::now()).reply {
        Reply::Response(response) if response.status < 300 => {
            Ok(Json(serde_json::from_slice(&response.body).unwrap_or(Value::Null)))
        }
        Reply::Response(response) => {
            let said: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            let text =
                said.pointer("/0/message").or_else(|| said.pointer("/message")).and_then(Value::as_str);
            Err(Problem::bad_request(text.unwrap_or("The org refuses this rule.")))
        }
        Reply::Cut { .. } => Err(Problem::unavailable("The org does not answer.")),
    }
}
