//! How outcomes and their companions look in a table.
//!
//! | row | partition | sort | index | ends |
//! |---|---|---|---|---|
//! | outcome | `C#<group>` | `W#<write id>` | `DOUBT` while in doubt | 30 days after success |
//! | dead letter | `C#<group>` | `D#<write id>` | `DEAD` by time | 30 days after it was sent again or discarded |
//! | last implicit write | `C#<group>` | `L` | – | 1 day |
//! | what a person did | `C#<group>`, or `LINE` | `A#<time>#<write id>` | `AUDIT` by time | 400 days |
//! | name (`tl_ref`) | `C#<group>` | `N#<name>` | – | 30 days |
//! | record in doubt (R8) | `C#<group>` | `U#<record id>` | – | when settled |
//! | change stamp (cache table) | `REC#<record id>` | `V` | – | 2 days |

use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::mutants::{self, Mutant};
use super::{Moment, Outcome, Reason, State};
use crate::envelope::{Envelope, WriteId};
use crate::fault::{Class, Fault};
use crate::row::{Key, Row};
use crate::time::Timestamp;

/// How much is kept of a message that is no envelope: even if each of its characters is escaped it fits
/// into a row.
const GARBAGE: usize = 60 * 1024;
const DAY: Duration = Duration::from_secs(86_400);
/// How long a settled outcome is kept: longer than the queue keeps a message.
pub const KEEP: Duration = Duration::from_secs(30 * 86_400);
/// Index partition of dead letters; its sort keys begin with the time.
pub const DEAD_INDEX: &str = "DEAD";
/// Index partition of outcomes in doubt; its sort keys begin with the settle time.
pub const DOUBT_INDEX: &str = "DOUBT";
/// Prefix of the outcomes of a contact.
pub const OUTCOMES: &str = "W#";
/// Prefix of the dead letters of a contact.
pub const DEAD_LETTERS: &str = "D#";

/// A row that its owner cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row {0} holds something that this build cannot read: was it written by a newer one?")]
pub struct Unreadable(pub String);

/// The partition in which everything about a contact's writes is.
#[must_use]
pub fn partition(group: &str) -> String {
    format!("C#{group}")
}

fn key(group: &str, sort: String) -> Key {
    Key { partition: partition(group), sort }
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    // Plain data with text keys: cannot fail.
    serde_json::to_vec(value).unwrap_or_default()
}

fn decode<T: DeserializeOwned>(row: &Row) -> Result<T, Unreadable> {
    serde_json::from_slice(&row.data)
        .map_err(|_| Unreadable(format!("{} {}", row.key.partition, row.key.sort)))
}

/// Sort keys in the order of time: milliseconds with all their digits, then the write.
fn at_and_id(at: Timestamp, id: WriteId) -> String {
    format!("{:015}#{id}", at.as_millis().max(0))
}

impl Outcome {
    /// Where the outcome of a write is.
    #[must_use]
    pub fn key(group: &str, id: WriteId) -> Key {
        key(group, format!("{OUTCOMES}{id}"))
    }

    /// The row of this outcome.
    #[must_use]
    pub fn row(&self) -> Row {
        Row {
            key: Self::key(&self.group, self.id),
            version: self.version,
            data: encode(self),
            index: match self.state {
                State::InDoubt { settle_at } | State::Verifying { settle_at, .. } => {
                    Some((DOUBT_INDEX.to_owned(), at_and_id(settle_at, self.id)))
                }
                _ => None,
            },
            expires: match (&self.state, self.done_at) {
                (State::Succeeded | State::Dead { reason: Reason::Discarded }, Some(at)) => {
                    Some(at.plus(KEEP))
                }
                _ => None,
            },
        }
    }

    /// The outcome in a row.
    ///
    /// # Errors
    /// [`Unreadable`] where a newer build wrote it.
    pub fn from_row(row: &Row) -> Result<Self, Unreadable> {
        decode(row)
    }
}

/// A write that waits for a person, with everything that person needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The write.
    pub id: WriteId,
    /// The contact's chain, or the group of a message that is no envelope.
    pub group: String,
    /// Rises with every change.
    pub version: u64,
    /// Why it is dead.
    pub reason: Reason,
    /// In Salesforce's words or ours.
    pub fault: Fault,
    /// When it died.
    pub failed_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What happened before.
    pub history: Vec<Moment>,
    /// The envelope as JSON; the raw text where it was none.
    pub envelope: Value,
    /// Who changed what and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// One change by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// `edited`, `replayed` or `discarded`, and which fields.
    pub what: String,
}

