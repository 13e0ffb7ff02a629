//! AWS's own Invoke call, so that the AWS command line and every SDK work against this machine.
//!
//! `POST /2015-03-31/functions/sfInvokeAPI/invocations`. A function error is status 200 with
//! `X-Amz-Function-Error: Unhandled`, as AWS answers. No token: what it can do, any contact flow can.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::App;

/// What Lambda leaves a function of the template: its time-out.
const TIME_OUT: Duration = Duration::from_secs(8);

const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");

pub(super) async fn invoke(
    State(app): State<App>,
    Path(function): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if function.rsplit(':').find(|part| part.contains("sfInvokeAPI")).is_none() {
        return refused(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            format!("Function not found: {function}. This machine has one: sfInvokeAPI."),
        );
    }
    let event: Value = match serde_json::from_slice(&body) {
        Ok(event) => event,
        Err(error) => {
            return refused(
                StatusCode::BAD_REQUEST,
                "InvalidRequestContentException",
                format!("Could not parse request body into json: {error}"),
            );
        }
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let trace = header("traceparent").or_else(|| header("x-amzn-trace-id"));
    let mut response = match headers.get("x-amz-invocation-type").and_then(|t| t.to_str().ok()) {
        Some("DryRun") => return StatusCode::NO_CONTENT.into_response(),
        Some("Event") => {
            let service = app.service.clone();
            let trace = trace.map(str::to_owned);
            tokio::spawn(async move { service.invoke_traced(event, TIME_OUT, trace.as_deref()).await });
            return StatusCode::ACCEPTED.into_response();
        }
        _ => match app.service.invoke_traced(event, TIME_OUT, trace).await {
            Ok(reply) => axum::Json(reply).into_response(),
            Err(error) => {
                let mut response = axum::Json(error).into_response();
                response.headers_mut().insert(FUNCTION_ERROR, HeaderValue::from_static("Unhandled"));
                response
            }
        },
    };
    response.headers_mut().insert(EXECUTED_VERSION, HeaderValue::from_static("$LATEST"));
    response
}

/// An error of the call itself, in AWS's form.
fn refused(status: StatusCode, kind: &'static str, message: String) -> Response {
    let body = axum::Json(json!({"Type": "User", "Message": message}));
    (status, [(HeaderName::from_static("x-amzn-errortype"), kind)], body).into_response()
}
