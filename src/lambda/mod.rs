//! The invoke door: one event of a contact flow in, one reply out.
//!
//! [`Service::invoke`] is what every way in calls: the Lambda runtime ([`runtime`]), the local
//! server's Invoke call, `tieline invoke`. It reads the event, walks the path, and writes the reply
//! within the time that is left.
//! What it never does: fail because of what an event holds. A panic below becomes an error of this
//! one call; a configuration that is wrong is told by every reply, and `version` still answers.
//!
//! Deadlines: a call ends by `tl_deadline_ms`, else `TIELINE_DEADLINE_MS`, never beyond what Lambda
//! has left less [`RESERVE`]. What exists already (a stale copy, a ticket) is given by
//! `TIELINE_SOFT_DEADLINE_MS`.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock;
use crate::clock::{Deadline, Stopwatch};
use crate::config;
use crate::config::{Config, ConfigError};
use crate::event;
use crate::event::{
    Control, Format, Found, Invocation, OnError, OutcomeQuery, Refusal, Request, Shape, reply,
};
use crate::fault::{Class, Fault};
use crate::read;
use crate::read::Reads;
use crate::salesforce::wire::Exchange;
use crate::salesforce::{Auth, Client, Http};
use crate::store::aws::Aws;
use crate::store::{Queue, Table};
use crate::telemetry;
use crate::worker::Keys;
use crate::write::{Asked, Progress, Resolved, Taken, Writes};

mod delivery;
pub mod events;
pub mod runtime;
mod trace;

use trace::Trace;

/// What is kept back of Lambda's own time, to write the reply.
pub const RESERVE: Duration = Duration::from_millis(300);

/// A Lambda function error: what Amazon Connect takes its error branch for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    /// What kind of error, for logs and alarms.
    pub error_type: String,
    /// The text: upstream's where it has one, then what to change.
    pub error_message: String,
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error_message)
    }
}

impl std::error::Error for FunctionError {}

impl From<Refusal> for FunctionError {
    fn from(refusal: Refusal) -> Self {
        Self { error_type: refusal.kind.to_owned(), error_message: refusal.message }
    }
}

impl From<&Fault> for FunctionError {
    fn from(fault: &Fault) -> Self {
        let error_type = match fault.class {
            Class::Throttled(_) => "SalesforceThrottled",
            Class::Retryable | Class::Unknown => "SalesforceUnavailable",
            Class::Rejected => "SalesforceError",
            Class::Ours => "SalesforceConnectionError",
        };
        // A status without a word of Salesforce's is told in upstream's words, which name the status; what
        // the secret or the environment lacks is named in upstream's words too.
        let bare = fault.code.starts_with("HTTP_") || fault.code == "SECRET_UNUSABLE";
        let error_message = if bare { fault.message.clone() } else { fault.to_string() };
        Self { error_type: error_type.to_owned(), error_message }
    }
}

/// Everything an invocation needs, built once per process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Service(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Result<Ready, Vec<ConfigError>>,
}

#[derive(Debug)]
struct Ready {
    config: Config,
    client: Client,
    reads: Reads,
    stores: Stores,
    writes: Writes,
    /// Shared by the workers of all batches.
    keys: Arc<Keys>,
}

/// What is kept beyond one process; all `None` behaves as upstream does.
#[derive(Clone, Debug, Default)]
pub struct Stores {
    /// Outcomes, dead letters, token and budget.
    pub state: Option<Arc<dyn Table>>,
    /// The read cache.
    pub cache: Option<Arc<dyn Table>>,
    /// The accepted writes.
    pub queue: Option<Arc<dyn Queue>>,
    /// What the queue gave up on.
    pub letters: Option<Arc<dyn Queue>>,
    /// Under which name this process claims, where the stores know their owners: a data directory's.
    pub owner: Option<String>,
}

