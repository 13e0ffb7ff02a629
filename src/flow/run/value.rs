//! Values as JavaScript takes them, because flows were written for it.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Whether a value counts as true: nothing, null, false, 0 and empty text do not; the texts
/// `false` and `0` and empty lists do.
#[must_use]
pub fn truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(b)) => *b,
        Some(Value::Number(n)) => n.as_f64().is_some_and(|n| n != 0.0 && !n.is_nan()),
        Some(Value::String(s)) => !s.is_empty(),
        Some(Value::Array(_) | Value::Object(_)) => true,
    }
}

/// A value as text: nothing and null are empty, numbers lose an empty fraction, lists and objects
/// are JSON.
#[must_use]
pub fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(s)) => s.clone(),
        Some(Value::Number(n)) => match n.as_f64() {
            Some(f) if n.is_f64() && f.fract() == 0.0 && f.abs() < 1e21 => format!("{f:.0}"),
            _ => n.to_string(),
        },
        Some(other) => other.to_string(),
    }
}

/// A value as a finite number, where it is one or its text is one.
#[must_use]
pub fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse().ok(),
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        _ => None,
    }
    .filter(|n: &f64| n.is_finite())
}

/// A number as JSON: whole where it is whole.
#[must_use]
pub fn from_number(n: f64) -> Option<Value> {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if n.fract() == 0.0 && n.abs() < WHOLE {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        return Some(Value::from(n as i64));
    }
    Number::from_f64(n).map(Value::Number)
}

/// Whether two values are the same to a condition: numbers by value, also where one is text; the
/// rest by their text. Nothing and null are the same as each other and as nothing else.
#[must_use]
pub fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    let nothing = |v: Option<&Value>| matches!(v, None | Some(Value::Null));
    if nothing(a) || nothing(b) {
        return nothing(a) && nothing(b);
    }
    let (left, right) = (text(a), text(b));
    left == right
        || (!left.is_empty()
            && !right.is_empty()
            && (a.is_some_and(Value::is_number) || b.is_some_and(Value::is_number))
            && matches!((number(a), number(b)), (Some(x), Some(y)) if x.partial_cmp(&y).is_some_and(Ordering::is_eq)))
}

/// The items of a list argument: a list, or text with commas between them.
#[must_use]
pub fn items(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::String(s)) => {
            s.split(',').map(str::trim).filter(|s| !s.is_empty()).map(Value::from).collect()
        }
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one.clone()],
    }
}

/// Roughly what a value takes in memory, in bytes; counting stops beyond `most`.
#[must_use]
pub fn weight(value: &Value, most: usize) -> usize {
    let mut sum = 0_usize;
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        sum += 16;
        match value {
            Value::String(s) => sum += s.len(),
            Value::Array(items) => stack.extend(items),
            Value::Object(map) => {
                for (key, value) in map {
                    sum += key.len();
                    stack.push(value);
                }
            }
            _ => {}
        }
        if sum > most {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn truth_is_that_of_javascript() {
        for value in [json!(null), json!(false), json!(0), json!(0.0), json!(-0.0), json!("")] {
            assert!(!truthy(Some(&value)), "{value}");
        }
        assert!(!truthy(None));
        for value in
            [json!(true), json!(1), json!(-0.5), json!("false"), json!("0"), json!(" "), json!([]), json!({})]
        {
            assert!(truthy(Some(&value)), "{value}");
        }
    }

    #[test]
    fn texts_and_numbers_meet() {
        assert!(same(Some(&json!(5)), Some(&json!("5.0"))));
        assert!(!same(Some(&json!("5")), Some(&json!("5.0"))), "two texts are compared as texts");
        assert!(!same(Some(&json!(1e-20)), Some(&json!("0"))), "small is not nothing");
        assert!(same(Some(&json!(-0.0)), Some(&json!("0"))));
        assert!(same(None, Some(&json!(null))));
        assert!(!same(None, Some(&json!(""))));
        assert!(same(Some(&json!(true)), Some(&json!("true"))));
        assert_eq!(text(Some(&json!(5.0))), "5");
        assert_eq!(text(Some(&json!(5.5))), "5.5");
        assert_eq!(from_number(6.0), Some(json!(6)));
        assert_eq!(from_number(f64::NAN), None);
        assert_eq!(number(Some(&json!(""))), None);
    }

    #[test]
    fn weighing_stops_where_it_is_heavy_enough() {
        let heavy = json!(vec!["x".repeat(100); 10_000]);
        assert!(weight(&heavy, 1000) < 200_000);
        assert!(weight(&heavy, usize::MAX) > 1_000_000);
    }
}
