//! Whether the line to Salesforce is open, for how many calls at once, and when to knock again.

use std::time::Duration;

use crate::fault::{Class, Throttle};
use crate::time::Timestamp;

/// Whole calls that fail in a row before the line closes.
const FAILURES: u32 = 2;
const FIRST_PROBE: Duration = Duration::from_secs(1);
const LAST_PROBE: Duration = Duration::from_secs(30);
/// How often a used-up daily allowance or refused credentials are tried.
const LONG_PROBE: Duration = Duration::from_secs(300);
const OURS_PROBE: Duration = Duration::from_secs(60);

/// Why the line is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Calls fail as a whole.
    Failing,
    /// The daily allowance is used up.
    Daily,
    /// Another limit; moments.
    Throttled,
    /// Credentials, endpoint or configuration: a person must act.
    Ours,
}

/// What may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Whole calls.
    Open,
    /// One write, to see whether the line works again.
    Probe,
    /// Nothing before this.
    Until(Timestamp),
    /// Nothing until a call comes back.
    Busy,
}

/// The line.
#[derive(Debug)]
pub struct Line {
    failures: u32,
    closed: Option<(Closed, Timestamp)>,
    step: Duration,
    probing: bool,
    chatter_until: Timestamp,
    in_flight: usize,
    /// How many calls at once: rises by success, falls by trouble.
    width: f64,
    most: usize,
    /// The last whole call that worked.
    pub worked_at: Option<Timestamp>,
}

impl Line {
    /// A line for at most `concurrency` calls at once.
    #[must_use]
    pub fn new(concurrency: usize) -> Self {
        let most = concurrency.max(1);
        Self {
            failures: 0,
            closed: None,
            step: FIRST_PROBE,
            probing: false,
            chatter_until: Timestamp::EPOCH,
            in_flight: 0,
            #[expect(clippy::cast_precision_loss, reason = "a handful of calls")]
            width: most.min(2) as f64,
            most,
            worked_at: None,
        }
    }

    /// What may be sent now.
    #[must_use]
    pub fn gate(&self, now: Timestamp) -> Gate {
        match self.closed {
            _ if self.probing => Gate::Busy,
            Some((_, until)) if until > now => Gate::Until(until),
            // Calls still under way will tell as well as a probe would.
            Some(_) if self.in_flight > 0 => Gate::Busy,
            Some(_) => Gate::Probe,
            None if self.in_flight >= self.calls_at_once() => Gate::Busy,
            None => Gate::Open,
        }
    }

    /// Why the line is closed, if it is, and from when on it is tried again.
    #[must_use]
    pub fn closed(&self) -> Option<(Closed, Timestamp)> {
        self.closed
    }

    /// From when on Chatter's own resources may be used.
    #[must_use]
    pub fn chatter_from(&self) -> Timestamp {
        self.chatter_until
    }

    /// How many calls may be under way at once.
    #[must_use]
    pub fn calls_at_once(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and `most`")]
        let width = self.width as usize;
        width.clamp(1, self.most)
    }

    /// How many calls are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A call begins.
    pub fn begin(&mut self) {
        self.probing = self.closed.is_some();
        self.in_flight += 1;
    }

    /// A call was given up before it was made.
    pub fn unsent(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.probing = false;
    }

    /// A call came back: `fault` is what the call as a whole met. Says whether this closed the line.
    pub fn ended(&mut self, fault: Option<Class>, now: Timestamp) -> Option<Closed> {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.probing = false;
        match fault {
            // A refusal of what was sent shows that the line works.
            None | Some(Class::Rejected) => {
                self.failures = 0;
                self.closed = None;
                self.step = FIRST_PROBE;
                self.worked_at = Some(now);
                #[expect(clippy::cast_precision_loss, reason = "a handful of calls")]
                let most = self.most as f64;
                self.width = (self.width + 1.0 / self.width).min(most);
                None
            }
            Some(Class::Throttled(Throttle::Chatter)) => {
                self.chatter_until = now.plus(LONG_PROBE);
                None
            }
            Some(Class::Throttled(Throttle::Daily)) => self.close(Closed::Daily, LONG_PROBE, now),
            Some(Class::Throttled(Throttle::Concurrent | Throttle::Other)) => {
                self.narrow(0.5);
                let step = self.longer();
                self.close(Closed::Throttled, step, now)
            }
            Some(Class::Ours) => self.close(Closed::Ours, OURS_PROBE, now),
            Some(Class::Retryable | Class::Unknown) => {
                self.narrow(0.9);
                self.failures += 1;
                if self.failures < FAILURES && self.closed.is_none() {
                    return None;
                }
                let step = self.longer();
                self.close(Closed::Failing, step, now)
            }
        }
    }

