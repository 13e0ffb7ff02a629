//! The way of a read: a question in, what Salesforce knows out, and what it knew a while ago where
//! that is as good, or better than nothing.
//!
//! The order of tries is process memory, the cache table, Salesforce (`Reads::find` reads from top to
//! bottom). Without a cache table it is Salesforce alone, as upstream.
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
//! * A copy of a record that a person made the cache forget is given no more, not even in place of an
//!   error. Where the table is silent, nobody can tell.
//! * Equal questions are asked once at a time, in the process and, by a lease, in the fleet.
//! * An old answer stands in for none, within its limit, and says so.
//! * A Salesforce that is gone is left alone wherever an old answer stands in; one whose calls of the
//!   day are all but used is left alone by every read. What one process finds out, all know.
//! * Times are compared here, never left to a table's expiry. A broken table never breaks a read, and
//!   a slow one delays it once.
//! * Names under which answers are kept are keyed hashes: no number and no name of a person.

mod entry;
mod flight;
mod health;
mod key;
mod own;
mod patient;
mod shared;
#[cfg(test)]
#[cfg(feature = "local")]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::time::timeout;

pub use entry::SETTLE;

use crate::budget::health::Trouble;
use crate::clock::{Clock, Deadline};
use crate::event::{CacheControl, Contact, Found, Read, Shape};
use crate::fault::{Class, Fault, Throttle};
use crate::outcome::rows::same_id;
use crate::salesforce::{Called, Client, Spent};
use crate::store::Table;
use crate::time::Timestamp;
use entry::{Entry, Verdict, Wanted};
use flight::Flights;
use health::Seen;
use key::Name;
use own::Own;
use patient::Patient;
use shared::{Shared, Silent, Standing};

/// The most records that a reply can be made of: thirty-two kilobytes hold fewer.
const MOST: usize = 2000;

/// For how long a question that Salesforce refused is not asked again: Amazon Connect asks up to
/// three times when a call raises an error.
const REFUSED: Duration = Duration::from_secs(10);

/// For how long process memory answers: short, because it does not see the stamps of others.
const MEMORY: Duration = Duration::from_millis(1500);

/// How many answers process memory holds.
const MEMORY_ANSWERS: usize = 500;

/// How many bytes they take at most, roughly: Lambda's memory is small, and a few lists of thousands of
/// records would fill it.
const MEMORY_BYTES: u64 = 16 * 1024 * 1024;

/// How long Salesforce is waited for where an old answer can stand in.
const WITH_FALLBACK: Duration = Duration::from_millis(800);

/// How long after its deadline a call may still tell the fleet what came of it.
const GRACE: Duration = Duration::from_millis(150);

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
    /// Fields that are never stored: answers with one of them are not kept in the table.
    pub sensitive: Vec<String>,
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

/// What is kept beyond the process, if anything.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The cache; without it nothing is kept but refusals.
    pub cache: Option<Arc<dyn Table>>,
    /// What contacts wrote, and how Salesforce does.
    pub state: Option<Arc<dyn Table>>,
}

/// Answers questions. One per process; cheap to clone, clones are the same.
#[derive(Clone, Debug)]
pub struct Reads(Arc<Inner>);

