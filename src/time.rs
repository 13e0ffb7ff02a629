//! Points in time, as numbers that are handed in.
//!
//! What it never does: ask what time it is. Only [`crate::clock`] does, in one line.
//! Everyone who stores, compares or schedules calls it.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z. Ordered; serialised as a plain number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The beginning of 1970: older than anything that happens.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This point moved into the future; at the end of time it stays there.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// This point moved into the past.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)))
    }

    /// How long after `earlier` this is; zero where it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// RFC 3339 in UTC with milliseconds, as people and Salesforce read it.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| format!("{} ms", self.0), |t| format!("{t:.3}"))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

fn millis(d: Duration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_there_and_back_is_where_it_was() {
        let t = Timestamp::from_millis(1_795_170_000_123);
        assert_eq!(t.plus(Duration::from_secs(5)).minus(Duration::from_secs(5)), t);
        assert_eq!(t.since(t.plus(Duration::from_secs(1))), Duration::ZERO);
        assert_eq!(t.plus(Duration::from_millis(7)).since(t), Duration::from_millis(7));
        assert_eq!(t.plus(Duration::MAX).as_millis(), i64::MAX);
    }

    #[test]
    fn is_written_as_people_read_it() {
        assert_eq!(Timestamp::from_millis(1_795_170_000_123).to_rfc3339(), "2026-11-20T10:20:00.123Z");
    }
}
