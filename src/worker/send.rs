//! The way of one call: resolve, claim, check, send, and what each answer means.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;

use super::call::Answers;
use super::claim::{Claimed, LATER, Prepared};
use super::lease::hidden_for;
use super::{Answered, Done, Held, Watch, Worker};
use crate::clock::Deadline;
use crate::dispatch::{Key, Reply, Report, Shape};
use crate::envelope::{object_of, overwritten};
use crate::event::Write;
use crate::fault::{Class, Fault, Throttle};
use crate::outcome::{CALL_TIMEOUT, Change, Outcome, SUSPECT, Says, may_send};
use crate::salesforce::wire::Usage;
use crate::salesforce::{Spent, classify};
use crate::store::Expect;
use crate::telemetry::{Line, Metric};

/// How many traces the line of a wide call names.
const TRACES: usize = 20;

/// What a call brought.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) report: Report,
    pub(super) replies: Vec<(Key, Reply)>,
    pub(super) answered: Vec<(Key, Answered)>,
    pub(super) usage: Option<Usage>,
}

/// A write that was claimed, ready for the wire.
#[derive(Debug)]
pub(super) struct Going {
    pub(super) key: Key,
    pub(super) write: Write,
    pub(super) outcome: Outcome,
}

impl Worker {
    /// Does what the brain asked by one call. Every write of it gets a reply.
    pub(super) async fn send(&self, shape: Shape, held: Vec<Held>) -> Sent {
        let keys: Vec<Key> = shape.keys().collect();
        match AssertUnwindSafe(self.send_inner(shape, held)).catch_unwind().await {
            Ok(sent) => sent,
            Err(_) => {
                Line::new("panic while sending").warning().write();
                // The claims lapse, and what was perhaps sent is then in doubt.
                let replies = keys.into_iter().map(|key| (key, Reply::Hidden)).collect();
                Sent { report: Report::default(), replies, answered: Vec::new(), usage: None }
            }
        }
    }

    async fn send_inner(&self, shape: Shape, held: Vec<Held>) -> Sent {
        let watch = self.watch();
        let mut replies = Vec::new();
        let mut going = self.claim_all(&held, &mut replies).await;
        if going.len() > 1
            && let Some(at) = going.iter().position(|one| one.outcome.lapses >= SUSPECT)
        {
            // It may be what its workers died of: nobody shall die with it.
            let suspect = going.swap_remove(at);
            replies.extend(self.give_back(std::mem::replace(&mut going, vec![suspect])).await);
        }
        // ── From here to the call nothing is awaited. ──
        let in_time = may_send(watch.elapsed(self.now()));
        if !in_time || going.is_empty() {
            replies.extend(self.give_back(going).await);
            return Sent { report: Report::default(), replies, answered: Vec::new(), usage: None };
        }
        let deadline = Deadline::after(CALL_TIMEOUT);
        let count = going.len();
        let Answers { whole, each, spent } = self.call(&shape, &mut going, deadline).await;
        self.tell(&shape, &held, count, whole.as_ref(), spent, &watch);
        let mut answered = Vec::with_capacity(count);
        for (write, (answer, company)) in going.into_iter().zip(each) {
            let (key, done) = self.judge(write, answer, company, watch, &mut replies).await;
            answered.push((key, done));
        }
        // What was refused here without a request says nothing of the line.
        let report = Report {
            sent: spent.calls > 0 || whole.is_some(),
            fault: whole.as_ref().map(|fault| fault.class),
        };
        if whole.is_some() {
            self.line().fault = whole;
        }
        Sent { report, replies, answered, usage: spent.usage }
    }

    /// Prepares and claims; what cannot be sent now gets its reply here.
    async fn claim_all(&self, held: &[Held], replies: &mut Vec<(Key, Reply)>) -> Vec<Going> {
        let guarded = |held| AssertUnwindSafe(self.prepare(held)).catch_unwind();
        let prepared = join_all(held.iter().map(guarded)).await;
        let mut records = HashSet::new();
        let mut ready = Vec::new();
        let mut hide = Vec::new();
        let mut done = Vec::new();
        for (held, prepared) in held.iter().zip(prepared) {
            match prepared.unwrap_or_else(|_| Prepared::Until(self.now().plus(LATER))) {
                // A ticket may turn out to be a record that is in the call already.
                Prepared::Ready(write) => match overwritten(&write) {
                    Some(record) if !records.insert(record.clone()) => replies.push((held.key, Reply::Again)),
                    _ => ready.push((held, write)),
                },
                Prepared::Gone => done.push(held),
                Prepared::Until(at) => hide.push((held, at)),
            }
        }
        let claims =
            join_all(ready.iter().map(|(held, _)| AssertUnwindSafe(self.claim(held)).catch_unwind()));
        let mut going = Vec::new();
        for ((held, write), claimed) in ready.iter().zip(claims.await) {
            match claimed.unwrap_or_else(|_| Claimed::Until(self.now().plus(LATER))) {
                Claimed::Ours(outcome) => {
                    going.push(Going {
                        key: held.key,
                        write: self.modes().keyed(write, outcome.id),
                        outcome: *outcome,
                    });
                }
                Claimed::Settled => done.push(held),
                Claimed::Until(at) => hide.push((held, at)),
                Claimed::Again => replies.push((held.key, Reply::Again)),
            }
        }
        if done.is_empty() && hide.is_empty() {
            return going;
        }
        // Rare; it shortens what is left of the claims, which the check after it takes into account.
        let now = self.now();
        let handles: Vec<_> = done.iter().map(|held| held.handle.clone()).collect();
        self.inner.queue.delete(&handles, now).await;
        replies.extend(done.iter().map(|held| (held.key, Reply::Gone)));
        let entries: Vec<_> = hide
            .iter()
            .map(|(held, at)| (held.handle.clone(), hidden_for(*at, now, held.receive_count)))
            .collect();
        self.inner.queue.change_visibility(&entries, now).await;
        replies.extend(hide.iter().map(|(held, _)| (held.key, Reply::Hidden)));
        going
    }

