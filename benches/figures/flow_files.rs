//! Flows to be measured: for the figures of the README, and for the bench beside them.

use serde_json::json;

/// A flow of `count` actions in a chain, each reading the one before.
pub fn chain(count: usize) -> String {
    let mut actions = vec![
        json!({"id": "uid-0", "type": "SE_Start", "meta": {}, "controls": {}, "ports": {"done": "uid-1"}, "position": [0, 0]}),
    ];
    for n in 1..count - 1 {
        let before = if n == 1 {
            "$.payload.text".to_owned()
        } else {
            format!("$.actions.uid-{}.results.value", n - 1)
        };
        actions.push(json!({"id": format!("uid-{n}"), "type": "SE_CoreReplaceString", "meta": {},
            "controls": {"text": before, "search": "a", "replacement": "b"}, "ports": {"done": format!("uid-{}", n + 1)}, "position": [n * 16, 0]}));
    }
    actions.push(json!({"id": format!("uid-{}", count - 1), "type": "SE_End", "meta": {}, "controls": {}, "ports": {}, "position": [0, 0]}));
    json!({ "actions": actions }).to_string()
}

/// A flow that goes round between a computation and a decision for ever.
pub fn round() -> String {
    json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "a"}},
        {"id": "a", "type": "SE_CoreReplaceString", "controls": {"text": "$.payload.text", "search": "a", "replacement": "b"}, "ports": {"done": "b"}},
        {"id": "b", "type": "SE_CoreTruthy", "controls": {"value": "$.actions.a.results.value"}, "ports": {"true": "a", "false": "a"}}]})
    .to_string()
}
