//! What an answer means. The one place that decides it.
//!
//! A response is *applied* (`Ok`), or a [`Fault`] whose [`Class`] says what may be done next. What
//! decides is Salesforce's code where there is one, else the HTTP status. The rule behind the table:
//! only an answer that proves that nothing was written may be retried; whatever proves nothing is
//! [`Class::Unknown`].
//!
//! Sources: Salesforce's REST and Connect REST guides (status codes and error responses, sObject
//! Collections, composite), the OAuth error codes of its help, and answers recorded from real orgs.

use serde_json::Value;

use super::wire::{Cut, Response};
use crate::fault::{Class, Fault, Throttle};

/// The longest excerpt of a body that is not Salesforce's.
const EXCERPT: usize = 160;

/// What a whole answer of the data interface means.
///
/// # Errors
/// The fault it describes.
pub fn response(response: &Response) -> Result<Value, Fault> {
    let body = serde_json::from_slice::<Value>(&response.body);
    match (response.status, body) {
        (200..=299, Ok(body)) => Ok(body),
        (204, Err(_)) if response.body.is_empty() => Ok(Value::Null),
        (200..=299, Err(_)) => Err(unreadable(response)),
        (status, Ok(body)) => Err(refusal(status, &body).unwrap_or_else(|| bare(status, response))),
        (status, Err(_)) => Err(bare(status, response)),
    }
}

/// What an answer of the token endpoint means. Its body is never quoted: it may echo what was sent.
///
/// # Errors
/// The fault it describes, of class [`Class::Ours`] for everything that a person must put right.
pub fn login(response: &Response) -> Result<Value, Fault> {
    let body = serde_json::from_slice::<Value>(&response.body).unwrap_or(Value::Null);
    if response.status == 200 && body.get("access_token").is_some_and(Value::is_string) {
        return Ok(body);
    }
    let Some(mut fault) = refusal(response.status, &body) else {
        let class = match response.status {
            429 => Class::Throttled(Throttle::Other),
            500.. => Class::Retryable,
            _ => Class::Ours,
        };
        let message = format!(
            "the login address answered with status {} and no token; check SF_HOST and SF_PRODUCTION",
            response.status
        );
        return Err(Fault::new(class, "LOGIN_FAILED", message));
    };
    fault.class = match fault.code.as_str() {
        "rate_limit_exceeded" | "LOGIN_RATE_EXCEEDED" => Class::Throttled(Throttle::Other),
        "server_error" | "temporarily_unavailable" | "SERVER_UNAVAILABLE" => Class::Retryable,
        _ => match fault.class {
            Class::Throttled(_) | Class::Retryable => fault.class,
            Class::Unknown if response.status >= 500 => Class::Retryable,
            Class::Rejected | Class::Ours | Class::Unknown => Class::Ours,
        },
    };
    Err(fault)
}

/// What one part of a composite or batch answer means: its own status, its own body.
///
/// # Errors
/// The fault it describes.
pub fn part(status: u16, body: &Value) -> Result<&Value, Fault> {
    match status {
        200..=299 => Ok(body),
        _ => Err(refusal(status, body)
            .unwrap_or_else(|| Fault::new(by_status(status), format!("HTTP_{status}"), stated(status)))),
    }
}

/// What one result of a collection means: `{id, success, created, errors: [{statusCode, …}]}`.
///
/// # Errors
/// The fault it describes. A record never stops the line, whatever its code: only whole calls do.
pub fn record(result: &Value) -> Result<&Value, Fault> {
    match result.get("success").and_then(Value::as_bool) {
        Some(true) => Ok(result),
        Some(false) => {
            let mut fault = refusal(200, result.get("errors").unwrap_or(&Value::Null)).unwrap_or_else(|| {
                Fault::new(
                    Class::Rejected,
                    "UNKNOWN_ERROR",
                    "Salesforce refused the record and gave no reason",
                )
            });
            fault.class = match fault.class {
                Class::Ours => Class::Rejected,
                // `success: false` proves that the record was not written, whatever the code leaves open.
                Class::Unknown => Class::Retryable,
                other => other,
            };
            Err(fault)
        }
        None => Err(Fault::new(
            Class::Unknown,
            "UNEXPECTED_RESPONSE",
            "a record's result has no `success`; nobody knows whether it was written",
        )),
    }
}

