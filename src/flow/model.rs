//! The document: a flow file, read without loss and written as it was.
//!
//! A [`Document`] is the file's own JSON with the eyes to see actions in it. Older dialects (null
//! controls, no ports, no meta) are seen as what they mean and written as they were.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::json::{Json, Unreadable};

/// The order in which the editor writes the keys of an action.
pub const ACTION_KEYS: [&str; 6] = ["id", "type", "meta", "controls", "ports", "position"];

/// A flow file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document {
    json: Json,
}

/// One action as it stands in the file. Whatever is missing or of a wrong type is absent here;
/// the validator says so.
#[derive(Clone, Copy, Debug)]
pub struct Action<'d> {
    json: &'d Json,
}

impl Document {
    /// Reads a file. A byte order mark before it is passed over.
    ///
    /// # Errors
    /// Where it is no JSON. Any JSON is a document: what it lacks, the validator says.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        Ok(Self { json: Json::parse(text.strip_prefix('\u{feff}').unwrap_or(text))? })
    }

    /// Takes JSON that was read elsewhere.
    #[must_use]
    pub const fn new(json: Json) -> Self {
        Self { json }
    }

    /// The empty document of a new flow.
    #[must_use]
    pub fn empty() -> Self {
        Self { json: Json::Object(vec![("actions".to_owned(), Json::Array(Vec::new()))]) }
    }

    /// The JSON itself.
    #[must_use]
    pub const fn json(&self) -> &Json {
        &self.json
    }

    /// The JSON itself, to change it.
    pub const fn json_mut(&mut self) -> &mut Json {
        &mut self.json
    }

    /// Whether it is a flow at all: an object whose `actions` is a list.
    #[must_use]
    pub fn is_flow(&self) -> bool {
        matches!(self.json.get("actions"), Some(Json::Array(_)))
    }

    /// The name that some files carry.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.json.get("name")?.as_str()
    }

    /// Its actions, in their order.
    pub fn actions(&self) -> impl ExactSizeIterator<Item = Action<'_>> {
        self.json.get("actions").map_or(&[][..], Json::items).iter().map(|json| Action { json })
    }

    /// The actions, to change them.
    pub fn actions_mut(&mut self) -> &mut [Json] {
        match self.json.get_mut("actions") {
            Some(Json::Array(items)) => items,
            _ => &mut [],
        }
    }

    /// An id that no action has: `uid-<n>`, one above the highest number found in any id, whatever
    /// its form. Ids like `uid-NaN` count nothing.
    #[must_use]
    pub fn free_id(&self) -> String {
        let highest = self
            .actions()
            .filter_map(|a| {
                let digits = a.id()?.trim_start_matches("uid").trim_start_matches('-');
                digits.parse::<u64>().ok()
            })
            .max();
        let mut next = highest.map_or(0, |n| n.saturating_add(1));
        let mut id = format!("uid-{next}");
        while self.actions().any(|a| a.id() == Some(id.as_str())) {
            next = next.wrapping_add(1);
            id = format!("uid-{next}");
        }
        id
    }

    /// As the adapter exports it: one line.
    #[must_use]
    pub fn to_exact(&self) -> String {
        self.json.to_exact()
    }

    /// For people.
    #[must_use]
    pub fn to_pretty(&self) -> String {
        self.json.to_pretty()
    }
}

impl<'d> Action<'d> {
    /// The same eyes for JSON that stands elsewhere.
    #[must_use]
    pub const fn new(json: &'d Json) -> Self {
        Self { json }
    }