impl Stores {
    /// On AWS, as configured. Connects to nothing yet.
    #[must_use]
    pub fn on_aws(names: &config::Stores) -> Self {
        let aws = Aws::new();
        Self {
            state: names.state_table.as_ref().map(|name| aws.table(name)),
            cache: names.cache_table.as_ref().map(|name| aws.table(name)),
            queue: names.queue_url.as_ref().map(|url| aws.queue(url)),
            letters: names.dlq_url.as_ref().map(|url| aws.queue(url)),
            owner: None,
        }
    }
}

impl Service {
    /// For this configuration, over HTTP and on AWS. Connects to nothing yet. A configuration that is
    /// wrong makes a service that says so at every call.
    #[must_use]
    pub fn new(config: Result<Config, Vec<ConfigError>>) -> Self {
        match config {
            Ok(config) => {
                let stores = Stores::on_aws(&config.stores);
                Self::with(config, stores, Arc::new(Http))
            }
            Err(errors) => Self(Arc::new(Inner { config: Err(errors) })),
        }
    }

    /// With these stores and this way to Salesforce: local mode, simulations.
    #[must_use]
    pub fn with(config: Config, stores: Stores, exchange: Arc<dyn Exchange>) -> Self {
        let auth = Auth::new(config.salesforce.clone(), config.vault.clone(), stores.state.clone());
        let client = Client::new(config.salesforce.clone(), auth, exchange);
        let tables = read::Tables { cache: stores.cache.clone(), state: stores.state.clone() };
        let reads = Reads::new(client.clone(), config.read.clone(), tables, Arc::new(clock::now));
        let writes = Writes {
            settings: config.write.clone(),
            client: client.clone(),
            queue: stores.queue.clone(),
            state: stores.state.clone(),
            cache: stores.cache.clone(),
            modes: config.delivery.modes.clone(),
            rate: config.delivery.rate_per_sec,
            owner: stores.owner.clone(),
        };
        Self(Arc::new(Inner {
            config: Ok(Ready { config, client, reads, stores, writes, keys: Arc::default() }),
        }))
    }

    /// The configuration in force; none where it is wrong.
    #[must_use]
    pub fn config(&self) -> Option<&Config> {
        self.0.config.as_ref().ok().map(|ready| &ready.config)
    }

    /// What is kept where.
    #[must_use]
    pub fn stores(&self) -> Option<&Stores> {
        self.0.config.as_ref().ok().map(|ready| &ready.stores)
    }

    /// The client, for whoever warms or examines it; none where the configuration is wrong.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.0.config.as_ref().ok().map(|ready| &ready.client)
    }

    /// What answers reads, for whoever looks at the cache; none where the configuration is wrong.
    #[must_use]
    pub fn reads(&self) -> Option<&Reads> {
        self.0.config.as_ref().ok().map(|ready| &ready.reads)
    }

    /// Answers one event within `remaining`, which is what the surroundings leave this call.
    ///
    /// # Errors
    /// What the contact flow is told.
    pub async fn invoke(&self, event: Value, remaining: Duration) -> Result<Value, FunctionError> {
        self.invoke_traced(event, remaining, None).await
    }

    /// The same, in the trace of whoever calls: a header of X-Ray's or of W3C's form.
    ///
    /// # Errors
    /// What the contact flow is told.
    pub async fn invoke_traced(
        &self,
        event: Value,
        remaining: Duration,
        header: Option<&str>,
    ) -> Result<Value, FunctionError> {
        let started = Stopwatch::start();
        let parent = header.and_then(telemetry::traceparent);
        let mut trace = Trace::of(&event, parent);
        let walk = AssertUnwindSafe(self.walk(&event, remaining, &mut trace)).catch_unwind().await;
        let result = walk.unwrap_or_else(|_| {
            Err(FunctionError {
                error_type: "InternalError".to_owned(),
                error_message:
                    "this call met a fault in Tieline itself; the log says where. Other calls go on"
                        .to_owned(),
            })
        });
        trace.line(&result, started.elapsed()).write();
        result.map(Value::Object)
    }

    async fn walk(
        &self,
        event: &Value,
        remaining: Duration,
        trace: &mut Trace,
    ) -> Result<Map<String, Value>, FunctionError> {
        let ready = match &self.0.config {
            Ok(ready) => ready,
            Err(errors) => return misconfigured(event, errors),
        };
        let config = &ready.config;
        let invocation = event::parse(event, &config.event, clock::now())?;
        let control = &invocation.control;
        let hard = control.deadline.unwrap_or(config.reply.hard).min(remaining.saturating_sub(RESERVE));
        let deadline = Deadline::after(hard);
        let format = ready.format(control);
        let answer = match &invocation.request {
            Request::Read(asked) => ready.read(asked, &invocation, deadline, trace).await,
            Request::Write(write) => ready.write(write, &invocation, deadline, trace).await,
            Request::Outcome(query) => ready.outcome(query, &invocation, deadline).await,
            Request::Version => Ok(reply::notes(version(&Ok(config)), format)),
        };
        answer.or_else(|(fault, notes)| {
            let fault = trace.fault.insert(fault);
            match control.on_error.unwrap_or(config.reply.on_error) {
                OnError::Raise => Err(FunctionError::from(&*fault)),
                OnError::Reply => Ok(reply::notes(notes, format)),
            }
        })
    }
}