/// What no answer means.
#[must_use]
pub fn cut(cut: &Cut) -> Fault {
    match cut {
        Cut::Before(why) => Fault::new(
            Class::Retryable,
            "UNREACHABLE",
            format!("Salesforce could not be reached ({why}); check SF_HOST and the way out of the network"),
        ),
        Cut::After(why) => Fault::new(
            Class::Unknown,
            "NO_ANSWER",
            format!(
                "Salesforce was asked and no whole answer came ({why}); status.salesforce.com tells whether it is up, \
                 `tieline doctor` whether it is reached"
            ),
        ),
    }
}

/// Whether this answer says that the token is not good (any more), so that a new one may help.
#[must_use]
pub fn token_refused(response: &Response) -> bool {
    match response.status {
        401 => !hopeless(&response.body),
        // Some endpoints answer an unusable token so, in plain text.
        403 => contains(&response.body, "Bad_OAuth_Token"),
        _ => false,
    }
}

/// A 401 that no new token cures.
fn hopeless(body: &[u8]) -> bool {
    contains(body, "This session is not valid for use with the REST API")
        || contains(body, "Connected app is not attached to Agent")
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|w| w == text.as_bytes())
}

/// The object and field which a duplicate value names: "duplicate value found: `Ext__c` duplicates
/// value on record with id: `a01…`".
#[must_use]
pub fn duplicate_of(fault: &Fault) -> Option<(&str, Option<&str>)> {
    if fault.code != "DUPLICATE_VALUE" {
        return None;
    }
    let (_, rest) = fault.message.split_once("duplicate value found: ")?;
    let (field, rest) = rest.split_once(" duplicates value")?;
    let id = rest.split_once("with id: ").map(|(_, id)| id.trim().trim_end_matches('.'));
    Some((field.trim(), id.filter(|id| !id.is_empty())))
}

/// The first error of a body that is Salesforce's: `[{errorCode, message, fields}]`, one such object,
/// the per-record form with `statusCode`, or OAuth's `{error, error_description}`.
fn refusal(status: u16, body: &Value) -> Option<Fault> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    // A transaction that was rolled back names every part; the one which is to blame says why.
    let error = match body {
        Value::Array(errors) => errors
            .iter()
            .find(|e| !ROLLED_BACK.contains(&text(e, "errorCode").unwrap_or_default().as_str()))
            .or_else(|| errors.first())?,
        other => other,
    };
    if let Some(code) = text(error, "error") {
        let message = text(error, "error_description").unwrap_or_else(|| stated(status));
        return Some(Fault::new(by_code(status, &code, &message), code, message));
    }
    let code = text(error, "errorCode").or_else(|| text(error, "statusCode"));
    let message = text(error, "message").or_else(|| duplicate_rule(error));
    if code.is_none() && message.is_none() {
        return duplicates(status, error);
    }
    let message = message.unwrap_or_else(|| stated(status));
    let mut fault = match code {
        Some(code) => Fault::new(by_code(status, &code, &message), code, message),
        None => Fault::new(by_status(status), format!("HTTP_{status}"), message),
    };
    if let Some(fields) = error.get("fields").and_then(Value::as_array) {
        fault.fields = fields.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    Some(fault)
}

const ROLLED_BACK: &[&str] = &["PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK"];

/// A 300 names the rows that share an external id: nothing was written.
fn duplicates(status: u16, body: &Value) -> Option<Fault> {
    (status == 300 && (body.is_string() || body.is_array())).then(|| {
        Fault::new(
            Class::Rejected,
            "DUPLICATE_EXTERNAL_ID",
            "several records have this external id; make the field unique, or the value",
        )
    })
}

/// The text of a duplicate rule, under the key as it should be and as it is misspelt.
fn duplicate_rule(error: &Value) -> Option<String> {
    let result = error.get("duplicateResult").or_else(|| error.get("duplicateResut"))?;
    Some(result.get("errorMessage")?.as_str()?.to_owned())
}

