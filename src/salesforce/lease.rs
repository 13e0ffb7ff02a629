//! One token for a fleet: it lives in the state table, and who renews it holds a lease.
//!
//! Its laws: a token is taken from the table before anybody logs in; at most one process logs in at a
//! time while the table can be asked; a table that cannot be asked, or not in time, costs a login and
//! nothing else.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::secret::Hidden;
use crate::clock;
use crate::clock::Deadline;
use crate::store::{Expect, Key, PutError, Row, StoreError, Table};

/// How long a login may take before others believe that who holds the lease has died.
const LEASE: Duration = Duration::from_secs(10);
/// How often those who wait look for the new token.
const LOOK: Duration = Duration::from_millis(100);
/// How long the table may take: a caller may wait for what comes after.
const PATIENCE: Duration = Duration::from_millis(500);
/// Salesforce's longest session.
const KEPT: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(super) struct Shared {
    table: Arc<dyn Table>,
    key: Key,
}

#[derive(Serialize, Deserialize, Default)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Until when somebody logs in, in milliseconds; zero where nobody does.
    #[serde(default)]
    lease_until: i64,
}

/// What a look at the table says to do.
#[derive(Debug)]
pub(super) enum Turn {
    /// Somebody has a token.
    Use(Hidden),
    /// Log in, then say so under this version.
    LogIn { version: u64 },
    /// The table cannot be asked: log in for this process alone.
    Alone,
    /// Somebody else was still logging in when the time was up.
    Late,
}

impl Shared {
    pub(super) fn new(table: Arc<dyn Table>, organisation: &str, identity: &str) -> Self {
        let key = Key { partition: "token".to_owned(), sort: format!("{organisation}#{identity}") };
        Self { table, key }
    }

    /// The token that the table holds, if it can be asked and holds one.
    pub(super) async fn peek(&self) -> Option<Hidden> {
        self.row().await.ok()?.and_then(|row| read(&row).token).map(Hidden::new)
    }

    /// A token other than `bad`, or the turn to log in.
    pub(super) async fn turn(&self, bad: Option<&Hidden>, deadline: Deadline) -> Turn {
        loop {
            let row = match self.row().await {
                Ok(row) => row,
                Err(error) => {
                    warn(&error);
                    return Turn::Alone;
                }
            };
            let now = clock::now();
            let (entry, version) = row.as_ref().map_or((Entry::default(), 0), |r| (read(r), r.version));
            match entry.token {
                Some(token) if bad.is_none_or(|b| b.reveal() != token) => {
                    return Turn::Use(Hidden::new(token));
                }
                _ => {}
            }
            if entry.lease_until > now.as_millis() {
                if deadline.remaining() < LOOK {
                    return Turn::Late;
                }
                tokio::time::sleep(LOOK).await;
                continue;
            }
            let expect = if row.is_some() { Expect::Version(version) } else { Expect::Absent };
            let leased = Entry { token: None, lease_until: now.plus(LEASE).as_millis() };
            match self.put(&leased, version + 1, expect).await {
                Ok(()) => return Turn::LogIn { version: version + 1 },
                Err(PutError::Conflict(_)) => {}
                // The lease may stand all the same; then the others wait for what comes of it.
                Err(PutError::Store(error)) => {
                    warn(&error);
                    return Turn::LogIn { version: version + 1 };
                }
            }
        }
    }

    /// Ends the lease: with the new token, or without one where the login failed.
    pub(super) async fn done(&self, version: u64, token: Option<&Hidden>) {
        let entry = Entry { token: token.map(|t| t.reveal().to_owned()), lease_until: 0 };
        match self.put(&entry, version + 1, Expect::Version(version)).await {
            // The lease had ended and somebody else has it: their token is as good as ours.
            Ok(()) | Err(PutError::Conflict(_)) => {}
            Err(PutError::Store(error)) => {
                tracing::warn!(%error, "the new token could not be shared; other processes will log in themselves");
            }
        }
    }

    async fn row(&self) -> Result<Option<Row>, StoreError> {
        in_time(self.table.get(&self.key, clock::now())).await
    }

    async fn put(&self, entry: &Entry, version: u64, expect: Expect) -> Result<(), PutError> {
        let now = clock::now();
        let row = Row {
            key: self.key.clone(),
            version,
            data: serde_json::to_vec(entry).unwrap_or_default(),
            index: None,
            expires: Some(now.plus(KEPT)),
        };
        in_time(self.table.put(&row, expect, now)).await
    }
}

async fn in_time<T, E: From<StoreError>>(call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    timeout(PATIENCE, call)
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable(format!("no answer within {PATIENCE:?}")).into()))
}

fn read(row: &Row) -> Entry {
    serde_json::from_slice(&row.data).unwrap_or_default()
}

fn warn(error: &StoreError) {
    tracing::warn!(%error, "the state table cannot be asked for the token; logging in without it");
}
