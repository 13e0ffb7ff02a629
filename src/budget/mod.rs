//! The calls that a fleet may spend: how fast at which usage, and how workers share it.
//!
//! What it is: the curve from `Sforce-Limit-Info` to a rate ([`rate`]), and the rows by which
//! workers lease calls of one window from a common counter ([`Window`]) and know of each other
//! ([`heartbeat`]). How Salesforce does, told by one process to all ([`health`]).
//! What it never does: keep or count anything itself; a counter is raised by the store's
//! `add_if_below` alone, so that a worker that dies leaks nothing: its calls end with the window.
//! Who calls it: [`crate::worker`] and [`crate::write`], which keep the fleet's pace, [`crate::read`]
//! for the health alone, and the console, which tells of it.
//!
//! The daily allowance is a rolling sum over 24 hours and over everybody who uses the org, so the
//! pace follows what Salesforce says is used and never our own count. The limit of concurrent calls
//! is another thing: it narrows the line ([`crate::dispatch`]) and leaves the pace alone.

pub mod health;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::row::{Key, Row};
use crate::time::Timestamp;

/// How long a worker counts as alive after its last heartbeat.
pub const ALIVE: Duration = Duration::from_secs(90);
/// How often a worker shows that it lives, and looks who else does.
pub const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often a worker that may not write asks all the same: only an answer tells that it may again.
pub const PROBE: Duration = Duration::from_secs(300);
/// The part of every window that writes leave to reads.
const READ_RESERVE: f64 = 0.2;
/// What a window's cap may be of what the rate gives: the worst sliding window over two aligned
/// ones sees up to 1.24 of the cap.
const EDGE: f64 = 0.8;
/// How unevenly a window's calls may be spent: less than what [`EDGE`] and the reserve leave free.
const SPREAD: f64 = 1.25;
const DAY: f64 = 86_400.0;
/// Where the pace begins to fall, where it follows the allowance alone, where writes stop.
const FALL: f64 = 0.60;
const EVEN: f64 = 0.85;
const STOP: f64 = 0.95;
/// From this usage on reads are answered from the cache alone.
const READS_STOP: f64 = 0.98;

/// What is known of the organisation's daily calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Spent in the last 24 hours, by everybody.
    pub used: u64,
    /// What may be.
    pub limit: u64,
}

impl Usage {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn share(self) -> f64 {
        self.used as f64 / self.limit.max(1) as f64
    }

    /// What would last exactly a day, halved.
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    fn even(self) -> f64 {
        0.5 * self.limit as f64 / DAY
    }
}

/// Calls a second that writes of the whole fleet may make; `None`: as fast as it goes. `most` is
/// `TIELINE_RATE_PER_SEC`.
#[must_use]
pub fn rate(usage: Option<Usage>, most: Option<f64>) -> Option<f64> {
    let Some(usage) = usage else { return most };
    let share = usage.share();
    if share < FALL {
        return most;
    }
    // Without a rate of our own the fall begins at what a busy fleet makes.
    let top = most.unwrap_or(20.0);
    let even = usage.even().min(top);
    let between = |from: f64, to: f64, at: f64, until: f64| from + (to - from) * (share - at) / (until - at);
    Some(match share {
        s if s < EVEN => between(top, even, FALL, EVEN),
        s if s < STOP => between(even, 0.0, EVEN, STOP),
        _ => 0.0,
    })
}

/// Whether reads may still ask Salesforce.
#[must_use]
pub fn reads_allowed(usage: Option<Usage>) -> bool {
    usage.is_none_or(|usage| usage.share() < READS_STOP)
}

/// How long usage must have been watched before it is drawn into the future.
const WATCHED: Duration = Duration::from_secs(300);

/// Calls an hour between two looks at the usage; `None` where they are too close to tell.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a rate")]
pub fn per_hour(from: (Timestamp, Usage), to: (Timestamp, Usage)) -> Option<f64> {
    let hours = to.0.since(from.0).as_secs_f64() / 3600.0;
    (to.0.since(from.0) >= WATCHED).then(|| (to.1.used as f64 - from.1.used as f64) / hours)
}

/// When writes stop if the usage goes on rising by so many calls an hour. `None`: not within a day;
/// the allowance is a sum over the last day, so no line drawn from today tells of tomorrow.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a share")]
pub fn stops_at(usage: Usage, per_hour: f64, now: Timestamp) -> Option<Timestamp> {
    let left = STOP * usage.limit as f64 - usage.used as f64;
    if left <= 0.0 {
        return Some(now);
    }
    let hours = left / per_hour;
    (per_hour > 0.0 && hours <= 24.0).then(|| now.plus(Duration::from_secs_f64(hours * 3600.0)))
}

