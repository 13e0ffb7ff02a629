//! Whether the fields that carry writes' identities can do so: a field that is merely an external id
//! and not unique would let a repeated create make a second record, and nobody would notice.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::Worker;
use crate::clock::Deadline;
use crate::telemetry::Line;
use crate::time::Timestamp;

/// How long a round of descriptions may take: a worker whose org cannot be asked has nothing to send
/// anyway.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a field that was not unique, or could not be asked for, is looked at again.
const AGAIN: Duration = Duration::from_secs(300);

/// What a process knows of these fields; all workers of a process share it, so that a function does
/// not ask again with every batch.
#[derive(Debug, Default)]
pub struct Keys {
    /// Objects whose field cannot carry identities, and until when they are left alone.
    paused: Mutex<HashMap<String, Timestamp>>,
    /// When batches last had them looked at, and those that were not known to be unique then.
    looked: Mutex<Option<(Timestamp, Fields)>>,
}

/// Configured fields, each behind its object.
type Fields = Vec<(String, String)>;

impl Keys {
    /// Everything is known to be unique.
    #[cfg(all(test, feature = "local"))]
    pub(super) fn looked(now: Timestamp) -> Self {
        Self { looked: Mutex::new(Some((now, Vec::new()))), ..Self::default() }
    }

    /// Leaves an object alone for a while.
    pub(super) fn pause(&self, object: &str, until: Timestamp) {
        held(&self.paused).insert(object.to_ascii_lowercase(), until);
    }

    pub(super) fn paused_until(&self, object: &str, now: Timestamp) -> Option<Timestamp> {
        held(&self.paused).get(&object.to_ascii_lowercase()).copied().filter(|until| *until > now)
    }
}

/// What is kept here is whole between any two statements.
fn held<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// Looks at every configured field once; gives those that are not known to be unique. Creates of
    /// an object whose field is known not to be wait.
    pub(super) async fn check_keys(&self, keys: Fields) -> Fields {
        let mut open = Vec::new();
        let deadline = Deadline::after(PATIENCE);
        for (object, field) in keys {
            let described = self.inner.client.describe(&object, deadline).await.result;
            match described.map(|description| is_unique(&description, &field)) {
                Ok(true) => continue,
                Ok(false) => {
                    // Until a moment after it is looked at again.
                    self.inner.keys.pause(&object, self.now().plus(AGAIN + PATIENCE * 2));
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
    pub(super) async fn keep_checking(&self, mut open: Fields) {
        while !open.is_empty() {
            tokio::time::sleep(AGAIN).await;
            open = self.check_keys(open).await;
        }
    }

    /// The same for a function, which lives from batch to batch: what was not known to be unique is
    /// looked at again by the first batch that comes later.
    pub(super) async fn check_keys_when_due(&self) {
        let now = self.now();
        let due = match &*held(&self.inner.keys.looked) {
            None => self.keys(),
            Some((at, open)) if at.plus(AGAIN) <= now => open.clone(),
            Some(_) => return,
        };
        let open = self.check_keys(due).await;
        *held(&self.inner.keys.looked) = Some((now, open));
    }

    /// The configured fields.
    pub(super) fn keys(&self) -> Fields {
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
