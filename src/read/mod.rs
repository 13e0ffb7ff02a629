//! The way of a read: a question in, what Salesforce knows out, and what it knew a while ago where
//! that is as good, or better than nothing.
//!
//! The order of tries is process memory, the cache table, Salesforce ([`Reads::answer`] reads from
//! top to bottom). Without a cache table it is Salesforce alone, as upstream.
//!
//! What it never does: build or escape a query (those come complete from [`crate::event`]), or write
//! to Salesforce. Who calls it: [`crate::lambda`], within a deadline.
//!
//! Its laws:
//! * After a contact saw a write of its own succeed, it is never given what was asked before that.
//!   The contact's outcomes are asked at every read, also before process memory.
//! * A record that was changed by our hand carries a stamp, and copies of it that were asked for
//!   before count as old. An answer is dated by when it was *asked* for, and must be later than the
//!   stamp by [`SETTLE`]: so neither a copy that was put late nor one that was asked for during the
//!   change passes for new.
//! * Equal questions are asked once at a time, in the process and, by a lease, in the fleet.
//! * An old answer stands in for none, within its limit, and says so.
//! * Times are compared here, never left to a table's expiry. A broken cache never breaks a read.
//! * Names under which answers are kept are keyed hashes: no number and no name of a person.

mod entry;
mod flight;
mod key;
mod own;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::sleep;
use tokio::time::timeout;

pub use entry::SETTLE;

use crate::clock;
use crate::clock::Deadline;
use crate::event::CacheControl;
use crate::event::Contact;
use crate::event::Found;
use crate::event::Read;
use crate::event::Shape;
use crate::fault::Class;
use crate::fault::Fault;
use crate::salesforce::Called;
use crate::salesforce::Client;
use crate::salesforce::Spent;
use crate::store::Table;
use crate::time::Timestamp;
use entry::Entry;
use entry::Verdict;
use entry::Wanted;
use flight::Flights;
use flight::Landed;
use flight::Seat;
use key::Name;
use own::Own;
use shared::Lease;
use shared::Shared;

/// The most records that a reply can be made of: thirty-two kilobytes hold fewer.
const MOST: usize = 2000;

/// For how long a question that Salesforce refused is not asked again: Amazon Connect asks up to
/// three times when a call raises an error.
const REFUSED: Duration = Duration::from_secs(10);

/// For how long process memory answers: short, because it does not see the stamps of others.
const MEMORY: Duration = Duration::from_millis(1500);

/// How many answers process memory holds, and how many bytes they are at most, roughly.
const MEMORY_ANSWERS: usize = 500;

/// How long Salesforce may take where an old answer can stand in.
const WITH_FALLBACK: Duration = Duration::from_millis(800);

/// When those look again who wait for another process's answer.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(300),
    Duration::from_millis(350),
];

/// For how long what may stand in for an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// A cached answer as good as new.
    pub fresh: Duration,
    /// The same for single objects, by their names in lower case.
    pub objects: BTreeMap<String, Duration>,
    /// A cached answer that stands in while Salesforce gives none.
    pub stale: Duration,
    /// That nobody matched.
    pub negative: Duration,
}

/// What a call says beside its question.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c> {
    /// The contact that asks.
    pub contact: Option<&'c Contact>,
    /// `tl_cache`.
    pub cache: Option<CacheControl>,
    /// By when an old answer is given, if there is one.
    pub soft: Duration,
    /// By when the call ends.
    pub deadline: Deadline,
}

/// What came of a question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The records, or why there are none.
    pub result: Result<Found, Fault>,
    /// What it cost.
    pub spent: Spent,
    /// Where it comes from.
    pub source: Source,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody was asked: it is known to match nobody.
    Nobody,
    /// Salesforce, now.
    Salesforce,
    /// The process's memory, or a call that asked the same at the same time.
    Memory,
    /// The cache table.
    Table,
    /// Either, older than it should be.
    Stale,
}

impl Source {
    /// The word of `tl_cache`.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Nobody => None,
            Self::Salesforce => Some("miss"),
            Self::Memory | Self::Table => Some("hit"),
            Self::Stale => Some("stale"),
        }
    }
}

