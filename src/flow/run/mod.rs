//! A run of a flow: a state machine that asks and is told, and never waits by itself.
//!
//! What it is: [`Run::advance`] walks from action to action, carries out what it can, and returns
//! a [`Step`] where somebody else is needed. The host does that and tells the outcome
//! ([`Run::complete`], [`Run::stored`]). A run is JSON between any two steps, and goes on in
//! another process that has the same flow.
//! What it never does: IO, waiting, reading a clock. `now` comes in with each call.
//! Who calls it: [`crate::flow_host`].
//!
//! Its laws:
//! * A missing value never stops a run: the argument is left out. A *required* argument that is
//!   missing fails its action without a call, and the run leaves by `failure`, or by `done` where
//!   there is none. Only a decision that somebody else makes ends the run then: falling to `false`
//!   could call somebody who must not be called.
//! * A run ends: after [`Limits::run`] of time, [`Limits::steps`] steps, or [`MAX_HELD`] of results.
//! * An outcome that comes twice, late, or for another action changes nothing and is traced.
//! * Memory: the event and the properties it was given, and beside them at most [`MAX_HELD`] of
//!   results, properties and attributes, [`MAX_TRACE`] of values and words in its trace, some hundred bytes for
//!   each entry of it (two a step), and [`MAX_INPUTS`] of arguments.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::flow::catalogue::Executor;
use crate::time::Timestamp;

mod blocks;
mod plan;
pub mod salesforce;
mod settle;
pub mod snapshot;
mod step;
mod trace;
pub mod value;

pub use blocks::e164;
pub use plan::Flow;
pub use trace::{MAX_TRACE, Phase, TraceEntry};

/// Most that one result may hold, in bytes; a larger one fails its action.
pub const MAX_RESULT: usize = 1 << 20;
/// Most that the expressions of one action may bring together, in bytes; more fails the action.
pub const MAX_INPUTS: usize = 4 << 20;
/// Most that results, and properties and attributes that the run sets, may hold together, in bytes;
/// beyond it the run ends.
pub const MAX_HELD: usize = 8 << 20;

/// What may be set about a run; never without end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The whole run, delays included. Default 60 s.
    pub run: Duration,
    /// One call to a browser. Default 10 s.
    pub browser: Duration,
    /// One call to Salesforce, Amazon Connect or by HTTP. Default 20 s.
    pub server: Duration,
    /// Actions entered. Default 1,000.
    pub steps: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            run: Duration::from_secs(60),
            browser: Duration::from_secs(10),
            server: Duration::from_secs(20),
            steps: 1000,
        }
    }
}

/// What started a run, and what expressions can read of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = FlowEvent))]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// Its id, where it came with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The source's id, such as `voiceContact`.
    pub source: String,
    /// The event's name, such as `onConnecting`.
    pub name: String,
    /// `$.payload`.
    pub payload: Value,
    /// `$.contact`: as it was when the event came.
    pub contact: Value,
    /// `$.agent`.
    pub agent: Value,
}

impl Event {
    /// The contact's id.
    #[must_use]
    pub fn contact_id(&self) -> Option<&str> {
        self.contact.get("contactId").or_else(|| self.payload.get("contactId"))?.as_str()
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = RunStatus))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Going on.
    Running,
    /// An action waits for its outcome, or a Delay for its end.
    Waiting,
    /// Came to End.
    Completed,
    /// Came to an output that is not connected.
    Stopped,
    /// An action failed that has no output for it.
    Failed,
    /// Took longer than it may.
    TimedOut,
    /// Its event's source is gone.
    Cancelled,
    /// Took more steps or space than it may.
    Limit,
}

impl Status {
    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::Waiting)
    }
}

/// What went wrong with an action, as expressions can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{name}: {message}")]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
pub struct Exception {
    /// A stable name, such as `MissingInput`.
    pub name: String,
    /// The thing, the reason and the cure.
    #[serde(default)]
    pub message: String,
}

impl Exception {
    /// An exception.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), message: message.into() }
    }
}

/// What became of an action that somebody else carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = ActionOutcome))]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Outcome {
    /// It worked.
    Success {
        /// What it returns; nothing is fine.
        #[serde(default)]
        results: Value,
    },
    /// It decided.
    Branch {
        /// Which way.
        value: bool,
    },
    /// It failed.
    Failure {
        /// Why.
        exception: Exception,
    },
}

