//! What the org refuses, in Salesforce's own words.

use serde_json::Value;

/// One error as Salesforce tells it.
///
/// Single rows and queries answer an array of `{message, errorCode, fields}` under
/// [`status`](Self::status); collections tell the same as `{statusCode, message, fields}` within a
/// 200. The two shapes are the caller's.
#[derive(Clone, Debug, PartialEq)]
pub struct OrgError {
    /// The HTTP status of a request that did nothing but this.
    pub status: u16,
    /// `errorCode`, or `statusCode` in collections.
    pub code: &'static str,
    /// For people, as Salesforce phrases it.
    pub message: String,
    /// The fields at fault; may be empty.
    pub fields: Vec<String>,
    /// `duplicateResult` of `DUPLICATES_DETECTED`.
    pub duplicates: Option<Box<Value>>,
}

impl OrgError {
    /// An error with status 400 and no fields.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into(), fields: Vec::new(), duplicates: None }
    }

    /// The same with another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same, naming a field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.fields.push(name.into());
        self
    }

    /// There is nothing at this path, or no such record.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new("NOT_FOUND", "The requested resource does not exist").status(404)
    }

    /// The record was there and was deleted.
    #[must_use]
    pub fn deleted() -> Self {
        Self::new("ENTITY_IS_DELETED", "entity is deleted").status(404)
    }

    /// Something broke inside the org (its database refused).
    #[must_use]
    pub fn unexpected(cause: impl std::fmt::Display) -> Self {
        Self::new("UNKNOWN_EXCEPTION", format!("An unexpected error occurred: {cause}")).status(500)
    }
}

impl std::fmt::Display for OrgError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for OrgError {}

impl From<rusqlite::Error> for OrgError {
    fn from(error: rusqlite::Error) -> Self {
        Self::unexpected(error)
    }
}
