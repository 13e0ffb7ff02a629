//! Runs, the events that start them, and the records that they open.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::Problem;
use super::answer;
use super::ok;
use super::read;
use super::read_or_default;
use crate::clock;
use crate::flow::model::Document;
use crate::flow::run::Event;
use crate::flow::run::Exception;
use crate::flow::run::Outcome;
use crate::flow_host::Host;
use crate::flow_host::Mode;
use crate::flow_host::Started;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start {
    flow_id: Option<String>,
    document: Option<Document>,
    #[serde(default)]
    event: Event,
    /// By action id or type; told as soon as the action is asked for.
    #[serde(default)]
    answers: HashMap<String, Outcome>,
    mode: Option<Mode>,
}

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Complete {
    action_id: String,
    outcome: Outcome,
}

pub(super) async fn complete(
    State(host): State<Host>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let Complete { action_id, outcome } = read(&body)?;
    Ok(ok(&host.complete(&id, &action_id, outcome, clock::now()).await?))
}

#[derive(Default, Deserialize)]
pub(super) struct Cancel {
    reason: Option<String>,
}

pub(super) async fn cancel(
    State(host): State<Host>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let Cancel { reason } = read_or_default(&body)?;
    let why = reason.unwrap_or_else(|| "It was cancelled.".to_owned());
    Ok(ok(&host.cancel(&id, &why, clock::now()).await?))
}

pub(super) async fn get(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(ok(&host.run(&id, clock::now()).await?))
}

#[derive(Deserialize)]
pub(super) struct Filter {
    flow: Option<String>,
    contact: Option<String>,
}

pub(super) async fn list(
    State(host): State<Host>,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
    let (flow, contact) = (some(&filter.flow), some(&filter.contact));
    Ok(ok(&json!({ "runs": host.runs(flow.as_deref(), contact.as_deref(), clock::now()).await? })))
}

#[derive(Deserialize)]
pub(super) struct Happened {
    id: Option<String>,
    source: String,
    event: String,
    #[serde(default)]
    agent: Value,
    #[serde(default)]
    contact: Value,
    #[serde(default)]
    payload: Value,
}

pub(super) async fn event(State(host): State<Host>, body: Bytes) -> Result<Response, Problem> {
    let Happened { id, source, event: name, agent, contact, payload } = read(&body)?;
    let event = Event { id, source, name, payload, contact, agent };
    Ok(ok(&host.event(event, Mode::Live, clock::now()).await?))
}

#[derive(Deserialize)]
pub(super) struct Searched {
    #[serde(default)]
    q: String,
}

pub(super) async fn search(
    State(host): State<Host>,
    Query(asked): Query<Searched>,
) -> Result<Response, Problem> {
    let records = host.record_search(&asked.q).await.map_err(|e| salesforce(&e))?;
    Ok(ok(&json!({ "records": records })))
}

pub(super) async fn record(State(host): State<Host>, Path(id): Path<String>) -> Result<Response, Problem> {
    let (found, fields) = host.record_page(&id).await.map_err(|e| salesforce(&e))?;
    Ok(ok(&json!({ "object": found.object, "id": found.id, "name": found.name, "fields": fields })))
}

fn salesforce(exception: &Exception) -> Problem {
    match exception.name.as_str() {
        "NOT_FOUND" | "UnknownObject" => Problem::not_found(exception.message.clone()),
        "NotAvailable" => Problem::unavailable(exception.message.clone()),
        _ => Problem::refused(exception.to_string()),
    }
}
