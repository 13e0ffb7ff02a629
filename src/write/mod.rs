//! The way of a write: identity → queue → record → reply; or straight to Salesforce.
//!
//! A write is *accepted* when its message is in the queue. From then on it is never lost: whatever
//! fails afterwards (this process, the table, Salesforce) is made good by the worker, which can
//! recreate the record from the message.
//!
//! What it never does: record a write before it is queued (nothing is half-accepted), accept one
//! that could never be carried out, or keep a field that is configured as sensitive.
//! Who calls it: [`crate::lambda`], within a deadline.
//!
//! Read it from [`Writes::carry`] on:
//! * [`identity`]: who a write is, and whether it was here before.
//! * [`accept`]: queue first, record second.
//! * [`inline`]: the attempt before the reply, which the worker can take over.
//! * [`share`]: the fleet's pace, which a call before the reply keeps too.
//! * [`ask`]: what became of a write, and waiting for it.
//! * [`tickets`]: a read that names a write.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::Deadline;
use crate::envelope::{WriteId, object_of};
use crate::event::{Contact, Control, Format, Mode, Write, Written, is_named, reply};
use crate::fault::{Class, Fault};
use crate::outcome::Modes;
use crate::salesforce::{Called, Client, Spent};
use crate::store::{Queue, StoreError, Table};
use crate::time::Timestamp;

mod accept;
mod ask;
mod identity;
mod inline;
mod share;
mod tickets;

pub use ask::Found;
pub use tickets::Resolved;

/// How long a table may take before the write goes on without it: a caller on the phone waits.
const TABLE_PATIENCE: Duration = Duration::from_millis(900);
/// How long a queue may take before the caller is told that nothing was accepted.
const QUEUE_PATIENCE: Duration = Duration::from_millis(2500);

/// How writes are taken, where the call does not say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Waited for, queued, or straight through.
    pub mode: Mode,
    /// How long an outcome is waited for.
    pub wait: Duration,
    /// How long an equal write of a contact is the same write.
    pub duplicate_window: Duration,
    /// Fields that are never stored: `Field`, or `Object.Field`.
    pub sensitive: Vec<String>,
}

/// Everything that taking a write needs. Built once per process.
#[derive(Clone, Debug)]
pub struct Writes {
    /// How writes are taken.
    pub settings: Settings,
    /// Salesforce, for what is carried out before the reply.
    pub client: Client,
    /// Where accepted writes wait; without it nothing is asynchronous.
    pub queue: Option<Arc<dyn Queue>>,
    /// Where outcomes are kept.
    pub state: Option<Arc<dyn Table>>,
    /// Where readers learn that their copy of a record is old.
    pub cache: Option<Arc<dyn Table>>,
    /// How second effects are prevented.
    pub modes: Modes,
    /// Calls a second that writes of the whole fleet may make (`TIELINE_RATE_PER_SEC`).
    pub rate: Option<f64>,
    /// Under which name this process claims, where the stores know their owners.
    pub owner: Option<String>,
}

/// One write that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The change.
    pub write: &'a Write,
    /// The contact, where there is one.
    pub contact: Option<&'a Contact>,
    /// The parameters as they came: what identity is inferred from.
    pub parameters: &'a Map<String, Value>,
    /// The control parameters.
    pub control: &'a Control,
    /// The invocation's own id: the identity of a write without a contact.
    pub unique: &'a str,
    /// W3C trace context of the call.
    pub traceparent: Option<&'a str>,
}

/// A write that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// Its ticket; `None` where nothing remembers it.
    pub id: Option<WriteId>,
    /// It is the same write as one taken before.
    pub duplicate: bool,
    /// How far it is.
    pub progress: Progress,
    /// What it cost in calls.
    pub spent: Spent,
}

/// How far a write is when its caller is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It took effect.
    Done(Written),
    /// It is accepted and will be carried out.
    Queued,
    /// It will not be carried out as it stands.
    Failed(Fault),
}

/// Carries a write out before the reply, and remembers nothing.
pub async fn now(client: &Client, write: &Write, deadline: Deadline) -> Called<Written> {
    client.apply(write, deadline).await
}

impl Taken {
    /// The reply, with Tieline's own keys where `keys` says that the reply may carry them.
    ///
    /// # Errors
    /// The fault of a write that failed: raised, or replied with [`Taken::notes`].
    pub fn reply(&self, write: &Write, keys: bool, format: Format) -> Result<Map<String, Value>, Fault> {
        let notes = if keys { self.notes() } else { Map::new() };
        match (&self.progress, self.id) {
            (Progress::Done(written), _) => Ok(reply::written(written, notes, format)),
            (Progress::Queued, Some(id)) => Ok(reply::accepted(write, id.as_str(), notes, format)),
            (Progress::Failed(fault), _) => Err(fault.clone()),
            (Progress::Queued, None) => Err(unanswered()),
        }
    }

    /// Tieline's own keys: `tl_id`, `tl_status`, and what else there is to say.
    #[must_use]
    pub fn notes(&self) -> Map<String, Value> {
        let mut notes = Map::new();
        notes.extend(self.id.map(|id| ("tl_id".to_owned(), id.as_str().into())));
        let status = match &self.progress {
            Progress::Done(_) => "succeeded",
            Progress::Queued => "queued",
            Progress::Failed(_) => "failed",
        };
        notes.insert("tl_status".to_owned(), status.into());
        if self.duplicate {
            notes.insert("tl_duplicate".to_owned(), true.into());
        }
        if let Progress::Failed(fault) = &self.progress {
            notes.insert("tl_error_code".to_owned(), fault.code.clone().into());
            notes.insert("tl_error_message".to_owned(), fault.message.clone().into());
        }
        notes
    }
}

