//! Everything of one simulated world in one thread and virtual time: the real invoke side, the real
//! worker with its brain, the stores on SQLite in memory, the simulated org called in process, and
//! between them wires that misbehave by a seed.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tieline::org::Org;
use tieline::outcome::rows::{DEAD_LETTERS, DeadLetter, OUTCOMES, partition};
use tieline::outcome::{Modes, Outcome};
use tieline::salesforce::wire::{Cut, Exchange, Method, Request, Response};
use tieline::salesforce::{Auth, Client, Hidden, Settings, Vault, rows};
use tieline::store::sqlite::Sqlite;
use tieline::store::{Queue, Table};
use tieline::time::Timestamp;
use tieline::worker::{self, Clock, Worker};
use tieline::write::{self, Writes};
use tieline::{dispatch, org};
use tokio::sync::Notify;

use super::ledger::{Ledger, WatchedQueue, WatchedTable};
use super::wires::{Trouble, Wired, Wires};

pub(super) const T0: Timestamp = Timestamp::from_millis(1_795_170_000_000);

/// The way to the org: no sockets, the time of the simulation.
#[derive(Debug)]
pub(super) struct InProcess {
    org: Org,
    now: Now,
    latency: Duration,
    pub(super) calls: Mutex<Vec<Timestamp>>,
    /// A call with this text in it is the last thing that its process does; whether it takes effect.
    deadly: Mutex<Option<(&'static str, bool)>>,
    pub(super) died: Notify,
}

impl InProcess {
    fn new(org: Org, now: Now, latency: Duration) -> Self {
        let (calls, deadly) = (Mutex::default(), Mutex::default());
        Self { org, now, latency, calls, deadly, died: Notify::new() }
    }

    pub(super) fn deadly(&self, text: &'static str, applied: bool) {
        *self.deadly.lock().unwrap() = Some((text, applied));
    }

    pub(super) fn harmless(&self) {
        *self.deadly.lock().unwrap() = None;
    }

    /// Whether this call kills, and takes effect before.
    fn kills(&self, request: &Request) -> Option<bool> {
        let (text, applied) = (*self.deadly.lock().unwrap())?;
        let body = request.body.as_ref().map(|(_, body)| String::from_utf8_lossy(body).into_owned());
        body.is_some_and(|body| body.contains(text)).then_some(applied)
    }
}

#[async_trait]
impl Exchange for InProcess {
    async fn exchange(&self, _: &str, request: Request, timeout: Duration) -> Result<Response, Cut> {
        let writes = request.method != Method::Get;
        if writes && (request.target.contains("/composite") || request.target.contains("/sobjects")) {
            self.calls.lock().unwrap().push(self.now.now());
        }
        let kills = self.kills(&request);
        if kills == Some(false) {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
        let handled = self.org.handle(&translate(request), self.now.now());
        if kills.is_some() {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
        let delay = handled.delay + self.latency;
        if delay > timeout {
            tokio::time::sleep(timeout).await;
            return Err(Cut::After("no answer in time".to_owned()));
        }
        tokio::time::sleep(delay).await;
        match handled.reply {
            org::wire::Reply::Cut { .. } => Err(Cut::After("the connection was closed".to_owned())),
            org::wire::Reply::Response(response) => {
                let header = |name: &str| {
                    response
                        .headers
                        .iter()
                        .find(|(n, _)| n.eq_ignore_ascii_case(name))
                        .map(|(_, v)| v.clone())
                };
                let content_type = header("content-type").unwrap_or_default();
                Ok(Response {
                    status: response.status,
                    usage: header("sforce-limit-info").and_then(|info| rows::usage(&info)),
                    content_type: content_type.split(';').next().unwrap_or_default().to_ascii_lowercase(),
                    body: response.body,
                })
            }
        }
    }
}

fn translate(request: Request) -> org::wire::Request {
    let mut headers: Vec<(String, String)> =
        request.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let body = request.body.map(|(kind, body)| {
        headers.push(("content-type".to_owned(), kind.to_owned()));
        body
    });
    org::wire::Request {
        method: match request.method {
            Method::Get => org::wire::Method::Get,
            Method::Post => org::wire::Method::Post,
            Method::Patch => org::wire::Method::Patch,
            Method::Delete => org::wire::Method::Delete,
        },
        target: request.target,
        headers,
        body: body.unwrap_or_default(),
    }
}

/// The time of the simulation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    began: tokio::time::Instant,
}

impl Now {
    pub(super) fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the clock of the simulation")]
        let began = tokio::time::Instant::now();
        Self { began }
    }

