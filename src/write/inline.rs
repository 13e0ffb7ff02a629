//! The attempt before the reply (`sync`): claimed like any other, and left to the worker where it
//! cannot be finished here.
//!
//! Claim → queue → Salesforce → record. The message in the queue is what lets the worker take over
//! if this process ends in between. Without a queue, or where the write may not be stored, nobody
//! takes over: then a write that was not applied leaves no record, and one of which nobody knows
//! stays dead, so that a repeat sends nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ask::progress;
use super::identity::Known;
use super::{Asked, Progress, Taken, Writes, in_time, unanswered};
use crate::clock::{Deadline, Stopwatch};
use crate::envelope::{Envelope, WriteId, overwritten, refs};
use crate::event::{Write, Written, is_record_id};
use crate::fault::{Class, Fault, Throttle};
use crate::outcome::rows::{DeadLetter, KEEP, Stamp, Unsettled};
use crate::outcome::{CALL_TIMEOUT, Change, Effect, Outcome, Reason, Says, State, may_send};
use crate::salesforce::Called;
use crate::salesforce::classify::duplicate_of;
use crate::store::{Expect, PutError};
use crate::time::Timestamp;

/// When the worker looks at a write that could not be finished here.
const SOON: Duration = Duration::from_secs(1);

/// A claim that was won.
struct Attempt {
    claimed: Outcome,
    /// Nothing was on record of the write before.
    first: bool,
    /// The worker goes on where this ends.
    taken_over: bool,
    /// Nothing of its values may be kept.
    sensitive: bool,
}

impl Attempt {
    /// A fault as it may be kept: Salesforce's words quote what was sent.
    fn kept(&self, fault: &Fault) -> Fault {
        if !self.sensitive {
            return fault.clone();
        }
        let message = "the words of the answer are not kept, because the write has a sensitive field \
                       (TIELINE_SENSITIVE_FIELDS); the call that sent it was told them";
        Fault { message: message.to_owned(), ..fault.clone() }
    }
}

impl Writes {
    /// Carries the write out before the reply, or accepts it where others of its contact come first.
    pub(super) async fn attempt(
        &self,
        asked: &Asked<'_>,
        known: &Known,
        sensitive: bool,
        hard: Deadline,
        now: Timestamp,
    ) -> Result<Taken, Fault> {
        let watch = Stopwatch::start();
        let taken_over = self.queue.is_some() && !sensitive;
        let envelope = self.envelope(asked, known, true, now).await?;
        let write = match (self.clear(&envelope, known, now).await, taken_over) {
            (Ok(write), _) => write,
            (Err(_), true) => return self.accept_and_wait(asked, known, hard, now).await,
            (Err(why), false) => return Err(why),
        };
        match (self.allowed(now).await, taken_over) {
            (Ok(()), _) => {}
            // The worker carries it when there is room.
            (Err(_), true) => return self.accept_and_wait(asked, known, hard, now).await,
            (Err(full), false) => return Err(full),
        }
        let effect = if taken_over { self.modes.of(&write) } else { alone(&write) };
        let own = self.owner.iter().map(|owner| format!("{owner}/")).collect::<String>();
        let change = Change::Claim { owner: format!("{own}invoke {}", asked.unique), effect };
        let (expect, standing) = match &known.standing {
            Some(standing) => (Expect::Version(standing.version), standing.clone()),
            None => (Expect::Absent, Outcome::accepted(&envelope)),
        };
        let claimed = match standing.apply(change, now) {
            Ok(claimed) if matches!(claimed.state, State::Sending { .. }) => claimed,
            // An earlier attempt has it; where that one is lost, the worker or a later repeat goes on.
            Ok(_) | Err(_) if taken_over => return self.accept_and_wait(asked, known, hard, now).await,
            Ok(_) | Err(_) => return self.answered_elsewhere(known, hard).await,
        };
        match in_time(self.table_put(&claimed, taken_over, expect, now)).await {
            Ok(()) => {}
            Err(PutError::Conflict(Some(row))) if row == Box::new(stored(&claimed, taken_over)) => {}
            // Perhaps written, perhaps not. A claim that nobody uses would hold the write until it lapses,
            // and then count as an attempt. So the row is asked.
            Err(PutError::Store(_)) if self.stands_as(&claimed).await => {}
            Err(PutError::Conflict(_)) if taken_over => {
                return self.accept_and_wait(asked, known, hard, now).await;
            }
            Err(PutError::Conflict(_)) => return self.answered_elsewhere(known, hard).await,
            // What is not claimed is not sent by us.
            Err(PutError::Store(_)) if taken_over => {
                return self.accept_and_wait(asked, known, hard, now).await;
            }
            Err(PutError::Store(_)) => return self.straight(asked, hard, now).await,
        }
        let attempt = Attempt { claimed, first: known.standing.is_none(), taken_over, sensitive };
        if taken_over && let Err(fault) = self.send(&envelope, now).await {
            // Nothing went to Salesforce, and nothing is kept.
            self.give_back(&attempt, now).await;
            return Err(fault);
        }
        if !may_send(watch.elapsed()) {
            let now = now.plus(watch.elapsed());
            if taken_over {
                let change = Change::Postponed { fence: attempt.claimed.fence, until: now, fault: None };
                self.settle(&envelope, &write, attempt.claimed, change, true, now).await;
            } else {
                self.give_back(&attempt, now).await;
            }
            return Ok(self.left(known, taken_over));
        }
        let keyed = match effect {
            Effect::UniqueField => self.modes.keyed(&write, known.id),
            _ => write.clone(),
        };
        let called = self.client.apply(&keyed, hard.at_most(CALL_TIMEOUT)).await;
        let now = now.plus(watch.elapsed());
        self.conclude(&envelope, &keyed, attempt, called, now).await
    }

