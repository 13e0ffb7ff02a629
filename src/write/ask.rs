//! What became of a write: the `outcome` operation, and waiting for it.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Progress, Taken, Writes, in_time};
use crate::clock;
use crate::clock::Deadline;
use crate::envelope::WriteId;
use crate::envelope::id::group_id;
use crate::event::{Contact, OutcomeQuery, Written};
use crate::fault::{Class, Fault};
use crate::outcome::rows::Name;
use crate::outcome::{Outcome, Status};
use crate::salesforce::Spent;
use crate::store::StoreError;
use crate::time::Timestamp;

/// Pauses between looks; the last one repeats.
const LOOKS: [u64; 6] = [30, 60, 100, 160, 240, 400];

/// What is known of a write that somebody asks about.
#[derive(Clone, Debug, PartialEq)]
pub struct Found(Option<Outcome>);

impl Found {
    /// The keys of the reply.
    #[must_use]
    pub fn notes(&self, now: Timestamp) -> Map<String, Value> {
        let mut notes = Map::new();
        let mut note = |key: &str, value: Value| drop(notes.insert(key.to_owned(), value));
        let Some(outcome) = &self.0 else {
            note("tl_status", Status::Unknown.word().into());
            note("tl_done", false.into());
            return notes;
        };
        note("tl_id", outcome.id.as_str().into());
        note("tl_status", outcome.status().word().into());
        note("tl_done", outcome.status().is_done().into());
        if let Some(id) = &outcome.record_id {
            note("Id", id.as_str().into());
        }
        if let Some(code) = outcome.error_code() {
            note("tl_error_code", code.into());
        }
        if let (Some(_), Some(fault)) = (outcome.error_code(), &outcome.fault) {
            note("tl_error_message", fault.message.as_str().into());
        }
        note("tl_attempts", outcome.attempts.into());
        note("tl_age_ms", millis(now.since(outcome.accepted_at)));
        if let Some(next) = outcome.next_at() {
            note("tl_next_ms", millis(next.since(now)));
        }
        notes
    }
}

fn millis(time: Duration) -> Value {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).into()
}

impl Taken {
    /// The answer to a repeat of a write that has settled: the same again.
    pub(super) fn repeat_of(outcome: &Outcome) -> Self {
        Self { id: Some(outcome.id), duplicate: true, progress: progress(outcome), spent: Spent::default() }
    }
}

/// How far the write of an outcome is, in the terms of a reply.
pub(super) fn progress(outcome: &Outcome) -> Progress {
    match outcome.status() {
        Status::Succeeded => Progress::Done(written(outcome)),
        Status::Failed => {
            let message = outcome.fault.as_ref().map(|fault| fault.message.clone()).unwrap_or_default();
            let code = outcome.error_code().unwrap_or_default();
            Progress::Failed(Fault::new(Class::Rejected, code, message))
        }
        Status::Queued | Status::Sending | Status::Retrying | Status::InDoubt | Status::Unknown => {
            Progress::Queued
        }
    }
}

/// The last write of a chain that was given this name.
pub(super) fn last_of_name(chain: &[Outcome], name: &str) -> Option<WriteId> {
    let named = chain.iter().filter(|outcome| outcome.name.as_deref() == Some(name));
    named.max_by_key(|outcome| outcome.accepted_at).map(|outcome| outcome.id)
}

fn written(outcome: &Outcome) -> Written {
    // The Id can be hidden from us by sharing rules; then the ticket stands for it.
    let id = outcome.record_id.clone().unwrap_or_else(|| outcome.id.to_string());
    match outcome.verb.as_str() {
        "update" => Written::Updated { status: 204 },
        "delete" => Written::Deleted,
        _ => match outcome.created {
            Some(created) => Written::Upserted { id, created },
            None => Written::Created { id },
        },
    }
}

impl Writes {
    /// What became of a write of this contact, waiting up to `wait` for it to be done.
    ///
    /// # Errors
    /// `tl_id` is no ticket, or there is no table that could tell.
    pub async fn ask(
        &self,
        query: &OutcomeQuery,
        contact: Option<&Contact>,
        wait: Deadline,
        now: Timestamp,
    ) -> Result<Found, Fault> {
        let unavailable = |error: StoreError| {
            Fault::new(
                Class::Retryable,
                "STATE_UNAVAILABLE",
                format!("the outcome cannot be told now, ask again: {error}"),
            )
        };
        let group = contact.map(|contact| group_id(contact.group()));
        let wanted = match (query, group) {
            (OutcomeQuery::Id(text), group) => {
                let id: WriteId = text.trim().parse().map_err(|error: crate::envelope::id::NotATicket| {
                    Fault::new(Class::Rejected, "INVALID_TICKET", format!("tl_id: {error}"))
                })?;
                Some((group.unwrap_or_else(|| id.to_string()), id))
            }
            (OutcomeQuery::Name(name), Some(group)) => {
                let id = self.named(&group, name, now).await.map_err(unavailable)?;
                id.map(|id| (group, id))
            }
            (OutcomeQuery::Latest, Some(group)) => {
                let chain = self.chain(&group, now).await.map_err(unavailable)?;
                chain.iter().max_by_key(|o| (o.accepted_at, o.id)).map(|o| (group, o.id))
            }
            (OutcomeQuery::Name(_) | OutcomeQuery::Latest, None) => None,
        };
        let Some((group, id)) = wanted else { return Ok(Found(None)) };
        self.settled_by(&group, id, wait).await.map(Found).map_err(unavailable)
    }

    /// The write that a name means. The note of it may be missing where the table was down for a moment;
    /// the write's own record tells it too.
    pub(super) async fn named(
        &self,
        group: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<WriteId>, StoreError> {
        let row = in_time(self.table()?.get(&Name::key(group, name), now)).await?;
        match row.and_then(|row| Name::from_row(&row).ok()) {
            Some(noted) => Ok(Some(noted.id)),
            None => Ok(last_of_name(&self.chain(group, now).await?, name)),
        }
    }

    /// Waits for an accepted write, and answers with what is known when the time is over.
    pub(super) async fn wait_for(&self, group: &str, taken: Taken, until: Deadline) -> Taken {
        let Some(id) = taken.id else { return taken };
        match self.settled_by(group, id, until).await {
            Ok(Some(outcome)) => Taken { progress: progress(&outcome), ..taken },
            // Not visible yet, or not to be asked: accepted all the same.
            Ok(None) | Err(_) => taken,
        }
    }

    /// Looks until the write is settled or the time is over; then what is known last.
    async fn settled_by(
        &self,
        group: &str,
        id: WriteId,
        until: Deadline,
    ) -> Result<Option<Outcome>, StoreError> {
        let mut pauses = LOOKS.iter().map(|millis| Duration::from_millis(*millis));
        let longest = Duration::from_millis(LOOKS[LOOKS.len() - 1]);
        loop {
            let outcome = self.standing(group, id).await;
            let settled = matches!(&outcome, Ok(Some(outcome)) if outcome.is_settled());
            let left = until.remaining();
            if settled || left.is_zero() {
                return outcome;
            }
            tokio::time::sleep(pauses.next().unwrap_or(longest).min(left)).await;
        }
    }

    /// What is recorded of a write now.
    pub(super) async fn standing(&self, group: &str, id: WriteId) -> Result<Option<Outcome>, StoreError> {
        let row = in_time(self.table()?.get(&Outcome::key(group, id), clock::now())).await?;
        Ok(row.and_then(|row| Outcome::from_row(&row).ok()))
    }
}