struct Inner {
    client: Client,
    settings: Settings,
    shared: Option<Shared>,
    state: Option<Arc<Patient>>,
    memory: Cache<Name, Kept, Weight>,
    refused: Cache<Name, (Timestamp, Fault)>,
    flights: Flights,
    health: Seen,
    /// Keys names where the fleet's secret cannot be had.
    own_secret: key::Secret,
    now: Clock,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// An answer in memory, and when it came there.
#[derive(Clone, Debug)]
struct Kept {
    at: Timestamp,
    entry: Arc<Entry>,
}

/// Weighs an answer so that neither its number nor its bytes pass what memory may hold.
#[derive(Clone, Copy, Debug)]
struct Weight;

impl Weighter<Name, Kept> for Weight {
    fn weight(&self, _: &Name, kept: &Kept) -> u64 {
        kept.entry.weight().max(MEMORY_BYTES / MEMORY_ANSWERS as u64)
    }
}

impl Reads {
    /// Over this client, with what these tables keep.
    #[must_use]
    pub fn new(client: Client, settings: Settings, tables: Tables, now: Clock) -> Self {
        let state = tables.state.map(|table| Arc::new(Patient::new(table)));
        Self(Arc::new(Inner {
            health: Seen::new(state.clone(), client.settings().organisation()),
            client,
            settings,
            shared: tables.cache.map(Shared::new),
            state,
            memory: Cache::with_weighter(MEMORY_ANSWERS, MEMORY_BYTES, Weight),
            refused: Cache::new(MEMORY_ANSWERS),
            flights: Flights::default(),
            own_secret: shared::random().unwrap_or([0; 64]),
            now,
        }))
    }

    /// Whether answers are kept beyond one process.
    #[must_use]
    pub fn caches(&self) -> bool {
        self.0.shared.is_some()
    }

    /// How many answers this process holds in memory, and how many it may.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        (self.0.memory.len(), MEMORY_ANSWERS)
    }

    /// Whether Salesforce failed so lately that old answers are given without asking.
    #[must_use]
    pub fn doubts_salesforce(&self) -> bool {
        self.0.health.is_in_trouble(self.now())
    }

    /// Answers one question. Whatever is slow, the tables too, the call ends at its deadline.
    pub async fn answer(&self, read: &Read, call: &Call<'_>) -> Answer {
        let found = timeout(call.deadline.remaining() + GRACE, self.find(read, call));
        found.await.unwrap_or_else(|_| {
            self.0.health.note_late(self.now());
            // The call that is under way may be counted.
            Answer { spent: Spent { calls: 1, ..Spent::default() }, ..free(Err(late()), Source::Salesforce) }
        })
    }

    async fn find(&self, read: &Read, call: &Call<'_>) -> Answer {
        let now = self.now();
        if matches!(read, Read::Nobody { .. }) {
            return free(Ok(Found::default()), Source::Nobody);
        }
        let Some(shared) = &self.0.shared else {
            return match call.cache {
                Some(CacheControl::OnlyIfCached) => free(Err(no_cache()), Source::Salesforce),
                _ => self.ask(read, &self.name(read, None), call.deadline).await,
            };
        };
        if call.cache == Some(CacheControl::NoStore) {
            self.0.health.look(now).await;
            return match self.0.health.may_ask(now).await {
                Err(Trouble::Spent) => free(Err(spent()), Source::Salesforce),
                Err(Trouble::Gone) | Ok(()) => self.ask(read, &self.name(read, None), call.deadline).await,
            };
        }

        // What is known. The fleet's secret keys the name; without it the table is of no use.
        let secret = shared.secret(now).await;
        let name = self.name(read, secret);
        let (own, kept, ()) = futures::join!(
            own::writes(call.contact, self.0.state.as_deref(), shared, now),
            self.kept(&name, secret.and(Some(shared)), now),
            self.0.health.look(now),
        );

        // Whether it will do.
        let wanted = self.wanted(read, call.cache, own, now);
        let fallback = match kept.map(|kept| (kept.verdict(&wanted), kept)) {
            Some((Verdict::Fresh, kept)) => return free(Ok(kept.entry.found.clone()), kept.source),
            Some((Verdict::Stale, kept)) => Some(kept.entry),
            Some((Verdict::Refused, _)) | None => None,
        };
        if call.cache == Some(CacheControl::OnlyIfCached) {
            return or_stale(free(Err(not_cached()), Source::Salesforce), fallback);
        }
        match self.0.health.may_ask(now).await {
            Err(Trouble::Spent) => return or_stale(free(Err(spent()), Source::Salesforce), fallback),
            Err(Trouble::Gone) if fallback.is_some() => {
                return or_stale(free(Err(late()), Source::Salesforce), fallback);
            }
            // Where nothing can stand in, there is nothing to lose.
            Err(Trouble::Gone) | Ok(()) => {}
        }

        // Salesforce.
        let patience = match fallback {
            Some(_) => call.deadline.at_most(call.soft.min(WITH_FALLBACK)),
            None => call.deadline,
        };
        let answer = self.fly(read, &name, wanted, patience, call.deadline).await;
        match &answer.result {
            Err(fault) if fault.class != Class::Rejected => or_stale(answer, fallback),
            Ok(_) | Err(_) => answer,
        }
    }

