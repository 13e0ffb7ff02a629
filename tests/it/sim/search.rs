//! Every way in which two workers can get into each other's way, tried: a search, breadth first,
//! over all interleavings of the steps below around the real law ([`Outcome::apply`],
//! [`may_send`], [`Outcome::unsettled_until`]).
//!
//! One write and its message delivered to both workers at any time (harder than any queue). Each
//! worker claims, sends and records, and between these steps anything may happen: the other one's
//! steps, time up to the next moment that matters, the worker's sudden end. A request takes effect
//! at once, or up to ten minutes after it was cut, or never, or is refused; its answer comes or is
//! lost. Clocks may differ by [`SKEW`]. Age may bury the write, a person may replay it. Behind an
//! update stands the contact's next update of the same record.
//!
//! Two pairs are one step here. Reading a row and writing it: the write is refused unless the row is
//! the one that was read, so nothing comes between. And [`may_send`] and the sending, which no
//! process can promise (a machine may stand still between two instructions): a key in Salesforce
//! needs no such promise, and without one it is the gap that `docs/promises.md` tells of.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Map, json};
use tieline::envelope::{Envelope, WriteId};
use tieline::event::Write;
use tieline::fault::{Class, Fault};
use tieline::outcome::mutants::{Mutant, break_law};
use tieline::outcome::{Change, Effect, Illegal, Outcome, Reason, SKEW, State, may_send};
use tieline::time::Timestamp;

use super::world::T0;

/// How long after its cut a request may still take effect.
const LATE: i64 = 600_000;

/// What is searched: how a second effect is prevented, and how much may go wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    effect: Effect,
    verb: &'static str,
    /// By how much the second worker's clock is ahead, in milliseconds.
    pub(super) skew: i64,
    claims: u8,
    sends: u8,
    crashes: u8,
    /// A person, or the age of the message, ends it; a person sends it again.
    hands: u8,
}

/// All that is searched.
pub(super) fn cases() -> Vec<Case> {
    let skew = i64::try_from(SKEW.as_millis()).unwrap();
    let ways = [
        ("create with a key", Effect::UniqueField, "create"),
        ("update", Effect::Native, "update"),
        ("delete", Effect::Native, "delete"),
        ("create, reconciled", Effect::Reconcile, "create"),
        ("create, at most once", Effect::AtMostOnce, "create"),
        ("create, at least once", Effect::AtLeastOnce, "create"),
    ];
    let mut cases = Vec::new();
    for (name, effect, verb) in ways {
        cases.push(Case { name, effect, verb, skew: 0, claims: 3, sends: 3, crashes: 1, hands: 1 });
        // The other one ahead is the same with their places changed.
        cases.push(Case { name, effect, verb, skew, claims: 3, sends: 2, crashes: 1, hands: 0 });
    }
    cases
}

/// Where a worker is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Worker {
    Idle,
    /// Holds the claim of this number, taken at this time, and knows whether the write was then in
    /// doubt.
    Claimed(u64, i64, bool),
    /// Knows what came of its call under this claim and has still to write it down.
    Knows(u64, What),
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Hash)]
enum What {
    Applied,
    Rejected,
    Failed { last: bool },
    Unknown { last: bool },
}

