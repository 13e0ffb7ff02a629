//! The cache table, which the whole fleet shares. Whatever goes wrong with it, a read goes on
//! without: nothing here fails, it finds nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::entry::{Entry, MOST_RECORDS, SETTLE};
use super::key::{Name, Secret};
use super::patient::Patient;
use crate::outcome::rows::{Stamp, same_id};
use crate::row::{Key, Row};
use crate::store::{Expect, PutError, Table};
use crate::time::Timestamp;

/// How long one process keeps others from asking the same.
pub(super) const LEASE: Duration = Duration::from_secs(3);

/// How long a stamp may take to be written; it is tried twice.
const STAMPED: Duration = Duration::from_millis(500);

/// Where the records are that a person made the cache forget, each under its Id. A stamp alone would
/// not do: the next write puts its own in that place.
const FORGOTTEN: &str = "FORGOTTEN";

/// How many of them are looked through. Where there are more, all that is in doubt is refused.
const MOST_FORGOTTEN: usize = 1000;

/// The longest that any deployment lets a copy stand in (`TIELINE_CACHE_STALE_SECS`).
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// The cache table.
#[derive(Debug)]
pub(super) struct Shared {
    patient: Patient,
    secret: OnceCell<Secret>,
}

/// Whether this process is to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lease {
    /// It is.
    Ours,
    /// Another one is asking.
    Theirs,
    /// Nobody can tell.
    Unknown,
}

/// What is known of the records in a kept answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// None has changed since by our hand.
    Sure,
    /// One has, or nobody can tell: the answer stands in and no more.
    Doubtful,
    /// Somebody made the cache forget one: the answer is given no more, whatever else there is.
    Forgotten,
}

/// The table could not be asked, or said what this build cannot read.
#[derive(Debug)]
pub(super) struct Silent;

impl Shared {
    pub(super) fn new(table: Arc<dyn Table>) -> Self {
        Self { patient: Patient::new(table), secret: OnceCell::new() }
    }

    /// What keys the names: the bytes that stand in the table. Where there are none, or what stands
    /// there is no secret, new ones.
    pub(super) async fn secret(&self, now: Timestamp) -> Option<Secret> {
        let found = self.secret.get_or_try_init(|| async {
            let key = Key { partition: "SECRET".to_owned(), sort: "K".to_owned() };
            let standing = self.within(now, self.table().get(&key, now)).await.ok_or(())?.map_err(drop)?;
            let (expect, version) = match standing {
                None => (Expect::Absent, 1),
                Some(row) => match row.data.try_into() {
                    Ok(secret) => return Ok(secret),
                    Err(_) => (Expect::Version(row.version), row.version + 1),
                },
            };
            let ours = random().ok_or(())?;
            let row = Row { key, version, data: ours.to_vec(), index: None, expires: None };
            match self.within(now, self.table().put(&row, expect, now)).await {
                Some(Ok(())) => Ok(ours),
                Some(Err(PutError::Conflict(Some(theirs)))) => theirs.data.try_into().map_err(drop),
                _ => Err(()),
            }
        });
        found.await.ok().copied()
    }

    /// Whether the names of this process are those of the fleet.
    pub(super) fn has_secret(&self) -> bool {
        self.secret.initialized()
    }

    /// The answer that is kept, and what is known of the records in it.
    pub(super) async fn look(
        &self,
        name: &Name,
        now: Timestamp,
    ) -> Result<Option<(Entry, Standing)>, Silent> {
        let row = self.within(now, self.table().get(&key(name, "E"), now)).await;
        let row = row.ok_or(Silent)?.map_err(|_| Silent)?;
        let Some(entry) = row.and_then(|row| Entry::decode(&row.data)) else { return Ok(None) };
        let standing = match self.is_unchanged(&entry, now).await {
            true => Standing::Sure,
            false => self.in_doubt(&entry, now).await,
        };
        Ok(Some((entry, standing)))
    }

    /// Whether it is known that no record in it has changed since by our hand.
    async fn is_unchanged(&self, entry: &Entry, now: Timestamp) -> bool {
        let keys: Vec<Key> = entry.record_ids().into_iter().map(Stamp::key).collect();
        if keys.len() > MOST_RECORDS || now.since(entry.asked_at) >= Stamp::KEPT {
            return false;
        }
        let stamps = join_all(keys.iter().map(|key| self.table().get(key, now)));
        let Some(stamps) = self.within(now, stamps).await else { return false };
        stamps.into_iter().all(|stamp| match stamp {
            Ok(None) => true,
            Ok(Some(row)) => !marked(&row, entry),
            Err(_) => false,
        })
    }

