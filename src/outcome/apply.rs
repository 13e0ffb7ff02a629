//! The law: which change is lawful when, and what follows from it.

use std::time::Duration;

use super::mutants::{self, Mutant};
use super::rows::same_id;
use super::{Effect, HISTORY, LEASE, MAX_LAPSES, Moment, Outcome, Reason, SETTLE, State, outlived};
use crate::fault::Fault;
use crate::time::Timestamp;

/// Something that happened to a write.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A worker wants to send it. The state that follows says whether it may: only `Sending`.
    Claim {
        /// The worker.
        owner: String,
        /// How it will send.
        effect: Effect,
    },
    /// Known not to have been applied, and nobody's fault: a throttle, an open breaker, a claim
    /// given back unsent. Costs no attempt.
    Postponed {
        /// The claim.
        fence: u64,
        /// When to try again.
        until: Timestamp,
        /// Why.
        fault: Option<Fault>,
    },
    /// Known not to have been applied; may work later. Costs an attempt.
    Failed {
        /// The claim.
        fence: u64,
        /// Why.
        fault: Fault,
        /// When to try again; `None`: it was the last attempt.
        retry_at: Option<Timestamp>,
    },
    /// Salesforce refuses it as it stands.
    Rejected {
        /// The claim.
        fence: u64,
        /// Why.
        fault: Fault,
    },
    /// Sent, and nobody knows whether it took effect.
    Unknown {
        /// The claim.
        fence: u64,
        /// Why.
        fault: Fault,
        /// Whether it costs an attempt: not where the line failed and the write was only in company.
        charged: bool,
        /// When to try again where that is harmless; `None`: it was the last attempt.
        retry_at: Option<Timestamp>,
    },
    /// It took effect: the answer of a call, or found by a lookup.
    Applied {
        /// The claim under which it was sent; a lookup gives the one that stands.
        fence: u64,
        /// The generation that was sent.
        generation: u32,
        /// The record's Id, where the answer names it.
        record_id: Option<String>,
        /// Whether an upsert made the record, where the answer says it.
        created: Option<bool>,
    },
    /// A lookup after the settle time found nothing.
    Absent {
        /// The claim that stood when the lookup began.
        fence: u64,
    },
    /// A lookup found several records that could be it, or cannot tell.
    Ambiguous {
        /// The claim that stood when the lookup began.
        fence: u64,
        /// The candidates and what a person should do.
        fault: Fault,
    },
    /// It shall not be sent: too old, its reference is dead, no envelope, superseded.
    Bury {
        /// Why.
        reason: Reason,
        /// In words.
        fault: Fault,
    },
    /// A person sends it again.
    Replay {
        /// The write was changed.
        edited: bool,
    },
    /// A person decided that it shall not be sent.
    Discard,
}

/// Why a change is not lawful now; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// Its time has not come.
    #[error("not due before {0:?}")]
    NotDue(Timestamp),
    /// Somebody else holds the claim.
    #[error("claimed until {0:?}")]
    Held(Timestamp),
    /// A lookup before this could miss an effect that is still to come.
    #[error("not settled before {0:?}")]
    Settling(Timestamp),
    /// It has ended.
    #[error("already settled")]
    Settled,
    /// The claim it is based on no longer stands.
    #[error("the claim has passed to another")]
    Stale,
    /// Such a change never happens to such a state.
    #[error("this cannot happen now")]
    Impossible,
}

