//! The Lambda Runtime API, and the `bootstrap` binary under it.

use std::{process::Stdio, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

use super::Server;

/// What a function answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Reply(Value),
    /// `errorType` and `errorMessage`.
    Error(String, String),
    /// It reported that it cannot start.
    NotStarted(String, String),
}

/// A running `bootstrap`.
pub(crate) struct Function {
    api: Arc<Api>,
    answers: mpsc::UnboundedReceiver<Answer>,
    events: mpsc::UnboundedSender<Value>,
    child: Child,
    logs: Vec<JoinHandle<String>>,
    _server: Server,
}

struct Api {
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    answers: mpsc::UnboundedSender<Answer>,
    /// How long an invocation may take.
    time: Duration,
}

impl Function {
    /// Starts `bootstrap` with these variables and nothing else of the environment.
    pub(crate) async fn start(variables: &[(String, String)], time: Duration) -> Self {
        Self::start_as(env!("CARGO_BIN_EXE_bootstrap"), "sfInvokeAPI.lambda_handler", variables, time).await
    }

    /// The same with another binary and handler.
    pub(crate) async fn start_as(
        binary: &str,
        handler: &str,
        variables: &[(String, String)],
        time: Duration,
    ) -> Self {
        let (events, to_function) = mpsc::unbounded_channel();
        let (from_function, answers) = mpsc::unbounded_channel();
        let api = Arc::new(Api { events: Mutex::new(to_function), answers: from_function, time });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{what}", post(answered))
            .route("/2018-06-01/runtime/init/error", post(not_started))
            .with_state(api.clone());
        let server = Server::start(router).await;
        let mut child = Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", server.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "sfInvokeAPI")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("_HANDLER", handler)
            .env("AWS_REGION", "eu-west-2")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let logs = vec![collect(child.stdout.take().unwrap()), collect(child.stderr.take().unwrap())];
        Self { api, answers, events, child, logs, _server: server }
    }

    /// Invokes it once.
    pub(crate) async fn invoke(&mut self, event: Value) -> Answer {
        self.events.send(event).unwrap();
        let patience = self.api.time + Duration::from_secs(20);
        tokio::select! {
            answer = self.answers.recv() => answer.unwrap(),
            status = self.child.wait() => {
                // What it said last may still be on its way.
                match tokio::time::timeout(Duration::from_secs(1), self.answers.recv()).await {
                    Ok(Some(answer)) => answer,
                    _ => panic!("bootstrap ended with {status:?} and no answer"),
                }
            }
            () = tokio::time::sleep(patience) => panic!("no answer within {patience:?}"),
        }
    }

    /// Ends the process and gives all that it wrote.
    pub(crate) async fn end(mut self) -> String {
        // It may have ended itself already.
        let _ended = self.child.kill().await;
        let mut all = String::new();
        for log in self.logs {
            all.push_str(&log.await.unwrap());
        }
        all
    }
}

fn collect(mut pipe: impl AsyncReadExt + Unpin + Send + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let Some(event) = api.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let deadline = tieline::clock::now().plus(api.time);
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-2:123456789012:function:sfInvokeAPI".to_owned(),
        ),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event.to_string()).into_response()
}

async fn answered(
    State(api): State<Arc<Api>>,
    Path((_, what)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let answer = if what == "response" { Answer::Reply(body) } else { error(&body, Answer::Error) };
    // Nobody waits for it where the function was killed meanwhile.
    drop(api.answers.send(answer));
    StatusCode::ACCEPTED
}

async fn not_started(State(api): State<Arc<Api>>, _: HeaderMap, body: Bytes) -> StatusCode {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    drop(api.answers.send(error(&body, Answer::NotStarted)));
    StatusCode::ACCEPTED
}

fn error(body: &Value, make: fn(String, String) -> Answer) -> Answer {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    make(text("errorType"), text("errorMessage"))
}
