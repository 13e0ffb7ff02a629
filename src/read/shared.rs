//! The cache table, which the whole fleet shares. Whatever goes wrong with it, a read goes on
//! without: nothing here fails, it finds nothing.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::entry::Entry;
use super::entry::MOST_RECORDS;
use super::entry::SETTLE;
use super::key::Name;
use super::key::Secret;
use crate::outcome::rows::Stamp;
use crate::row::Key;
use crate::row::Row;
use crate::store::Expect;
use crate::store::PutError;
use crate::store::Table;
use crate::time::Timestamp;

/// How long the table may take; a read that waits longer asks Salesforce.
const PATIENCE: Duration = Duration::from_millis(300);

/// How long one process keeps others from asking the same.
const LEASE: Duration = Duration::from_secs(3);

/// The cache table.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) table: Arc<dyn Table>,
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

impl Shared {
    pub(super) fn new(table: Arc<dyn Table>) -> Self {
        Self { table, secret: OnceCell::new() }
    }

    /// What keys the names: the bytes that stand in the table, or new ones if there are none.
    pub(super) async fn secret(&self, now: Timestamp) -> Option<Secret> {
        let found = self.secret.get_or_try_init(|| async {
            let key = Key { partition: "SECRET".to_owned(), sort: "K".to_owned() };
            if let Some(row) = in_time(self.table.get(&key, now)).await.ok_or(())?.map_err(drop)? {
                return row.data.try_into().map_err(drop);
            }
            let ours = random().ok_or(())?;
            let row = Row { key, version: 1, data: ours.to_vec(), index: None, expires: None };
            match in_time(self.table.put(&row, Expect::Absent, now)).await {
                Some(Ok(())) => Ok(ours),
                Some(Err(PutError::Conflict(Some(theirs)))) => theirs.data.try_into().map_err(drop),
                _ => Err(()),
            }
        });
        found.await.ok().copied()
    }

    /// The answer that is kept, and whether a record in it has changed since by our hand.
    pub(super) async fn look(&self, name: &Name, now: Timestamp) -> Option<(Entry, bool)> {
        let row = in_time(self.table.get(&key(name, "E"), now)).await?.ok()??;
        let entry = Entry::decode(&row.data)?;
        let keys: Vec<Key> = entry.record_ids().into_iter().map(Stamp::key).collect();
        let stamps = join_all(keys.iter().map(|key| self.table.get(key, now)));
        let changed = match in_time(stamps).await {
            Some(stamps) => stamps.into_iter().any(|stamp| match stamp {
                Ok(None) => false,
                Ok(Some(row)) => Stamp::from_row(&row).map_or(true, |s| entry.asked_at <= s.at.plus(SETTLE)),
                Err(_) => true,
            }),
            None => true,
        };
        Some((entry, changed))
    }

    /// Keeps an answer for as long as it may stand in.
    pub(super) async fn keep(&self, name: &Name, entry: &Entry, stale: Duration, now: Timestamp) {
        if entry.record_ids().len() > MOST_RECORDS {
            return;
        }
        let Some(data) = entry.encode() else { return };
        let version = entry.asked_at.as_millis().max(0).unsigned_abs();
        let expires = Some(entry.asked_at.plus(stale));
        let row = Row { key: key(name, "E"), version, data, index: None, expires };
        // An answer that is not kept is asked for again; nobody waits for it.
        drop(in_time(self.table.put(&row, Expect::Anything, now)).await);
    }

    /// Asks to be the one who asks.
    pub(super) async fn lease(&self, name: &Name, now: Timestamp) -> Lease {
        let expires = Some(now.plus(LEASE));
        let row = Row { key: key(name, "L"), version: 1, data: Vec::new(), index: None, expires };
        match in_time(self.table.put(&row, Expect::Absent, now)).await {
            Some(Ok(())) => Lease::Ours,
            Some(Err(PutError::Conflict(_))) => Lease::Theirs,
            _ => Lease::Unknown,
        }
    }

    /// Lets others ask, or look.
    pub(super) async fn release(&self, name: &Name, now: Timestamp) {
        drop(in_time(self.table.remove(&key(name, "L"), now)).await);
    }
}

/// Marks a record, or a contact, as changed at `now`, so that what was kept before is refused.
pub(super) async fn stamp(table: &dyn Table, of: &str, now: Timestamp) {
    // A stamp that is not written leaves a copy for as long as it is fresh, no longer.
    drop(in_time(table.put(&Stamp { at: now }.row(of), Expect::Anything, now)).await);
}

fn key(name: &Name, sort: &str) -> Key {
    Key { partition: format!("R#{}", name.0), sort: sort.to_owned() }
}

/// What the table gives within its time.
pub(super) async fn in_time<T>(work: impl Future<Output = T>) -> Option<T> {
    timeout(PATIENCE, work).await.ok()
}

/// Bytes that nobody knows: the system's, because the first ones of the cryptographic library cost
/// 40 ms of a start.
pub(super) fn random() -> Option<Secret> {
    let mut secret = [0; 64];
    getrandom::fill(&mut secret).ok()?;
    Some(secret)
}
