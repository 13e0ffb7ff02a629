//! What the brain is told of a write, and what it answers with.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::envelope::Envelope;
use crate::event::Write;
use crate::fault::Class;
use crate::outcome::Effect;
use crate::outcome::rows::same_id;
use crate::time::Timestamp;

/// The worker's number for a message it holds.
pub type Key = u64;

/// Fields whose record Salesforce locks while a child of it is written: children of one parent never
/// travel in two calls at once.
const PARENT_FIELDS: [&str; 8] =
    ["AccountId", "CaseId", "ContactId", "FeedItemId", "OpportunityId", "ParentId", "WhatId", "WhoId"];

/// By which shape of call a write travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Records to create, in collections of mixed types.
    Create,
    /// Records to update, in collections of mixed types.
    Update,
    /// Upserts, in collections of one type and external field.
    Upsert,
    /// Records to delete.
    Delete,
    /// Chatter posts, in batches of their own.
    Post,
    /// Chatter comments, each a call.
    Comment,
    /// Records that an update or a delete names by an external id (`Contact/Number__c`), each a call:
    /// collections know records by their Id alone.
    Named,
}

impl Lane {
    /// Whether its writes travel each in a call of its own.
    pub(super) const fn alone(self) -> bool {
        matches!(self, Self::Comment | Self::Named)
    }

    /// Whether its calls count against Chatter's own limit.
    pub(super) const fn chatter(self) -> bool {
        matches!(self, Self::Post | Self::Comment)
    }
}

/// A write as the brain sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The worker's number for it.
    pub key: Key,
    /// Whose order is kept.
    pub group: Arc<str>,
    /// The shape of its call.
    pub lane: Lane,
    /// The type (for upserts with the external field behind it): what a collection's runs are of.
    pub object: Arc<str>,
    /// The record that changes, never twice in a call, in one spelling of its Id.
    pub record: Option<Arc<str>>,
    /// The records that Salesforce locks beside it.
    pub parents: Vec<Arc<str>>,
    /// How a second effect is prevented.
    pub effect: Effect,
    /// Somebody waits for it.
    pub flush: bool,
    /// When it came into the queue: at its acceptance, or at its last replay.
    pub sent_at: Timestamp,
}

impl Job {
    /// What the brain needs to know of an envelope that came into the queue at `sent_at`.
    /// `comments_as_records` sends plain text comments as `FeedComment` records.
    #[must_use]
    pub fn of(
        key: Key,
        envelope: &Envelope,
        sent_at: Timestamp,
        effect: Effect,
        comments_as_records: bool,
    ) -> Self {
        let by_id = |lane: Lane, object: &str| if object.contains('/') { Lane::Named } else { lane };
        let (lane, record, parents) = match &envelope.write {
            Write::Create { object: _, fields } => (Lane::Create, None, parents(fields)),
            Write::Update { object, id, fields } => {
                (by_id(Lane::Update, object), Some(same_id(id).to_owned()), parents(fields))
            }
            Write::Upsert { object: _, external_field: _, external_id, fields } => {
                (Lane::Upsert, Some(external_id.to_lowercase()), parents(fields))
            }
            Write::Delete { object, id } => {
                (by_id(Lane::Delete, object), Some(same_id(id).to_owned()), Vec::new())
            }
            Write::Post { subject_id, .. } => (Lane::Post, None, vec![Arc::from(same_id(subject_id))]),
            Write::Comment { element_id, comment_type, text: _ } => {
                let as_record = comments_as_records && comment_type.eq_ignore_ascii_case("text");
                let lane = if as_record { Lane::Create } else { Lane::Comment };
                (lane, None, vec![Arc::from(same_id(element_id))])
            }
        };
        let object = match &envelope.write {
            Write::Upsert { object, external_field, .. } => Arc::from(format!("{object}/{external_field}")),
            _ => Arc::from(envelope.object()),
        };
        Self {
            key,
            group: Arc::from(envelope.group.as_str()),
            lane,
            object,
            record: record.map(Arc::from),
            parents,
            effect,
            flush: envelope.flush,
            sent_at,
        }
    }

    /// Every record that Salesforce locks for it.
    pub(super) fn locks(&self) -> impl Iterator<Item = &Arc<str>> {
        self.record.iter().chain(&self.parents)
    }
}

fn parents(fields: &serde_json::Map<String, Value>) -> Vec<Arc<str>> {
    let mut parents: Vec<Arc<str>> = Vec::new();
    for (field, value) in fields {
        if let Value::String(id) = value
            && !id.is_empty()
            && PARENT_FIELDS.contains(&field.as_str())
        {
            parents.push(Arc::from(same_id(id)));
        }
    }
    parents
}

/// One call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number, to be given back with its replies.
    pub number: u64,
    /// What it holds.
    pub shape: Shape,
}

