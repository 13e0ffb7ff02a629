//! Acceptance: queue first, record second.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ask::last_of_name;
use super::identity::Known;
use super::{Asked, Progress, QUEUE_PATIENCE, TABLE_PATIENCE, Taken, Writes, in_time};
use crate::envelope::{Envelope, VERSION, WriteId, refs};
use crate::fault::{Class, Fault};
use crate::outcome::rows::Name;
use crate::outcome::{Outcome, mutants};
use crate::salesforce::Spent;
use crate::store::{Expect, Message, PutError, Row, StoreError, Table};
use crate::time::Timestamp;

/// How often a record is tried before it is left to the worker.
const TRIES: u32 = 3;

impl Writes {
    /// Puts a write into the queue, then records it as well as can be.
    pub(super) async fn accept(
        &self,
        asked: &Asked<'_>,
        known: &Known,
        flush: bool,
        now: Timestamp,
    ) -> Result<Taken, Fault> {
        let envelope = self.envelope(asked, known, flush, now).await?;
        // A repeat of a write that is not settled is sent again: the process that accepted it may
        // have died before its message was in the queue, and the queue knows it by its id.
        if known.standing.is_none() || !mutants::is(mutants::Mutant::R9) {
            self.send(&envelope, now).await?;
        }
        if known.standing.is_none() {
            self.record(&envelope, now).await;
        }
        Ok(Taken {
            id: Some(known.id),
            duplicate: known.repeat,
            progress: Progress::Queued,
            spent: Spent::default(),
        })
    }

    /// The envelope of a write, every reference bound or refused.
    pub(super) async fn envelope(
        &self,
        asked: &Asked<'_>,
        known: &Known,
        flush: bool,
        now: Timestamp,
    ) -> Result<Envelope, Fault> {
        let mut write = asked.write.clone();
        let (refs, unbound) = self.bind(&mut write, asked, known, now).await?;
        Ok(Envelope {
            v: VERSION,
            id: known.id,
            generation: known.standing.as_ref().map_or(1, |standing| standing.generation),
            org: self.org().to_owned(),
            group: known.group.clone(),
            contact: asked.contact.cloned(),
            write,
            refs,
            unbound,
            name: asked.control.name.clone(),
            attribute: asked.control.attribute.clone(),
            hash: known.hash.clone(),
            flush,
            accepted_at: known.standing.as_ref().map_or(now, |standing| standing.accepted_at),
            traceparent: asked.traceparent.map(str::to_owned),
            rest: serde_json::Map::new(),
        })
    }

    /// Binds names to tickets. Where the table does not say what they mean, they travel unbound and
    /// the worker binds them.
    async fn bind(
        &self,
        write: &mut crate::event::Write,
        asked: &Asked<'_>,
        known: &Known,
        now: Timestamp,
    ) -> Result<(Vec<WriteId>, Vec<String>), Fault> {
        let found = refs::references(write);
        if found.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let meant = if known.degraded {
            Err(StoreError::Unavailable("the state table is not there".to_owned()))
        } else {
            self.meant(&known.group, &found.names, now).await
        };
        match meant {
            Ok((names, writes)) => {
                let own_name = asked.control.name.as_deref();
                let bound = refs::bind(write, known.id, own_name, &names, &writes);
                let refs = bound.map_err(|bad| Fault::new(Class::Rejected, bad.code(), bad.to_string()))?;
                Ok((refs, Vec::new()))
            }
            Err(error) => {
                tracing::warn!(%error, "the references of a write are left to the worker to bind");
                Ok((found.tickets.into_iter().collect(), found.names.into_iter().collect()))
            }
        }
    }

    /// What these names mean, and every write of the contact with what it refers to.
    async fn meant(
        &self,
        group: &str,
        names: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(BTreeMap<String, WriteId>, BTreeMap<WriteId, Vec<WriteId>>), StoreError> {
        let chain = self.chain(group, now).await?;
        let mut meant = BTreeMap::new();
        for name in names {
            let row = in_time(self.table()?.get(&Name::key(group, name), now)).await?;
            let noted = row.and_then(|row| Name::from_row(&row).ok()).map(|noted| noted.id);
            // As in `named`, with the chain that is at hand.
            let id = noted.or_else(|| last_of_name(&chain, name));
            meant.extend(id.map(|id| (name.clone(), id)));
        }
        Ok((meant, chain.into_iter().map(|outcome| (outcome.id, outcome.refs)).collect()))
    }

    /// The point of acceptance.
    pub(super) async fn send(&self, envelope: &Envelope, now: Timestamp) -> Result<(), Fault> {
        let too_large = |error: crate::envelope::TooLarge| {
            Fault::new(Class::Rejected, "WRITE_TOO_LARGE", error.to_string())
        };
        let message = Message {
            group: envelope.group.clone(),
            deduplication_id: envelope.deduplication_id(),
            body: envelope.encode().map_err(too_large)?,
        };
        let Some(queue) = &self.queue else {
            return Err(not_accepted("no queue is configured (TIELINE_QUEUE_URL)"));
        };
        let sent =
            tokio::time::timeout(QUEUE_PATIENCE, queue.send(std::slice::from_ref(&message), now)).await;
        match sent.map(|mut results| results.pop()) {
            Ok(Some(Ok(()))) => Ok(()),
            Ok(Some(Err(error))) => Err(not_accepted(&error.to_string())),
            Ok(None) => Err(not_accepted("it gave no answer")),
            Err(_) => Err(not_accepted(&format!("it did not answer within {QUEUE_PATIENCE:?}"))),
        }
    }

    /// Records what was accepted. Never over a record that stands: the worker may have been faster.
    async fn record(&self, envelope: &Envelope, now: Timestamp) {
        let Ok(table) = self.table() else { return };
        let outcome = Outcome::accepted(envelope).row();
        let name = envelope
            .name
            .as_ref()
            .map(|name| Name { id: envelope.id, at: envelope.accepted_at }.row(&envelope.group, name));
        let named = async {
            match &name {
                Some(row) => put_surely(table, row, Expect::Anything, now).await,
                None => Ok(()),
            }
        };
        let (recorded, named) = futures::join!(put_surely(table, &outcome, Expect::Absent, now), named);
        for error in [recorded, named].into_iter().filter_map(Result::err) {
            tracing::warn!(%error, id = %envelope.id, "accepted; its record is left to the worker");
        }
    }
}

/// Puts a row in up to three tries within the table's patience. A write without its record is hidden
/// from a `sync` of its contact that comes before the worker has seen its message, and could be
/// overtaken by it.
async fn put_surely(
    table: &Arc<dyn Table>,
    row: &Row,
    expect: Expect,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut failed = StoreError::Unavailable("the state table did not answer in time".to_owned());
    for _ in 0..TRIES {
        match tokio::time::timeout(TABLE_PATIENCE / TRIES, table.put(row, expect, now)).await {
            // Never over a row that stands: the worker may have been faster, or an earlier try.
            Ok(Ok(()) | Err(PutError::Conflict(_))) => return Ok(()),
            Ok(Err(PutError::Store(error))) => failed = error,
            Err(_) => {}
        }
    }
    Err(failed)
}

fn not_accepted(why: &str) -> Fault {
    Fault::new(
        Class::Retryable,
        "QUEUE_UNAVAILABLE",
        format!(
            "the write was not accepted, nothing of it was kept, and it may be sent again: the queue said: {why}"
        ),
    )
}
