//! What came of a write, recorded: first what others must know, then the outcome, then the message.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;

use super::claim::LATER;
use super::lease::hidden_for;
use super::{Answered, Held, Worker};
use crate::dispatch::{Key, Settled, Verdict};
use crate::envelope::Envelope;
use crate::event::is_record_id;
use crate::fault::{Class, Fault};
use crate::outcome::rows::{DeadLetter, Stamp, Unsettled};
use crate::outcome::{Change, Illegal, LEASE, Outcome, Reason, State};
use crate::store::{Expect, PutError, StoreError};
use crate::telemetry::{Line, Metric};
use crate::time::Timestamp;

/// When a row is looked at again that this build cannot read.
pub(super) const UNREADABLE: Duration = Duration::from_secs(300);

/// One write to be recorded.
#[derive(Debug)]
pub(super) struct ToSettle {
    pub(super) held: Held,
    pub(super) answered: Option<Answered>,
    pub(super) verdict: Verdict,
}

/// What to do with its message then.
#[derive(Clone, Copy, Debug)]
enum Then {
    Delete,
    Keep,
    Hide(Timestamp),
}

impl Worker {
    /// Records many at once; their messages go in as few requests as the queue allows.
    pub(super) async fn settle(&self, all: Vec<ToSettle>) -> Vec<(Key, Settled)> {
        let recorded =
            join_all(all.iter().map(|one| AssertUnwindSafe(self.record(one)).catch_unwind())).await;
        let now = self.now();
        let mut settled = Vec::with_capacity(all.len());
        let mut delete = Vec::new();
        let mut hide = Vec::new();
        for (one, then) in all.iter().zip(recorded) {
            let (key, handle) = (one.held.key, one.held.handle.clone());
            match then.unwrap_or_else(|_| Then::Hide(now.plus(LATER))) {
                Then::Delete => {
                    delete.push(handle);
                    settled.push((key, Settled::Done));
                }
                Then::Keep => settled.push((key, Settled::Held)),
                Then::Hide(at) => {
                    hide.push((handle, hidden_for(at, now, one.held.receive_count)));
                    settled.push((key, Settled::Hidden));
                }
            }
        }
        // A message that cannot be deleted comes again and finds its outcome settled.
        if !delete.is_empty() {
            self.inner.queue.delete(&delete, now).await;
        }
        if !hide.is_empty() {
            self.inner.queue.change_visibility(&hide, now).await;
        }
        settled
    }

