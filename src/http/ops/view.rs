//! Writes and dead letters as the interface shows them: flat, in words, times as milliseconds.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::fault::{Class, Fault};
use crate::outcome::rows::DeadLetter;
use crate::outcome::{Outcome, State};
use crate::telemetry::{Metric, Remembered};
use crate::time::Timestamp;

/// One write of a contact.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriteView {
    /// The ticket.
    pub id: String,
    /// The contact's chain.
    pub contact: String,
    /// `create`, `update`, `delete`, `upsert`, `post` or `comment`.
    pub operation: String,
    /// The object's API name.
    pub object: String,
    /// The record that the write names: an Id or a ticket.
    pub target: Option<String>,
    /// `tl_ref`.
    pub name: Option<String>,
    /// `queued`, `sending`, `retrying`, `in_doubt`, `succeeded`, `failed`.
    pub status: String,
    /// Whether nothing will change without a person.
    pub done: bool,
    /// The record's real Id.
    pub record_id: Option<String>,
    /// Attempts that failed, or whose result is unknown.
    pub attempts: u32,
    /// 1, and one more with every replay.
    pub generation: u32,
    /// When it was accepted.
    pub accepted_at: i64,
    /// When it was first claimed.
    pub first_sent_at: Option<i64>,
    /// When it was settled.
    pub done_at: Option<i64>,
    /// Not tried again before.
    pub next_at: Option<i64>,
    /// When a lookup will tell whether it took effect.
    pub settle_at: Option<i64>,
    /// Tickets of the writes that it waits for.
    pub waits_for: Vec<String>,
    /// Why it is dead.
    pub reason: Option<String>,
    /// The last thing that went wrong.
    pub error: Option<ErrorView>,
    /// What happened beside the straight way, oldest first.
    pub history: Vec<MomentView>,
}

/// One read of a contact.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadView {
    /// When it was answered.
    pub at: i64,
    /// `lookup`, `query`, `search`, …: as the flow asked.
    pub operation: String,
    /// The object, where the flow names one.
    pub object: Option<String>,
    /// `hit` (the cache), `stale` (an old copy), `miss` (Salesforce); absent without a cache, where
    /// it was Salesforce.
    pub source: Option<String>,
    /// The code of what went wrong, if anything did.
    pub code: Option<String>,
    /// How long it took.
    pub took_ms: f64,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorView {
    /// `throttled`, `retryable`, `rejected`, `ours` or `unknown`.
    pub class: &'static str,
    /// Salesforce's code, or ours.
    pub code: String,
    /// Salesforce's text, or ours.
    pub message: String,
    /// The fields that Salesforce names.
    pub fields: Vec<String>,
}

/// One moment of a write's history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MomentView {
    /// When.
    pub at: i64,
    /// What, in a word.
    pub what: String,
    /// The code of the fault, if there was one.
    pub code: Option<String>,
}

/// A write that waits for a person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterView {
    /// The ticket.
    pub id: String,
    /// The contact's chain.
    pub contact: String,
    /// Rises with every change; a change names the one it was made from.
    pub version: u64,
    /// Why it is dead.
    pub reason: String,
    /// In Salesforce's words or ours.
    pub error: ErrorView,
    /// When it died.
    pub failed_at: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// `create`, `update`, …; empty where the message is no envelope.
    pub operation: String,
    /// The object's API name; empty where the message is no envelope.
    pub object: String,
    /// What it would write, as accepted and edited; the raw text where it is no envelope.
    pub payload: Value,
    /// What happened before.
    pub history: Vec<MomentView>,
    /// Who changed what and when.
    pub edits: Vec<EditView>,
}

/// One change by a person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditView {
    /// When.
    pub at: i64,
    /// Who.
    pub by: String,
    /// What.
    pub what: String,
}

