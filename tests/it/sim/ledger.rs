//! Who watches: a ledger beside queue, table and org, which holds the laws at every step that any of
//! them takes, and remembers the first that was broken.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tieline::budget::WORKERS;
use tieline::envelope::{Envelope, WriteId};
use tieline::outcome::rows::{DEAD_LETTERS, DeadLetter, OUTCOMES};
use tieline::outcome::{Outcome, Reason, State};
use tieline::store::{
    AddError, Depth, Expect, Handle, Key, Leased, Message, PutError, Queue, Row, StoreError, Table,
};
use tieline::time::Timestamp;
use tokio::sync::Notify;

use super::world::{Ears, Now};

/// What is known to be true.
#[derive(Debug)]
pub(super) struct Ledger {
    ears: Ears,
    /// Writes to the table that keeping the fleet's pace took.
    pub(super) paced: AtomicU64,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    outcomes: BTreeMap<WriteId, Outcome>,
    letters: HashSet<WriteId>,
    effects: Vec<Value>,
    keys: HashSet<String>,
    /// The last value of each record that is updated.
    values: HashMap<String, String>,
    breach: Option<String>,
}

impl Ledger {
    pub(super) fn new(ears: Ears) -> Arc<Self> {
        Arc::new(Self { ears, paced: AtomicU64::new(0), books: Mutex::default() })
    }

    /// The first law that was broken.
    pub(super) fn breach(&self) -> Option<String> {
        let mut books = self.books.lock().unwrap();
        self.listen(&mut books);
        books.breach.clone()
    }

    pub(super) fn outcomes(&self) -> BTreeMap<WriteId, Outcome> {
        self.books.lock().unwrap().outcomes.clone()
    }

    pub(super) fn is_settled(&self, id: WriteId) -> bool {
        self.books.lock().unwrap().outcomes.get(&id).is_some_and(Outcome::is_settled)
    }

    pub(super) fn effects(&self) -> Vec<Value> {
        let mut books = self.books.lock().unwrap();
        self.listen(&mut books);
        books.effects.clone()
    }

    /// I2 and I4: what the org has done since.
    fn listen(&self, books: &mut Books) {
        for effect in self.ears.since(books.effects.len()) {
            let text = |name: &str| effect[name].as_str().unwrap_or_default().to_owned();
            if effect["verb"] == "create" && !text("key").is_empty() && !books.keys.insert(text("key")) {
                books.note(|| format!("I2: the write {} took effect twice", text("key")));
            }
            if effect["verb"] == "update" {
                let value = effect["fields"]["Subject"].as_str().unwrap_or_default().to_owned();
                let before = books.values.insert(text("id"), value.clone());
                if before.as_ref().is_some_and(|before| *before > value) {
                    books.note(|| {
                        format!("I4: the record {} went back from {before:?} to {value}", text("id"))
                    });
                }
            }
            books.effects.push(effect);
        }
    }

    fn written(&self, row: &Row) {
        let mut books = self.books.lock().unwrap();
        // One that waits for nobody any more holds no values.
        if row.key.sort.starts_with(DEAD_LETTERS)
            && row.index.is_some()
            && let Ok(letter) = DeadLetter::from_row(row)
        {
            let whole = letter.envelope["id"] == letter.id.as_str() && !letter.fault.code.is_empty();
            if !whole {
                books.note(|| format!("I6: the letter of {} lacks its write or its reason", letter.id));
            }
            books.letters.insert(letter.id);
        }
        if !row.key.sort.starts_with(OUTCOMES) {
            return;
        }
        let Ok(next) = Outcome::from_row(row) else { return };
        let before = books.outcomes.insert(next.id, next.clone());
        self.listen(&mut books);
        if let Some(before) = &before {
            books.moved(before, &next);
        }
        match &next.state {
            State::Succeeded => books.succeeded(&next),
            State::Dead { reason } => books.died(&next, *reason),
            _ => {}
        }
    }

