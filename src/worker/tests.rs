//! The worker between a queue and a Salesforce that is told what to say. Whole runs under faults are
//! the simulation's (`tests/it/sim`).

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Map, Value, json};

use super::*;
use crate::envelope::{Envelope, VERSION, WriteId};
use crate::event::Write;
use crate::outcome::rows::{OUTCOMES, partition};
use crate::outcome::{State, Status, local_owner};
use crate::salesforce::told::Told;
use crate::store::Message;
use crate::store::sqlite::{STATE, Sqlite, WRITES};
use crate::store::troubled::{self, Call, Trouble};

const CASE: &str = "5005g00000AAAAAAA1";

struct Rig {
    store: Sqlite,
    org: Arc<Told>,
    worker: Worker,
}

fn rig(store: Sqlite, owner: String) -> Rig {
    let state = store.table(STATE);
    rig_over(store, state, owner)
}

fn rig_over(store: Sqlite, state: Arc<dyn Table>, owner: String) -> Rig {
    let org = Arc::new(Told::default());
    let worker = Worker::new(Inner {
        settings: Settings {
            dispatch: dispatch::Settings { linger: Duration::ZERO, ..dispatch::Settings::default() },
            modes: Modes {
                unique_fields: BTreeMap::from([("Task".to_owned(), "WriteKey__c".to_owned())]),
                ..Modes::default()
            },
            ..Settings::default()
        },
        owner,
        client: org.client(),
        queue: store.queue(WRITES),
        state,
        cache: None,
        attributes: None,
        clock: Arc::new(crate::clock::now),
        keys: Arc::new(Keys::looked(crate::clock::now())),
        fleet: Mutex::default(),
    });
    Rig { store, org, worker }
}

fn create(object: &str) -> Write {
    Write::Create { object: object.to_owned(), fields: Map::new() }
}

fn update(id: &str) -> Write {
    Write::Update { object: "Case".to_owned(), id: id.to_owned(), fields: Map::new() }
}

impl Rig {
    fn envelope(&self, contact: &str, key: &str, write: Write, refs: &[WriteId]) -> Envelope {
        Envelope {
            v: VERSION,
            id: WriteId::keyed("org.example.com", contact, key),
            generation: 1,
            org: "org.example.com".to_owned(),
            group: contact.to_owned(),
            contact: None,
            write,
            refs: refs.to_vec(),
            unbound: Vec::new(),
            name: None,
            attribute: None,
            hash: String::new(),
            flush: true,
            accepted_at: self.worker.now(),
            traceparent: None,
            rest: Map::new(),
        }
    }

    /// Puts a write into the queue, as acceptance does; its record is left to the worker.
    async fn accept(&self, contact: &str, key: &str, write: Write, refs: &[WriteId]) -> WriteId {
        self.queue(&self.envelope(contact, key, write, refs)).await
    }

    async fn queue(&self, envelope: &Envelope) -> WriteId {
        let message = Message {
            group: envelope.group.clone(),
            deduplication_id: envelope.deduplication_id(),
            body: envelope.encode().unwrap(),
        };
        self.store.queue(WRITES).send(&[message], self.worker.now()).await.remove(0).unwrap();
        envelope.id
    }

    /// How many milliseconds the worker's clock is ahead, from now on.
    fn clock(&mut self) -> Arc<AtomicI64> {
        let ahead = Arc::new(AtomicI64::new(0));
        let passed = Arc::clone(&ahead);
        Arc::get_mut(&mut self.worker.inner).unwrap().clock = Arc::new(move || {
            Timestamp::from_millis(crate::clock::now().as_millis() + passed.load(Ordering::Relaxed))
        });
        ahead
    }

    /// Works on what can be delivered now, until all of it is settled or hidden.
    async fn deliver(&self) {
        let queue = self.store.queue(WRITES);
        let messages = queue.receive(10, LEASE, Duration::ZERO, self.worker.now()).await.unwrap();
        let settled = self.worker.handle_batch(messages, pending()).await;
        queue.delete(&settled, self.worker.now()).await;
    }

    async fn outcomes(&self, contact: &str) -> Vec<Outcome> {
        let table = self.store.table(STATE);
        let rows = table.list(&partition(contact), OUTCOMES, None, 10, self.worker.now()).await.unwrap();
        rows.iter().map(|row| Outcome::from_row(row).unwrap()).collect()
    }

    async fn outcome(&self, contact: &str, id: WriteId) -> Outcome {
        self.outcomes(contact).await.into_iter().find(|outcome| outcome.id == id).unwrap()
    }
}

