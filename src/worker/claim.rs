//! From a message to a claim: what the write refers to, whether its record is free, and the
//! conditional write without which nothing is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use super::settle::stored;
use super::{Held, Worker};
use crate::envelope::{Envelope, WriteId, overwritten, refs};
use crate::event::Write;
use crate::fault::{Class, Fault};
use crate::outcome::rows::{Name, OUTCOMES, Unsettled, partition, same_id};
use crate::outcome::{Change, Illegal, Outcome, Reason, SETTLE, State};
use crate::store::{Expect, PutError, StoreError};
use crate::time::Timestamp;

/// When something is looked at again that cannot be told now.
pub(super) const LATER: Duration = Duration::from_secs(5);

/// How many writes of one contact are looked at: far more than any contact makes.
const CHAIN: usize = 1000;

/// A write on the way to its call.
#[derive(Debug)]
pub(super) enum Prepared {
    /// Its references are resolved; it may be claimed.
    Ready(Write),
    /// Its message was dealt with: nothing is left to do.
    Gone,
    /// Not before this time.
    Until(Timestamp),
}

/// What came of a claim.
#[derive(Debug)]
pub(super) enum Claimed {
    /// Ours.
    Ours(Box<Outcome>),
    /// It is settled; its message may go.
    Settled,
    /// Not before this time.
    Until(Timestamp),
    /// A lookup found that it was never applied: it may be sent with the next call.
    Again,
}

/// Whether a later write went before this one.
enum Passed {
    No,
    /// It is under way.
    Perhaps(Timestamp),
    Yes,
}

/// Why a reference is not resolved.
enum Unresolved {
    Later(Timestamp),
    Dead(Fault),
}

impl Worker {
    /// What has to be known before the claim.
    pub(super) async fn prepare(&self, held: &Held) -> Prepared {
        let envelope = &held.envelope;
        let now = self.now();
        if let Some(until) = self.inner.keys.paused_until(envelope.object(), now) {
            return Prepared::Until(until);
        }
        let write = match self.resolve(envelope, now).await {
            Ok(write) => write,
            Err(Unresolved::Later(at)) => return Prepared::Until(at),
            Err(Unresolved::Dead(fault)) => {
                return match self.bury(envelope, Reason::DependencyFailed, fault).await {
                    Ok(()) => Prepared::Gone,
                    Err(at) => Prepared::Until(at),
                };
            }
        };
        if let Some(record) = overwritten(&write) {
            match self.inner.state.get(&Unsettled::key(&envelope.group, &record), now).await {
                Ok(row) => {
                    let unsettled = row.and_then(|row| Unsettled::from_row(&row).ok());
                    if let Some(unsettled) = unsettled.filter(|u| u.until > now && u.id != envelope.id) {
                        return Prepared::Until(unsettled.until);
                    }
                }
                Err(_) => return Prepared::Until(now.plus(LATER)),
            }
        }
        Prepared::Ready(write)
    }

    /// The write with real Ids in it.
    async fn resolve(&self, envelope: &Envelope, now: Timestamp) -> Result<Write, Unresolved> {
        if envelope.refs.is_empty() && envelope.unbound.is_empty() {
            return Ok(envelope.write.clone());
        }
        let later = |_: StoreError| Unresolved::Later(now.plus(LATER));
        let mut write = envelope.write.clone();
        let mut tickets = envelope.refs.clone();
        if !envelope.unbound.is_empty() {
            let mut names = BTreeMap::new();
            for name in &envelope.unbound {
                let row =
                    self.inner.state.get(&Name::key(&envelope.group, name), now).await.map_err(later)?;
                if let Some(name_row) = row.and_then(|row| Name::from_row(&row).ok()) {
                    names.insert(name.clone(), name_row.id);
                }
            }
            // Existence is checked below, by the outcomes themselves.
            let known = names.values().chain(&tickets).map(|id| (*id, Vec::new())).collect();
            tickets = refs::bind(&mut write, envelope.id, envelope.name.as_deref(), &names, &known)
                .map_err(|bad| Unresolved::Dead(Fault::new(Class::Rejected, bad.code(), bad.to_string())))?;
        }
        let mut ids = BTreeMap::new();
        for ticket in tickets {
            ids.insert(ticket, self.id_of(&envelope.group, ticket, now).await?);
        }
        refs::resolve(&write, &ids).map_err(|ticket| Unresolved::Dead(dependency(ticket, "gave no Id")))
    }

