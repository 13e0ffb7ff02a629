//! A Salesforce that answers by a script and writes down what it was asked.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri},
};
use serde_json::{Value, json};

use super::Server;

/// A scripted org.
pub(crate) struct Salesforce {
    pub(crate) server: Server,
    state: Arc<Mutex<Script>>,
}

struct Script {
    replies: VecDeque<Value>,
    asked: Vec<Asked>,
}

/// One request, as it is compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// As it was sent, percent-encoded.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) bearer: Option<String>,
}

impl Asked {
    pub(crate) fn is_login(&self) -> bool {
        self.path.ends_with("/oauth2/token")
    }
}

impl Salesforce {
    /// Answers with `replies` in their order. A reply that names a method and a path it expects is
    /// passed over while another request comes, so that a client may leave out a needless call.
    pub(crate) async fn start(replies: Vec<Value>) -> Self {
        let state = Arc::new(Mutex::new(Script { replies: replies.into(), asked: Vec::new() }));
        let router = Router::new().fallback(answer).with_state(state.clone());
        Self { server: Server::start(router).await, state }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }
}

async fn answer(
    State(state): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let query = uri.query().map(pairs).unwrap_or_default();
    let bearer = headers
        .get("authorization")
        .and_then(|h| h.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned));
    let asked = Asked {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query,
        body: String::from_utf8_lossy(&body).into_owned(),
        bearer,
    };
    let reply = {
        let mut script = state.lock().unwrap();
        let at = script.replies.iter().position(|reply| expects(reply, &asked));
        let reply = at.and_then(|at| script.replies.drain(..=at).next_back());
        script.asked.push(asked);
        reply.unwrap_or_else(|| json!({"status": 599, "body_text": "nothing more in the script"}))
    };
    let status = StatusCode::from_u16(u16::try_from(reply["status"].as_u64().unwrap()).unwrap()).unwrap();
    let mut response = Response::builder().status(status);
    for (name, value) in reply["headers"].as_object().into_iter().flatten() {
        response = response.header(name, value.as_str().unwrap());
    }
    let body = match (&reply["body_text"], &reply["body"]) {
        (Value::String(text), _) => Body::from(text.clone()),
        (_, Value::Null) => Body::empty(),
        (_, json) => {
            response = response.header("content-type", "application/json");
            Body::from(json.to_string())
        }
    };
    response.body(body).unwrap()
}

fn expects(reply: &Value, asked: &Asked) -> bool {
    reply["expect_method"].as_str().is_none_or(|method| method == asked.method)
        && reply["expect_path_prefix"].as_str().is_none_or(|path| asked.path.starts_with(path))
}

/// The pairs of a query or a form.
pub(crate) fn pairs(text: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
