//! Secrets Manager, as far as it is asked for one secret.

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};

use super::Server;

/// What it says to each operation, by name: an answer, or an error as `{code, message}`.
#[derive(Clone)]
struct Secret {
    text: String,
    failures: Value,
}

/// Serves `secret`; operations named in `failures` fail as it says.
pub(crate) async fn start(secret: &Value, failures: &Value) -> Server {
    let state = Secret { text: secret.to_string(), failures: failures.clone() };
    Server::start(Router::new().fallback(answer).with_state(state)).await
}

async fn answer(State(secret): State<Secret>, headers: HeaderMap) -> (StatusCode, Json<Value>) {
    let target = headers.get("x-amz-target").and_then(|t| t.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    if let Some(failure) = secret.failures.get(operation) {
        let error = json!({"__type": failure["code"], "message": failure["message"]});
        return (StatusCode::BAD_REQUEST, Json(error));
    }
    let arn = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:sf-AbCdEf";
    let answer = json!({"ARN": arn, "Name": "sf", "VersionId": "one", "SecretString": secret.text});
    (StatusCode::OK, Json(answer))
}
