//! A flow told as an outline that a person reads from top to bottom.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::catalogue::{self, Block};
use super::json::Json;
use super::model::{Action, Document};
use super::path::Path;

/// The outline: each action once, in the order in which a run would come to it, with what it is
/// given and where its outputs lead.
#[must_use]
pub fn explain(document: &Document) -> String {
    let flow = Told::new(document);
    let mut out = String::new();
    if let Some(name) = document.name() {
        writeln!(out, "{name}").ok();
    }
    let mut seen = vec![false; flow.actions.len()];
    let starts = flow.actions.iter().enumerate().filter(|(_, action)| action.kind() == Some("SE_Start"));
    let mut todo: Vec<usize> = starts.map(|(place, _)| place).rev().collect();
    while let Some(place) = todo.pop() {
        if std::mem::replace(&mut seen[place], true) {
            continue;
        }
        let action = flow.actions[place];
        flow.tell(&mut out, action);
        let next = action.ports().filter_map(|(_, target)| flow.places.get(target.as_str()?).copied());
        let from = todo.len();
        todo.extend(next);
        todo[from..].reverse();
    }
    if seen.contains(&false) {
        writeln!(out, "\nNever reached:").ok();
        for (action, _) in flow.actions.iter().zip(seen).filter(|(_, seen)| !seen) {
            flow.tell(&mut out, *action);
        }
    }
    out
}

/// A flow whose actions are found by their ids.
struct Told<'d> {
    actions: Vec<Action<'d>>,
    /// The first action of each id, which connections and expressions mean.
    places: HashMap<&'d str, usize>,
}

impl<'d> Told<'d> {
    fn new(document: &'d Document) -> Self {
        let actions: Vec<_> = document.actions().collect();
        let mut places = HashMap::new();
        for (place, id) in
            actions.iter().enumerate().filter_map(|(place, action)| Some((place, action.id()?)))
        {
            places.entry(id).or_insert(place);
        }
        Self { actions, places }
    }

    fn tell(&self, out: &mut String, action: Action<'_>) {
        let block = action.kind().and_then(catalogue::block);
        writeln!(out, "{}", named(action)).ok();
        if let Some(block) = block {
            writeln!(out, "    {}", block.description).ok();
        }
        for (name, value) in action.controls() {
            if *value != Json::Null && *value != Json::text("") && *value != Json::object() {
                writeln!(out, "    {} = {}", label(block, name), self.shown(value)).ok();
            }
        }
        for (port, target) in action.ports() {
            writeln!(out, "    {port} → {}", self.called(target.as_str().unwrap_or("?"))).ok();
        }
    }

    fn called(&self, id: &str) -> String {
        self.places.get(id).map_or_else(|| format!("{id} (missing)"), |place| named(self.actions[*place]))
    }

    /// A value as the editor shows it: an expression as what it reads.
    fn shown(&self, value: &Json) -> String {
        match value {
            Json::Text(text) => match Path::parse(text) {
                Some(path) => match (path.action(), path.result()) {
                    (Some(id), Some(result)) => format!("{result} of {}", self.called(id)),
                    _ => text.clone(),
                },
                None => format!("“{text}”"),
            },
            Json::Object(members) => {
                let parts: Vec<String> =
                    members.iter().map(|(k, v)| format!("{k}: {}", self.shown(v))).collect();
                format!("{{{}}}", parts.join(", "))
            }
            Json::Array(items) => {
                let parts: Vec<String> = items.iter().map(|v| self.shown(v)).collect();
                format!("[{}]", parts.join(", "))
            }
            plain => plain.to_exact(),
        }
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

    #[test]
    fn leaves_out_no_action_that_shares_an_id_or_has_none() {
        let document = Document::parse(
            r#"{"actions":[{"id":"s","type":"SE_Start","ports":{"done":"a"}},{"id":"a","type":"SE_Log"},{"id":"a","type":"SE_Alert"},{"type":"SE_New"},{"type":"SE_End"},7]}"#,
        )
        .unwrap();
        let text = explain(&document);
        for action in ["Log to Console [a]", "[a]\n    ", "SE_New [?]", "End [?]", "? [?]"] {
            assert!(text.contains(action), "{action} is missing:\n{text}");
        }
        assert_eq!(text.matches("[a]\n").count(), 3, "the connection, and both actions:\n{text}");
    }

    #[test]
    fn a_hundred_thousand_actions_are_told_in_one_pass() {
        let actions: Vec<String> = (0..100_000)
            .map(|n| format!(r#"{{"id":"{n}","type":"SE_Log","controls":{{"message":"$.actions.{n}.results.x"}},"ports":{{"done":"{}"}}}}"#, n + 1))
            .collect();
        let document = Document::parse(&format!(r#"{{"actions":[{}]}}"#, actions.join(","))).unwrap();
        assert!(explain(&document).ends_with("done → 100000 (missing)\n"));
    }
}
