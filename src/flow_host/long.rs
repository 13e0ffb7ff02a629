//! Values that may be longer than a row: files of many thousand actions, runs that hold megabytes.
//!
//! What has no room in its row stands in rows of its own, which are written before the row that
//! names them. They are called by a hash of the whole, so that two who write at once never mix.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::Host;
use super::rows::{decode, encode, refused};
use crate::row::{Key, Row};
use crate::store::{Expect, MAX_ROW, PutError, StoreError};
use crate::time::Timestamp;

/// What a row begins with that only names its parts. No JSON and nothing compressed does.
const NAMED: &str = "parts ";

/// The parts of a long value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    hash: String,
    count: usize,
}

impl Parts {
    /// What a row names; none where the row holds its value itself.
    pub(super) fn named(row: &Row) -> Option<Self> {
        let (hash, count) = std::str::from_utf8(&row.data).ok()?.strip_prefix(NAMED)?.split_once(' ')?;
        Some(Self { hash: hash.to_owned(), count: count.parse().ok()? })
    }

    fn keys(&self, of: &Key) -> impl Iterator<Item = Key> {
        let partition = format!("{}#parts", of.partition);
        let head = format!("{}#{}", of.sort, self.hash);
        (0..self.count)
            .map(move |number| Key { partition: partition.clone(), sort: format!("{head}#{number:04}") })
    }
}

impl Host {
    /// Puts a value into this row, in parts where it is long.
    pub(super) async fn put_long(
        &self,
        mut row: Row,
        value: &impl Serialize,
        expect: Expect,
        now: Timestamp,
    ) -> Result<Option<Parts>, PutError> {
        let whole = encode(value)?;
        if whole.len() <= MAX_ROW {
            row.data = whole;
            return self.0.table.put(&row, expect, now).await.map(|()| None);
        }
        let hash = Sha256::digest(&whole).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let parts = Parts { hash, count: whole.len().div_ceil(MAX_ROW) };
        for (key, part) in parts.keys(&row.key).zip(whole.chunks(MAX_ROW)) {
            let part = Row { key, version: 1, data: part.to_vec(), index: None, expires: row.expires };
            self.0.table.put(&part, Expect::Anything, now).await?;
        }
        row.data = format!("{NAMED}{} {}", parts.hash, parts.count).into_bytes();
        self.0.table.put(&row, expect, now).await.map(|()| Some(parts))
    }

    /// The value of a row, gathered from its parts where it is long.
    pub(super) async fn long<T: DeserializeOwned>(&self, row: &Row, now: Timestamp) -> Result<T, StoreError> {
        let Some(parts) = Parts::named(row) else { return decode(&row.data) };
        let mut whole = Vec::new();
        for key in parts.keys(&row.key) {
            let part = self.0.table.get(&key, now).await?;
            whole.extend(part.ok_or_else(|| refused("a part of it is gone"))?.data);
        }
        decode(&whole)
    }

    /// Takes parts away that no row names any more. Those that stay behind end with their time.
    pub(super) async fn drop_parts(&self, of: &Key, parts: &Parts, now: Timestamp) {
        for key in parts.keys(of) {
            drop(self.0.table.remove(&key, now).await);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::flow_host::Settings;
    use crate::store::sqlite::Sqlite;

    const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);

    /// Text that no compression makes short.
    pub(in crate::flow_host) fn noise(length: usize) -> String {
        let mut state = 1_u64;
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b' ' + u8::try_from((state >> 40) % 90).unwrap())
        };
        (0..length).map(|_| letter()).collect()
    }

    fn row(version: u64) -> Row {
        let key = Key { partition: "p".to_owned(), sort: "s".to_owned() };
        Row { key, version, data: Vec::new(), index: None, expires: None }
    }

    #[tokio::test]
    async fn a_long_value_comes_back_whole_and_its_parts_go_when_nothing_names_them() {
        let table = Sqlite::in_memory().unwrap().table("state");
        let host = Host::new(Settings::default(), table.clone(), None, None);
        for (version, length) in [(1, 10), (2, MAX_ROW), (3, 3 * MAX_ROW)] {
            let value = noise(length);
            let parts = host.put_long(row(version), &value, Expect::Anything, NOW).await.unwrap();
            let stands = table.get(&row(version).key, NOW).await.unwrap().unwrap();
            assert_eq!(parts, Parts::named(&stands));
            assert_eq!(host.long::<String>(&stands, NOW).await.unwrap(), value, "{length}");
            if let Some(parts) = parts {
                let count = async || table.list("p#parts", "", None, 100, NOW).await.unwrap().len();
                assert_eq!((length, count().await), (3 * MAX_ROW, parts.count));
                host.drop_parts(&stands.key, &parts, NOW).await;
                assert_eq!(count().await, 0);
                assert!(host.long::<String>(&stands, NOW).await.is_err(), "a part that is gone is told");
            }
        }
    }

    #[tokio::test]
    async fn of_two_who_write_at_once_the_one_who_lost_changes_nothing() {
        let host = Host::new(Settings::default(), Sqlite::in_memory().unwrap().table("state"), None, None);
        let (first, second) = (noise(2 * MAX_ROW), noise(2 * MAX_ROW + 1));
        host.put_long(row(1), &first, Expect::Absent, NOW).await.unwrap();
        let lost = host.put_long(row(1), &second, Expect::Absent, NOW).await;
        let Err(PutError::Conflict(Some(stands))) = lost else { panic!("{lost:?}") };
        assert_eq!(host.long::<String>(&stands, NOW).await.unwrap(), first);
    }
}