    fn removed(&self, key: &Key) {
        let mut books = self.books.lock().unwrap();
        books.outcomes.retain(|_, outcome| Outcome::key(&outcome.group, outcome.id) != *key);
    }

    /// I1: no message goes before its outcome is settled.
    fn message_gone(&self, body: &str) {
        let mut books = self.books.lock().unwrap();
        let Ok(envelope) = Envelope::decode(body) else { return };
        let outcome = books.outcomes.get(&envelope.id);
        let done = outcome.is_some_and(|o| o.is_settled() || o.generation > envelope.generation);
        if !done {
            let state = outcome.map(|outcome| outcome.state.clone());
            books.note(|| format!("I1: the message of {} is gone, and it is {state:?}", envelope.id));
        }
    }
}

impl Books {
    fn note(&mut self, what: impl FnOnce() -> String) {
        if self.breach.is_none() {
            self.breach = Some(what());
        }
    }

    /// I7: states move along their graph, numbers rise, a success stays.
    fn moved(&mut self, from: &Outcome, to: &Outcome) {
        use State::{Dead, InDoubt, Pending, Sending, Succeeded, Verifying};
        let lawful = matches!(
            (&from.state, &to.state),
            (Pending { .. }, Sending { .. } | Succeeded | Dead { .. })
                | (Sending { .. }, _)
                | (InDoubt { .. }, Pending { .. } | Succeeded | Dead { .. })
                | (Verifying { .. } | Dead { .. }, Succeeded | Dead { .. })
                | (Dead { .. }, Pending { .. })
                | (Succeeded, Succeeded)
        );
        let claimed = matches!(to.state, Sending { .. });
        let rises = if claimed { to.fence > from.fence } else { to.fence >= from.fence };
        if !lawful || !rises || to.version <= from.version {
            self.note(|| {
                format!(
                    "I7: {} went from {:?} ({}) to {:?} ({})",
                    to.id, from.state, from.fence, to.state, to.fence
                )
            });
        }
    }

    /// I3: what succeeded is there, under the Id that is told.
    fn succeeded(&mut self, outcome: &Outcome) {
        let Some(id) = &outcome.record_id else { return };
        let there = self.effects.iter().any(|effect| {
            let changes = matches!(outcome.verb.as_str(), "update" | "delete");
            same(effect["id"].as_str().unwrap_or_default(), id)
                && (!changes || effect["verb"] == *outcome.verb)
        });
        if !there {
            self.note(|| format!("I3: {} succeeded as {id} without an effect", outcome.id));
        }
        if !outcome.also.is_empty() {
            self.note(|| format!("I2: {} had a second effect", outcome.id));
        }
    }

    /// I3 and I6: what is dead has no effect, or says that nobody knows; and it has its letter.
    fn died(&mut self, outcome: &Outcome, reason: Reason) {
        let honest = matches!(reason, Reason::InDoubt | Reason::Ambiguous);
        if !honest && self.keys.contains(outcome.id.as_str()) {
            self.note(|| format!("I3: {} is dead ({reason:?}) and took effect", outcome.id));
        }
        if !self.letters.contains(&outcome.id) {
            self.note(|| format!("I6: {} is dead ({reason:?}) without a letter", outcome.id));
        }
    }
}

/// Whether two spellings of an Id mean one record.
pub(super) fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && a.get(..15) == b.get(..15)
}

/// A table under the ledger's eyes.
#[derive(Debug)]
pub(super) struct WatchedTable {
    pub(super) inner: Arc<dyn Table>,
    pub(super) ledger: Arc<Ledger>,
}

#[async_trait]
impl Table for WatchedTable {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Row>, StoreError> {
        self.inner.get(key, now).await
    }

