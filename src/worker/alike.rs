//! Whether what was sent is what is there now, as Salesforce stores and tells it.
//!
//! In doubt it says yes: then a person may have to look, where a no would make a second record.

use jiff::civil;
use jiff::tz::Offset;
use serde_json::{Map, Value};

/// Whether a record has all these values. Flows name fields in any case, answers in their own.
pub(super) fn has_all(record: &Value, fields: &Map<String, Value>) -> bool {
    let Value::Object(record) = record else { return false };
    let found = |name: &str| record.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
    fields.iter().all(|(name, sent)| same(sent, found(name).map_or(&Value::Null, |(_, there)| there)))
}

/// Whether a stored body is that of a post of this text. A mention stands behind the text, as `@` and a
/// name that nobody here knows.
pub(super) fn is_body(found: &str, text: &str, mentions: bool) -> bool {
    let (found, wanted) = (plain(found), plain(text));
    match found.strip_prefix(&wanted) {
        Some("") => true,
        Some(rest) if mentions => rest.trim_start().starts_with(['@', '[', '{', '<']),
        _ => false,
    }
}

/// Whether a value that was sent is the value that is there: flows send numbers, dates and truths as text.
fn same(sent: &Value, there: &Value) -> bool {
    let word = match sent {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    match there {
        Value::Null => plain(&word).is_empty(),
        Value::Bool(there) => match word.to_ascii_lowercase().as_str() {
            "true" | "1" => *there,
            "false" | "0" | "" => !there,
            _ => false,
        },
        Value::Number(there) => {
            word.parse().ok().zip(there.as_f64()).is_some_and(|(sent, there)| rounded(sent, there))
        }
        Value::String(there) => {
            plain(&word).eq_ignore_ascii_case(&plain(there))
                || same_record(&word, there)
                || same_time(&word, there)
                || choices(&word).is_some_and(|sent| Some(sent) == choices(there))
                // A blob is told by its address.
                || there.starts_with("/services/data/")
        }
        Value::Array(_) | Value::Object(_) => sent == there,
    }
}

/// Whether a number is the other one, rounded to the places of a field.
fn rounded(sent: f64, there: f64) -> bool {
    let places = there.to_string().split_once('.').map_or(0, |(_, places)| places.len());
    let unit = 10f64.powi(-i32::try_from(places).unwrap_or(0));
    sent.is_finite() && (sent - there).abs() <= unit * 0.500_001
}

/// The two spellings of one Id. Of two equally long ones only equal ones are the same.
fn same_record(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    short.len() == 15 && crate::outcome::rows::same_id(long) == short
}

/// Dates, times and moments, however they are written. Seconds are the finest that is kept of a moment.
fn same_time(sent: &str, there: &str) -> bool {
    let time = |text: &str| text.strip_suffix('Z').unwrap_or(text).parse::<civil::Time>().ok();
    if there.contains('T') {
        moment(there).is_some_and(|there| moment(sent) == Some(there))
    } else if there.parse::<civil::Date>().is_ok() {
        // A field for dates keeps the date of a moment.
        sent.get(..10) == Some(there) && moment(sent).is_some()
    } else if there.contains(':') {
        time(there).is_some_and(|there| time(sent) == Some(there))
    } else {
        false
    }
}

/// Seconds since 1970 of a moment with its offset; without one, and of a date's midnight, in UTC.
fn moment(text: &str) -> Option<i64> {
    let known: Option<jiff::Timestamp> = text.parse().ok();
    let at = match known {
        Some(at) => at,
        None => Offset::UTC.to_timestamp(text.parse::<civil::DateTime>().ok()?).ok()?,
    };
    Some(at.as_second())
}

/// The choices of a field for several: Salesforce tells them in its own order.
fn choices(text: &str) -> Option<Vec<String>> {
    let mut choices: Vec<_> = text.split(';').map(|choice| choice.trim().to_ascii_lowercase()).collect();
    choices.retain(|choice| !choice.is_empty());
    choices.sort_unstable();
    text.contains(';').then_some(choices)
}

/// A text as a person compares it: entities and markup undone, blanks alike.
fn plain(text: &str) -> String {
    let undone = text
        .replace("<br>", " ")
        .replace("<p>", " ")
        .replace("</p>", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    undone.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_compared_as_salesforce_stores_them() {
        for (sent, there) in [
            (json!("12"), json!(12.0)),
            (json!("5.0"), json!(5)),
            (json!(12.345), json!(12.35)),
            (json!("12.4"), json!(12.0)),
            (json!("true"), json!(true)),
            (json!("0"), json!(false)),
            (json!(null), json!(false)),
            (json!(5), json!("5")),
            (json!(""), json!(null)),
            (json!("  "), json!(null)),
            (json!(" a "), json!("a")),
            (json!("Ann@Example.com"), json!("ann@example.com")),
            (json!("500000000000001"), json!("500000000000001AAA")),
            (json!("a  b &amp; c"), json!("a b & c")),
            (json!("2026-11-20T10:20:00Z"), json!("2026-11-20T10:20:00.000+0000")),
            (json!("2026-11-20T10:20:00.789Z"), json!("2026-11-20T10:20:00.000+0000")),
            (json!("2026-11-20T11:20:00+01:00"), json!("2026-11-20T10:20:00.000+0000")),
            (json!("2026-11-20T10:20:00"), json!("2026-11-20T10:20:00.000+0000")),
            (json!("2026-11-20"), json!("2026-11-20T00:00:00.000+0000")),
            (json!("2026-11-20T10:20:00Z"), json!("2026-11-20")),
            (json!("10:20:00"), json!("10:20:00.000Z")),
            (json!("b;A"), json!("A;B")),
        ] {
            assert!(same(&sent, &there), "{sent} {there}");
        }
        for (sent, there) in [
            (json!("12"), json!(13)),
            (json!("12"), json!(12.4)),
            (json!("012"), json!("12")),
            (json!("a"), json!("b")),
            (json!("a"), json!(null)),
            (json!("yes"), json!(true)),
            (json!("ORDER0000000001AAA"), json!("ORDER0000000001BBB")),
            (json!("2026-11-20T10:20:01Z"), json!("2026-11-20T10:20:00.000+0000")),
            (json!("2026-11-21"), json!("2026-11-20")),
            (json!("10:20:01"), json!("10:20:00.000Z")),
            (json!("a;b"), json!("a;c")),
        ] {
            assert!(!same(&sent, &there), "{sent} {there}");
        }
    }

    #[test]
    fn fields_are_found_whatever_their_case() {
        let Value::Object(sent) = json!({"subject": "A", "Priority": null}) else { unreachable!() };
        assert!(has_all(&json!({"Id": "500", "Subject": "A", "Priority": null}), &sent));
        assert!(!has_all(&json!({"Id": "500", "Subject": "B", "Priority": null}), &sent));
    }

    #[test]
    fn a_post_that_mentions_somebody_ends_in_a_name() {
        assert!(is_body("<p>called back</p>", "called back", false));
        assert!(is_body("called back@Ann Example", "called back ", true));
        assert!(is_body("called back", "called back", true), "whoever is mentioned may be gone");
        assert!(!is_body("called back twice@Ann Example", "called back", true));
        assert!(!is_body("called back@Ann Example", "called back", false));
    }
}