const LEASE: Duration = Duration::from_secs(600);

#[tokio::test]
async fn an_update_in_doubt_by_ticket_holds_back_the_next_one_by_id() {
    let rig = rig(Sqlite::in_memory().unwrap(), "w".to_owned());
    let case = rig.accept("c", "case", create("Case"), &[]).await;
    rig.org.answers([(201, json!({"id": CASE, "success": true}))]);
    rig.deliver().await;
    let first = rig.accept("c", "first", update(case.as_str()), &[case]).await;
    rig.org.loses_the_answer();
    rig.org.answers([(204, Value::Null)]);
    rig.deliver().await;
    let settled = rig.outcome("c", first).await;
    assert_eq!((settled.status(), settled.record_id.as_deref()), (Status::Succeeded, Some(CASE)));
    assert!(settled.doubt.is_some(), "its first attempt may still land");

    let next = rig.accept("c", "next", update(CASE), &[]).await;
    rig.deliver().await;
    assert_eq!(rig.org.asked().len(), 3, "the next update of the record waits");
    assert!(rig.outcomes("c").await.iter().all(|outcome| outcome.id != next), "and is not even claimed");
}

#[tokio::test]
async fn a_new_owner_of_the_folder_goes_on_at_once_where_the_last_one_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let now = crate::clock::now;
    let store = Sqlite::own(folder.path(), now()).unwrap();
    let first = rig(store.clone(), local_owner(store.epoch()));
    let keyed = first.accept("keyed", "k", create("Task"), &[]).await;
    let alone = first.accept("alone", "k", create("Case"), &[]).await;
    first.org.hangs();
    let (worker, queue) = (first.worker.clone(), store.queue(WRITES));
    let task = tokio::spawn(async move {
        let messages = queue.receive(10, LEASE, Duration::ZERO, now()).await.unwrap();
        worker.handle_batch(messages, pending()).await
    });
    while first.org.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    task.abort();
    assert!(task.await.is_err());
    assert_eq!(first.outcome("keyed", keyed).await.status(), Status::Sending);
    drop((first, store));

    let store = Sqlite::own(folder.path(), now()).unwrap();
    let second = rig(store.clone(), local_owner(store.epoch()));
    second.org.answers([(201, json!({"id": CASE, "success": true}))]);
    second.deliver().await;
    let asked = second.org.asked();
    assert_eq!(asked.len(), 1, "only the one that cannot be doubled is sent again");
    assert_eq!(asked[0].1["WriteKey__c"], keyed.as_str());
    assert_eq!(second.outcome("keyed", keyed).await.status(), Status::Succeeded);
    assert!(matches!(second.outcome("alone", alone).await.state, State::InDoubt { .. }));
}

/// A worker that dies between the record and the contact leaves its message, and the next one tells.
#[tokio::test]
async fn a_contact_is_told_of_its_record_by_whoever_finds_it_made() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut rig = rig(Sqlite::in_memory().unwrap(), "w".to_owned());
    let heard = Arc::clone(&told);
    let inner = Arc::get_mut(&mut rig.worker.inner).unwrap();
    inner.attributes = Some(Arc::new(move |contact, name, id| {
        heard.lock().unwrap().push((contact.contact_id, name, id));
        Box::pin(async { Ok(()) })
    }));
    let contact = Contact { contact_id: "c".to_owned(), initial_contact_id: None, instance_arn: None };
    let envelope = Envelope {
        contact: Some(contact),
        attribute: Some("caseId".to_owned()),
        ..rig.envelope("c", "k", create("Case"), &[])
    };
    rig.queue(&envelope).await;
    rig.org.answers([(201, json!({"id": CASE, "success": true}))]);
    let queue = rig.store.queue(WRITES);
    let leased = queue.receive(10, LEASE, Duration::ZERO, rig.worker.now()).await.unwrap();
    rig.worker.handle_batch(leased.clone(), pending()).await;
    queue.change_visibility(&[(leased[0].handle.clone(), Duration::ZERO)], rig.worker.now()).await;
    rig.deliver().await;
    let once = ("c".to_owned(), "caseId".to_owned(), CASE.to_owned());
    assert_eq!(*told.lock().unwrap(), [once.clone(), once]);
    assert_eq!(rig.org.asked().len(), 1);
}

