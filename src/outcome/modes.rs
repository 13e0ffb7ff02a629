//! How a second effect is prevented, as it is chosen per object.

use std::collections::BTreeMap;

use super::Effect;
use crate::envelope::{WriteId, object_of};
use crate::event::Write;

/// What was chosen. The invoke side and the worker must choose alike: an attempt of one may be taken
/// over by the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// Creates of these objects carry the write id in this unique field.
    pub unique_fields: BTreeMap<String, String>,
    /// Objects without such a field, Chatter's `FeedItem` and `FeedComment` among them, for which
    /// another way than `reconcile` was chosen.
    pub others: BTreeMap<String, Effect>,
}

impl Modes {
    /// How a second effect of this write is prevented.
    #[must_use]
    pub fn of(&self, write: &Write) -> Effect {
        match write {
            Write::Update { .. } | Write::Delete { .. } | Write::Upsert { .. } => Effect::Native,
            Write::Create { object, .. } if self.unique_field(object).is_some() => Effect::UniqueField,
            Write::Create { .. } | Write::Post { .. } | Write::Comment { .. } => {
                by_name(&self.others, object_of(write)).copied().unwrap_or(Effect::Reconcile)
            }
        }
    }

    /// The field of this object that carries a write's identity.
    #[must_use]
    pub fn unique_field(&self, object: &str) -> Option<&str> {
        by_name(&self.unique_fields, object).map(String::as_str)
    }

    /// The write as it is sent: a create with the write id in its unique field.
    #[must_use]
    pub fn keyed(&self, write: &Write, id: WriteId) -> Write {
        let mut write = write.clone();
        if let Write::Create { object, fields } = &mut write
            && let Some(field) = self.unique_field(object)
        {
            fields.insert(field.to_owned(), id.as_str().into());
        }
        write
    }
}

/// API names are the same in any case.
fn by_name<'a, T>(map: &'a BTreeMap<String, T>, name: &str) -> Option<&'a T> {
    map.get(name).or_else(|| map.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn each_object_has_the_way_that_was_chosen_for_it() {
        let modes = Modes {
            unique_fields: BTreeMap::from([("Task".to_owned(), "Key__c".to_owned())]),
            others: BTreeMap::from([
                ("Task".to_owned(), Effect::AtLeastOnce),
                ("feeditem".to_owned(), Effect::AtMostOnce),
            ]),
        };
        let create = |object: &str| Write::Create { object: object.to_owned(), fields: Map::new() };
        let post = Write::Post {
            element_type: "FeedItem".to_owned(),
            subject_id: "500".to_owned(),
            message_type: "Text".to_owned(),
            text: "Hello".to_owned(),
            mention: None,
        };
        assert_eq!(modes.of(&create("TASK")), Effect::UniqueField, "a field comes first");
        assert_eq!(modes.of(&create("Case")), Effect::Reconcile);
        assert_eq!(modes.of(&post), Effect::AtMostOnce);
        let id = WriteId::keyed("o", "g", "k");
        let Write::Create { fields, .. } = modes.keyed(&create("task"), id) else { unreachable!() };
        assert_eq!(fields["Key__c"], json!(id.as_str()));
    }
}