    /// Claims that were won and not used.
    async fn give_back(&self, going: Vec<Going>) -> Vec<(Key, Reply)> {
        join_all(going.into_iter().map(|going| async move {
            let now = self.now();
            let version = going.outcome.version;
            let change = Change::Postponed { fence: going.outcome.fence, until: now, fault: None };
            if let Ok(pending) = going.outcome.apply(change, now) {
                // Where this fails the claim lapses by itself.
                drop(self.inner.state.put(&pending.row(), Expect::Version(version), now).await);
            }
            (going.key, Reply::Again)
        }))
        .await
    }

    /// What an answer means for one write, beyond what it says: an own key that exists already, a
    /// record that is gone already.
    async fn judge(
        &self,
        going: Going,
        answer: Result<Done, Fault>,
        company: usize,
        since: Watch,
        replies: &mut Vec<(Key, Reply)>,
    ) -> (Key, Answered) {
        let Going { key, write, outcome } = going;
        let answer = match answer {
            Err(fault) => self.applied_already(&write, &outcome, fault).await,
            Ok(done) => Ok(Done { id: done.id.or_else(|| outcome.record_id.clone()), ..done }),
        };
        let reply = match &answer {
            Ok(_) => Reply::Applied,
            Err(fault) => Reply::Fault { class: fault.class, attempts: outcome.attempts, company },
        };
        replies.push((key, reply));
        (key, Answered { outcome, answer, overwrites: overwritten(&write), since })
    }

    async fn applied_already(&self, write: &Write, outcome: &Outcome, fault: Fault) -> Result<Done, Fault> {
        let (object, duplicate) = (object_of(write), classify::duplicate_of(&fault));
        let key = self.modes().unique_field(object);
        match outcome.says(write, &fault, key, duplicate) {
            Says::NoMore => Err(fault),
            Says::Done(id) => {
                Line::new("second effect prevented")
                    .with("object", object)
                    .count(Metric::DuplicatesPrevented, 1.0)
                    .write();
                let id = match (id, key) {
                    (None, Some(key)) => self.by_key(object, key, outcome.id.as_str()).await.ok().flatten(),
                    (id, _) => id,
                };
                Ok(Done { id, created: None })
            }
            Says::KeyUnfit => {
                self.inner.keys.pause(object, self.now().plus(Duration::from_secs(300)));
                Line::new("unique field missing")
                    .with("object", object)
                    .with("cure", "create the field, make it unique, and give the integration user access")
                    .warning()
                    .write();
                Err(Fault { class: Class::Throttled(Throttle::Other), ..fault })
            }
        }
    }

    fn tell(
        &self,
        shape: &Shape,
        held: &[Held],
        count: usize,
        fault: Option<&Fault>,
        spent: Spent,
        watch: &Watch,
    ) {
        let lane = match shape {
            Shape::Collections(_) => "collections",
            Shape::Posts(_) => "posts",
            Shape::Single(_) => "single",
        };
        let took = u64::try_from(watch.elapsed(self.now()).as_millis()).unwrap_or(u64::MAX);
        #[expect(clippy::cast_precision_loss, reason = "a metric")]
        let mut line = Line::new("batch")
            .with("lane", lane)
            .with("took_ms", took)
            .count(Metric::ApiCalls, f64::from(spent.calls))
            .count(Metric::RecordsPerCall, count as f64);
        let traces: Vec<&str> =
            held.iter().filter_map(|h| h.envelope.traceparent.as_deref()).take(TRACES).collect();
        if !traces.is_empty() {
            line = line.with("traceparents", traces);
        }
        if let Some(fault) = fault {
            line = line.with("code", fault.code.as_str()).warning();
            if fault.class == Class::Ours {
                line = line.count(Metric::CredentialsRefused, 1.0);
            }
        }
        if let Some(usage) = spent.usage {
            #[expect(clippy::cast_precision_loss, reason = "a metric")]
            let percent = usage.used as f64 * 100.0 / usage.limit.max(1) as f64;
            line = line.count(Metric::ApiUsagePercent, percent);
        }
        line.write();
    }
}
