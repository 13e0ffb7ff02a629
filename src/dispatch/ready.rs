//! Writes at the head of their contact, waiting for a call; and how a call is filled from them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::job::{Collection, Job, Key, Lane, Settings, Shape};
use super::{ANY, Held};
use crate::outcome::Effect;
use crate::time::Timestamp;

/// Salesforce's limits: collections in a `/composite`, records in a collection, types in one, posts
/// in a batch.
const COLLECTIONS: usize = 5;
const RECORDS: usize = 200;
const TYPES: usize = 10;
const POSTS: usize = 500;

/// By how much a write for which somebody waits goes before its time.
const HEAD_START: Duration = Duration::from_secs(2);

/// Those who wait, the longest first.
type Bucket = BTreeSet<(Timestamp, Key)>;

/// The line, in the order of waiting within each lane and object.
#[derive(Debug, Default)]
pub(super) struct Ready {
    buckets: BTreeMap<(Lane, Arc<str>), Bucket>,
    /// Those whose company failed with them: they travel apart from the others.
    shy: Bucket,
    len: usize,
    urgent: usize,
    /// Records locked by calls under way, and by which.
    busy: HashMap<Arc<str>, u64>,
    widths: HashMap<Arc<str>, usize>,
}

impl Ready {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether somebody waits for one of them.
    pub(super) fn urgent(&self) -> bool {
        self.urgent > 0
    }

    /// Whether a call could be filled to its brim.
    pub(super) fn fills_a_call(&self) -> bool {
        self.len >= COLLECTIONS * RECORDS
    }

    /// Since when the one that waits longest has waited.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.buckets
            .values()
            .filter_map(BTreeSet::first)
            .chain(self.shy.first())
            .map(|(since, _)| *since)
            .min()
    }

    pub(super) fn push(&mut self, held: &mut Held, since: Timestamp) {
        held.since = since;
        let job = &held.job;
        let bucket = match held.company {
            ANY => self.buckets.entry((job.lane, job.object.clone())).or_default(),
            _ => &mut self.shy,
        };
        bucket.insert((place(job, since), job.key));
        self.len += 1;
        self.urgent += usize::from(job.flush);
    }

    pub(super) fn remove(&mut self, held: &Held) {
        let job = &held.job;
        let bucket = match held.company {
            ANY => self.buckets.get_mut(&(job.lane, job.object.clone())),
            _ => Some(&mut self.shy),
        };
        if bucket.is_some_and(|bucket| bucket.remove(&(place(job, held.since), job.key))) {
            self.len -= 1;
            self.urgent -= usize::from(job.flush);
        }
    }

    /// Unlocks what a call had locked.
    pub(super) fn unlock(&mut self, number: u64) {
        self.busy.retain(|_, by| *by != number);
    }

    /// The width of an object, as it has adapted.
    pub(super) fn width(&self, settings: &Settings, object: &Arc<str>) -> usize {
        self.widths.get(object).copied().unwrap_or_else(|| configured(settings, object))
    }

    /// After trouble half as many of an object travel together, after a clean call a few more.
    pub(super) fn adapt(&mut self, settings: &Settings, object: &Arc<str>, clean: bool) {
        let most = configured(settings, object);
        let now = self.width(settings, object);
        let then = if clean { (now + now / 4 + 10).min(most) } else { (now / 2).max(1) };
        if then == most {
            self.widths.remove(object);
        } else {
            self.widths.insert(object.clone(), then);
        }
    }

    /// Fills one call with what has waited longest, at most `most` writes. `None`: nothing can go
    /// now, because everything waits for a record that a call under way holds.
    pub(super) fn take(
        &mut self,
        jobs: &HashMap<Key, Held>,
        settings: &Settings,
        number: u64,
        most: usize,
        chatter: bool,
    ) -> Option<Shape> {
        let mut lanes: Vec<(Timestamp, Lane)> = Vec::new();
        for ((lane, _), bucket) in &self.buckets {
            let Some((front, _)) = bucket.first() else { continue };
            if lane.chatter() && !chatter {
                continue;
            }
            match lanes.iter_mut().find(|(_, l)| l == lane) {
                Some((since, _)) => *since = (*since).min(*front),
                None => lanes.push((*front, *lane)),
            }
        }
        lanes.sort_unstable();
        let shy_first = self.shy.first().is_some_and(|(shy, _)| lanes.first().is_none_or(|(t, _)| shy < t));
        let mut picker = self.picker(jobs, settings, number);
        if shy_first && let Some(shape) = picker.shy(most, chatter) {
            return Some(shape);
        }
        for (_, lane) in &lanes {
            let shape = match lane {
                Lane::Post => picker.collection(Lane::Post, most.min(POSTS)).map(Shape::Posts),
                Lane::Comment | Lane::Named => {
                    picker.collection(*lane, 1).and_then(|keys| keys.first().copied()).map(Shape::Single)
                }
                Lane::Create | Lane::Update | Lane::Upsert | Lane::Delete => picker.composite(&lanes, most),
            };
            if shape.is_some() {
                self.buckets.retain(|_, bucket| !bucket.is_empty());
                return shape;
            }
        }
        if shy_first { None } else { self.picker(jobs, settings, number).shy(most, chatter) }
    }

    fn picker<'a>(
        &'a mut self,
        jobs: &'a HashMap<Key, Held>,
        settings: &'a Settings,
        number: u64,
    ) -> Picker<'a> {
        Picker { ready: self, jobs, settings, number, records: HashSet::new(), doubtful: 0 }
    }
}