/// Answers questions. One per process.
#[derive(Debug)]
pub struct Reads {
    client: Client,
    settings: Settings,
    /// The cache table; without it nothing is kept but refusals.
    shared: Option<Shared>,
    /// The state table, which knows the contact's writes.
    state: Option<Arc<dyn Table>>,
    memory: Cache<Name, Arc<Kept>>,
    refused: Cache<Name, (Timestamp, Fault)>,
    flights: Flights,
    trouble: Mutex<Trouble>,
    /// Keys names where the fleet's secret cannot be had.
    own_secret: key::Secret,
    now: fn() -> Timestamp,
}

#[derive(Debug)]
struct Kept {
    at: Timestamp,
    entry: Arc<Entry>,
}

/// How Salesforce did lately.
#[derive(Clone, Copy, Debug, Default)]
struct Trouble {
    failures: u32,
    last: Timestamp,
}

impl Trouble {
    /// Whether asking is likely in vain: two failures in a row, and the last one a moment ago; the
    /// moment grows from one second to thirty.
    fn is_likely(self, now: Timestamp) -> bool {
        let wait =
            Duration::from_secs(1 << self.failures.saturating_sub(2).min(5)).min(Duration::from_secs(30));
        self.failures >= 2 && now < self.last.plus(wait)
    }
}

impl Reads {
    /// Over this client, without a cache.
    #[must_use]
    pub fn new(client: Client, settings: Settings) -> Self {
        Self {
            client,
            settings,
            shared: None,
            state: None,
            memory: Cache::new(MEMORY_ANSWERS),
            refused: Cache::new(MEMORY_ANSWERS),
            flights: Flights::default(),
            trouble: Mutex::default(),
            own_secret: shared::random().unwrap_or([0; 64]),
            now: clock::now,
        }
    }

    /// With a cache in this table, if there is one, and a state table that knows what contacts wrote.
    #[must_use]
    pub fn with(self, cache: Option<Arc<dyn Table>>, state: Option<Arc<dyn Table>>) -> Self {
        Self { shared: cache.map(Shared::new), state, ..self }
    }

    /// Whether answers are kept.
    #[must_use]
    pub const fn caches(&self) -> bool {
        self.shared.is_some()
    }

