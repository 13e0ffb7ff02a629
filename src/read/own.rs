//! What this contact has written, as far as a read must know it.

use super::shared::in_time;
use crate::envelope::id::group_id;
use crate::event::Contact;
use crate::outcome::Outcome;
use crate::outcome::State;
use crate::outcome::rows;
use crate::outcome::rows::Stamp;
use crate::store::Table;
use crate::time::Timestamp;

/// How many writes of a contact are looked at.
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
    state: Option<&dyn Table>,
    cache: &dyn Table,
    now: Timestamp,
) -> Own {
    let Some(contact) = contact else { return Own::default() };
    let group = group_id(contact.group());
    let outcomes = async {
        match state {
            Some(state) => state.list(&rows::partition(&group), rows::OUTCOMES, None, MOST, now).await,
            None => Ok(Vec::new()),
        }
    };
    let stamp = Stamp::key(&stamp_of(contact));
    let (outcomes, stamp) = futures::join!(in_time(outcomes), in_time(cache.get(&stamp, now)));
    let (Some(Ok(outcomes)), Some(Ok(stamp))) = (outcomes, stamp) else {
        return Own { unknown: true, ..Own::default() };
    };
    let mut own = Own::default();
    for outcome in outcomes.iter().map(Outcome::from_row) {
        match outcome {
            Ok(outcome) if outcome.state == State::Succeeded => {
                own.written = own.written.max(outcome.done_at);
            }
            Ok(outcome) => own.writing |= !outcome.is_settled(),
            Err(_) => own.unknown = true,
        }
    }
    let stamp = stamp.and_then(|row| Stamp::from_row(&row).ok());
    own.written = own.written.max(stamp.map(|stamp| stamp.at));
    own
}

/// What stands for "some record that this contact wrote" where no state table knows its writes.
pub(super) fn stamp_of(contact: &Contact) -> String {
    format!("contact {}", group_id(contact.group()))
}
