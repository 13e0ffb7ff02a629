//! What the Salesforce blocks mean, before anybody calls Salesforce.

use serde_json::{Map, Value};

use super::value::text;

/// What Save (or Create) a Record does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Save {
    /// Set fields of the record with this id.
    Update(String),
    /// Create a record of this object.
    Create(String),
}

/// Reads the target: null, empty, `null` and `undefined` all mean create.
#[must_use]
pub fn save_target(inputs: &Map<String, Value>) -> Save {
    let id = text(inputs.get("recordId"));
    match id.trim() {
        "" | "null" | "undefined" => Save::Create(text(inputs.get("entityType")).trim().to_owned()),
        id => Save::Update(id.to_owned()),
    }
}

/// The fields of the Task that Create a Task makes: the subject joined, empty values left out,
/// other fields last.
#[must_use]
pub fn task_fields(inputs: &Map<String, Value>) -> Map<String, Value> {
    const FIELDS: [&str; 12] = [
        "CallObject",
        "Type",
        "Status",
        "Priority",
        "IsClosed",
        "TaskSubtype",
        "WhoId",
        "WhatId",
        "CallDisposition",
        "CallDurationInSeconds",
        "CallType",
        "ActivityDate",
    ];
    let mut fields = Map::new();
    let parts: Vec<String> = ["subject1", "subject2", "subject3"]
        .iter()
        .map(|name| text(inputs.get(*name)))
        .filter(|part| !part.is_empty())
        .collect();
    if !parts.is_empty() {
        fields.insert("Subject".to_owned(), Value::String(parts.join(" - ")));
    }
    for name in FIELDS {
        match inputs.get(name) {
            // Salesforce computes IsClosed from Status and refuses to be told.
            None | Some(Value::Null) => {}
            Some(_) if name == "IsClosed" => {}
            Some(Value::String(s)) if s.is_empty() => {}
            Some(given) if name == "CallDurationInSeconds" => {
                let seconds = super::value::number(Some(given)).and_then(super::value::from_number);
                fields.insert(name.to_owned(), seconds.unwrap_or_else(|| given.clone()));
            }
            Some(Value::String(s)) if name == "CallType" => {
                // The picklist's values are capitalised, the block's options are not.
                let mut letters = s.chars();
                let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
                fields.insert(name.to_owned(), Value::String(first + letters.as_str()));
            }
            Some(given) => {
                fields.insert(name.to_owned(), given.clone());
            }
        }
    }
    if let Some(Value::Object(others)) = inputs.get("otherTaskFields") {
        for (name, value) in others {
            if !value.is_null() && *value != Value::String(String::new()) {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_in_its_many_spellings_means_create() {
        for id in [
            json!({}),
            json!({"recordId": null}),
            json!({"recordId": ""}),
            json!({"recordId": "null"}),
            json!({"recordId": "undefined"}),
        ] {
            let mut inputs = id.as_object().unwrap().clone();
            inputs.insert("entityType".into(), json!("Contact"));
            assert_eq!(save_target(&inputs), Save::Create("Contact".into()));
        }
        assert_eq!(
            save_target(json!({"recordId": "003", "entityType": "Case"}).as_object().unwrap()),
            Save::Update("003".into())
        );
    }

    #[test]
    fn a_task_holds_what_was_given_and_nothing_empty() {
        let inputs = json!({"subject1": "Voice", "subject2": "", "subject3": "Support", "WhoId": "003", "WhatId": "",
            "IsClosed": false, "CallType": "inbound", "CallDurationInSeconds": "12", "otherTaskFields": {"Description": "x", "Note__c": ""}});
        assert_eq!(
            Value::Object(task_fields(inputs.as_object().unwrap())),
            json!({"Subject": "Voice - Support", "WhoId": "003", "CallDurationInSeconds": 12, "CallType": "Inbound", "Description": "x"})
        );
    }
}
