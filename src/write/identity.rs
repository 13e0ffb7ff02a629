//! Who a write is, and whether it was here before.

use super::{Asked, Writes, in_time};
use crate::envelope::WriteId;
use crate::envelope::id::{canonical_hash, group_id};
use crate::fault::{Class, Fault};
use crate::outcome::Outcome;
use crate::outcome::rows::{Last, OUTCOMES, partition};
use crate::store::{Expect, PutError, StoreError};
use crate::time::Timestamp;

/// How many writes of one contact are looked at: far more than any contact makes.
pub(super) const CHAIN: usize = 1000;

/// A write whose identity is known.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: WriteId,
    /// The group in which its order is kept.
    pub(super) group: String,
    /// The canonical hash of its parameters.
    pub(super) hash: String,
    /// It is a repeat of a write taken before.
    pub(super) repeat: bool,
    /// What became of that one, where it is recorded.
    pub(super) standing: Option<Outcome>,
    /// The table did not say; what depends on it is left to the worker.
    pub(super) degraded: bool,
}

impl Known {
    /// The outcome, if nothing about it will change.
    pub(super) fn settled(&self) -> Option<&Outcome> {
        self.standing.as_ref().filter(|outcome| outcome.is_settled())
    }
}

impl Writes {
    /// The identity of a write: by `tl_key`, by its contact and parameters, or its own.
    ///
    /// Where the table does not answer, a repeat is recognised by the queue alone, which remembers
    /// ids for five minutes: the id is then made from the time's window.
    pub(super) async fn identify(
        &self,
        asked: &Asked<'_>,
        sensitive: bool,
        now: Timestamp,
    ) -> Result<Known, Fault> {
        let org = self.org();
        let mut parameters = asked.parameters.clone();
        if sensitive {
            // Not even in a hash: the digits of a card could be guessed from it.
            let field_of = |name: &str| name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
            let hidden: Vec<_> = self.settings.sensitive.iter().map(|name| field_of(name)).collect();
            parameters.retain(|name, _| !hidden.contains(&name.to_ascii_lowercase()));
            if self.is_named_sensitively(asked.write) {
                parameters.retain(|name, _| name != "sf_external_id");
            }
        }
        let hash = canonical_hash(&parameters);
        let contact = asked.contact.map(|contact| contact.group());
        let known = |id: WriteId| Known {
            id,
            group: contact.map_or_else(|| id.to_string(), group_id),
            hash: hash.clone(),
            repeat: false,
            standing: None,
            degraded: false,
        };
        if let Some(key) = &asked.control.key {
            let known = known(WriteId::keyed(org, contact.unwrap_or_default(), key));
            return self.stands(known).await.and_then(same_parameters);
        }
        let Some(contact) = contact else {
            return Ok(known(WriteId::single(org, asked.unique)));
        };
        match self.infer(&group_id(contact), &hash, now).await {
            Ok(Ok(id)) => Ok(known(id)),
            Ok(Err(repeated)) => self.stands(Known { repeat: true, ..known(repeated) }).await,
            Err(error) => {
                tracing::warn!(%error, "the state table is not there; a write is accepted without it");
                let window = self.settings.duplicate_window.as_millis().max(1);
                let occurrence = u128::from(now.as_millis().max(0).unsigned_abs()) / window;
                let occurrence = u64::try_from(occurrence).unwrap_or(u64::MAX);
                let id = WriteId::implicit(org, &group_id(contact), &hash, occurrence);
                Ok(Known { degraded: true, ..known(id) })
            }
        }
    }

    /// The identity of the contact's next write with these parameters, or, as `Err`, that of the
    /// last one, which this repeats.
    async fn infer(
        &self,
        group: &str,
        hash: &str,
        now: Timestamp,
    ) -> Result<Result<WriteId, WriteId>, StoreError> {
        let table = self.table()?;
        let mut row = in_time(table.get(&Last::key(group), now)).await?;
        // Each round that fails, another write of this contact has come between.
        for _ in 0..8 {
            let last = row.as_ref().and_then(|row| Last::from_row(row).ok());
            let newest_other = match &last {
                Some(last) if last.hash == hash => self.newest_beside(group, last.id, now).await?,
                _ => None,
            };
            let window = self.settings.duplicate_window;
            let next = match Last::next(last.as_ref(), (self.org(), group, hash), newest_other, window, now) {
                Ok(next) => next,
                Err(repeated) => return Ok(Err(repeated)),
            };
            let expect = row.as_ref().map_or(Expect::Absent, |row| Expect::Version(row.version));
            match in_time(table.put(&next.row(group), expect, now)).await {
                Ok(()) => return Ok(Ok(next.id)),
                // Its answer was lost and the client asked again.
                Err(PutError::Conflict(Some(standing))) if *standing == next.row(group) => {
                    return Ok(Ok(next.id));
                }
                Err(PutError::Conflict(standing)) => row = standing.map(|standing| *standing),
                Err(PutError::Store(error)) => return Err(error),
            }
        }
        Err(StoreError::Throttled("many writes of one contact at once".to_owned()))
    }

    async fn newest_beside(
        &self,
        group: &str,
        id: WriteId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let chain = self.chain(group, now).await?;
        Ok(chain.iter().filter(|o| o.id != id).map(|o| o.accepted_at).max())
    }

    /// All writes of a contact's chain that are recorded.
    pub(super) async fn chain(&self, group: &str, now: Timestamp) -> Result<Vec<Outcome>, StoreError> {
        let rows = in_time(self.table()?.list(&partition(group), OUTCOMES, None, CHAIN, now)).await?;
        // A row of a newer build is a write of whom nothing else is known here.
        Ok(rows.iter().filter_map(|row| Outcome::from_row(row).ok()).collect())
    }

    /// Looks up what became of a write that may have been here before.
    async fn stands(&self, known: Known) -> Result<Known, Fault> {
        match self.standing(&known.group, known.id).await {
            Ok(standing) => Ok(Known { repeat: known.repeat || standing.is_some(), standing, ..known }),
            Err(error) => {
                tracing::warn!(%error, "the state table is not there; a write is accepted without it");
                Ok(Known { degraded: true, ..known })
            }
        }
    }
}

/// The same key with other parameters is a mistake of the flow, and nothing is accepted.
fn same_parameters(known: Known) -> Result<Known, Fault> {
    match &known.standing {
        Some(standing) if standing.hash != known.hash => Err(Fault::new(
            Class::Rejected,
            "IDEMPOTENCY_MISMATCH",
            "this tl_key was used before for a write with other parameters, so nothing was accepted: give every \
             write of the flow a key of its own, in loops with the counter in it",
        )),
        _ => Ok(known),
    }
}