    pub(super) fn now(self) -> Timestamp {
        T0.plus(self.began.elapsed())
    }

    /// A process whose clock is wrong by this.
    pub(super) fn skewed(self, by: i64) -> Clock {
        Arc::new(move || Timestamp::from_millis(self.now().as_millis() + by))
    }
}

/// Hears what the org does, beside every wire.
#[derive(Clone, Debug)]
pub(super) struct Ears {
    org: Org,
    now: Now,
}

impl Ears {
    /// Every effect after the first so many.
    pub(super) fn since(&self, count: usize) -> Vec<Value> {
        match self.admin(org::wire::Method::Get, &format!("/_org/journal?after={count}"), "") {
            Value::Array(entries) => entries,
            other => panic!("{other}"),
        }
    }

    fn admin(&self, method: org::wire::Method, target: &str, body: &str) -> Value {
        let request = org::wire::Request {
            method,
            target: target.to_owned(),
            headers: Vec::new(),
            body: body.to_owned().into(),
        };
        match self.org.handle(&request, self.now.now()).reply {
            org::wire::Reply::Response(response) => {
                serde_json::from_slice(&response.body).unwrap_or_default()
            }
            org::wire::Reply::Cut { .. } => panic!("admin paths are not cut"),
        }
    }
}

pub(super) struct World {
    ears: Ears,
    pub(super) ledger: Arc<Ledger>,
    pub(super) now: Now,
    pub(super) exchange: Arc<InProcess>,
    pub(super) queue: Arc<dyn Queue>,
    pub(super) state: Arc<dyn Table>,
    /// Where readers learn that their copy of a record is old, in worlds that have readers.
    pub(super) cache: Option<Arc<dyn Table>>,
    pub(super) trouble: Arc<Trouble>,
    pub(super) unique_fields: BTreeMap<String, String>,
}

impl World {
    pub(super) fn new(seed: u64, latency: Duration) -> Self {
        let now = Now::start();
        let settings = org::Settings { sample: false, seed, ..org::Settings::default() };
        let org = Org::new(settings, now.now()).unwrap();
        let store = Sqlite::in_memory().unwrap();
        let ears = Ears { org: org.clone(), now };
        let ledger = Ledger::new(ears.clone());
        Self {
            exchange: Arc::new(InProcess::new(org, now, latency)),
            ears,
            now,
            queue: Arc::new(WatchedQueue::new(store.queue("writes"), ledger.clone(), now)),
            state: Arc::new(WatchedTable { inner: store.table("state"), ledger: ledger.clone() }),
            ledger,
            cache: None,
            trouble: Trouble::new(Wires::default(), seed ^ 0x5eed),
            unique_fields: BTreeMap::from([("Case".to_owned(), "WriteKey__c".to_owned())]),
        }
    }

