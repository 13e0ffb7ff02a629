//! The path of a read against a Salesforce that is told what to do, in time that stands still until
//! it is moved.

mod faults;
mod fleet;
mod laws;
mod memory;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::*;
use crate::outcome::rows::Stamp;
use crate::row::{Key, Row};
use crate::salesforce;
use crate::salesforce::wire::{Cut, Exchange, Request, Response, Usage};
use crate::salesforce::{Auth, Hidden, Vault};
use crate::store::sqlite::Sqlite;
use crate::store::troubled::Trouble;
use crate::store::{Expect, troubled};

const START: i64 = 1_800_000_000_000;

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(START) };
}

fn now() -> Timestamp {
    Timestamp::from_millis(NOW.get())
}

fn pass(time: Duration) {
    NOW.set(NOW.get() + i64::try_from(time.as_millis()).unwrap());
}

const SECOND: Duration = Duration::from_secs(1);

/// What came of it, and how long it took by the clock of the test.
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    #[expect(clippy::disallowed_methods, reason = "this clock is the test's own")]
    let begun = tokio::time::Instant::now();
    let result = work.await;
    (result, begun.elapsed())
}

/// How the org answers the next calls; the last way stays.
#[derive(Clone, Debug)]
enum Way {
    Answers,
    Refuses,
    /// The calls of the day are used.
    Spent,
    Breaks,
    Hangs,
    /// Answers after this long.
    Late(Duration),
}

/// One contact whose name tells how often it was changed.
#[derive(Debug, Default)]
struct Org {
    calls: AtomicU64,
    changes: AtomicU64,
    nobody: AtomicBool,
    passport: AtomicBool,
    /// What it says of a thousand calls; nothing where it is zero.
    used: AtomicU64,
    /// How many records it finds, beside the first.
    records: AtomicU64,
    ways: Mutex<VecDeque<Way>>,
}

