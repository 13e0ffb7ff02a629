//! Everything of one simulated world in one thread and virtual time: the real invoke side, the real
//! worker with its brain, the stores on SQLite in memory, the simulated org called in process, and
//! between them wires that misbehave by a seed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tieline::dispatch::{self, Chance};
use tieline::org;
use tieline::org::Org;
use tieline::outcome::rows::{DEAD_LETTERS, DeadLetter, OUTCOMES, partition};
use tieline::outcome::{Modes, Outcome};
use tieline::salesforce::wire::{Cut, Exchange, Method, Request, Response};
use tieline::salesforce::{Auth, Client, Hidden, Settings, Vault, rows};
use tieline::store::sqlite::Sqlite;
use tieline::store::{
    AddError, Depth, Expect, Handle, Key, Leased, Message, PutError, Queue, Row, StoreError, Table,
};
use tieline::time::Timestamp;
use tieline::worker::{self, Clock, Worker};
use tieline::write::{self, Writes};

pub(super) const T0: Timestamp = Timestamp::from_millis(1_795_170_000_000);

/// What goes wrong on the wires between the processes and their stores, in parts of a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wires {
    /// The store answers with an error and has done nothing.
    pub(super) before: u64,
    /// It has done what was asked, and the answer is an error.
    pub(super) after: u64,
    /// It takes up to 300 ms.
    pub(super) slow: u64,
    /// The process stands still at this await for up to ten minutes.
    pub(super) frozen: u64,
}

#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) wires: Mutex<Wires>,
    chance: Mutex<Chance>,
}

enum Luck {
    Good,
    Before,
    After,
}

impl Trouble {
    pub(super) fn new(wires: Wires, seed: u64) -> Arc<Self> {
        Arc::new(Self { wires: Mutex::new(wires), chance: Mutex::new(Chance::new(seed)) })
    }

    fn below(&self, n: u64) -> u64 {
        self.chance.lock().unwrap().below(n)
    }

    async fn strike(&self) -> Luck {
        let wires = *self.wires.lock().unwrap();
        let (draw, long) = (self.below(1000), self.below(1000));
        if long < wires.frozen {
            tokio::time::sleep(Duration::from_secs(self.below(600))).await;
        } else if long < wires.frozen + wires.slow {
            tokio::time::sleep(Duration::from_millis(self.below(300))).await;
        } else {
            tokio::time::sleep(Duration::from_millis(1 + self.below(4))).await;
        }
        if draw < wires.before {
            Luck::Before
        } else if draw < wires.before + wires.after {
            Luck::After
        } else {
            Luck::Good
        }
    }
}

fn broken() -> StoreError {
    StoreError::Unavailable("the wire broke".to_owned())
}

/// A table at the end of such a wire. It keeps the caller's time, not the time of arrival: a process
/// that stands still does so with the time in its hand.
#[derive(Debug)]
pub(super) struct Wired<T: ?Sized> {
    pub(super) inner: Arc<T>,
    pub(super) trouble: Arc<Trouble>,
}

#[async_trait]
impl Table for Wired<dyn Table> {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Row>, StoreError> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.get(key, now).await,
            Luck::Before | Luck::After => Err(broken()),
        }
    }

    async fn put(&self, row: &Row, expect: Expect, now: Timestamp) -> Result<(), PutError> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.put(row, expect, now).await,
            Luck::Before => Err(broken().into()),
            Luck::After => {
                let _done = self.inner.put(row, expect, now).await;
                Err(broken().into())
            }
        }
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.list(partition, prefix, after, limit, now).await,
            Luck::Before | Luck::After => Err(broken()),
        }
    }

    async fn list_index(
        &self,
        partition: &str,
        after: Option<&str>,
        descending: bool,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        self.inner.list_index(partition, after, descending, limit, now).await
    }

    async fn add_if_below(
        &self,
        key: &Key,
        amount: u64,
        limit: u64,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<u64, AddError> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.add_if_below(key, amount, limit, expires, now).await,
            Luck::Before => Err(broken().into()),
            Luck::After => {
                let _done = self.inner.add_if_below(key, amount, limit, expires, now).await;
                Err(broken().into())
            }
        }
    }

    async fn remove(&self, key: &Key, now: Timestamp) -> Result<(), StoreError> {
        self.inner.remove(key, now).await
    }
}

