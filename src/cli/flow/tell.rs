//! A run told to a person: each block with its inputs, outcome, output and time, and what is kept
//! of it.

use serde_json::Value;

use crate::flow::run::value::text;

/// Where the lines below a block begin.
const BELOW: &str = "                ";

/// The trace, entry by entry.
pub(super) fn tell(run: &Value) {
    for entry in trace(run) {
        let field = |name: &str| text(entry.get(name));
        let time = format!("{:>8} ms", field("tMs"));
        let block = format!("{} [{}]", field("title"), field("action"));
        match field("phase").as_str() {
            "perform" => {
                println!("{time}  {block} is asked for");
                arguments(entry);
            }
            "exit" => {
                let (outcome, port) = (field("outcome"), field("port"));
                // A block with one output leaves by `done`, whatever came of it.
                let by = if port.is_empty() || port == outcome { String::new() } else { format!(", {port}") };
                let next = entry.get("next").map(|next| format!(" → {}", text(Some(next))));
                println!("{time}  {block} {outcome}{by}{}", next.unwrap_or_default());
                arguments(entry);
                if let Some(results) = entry.get("results") {
                    println!("{BELOW}= {results}");
                }
                if let Some(exception) = entry.get("exception") {
                    println!("{BELOW}! {}: {}", text(exception.get("name")), text(exception.get("message")));
                }
                if entry.get("note").is_some() {
                    println!("{BELOW}“{}”", field("note"));
                }
                if let Some(took) = entry.get("durationMs").and_then(Value::as_u64).filter(|ms| *ms > 0) {
                    println!("{BELOW}after {took} ms");
                }
            }
            "ignored" => println!("{time}  {}", field("note")),
            _ => match entry.get("note") {
                Some(note) => println!("{time}  {}: {}", field("outcome"), text(Some(note))),
                None => println!("{time}  {}", field("outcome")),
            },
        }
    }
}

/// The record of each action that ran, `{success, results, exception}`: JSON, one action a line.
pub(super) fn record(run: &Value) -> String {
    let actions = run.get("actions").and_then(Value::as_object).into_iter().flatten();
    let lines: Vec<String> =
        actions.map(|(id, record)| format!("  {}: {record}", Value::from(id.as_str()))).collect();
    if lines.is_empty() { "{}".to_owned() } else { format!("{{\n{}\n}}", lines.join(",\n")) }
}

/// Says which actions nobody could carry out, and how to stand in for them.
pub(super) fn unanswered(run: &Value) {
    let alone = |entry: &&Value| entry.pointer("/exception/name").is_some_and(|name| name == "NotAvailable");
    let ids: Vec<String> = trace(run).iter().filter(alone).map(|entry| text(entry.get("action"))).collect();
    if let Some(first) = ids.first() {
        eprintln!(
            "Nobody could carry out {}. Stand in with --answers: {{\"{first}\": {{\"success\": {{}}}}}}",
            ids.join(", ")
        );
    }
}

fn trace(run: &Value) -> &[Value] {
    run.get("trace").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn arguments(entry: &Value) {
    for (name, value) in entry.get("inputs").and_then(Value::as_object).into_iter().flatten() {
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        if !empty {
            println!("{BELOW}{name}: {value}");
        }
    }
    for path in entry.get("unresolved").and_then(Value::as_array).into_iter().flatten() {
        println!("{BELOW}nothing at {}", text(Some(path)));
    }
}
