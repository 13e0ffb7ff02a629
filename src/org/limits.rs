//! Salesforce's limits, each with its own window and its true error.
//!
//! The daily allowance rolls over 24 hours for the whole org; Chatter has its own per session and
//! hour; calls that run 20 seconds or longer share a handful of places. All time is handed in.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::time::Timestamp;

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);

/// How much the org allows.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Calls in any 24 hours. A full sandbox has 5,000,000; a Developer org 15,000.
    pub daily: u64,
    /// Chatter calls per session and hour. Salesforce publishes no number.
    pub chatter_hourly: u64,
    /// Long-running calls at once: 25 in production and sandboxes, 5 in Developer orgs.
    pub long_running: usize,
    /// From when on a call is long-running.
    pub long_running_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            daily: 5_000_000,
            chatter_hourly: 20_000,
            long_running: 25,
            long_running_after: Duration::from_secs(20),
        }
    }
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// The rolling 24-hour allowance.
    Daily,
    /// Long-running calls at once.
    Concurrent,
    /// Chatter's hour.
    Chatter,
}

impl Exceeded {
    /// Status, code and message of Salesforce's answer.
    #[must_use]
    pub const fn error(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Daily => (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            Self::Concurrent => (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
            Self::Chatter => (
                503,
                "REQUEST_LIMIT_EXCEEDED",
                "You have exceeded the maximum number of Connect API requests per hour. Try again later.",
            ),
        }
    }
}

/// A count over a rolling window, kept in a few hundred slots and exact to one slot.
#[derive(Debug)]
struct Rolling {
    window: Duration,
    slots: VecDeque<(i64, u64)>,
    sum: u64,
}

impl Rolling {
    const fn new(window: Duration) -> Self {
        Self { window, slots: VecDeque::new(), sum: 0 }
    }

    fn slot(&self, at: Timestamp) -> i64 {
        let width = i64::try_from(self.window.as_millis() / 1440).unwrap_or(60_000).max(1);
        at.as_millis().div_euclid(width)
    }

    fn sum(&mut self, now: Timestamp) -> u64 {
        let oldest = self.slot(now) - 1440;
        while self.slots.front().is_some_and(|(slot, _)| *slot < oldest) {
            self.sum -= self.slots.pop_front().map_or(0, |(_, n)| n);
        }
        self.sum
    }

    fn add(&mut self, n: u64, now: Timestamp) {
        let slot = self.slot(now);
        match self.slots.back_mut() {
            Some((last, count)) if *last >= slot => *count += n,
            _ => self.slots.push_back((slot, n)),
        }
        self.sum += n;
    }
}

/// What has been used.
#[derive(Debug)]
pub struct Limits {
    settings: Settings,
    daily: Rolling,
    chatter: HashMap<String, Rolling>,
    running: Vec<(Timestamp, Timestamp)>,
}

impl Limits {
    /// Nothing used yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, daily: Rolling::new(DAY), chatter: HashMap::new(), running: Vec::new() }
    }

    /// Counts `calls` against the daily allowance.
    ///
    /// # Errors
    /// [`Exceeded::Daily`] where it is used up, [`Exceeded::Concurrent`] where all long-running
    /// places are taken. A refused call is not counted.
    pub fn call(&mut self, calls: u64, now: Timestamp) -> Result<(), Exceeded> {
        self.running.retain(|(_, end)| *end > now);
        if self.running.iter().filter(|(long, _)| *long <= now).count() >= self.settings.long_running {
            return Err(Exceeded::Concurrent);
        }
        if self.daily.sum(now) >= self.settings.daily {
            return Err(Exceeded::Daily);
        }
        self.daily.add(calls, now);
        Ok(())
    }

    /// Counts one Chatter call of a session.
    ///
    /// # Errors
    /// [`Exceeded::Chatter`] where the session's hour is used up.
    pub fn chatter(&mut self, session: &str, now: Timestamp) -> Result<(), Exceeded> {
        let hour = self.chatter.entry(session.to_owned()).or_insert_with(|| Rolling::new(HOUR));
        if hour.sum(now) >= self.settings.chatter_hourly {
            return Err(Exceeded::Chatter);
        }
        hour.add(1, now);
        Ok(())
    }

    /// Notes that a call is answered only after `lasts`, so that it may count as long-running.
    pub fn occupies(&mut self, now: Timestamp, lasts: Duration) {
        if lasts > self.settings.long_running_after {
            self.running.push((now.plus(self.settings.long_running_after), now.plus(lasts)));
        }
    }

    /// Makes the daily allowance `left` from here on, as other clients of the org would.
    pub fn leave(&mut self, left: u64, now: Timestamp) {
        let used = self.daily.sum(now);
        let burn = self.settings.daily.saturating_sub(used).saturating_sub(left);
        self.daily.add(burn, now);
    }

    /// Sets the daily allowance itself.
    pub const fn set_daily(&mut self, max: u64) {
        self.settings.daily = max;
    }

    /// Sets Chatter's allowance per session and hour.
    pub const fn set_chatter(&mut self, max: u64) {
        self.settings.chatter_hourly = max;
    }

    /// Calls used and allowed in 24 hours.
    pub fn usage(&mut self, now: Timestamp) -> (u64, u64) {
        (self.daily.sum(now), self.settings.daily)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(1_795_170_000_000 + secs * 1000)
    }

    #[test]
    fn the_daily_allowance_rolls() {
        let mut limits = Limits::new(Settings { daily: 3, ..Settings::default() });
        for second in [0, 10, 3600] {
            limits.call(1, at(second)).unwrap();
        }
        assert_eq!(limits.call(1, at(3601)), Err(Exceeded::Daily));
        assert_eq!(limits.usage(at(3601)), (3, 3));
        assert_eq!(limits.call(1, at(86_400 + 120)), Ok(()), "the first two have left the window");
        assert_eq!(limits.usage(at(86_400 + 120)), (2, 3));
    }

    #[test]
    fn long_calls_take_places_until_they_end() {
        let mut limits = Limits::new(Settings { long_running: 2, ..Settings::default() });
        for _ in 0..2 {
            limits.call(1, at(0)).unwrap();
            limits.occupies(at(0), Duration::from_secs(60));
        }
        limits.call(1, at(19)).expect("not yet long-running");
        assert_eq!(limits.call(1, at(20)), Err(Exceeded::Concurrent));
        assert_eq!(limits.call(1, at(60)), Ok(()));
    }

    #[test]
    fn chatter_has_its_own_hour_per_session() {
        let mut limits = Limits::new(Settings { chatter_hourly: 1, ..Settings::default() });
        limits.chatter("a", at(0)).unwrap();
        assert_eq!(limits.chatter("a", at(60)), Err(Exceeded::Chatter));
        limits.chatter("b", at(60)).unwrap();
        limits.chatter("a", at(3700)).unwrap();
        assert_eq!(limits.usage(at(60)).0, 0, "outside the daily allowance");
    }

    #[test]
    fn others_may_use_it_up() {
        let mut limits = Limits::new(Settings { daily: 100, ..Settings::default() });
        limits.leave(1, at(0));
        limits.call(1, at(0)).unwrap();
        assert_eq!(limits.call(1, at(1)), Err(Exceeded::Daily));
    }
}
