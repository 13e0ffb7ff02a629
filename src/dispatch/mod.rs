//! The worker's brain: which writes travel when, in which call, and what follows from the answer.
//!
//! What it is: a state machine without input and output. The worker tells it what happened
//! ([`Brain::on_leased`], [`Brain::on_replies`], [`Brain::on_settled`], …) and does what
//! [`Brain::poll`] asks, until it asks for nothing; then it waits for the next event, or for
//! [`Brain::poll_timeout`].
//! What it never does: wait, call, keep, or ask the time. It knows no texts, and of field values
//! only the Ids that tell records apart.
//! Who calls it: [`crate::worker`], the same for the poller, the Lambda event source and local mode.
//!
//! Its laws, asserted after every step of the tests:
//! * Of a contact one unresolved write is under way; the next follows when that one is recorded.
//! * A call never holds one record twice, and children of one parent are never in two calls at once.
//! * Calls pass the pace, retries included, and never more are under way than the line bears.
//! * A throttle, a closed line or our own fault costs no write an attempt.
//! * Every message that was leased is settled, hidden or given back exactly once.
//! * Never are more messages asked for than there is room.
//! * The same seed and the same events give the same actions.

mod answers;
mod delay;
mod job;
mod line;
mod pace;
mod ready;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::time::Timestamp;

pub use delay::{Chance, Delays};
pub use job::{Action, Call, Collection, Job, Key, Lane, Reply, Report, Settings, Settled, Shape, Verdict};
pub use line::{Closed, Line};
pub use pace::Pace;

use line::Gate;
use ready::Ready;

/// How often held messages are held for longer: three times within their lease.
pub const HEARTBEAT: Duration = Duration::from_secs(20);
/// How long a lease of messages lasts.
pub const VISIBILITY: Duration = Duration::from_secs(60);
/// The age at which a write becomes a dead letter whatever else, because the queue drops messages
/// at 14 days.
pub const LAST_DAY: Duration = Duration::from_secs(13 * 86_400);
/// From this age on messages are taken from the queue even while the line is closed, so that none
/// reaches [`LAST_DAY`] unseen.
const WATCH: Duration = Duration::from_secs(10 * 86_400);
/// How many times longer a write waits for company while a call is under way.
const PATIENCE: u32 = 3;
/// How many messages are taken before work on them begins: a few full calls.
const LEASE: usize = 500;
/// No limit on the company of a write.
const ANY: usize = usize::MAX;

/// A write that the worker holds.
#[derive(Debug)]
struct Held {
    job: Job,
    place: Place,
    /// Since when it stands in the line.
    since: Timestamp,
    /// How many may share a call with it: fewer after each call that failed as a whole.
    company: usize,
    /// When it last met a fault that was not its own.
    failed_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Behind another write of its contact.
    Behind,
    /// In the line.
    Ready,
    /// In a call.
    Sent,
    /// Being recorded.
    Settling,
}

/// The brain.
#[derive(Debug)]
pub struct Brain {
    settings: Settings,
    jobs: HashMap<Key, Held>,
    groups: HashMap<Arc<str>, VecDeque<Key>>,
    ready: Ready,
    line: Line,
    pace: Pace,
    next_call_at: Timestamp,
    rate: Option<f64>,
    calls: HashMap<u64, Vec<(Arc<str>, usize)>>,
    number: u64,
    allowance: u32,
    allowance_until: Timestamp,
    asked_allowance: bool,
    leasing: bool,
    stopping: bool,
    beat_at: Option<Timestamp>,
    /// Everything ready waits for records that calls under way hold.
    stuck: bool,
    /// Some of it also for Chatter's own limit.
    chatter_waits: bool,
    owed: f64,
    outbox: VecDeque<Action>,
    chance: Chance,
}

