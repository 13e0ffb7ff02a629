//! Who did what, and when: kept longer than anything it was done to.
//!
//! What was done to a write lies with its contact, and is forgotten with it; what was done to the
//! line (paused, resumed) or to a CTI Flow lies apart. Both are in one index by time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Desk, DeskError};
use crate::envelope::WriteId;
use crate::outcome::rows::{DeadLetter, partition};
use crate::row::{Key, Row};
use crate::store::{Expect, PutError, StoreError, Table};
use crate::time::Timestamp;

/// How long it is kept what a person did.
const KEEP: Duration = Duration::from_secs(400 * 86_400);
/// Prefix of the rows.
pub(super) const AUDITS: &str = "A#";
/// Index partition of all of them; its sort keys begin with the time.
const INDEX: &str = "AUDIT";
/// Where that is kept which was done to no single write.
const LINE: &str = "LINE";

/// Something that a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// To which write; to the line as a whole where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<WriteId>,
    /// What, and which fields; never what they held.
    pub what: String,
}

impl Desk {
    /// What people did, newest first: each with the contact's chain it was done to. `after` is what
    /// was given with the page before; gives where the next page begins, if there is one.
    ///
    /// # Errors
    /// When the table cannot be asked.
    pub async fn history(
        &self,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<(Option<String>, Audit)>, Option<String>), DeskError> {
        let rows = self.state.list_index(INDEX, after, true, limit, now).await?;
        let last = rows.last().filter(|_| rows.len() == limit);
        let next = last.and_then(|row| row.index.as_ref()).map(|(_, sort)| sort.clone());
        let entry = |row: &Row| {
            let audit: Audit = serde_json::from_slice(&row.data).ok()?;
            let group = row.key.partition.strip_prefix(&partition("")).map(str::to_owned);
            Some((group, audit))
        };
        Ok((rows.iter().filter_map(entry).collect(), next))
    }

    /// Keeps what was done to the line as a whole.
    ///
    /// # Errors
    /// When the table failed.
    pub async fn note(&self, what: &str, now: Timestamp) -> Result<(), DeskError> {
        Ok(note(&*self.state, &self.by, what, now).await?)
    }

    /// Keeps what was done to a write.
    pub(super) async fn audit(
        &self,
        letter: &DeadLetter,
        what: &str,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        let audit = Audit { at: now, by: self.by.clone(), id: Some(letter.id), what: what.to_owned() };
        Ok(keep(&*self.state, partition(&letter.group), &audit).await?)
    }
}

/// Keeps what somebody did to the line as a whole, or to a CTI Flow.
///
/// # Errors
/// When the table failed.
pub async fn note(state: &dyn Table, by: &str, what: &str, now: Timestamp) -> Result<(), StoreError> {
    let audit = Audit { at: now, by: by.to_owned(), id: None, what: what.to_owned() };
    keep(state, LINE.to_owned(), &audit).await
}

async fn keep(state: &dyn Table, partition: String, audit: &Audit) -> Result<(), StoreError> {
    let of = audit.id.map_or_else(|| audit.what.clone(), |id| id.to_string());
    let place = format!("{:015}#{of}", audit.at.as_millis().max(0));
    let row = Row {
        key: Key { partition, sort: format!("{AUDITS}{place}") },
        version: 1,
        // Plain data with text keys: cannot fail.
        data: serde_json::to_vec(audit).unwrap_or_default(),
        index: Some((INDEX.to_owned(), place)),
        expires: Some(audit.at.plus(KEEP)),
    };
    match state.put(&row, Expect::Anything, audit.at).await {
        // Nothing is expected of that place.
        Ok(()) | Err(PutError::Conflict(_)) => Ok(()),
        Err(PutError::Store(error)) => Err(error),
    }
}
