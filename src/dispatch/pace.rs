//! The pace of calls within one process: evenly spread, never two for the room of one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::time::Timestamp;

type Limiter = RateLimiter<NotKeyed, InMemoryState, Handed, NoOpMiddleware<Nanos>>;

/// A clock that says what it was told last; it never runs backwards.
#[derive(Clone, Debug, Default)]
struct Handed(Arc<AtomicU64>);

impl Handed {
    fn set(&self, now: Timestamp) {
        let nanos = now.as_millis().max(0).unsigned_abs().saturating_mul(1_000_000);
        self.0.fetch_max(nanos, Ordering::Relaxed);
    }
}

impl Clock for Handed {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.load(Ordering::Relaxed))
    }
}

/// Lets calls through at a rate; without one, always.
#[derive(Debug)]
pub struct Pace {
    clock: Handed,
    limiter: Option<Limiter>,
    period: Duration,
    /// When the next call was allowed under an earlier rate: a new one never brings it forward.
    floor: Timestamp,
    next: Timestamp,
}

impl Pace {
    /// At most `per_second` calls a second; `None`: no limit of our own.
    #[must_use]
    pub fn new(per_second: Option<f64>) -> Self {
        let mut pace = Self {
            clock: Handed::default(),
            limiter: None,
            period: Duration::ZERO,
            floor: Timestamp::EPOCH,
            next: Timestamp::EPOCH,
        };
        pace.set(per_second);
        pace
    }

    /// Changes the rate. What the old one still forbids stays forbidden.
    pub fn set(&mut self, per_second: Option<f64>) {
        let period = match per_second {
            Some(rate) if rate > 0.0 => Duration::from_secs_f64((1.0 / rate).min(86_400.0)),
            Some(_) => Duration::from_secs(86_400),
            None => Duration::ZERO,
        };
        if period == self.period {
            return;
        }
        self.floor = self.next;
        self.period = period;
        self.limiter = Quota::with_period(period).map(|q| Limiter::direct_with_clock(q, self.clock.clone()));
    }

    /// Takes the room for one call, or says from when on there is some.
    ///
    /// # Errors
    /// The time at which to ask again.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        self.clock.set(now);
        if now < self.floor {
            return Err(self.floor);
        }
        if let Some(limiter) = &self.limiter {
            limiter.check().map_err(|not_until| {
                // Rounded up to the next millisecond: asked again then, it is allowed.
                let wait = not_until.wait_time_from(self.clock.now());
                now.plus(wait + Duration::from_nanos(999_999))
            })?;
        }
        self.next = now.plus(self.period);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_795_170_000_000 + ms)
    }

    /// The times of calls between 0 and `until`, asked every millisecond.
    fn calls(pace: &mut Pace, from: i64, until: i64) -> Vec<i64> {
        (from..until).filter(|ms| pace.take(at(*ms)).is_ok()).collect()
    }

    #[test]
    fn calls_are_spread_evenly_and_never_come_in_bursts() {
        let mut pace = Pace::new(Some(4.0));
        assert_eq!(calls(&mut pace, 0, 1001), [0, 250, 500, 750, 1000]);
        assert_eq!(calls(&mut pace, 60_000, 60_600), [60_000, 60_250, 60_500], "idle time is not saved up");
        assert_eq!(pace.take(at(60_600)), Err(at(60_750)));
    }

    #[test]
    fn a_new_rate_never_brings_the_next_call_forward() {
        let mut pace = Pace::new(Some(0.5));
        assert!(pace.take(at(0)).is_ok());
        pace.set(Some(1000.0));
        assert_eq!(pace.take(at(1)), Err(at(2000)));
        assert!(pace.take(at(2000)).is_ok());
        assert!(pace.take(at(2001)).is_ok());
    }

    #[test]
    fn without_a_rate_nothing_waits_and_with_zero_nothing_goes_twice() {
        assert_eq!(calls(&mut Pace::new(None), 0, 5).len(), 5);
        assert_eq!(calls(&mut Pace::new(Some(0.0)), 0, 5000).len(), 1);
    }

    #[test]
    fn a_clock_set_back_gives_no_second_call() {
        let mut pace = Pace::new(Some(1.0));
        assert!(pace.take(at(5000)).is_ok());
        assert!(pace.take(at(0)).is_err());
        assert!(pace.take(at(5999)).is_err());
    }
}
