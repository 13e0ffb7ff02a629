//! What needs no store: the catalogue, checking, repairing, reading, writing and comparing.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;

use super::Problem;
use super::ok;
use super::read;
use crate::clock;
use crate::flow::catalogue;
use crate::flow::model::Document;
use crate::flow::validate;
use crate::flow::validate::Around;
use crate::flow::validate::Diagnostic;
use crate::flow::validate::fix::Applied;
use crate::flow_host::Host;

pub(super) async fn catalogue() -> Response {
    ok(catalogue::catalogue())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    text: Option<String>,
    document: Option<Document>,
    source: Option<String>,
    event: Option<String>,
    /// The flow that is checked, so that it is not told about itself.
    flow_id: Option<String>,
}

#[derive(Serialize)]
struct Checked<'a> {
    diagnostics: Vec<Diagnostic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a Document>,
}

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

#[derive(Deserialize)]
pub(super) struct Fix {
    document: Document,
    codes: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Fixed {
    document: Document,
    applied: Vec<Applied>,
}

pub(super) async fn fix(body: Bytes) -> Result<Response, Problem> {
    let Fix { mut document, codes } = read(&body)?;
    let applied = validate::fix::apply(&mut document, &Around::default(), codes.as_deref());
    Ok(ok(&Fixed { document, applied }))
}

#[derive(Deserialize)]
pub(super) struct Text {
    text: String,
}

pub(super) async fn import(body: Bytes) -> Result<Response, Problem> {
    let Text { text } = read(&body)?;
    Ok(ok(&crate::flow::import::import(&text)))
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Style {
    #[default]
    Exact,
    Pretty,
}

#[derive(Deserialize)]
pub(super) struct Format {
    document: Document,
    #[serde(default)]
    style: Style,
}

pub(super) async fn format(body: Bytes) -> Result<Response, Problem> {
    let Format { document, style } = read(&body)?;
    let text = match style {
        Style::Exact => document.to_exact(),
        Style::Pretty => document.to_pretty(),
    };
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

#[derive(Deserialize)]
pub(super) struct Two {
    a: Document,
    b: Document,
}

pub(super) async fn diff(body: Bytes) -> Result<Response, Problem> {
    let Two { a, b } = read(&body)?;
    Ok(ok(&crate::flow::diff::diff(&a, &b)))
}