impl DeadLetter {
    /// The letter of a write that is dead; `None` where it is not.
    #[must_use]
    pub fn of(envelope: &Envelope, dead: &Outcome, now: Timestamp) -> Option<Self> {
        let State::Dead { reason } = dead.state else { return None };
        let fault = dead.fault.clone().unwrap_or_else(|| {
            Fault::new(Class::Unknown, reason.code(), "its workers ended without a result again and again")
        });
        Some(Self {
            id: dead.id,
            group: dead.group.clone(),
            version: 1,
            reason,
            fault,
            failed_at: now,
            attempts: dead.attempts,
            history: dead.history.clone(),
            // Plain data with text keys: cannot fail.
            envelope: serde_json::to_value(envelope).unwrap_or_default(),
            edits: Vec::new(),
        })
    }

    /// The letter of a message that is no envelope.
    #[must_use]
    pub fn of_garbage(group: &str, text: &str, why: &str, now: Timestamp) -> Self {
        let kept = text.get(..text.floor_char_boundary(GARBAGE)).unwrap_or(text);
        let cut = match text.len() - kept.len() {
            0 => String::new(),
            bytes => format!(", and of its {} bytes the last {bytes} are not kept", text.len()),
        };
        let what = format!("the message is no envelope ({why}){cut}; discard it, or find out who sent it");
        Self {
            id: WriteId::of_garbage(text),
            group: group.to_owned(),
            version: 1,
            reason: Reason::Malformed,
            fault: Fault::new(Class::Rejected, Reason::Malformed.code(), what),
            failed_at: now,
            attempts: 0,
            history: Vec::new(),
            envelope: kept.into(),
            edits: Vec::new(),
        }
    }

    /// The same, with what people did to an earlier letter of this write.
    #[must_use]
    pub fn after(self, earlier: Option<Self>) -> Self {
        match earlier {
            Some(earlier) => Self { version: earlier.version + 1, edits: earlier.edits, ..self },
            None => self,
        }
    }

    /// What is left of it once it waits for nobody: who did what to which object, and none of the values.
    #[must_use]
    pub fn emptied(self) -> Self {
        let of = |key: &str| self.envelope.get("write").and_then(|write| write.get(key)).cloned();
        let write: serde_json::Map<_, _> =
            ["operation", "object"].into_iter().filter_map(|key| Some((key.to_owned(), of(key)?))).collect();
        let fault = Fault { message: String::new(), ..self.fault };
        Self { envelope: serde_json::json!({ "write": write }), fault, ..self }
    }

    /// Where the dead letter of a write is.
    #[must_use]
    pub fn key(group: &str, id: WriteId) -> Key {
        key(group, format!("{DEAD_LETTERS}{id}"))
    }

    /// The row of this dead letter, as long as it waits for a person: it does not expire.
    #[must_use]
    pub fn row(&self) -> Row {
        Row {
            key: Self::key(&self.group, self.id),
            version: self.version,
            data: encode(self),
            index: Some((DEAD_INDEX.to_owned(), at_and_id(self.failed_at, self.id))),
            expires: None,
        }
    }

    /// The dead letter in a row.
    ///
    /// # Errors
    /// [`Unreadable`] where a newer build wrote it.
    pub fn from_row(row: &Row) -> Result<Self, Unreadable> {
        decode(row)
    }
}

/// The last write of a contact whose identity was inferred: what a repeat is recognised by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Rises with every write.
    pub version: u64,
    /// The hash of its parameters.
    pub hash: String,
    /// How many implicit writes the contact made.
    pub occurrence: u64,
    /// The write.
    pub id: WriteId,
    /// When it was accepted.
    pub at: Timestamp,
}

impl Last {
    /// Where the last implicit write of a contact is.
    #[must_use]
    pub fn key(group: &str) -> Key {
        key(group, "L".to_owned())
    }

    /// The identity of a write with these parameters: `Err(id)` of the last one if this repeats it,
    /// else the new last.
    ///
    /// It repeats it when the parameters are the same, the window has not passed, and no other write
    /// of the contact came between: `newest_other` is when the contact's newest write beside the
    /// last implicit one was accepted (only needed where the hashes are equal).
    pub fn next(
        last: Option<&Self>,
        (org, group, hash): (&str, &str, &str),
        newest_other: Option<Timestamp>,
        window: Duration,
        now: Timestamp,
    ) -> Result<Self, WriteId> {
        if let Some(last) = last
            && last.hash == hash
            && now.since(last.at) < window
            && newest_other.is_none_or(|other| other <= last.at)
        {
            return Err(last.id);
        }
        let occurrence = match last {
            _ if mutants::is(Mutant::DuplicateRule) => 0,
            Some(last) => last.occurrence + 1,
            // Above anything that an expired row may have counted to.
            None => now.as_millis().max(0).unsigned_abs(),
        };
        Ok(Self {
            version: last.map_or(1, |l| l.version + 1),
            hash: hash.to_owned(),
            occurrence,
            id: WriteId::implicit(org, group, hash, occurrence),
            at: now,
        })
    }