    /// The JSON itself.
    #[must_use]
    pub const fn json(self) -> &'d Json {
        self.json
    }

    /// Its id, opaque.
    #[must_use]
    pub fn id(self) -> Option<&'d str> {
        self.json.get("id")?.as_str()
    }

    /// Its type, `SE_…`.
    #[must_use]
    pub fn kind(self) -> Option<&'d str> {
        self.json.get("type")?.as_str()
    }

    /// The label that its author gave it.
    #[must_use]
    pub fn title(self) -> Option<&'d str> {
        self.json.get("meta")?.get("title")?.as_str().filter(|t| !t.is_empty())
    }

    /// Its arguments, in their order.
    #[must_use]
    pub fn controls(self) -> &'d [(String, Json)] {
        self.json.get("controls").map_or(&[], Json::members)
    }

    /// One argument.
    #[must_use]
    pub fn control(self, name: &str) -> Option<&'d Json> {
        self.json.get("controls")?.get(name)
    }

    /// Its connections: output and target. Null is unconnected; of an output that stands twice the
    /// last one counts.
    pub fn ports(self) -> impl Iterator<Item = (&'d str, &'d Json)> {
        let mut seen = HashSet::new();
        let ports = self.json.get("ports").map_or(&[][..], Json::members);
        let mut last: Vec<_> = ports.iter().rev().filter(|(port, _)| seen.insert(port)).collect();
        last.reverse();
        last.into_iter()
            .filter(|(_, target)| *target != Json::Null)
            .map(|(port, target)| (port.as_str(), target))
    }

    /// Where an output leads.
    #[must_use]
    pub fn target(self, port: &str) -> Option<&'d str> {
        self.json.get("ports")?.get(port)?.as_str()
    }

    /// Its place on the stage.
    #[must_use]
    pub fn position(self) -> Option<(f64, f64)> {
        match self.json.get("position")?.items() {
            [x, y] => Some((x.as_f64()?, y.as_f64()?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_as_it_was_read() {
        let text = r#"{"actions":[{"id":"uid-0","type":"SE_Start","meta":{},"controls":{},"ports":{"done":"uid-1"},"position":[-450.50,-249]},{"id":"uid-1","type":"SE_FromTheFuture","controls":{"x":null,"n":1e3},"ports":{"done":null},"extra":[1,{"a":2}]}],"name":"old","later":{"z":1,"a":2}}"#;
        let document = Document::parse(text).unwrap();
        assert_eq!(document.to_exact(), text);
        assert_eq!(Document::parse(&document.to_pretty()).unwrap(), document);
        assert_eq!(document.name(), Some("old"));
        assert_eq!(document.actions().nth(1).unwrap().ports().count(), 0, "null is unconnected");
    }

    #[test]
    fn ids_are_handed_out_above_every_number_in_use() {
        let with = |ids: &[&str]| {
            let actions = ids.iter().map(|id| Json::Object(vec![("id".into(), Json::text(*id))])).collect();
            Document::new(Json::Object(vec![("actions".into(), Json::Array(actions))])).free_id()
        };
        assert_eq!(with(&[]), "uid-0");
        assert_eq!(with(&["uid-0", "uid-7", "uid-3"]), "uid-8");
        assert_eq!(with(&["uid-NaN", "uid12", "4"]), "uid-13");
        assert_eq!(with(&["uid-NaN", "start"]), "uid-0");
        assert_eq!(with(&["uid-18446744073709551615"]), "uid-0", "counting wraps rather than ends");
    }

    fn generated() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::prelude::*;
        let value = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|b| b.to_string()),
            "-?[1-9][0-9]{0,5}(\\.[0-9]{1,4})?".prop_map(|n| n),
            "[a-z$.é\\[\\]-]{0,12}".prop_map(|t| serde_json::to_string(&t).unwrap_or_default()),
            "[a-z]{1,4}".prop_map(|k| format!(r#"{{"{k}":"$.payload.{k}","":[]}}"#)),
        ];
        let key = "[a-zA-Z ]{1,8}";
        let object = prop::collection::vec((key, value), 0..5).prop_map(|members| {
            let members: Vec<String> = members.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
            format!("{{{}}}", members.join(","))
        });
        let action = (0..40_u32, "SE_[A-Za-z]{1,12}", object.clone(), object, -900.5..900.5_f64).prop_map(|(id, kind, controls, extra, x)| {
            format!(r#"{{"id":"uid-{id}","type":"{kind}","meta":{extra},"controls":{controls},"ports":{{"done":"uid-{}"}},"position":[{x:.3},-0]}}"#, id + 1)
        });
        prop::collection::vec(action, 0..12)
            .prop_map(|actions| format!(r#"{{"actions":[{}],"later":1.50}}"#, actions.join(",")))
    }

    proptest::proptest! {
        #[test]
        fn generated_flows_are_written_as_they_were_read(text in generated()) {
            let document = Document::parse(&text).unwrap();
            proptest::prop_assert_eq!(document.to_exact(), text);
            proptest::prop_assert_eq!(&Document::parse(&document.to_pretty()).unwrap(), &document);
            // Whatever it holds, it is checked and made ready without panic, and repairs settle.
            let around = crate::flow::validate::Around::default();
            let mut repaired = document;
            crate::flow::validate::fix::apply(&mut repaired, &around, None);
            drop(crate::flow::run::Flow::new(&repaired));
        }
    }

    #[test]
    fn what_is_broken_is_absent_and_nothing_else_is() {
        let document = Document::parse(
            r#"{"actions":[7,{"id":1,"type":[],"controls":null,"ports":"x","position":[1]}]}"#,
        )
        .unwrap();
        for action in document.actions() {
            assert_eq!((action.id(), action.kind(), action.position()), (None, None, None));
            assert!(action.controls().is_empty());
        }
        assert!(!Document::parse("[]").unwrap().is_flow());
        assert!(Document::parse("\u{feff}{\"actions\":[]}").unwrap().is_flow());
    }
}