    /// Whether this is what is on record of its write.
    async fn stands_as(&self, claimed: &Outcome) -> bool {
        matches!(self.standing(&claimed.group, claimed.id).await, Ok(Some(stands)) if stands == *claimed)
    }

    async fn accept_and_wait(
        &self,
        asked: &Asked<'_>,
        known: &Known,
        hard: Deadline,
        now: Timestamp,
    ) -> Result<Taken, Fault> {
        let taken = self.accept(asked, known, true, now).await?;
        Ok(self.wait_for(&known.group, taken, hard).await)
    }

    /// Another attempt of the same write is under way, and nobody else can take it over.
    async fn answered_elsewhere(&self, known: &Known, hard: Deadline) -> Result<Taken, Fault> {
        let taken = self.wait_for(&known.group, self.left(known, true), hard).await;
        if taken.progress == Progress::Queued { Err(unanswered()) } else { Ok(taken) }
    }

    fn left(&self, known: &Known, queued: bool) -> Taken {
        let progress = if queued { Progress::Queued } else { Progress::Failed(unanswered()) };
        Taken { id: Some(known.id), duplicate: known.repeat, progress, spent: Default::default() }
    }

    /// The write with its references resolved, if nothing of its contact has to come first.
    async fn clear(&self, envelope: &Envelope, known: &Known, now: Timestamp) -> Result<Write, Fault> {
        let refused = |class, code: &str, why: String| {
            Fault::new(class, code, format!("the write was not sent: {why}"))
        };
        let unknown = |why: &str| {
            let why = format!("the state table cannot tell now what came before it ({why}); send it again");
            refused(Class::Retryable, "STATE_UNAVAILABLE", why)
        };
        if !envelope.unbound.is_empty() || known.degraded {
            return Err(unknown("it did not answer"));
        }
        if envelope.contact.is_none() {
            return Ok(envelope.write.clone());
        }
        let chain = self.chain(&known.group, now).await.map_err(|error| unknown(&error.to_string()))?;
        let others = || chain.iter().filter(|outcome| outcome.id != known.id);
        if self.queue.is_some() && others().any(|o| !o.is_settled() || o.unsettled_until(now).is_some()) {
            let why = "earlier writes of its contact are not settled, and it cannot wait behind them, because it \
                       has a sensitive field and may not be queued; wait for them with the operation `outcome`, \
                       then send it again";
            return Err(refused(Class::Retryable, "EARLIER_WRITES_PENDING", why.to_owned()));
        }
        let ids: BTreeMap<_, _> = others().filter_map(|o| Some((o.id, o.record_id.clone()?))).collect();
        refs::resolve(&envelope.write, &ids).map_err(|ticket| {
            match others().find(|o| o.id == ticket).map(|o| &o.state) {
                Some(State::Dead { reason }) => refused(
                    Class::Rejected,
                    Reason::DependencyFailed.code(),
                    format!(
                        "the write {ticket}, to which it refers, is dead ({}); mend that one and send both again",
                        reason.code()
                    ),
                ),
                Some(State::Succeeded) => refused(
                    Class::Rejected,
                    Reason::DependencyFailed.code(),
                    format!("the write {ticket}, to which it refers, gave no Id; use the record's real Id"),
                ),
                _ => refused(
                    Class::Retryable,
                    "REFERENCE_PENDING",
                    format!(
                        "the Id of {ticket}, to which it refers, is not known yet; wait for it with the operation \
                         `outcome`, then send this one again"
                    ),
                ),
            }
        })
    }