impl Outcome {
    /// The outcome after `change`, its version one higher.
    ///
    /// # Errors
    /// [`Illegal`] where the change is not lawful now.
    pub fn apply(mut self, change: Change, now: Timestamp) -> Result<Self, Illegal> {
        match change {
            Change::Claim { owner, effect } => self.claim(owner, effect, now)?,
            Change::Postponed { fence, until, fault } => {
                self.hold(fence)?;
                // A claim given back unsent proves nothing of a write that its workers may have died of.
                if fault.is_some() {
                    self.lapses = 0;
                }
                self.note(now, "postponed", fault.as_ref());
                self.fault = fault.or(self.fault);
                self.state = State::Pending { next_at: until };
            }
            Change::Failed { fence, fault, retry_at } => {
                self.hold(fence)?;
                self.attempt_ended(now, "failed", fault, true);
                self.retry_or_bury(retry_at, now);
            }
            Change::Rejected { fence, fault } => {
                self.hold(fence)?;
                self.attempt_ended(now, "rejected", fault, true);
                self.bury(Reason::Rejected, now);
            }
            Change::Unknown { fence, fault, charged, retry_at } => {
                let effect = self.hold(fence)?;
                self.attempt_ended(now, "unknown", fault, charged);
                self.in_doubt_until(now.plus(settle()));
                self.after_doubt(effect, retry_at, now);
            }
            Change::Applied { fence, generation, record_id, created } => {
                self.applied(fence, generation, (record_id, created), now)?;
            }
            Change::Absent { fence } => {
                let reason = self.looked_up(fence, now)?;
                self.note(now, "absent", None);
                self.doubt = None;
                match reason {
                    Some(reason) => self.bury(reason, now),
                    None => self.state = State::Pending { next_at: now },
                }
            }
            Change::Ambiguous { fence, fault } => {
                self.looked_up(fence, now)?;
                self.note(now, "ambiguous", Some(&fault));
                self.fault = Some(fault);
                self.die(Reason::Ambiguous, now);
            }
            Change::Bury { reason, fault } => {
                match self.state {
                    State::Pending { .. } | State::InDoubt { .. } | State::Verifying { .. } => {}
                    State::Sending { lease_until, .. } if lease_until > now => {
                        return Err(Illegal::Held(lease_until));
                    }
                    State::Sending { lease_until, .. } => self.in_doubt_until(lease_until.plus(settle())),
                    State::Succeeded | State::Dead { .. } => return Err(Illegal::Settled),
                }
                self.note(now, "buried", Some(&fault));
                self.fault = Some(fault);
                // Whatever the reason, an effect that may exist is the first thing to know of it.
                self.die(if self.doubt.is_some() { Reason::InDoubt } else { reason }, now);
            }
            Change::Replay { edited } => {
                let State::Dead { .. } = self.state else { return Err(Illegal::Impossible) };
                self.generation += 1;
                // The person has looked at what came after it.
                self.unannounced = false;
                self.attempts = 0;
                self.lapses = 0;
                self.done_at = None;
                if edited {
                    self.edited_in = self.generation;
                }
                self.note(now, if edited { "edited and replayed" } else { "replayed" }, None);
                self.state = State::Pending { next_at: now };
            }
            Change::Discard => {
                let State::Dead { .. } = self.state else { return Err(Illegal::Impossible) };
                self.note(now, "discarded", None);
                self.die(Reason::Discarded, now);
            }
        }
        self.version += 1;
        Ok(self)
    }

    fn claim(&mut self, owner: String, effect: Effect, now: Timestamp) -> Result<(), Illegal> {
        match &self.state {
            State::Pending { next_at } if *next_at > now => return Err(Illegal::NotDue(*next_at)),
            State::Pending { .. } => self.send(owner, effect, now),
            State::Sending { lease_until, owner: holder, .. }
                if *lease_until > now && !outlived(holder, &owner) && !mutants::is(Mutant::R1) =>
            {
                return Err(Illegal::Held(*lease_until));
            }
            State::Sending { lease_until, effect: sent_as, .. } => {
                let (lapsed_at, sent_as) = ((*lease_until).min(now), *sent_as);
                self.lapses += 1;
                self.attempts += 1;
                self.fence += 1;
                self.note(now, "lapsed", None);
                self.in_doubt_until(lapsed_at.plus(settle()));
                if self.lapses >= MAX_LAPSES {
                    self.bury(Reason::CrashLoop, now);
                } else if (sent_as.resendable() && effect.resendable()) || mutants::is(Mutant::R2) {
                    self.send(owner, effect, now);
                } else {
                    self.after_doubt(if sent_as.resendable() { effect } else { sent_as }, Some(now), now);
                }
            }
            State::InDoubt { settle_at } | State::Verifying { settle_at, .. } => {
                return Err(Illegal::Settling(*settle_at));
            }
            State::Succeeded | State::Dead { .. } => return Err(Illegal::Settled),
        }
        Ok(())
    }

    fn send(&mut self, owner: String, effect: Effect, now: Timestamp) {
        self.fence += 1;
        self.first_sent_at.get_or_insert(now);
        self.state = State::Sending { lease_until: now.plus(LEASE), owner, effect };
    }

    /// That the claim stands, and how it sends.
    fn hold(&self, fence: u64) -> Result<Effect, Illegal> {
        match self.state {
            State::Sending { effect, .. } if self.fence == fence || mutants::is(Mutant::R3) => Ok(effect),
            State::Succeeded | State::Dead { .. } => Err(Illegal::Settled),
            _ => Err(Illegal::Stale),
        }
    }

    fn attempt_ended(&mut self, now: Timestamp, what: &str, fault: Fault, charged: bool) {
        self.attempts += u32::from(charged);
        self.lapses = 0;
        self.note(now, what, Some(&fault));
        self.fault = Some(fault);
    }