impl Writes {
    /// Takes a write: accepts it, waits for it, or carries it out, as the call and the
    /// configuration say. `soft` is when a ticket is the better answer, `hard` when the call ends.
    ///
    /// # Errors
    /// Nothing was accepted: the write could never be carried out (`REFERENCE_…`,
    /// `IDEMPOTENCY_MISMATCH`, `WRITE_TOO_LARGE`), or it could not be taken now
    /// (`QUEUE_UNAVAILABLE`), or Salesforce refused it without a record of it here.
    pub async fn carry(
        &self,
        asked: &Asked<'_>,
        soft: Deadline,
        hard: Deadline,
        now: Timestamp,
    ) -> Result<Taken, Fault> {
        let sensitive = self.is_sensitive(asked.write);
        let mode = if sensitive { Mode::Sync } else { self.mode(asked) };
        // An Id stands in the record, and upstream's way to name one by another field puts a value there.
        let nameless = matches!(asked.write, Write::Upsert { .. }) || !self.is_named_sensitively(asked.write);
        let remembered = self.state.is_some() && (asked.control.key.is_some() || !sensitive) && nameless;
        if mode == Mode::Sync && !remembered {
            return self.straight(asked, hard, now).await;
        }
        let known = self.identify(asked, sensitive, now).await?;
        if let Some(standing) = known.settled() {
            return Ok(Taken::repeat_of(standing));
        }
        match mode {
            Mode::Queue => self.accept(asked, &known, false, now).await,
            Mode::Wait => {
                let wait = match asked.control.wait {
                    Some(wait) => hard.at_most(wait),
                    None => soft.at_most(self.settings.wait),
                };
                let taken = self.accept(asked, &known, true, now).await?;
                Ok(self.wait_for(&known.group, taken, wait).await)
            }
            Mode::Sync => self.attempt(asked, &known, sensitive, hard, now).await,
        }
    }

    /// Without a queue there is nothing to wait in; without a contact there is no order to keep and
    /// nobody to ask again.
    fn mode(&self, asked: &Asked<'_>) -> Mode {
        match (&self.queue, asked.control.mode) {
            (None, _) => Mode::Sync,
            (Some(_), Some(mode)) => mode,
            (Some(_), None) if asked.contact.is_none() => Mode::Sync,
            (Some(_), None) => self.settings.mode,
        }
    }

    /// Carries it out before the reply, and remembers nothing. Not tried again: whether a write
    /// that got no answer took effect, nobody knows.
    async fn straight(&self, asked: &Asked<'_>, hard: Deadline, at: Timestamp) -> Result<Taken, Fault> {
        self.allowed(at).await?;
        let called = now(&self.client, asked.write, hard).await;
        let progress = match called.result {
            Ok(written) => Progress::Done(written),
            Err(fault) => Progress::Failed(fault),
        };
        Ok(Taken { id: None, duplicate: false, progress, spent: called.spent })
    }

    fn is_sensitive(&self, write: &Write) -> bool {
        let fields = match write {
            Write::Create { fields, .. } | Write::Update { fields, .. } | Write::Upsert { fields, .. } => {
                Some(fields)
            }
            Write::Delete { .. } | Write::Post { .. } | Write::Comment { .. } => None,
        };
        let object = object_of(write).split('/').next();
        fields.is_some_and(|fields| {
            fields.keys().any(|field| is_named(&self.settings.sensitive, object, field))
        }) || self.is_named_sensitively(write)
    }

    /// Whether a write names its record by the value of a sensitive field.
    fn is_named_sensitively(&self, write: &Write) -> bool {
        let by = match write {
            Write::Upsert { object, external_field, .. } => Some((object.as_str(), external_field.as_str())),
            // Upstream's way: `Object/Field`.
            Write::Update { object, .. } | Write::Delete { object, .. } => object.split_once('/'),
            Write::Create { .. } | Write::Post { .. } | Write::Comment { .. } => None,
        };
        by.is_some_and(|(object, field)| is_named(&self.settings.sensitive, Some(object), field))
    }

    fn org(&self) -> &str {
        self.client.settings().organisation()
    }

    fn table(&self) -> Result<&Arc<dyn Table>, StoreError> {
        self.state.as_ref().ok_or_else(|| StoreError::Unavailable("there is no state table".to_owned()))
    }
}

/// What a table answers, within what a caller can wait.
async fn in_time<T, E: From<StoreError>>(call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    tokio::time::timeout(TABLE_PATIENCE, call).await.unwrap_or_else(|_| {
        Err(StoreError::Unavailable("the state table did not answer in time".to_owned()).into())
    })
}

fn unanswered() -> Fault {
    Fault::new(
        Class::Unknown,
        "NO_ANSWER",
        "an earlier attempt of this write has no answer yet; ask for it with the operation `outcome`",
    )
}

#[cfg(test)]
#[cfg(feature = "local")]
mod tests;