    /// Marks what a write changed of which no outcome tells: to this contact all older answers are
    /// refused, to others those that hold the record count as old.
    pub async fn wrote(&self, contact: Option<&Contact>, record: Option<&str>) {
        let Some(shared) = &self.0.shared else { return };
        let now = self.now();
        let of: Vec<String> =
            contact.map(own::stamp_of).into_iter().chain(record.map(str::to_owned)).collect();
        futures::future::join_all(of.iter().map(|of| shared.stamp(of, now))).await;
    }

    /// Refuses every copy of a record that was asked for before now, also where it would only stand in:
    /// to this process at once, to others when their moment of memory is over. Whether that stands; not
    /// where the table does not take it, or there is none.
    pub async fn forget(&self, record: &str) -> bool {
        let Some(shared) = &self.0.shared else { return false };
        let id = same_id(record);
        let holds = |kept: &Kept| kept.entry.record_ids().into_iter().any(|held| same_id(held) == id);
        let stands = shared.forget(record, self.now()).await;
        self.0.memory.retain(|_, kept| !holds(kept));
        stands
    }

    fn now(&self) -> Timestamp {
        (self.0.now)()
    }

    fn name(&self, read: &Read, secret: Option<key::Secret>) -> Name {
        Name::of(read, self.0.client.settings(), &secret.unwrap_or(self.0.own_secret))
    }

    /// What is kept: in memory for a moment, else in the table, and where the table has nothing to say
    /// again in memory, for what that may be worth. There, what is never stored is not left lying: it
    /// serves its moment and no more.
    async fn kept(&self, name: &Name, shared: Option<&Shared>, now: Timestamp) -> Option<Candidate> {
        if let Some(entry) = self.remembered(name, now) {
            return Some(Candidate { entry, source: Source::Memory, standing: Standing::Sure });
        }
        let looked = match shared {
            Some(shared) => shared.look(name, now).await.unwrap_or_else(|Silent| None),
            None => None,
        };
        if let Some((entry, standing)) = looked {
            let entry = Arc::new(entry);
            if standing == Standing::Sure {
                self.remember(name, Kept { at: now, entry: Arc::clone(&entry) });
            }
            return Some(Candidate { entry, source: Source::Table, standing });
        }
        let Kept { entry, .. } = self.0.memory.get(name)?;
        if entry.holds_any(&self.0.settings.sensitive) {
            self.0.memory.remove(name);
            return None;
        }
        let standing = match shared {
            Some(shared) => shared.in_doubt(&entry, now).await,
            None => Standing::Doubtful,
        };
        Some(Candidate { entry, source: Source::Memory, standing })
    }

    /// What memory holds since a moment ago.
    fn remembered(&self, name: &Name, now: Timestamp) -> Option<Arc<Entry>> {
        self.0.memory.get(name).filter(|kept| now.since(kept.at) <= MEMORY).map(|kept| kept.entry)
    }

    /// Keeps an answer in memory, unless a newer one is there.
    fn remember(&self, name: &Name, kept: Kept) {
        let newer = |there: Kept| there.entry.asked_at > kept.entry.asked_at;
        if !self.0.memory.get(name).is_some_and(newer) {
            self.0.memory.insert(name.clone(), kept);
        }
    }