impl Org {
    fn will(&self, ways: &[Way]) {
        *self.ways.lock().unwrap() = ways.iter().cloned().collect();
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn change(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

const RECORD: &str = "0035g00000AAAAAAA1";

#[async_trait]
impl Exchange for Org {
    async fn exchange(&self, _: &str, request: Request, timeout: Duration) -> Result<Response, Cut> {
        let respond = |status: u16, body: &Value| {
            let body = Bytes::from(body.to_string());
            let used = self.used.load(Ordering::SeqCst);
            let usage = (used > 0).then_some(Usage { used, limit: 1000 });
            Ok(Response { status, usage, content_type: "application/json".to_owned(), body })
        };
        if request.target.ends_with("/oauth2/token") {
            return respond(200, &json!({"access_token": "token"}));
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        let seen = self.changes.load(Ordering::SeqCst);
        let way = {
            let mut ways = self.ways.lock().unwrap();
            if ways.len() > 1 { ways.pop_front() } else { ways.front().cloned() }
        };
        match way.unwrap_or(Way::Answers) {
            Way::Answers => {}
            Way::Late(time) if time < timeout => sleep(time).await,
            Way::Late(_) | Way::Hangs => {
                sleep(timeout).await;
                return Err(Cut::After("time-out".to_owned()));
            }
            Way::Breaks => return Err(Cut::Before("refused".to_owned())),
            Way::Refuses => {
                return respond(400, &json!([{"errorCode": "INVALID_FIELD", "message": "no such column"}]));
            }
            Way::Spent => {
                let code = "REQUEST_LIMIT_EXCEEDED";
                return respond(
                    403,
                    &json!([{"errorCode": code, "message": "TotalRequests Limit exceeded."}]),
                );
            }
        }
        let of = |id: &str| {
            json!({"attributes": {"type": "Contact", "url": format!("/sobjects/Contact/{id}")},
                "Id": id, "Name": seen.to_string()})
        };
        let mut records = if self.nobody.load(Ordering::SeqCst) { json!([]) } else { json!([of(RECORD)]) };
        if self.passport.load(Ordering::SeqCst) {
            records[0]["Passport__c"] = "C01X".into();
        }
        for n in 0..self.records.load(Ordering::SeqCst) {
            records.as_array_mut().unwrap().push(of(&format!("0035g00000BBB{n:05}")));
        }
        respond(
            200,
            &json!({"totalSize": records.as_array().unwrap().len(), "done": true, "records": records}),
        )
    }
}

#[derive(Clone)]
struct Rig {
    org: Arc<Org>,
    cache: Arc<dyn Table>,
    state: Arc<dyn Table>,
    reads: Reads,
}

impl Rig {
    fn new() -> Self {
        NOW.set(START);
        let store = Sqlite::in_memory().unwrap();
        Self::over(Arc::default(), store.table("cache"), store.table("state"))
    }

    fn over(org: Arc<Org>, cache: Arc<dyn Table>, state: Arc<dyn Table>) -> Self {
        Self::skewed(org, cache, state, 0)
    }

    /// A process whose clock is wrong by so many milliseconds.
    fn skewed(org: Arc<Org>, cache: Arc<dyn Table>, state: Arc<dyn Table>, skew: i64) -> Self {
        let tables = Tables { cache: Some(Arc::clone(&cache)), state: Some(Arc::clone(&state)) };
        let reads = reads(Arc::clone(&org), tables, skew);
        Self { org, cache, state, reads }
    }

    /// Another process of the fleet.
    fn sibling(&self) -> Self {
        Self::over(Arc::clone(&self.org), Arc::clone(&self.cache), Arc::clone(&self.state))
    }

    async fn ask_with(&self, contact: Option<&Contact>, cache: Option<CacheControl>) -> Answer {
        self.ask_for(&question(), contact, cache).await
    }

    async fn ask_for(&self, read: &Read, contact: Option<&Contact>, cache: Option<CacheControl>) -> Answer {
        let deadline = Deadline::after(Duration::from_secs(6));
        let call = Call { contact, cache, soft: Duration::from_millis(2200), deadline };
        self.reads.answer(read, &call).await
    }

    async fn ask(&self) -> (Option<String>, Source) {
        let answer = self.ask_with(None, None).await;
        (name(&answer), answer.source)
    }

    /// Where the question's rows are: `E` the answer, `L` the lease.
    async fn key(&self, sort: &str) -> Key {
        let secret = self.reads.0.shared.as_ref().unwrap().secret(now()).await.unwrap();
        let name = Name::of(&question(), self.reads.0.client.settings(), &secret);
        Key { partition: format!("R#{}", name.0), sort: sort.to_owned() }
    }

    /// An empty row there.
    async fn row(&self, sort: &str) -> Row {
        Row { key: self.key(sort).await, version: 1, data: Vec::new(), index: None, expires: None }
    }

    async fn put(&self, row: Row) {
        self.cache.put(&row, Expect::Anything, now()).await.unwrap();
    }
}

fn reads(org: Arc<Org>, tables: Tables, skew: i64) -> Reads {
    let settings = salesforce::Settings {
        host: "https://org.example.com".to_owned(),
        production: Some(false),
        username: None,
        version: "v66.0".to_owned(),
    };
    let vault = Vault::Given(Hidden::new(r#"{"ConsumerKey":"key","ConsumerSecret":"secret"}"#));
    let client = Client::new(settings.clone(), Auth::new(settings, vault, None), org);
    let fresh = Duration::from_secs(60);
    let objects = BTreeMap::from([("case".to_owned(), Duration::from_secs(5))]);
    let (stale, negative) = (Duration::from_secs(86_400), Duration::from_secs(15));
    let sensitive = vec!["Contact.Passport__c".to_owned()];
    let settings = Settings { fresh, objects, stale, negative, sensitive };
    let clock = move || Timestamp::from_millis(now().as_millis() + skew);
    Reads::new(client, settings, tables, Arc::new(clock))
}

fn question() -> Read {
    Read::Query {
        soql: "SELECT Id, Name FROM Contact WHERE Phone='2065550100'".to_owned(),
        shape: Shape::First,
    }
}

fn contact() -> Contact {
    Contact { contact_id: "c".to_owned(), initial_contact_id: None, instance_arn: None }
}

/// The name of the record that was found.
fn name(answer: &Answer) -> Option<String> {
    Some(answer.result.as_ref().ok()?.records.first()?["Name"].as_str()?.to_owned())
}

fn is(name: &str, source: Source) -> (Option<String>, Source) {
    (Some(name.to_owned()), source)
}

#[tokio::test(start_paused = true)]
async fn memory_then_table_then_salesforce() {
    let rig = Rig::new();
    assert_eq!(rig.ask().await, is("0", Source::Salesforce));
    assert_eq!(rig.ask().await, is("0", Source::Memory));
    pass(2 * SECOND);
    assert_eq!(rig.ask().await, is("0", Source::Table));
    assert_eq!(rig.sibling().ask().await, is("0", Source::Table));
    assert_eq!(rig.org.calls(), 1);
    rig.org.change();
    pass(59 * SECOND);
    assert_eq!(rig.ask().await, is("1", Source::Salesforce));
}

#[tokio::test(start_paused = true)]
async fn that_nobody_matched_is_kept_briefly() {
    let rig = Rig::new();
    rig.org.nobody.store(true, Ordering::SeqCst);
    assert_eq!(rig.ask().await, (None, Source::Salesforce));
    pass(14 * SECOND);
    assert_eq!(rig.ask().await, (None, Source::Table));
    pass(2 * SECOND);
    rig.org.nobody.store(false, Ordering::SeqCst);
    assert_eq!(rig.ask().await, is("0", Source::Salesforce));
}

#[tokio::test(start_paused = true)]
async fn an_object_may_age_faster() {
    let rig = Rig::new();
    let read = Read::Query { soql: "SELECT Id FROM Case".to_owned(), shape: Shape::First };
    let source = async || {
        let deadline = Deadline::after(SECOND);
        let call = Call { contact: None, cache: None, soft: SECOND, deadline };
        rig.reads.answer(&read, &call).await.source
    };
    assert_eq!(source().await, Source::Salesforce);
    pass(4 * SECOND);
    assert_eq!(source().await, Source::Table);
    pass(2 * SECOND);
    assert_eq!(source().await, Source::Salesforce);
}

#[tokio::test(start_paused = true)]
async fn each_call_says_what_it_accepts() {
    let rig = Rig::new();
    let of = async |cache| {
        let answer = rig.ask_with(None, Some(cache)).await;
        (name(&answer), answer.source)
    };
    let refused = rig.ask_with(None, Some(CacheControl::OnlyIfCached)).await;
    assert_eq!(refused.result.unwrap_err().code, "NOT_CACHED");
    assert_eq!(of(CacheControl::NoStore).await, is("0", Source::Salesforce));
    assert_eq!(of(CacheControl::NoStore).await, is("0", Source::Salesforce), "nothing was kept");
    rig.ask().await;
    assert_eq!(rig.org.calls(), 3);
    rig.org.change();
    pass(30 * SECOND);
    assert_eq!(of(CacheControl::OnlyIfCached).await, is("0", Source::Table));
    assert_eq!(of(CacheControl::MaxAge(40 * SECOND)).await, is("0", Source::Memory));
    assert_eq!(of(CacheControl::MaxAge(20 * SECOND)).await, is("1", Source::Salesforce));
    pass(100 * SECOND);
    assert_eq!(of(CacheControl::OnlyIfCached).await, is("1", Source::Stale));
    assert_eq!(of(CacheControl::MaxAge(200 * SECOND)).await, is("1", Source::Memory));
}

#[tokio::test(start_paused = true)]
async fn a_day_old_answer_stands_in_within_a_second_and_says_so() {
    let rig = Rig::new();
    rig.ask().await;
    for way in [Way::Breaks, Way::Hangs, Way::Late(3 * SECOND)] {
        pass(3600 * SECOND);
        rig.org.will(std::slice::from_ref(&way));
        let (answer, took) = timed(rig.ask()).await;
        assert_eq!(answer, is("0", Source::Stale), "{way:?}");
        assert!(took <= SECOND, "{way:?}");
        rig.org.will(&[Way::Answers]);
    }
    pass(86_400 * SECOND);
    rig.org.will(&[Way::Breaks]);
    assert_eq!(rig.ask_with(None, None).await.result.unwrap_err().code, "UNREACHABLE");
}

#[tokio::test(start_paused = true)]
async fn without_an_old_answer_salesforce_has_all_the_time_there_is() {
    let rig = Rig::new();
    rig.org.will(&[Way::Late(5 * SECOND)]);
    assert_eq!(rig.ask().await, is("0", Source::Salesforce));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_fails_is_left_alone_for_a_moment() {
    let rig = Rig::new();
    rig.ask().await;
    pass(100 * SECOND);
    rig.org.will(&[Way::Breaks]);
    for _ in 0..10 {
        assert_eq!(rig.ask().await, is("0", Source::Stale));
    }
    // A read whose connection breaks is tried twice: two failures, and then none are tried.
    let failed = rig.org.calls() - 1;
    assert_eq!(failed, 4);
    pass(2 * SECOND);
    rig.org.will(&[Way::Answers]);
    assert_eq!(rig.ask().await, is("0", Source::Salesforce));
}

#[tokio::test(start_paused = true)]
async fn what_salesforce_refuses_is_not_asked_again_at_once() {
    let rig = Rig::new();
    rig.org.will(&[Way::Refuses]);
    for _ in 0..3 {
        assert_eq!(rig.ask_with(None, None).await.result.unwrap_err().code, "INVALID_FIELD");
    }
    assert_eq!(rig.org.calls(), 1);
    rig.org.will(&[Way::Answers]);
    pass(10 * SECOND);
    assert_eq!(rig.ask().await, is("0", Source::Salesforce));

    let bare = reads(Arc::clone(&rig.org), Tables::default(), 0);
    let only = Some(CacheControl::OnlyIfCached);
    let call = Call { contact: None, cache: only, soft: SECOND, deadline: Deadline::after(SECOND) };
    let fault = bare.answer(&question(), &call).await.result.unwrap_err();
    assert!(fault.code == "NOT_CACHED" && fault.message.contains("TIELINE_CACHE_TABLE"), "{fault}");
    rig.org.will(&[Way::Refuses]);
    let deadline = Deadline::after(SECOND);
    let call = Call { contact: None, cache: None, soft: SECOND, deadline };
    for _ in 0..3 {
        assert!(bare.answer(&question(), &call).await.result.is_err());
    }
    assert_eq!(rig.org.calls(), 3, "also without a cache");
    let cached = Call { cache: Some(CacheControl::OnlyIfCached), ..call };
    assert_eq!(bare.answer(&question(), &cached).await.result.unwrap_err().code, "NOT_CACHED");
    assert_eq!(rig.org.calls(), 3, "nothing is cached where there is no cache");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_equal_questions_are_one_call() {
    let rig = Rig::new();
    rig.org.will(&[Way::Late(SECOND)]);
    let answers = futures::future::join_all((0..100).map(|_| rig.ask())).await;
    assert!(answers.iter().all(|(name, _)| name.as_deref() == Some("0")));
    assert_eq!(rig.org.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_asks_once() {
    let rig = Rig::new();
    rig.org.will(&[Way::Late(Duration::from_millis(400))]);
    let fleet: Vec<Rig> = (0..20).map(|_| rig.sibling()).collect();
    let answers = futures::future::join_all(fleet.iter().map(Rig::ask)).await;
    assert!(answers.iter().all(|(name, _)| name.as_deref() == Some("0")));
    assert_eq!(rig.org.calls(), 1);
}

/// A table that works, or not, and how often it was asked for a row.
#[derive(Debug)]
struct Wobbly {
    inner: Arc<dyn Table>,
    mood: Mutex<Trouble>,
    gets: AtomicU64,
}

impl Wobbly {
    fn over(inner: Arc<dyn Table>) -> Arc<Self> {
        Arc::new(Self { inner, mood: Mutex::new(Trouble::None), gets: AtomicU64::new(0) })
    }

    fn is(&self, mood: Trouble) {
        *self.mood.lock().unwrap() = mood;
    }

    fn mood(&self) -> Trouble {
        *self.mood.lock().unwrap()
    }

    fn table(self: &Arc<Self>) -> Arc<dyn Table> {
        let this = Arc::clone(self);
        troubled::table(Arc::clone(&self.inner), move |call| {
            if matches!(call, troubled::Call::Get) {
                this.gets.fetch_add(1, Ordering::SeqCst);
            }
            this.mood()
        })
    }
}
