//! No read is older than what its contact has seen, and none that counts as new is older than it says.

use serde_json::Map;

use super::*;
use crate::envelope::{Envelope, WriteId};
use crate::event::Write;
use crate::outcome::{Outcome, State};

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

/// Not while Salesforce is gone, not from a list too long for stamps, not after another stamp: for
/// whoever wants something forgotten, no copy is better than none.
#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_given_no_more() {
    let rig = Rig::new();
    rig.org.records.store(60, Ordering::SeqCst);
    let list = Read::Query { soql: "SELECT Id, Name FROM Contact".to_owned(), shape: Shape::All };
    rig.ask().await;
    rig.ask_for(&list, None, None).await.result.unwrap();
    pass(10 * SECOND);
    let there = rig.sibling();
    assert_eq!(there.ask().await, is("0", Source::Table));
    rig.org.will(&[Way::Breaks]);
    assert!(rig.reads.forget(RECORD).await);
    let refused = async |rig: &Rig, read: &Read| {
        let answer = rig.ask_for(read, None, None).await;
        assert_eq!(answer.result.unwrap_err().code, "UNREACHABLE");
    };
    refused(&rig, &question()).await;
    refused(&rig, &list).await;
    pass(2 * SECOND);
    refused(&there, &question()).await;
    pass(3 * 86_400 * SECOND / 10);
    rig.reads.wrote(None, Some(RECORD)).await;
    refused(&there, &question()).await;
    // What is asked for from then on is kept as before.
    rig.org.will(&[Way::Answers]);
    assert_eq!(there.ask().await, is("0", Source::Salesforce));
    pass(100 * SECOND);
    rig.org.will(&[Way::Breaks]);
    assert_eq!(rig.sibling().ask().await, is("0", Source::Stale));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_forgotten_is_told() {
    let rig = Rig::new();
    let wobbly = Wobbly::over(Arc::clone(&rig.cache));
    let rig = Rig::over(Arc::clone(&rig.org), wobbly.table(), Arc::clone(&rig.state));
    for mood in [Trouble::Fails, Trouble::Throttles, Trouble::Hangs] {
        wobbly.is(mood);
        assert!(!rig.reads.forget(RECORD).await, "{mood:?}");
    }
    wobbly.is(Trouble::None);
    assert!(rig.reads.forget(RECORD).await);
    assert!(!reads(Arc::clone(&rig.org), Tables::default(), 0).forget(RECORD).await, "there is no cache");
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

/// What a contact wrote successfully, as its outcome tells.
fn succeeded(group: &str, number: u64, at: Timestamp) -> Row {
    let envelope = Envelope {
        v: 1,
        id: WriteId::keyed("org.example.com", group, &number.to_string()),
        generation: 1,
        org: "org.example.com".to_owned(),
        group: group.to_owned(),
        contact: None,
        write: Write::Update { object: "Contact".to_owned(), id: RECORD.to_owned(), fields: Map::new() },
        refs: Vec::new(),
        unbound: Vec::new(),
        name: None,
        attribute: None,
        hash: String::new(),
        flush: false,
        accepted_at: at,
        traceparent: None,
        rest: Map::new(),
    };
    Outcome { state: State::Succeeded, done_at: Some(at), ..Outcome::accepted(&envelope) }.row()
}

#[derive(Clone, Debug)]
enum Step {
    Pass(u16),
    Read {
        contact: u8,
        process: u8,
        max_age: Option<u8>,
    },
    /// By an outcome, with or without a stamp of the record that comes to readers, or by stamps alone.
    Write {
        contact: u8,
        process: u8,
        outcome: bool,
        stamped: bool,
    },
    /// One contact reads while another's change takes effect, and the answer is put last.
    Race {
        reader: u8,
        process: u8,
    },
    Way(u8),
    Cache(Trouble),
    State(Trouble),
}

fn any_step() -> impl Strategy<Value = Step> {
    let mood = || prop_oneof![4 => Just(Trouble::None), 1 => Just(Trouble::Fails), 1 => Just(Trouble::Throttles), 1 => Just(Trouble::Hangs)];
    let who = || (0_u8..3, 0_u8..3);
    prop_oneof![
        4 => (0_u16..4000).prop_map(Step::Pass),
        8 => (who(), prop::option::of(0_u8..90))
            .prop_map(|((contact, process), max_age)| Step::Read { contact, process, max_age }),
        4 => (who(), any::<bool>(), any::<bool>())
            .prop_map(|((contact, process), outcome, stamped)| Step::Write { contact, process, outcome, stamped }),
        2 => who().prop_map(|(reader, process)| Step::Race { reader, process }),
        2 => (0_u8..4).prop_map(Step::Way),
        1 => mood().prop_map(Step::Cache),
        1 => mood().prop_map(Step::State),
    ]
}

/// Three processes, whose clocks are up to 1.8 s apart, three contacts and one record.
struct World {
    rig: Rig,
    cache: Arc<Wobbly>,
    state: Arc<Wobbly>,
    fleet: [Rig; 3],
    contacts: [Contact; 3],
    /// The change that each contact saw succeed.
    seen: [u64; 3],
    /// When each change was made; the first is how the record began.
    changed_at: Vec<Timestamp>,
    /// When a table was last in trouble.
    troubled_at: Option<Timestamp>,
}

impl World {
    fn new() -> Self {
        let rig = Rig::new();
        let (cache, state) = (Wobbly::over(Arc::clone(&rig.cache)), Wobbly::over(Arc::clone(&rig.state)));
        let fleet =
            [0, 900, -900].map(|skew| Rig::skewed(Arc::clone(&rig.org), cache.table(), state.table(), skew));
        let contacts = ["a", "b", "c"].map(|id| Contact { contact_id: id.to_owned(), ..contact() });
        Self { rig, cache, state, fleet, contacts, seen: [0; 3], changed_at: vec![now()], troubled_at: None }
    }

    fn change(&mut self) -> u64 {
        self.rig.org.change();
        self.changed_at.push(now());
        self.rig.org.changes.load(Ordering::SeqCst)
    }

    async fn write(&mut self, contact: usize, process: usize, outcome: bool, stamped: bool) {
        let number = self.change();
        let clock = Timestamp::from_millis(now().as_millis() + [0, 900, -900][process]);
        // Where there are outcomes, who cannot keep one does not tell of a success. Where there are
        // none, the stamp is tried twice and that is all: so only while the table is well.
        if outcome || self.cache.mood() != Trouble::None {
            let row = succeeded(&self.contacts[contact].contact_id, number, clock);
            self.rig.state.put(&row, Expect::Anything, now()).await.unwrap();
            if stamped {
                let stamp = Stamp { at: clock }.row(RECORD);
                drop(self.cache.table().put(&stamp, Expect::Anything, now()).await);
            }
        } else {
            let record = stamped.then_some(RECORD);
            self.fleet[process].reads.wrote(Some(&self.contacts[contact]), record).await;
        }
        self.seen[contact] = number;
    }

    async fn read(&self, contact: usize, process: usize, max_age: Option<u8>) {
        let cache = max_age.map(|secs| CacheControl::MaxAge(Duration::from_secs(secs.into())));
        let answer = self.fleet[process].ask_with(Some(&self.contacts[contact]), cache).await;
        let Some(version) = name(&answer) else { return };
        let version: u64 = version.parse().unwrap();
        // Where nobody can tell what the contact wrote, an old answer is at least marked.
        let excused = answer.source == Source::Stale
            && self.troubled_at.is_some_and(|at| now().since(at) <= 4 * SECOND);
        assert!(
            version >= self.seen[contact] || excused,
            "{version} after {} was seen: {answer:?}",
            self.seen[contact]
        );
        if answer.source != Source::Stale
            && let Some(replaced) = self.changed_at.get(usize::try_from(version).unwrap() + 1)
        {
            let age = now().since(*replaced);
            let most = Duration::from_secs(max_age.map_or(60, u64::from)) + SETTLE;
            assert!(age <= most, "{age:?} {answer:?}");
        }
    }

    async fn race(&mut self, reader: usize, process: usize) {
        let (other, skew) = ((reader + 1) % 3, [0, 900, -900][process]);
        self.rig.org.will(&[Way::Late(SECOND), Way::Answers]);
        let fleet = self.fleet.clone();
        let contact = self.contacts[reader].clone();
        let reading = async move { fleet[process].ask_with(Some(&contact), None).await };
        let writing = async {
            sleep(Duration::from_millis(100)).await;
            pass(Duration::from_millis(100));
            let number = self.change();
            let clock = Timestamp::from_millis(now().as_millis() + skew);
            let row = succeeded(&self.contacts[other].contact_id, number, clock);
            self.rig.state.put(&row, Expect::Anything, now()).await.unwrap();
            drop(self.rig.cache.put(&Stamp { at: clock }.row(RECORD), Expect::Anything, now()).await);
            self.seen[other] = number;
        };
        let (answer, ()) = futures::join!(reading, writing);
        drop(answer);
        // Whatever was late has been put by now.
        sleep(2 * SECOND).await;
    }

    fn note_trouble(&mut self) {
        let moods = [self.cache.mood(), self.state.mood()];
        if moods != [Trouble::None; 2] {
            self.troubled_at = Some(now());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    /// The law, in any order of events, with clocks that differ and tables and org that come and go: a
    /// contact that saw its write succeed is never given an answer in which it is missing; and what is
    /// not marked as old is at most a minute old.
    #[test]
    fn no_read_is_older_than_what_its_contact_has_seen(steps in prop::collection::vec(any_step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            for step in steps {
                world.note_trouble();
                match step {
                    Step::Pass(millis) => pass(Duration::from_millis(millis.into()) * 10),
                    Step::Way(way) => world.rig.org.will(&[match way {
                        0 => Way::Breaks,
                        1 => Way::Hangs,
                        _ => Way::Answers,
                    }]),
                    Step::Cache(mood) => world.cache.is(mood),
                    Step::State(mood) => world.state.is(mood),
                    Step::Write { contact, process, outcome, stamped } => {
                        world.write(contact.into(), process.into(), outcome, stamped).await;
                    }
                    Step::Race { reader, process } => world.race(reader.into(), process.into()).await,
                    Step::Read { contact, process, max_age } => {
                        world.read(contact.into(), process.into(), max_age).await;
                    }
                }
                world.note_trouble();
            }
        });
    }
}
