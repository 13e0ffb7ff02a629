//! What AWS bills for a write: the requests that really leave this process for the emulator, counted
//! on their way.

use std::{
    collections::HashSet,
    io::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse};
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tieline::{
    clock,
    config::Config,
    lambda::{Service, Stores},
    org::{self, Org},
    salesforce::Http,
    store::aws::Aws,
};
use tokio::net::TcpListener;

use crate::{emulator::Emulator, support::Server};

const WRITES: usize = 100;

/// What was asked of AWS.
#[derive(Debug, Default)]
struct Bill {
    /// Write units of DynamoDB.
    units: AtomicU64,
    /// Requests to SQS.
    requests: AtomicU64,
    /// Calls that were counted: on a busy machine the client gives an attempt up and repeats it.
    seen: Mutex<HashSet<String>>,
}

/// Stands before the emulator and counts.
#[derive(Clone)]
struct Counter {
    bill: Arc<Bill>,
    emulator: String,
    client: reqwest::Client,
}

async fn pass(State(counter): State<Counter>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let target = headers.get("x-amz-target").and_then(|t| t.to_str().ok()).unwrap_or_default();
    let call = headers.get("amz-sdk-invocation-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let target = if counter.bill.seen.lock().unwrap().insert(call.to_owned()) { target } else { "" };
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    match target.rsplit_once('.') {
        Some((service, _)) if service.starts_with("AmazonSQS") => {
            counter.bill.requests.fetch_add(1, Ordering::Relaxed);
        }
        Some((_, "PutItem")) => {
            counter.bill.units.fetch_add(units(&asked["Item"]), Ordering::Relaxed);
        }
        Some((_, "UpdateItem" | "DeleteItem")) => {
            counter.bill.units.fetch_add(1, Ordering::Relaxed);
        }
        _ => {}
    }
    let mut request = counter.client.post(&counter.emulator).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
    let kind = kind.unwrap_or_else(|| "application/x-amz-json-1.0".parse().unwrap());
    (status, [("content-type", kind)], answer.bytes().await.unwrap())
}

/// One for each begun kilobyte of the item, and again for its entry in the index.
fn units(item: &Value) -> u64 {
    let size: usize = item
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let text = |kind: &str| value[kind].as_str();
            let bytes = text("B").map(|b| BASE64.decode(b).unwrap().len());
            name.len() + bytes.or(text("S").map(str::len)).or(text("N").map(|n| n.len() / 2 + 1)).unwrap()
        })
        .sum();
    let units = size.div_ceil(1024) as u64;
    if item.get("GSI1PK").is_some() { 2 * units } else { units }
}

#[tokio::test]
async fn a_write_costs_three_units_with_a_key_four_without_and_little_more_than_a_request() {
    let Some(emulator) = Emulator::start().await else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let salesforce = format!("http://{}", listener.local_addr().unwrap());
    let simulated = Org::new(org::Settings::default(), clock::now()).unwrap();
    tokio::spawn(org::serve(simulated, listener, std::future::pending()));
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(br#"{"ConsumerKey": "key", "ConsumerSecret": "secret"}"#).unwrap();

    let bill = Arc::new(Bill::default());
    let counter = Counter {
        bill: bill.clone(),
        emulator: emulator.endpoint().to_owned(),
        client: reqwest::Client::new(),
    };
    let proxy = Server::start(Router::new().fallback(pass).with_state(counter)).await;
    let aws = Aws::with(emulator.config().await.to_builder().endpoint_url(proxy.url()).build());
    for (how, keyed, most) in [("with", true, 3.0), ("without", false, 4.0)] {
        // Of their own: the last question of a worker that stopped may still hold what comes next.
        let (queue, state, cache) =
            (emulator.new_queue().await, emulator.new_table().await, emulator.new_table().await);
        // SQS's URLs lead past the counter.
        let queue = format!("{}/{}", proxy.url(), queue.splitn(4, '/').last().unwrap());
        let variables = [
            ("SF_HOST", salesforce.as_str()),
            ("SF_VERSION", "v66.0"),
            ("TIELINE_SECRET_FILE", secret.path().to_str().unwrap()),
            ("TIELINE_QUEUE_URL", &queue),
            ("TIELINE_STATE_TABLE", &state),
            ("TIELINE_CACHE_TABLE", &cache),
            ("TIELINE_UNIQUE_FIELDS", "Case=WriteKey__c"),
        ];
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let stores = Stores {
            state: Some(aws.table(&state)),
            cache: Some(aws.table(&cache)),
            queue: Some(aws.queue(&queue)),
            ..Stores::default()
        };
        let service = Service::with(Config::from_vars(variables).unwrap(), stores, Arc::new(Http));
        bill.units.store(0, Ordering::Relaxed);
        bill.requests.store(0, Ordering::Relaxed);
        let calls = (0..WRITES).map(|n| {
            let mut parameters = json!({
                "sf_operation": "create", "sf_object": "Case", "Subject": "Printer on fire", "Origin": "Phone",
                "Description": "It burns since noon, and the caller asks whom to call.", "tl_mode": "queue",
            });
            if keyed {
                parameters["tl_key"] = "case".into();
            }
            let event = json!({"Details": {
                "ContactData": {"ContactId": format!("7b0f0f5e-5a3b-4d0e-9f38-{how:0>8}{n:04}")},
                "Parameters": parameters,
            }});
            service.invoke(event, Duration::from_secs(8))
        });
        // Not all at once: the emulator does one thing at a time, and a caller waits for 2.5 s.
        let mut replies = futures::stream::iter(calls).buffer_unordered(20);
        while let Some(reply) = replies.next().await {
            assert_eq!(reply.unwrap()["tl_status"], "queued");
        }
        let queue = aws.queue(&queue);
        let empty = async {
            loop {
                let depth = queue.depth(clock::now()).await.unwrap();
                bill.requests.fetch_sub(1, Ordering::Relaxed);
                if depth.visible + depth.in_flight == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        service.worker("test".to_owned()).unwrap().run(empty).await;
        #[expect(clippy::cast_precision_loss, reason = "a hundred or so")]
        let each = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64 / WRITES as f64;
        let (units, requests) = (each(&bill.units), each(&bill.requests));
        println!("{how} tl_key: {units} units and {requests} requests a write");
        // The token's row and a worker's heartbeat are among them.
        assert!(units <= most + 0.05, "{units} units a write {how} tl_key");
        assert!(requests <= 1.3, "{requests} requests a write {how} tl_key");
    }
}
