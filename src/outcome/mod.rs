//! What became of a write, and the one law by which that changes.
//!
//! What it is: the [`Outcome`] of a write, the [`Change`]s that can happen to it, and
//! [`Outcome::apply`], the only place that decides whether a change is lawful. [`rows`] is how
//! outcomes, dead letters and their companions look in a table.
//! What it never does: keep anything, ask the time, or talk to Salesforce. Stores only compare
//! versions.
//! Who calls it: [`crate::write`] (acceptance, inline attempts), [`crate::worker`],
//! [`crate::replay`], and the `outcome` operation.
//!
//! ```text
//!                    ┌──────────── Postponed, Failed, Unknown (resendable) ───────────┐
//!                    ▼                                                                │
//!  accepted ──▶ pending(next_at) ──── Claim: fence + 1 ────▶ sending(fence, lease_until)
//!                 ▲  │    ▲                                   │   │  │  ▲ Claim of a lapsed
//!        Replay   │  │    └── Absent ── in_doubt(settle_at) ◀─┘   │  └──┘ lease, resendable
//!   (generation+1)│  │ Bury                │ Unknown or lapsed,   │
//!                 │  ▼                     │ not resendable       │ Rejected, attempts used up
//!               dead(reason) ◀── Absent ───┼──── verifying(settle_at)   with an attempt in doubt
//!                 ▲  └──────── Ambiguous ──┘          │
//!                 │                                   ▼
//!                 └── Rejected without doubt       succeeded ◀── Applied, from any state
//! ```
//!
//! Its laws (their names are those of the tests that fall when one is broken):
//! * **R1** A write is sent only by the holder of a claim, and every claim has a number of its own.
//!   A claim lapses with its lease; that of an earlier owner of a data directory has lapsed at once
//!   ([`local_owner`]).
//! * **R2** A lapsed claim is sent again only where a second effect is impossible; else it waits
//!   until the first must have settled, and is looked up.
//! * **R3** Success is monotone: true from whoever saw it, and never taken back. Failures need the
//!   number of the claim that stands.
//! * **R4** While an earlier attempt is in doubt, no rejection is final: it is verified first.
//! * **R5** [`may_send`]: nothing is sent that could still run when the claim lapses.
//! * **R6** A delete whose record is gone after doubt has succeeded (decided by [`Outcome::says`] and by
//!   the lookup).
//! * **R7** An update is simply sent again: a second effect equals the first.
//! * **R8** After an update in doubt, the next write to the same record waits until the first
//!   attempt must have settled ([`Outcome::unsettled_until`]).
//! * **R9** A repeat of an accepted write that is not settled is put into the queue again.

mod answer;
mod apply;
mod modes;
pub mod mutants;
pub mod rows;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, WriteId};
use crate::fault::Fault;
use crate::time::Timestamp;

pub use answer::Says;
pub use apply::{Change, Illegal};
pub use modes::Modes;

/// How long one call to Salesforce may take before it is cut.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a claim holds.
pub const LEASE: Duration = Duration::from_secs(60);
/// What clocks of two machines may differ by.
pub const SKEW: Duration = Duration::from_secs(5);
/// After this nothing of a cut call can take effect any more: Salesforce ends a composite call
/// after ten minutes.
pub const SETTLE: Duration = Duration::from_secs(630);
/// Claims that end without any recorded result, before the write is set aside.
pub const MAX_LAPSES: u32 = 5;
/// The same, before it is suspected to kill its workers and sent alone.
pub const SUSPECT: u32 = 3;

/// What became of one write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
pub struct Outcome {
    /// The write.
    pub id: WriteId,
    /// The contact's chain.
    pub group: String,
    /// Rises with every change; stores compare it.
    pub version: u64,
    /// 1, and one more with every replay.
    pub generation: u32,
    /// The canonical hash of the parameters.
    pub hash: String,
    /// `create`, `update`, `delete`, `upsert`, `post` or `comment`.
    pub verb: String,
    /// The object's API name.
    pub object: String,
    /// The record that the write names: an Id or a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `tl_ref`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The writes it refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<WriteId>,
    /// Where it stands.
    pub state: State,
    /// The number of the last claim.
    #[serde(default)]
    pub fence: u64,
    /// Attempts that failed or whose result is unknown. Postponed ones cost nothing.
    #[serde(default)]
    pub attempts: u32,
    /// Claims in a row that ended without a recorded result.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lapses: u32,
    /// Until when an attempt of unknown result may still take effect. Kept until a lookup clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Timestamp>,
    /// The generation whose write a person last edited.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub edited_in: u32,
    /// Its record was made by a worker: until then, later writes of the contact did not know of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unannounced: bool,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it was first claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_sent_at: Option<Timestamp>,
    /// When it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Timestamp>,
    /// The record's real Id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// Whether an upsert made its record, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<bool>,
    /// Ids of further effects, should there ever be any: `duplicate_effect` counts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The last thing that went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What went wrong before, oldest first, at most [`HISTORY`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Moment>,
}

