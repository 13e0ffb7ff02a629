//! The console's interface from outside: `tieline local` as it is started, spoken to over HTTP.

mod document;
mod function;
mod rules;

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const TOKEN: &str = "token-of-this-test";

/// A running `tieline local`; ends when dropped.
struct Local {
    _process: Child,
    _folder: TempDir,
    http: Client,
    origin: String,
    document: Value,
    /// Operations of the document that were called: `GET /contacts/{contact}`.
    called: Mutex<BTreeSet<String>>,
}

impl Local {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_tieline"))
            .args(["local", "--port", "0", "--org-port", "0", "--token", TOKEN, "--data-dir"])
            .arg(folder.path())
            .env_clear()
            .env("USER", "sam")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let origin = loop {
            let line = lines.next_line().await.unwrap().expect("it prints its address");
            if let Some((_, rest)) = line.split_once("Tieline          ") {
                break rest.split_once("/?token=").unwrap().0.to_owned();
            }
        };
        // The rest of what it says is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let http = Client::new();
        let mut this = Self {
            _process: process,
            _folder: folder,
            http,
            origin,
            document: Value::Null,
            called: Mutex::default(),
        };
        // What listens before its store is open lets the first caller wait.
        let document = this.ask(Method::GET, "/openapi.json").send().await.unwrap();
        this.document = document.json().await.unwrap();
        this
    }

    /// A request of somebody who has the token.
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api{path}", self.origin)).bearer_auth(TOKEN)
    }

    /// Calls an operation: its answer must be one that the document tells of.
    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.ask(method.parse().unwrap(), path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let (status, value) = read(request.send().await.unwrap()).await;
        self.note(method, path, status);
        (status, value)
    }

    async fn good(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, value) = self.call(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {value}");
        value
    }

    /// Finds the operation in the document, and holds its answer to it.
    fn note(&self, method: &str, path: &str, status: u16) {
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<_> = path.split('/').collect();
        let fits = |template: &str| {
            let told: Vec<_> = template.split('/').collect();
            told.len() == parts.len() && told.iter().zip(&parts).all(|(t, p)| t.starts_with('{') || t == p)
        };
        let paths = self.document["paths"].as_object().unwrap();
        // A path without places comes before one with: `/flows/check` is no flow.
        let mut found: Vec<_> = paths
            .iter()
            .filter(|(template, item)| fits(template) && item.get(method.to_lowercase()).is_some())
            .collect();
        found.sort_by_key(|(template, _)| template.matches('{').count());
        let Some((template, item)) = found.first() else { return };
        let told = &item[method.to_lowercase()]["responses"];
        // The token's 401 goes without saying.
        assert!(
            status == 401 || told.get(status.to_string()).is_some(),
            "{method} {template} answered {status}, of which the document tells nothing: {told}"
        );
        self.called.lock().unwrap().insert(format!("{method} {template}"));
    }

    /// One call as Amazon Connect makes it.
    async fn invoke(&self, contact: &str, parameters: Value) -> Value {
        let event = json!({"Details": {
            "ContactData": {"ContactId": contact, "InitialContactId": contact}, "Parameters": parameters}});
        let url = format!("{}/2015-03-31/functions/sfInvokeAPI/invocations", self.origin);
        self.http.post(url).json(&event).send().await.unwrap().json().await.unwrap()
    }

    /// Asks until the answer is as wanted.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
            let value = self.good("GET", path, Value::Null).await;
            if wanted(&value) {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{path} never answered as wanted")
    }
}

/// Status and body; what fails must be a problem.
async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let text = response.text().await.unwrap();
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    if status >= 400 {
        assert_eq!(kind, "application/problem+json", "{status} {value}");
        assert_eq!(value["status"], status, "{value}");
        for member in ["type", "title", "detail"] {
            assert!(value[member].as_str().is_some_and(|text| !text.is_empty()), "{member} of {value}");
        }
    }
    (status, value)
}
