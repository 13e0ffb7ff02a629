//! A contact-flow event on its way in, an answer on its way out.
//!
//! What it is: the door's grammar. Bytes of an Amazon Connect event become an [`Invocation`], typed
//! and checked once; an answer becomes the flat reply that a contact flow reads.
//! What it never does: call anything, or know what time it is (dates such as `2d | date` are
//! computed from a `now` that is handed in).
//! Who calls it: [`crate::lambda`], whichever way an event came. The words ([`Read`], [`Write`],
//! [`Contact`]) are every path's.

mod arguments;
mod control;
mod dates;
mod flat;
mod parse;
pub mod reply;
mod template;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use parse::{contact, operation, parse};

use crate::phone::Region;

/// Amazon Connect's `Details.ContactData`, as far as it is needed. Every part may be missing in
/// the event; without a contact id there is no contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
pub struct Contact {
    /// `ContactId`, in whatever case its key was spelled.
    pub contact_id: String,
    /// `InitialContactId`: the first contact of the chain that transfers make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_contact_id: Option<String>,
    /// `InstanceARN`, needed to write a contact attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_arn: Option<String>,
}

impl Contact {
    /// What order, tickets and duplicates are kept by: the chain of transfers, not one link of it.
    #[must_use]
    pub fn group(&self) -> &str {
        self.initial_contact_id.as_deref().unwrap_or(&self.contact_id)
    }
}

/// What the configuration decides about the reading of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What objects of the adapter's package begin with: empty, or `amazonconnect__`.
    pub namespace: String,
    /// The country of phone numbers that come without `+` (`TIELINE_DEFAULT_REGION`).
    pub region: Option<Region>,
    /// Whether what replaces text outside of quotes must be one simple thing
    /// (`TIELINE_BARE_REPLACEMENT=strict`), or may be a whole clause as upstream allows.
    pub strict: bool,
    /// What a lookup gives that matches several records (`TIELINE_MATCHES`).
    pub matches: Matches,
}

/// What `lookup` and `phoneLookup` give where several records match. `sf_count` tells it always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matches {
    /// The first one, in Salesforce's order, as upstream.
    #[default]
    First,
    /// No fields: rather a stranger than somebody else.
    None,
    /// The one that was changed last.
    MostRecent,
}

/// Whether a field is among these, `Contact.Passport__c` or `Pin__c` of any object; names are the same
/// in any case. Of an object that is not known any may be meant.
#[must_use]
pub fn is_named(names: &[String], object: Option<&str>, field: &str) -> bool {
    names.iter().any(|name| match name.split_once('.') {
        Some((of, name)) => {
            name.eq_ignore_ascii_case(field) && object.is_none_or(|object| of.eq_ignore_ascii_case(object))
        }
        None => name.eq_ignore_ascii_case(field),
    })
}

/// Whether a text has the form of a record's Id. An upsert in upstream's way names its record by a value
/// of the customer's instead, which may be a phone number.
#[must_use]
pub fn is_record_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Why an event is not carried out: an error of the contact flow, not of anything behind it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// `errorType` of the Lambda error.
    pub kind: &'static str,
    /// `errorMessage`: upstream's text where it has one, then what to change. It names parameters
    /// and never tells what they hold.
    pub message: String,
}

impl Refusal {
    /// A parameter that must be there is not.
    fn missing(message: String) -> Self {
        Self { kind: "MissingParameter", message }
    }

    /// A parameter holds what cannot be used.
    fn invalid(message: String) -> Self {
        Self { kind: "InvalidParameter", message }
    }

    /// The event is none of a contact flow.
    fn event(message: &str) -> Self {
        Self { kind: "InvalidEvent", message: message.to_owned() }
    }
}

/// One event, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The contact, where the event names one.
    pub contact: Option<Contact>,
    /// The parameters as they came, in their order, without the `tl_` ones: what the identity of a
    /// write is computed from (dates are not yet resolved here).
    pub parameters: Map<String, Value>,
    /// The `tl_` parameters.
    pub control: Control,
    /// What is asked.
    pub request: Request,
}

/// What a contact flow can ask.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Answered now.
    Read(Read),
    /// Accepted now, or carried out now.
    Write(Write),
    /// What became of a write.
    Outcome(OutcomeQuery),
    /// The build and the configuration in force.
    Version,
}

/// A question to Salesforce. Queries are complete here: quoted, escaped, replaced.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// Known to match nobody (blank or withheld caller id, a pattern of wildcards): no call.
    Nobody {
        /// The form of the empty reply.
        shape: Shape,
    },
    /// SOQL for `/query`.
    Query {
        /// The statement.
        soql: String,
        /// The form of the reply.
        shape: Shape,
    },
    /// SOSL for `/search`.
    Search {
        /// The statement.
        sosl: String,
        /// The form of the reply.
        shape: Shape,
    },
    /// A body for `/parameterizedSearch`.
    ParameterizedSearch {
        /// The body, as upstream sends it.
        body: Value,
        /// The form of the reply.
        shape: Shape,
    },
}