/// The counter of one window, and how much of it one worker takes at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where the counter is.
    pub key: Key,
    /// Calls to take.
    pub amount: u64,
    /// What the counter may hold after it: writes leave the rest to reads.
    pub limit: u64,
    /// When the window ends.
    pub until: Timestamp,
}

impl Window {
    /// The window of `now` for writes at this rate, shared by so many workers.
    #[must_use]
    pub fn of(org: &str, rate: f64, workers: usize, wanted: u32, now: Timestamp) -> Self {
        let length = length_of(rate);
        let number = now.as_millis().max(0) / length;
        let (cap, limit) = given_out(rate);
        // Small enough that nobody strands much, large enough that few ask.
        let chunk = (2 * cap / (5 * workers.max(1) as u64)).clamp(1, (cap / 2).max(1));
        Self {
            key: Key { partition: format!("R#{org}"), sort: format!("{length}#{number:015}") },
            amount: chunk.max(u64::from(wanted.min(1))).min(limit.max(1)),
            limit,
            until: Timestamp::from_millis((number + 1) * length),
        }
    }

    /// The same with what is left, where the counter stands at `held`. `None`: nothing is.
    #[must_use]
    pub fn rest(&self, held: u64) -> Option<Self> {
        let left = self.limit.saturating_sub(held);
        (left > 0 && left < self.amount).then(|| Self { amount: left, ..self.clone() })
    }

    /// When the counter may go.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.until.plus(Duration::from_secs(3600))
    }
}

/// How long the windows of this rate are, in milliseconds: long enough that a slow pace has a call to
/// give.
const fn length_of(rate: f64) -> i64 {
    match rate {
        r if r >= 2.0 => 10_000,
        r if r >= 0.1 => 60_000,
        r if r >= 0.01 => 600_000,
        _ => 3_600_000,
    }
}

/// What one window gives out, and how much of it to writes.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count"
)]
fn given_out(rate: f64) -> (u64, u64) {
    let seconds = length_of(rate) as f64 / 1000.0;
    let cap = (rate.max(0.0) * seconds * EDGE).floor() as u64;
    let reserve = (cap as f64 * READ_RESERVE).floor() as u64;
    (cap, cap - reserve)
}

/// Calls a second that one of so many workers makes at most, so that no fleet spends one window's
/// calls at its end and the next one's at its beginning: together they stay within [`SPREAD`] of a
/// window in any span of its length, wherever that begins.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a rate")]
pub fn pace(rate: f64, workers: usize) -> f64 {
    let (seconds, workers) = (length_of(rate) as f64 / 1000.0, workers.max(1) as f64);
    let limit = given_out(rate).1 as f64;
    // Each worker's first call comes before its pace counts.
    let pace = (limit * SPREAD - workers).max(limit * 0.5) / seconds / workers;
    pace.max(1.0 / PROBE.as_secs_f64())
}

/// What one worker may do alone while the counter cannot be asked: half of an even share.
#[must_use]
pub fn safe_share(rate: f64, workers: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let workers = workers.max(1) as f64;
    rate / (2.0 * workers)
}

/// Where the workers of an organisation show that they live, and all tell how Salesforce does.
#[must_use]
pub fn workers_partition(org: &str) -> String {
    format!("B#{org}")
}

/// Prefix of their rows.
pub const WORKERS: &str = "H#";

