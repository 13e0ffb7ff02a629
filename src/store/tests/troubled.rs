//! Stores that fail where a test wants it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::store::{
    AddError, Depth, Expect, Handle, Key, Leased, Message, PutError, Queue, Row, StoreError, Table,
};
use crate::time::Timestamp;

/// What is asked of a store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call<'a> {
    Get,
    Put(&'a Row),
    Send,
    Other,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// Nothing is done.
    Fails,
    /// Nothing is done, for the moment.
    Throttles,
    /// It is done, and the answer is lost.
    Mute,
    /// It fails after a minute.
    Hangs,
}

/// A queue or a table with a rule of when it fails.
pub(crate) struct Troubled<T: ?Sized> {
    inner: Arc<T>,
    rule: Box<dyn Fn(Call<'_>) -> Trouble + Send + Sync>,
}

impl<T: ?Sized> std::fmt::Debug for Troubled<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Troubled")
    }
}

pub(crate) fn table(
    inner: Arc<dyn Table>,
    rule: impl Fn(Call<'_>) -> Trouble + Send + Sync + 'static,
) -> Arc<dyn Table> {
    Arc::new(Troubled { inner, rule: Box::new(rule) })
}

pub(crate) fn queue(
    inner: Arc<dyn Queue>,
    rule: impl Fn(Call<'_>) -> Trouble + Send + Sync + 'static,
) -> Arc<dyn Queue> {
    Arc::new(Troubled { inner, rule: Box::new(rule) })
}

/// Nothing works.
pub(crate) fn down(_: Call<'_>) -> Trouble {
    Trouble::Fails
}

fn broken() -> StoreError {
    StoreError::Unavailable("out of order".to_owned())
}

impl<T: ?Sized> Troubled<T> {
    async fn meet<A>(
        &self,
        call: Call<'_>,
        work: impl Future<Output = A>,
        lost: impl Fn(StoreError) -> A,
    ) -> A {
        match (self.rule)(call) {
            Trouble::None => work.await,
            Trouble::Fails => lost(broken()),
            Trouble::Throttles => lost(StoreError::Throttled("slow down".to_owned())),
            Trouble::Hangs => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                lost(broken())
            }
            Trouble::Mute => {
                work.await;
                lost(broken())
            }
        }
    }
}

#[async_trait]
impl Table for Troubled<dyn Table> {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Row>, StoreError> {
        self.meet(Call::Get, self.inner.get(key, now), Err).await
    }

    async fn put(&self, row: &Row, expect: Expect, now: Timestamp) -> Result<(), PutError> {
        self.meet(Call::Put(row), self.inner.put(row, expect, now), |error| Err(error.into())).await
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let work = self.inner.list(partition, prefix, after, limit, now);
        self.meet(Call::Other, work, Err).await
    }

    async fn list_index(
        &self,
        partition: &str,
        after: Option<&str>,
        descending: bool,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let work = self.inner.list_index(partition, after, descending, limit, now);
        self.meet(Call::Other, work, Err).await
    }

    async fn add_if_below(
        &self,
        key: &Key,
        amount: u64,
        limit: u64,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<u64, AddError> {
        let work = self.inner.add_if_below(key, amount, limit, expires, now);
        self.meet(Call::Other, work, |error| Err(error.into())).await
    }

    async fn remove(&self, key: &Key, now: Timestamp) -> Result<(), StoreError> {
        self.meet(Call::Other, self.inner.remove(key, now), Err).await
    }
}

#[async_trait]
impl Queue for Troubled<dyn Queue> {
    async fn send(&self, messages: &[Message], now: Timestamp) -> Vec<Result<(), StoreError>> {
        let lost = |error| vec![Err(error); messages.len()];
        self.meet(Call::Send, self.inner.send(messages, now), lost).await
    }

    async fn receive(
        &self,
        max: usize,
        lease: Duration,
        wait: Duration,
        now: Timestamp,
    ) -> Result<Vec<Leased>, StoreError> {
        self.meet(Call::Other, self.inner.receive(max, lease, wait, now), Err).await
    }

    async fn delete(&self, handles: &[Handle], now: Timestamp) -> Vec<Result<(), StoreError>> {
        let lost = |error| vec![Err(error); handles.len()];
        self.meet(Call::Other, self.inner.delete(handles, now), lost).await
    }

    async fn change_visibility(
        &self,
        entries: &[(Handle, Duration)],
        now: Timestamp,
    ) -> Vec<Result<(), StoreError>> {
        let lost = |error| vec![Err(error); entries.len()];
        self.meet(Call::Other, self.inner.change_visibility(entries, now), lost).await
    }

    async fn depth(&self, now: Timestamp) -> Result<Depth, StoreError> {
        self.meet(Call::Other, self.inner.depth(now), Err).await
    }
}