/// Everything, at one moment.
#[derive(Clone, Debug)]
struct World {
    now: i64,
    row: Rc<Outcome>,
    workers: [Worker; 2],
    /// Requests that were cut and will take effect before these times.
    late: Vec<i64>,
    effects: u8,
    /// The contact's next update of the record took effect.
    overtaken: bool,
    /// Salesforce refused it, its attempts were used up, or a person ended it.
    blamed: bool,
    /// Claims under which a request was sent, a bit each, and whether two were under one.
    sent: u64,
    twice: bool,
    /// A request was sent while the other worker's claim stood.
    stolen: bool,
    claims: u8,
    sends: u8,
    crashes: u8,
    hands: u8,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Worker(usize, &'static str),
    Other(&'static str),
    Time(i64),
}

/// What a search found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) states: usize,
    /// What is untrue, and the way there.
    pub(super) breach: Option<String>,
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn fault(class: Class) -> Fault {
    Fault::new(class, "X", "")
}

fn accepted(verb: &str) -> Outcome {
    let (id, fields) = ("500000000000001AAA".to_owned(), Map::from_iter([("A".to_owned(), json!(1))]));
    let object = "Case".to_owned();
    let write = match verb {
        "update" => Write::Update { object, id, fields },
        "delete" => Write::Delete { object, id },
        _ => Write::Create { object, fields },
    };
    Outcome::accepted(&Envelope {
        v: 1,
        id: WriteId::keyed("o", "g", "k"),
        generation: 1,
        org: String::new(),
        group: String::new(),
        contact: None,
        write,
        refs: Vec::new(),
        unbound: Vec::new(),
        name: None,
        attribute: None,
        hash: String::new(),
        flush: false,
        accepted_at: T0,
        traceparent: None,
        rest: Map::new(),
    })
}

/// Searches one case with a law broken, or with none; ends at the first breach.
pub(super) fn search(case: &Case, broken: Option<Mutant>) -> Found {
    break_law(broken);
    let found = search_on(case);
    break_law(None);
    found
}

fn search_on(case: &Case) -> Found {
    let start = World {
        now: T0.as_millis(),
        row: Rc::new(accepted(case.verb)),
        workers: [Worker::Idle, Worker::Idle],
        late: Vec::new(),
        effects: 0,
        overtaken: false,
        blamed: false,
        sent: 0,
        twice: false,
        stolen: false,
        claims: 0,
        sends: 0,
        crashes: 0,
        hands: 0,
    };
    let mut seen = HashSet::from([start.fingerprint(case)]);
    let mut ways = vec![(0, Step::Other("accepted"))];
    let mut front = VecDeque::from([(0_usize, start)]);
    while let Some((number, world)) = front.pop_front() {
        for (label, next) in world.steps(case) {
            let breach = next.breach(&world, case);
            if breach.is_none() && !seen.insert(next.fingerprint(case)) {
                continue;
            }
            ways.push((number, label));
            if let Some(what) = breach {
                let story = told(&ways, case, what, &next);
                return Found { states: seen.len(), breach: Some(story) };
            }
            front.push_back((ways.len() - 1, next));
        }
    }
    Found { states: seen.len(), breach: None }
}

fn told(ways: &[(usize, Step)], case: &Case, what: &str, end: &World) -> String {
    let mut steps = Vec::new();
    let mut number = ways.len() - 1;
    while number > 0 {
        steps.push(ways[number].1);
        number = ways[number].0;
    }
    steps.reverse();
    let mut story = format!("{} (clocks {} ms apart): {what}\n", case.name, case.skew);
    for step in steps {
        match step {
            Step::Worker(w, what) => writeln!(story, "  worker {} {what}", w + 1).unwrap(),
            Step::Other(what) => writeln!(story, "  {what}").unwrap(),
            Step::Time(ms) => writeln!(story, "  {ms} ms pass").unwrap(),
        }
    }
    writeln!(story, "  in the end: {:?}, {} effects", end.row.state, end.effects).unwrap();
    story
}

impl World {
    fn clock(&self, worker: usize, case: &Case) -> Timestamp {
        at(self.now + if worker == 1 { case.skew } else { 0 })
    }

    /// Everything that can happen next.
    fn steps(&self, case: &Case) -> Vec<(Step, Self)> {
        let mut steps = Vec::new();
        for w in 0..2 {
            self.steps_of(w, case, &mut steps);
            if !matches!(self.workers[w], Worker::Idle) && self.crashes < case.crashes {
                let mut next = self.clone();
                next.crashes += 1;
                next.workers[w] = Worker::Idle;
                steps.push((Step::Worker(w, "dies"), next));
            }
        }
        for n in 0..self.late.len() {
            let mut next = self.clone();
            next.late.remove(n);
            next.take_effect(case);
            steps.push((Step::Other("a request that was cut takes effect"), next));
        }
        if case.verb == "update"
            && !self.overtaken
            && self.row.is_settled()
            && self.row.unsettled_until(at(self.now)).is_none()
        {
            let mut next = self.clone();
            next.overtaken = true;
            steps.push((Step::Other("the next update of the record takes effect"), next));
        }
        if let Some(moment) = self.next_moment(case) {
            let next = Self { now: moment, ..self.clone() };
            steps.push((Step::Time(moment - self.now), next));
        }
        if self.hands < case.hands {
            self.hands_of_a_person(case, &mut steps);
        }
        steps
    }

    /// The next time at which something becomes possible or must have happened.
    fn next_moment(&self, case: &Case) -> Option<i64> {
        let row = &self.row;
        let mut moments = vec![row.next_at(), row.doubt]
            .into_iter()
            .flatten()
            .flat_map(|t| [t.as_millis(), t.as_millis() - case.skew])
            .collect::<Vec<_>>();
        for worker in &self.workers {
            if let Worker::Claimed(_, began, _) = worker {
                moments.push(began + 25_000);
            }
        }
        moments.extend(&self.late);
        let next = moments.into_iter().filter(|m| *m > self.now).min()?;
        // What was cut has taken effect before its last moment passes.
        self.late.iter().all(|until| *until > self.now).then_some(next)
    }

    fn steps_of(&self, w: usize, case: &Case, steps: &mut Vec<(Step, Self)>) {
        let now = self.clock(w, case);
        let mut step = |what: &'static str, worker: Worker, row: Option<Outcome>| {
            let mut next = self.clone();
            next.workers[w] = worker;
            next.claims += u8::from(matches!(worker, Worker::Claimed(..)));
            if let Some(row) = row {
                next.row = Rc::new(forget(row));
            }
            steps.push((Step::Worker(w, what), next));
        };
        let apply = |change: Change| (*self.row).clone().apply(change, now);
        match self.workers[w] {
            Worker::Idle if self.claims < case.claims => {
                match apply(Change::Claim { owner: String::new(), effect: case.effect }) {
                    Ok(row) if matches!(row.state, State::Sending { .. }) => {
                        let worker = Worker::Claimed(row.fence, self.now, row.gone_is_done());
                        step("claims", worker, Some(row));
                    }
                    Ok(row) => step("finds that a claim has lapsed", Worker::Idle, Some(row)),
                    Err(Illegal::Settling(settled)) if settled <= now => {
                        let fence = self.row.fence;
                        let change = match (case.verb, self.effects > 0) {
                            ("update", _) => Change::Ambiguous { fence, fault: fault(Class::Unknown) },
                            (_, true) => self.change(fence, What::Applied, now),
                            (_, false) => Change::Absent { fence },
                        };
                        if let Ok(row) = apply(change) {
                            step("looks it up", Worker::Idle, Some(row));
                        }
                    }
                    Err(_) => {}
                }
            }
            Worker::Idle => {}
            Worker::Knows(fence, what) => {
                step("records", Worker::Idle, apply(self.change(fence, what, now)).ok());
            }
            Worker::Claimed(fence, began, in_doubt) => {
                if !may_send(Duration::from_millis((self.now - began).unsigned_abs())) {
                    let back = Change::Postponed { fence, until: now, fault: None };
                    step("gives its claim back", Worker::Idle, apply(back).ok());
                } else if self.sends < case.sends {
                    self.sending(w, fence, in_doubt, case, steps);
                }
            }
        }
    }

    /// Every end that a call can have.
    fn sending(&self, w: usize, fence: u64, in_doubt: bool, case: &Case, steps: &mut Vec<(Step, Self)>) {
        let mut step = |label: &'static str, what: What, change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            next.sends += 1;
            next.twice |= self.sent & (1 << fence) != 0;
            next.sent |= 1 << fence;
            next.stolen |= matches!(self.row.state, State::Sending { .. }) && self.row.fence != fence;
            next.workers[w] = Worker::Knows(fence, what);
            change(&mut next);
            steps.push((Step::Worker(w, label), next));
        };
        let again = What::Unknown { last: false };
        if case.verb == "delete" && self.effects > 0 {
            match in_doubt {
                true => step("deletes what is gone: done", What::Applied, &|_| ()),
                false => step("deletes what is gone: refused", What::Rejected, &|next| next.blamed = true),
            }
            return;
        }
        step("sends; it is applied", What::Applied, &|next| next.take_effect(case));
        step("sends; it is applied and the answer lost", again, &|next| next.take_effect(case));
        step("sends; it is cut and will come late", again, &|next| next.late.push(next.now + LATE));
        step("sends; it never arrives", again, &|_| ());
        step("sends; it is refused", What::Rejected, &|next| next.blamed = true);
        if self.sends + 1 == case.sends {
            step("sends the last time; a lock", What::Failed { last: true }, &|next| next.blamed = true);
            step("sends the last time; the answer is lost", What::Unknown { last: true }, &|next| {
                next.blamed = true;
                next.take_effect(case);
            });
        } else {
            step("sends; a lock", What::Failed { last: false }, &|_| ());
        }
    }

