//! The `tl_` parameters.

use std::time::Duration;

use serde_json::{Map, Value};

use super::arguments::text_of;
use super::{CacheControl, Control, Format, Mode, OnError, Refusal};

/// What begins the name of a parameter that is for Tieline and not for Salesforce.
pub(super) const PREFIX: &str = "tl_";

const NAMES: &str = "tl_mode, tl_wait_ms, tl_key, tl_id, tl_ref, tl_attribute, tl_deadline_ms, tl_cache, tl_on_error, \
                     tl_format";

/// Reads the `tl_` parameters, and gives `tl_id` beside them. One that is blank or null counts as
/// not given: a contact attribute that was never set arrives so.
pub(super) fn read(given: &Map<String, Value>) -> Result<(Control, Option<String>), Refusal> {
    let mut control = Control { given: !given.is_empty(), ..Control::default() };
    let mut id = None;
    for (name, value) in given {
        let text = text_of(name, value)?;
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        match name.as_str() {
            "tl_mode" => {
                control.mode = Some(one_of(
                    name,
                    text,
                    &[("wait", Mode::Wait), ("queue", Mode::Queue), ("sync", Mode::Sync)],
                )?);
            }
            "tl_wait_ms" => control.wait = Some(millis(name, text)?),
            "tl_deadline_ms" => control.deadline = Some(millis(name, text)?),
            "tl_key" => control.key = Some(text.to_owned()),
            "tl_id" => id = Some(text.to_owned()),
            "tl_ref" => control.name = Some(reference(name, text)?),
            "tl_attribute" => control.attribute = Some(text.to_owned()),
            "tl_cache" => control.cache = Some(cache(name, text)?),
            "tl_on_error" => {
                control.on_error =
                    Some(one_of(name, text, &[("raise", OnError::Raise), ("reply", OnError::Reply)])?);
            }
            "tl_format" => {
                control.format = Some(one_of(
                    name,
                    text,
                    &[("native", Format::Native), ("string", Format::String), ("json", Format::Json)],
                )?);
            }
            _ => {
                return Err(Refusal::invalid(format!(
                    "the parameter {name} is unknown; parameters that begin with tl_ are: {NAMES}"
                )));
            }
        }
    }
    Ok((control, id))
}

fn one_of<T: Copy>(name: &str, text: &str, choices: &[(&str, T)]) -> Result<T, Refusal> {
    choices.iter().find(|(choice, _)| choice.eq_ignore_ascii_case(text)).map(|(_, meant)| *meant).ok_or_else(
        || {
            let known: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            Refusal::invalid(format!("the parameter {name} must be one of: {}", known.join(", ")))
        },
    )
}

fn millis(name: &str, text: &str) -> Result<Duration, Refusal> {
    text.parse().map(Duration::from_millis).map_err(|_| {
        Refusal::invalid(format!("the parameter {name} must be a whole number of milliseconds, such as 1500"))
    })
}

/// A name under which later calls mean this write, as `@{name.Id}`.
fn reference(name: &str, text: &str) -> Result<String, Refusal> {
    let well_formed =
        text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    well_formed.then(|| text.to_owned()).ok_or_else(|| {
        Refusal::invalid(format!(
            "the parameter {name} must be a name of at most 64 letters, digits, underscores and hyphens"
        ))
    })
}

fn cache(name: &str, text: &str) -> Result<CacheControl, Refusal> {
    let text = text.to_ascii_lowercase();
    let max_age = text.strip_prefix("max-age").map(|rest| rest.trim_start().strip_prefix('=').map(str::trim));
    match (text.as_str(), max_age) {
        ("no-store", _) => Ok(CacheControl::NoStore),
        ("only-if-cached", _) => Ok(CacheControl::OnlyIfCached),
        (_, Some(Some(secs))) if secs.parse::<u32>().is_ok() => {
            Ok(CacheControl::MaxAge(Duration::from_secs(secs.parse().unwrap_or(0))))
        }
        _ => Err(Refusal::invalid(format!(
            "the parameter {name} must be no-store, only-if-cached, or max-age= and a number of seconds"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn control(given: Value) -> Result<(Control, Option<String>), String> {
        read(given.as_object().unwrap()).map_err(|refusal| refusal.message)
    }

    #[test]
    fn every_parameter_is_read() {
        let (control, id) = control(json!({
            "tl_mode": "queue", "tl_wait_ms": "1500", "tl_deadline_ms": 6000, "tl_key": "k", "tl_id": "tl-x",
            "tl_ref": "case", "tl_attribute": "CaseId", "tl_cache": "max-age=30", "tl_on_error": "Reply",
            "tl_format": "string",
        }))
        .unwrap();
        assert_eq!(id.as_deref(), Some("tl-x"));
        assert_eq!(
            control,
            Control {
                given: true,
                mode: Some(Mode::Queue),
                wait: Some(Duration::from_millis(1500)),
                key: Some("k".to_owned()),
                name: Some("case".to_owned()),
                attribute: Some("CaseId".to_owned()),
                deadline: Some(Duration::from_secs(6)),
                cache: Some(CacheControl::MaxAge(Duration::from_secs(30))),
                on_error: Some(OnError::Reply),
                format: Some(Format::String),
            }
        );
    }

    #[test]
    fn blank_is_not_given() {
        let (control, id) = control(json!({"tl_key": "", "tl_mode": null, "tl_id": "  "})).unwrap();
        assert_eq!((control, id), (Control { given: true, ..Control::default() }, None));
    }

    #[test]
    fn what_is_wrong_is_named_and_not_told() {
        for (name, value) in [
            ("tl_mode", json!("fast")),
            ("tl_wait_ms", json!("soon")),
            ("tl_wait_ms", json!(-5)),
            ("tl_deadline_ms", json!("1.5")),
            ("tl_ref", json!("a b")),
            ("tl_cache", json!("max-age=secret")),
            ("tl_cache", json!("maxage")),
            ("tl_format", json!("xml")),
            ("tl_on_error", json!({"a": 1})),
            ("tl_modus", json!("secret")),
        ] {
            let message = control(json!({ name: value })).unwrap_err();
            assert!(message.contains(name), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
