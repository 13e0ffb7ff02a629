//! Flows that are kept, and their versions.

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::AUTHOR;
use super::Problem;
use super::answer;
use super::ok;
use super::read;
use super::read_or_default;
use crate::clock;
use crate::flow_host::Host;
use crate::flow_host::registry::Draft;

pub(super) async fn list(State(host): State<Host>) -> Result<Response, Problem> {
    Ok(ok(&json!({ "flows": host.flows(clock::now()).await? })))
}

pub(super) async fn create(State(host): State<Host>, body: Bytes) -> Result<Response, Problem> {
    let draft: Draft = read(&body)?;
    Ok(answer(StatusCode::CREATED, &host.create_flow(draft, AUTHOR, clock::now()).await?))
}

pub(super) async fn get(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(ok(&host.flow(&id, clock::now()).await?))
}

pub(super) async fn put(
    State(host): State<Host>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let draft: Draft = read(&body)?;
    Ok(ok(&host.update_flow(&id, draft, AUTHOR, clock::now()).await?))
}

pub(super) async fn delete(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(ok(&host.delete_flow(&id, true, clock::now()).await?))
}

pub(super) async fn restore(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(ok(&host.delete_flow(&id, false, clock::now()).await?))
}

pub(super) async fn copy(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(answer(StatusCode::CREATED, &host.clone_flow(&id, AUTHOR, clock::now()).await?))
}

pub(super) async fn versions(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(ok(&json!({ "versions": host.versions(&id, clock::now()).await? })))
}

pub(super) async fn version(
    State(host): State<Host>,
    Path((id, version)): Path<(String, u64)>,
) -> Result<Response, Problem> {
    Ok(ok(&host.flow_at(&id, version, clock::now()).await?))
}

#[derive(Default, Deserialize)]
pub(super) struct Activate {
    version: Option<u64>,
}

pub(super) async fn activate(
    State(host): State<Host>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let Activate { version } = read_or_default(&body)?;
    Ok(ok(&host.activate(&id, version, clock::now()).await?))
}

pub(super) async fn deactivate(
    State(host): State<Host>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(ok(&host.deactivate(&id, clock::now()).await?))
}
