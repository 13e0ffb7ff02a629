//! Runs, the events that start them, and the records that they open.

#![expect(unused_qualifications, reason = "utoipa's macros spell the types of parameters in full")]

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, TAG, answer, ok, read, read_or_default};
use crate::clock;
use crate::flow::model::Document;
use crate::flow::run::{Event, Exception, Outcome};
use crate::flow_host::events::Ran;
use crate::flow_host::runs::{Line, Shown};
use crate::flow_host::{Found, Host, Mode, Started};

/// What is to be run.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = StartRun)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start {
    /// A kept flow: its draft runs.
    flow_id: Option<String>,
    /// A file, in place of the draft.
    document: Option<Document>,
    /// What the flow is to believe has happened.
    #[serde(default)]
    event: Event,
    /// By action id or type; told as soon as the action is asked for.
    #[serde(default)]
    answers: HashMap<String, Outcome>,
    /// `test` for a document, `live` for a kept flow, where it is left out.
    mode: Option<Mode>,
}

/// Starts a run of a kept flow, or of a document, and drives it until it needs a browser or is over.
#[utoipa::path(post, path = "/runs", operation_id = "startRun", tag = TAG, request_body = Start, responses((status = 201, body = Shown<'static>), (status = 400), (status = 404), (status = 422)))]
pub(super) async fn start(State(host): State<Host>, body: Bytes) -> Result<Response, Problem> {
    let asked: Start = read(&body)?;
    let now = clock::now();
    let answers: HashMap<_, _> = asked.answers.into_iter().map(|(k, v)| (k, vec![v])).collect();
    let started = match (asked.document, asked.flow_id) {
        (Some(document), flow_id) => Started {
            flow_id,
            flow_version: None,
            flow_name: None,
            document,
            event: asked.event,
            mode: asked.mode.unwrap_or(Mode::Test),
            answers,
            hurried: false,
        },
        (None, Some(id)) => {
            let flow = host.flow(&id, now).await?;
            let document = flow.document.ok_or_else(|| {
                Problem::refused("The draft of this flow is no flow; mend it, or choose another version.")
            })?;
            Started {
                flow_id: Some(id),
                flow_version: Some(flow.version),
                flow_name: Some(flow.summary.name),
                document,
                event: asked.event,
                mode: asked.mode.unwrap_or(Mode::Live),
                answers,
                hurried: false,
            }
        }
        (None, None) => return Err(Problem::bad_request("Give the flow by flowId or as document.")),
    };
    Ok(answer(StatusCode::CREATED, &host.start(started, now).await?))
}

/// What became of an action.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CompleteAction)]
#[serde(rename_all = "camelCase")]
pub(super) struct Complete {
    /// The action that the run waits for.
    action_id: String,
    /// The key under which it was asked for: an outcome that is sent twice is then not taken for that
    /// of the next round.
    key: Option<String>,
    /// What became of it.
    outcome: Outcome,
}

/// Tells the outcome of the action that a run waits for. One that comes twice or late changes nothing.
#[utoipa::path(post, path = "/runs/{id}/complete", operation_id = "completeRun", tag = TAG, params(("id" = String, Path, description = "the run")), request_body = Complete, responses((status = 200, body = Shown<'static>), (status = 404)))]
pub(super) async fn complete(
    State(host): State<Host>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let Complete { action_id, key, outcome } = read(&body)?;
    Ok(ok(&host.complete(&id, &action_id, key.as_deref(), outcome, clock::now()).await?))
}

/// Why a run ends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = CancelRun)]
pub(super) struct Cancel {
    /// For the trace.
    reason: Option<String>,
}

/// Ends a run.
#[utoipa::path(post, path = "/runs/{id}/cancel", operation_id = "cancelRun", tag = TAG, params(("id" = String, Path, description = "the run")), request_body = Cancel, responses((status = 200, body = Shown<'static>), (status = 404)))]
pub(super) async fn cancel(
    State(host): State<Host>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let Cancel { reason } = read_or_default(&body)?;
    let why = reason.unwrap_or_else(|| "It was cancelled.".to_owned());
    Ok(ok(&host.cancel(&id, &why, clock::now()).await?))
}