    /// How many answers this process holds in memory, and how many it may.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        (self.memory.len(), MEMORY_ANSWERS)
    }

    /// Whether Salesforce failed so lately that old answers are given without asking.
    #[must_use]
    pub fn doubts_salesforce(&self) -> bool {
        self.trouble().is_likely((self.now)())
    }

    /// Answers one question.
    pub async fn answer(&self, read: &Read, call: &Call<'_>) -> Answer {
        let now = (self.now)();
        if matches!(read, Read::Nobody { .. }) {
            return free(Ok(Found::default()), Source::Nobody);
        }
        let Some(shared) = self.shared.as_ref().filter(|_| call.cache != Some(CacheControl::NoStore)) else {
            let name = Name::of(read, self.client.settings(), &self.own_secret);
            return self.ask(read, &name, call.deadline).await;
        };

        // The fleet's secret keys the name; without it the table is of no use to this call.
        let secret = shared.secret(now).await;
        let shared = secret.map(|_| shared);
        let name = Name::of(read, self.client.settings(), &secret.unwrap_or(self.own_secret));
        let (own, kept) = futures::join!(self.own(call.contact, now), self.kept(&name, shared, now));
        let wanted = self.wanted(read, call.cache, own, now);
        let kept = kept.map(|(entry, source, changed)| {
            let verdict = wanted.judge(&entry);
            (entry, source, if changed { verdict.min(Verdict::Stale) } else { verdict })
        });
        let fallback = match kept {
            Some((entry, source, Verdict::Fresh)) => return free(Ok(entry.found.clone()), source),
            Some((entry, _, Verdict::Stale)) => Some(entry),
            _ => None,
        };
        if call.cache == Some(CacheControl::OnlyIfCached) {
            return or_stale(Err(not_cached()), Spent::default(), fallback.as_ref());
        }
        if fallback.is_some() && self.trouble().is_likely(now) {
            return or_stale(Err(unreachable()), Spent::default(), fallback.as_ref());
        }
        let patient = fallback.is_none();
        let limit = if patient { call.deadline.remaining() } else { call.soft.min(WITH_FALLBACK) };
        let limit = limit.min(call.deadline.remaining());
        let flying = self.fly(read, &name, shared, &wanted, patient, Deadline::after(limit));
        match timeout(limit, flying).await {
            Ok(Answer { result: Err(fault), spent, .. }) if fault.class != Class::Rejected => {
                or_stale(Err(fault), spent, fallback.as_ref())
            }
            Ok(answer) => answer,
            // The call that was cut off may have been counted.
            Err(_) => or_stale(Err(late()), Spent { calls: 1, ..Spent::default() }, fallback.as_ref()),
        }
    }

    /// Marks what a synchronous write changed, so that older answers are refused: to this contact
    /// all, to others those that hold the record.
    pub async fn wrote(&self, contact: Option<&Contact>, record: Option<&str>) {
        let Some(shared) = &self.shared else { return };
        let now = (self.now)();
        let of: Vec<String> =
            contact.map(own::stamp_of).into_iter().chain(record.map(str::to_owned)).collect();
        futures::future::join_all(of.iter().map(|of| shared::stamp(&*shared.table, of, now))).await;
    }

    async fn own(&self, contact: Option<&Contact>, now: Timestamp) -> Own {
        match &self.shared {
            Some(shared) => own::writes(contact, self.state.as_deref(), &*shared.table, now).await,
            None => Own::default(),
        }
    }

    /// What is kept: in memory for a moment, else in the table. The last part says that a record in
    /// it has changed since.
    async fn kept(
        &self,
        name: &Name,
        shared: Option<&Shared>,
        now: Timestamp,
    ) -> Option<(Arc<Entry>, Source, bool)> {
        if let Some(kept) = self.memory.get(name).filter(|kept| now.since(kept.at) <= MEMORY) {
            return Some((Arc::clone(&kept.entry), Source::Memory, false));
        }
        let (entry, changed) = shared?.look(name, now).await?;
        let entry = Arc::new(entry);
        if !changed {
            self.memory.insert(name.clone(), Arc::new(Kept { at: now, entry: Arc::clone(&entry) }));
        }
        Some((entry, Source::Table, changed))
    }

    fn wanted(&self, read: &Read, cache: Option<CacheControl>, own: Own, now: Timestamp) -> Wanted {
        let Settings { fresh, ref objects, stale, negative } = self.settings;
        let of_object = || objects.get(&key::object_of(read)?).copied();
        let fresh = if objects.is_empty() { fresh } else { of_object().unwrap_or(fresh) };
        let (fresh, stale) = match cache {
            Some(CacheControl::MaxAge(age)) => (age.min(stale), age.min(stale)),
            _ => (fresh, stale),
        };
        let Own { written, writing, unknown } = own;
        Wanted { now, fresh, negative, stale, written, writing, unknown }
    }

    /// Asks, or waits for who is asking the same: in this process, or in the fleet.
    async fn fly(
        &self,
        read: &Read,
        name: &Name,
        shared: Option<&Shared>,
        wanted: &Wanted,
        patient: bool,
        deadline: Deadline,
    ) -> Answer {
        loop {
            let flight = match self.flights.board(name) {
                Seat::Pilot(flight) => flight,
                Seat::Passenger(mut landing) => {
                    let landed = timeout(deadline.remaining(), landing.wait_for(Option::is_some)).await;
                    match landed.map(|seen| seen.map(|landed| landed.clone())) {
                        Ok(Ok(Some(Landed { result: Ok(entry), .. })))
                            if (Wanted { now: (self.now)(), ..*wanted }).judge(&entry) == Verdict::Fresh =>
                        {
                            return free(Ok(entry.found.clone()), Source::Memory);
                        }
                        // Asked before this contact's own write: for this call it is no answer.
                        Ok(Ok(Some(Landed { result: Ok(_), .. }))) => {
                            return self.ask(read, name, deadline).await;
                        }
                        Ok(Ok(Some(Landed { result: Err(fault), patient: long_enough })))
                            if long_enough || !patient || fault.class == Class::Rejected =>
                        {
                            return free(Err(fault), Source::Salesforce);
                        }
                        // Who asked was cut off, or gave up early for having something to fall
                        // back on: somebody else must ask.
                        Ok(_) => continue,
                        Err(_) => return free(Err(late()), Source::Salesforce),
                    }
                }
            };
            let lease = match shared {
                Some(shared) => shared.lease(name, (self.now)()).await,
                None => Lease::Unknown,
            };
            if let (Lease::Theirs, Some(shared)) = (lease, shared)
                && let Some(entry) = self.wait_for_fleet(name, shared, wanted, deadline).await
            {
                flight.land(Landed { result: Ok(Arc::clone(&entry)), patient });
                return free(Ok(entry.found.clone()), Source::Table);
            }
            let asked_at = (self.now)();
            let answer = self.ask(read, name, deadline).await;
            let landed = match &answer.result {
                Ok(found) => Ok(Arc::new(Entry { asked_at, found: found.clone() })),
                Err(fault) => Err(fault.clone()),
            };
            let now = (self.now)();
            if let Ok(entry) = &landed {
                self.memory.insert(name.clone(), Arc::new(Kept { at: now, entry: Arc::clone(entry) }));
                if let Some(shared) = shared {
                    shared.keep(name, entry, self.settings.stale, now).await;
                }
            }
            if let (Some(shared), Lease::Ours) = (shared, lease) {
                shared.release(name, now).await;
            }
            flight.land(Landed { result: landed, patient });
            return answer;
        }
    }

    /// Another process is asking: its answer, if it comes soon.
    async fn wait_for_fleet(
        &self,
        name: &Name,
        shared: &Shared,
        wanted: &Wanted,
        deadline: Deadline,
    ) -> Option<Arc<Entry>> {
        for pause in LOOKS {
            if deadline.remaining() <= pause {
                return None;
            }
            sleep(pause).await;
            let now = (self.now)();
            if let Some((entry, false)) = shared.look(name, now).await
                && (Wanted { now, ..*wanted }).judge(&entry) == Verdict::Fresh
            {
                return Some(Arc::new(entry));
            }
        }
        None
    }

    /// Asks Salesforce, unless it refused this very question a moment ago. The shape of the reply
    /// decides how many pages are worth fetching.
    async fn ask(&self, read: &Read, name: &Name, deadline: Deadline) -> Answer {
        let now = (self.now)();
        if let Some((_, fault)) = self.refused.get(name).filter(|(at, _)| now.since(*at) < REFUSED) {
            return free(Err(fault), Source::Memory);
        }
        let Called { result, spent } = match read {
            Read::Nobody { .. } => return free(Ok(Found::default()), Source::Nobody),
            Read::Query { soql, shape } => {
                self.client.query(soql, if shape.shows_all() { MOST } else { 1 }, deadline).await
            }
            Read::Search { sosl, .. } => self.client.search(sosl, deadline).await,
            Read::ParameterizedSearch { body, .. } => self.client.parameterized_search(body, deadline).await,
        };
        if let Err(fault) = &result
            && fault.class == Class::Rejected
        {
            self.refused.insert(name.clone(), (now, fault.clone()));
        }
        self.note(&result);
        Answer { result, spent, source: Source::Salesforce }
    }

    fn trouble(&self) -> Trouble {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A refusal is an answer too: only silence and overload are trouble.
    fn note(&self, result: &Result<Found, Fault>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = match result {
            Err(fault) if fault.class != Class::Rejected => {
                Trouble { failures: trouble.failures.saturating_add(1), last: (self.now)() }
            }
            _ => Trouble::default(),
        };
    }
}