#[async_trait]
impl Queue for Wired<dyn Queue> {
    async fn send(&self, messages: &[Message], now: Timestamp) -> Vec<Result<(), StoreError>> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.send(messages, now).await,
            Luck::Before => vec![Err(broken()); messages.len()],
            Luck::After => {
                let _done = self.inner.send(messages, now).await;
                vec![Err(broken()); messages.len()]
            }
        }
    }

    async fn receive(
        &self,
        max: usize,
        lease: Duration,
        wait: Duration,
        now: Timestamp,
    ) -> Result<Vec<Leased>, StoreError> {
        match self.trouble.strike().await {
            Luck::Good => {}
            Luck::Before => return Err(broken()),
            Luck::After => {
                let _lost = self.inner.receive(max, lease, Duration::ZERO, now).await;
                return Err(broken());
            }
        }
        let got = self.inner.receive(max, lease, Duration::ZERO, now).await?;
        if got.is_empty() {
            tokio::time::sleep(wait.min(Duration::from_millis(500))).await;
        }
        Ok(got)
    }

    async fn delete(&self, handles: &[Handle], now: Timestamp) -> Vec<Result<(), StoreError>> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.delete(handles, now).await,
            Luck::Before => vec![Err(broken()); handles.len()],
            Luck::After => {
                let _done = self.inner.delete(handles, now).await;
                vec![Err(broken()); handles.len()]
            }
        }
    }

    async fn change_visibility(
        &self,
        entries: &[(Handle, Duration)],
        now: Timestamp,
    ) -> Vec<Result<(), StoreError>> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.change_visibility(entries, now).await,
            Luck::Before | Luck::After => vec![Err(broken()); entries.len()],
        }
    }

    async fn depth(&self, now: Timestamp) -> Result<Depth, StoreError> {
        self.inner.depth(now).await
    }
}

/// The way to the org: no sockets, the time of the simulation.
#[derive(Debug)]
pub(super) struct InProcess {
    org: Org,
    now: Now,
    latency: Duration,
    pub(super) calls: Mutex<Vec<Timestamp>>,
}

#[async_trait]
impl Exchange for InProcess {
    async fn exchange(&self, _: &str, request: Request, timeout: Duration) -> Result<Response, Cut> {
        if request.target.contains("/composite") || request.target.contains("/sobjects") {
            self.calls.lock().unwrap().push(self.now.now());
        }
        let handled = self.org.handle(&translate(request), self.now.now());
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

pub(super) struct World {
    pub(super) org: Org,
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
        Self {
            exchange: Arc::new(InProcess { org: org.clone(), now, latency, calls: Mutex::default() }),
            org,
            now,
            queue: store.queue("writes"),
            state: store.table("state"),
            cache: None,
            trouble: Trouble::new(Wires::default(), seed ^ 0x5eed),
            unique_fields: BTreeMap::from([("Case".to_owned(), "WriteKey__c".to_owned())]),
        }
    }

    pub(super) fn client(&self) -> Client {
        let settings = Settings {
            host: "https://org.example.com".to_owned(),
            production: false,
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
                poll_wait: Duration::from_millis(500),
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
            paused: Mutex::default(),
            fleet: Mutex::default(),
        })
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

    /// Adds faults to the org, one rule a line.
    pub(super) fn faults(&self, rules: &str) {
        let added = self.admin(org::wire::Method::Post, "/_org/faults", rules);
        assert!(added.get("ids").is_some(), "{added}");
    }

    pub(super) fn no_faults(&self) {
        self.admin(org::wire::Method::Delete, "/_org/faults", "");
        *self.trouble.wires.lock().unwrap() = Wires::default();
    }

    /// Every effect that the org has seen, in order.
    pub(super) fn journal(&self) -> Vec<Value> {
        match self.admin(org::wire::Method::Get, "/_org/journal", "") {
            Value::Array(entries) => entries,
            other => panic!("{other}"),
        }
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
