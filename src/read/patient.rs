//! A table that is asked with limited patience: somebody is on the phone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use crate::store::Table;
use crate::time::Timestamp;

/// How long a table may take; a read that waits longer goes on without it.
const PATIENCE: Duration = Duration::from_millis(300);

/// For how long a table is left alone that took longer: a read asks several times, and would wait
/// each time.
const REST: Duration = Duration::from_secs(2);

/// A table, and whether it was too slow a moment ago.
#[derive(Debug)]
pub(super) struct Patient {
    pub(super) table: Arc<dyn Table>,
    rests_until: AtomicI64,
}

impl Patient {
    pub(super) fn new(table: Arc<dyn Table>) -> Self {
        Self { table, rests_until: AtomicI64::new(0) }
    }

    /// What the table says in time. None: nothing.
    pub(super) async fn wait<T>(&self, now: Timestamp, work: impl Future<Output = T>) -> Option<T> {
        if now.as_millis() < self.rests_until.load(Ordering::Relaxed) {
            return None;
        }
        let answer = timeout(PATIENCE, work).await.ok();
        if answer.is_none() {
            self.rests_until.store(now.plus(REST).as_millis(), Ordering::Relaxed);
        }
        answer
    }
}