/// The three forms of an upstream reply to a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `lookup`, `phoneLookup`: the fields of the first record, and `sf_count`.
    First,
    /// `queryOne`, `searchOne`, `searchOneSOSL`: fields only when exactly one matched.
    Only,
    /// `lookup_all`, `query`, `search`, `searchSOSL`: `sf_records_<i>_<Field>`, and `sf_count`.
    All,
}

impl Shape {
    /// Whether the reply shows more than the first record, so that further pages are worth a call.
    #[must_use]
    pub const fn shows_all(self) -> bool {
        matches!(self, Self::All)
    }
}

/// What a read found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The records, as Salesforce gave them.
    pub records: Vec<Map<String, Value>>,
    /// How many matched, those not fetched included (`totalSize`).
    pub total: u64,
}

/// What a write did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Written {
    /// A record, a post or a comment was made.
    Created {
        /// Its Id.
        id: String,
    },
    /// A record known by an external id was created or updated.
    Upserted {
        /// Its Id.
        id: String,
        /// Whether it is new.
        created: bool,
    },
    /// A record was updated.
    Updated {
        /// The HTTP status, 204; upstream's reply shows it.
        status: u16,
    },
    /// A record was deleted.
    Deleted,
}

/// One change of one thing in Salesforce. Templates are filled and dates resolved; ids and texts
/// may still hold tickets (`tl-…`) and references (`@{name.Id}`), which [`crate::envelope`] binds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Write {
    /// A new record.
    Create {
        /// The object's API name.
        object: String,
        /// Its fields.
        fields: Map<String, Value>,
    },
    /// Fields of a record that exists.
    Update {
        /// The object's API name.
        object: String,
        /// The record's Id.
        id: String,
        /// The fields to set.
        fields: Map<String, Value>,
    },
    /// A record that shall be gone.
    Delete {
        /// The object's API name.
        object: String,
        /// The record's Id.
        id: String,
    },
    /// A record known by an external id: created or updated.
    Upsert {
        /// The object's API name.
        object: String,
        /// The external id field.
        external_field: String,
        /// Its value.
        external_id: String,
        /// The fields to set.
        fields: Map<String, Value>,
    },
    /// A Chatter post (`createChatterPost`).
    Post {
        /// `sf_feedElementType`, as given.
        element_type: String,
        /// `sf_subjectId`.
        subject_id: String,
        /// `sf_messageType`, as given.
        message_type: String,
        /// The message, its `{{ }}` filled.
        text: String,
        /// `sf_mention`: the user whom the post mentions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mention: Option<String>,
    },
    /// A Chatter comment (`createChatterComment`).
    Comment {
        /// `sf_feedElementId`.
        element_id: String,
        /// `sf_commentType`, as given.
        comment_type: String,
        /// The comment, its `{{ }}` filled.
        text: String,
    },
}

impl Write {
    /// The record of which somebody may hold an older copy once this was done: not one that it made.
    #[must_use]
    pub fn changed<'w>(&'w self, done: &'w Written) -> Option<&'w str> {
        match (self, done) {
            (Self::Update { id, .. } | Self::Delete { id, .. }, _) | (_, Written::Upserted { id, .. }) => {
                is_record_id(id).then_some(id)
            }
            _ => None,
        }
    }
}

/// Which write an `outcome` call asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeQuery {
    /// `tl_id`.
    Id(String),
    /// `tl_ref`.
    Name(String),
    /// Neither: the latest of this contact.
    Latest,
}

/// The control parameters (`tl_…`), checked. `None` means: as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Whether the call carried any `tl_` parameter: then the reply may hold `tl_` keys.
    pub given: bool,
    /// `tl_mode`.
    pub mode: Option<Mode>,
    /// `tl_wait_ms`.
    pub wait: Option<Duration>,
    /// `tl_key`.
    pub key: Option<String>,
    /// `tl_ref`.
    pub name: Option<String>,
    /// `tl_attribute`.
    pub attribute: Option<String>,
    /// `tl_deadline_ms`.
    pub deadline: Option<Duration>,
    /// `tl_cache`.
    pub cache: Option<CacheControl>,
    /// `tl_on_error`.
    pub on_error: Option<OnError>,
    /// `tl_format`.
    pub format: Option<Format>,
}

/// How a write is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Accepted, then waited for.
    Wait,
    /// Accepted.
    Queue,
    /// Carried out before the reply.
    Sync,
}

/// What a read accepts from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheControl {
    /// Neither read nor kept.
    NoStore,
    /// Nothing older than this.
    MaxAge(Duration),
    /// No call to Salesforce at all.
    OnlyIfCached,
}

/// What a rejected call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// A Lambda function error, as upstream.
    Raise,
    /// A reply with `tl_status: failed`.
    Reply,
}

/// How a reply is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON types as upstream gives them.
    Native,
    /// Every value text, nulls left out, dots in keys as `_`.
    String,
    /// Records as a nested list, `sf_count` as text.
    Json,
}
