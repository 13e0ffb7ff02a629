//! What a kept row looks like: where it is, its version, its bytes.
//!
//! A word of its own because the rooms of rules encode and decode rows ([`crate::outcome`],
//! [`crate::budget`]) and only the edges ([`crate::store`]) keep them.

use crate::time::Timestamp;

/// Where a row is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Partition key.
    pub partition: String,
    /// Sort key.
    pub sort: String,
}

/// A row: opaque bytes with a version, perhaps an index entry and an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it is.
    pub key: Key,
    /// Given by whoever writes it; strictly rising over the life of a row.
    pub version: u64,
    /// What it says. Only its owner reads it.
    pub data: Vec<u8>,
    /// Index partition and index sort key, for rows that shall be found another way.
    pub index: Option<(String, String)>,
    /// From when on it is absent. Compared in code, never left to the table's own expiry.
    pub expires: Option<Timestamp>,
}
