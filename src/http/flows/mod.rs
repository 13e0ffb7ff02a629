//! The interface of CTI Flows: the catalogue, flows and their versions, checking, runs, records.
//!
//! What it never does: decide. It parses, calls [`crate::flow`] or [`crate::flow_host`], and writes
//! the answer. Documents pass through as they came, to the text of their numbers.
//! Who calls it: the editor and the agent desktop.

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::OpenApi;

use super::problem::Problem;
use crate::flow::validate::MAX_READ_BYTES;
use crate::flow_host::{Error, Host};

mod check;
mod kept;
mod runs;
mod templates;

pub use templates::{TEMPLATES, Template};

/// The chapter of the interface's description.
const TAG: &str = "flows";

/// What `/api/openapi.json` says of these routes.
#[derive(Debug, OpenApi)]
#[openapi(
    tags((name = "flows", description = "CTI Flows: the catalogue, flows and their versions, runs, events and records.")),
    paths(
        check::catalogue, check::check, check::fix, check::import, check::format, check::diff,
        templates::list,
        kept::list, kept::create, kept::get, kept::put, kept::delete, kept::restore, kept::copy,
        kept::versions, kept::version, kept::activate, kept::deactivate,
        runs::list, runs::latest, runs::start, runs::get, runs::complete, runs::cancel, runs::event,
        runs::search, runs::record,
    ),
)]
pub(super) struct Description;

/// All routes, to be nested under `/api`. They carry their own state.
pub fn router<S: Clone + Send + Sync + 'static>(host: Host) -> Router<S> {
    Router::new()
        .route("/catalogue", get(check::catalogue))
        .route("/templates", get(templates::list))
        .route("/flows", get(kept::list).post(kept::create))
        .route("/flows/check", post(check::check))
        .route("/flows/fix", post(check::fix))
        .route("/flows/import", post(check::import))
        .route("/flows/format", post(check::format))
        .route("/flows/diff", post(check::diff))
        .route("/flows/{id}", get(kept::get).put(kept::put).delete(kept::delete))
        .route("/flows/{id}/restore", post(kept::restore))
        .route("/flows/{id}/clone", post(kept::copy))
        .route("/flows/{id}/versions", get(kept::versions))
        .route("/flows/{id}/versions/{version}", get(kept::version))
        .route("/flows/{id}/activate", post(kept::activate))
        .route("/flows/{id}/deactivate", post(kept::deactivate))
        .route("/runs", get(runs::list).post(runs::start))
        .route("/runs/latest", get(runs::latest))
        .route("/runs/{id}", get(runs::get))
        .route("/runs/{id}/complete", post(runs::complete))
        .route("/runs/{id}/cancel", post(runs::cancel))
        .route("/events", post(runs::event))
        .route("/records/search", get(runs::search))
        .route("/records/{id}", get(runs::record))
        .layer(DefaultBodyLimit::max(2 * MAX_READ_BYTES))
        .with_state(host)
}

/// A body read from its own text, which keeps the text of numbers.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|e| Problem::bad_request(format!("The body is not as described: {e}.")))
}

/// The same, where an empty body means nothing given.
fn read_or_default<T: DeserializeOwned + Default>(body: &Bytes) -> Result<T, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) { Ok(T::default()) } else { read(body) }
}

/// An answer written from its own type, which keeps the text of numbers.
fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(e) => Problem::unavailable(format!("The answer cannot be written: {e}.")).into_response(),
    }
}

fn ok(value: &impl Serialize) -> Response {
    answer(StatusCode::OK, value)
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(detail) => Self::not_found(detail),
            Error::Conflict { current, .. } => {
                Self::conflict(sentence(&error)).with("current", current.into())
            }
            Error::Faulty(ref findings) => {
                let findings = serde_json::to_value(findings).unwrap_or_default();
                Self::refused(sentence(&error)).with("diagnostics", findings)
            }
            Error::Asked(detail) => Self::refused(detail),
            Error::Store(_) => Self::unavailable(sentence(&error)),
        }
    }
}

/// An error's text as a sentence.
fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests;
