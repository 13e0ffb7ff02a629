//! What waits for a person: dead letters listed, repaired, sent again or given up; and what else a
//! person does with the record of a contact.
//!
//! What it never does: send to Salesforce (a replay is a new generation in the queue, and the
//! worker's), or change an outcome otherwise than by its law.
//! Who calls it: `tieline dlq`, `outcomes` and `purge`, the console, and the worker's door for what the
//! queue gave up on ([`drain()`]).
//!
//! Its laws:
//! * A replay raises the generation, so that the queue's memory of ids does not drop it.
//! * A replay that was interrupted is finished by running it again: the letter stays listed until
//!   its message is in the queue.
//! * Everything a person does is kept with who, when and what changed ([`Audit`]).
//! * A dead letter is never lost: what is taken from the list is in the queue, done, or discarded.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::envelope::id::group_id;
use crate::envelope::{Envelope, WriteId};
use crate::fault::Fault;
use crate::outcome::rows::{DEAD_INDEX, DEAD_LETTERS, DeadLetter, Edit, KEEP, OUTCOMES, partition};
use crate::outcome::{Illegal, Outcome, Reason};
use crate::salesforce::Client;
use crate::store::{Expect, PutError, Queue, Row, StoreError, Table};
use crate::time::Timestamp;

mod again;
mod audit;
mod drain;
mod edit;
mod purge;
mod superseded;

pub use again::{Options, Verdict, heads};
pub use audit::{Audit, note};
pub use drain::{Drained, drain, take};
pub use edit::Difference;
pub use purge::Purged;

/// How many rows are asked for at once.
const PAGE: usize = 200;

/// The desk of the person in charge.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Outcomes and dead letters.
    pub state: Arc<dyn Table>,
    /// Where a replay goes.
    pub queue: Option<Arc<dyn Queue>>,
    /// Where it is noted which records changed by our hand.
    pub cache: Option<Arc<dyn Table>>,
    /// Asked whether a record changed since; without it our own record of changes must do.
    pub client: Option<Client>,
    /// Who sits at it.
    pub by: String,
}

/// Which dead letters. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// These writes.
    pub ids: BTreeSet<WriteId>,
    /// Of this contact (the first of its chain of transfers).
    pub contact: Option<String>,
    /// Of this object, in any case.
    pub object: Option<String>,
    /// With this code: Salesforce's or the reason's.
    pub code: Option<String>,
    /// Where Salesforce names this field, in any case.
    pub field: Option<String>,
    /// Died at or after this.
    pub since: Option<Timestamp>,
    /// Died before this.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether all of it holds of a letter.
    #[must_use]
    pub fn takes(&self, letter: &DeadLetter) -> bool {
        let same = |wanted: &Option<String>, is: &[&str]| {
            wanted.as_ref().is_none_or(|wanted| is.iter().any(|is| wanted.eq_ignore_ascii_case(is)))
        };
        (self.ids.is_empty() || self.ids.contains(&letter.id))
            && self.contact.as_ref().is_none_or(|contact| group_id(contact) == letter.group)
            && same(&self.object, &[object(letter)])
            && same(&self.code, &[&letter.fault.code, letter.reason.code()])
            && (self.field.is_none() || fields(&letter.fault).iter().any(|field| same(&self.field, &[field])))
            && self.since.is_none_or(|since| letter.failed_at >= since)
            && self.until.is_none_or(|until| letter.failed_at < until)
    }
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// The table or the queue failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else changed it at the same time.
    #[error("{0} was changed by somebody else meanwhile; look at it again")]
    Changed(WriteId),
    /// There is no such dead letter.
    #[error(
        "no dead letter {0} waits: `tieline dlq list` shows those that do, `tieline outcomes CONTACT_ID` what became of the others"
    )]
    NoSuch(WriteId),
    /// What the person wants cannot be done.
    #[error("{0}")]
    Refused(String),
}