/// What a call holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One `/composite` of up to five collections.
    Collections(Vec<Collection>),
    /// One batch of Chatter posts.
    Posts(Vec<Key>),
    /// One write by its own call.
    Single(Key),
}

/// One collection: up to 200 records, sorted by type, at most ten types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// What it does.
    pub lane: Lane,
    /// The writes, in order.
    pub keys: Vec<Key>,
}

impl Shape {
    /// The writes of the call, in order.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let (collections, flat, single) = match self {
            Self::Collections(collections) => (collections.as_slice(), [].as_slice(), None),
            Self::Posts(keys) => ([].as_slice(), keys.as_slice(), None),
            Self::Single(key) => ([].as_slice(), [].as_slice(), Some(*key)),
        };
        collections.iter().flat_map(|c| c.keys.iter().copied()).chain(flat.iter().copied()).chain(single)
    }

    /// How many writes it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys().count()
    }

    /// Whether it holds none; never true of a call that the brain asks for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How a call went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether a request was made; not if no claim was won.
    pub sent: bool,
    /// What the call as a whole met.
    pub fault: Option<Class>,
}

/// What became of one write of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It took effect.
    Applied,
    /// It, or what it travelled in, met a fault.
    Fault {
        /// What that means.
        class: Class,
        /// The attempts it has had, this one not counted.
        attempts: u32,
        /// How many writes share this fault: 1 where the answer is about this write alone.
        company: usize,
    },
    /// It was settled already, and its message is gone.
    Gone,
    /// It may not be sent yet; its message is hidden until then.
    Hidden,
    /// It was not sent this time; it may travel with the next call.
    Again,
}

/// What shall be recorded of a write, and what happens to its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect.
    Applied,
    /// It is refused as it stands.
    Rejected,
    /// It was not applied, and not for its own sake: it stays in the line, or is hidden until then.
    Postponed {
        /// From when on it may be sent again.
        until: Timestamp,
    },
    /// It was not applied; hidden until then, or dead.
    Failed {
        /// The next attempt; `None`: it was the last.
        retry_at: Option<Timestamp>,
    },
    /// Nobody knows.
    Unknown {
        /// The next attempt, where a second one is harmless; `None`: it was the last.
        retry_at: Option<Timestamp>,
        /// Whether it costs an attempt.
        charged: bool,
    },
    /// The queue would soon drop it.
    Expired,
}

/// What the worker did by a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Its outcome is recorded and its message gone.
    Done,
    /// It is recorded as waiting and stays in the line.
    Held,
    /// Its message is hidden, or could not be dealt with: the queue delivers it again.
    Hidden,
}

/// What the brain wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take messages from the queue and answer with `on_leased`, also with none.
    Lease {
        /// At most so many.
        max: usize,
    },
    /// Take calls from the fleet's allowance and answer with `on_allowance`.
    Allow {
        /// How many would be useful.
        calls: u32,
    },
    /// Claim these, send what could be claimed, answer with `on_replies`.
    Send(Call),
    /// Record this and answer with `on_settled`.
    Settle {
        /// The write.
        key: Key,
        /// What of it.
        verdict: Verdict,
    },
    /// Hold these messages for longer; those that were lost come back by `on_lost`.
    Extend {
        /// The writes.
        keys: Vec<Key>,
    },
    /// Give these messages back, unsent, to be delivered at once.
    Release {
        /// The writes.
        keys: Vec<Key>,
    },
    /// Tell somebody why nothing moves.
    Alarm(super::line::Closed),
}

/// The brain's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Records of one object in one collection (`TIELINE_WIDTH`), 200 at most.
    pub width: usize,
    /// The same for single objects (`Case=25`).
    pub widths: Vec<(String, usize)>,
    /// Creates of unknown result that a cut call may leave, where no unique field protects them.
    pub doubt_radius: usize,
    /// How long a write waits for company (`TIELINE_LINGER_MS`).
    pub linger: Duration,
    /// `TIELINE_MAX_ATTEMPTS`.
    pub max_attempts: u32,
    /// `TIELINE_MAX_AGE_SECS`.
    pub max_age: Duration,
    /// Calls a second of this process (`TIELINE_RATE_PER_SEC`).
    pub rate: Option<f64>,
    /// Calls at once of this process (`TIELINE_CONCURRENCY`).
    pub concurrency: usize,
    /// Messages held at once.
    pub capacity: usize,
    /// Whether the brain asks for messages; not where they are handed in.
    pub leases: bool,
    /// Whether calls need the fleet's allowance.
    pub fleet: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            width: 200,
            widths: Vec::new(),
            doubt_radius: 25,
            linger: Duration::from_millis(250),
            max_attempts: 12,
            max_age: Duration::from_secs(604_800),
            rate: None,
            concurrency: 4,
            capacity: 4000,
            leases: true,
            fleet: false,
        }
    }
}
