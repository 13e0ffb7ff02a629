//! The answers file of `flow run`: outcomes told in advance, and what is expected of the run.
//!
//! ```json
//! {
//!   "SE_SFSearchAndScreenpop": {"success": {}},
//!   "uid-7": [{"failure": {"name": "Timeout"}}, {"success": {"id": "00T…"}}],
//!   "expect": {"status": "completed", "actions": {"uid-3": {"results": {"count": 1}}}, "asked": ["uid-3"]}
//! }
//! ```

use std::collections::HashMap;

use anyhow::Context as _;
use serde_json::{Map, Value};

use crate::flow::model::Document;
use crate::flow::run::{Exception, Outcome};

/// What can be expected of a run.
const EXPECTED: [&str; 5] = ["status", "error", "actions", "asked", "trace"];

/// An answers file, read.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// By action id or type.
    pub(super) answers: HashMap<String, Vec<Outcome>>,
    expect: Map<String, Value>,
}

impl Script {
    /// Reads a file.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let file: Map<String, Value> =
            serde_json::from_str(text).context("the answers are no JSON object")?;
        let mut script = Self::default();
        for (name, value) in file {
            if name == "expect" {
                script.expect = value.as_object().cloned().context("`expect` is no object")?;
                let unknown = script.expect.keys().find(|key| !EXPECTED.contains(&key.as_str()));
                if let Some(key) = unknown {
                    anyhow::bail!("`expect` cannot hold {key}; it holds {}", EXPECTED.join(", "));
                }
                continue;
            }
            let list = match value {
                Value::Array(list) => list,
                one => vec![one],
            };
            let outcomes: Vec<Outcome> = list
                .iter()
                .map(|one| outcome(one).with_context(|| format!("the answer of {name} cannot be read")))
                .collect::<anyhow::Result<_>>()?;
            script.answers.insert(name, outcomes);
        }
        Ok(script)
    }

    /// Names that answer nothing in this flow: most likely misspelled.
    pub(super) fn strangers(&self, flow: &Document) -> Vec<&str> {
        let known = |name: &str| flow.actions().any(|a| a.id() == Some(name) || a.kind() == Some(name));
        let mut names: Vec<&str> =
            self.answers.keys().map(String::as_str).filter(|name| !known(name)).collect();
        names.sort_unstable();
        names
    }

    /// What the run did otherwise than expected; empty where it did not.
    pub(super) fn failures(&self, run: &Value) -> Vec<String> {
        let mut failures = Vec::new();
        for (key, expected) in &self.expect {
            let actual = match key.as_str() {
                "asked" => Value::Array(asked(run)),
                other => run.get(other).cloned().unwrap_or(Value::Null),
            };
            let exact = key == "asked";
            if (exact && *expected != actual) || (!exact && !holds(&actual, expected)) {
                differs(key, &actual, expected, &mut failures);
            }
        }
        failures
    }
}

/// The ids of the actions that were handed out, in order.
fn asked(run: &Value) -> Vec<Value> {
    let trace = run.get("trace").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    trace.iter().filter(|e| e["phase"] == "perform").map(|e| e["action"].clone()).collect()
}

/// An outcome in its full form, or as `{"success": …}`, `{"failure": …}`, `{"branch": …}`, `true`.
fn outcome(value: &Value) -> anyhow::Result<Outcome> {
    if let Value::Bool(value) = value {
        return Ok(Outcome::Branch { value: *value });
    }
    if value.get("kind").is_some() {
        return Ok(serde_json::from_value(value.clone())?);
    }
    if let Some(results) = value.get("success") {
        return Ok(Outcome::Success { results: results.clone() });
    }
    if let Some(exception) = value.get("failure") {
        let exception = match exception {
            Value::String(name) => Exception::new(name.clone(), ""),
            other => serde_json::from_value(other.clone())?,
        };
        return Ok(Outcome::Failure { exception });
    }
    if let Some(Value::Bool(value)) = value.get("branch") {
        return Ok(Outcome::Branch { value: *value });
    }
    anyhow::bail!(
        "write {{\"success\": results}}, {{\"failure\": {{\"name\": …}}}}, {{\"branch\": true}}, or a list of them"
    )
}

/// Whether everything expected is there; what else is there does not matter.
fn holds(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            expected.iter().all(|(k, v)| actual.get(k).is_some_and(|a| holds(a, v)))
        }
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len() && actual.iter().zip(expected).all(|(a, e)| holds(a, e))
        }
        (actual, expected) => actual == expected,
    }
}

/// The smallest parts that differ, with their paths.
fn differs(path: &str, actual: &Value, expected: &Value, failures: &mut Vec<String>) {
    if let (Value::Object(actual), Value::Object(expected)) = (actual, expected) {
        for (key, expected) in expected {
            let actual = actual.get(key).unwrap_or(&Value::Null);
            if !holds(actual, expected) {
                differs(&format!("{path}.{key}"), actual, expected, failures);
            }
        }
        return;
    }
    failures.push(format!("{path}: expected {expected}, and it is {actual}"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_read_in_their_short_and_their_full_form() {
        let script = Script::parse(
            r#"{"a": true, "b": {"success": {"id": 1}}, "c": [{"failure": "Timeout"}, {"kind": "branch", "value": false}], "d": {"branch": true}}"#,
        )
        .unwrap();
        assert_eq!(script.answers["a"], [Outcome::Branch { value: true }]);
        assert_eq!(script.answers["b"], [Outcome::Success { results: json!({"id": 1}) }]);
        assert_eq!(script.answers["c"].len(), 2);
        for bad in [
            "[]",
            "{",
            r#"{"a": 7}"#,
            r#"{"a": {"kind": "x"}}"#,
            r#"{"expect": 1}"#,
            r#"{"expect": {"staus": "x"}}"#,
        ] {
            assert!(Script::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_answer_nothing_are_told() {
        let script =
            Script::parse(r#"{"uid-1": true, "SE_End": true, "uid-9": true, "expect": {}}"#).unwrap();
        let flow = Document::parse(r#"{"actions":[{"id":"uid-1","type":"SE_End"}]}"#).unwrap();
        assert_eq!(script.strangers(&flow), ["uid-9"]);
    }

    #[test]
    fn expectations_name_the_smallest_part_that_differs() {
        let run = json!({"status": "completed", "actions": {"a": {"success": true, "results": {"count": 1, "id": "x"}}},
            "trace": [{"phase": "perform", "action": "a"}, {"phase": "exit", "action": "a"}]});
        let failures =
            |expect: Value| Script::parse(&json!({ "expect": expect }).to_string()).unwrap().failures(&run);
        assert!(
            failures(
                json!({"status": "completed", "actions": {"a": {"results": {"count": 1}}}, "asked": ["a"]})
            )
            .is_empty()
        );
        assert_eq!(
            failures(json!({"actions": {"a": {"results": {"count": 2}}}})),
            ["actions.a.results.count: expected 2, and it is 1"]
        );
        assert_eq!(failures(json!({"asked": []})).len(), 1);
    }
}