impl From<PutError> for DeskError {
    fn from(error: PutError) -> Self {
        match error {
            PutError::Store(error) => Self::Store(error),
            PutError::Conflict(_) => {
                Self::Refused("the row was changed by somebody else meanwhile; look at it again".to_owned())
            }
        }
    }
}

impl From<Illegal> for DeskError {
    fn from(illegal: Illegal) -> Self {
        Self::Refused(format!("it is not waiting for a person any more: {illegal}"))
    }
}

impl Desk {
    /// Dead letters that wait, oldest first, at most `limit` beyond the place that `after` names
    /// (the one given with the page before). Gives where the next page begins, if there is one.
    ///
    /// # Errors
    /// When the table cannot be asked.
    pub async fn list(
        &self,
        filter: &Filter,
        after: Option<String>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<DeadLetter>, Option<String>), DeskError> {
        let mut letters = Vec::new();
        let mut at = after;
        loop {
            let rows = self.page(filter, at.as_deref(), now).await?;
            let whole = rows.len() == PAGE;
            for row in rows {
                at = place(filter, &row);
                // A letter that was sent again is out of the index, and waits for nobody.
                let waits = row.index.is_some();
                if let Some(letter) = DeadLetter::from_row(&row).ok().filter(|l| waits && filter.takes(l)) {
                    letters.push(letter);
                    if letters.len() == limit {
                        return Ok((letters, at));
                    }
                }
            }
            if !whole {
                return Ok((letters, None));
            }
        }
    }

    async fn page(
        &self,
        filter: &Filter,
        after: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        match &filter.contact {
            Some(contact) => {
                self.state.list(&partition(&group_id(contact)), DEAD_LETTERS, after, PAGE, now).await
            }
            None => {
                let since = filter.since.map(|since| format!("{:015}", since.as_millis().max(0)));
                let from = after.map(str::to_owned).or(since);
                self.state.list_index(DEAD_INDEX, from.as_deref(), false, PAGE, now).await
            }
        }
    }

    /// One dead letter, wherever it is.
    ///
    /// # Errors
    /// [`DeskError::NoSuch`].
    pub async fn show(
        &self,
        id: WriteId,
        contact: Option<&str>,
        now: Timestamp,
    ) -> Result<DeadLetter, DeskError> {
        let filter =
            Filter { ids: BTreeSet::from([id]), contact: contact.map(str::to_owned), ..Filter::default() };
        let (letters, _) = self.list(&filter, None, 1, now).await?;
        letters.into_iter().next().ok_or(DeskError::NoSuch(id))
    }

    /// What was done last to a dead letter, also to one that waits no longer; `None` where there is
    /// no such letter.
    ///
    /// # Errors
    /// When the table cannot be asked.
    pub async fn last_edit(
        &self,
        contact: &str,
        id: WriteId,
        now: Timestamp,
    ) -> Result<Option<Edit>, DeskError> {
        let row = self.state.get(&DeadLetter::key(&group_id(contact), id), now).await?;
        Ok(row.and_then(|row| DeadLetter::from_row(&row).ok()?.edits.pop()))
    }

    /// Everything that is recorded of a contact's writes, oldest first, and what people did to them.
    ///
    /// # Errors
    /// When the table cannot be asked.
    pub async fn timeline(
        &self,
        contact: &str,
        now: Timestamp,
    ) -> Result<(Vec<Outcome>, Vec<Audit>), DeskError> {
        let group = group_id(contact);
        let mut outcomes: Vec<_> = self
            .rows(&group, OUTCOMES, now)
            .await?
            .iter()
            .filter_map(|row| Outcome::from_row(row).ok())
            .collect();
        outcomes.sort_by_key(|outcome| (outcome.accepted_at, outcome.id));
        let audits = self.rows(&group, audit::AUDITS, now).await?;
        Ok((outcomes, audits.iter().filter_map(|row| serde_json::from_slice(&row.data).ok()).collect()))
    }

