//! How Salesforce does, as far as the fleet knows: one row that every process reads and mends.
//!
//! It holds what Salesforce last said of the daily calls, and how many calls in a row had no answer.
//! From both follows what a read may do ([`Health::advice`]); it decides nothing for writes, whose
//! line has a breaker of its own ([`crate::dispatch`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Usage, reads_allowed, workers_partition};
use crate::row::{Key, Row};
use crate::time::Timestamp;

/// So many failures in a row, and Salesforce counts as gone.
const FAILURES: u32 = 2;
/// The longest time for which a Salesforce that is gone is left alone.
const LONGEST: Duration = Duration::from_secs(30);
/// How long it is believed that too many calls are used: then one call looks whether they still are.
const SPENT: Duration = Duration::from_secs(60);
/// How often the usage is told again where it hardly changes.
const RETELL: Duration = Duration::from_secs(60);
/// How much of the allowance is a change worth telling at once.
const CHANGE: f64 = 0.005;
/// How far another process's clock may be ahead. What comes from later is not believed.
const AHEAD: Duration = Duration::from_secs(5);
/// How long the row is kept that nobody writes.
const KEPT: Duration = Duration::from_secs(86_400);

/// How Salesforce does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// What is used of the daily calls, and when Salesforce said so.
    #[serde(default)]
    pub usage: Option<(Usage, Timestamp)>,
    /// How many calls in a row had no answer.
    #[serde(default)]
    pub failures: u32,
    /// When the last of them had none, or when somebody last went to see whether it is over.
    #[serde(default)]
    pub failed_at: Timestamp,
}

/// What a read may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Ask.
    Ask,
    /// Ask if nobody else does: one call finds out whether this is still so.
    Probe(Trouble),
    /// Leave Salesforce alone.
    Spare(Trouble),
}

/// Why Salesforce is better left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It gave no answer to the last calls.
    Gone,
    /// The organisation's calls of the day are all but used.
    Spent,
}

impl Health {
    /// Where the row is, in the state table.
    #[must_use]
    pub fn key(org: &str) -> Key {
        Key { partition: workers_partition(org), sort: "HEALTH".to_owned() }
    }

    /// The row of it.
    #[must_use]
    pub fn row(&self, org: &str, version: u64, now: Timestamp) -> Row {
        // Plain data: cannot fail.
        let data = serde_json::to_vec(self).unwrap_or_default();
        Row { key: Self::key(org), version, data, index: None, expires: Some(now.plus(KEPT)) }
    }

    /// What a row holds. One that cannot be read tells nothing, and is written over.
    #[must_use]
    pub fn from_row(row: &Row) -> Self {
        serde_json::from_slice(&row.data).unwrap_or_default()
    }

    /// Takes in what another process told: its usage if it is newer, and whether Salesforce is gone.
    pub fn hear(&mut self, theirs: Self) {
        let at = |usage: Option<(Usage, Timestamp)>| usage.map(|(_, at)| at);
        let usage = if at(theirs.usage) > at(self.usage) { theirs.usage } else { self.usage };
        // A failure that nobody was told of yet still counts.
        let theirs = if self.failures.max(theirs.failures) < FAILURES { *self } else { theirs };
        *self = Self { usage, ..theirs };
    }

    /// Salesforce answered, and said so much of its calls. Whether the fleet should hear of it.
    pub fn answered(&mut self, usage: Option<Usage>, now: Timestamp) -> bool {
        let back = self.failures >= FAILURES;
        self.failures = 0;
        let news = usage.is_some_and(|usage| self.used(usage, now));
        back || news
    }

    /// Salesforce said so much of its calls. Whether the fleet should hear of it; else it is dropped.
    pub fn used(&mut self, usage: Usage, now: Timestamp) -> bool {
        let news = self.is_news(usage, now);
        if news {
            self.usage = Some((usage, now));
        }
        news
    }

