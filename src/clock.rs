//! The one place that reads the time.
//!
//! Two clocks, because neither is enough: the wall clock can be set, and the monotonic one may stand
//! still while Lambda suspends the process. Whoever asks how long something has taken asks a
//! [`Stopwatch`], which believes the larger of the two.
//! What it never does: sleep, or hand a clock to a room of rules; those are given a [`Timestamp`].
//! Every path and door calls it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

// The standard one, but in a simulation, whose time it follows.
use tokio::time::Instant;

use crate::time::Timestamp;

#[cfg(debug_assertions)]
static FIXED: std::sync::OnceLock<Timestamp> = std::sync::OnceLock::new();

/// What time it is.
#[must_use]
pub fn now() -> Timestamp {
    #[cfg(debug_assertions)]
    if let Some(fixed) = FIXED.get() {
        return *fixed;
    }
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.plus(since)
}

/// Whoever tells a path the time: [`now`] in every program, a test's own clock in tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Lets [`now`] answer with one instant for the rest of the process, so that a test can compare
/// dates. Only the first call counts; stopwatches still run by the monotonic clock.
#[cfg(debug_assertions)]
pub fn fix(at: Timestamp) {
    FIXED.get_or_init(|| at);
}

/// Measures how long ago it was started.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    monotonic: Instant,
    wall: Timestamp,
}

impl Stopwatch {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        let monotonic = Instant::now();
        Self { monotonic, wall: now() }
    }

    /// The time since its start, by the clock which says more.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.monotonic.elapsed().max(now().since(self.wall))
    }
}

/// A point in the future by which an answer must be there.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    started: Stopwatch,
    budget: Duration,
}

impl Deadline {
    /// This long from now.
    #[must_use]
    pub fn after(budget: Duration) -> Self {
        Self { started: Stopwatch::start(), budget }
    }

    /// What is left of it; zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.budget.saturating_sub(self.started.elapsed())
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.remaining().is_zero()
    }

    /// This deadline, or one `budget` from its own start if that is sooner.
    #[must_use]
    pub fn at_most(self, budget: Duration) -> Self {
        Self { budget: self.budget.min(budget), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopwatch_believes_the_clock_that_says_more() {
        let started = Stopwatch::start();
        let slept = Stopwatch { wall: started.wall.minus(Duration::from_secs(600)), ..started };
        assert!(slept.elapsed() >= Duration::from_secs(600), "the process was suspended for ten minutes");
        let set_back = Stopwatch { wall: started.wall.plus(Duration::from_secs(600)), ..started };
        assert!(set_back.elapsed() < Duration::from_secs(300), "the wall clock was set back");
    }

    #[test]
    fn a_deadline_runs_out_and_never_below_zero() {
        assert!(Deadline::after(Duration::ZERO).passed());
        let far = Deadline::after(Duration::from_secs(3600));
        assert!(!far.passed());
        assert!(far.at_most(Duration::ZERO).passed());
        assert!(far.at_most(Duration::from_secs(7200)).remaining() <= Duration::from_secs(3600));
    }
}
