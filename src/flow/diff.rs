//! What differs between two flows, in the words of a person: moved is not changed.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::json::Json;
use super::model::{Action, Document};

/// What stands for the id of an action that has none.
const NO_ID: &str = "(no id)";

/// The differences, in the order of the files.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = FlowDiff))]
pub struct Diff {
    /// Keys of the file beside its actions, such as `name`.
    pub file: Vec<String>,
    /// Ids that only the second has.
    pub added: Vec<String>,
    /// Ids that only the first has.
    pub removed: Vec<String>,
    /// Ids whose action does something else.
    pub changed: Vec<Changed>,
    /// Ids whose action only stands elsewhere.
    pub moved: Vec<String>,
}

/// One action that does something else.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = ChangedAction))]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// What changed: `type`, `title`, `controls.<name>`, `ports.<name>`, other keys by their names.
    pub what: Vec<String>,
    /// Whether it stands elsewhere, too.
    pub moved: bool,
}

impl Diff {
    /// Whether there is no difference.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares two flows action by action. The order of actions and of keys means nothing.
#[must_use]
pub fn diff(a: &Document, b: &Document) -> Diff {
    let (before, after) = (numbered(a), numbered(b));
    let old: HashMap<_, _> = before.iter().copied().collect();
    let new: HashSet<_> = after.iter().map(|(name, _)| *name).collect();
    let mut diff = Diff::default();
    let (of_a, of_b) = (by_key(a.json()), by_key(b.json()));
    for key in keys(a.json(), b.json()).into_iter().filter(|key| *key != "actions") {
        if of_a.get(key) != of_b.get(key) {
            diff.file.push(key.to_owned());
        }
    }
    for ((id, _), _) in before.iter().filter(|(name, _)| !new.contains(name)) {
        diff.removed.push((*id).to_owned());
    }
    for (name, new) in after {
        let id = name.0.to_owned();
        let Some(old) = old.get(&name) else {
            diff.added.push(id);
            continue;
        };
        let what = changes(*old, new);
        let moved = old.json().get("position") != new.json().get("position");
        if !what.is_empty() {
            diff.changed.push(Changed { id, what, moved });
        } else if moved {
            diff.moved.push(id);
        }
    }
    diff
}

/// The actions by their ids; those that share one, or have none, by their turn.
fn numbered(document: &Document) -> Vec<((&str, usize), Action<'_>)> {
    let mut times = HashMap::new();
    document
        .actions()
        .map(|action| {
            let id = action.id().unwrap_or(NO_ID);
            let turn = times.entry(id).or_insert(0);
            *turn += 1;
            ((id, *turn), action)
        })
        .collect()
}

fn changes(old: Action<'_>, new: Action<'_>) -> Vec<String> {
    let mut what = Vec::new();
    let (before, after) = (by_key(old.json()), by_key(new.json()));
    if before.is_empty() && after.is_empty() && old.json() != new.json() {
        what.push("value".to_owned());
    }
    for key in keys(old.json(), new.json()) {
        let (before, after) = (before.get(key).copied(), after.get(key).copied());
        match key {
            "id" | "position" => {}
            "controls" | "ports" | "meta" => within(key, before, after, &mut what),
            _ if before != after => what.push(key.to_owned()),
            _ => {}
        }
    }
    what
}

/// What differs between two objects of an action. Null and absent are the same nothing, in both
/// dialects.
fn within(name: &str, before: Option<&Json>, after: Option<&Json>, what: &mut Vec<String>) {
    const NOTHING: &Json = &Json::object();
    let given = |json: &&Json| **json != Json::Null;
    let (before, after) = (before.filter(given).unwrap_or(NOTHING), after.filter(given).unwrap_or(NOTHING));
    if !matches!((before, after), (Json::Object(_), Json::Object(_))) {
        if before != after {
            what.push(name.to_owned());
        }
        return;
    }
    let (old, new) = (by_key(before), by_key(after));
    for key in keys(before, after) {
        if old.get(key).copied().filter(given) != new.get(key).copied().filter(given) {
            what.push(if (name, key) == ("meta", "title") {
                key.to_owned()
            } else {
                format!("{name}.{key}")
            });
        }
    }
}

fn by_key(json: &Json) -> HashMap<&str, &Json> {
    json.members().iter().map(|(key, value)| (key.as_str(), value)).collect()
}

fn keys<'j>(a: &'j Json, b: &'j Json) -> Vec<&'j str> {
    let mut seen = HashSet::new();
    let keys = a.members().iter().chain(b.members()).map(|(key, _)| key.as_str());
    keys.filter(|key| seen.insert(*key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_is_told_from_changed() {
        let a = Document::parse(r#"{"actions":[{"id":"a","type":"SE_Log","controls":{"message":"x","level":null},"ports":{"done":"b"},"position":[0,0]},{"id":"b","type":"SE_End","position":[1,1]},{"id":"c","type":"SE_Log"}]}"#).unwrap();
        let b = Document::parse(r#"{"actions":[{"id":"b","type":"SE_End","controls":{},"position":[2,1]},{"id":"a","type":"SE_Alert","meta":{"title":"T"},"controls":{"message":"y"},"ports":{},"position":[0,0]},{"id":"d","type":"SE_Log"}]}"#).unwrap();
        assert_eq!(
            diff(&a, &b),
            Diff {
                file: Vec::new(),
                added: vec!["d".into()],
                removed: vec!["c".into()],
                changed: vec![Changed {
                    id: "a".into(),
                    what: vec!["type".into(), "controls.message".into(), "ports.done".into(), "title".into()],
                    moved: false
                }],
                moved: vec!["b".into()],
            }
        );
        assert!(diff(&a, &a).is_empty());
    }

    #[test]
    fn nothing_that_a_file_holds_differs_unseen() {
        let diff = |a: &str, b: &str| diff(&Document::parse(a).unwrap(), &Document::parse(b).unwrap());
        assert_eq!(
            diff(r#"{"actions":[],"name":"a","x":1}"#, r#"{"name":"b","actions":[]}"#).file,
            ["name", "x"]
        );
        let changed = |a: &str, b: &str| {
            let around = |action: &str| format!(r#"{{"actions":[{action}]}}"#);
            let found = diff(&around(a), &around(b));
            assert!(diff(&around(a), &around(a)).is_empty() && !found.is_empty(), "{a} {b}");
            found.changed.into_iter().flat_map(|c| c.what).collect::<Vec<_>>()
        };
        assert_eq!(changed(r#"{"id":"a","meta":{"colour":1}}"#, r#"{"id":"a"}"#), ["meta.colour"]);
        assert_eq!(changed(r#"{"id":"a","controls":7}"#, r#"{"id":"a","controls":null}"#), ["controls"]);
        assert_eq!(changed(r#"{"type":"SE_Log"}"#, r#"{"type":"SE_End"}"#), ["type"]);
        assert_eq!(changed(r#"{"id":"a"},{"id":"a","x":1}"#, r#"{"id":"a"},{"id":"a","x":2}"#), ["x"]);
        assert_eq!(changed("7", "8"), ["value"]);
        let more = diff(r#"{"actions":[{"id":"a"}]}"#, r#"{"actions":[{"id":"a"},{"id":"a"},{}]}"#);
        assert_eq!(more.added, ["a", NO_ID]);
    }
}
