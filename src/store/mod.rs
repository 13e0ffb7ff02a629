//! What is kept: a queue of messages and a table of rows.
//!
//! Two seams, [`Queue`] and [`Table`], and nothing more: outcomes, tickets, dead letters, cache,
//! token, budget and flows are typed rows over `Table` in the rooms that own them. Two backends,
//! Amazon's (SQS FIFO, DynamoDB) and SQLite; `:memory:` is the fake. One conformance suite runs
//! over both.
//!
//! What it never does: read a clock (every method takes `now`), or know what a row means.
//! Who calls it: the paths, [`crate::salesforce`] for the fleet's token, and the doors, which open a
//! backend. The rules only know how a row looks ([`crate::row`]).
//!
//! Its laws:
//! * A message whose send was answered is not lost before its retention ends.
//! * While a message of a group is leased, or its head is hidden, no message of that group is
//!   delivered; others are.
//! * A deduplication id is remembered for five minutes, also after its message is deleted.
//! * A handle is good until its lease ends; then deleting or extending by it fails.
//! * A put whose expectation does not hold changes nothing and gives back the row that stands.

use std::time::Duration;

use async_trait::async_trait;

use crate::time::Timestamp;

pub use crate::row::{Key, Row};

pub mod aws;
#[cfg(feature = "local")]
pub mod sqlite;

/// How long a deduplication id is remembered. AWS's figure, and not to be changed there.
pub const DEDUPLICATION: Duration = Duration::from_secs(5 * 60);

/// How long a queue keeps a message that nobody deletes: the longest that AWS offers.
pub const RETENTION: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How long a message can be held or hidden, counted from when it was received. AWS's figure.
pub const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);

/// The largest text of a message, in bytes. AWS allows four times as much by now; what is written
/// here passes through queues of every age.
pub const MAX_BODY: usize = 256 * 1024;

/// The largest row, in bytes of data: a row of DynamoDB ends at 400 KB, its keys included.
pub const MAX_ROW: usize = 380 * 1024;

/// A FIFO queue with groups, as SQS keeps one.
#[async_trait]
pub trait Queue: Send + Sync + std::fmt::Debug {
    /// Sends messages (any number; the backend cuts into its batches). One result per message, in order.
    async fn send(&self, messages: &[Message], now: Timestamp) -> Vec<Result<(), StoreError>>;

    /// Leases up to `max` messages for `lease`, waiting up to `wait` for the first. Several of one
    /// group may come together, in their order.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    async fn receive(
        &self,
        max: usize,
        lease: Duration,
        wait: Duration,
        now: Timestamp,
    ) -> Result<Vec<Leased>, StoreError>;

    /// Deletes by handle. One result per handle, in order.
    async fn delete(&self, handles: &[Handle], now: Timestamp) -> Vec<Result<(), StoreError>>;

    /// Makes each lease end `after` from now (zero: deliver again at once; at most
    /// [`MAX_VISIBILITY`] from when the message was received). One result per entry, in order.
    async fn change_visibility(
        &self,
        entries: &[(Handle, Duration)],
        now: Timestamp,
    ) -> Vec<Result<(), StoreError>>;

    /// How much waits.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    async fn depth(&self, now: Timestamp) -> Result<Depth, StoreError>;
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The group whose order is kept.
    pub group: String,
    /// Sends with an id already seen within five minutes are accepted and dropped.
    pub deduplication_id: String,
    /// The text; at most 256 KiB.
    pub body: String,
}

impl Message {
    /// Whether a queue will take it, so that every backend refuses the same ones.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with what is wrong. Rules of SQS: ids of 1 to 128 printable ASCII
    /// characters, a text that is not empty and holds no control characters but tab and line ends.
    pub fn check(&self) -> Result<(), StoreError> {
        let id = |what: &str, text: &str| {
            if (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
                return Ok(());
            }
            Err(StoreError::Refused(format!(
                "the {what} of a message must be 1 to 128 printable ASCII characters; it has {}",
                text.len()
            )))
        };
        id("group", &self.group)?;
        id("deduplication id", &self.deduplication_id)?;
        if self.body.is_empty() || self.body.len() > MAX_BODY {
            return Err(StoreError::Refused(format!(
                "a message holds 1 to {MAX_BODY} bytes; this one has {}",
                self.body.len()
            )));
        }
        let unfit = |c: char| {
            (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}'))
                || matches!(c, '\u{fffe}' | '\u{ffff}')
        };
        if self.body.contains(unfit) {
            return Err(StoreError::Refused(
                "a message may not hold control characters; escape them as JSON does".to_owned(),
            ));
        }
        Ok(())
    }
}

