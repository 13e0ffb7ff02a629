//! A write on its way: what lies in the queue between acceptance and its outcome.
//!
//! What it is: the [`Envelope`], its identity ([`WriteId`]), its references to other writes
//! ([`refs`]), and the way between envelope and text.
//! What it never does: send, keep or look up anything.
//! Who calls it: [`crate::write`] makes envelopes, [`crate::worker`] opens them, [`crate::replay`]
//! edits them.
//!
//! Its laws:
//! * The same call makes the same id: a repeat by Amazon Connect is the same write.
//! * A text that is no envelope is [`Undecodable`], never a panic, and its message holds no value.
//! * An envelope of a newer version is recognised as such, so that it can wait for a newer worker.
//! * Fields that this version does not know survive being read and written.

pub mod id;
pub mod refs;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{Contact, Write, is_record_id};
use crate::time::Timestamp;

pub use id::WriteId;

/// The version that this build writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// The longest text of an envelope; beside it stand the queue's own 256 KiB.
pub const MAX_BYTES: usize = 64 * 1024;

/// One accepted write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
pub struct Envelope {
    /// The version of this form.
    pub v: u32,
    /// The write's identity.
    pub id: WriteId,
    /// 1 at acceptance; every replay adds one, so that the queue's memory of ids does not drop it.
    pub generation: u32,
    /// The host of `SF_HOST`: a worker sends only envelopes of its own organisation.
    pub org: String,
    /// Whose order is kept: the contact's chain, in the form that a queue's group may have.
    pub group: String,
    /// The contact, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// What shall change. Names are bound: only tickets are left in it.
    pub write: Write,
    /// The writes whose tickets stand in `write`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<WriteId>,
    /// Names that could not be bound when the write was accepted, because the state table was down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unbound: Vec<String>,
    /// `tl_ref`: the name by which later writes may refer to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `tl_attribute`: the contact attribute that receives the real Id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The canonical hash of the parameters: the same key with another hash is a mistake.
    pub hash: String,
    /// Somebody waits for the outcome: it travels with the next call.
    #[serde(default)]
    pub flush: bool,
    /// When the write was accepted.
    pub accepted_at: Timestamp,
    /// W3C trace context of the accepting call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What a newer writer of this version added.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Envelope {
    /// The text for the queue.
    ///
    /// # Errors
    /// [`TooLarge`] beyond [`MAX_BYTES`].
    pub fn encode(&self) -> Result<String, TooLarge> {
        // Serialising plain data with text keys cannot fail.
        let text = serde_json::to_string(self).unwrap_or_default();
        if text.len() > MAX_BYTES { Err(TooLarge { bytes: text.len() }) } else { Ok(text) }
    }

    /// The envelope of a text.
    ///
    /// # Errors
    /// [`Undecodable`]: of a newer version, or no envelope.
    pub fn decode(text: &str) -> Result<Self, Undecodable> {
        match serde_json::from_str::<Self>(text) {
            Ok(envelope) if envelope.v == VERSION => Ok(envelope),
            Ok(envelope) => Err(Undecodable::of_version(envelope.v)),
            Err(error) => Err(Undecodable::explain(text, &error)),
        }
    }

    /// What the queue recognises a repeated send by: the same for every send of one generation.
    #[must_use]
    pub fn deduplication_id(&self) -> String {
        format!("{}:{}", self.id, self.generation)
    }

    /// The API name of the object that changes; Chatter's are `FeedItem` and `FeedComment`.
    #[must_use]
    pub fn object(&self) -> &str {
        object_of(&self.write)
    }

    /// The Id (or ticket) of the record that changes, where the write names one: the value of an external
    /// id is none, and may be a customer's.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        match &self.write {
            Write::Update { id, .. } | Write::Delete { id, .. } => {
                (is_record_id(id) || id.parse::<WriteId>().is_ok()).then_some(id)
            }
            Write::Create { .. } | Write::Upsert { .. } | Write::Post { .. } | Write::Comment { .. } => None,
        }
    }

    /// The verb, in one word.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match &self.write {
            Write::Create { .. } => "create",
            Write::Update { .. } => "update",
            Write::Delete { .. } => "delete",
            Write::Upsert { .. } => "upsert",
            Write::Post { .. } => "post",
            Write::Comment { .. } => "comment",
        }
    }
}

/// The API name of the object that a write changes.
#[must_use]
pub fn object_of(write: &Write) -> &str {
    match write {
        Write::Create { object, .. }
        | Write::Update { object, .. }
        | Write::Delete { object, .. }
        | Write::Upsert { object, .. } => object,
        Write::Post { .. } => "FeedItem",
        Write::Comment { .. } => "FeedComment",
    }
}

/// What law R8 knows a record by, where the write names one that a late attempt could overwrite. It
/// becomes part of a row's key: the value of an external id, which may be a customer's, is hashed.
#[must_use]
pub fn overwritten(write: &Write) -> Option<String> {
    match write {
        Write::Update { id, .. } | Write::Delete { id, .. } if is_record_id(id) => Some(id.clone()),
        // Salesforce takes `Contact/Number__c` where an object stands, and then the value for an Id.
        Write::Update { object, id, .. } | Write::Delete { object, id } => {
            let (object, field) = object.split_once('/').unwrap_or((object, "Id"));
            Some(id::upsert_key(object, field, id))
        }
        Write::Upsert { object, external_field, external_id, .. } => {
            Some(id::upsert_key(object, external_field, external_id))
        }
        Write::Create { .. } | Write::Post { .. } | Write::Comment { .. } => None,
    }
}

/// The write's text passes [`MAX_BYTES`]; nothing was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the write is {bytes} bytes long and at most {MAX_BYTES} are accepted: shorten its longest field, or put \
     the text into a file record"
)]
pub struct TooLarge {
    /// How long it is.
    pub bytes: usize,
}

/// Why a text is no envelope that this build can open. The messages hold no value of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// Of a newer version: a newer worker will understand it, so it is postponed, not buried.
    #[error("the envelope has version {0} and this worker reads up to {VERSION}: deploy the newer worker")]
    Newer(u32),
    /// Cut, or never an envelope.
    #[error("the message is no envelope: {0}")]
    Malformed(String),
}

impl Undecodable {
    fn of_version(v: u32) -> Self {
        if v > VERSION { Self::Newer(v) } else { Self::Malformed(format!("there is no version {v}")) }
    }

    fn explain(text: &str, error: &serde_json::Error) -> Self {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        match serde_json::from_str::<Version>(text) {
            Ok(Version { v }) if v != VERSION => Self::of_version(v),
            // serde's own words may quote a value; where it stopped says enough.
            _ => Self::Malformed(format!(
                "{} at line {} column {}",
                match error.classify() {
                    serde_json::error::Category::Eof => "it is cut short",
                    serde_json::error::Category::Syntax => "it is no JSON",
                    serde_json::error::Category::Data | serde_json::error::Category::Io =>
                        "a field is missing or of the wrong type",
                },
                error.line(),
                error.column()
            )),
        }
    }
}

/// The JSON Schema of version 1, as `schemas/envelope.json` holds it.
#[cfg(feature = "local")]
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Envelope).to_value()
}

#[cfg(test)]
mod tests;