    fn narrow(&mut self, by: f64) {
        self.width = (self.width * by).max(1.0);
    }

    fn longer(&mut self) -> Duration {
        let step = self.step;
        self.step = (step * 2).min(LAST_PROBE);
        step
    }

    fn close(&mut self, why: Closed, step: Duration, now: Timestamp) -> Option<Closed> {
        let news = self.closed.is_none_or(|(before, _)| before != why);
        self.closed = Some((why, now.plus(step)));
        news.then_some(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(1_795_170_000_000 + secs * 1000)
    }

    fn call(line: &mut Line, fault: Option<Class>, now: Timestamp) -> Option<Closed> {
        line.begin();
        line.ended(fault, now)
    }

    #[test]
    fn two_failures_close_and_probes_come_after_1_2_4_to_30_seconds() {
        let mut line = Line::new(4);
        assert_eq!(call(&mut line, Some(Class::Unknown), at(0)), None);
        assert_eq!(line.gate(at(0)), Gate::Open);
        assert_eq!(call(&mut line, Some(Class::Retryable), at(0)), Some(Closed::Failing));
        let mut now = 0;
        for step in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(line.gate(at(now)), Gate::Until(at(now + step)));
            now += step;
            assert_eq!(line.gate(at(now)), Gate::Probe);
            line.begin();
            assert_eq!(line.gate(at(now)), Gate::Busy, "one probe at a time");
            assert_eq!(line.ended(Some(Class::Unknown), at(now)), None, "no news");
        }
        assert_eq!(call(&mut line, None, at(now)), None);
        assert_eq!(line.gate(at(now)), Gate::Open);
        call(&mut line, Some(Class::Unknown), at(now));
        assert_eq!(call(&mut line, Some(Class::Unknown), at(now)), Some(Closed::Failing));
        assert_eq!(line.gate(at(now)), Gate::Until(at(now + 1)), "it begins anew");
    }

    #[test]
    fn a_refused_write_is_no_failure_of_the_line() {
        let mut line = Line::new(4);
        for n in 0..9 {
            assert_eq!(call(&mut line, Some(Class::Rejected), at(n)), None);
        }
        assert_eq!(line.gate(at(9)), Gate::Open);
    }

    #[test]
    fn each_limit_is_waited_for_in_its_own_way() {
        let mut line = Line::new(8);
        assert_eq!(call(&mut line, Some(Class::Throttled(Throttle::Daily)), at(0)), Some(Closed::Daily));
        assert_eq!(line.gate(at(299)), Gate::Until(at(300)));

        let mut line = Line::new(8);
        for _ in 0..40 {
            call(&mut line, None, at(0));
        }
        let before = line.calls_at_once();
        call(&mut line, Some(Class::Throttled(Throttle::Concurrent)), at(0));
        assert!(line.calls_at_once() <= before / 2 + 1, "{before}");
        assert_eq!(line.gate(at(0)), Gate::Until(at(1)));

        let mut line = Line::new(8);
        assert_eq!(call(&mut line, Some(Class::Throttled(Throttle::Chatter)), at(0)), None);
        assert_eq!((line.gate(at(0)), line.chatter_from()), (Gate::Open, at(300)), "other calls go on");

        let mut line = Line::new(8);
        assert_eq!(call(&mut line, Some(Class::Ours), at(0)), Some(Closed::Ours));
        assert_eq!(line.gate(at(59)), Gate::Until(at(60)));
    }

    #[test]
    fn calls_at_once_rise_by_success_and_stay_within_their_bounds() {
        let mut line = Line::new(3);
        assert_eq!(line.calls_at_once(), 2);
        for _ in 0..99 {
            call(&mut line, None, at(0));
        }
        assert_eq!(line.calls_at_once(), 3);
        for n in 0..99 {
            call(&mut line, Some(Class::Unknown), at(n));
        }
        assert_eq!(line.calls_at_once(), 1);
    }
}
