//! Forgetting a contact: what its writes held, not that there were writes.
//!
//! An outcome says to the worker that a message was carried out already. Taken away while the queue
//! may still deliver that message, the write would be sent again. So what is younger than the
//! queue's memory is emptied of everything personal and stays as a mark.

use super::{Desk, DeskError};
use crate::envelope::id::group_id;
use crate::fault::{Class, Fault};
use crate::outcome::rows::OUTCOMES;
use crate::outcome::{Outcome, Reason, State};
use crate::store::{Expect, RETENTION};
use crate::time::Timestamp;

/// What a purge did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Rows taken away.
    pub removed: usize,
    /// Outcomes emptied and kept as marks until the queue cannot deliver their messages any more.
    pub emptied: usize,
    /// Writes that are not settled and were left whole.
    pub unsettled: usize,
}

impl Desk {
    /// Takes away everything about a contact's writes that may be personal. Writes that are not
    /// settled stay; purge again when they are.
    ///
    /// # Errors
    /// When the table failed; what was done before stands.
    pub async fn purge(&self, contact: &str, dry: bool, now: Timestamp) -> Result<Purged, DeskError> {
        let group = group_id(contact);
        let mut purged = Purged::default();
        let rows = self.rows(&group, "", now).await?;
        let unsettled: Vec<_> = rows
            .iter()
            .filter(|row| row.key.sort.starts_with(OUTCOMES))
            .filter_map(|row| Outcome::from_row(row).ok())
            .filter(|outcome| !outcome.is_settled())
            .map(|outcome| outcome.id)
            .collect();
        for row in rows {
            if unsettled.iter().any(|id| row.key.sort.contains(id.as_str())) {
                purged.unsettled += usize::from(row.key.sort.starts_with(OUTCOMES));
                continue;
            }
            let outcome = row.key.sort.starts_with(OUTCOMES).then(|| Outcome::from_row(&row).ok()).flatten();
            match outcome {
                Some(outcome) if now.since(outcome.accepted_at) <= RETENTION => {
                    purged.emptied += 1;
                    if !dry {
                        let mut mark = emptied(outcome, now).row();
                        mark.expires = Some(now.plus(RETENTION));
                        self.state.put(&mark, Expect::Version(row.version), now).await?;
                    }
                }
                Some(_) | None => {
                    purged.removed += 1;
                    if !dry {
                        self.state.remove(&row.key, now).await?;
                    }
                }
            }
        }
        Ok(purged)
    }
}

fn emptied(outcome: Outcome, now: Timestamp) -> Outcome {
    let state = match outcome.state {
        // Its payload is gone, so nobody can replay it.
        State::Dead { .. } => State::Dead { reason: Reason::Discarded },
        state => state,
    };
    Outcome {
        version: outcome.version + 1,
        hash: String::new(),
        target: None,
        name: None,
        state,
        record_id: None,
        also: Vec::new(),
        fault: Some(Fault::new(Class::Rejected, "PURGED", format!("purged at {}", now.to_rfc3339()))),
        history: Vec::new(),
        ..outcome
    }
}