/// A message leased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// Its group.
    pub group: String,
    /// Its text.
    pub body: String,
    /// What to delete or extend it by.
    pub handle: Handle,
    /// How often it was delivered, this time included.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
}

/// A receipt handle: good for one lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handle(pub String);

/// How much waits in a queue (approximate on SQS), and how long it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Waiting to be delivered.
    pub visible: u64,
    /// Leased or hidden.
    pub in_flight: u64,
    /// When the oldest was sent; SQS tells that to CloudWatch alone.
    pub oldest: Option<Timestamp>,
    /// How long a message may wait before the queue drops it.
    pub keeps: Duration,
}

/// A table of versioned rows.
#[async_trait]
pub trait Table: Send + Sync + std::fmt::Debug {
    /// The row, strongly consistent; expired rows are absent.
    ///
    /// # Errors
    /// When the table cannot be asked.
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Row>, StoreError>;

    /// Writes a row if `expect` holds.
    ///
    /// A backend far away repeats a call whose answer was lost; then the row that stands may be the
    /// very row put. A caller to whom that matters compares: rows that one fights for name their
    /// owner.
    ///
    /// # Errors
    /// [`PutError::Conflict`] with the row that stands, where it does not hold.
    async fn put(&self, row: &Row, expect: Expect, now: Timestamp) -> Result<(), PutError>;

    /// Rows of a partition whose sort key begins with `prefix`, in the order of their sort keys,
    /// at most `limit` after `after`.
    ///
    /// # Errors
    /// When the table cannot be asked.
    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError>;

    /// Rows of an index partition, in the order of their index sort keys (descending if asked), at
    /// most `limit` beyond the index sort key `after`, which must be unique within the partition
    /// where one pages. Eventually consistent.
    ///
    /// # Errors
    /// When the table cannot be asked.
    async fn list_index(
        &self,
        partition: &str,
        after: Option<&str>,
        descending: bool,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError>;

    /// Adds `amount` to the counter under `key` if it stays at or below `limit`, and gives the sum.
    /// A counter that is absent or expired is zero; one that begins now expires at `expires`.
    /// Counters are no rows: `get` and the lists pass them over.
    ///
    /// # Errors
    /// [`AddError::Above`] with what the counter holds, where it would pass the limit.
    async fn add_if_below(
        &self,
        key: &Key,
        amount: u64,
        limit: u64,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<u64, AddError>;

    /// Removes a row, whatever its version.
    ///
    /// # Errors
    /// When the table cannot be asked.
    async fn remove(&self, key: &Key, now: Timestamp) -> Result<(), StoreError>;
}

/// Whether a table will take a row, so that every backend refuses the same ones.
fn check_row(row: &Row) -> Result<(), StoreError> {
    if row.data.len() > MAX_ROW {
        return Err(StoreError::Refused(format!(
            "a row holds up to {MAX_ROW} bytes; this one has {}",
            row.data.len()
        )));
    }
    Ok(())
}

/// What must hold for a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// No such row (an expired one does not count).
    Absent,
    /// A row of exactly this version.
    Version(u64),
}

/// The backend could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Slow down: the backend throttles.
    #[error("{0}")]
    Throttled(String),
    /// It cannot be reached, or failed.
    #[error("{0}")]
    Unavailable(String),
    /// It refuses this request, and will refuse it again.
    #[error("{0}")]
    Refused(String),
    /// The handle's lease has ended.
    #[error("the lease of this message has ended; it will be delivered again")]
    HandleExpired,
}

/// Why a put changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// The expectation did not hold; the row that stands (`None`: there is none).
    #[error("the row has changed meanwhile")]
    Conflict(Option<Box<Row>>),
    /// The backend failed; it is unknown whether the row was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a counter was not raised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// It would pass the limit; what it holds.
    #[error("the counter stands at {0}")]
    Above(u64),
    /// The backend failed; it is unknown whether it was raised.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
#[path = "tests/troubled.rs"]
pub(crate) mod troubled;
