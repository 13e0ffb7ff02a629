//! What follows from the answer to a call, for each write in it and for how wide the next one is.

use std::sync::Arc;
use std::time::Duration;

use super::{Action, Brain, Delays, Key, LAST_DAY, Place, Reply, Report, Verdict};
use crate::fault::Class;
use crate::time::Timestamp;

const RETRY: Delays = Delays { first: Duration::from_secs(1), last: Duration::from_secs(900) };
/// Retries that may be owed at once, and what each success earns.
const RETRIES: f64 = 50.0;
const EARNED: f64 = 0.2;
/// How many attempts a write has at least, however old it is.
const TRIES: u32 = 3;
/// How long a write waits whose record met a limit that its neighbours did not.
const LIMITED: Duration = Duration::from_secs(60);

impl Brain {
    /// A call came back, with what became of each of its writes.
    pub fn on_replies(&mut self, number: u64, report: Report, replies: Vec<(Key, Reply)>, now: Timestamp) {
        let Some(objects) = self.calls.remove(&number) else { return };
        self.ready.unlock(number);
        self.stuck = false;
        if report.sent {
            if let Some(why) = self.line.ended(report.fault, now) {
                self.outbox.push_back(Action::Alarm(why));
            }
            self.adapt(&objects, report, &replies);
        } else {
            self.line.unsent();
        }
        for (key, reply) in replies {
            self.on_reply(key, reply, report.fault.is_some(), now);
        }
    }

    fn on_reply(&mut self, key: Key, reply: Reply, whole: bool, now: Timestamp) {
        let verdict = match reply {
            Reply::Gone => return self.next_of_group(key, now),
            // What only ever hides would be dropped by the queue one day, and nobody would know.
            Reply::Hidden if self.is_at_its_last_day(key, now) => Verdict::Expired,
            Reply::Hidden => return self.drop_group(key),
            Reply::Again => return self.line_up(key, now),
            Reply::Applied => {
                self.owed = (self.owed - EARNED).max(0.0);
                Verdict::Applied
            }
            Reply::Fault { class, attempts, company } => {
                self.judge(key, class, attempts, company, whole, now)
            }
        };
        if let Some(held) = self.jobs.get_mut(&key) {
            held.place = Place::Settling;
            self.outbox.push_back(Action::Settle { key, verdict });
        }
    }

    fn is_at_its_last_day(&self, key: Key, now: Timestamp) -> bool {
        self.jobs.get(&key).is_some_and(|held| now.since(held.job.sent_at) >= LAST_DAY)
    }

    /// What follows from a fault for one write; `whole`: it was the call's, not the write's.
    fn judge(
        &mut self,
        key: Key,
        class: Class,
        attempts: u32,
        company: usize,
        whole: bool,
        now: Timestamp,
    ) -> Verdict {
        let Some(held) = self.jobs.get_mut(&key) else { return Verdict::Postponed { until: now } };
        // Age alone ends nothing that an outage kept from being tried.
        let too_old = attempts + 1 >= TRIES && now.since(held.job.sent_at) >= self.settings.max_age;
        // Alone, on a line that has worked since its last failure: then it is the write's own fault.
        let line_works = self.line.worked_at.is_some_and(|at| held.failed_at.is_some_and(|f| at > f));
        let own = company == 1;
        if !own || matches!(class, Class::Retryable | Class::Unknown) {
            held.failed_at = Some(now);
        }
        if !own && !matches!(class, Class::Throttled(_) | Class::Ours) {
            // The next time with half of them, so that the one at fault is found.
            held.company = held.company.min(company.div_ceil(2));
        }
        match class {
            // A limit that stops the line is waited for there; one that is told of this record alone (the
            // storage is full) would be met again by the next call.
            Class::Throttled(_) | Class::Ours if whole => Verdict::Postponed { until: now },
            Class::Throttled(_) | Class::Ours => Verdict::Postponed { until: now.plus(LIMITED) },
            Class::Rejected if own => Verdict::Rejected,
            Class::Rejected => Verdict::Postponed { until: now },
            Class::Retryable if !own || (whole && !line_works) => Verdict::Postponed { until: now },
            Class::Retryable => {
                let last = attempts + 1 >= self.settings.max_attempts || too_old;
                Verdict::Failed { retry_at: (!last).then(|| self.retry_at(attempts, now)) }
            }
            Class::Unknown => {
                let charged = own && line_works;
                let last = charged && (attempts + 1 >= self.settings.max_attempts || too_old);
                let retry_at = if charged { self.retry_at(attempts, now) } else { now };
                Verdict::Unknown { retry_at: (!last).then_some(retry_at), charged }
            }
        }
    }

    fn retry_at(&mut self, attempts: u32, now: Timestamp) -> Timestamp {
        self.owed += 1.0;
        // Too many retries at once: whoever fails now waits as long as anybody does.
        let attempt = if self.owed > RETRIES { u32::MAX } else { attempts + 1 };
        now.plus(RETRY.delay(attempt, &mut self.chance))
    }

    fn adapt(&mut self, objects: &[(Arc<str>, usize)], report: Report, replies: &[(Key, Reply)]) {
        let whole = matches!(report.fault, Some(Class::Unknown | Class::Retryable));
        let clean = report.fault.is_none();
        for (object, sent) in objects {
            let failed = replies.iter().filter(|(key, reply)| {
                let troubled = matches!(reply, Reply::Fault { class: Class::Retryable | Class::Unknown, .. });
                troubled && self.jobs.get(key).is_some_and(|held| held.job.object == *object)
            });
            let crowd = *sent > 1 && (whole || failed.count() * 2 > *sent);
            if crowd || clean {
                self.ready.adapt(&self.settings, object, !crowd);
            }
        }
    }
}