/// A run as it stands now.
#[utoipa::path(get, path = "/runs/{id}", operation_id = "run", tag = TAG, params(("id" = String, Path, description = "the run")), responses((status = 200, body = Shown<'static>), (status = 404)))]
pub(super) async fn get(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(ok(&host.run(&id, clock::now()).await?))
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Of this flow.
    flow: Option<String>,
    /// Of this contact.
    contact: Option<String>,
    /// At most this many, up to 200; 50 where it is left out.
    limit: Option<usize>,
}

/// Runs, newest first, without the values that they hold; fewer than asked for where they are long.
#[utoipa::path(get, path = "/runs", operation_id = "runs", tag = TAG, params(Filter), responses((status = 200, body = Runs)))]
pub(super) async fn list(
    State(host): State<Host>,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
    let (flow, contact) = (some(&filter.flow), some(&filter.contact));
    let limit = filter.limit.unwrap_or(50).clamp(1, 200);
    Ok(ok(&Runs { runs: host.runs(flow.as_deref(), contact.as_deref(), limit, clock::now()).await? }))
}

/// The latest runs of each kept flow in a line each, without what they hold; test runs are left out.
#[utoipa::path(get, path = "/runs/latest", operation_id = "latestRuns", tag = TAG, responses((status = 200, body = Latest)))]
pub(super) async fn latest(State(host): State<Host>) -> Result<Response, Problem> {
    Ok(ok(&Latest { runs: host.latest_runs(clock::now()).await? }))
}

/// Something that happened on the agent's desktop.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = DesktopEvent)]
pub(super) struct Happened {
    /// Its id: the same one again starts nothing.
    id: Option<String>,
    /// Such as `voiceContact`.
    source: String,
    /// Such as `onConnecting`.
    event: String,
    /// `$.agent`.
    #[serde(default)]
    agent: Value,
    /// `$.contact`.
    #[serde(default)]
    contact: Value,
    /// `$.payload`.
    #[serde(default)]
    payload: Value,
}

/// Starts the active flows of an event; the same event again starts nothing.
#[utoipa::path(post, path = "/events", operation_id = "raiseEvent", tag = TAG, request_body = Happened, responses((status = 200, body = Ran), (status = 400)))]
pub(super) async fn event(State(host): State<Host>, body: Bytes) -> Result<Response, Problem> {
    let Happened { id, source, event: name, agent, contact, payload } = read(&body)?;
    let event = Event { id, source, name, payload, contact, agent };
    Ok(ok(&host.event(event, Mode::Live, clock::now()).await?))
}

/// Runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Runs {
    /// Newest first.
    #[schema(value_type = Vec<Shown<'static>>)]
    runs: Vec<Value>,
}

/// Runs in a line each.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LatestRuns)]
pub(super) struct Latest {
    /// Newest first; of each flow twenty at most.
    runs: Vec<Line>,
}

/// Records.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Records {
    /// As Salesforce ranks them.
    records: Vec<Found>,
}

/// A record with its fields.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Record {
    #[serde(flatten)]
    found: Found,
    /// By their API names.
    fields: Map<String, Value>,
}

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Searched {
    /// A name, a case number, a phone number.
    #[serde(default)]
    q: String,
}

/// Records that a text or a phone number finds.
#[utoipa::path(get, path = "/records/search", operation_id = "searchRecords", tag = TAG, params(Searched), responses((status = 200, body = Records), (status = 503)))]
pub(super) async fn search(
    State(host): State<Host>,
    Query(asked): Query<Searched>,
) -> Result<Response, Problem> {
    let records = host.record_search(&asked.q).await.map_err(|e| salesforce(&e))?;
    Ok(ok(&Records { records }))
}

/// One record, by its Id.
#[utoipa::path(get, path = "/records/{id}", operation_id = "record", tag = TAG, params(("id" = String, Path, description = "a Salesforce Id")), responses((status = 200, body = Record), (status = 404), (status = 503)))]
pub(super) async fn record(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    let (found, fields) = host.record_page(&id).await.map_err(|e| salesforce(&e))?;
    Ok(ok(&Record { found, fields }))
}

fn salesforce(exception: &Exception) -> Problem {
    match exception.name.as_str() {
        "NOT_FOUND" | "UnknownObject" => Problem::not_found(exception.message.clone()),
        "NotAvailable" => Problem::unavailable(exception.message.clone()),
        _ => Problem::refused(exception.to_string()),
    }
}
