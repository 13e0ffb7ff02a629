//! The processes, and how they die.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::books::Books;
use crate::emulator::Emulator;
use crate::support::Server;
use crate::support::lambda::{Answer, Function};

/// A process whose output goes to a file of its own.
fn spawn(directory: &Path, name: &str, variables: &[(String, String)], arguments: &[&str]) -> Child {
    static RUN: AtomicU64 = AtomicU64::new(0);
    let number = RUN.fetch_add(1, Ordering::Relaxed);
    let log = File::create(directory.join(format!("{name}-{number}.log"))).unwrap();
    Command::new(env!("CARGO_BIN_EXE_tieline"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn logs(directory: &Path) -> String {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|e| e == "log"));
    logs.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect()
}

/// `tieline local`: invoke side, worker and store in one process.
pub(super) struct Local {
    child: Child,
    port: u16,
    logs: PathBuf,
}

impl Local {
    pub(super) async fn start(books: &Books) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let logs = books.directory.path().to_owned();
        Self { child: Self::spawn(books, port), port, logs }
    }

    fn spawn(books: &Books, port: u16) -> Child {
        let directory = books.directory.path();
        let data = directory.join("data").display().to_string();
        let port = port.to_string();
        let arguments = ["local", "--port", &port, "--org-port", "0", "--data-dir", &data];
        spawn(directory, "local", &books.variables(), &arguments)
    }

    pub(super) fn address(&self) -> watch::Receiver<String> {
        watch::channel(format!("http://127.0.0.1:{}", self.port)).1
    }

    pub(super) async fn kill_and_start(&mut self, books: &Books) {
        self.child.kill().await.unwrap();
        self.child = Self::spawn(books, self.port);
    }

    pub(super) async fn end(mut self) -> String {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended by itself: {ended:?}\n{}", logs(&self.logs));
        self.child.kill().await.unwrap();
        logs(&self.logs)
    }
}

/// On the emulator: the function that flows call, two pollers, and the function behind the queue.
pub(super) struct Fleet {
    variables: Vec<(String, String)>,
    door: Arc<Door>,
    server: Server,
    pollers: Vec<Child>,
    lambda: watch::Sender<u64>,
    mapping: JoinHandle<()>,
    logs: PathBuf,
}

/// The invoke function: one environment, which takes one call at a time.
struct Door {
    variables: Vec<(String, String)>,
    function: Mutex<Option<Function>>,
    /// Rises when it is to die.
    dies: watch::Sender<u64>,
    said: std::sync::Mutex<String>,
}

