//! How long to wait before the next attempt, and chance from a given number.

use std::time::Duration;

use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff as _;

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Begins with a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `limit`; zero where the limit is.
    pub const fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.next() % limit }
    }
}

/// Delays that double from `first` up to `last`, and their jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// The ceiling of the first delay.
    pub first: Duration,
    /// The ceiling of all.
    pub last: Duration,
}

impl Delays {
    /// The ceiling before attempt `attempt + 1`, when `attempt` (from 1) failed.
    #[must_use]
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let mut backoff = ExponentialBackoffBuilder::new()
            .with_initial_interval(self.first)
            .with_multiplier(2.0)
            .with_randomization_factor(0.0)
            .with_max_interval(self.last)
            .with_max_elapsed_time(None)
            .build();
        let mut ceiling = self.first;
        for _ in 0..attempt.clamp(1, 40) {
            ceiling = backoff.next_backoff().unwrap_or(self.last);
        }
        ceiling.min(self.last)
    }

    /// The delay: anywhere below the ceiling ("full jitter"), yet at least a twentieth of it, so
    /// that chance never makes a loop without a pause.
    pub fn delay(&self, attempt: u32, chance: &mut Chance) -> Duration {
        let ceiling = u64::try_from(self.ceiling(attempt).as_millis()).unwrap_or(u64::MAX);
        let least = ceiling / 20;
        Duration::from_millis(least + chance.below(ceiling - least + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAYS: Delays = Delays { first: Duration::from_secs(1), last: Duration::from_secs(900) };

    #[test]
    fn ceilings_double_up_to_the_last() {
        let ceilings: Vec<_> = (1..=12).map(|n| DELAYS.ceiling(n).as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(DELAYS.ceiling(0), DELAYS.ceiling(1));
        assert_eq!(DELAYS.ceiling(u32::MAX), DELAYS.last);
    }

    #[test]
    fn jitter_comes_from_the_seed_alone_and_fills_the_range() {
        let run = |seed| {
            let mut chance = Chance::new(seed);
            (0..200).map(|_| DELAYS.delay(5, &mut chance)).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let delays = run(7);
        let ceiling = DELAYS.ceiling(5);
        assert!(delays.iter().all(|d| *d <= ceiling && *d >= ceiling / 20));
        assert!(delays.iter().any(|d| *d < ceiling / 4) && delays.iter().any(|d| *d > ceiling * 3 / 4));
    }
}
