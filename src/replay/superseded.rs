//! Whether a dead update is out of date: sent now, it would undo what came after it.

use std::time::Duration;

use serde_json::Value;

use super::{Desk, DeskError};
use crate::clock::Deadline;
use crate::envelope::{Envelope, WriteId};
use crate::event::Write;
use crate::outcome::rows::{OUTCOMES, Stamp, same_id};
use crate::outcome::{Outcome, SKEW, Status};
use crate::time::Timestamp;

impl Desk {
    /// Whether the record of this update changed after the write was accepted: by a later write of
    /// its contact, by any write of ours, or by anybody.
    pub(super) async fn superseded(
        &self,
        envelope: &Envelope,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<bool, DeskError> {
        let Write::Update { object, id: target, .. } = &envelope.write else { return Ok(false) };
        let rows = self.rows(&envelope.group, OUTCOMES, now).await?;
        let chain: Vec<_> = rows.iter().filter_map(|row| Outcome::from_row(row).ok()).collect();
        let Some(record) = real_id(target, &chain) else { return Ok(false) };
        // When it was first sent, all earlier writes of its contact had ended: what changed the
        // record since is later than it.
        let since = outcome.first_sent_at.unwrap_or(outcome.accepted_at);
        let after = |other: &&Outcome| {
            let its_record = other.target.as_deref().and_then(|target| real_id(target, &chain));
            other.id != envelope.id
                && other.accepted_at > outcome.accepted_at
                && other.status() == Status::Succeeded
                && its_record.as_deref().map(same_id) == Some(same_id(&record))
        };
        if chain.iter().any(|other| after(&other)) {
            return Ok(true);
        }
        if let Some(cache) = &self.cache
            && let Some(row) = cache.get(&Stamp::key(&record), now).await?
            && Stamp::from_row(&row).is_ok_and(|stamp| stamp.at > since)
        {
            return Ok(true);
        }
        Ok(self.changed_since(object, &record, since.plus(SKEW)).await)
    }

    /// Asks Salesforce. Where it gives no answer, the replay goes on: the record may be gone, and
    /// then the update is refused and waits for a person again.
    async fn changed_since(&self, object: &str, record: &str, since: Timestamp) -> bool {
        let Some(client) = &self.client else { return false };
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !plain(object) || !plain(record) {
            return false;
        }
        let soql = format!(
            "SELECT Id FROM {object} WHERE Id = '{record}' AND LastModifiedDate > {}",
            since.to_rfc3339()
        );
        let asked = client.query(&soql, 1, Deadline::after(Duration::from_secs(10))).await;
        asked.result.is_ok_and(|found| {
            found.records.iter().any(|record| record.get("Id").is_some_and(Value::is_string))
        })
    }
}

/// The Id that a write names, itself or by a ticket of its contact.
fn real_id(target: &str, chain: &[Outcome]) -> Option<String> {
    match target.parse::<WriteId>() {
        Ok(ticket) => chain.iter().find(|outcome| outcome.id == ticket)?.record_id.clone(),
        Err(_) => Some(target.to_owned()),
    }
}
