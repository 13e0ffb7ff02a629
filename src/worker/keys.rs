//! Whether the fields that carry writes' identities can do so: a field that is merely an external id
//! and not unique would let a repeated create make a second record, and nobody would notice.

use std::time::Duration;

use serde_json::Value;

use super::Worker;
use crate::clock::Deadline;
use crate::telemetry::Line;

/// How long one description may take, and the first round of all of them: a worker whose org cannot
/// be asked has nothing to send anyway.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a field that was not unique, or could not be asked for, is looked at again.
const AGAIN: Duration = Duration::from_secs(300);

impl Worker {
    /// Looks at every configured field once; gives those that are not known to be unique. Creates of
    /// an object whose field is known not to be wait.
    pub(super) async fn check_keys(&self, keys: Vec<(String, String)>) -> Vec<(String, String)> {
        let mut open = Vec::new();
        for (object, field) in keys {
            let described = self.inner.client.describe(&object, Deadline::after(PATIENCE)).await.result;
            match described.map(|description| is_unique(&description, &field)) {
                Ok(true) => continue,
                Ok(false) => {
                    // Until a moment after it is looked at again.
                    self.pause(&object, self.now().plus(AGAIN + PATIENCE * 2));
                    Line::new("field not unique")
                        .with("object", object.as_str())
                        .with("field", field.as_str())
                        .with(
                            "cure",
                            "its creates wait: mark the field as unique, let the API user see it, or take it out of \
                             TIELINE_UNIQUE_FIELDS; `tieline doctor` says more",
                        )
                        .warning()
                        .write();
                }
                // Nothing is known of it; a create that names a field which is not there pauses too.
                Err(_) => {}
            }
            open.push((object, field));
        }
        open
    }

    /// Looks again until every field is known to be unique.
    pub(super) async fn keep_checking(&self, mut open: Vec<(String, String)>) {
        while !open.is_empty() {
            tokio::time::sleep(AGAIN).await;
            open = self.check_keys(open).await;
        }
    }

    /// The configured fields, by object.
    pub(super) fn keys(&self) -> Vec<(String, String)> {
        let fields = &self.modes().unique_fields;
        fields.iter().map(|(object, field)| (object.clone(), field.clone())).collect()
    }
}

fn is_unique(description: &Value, field: &str) -> bool {
    let fields = description.get("fields").and_then(Value::as_array);
    fields.into_iter().flatten().any(|found| {
        let name = found.get("name").and_then(Value::as_str).unwrap_or_default();
        name.eq_ignore_ascii_case(field) && found.get("unique").and_then(Value::as_bool) == Some(true)
    })
}