    async fn put(&self, row: &Row, expect: Expect, now: Timestamp) -> Result<(), PutError> {
        if row.key.sort.starts_with(WORKERS) {
            self.ledger.paced.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.put(row, expect, now).await?;
        match row.expires {
            // A removal under a condition.
            Some(end) if end <= now => self.ledger.removed(&row.key),
            _ => self.ledger.written(row),
        }
        Ok(())
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        self.inner.list(partition, prefix, after, limit, now).await
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
        self.ledger.paced.fetch_add(1, Ordering::Relaxed);
        self.inner.add_if_below(key, amount, limit, expires, now).await
    }

    async fn remove(&self, key: &Key, now: Timestamp) -> Result<(), StoreError> {
        self.inner.remove(key, now).await?;
        self.ledger.removed(key);
        Ok(())
    }
}

/// A queue under the ledger's eyes. It goes by the time of the world, not by that of its callers, and
/// a request that waits for messages is answered when there are some.
#[derive(Debug)]
pub(super) struct WatchedQueue {
    inner: Arc<dyn Queue>,
    ledger: Arc<Ledger>,
    now: Now,
    rings: Notify,
    /// When hidden messages come back.
    back: Mutex<BTreeSet<Timestamp>>,
    bodies: Mutex<HashMap<Handle, String>>,
}

impl WatchedQueue {
    pub(super) fn new(inner: Arc<dyn Queue>, ledger: Arc<Ledger>, now: Now) -> Self {
        Self { inner, ledger, now, rings: Notify::new(), back: Mutex::default(), bodies: Mutex::default() }
    }

    fn comes_back(&self, after: Duration) {
        self.back.lock().unwrap().insert(self.now.now().plus(after));
        self.rings.notify_waiters();
    }

    fn next_back(&self, now: Timestamp) -> Option<Timestamp> {
        let mut back = self.back.lock().unwrap();
        *back = back.split_off(&now.plus(Duration::from_millis(1)));
        back.first().copied()
    }
}

#[async_trait]
impl Queue for WatchedQueue {
    async fn send(&self, messages: &[Message], _: Timestamp) -> Vec<Result<(), StoreError>> {
        let sent = self.inner.send(messages, self.now.now()).await;
        self.rings.notify_waiters();
        sent
    }

    async fn receive(
        &self,
        max: usize,
        lease: Duration,
        wait: Duration,
        _: Timestamp,
    ) -> Result<Vec<Leased>, StoreError> {
        let until = self.now.now().plus(wait);
        loop {
            let now = self.now.now();
            let got = self.inner.receive(max, lease, Duration::ZERO, now).await?;
            if !got.is_empty() || now >= until {
                let mut bodies = self.bodies.lock().unwrap();
                bodies.extend(got.iter().map(|m| (m.handle.clone(), m.body.clone())));
                if !got.is_empty() {
                    self.comes_back(lease);
                }
                return Ok(got);
            }
            let next = self.next_back(now).map_or(until, |at| at.min(until));
            tokio::select! {
                biased;
                () = self.rings.notified() => {}
                () = tokio::time::sleep(next.since(now)) => {}
            }
        }
    }

    async fn delete(&self, handles: &[Handle], _: Timestamp) -> Vec<Result<(), StoreError>> {
        let deleted = self.inner.delete(handles, self.now.now()).await;
        for (handle, result) in handles.iter().zip(&deleted) {
            let body = self.bodies.lock().unwrap().get(handle).cloned();
            if let (Some(body), Ok(())) = (body, result) {
                self.ledger.message_gone(&body);
            }
        }
        self.rings.notify_waiters();
        deleted
    }

    async fn change_visibility(
        &self,
        entries: &[(Handle, Duration)],
        _: Timestamp,
    ) -> Vec<Result<(), StoreError>> {
        let changed = self.inner.change_visibility(entries, self.now.now()).await;
        entries.iter().for_each(|(_, after)| self.comes_back(*after));
        changed
    }

    async fn depth(&self, _: Timestamp) -> Result<Depth, StoreError> {
        self.inner.depth(self.now.now()).await
    }
}
