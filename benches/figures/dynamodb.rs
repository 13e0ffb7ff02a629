//! As much of DynamoDB as reads need, in memory: items by key, and the conditions that they put.
//!
//! The emulator that the tests drive takes a hundred times as long as DynamoDB does; this takes a
//! tenth, so that what is measured is ours.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

#[derive(Clone, Default)]
struct Shared {
    items: Arc<Mutex<HashMap<String, Value>>>,
    asked: Arc<AtomicU64>,
}

/// A running table service; it ends with this value.
pub struct DynamoDb {
    /// `http://127.0.0.1:port`.
    pub url: String,
    shared: Shared,
    task: JoinHandle<()>,
}

impl DynamoDb {
    pub async fn start() -> anyhow::Result<Self> {
        let shared = Shared::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/", post(answer)).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Ok(Self { url, shared, task })
    }

    /// Requests so far.
    pub fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::Relaxed)
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1], Json<Value>) {
    shared.asked.fetch_add(1, Ordering::Relaxed);
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let target = headers.get("x-amz-target").and_then(|t| t.to_str().ok()).unwrap_or_default();
    let (status, reply) = match target.rsplit('.').next().unwrap_or_default() {
        "GetItem" => {
            let items = shared.items.lock().expect("no holder panics");
            let item = items.get(&name(&asked["TableName"], &asked["Key"]));
            (StatusCode::OK, item.map_or(json!({}), |item| json!({"Item": item})))
        }
        "PutItem" => put(&shared, &asked),
        "DeleteItem" => {
            let mut items = shared.items.lock().expect("no holder panics");
            items.remove(&name(&asked["TableName"], &asked["Key"]));
            (StatusCode::OK, json!({}))
        }
        "Query" => (StatusCode::OK, json!({"Items": [], "Count": 0})),
        other => (StatusCode::BAD_REQUEST, json!({"__type": "ValidationException", "message": other})),
    };
    (status, [("content-type", "application/x-amz-json-1.0")], Json(reply))
}

fn put(shared: &Shared, asked: &Value) -> (StatusCode, Value) {
    let mut items = shared.items.lock().expect("no holder panics");
    let name = name(&asked["TableName"], &asked["Item"]);
    let old = items.get(&name);
    let given = |value: &str| asked["ExpressionAttributeValues"][value]["N"].as_str().and_then(integer);
    let held = |field: &str| old.and_then(|old| old[field]["N"].as_str()).and_then(integer);
    let expired = held("e").is_some_and(|e| Some(e) <= given(":now"));
    let stands = match asked["ConditionExpression"].as_str().unwrap_or_default() {
        "" => true,
        condition if condition.starts_with("attribute_not_exists") => old.is_none() || expired,
        condition if condition.starts_with("v = :v") => held("v") == given(":v") && !expired,
        _ => false,
    };
    if stands {
        items.insert(name, asked["Item"].clone());
        return (StatusCode::OK, json!({}));
    }
    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    (StatusCode::BAD_REQUEST, json!({"__type": kind, "Item": old}))
}

fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn name(table: &Value, key: &Value) -> String {
    format!("{table} {} {}", key["PK"]["S"], key["SK"]["S"])
}