    async fn record(&self, one: &ToSettle) -> Then {
        let envelope = &one.held.envelope;
        let Some(answered) = &one.answered else {
            return self.expire(one).await;
        };
        let fence = answered.outcome.fence;
        let change = match (&one.verdict, &answered.answer) {
            (_, Ok(done)) => Change::Applied {
                fence,
                generation: envelope.generation,
                record_id: done.id.clone(),
                created: done.created,
            },
            (Verdict::Rejected, Err(fault)) => Change::Rejected { fence, fault: told(fault) },
            (Verdict::Failed { retry_at }, Err(fault)) => {
                Change::Failed { fence, fault: told(fault), retry_at: *retry_at }
            }
            (Verdict::Unknown { retry_at, charged }, Err(fault)) => {
                Change::Unknown { fence, fault: told(fault), charged: *charged, retry_at: *retry_at }
            }
            (Verdict::Postponed { until }, Err(fault)) => {
                Change::Postponed { fence, until: *until, fault: Some(told(fault)) }
            }
            (Verdict::Applied, Err(fault)) => {
                Change::Postponed { fence, until: self.now(), fault: Some(told(fault)) }
            }
            (Verdict::Expired, Err(_)) => return self.expire(one).await,
        };
        // In memory the result is kept as long as the claim stands; then it counts as unknown.
        let mut pause = Duration::from_millis(100);
        loop {
            match self.commit(envelope, answered, &change).await {
                Ok(then) => return then,
                Err(_) if answered.since.elapsed(self.now()) < LEASE => tokio::time::sleep(pause).await,
                Err(_) => return Then::Hide(self.now().plus(LATER)),
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// Applies a change to the outcome that stands, and does what belongs to it.
    async fn commit(
        &self,
        envelope: &Envelope,
        answered: &Answered,
        change: &Change,
    ) -> Result<Then, StoreError> {
        let mut standing = answered.outcome.clone();
        for _ in 0..6 {
            let now = self.now();
            let expect = Expect::Version(standing.version);
            let next = match standing.apply(change.clone(), now) {
                Ok(next) => next,
                // Whoever took over has it; what we know is no news.
                Err(Illegal::Settled) => return Ok(Then::Delete),
                Err(Illegal::Held(at) | Illegal::NotDue(at) | Illegal::Settling(at)) => {
                    return Ok(Then::Hide(at));
                }
                Err(Illegal::Stale | Illegal::Impossible) => return Ok(Then::Hide(now.plus(LATER))),
            };
            self.before(envelope, &next, answered.overwrites.as_deref(), now).await?;
            match self.inner.state.put(&next.row(), expect, now).await {
                Ok(()) => return Ok(self.after(envelope, &next).await),
                Err(PutError::Conflict(Some(row))) => match Outcome::from_row(&row) {
                    Ok(stands) if stands == next => return Ok(self.after(envelope, &next).await),
                    Ok(stands) => standing = stands,
                    Err(_) => return Ok(Then::Hide(now.plus(UNREADABLE))),
                },
                // The record is gone: nothing but a success is worth making it anew.
                Err(PutError::Conflict(None)) if next.state == State::Succeeded => {
                    let put = self.inner.state.put(&next.row(), Expect::Absent, now).await;
                    return match put {
                        Ok(()) => Ok(self.after(envelope, &next).await),
                        Err(PutError::Store(error)) => Err(error),
                        Err(PutError::Conflict(_)) => Ok(Then::Hide(now.plus(LATER))),
                    };
                }
                Err(PutError::Conflict(None)) => return Ok(Then::Hide(now.plus(LATER))),
                Err(PutError::Store(error)) => return Err(error),
            }
        }
        Ok(Then::Hide(self.now().plus(LATER)))
    }

    /// What must be known before the outcome says so.
    pub(super) async fn before(
        &self,
        envelope: &Envelope,
        next: &Outcome,
        overwrites: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // R8: an earlier attempt may still land on the record; later writes to it wait.
        if let (true, Some(until)) = (next.is_settled(), next.unsettled_until(now)) {
            let ids = next.record_id.as_deref().into_iter().chain(overwrites);
            for record in ids {
                let row = Unsettled { id: next.id, until }.row(&next.group, record);
                stored(self.inner.state.put(&row, Expect::Anything, now).await)?;
            }
        }
        match &next.state {
            State::Succeeded => {
                let record = next.record_id.as_ref().filter(|id| next.had_copies() && is_record_id(id));
                if let (Some(cache), Some(id)) = (&self.inner.cache, record) {
                    // A reader that cannot see the stamp also cannot see the success, for a while.
                    drop(cache.put(&Stamp { at: now }.row(id), Expect::Anything, now).await);
                }
                Ok(())
            }
            State::Dead { .. } => self.letter(envelope, next).await,
            _ => Ok(()),
        }
    }

    /// Writes the dead letter of a dead write.
    pub(super) async fn letter(&self, envelope: &Envelope, dead: &Outcome) -> Result<(), StoreError> {
        let now = self.now();
        let Some(letter) = DeadLetter::of(envelope, dead, now) else { return Ok(()) };
        let earlier = self.inner.state.get(&DeadLetter::key(&dead.group, dead.id), now).await?;
        let letter = letter.after(earlier.and_then(|row| DeadLetter::from_row(&row).ok()));
        stored(self.inner.state.put(&letter.row(), Expect::Anything, now).await)?;
        Line::new("buried")
            .by("reason", letter.reason.code())
            .with("object", dead.object.as_str())
            .with("code", letter.fault.code.as_str())
            .with("traceparent", envelope.traceparent.as_deref())
            .count(Metric::DeadLetters, 1.0)
            .warning()
            .write();
        Ok(())
    }

    /// Writes the real Id to the contact, where the flow wants it (`tl_attribute`). Told twice it is the
    /// same, so whoever finds the write carried out tells it again: the first may have died before.
    pub(super) async fn tell_contact(&self, envelope: &Envelope, done: &Outcome) {
        let (Some(name), Some(contact), Some(id), Some(set)) =
            (&envelope.attribute, &envelope.contact, &done.record_id, &self.inner.attributes)
        else {
            return;
        };
        if let Err(fault) = set(contact.clone(), name.clone(), id.clone()).await {
            Line::new("attribute not set")
                .with("code", fault.code)
                .with("traceparent", envelope.traceparent.as_deref())
                .warning()
                .write();
        }
    }

    /// What follows once the outcome is recorded, and what becomes of the message.
    async fn after(&self, envelope: &Envelope, next: &Outcome) -> Then {
        match &next.state {
            State::Succeeded => {
                self.tell_contact(envelope, next).await;
                if !next.also.is_empty() {
                    Line::new("duplicate effect")
                        .with("object", next.object.as_str())
                        .with("traceparent", envelope.traceparent.as_deref())
                        .warning()
                        .write();
                }
                Then::Delete
            }
            State::Dead { .. } => Then::Delete,
            State::Pending { next_at } if *next_at <= self.now() => Then::Keep,
            State::Pending { next_at } => Then::Hide(*next_at),
            State::InDoubt { settle_at } | State::Verifying { settle_at, .. } => {
                Line::new("in doubt")
                    .with("object", next.object.as_str())
                    .with("traceparent", envelope.traceparent.as_deref())
                    .count(Metric::InDoubt, 1.0)
                    .warning()
                    .write();
                Then::Hide(*settle_at)
            }
            State::Sending { lease_until, .. } => Then::Hide(*lease_until),
        }
    }

    /// The queue would soon drop it: it becomes a dead letter as it is.
    async fn expire(&self, one: &ToSettle) -> Then {
        let days = crate::dispatch::LAST_DAY.as_secs() / 86_400;
        let fault = Fault::new(
            Class::Rejected,
            Reason::Expired.code(),
            format!("it could not be sent for {days} days; replay it once the line works again"),
        );
        match self.bury(&one.held.envelope, Reason::Expired, fault).await {
            Ok(()) => Then::Delete,
            Err(at) => Then::Hide(at),
        }
    }
}

/// A fault as it is kept: outcomes are billed by size.
fn told(fault: &Fault) -> Fault {
    Fault { message: fault.message.chars().take(500).collect(), ..fault.clone() }
}

pub(super) fn stored(put: Result<(), PutError>) -> Result<(), StoreError> {
    match put {
        Ok(()) | Err(PutError::Conflict(_)) => Ok(()),
        Err(PutError::Store(error)) => Err(error),
    }
}