impl Outcome {
    /// A failure.
    pub fn failure(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failure { exception: Exception::new(name, message) }
    }
}

/// An action that somebody else carries out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = PendingAction))]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// Its id; completions name it.
    pub action_id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Who carries it out.
    pub executor: Executor,
    /// Its arguments, resolved.
    pub inputs: Map<String, Value>,
    /// When it counts as failed, in milliseconds since 1970.
    pub deadline_ms: Timestamp,
    /// Run, action and visit: equal for repeats of one request, for no others.
    pub key: String,
    /// Results that the server has found already; the browser only shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Value>,
    /// When it was asked for.
    pub since_ms: Timestamp,
}

/// What a run asks of the property store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
pub enum StoreCall {
    /// The value under a key. Answer: the value, or nothing.
    Get {
        /// The key.
        key: String,
    },
    /// Put a value under a key.
    Set {
        /// The key.
        key: String,
        /// The value.
        value: Value,
    },
    /// Remove a key.
    Unset {
        /// The key.
        key: String,
    },
    /// Everything. Answer: an object.
    All,
    /// Remove everything that flows have put there.
    Clear,
    /// Add to a counter. Answer: what it holds then.
    Count {
        /// Its name.
        name: String,
        /// What is added.
        step: f64,
    },
    /// What a counter holds. Answer: a number.
    Counter {
        /// Its name.
        name: String,
    },
}

/// What a run needs next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Carry this out, then [`Run::complete`].
    Perform(Box<Pending>),
    /// Ask the property store, then [`Run::stored`].
    Store(StoreCall),
    /// Nothing before this time; then [`Run::advance`].
    Wait(Timestamp),
    /// Nothing any more.
    Over(Status),
}

/// What a run waits for. Part of its JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "camelCase")]
enum Waiting {
    Action(Box<Pending>),
    Store { call: StoreCall, inputs: Map<String, Value>, unresolved: Vec<String> },
    Delay { until: Timestamp, since: Timestamp },
}

/// One run. Its JSON is all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Its id.
    pub id: String,
    /// How it stands.
    pub status: Status,
    /// Why it ended, where that needs a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What started it.
    pub event: Event,
    /// `$.actions`: the record of each action that ran, `{success, results, exception}`.
    pub actions: Map<String, Value>,
    /// What happened, in order.
    pub trace: Vec<TraceEntry>,
    /// When it began, in milliseconds since 1970.
    pub started_ms: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<Timestamp>,
    /// When it ends at the latest.
    pub deadline_ms: Timestamp,
    limits: RunLimits,
    properties: Map<String, Value>,
    at: Option<String>,
    waiting: Option<Waiting>,
    steps: u32,
    visits: BTreeMap<String, u32>,
    held: usize,
    traced: usize,
}

/// The limits that a run carries with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunLimits {
    browser_ms: u64,
    server_ms: u64,
    steps: u32,
}

impl Run {
    /// The action that waits for its outcome.
    #[must_use]
    pub fn pending(&self) -> Option<&Pending> {
        match &self.waiting {
            Some(Waiting::Action(pending)) => Some(pending),
            _ => None,
        }
    }

    /// Adds to the inputs of the waiting action what the server found for it.
    pub fn prepare(&mut self, more: Map<String, Value>, results: Value) {
        let Some(Waiting::Action(pending)) = &mut self.waiting else { return };
        if let Some(entry) = self.trace.last_mut().filter(|e| e.phase == Phase::Perform)
            && let Some(Value::Object(inputs)) = &mut entry.inputs
        {
            inputs.extend(more.clone());
        }
        pending.inputs.extend(more);
        pending.prepared = Some(results);
    }

    /// A property as this run sees it.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<&Value> {
        self.properties.get(key)
    }

    /// All properties as this run sees them.
    #[must_use]
    pub const fn all_properties(&self) -> &Map<String, Value> {
        &self.properties
    }

    /// How many actions it entered.
    #[must_use]
    pub const fn steps(&self) -> u32 {
        self.steps
    }
}

#[cfg(test)]
mod tests;
