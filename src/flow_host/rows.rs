//! Rows of this room: JSON, compressed where it is long, and ids that do not repeat.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::store::StoreError;
use crate::time::Timestamp;

/// Above this many bytes a row is compressed.
const LONG: usize = 4 << 10;
/// The most that a row may unfold to; a flow file and a run with its trace are below.
const MAX_UNFOLDED: u64 = 64 << 20;

/// A value as bytes.
pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let plain = serde_json::to_vec(value).map_err(|e| refused(&e.to_string()))?;
    if plain.len() < LONG {
        return Ok(plain);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&plain).and_then(|()| encoder.finish()).map_err(|e| refused(&e.to_string()))
}

/// Bytes as a value.
pub(super) fn decode<T: DeserializeOwned>(data: &[u8]) -> Result<T, StoreError> {
    let unfolded;
    let plain = if data.starts_with(&[0x1f, 0x8b]) {
        let mut all = Vec::new();
        GzDecoder::new(data).take(MAX_UNFOLDED).read_to_end(&mut all).map_err(|e| refused(&e.to_string()))?;
        unfolded = all;
        &unfolded
    } else {
        data
    };
    serde_json::from_slice(plain).map_err(|e| refused(&e.to_string()))
}

pub(super) fn refused(why: &str) -> StoreError {
    StoreError::Refused(format!("a row of flows cannot be read or written: {why}"))
}

/// An id that whoever knows these makes again.
pub(super) fn derived(kind: &str, since: Timestamp, from: &str) -> String {
    let hash = Sha256::digest(from.as_bytes());
    let half = hash.iter().take(8).fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
    format!("{kind}-{:011x}{half:016x}", since.as_millis())
}

/// Hands out ids: the time, so that they sort, and chance, so that processes do not meet.
#[derive(Debug, Default)]
pub(super) struct Ids(AtomicU64);

impl Ids {
    pub(super) fn next(&self, kind: &str, now: Timestamp) -> String {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let chance = RandomState::new().hash_one((count, now.as_millis()));
        format!("{kind}-{:011x}{chance:016x}", now.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rows_are_folded_and_come_back() {
        let long = "x".repeat(1_000_000);
        let data = encode(&long).unwrap();
        assert!(data.len() < 10_000);
        assert_eq!(decode::<String>(&data).unwrap(), long);
        assert_eq!(decode::<String>(&encode(&"short").unwrap()).unwrap(), "short");
        assert!(decode::<String>(b"{").is_err());
    }

    #[test]
    fn ids_do_not_repeat_and_sort_by_time() {
        let ids = Ids::default();
        let at = Timestamp::from_millis(1_795_170_000_000);
        let (a, b) = (ids.next("run", at), ids.next("run", at));
        assert_ne!(a, b);
        assert!(ids.next("run", at.plus(std::time::Duration::from_millis(1))) > a);
    }
}