    /// The row of it.
    #[must_use]
    pub fn row(&self, group: &str) -> Row {
        Row {
            key: Self::key(group),
            version: self.version,
            data: encode(self),
            index: None,
            expires: Some(self.at.plus(DAY)),
        }
    }

    /// What a row holds.
    ///
    /// # Errors
    /// [`Unreadable`] where a newer build wrote it.
    pub fn from_row(row: &Row) -> Result<Self, Unreadable> {
        decode(row)
    }
}

/// Which write a name means: the last of the contact that was given it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The write.
    pub id: WriteId,
    /// When it was accepted.
    pub at: Timestamp,
}

impl Name {
    /// Where a name of a contact is.
    #[must_use]
    pub fn key(group: &str, name: &str) -> Key {
        key(group, format!("N#{name}"))
    }

    /// The row of it: the version is the time, so that a later write takes the name over.
    #[must_use]
    pub fn row(&self, group: &str, name: &str) -> Row {
        Row {
            key: Self::key(group, name),
            version: self.at.as_millis().max(0).unsigned_abs(),
            data: encode(self),
            index: None,
            expires: Some(self.at.plus(KEEP)),
        }
    }

    /// What a row holds.
    ///
    /// # Errors
    /// [`Unreadable`] where a newer build wrote it.
    pub fn from_row(row: &Row) -> Result<Self, Unreadable> {
        decode(row)
    }
}

/// A record on which an earlier attempt may still land (R8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsettled {
    /// The update in doubt.
    pub id: WriteId,
    /// Until when.
    pub until: Timestamp,
}

impl Unsettled {
    /// Where it is noted.
    #[must_use]
    pub fn key(group: &str, record_id: &str) -> Key {
        key(group, format!("U#{}", same_id(record_id)))
    }

    /// The row of it.
    #[must_use]
    pub fn row(&self, group: &str, record_id: &str) -> Row {
        Row {
            key: Self::key(group, record_id),
            version: self.until.as_millis().max(0).unsigned_abs(),
            data: encode(self),
            index: None,
            expires: Some(self.until),
        }
    }

    /// What a row holds.
    ///
    /// # Errors
    /// [`Unreadable`] where a newer build wrote it.
    pub fn from_row(row: &Row) -> Result<Self, Unreadable> {
        decode(row)
    }
}

/// When a record last changed by our hand: copies fetched before are refused by readers. One of a contact
/// says the same of every record, where no outcome tells what the contact wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// When the change was seen to have succeeded.
    pub at: Timestamp,
}

impl Stamp {
    /// How long one is kept. Older copies may have outlived theirs, and are not believed without one.
    pub const KEPT: Duration = Duration::from_secs(2 * 86_400);

    /// What stands for "some record that this contact wrote".
    #[must_use]
    pub fn of_contact(group: &str) -> String {
        format!("contact {group}")
    }

    /// Where the stamp of a record is, in the cache table.
    #[must_use]
    pub fn key(record_id: &str) -> Key {
        Key { partition: format!("REC#{}", same_id(record_id)), sort: "V".to_owned() }
    }

    /// The row of it.
    #[must_use]
    pub fn row(&self, record_id: &str) -> Row {
        Row {
            key: Self::key(record_id),
            version: self.at.as_millis().max(0).unsigned_abs(),
            data: encode(self),
            index: None,
            expires: Some(self.at.plus(Self::KEPT)),
        }
    }

    /// What a row holds.
    ///
    /// # Errors
    /// [`Unreadable`] where a newer build wrote it.
    pub fn from_row(row: &Row) -> Result<Self, Unreadable> {
        decode(row)
    }
}

/// The part of a Salesforce Id in which its 15- and 18-character spellings agree.
#[must_use]
pub fn same_id(id: &str) -> &str {
    match id.get(..15) {
        Some(short) if id.len() == 18 && id.bytes().all(|b| b.is_ascii_alphanumeric()) => short,
        _ => id,
    }
}