    async fn id_of(&self, group: &str, ticket: WriteId, now: Timestamp) -> Result<String, Unresolved> {
        let row = self.inner.state.get(&Outcome::key(group, ticket), now).await;
        let row = row.map_err(|_| Unresolved::Later(now.plus(LATER)))?;
        let Some(outcome) = row.and_then(|row| Outcome::from_row(&row).ok()) else {
            return Err(Unresolved::Dead(dependency(ticket, "is not known")));
        };
        match (&outcome.state, outcome.record_id) {
            (State::Succeeded, Some(id)) => Ok(id),
            (State::Succeeded, None) => Err(Unresolved::Dead(dependency(ticket, "gave no Id"))),
            (State::Dead { reason }, _) => {
                Err(Unresolved::Dead(dependency(ticket, &format!("is dead ({})", reason.code()))))
            }
            // Were it in the line, it would have come before this one: its call ended before it was
            // accepted, and nobody repeated it.
            (State::Sending { lease_until, .. }, _) if lease_until.plus(SETTLE) < now => {
                Err(Unresolved::Dead(dependency(ticket, "was never accepted")))
            }
            (State::Pending { next_at: at }, _)
            | (State::Sending { lease_until: at, .. }, _)
            | (State::InDoubt { settle_at: at } | State::Verifying { settle_at: at, .. }, _) => {
                Err(Unresolved::Later((*at).max(now.plus(Duration::from_secs(1)))))
            }
        }
    }

    /// Claims a write. The first claim assumes the outcome as it was accepted; where it stands
    /// otherwise, the refused put says how.
    pub(super) async fn claim(&self, held: &Held) -> Claimed {
        let envelope = &held.envelope;
        let mut standing = if held.receive_count > 1 || envelope.generation > 1 {
            match self.standing(envelope).await {
                Ok(standing) => standing,
                Err(_) => return Claimed::Until(self.now().plus(LATER)),
            }
        } else {
            Some((Outcome::accepted(envelope), Expect::Version(1)))
        };
        // One time for all tries, so that a claim of an earlier one is known again.
        let now = self.now();
        for _ in 0..4 {
            let (outcome, expect) = match standing {
                Some(standing) => standing,
                None => (Outcome::unannounced(envelope), Expect::Absent),
            };
            if outcome.generation > envelope.generation {
                return Claimed::Settled;
            }
            let change =
                Change::Claim { owner: self.inner.owner.clone(), effect: self.modes().of(&envelope.write) };
            let claimed = match outcome.clone().apply(change, now) {
                Ok(claimed) => claimed,
                Err(Illegal::Settling(at)) if at <= now => return self.look_up(held, outcome).await,
                Err(Illegal::Settling(at) | Illegal::Held(at) | Illegal::NotDue(at)) => {
                    return Claimed::Until(at);
                }
                Err(Illegal::Settled) => {
                    self.tell_contact(envelope, &outcome).await;
                    return Claimed::Settled;
                }
                Err(Illegal::Stale | Illegal::Impossible) => return Claimed::Until(now.plus(LATER)),
            };
            if expect == Expect::Absent && self.record_name(envelope, now).await.is_err() {
                return Claimed::Until(now.plus(LATER));
            }
            // Where the claim only shows that it is dead, its letter comes first.
            if self.letter(envelope, &claimed).await.is_err() {
                return Claimed::Until(now.plus(LATER));
            }
            match self.inner.state.put(&claimed.row(), expect, now).await {
                Ok(()) => return self.claimed(held, claimed).await,
                Err(PutError::Conflict(None)) => standing = None,
                Err(PutError::Conflict(Some(row))) => match Outcome::from_row(&row) {
                    // Our own put, answered twice.
                    Ok(stands) if stands == claimed => return self.claimed(held, claimed).await,
                    Ok(stands) => standing = Some((stands, Expect::Version(row.version))),
                    Err(_) => return Claimed::Until(now.plus(super::settle::UNREADABLE)),
                },
                // Perhaps written, perhaps not. What is not surely claimed is not sent; what is claimed
                // and left would be nobody's until it lapses. So the row is asked.
                Err(PutError::Store(_)) => match self.standing(envelope).await {
                    Ok(Some((stands, _))) if stands == claimed => return self.claimed(held, claimed).await,
                    Ok(found) => standing = found,
                    Err(_) => return Claimed::Until(now.plus(LATER)),
                },
            }
        }
        Claimed::Until(self.now().plus(LATER))
    }

    /// The name under which later writes know this one, where acceptance could not note it either.
    async fn record_name(&self, envelope: &Envelope, now: Timestamp) -> Result<(), StoreError> {
        let Some(name) = &envelope.name else { return Ok(()) };
        let row = Name { id: envelope.id, at: envelope.accepted_at }.row(&envelope.group, name);
        let expect = match self.inner.state.get(&row.key, now).await? {
            // A later write has taken the name over.
            Some(standing) if standing.version >= row.version => return Ok(()),
            Some(standing) => Expect::Version(standing.version),
            None => Expect::Absent,
        };
        stored(self.inner.state.put(&row, expect, now).await)
    }

    async fn standing(&self, envelope: &Envelope) -> Result<Option<(Outcome, Expect)>, StoreError> {
        let row = self.inner.state.get(&Outcome::key(&envelope.group, envelope.id), self.now()).await?;
        let Some(row) = row else { return Ok(None) };
        let outcome = Outcome::from_row(&row).map_err(|e| StoreError::Refused(e.to_string()))?;
        Ok(Some((outcome, Expect::Version(row.version))))
    }

