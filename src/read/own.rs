//! What this contact has written, as far as a read must know it.

use super::patient::Patient;
use super::shared::Shared;
use crate::envelope::id::group_id;
use crate::event::Contact;
use crate::outcome::rows::Stamp;
use crate::outcome::{Outcome, State, rows};
use crate::time::Timestamp;

/// How many writes of a contact are looked at. Of one that wrote more, nobody knows all.
const MOST: usize = 200;

/// The writes of a contact, seen from a read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    /// When one last succeeded.
    pub(super) written: Option<Timestamp>,
    /// Whether one is still on its way.
    pub(super) writing: bool,
    /// Whether it could not be asked; then nothing kept is good enough to be the answer.
    pub(super) unknown: bool,
}

/// Asks the contact's outcomes in the state table, and the stamp that a synchronous write leaves in
/// the cache table.
pub(super) async fn writes(
    contact: Option<&Contact>,
    state: Option<&Patient>,
    cache: &Shared,
    now: Timestamp,
) -> Own {
    let Some(contact) = contact else { return Own::default() };
    let partition = rows::partition(&group_id(contact.group()));
    let outcomes = async {
        let Some(state) = state else { return Some(Ok(Vec::new())) };
        state.wait(now, state.table.list(&partition, rows::OUTCOMES, None, MOST, now)).await
    };
    let stamp = stamp_of(contact);
    let (outcomes, stamp) = futures::join!(outcomes, cache.stamp_of(&stamp, now));
    let (Some(Ok(outcomes)), Ok(stamp)) = (outcomes, stamp) else {
        return Own { unknown: true, ..Own::default() };
    };
    let mut own = Own { written: stamp, unknown: outcomes.len() == MOST, ..Own::default() };
    for outcome in outcomes.iter().map(Outcome::from_row) {
        match outcome {
            Ok(outcome) if outcome.state == State::Succeeded => {
                own.written = own.written.max(outcome.done_at);
            }
            Ok(outcome) => own.writing |= !outcome.is_settled(),
            Err(_) => own.unknown = true,
        }
    }
    own
}

/// Under which stamp the writes of this contact are known of which there is no outcome.
pub(super) fn stamp_of(contact: &Contact) -> String {
    Stamp::of_contact(&group_id(contact.group()))
}