    fn hands_of_a_person(&self, case: &Case, steps: &mut Vec<(Step, Self)>) {
        let now = at(self.now);
        let mut step = |label: &'static str, change: Change| {
            if let Ok(row) = (*self.row).clone().apply(change, now) {
                let mut next = self.clone();
                next.row = Rc::new(forget(row));
                next.hands += 1;
                next.blamed = true;
                // Replayed, it stands behind whatever came in between.
                next.overtaken = false;
                steps.push((Step::Other(label), next));
            }
        };
        step("its time is over", Change::Bury { reason: Reason::Expired, fault: fault(Class::Rejected) });
        // Whoever replays what is in doubt has looked first; without a key nothing else can.
        let looked = !matches!(self.row.state, State::Dead { reason: Reason::InDoubt | Reason::Ambiguous });
        if looked || case.effect == Effect::UniqueField {
            step("a person replays it", Change::Replay { edited: false });
        }
    }

    fn change(&self, fence: u64, what: What, now: Timestamp) -> Change {
        let retry = |last: bool| (!last).then_some(now);
        match what {
            What::Applied => Change::Applied {
                fence,
                generation: self.row.generation,
                record_id: Some("500A".to_owned()),
                created: None,
            },
            What::Rejected => Change::Rejected { fence, fault: fault(Class::Rejected) },
            What::Failed { last } => {
                Change::Failed { fence, fault: fault(Class::Retryable), retry_at: retry(last) }
            }
            What::Unknown { last } => {
                Change::Unknown { fence, fault: fault(Class::Unknown), charged: true, retry_at: retry(last) }
            }
        }
    }

    fn take_effect(&mut self, case: &Case) {
        // Salesforce refuses a key that is there, and what is gone cannot go again.
        let once = case.effect == Effect::UniqueField || case.verb == "delete";
        self.effects = if once { 1 } else { self.effects + 1 };
    }

    /// What must never be, in this state or by the step to it.
    fn breach(&self, before: &Self, case: &Case) -> Option<&'static str> {
        let row = &self.row;
        let once = matches!(case.effect, Effect::UniqueField | Effect::Reconcile | Effect::AtMostOnce);
        let dead = match row.state {
            State::Dead { reason } => Some(reason),
            _ => None,
        };
        let honest = matches!(dead, Some(Reason::InDoubt | Reason::Ambiguous));
        if self.twice {
            Some("I7: two requests under one claim")
        } else if self.stolen {
            Some("R1: it was sent while the other's claim stood")
        } else if once && self.effects > 1 {
            Some("I2: it took effect twice")
        } else if row.state == State::Succeeded && self.effects == 0 {
            Some("I3: it is said to have succeeded and did nothing")
        } else if dead.is_some() && !honest && self.effects > 0 {
            Some("I3: it is said to be dead and took effect")
        } else if dead.is_some() && !self.blamed && case.effect != Effect::AtMostOnce {
            Some("R7: it is dead and nobody refused it")
        } else if self.overtaken && before.overtaken && self.late.len() < before.late.len() {
            Some("I4: it took effect after the contact's next update of the record")
        } else if row.fence < before.row.fence || row.version < before.row.version {
            Some("I7: the number of a claim went back")
        } else if before.row.state == State::Succeeded && row.state != State::Succeeded {
            Some("I7: a success was taken back")
        } else {
            None
        }
    }

    /// What distinguishes this state from others, times counted from now.
    fn fingerprint(&self, case: &Case) -> u64 {
        // What is long past is past, however long.
        let from_now = |t: Timestamp, least: i64| (t.as_millis() - self.now).max(least);
        let row = &self.row;
        let state = match &row.state {
            State::Pending { next_at } => (0, from_now(*next_at, -10_000), None),
            State::Sending { lease_until, .. } => (1, from_now(*lease_until, -640_000), None),
            State::InDoubt { settle_at } => (2, from_now(*settle_at, -10_000), None),
            State::Verifying { settle_at, reason } => (3, from_now(*settle_at, -10_000), Some(*reason)),
            State::Succeeded => (4, 0, None),
            State::Dead { reason } => (5, 0, Some(*reason)),
        };
        let worker = |worker: &Worker| match worker {
            Worker::Idle => (0, 0, 0, false, None),
            Worker::Claimed(fence, began, doubt) => {
                (1, *fence, (began - self.now).max(-30_000), *doubt, None)
            }
            Worker::Knows(fence, what) => (2, *fence, 0, false, Some(*what)),
        };
        let mut late: Vec<i64> = self.late.iter().map(|until| until - self.now).collect();
        late.sort_unstable();
        let one = |first: usize, second: usize| {
            let mut hasher = DefaultHasher::new();
            state.hash(&mut hasher);
            (row.fence, row.lapses, row.doubt.map(|t| from_now(t, -10_000))).hash(&mut hasher);
            (row.record_id.is_some(), row.also.len(), row.generation).hash(&mut hasher);
            (worker(&self.workers[first]), worker(&self.workers[second])).hash(&mut hasher);
            (&late, self.effects.min(2), self.overtaken, self.blamed, self.sent).hash(&mut hasher);
            (self.claims, self.sends, self.crashes, self.hands).hash(&mut hasher);
            hasher.finish()
        };
        // With equal clocks it does not matter which worker is which.
        if case.skew == 0 { one(0, 1).min(one(1, 0)) } else { one(0, 1) }
    }
}

/// Without its story, which decides nothing.
fn forget(mut outcome: Outcome) -> Outcome {
    outcome.history.clear();
    outcome.fault = None;
    outcome
}
