//! Nested records as the flat keys that a contact flow can read.

use serde_json::{Map, Value};

/// The record's fields under dotted keys (`Account.Owner.Name`), without `attributes` at any level.
///
/// A list is written as upstream writes it, each element over the one before, so that the last
/// stays; of a list with several elements each is also there under its position
/// (`Contacts.records.0.Name`). Empty lists and objects vanish.
pub(super) fn flatten(record: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    fields("", record, Lists::Both, &mut out);
    out
}

/// How the elements of a list are named. Once inside of a list it is one of the two ways, so that
/// lists in lists are walked twice and not two to the power of their depth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    Both,
    Last,
    Numbered,
}

fn fields(prefix: &str, record: &Map<String, Value>, lists: Lists, out: &mut Map<String, Value>) {
    for (name, value) in record {
        if name != "attributes" {
            put(format!("{prefix}{name}"), value, lists, out);
        }
    }
}

fn put(key: String, value: &Value, lists: Lists, out: &mut Map<String, Value>) {
    match value {
        Value::Object(record) => fields(&format!("{key}."), record, lists, out),
        Value::Array(items) => {
            let numbered = items.len() > 1 && lists != Lists::Last;
            if !numbered || lists == Lists::Both {
                let lists = if numbered { Lists::Last } else { lists };
                for item in items {
                    put(key.clone(), item, lists, out);
                }
            }
            for (at, item) in items.iter().enumerate().filter(|_| numbered) {
                put(format!("{key}.{at}"), item, Lists::Numbered, out);
            }
        }
        value => {
            out.insert(key, value.clone());
        }
    }
}

/// The record as it is, without `attributes` at any level.
pub(super) fn bare(record: &Map<String, Value>) -> Map<String, Value> {
    record
        .iter()
        .filter(|(name, _)| name.as_str() != "attributes")
        .map(|(name, value)| (name.clone(), bare_value(value)))
        .collect()
}

fn bare_value(value: &Value) -> Value {
    match value {
        Value::Object(record) => bare(record).into(),
        Value::Array(items) => items.iter().map(bare_value).collect(),
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn flat(record: Value) -> Value {
        flatten(record.as_object().unwrap()).into()
    }

    #[test]
    fn parents_become_dots_and_attributes_vanish() {
        let record = json!({
            "attributes": {"type": "Contact"},
            "Id": "1",
            "Account": {"attributes": {"type": "Account"}, "Name": "Acme", "Owner": {"Name": "Olga"}},
            "ReportsTo": null,
        });
        assert_eq!(
            flat(record.clone()),
            json!({"Id": "1", "Account.Name": "Acme", "Account.Owner.Name": "Olga", "ReportsTo": null})
        );
        assert_eq!(
            Value::from(bare(record.as_object().unwrap())),
            json!({
                "Id": "1", "Account": {"Name": "Acme", "Owner": {"Name": "Olga"}}, "ReportsTo": null
            })
        );
    }

    #[test]
    fn children_keep_upstreams_key_and_get_their_own() {
        let children =
            json!({"Cases": {"totalSize": 2, "done": true, "records": [{"Id": "a"}, {"Id": "b"}]}});
        assert_eq!(
            flat(children),
            json!({
                "Cases.totalSize": 2, "Cases.done": true, "Cases.records.Id": "b", "Cases.records.0.Id": "a",
                "Cases.records.1.Id": "b",
            })
        );
        assert_eq!(flat(json!({"E": {}, "Z": [], "T": ["a"]})), json!({"T": "a"}));
    }

    #[test]
    fn lists_in_lists_do_not_explode() {
        let mut deep = json!(["x", "y"]);
        for _ in 0..60 {
            deep = json!([deep, 1]);
        }
        // Each list but the innermost has one scalar, and the innermost has two.
        assert_eq!(flat(json!({ "L": deep })).as_object().unwrap().len(), 63);
        assert_eq!(
            flat(json!({"L": [{"M": [1, 2]}, {"M": [3]}]})),
            json!({
                "L.M": 3, "L.0.M.0": 1, "L.0.M.1": 2, "L.1.M": 3
            })
        );
    }
}