/// The old answer, if there is one, in place of a fault.
fn or_stale(result: Result<Found, Fault>, spent: Spent, fallback: Option<&Arc<Entry>>) -> Answer {
    match fallback {
        Some(entry) => Answer { result: Ok(entry.found.clone()), spent, source: Source::Stale },
        None => Answer { result, spent, source: Source::Salesforce },
    }
}

/// An answer that cost no call.
fn free(result: Result<Found, Fault>, source: Source) -> Answer {
    Answer { result, spent: Spent::default(), source }
}

fn not_cached() -> Fault {
    let text = "the call allows only what is cached (tl_cache: only-if-cached), and no answer is";
    Fault::new(Class::Retryable, "NOT_CACHED", text)
}

fn unreachable() -> Fault {
    Fault::new(Class::Retryable, "UNREACHABLE", "Salesforce gave no answer to the last calls")
}

fn late() -> Fault {
    Fault::new(Class::Retryable, "TIMEOUT", "the call that asked the same got no answer in time")
}

/// The form in which a read is answered.
#[must_use]
pub fn shape(read: &Read) -> Shape {
    match read {
        Read::Nobody { shape }
        | Read::Query { shape, .. }
        | Read::Search { shape, .. }
        | Read::ParameterizedSearch { shape, .. } => *shape,
    }
}