/// Somebody else may have written the same words there meanwhile.
#[tokio::test]
async fn a_post_in_doubt_is_looked_for_among_our_own() {
    let mut rig = rig(Sqlite::in_memory().unwrap(), "w".to_owned());
    let later = rig.clock();
    let post = Write::Post {
        element_type: "FeedItem".to_owned(),
        subject_id: CASE.to_owned(),
        message_type: "Text".to_owned(),
        text: "called back".to_owned(),
        mention: None,
    };
    let id = rig.accept("c", "k", post, &[]).await;
    rig.org.loses_the_answer();
    rig.deliver().await;
    assert!(matches!(rig.outcome("c", id).await.state, State::InDoubt { .. }));

    later.store(700_000, Ordering::Relaxed);
    let post = json!({"Id": "0D55g00000AAAAAAA1", "Body": "<p>called back</p>"});
    rig.org.answers([
        (200, json!({"user_id": "0055g00000AAAAAAA1"})),
        (200, json!({"totalSize": 1, "done": true, "records": [post]})),
    ]);
    rig.deliver().await;
    let outcome = rig.outcome("c", id).await;
    assert_eq!(outcome.record_id.as_deref(), Some("0D55g00000AAAAAAA1"));
    let asked = rig.org.asked();
    assert!(asked[2].0.contains("CreatedById") && asked[2].0.contains("0055g00000AAAAAAA1"), "{asked:?}");
}

/// A function lives from batch to batch and has no start of its own to look at.
#[tokio::test]
async fn a_function_looks_whether_identities_can_be_carried_before_its_first_batch() {
    let mut rig = rig(Sqlite::in_memory().unwrap(), "w".to_owned());
    let later = rig.clock();
    Arc::get_mut(&mut rig.worker.inner).unwrap().keys = Arc::default();
    let described = |unique: bool| json!({"fields": [{"name": "WriteKey__c", "unique": unique}]});
    rig.org.answers([(200, described(false))]);
    let id = rig.accept("c", "k", create("Task"), &[]).await;
    rig.deliver().await;
    rig.deliver().await;
    assert_eq!(rig.org.asked().len(), 1, "asked once, and no create is sent");
    assert!(rig.outcomes("c").await.is_empty());

    later.store(330_000, Ordering::Relaxed);
    rig.org.answers([(200, described(true)), (201, json!({"id": CASE, "success": true}))]);
    rig.deliver().await;
    assert_eq!(rig.outcome("c", id).await.status(), Status::Succeeded, "the field was mended");
    later.store(990_000, Ordering::Relaxed);
    rig.deliver().await;
    assert_eq!(rig.org.asked().len(), 3, "what is known to be unique is not asked for again");
}

/// Left alone, it would be nobody's until it lapses, and then count as an attempt.
#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_found_to_stand() {
    fn claims_are_mute(call: Call<'_>) -> Trouble {
        match call {
            Call::Put(row) if row.key.sort.starts_with(OUTCOMES) => {
                match Outcome::from_row(row).unwrap().state {
                    State::Sending { .. } => Trouble::Mute,
                    _ => Trouble::None,
                }
            }
            _ => Trouble::None,
        }
    }
    let store = Sqlite::in_memory().unwrap();
    let state = troubled::table(store.table(STATE), claims_are_mute);
    let rig = rig_over(store, state, "w".to_owned());
    let id = rig.accept("c", "k", create("Case"), &[]).await;
    rig.org.answers([(201, json!({"id": CASE, "success": true}))]);
    rig.deliver().await;
    let outcome = rig.outcome("c", id).await;
    assert_eq!((outcome.status(), outcome.fence, outcome.attempts), (Status::Succeeded, 1, 0));
}

/// One cut call leaves many in doubt, all to be looked up at the same time.
#[tokio::test]
async fn lookups_ask_once_in_whose_name_and_keep_the_pace() {
    let mut rig = rig(Sqlite::in_memory().unwrap(), "w".to_owned());
    let later = rig.clock();
    let mut ids = Vec::new();
    for contact in ["a", "b", "c"] {
        ids.push((contact, rig.accept(contact, "k", create("Case"), &[]).await));
    }
    rig.org.loses_the_answer();
    rig.deliver().await;
    assert_eq!(rig.org.asked().len(), 1);
    for (contact, id) in &ids {
        assert!(matches!(rig.outcome(contact, *id).await.state, State::InDoubt { .. }));
    }

    later.store(700_000, Ordering::Relaxed);
    let deadline = || crate::clock::Deadline::after(Duration::from_secs(9));
    let tell = async |used| {
        rig.org.tells_usage(used, 1000);
        rig.org.answers([(200, json!({"user_id": "0055g00000AAAAAAA1"}))]);
        rig.worker.inner.client.user(deadline()).await.result.unwrap();
    };
    tell(960).await;
    rig.deliver().await;
    assert_eq!(rig.org.asked().len(), 2, "writes have stopped");
    tell(1).await;
    later.store(770_000, Ordering::Relaxed);
    rig.org.answers([(200, json!({"user_id": "0055g00000AAAAAAA1"}))]);
    let found = |n: usize| json!({"totalSize": 1, "done": true, "records": [{"Id": format!("500{n:015}")}]});
    rig.org.answers((0..3).map(|n| (200, found(n))));
    rig.deliver().await;
    assert_eq!(rig.org.asked().len(), 3 + 1 + 3);
    for (contact, id) in ids {
        assert_eq!(rig.outcome(contact, id).await.status(), Status::Succeeded);
    }
}

