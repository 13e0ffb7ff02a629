//! A way to AWS that notes which action each set of credentials asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri},
};

use crate::support::Server;

/// What stands between functions and the emulator.
pub(super) struct Watch {
    pub(super) server: Server,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    endpoint: OnceLock<String>,
    http: reqwest::Client,
    /// By access key, in the order in which they were first seen.
    actions: Mutex<Vec<(String, BTreeSet<String>)>>,
}

impl Watch {
    pub(super) async fn start() -> Self {
        let seen = Arc::new(Seen::default());
        let server = Server::start(Router::new().fallback(pass).with_state(seen.clone())).await;
        Self { server, seen }
    }

    pub(super) fn lead_to(&self, endpoint: &str) {
        self.seen.endpoint.set(endpoint.to_owned()).unwrap();
    }

    /// The keys that asked, in the order in which they were first seen.
    pub(super) fn keys(&self) -> Vec<String> {
        self.seen.actions.lock().unwrap().iter().map(|(key, _)| key.clone()).collect()
    }

    /// What the holder of a key asked for, by the names of the policies.
    pub(super) fn used(&self, key: &str) -> BTreeSet<String> {
        let actions = self.seen.actions.lock().unwrap();
        actions.iter().find(|(of, _)| of == key).map(|(_, actions)| actions.clone()).unwrap_or_default()
    }
}

async fn pass(
    State(seen): State<Arc<Seen>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Some((key, action)) = asked(&headers, &uri) {
        let mut actions = seen.actions.lock().unwrap();
        match actions.iter_mut().find(|(of, _)| *of == key) {
            Some((_, of)) => drop(of.insert(action)),
            None => actions.push((key, BTreeSet::from([action]))),
        }
    }
    let url = format!("{}{uri}", seen.endpoint.get().unwrap());
    let sent = seen.http.request(method, url).headers(headers).body(body).send().await;
    let Ok(answer) = sent else {
        return Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).unwrap();
    };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding") {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.bytes().await.unwrap_or_default())).unwrap()
}

/// Access key and action of a request: the signature's scope names the service, the target the
/// action. Policies know the entries of a batch by the action for one.
fn asked(headers: &HeaderMap, uri: &Uri) -> Option<(String, String)> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let scope = text("authorization")?.split_once("Credential=")?.1.split_once(',')?.0;
    let mut parts = scope.split('/');
    let key = parts.next()?.to_owned();
    let service = parts.nth(2)?;
    let action = match text("x-amz-target") {
        Some(target) => target.rsplit_once('.')?.1,
        None if service == "connect" => match uri.path() {
            "/contact/attributes" => "UpdateContactAttributes",
            "/contact/start-recording" => "StartContactRecording",
            "/contact/stop-recording" => "StopContactRecording",
            "/contact/task" => "StartTaskContact",
            other => other,
        },
        None if service == "lambda" && uri.path().ends_with("/policy") => "GetPolicy",
        None => uri.path(),
    };
    let action = if service == "sqs" { action.trim_end_matches("Batch") } else { action };
    Some((key, format!("{service}:{action}")))
}

/// Shown when sets differ.
pub(super) fn difference(
    used: &BTreeSet<String>,
    allowed: &BTreeSet<String>,
) -> BTreeMap<&'static str, Vec<String>> {
    BTreeMap::from([
        ("used, not allowed", used.difference(allowed).cloned().collect()),
        ("allowed, not used", allowed.difference(used).cloned().collect()),
    ])
}
