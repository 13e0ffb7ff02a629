//! What the resources are given and what they give back, the same for a call of its own and for a
//! subrequest inside a composite.

use std::cell::{Cell, RefCell};

use serde_json::{Map, Value, json};

use crate::org::data::{Context, Fields, Tx};
use crate::org::error::OrgError;
use crate::org::journal::Effect;
use crate::org::schema::Object;
use crate::org::wire::{Method, Request, Response, Target};
use crate::org::{Inner, faults, hold};

/// One question to one resource.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// Path and parameters, from the leading slash of `/services/data`.
    pub(super) target: Target,
    /// `66` of `/v66.0/`.
    pub(super) version: u32,
    pub(super) headers: Headers<'a>,
    /// The JSON body; `None` where there was none.
    pub(super) body: Option<Value>,
}

/// Headers of a call, or the `httpHeaders` of a subrequest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Headers<'a> {
    Call(&'a Request),
    Sub(Option<&'a Map<String, Value>>),
}

impl<'a> Headers<'a> {
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        match self {
            Self::Call(request) => request.header(name),
            Self::Sub(map) => {
                map?.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).and_then(|(_, v)| v.as_str())
            }
        }
    }

    /// `name` of a header like `allowSave=true; includeRecordDetails=false`.
    pub(super) fn option(self, header: &str, name: &str) -> Option<&'a str> {
        self.get(header)?.split([';', ',']).find_map(|part| {
            let (n, v) = part.split_once('=')?;
            n.trim().eq_ignore_ascii_case(name).then_some(v.trim())
        })
    }
}

impl Ask<'_> {
    /// The segments behind `/services/data/vXX.X`.
    pub(super) fn path(&self) -> Vec<&str> {
        self.target.segments.iter().skip(3).map(String::as_str).collect()
    }

    /// `/services/data/v66.0`.
    pub(super) fn root(&self) -> String {
        format!("/services/data/v{}.0", self.version)
    }

    /// The body, which must be an object.
    pub(super) fn object(&self) -> Result<&Map<String, Value>, OrgError> {
        match &self.body {
            Some(Value::Object(map)) => Ok(map),
            Some(Value::Array(_)) => {
                Err(unreadable("Cannot deserialize instance of a record from START_ARRAY value"))
            }
            Some(_) => Err(unreadable("Cannot deserialize instance of a record from VALUE_STRING value")),
            None => Err(OrgError::new(
                "JSON_PARSER_ERROR",
                "The HTTP entity body is required, but this request has no entity body.",
            )),
        }
    }
}

/// The body is JSON of the wrong shape, or none.
pub(super) fn unreadable(message: impl Into<String>) -> OrgError {
    let message = message.into();
    let message = if message.ends_with(']') { message } else { format!("{message} at [line:1, column:1]") };
    OrgError::new("JSON_PARSER_ERROR", message)
}

/// What a resource says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    /// `Null` where there is no body.
    pub(super) body: Value,
}

/// What a resource says, or why it does nothing.
pub(super) type Answer = Result<Said, Refusal>;

/// Why a resource does nothing: at least one error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal(pub(super) Vec<OrgError>);

impl From<OrgError> for Refusal {
    fn from(error: OrgError) -> Self {
        Self(vec![error])
    }
}

impl From<Vec<OrgError>> for Refusal {
    fn from(errors: Vec<OrgError>) -> Self {
        Self(errors)
    }
}

/// The answer to a verb that a resource does not know.
pub(super) fn not_allowed(method: Method, allowed: &str) -> Refusal {
    OrgError::new(
        "METHOD_NOT_ALLOWED",
        format!("HTTP Method '{}' not allowed. Allowed are {allowed}", method.name()),
    )
    .status(405)
    .into()
}

