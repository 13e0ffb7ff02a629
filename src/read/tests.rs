//! The path of a read against a Salesforce that is told what to do, in time that stands still until
//! it is moved.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::outcome::rows::Stamp;
use crate::row::Key;
use crate::row::Row;
use crate::salesforce;
use crate::salesforce::Auth;
use crate::salesforce::Hidden;
use crate::salesforce::Vault;
use crate::salesforce::wire::Cut;
use crate::salesforce::wire::Exchange;
use crate::salesforce::wire::Request;
use crate::salesforce::wire::Response;
use crate::store::AddError;
use crate::store::Expect;
use crate::store::PutError;
use crate::store::StoreError;
use crate::store::sqlite::Sqlite;

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
    nobody: std::sync::atomic::AtomicBool,
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
            Ok(Response { status, usage: None, content_type: "application/json".to_owned(), body })
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
        }
        let records = if self.nobody.load(Ordering::SeqCst) {
            json!([])
        } else {
            json!([{"attributes": {"type": "Contact", "url": format!("/sobjects/Contact/{RECORD}")},
                "Id": RECORD, "Name": seen.to_string()}])
        };
        respond(
            200,
            &json!({"totalSize": records.as_array().unwrap().len(), "done": true, "records": records}),
        )
    }
}

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
        let reads = reads(Arc::clone(&org)).with(Some(Arc::clone(&cache)), Some(Arc::clone(&state)));
        Self { org, cache, state, reads }
    }

    /// Another process of the fleet.
    fn sibling(&self) -> Self {
        Self::over(Arc::clone(&self.org), Arc::clone(&self.cache), Arc::clone(&self.state))
    }

    async fn ask_with(&self, contact: Option<&Contact>, cache: Option<CacheControl>) -> Answer {
        let deadline = Deadline::after(Duration::from_secs(6));
        let call = Call { contact, cache, soft: Duration::from_millis(2200), deadline };
        self.reads.answer(&question(), &call).await
    }

    async fn ask(&self) -> (Option<String>, Source) {
        let answer = self.ask_with(None, None).await;
        (name(&answer), answer.source)
    }
}