/// How many moments of trouble an outcome remembers.
pub const HISTORY: usize = 20;

/// One thing that happened to a write beside the straight way to success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What, in one word: `postponed`, `failed`, `unknown`, `lapsed`, `rejected`, `absent`, ….
    pub what: String,
    /// The code of the fault, if there was one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
}

/// Where a write stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum State {
    /// Waits in the queue.
    Pending {
        /// Not to be claimed before.
        next_at: Timestamp,
    },
    /// Claimed; perhaps on its way.
    Sending {
        /// When the claim lapses.
        lease_until: Timestamp,
        /// Who holds it.
        owner: String,
        /// How a second effect of this attempt is prevented.
        effect: Effect,
    },
    /// Perhaps carried out; nobody may send it before it was looked up.
    InDoubt {
        /// When the lookup can be trusted.
        settle_at: Timestamp,
    },
    /// Refused now, but an earlier attempt may have been carried out.
    Verifying {
        /// When the lookup can be trusted.
        settle_at: Timestamp,
        /// What it is dead of, should the lookup find nothing.
        reason: Reason,
    },
    /// Carried out. Final.
    Succeeded,
    /// Waits for a person.
    Dead {
        /// Why.
        reason: Reason,
    },
}

/// How a second attempt is kept from having a second effect; chosen per object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// A create that carries the write id in a unique field: Salesforce refuses the second.
    UniqueField,
    /// An update, delete or upsert: a second effect equals the first.
    Native,
    /// A create without such a field, or Chatter: after doubt, wait and look it up.
    Reconcile,
    /// After doubt, never again: a person decides.
    AtMostOnce,
    /// After doubt, again, and perhaps twice.
    AtLeastOnce,
}

impl Effect {
    /// Whether it may be sent again while an earlier attempt is in doubt.
    #[must_use]
    pub fn resendable(self) -> bool {
        match self {
            Self::Native => !mutants::is(mutants::Mutant::R7),
            Self::UniqueField | Self::AtLeastOnce => true,
            Self::Reconcile | Self::AtMostOnce => false,
        }
    }
}

/// Why a write waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// Salesforce refuses it as it stands.
    Rejected,
    /// Every attempt failed.
    AttemptsExhausted,
    /// Older than a write may become.
    Expired,
    /// Perhaps carried out, and it cannot be told.
    InDoubt,
    /// Several records could be its effect.
    Ambiguous,
    /// A write it refers to is dead or unknown.
    DependencyFailed,
    /// The message is no envelope.
    Malformed,
    /// Workers died of it.
    CrashLoop,
    /// A replayed update whose record changed meanwhile.
    Superseded,
    /// A person decided that it shall not be sent.
    Discarded,
}

impl Reason {
    /// As replies, dead letters and metrics spell it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Rejected => "REJECTED",
            Self::AttemptsExhausted => "ATTEMPTS_EXHAUSTED",
            Self::Expired => "EXPIRED",
            Self::InDoubt => "IN_DOUBT",
            Self::Ambiguous => "AMBIGUOUS",
            Self::DependencyFailed => "DEPENDENCY_FAILED",
            Self::Malformed => "MALFORMED",
            Self::CrashLoop => "CRASH_LOOP",
            Self::Superseded => "SUPERSEDED",
            Self::Discarded => "DISCARDED",
        }
    }
}

/// `tl_status` of the `outcome` operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Accepted, not yet tried.
    Queued,
    /// On its way.
    Sending,
    /// Tried or postponed; it will be tried again.
    Retrying,
    /// Perhaps carried out; will be looked up.
    InDoubt,
    /// Carried out.
    Succeeded,
    /// Waits for a person, or was discarded.
    Failed,
    /// No such write is known here (yet).
    Unknown,
}

