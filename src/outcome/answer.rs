//! What a refusal says of one write, beyond what its class says.

use serde_json::Value;

use super::Outcome;
use crate::event::{Write, is_record_id};
use crate::fault::Fault;

/// What a refusal says of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// What its class says.
    NoMore,
    /// The write was carried out before: as this record, where its Id is told.
    Done(Option<String>),
    /// The field that carries writes' identities cannot do so: no write is at fault.
    KeyUnfit,
}

impl Outcome {
    /// What a refusal of this write says. `sent` is the write as it was sent, `key_field` the field of its
    /// object that carries identities, `duplicate` the field and the Id that a duplicate value names.
    #[must_use]
    pub fn says(
        &self,
        sent: &Write,
        fault: &Fault,
        key_field: Option<&str>,
        duplicate: Option<(&str, Option<&str>)>,
    ) -> Says {
        match (sent, key_field) {
            (Write::Create { fields, .. }, Some(key)) => {
                let ours = fields.get(key).and_then(Value::as_str) == Some(self.id.as_str());
                match duplicate {
                    // Only our own field: another one that collides is a mistake in the write.
                    Some((field, id)) if ours && field.eq_ignore_ascii_case(key) => {
                        // Sharing can hide the record's Id; the key is ours all the same.
                        Says::Done(id.filter(|id| is_record_id(id)).map(str::to_owned))
                    }
                    None if ours && fault.code.starts_with("INVALID_FIELD") && names(fault, key) => {
                        Says::KeyUnfit
                    }
                    _ => Says::NoMore,
                }
            }
            // R6: it was there when the first attempt was sent.
            (Write::Delete { id, .. }, _)
                if self.gone_is_done()
                    && matches!(fault.code.as_str(), "ENTITY_IS_DELETED" | "NOT_FOUND") =>
            {
                // One that was named by an external id stays unknown.
                Says::Done(Some(id.clone()).filter(|id| is_record_id(id)))
            }
            _ => Says::NoMore,
        }
    }
}

/// Whether a fault names this field, in its list or as a word of its text.
fn names(fault: &Fault, field: &str) -> bool {
    let mut words = fault.message.split(|c: char| !c.is_alphanumeric() && c != '_');
    fault.fields.iter().map(String::as_str).any(|named| named.eq_ignore_ascii_case(field))
        || words.any(|word| word.eq_ignore_ascii_case(field))
}