    fn after_doubt(&mut self, effect: Effect, retry_at: Option<Timestamp>, now: Timestamp) {
        match effect {
            Effect::AtMostOnce => self.die(Reason::InDoubt, now),
            _ if !effect.resendable() && retry_at.is_some() => {
                self.state = State::InDoubt { settle_at: self.doubt.unwrap_or(now) };
            }
            Effect::Reconcile | Effect::UniqueField | Effect::Native | Effect::AtLeastOnce => {
                self.retry_or_bury(retry_at, now);
            }
        }
    }

    fn retry_or_bury(&mut self, retry_at: Option<Timestamp>, now: Timestamp) {
        match retry_at {
            Some(next_at) => self.state = State::Pending { next_at },
            None => self.bury(Reason::AttemptsExhausted, now),
        }
    }

    /// R4: dead, unless an earlier attempt may have been carried out.
    fn bury(&mut self, reason: Reason, now: Timestamp) {
        match self.doubt {
            Some(settle_at) if !mutants::is(Mutant::R4) => {
                self.state = State::Verifying { settle_at, reason }
            }
            _ => self.die(reason, now),
        }
    }

    fn die(&mut self, reason: Reason, now: Timestamp) {
        self.done_at = Some(now);
        self.state = State::Dead { reason };
    }

    /// Sticky: doubt only ever reaches further until a lookup ends it.
    fn in_doubt_until(&mut self, at: Timestamp) {
        self.doubt = Some(self.doubt.map_or(at, |d| d.max(at)));
    }

    /// That a lookup can be trusted now, and what the write is dead of should it find nothing.
    fn looked_up(&self, fence: u64, now: Timestamp) -> Result<Option<Reason>, Illegal> {
        let (settle_at, reason) = match self.state {
            State::InDoubt { settle_at } => (settle_at, None),
            State::Verifying { settle_at, reason } => (settle_at, Some(reason)),
            State::Succeeded | State::Dead { .. } => return Err(Illegal::Settled),
            State::Pending { .. } | State::Sending { .. } => return Err(Illegal::Stale),
        };
        if self.fence != fence {
            return Err(Illegal::Stale);
        }
        if settle_at > now { Err(Illegal::Settling(settle_at)) } else { Ok(reason) }
    }

    fn applied(
        &mut self,
        fence: u64,
        generation: u32,
        (record_id, created): (Option<String>, Option<bool>),
        now: Timestamp,
    ) -> Result<(), Illegal> {
        // A refused duplicate names the record in fifteen characters, an answer in eighteen.
        let other =
            record_id.as_ref().is_some_and(|id| self.record_id.as_deref().map(same_id) != Some(same_id(id)));
        let before_the_edit = generation < self.edited_in;
        if before_the_edit || matches!(self.state, State::Succeeded) {
            return match record_id {
                Some(id)
                    if other
                        && !self.also.iter().any(|known| same_id(known) == same_id(&id))
                        && (before_the_edit || self.record_id.is_some()) =>
                {
                    self.also.push(id);
                    Ok(())
                }
                Some(id) if other && self.record_id.is_none() => {
                    self.record_id = Some(id);
                    Ok(())
                }
                _ => Err(Illegal::Settled),
            };
        }
        if mutants::is(Mutant::R3) && self.fence != fence {
            return Err(Illegal::Stale);
        }
        if let State::Sending { lease_until, .. } = self.state
            && self.fence != fence
        {
            // Somebody else's attempt is still on its way.
            self.in_doubt_until(lease_until.plus(settle()));
        }
        if self.fence != fence || matches!(self.state, State::Dead { .. }) {
            self.note(now, "seen late", None);
        }
        self.lapses = 0;
        self.record_id = record_id.or(self.record_id.take());
        // One that is there already may have been made by an earlier attempt of ours.
        self.created = created.filter(|created| *created || self.doubt.is_none());
        self.fault = None;
        self.done_at = Some(now);
        self.state = State::Succeeded;
        Ok(())
    }

    /// Remembers trouble; a repetition of the last moment is not written again.
    fn note(&mut self, at: Timestamp, what: &str, fault: Option<&Fault>) {
        let code = fault.map(|f| f.code.clone()).unwrap_or_default();
        if self
            .history
            .last()
            .is_some_and(|last| last.what == what && last.code == code && what == "postponed")
        {
            return;
        }
        if self.history.len() == HISTORY {
            // The beginning of a story and its end say more than its middle.
            self.history.remove(HISTORY / 2);
        }
        self.history.push(Moment { at, what: what.to_owned(), code });
    }
}

fn settle() -> Duration {
    if mutants::is(Mutant::Settle) { Duration::ZERO } else { SETTLE }
}