impl Fleet {
    pub(super) async fn start(books: &Books, emulator: &Emulator) -> Self {
        let queue = emulator.new_queue().await;
        let mut variables = books.variables();
        for (name, value) in [
            ("AWS_ENDPOINT_URL", emulator.endpoint()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("TIELINE_QUEUE_URL", &queue),
            ("TIELINE_STATE_TABLE", &emulator.new_table().await),
        ] {
            variables.push((name.to_owned(), value.to_owned()));
        }
        let door = Arc::new(Door {
            variables: variables.clone(),
            function: Mutex::default(),
            dies: watch::channel(0).0,
            said: std::sync::Mutex::default(),
        });
        let path = "/2015-03-31/functions/sfInvokeAPI/invocations";
        let server = Server::start(Router::new().route(path, post(invoke)).with_state(door.clone())).await;
        let logs = books.directory.path().to_owned();
        let pollers = (0..2).map(|_| spawn(&logs, "poller", &variables, &["worker"])).collect();
        let (lambda, dies) = watch::channel(0);
        let sqs = aws_sdk_sqs::Client::new(&emulator.config().await);
        let mapping = tokio::spawn(map_events(sqs, queue, variables.clone(), dies));
        Self { variables, door, server, pollers, lambda, mapping, logs }
    }

    pub(super) fn address(&self) -> watch::Receiver<String> {
        watch::channel(self.server.url()).1
    }

    /// Ends one process, drawn by this number, and starts another in its place.
    pub(super) async fn kill_one(&mut self, draw: u64) {
        match draw % 4 {
            0 => self.door.dies.send_modify(|n| *n += 1),
            1 => self.lambda.send_modify(|n| *n += 1),
            which => {
                let poller = &mut self.pollers[usize::from(which == 3)];
                poller.kill().await.unwrap();
                *poller = spawn(&self.logs, "poller", &self.variables, &["worker"]);
            }
        }
    }

    pub(super) async fn end(mut self) -> String {
        assert!(!self.mapping.is_finished(), "the event source ended by itself");
        self.mapping.abort();
        for poller in &mut self.pollers {
            let ended = poller.try_wait().unwrap();
            assert!(ended.is_none(), "a poller ended by itself: {ended:?}\n{}", logs(&self.logs));
            poller.kill().await.unwrap();
        }
        if let Some(function) = self.door.function.lock().await.take() {
            let said = function.end().await;
            self.door.said.lock().unwrap().push_str(&said);
        }
        let said = self.door.said.lock().unwrap().clone();
        said + &logs(&self.logs)
    }
}

/// AWS's Invoke call, answered by an environment of the function, which may die in the middle.
async fn invoke(State(door): State<Arc<Door>>, _: HeaderMap, body: Bytes) -> Response {
    let event: Value = serde_json::from_slice(&body).unwrap();
    let mut function = door.function.lock().await;
    let mut dies = door.dies.subscribe();
    let mut running = match function.take() {
        Some(running) => running,
        None => Function::start(&door.variables, Duration::from_secs(8)).await,
    };
    tokio::select! {
        answer = running.invoke(event) => {
            *function = Some(running);
            match answer {
                Answer::Reply(reply) => axum::Json(reply).into_response(),
                Answer::Error(kind, text) | Answer::NotStarted(kind, text) => {
                    ([("x-amz-function-error", "Unhandled")], axum::Json(json!([kind, text]))).into_response()
                }
            }
        }
        _ = dies.changed() => {
            let said = running.end().await;
            door.said.lock().unwrap().push_str(&said);
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// SQS's event source: batches of ten to the function behind the queue; what it does not report is
/// deleted. Ends never, dies whenever the number rises.
async fn map_events(
    sqs: aws_sdk_sqs::Client,
    queue: String,
    mut variables: Vec<(String, String)>,
    mut dies: watch::Receiver<u64>,
) {
    variables.push(("_HANDLER".to_owned(), "worker".to_owned()));
    let mut function = None;
    loop {
        let mut running = match function.take() {
            Some(running) => running,
            None => Function::start(&variables, Duration::from_secs(20)).await,
        };
        let received = sqs
            .receive_message()
            .queue_url(&queue)
            .max_number_of_messages(10)
            .visibility_timeout(30)
            .wait_time_seconds(1)
            .message_system_attribute_names(aws_sdk_sqs::types::MessageSystemAttributeName::All)
            .send()
            .await;
        let messages = received.map(|r| r.messages.unwrap_or_default()).unwrap_or_default();
        if messages.is_empty() {
            function = Some(running);
            tokio::time::sleep(Duration::from_millis(300)).await;
            continue;
        }
        let records: Vec<Value> = messages
            .iter()
            .map(|m| {
                let attributes: serde_json::Map<String, Value> = m
                    .attributes
                    .iter()
                    .flatten()
                    .map(|(name, value)| (name.as_str().to_owned(), value.as_str().into()))
                    .collect();
                json!({"messageId": m.message_id, "receiptHandle": m.receipt_handle, "body": m.body,
                       "attributes": attributes, "messageAttributes": {}, "eventSource": "aws:sqs",
                       "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:writes.fifo"})
            })
            .collect();
        tokio::select! {
            answer = running.invoke(json!({ "Records": records })) => {
                function = Some(running);
                let Answer::Reply(reply) = answer else { continue };
                let failures = reply["batchItemFailures"].as_array().cloned().unwrap_or_default();
                for message in messages {
                    let failed = failures.iter().any(|f| f["itemIdentifier"].as_str() == message.message_id.as_deref());
                    if !failed && let Some(handle) = message.receipt_handle {
                        drop(sqs.delete_message().queue_url(&queue).receipt_handle(handle).send().await);
                    }
                }
            }
            _ = dies.changed() => drop(running),
        }
    }
}
