//! The wires between the processes and their stores, which misbehave by a seed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tieline::dispatch::Chance;
use tieline::store::{
    AddError, Depth, Expect, Handle, Key, Leased, Message, PutError, Queue, Row, StoreError, Table,
};
use tieline::time::Timestamp;

/// What goes wrong on the wires between the processes and their stores, in parts of a thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wires {
    /// The store answers with an error and has done nothing.
    pub(super) before: u64,
    /// It has done what was asked, and the answer is an error.
    pub(super) after: u64,
    /// It takes up to 300 ms.
    pub(super) slow: u64,
    /// The process stands still at this await for up to ten minutes.
    pub(super) frozen: u64,
    /// What a queue delivers it delivers to the next who asks as well.
    pub(super) twice: u64,
}

#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) wires: Mutex<Wires>,
    chance: Mutex<Chance>,
}

enum Luck {
    Good,
    Before,
    After,
}

impl Trouble {
    pub(super) fn new(wires: Wires, seed: u64) -> Arc<Self> {
        Arc::new(Self { wires: Mutex::new(wires), chance: Mutex::new(Chance::new(seed)) })
    }

    fn below(&self, n: u64) -> u64 {
        self.chance.lock().unwrap().below(n)
    }

    async fn strike(&self) -> Luck {
        let wires = *self.wires.lock().unwrap();
        let (draw, long) = (self.below(1000), self.below(1000));
        if long < wires.frozen {
            tokio::time::sleep(Duration::from_secs(self.below(600))).await;
        } else if long < wires.frozen + wires.slow {
            tokio::time::sleep(Duration::from_millis(self.below(300))).await;
        } else {
            tokio::time::sleep(Duration::from_millis(1 + self.below(4))).await;
        }
        if draw < wires.before {
            Luck::Before
        } else if draw < wires.before + wires.after {
            Luck::After
        } else {
            Luck::Good
        }
    }
}

fn broken() -> StoreError {
    StoreError::Unavailable("the wire broke".to_owned())
}

/// A table at the end of such a wire. It keeps the caller's time, not the time of arrival: a process
/// that stands still does so with the time in its hand.
#[derive(Debug)]
pub(super) struct Wired<T: ?Sized> {
    pub(super) inner: Arc<T>,
    pub(super) trouble: Arc<Trouble>,
}

#[async_trait]
impl Table for Wired<dyn Table> {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Row>, StoreError> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.get(key, now).await,
            Luck::Before | Luck::After => Err(broken()),
        }
    }

    async fn put(&self, row: &Row, expect: Expect, now: Timestamp) -> Result<(), PutError> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.put(row, expect, now).await,
            Luck::Before => Err(broken().into()),
            Luck::After => {
                let _done = self.inner.put(row, expect, now).await;
                Err(broken().into())
            }
        }
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.list(partition, prefix, after, limit, now).await,
            Luck::Before | Luck::After => Err(broken()),
        }
    }

    async fn list_index(
        &self,
        partition: &str,
        after: Option<&str>,
        descending: bool,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        self.inner.list_index(partition, after, descending, limit, now).await
    }

    async fn add_if_below(
        &self,
        key: &Key,
        amount: u64,
        limit: u64,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<u64, AddError> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.add_if_below(key, amount, limit, expires, now).await,
            Luck::Before => Err(broken().into()),
            Luck::After => {
                let _done = self.inner.add_if_below(key, amount, limit, expires, now).await;
                Err(broken().into())
            }
        }
    }

    async fn remove(&self, key: &Key, now: Timestamp) -> Result<(), StoreError> {
        self.inner.remove(key, now).await
    }
}

#[async_trait]
impl Queue for Wired<dyn Queue> {
    async fn send(&self, messages: &[Message], now: Timestamp) -> Vec<Result<(), StoreError>> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.send(messages, now).await,
            Luck::Before => vec![Err(broken()); messages.len()],
            Luck::After => {
                let _done = self.inner.send(messages, now).await;
                vec![Err(broken()); messages.len()]
            }
        }
    }

    async fn receive(
        &self,
        max: usize,
        lease: Duration,
        wait: Duration,
        now: Timestamp,
    ) -> Result<Vec<Leased>, StoreError> {
        match self.trouble.strike().await {
            Luck::Good => {}
            Luck::Before => return Err(broken()),
            Luck::After => {
                let _lost = self.inner.receive(max, lease, Duration::ZERO, now).await;
                return Err(broken());
            }
        }
        let leased = self.inner.receive(max, lease, wait, now).await?;
        let twice = self.trouble.wires.lock().unwrap().twice;
        if self.trouble.below(1000) < twice {
            let again: Vec<_> = leased.iter().rev().map(|m| (m.handle.clone(), Duration::ZERO)).collect();
            self.inner.change_visibility(&again, now).await;
        }
        Ok(leased)
    }

    async fn delete(&self, handles: &[Handle], now: Timestamp) -> Vec<Result<(), StoreError>> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.delete(handles, now).await,
            Luck::Before => vec![Err(broken()); handles.len()],
            Luck::After => {
                let _done = self.inner.delete(handles, now).await;
                vec![Err(broken()); handles.len()]
            }
        }
    }

    async fn change_visibility(
        &self,
        entries: &[(Handle, Duration)],
        now: Timestamp,
    ) -> Vec<Result<(), StoreError>> {
        match self.trouble.strike().await {
            Luck::Good => self.inner.change_visibility(entries, now).await,
            Luck::Before | Luck::After => vec![Err(broken()); entries.len()],
        }
    }

    async fn depth(&self, now: Timestamp) -> Result<Depth, StoreError> {
        self.inner.depth(now).await
    }
}