    fn wanted(&self, read: &Read, cache: Option<CacheControl>, own: Own, now: Timestamp) -> Wanted {
        let Settings { fresh, ref objects, stale, negative, .. } = self.0.settings;
        let of_object = || objects.get(&key::object_of(read)?).copied();
        let fresh = if objects.is_empty() { fresh } else { of_object().unwrap_or(fresh) };
        let (fresh, stale) = match cache {
            Some(CacheControl::MaxAge(age)) => (age.min(stale), age.min(stale)),
            _ => (fresh, stale),
        };
        let Own { written, writing, unknown } = own;
        Wanted { now, fresh, negative, stale, written, writing, unknown }
    }

    /// Asks Salesforce, unless it refused this very question a moment ago. The shape of the reply
    /// decides how many pages are worth fetching, and how many records are worth keeping.
    async fn ask(&self, read: &Read, name: &Name, deadline: Deadline) -> Answer {
        let Inner { client, refused, .. } = &*self.0;
        let now = self.now();
        if let Some((_, fault)) = refused.get(name).filter(|(at, _)| now.since(*at) < REFUSED) {
            return free(Err(fault), Source::Memory);
        }
        let most = if shape(read).shows_all() { MOST } else { 1 };
        let Called { mut result, spent } = match read {
            Read::Nobody { .. } => return free(Ok(Found::default()), Source::Nobody),
            Read::Query { soql, .. } => client.query(soql, most, deadline).await,
            Read::Search { sosl, .. } => client.search(sosl, deadline).await,
            Read::ParameterizedSearch { body, .. } => client.parameterized_search(body, deadline).await,
        };
        if let Ok(found) = &mut result {
            found.total = found.total.max(found.records.len() as u64);
            found.records.truncate(most);
        }
        if let Err(fault) = &result
            && fault.class == Class::Rejected
        {
            refused.insert(name.clone(), (now, fault.clone()));
        }
        self.0.health.note(&result, spent.usage, self.now()).await;
        Answer { result, spent, source: Source::Salesforce }
    }
}

/// An answer that was kept.
struct Candidate {
    entry: Arc<Entry>,
    source: Source,
    standing: Standing,
}

impl Candidate {
    fn verdict(&self, wanted: &Wanted) -> Verdict {
        let most = match self.standing {
            Standing::Sure => Verdict::Fresh,
            Standing::Doubtful => Verdict::Stale,
            Standing::Forgotten => Verdict::Refused,
        };
        wanted.judge(&self.entry).min(most)
    }
}

/// The old answer, if there is one, in place of a fault.
fn or_stale(answer: Answer, fallback: Option<Arc<Entry>>) -> Answer {
    match fallback {
        Some(entry) => Answer { result: Ok(entry.found.clone()), source: Source::Stale, ..answer },
        None => answer,
    }
}

/// An answer that cost no call.
fn free(result: Result<Found, Fault>, source: Source) -> Answer {
    Answer { result, spent: Spent::default(), source }
}

fn no_cache() -> Fault {
    let text = "the call allows only what is cached (tl_cache: only-if-cached), and there is no cache: set \
                TIELINE_CACHE_TABLE, or take the parameter out";
    Fault::new(Class::Retryable, "NOT_CACHED", text)
}

fn not_cached() -> Fault {
    let text = "the call allows only what is cached (tl_cache: only-if-cached), and no answer is: take the parameter \
                out, or branch on this error";
    Fault::new(Class::Retryable, "NOT_CACHED", text)
}

fn spent() -> Fault {
    let text = "the organisation has used 98 % of the API calls of its last 24 hours, no answer is cached, and what is \
                left is not spent on reads; the limit is in Salesforce under Setup, Company Information";
    Fault::new(Class::Throttled(Throttle::Daily), "REQUEST_LIMIT_NEAR", text)
}

fn late() -> Fault {
    let text = "Salesforce gave no answer in the time that this call has (tl_deadline_ms, else TIELINE_DEADLINE_MS), \
                and no earlier answer is cached; see status.salesforce.com, and `tieline doctor`";
    Fault::new(Class::Retryable, "TIMEOUT", text)
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
