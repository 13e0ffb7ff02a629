//! This worker's part of the fleet's calls, and what all tell each other of how many are used.

use std::sync::PoisonError;
use std::time::Duration;

use super::Worker;
use crate::budget::health::Health;
use crate::budget::{self, Window};
use crate::salesforce::wire::Usage;
use crate::store::{AddError, Expect};
use crate::time::Timestamp;

/// What a worker knows of the fleet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fleet {
    /// What Salesforce said last, to us or to another process, and when.
    usage: Option<(budget::Usage, Timestamp)>,
    /// When this worker last called although nothing may be.
    probed_at: Option<Timestamp>,
    workers: usize,
    beat_at: Option<Timestamp>,
}

impl Fleet {
    fn used(&self) -> Option<budget::Usage> {
        self.usage.map(|(usage, _)| usage)
    }
}

impl Worker {
    /// What Salesforce says is used; gives this worker's pace within the fleet.
    pub(super) fn note_usage(&self, usage: Option<Usage>) -> Option<f64> {
        let now = self.now();
        let mut fleet = self.inner.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = usage {
            fleet.usage = Some((budget::Usage { used: usage.used, limit: usage.limit }, now));
        }
        let settings = &self.inner.settings.dispatch;
        let rate = budget::rate(fleet.used(), settings.rate)?;
        Some(budget::pace(rate, if settings.fleet { fleet.workers } else { 1 }))
    }

    /// One call where usage forbids all: nobody else would ever tell that it fell.
    fn probe(&self, now: Timestamp, until: Timestamp) -> (u32, Timestamp) {
        let mut fleet = self.inner.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        let known = fleet.usage.map(|(_, at)| at).max(fleet.probed_at);
        let due = known.map_or(now, |at| at.plus(budget::PROBE));
        if due > now {
            return (0, until.min(due));
        }
        fleet.probed_at = Some(now);
        (1, now.plus(budget::PROBE))
    }

    /// Leases calls of the running window: how many, and until when; with none, when to ask again.
    pub(super) async fn allowance(&self, wanted: u32) -> (u32, Timestamp) {
        self.beat().await;
        let now = self.now();
        let fleet = *self.inner.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rate) = budget::rate(fleet.used(), self.inner.settings.dispatch.rate) else {
            return (u32::MAX, now.plus(budget::HEARTBEAT));
        };
        let org = self.inner.client.settings().organisation();
        let mut window = Window::of(org, rate, fleet.workers, wanted, now);
        for _ in 0..2 {
            let Window { key, amount, limit, until } = &window;
            if *limit == 0 {
                return self.probe(now, *until);
            }
            match self.inner.state.add_if_below(key, *amount, *limit, window.expires(), now).await {
                Ok(_) => return (u32::try_from(*amount).unwrap_or(u32::MAX), *until),
                Err(AddError::Above(held)) => match window.rest(held) {
                    Some(rest) => window = rest,
                    None => return (0, *until),
                },
                // The counter cannot be asked: a share that is safe whatever the others do.
                Err(AddError::Store(_)) => {
                    let share = budget::safe_share(rate, fleet.workers).max(0.001);
                    return (1, now.plus(Duration::from_secs_f64((1.0 / share).min(600.0))));
                }
            }
        }
        (0, window.until)
    }

    /// Takes one call of the running window, for a question beside the line: whether it may be asked now.
    pub(super) async fn one_call(&self) -> bool {
        let now = self.now();
        let fleet = *self.inner.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        // A function's worker lives for a batch, and may not have heard of the usage yet.
        let heard = || self.inner.client.usage().map(|u| budget::Usage { used: u.used, limit: u.limit });
        let usage = fleet.used().or_else(heard);
        let Some(rate) = budget::rate(usage, self.inner.settings.dispatch.rate) else { return true };
        let org = self.inner.client.settings().organisation();
        let window = Window { amount: 1, ..Window::of(org, rate, fleet.workers, 1, now) };
        let Window { key, amount, limit, .. } = &window;
        if *limit == 0 {
            return false;
        }
        let taken = self.inner.state.add_if_below(key, *amount, *limit, window.expires(), now).await;
        !matches!(taken, Err(AddError::Above(_)))
    }

    /// Shows that this worker lives, and counts those that do.
    async fn beat(&self) {
        let now = self.now();
        {
            let mut fleet = self.inner.fleet.lock().unwrap_or_else(PoisonError::into_inner);
            if fleet.beat_at.is_some_and(|at| now.since(at) < budget::HEARTBEAT) {
                return;
            }
            fleet.beat_at = Some(now);
        }
        let org = self.inner.client.settings().organisation();
        let row = budget::heartbeat(org, &self.inner.owner, now);
        drop(self.inner.state.put(&row, Expect::Anything, now).await);
        let partition = budget::workers_partition(org);
        let alive = self.inner.state.list(&partition, budget::WORKERS, None, 100, now).await;
        if let Ok(alive) = alive {
            let mut fleet = self.inner.fleet.lock().unwrap_or_else(PoisonError::into_inner);
            fleet.workers = alive.len().max(1);
        }
        self.share_usage(org, now).await;
    }

    /// Takes what others heard of the usage if that is newer, else tells what we heard: a worker that
    /// starts knows before its first call, and readers do without one.
    async fn share_usage(&self, org: &str, now: Timestamp) {
        let Ok(row) = self.inner.state.get(&Health::key(org), now).await else { return };
        let mut health = row.as_ref().map(Health::from_row).unwrap_or_default();
        let heard = {
            let at = |usage: Option<(budget::Usage, Timestamp)>| usage.map(|(_, at)| at);
            let mut fleet = self.inner.fleet.lock().unwrap_or_else(PoisonError::into_inner);
            if at(health.usage) > at(fleet.usage) {
                fleet.usage = health.usage;
                return;
            }
            fleet.usage
        };
        if let Some((usage, at)) = heard
            && health.used(usage, at)
        {
            let version = row.map_or(0, |row| row.version);
            let expect = if version == 0 { Expect::Absent } else { Expect::Version(version) };
            // Who was quicker told as much.
            drop(self.inner.state.put(&health.row(org, version + 1, now), expect, now).await);
        }
    }
}
