//! What differs between two flows, in the words of a person: moved is not changed.

use std::collections::HashMap;

use serde::Serialize;

use super::json::Json;
use super::model::{Action, Document};

/// The differences, in the order of the files.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = FlowDiff))]
pub struct Diff {
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

/// Compares two flows action by action.
#[must_use]
pub fn diff(a: &Document, b: &Document) -> Diff {
    let before: HashMap<&str, Action<'_>> = a.actions().filter_map(|x| Some((x.id()?, x))).collect();
    let after: HashMap<&str, Action<'_>> = b.actions().filter_map(|x| Some((x.id()?, x))).collect();
    let mut diff = Diff::default();
    for id in a.actions().filter_map(Action::id).filter(|id| !after.contains_key(id)) {
        diff.removed.push(id.to_owned());
    }
    for (id, new) in b.actions().filter_map(|x| Some((x.id()?, x))) {
        let Some(old) = before.get(id) else {
            diff.added.push(id.to_owned());
            continue;
        };
        let what = changes(*old, new);
        let moved = old.json().get("position") != new.json().get("position");
        if !what.is_empty() {
            diff.changed.push(Changed { id: id.to_owned(), what, moved });
        } else if moved {
            diff.moved.push(id.to_owned());
        }
    }
    diff
}

fn changes(old: Action<'_>, new: Action<'_>) -> Vec<String> {
    let mut what = Vec::new();
    if old.title() != new.title() {
        what.push("title".to_owned());
    }
    for key in keys(old.json(), new.json()) {
        let (before, after) = (old.json().get(key), new.json().get(key));
        match key {
            "id" | "position" | "meta" => {}
            "controls" | "ports" => {
                // Null and absent are the same nothing, in both dialects.
                let nothing = Json::object();
                let side = |j: Option<&Json>| match j {
                    Some(object @ Json::Object(_)) => object.clone(),
                    _ => nothing.clone(),
                };
                let (before, after) = (side(before), side(after));
                for name in keys(&before, &after) {
                    let value = |j: &Json| j.get(name).filter(|v| **v != Json::Null).cloned();
                    if value(&before) != value(&after) {
                        what.push(format!("{key}.{name}"));
                    }
                }
            }
            _ if before != after => what.push(key.to_owned()),
            _ => {}
        }
    }
    what
}

fn keys<'j>(a: &'j Json, b: &'j Json) -> Vec<&'j str> {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in a.members().iter().chain(b.members()) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    keys
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
                added: vec!["d".into()],
                removed: vec!["c".into()],
                changed: vec![Changed {
                    id: "a".into(),
                    what: vec!["title".into(), "type".into(), "controls.message".into(), "ports.done".into()],
                    moved: false
                }],
                moved: vec!["b".into()],
            }
        );
        assert!(diff(&a, &a).is_empty());
    }
}