/// The reply; or why there is none, and what is told of it where errors are replied.
type Answer = Result<Map<String, Value>, (Fault, Map<String, Value>)>;

impl Ready {
    async fn read(
        &self,
        asked: &event::Read,
        invocation: &Invocation,
        deadline: Deadline,
        trace: &mut Trace,
    ) -> Answer {
        let Invocation { control, contact, .. } = invocation;
        let (format, contact) = (self.format(control), contact.as_ref());
        let shape = read::shape(asked);
        let asked = match self.writes.resolve(asked, contact, clock::now()).await {
            Resolved::Ready(asked) => asked,
            Resolved::Pending => return Ok(reply::found(&Found::default(), shape, pending(), format)),
        };
        let soft = self.config.reply.soft;
        let call = read::Call { contact, cache: control.cache, soft, deadline };
        let answer = self.reads.answer(&asked, &call).await;
        trace.spent = answer.spent;
        trace.cache = self.word(&answer);
        let notes = self.about(&answer, shape, control);
        let found = answer.result.map(|found| reply::found(&found, shape, notes, format));
        found.map_err(with_notes)
    }

    async fn write(
        &self,
        write: &event::Write,
        invocation: &Invocation,
        deadline: Deadline,
        trace: &mut Trace,
    ) -> Answer {
        let Invocation { control, contact, parameters, .. } = invocation;
        let contact = contact.as_ref();
        let unique = unique();
        let traceparent = trace.parent.as_deref();
        let asked = Asked { write, contact, parameters, control, unique: &unique, traceparent };
        let soft = deadline.at_most(self.config.reply.soft);
        let taken = self.writes.carry(&asked, soft, deadline, clock::now()).await.map_err(with_notes)?;
        if let Taken { id: None, progress: Progress::Done(done), .. } = &taken {
            // No outcome tells later reads of this write: stamps do.
            self.reads.wrote(contact, write.changed(done)).await;
        }
        trace.spent = taken.spent;
        trace.accepted = taken.id.is_some() && !taken.duplicate;
        trace.duplicate = taken.duplicate;
        let reply = taken.reply(write, self.speaks(control), self.format(control));
        reply.map_err(|fault| (fault, taken.notes()))
    }

    async fn outcome(&self, query: &OutcomeQuery, invocation: &Invocation, deadline: Deadline) -> Answer {
        let Invocation { control, contact, .. } = invocation;
        let format = self.format(control);
        if self.stores.state.is_none() {
            return Ok(reply::notes(unknown(), format));
        }
        let wait = deadline.at_most(control.wait.unwrap_or_default());
        let found = self.writes.ask(query, contact.as_ref(), wait, clock::now()).await;
        found.map(|found| reply::notes(found.notes(clock::now()), format)).map_err(with_notes)
    }