impl Status {
    /// The word in replies.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Retrying => "retrying",
            Self::InDoubt => "in_doubt",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing will change without a person.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

impl Outcome {
    /// The outcome with which a write begins: what the accepting call records, and what a worker
    /// assumes where that record is missing.
    #[must_use]
    pub fn accepted(envelope: &Envelope) -> Self {
        Self {
            id: envelope.id,
            group: envelope.group.clone(),
            version: 1,
            generation: envelope.generation,
            hash: envelope.hash.clone(),
            verb: envelope.verb().to_owned(),
            object: envelope.object().to_owned(),
            target: envelope.target().map(str::to_owned),
            name: envelope.name.clone(),
            refs: envelope.refs.clone(),
            state: State::Pending { next_at: envelope.accepted_at },
            fence: 0,
            attempts: 0,
            lapses: 0,
            doubt: None,
            edited_in: 0,
            unannounced: false,
            accepted_at: envelope.accepted_at,
            first_sent_at: None,
            done_at: None,
            record_id: None,
            created: None,
            also: Vec::new(),
            fault: None,
            history: Vec::new(),
        }
    }

    /// The word for `tl_status`.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.state {
            State::Pending { .. } if self.attempts == 0 && self.fault.is_none() => Status::Queued,
            State::Pending { .. } => Status::Retrying,
            State::Sending { .. } => Status::Sending,
            State::InDoubt { .. } | State::Verifying { .. } => Status::InDoubt,
            State::Succeeded => Status::Succeeded,
            State::Dead { .. } => Status::Failed,
        }
    }

    /// Whether nothing will change without a person.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self.state, State::Succeeded | State::Dead { .. })
    }

    /// When the next thing happens to it (`tl_next_ms`); `None` once it is settled.
    #[must_use]
    pub const fn next_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Pending { next_at } => Some(next_at),
            State::Sending { lease_until, .. } => Some(lease_until),
            State::InDoubt { settle_at } | State::Verifying { settle_at, .. } => Some(settle_at),
            State::Succeeded | State::Dead { .. } => None,
        }
    }

    /// The code of `tl_error_code`: Salesforce's own where it refused, else the reason.
    #[must_use]
    pub fn error_code(&self) -> Option<&str> {
        match (&self.state, &self.fault) {
            (State::Succeeded, _) => None,
            (State::Dead { reason: Reason::Rejected }, Some(fault)) => Some(&fault.code),
            (State::Dead { reason }, _) => Some(reason.code()),
            (_, fault) => fault.as_ref().map(|f| f.code.as_str()),
        }
    }

    /// The outcome of a write whose record a worker makes, because acceptance did not, or not yet.
    #[must_use]
    pub fn unannounced(envelope: &Envelope) -> Self {
        Self { unannounced: true, ..Self::accepted(envelope) }
    }

    /// Whether somebody may hold an older copy of its record: not where the write made it.
    #[must_use]
    pub fn had_copies(&self) -> bool {
        matches!(self.verb.as_str(), "update" | "delete" | "upsert")
    }

    /// Until when an earlier attempt of this update may still overwrite what comes after it (R8).
    #[must_use]
    pub fn unsettled_until(&self, now: Timestamp) -> Option<Timestamp> {
        let overwrites = matches!(self.verb.as_str(), "update" | "upsert");
        self.doubt.filter(|at| overwrites && *at > now && !mutants::is(mutants::Mutant::R8))
    }

    /// Whether a delete that finds its record gone has succeeded (R6): an earlier attempt of it may
    /// have taken it away.
    #[must_use]
    pub fn gone_is_done(&self) -> bool {
        self.doubt.is_some() && !mutants::is(mutants::Mutant::R6)
    }
}

/// R5, asked after the last await before the call: whether a call begun now surely ends before the
/// claim lapses, clocks that differ included. `elapsed` is the larger of what the monotonic and the
/// wall clock count since the claim, because a suspended process loses time on one of them.
#[must_use]
pub fn may_send(elapsed: Duration) -> bool {
    elapsed + CALL_TIMEOUT + SKEW < LEASE || mutants::is(mutants::Mutant::R5)
}

/// The name under which the owner of a data directory claims. Its owners hold one lock after another,
/// so a later one knows that nothing sends any more under the claim of an earlier one.
#[must_use]
pub fn local_owner(epoch: u64) -> String {
    format!("{LOCAL}{epoch}")
}

const LOCAL: &str = "local-";

/// Whether the claimer owns the data directory that the holder of a claim owned before it.
fn outlived(holder: &str, claimer: &str) -> bool {
    // An inline attempt's name goes on behind a slash.
    let epoch = |name: &str| name.strip_prefix(LOCAL)?.split('/').next()?.parse::<u64>().ok();
    epoch(holder).zip(epoch(claimer)).is_some_and(|(held, now)| held < now)
}

fn is_false(it: &bool) -> bool {
    !*it
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// The JSON Schema of an outcome, as `schemas/outcome.json` holds it.
#[cfg(feature = "local")]
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Outcome).to_value()
}

#[cfg(test)]
pub(crate) mod tests;
