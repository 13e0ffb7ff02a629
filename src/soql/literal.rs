//! Values written so that they stay values.

use serde_json::Value;

/// A text as the inside of a quoted SOQL literal: `\` and `'` escaped.
///
/// A `\'` in the text is taken for a quote that the flow has escaped itself, as upstream needs it,
/// and is not escaped again. In a LIKE pattern (`pattern`) `\%` and `\_` likewise stay the literal
/// signs they are.
#[must_use]
pub fn escape(text: &str, pattern: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => match chars.peek() {
                Some(&next) if next == '\'' || (pattern && matches!(next, '%' | '_')) => {
                    out.push('\\');
                    out.push(next);
                    chars.next();
                }
                _ => out.push_str("\\\\"),
            },
            _ => out.push(c),
        }
    }
    out
}

/// A text as a SOQL literal, quotes included.
#[must_use]
pub fn quote(text: &str) -> String {
    format!("'{}'", escape(text, false))
}

/// A text as part of a SOSL search term (`FIND {…}`): what would end the term or mean an operator
/// is escaped; the wildcards `*` and `?` stay, as `%` does in SOQL.
#[must_use]
pub fn escape_term(text: &str) -> String {
    const RESERVED: &str = "&|!{}[]()^~:\\\"'+-";
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if RESERVED.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A JSON value as a SOQL literal: numbers, booleans and null as they are, texts quoted, a list of
/// them in parentheses (for `IN`). `None` for objects, nested lists and an empty list.
#[must_use]
pub fn literal(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(scalar).collect();
            items.filter(|i| !i.is_empty()).map(|i| format!("({})", i.join(", ")))
        }
        value => scalar(value),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Number(n) => Some(n.to_string()),
        Value::String(s) => Some(quote(s)),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn quotes_and_backslashes_are_escaped_once() {
        assert_eq!(quote("O'Brien"), r"'O\'Brien'");
        assert_eq!(quote(r"O\'Brien"), r"'O\'Brien'");
        assert_eq!(quote(r"C:\temp"), r"'C:\\temp'");
        assert_eq!(quote(r"end\"), r"'end\\'");
        assert_eq!(quote("a\nb\tc"), "'a\nb\tc'");
        assert_eq!(escape(r"50\%", true), r"50\%");
        assert_eq!(escape(r"50\%", false), r"50\\%");
    }

    #[test]
    fn a_term_keeps_its_wildcards_alone() {
        assert_eq!(escape_term("ann*"), "ann*");
        assert_eq!(escape_term("+1 (206)"), r"\+1 \(206\)");
        assert_eq!(escape_term("x} RETURNING User(Id)"), r"x\} RETURNING User\(Id\)");
    }

    #[test]
    fn json_becomes_literals() {
        assert_eq!(literal(&json!(5)).as_deref(), Some("5"));
        assert_eq!(literal(&json!(null)).as_deref(), Some("null"));
        assert_eq!(literal(&json!(["a", "b'c", 3])).as_deref(), Some(r"('a', 'b\'c', 3)"));
        assert_eq!(literal(&json!([])), None);
        assert_eq!(literal(&json!([[1]])), None);
        assert_eq!(literal(&json!({"a": 1})), None);
    }

    /// Where a literal that begins at the start of `text` ends, as Salesforce reads it.
    fn end_of_literal(text: &str) -> Option<usize> {
        let mut escaped = false;
        for (at, c) in text.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '\'' => return Some(at + 1),
                _ => {}
            }
        }
        None
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_quotes(text in "[\\\\'%_ax \u{e9}]*", pattern: bool) {
            let quoted = format!("'{}'", escape(&text, pattern));
            prop_assert_eq!(end_of_literal(&quoted), Some(quoted.len()));
        }
    }
}