    /// A claim may also show that there is nothing to send: the last one lapsed.
    async fn claimed(&self, held: &Held, claimed: Outcome) -> Claimed {
        match claimed.state {
            State::Sending { .. } if claimed.unannounced => self.unless_overtaken(held, claimed).await,
            State::Sending { .. } => Claimed::Ours(Box::new(claimed)),
            State::InDoubt { settle_at } | State::Verifying { settle_at, .. } => Claimed::Until(settle_at),
            State::Pending { next_at } => Claimed::Until(next_at),
            State::Dead { .. } | State::Succeeded => Claimed::Settled,
        }
    }

    /// A write that nobody knew of may have been passed by a later one, sent before its reply. An
    /// update that comes after must not put the record back: it waits while that one is under way, and
    /// is refused unless that one surely had no effect.
    async fn unless_overtaken(&self, held: &Held, claimed: Outcome) -> Claimed {
        let envelope = &held.envelope;
        let Write::Update { id: target, .. } = &envelope.write else {
            return Claimed::Ours(Box::new(claimed));
        };
        let (now, fence) = (self.now(), claimed.fence);
        let change = match self.overtaken(&claimed, target, now).await {
            Ok(Passed::No) => return Claimed::Ours(Box::new(claimed)),
            Ok(Passed::Perhaps(until)) => Change::Postponed { fence, until, fault: None },
            Err(_) => Change::Postponed { fence, until: now.plus(LATER), fault: None },
            Ok(Passed::Yes) => {
                let why = "a later change of the same record was, or may have been, carried out first, because \
                           the state table did not know of this one; look at the record, then replay or \
                           discard";
                let fault = Fault::new(Class::Rejected, Reason::Superseded.code(), why);
                Change::Rejected { fence, fault }
            }
        };
        let version = claimed.version;
        let later = Claimed::Until(now.plus(LATER));
        let Ok(next) = claimed.apply(change, now) else { return later };
        if self.letter(envelope, &next).await.is_err() {
            return later;
        }
        match (self.inner.state.put(&next.row(), Expect::Version(version), now).await, next.state) {
            (Ok(()), State::Pending { next_at }) => Claimed::Until(next_at),
            (Ok(()), State::Dead { .. }) => Claimed::Settled,
            _ => later,
        }
    }

    /// Whether a later write of the contact has changed the record of this one.
    async fn overtaken(&self, own: &Outcome, target: &str, now: Timestamp) -> Result<Passed, StoreError> {
        let rows = self.inner.state.list(&partition(&own.group), OUTCOMES, None, CHAIN, now).await?;
        let chain: Vec<Outcome> = rows.iter().filter_map(|row| Outcome::from_row(row).ok()).collect();
        let real = |target: &str| match target.parse::<WriteId>() {
            Ok(ticket) => chain.iter().find(|o| o.id == ticket).and_then(|o| o.record_id.clone()),
            Err(_) => Some(target.to_owned()),
        };
        let Some(record) = real(target) else { return Ok(Passed::No) };
        let mut passed = Passed::No;
        for other in chain.iter().filter(|o| o.accepted_at > own.accepted_at && o.had_copies() && o.fence > 0)
        {
            let its = other.record_id.clone().or_else(|| real(other.target.as_deref()?));
            if its.as_deref().map(same_id) != Some(same_id(&record)) {
                continue;
            }
            match other.state {
                State::Sending { lease_until, .. } if lease_until > now => {
                    passed = Passed::Perhaps(lease_until);
                }
                // What nobody knows of it is found out behind this one in the queue: no use to wait.
                State::Sending { .. }
                | State::InDoubt { .. }
                | State::Verifying { .. }
                | State::Succeeded => {
                    return Ok(Passed::Yes);
                }
                State::Pending { .. } | State::Dead { .. } if other.doubt.is_some() => {
                    return Ok(Passed::Yes);
                }
                State::Pending { .. } | State::Dead { .. } => {}
            }
        }
        Ok(passed)
    }

    /// Buries a write that is not claimed, its letter first. `Err`: not now, again then.
    pub(super) async fn bury(
        &self,
        envelope: &Envelope,
        reason: Reason,
        fault: Fault,
    ) -> Result<(), Timestamp> {
        let later = self.now().plus(LATER);
        let standing = self.standing(envelope).await.map_err(|_| later)?;
        let (outcome, expect) = standing.unwrap_or_else(|| (Outcome::accepted(envelope), Expect::Absent));
        if outcome.generation > envelope.generation {
            // A replay is on its way by a message of its own.
            return Ok(());
        }
        let now = self.now();
        match outcome.apply(Change::Bury { reason, fault }, now) {
            Ok(dead) => {
                self.letter(envelope, &dead).await.map_err(|_| later)?;
                self.inner.state.put(&dead.row(), expect, now).await.map_err(|_| later)
            }
            Err(Illegal::Settled) => Ok(()),
            Err(Illegal::Held(at)) => Err(at),
            Err(_) => Err(later),
        }
    }
}

fn dependency(ticket: WriteId, what: &str) -> Fault {
    Fault::new(
        Class::Rejected,
        Reason::DependencyFailed.code(),
        format!(
            "the write {ticket}, to which this one refers, {what}; replaying that one replays this one too"
        ),
    )
}