    fn format(&self, control: &Control) -> Format {
        control.format.unwrap_or(self.config.reply.format)
    }

    /// Whether a reply may hold keys that upstream does not know.
    fn speaks(&self, control: &Control) -> bool {
        let Stores { state, cache, queue, .. } = &self.stores;
        control.given || state.is_some() || cache.is_some() || queue.is_some()
    }

    /// How an answer came from the cache, where there is one.
    fn word(&self, answer: &read::Answer) -> Option<&'static str> {
        answer.source.word().filter(|_| self.stores.cache.is_some())
    }

    /// Tieline's own keys of a read's reply, where they may be: whence it comes, and that there was
    /// a choice of records.
    fn about(&self, answer: &read::Answer, shape: Shape, control: &Control) -> Map<String, Value> {
        let mut notes = Map::new();
        if !self.speaks(control) {
            return notes;
        }
        notes.extend(self.word(answer).map(|word| ("tl_cache".to_owned(), word.into())));
        let matches = answer.result.as_ref().map_or(0, |found| found.total);
        if !shape.shows_all() && matches > 1 {
            notes.insert("tl_matches".to_owned(), matches.into());
        }
        notes
    }
}

/// A fault, and what is told of it where errors are replied.
fn with_notes(fault: Fault) -> (Fault, Map<String, Value>) {
    let mut notes = Map::new();
    notes.insert("tl_status".to_owned(), "failed".into());
    notes.insert("tl_error_code".to_owned(), fault.code.clone().into());
    notes.insert("tl_error_message".to_owned(), fault.message.clone().into());
    (fault, notes)
}

/// A read that names a record which is not there yet.
fn pending() -> Map<String, Value> {
    Map::from_iter([("tl_pending".to_owned(), true.into())])
}

/// The identity of an invocation: of a write without a contact, of a claim. Two are never the same.
fn unique() -> String {
    let mut bytes = [0; 16];
    // Without randomness there is still the time; both at once are never needed to tell calls apart.
    if getrandom::fill(&mut bytes).is_err() {
        return format!("at-{}", clock::now().as_millis());
    }
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Without a state table nobody remembers what became of a write.
fn unknown() -> Map<String, Value> {
    let mut notes = Map::new();
    notes.insert("tl_status".to_owned(), "unknown".into());
    notes.insert("tl_done".to_owned(), false.into());
    notes
}

/// What is deployed and what it was told, without secrets.
fn version(config: &Result<&Config, &[ConfigError]>) -> Map<String, Value> {
    let mut notes = Map::new();
    notes.insert("tl_version".to_owned(), env!("CARGO_PKG_VERSION").into());
    match config {
        Ok(config) => {
            let function = config.process.function_version.clone();
            notes.extend(function.map(|v| ("tl_function_version".to_owned(), v.into())));
            notes.extend(config.in_force().into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        }
        Err(errors) => {
            let faults: Vec<_> = errors.iter().map(ToString::to_string).collect();
            notes.insert("tl_error_message".to_owned(), faults.join("; ").into());
        }
    }
    notes
}

/// The reply of a function whose environment is wrong: everything that is, in upstream's form.
fn misconfigured(event: &Value, errors: &[ConfigError]) -> Result<Map<String, Value>, FunctionError> {
    if event.pointer("/Details/Parameters/sf_operation").and_then(Value::as_str) == Some("version") {
        return Ok(reply::notes(version(&Err(errors)), Format::Native));
    }
    let faults: Vec<_> = errors.iter().map(ToString::to_string).collect();
    Err(FunctionError { error_type: "ConfigurationError".to_owned(), error_message: faults.join("; ") })
}

#[cfg(test)]
mod tests;
