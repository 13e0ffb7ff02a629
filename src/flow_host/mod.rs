//! Performs what a flow asks for.
//!
//! What it is: [`Host`] keeps flows ([`registry`]), runs ([`runs`]) and the property store
//! ([`properties`]) in the state table, and drives a [`Run`] until it needs a browser or is over.
//! Salesforce blocks go by the product's own invoke path, so that they are cached, queued, kept in
//! the order of their contact and recorded under it, like every call of a contact flow.
//! What it never does: decide where a flow goes (that is [`crate::flow::run`]), or touch a page:
//! browser blocks are handed to whoever hosts the run.
//! Who calls it: the doors.
//!
//! Its laws:
//! * An event runs once, however often it is delivered ([`Host::event`]); where a process died in
//!   the middle, what it left begins again under the same ids.
//! * A write carries the key of its run, action and visit: a repeat is the same write.
//! * A test run changes nothing: what would leave the process is handed out instead.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::connect::Connect;
use crate::flow::run::{Exception, Limits};
use crate::store::{StoreError, Table};
use crate::time::Timestamp;

mod connect;
pub mod contact_event;
mod drive;
pub mod events;
mod http;
mod long;
mod properties;
pub mod registry;
mod rows;
pub mod runs;
mod salesforce;
mod search;

pub use runs::{Mode, Started};
pub use salesforce::Found;

/// What a block asks of Salesforce.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// An event as a contact flow sends it, for the product's own invoke path: the reply.
    Event(Value),
    /// A method of an Apex class that the org exposes by REST: what it returns.
    Apex {
        /// The class, or the path under which it is exposed.
        class: String,
        /// The method, or the rest of the path.
        method: String,
        /// Its parameters by name.
        parameters: Map<String, Value>,
    },
}

/// The way to Salesforce.
pub type Invoke = Arc<dyn Fn(Ask) -> BoxFuture<'static, Result<Value, Exception>> + Send + Sync>;

/// What may be set about hosting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long runs and calls may take.
    pub limits: Limits,
    /// Hosts that the HTTP block may call: `api.example.com`, `*.example.com`, or with a port.
    pub http_hosts: Vec<String>,
    /// How long the delays of a run may keep the caller who drives it. A longer one ends the drive, and
    /// whoever looks at the run later takes it up. Nobody looks at an unattended run: there each is
    /// waited for.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { limits: Limits::default(), http_hosts: Vec::new(), patience: Duration::from_secs(60) }
    }
}

/// Keeps and runs flows. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    settings: Settings,
    table: Arc<dyn Table>,
    salesforce: Option<Invoke>,
    connect: Option<Connect>,
    live: Mutex<HashMap<String, Arc<tokio::sync::Mutex<runs::Kept>>>>,
    ids: rows::Ids,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// Why something about flows could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// Somebody else saved meanwhile.
    #[error("the flow was saved by {author} meanwhile; it is at version {current}")]
    Conflict {
        /// The version that stands.
        current: u64,
        /// Who saved it.
        author: String,
    },
    /// The flow cannot be activated as it is.
    #[error("the flow has errors, so it cannot be activated; mend them, or activate another version")]
    Faulty(Vec<crate::flow::validate::Diagnostic>),
    /// It was asked wrongly.
    #[error("{0}")]
    Asked(String),
    /// The table does not answer.
    #[error("the state table does not answer: {0}")]
    Store(#[from] StoreError),
}

impl Host {
    /// Over this table. Without `salesforce`, Salesforce blocks leave by failure; without
    /// `connect`, those of Amazon Connect are handed out like a browser's.
    #[must_use]
    pub fn new(
        settings: Settings,
        table: Arc<dyn Table>,
        salesforce: Option<Invoke>,
        connect: Option<Connect>,
    ) -> Self {
        Self(Arc::new(Inner {
            settings,
            table,
            salesforce,
            connect,
            live: Mutex::default(),
            ids: rows::Ids::default(),
        }))
    }

    /// How long one run takes at most.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.0.settings.limits.run
    }
}

/// How long ended runs are kept.
const KEEP_RUNS: Duration = Duration::from_secs(14 * 24 * 60 * 60);

fn later(now: Timestamp, by: Duration) -> Option<Timestamp> {
    Some(now.plus(by))
}
