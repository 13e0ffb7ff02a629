//! The way of an accepted write to Salesforce: what [`crate::dispatch`] asks for, done.
//!
//! What it is: one `match` on the brain's actions ([`drive`]), and what each of them means with a
//! queue, a table and Salesforce at hand: [`lease`], [`send`] (which [`claim`]s and [`call`]s),
//! [`settle`], [`lookup`].
//! What it never does: decide when, how wide or whether again; that is the brain's, and what may
//! become of an outcome is the law of [`crate::outcome`].
//! Who calls it: `tieline worker` and `tieline local` ([`Worker::run`]), and the Lambda function
//! behind the queue ([`Worker::handle_batch`]): one brain for all.
//!
//! Its laws:
//! * Nothing is sent without a claim, and nothing is awaited between the check of the claims and
//!   the call.
//! * A message is deleted when its outcome is recorded, never before.
//! * A dead letter is written before its message is deleted.
//! * One message never fails its neighbours: also a panic costs one record.

mod alike;
mod call;
mod claim;
mod drive;
mod keys;
mod lease;
mod lookup;
mod send;
mod settle;
mod share;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;

use crate::clock::Stopwatch;
use crate::dispatch;
use crate::dispatch::{Closed, Key};
use crate::envelope::Envelope;
use crate::event::Contact;
use crate::fault::Fault;
use crate::outcome::{Modes, Outcome};
use crate::salesforce::Client;
use crate::store::{Handle, Queue, Table};
use crate::time::Timestamp;

pub use crate::clock::Clock;
pub use keys::Keys;
pub use share::Fleet;

/// Writes an attribute to a contact of Amazon Connect.
pub type SetAttribute =
    Arc<dyn Fn(Contact, String, String) -> BoxFuture<'static, Result<(), Fault>> + Send + Sync>;

/// How the worker delivers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The brain's part.
    pub dispatch: dispatch::Settings,
    /// How second effects are prevented.
    pub modes: Modes,
    /// Plain text comments travel as `FeedComment` records.
    pub comments_as_records: bool,
    /// How long one request to the queue waits for a message.
    pub poll_wait: Duration,
    /// How long what is under way may take after the stop.
    pub drain: Duration,
    /// What all chance comes from.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dispatch: dispatch::Settings::default(),
            modes: Modes::default(),
            comments_as_records: false,
            poll_wait: Duration::from_secs(20),
            drain: Duration::from_secs(25),
            seed: 0,
        }
    }
}

/// A worker. Cheap to clone; clones are the same worker.
#[derive(Clone)]
pub struct Worker {
    inner: Arc<Inner>,
    line: Arc<Mutex<SeenLine>>,
    /// In whose name we write, and when we asked.
    user: Arc<tokio::sync::Mutex<lookup::AskedUser>>,
}

/// The line as the brain last saw it, for whoever asks why writes are late.
#[derive(Debug, Default)]
struct SeenLine {
    closed: Option<(Closed, Timestamp)>,
    /// What a whole call met last.
    fault: Option<Fault>,
}

/// Why nothing but a probe is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The kind of trouble.
    pub why: Closed,
    /// From when on one write is sent, to see whether it is over.
    pub next_at: Timestamp,
    /// What the last whole call met.
    pub fault: Option<Fault>,
}

/// What a worker is made of.
pub struct Inner {
    /// How it delivers.
    pub settings: Settings,
    /// Its name in claims: of this process and no other.
    pub owner: String,
    /// Salesforce.
    pub client: Client,
    /// Accepted writes.
    pub queue: Arc<dyn Queue>,
    /// Outcomes and dead letters.
    pub state: Arc<dyn Table>,
    /// Where readers learn that their copy of a record is old.
    pub cache: Option<Arc<dyn Table>>,
    /// Amazon Connect, for `tl_attribute`.
    pub attributes: Option<SetAttribute>,
    /// The time.
    pub clock: Clock,
    /// What this process knows of the fields that carry writes' identities.
    pub keys: Arc<Keys>,
    /// What is known of the other workers and of the organisation's usage.
    pub fleet: Mutex<Fleet>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("owner", &self.inner.owner).finish_non_exhaustive()
    }
}

/// A message that is held.
#[derive(Clone, Debug)]
struct Held {
    key: Key,
    envelope: Arc<Envelope>,
    handle: Handle,
    receive_count: u32,
    /// When it came into the queue.
    sent_at: Timestamp,
}

/// A write that was claimed and what came of it.
#[derive(Clone, Debug)]
struct Answered {
    outcome: Outcome,
    answer: Result<Done, Fault>,
    /// The record that a late attempt could overwrite, its real Id.
    overwrites: Option<String>,
    /// The claim, by the clocks that do not lie together.
    since: Watch,
}

/// What a call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Done {
    /// The Id of what was made or changed, where it is told.
    id: Option<String>,
    /// Whether an upsert made it, where that is told.
    created: Option<bool>,
}

/// Measures from a point in time, by whichever clock says more.
#[derive(Clone, Copy, Debug)]
struct Watch {
    began: Timestamp,
    stopwatch: Stopwatch,
}

impl Watch {
    fn elapsed(&self, now: Timestamp) -> Duration {
        now.since(self.began).max(self.stopwatch.elapsed())
    }
}

impl Worker {
    /// Joins the parts; nothing is asked of anybody yet.
    #[must_use]
    pub fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner), line: Arc::default(), user: Arc::default() }
    }

    /// Why nothing but a probe is sent now; none while writes go out, and while nobody runs.
    #[must_use]
    pub fn halt(&self) -> Option<Halt> {
        let line = self.line();
        line.closed.map(|(why, next_at)| Halt { why, next_at, fault: line.fault.clone() })
    }

    fn line(&self) -> MutexGuard<'_, SeenLine> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    fn watch(&self) -> Watch {
        Watch { began: self.now(), stopwatch: Stopwatch::start() }
    }

    fn modes(&self) -> &Modes {
        &self.inner.settings.modes
    }
}

#[cfg(test)]
#[cfg(feature = "local")]
mod tests;
