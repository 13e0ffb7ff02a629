//! Flows that are kept, and their versions.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, TAG, answer, ok, read, read_or_default};
use crate::clock;
use crate::flow_host::Host;
use crate::flow_host::registry::{Draft, Flow, Summary, Version};
use crate::http::guard::Caller;

/// All flows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Flows {
    /// By source, event, order and name.
    flows: Vec<Summary>,
}

/// The versions of a flow.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlowVersions)]
pub(super) struct Versions {
    /// Newest first.
    versions: Vec<Version>,
}

/// All flows, deleted ones too.
#[utoipa::path(get, path = "/flows", operation_id = "flows", tag = TAG, responses((status = 200, body = Flows)))]
pub(super) async fn list(State(host): State<Host>) -> Result<Response, Problem> {
    Ok(ok(&Flows { flows: host.flows(clock::now()).await? }))
}

/// Keeps a new flow, as a draft.
#[utoipa::path(post, path = "/flows", operation_id = "createFlow", tag = TAG, request_body = Draft, responses((status = 201, body = Flow), (status = 400), (status = 422, description = "without a name")))]
pub(super) async fn create(
    State(host): State<Host>,
    Extension(Caller(by)): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Problem> {
    let draft: Draft = read(&body)?;
    Ok(answer(StatusCode::CREATED, &host.create_flow(draft, &by, clock::now()).await?))
}

/// A flow with its draft.
#[utoipa::path(get, path = "/flows/{id}", operation_id = "flow", tag = TAG, params(("id" = String, Path, description = "the flow")), responses((status = 200, body = Flow), (status = 404)))]
pub(super) async fn get(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(ok(&host.flow(&id, clock::now()).await?))
}

/// Saves a flow; a changed file is a new version, and so are changed notes.
#[utoipa::path(put, path = "/flows/{id}", operation_id = "saveFlow", tag = TAG, params(("id" = String, Path, description = "the flow")), request_body = Draft, responses((status = 200, body = Flow), (status = 404), (status = 409, description = "somebody saved meanwhile; `current` is the version that stands")))]
pub(super) async fn put(
    State(host): State<Host>,
    Extension(Caller(by)): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let draft: Draft = read(&body)?;
    Ok(ok(&host.update_flow(&id, draft, &by, clock::now()).await?))
}

/// Puts a flow away: it does not run, and can be taken back.
#[utoipa::path(delete, path = "/flows/{id}", operation_id = "deleteFlow", tag = TAG, params(("id" = String, Path, description = "the flow")), responses((status = 200, body = Flow), (status = 404)))]
pub(super) async fn delete(
    State(host): State<Host>,
    Extension(Caller(by)): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(ok(&host.delete_flow(&id, true, &by, clock::now()).await?))
}

/// Takes a deleted flow back. It is not active.
#[utoipa::path(post, path = "/flows/{id}/restore", operation_id = "restoreFlow", tag = TAG, params(("id" = String, Path, description = "the flow")), responses((status = 200, body = Flow), (status = 404)))]
pub(super) async fn restore(
    State(host): State<Host>,
    Extension(Caller(by)): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(ok(&host.delete_flow(&id, false, &by, clock::now()).await?))
}

/// Copies the draft into a new flow.
#[utoipa::path(post, path = "/flows/{id}/clone", operation_id = "cloneFlow", tag = TAG, params(("id" = String, Path, description = "the flow")), responses((status = 201, body = Flow), (status = 404)))]
pub(super) async fn copy(
    State(host): State<Host>,
    Extension(Caller(by)): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(answer(StatusCode::CREATED, &host.clone_flow(&id, &by, clock::now()).await?))
}

/// The versions of a flow, newest first.
#[utoipa::path(get, path = "/flows/{id}/versions", operation_id = "flowVersions", tag = TAG, params(("id" = String, Path, description = "the flow")), responses((status = 200, body = Versions), (status = 404)))]
pub(super) async fn versions(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(ok(&Versions { versions: host.versions(&id, clock::now()).await? }))
}

/// A flow at one of its versions.
#[utoipa::path(get, path = "/flows/{id}/versions/{version}", operation_id = "flowVersion", tag = TAG, params(("id" = String, Path, description = "the flow"), ("version" = u64, Path, description = "from 1")), responses((status = 200, body = Flow), (status = 404)))]
pub(super) async fn version(
    State(host): State<Host>,
    Path((id, version)): Path<(String, u64)>,
) -> Result<Response, Problem> {
    Ok(ok(&host.flow_at(&id, version, clock::now()).await?))
}

/// Which version.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = ActivateVersion)]
pub(super) struct Activate {
    /// The draft where it is left out.
    version: Option<u64>,
}

/// Lets a version run: the one named, else the draft.
#[utoipa::path(post, path = "/flows/{id}/activate", operation_id = "activateFlow", tag = TAG, params(("id" = String, Path, description = "the flow")), request_body = Activate, responses((status = 200, body = Flow), (status = 404), (status = 422, description = "it has errors; `diagnostics` names them")))]
pub(super) async fn activate(
    State(host): State<Host>,
    Extension(Caller(by)): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let Activate { version } = read_or_default(&body)?;
    Ok(ok(&host.activate(&id, version, &by, clock::now()).await?))
}

/// Lets no version run.
#[utoipa::path(post, path = "/flows/{id}/deactivate", operation_id = "deactivateFlow", tag = TAG, params(("id" = String, Path, description = "the flow")), responses((status = 200, body = Flow), (status = 404)))]
pub(super) async fn deactivate(
    State(host): State<Host>,
    Extension(Caller(by)): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(ok(&host.deactivate(&id, &by, clock::now()).await?))
}