/// Where it stands in the line: by the time of its coming, a little earlier if somebody waits.
fn place(job: &Job, since: Timestamp) -> Timestamp {
    if job.flush { since.minus(HEAD_START) } else { since }
}

fn configured(settings: &Settings, object: &str) -> usize {
    // An upsert's object has its external field behind it.
    let name = object.split('/').next().unwrap_or(object);
    let own = settings.widths.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, width)| *width);
    own.unwrap_or(settings.width).clamp(1, RECORDS)
}

struct Picker<'a> {
    ready: &'a mut Ready,
    jobs: &'a HashMap<Key, Held>,
    settings: &'a Settings,
    number: u64,
    /// Records that change in this call.
    records: HashSet<Arc<str>>,
    /// Writes that a cut of this call would leave in doubt.
    doubtful: usize,
}

impl Picker<'_> {
    fn composite(&mut self, lanes: &[(Timestamp, Lane)], most: usize) -> Option<Shape> {
        let mut collections: Vec<Collection> = Vec::new();
        let mut total = 0;
        // Each lane gets a collection first, oldest first; then whoever has more gets another.
        loop {
            let before = total;
            for (_, lane) in lanes.iter().filter(|(_, l)| !l.alone() && *l != Lane::Post) {
                if collections.len() == COLLECTIONS || total >= most {
                    break;
                }
                if let Some(keys) = self.collection(*lane, (most - total).min(RECORDS)) {
                    total += keys.len();
                    collections.push(Collection { lane: *lane, keys });
                }
            }
            if total == before {
                return (total > 0).then_some(Shape::Collections(collections));
            }
        }
    }

    /// One collection of a lane, sorted by type.
    fn collection(&mut self, lane: Lane, most: usize) -> Option<Vec<Key>> {
        let mut objects: Vec<(Timestamp, Arc<str>)> = self
            .ready
            .buckets
            .range((lane, Arc::from(""))..)
            .take_while(|((l, _), _)| *l == lane)
            .filter_map(|((_, object), bucket)| Some((bucket.first()?.0, object.clone())))
            .collect();
        objects.sort_unstable();
        let mut chosen: Vec<(Arc<str>, Vec<Key>)> = Vec::new();
        let mut room = most;
        for (_, object) in objects {
            if room == 0 || chosen.len() == types(lane) {
                break;
            }
            let width = match lane {
                Lane::Post | Lane::Comment | Lane::Named => room,
                _ => self.ready.width(self.settings, &object).min(room),
            };
            let keys = self.of_object(lane, &object, width);
            room -= keys.len();
            if !keys.is_empty() {
                chosen.push((object, keys));
            }
        }
        chosen.sort_by(|(a, _), (b, _)| a.cmp(b));
        let keys: Vec<Key> = chosen.into_iter().flat_map(|(_, keys)| keys).collect();
        (!keys.is_empty()).then_some(keys)
    }

    fn of_object(&mut self, lane: Lane, object: &Arc<str>, width: usize) -> Vec<Key> {
        let Some(mut bucket) = self.ready.buckets.remove(&(lane, object.clone())) else { return Vec::new() };
        let mut keys = Vec::new();
        let mut passed = Bucket::new();
        while keys.len() < width
            && let Some((since, key)) = bucket.pop_first()
        {
            if self.admit(key) {
                keys.push(key);
            } else {
                passed.insert((since, key));
            }
        }
        bucket.append(&mut passed);
        self.ready.buckets.insert((lane, object.clone()), bucket);
        keys
    }

    /// One call of those that shall have little company, as many as the first of them bears.
    fn shy(&mut self, most: usize, chatter: bool) -> Option<Shape> {
        let waiting = std::mem::take(&mut self.ready.shy);
        let mut passed = Bucket::new();
        let mut keys: Vec<(Arc<str>, Key)> = Vec::new();
        let mut kind: Option<(Lane, usize)> = None;
        for (since, key) in waiting {
            let Some(held) = self.jobs.get(&key) else { continue };
            let job = &held.job;
            let open = chatter || !job.lane.chatter();
            let fits = kind.is_none_or(|(lane, room)| {
                let known = keys.iter().any(|(object, _)| *object == job.object);
                let mut objects: Vec<_> = keys.iter().map(|(object, _)| object).collect();
                objects.dedup();
                lane == job.lane && keys.len() < room && (known || objects.len() < types(lane))
            });
            if open && fits && self.admit(key) {
                let room = if job.lane.alone() { 1 } else { held.company.min(most).min(RECORDS) };
                kind.get_or_insert((job.lane, room));
                keys.push((job.object.clone(), key));
                keys.sort_by(|(a, _), (b, _)| a.cmp(b));
            } else {
                passed.insert((since, key));
            }
        }
        self.ready.shy = passed;
        let keys: Vec<Key> = keys.into_iter().map(|(_, key)| key).collect();
        match kind? {
            (Lane::Post, _) => Some(Shape::Posts(keys)),
            (Lane::Comment | Lane::Named, _) => keys.first().copied().map(Shape::Single),
            (lane, _) => Some(Shape::Collections(vec![Collection { lane, keys }])),
        }
    }

    /// Takes a write into the call, unless a record of it is held by another call, changes in this
    /// one already, or too much would be in doubt.
    fn admit(&mut self, key: Key) -> bool {
        let Some(Held { job, .. }) = self.jobs.get(&key) else { return false };
        let free = job.locks().all(|lock| self.ready.busy.get(lock).is_none_or(|by| *by == self.number));
        let once = job.record.as_ref().is_none_or(|record| !self.records.contains(record));
        let sure = !doubtful(job) || self.doubtful < self.settings.doubt_radius.max(1);
        if !(free && once && sure) {
            return false;
        }
        for lock in job.locks() {
            self.ready.busy.insert(lock.clone(), self.number);
        }
        self.records.extend(job.record.clone());
        self.doubtful += usize::from(doubtful(job));
        self.ready.len -= 1;
        self.ready.urgent -= usize::from(job.flush);
        true
    }
}

/// How many types a collection of this lane may hold.
const fn types(lane: Lane) -> usize {
    match lane {
        Lane::Upsert => 1,
        Lane::Create | Lane::Update | Lane::Delete | Lane::Post | Lane::Comment | Lane::Named => TYPES,
    }
}

/// Whether a cut call would leave this create to be looked up or to a person. Chatter posts travel
/// in a call of their own kind and are not counted.
fn doubtful(job: &Job) -> bool {
    job.lane == Lane::Create && matches!(job.effect, Effect::Reconcile | Effect::AtMostOnce)
}