    /// Records what Salesforce said, and answers with it.
    async fn conclude(
        &self,
        envelope: &Envelope,
        write: &Write,
        attempt: Attempt,
        called: Called<Written>,
        now: Timestamp,
    ) -> Result<Taken, Fault> {
        let Attempt { claimed, taken_over, .. } = &attempt;
        let (id, fence, taken_over) = (claimed.id, claimed.fence, *taken_over);
        let spent = called.spent;
        let taken = |progress| Taken { id: Some(id), duplicate: false, progress, spent };
        let answer = match called.result {
            Ok(written) => {
                let record = record_id(&written).or_else(|| target(write));
                Ok((written, record))
            }
            Err(fault) => {
                let key = self.modes.unique_field(envelope.object());
                match claimed.says(write, &fault, key, duplicate_of(&fault)) {
                    Says::NoMore => Err(fault),
                    Says::Done(record) => Ok((done_before(write, id, record.clone()), record)),
                    // Nobody's record is at fault: the worker, which has this one, pauses the object.
                    Says::KeyUnfit => Err(Fault { class: Class::Throttled(Throttle::Other), ..fault }),
                }
            }
        };
        let change = match &answer {
            Ok((written, record_id)) => {
                let created = match written {
                    Written::Upserted { created, .. } => Some(*created),
                    _ => None,
                };
                let generation = envelope.generation;
                Change::Applied { fence, generation, record_id: record_id.clone(), created }
            }
            Err(fault) => {
                let kept = attempt.kept(fault);
                match (fault.class, taken_over) {
                    (Class::Rejected, _) => Change::Rejected { fence, fault: kept },
                    (Class::Unknown, true) => {
                        let retry_at = Some(now.plus(SOON));
                        Change::Unknown { fence, fault: kept, retry_at, charged: true }
                    }
                    (Class::Unknown, false) if !alone(&envelope.write).resendable() => {
                        Change::Unknown { fence, fault: kept, retry_at: None, charged: true }
                    }
                    (Class::Retryable, true) => {
                        Change::Failed { fence, fault: kept, retry_at: Some(now.plus(SOON)) }
                    }
                    (Class::Throttled(_) | Class::Ours, true) => {
                        Change::Postponed { fence, until: now.plus(SOON), fault: Some(kept) }
                    }
                    (Class::Unknown, false) => {
                        let change =
                            Change::Unknown { fence, fault: kept, retry_at: Some(now), charged: true };
                        self.take_back(&attempt, Some(write), change, now).await;
                        return Ok(taken(Progress::Failed(fault.clone())));
                    }
                    (Class::Retryable | Class::Throttled(_) | Class::Ours, false) => {
                        let change = Change::Postponed { fence, until: now, fault: Some(kept) };
                        self.take_back(&attempt, None, change, now).await;
                        return Ok(taken(Progress::Failed(fault.clone())));
                    }
                }
            }
        };
        let outcome = self.settle(envelope, write, attempt.claimed, change, taken_over, now).await;
        Ok(taken(match (answer, outcome) {
            (Ok((written, _)), outcome) => {
                if let Some(record) = write.changed(&written) {
                    self.stamp(record, now).await;
                }
                if outcome.is_none() {
                    // Its contact hears of the success now, and its outcome tells it later.
                    self.stamp(&Stamp::of_contact(&envelope.group), now).await;
                }
                Progress::Done(written)
            }
            (Err(_), Some(outcome)) if taken_over => progress(&outcome),
            (Err(fault), _) if taken_over && fault.class != Class::Rejected => Progress::Queued,
            (Err(fault), _) => Progress::Failed(fault),
        }))
    }

    /// Writes a change down, over whatever was written meanwhile, if it is still lawful. What cannot
    /// be written is found out by the worker when the claim lapses.
    async fn settle(
        &self,
        envelope: &Envelope,
        write: &Write,
        claimed: Outcome,
        change: Change,
        taken_over: bool,
        now: Timestamp,
    ) -> Option<Outcome> {
        let table = self.table().ok()?;
        let mut standing = claimed;
        for _ in 0..4 {
            let version = standing.version;
            let next = standing.apply(change.clone(), now).ok()?;
            if taken_over
                && let Some(letter) = DeadLetter::of(envelope, &next, now)
                && let Err(PutError::Store(error)) =
                    in_time(table.put(&letter.row(), Expect::Absent, now)).await
            {
                // Not dead before its letter is written; the worker comes to the same end.
                tracing::warn!(%error, id = %next.id, "a dead letter is left to the worker");
                return None;
            }
            // Before the outcome, which lets the next write of the contact go: we may end in between.
            if !self.note_unsettled(write, &next, now).await {
                return None;
            }
            match in_time(self.table_put(&next, taken_over, Expect::Version(version), now)).await {
                Ok(()) => return Some(next),
                Err(PutError::Conflict(Some(row))) => standing = Outcome::from_row(&row).ok()?,
                Err(PutError::Conflict(None) | PutError::Store(_)) => return None,
            }
        }
        None
    }