fn reads(org: Arc<Org>) -> Reads {
    let settings = salesforce::Settings {
        host: "https://org.example.com".to_owned(),
        production: false,
        username: None,
        version: "v66.0".to_owned(),
    };
    let vault = Vault::Given(Hidden::new(r#"{"ConsumerKey":"key","ConsumerSecret":"secret"}"#));
    let client = Client::new(settings.clone(), Auth::new(settings, vault, None), org);
    let fresh = Duration::from_secs(60);
    let objects = BTreeMap::from([("case".to_owned(), Duration::from_secs(5))]);
    let (stale, negative) = (Duration::from_secs(86_400), Duration::from_secs(15));
    let settings = Settings { fresh, objects, stale, negative };
    Reads { now, ..Reads::new(client, settings) }
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

    let bare = reads(Arc::clone(&rig.org));
    rig.org.will(&[Way::Refuses]);
    let deadline = Deadline::after(SECOND);
    let call = Call { contact: None, cache: None, soft: SECOND, deadline };
    for _ in 0..3 {
        assert!(bare.answer(&question(), &call).await.result.is_err());
    }
    assert_eq!(rig.org.calls(), 3, "also without a cache");
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

#[tokio::test(start_paused = true)]
async fn a_process_that_died_while_asking_delays_others_for_a_second() {
    let rig = Rig::new();
    rig.org.will(&[Way::Hangs, Way::Answers]);
    let dead = rig.sibling();
    // Cut off in the middle: it keeps its lease.
    assert!(timeout(SECOND, dead.ask()).await.is_err());
    assert_eq!(dead.ask().await, is("0", Source::Salesforce), "its own next call does not wait for itself");
    pass(100 * SECOND);
    rig.org.will(&[Way::Answers]);
    let ((name, _), took) = timed(rig.ask()).await;
    assert_eq!(name.as_deref(), Some("0"));
    assert!(took <= SECOND + Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn after_an_own_write_nothing_older_is_given() {
    let rig = Rig::new();
    let contact = contact();
    let ask = async || {
        let answer = rig.ask_with(Some(&contact), None).await;
        (name(&answer), answer.source)
    };
    assert_eq!(ask().await, is("0", Source::Salesforce));
    rig.org.change();
    rig.reads.wrote(Some(&contact), None).await;
    assert_eq!(ask().await, is("1", Source::Salesforce));
    // Not even from memory, where another contact still finds it.
    assert_eq!(ask().await, is("1", Source::Salesforce));
    assert_eq!(rig.ask().await, is("1", Source::Memory));
    // Nor in place of an error.
    rig.org.will(&[Way::Breaks]);
    assert_eq!(rig.ask_with(Some(&contact), None).await.result.unwrap_err().code, "UNREACHABLE");
    rig.org.will(&[Way::Answers]);
    pass(3 * SECOND);
    assert_eq!(ask().await, is("1", Source::Salesforce));
    assert_eq!(ask().await, is("1", Source::Memory));
}

#[tokio::test(start_paused = true)]
async fn a_stamped_record_is_asked_for_again() {
    let rig = Rig::new();
    rig.ask().await;
    pass(10 * SECOND);
    rig.org.change();
    let stamp = Stamp { at: now() }.row(RECORD);
    rig.cache.put(&stamp, Expect::Anything, now()).await.unwrap();
    assert_eq!(rig.ask().await, is("1", Source::Salesforce));
    // Asked for within the time in which the change may not yet be seen: old at once.
    pass(2 * SECOND);
    assert_eq!(rig.ask().await, is("1", Source::Salesforce));
    pass(2 * SECOND);
    assert_eq!(rig.sibling().ask().await, is("1", Source::Salesforce));
    pass(2 * SECOND);
    assert_eq!(rig.sibling().ask().await, is("1", Source::Table));
    // With the org down the older copy is better than none.
    rig.cache.put(&Stamp { at: now() }.row(RECORD), Expect::Anything, now()).await.unwrap();
    rig.org.will(&[Way::Breaks]);
    assert_eq!(rig.sibling().ask().await, is("1", Source::Stale));
}

/// Read, then changed and stamped, then put: what is put late is old by its date.
#[tokio::test(start_paused = true)]
async fn an_answer_put_after_the_stamp_is_old() {
    let rig = Rig::new();
    rig.org.will(&[Way::Late(Duration::from_millis(500))]);
    let change = async {
        sleep(Duration::from_millis(100)).await;
        pass(Duration::from_millis(100));
        rig.org.change();
        rig.cache.put(&Stamp { at: now() }.row(RECORD), Expect::Anything, now()).await.unwrap();
        pass(Duration::from_millis(400));
    };
    let (answer, ()) = futures::join!(rig.ask(), change);
    assert_eq!(answer, is("0", Source::Salesforce));
    pass(5 * SECOND);
    rig.org.will(&[Way::Answers]);
    assert_eq!(rig.sibling().ask().await, is("1", Source::Salesforce));
}

/// A table that does what it is told instead of its work.
#[derive(Debug)]
struct Bad(fn() -> StoreError, Option<Duration>);

impl Bad {
    async fn fail<T>(&self) -> Result<T, StoreError> {
        if let Some(time) = self.1 {
            sleep(time).await;
        }
        Err((self.0)())
    }
}

#[async_trait]
impl Table for Bad {
    async fn get(&self, _: &Key, _: Timestamp) -> Result<Option<Row>, StoreError> {
        self.fail().await
    }
    async fn put(&self, _: &Row, _: Expect, _: Timestamp) -> Result<(), PutError> {
        Ok(self.fail().await?)
    }
    async fn list(
        &self,
        _: &str,
        _: &str,
        _: Option<&str>,
        _: usize,
        _: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        self.fail().await
    }
    async fn list_index(
        &self,
        _: &str,
        _: Option<&str>,
        _: bool,
        _: usize,
        _: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        self.fail().await
    }
    async fn add_if_below(
        &self,
        _: &Key,
        _: u64,
        _: u64,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<u64, AddError> {
        Ok(self.fail().await?)
    }
    async fn remove(&self, _: &Key, _: Timestamp) -> Result<(), StoreError> {
        self.fail().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_table_never_breaks_a_read() {
    for (table, most) in [
        (Bad(|| StoreError::Unavailable("gone".to_owned()), None), Duration::ZERO),
        (Bad(|| StoreError::Throttled("slow down".to_owned()), None), Duration::ZERO),
        (Bad(|| StoreError::Unavailable("late".to_owned()), Some(60 * SECOND)), 2 * SECOND),
    ] {
        NOW.set(START);
        let table: Arc<dyn Table> = Arc::new(table);
        let rig = Rig::over(Arc::default(), Arc::clone(&table), table);
        let (answer, took) = timed(rig.ask_with(Some(&contact()), None)).await;
        assert_eq!((name(&answer), answer.source), is("0", Source::Salesforce), "{:?}", rig.cache);
        assert!(took <= most, "{took:?} {:?}", rig.cache);
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_table_that_is_gone_makes_kept_answers_second_best() {
    let rig = Rig::new();
    rig.ask().await;
    let gone: Arc<dyn Table> = Arc::new(Bad(|| StoreError::Unavailable("gone".to_owned()), None));
    let rig = Rig::over(Arc::clone(&rig.org), Arc::clone(&rig.cache), gone);
    rig.org.change();
    let ask = async || {
        let answer = rig.ask_with(Some(&contact()), None).await;
        (name(&answer), answer.source)
    };
    assert_eq!(ask().await, is("1", Source::Salesforce));
    rig.org.will(&[Way::Breaks]);
    assert_eq!(ask().await, is("1", Source::Stale));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_read_is_asked_for_again() {
    let rig = Rig::new();
    rig.ask().await;
    let secret = rig.reads.shared.as_ref().unwrap().secret(now()).await.unwrap();
    let name = Name::of(&question(), rig.reads.client.settings(), &secret);
    let key = Key { partition: format!("R#{}", name.0), sort: "E".to_owned() };
    let mut row = rig.cache.get(&key, now()).await.unwrap().unwrap();
    row.data[0] = 99;
    rig.cache.put(&row, Expect::Anything, now()).await.unwrap();
    pass(5 * SECOND);
    assert_eq!(rig.sibling().ask().await.1, Source::Salesforce);
    assert_eq!(rig.sibling().ask().await.1, Source::Table);
}

#[tokio::test(start_paused = true)]
async fn no_row_is_named_after_a_number() {
    let rig = Rig::new();
    rig.ask().await;
    rig.reads.wrote(Some(&contact()), Some(RECORD)).await;
    for (kept, _) in rig.reads.memory.iter() {
        assert!(kept.0.bytes().all(|b| b.is_ascii_hexdigit()) && !kept.0.contains("5550100"));
    }
    let secret = rig.reads.shared.as_ref().unwrap().secret(now()).await.unwrap();
    let name = Name::of(&question(), rig.reads.client.settings(), &secret);
    let rows = rig.cache.list(&format!("R#{}", name.0), "", None, 10, now()).await.unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        assert!(!format!("{:?}", row.key).contains("5550100"));
        let data = String::from_utf8_lossy(&row.data).into_owned();
        assert!(!data.contains("5550100"), "compressed, and it holds no question");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Pass(u16),
    Read { contact: u8, process: u8, max_age: Option<u8> },
    Write { contact: u8, process: u8, stamped: bool },
    Way(u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u16..4000).prop_map(Step::Pass),
        (0_u8..3, 0_u8..3, prop::option::of(0_u8..90)).prop_map(|(contact, process, max_age)| Step::Read {
            contact,
            process,
            max_age
        }),
        (0_u8..3, 0_u8..3, any::<bool>()).prop_map(|(contact, process, stamped)| Step::Write {
            contact,
            process,
            stamped
        }),
        (0_u8..4).prop_map(Step::Way),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    /// Three processes and three contacts read and write one record in any order, while the org
    /// comes and goes. The law: a contact that saw its write succeed is never given an answer in
    /// which it is missing; and what is not marked as old is at most a minute old.
    #[test]
    fn no_read_is_older_than_what_its_contact_has_seen(steps in prop::collection::vec(any_step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let rig = Rig::new();
            let fleet = [rig.sibling(), rig.sibling(), rig.sibling()];
            let contacts = ["a", "b", "c"].map(|id| Contact { contact_id: id.to_owned(), ..contact() });
            let mut seen = [0_u64; 3];
            // When each change was made.
            let mut changed_at = vec![now()];
            for step in steps {
                match step {
                    Step::Pass(millis) => pass(Duration::from_millis(millis.into()) * 10),
                    Step::Way(way) => rig.org.will(&[match way {
                        0 => Way::Breaks,
                        1 => Way::Hangs,
                        _ => Way::Answers,
                    }]),
                    Step::Write { contact, process, stamped } => {
                        rig.org.change();
                        changed_at.push(now());
                        seen[usize::from(contact)] = rig.org.changes.load(Ordering::SeqCst);
                        let record = stamped.then_some(RECORD);
                        fleet[usize::from(process)].reads.wrote(Some(&contacts[usize::from(contact)]), record).await;
                    }
                    Step::Read { contact, process, max_age } => {
                        let cache = max_age.map(|secs| CacheControl::MaxAge(Duration::from_secs(secs.into())));
                        let contact = usize::from(contact);
                        let answer = fleet[usize::from(process)].ask_with(Some(&contacts[contact]), cache).await;
                        let Some(version) = name(&answer) else { continue };
                        let version: u64 = version.parse().unwrap();
                        assert!(version >= seen[contact], "{version} after {} was seen: {answer:?}", seen[contact]);
                        if answer.source != Source::Stale
                            && let Some(replaced) = changed_at.get(usize::try_from(version).unwrap() + 1)
                        {
                            let age = now().since(*replaced);
                            let most = max_age.map_or(60, u64::from);
                            assert!(age <= Duration::from_secs(most), "{age:?} {answer:?}");
                        }
                    }
                }
            }
        });
    }
}