    pub(super) fn client(&self) -> Client {
        let settings = Settings {
            host: "https://org.example.com".to_owned(),
            production: Some(false),
            username: None,
            version: "v66.0".to_owned(),
        };
        let vault = Vault::Given(Hidden::new(r#"{"ConsumerKey":"k","ConsumerSecret":"s"}"#));
        let auth = Auth::new(settings.clone(), vault, None);
        Client::new(settings, auth, self.exchange.clone())
    }

    fn wired_queue(&self) -> Arc<dyn Queue> {
        Arc::new(Wired { inner: self.queue.clone(), trouble: self.trouble.clone() })
    }

    fn wired_state(&self) -> Arc<dyn Table> {
        Arc::new(Wired { inner: self.state.clone(), trouble: self.trouble.clone() })
    }

    /// The invoke side.
    pub(super) fn writes(&self) -> Writes {
        Writes {
            settings: write::Settings {
                mode: tieline::event::Mode::Queue,
                wait: Duration::ZERO,
                duplicate_window: Duration::from_secs(90),
                sensitive: Vec::new(),
            },
            client: self.client(),
            queue: Some(self.wired_queue()),
            state: Some(self.wired_state()),
            cache: self.cache.clone(),
            modes: Modes { unique_fields: self.unique_fields.clone(), ..Modes::default() },
            rate: None,
            owner: None,
        }
    }

    /// A worker process whose clock is wrong by `skew` milliseconds.
    pub(super) fn worker(&self, name: &str, skew: i64, seed: u64, dispatch: dispatch::Settings) -> Worker {
        Worker::new(worker::Inner {
            settings: worker::Settings {
                dispatch,
                modes: Modes { unique_fields: self.unique_fields.clone(), ..Modes::default() },
                poll_wait: Duration::from_secs(20),
                seed,
                ..worker::Settings::default()
            },
            owner: name.to_owned(),
            client: self.client(),
            queue: self.wired_queue(),
            state: self.wired_state(),
            cache: self.cache.clone(),
            attributes: None,
            clock: self.now.skewed(skew),
            keys: Arc::default(),
            fleet: Mutex::default(),
        })
    }

    /// Lambda behind the queue: batches of ten, a minute for each, deleted up to the first of a group
    /// that is not settled.
    pub(super) fn event_source(&self, worker: Worker) -> impl Future<Output = ()> + Send + use<> {
        let (queue, now) = (self.wired_queue(), self.now);
        async move {
            loop {
                let lease = Duration::from_secs(360);
                let received = queue.receive(10, lease, Duration::from_secs(20), now.now()).await;
                let batch = received.unwrap_or_default();
                if batch.is_empty() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
                let end = tokio::time::sleep(Duration::from_secs(55));
                let settled = worker.handle_batch(batch.clone(), end).await;
                let mut held = HashSet::new();
                let mut done = Vec::new();
                for message in batch {
                    if settled.contains(&message.handle) && !held.contains(&message.group) {
                        done.push(message.handle);
                    } else {
                        held.insert(message.group);
                    }
                }
                queue.delete(&done, now.now()).await;
            }
        }
    }

    /// Adds faults to the org, one rule a line.
    pub(super) fn faults(&self, rules: &str) {
        let added = self.ears.admin(org::wire::Method::Post, "/_org/faults", rules);
        assert!(added.get("ids").is_some(), "{added}");
    }

    pub(super) fn no_faults(&self) {
        self.ears.admin(org::wire::Method::Delete, "/_org/faults", "");
        *self.trouble.wires.lock().unwrap() = Wires::default();
    }

    /// Every effect that the org has seen, in order.
    pub(super) fn journal(&self) -> Vec<Value> {
        self.ears.since(0)
    }

    pub(super) async fn outcomes(&self, group: &str) -> Vec<Outcome> {
        let rows = self.state.list(&partition(group), OUTCOMES, None, 1000, self.now.now()).await.unwrap();
        rows.iter().map(|row| Outcome::from_row(row).unwrap()).collect()
    }

    pub(super) async fn letters(&self, group: &str) -> Vec<DeadLetter> {
        let rows =
            self.state.list(&partition(group), DEAD_LETTERS, None, 1000, self.now.now()).await.unwrap();
        rows.iter().map(|row| DeadLetter::from_row(row).unwrap()).collect()
    }
}
