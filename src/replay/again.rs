//! Sending a dead write again.

use std::collections::BTreeSet;

use super::{Desk, DeskError, depends, envelope};
use crate::envelope::WriteId;
use crate::outcome::rows::{DEAD_LETTERS, DeadLetter, Edit};
use crate::outcome::{Change, Outcome, Reason, State};
use crate::store::{Expect, Message, StoreError};
use crate::time::Timestamp;

/// How a replay is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only say what would be done.
    pub dry: bool,
    /// Send updates although their record changed since.
    pub overwrite: bool,
}

/// What a replay did, or would do, with one dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In the queue again, as this generation.
    Replayed {
        /// The generation.
        generation: u32,
    },
    /// An interrupted replay, finished: its message is in the queue.
    Finished {
        /// The generation.
        generation: u32,
    },
    /// It was carried out after all; taken off the list.
    AlreadyDone,
    /// Not sent: its record changed after the write. `--overwrite` sends it all the same.
    Superseded,
    /// Not sent: a write it refers to is dead. Replay that one; this one follows.
    ParentDead(WriteId),
    /// Not sent: the message is no envelope, or is too large. Edit it.
    Unfit(String),
}

impl Verdict {
    /// In a word or two.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Replayed { .. } => "replayed",
            Self::Finished { .. } => "finished",
            Self::AlreadyDone => "already done",
            Self::Superseded => "superseded",
            Self::ParentDead(_) => "parent dead",
            Self::Unfit(_) => "unfit",
        }
    }

    /// Whether the write is on its way or done.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        matches!(self, Self::Replayed { .. } | Self::Finished { .. } | Self::AlreadyDone)
    }
}

impl Desk {
    /// Sends a dead write again, and after it, in their order, those that died because of it.
    /// Gives what became of each. Interrupted, it is finished by being run again.
    ///
    /// # Errors
    /// When the table or the queue failed; what was done before stands.
    pub async fn replay(
        &self,
        letter: &DeadLetter,
        options: Options,
        now: Timestamp,
    ) -> Result<Vec<(WriteId, Verdict)>, DeskError> {
        let mut verdicts = Vec::new();
        let family = self.family(letter, now).await?;
        let mut sent = BTreeSet::new();
        for letter in family {
            let verdict = self.replay_one(&letter, &sent, options, now).await?;
            if verdict.is_sent() {
                sent.insert(letter.id);
            }
            verdicts.push((letter.id, verdict));
        }
        Ok(verdicts)
    }

    /// The letter and all that depend on it, in the order in which they were accepted.
    async fn family(&self, letter: &DeadLetter, now: Timestamp) -> Result<Vec<DeadLetter>, DeskError> {
        let rows = self.rows(&letter.group, DEAD_LETTERS, now).await?;
        let waiting = rows.iter().filter(|row| row.index.is_some() && row.key != letter.row().key);
        let mut others: Vec<_> = waiting
            .filter_map(|row| DeadLetter::from_row(row).ok())
            .filter(depends)
            .filter_map(|letter| Some((envelope(&letter).ok()?, letter)))
            .collect();
        others.sort_by_key(|(envelope, _)| (envelope.accepted_at, envelope.id));
        let mut ids = BTreeSet::from([letter.id]);
        let mut family = vec![letter.clone()];
        // A child is accepted after its parent, so one pass in that order finds grandchildren too.
        for (envelope, letter) in others {
            if envelope.refs.iter().any(|parent| ids.contains(parent)) {
                ids.insert(letter.id);
                family.push(letter);
            }
        }
        Ok(family)
    }