    async fn rows(&self, group: &str, prefix: &str, now: Timestamp) -> Result<Vec<Row>, StoreError> {
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let after = rows.last().map(|row| row.key.sort.clone());
            let page = self.state.list(&partition(group), prefix, after.as_deref(), PAGE, now).await?;
            let whole = page.len() == PAGE;
            rows.extend(page);
            if !whole {
                return Ok(rows);
            }
        }
    }

    /// Gives a dead write up: it will not be sent. Its outcome says so for another thirty days. `why`
    /// may be empty.
    ///
    /// # Errors
    /// When it is dead no longer, or the table failed.
    pub async fn discard(&self, letter: &DeadLetter, why: &str, now: Timestamp) -> Result<(), DeskError> {
        let what = if why.is_empty() { "discarded".to_owned() } else { format!("discarded: {why}") };
        if let Some((outcome, row)) = self.outcome(&letter.group, letter.id, now).await? {
            let discarded = outcome.apply(crate::outcome::Change::Discard, now)?;
            self.state.put(&discarded.row(), Expect::Version(row.version), now).await?;
        }
        self.audit(letter, &what, now).await?;
        self.take_off(letter, &what, now).await
    }

    async fn outcome(
        &self,
        group: &str,
        id: WriteId,
        now: Timestamp,
    ) -> Result<Option<(Outcome, Row)>, StoreError> {
        let row = self.state.get(&Outcome::key(group, id), now).await?;
        Ok(row.and_then(|row| Some((Outcome::from_row(&row).ok()?, row))))
    }

    /// Takes a letter off the list, unless its write died again meanwhile. What was done to it stays known.
    async fn take_off(&self, letter: &DeadLetter, what: &str, now: Timestamp) -> Result<(), DeskError> {
        let mut done = letter.clone().emptied();
        done.version += 1;
        done.edits.push(Edit { at: now, by: self.by.clone(), what: what.to_owned() });
        let row = Row { index: None, expires: Some(now.plus(KEEP)), ..done.row() };
        match self.state.put(&row, Expect::Version(letter.version), now).await {
            Ok(()) | Err(PutError::Conflict(_)) => Ok(()),
            Err(PutError::Store(error)) => Err(error.into()),
        }
    }
}

/// Where a row is in the list that a filter walks.
fn place(filter: &Filter, row: &Row) -> Option<String> {
    match filter.contact {
        Some(_) => Some(row.key.sort.clone()),
        None => row.index.as_ref().map(|(_, sort)| sort.clone()),
    }
}

/// The object of a dead write; empty where its message is no envelope.
#[must_use]
pub fn object(letter: &DeadLetter) -> &str {
    let write = letter.envelope.get("write");
    let of = |key: &str| write.and_then(|write| write.get(key)).and_then(Value::as_str);
    match of("operation") {
        Some("post") => "FeedItem",
        Some("comment") => "FeedComment",
        _ => of("object").unwrap_or_default(),
    }
}

/// The fields that a dead write is about: those that Salesforce names, or the one of which its
/// message says that there is none.
#[must_use]
pub fn fields(fault: &Fault) -> Vec<String> {
    let unknown = || {
        let (_, rest) = fault.message.split_once("No such column '")?;
        let (name, _) = rest.split_once('\'')?;
        Some(vec![name.to_owned()])
    };
    match fault.fields.as_slice() {
        [] => unknown().unwrap_or_default(),
        named => named.to_vec(),
    }
}

/// The envelope of a dead letter.
fn envelope(letter: &DeadLetter) -> Result<Envelope, DeskError> {
    let text = match &letter.envelope {
        Value::String(raw) => raw.clone(),
        value => value.to_string(),
    };
    Envelope::decode(&text).map_err(|error| DeskError::Refused(format!("{}: {error}", letter.id)))
}

/// Whether a letter is dead because of another.
fn depends(letter: &DeadLetter) -> bool {
    letter.reason == Reason::DependencyFailed
}

#[cfg(test)]
#[cfg(feature = "local")]
mod tests;
