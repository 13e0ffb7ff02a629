//! What this process knows of how Salesforce does, and what the fleet tells of it through the state
//! table. A table that cannot be asked leaves every process with its own experience.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::patient::Patient;
use crate::budget;
use crate::budget::health::{Advice, Health, Trouble};
use crate::event::Found;
use crate::fault::{Class, Fault, Throttle};
use crate::salesforce::wire::Usage;
use crate::store::{Expect, PutError};
use crate::time::Timestamp;

/// How old what the fleet tells may be.
const LOOK: Duration = Duration::from_secs(5);

/// The same while Salesforce is in trouble: that it is back is worth knowing soon.
const LOOK_IN_TROUBLE: Duration = Duration::from_secs(1);

/// The health of one organisation's Salesforce, seen from one process.
#[derive(Debug)]
pub(super) struct Seen {
    table: Option<Arc<Patient>>,
    organisation: String,
    known: Mutex<Known>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    health: Health,
    /// The version of the row; none stands where it is zero.
    version: u64,
    looked_at: Timestamp,
}

impl Seen {
    pub(super) fn new(table: Option<Arc<Patient>>, organisation: &str) -> Self {
        Self { table, organisation: organisation.to_owned(), known: Mutex::default() }
    }

    /// Hears what the others tell, where it was not heard a moment ago.
    pub(super) async fn look(&self, now: Timestamp) {
        let Some(patient) = &self.table else { return };
        {
            let mut known = self.known();
            let well = known.health.advice(now) == Advice::Ask;
            if now.since(known.looked_at) < if well { LOOK } else { LOOK_IN_TROUBLE } {
                return;
            }
            known.looked_at = now;
        }
        let key = Health::key(&self.organisation);
        if let Some(Ok(row)) = patient.wait(now, patient.table.get(&key, now)).await {
            let mut known = self.known();
            known.version = row.as_ref().map_or(0, |row| row.version);
            if let Some(row) = row {
                known.health.hear(Health::from_row(&row));
            }
        }
    }

    /// Whether Salesforce was in trouble when it was last heard of.
    pub(super) fn is_in_trouble(&self, now: Timestamp) -> bool {
        self.known().health.advice(now) != Advice::Ask
    }

    /// Whether Salesforce may be asked, and if not, why. Of those who ask while it is in trouble one
    /// is told yes from time to time: that one finds out whether it still is.
    pub(super) async fn may_ask(&self, now: Timestamp) -> Result<(), Trouble> {
        let (advice, health) = {
            let mut known = self.known();
            let advice = known.health.advice(now);
            if matches!(advice, Advice::Probe(_)) {
                known.health.probed(now);
            }
            (advice, known.health)
        };
        match advice {
            Advice::Ask => Ok(()),
            Advice::Spare(trouble) => Err(trouble),
            Advice::Probe(trouble) => match self.tell(health, now).await {
                Some(quicker) => {
                    self.known().health.hear(quicker);
                    Err(trouble)
                }
                None => Ok(()),
            },
        }
    }

    /// Notes what came of asking. A refusal is an answer too: only silence and overload are trouble.
    pub(super) async fn note(&self, result: &Result<Found, Fault>, usage: Option<Usage>, now: Timestamp) {
        let usage = usage.map(|usage| budget::Usage { used: usage.used, limit: usage.limit });
        let (news, health) = {
            let mut known = self.known();
            let health = &mut known.health;
            let news = match result.as_ref().err().map(|fault| fault.class) {
                None | Some(Class::Rejected) => health.answered(usage, now),
                Some(Class::Throttled(Throttle::Daily)) => health.refused(now),
                Some(_) => health.failed(now),
            };
            (news, *health)
        };
        // Who was quicker told what was before; ours is the latest.
        if news && self.tell(health, now).await.is_some() {
            self.tell(health, now).await;
        }
    }

    /// Notes that a caller went away before there was an answer. It may still come, so that nobody
    /// else is told.
    pub(super) fn note_late(&self, now: Timestamp) {
        self.known().health.failed(now);
    }

    /// Tells the others, unless somebody else was quicker: then that one's word.
    async fn tell(&self, health: Health, now: Timestamp) -> Option<Health> {
        let patient = self.table.as_ref()?;
        let version = self.known().version;
        let expect = if version == 0 { Expect::Absent } else { Expect::Version(version) };
        let row = health.row(&self.organisation, version + 1, now);
        let (version, quicker) = match patient.wait(now, patient.table.put(&row, expect, now)).await? {
            Ok(()) => (version + 1, None),
            Err(PutError::Conflict(Some(row))) => (row.version, Some(Health::from_row(&row))),
            Err(PutError::Conflict(None)) => (0, Some(Health::default())),
            Err(PutError::Store(_)) => return None,
        };
        self.known().version = version;
        quicker
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
