//! Reads that name a write: `tl-…` or `@{name.Id}` where a Salesforce Id will be.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Writes, in_time};
use crate::envelope::id::group_id;
use crate::envelope::refs::{Part, parts};
use crate::event::{Contact, Read};
use crate::outcome::Outcome;
use crate::store::StoreError;
use crate::time::Timestamp;

/// A read, as far as its tickets allow.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// It can be asked: with real Ids in the place of its tickets.
    Ready(Read),
    /// It names a record that is not there yet: nobody matches, and the reply says `tl_pending`.
    Pending,
}

impl Writes {
    /// Puts real Ids in the place of the tickets of a read.
    pub async fn resolve(&self, read: &Read, contact: Option<&Contact>, now: Timestamp) -> Resolved {
        let mut resolved = read.clone();
        let mut texts = texts_of(&mut resolved);
        if self.state.is_none() || texts.iter().all(|text| parts(text).iter().all(is_plain)) {
            return Resolved::Ready(resolved);
        }
        let group = contact.map(|contact| group_id(contact.group()));
        let mut known = BTreeMap::new();
        for text in &mut texts {
            let mut joined = String::with_capacity(text.len());
            for part in parts(text) {
                let key = match &part {
                    Part::Text(plain) => {
                        joined.push_str(plain);
                        continue;
                    }
                    Part::Ticket(id) => id.to_string(),
                    Part::Name(name) => format!("@{name}"),
                };
                let id = match known.get(&key) {
                    Some(id) => Some(String::clone(id)),
                    None => self.real_id(&part, group.as_deref(), now).await.unwrap_or_else(|error| {
                        tracing::warn!(%error, "a read waits for a ticket that cannot be looked up");
                        None
                    }),
                };
                let Some(id) = id else { return Resolved::Pending };
                joined.push_str(&id);
                known.insert(key, id);
            }
            **text = joined;
        }
        drop(texts);
        Resolved::Ready(resolved)
    }

    async fn real_id(
        &self,
        part: &Part<'_>,
        group: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let table = self.table()?;
        let id = match (part, group) {
            (Part::Ticket(id), _) => Some(*id),
            (Part::Name(name), Some(group)) => self.named(group, name, now).await?,
            (Part::Name(_) | Part::Text(_), _) => None,
        };
        let Some(id) = id else { return Ok(None) };
        // Outside its chain a ticket is no Id; a write without a contact is a chain of its own.
        let group = group.map_or_else(|| id.to_string(), str::to_owned);
        let row = in_time(table.get(&Outcome::key(&group, id), now)).await?;
        Ok(row.and_then(|row| Outcome::from_row(&row).ok()).and_then(|outcome| outcome.record_id))
    }
}

fn is_plain(part: &Part<'_>) -> bool {
    matches!(part, Part::Text(_))
}

/// Every text of a read in which a ticket may stand.
fn texts_of(read: &mut Read) -> Vec<&mut String> {
    fn of_value<'v>(value: &'v mut Value, texts: &mut Vec<&'v mut String>) {
        match value {
            Value::String(text) => texts.push(text),
            Value::Array(items) => items.iter_mut().for_each(|item| of_value(item, texts)),
            Value::Object(object) => object.values_mut().for_each(|item| of_value(item, texts)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    match read {
        Read::Nobody { .. } => Vec::new(),
        Read::Query { soql, .. } => vec![soql],
        Read::Search { sosl, .. } => vec![sosl],
        Read::ParameterizedSearch { body, .. } => {
            let mut texts = Vec::new();
            of_value(body, &mut texts);
            texts
        }
    }
}
