//! Errors of the interface: problem details (RFC 9457).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// `application/problem+json`: what is wrong, why, and what to do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A stable name for the kind of problem; relative to the interface's document.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This case of it, and the cure.
    pub detail: String,
    /// Further members (`diagnostics`, `current`).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub more: Box<Map<String, Value>>,
}

impl Problem {
    /// A problem without further members.
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            more: Box::default(),
        }
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// 400: the request is not what the interface describes.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    /// 409: the thing changed, or is in the wrong state.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "It has changed meanwhile", detail)
    }

    /// 422: understood, and refused.
    #[must_use]
    pub fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "This cannot be done", detail)
    }

    /// 503: something that is needed does not answer.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "A part does not answer", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

/// How much of a refusal's text is told.
const TOLD: usize = 2_000;

/// Tells refusals of the framework (a body that is no JSON, a parameter that is no number, a method
/// that a path does not know) as problems too. What is JSON already is somebody's own form.
pub(super) async fn told(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_told = kind.is_some_and(|kind| kind.contains("json"));
    if is_told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), TOLD).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    let title = status.canonical_reason().unwrap_or("It failed");
    let detail = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            "This path knows the methods that `Allow` names; GET /api/openapi.json describes the interface."
                .to_owned()
        }
        _ if text.is_empty() => title.to_owned(),
        _ => format!("{text}."),
    };
    Problem::new(status, &title.to_ascii_lowercase().replace(' ', "-"), title, detail).into_response()
}

/// The answer to a path of the interface that does not exist.
pub(super) async fn no_such_resource() -> Problem {
    Problem::not_found("No such resource; GET /api/openapi.json describes the interface.")
}