    async fn replay_one(
        &self,
        letter: &DeadLetter,
        sent: &BTreeSet<WriteId>,
        options: Options,
        now: Timestamp,
    ) -> Result<Verdict, DeskError> {
        let mut envelope = match envelope(letter) {
            Ok(envelope) => envelope,
            Err(DeskError::Refused(why)) => return Ok(Verdict::Unfit(why)),
            Err(error) => return Err(error),
        };
        let found = self.outcome(&letter.group, letter.id, now).await?;
        let (outcome, expect) = match found {
            Some((outcome, row)) => (outcome, Expect::Version(row.version)),
            // The message of one that was no envelope is one now.
            None => (buried(&envelope, letter, now)?, Expect::Absent),
        };
        let (outcome, verdict) = match &outcome.state {
            State::Succeeded => {
                if !options.dry {
                    self.take_off(letter, "found carried out", now).await?;
                }
                return Ok(Verdict::AlreadyDone);
            }
            State::Dead { .. } => {
                if let Some(parent) = self.dead_parent(&envelope.refs, &letter.group, sent, now).await? {
                    return Ok(Verdict::ParentDead(parent));
                }
                if !options.overwrite && self.superseded(&envelope, &outcome, now).await? {
                    if !options.dry {
                        self.mark_superseded(letter, now).await?;
                    }
                    return Ok(Verdict::Superseded);
                }
                let edited = letter.edits.iter().rev().take_while(|e| e.what != "replayed").any(is_edit);
                let replayed = outcome.apply(Change::Replay { edited }, now)?;
                let generation = replayed.generation;
                (Some(replayed), Verdict::Replayed { generation })
            }
            // Begun by a replay that did not come to its end: the message may be missing.
            State::Pending { .. }
            | State::Sending { .. }
            | State::InDoubt { .. }
            | State::Verifying { .. } => {
                let generation = outcome.generation;
                (None, Verdict::Finished { generation })
            }
        };
        let (Verdict::Replayed { generation } | Verdict::Finished { generation }) = verdict else {
            return Ok(verdict);
        };
        envelope.generation = generation;
        envelope.flush = false;
        let message = match envelope.encode() {
            Ok(body) => {
                Message { group: envelope.group.clone(), deduplication_id: envelope.deduplication_id(), body }
            }
            Err(too_large) => return Ok(Verdict::Unfit(too_large.to_string())),
        };
        if options.dry {
            return Ok(verdict);
        }
        if let Some(replayed) = outcome {
            self.audit(letter, &format!("replayed as generation {generation}"), now).await?;
            self.state.put(&replayed.row(), expect, now).await?;
        }
        self.send(&message, now).await?;
        self.take_off(letter, "replayed", now).await?;
        Ok(verdict)
    }

    async fn send(&self, message: &Message, now: Timestamp) -> Result<(), DeskError> {
        let Some(queue) = &self.queue else {
            return Err(DeskError::Refused("no queue is configured (TIELINE_QUEUE_URL)".to_owned()));
        };
        let answer = queue.send(std::slice::from_ref(message), now).await.pop();
        let unanswered = || Err(StoreError::Unavailable("the queue gave no answer".to_owned()));
        answer.unwrap_or_else(unanswered).map_err(DeskError::from)
    }

    /// The first write referred to that is dead and was not sent again just now.
    async fn dead_parent(
        &self,
        refs: &[WriteId],
        group: &str,
        sent: &BTreeSet<WriteId>,
        now: Timestamp,
    ) -> Result<Option<WriteId>, DeskError> {
        for parent in refs.iter().filter(|parent| !sent.contains(parent)) {
            let found = self.outcome(group, *parent, now).await?;
            if found.is_some_and(|(outcome, _)| matches!(outcome.state, State::Dead { .. })) {
                return Ok(Some(*parent));
            }
        }
        Ok(None)
    }

    async fn mark_superseded(&self, letter: &DeadLetter, now: Timestamp) -> Result<(), DeskError> {
        let mut marked = letter.clone();
        marked.version += 1;
        marked.reason = Reason::Superseded;
        marked.edits.push(Edit { at: now, by: self.by.clone(), what: "not sent: superseded".to_owned() });
        self.state.put(&marked.row(), Expect::Version(letter.version), now).await?;
        self.audit(letter, "not sent: superseded", now).await
    }
}

/// The letters that a replay begins with: those whose parent is among them follow it by themselves.
#[must_use]
pub fn heads(letters: Vec<DeadLetter>) -> Vec<DeadLetter> {
    let listed: BTreeSet<WriteId> = letters.iter().map(|letter| letter.id).collect();
    let follows = |letter: &DeadLetter| {
        let refs = envelope(letter).map(|envelope| envelope.refs).unwrap_or_default();
        depends(letter) && refs.iter().any(|parent| listed.contains(parent))
    };
    letters.into_iter().filter(|letter| !follows(letter)).collect()
}

fn is_edit(edit: &Edit) -> bool {
    edit.what.starts_with("edited")
}

/// The outcome of a write of which only its dead letter is known.
fn buried(
    envelope: &crate::envelope::Envelope,
    letter: &DeadLetter,
    now: Timestamp,
) -> Result<Outcome, DeskError> {
    let bury = Change::Bury { reason: letter.reason, fault: letter.fault.clone() };
    Ok(Outcome::accepted(envelope).apply(bury, now)?)
}