impl Brain {
    /// A brain that holds nothing yet. The seed decides all chance in it.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            jobs: HashMap::new(),
            groups: HashMap::new(),
            ready: Ready::default(),
            line: Line::new(settings.concurrency),
            pace: Pace::new(settings.rate),
            next_call_at: Timestamp::EPOCH,
            rate: settings.rate,
            calls: HashMap::new(),
            number: 0,
            allowance: 0,
            allowance_until: Timestamp::EPOCH,
            asked_allowance: false,
            leasing: false,
            stopping: false,
            beat_at: None,
            stuck: false,
            chatter_waits: false,
            owed: 0.0,
            outbox: VecDeque::new(),
            chance: Chance::new(seed),
            settings,
        }
    }

    /// How many writes are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.jobs.len()
    }

    /// Whether this write is held.
    #[must_use]
    pub fn holds(&self, key: Key) -> bool {
        self.jobs.contains_key(&key)
    }

    /// Whether it is about to be given back to the queue.
    #[must_use]
    pub fn gives_back(&self, key: Key) -> bool {
        self.outbox.iter().any(|action| matches!(action, Action::Release { keys } if keys.contains(&key)))
    }

    /// Whether nothing is held and nothing is to be done.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.outbox.is_empty()
    }

    /// Why the line is closed, if it is, and from when on it is tried again.
    #[must_use]
    pub fn closed(&self) -> Option<(Closed, Timestamp)> {
        self.line.closed()
    }

    /// Messages came from the queue, in its order; perhaps none.
    pub fn on_leased(&mut self, jobs: Vec<Job>, now: Timestamp) {
        self.leasing = false;
        if self.stopping {
            let keys: Vec<_> = jobs.iter().map(|job| job.key).collect();
            self.release(keys);
            return;
        }
        self.beat_at.get_or_insert(now.plus(HEARTBEAT));
        for job in jobs {
            if job.flush {
                self.hurry(&job.group);
            }
            let group = self.groups.entry(job.group.clone()).or_default();
            group.push_back(job.key);
            let head = group.len() == 1;
            let held = Held { place: Place::Behind, since: now, company: ANY, failed_at: None, job };
            let key = held.job.key;
            self.jobs.insert(key, held);
            if head {
                self.line_up(key, now);
            }
        }
    }

    /// The fleet's allowance: so many calls until then; none: ask again then.
    pub fn on_allowance(&mut self, calls: u32, until: Timestamp) {
        self.asked_allowance = false;
        self.allowance = calls;
        self.allowance_until = until;
        if calls == 0 {
            self.next_call_at = self.next_call_at.max(until);
        }
    }

    /// The pace that the organisation's usage permits; `None`: as configured.
    pub fn set_rate(&mut self, per_second: Option<f64>) {
        let rate = match (self.settings.rate, per_second) {
            (Some(own), Some(fleet)) => Some(own.min(fleet)),
            (own, fleet) => own.or(fleet),
        };
        if rate != self.rate {
            self.rate = rate;
            self.pace.set(rate);
        }
    }

    /// The worker has done what a verdict asked.
    pub fn on_settled(&mut self, key: Key, settled: Settled, now: Timestamp) {
        self.stuck = false;
        match settled {
            Settled::Done => self.next_of_group(key, now),
            Settled::Held => self.line_up(key, now),
            Settled::Hidden => self.drop_group(key),
        }
    }

    /// The queue no longer counts this message as ours; it will deliver it again.
    pub fn on_lost(&mut self, key: Key) {
        match self.jobs.get(&key).map(|held| held.place) {
            Some(Place::Ready | Place::Behind) => self.drop_group(key),
            // What is under way comes back by itself, and its message then finds a settled outcome.
            Some(Place::Sent | Place::Settling) | None => {}
        }
    }

    /// No more calls; everything that is not under way is given back.
    pub fn stop(&mut self) {
        self.stopping = true;
        let mut keys: Vec<_> = self
            .jobs
            .iter()
            .filter(|(_, held)| matches!(held.place, Place::Ready | Place::Behind))
            .map(|(key, _)| *key)
            .collect();
        // A contact's first message last: until it is given back, the queue holds the others.
        keys.sort_unstable_by(|a, b| b.cmp(a));
        for key in &keys {
            self.forget(*key);
        }
        self.release(keys);
    }

    fn release(&mut self, keys: Vec<Key>) {
        if !keys.is_empty() {
            self.outbox.push_back(Action::Release { keys });
        }
    }

    /// Somebody waits for a write of this contact, and so for those before it.
    fn hurry(&mut self, group: &Arc<str>) {
        for key in self.groups.get(group).into_iter().flatten() {
            let Some(held) = self.jobs.get_mut(key).filter(|held| !held.job.flush) else { continue };
            let lined_up = held.place == Place::Ready;
            if lined_up {
                self.ready.remove(held);
            }
            held.job.flush = true;
            if lined_up {
                self.ready.push(held, held.since);
            }
        }
    }

    /// Into the line, as the head of its contact.
    fn line_up(&mut self, key: Key, now: Timestamp) {
        if self.stopping {
            self.forget(key);
            self.release(vec![key]);
            return;
        }
        if let Some(held) = self.jobs.get_mut(&key) {
            held.place = Place::Ready;
            self.ready.push(held, now);
            self.stuck = false;
        }
    }

    /// The write is settled: the next of its contact moves up.
    fn next_of_group(&mut self, key: Key, now: Timestamp) {
        let Some(held) = self.forget(key) else { return };
        if let Some(next) = self.groups.get(&held.job.group).and_then(|group| group.front()).copied()
            && self.jobs.get(&next).is_some_and(|held| held.place == Place::Behind)
        {
            self.line_up(next, now);
        }
    }

    /// The write waits in the queue: those behind it must not pass it, and go back too.
    fn drop_group(&mut self, key: Key) {
        let Some(held) = self.forget(key) else { return };
        let followers: Vec<_> = self.groups.get(&held.job.group).into_iter().flatten().copied().collect();
        let mut back = Vec::new();
        for follower in followers {
            if self.jobs.get(&follower).is_some_and(|h| matches!(h.place, Place::Ready | Place::Behind)) {
                self.forget(follower);
                back.push(follower);
            }
        }
        self.release(back);
    }

    fn forget(&mut self, key: Key) -> Option<Held> {
        let held = self.jobs.remove(&key)?;
        if held.place == Place::Ready {
            self.ready.remove(&held);
        }
        if let Some(group) = self.groups.get_mut(&held.job.group) {
            group.retain(|k| *k != key);
            if group.is_empty() {
                self.groups.remove(&held.job.group);
            }
        }
        Some(held)
    }

    /// What to do now; `None`: nothing before the next event or [`Self::poll_timeout`].
    pub fn poll(&mut self, now: Timestamp) -> Option<Action> {
        if let Some(action) = self.outbox.pop_front() {
            return Some(action);
        }
        if self.beat_at.is_some_and(|at| at <= now) {
            self.beat(now);
            if let Some(action) = self.outbox.pop_front() {
                return Some(action);
            }
        }
        self.send(now).or_else(|| self.lease(now))
    }

    fn beat(&mut self, now: Timestamp) {
        self.beat_at = (!self.jobs.is_empty()).then(|| now.plus(HEARTBEAT));
        let mut keys: Vec<_> = self.jobs.keys().copied().collect();
        keys.sort_unstable();
        for key in &keys {
            let Some(held) = self.jobs.get_mut(key) else { continue };
            if held.place == Place::Ready && now.since(held.job.sent_at) >= LAST_DAY {
                self.ready.remove(held);
                held.place = Place::Settling;
                self.outbox.push_back(Action::Settle { key: *key, verdict: Verdict::Expired });
            }
        }
        if !keys.is_empty() {
            self.outbox.push_back(Action::Extend { keys });
        }
    }

    /// When a call is due: at once if somebody waits or it is full, else after the linger, or after a
    /// longer one while another call is under way.
    fn due_at(&self) -> Option<Timestamp> {
        let oldest = self.ready.oldest()?;
        let at_once = self.ready.urgent() || self.ready.fills_a_call();
        // While a call is under way, what comes meanwhile travels together when it is back.
        let patience = if self.line.in_flight() > 0 { PATIENCE } else { 1 };
        Some(if at_once { oldest } else { oldest.plus(self.settings.linger * patience) })
    }

    fn send(&mut self, now: Timestamp) -> Option<Action> {
        let chatter = self.line.chatter_from() <= now;
        if chatter && std::mem::take(&mut self.chatter_waits) {
            self.stuck = false;
        }
        if self.stopping || self.stuck || self.due_at()? > now || self.next_call_at > now {
            return None;
        }
        let most = match self.line.gate(now) {
            Gate::Open => ANY,
            Gate::Probe => 1,
            Gate::Until(_) | Gate::Busy => return None,
        };
        if self.settings.fleet && self.rate.is_some() && (self.allowance == 0 || self.allowance_until <= now)
        {
            let wanted = u32::try_from(self.ready.len().div_ceil(200)).unwrap_or(u32::MAX);
            return (!std::mem::replace(&mut self.asked_allowance, true))
                .then_some(Action::Allow { calls: wanted });
        }
        if let Err(at) = self.pace.take(now) {
            self.next_call_at = at;
            return None;
        }
        self.number += 1;
        let shape = self.ready.take(&self.jobs, &self.settings, self.number, most, chatter);
        let Some(shape) = shape else {
            self.stuck = true;
            self.chatter_waits = !chatter;
            return None;
        };
        let mut objects: Vec<(Arc<str>, usize)> = Vec::new();
        for key in shape.keys() {
            let Some(held) = self.jobs.get_mut(&key) else { continue };
            held.place = Place::Sent;
            match objects.last_mut() {
                Some((object, n)) if *object == held.job.object => *n += 1,
                _ => objects.push((held.job.object.clone(), 1)),
            }
        }
        self.calls.insert(self.number, objects);
        self.line.begin();
        self.allowance = self.allowance.saturating_sub(1);
        Some(Action::Send(Call { number: self.number, shape }))
    }

    fn lease(&mut self, now: Timestamp) -> Option<Action> {
        let room = self.settings.capacity.saturating_sub(self.jobs.len());
        if !self.settings.leases || self.leasing || self.stopping || room == 0 {
            return None;
        }
        let closed = self.line.closed().is_some();
        let watch = || self.jobs.values().any(|held| now.since(held.job.sent_at) >= WATCH);
        if closed && !self.jobs.is_empty() && !watch() {
            return None;
        }
        self.leasing = true;
        // The first of a backlog shall not wait until all that there is room for has come.
        Some(Action::Lease { max: room.min(if closed && self.jobs.is_empty() { 10 } else { LEASE }) })
    }

    /// When to poll again although nothing happened.
    #[must_use]
    pub fn poll_timeout(&self, now: Timestamp) -> Option<Timestamp> {
        let call = self.due_at().filter(|_| !self.stopping && !self.stuck).and_then(|due| {
            let line = match self.line.gate(now) {
                Gate::Open | Gate::Probe => due,
                Gate::Until(at) => due.max(at),
                Gate::Busy => return None,
            };
            let waits = self.settings.fleet && self.asked_allowance;
            (!waits).then(|| line.max(self.next_call_at))
        });
        let chatter = self.chatter_waits.then(|| self.line.chatter_from());
        [call, chatter, self.beat_at].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
