//! What needs no store: the catalogue, checking, repairing, reading, writing and comparing.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, TAG, ok, read};
use crate::clock;
use crate::flow::model::Document;
use crate::flow::validate::fix::Applied;
use crate::flow::validate::{Around, Diagnostic};
use crate::flow::{catalogue, validate};
use crate::flow_host::Host;

/// Blocks, sources and events: what the editor offers and the validator knows.
#[utoipa::path(get, path = "/catalogue", operation_id = "catalogue", tag = TAG, responses((status = 200, body = catalogue::Catalogue)))]
pub(super) async fn catalogue() -> Response {
    ok(catalogue::catalogue())
}

/// What is to be checked: a text, or a document.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FlowCheck)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    /// The text of a file, whatever it is.
    text: Option<String>,
    /// A document, where there is no text.
    document: Option<Document>,
    /// The source it is for, such as `voiceContact`; checks that need it are left out without it.
    source: Option<String>,
    /// The event it is for, such as `onConnecting`.
    event: Option<String>,
    /// The flow that is checked, so that it is not told about itself.
    flow_id: Option<String>,
}

/// Everything that is wrong, at once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedFlow)]
pub(super) struct Checked<'a> {
    /// The findings, in the order of the file.
    diagnostics: Vec<Diagnostic>,
    /// What the text holds, where it holds a flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a Document>,
}

/// Says everything that is wrong with a flow.
#[utoipa::path(post, path = "/flows/check", operation_id = "checkFlow", tag = TAG, request_body = Check, responses((status = 200, body = Checked<'static>), (status = 400)))]
pub(super) async fn check(State(host): State<Host>, body: Bytes) -> Result<Response, Problem> {
    let asked: Check = read(&body)?;
    let some = |text: Option<String>| text.filter(|t| !t.is_empty());
    let around = host
        .surroundings(some(asked.source), some(asked.event), asked.flow_id.as_deref(), clock::now())
        .await?;
    match (asked.text, asked.document) {
        (Some(text), _) => {
            let (document, diagnostics) = validate::check_text(&text, &around);
            let document = document.filter(Document::is_flow);
            Ok(ok(&Checked { diagnostics, document: document.as_ref() }))
        }
        (None, Some(document)) => {
            Ok(ok(&Checked { diagnostics: validate::check(&document, &around), document: None }))
        }
        (None, None) => Err(Problem::bad_request("Give the flow as text or as document.")),
    }
}

/// What is to be repaired.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FlowFix)]
pub(super) struct Fix {
    /// The flow.
    document: Document,
    /// The codes to repair; all where it is left out.
    codes: Option<Vec<String>>,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FixedFlow)]
pub(super) struct Fixed {
    /// The flow after the repairs.
    document: Document,
    /// The repairs, in order.
    applied: Vec<Applied>,
}

/// Makes the safe repairs: those where only one thing can be meant.
#[utoipa::path(post, path = "/flows/fix", operation_id = "fixFlow", tag = TAG, request_body = Fix, responses((status = 200, body = Fixed), (status = 400)))]
pub(super) async fn fix(body: Bytes) -> Result<Response, Problem> {
    let Fix { mut document, codes } = read(&body)?;
    let applied = validate::fix::apply(&mut document, &Around::default(), codes.as_deref());
    Ok(ok(&Fixed { document, applied }))
}

/// A text from outside.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FlowText)]
pub(super) struct Text {
    /// The whole file.
    text: String,
}

/// Reads a text. Never refuses one: what is no flow comes back as it came, with what is wrong.
#[utoipa::path(post, path = "/flows/import", operation_id = "importFlow", tag = TAG, request_body = Text, responses((status = 200, body = crate::flow::import::Import), (status = 400)))]
pub(super) async fn import(body: Bytes) -> Result<Response, Problem> {
    let Text { text } = read(&body)?;
    Ok(ok(&crate::flow::import::import(&text)))
}

/// How a file is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[schema(as = FlowStyle)]
#[serde(rename_all = "lowercase")]
pub(super) enum Style {
    /// As the adapter exports it: one line.
    #[default]
    Exact,
    /// For people.
    Pretty,
}

/// What is to be written, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FlowFormat)]
pub(super) struct Format {
    /// The flow.
    document: Document,
    /// How; exact where it is left out.
    #[serde(default)]
    style: Style,
}

/// Writes a flow as a file.
#[utoipa::path(post, path = "/flows/format", operation_id = "formatFlow", tag = TAG, request_body = Format, responses((status = 200, body = String, content_type = "text/plain"), (status = 400)))]
pub(super) async fn format(body: Bytes) -> Result<Response, Problem> {
    let Format { document, style } = read(&body)?;
    let text = match style {
        Style::Exact => document.to_exact(),
        Style::Pretty => document.to_pretty(),
    };
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// Two flows.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TwoFlows)]
pub(super) struct Two {
    /// The first, or older.
    a: Document,
    /// The second, or newer.
    b: Document,
}

/// Says what differs between two flows.
#[utoipa::path(post, path = "/flows/diff", operation_id = "diffFlows", tag = TAG, request_body = Two, responses((status = 200, body = crate::flow::diff::Diff), (status = 400)))]
pub(super) async fn diff(body: Bytes) -> Result<Response, Problem> {
    let Two { a, b } = read(&body)?;
    Ok(ok(&crate::flow::diff::diff(&a, &b)))
}
