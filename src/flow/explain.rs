//! A flow told as an outline that a person reads from top to bottom.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::catalogue::{self, Block};
use super::json::Json;
use super::model::{Action, Document};
use super::path::Path;

/// The outline: each action once, in the order in which a run would come to it, with what it is
/// given and where its outputs lead.
#[must_use]
pub fn explain(document: &Document) -> String {
    let mut out = String::new();
    if let Some(name) = document.name() {
        writeln!(out, "{name}").ok();
    }
    let find = |id: &str| document.actions().find(|a| a.id() == Some(id));
    let mut seen = HashSet::new();
    let mut todo: Vec<Action<'_>> = document.actions().filter(|a| a.kind() == Some("SE_Start")).collect();
    todo.reverse();
    while let Some(action) = todo.pop() {
        if !seen.insert(action.id()) {
            continue;
        }
        one(&mut out, document, action);
        let mut next: Vec<Action<'_>> =
            action.ports().filter_map(|(_, target)| find(target.as_str()?)).collect();
        next.reverse();
        todo.extend(next);
    }
    let left: Vec<Action<'_>> = document.actions().filter(|a| !seen.contains(&a.id())).collect();
    if !left.is_empty() {
        writeln!(out, "\nNever reached:").ok();
        for action in left {
            one(&mut out, document, action);
        }
    }
    out
}

fn one(out: &mut String, document: &Document, action: Action<'_>) {
    let block = action.kind().and_then(catalogue::block);
    writeln!(out, "{}", named(action)).ok();
    if let Some(block) = block {
        writeln!(out, "    {}", block.description).ok();
    }
    for (name, value) in action.controls() {
        if *value != Json::Null && *value != Json::text("") && *value != Json::object() {
            writeln!(out, "    {} = {}", label(block, name), shown(document, value)).ok();
        }
    }
    for (port, target) in action.ports() {
        let target = target.as_str().unwrap_or("?");
        let to = document.actions().find(|a| a.id() == Some(target));
        writeln!(out, "    {port} → {}", to.map_or_else(|| format!("{target} (missing)"), named)).ok();
    }
}

fn named(action: Action<'_>) -> String {
    let kind = action.kind().unwrap_or("?");
    let title = action.title().or(catalogue::block(kind).map(|b| b.title.as_str())).unwrap_or(kind);
    format!("{title} [{}]", action.id().unwrap_or("?"))
}

fn label(block: Option<&Block>, name: &str) -> String {
    block.and_then(|b| b.control(name)).map_or_else(|| name.to_owned(), |c| c.label.clone())
}

/// A value as the editor shows it: an expression as what it reads.
fn shown(document: &Document, value: &Json) -> String {
    match value {
        Json::Text(text) => match Path::parse(text) {
            Some(path) => match (path.action(), path.result()) {
                (Some(id), Some(result)) => {
                    let from = document.actions().find(|a| a.id() == Some(id));
                    format!("{result} of {}", from.map_or_else(|| format!("{id} (missing)"), named))
                }
                _ => text.clone(),
            },
            None => format!("“{text}”"),
        },
        Json::Object(members) => {
            let parts: Vec<String> =
                members.iter().map(|(k, v)| format!("{k}: {}", shown(document, v))).collect();
            format!("{{{}}}", parts.join(", "))
        }
        Json::Array(items) => {
            let parts: Vec<String> = items.iter().map(|v| shown(document, v)).collect();
            format!("[{}]", parts.join(", "))
        }
        plain => plain.to_exact(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_happens_in_the_order_in_which_it_happens() {
        let document = Document::parse(
            r#"{"name":"Pop","actions":[{"id":"e","type":"SE_End"},{"id":"q","type":"SE_SFSearchAndScreenpop","controls":{"searchParams":"$.actions.p.results.phone","queryParams":""},"ports":{"success":"e","failure":"gone"}},{"id":"p","type":"SE_ContactCustomerPhoneNumber","meta":{"title":"Who calls"},"ports":{"done":"q"}},{"id":"s","type":"SE_Start","ports":{"done":"p"}},{"id":"x","type":"SE_Log","controls":{"message":"hi"},"ports":{"done":"x"}}]}"#,
        )
        .unwrap();
        let text = explain(&document);
        let order = [
            "Start [s]",
            "Who calls [p]",
            "Search And Screenpop [q]",
            "Search text = phone of Who calls [p]",
            "failure → gone (missing)",
            "End [e]",
            "Never reached:",
            "Message = “hi”",
        ];
        let mut from = 0;
        for line in order {
            let at = text
                .get(from..)
                .and_then(|t| t.find(line))
                .unwrap_or_else(|| panic!("{line} is not where it should be:\n{text}"));
            from += at;
        }
        assert!(!text.contains("Query parameters"), "what is not given is not told");
    }
}