    async fn table_put(
        &self,
        outcome: &Outcome,
        taken_over: bool,
        expect: Expect,
        now: Timestamp,
    ) -> Result<(), PutError> {
        self.table()?.put(&stored(outcome, taken_over), expect, now).await
    }

    /// R8: an update of which nobody knows may still land on its record; later writes to it wait.
    /// Whether that is noted, where there is something to note.
    async fn note_unsettled(&self, write: &Write, next: &Outcome, now: Timestamp) -> bool {
        let (Some(until), Ok(table)) = (next.unsettled_until(now), self.table()) else { return true };
        let named = overwritten(write).filter(|_| !self.is_named_sensitively(write));
        for record in next.record_id.clone().into_iter().chain(named) {
            let row = Unsettled { id: next.id, until }.row(&next.group, &record);
            if let Err(PutError::Store(error)) = in_time(table.put(&row, Expect::Anything, now)).await {
                tracing::warn!(%error, id = %next.id, "what came of an update in doubt is left to the worker");
                return false;
            }
        }
        true
    }

    /// Gives a claim back of which nothing was sent.
    async fn give_back(&self, attempt: &Attempt, now: Timestamp) {
        let change = Change::Postponed { fence: attempt.claimed.fence, until: now, fault: None };
        self.take_back(attempt, None, change, now).await;
    }

    /// Ends a claim after which nobody takes the write over. What was known of it before stays
    /// known, with what came now; a write that was not known leaves no record. Where somebody else has the
    /// claim by now, it is theirs. `overwrote`: of this one nobody knows whether it took effect.
    async fn take_back(&self, attempt: &Attempt, overwrote: Option<&Write>, change: Change, now: Timestamp) {
        let Attempt { claimed, first, taken_over, .. } = attempt;
        let (Ok(table), Ok(next)) = (self.table(), claimed.clone().apply(change, now)) else { return };
        if let Some(write) = overwrote {
            // Where that fails, the claim stands until it lapses, and holds the next write back as well.
            if !self.note_unsettled(write, &next, now).await {
                return;
            }
        }
        let mut row = stored(&next, *taken_over);
        if *first {
            // Taken away by a put, because only a put has a condition.
            row.expires = Some(claimed.accepted_at);
        }
        let put = in_time(table.put(&row, Expect::Version(claimed.version), now)).await;
        if let Err(PutError::Store(error)) = put {
            tracing::warn!(%error, id = %claimed.id, "a claim could not be taken back; it lapses in a minute");
        }
    }

    /// Tells readers that their copies of the record, or of whatever the contact may have written, are
    /// old.
    async fn stamp(&self, of: &str, now: Timestamp) {
        let Some(cache) = &self.cache else { return };
        let row = Stamp { at: now }.row(of);
        if let Err(PutError::Store(error)) = in_time(cache.put(&row, Expect::Anything, now)).await {
            tracing::warn!(%error, "a cached copy of a changed record may be read until it is stale");
        }
    }
}

/// The row of an outcome. One that no worker will ever look at ends by itself.
fn stored(outcome: &Outcome, taken_over: bool) -> crate::store::Row {
    let mut row = outcome.row();
    if !taken_over {
        row.expires = row.expires.or(Some(outcome.accepted_at.plus(KEEP)));
    }
    row
}

/// How a second effect is prevented where no worker can settle a doubt.
fn alone(write: &Write) -> Effect {
    match write {
        Write::Create { .. } | Write::Post { .. } | Write::Comment { .. } => Effect::AtMostOnce,
        Write::Update { .. } | Write::Delete { .. } | Write::Upsert { .. } => Effect::Native,
    }
}

/// The record that a write names itself.
fn target(write: &Write) -> Option<String> {
    match write {
        // One that is named by an external id stays unknown: its value may be a customer's.
        Write::Update { id, .. } | Write::Delete { id, .. } => Some(id.clone()).filter(|id| is_record_id(id)),
        Write::Create { .. } | Write::Upsert { .. } | Write::Post { .. } | Write::Comment { .. } => None,
    }
}

/// What an earlier attempt is found to have done. Where the Id is hidden from us, the ticket stands for it.
fn done_before(write: &Write, id: WriteId, record: Option<String>) -> Written {
    match write {
        Write::Delete { .. } => Written::Deleted,
        _ => Written::Created { id: record.unwrap_or_else(|| id.to_string()) },
    }
}

fn record_id(written: &Written) -> Option<String> {
    match written {
        Written::Created { id } | Written::Upserted { id, .. } => Some(id.clone()),
        Written::Updated { .. } | Written::Deleted => None,
    }
}