fn by_code(status: u16, code: &str, message: &str) -> Class {
    match code {
        "REQUEST_LIMIT_EXCEEDED" => Class::Throttled(which_limit(status, message)),
        "UNABLE_TO_LOCK_ROW"
        | "SERVER_UNAVAILABLE"
        | "QUERY_TIMEOUT"
        | "PROCESSING_HALTED"
        | "BATCH_PROCESSING_HALTED"
        | "ALL_OR_NONE_OPERATION_ROLLED_BACK"
        | "TXN_SECURITY_METERING_ERROR"
        | "ROW_LOCKED" => Class::Retryable,
        // A trigger failed, and says that it waited for a lock.
        _ if message.contains("UNABLE_TO_LOCK_ROW") => Class::Retryable,
        // Not this record's fault, and it goes away when somebody makes room.
        "STORAGE_LIMIT_EXCEEDED" => Class::Throttled(Throttle::Other),
        "INVALID_SESSION_ID"
        | "INVALID_AUTH_HEADER"
        | "API_DISABLED_FOR_ORG"
        | "API_CURRENTLY_DISABLED"
        | "UNSUPPORTED_API_VERSION"
        | "INVALID_VERSION"
        | "ORG_LOCKED"
        | "INACTIVE_ORG"
        | "INACTIVE_ORG_OR_USER"
        | "PASSWORD_LOCKOUT"
        | "LOGIN_DURING_RESTRICTED_DOMAIN"
        | "LOGIN_DURING_RESTRICTED_TIME"
        | "invalid_grant"
        | "invalid_client"
        | "invalid_client_id"
        | "inactive_user"
        | "inactive_org" => Class::Ours,
        "UNKNOWN_EXCEPTION" | "INTERNAL_SERVER_ERROR" | "GATEWAY_TIMEOUT" => Class::Unknown,
        _ => match status {
            // With a code of Salesforce's own a 5xx without a rule above proves nothing.
            500.. => Class::Unknown,
            401 | 410 => Class::Ours,
            420 => Class::Retryable,
            429 => Class::Throttled(Throttle::Other),
            _ => Class::Rejected,
        },
    }
}

fn which_limit(status: u16, message: &str) -> Throttle {
    let text = message.to_ascii_lowercase();
    if text.contains("concurrent") {
        Throttle::Concurrent
    } else if status == 503
        || text.contains("connect api")
        || text.contains("chatter")
        || text.contains("hour")
    {
        Throttle::Chatter
    } else {
        Throttle::Daily
    }
}

/// What a status means that comes with no word of Salesforce's: a proxy, an edge, another server.
fn by_status(status: u16) -> Class {
    match status {
        // These are said before anything is done.
        400 | 405 | 406 | 409 | 411..=417 | 422 | 428 | 431 => Class::Rejected,
        420 => Class::Retryable,
        429 => Class::Throttled(Throttle::Other),
        // Not Salesforce at all, or not this org, or an address that has moved or was retired.
        300..=399 | 401 | 402 | 403 | 404 | 407 | 410 | 451 => Class::Ours,
        _ => Class::Unknown,
    }
}

fn bare(status: u16, response: &Response) -> Fault {
    let class = by_status(status);
    let mut message = stated(status);
    let excerpt = excerpt(&response.body, &response.content_type);
    if !excerpt.is_empty() {
        message.push_str(&format!(" ({excerpt})"));
    }
    if class == Class::Ours {
        message.push_str("; check SF_HOST, which must be the org's own https address, and SF_VERSION");
    }
    Fault::new(class, format!("HTTP_{status}"), message)
}

/// Upstream's words for a status that carries no error of Salesforce's.
fn stated(status: u16) -> String {
    format!("request returned status code: {status}")
}

fn unreadable(response: &Response) -> Fault {
    let excerpt = excerpt(&response.body, &response.content_type);
    let what = match response.body.len() {
        0 => "it is empty".to_owned(),
        bytes if excerpt.is_empty() => format!("{bytes} bytes, cut short or damaged"),
        _ => format!("it begins: {excerpt}"),
    };
    let message = format!(
        "the answer is not JSON ({what}); check that SF_HOST is the org's own address and nothing between rewrites answers"
    );
    Fault::new(Class::Unknown, "UNEXPECTED_RESPONSE", message)
}

/// The first words of a foreign body: tags and control characters away, whitespace folded. What begins
/// as JSON is not foreign but damaged, and holds what Salesforce knows of people: nothing of it is told.
fn excerpt(body: &[u8], content_type: &str) -> String {
    let head = String::from_utf8_lossy(body.get(..body.len().min(4096)).unwrap_or_default()).into_owned();
    if head.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').starts_with(['{', '[']) {
        return String::new();
    }
    let html = content_type.contains("html") || head.trim_start().starts_with('<');
    let mut text = String::new();
    let mut tag = false;
    for c in head.chars() {
        match c {
            '<' if html => tag = true,
            '>' if html => {
                tag = false;
                text.push(' ');
            }
            _ if tag => {}
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(EXCERPT).collect()
}

#[cfg(test)]
#[path = "tests/classify.rs"]
mod tests;