    /// Salesforce gave no answer. Whether the fleet should hear of it.
    pub fn failed(&mut self, now: Timestamp) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failed_at = now;
        self.failures >= FAILURES
    }

    /// Salesforce refused because the calls of the day are used.
    pub fn refused(&mut self, now: Timestamp) -> bool {
        self.usage = Some((Usage { used: 1, limit: 1 }, now));
        true
    }

    /// Somebody goes to see: for as long as that may take, the others leave Salesforce alone.
    pub fn probed(&mut self, now: Timestamp) {
        self.failed_at = now;
        if let Some((_, at)) = self.usage.as_mut().filter(|(usage, _)| !reads_allowed(Some(*usage))) {
            *at = now;
        }
    }

    /// What a read may do now.
    #[must_use]
    pub fn advice(&self, now: Timestamp) -> Advice {
        let lasts = |at: Timestamp, time| at <= now.plus(AHEAD) && now < at.plus(time);
        if let Some((_, at)) = self.usage.filter(|(usage, _)| !reads_allowed(Some(*usage))) {
            return if lasts(at, SPENT) {
                Advice::Spare(Trouble::Spent)
            } else {
                Advice::Probe(Trouble::Spent)
            };
        }
        if self.failures < FAILURES {
            return Advice::Ask;
        }
        let wait = Duration::from_secs(1 << (self.failures - FAILURES).min(5)).min(LONGEST);
        if lasts(self.failed_at, wait) { Advice::Spare(Trouble::Gone) } else { Advice::Probe(Trouble::Gone) }
    }

    /// Whether Salesforce has just given no answer. Who asks nothing learns nothing: an old failure
    /// says no more of now.
    #[must_use]
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.failures >= FAILURES && now < self.failed_at.plus(LONGEST * 2)
    }

    fn is_news(&self, usage: Usage, now: Timestamp) -> bool {
        self.usage.is_none_or(|(known, at)| {
            (known.share() - usage.share()).abs() >= CHANGE || now.since(at) >= RETELL || at > now.plus(AHEAD)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(1_795_170_000_000 + secs * 1000)
    }

    const fn usage(used: u64) -> Option<Usage> {
        Some(Usage { used, limit: 1000 })
    }

    #[test]
    fn two_failures_in_a_row_and_it_is_left_alone_for_longer_each_time() {
        let mut health = Health::default();
        assert!(!health.failed(at(0)), "one may be chance");
        assert_eq!(health.advice(at(0)), Advice::Ask);
        assert!(!health.answered(None, at(0)));
        assert!(!health.failed(at(0)), "they must come in a row");
        assert!(health.failed(at(0)));
        for wait in [1, 2, 4, 8, 16, 30, 30, 30] {
            assert_eq!(health.advice(at(wait - 1)), Advice::Spare(Trouble::Gone), "{wait}");
            assert_eq!(health.advice(at(wait)), Advice::Probe(Trouble::Gone), "{wait}");
            health.failed(at(0));
        }
        assert!(health.is_gone(at(59)) && !health.is_gone(at(60)), "nobody asked since");
        assert!(health.answered(None, at(0)), "that it is back is news");
        assert!(!health.is_gone(at(0)));
        assert_eq!(health.advice(at(0)), Advice::Ask);
    }

    #[test]
    fn one_goes_to_see_and_the_others_wait() {
        let mut health = Health { failures: 2, failed_at: at(0), usage: None };
        health.probed(at(10));
        assert_eq!(health.advice(at(10)), Advice::Spare(Trouble::Gone));
        let mut spent = Health { usage: Some((Usage { used: 99, limit: 100 }, at(0))), ..Health::default() };
        assert_eq!(spent.advice(at(59)), Advice::Spare(Trouble::Spent));
        assert_eq!(spent.advice(at(60)), Advice::Probe(Trouble::Spent));
        spent.probed(at(60));
        assert_eq!(spent.advice(at(61)), Advice::Spare(Trouble::Spent));
        assert!(spent.answered(usage(970), at(62)), "it fell");
        assert_eq!(spent.advice(at(62)), Advice::Ask);
        spent.refused(at(63));
        assert_eq!(spent.advice(at(63)), Advice::Spare(Trouble::Spent), "whatever the header said");
    }

    #[test]
    fn usage_is_told_when_it_changes_and_once_a_minute() {
        let mut health = Health::default();
        assert!(health.answered(usage(100), at(0)));
        assert!(!health.answered(usage(104), at(1)));
        assert!(health.answered(usage(106), at(1)));
        assert!(!health.answered(usage(106), at(60)));
        assert!(health.answered(usage(106), at(61)));
        assert!(!health.answered(None, at(600)), "a search tells nothing");
    }

    #[test]
    fn a_clock_that_is_far_ahead_stops_nobody() {
        let health = Health { failures: 9, failed_at: at(3600), usage: None };
        assert_eq!(health.advice(at(0)), Advice::Probe(Trouble::Gone));
        let health = Health { usage: Some((Usage { used: 1, limit: 1 }, at(3600))), ..Health::default() };
        assert_eq!(health.advice(at(0)), Advice::Probe(Trouble::Spent));
    }

    #[test]
    fn a_row_keeps_it_and_a_damaged_one_tells_nothing() {
        let health =
            Health { usage: Some((Usage { used: 5, limit: 9 }, at(0))), failures: 3, failed_at: at(1) };
        let mut row = health.row("acme", 7, at(2));
        assert_eq!(Health::from_row(&row), health);
        row.data.truncate(9);
        assert_eq!(Health::from_row(&row), Health::default());
        let mut mine = Health { usage: Some((Usage { used: 6, limit: 9 }, at(5))), ..Health::default() };
        mine.hear(health);
        assert_eq!((mine.failures, mine.usage.unwrap().0.used), (3, 6), "the newer usage, their breaker");
        mine.hear(Health::default());
        assert_eq!(mine.failures, 0, "somebody saw that it is back");
        mine.failed(at(6));
        mine.hear(Health::default());
        assert_eq!(mine.failures, 1, "one failure that nobody was told of");
    }
}