    /// What may be done with an answer that is not sure. Asked for such alone: what was forgotten is
    /// stamped, too.
    pub(super) async fn in_doubt(&self, entry: &Entry, now: Timestamp) -> Standing {
        let rows = self.within(now, self.table().list(FORGOTTEN, "", None, MOST_FORGOTTEN, now)).await;
        let Some(Ok(rows)) = rows else { return Standing::Doubtful };
        let ids: BTreeSet<&str> = entry.record_ids().into_iter().map(same_id).collect();
        let forgotten = |row: &Row| ids.contains(row.key.sort.as_str()) && marked(row, entry);
        match rows.len() >= MOST_FORGOTTEN || rows.iter().any(forgotten) {
            true => Standing::Forgotten,
            false => Standing::Doubtful,
        }
    }

    /// Keeps an answer for as long as it may stand in.
    pub(super) async fn keep(&self, name: &Name, entry: &Entry, stale: Duration, now: Timestamp) {
        let Some(data) = entry.encode() else { return };
        let version = entry.asked_at.as_millis().max(0).unsigned_abs();
        let expires = Some(entry.asked_at.plus(stale));
        let row = Row { key: key(name, "E"), version, data, index: None, expires };
        // An answer that is not kept is asked for again; nobody waits for it.
        drop(self.within(now, self.table().put(&row, Expect::Anything, now)).await);
    }

    /// Asks to be the one who asks.
    pub(super) async fn lease(&self, name: &Name, now: Timestamp) -> Lease {
        let expires = Some(now.plus(LEASE));
        let row = Row { key: key(name, "L"), version: 1, data: Vec::new(), index: None, expires };
        match self.within(now, self.table().put(&row, Expect::Absent, now)).await {
            Some(Ok(())) => Lease::Ours,
            Some(Err(PutError::Conflict(_))) => Lease::Theirs,
            _ => Lease::Unknown,
        }
    }

    /// Lets others ask, or look.
    pub(super) async fn release(&self, name: &Name, now: Timestamp) {
        drop(self.within(now, self.table().remove(&key(name, "L"), now)).await);
    }

    /// When `of`, a record or a contact, was last marked as changed.
    pub(super) async fn stamp_of(&self, of: &str, now: Timestamp) -> Result<Option<Timestamp>, Silent> {
        let row = self.within(now, self.table().get(&Stamp::key(of), now)).await;
        let row = row.ok_or(Silent)?.map_err(|_| Silent)?;
        let stamp = row.map(|row| Stamp::from_row(&row)).transpose().map_err(|_| Silent)?;
        Ok(stamp.map(|stamp| stamp.at))
    }

    /// Marks a record, or a contact, as changed at `now`, so that what was kept before counts as old;
    /// whether the mark stands.
    pub(super) async fn stamp(&self, of: &str, now: Timestamp) -> bool {
        self.mark(&Stamp { at: now }.row(of), now).await
    }

    /// Makes all that was kept of a record before `now` useless, also to stand in; whether that stands.
    pub(super) async fn forget(&self, record: &str, now: Timestamp) -> bool {
        let key = Key { partition: FORGOTTEN.to_owned(), sort: same_id(record).to_owned() };
        let row = Row { key, expires: Some(now.plus(LONGEST)), ..Stamp { at: now }.row(record) };
        self.mark(&row, now).await && self.stamp(record, now).await
    }

    /// It is tried also while the table rests: a copy that is not refused would be believed.
    async fn mark(&self, row: &Row, now: Timestamp) -> bool {
        for _ in 0..2 {
            if let Ok(Ok(())) = timeout(STAMPED, self.table().put(row, Expect::Anything, now)).await {
                return true;
            }
        }
        false
    }

    async fn within<T>(&self, now: Timestamp, work: impl Future<Output = T>) -> Option<T> {
        self.patient.wait(now, work).await
    }

    fn table(&self) -> &dyn Table {
        &*self.patient.table
    }
}

/// Whether this mark says that an answer is from before. One that cannot be read may say so.
fn marked(row: &Row, entry: &Entry) -> bool {
    Stamp::from_row(row).map_or(true, |stamp| entry.asked_at <= stamp.at.plus(SETTLE))
}

fn key(name: &Name, sort: &str) -> Key {
    Key { partition: format!("R#{}", name.0), sort: sort.to_owned() }
}

/// Bytes that nobody knows: the system's, because the first ones of the cryptographic library cost
/// 40 ms of a start.
pub(super) fn random() -> Option<Secret> {
    let mut secret = [0; 64];
    getrandom::fill(&mut secret).ok()?;
    Some(secret)
}
