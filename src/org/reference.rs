//! `@{name.path[0].field}`: what a subrequest may say of an earlier one's answer.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use crate::org::error::OrgError;

/// The pieces of a text: what stands between references, and the references without their braces.
fn pieces(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = text;
    let mut reference = None;
    std::iter::from_fn(move || {
        if let Some(inner) = reference.take() {
            return Some((true, inner));
        }
        if rest.is_empty() {
            return None;
        }
        let found = rest.split_once("@{").and_then(|(before, after)| {
            let (inner, after) = after.split_once('}')?;
            Some((before, inner, after))
        });
        match found {
            Some((before, inner, after)) => {
                rest = after;
                if before.is_empty() {
                    return Some((true, inner));
                }
                reference = Some(inner);
                Some((false, before))
            }
            None => Some((false, std::mem::take(&mut rest))),
        }
    })
}

fn name_of(inner: &str) -> &str {
    inner.split(['.', '[']).next().unwrap_or_default()
}

/// Adds the subrequests that a text refers to.
pub(super) fn names(text: &str, into: &mut Vec<String>) {
    into.extend(pieces(text).filter(|(is, _)| *is).map(|(_, inner)| name_of(inner).to_owned()));
}

/// Adds the subrequests that any text inside a body refers to.
pub(super) fn names_in(body: &Value, into: &mut Vec<String>) {
    match body {
        Value::String(text) => names(text, into),
        Value::Array(list) => list.iter().for_each(|v| names_in(v, into)),
        Value::Object(map) => map.values().for_each(|v| names_in(v, into)),
        _ => {}
    }
}

/// What a reference stands for.
fn look_up<'b>(inner: &str, bodies: &'b HashMap<&str, Value>) -> Result<Cow<'b, Value>, OrgError> {
    let name = name_of(inner);
    let missing = |accessible: &str| {
        OrgError::new(
            "PROCESSING_HALTED",
            format!("Invalid reference specified. No value for {inner} found in {name}.{accessible}"),
        )
    };
    let mut at = bodies.get(name).ok_or_else(|| missing(""))?;
    let path = inner.get(name.len()..).unwrap_or_default();
    for step in path.split(['.', '[']).filter(|s| !s.is_empty()) {
        let next = match step.strip_suffix(']') {
            Some(index) => index.parse::<usize>().ok().and_then(|i| at.get(i)),
            None => at.get(step),
        };
        at = match next {
            Some(next) => next,
            None => {
                let keys = at.as_object().map(|o| o.keys().cloned().collect::<Vec<_>>().join(", "));
                return Err(missing(&format!(" Accessible fields are [{}]", keys.unwrap_or_default())));
            }
        };
    }
    Ok(Cow::Borrowed(at))
}

/// A text with its references replaced.
pub(super) fn resolve_text(text: &str, bodies: &HashMap<&str, Value>) -> Result<String, OrgError> {
    let mut out = String::with_capacity(text.len());
    for (is_reference, piece) in pieces(text) {
        if is_reference {
            match look_up(piece, bodies)?.as_ref() {
                Value::String(text) => out.push_str(text),
                Value::Null => {}
                other => out.push_str(&other.to_string()),
            }
        } else {
            out.push_str(piece);
        }
    }
    Ok(out)
}

/// A body with its references replaced; a text that is one reference takes the value as it is.
pub(super) fn resolve(body: &Value, bodies: &HashMap<&str, Value>) -> Result<Value, OrgError> {
    Ok(match body {
        Value::String(text) => {
            let mut all = pieces(text);
            match (all.next(), all.next()) {
                (Some((true, inner)), None) => look_up(inner, bodies)?.into_owned(),
                _ => resolve_text(text, bodies)?.into(),
            }
        }
        Value::Array(list) => list.iter().map(|v| resolve(v, bodies)).collect::<Result<_, _>>()?,
        Value::Object(map) => Value::Object(
            map.iter().map(|(k, v)| Ok((k.clone(), resolve(v, bodies)?))).collect::<Result<_, OrgError>>()?,
        ),
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_reach_into_objects_and_lists() {
        let bodies = HashMap::from([
            ("acc", json!({"id": "001A", "n": 5, "nothing": null})),
            ("ins", json!([{"id": "003A"}, {"id": "003B"}])),
            ("q", json!({"records": [{"Account": {"Name": "Kestrel"}}]})),
        ]);
        let text = |t: &str| resolve_text(t, &bodies).map_err(|e| e.message);
        assert_eq!(text("a='@{acc.id}' and b='@{ins[1].id}'").unwrap(), "a='001A' and b='003B'");
        assert_eq!(text("@{q.records[0].Account.Name}").unwrap(), "Kestrel");
        assert_eq!(text("no @ reference {here} @{open").unwrap(), "no @ reference {here} @{open");
        assert_eq!(text("<@{acc.nothing}>").unwrap(), "<>");
        assert_eq!(
            resolve(&json!({"a": ["@{acc.n}", "n@{acc.n}"]}), &bodies).unwrap(),
            json!({"a": [5, "n5"]})
        );
        for wrong in ["@{acc.Id}", "@{gone.id}", "@{ins[2].id}", "@{ins[x].id}", "@{}"] {
            let told = text(wrong).unwrap_err();
            assert!(told.starts_with("Invalid reference specified. No value for"), "{wrong}: {told}");
        }
    }

    #[test]
    fn the_names_referred_to_are_found_wherever_they_stand() {
        let mut found = Vec::new();
        names_in(&json!({"a": "@{x.id}", "b": [{"c": "1@{y[0].id}2@{x.z}"}]}), &mut found);
        assert_eq!(found, ["x", "y", "x"]);
    }
}
