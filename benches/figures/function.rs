//! A Lambda function as a process: started, fed, measured from outside.
//!
//! The runtime interface here is the one that AWS documents (`/2018-06-01/runtime/…`), so that any
//! program that speaks it can be measured beside ours.

use std::{
    collections::HashMap,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

type Reply = Result<Bytes, String>;

#[derive(Clone)]
struct Shared {
    waiting: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<(u64, Bytes)>>>,
    open: Arc<Mutex<HashMap<String, oneshot::Sender<Reply>>>>,
}

/// One process of a function, and the runtime interface that it asks.
pub struct Function {
    child: Child,
    events: mpsc::UnboundedSender<(u64, Bytes)>,
    open: Arc<Mutex<HashMap<String, oneshot::Sender<Reply>>>>,
    next: u64,
    started: Instant,
}

impl Function {
    /// Starts `command` with `environment` alone and the variables that Lambda sets.
    pub async fn start(command: &[String], environment: &[(String, String)]) -> anyhow::Result<Self> {
        let (events, waiting) = mpsc::unbounded_channel();
        let open = Arc::new(Mutex::new(HashMap::new()));
        let shared = Shared { waiting: Arc::new(tokio::sync::Mutex::new(waiting)), open: open.clone() };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(|| async { StatusCode::ACCEPTED }))
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let started = Instant::now();
        let child = Command::new(&command[0])
            .args(&command[1..])
            .env_clear()
            .envs(environment.iter().cloned())
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "sfInvokeAPI")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "bench")
            .env("AWS_SECRET_ACCESS_KEY", "bench")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child, events, open, next: 0, started })
    }

    /// One invocation; the reply, or the text of the function error.
    pub async fn invoke(&mut self, event: &Value) -> anyhow::Result<Reply> {
        self.next += 1;
        let (sender, receiver) = oneshot::channel();
        self.open.lock().expect("no holder panics").insert(self.next.to_string(), sender);
        self.events.send((self.next, Bytes::from(serde_json::to_vec(event)?)))?;
        let replied = tokio::time::timeout(Duration::from_secs(10), receiver).await;
        Ok(replied.map_err(|_| anyhow::anyhow!("the function gave no answer within 10 s"))??)
    }

    /// Time from the process's start until now.
    pub fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    /// Processor time used so far, user and system.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // Fields 14 and 15, counted behind the command's closing parenthesis; in ticks of 10 ms.
        let ticks: u64 = stat
            .rsplit_once(')')
            .map(|(_, rest)| {
                rest.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum()
            })
            .unwrap_or_default();
        Duration::from_millis(ticks * 10)
    }

    /// The most memory it ever held, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        status
            .lines()
            .find_map(|l| l.strip_prefix("VmHWM:"))
            .and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok())
            .map_or(0, |kib| kib * 1024)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn next(State(shared): State<Shared>) -> (HeaderMap, Bytes) {
    let (id, event) = match shared.waiting.lock().await.recv().await {
        Some(next) => next,
        None => std::future::pending().await,
    };
    let deadline = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() + 8_000);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", id.to_string()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:sfInvokeAPI".into(),
        ),
        ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000".into()),
        ("content-type", "application/json".into()),
    ] {
        headers.insert(name, HeaderValue::from_str(&value).expect("plain ASCII"));
    }
    (headers, event)
}

async fn response(State(shared): State<Shared>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    answer(&shared, &id, Ok(body))
}

async fn error(State(shared): State<Shared>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    answer(&shared, &id, Err(String::from_utf8_lossy(&body).into_owned()))
}

fn answer(shared: &Shared, id: &str, reply: Reply) -> StatusCode {
    if let Some(sender) = shared.open.lock().expect("no holder panics").remove(id) {
        let _ = sender.send(reply);
    }
    StatusCode::ACCEPTED
}
