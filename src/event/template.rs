//! `{{ name }}` in the text of a Chatter post or comment.

use serde_json::{Map, Value};

use super::Refusal;
use super::arguments::text_of;

/// Fills each `{{ name }}` of `text` with the value of that name, in one pass: what a value holds
/// is never looked at. As upstream, a `}}` before a `{{`, one that is never closed, and a name
/// that no parameter has, are errors; without any `{{` a text stays as it is.
///
/// # Errors
/// Upstream's text, and what to change in the parameter `name`.
pub(super) fn fill(name: &str, text: &str, values: &Map<String, Value>) -> Result<String, Refusal> {
    let refuse = |cure: String| {
        Err(Refusal::invalid(format!(
            "ERROR: string is improperly formatted. Change the parameter {name}: {cure}"
        )))
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        if before.contains("}}") {
            return refuse("a }} stands before its {{".to_owned());
        }
        let Some((key, behind)) = behind.split_once("}}") else {
            return refuse("a {{ has no }}".to_owned());
        };
        let Some(value) = values.get(key.trim()) else {
            return refuse(
                "a name between {{ and }} is no parameter of this call; add one of that name".to_owned(),
            );
        };
        out.push_str(before);
        out.push_str(&text_of(key.trim(), value)?);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn filled(text: &str, values: Value) -> Option<String> {
        fill("sf_message", text, values.as_object().unwrap()).ok()
    }

    #[test]
    fn names_become_values_in_one_pass() {
        for (text, values, expected) in [
            ("Help {{ caseId }} {{caseId}}", json!({"caseId": "1234"}), "Help 1234 1234"),
            ("{{\t a\n}}", json!({"a": "1"}), "1"),
            ("[{{a}}]", json!({"a": ""}), "[]"),
            ("{{ clé }} ✓", json!({"clé": "日本"}), "日本 ✓"),
            ("{{a}} and {{b}}", json!({"a": "x}}", "b": "y"}), "x}} and y"),
            ("{{a}}{b}}", json!({"a": "{", "b": "EVIL"}), "{{b}}"),
            ("{{a}} of {{b}}", json!({"a": 3, "b": true}), "3 of true"),
            ("closed }} only", json!({}), "closed }} only"),
            ("{{a}} }}", json!({"a": "1"}), "1 }}"),
            ("plain", json!({"a": "1"}), "plain"),
        ] {
            assert_eq!(filled(text, values).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        for text in [
            "Hello {{ name",
            "}} {{",
            "{{ nobody }}",
            "{{ {{a}} }}",
            "{{{a}}}",
            "a }} b {{a}}",
            "{{a}} }} {{a}}",
            "{{o}}",
        ] {
            assert_eq!(filled(text, json!({"a": "x", "": "y", "o": {}})), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[{} a\u{e9}]*", value in "\\PC*") {
            let _filled = filled(&text, json!({ "a": value }));
        }
    }
}
