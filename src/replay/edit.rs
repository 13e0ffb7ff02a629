//! Repairing a dead write before it is sent again.

use serde_json::{Map, Value};

use super::{Desk, DeskError, envelope};
use crate::envelope::{Envelope, refs};
use crate::event::Write;
use crate::outcome::rows::{DeadLetter, Edit};
use crate::store::{Expect, PutError};
use crate::time::Timestamp;

/// Which places of a write an edit changed: paths, never what they held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Paths, such as `fields.Subject`, in order.
    pub changed: Vec<String>,
}

impl Desk {
    /// Sets fields of a dead create, update or upsert (`null` takes a field away).
    ///
    /// # Errors
    /// When the write has no fields, or somebody else changed it.
    pub async fn set_fields(
        &self,
        letter: &DeadLetter,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Difference, DeskError> {
        let mut write = envelope(letter)?.write;
        let (Write::Create { fields: standing, .. }
        | Write::Update { fields: standing, .. }
        | Write::Upsert { fields: standing, .. }) = &mut write
        else {
            return Err(DeskError::Refused(format!(
                "{} has no fields to set; edit the whole write with --file",
                letter.id
            )));
        };
        for (name, value) in fields {
            match value {
                Value::Null => drop(standing.shift_remove(name)),
                value => drop(standing.insert(name.clone(), value.clone())),
            }
        }
        self.set_write(letter, write, now).await
    }

    /// Puts another change in the place of a dead one. Its identity stays.
    ///
    /// # Errors
    /// When it names what it may not, or somebody else changed it.
    pub async fn set_write(
        &self,
        letter: &DeadLetter,
        write: Write,
        now: Timestamp,
    ) -> Result<Difference, DeskError> {
        let mut envelope = envelope(letter)?;
        let names = refs::references(&write);
        if let Some(name) = names.names.first() {
            return Err(DeskError::Refused(format!(
                "@{{{name}.Id}} is bound when a write is accepted; in a dead letter put the ticket or the real Id"
            )));
        }
        if names.tickets.contains(&letter.id) {
            return Err(DeskError::Refused("the write would refer to itself".to_owned()));
        }
        let before = serde_json::to_value(&envelope.write).unwrap_or_default();
        let after = serde_json::to_value(&write).unwrap_or_default();
        let mut difference = Difference::default();
        compare("", &before, &after, &mut difference.changed);
        envelope.refs = names.tickets.into_iter().collect();
        envelope.write = write;
        self.put_edited(letter, envelope, &difference, now).await?;
        Ok(difference)
    }

    async fn put_edited(
        &self,
        letter: &DeadLetter,
        envelope: Envelope,
        difference: &Difference,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        if difference.changed.is_empty() {
            return Ok(());
        }
        envelope.encode().map_err(|error| DeskError::Refused(error.to_string()))?;
        let what = format!("edited {}", difference.changed.join(", "));
        let mut edited = letter.clone();
        edited.version += 1;
        edited.envelope = serde_json::to_value(&envelope).unwrap_or_default();
        edited.edits.push(Edit { at: now, by: self.by.clone(), what: what.clone() });
        match self.state.put(&edited.row(), Expect::Version(letter.version), now).await {
            Ok(()) => self.audit(letter, &what, now).await,
            Err(PutError::Conflict(_)) => Err(DeskError::Changed(letter.id)),
            Err(PutError::Store(error)) => Err(error.into()),
        }
    }
}

/// The paths at which two values differ.
fn compare(path: &str, before: &Value, after: &Value, changed: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(b), Value::Object(a)) => {
            let keys = b.keys().chain(a.keys().filter(|key| !b.contains_key(*key)));
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(
                    &path,
                    b.get(key).unwrap_or(&Value::Null),
                    a.get(key).unwrap_or(&Value::Null),
                    changed,
                );
            }
        }
        (before, after) if before != after => changed.push(path.to_owned()),
        _ => {}
    }
}