impl ReadView {
    /// The view of an invocation's line; none where that was no read.
    #[must_use]
    pub fn of(line: &Remembered) -> Option<Self> {
        let text = |name: &str| line.fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let operation = text("operation").filter(|o| READS.contains(&o.as_str()))?;
        let took = line.metrics.iter().find(|(metric, _)| *metric == Metric::Duration);
        Some(Self {
            at: line.at.as_millis(),
            operation,
            object: text("object"),
            source: text("cache"),
            code: text("code"),
            took_ms: took.map_or(0.0, |(_, took)| *took),
        })
    }
}

/// Operations that read.
const READS: [&str; 9] = [
    "lookup",
    "lookup_all",
    "phoneLookup",
    "query",
    "queryOne",
    "search",
    "searchOne",
    "searchSOSL",
    "searchOneSOSL",
];

impl WriteView {
    /// The view of an outcome at a time.
    #[must_use]
    pub fn of(outcome: Outcome, now: Timestamp) -> Self {
        let status = outcome.status();
        let (next_at, settle_at, reason) = match &outcome.state {
            State::Pending { next_at } if *next_at > now => (Some(next_at.as_millis()), None, None),
            State::InDoubt { settle_at } => (None, Some(settle_at.as_millis()), None),
            State::Verifying { settle_at, reason } => {
                (None, Some(settle_at.as_millis()), Some(reason.code()))
            }
            State::Dead { reason } => (None, None, Some(reason.code())),
            State::Pending { .. } | State::Sending { .. } | State::Succeeded => (None, None, None),
        };
        Self {
            id: outcome.id.to_string(),
            contact: outcome.group,
            operation: outcome.verb,
            object: outcome.object,
            target: outcome.target,
            name: outcome.name,
            status: status.word().to_owned(),
            done: status.is_done(),
            record_id: outcome.record_id,
            attempts: outcome.attempts,
            generation: outcome.generation,
            accepted_at: outcome.accepted_at.as_millis(),
            first_sent_at: outcome.first_sent_at.map(Timestamp::as_millis),
            done_at: outcome.done_at.map(Timestamp::as_millis),
            next_at,
            settle_at,
            waits_for: outcome.refs.iter().map(ToString::to_string).collect(),
            reason: reason.map(str::to_owned),
            error: outcome.fault.map(ErrorView::from),
            history: outcome.history.into_iter().map(MomentView::from).collect(),
        }
    }
}

impl From<Fault> for ErrorView {
    fn from(fault: Fault) -> Self {
        let class = match fault.class {
            Class::Throttled(_) => "throttled",
            Class::Retryable => "retryable",
            Class::Rejected => "rejected",
            Class::Ours => "ours",
            Class::Unknown => "unknown",
        };
        Self { class, fields: crate::replay::fields(&fault), code: fault.code, message: fault.message }
    }
}

impl From<crate::outcome::Moment> for MomentView {
    fn from(moment: crate::outcome::Moment) -> Self {
        let code = Some(moment.code).filter(|c| !c.is_empty());
        Self { at: moment.at.as_millis(), what: moment.what, code }
    }
}

impl From<DeadLetter> for DeadLetterView {
    fn from(letter: DeadLetter) -> Self {
        let operation = letter.envelope.pointer("/write/operation").and_then(Value::as_str);
        let operation = operation.unwrap_or_default().to_owned();
        let object = crate::replay::object(&letter).to_owned();
        Self {
            id: letter.id.to_string(),
            contact: letter.group,
            version: letter.version,
            reason: letter.reason.code().to_owned(),
            error: letter.fault.into(),
            failed_at: letter.failed_at.as_millis(),
            attempts: letter.attempts,
            operation,
            object,
            payload: letter.envelope.get("write").cloned().unwrap_or(letter.envelope),
            history: letter.history.into_iter().map(MomentView::from).collect(),
            edits: letter
                .edits
                .into_iter()
                .map(|e| EditView { at: e.at.as_millis(), by: e.by, what: e.what })
                .collect(),
        }
    }
}
