//! What went wrong, in the terms in which one acts on it.
//!
//! A [`Fault`] is data: its class is decided once, beside the wire format that knows it
//! ([`crate::salesforce`]) or by the path that gives up, and only read afterwards. It never holds a field value, a name or a
//! number of a person that Tieline put there; Salesforce's own message is kept as it came, because
//! upstream's flows and administrators read it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a response means for the write that asked (design, law 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Not applied; Salesforce has no room now. Costs no attempt, closes the pacer for all.
    Throttled(Throttle),
    /// Not applied; may work in a moment (a lock, a refused connection). Costs an attempt.
    Retryable,
    /// Not applied and never will be as it stands: a person must change it.
    Rejected,
    /// Credentials, endpoint or configuration: nobody's record is at fault. The line stops.
    Ours,
    /// Sent, and nobody knows whether it took effect. Never simply retried.
    Unknown,
}

/// Which of Salesforce's limits was reached; each is waited for differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Throttle {
    /// The rolling 24-hour allowance: minutes to hours; only a probe now and then.
    Daily,
    /// Long-running calls at once: moments; fewer calls at a time.
    Concurrent,
    /// The hourly limit of Chatter resources; other calls go on.
    Chatter,
    /// A proxy's 429 or anything alike.
    Other,
}

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
pub struct Fault {
    /// What it means.
    pub class: Class,
    /// Salesforce's code (`UNABLE_TO_LOCK_ROW`), or ours where there was no answer (`TIMEOUT`).
    pub code: String,
    /// Salesforce's text, or ours: the thing, the reason and the cure.
    pub message: String,
    /// The fields Salesforce names, if it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

impl Fault {
    /// A fault that names no fields.
    #[must_use]
    pub fn new(class: Class, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class, code: code.into(), message: message.into(), fields: Vec::new() }
    }
}

impl fmt::Display for Fault {
    /// `CODE: message`, the form in which upstream raises Salesforce's errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}
