//! The queue's own dead-letter queue, emptied into records.
//!
//! SQS moves a message there when it was received a thousand times: it is the net for what kills a
//! process before anything can be recorded.

use std::time::Duration;

use crate::envelope::{Envelope, Undecodable};
use crate::fault::{Class, Fault};
use crate::outcome::rows::DeadLetter;
use crate::outcome::{Change, Illegal, Outcome, Reason};
use crate::store::{Expect, Leased, PutError, Queue, StoreError, Table};
use crate::telemetry::{Line, Metric};
use crate::time::Timestamp;

/// How long a message is held while it is recorded.
const LEASE: Duration = Duration::from_secs(60);

/// What was emptied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Messages that became dead letters.
    pub buried: usize,
    /// Messages of writes that had ended already.
    pub settled: usize,
    /// Messages that stay: their write is claimed, a newer worker must read them, or a store failed.
    pub left: usize,
}

/// Takes one message, handed over by whoever holds it, into a record. Gives whether it may be
/// deleted: its record stands, or its write had ended.
pub async fn take(state: &dyn Table, message: &Leased, now: Timestamp) -> bool {
    record(state, message, now).await != Recorded::Left
}

/// Takes up to `max` messages from a dead-letter queue into records. A message is deleted when its
/// record stands, never before.
///
/// # Errors
/// When the queue cannot be asked.
pub async fn drain(
    dead: &dyn Queue,
    state: &dyn Table,
    max: usize,
    now: Timestamp,
) -> Result<Drained, StoreError> {
    let mut drained = Drained::default();
    let mut done = Vec::new();
    for message in dead.receive(max, LEASE, Duration::ZERO, now).await? {
        match record(state, &message, now).await {
            Recorded::Buried(_) => drained.buried += 1,
            Recorded::Settled => drained.settled += 1,
            Recorded::Left => {
                drained.left += 1;
                continue;
            }
        }
        done.push(message.handle);
    }
    // One that is not deleted comes again, and is then found settled.
    dead.delete(&done, now).await;
    Ok(drained)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recorded {
    Buried(Reason),
    Settled,
    Left,
}

async fn record(state: &dyn Table, message: &Leased, now: Timestamp) -> Recorded {
    let buried = match Envelope::decode(&message.body) {
        Ok(envelope) => bury(state, &envelope, now).await,
        Err(Undecodable::Newer(_)) => Ok(Recorded::Left),
        Err(Undecodable::Malformed(why)) => {
            keep(state, DeadLetter::of_garbage(&message.group, &message.body, &why, now), now).await
        }
    };
    let recorded = buried.unwrap_or_else(|error| {
        tracing::warn!(%error, "a message stays in the dead-letter queue until it can be recorded");
        Recorded::Left
    });
    if let Recorded::Buried(reason) = recorded {
        Line::new("buried").by("reason", reason.code()).count(Metric::DeadLetters, 1.0).warning().write();
    }
    recorded
}

async fn bury(state: &dyn Table, envelope: &Envelope, now: Timestamp) -> Result<Recorded, StoreError> {
    let row = state.get(&Outcome::key(&envelope.group, envelope.id), now).await?;
    let standing = row.as_ref().and_then(|row| Outcome::from_row(row).ok());
    let (outcome, expect) = match (standing, &row) {
        (Some(outcome), Some(row)) => (outcome, Expect::Version(row.version)),
        (None, Some(_)) => return Ok(Recorded::Left),
        (_, None) => (Outcome::accepted(envelope), Expect::Absent),
    };
    if outcome.generation > envelope.generation {
        // It was sent again since; this message is of before.
        return Ok(Recorded::Settled);
    }
    let fault = Fault::new(
        Class::Unknown,
        Reason::CrashLoop.code(),
        "workers received it a thousand times and recorded no end of it: look in the worker's \
         log for what ended them or what it waited for, then replay or discard it",
    );
    let dead = match outcome.apply(Change::Bury { reason: Reason::CrashLoop, fault }, now) {
        Ok(dead) => dead,
        Err(Illegal::Settled) => return Ok(Recorded::Settled),
        Err(_) => return Ok(Recorded::Left),
    };
    let Some(letter) = DeadLetter::of(envelope, &dead, now) else { return Ok(Recorded::Left) };
    let kept = keep(state, letter, now).await?;
    match state.put(&dead.row(), expect, now).await {
        Ok(()) => Ok(kept),
        Err(PutError::Conflict(_)) => Ok(Recorded::Left),
        Err(PutError::Store(error)) => Err(error),
    }
}

/// Keeps a letter, with what people did to an earlier one of the same write.
async fn keep(state: &dyn Table, letter: DeadLetter, now: Timestamp) -> Result<Recorded, StoreError> {
    let earlier = state.get(&DeadLetter::key(&letter.group, letter.id), now).await?;
    let letter = letter.after(earlier.and_then(|row| DeadLetter::from_row(&row).ok()));
    match state.put(&letter.row(), Expect::Anything, now).await {
        Ok(()) | Err(PutError::Conflict(_)) => Ok(Recorded::Buried(letter.reason)),
        Err(PutError::Store(error)) => Err(error),
    }
}