impl Said {
    pub(super) const fn new(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    pub(super) const fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    pub(super) const fn nothing() -> Self {
        Self::new(204, Value::Null)
    }

    /// A resource's error, as the array in which Salesforce tells it.
    pub(super) fn refused(errors: &[OrgError]) -> Self {
        let status = errors.first().map_or(500, |e| e.status);
        Self::new(status, errors.iter().map(|e| told(e, "errorCode")).collect())
    }

    /// The answer as HTTP sends it.
    pub(super) fn response(self) -> Response {
        let mut response = if self.body.is_null() {
            Response::empty(self.status)
        } else {
            Response::json(self.status, &self.body)
        };
        response.headers.extend(self.headers);
        response
    }
}

/// One error; `code` is `errorCode` for resources and `statusCode` for records of collections.
pub(super) fn told(error: &OrgError, code: &str) -> Value {
    let mut out = Map::new();
    if let Some(found) = &error.duplicates {
        // Salesforce has misspelt the key of single records for years.
        let key = if code == "errorCode" { "duplicateResut" } else { "duplicateResult" };
        out.insert(key.to_owned(), found.as_ref().clone());
    }
    out.insert(code.to_owned(), error.code.into());
    out.insert("message".to_owned(), error.message.clone().into());
    if code == "statusCode" || !error.fields.is_empty() {
        out.insert("fields".to_owned(), json!(error.fields));
    }
    Value::Object(out)
}

/// One call of the org, while it is answered.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) org: &'a Inner,
    /// Who asks, and when; subrequests put their own version in.
    pub(super) context: Context,
    /// Whose hour of Chatter it is.
    pub(super) session: &'a str,
    /// `https://…`, for answers that tell whole addresses.
    pub(super) base: &'a str,
    /// What record-level faults look at.
    pub(super) facts: faults::Call<'a>,
    pub(super) strikes: bool,
    /// Inside a composite that holds whole or not at all, so do its collections.
    pub(super) whole: Cell<bool>,
    pub(super) effects: RefCell<Vec<Effect>>,
}

impl Call<'_> {
    /// The context for a question: its version, its headers.
    pub(super) fn context(&self, ask: &Ask<'_>) -> Context {
        Context {
            api_version: ask.version,
            allow_duplicates: ask
                .headers
                .option("sforce-duplicate-rule-header", "allowSave")
                .is_some_and(|v| v.eq_ignore_ascii_case("true")),
            ..self.context.clone()
        }
    }

    /// Runs `work`, which says whether what it did shall stay; else rows and journal are as before.
    pub(super) fn trial<T>(&self, tx: &Tx<'_>, work: impl FnOnce() -> (T, bool)) -> Result<T, OrgError> {
        enum Undone<T> {
            Told(T),
            Broken(OrgError),
        }
        impl<T> From<OrgError> for Undone<T> {
            fn from(error: OrgError) -> Self {
                Self::Broken(error)
            }
        }
        let mark = self.effects.borrow().len();
        let out = tx.attempt(|_| match work() {
            (told, true) => Ok(told),
            (told, false) => Err(Undone::Told(told)),
        });
        match out {
            Ok(told) => Ok(told),
            Err(undone) => {
                self.effects.borrow_mut().truncate(mark);
                match undone {
                    Undone::Told(told) => Ok(told),
                    Undone::Broken(error) => Err(error),
                }
            }
        }
    }

    /// Makes a record, unless a fault rule has a word to say.
    pub(super) fn create(
        &self,
        tx: &Tx<'_>,
        ctx: &Context,
        object: &Object,
        fields: &Fields,
    ) -> Result<String, Vec<OrgError>> {
        self.struck(object)?;
        let id = tx.insert(ctx, &object.name, fields)?;
        self.note("create", object, &id, fields);
        Ok(id)
    }

    /// Changes a record.
    pub(super) fn update(
        &self,
        tx: &Tx<'_>,
        ctx: &Context,
        object: &Object,
        id: &str,
        fields: &Fields,
    ) -> Result<(), Vec<OrgError>> {
        self.struck(object)?;
        tx.update(ctx, &object.name, id, fields)?;
        self.note("update", object, id, fields);
        Ok(())
    }

    /// Deletes a record.
    pub(super) fn delete(
        &self,
        tx: &Tx<'_>,
        ctx: &Context,
        object: &Object,
        id: &str,
    ) -> Result<(), Vec<OrgError>> {
        self.struck(object)?;
        tx.delete(ctx, Some(&object.name), id)?;
        self.note("delete", object, id, &Fields::new());
        Ok(())
    }

    /// Whether a fault rule strikes this record.
    pub(super) fn struck(&self, object: &Object) -> Result<(), Vec<OrgError>> {
        if !self.strikes {
            return Ok(());
        }
        match hold(&self.org.faults).record(&object.name, self.facts, self.context.now) {
            Some((code, message)) => Err(vec![OrgError::new(code, message).status(faults::status_of(code))]),
            None => Ok(()),
        }
    }

    /// Puts an effect down for the journal.
    pub(super) fn note(&self, verb: &'static str, object: &Object, id: &str, fields: &Fields) {
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let key = fields.iter().find_map(|(name, value)| {
            object.field(name).filter(|f| f.unique || f.external_id).and_then(|_| text(value))
        });
        let mut fields = fields.clone();
        fields.shift_remove("attributes");
        let id = crate::org::id::normalise(id).unwrap_or_else(|| id.to_owned());
        self.effects.borrow_mut().push(Effect { verb, object: object.name.clone(), id, key, fields });
    }
}