/// The row by which a worker shows that it lives.
#[must_use]
pub fn heartbeat(org: &str, worker: &str, now: Timestamp) -> Row {
    Row {
        key: Key { partition: workers_partition(org), sort: format!("{WORKERS}{worker}") },
        version: now.as_millis().max(0).unsigned_abs(),
        data: Vec::new(),
        index: None,
        expires: Some(now.plus(ALIVE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn usage(used: u64) -> Option<Usage> {
        Some(Usage { used, limit: 100_000 })
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_795_170_000_000 + ms)
    }

    #[test]
    fn the_pace_falls_with_usage_and_never_rises_with_it() {
        assert_eq!(rate(None, None), None);
        assert_eq!(rate(None, Some(3.0)), Some(3.0));
        assert_eq!(rate(usage(59_999), Some(3.0)), Some(3.0));
        assert_eq!(rate(usage(59_999), None), None);
        assert_eq!(rate(usage(95_000), Some(3.0)), Some(0.0));
        assert_eq!(rate(usage(200_000), None), Some(0.0));
        let even = rate(usage(85_000), Some(3.0)).unwrap();
        assert!((even - 0.5 * 100_000.0 / 86_400.0).abs() < 1e-9, "{even}");
        let rates: Vec<f64> = (600..=1000).map(|n| rate(usage(n * 100), Some(3.0)).unwrap()).collect();
        assert!(rates.windows(2).all(|pair| pair[1] <= pair[0]));
        assert_eq!(rate(Some(Usage { used: 0, limit: 0 }), Some(1.0)), Some(1.0), "an odd header is no stop");
    }

    #[test]
    fn reads_stop_last() {
        assert!(reads_allowed(None) && reads_allowed(usage(97_999)));
        assert!(!reads_allowed(usage(98_000)));
    }

    #[test]
    fn writes_of_a_window_leave_a_reserve_and_a_margin() {
        for workers in [1, 2, 8] {
            let window = Window::of("acme", 20.0, workers, 1, at(0));
            assert_eq!(window.limit, 128, "200 calls in 10 s; 0.8 for the edge, 0.8 of it for writes");
            assert!(window.amount >= 1 && window.amount * u64::try_from(workers).unwrap() <= window.limit);
            assert!(window.until > at(0) && window.until <= at(10_000));
        }
        let slow = Window::of("acme", 0.5, 1, 1, at(0));
        assert_eq!((slow.limit, slow.until.since(at(0)) <= Duration::from_secs(60)), (20, true));
        assert_eq!(Window::of("acme", 0.0, 1, 1, at(0)).limit, 0);
        for rate in [2.0, 1.99, 0.1, 0.099, 0.03, 0.01, 0.009, 0.001] {
            assert!(
                Window::of("acme", rate, 1, 1, at(0)).limit > 0,
                "at {rate} calls a second nothing moves"
            );
        }
    }

    #[test]
    fn no_fleet_spends_two_windows_at_their_common_edge() {
        for rate in [0.2, 1.0, 2.0, 5.0, 20.0] {
            for workers in [1, 2, 8] {
                let length = if rate < 2.0 { 60.0 } else { 10.0 };
                let together = workers as f64 * (pace(rate, workers) * length + 1.0);
                assert!(together <= (rate * length).max(workers as f64 * 1.7), "{rate} {workers} {together}");
            }
        }
        assert!(pace(20.0, 1) > 12.8 && pace(20.0, 8) * 8.0 > 12.8, "the line is not slowed down by it");
    }

    #[test]
    fn the_last_calls_of_a_window_are_given_out_too() {
        let window = Window::of("acme", 20.0, 1, 1, at(0));
        assert_eq!(window.rest(window.limit - 3).map(|w| w.amount), Some(3));
        assert_eq!(window.rest(window.limit), None);
        assert_eq!(window.rest(u64::MAX), None);
    }

    #[test]
    fn usage_is_drawn_into_the_future_no_further_than_a_day() {
        let look = |minutes: i64, used: u64| (at(minutes * 60_000), Usage { used, limit: 100_000 });
        assert_eq!(per_hour(look(0, 50_000), look(4, 51_000)), None, "too close to tell");
        let rate = per_hour(look(0, 50_000), look(30, 55_000)).unwrap();
        assert!((rate - 10_000.0).abs() < 1e-6);
        let (now, usage) = look(30, 55_000);
        assert_eq!(stops_at(usage, rate, now), Some(now.plus(Duration::from_secs(4 * 3600))), "at 95 000");
        assert_eq!(stops_at(usage, 1_000.0, now), None, "lasts the day");
        assert_eq!(stops_at(usage, -5.0, now), None, "it falls");
        assert_eq!(stops_at(usage, 0.0, now), None);
        assert_eq!(stops_at(look(0, 96_000).1, 0.0, now), Some(now), "they have stopped");
    }

    #[test]
    fn windows_follow_each_other_and_keep_their_counter() {
        let a = Window::of("acme", 20.0, 2, 1, at(0));
        assert_eq!(a.key, Window::of("acme", 20.0, 8, 9, a.until.minus(Duration::from_millis(1))).key);
        assert_ne!(a.key, Window::of("acme", 20.0, 2, 1, a.until).key);
        assert_ne!(a.key, Window::of("other", 20.0, 2, 1, at(0)).key);
        assert!(a.expires() > a.until);
        assert!((safe_share(20.0, 2) - 5.0).abs() < 1e-9);
        assert_eq!(heartbeat("acme", "w1", at(0)).expires, Some(at(90_000)));
    }
}