/// Row 16 to its end: neither the records nor the name could be kept, and what was accepted is carried out.
#[tokio::test]
async fn writes_accepted_without_the_table_are_carried_out_and_know_each_other() {
    use crate::event::{Control, Mode};
    use crate::write::{self, Asked, Progress, Writes};

    let rig = rig(Sqlite::in_memory().unwrap(), "w".to_owned());
    let writes = Writes {
        settings: write::Settings {
            mode: Mode::Queue,
            wait: Duration::ZERO,
            duplicate_window: Duration::from_secs(90),
            sensitive: Vec::new(),
        },
        client: rig.org.client(),
        queue: Some(rig.store.queue(WRITES)),
        state: Some(troubled::table(rig.store.table(STATE), troubled::down)),
        cache: None,
        modes: Modes::default(),
        rate: None,
        owner: None,
    };
    let contact = Contact { contact_id: "c".to_owned(), initial_contact_id: None, instance_arn: None };
    let named = Control { name: Some("case".to_owned()), ..Control::default() };
    for (parameters, control) in
        [(json!({"Subject": "A"}), named), (json!({"ParentId": "@{case.Id}"}), Control::default())]
    {
        let Value::Object(parameters) = parameters else { unreachable!() };
        let asked = Asked {
            write: &Write::Create { object: "Case".to_owned(), fields: parameters.clone() },
            contact: Some(&contact),
            parameters: &parameters,
            control: &control,
            unique: "request-1",
            traceparent: None,
        };
        let now = crate::clock::Deadline::after(Duration::ZERO);
        let taken = writes.carry(&asked, now, now, rig.worker.now()).await.unwrap();
        assert_eq!(taken.progress, Progress::Queued);
    }
    rig.org.answers([
        (201, json!({"id": CASE, "success": true})),
        (201, json!({"id": "5005g00000AAAAAAA2", "success": true})),
    ]);
    rig.deliver().await;
    rig.deliver().await;
    let asked = rig.org.asked();
    assert_eq!((asked.len(), &asked[1].1["ParentId"]), (2, &json!(CASE)));
    assert!(rig.outcomes("c").await.iter().all(|outcome| outcome.status() == Status::Succeeded));
}

#[tokio::test]
async fn an_upsert_remembers_whether_it_made_its_record() {
    let rig = rig(Sqlite::in_memory().unwrap(), "w".to_owned());
    let upsert = Write::Upsert {
        object: "Case".to_owned(),
        external_field: "Number__c".to_owned(),
        external_id: "7".to_owned(),
        fields: Map::new(),
    };
    let id = rig.accept("c", "k", upsert, &[]).await;
    rig.org.answers([(201, json!({"id": CASE, "success": true, "created": true}))]);
    rig.deliver().await;
    assert_eq!(rig.outcome("c", id).await.created, Some(true));
}

/// The calls of a day are known to a worker before its first call, and told to the next one.
#[tokio::test]
async fn usage_is_shared_through_the_state_table() {
    use crate::budget::health::Health;

    let store = Sqlite::in_memory().unwrap();
    let first = rig(store.clone(), "one".to_owned());
    let usage = crate::salesforce::wire::Usage { used: 960, limit: 1000 };
    first.worker.note_usage(Some(usage));
    assert_eq!(first.worker.allowance(1).await.0, 0, "writes stop at 95 %");
    let org = first.worker.inner.client.settings().organisation().to_owned();
    let row = store.table(STATE).get(&Health::key(&org), crate::clock::now()).await.unwrap().unwrap();
    assert_eq!(Health::from_row(&row).usage.unwrap().0.used, 960);

    let second = rig(store, "two".to_owned());
    assert_eq!(second.worker.allowance(1).await.0, 0, "it was told");
}
