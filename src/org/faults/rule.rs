//! One rule: the words in which it is told, and what they mean.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::org::limits::Exceeded;
use crate::org::wire::Method;
use crate::time::Timestamp;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Strike {
    /// The call does nothing and is answered with this status; `code` and `message` make the body
    /// where `body` does not.
    Status(u16),
    /// The answer comes this much later, plus up to `jitter`.
    Latency(Duration),
    /// The connection ends before the call took effect.
    CutBefore,
    /// The call takes effect; the connection ends before the answer.
    CutAfter,
    /// The connection ends at once; the effect takes place this much later.
    Late(Duration),
    /// The record is locked by somebody else.
    Lock,
    /// The record is refused with this code.
    Record(&'static str),
    /// The session has expired and stays so.
    Session,
    /// This limit is reached.
    Limit(Exceeded),
}

/// One rule, in the words in which it is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `status=503`, `latency=300ms`, `cut=before`, `cut=after`, `late=5s`, `lock`, `record=CODE`,
    /// `session`, `limit=daily`, `limit=concurrent` or `limit=chatter`.
    #[serde(rename = "do")]
    pub action: String,
    /// Only calls whose path contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only calls by this verb.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only calls (or records) of this object: named in the path, or anywhere in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The share of matching calls, 0 to 1; all of them where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// The rule ends after striking this often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The first so many matching calls are spared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<u64>,
    /// Begins this long after it was given (`10s`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Ends this long after it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// For `latency`: up to this much more, drawn evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<String>,
    /// For `status` and `record`: the error's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// For `status` and `record`: the error's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// For `status`: the whole body instead, as it stands; HTML where it begins with `<`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Rule {
    /// Reads the one-line form. Values hold no comma; what needs one is told as JSON.
    ///
    /// # Errors
    /// A sentence that names the word at fault and what may stand there.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut parts = line.split(',').map(str::trim);
        let mut map = Map::new();
        map.insert("do".to_owned(), Value::from(parts.next().unwrap_or_default()));
        for part in parts.filter(|p| !p.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}` of the fault `{line}` needs a value: `{part}=…`"))?;
            let value = match name {
                "share" => value.parse::<f64>().map(Value::from).map_err(|e| e.to_string()),
                "count" | "skip" => value.parse::<u64>().map(Value::from).map_err(|e| e.to_string()),
                _ => Ok(Value::from(value)),
            };
            map.insert(name.to_owned(), value.map_err(|e| format!("`{part}` of the fault `{line}`: {e}"))?);
        }
        let rule: Self = serde_json::from_value(Value::Object(map))
            .map_err(|e| format!("the fault `{line}` cannot be read: {e}"))?;
        rule.compile(Timestamp::EPOCH)?;
        Ok(rule)
    }

    pub(super) fn compile(&self, now: Timestamp) -> Result<Compiled, String> {
        let at = |text: &Option<String>| text.as_deref().map(duration).transpose();
        if self.share.is_some_and(|s| !(0.0..=1.0).contains(&s)) {
            return Err("`share` is a number from 0 to 1".to_owned());
        }
        let method = match self.method.as_deref().map(str::to_ascii_uppercase).as_deref().map(Method::parse) {
            Some(Method::Other) => return Err("`method` is GET, POST, PATCH, PUT, DELETE or HEAD".to_owned()),
            method => method,
        };
        Ok(Compiled {
            strike: self.strike()?,
            method,
            jitter: at(&self.jitter)?.unwrap_or_default(),
            from: now.plus(at(&self.from)?.unwrap_or_default()),
            until: at(&self.until)?.map(|d| now.plus(d)),
        })
    }

    fn strike(&self) -> Result<Strike, String> {
        let (kind, value) = self.action.split_once('=').unwrap_or((self.action.as_str(), ""));
        Ok(match (kind, value) {
            ("status", status) => match status.parse() {
                Ok(status @ 200..=599) => Strike::Status(status),
                _ => return Err(format!("`status={status}` is not an HTTP status from 200 to 599")),
            },
            ("latency", time) => Strike::Latency(duration(time)?),
            ("cut", "before") => Strike::CutBefore,
            ("cut", "after") => Strike::CutAfter,
            ("late", time) => Strike::Late(duration(time)?),
            ("lock", "") => Strike::Lock,
            ("record", code) => match RECORD_CODES.iter().find(|known| **known == code) {
                Some(known) => Strike::Record(known),
                None => {
                    return Err(format!(
                        "`{code}` is no code of a record; there are {}",
                        RECORD_CODES.join(", ")
                    ));
                }
            },
            ("session", "") => Strike::Session,
            ("limit", "daily") => Strike::Limit(Exceeded::Daily),
            ("limit", "concurrent") => Strike::Limit(Exceeded::Concurrent),
            ("limit", "chatter") => Strike::Limit(Exceeded::Chatter),
            _ => {
                return Err(format!(
                    "`{}` is no fault; there are status=N, latency=TIME, cut=before, cut=after, late=TIME, \
                     lock, record=CODE, session, limit=daily, limit=concurrent, limit=chatter",
                    self.action
                ));
            }
        })
    }
}

/// The codes with which a rule may refuse a record.
const RECORD_CODES: &[&str] = &[
    "UNABLE_TO_LOCK_ROW",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "DUPLICATE_VALUE",
    "DUPLICATES_DETECTED",
    "REQUIRED_FIELD_MISSING",
    "STRING_TOO_LONG",
    "INVALID_FIELD",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "INVALID_EMAIL_ADDRESS",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "INVALID_CROSS_REFERENCE_KEY",
    "FIELD_INTEGRITY_EXCEPTION",
    "ENTITY_IS_DELETED",
    "NOT_FOUND",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "STORAGE_LIMIT_EXCEEDED",
    "UNKNOWN_EXCEPTION",
    "SERVER_UNAVAILABLE",
    "LIMIT_EXCEEDED",
];

/// The status of a call that did nothing but fail with this code.
#[must_use]
pub fn status_of(code: &str) -> u16 {
    match code {
        "ENTITY_IS_DELETED" | "NOT_FOUND" => 404,
        "INSUFFICIENT_ACCESS_OR_READONLY" | "STORAGE_LIMIT_EXCEEDED" => 403,
        "UNKNOWN_EXCEPTION" => 500,
        "SERVER_UNAVAILABLE" => 503,
        _ => 400,
    }
}

/// Reads `300`, `300ms`, `5s`, `2m`, `1h`: a bare number is milliseconds.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let factor = match unit {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    match number.parse::<u64>() {
        Ok(n) if factor > 0 => Ok(Duration::from_millis(n.saturating_mul(factor))),
        _ => Err(format!("`{text}` is no time; write 300ms, 5s, 2m or 1h")),
    }
}

/// A rule whose words are understood.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    pub(super) strike: Strike,
    pub(super) method: Option<Method>,
    pub(super) jitter: Duration,
    pub(super) from: Timestamp,
    pub(super) until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_the_same_as_json() {
        let line = Rule::parse("status=503,path=/composite,share=0.2,count=5").unwrap();
        let json =
            serde_json::from_str(r#"{"do":"status=503","path":"/composite","share":0.2,"count":5}"#).unwrap();
        assert_eq!(line, json);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (line, part) in [
            ("stat=5", "stat=5"),
            ("status=99", "status=99"),
            ("latency=soon", "soon"),
            ("lock,share=2", "share"),
            ("record=OOPS", "OOPS"),
            ("lock,colour=red", "colour"),
            ("lock,count=many", "count=many"),
            ("lock,object", "object"),
            ("session,method=STEAL", "method"),
        ] {
            let told = Rule::parse(line).unwrap_err();
            assert!(told.contains(part), "{line}: {told}");
        }
    }
}
