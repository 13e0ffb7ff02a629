use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::envelope::Envelope;
use crate::event::{OutcomeQuery, Read, Shape};
use crate::outcome::rows::{DeadLetter, Stamp};
use crate::outcome::{Change, Effect, Outcome};
use crate::salesforce::told::Told;
use crate::store::sqlite::Sqlite;
use crate::store::troubled::{Call, Trouble};
use crate::store::{Expect, troubled};

const T0: Timestamp = Timestamp::from_millis(1_795_170_000_000);
const CASE: &str = "5005g00000AAAAAAA1";

struct Rig {
    writes: Writes,
    store: Sqlite,
    org: Arc<Told>,
}

/// Everything there is: queue, table, org.
fn rig() -> Rig {
    let store = Sqlite::in_memory().unwrap();
    let org = Arc::new(Told::default());
    let writes = Writes {
        settings: Settings {
            mode: Mode::Queue,
            wait: Duration::ZERO,
            duplicate_window: Duration::from_secs(90),
            sensitive: vec!["Contact.SSN__c".to_owned()],
        },
        client: org.client(),
        queue: Some(store.queue("writes")),
        state: Some(store.table("state")),
        cache: Some(store.table("cache")),
        modes: Modes {
            unique_fields: BTreeMap::from([("Task".to_owned(), "WriteKey__c".to_owned())]),
            ..Modes::default()
        },
        rate: None,
        owner: None,
    };
    Rig { writes, store, org }
}

fn contact() -> Contact {
    Contact { contact_id: "c-1".to_owned(), initial_contact_id: None, instance_arn: None }
}

fn create(fields: Value) -> Write {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    Write::Create { object: "Case".to_owned(), fields }
}

fn keyed(key: &str) -> Control {
    Control { key: Some(key.to_owned()), ..Control::default() }
}

fn keyed_sync(key: &str) -> Control {
    Control { mode: Some(Mode::Sync), ..keyed(key) }
}

fn sync() -> Control {
    Control { mode: Some(Mode::Sync), ..Control::default() }
}

impl Rig {
    async fn take(&self, write: &Write, control: &Control, now: Timestamp) -> Result<Taken, Fault> {
        self.take_for(Some(&contact()), write, control, now).await
    }

    async fn take_for(
        &self,
        contact: Option<&Contact>,
        write: &Write,
        control: &Control,
        now: Timestamp,
    ) -> Result<Taken, Fault> {
        let Value::Object(parameters) = serde_json::to_value(write).unwrap() else { panic!("an object") };
        let asked = Asked {
            write,
            contact,
            parameters: &parameters,
            control,
            unique: "request-1",
            traceparent: None,
        };
        let passed = Deadline::after(Duration::ZERO);
        self.writes
            .carry(&asked, passed, Deadline::after(Duration::from_secs(60)).at_most(hard(control)), now)
            .await
    }

    fn answers(&self, answers: impl IntoIterator<Item = (u16, Value)>) {
        self.org.answers(answers);
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.org.asked()
    }

    /// A write that Salesforce refuses.
    async fn take_dead(&self, write: &Write, now: Timestamp) -> WriteId {
        self.answers([(
            400,
            json!([{"errorCode": "REQUIRED_FIELD_MISSING", "message": "Required: [Subject]"}]),
        )]);
        self.take(write, &sync(), now).await.unwrap().id.unwrap()
    }

    /// What lies in the queue, in order; it stays there.
    async fn queued(&self, now: Timestamp) -> Vec<Envelope> {
        let queue = self.store.queue("writes");
        let leased = queue.receive(100, Duration::from_secs(60), Duration::ZERO, now).await.unwrap();
        let back: Vec<_> = leased.iter().map(|l| (l.handle.clone(), Duration::ZERO)).collect();
        queue.change_visibility(&back, now).await;
        leased.iter().map(|l| Envelope::decode(&l.body).unwrap()).collect()
    }

    async fn outcome(&self, id: WriteId) -> Option<Outcome> {
        let row = self.store.table("state").get(&Outcome::key("c-1", id), T0).await.unwrap();
        row.map(|row| Outcome::from_row(&row).unwrap())
    }

    /// Lets the worker settle a write.
    async fn settle(&self, id: WriteId, record_id: Option<&str>) {
        let outcome = self.outcome(id).await.unwrap();
        let version = outcome.version;
        let claim = Change::Claim { owner: "w".to_owned(), effect: Effect::Reconcile };
        let claimed = outcome.apply(claim, T0.plus(Duration::from_secs(1))).unwrap();
        let fence = claimed.fence;
        let change = match record_id {
            Some(id) => {
                Change::Applied { fence, generation: 1, record_id: Some(id.to_owned()), created: None }
            }
            None => Change::Rejected {
                fence,
                fault: Fault::new(Class::Rejected, "REQUIRED_FIELD_MISSING", "Required fields are missing"),
            },
        };
        let settled = claimed.apply(change, T0.plus(Duration::from_secs(1))).unwrap();
        let table = self.store.table("state");
        table.put(&settled.row(), Expect::Version(version), T0).await.unwrap();
    }
}

/// Calls to Salesforce have time; waiting for what nobody will do has none.
fn hard(control: &Control) -> Duration {
    control.deadline.unwrap_or(Duration::from_secs(60))
}

fn secs(n: u64) -> Timestamp {
    T0.plus(Duration::from_secs(n))
}

fn subject(text: &str) -> Write {
    create(json!({"Subject": text}))
}

#[tokio::test]
async fn an_accepted_write_is_in_the_queue_and_on_record_and_replies_with_its_ticket() {
    let rig = rig();
    let taken = rig.take(&subject("A"), &Control::default(), T0).await.unwrap();
    let id = taken.id.unwrap();
    let queued = rig.queued(T0).await;
    assert_eq!(queued.len(), 1);
    assert_eq!((queued[0].id, queued[0].group.as_str(), queued[0].flush), (id, "c-1", false));
    assert_eq!(rig.outcome(id).await.unwrap(), Outcome::accepted(&queued[0]));
    let reply = taken.reply(&subject("A"), true, Format::Native).unwrap();
    assert_eq!(Value::from(reply), json!({"Id": id.as_str(), "tl_id": id.as_str(), "tl_status": "queued"}));
    let bare = taken.reply(&subject("A"), false, Format::Native).unwrap();
    assert_eq!(Value::from(bare), json!({"Id": id.as_str()}));
}

#[tokio::test]
async fn a_repeat_is_the_same_write_and_three_different_ones_are_three() {
    let rig = rig();
    let control = Control::default();
    let mut ids = Vec::new();
    for (at, text) in [(0, "A"), (1, "A"), (2, "B"), (3, "A"), (4, "A"), (95, "A")] {
        let taken = rig.take(&subject(text), &control, secs(at)).await.unwrap();
        ids.push((taken.id.unwrap(), taken.duplicate));
    }
    let [a, again, b, third, fourth, late] = ids[..] else { panic!("six") };
    assert_eq!(again, (a.0, true));
    assert!(!b.1 && b.0 != a.0);
    assert!(!third.1 && third.0 != a.0, "A, B, A are three writes");
    assert_eq!(fourth, (third.0, true));
    assert!(!late.1 && late.0 != third.0, "after the window it is another");
    assert_eq!(rig.queued(secs(95)).await.len(), 4);
}

#[tokio::test]
async fn a_keyed_write_between_two_equal_ones_makes_them_two() {
    let rig = rig();
    let first = rig.take(&subject("A"), &Control::default(), T0).await.unwrap();
    rig.take(&subject("A"), &keyed("k"), secs(1)).await.unwrap();
    let second = rig.take(&subject("A"), &Control::default(), secs(2)).await.unwrap();
    assert!(!second.duplicate && second.id != first.id);
}

#[tokio::test]
async fn a_key_names_one_write_however_late_and_never_another() {
    let rig = rig();
    let first = rig.take(&subject("A"), &keyed("k"), T0).await.unwrap();
    for at in [0, 1, 299, 301, 600] {
        let again = rig.take(&subject("A"), &keyed("k"), secs(at)).await.unwrap();
        assert_eq!((again.id, again.duplicate), (first.id, true), "after {at} s");
    }
    let mismatch = rig.take(&subject("B"), &keyed("k"), secs(2)).await.unwrap_err();
    assert_eq!(mismatch.code, "IDEMPOTENCY_MISMATCH");
    let all = rig.queued(secs(600)).await;
    assert!(all.iter().all(|e| Some(e.id) == first.id), "nothing of the mismatch was accepted");
}

#[tokio::test]
async fn a_repeat_of_a_settled_write_is_answered_and_sends_nothing() {
    let rig = rig();
    let done = rig.take(&subject("A"), &keyed("done"), T0).await.unwrap();
    rig.settle(done.id.unwrap(), Some(CASE)).await;
    let failed = rig.take(&subject("B"), &keyed("failed"), T0).await.unwrap();
    rig.settle(failed.id.unwrap(), None).await;
    let before = rig.queued(secs(400)).await.len();

    let again = rig.take(&subject("A"), &keyed("done"), secs(400)).await.unwrap();
    let reply = again.reply(&subject("A"), true, Format::Native).unwrap();
    assert_eq!(
        (&reply["Id"], &reply["tl_status"], &reply["tl_duplicate"]),
        (&json!(CASE), &json!("succeeded"), &json!("true"))
    );
    let again = rig.take(&subject("B"), &keyed("failed"), secs(400)).await.unwrap();
    let fault = again.reply(&subject("B"), true, Format::Native).unwrap_err();
    assert_eq!(fault.to_string(), "REQUIRED_FIELD_MISSING: Required fields are missing");
    assert_eq!(again.notes()["tl_status"], "failed");
    assert_eq!(rig.queued(secs(400)).await.len(), before);
}

// ── the failure table, as far as acceptance goes ──

#[tokio::test]
async fn row_2_a_lost_answer_of_the_queue_leaves_one_write_and_the_same_reply() {
    let mut rig = rig();
    let queue = rig.store.queue("writes");
    rig.writes.queue = Some(troubled::queue(Arc::clone(&queue), |call| match call {
        Call::Send => Trouble::Mute,
        _ => Trouble::None,
    }));
    let lost = rig.take(&subject("A"), &Control::default(), T0).await.unwrap_err();
    assert_eq!((lost.code.as_str(), lost.class), ("QUEUE_UNAVAILABLE", Class::Retryable));
    rig.writes.queue = Some(queue);
    let repeat = rig.take(&subject("A"), &Control::default(), secs(1)).await.unwrap();
    let queued = rig.queued(secs(1)).await;
    assert_eq!(queued.len(), 1);
    assert_eq!(Some(queued[0].id), repeat.id);
}

#[tokio::test]
async fn row_3_a_write_whose_record_is_missing_is_recorded_by_its_repeat_and_never_set_back() {
    let rig = rig();
    let taken = rig.take(&subject("A"), &keyed("k"), T0).await.unwrap();
    let id = taken.id.unwrap();
    rig.store.table("state").remove(&Outcome::key("c-1", id), T0).await.unwrap();
    rig.take(&subject("A"), &keyed("k"), secs(1)).await.unwrap();
    assert!(rig.outcome(id).await.is_some());
    rig.settle(id, Some(CASE)).await;
    let settled = rig.outcome(id).await;
    rig.take(&subject("A"), &keyed("k"), secs(2)).await.unwrap();
    assert_eq!(rig.outcome(id).await, settled);
}

#[tokio::test]
async fn row_4_without_the_queue_nothing_is_accepted_and_nothing_is_kept() {
    let mut rig = rig();
    rig.writes.queue = Some(troubled::queue(rig.store.queue("writes"), troubled::down));
    let fault = rig.take(&subject("A"), &keyed("k"), T0).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.class), ("QUEUE_UNAVAILABLE", Class::Retryable));
    let fault = rig.take(&subject("B"), &sync(), T0).await.unwrap_err();
    assert_eq!(fault.code, "QUEUE_UNAVAILABLE");
    assert!(rig.asked().is_empty(), "nothing went to Salesforce");
    let kept = rig.store.table("state").list("C#c-1", "W#", None, 10, T0).await.unwrap();
    assert!(kept.is_empty(), "{kept:?}");
}

#[tokio::test]
async fn row_9_a_repeat_of_an_unsettled_write_is_put_into_the_queue_again() {
    let rig = rig();
    let taken = rig.take(&subject("A"), &keyed("k"), T0).await.unwrap();
    // Its message is gone, its record is not: a half-finished attempt leaves that.
    let queue = rig.store.queue("writes");
    let leased = queue.receive(1, Duration::from_secs(60), Duration::ZERO, T0).await.unwrap();
    queue.delete(&[leased[0].handle.clone()], T0).await;
    rig.take(&subject("A"), &keyed("k"), secs(301)).await.unwrap();
    let queued = rig.queued(secs(301)).await;
    assert_eq!(queued.iter().map(|e| Some(e.id)).collect::<Vec<_>>(), [taken.id]);
    assert_eq!(queued[0].accepted_at, T0, "it is as old as it is");
}

#[tokio::test]
async fn row_15_a_write_is_not_dead_before_its_letter_is_kept() {
    let mut rig = rig();
    rig.writes.state = Some(troubled::table(rig.store.table("state"), |call| match call {
        Call::Put(row) if row.key.sort.starts_with("D#") => Trouble::Fails,
        _ => Trouble::None,
    }));
    rig.answers([(400, json!([{"errorCode": "REQUIRED_FIELD_MISSING", "message": "Required: [Subject]"}]))]);
    let taken = rig.take(&subject("A"), &sync(), T0).await.unwrap();
    assert!(matches!(taken.progress, Progress::Failed(_)), "the caller hears of it");
    let outcome = rig.outcome(taken.id.unwrap()).await.unwrap();
    assert_eq!(outcome.status().word(), "sending", "the claim stands and lapses");
    assert_eq!(rig.queued(T0).await.len(), 1, "its message is there for the worker to end it");
}

#[tokio::test]
async fn an_inline_update_of_unknown_effect_holds_later_ones_of_its_record_back() {
    let rig = rig();
    rig.org.loses_the_answer();
    let update = Write::Update { object: "Case".to_owned(), id: CASE.to_owned(), fields: Map::new() };
    rig.take(&update, &sync(), T0).await.unwrap();
    let key = crate::outcome::rows::Unsettled::key("c-1", CASE);
    assert!(rig.store.table("state").get(&key, secs(60)).await.unwrap().is_some());
}

/// Told first, it would let the next write of the contact pass, and a death in between would leave nobody
/// to say that it must wait.
#[tokio::test]
async fn what_came_of_an_update_in_doubt_is_not_told_before_the_next_one_would_wait() {
    let mut rig = rig();
    rig.writes.state = Some(troubled::table(rig.store.table("state"), |call| match call {
        Call::Put(row) if row.key.sort.starts_with("U#") => Trouble::Fails,
        _ => Trouble::None,
    }));
    rig.org.loses_the_answer();
    let update = Write::Update { object: "Case".to_owned(), id: CASE.to_owned(), fields: Map::new() };
    let taken = rig.take(&update, &sync(), T0).await.unwrap();
    let outcome = rig.outcome(taken.id.unwrap()).await.unwrap();
    assert_eq!(outcome.status().word(), "sending", "the claim stands, and the worker finds it out");
}

#[tokio::test]
async fn row_16_without_the_table_writes_are_accepted_and_repeats_recognised() {
    let mut rig = rig();
    rig.writes.state = Some(troubled::table(rig.store.table("state"), troubled::down));
    let named = Control { name: Some("case".to_owned()), ..Control::default() };
    let first = rig.take(&subject("A"), &named, T0).await.unwrap();
    let again = rig.take(&subject("A"), &named, secs(1)).await.unwrap();
    assert_eq!(first.id, again.id);
    let child =
        create(json!({"ParentId": "@{case.Id}", "Description": format!("see {}", first.id.unwrap())}));
    rig.take(&child, &Control::default(), secs(2)).await.unwrap();
    let queued = rig.queued(secs(2)).await;
    assert_eq!(queued.len(), 2);
    assert_eq!((&queued[1].unbound, &queued[1].refs), (&vec!["case".to_owned()], &vec![first.id.unwrap()]));
    // Without a claim nothing is sent, so `sync` waits for the worker as well.
    let control = Control { deadline: Some(Duration::ZERO), ..sync() };
    let taken = rig.take(&subject("C"), &control, secs(3)).await.unwrap();
    assert_eq!(taken.progress, Progress::Queued);
    assert!(rig.asked().is_empty());
}

#[tokio::test]
async fn row_24_an_oversized_write_is_refused_with_its_size() {
    let rig = rig();
    let fault = rig.take(&subject(&"x".repeat(65_536)), &Control::default(), T0).await.unwrap_err();
    assert_eq!(fault.code, "WRITE_TOO_LARGE");
    assert!(rig.queued(T0).await.is_empty());
}

// ── references ──

#[tokio::test]
async fn tickets_and_names_are_bound_at_acceptance_in_texts_as_well() {
    let rig = rig();
    let named = Control { name: Some("case".to_owned()), ..Control::default() };
    let parent = rig.take(&subject("A"), &named, T0).await.unwrap().id.unwrap();
    let post = Write::Post {
        element_type: "FeedItem".to_owned(),
        subject_id: parent.to_string(),
        message_type: "Text".to_owned(),
        text: "see @{case.Id}".to_owned(),
        mention: None,
    };
    rig.take(&post, &Control::default(), secs(1)).await.unwrap();
    let queued = rig.queued(secs(1)).await;
    let Write::Post { subject_id, text, .. } = &queued[1].write else { panic!("a post") };
    assert_eq!((subject_id.as_str(), text.as_str()), (parent.as_str(), format!("see {parent}").as_str()));
    assert_eq!(queued[1].refs, [parent]);
}

#[tokio::test]
async fn references_that_cannot_hold_are_refused_and_nothing_is_accepted() {
    let rig = rig();
    let other = Contact { contact_id: "c-2".to_owned(), ..contact() };
    let elsewhere = rig.take_for(Some(&other), &subject("A"), &Control::default(), T0).await.unwrap();
    let itself = Control { name: Some("me".to_owned()), ..Control::default() };
    for (write, control, code) in [
        (subject("@{nobody.Id}"), Control::default(), "REFERENCE_UNKNOWN"),
        (subject(elsewhere.id.unwrap().as_str()), Control::default(), "REFERENCE_UNKNOWN"),
        (subject("@{me.Id}"), itself, "REFERENCE_TO_ITSELF"),
    ] {
        let fault = rig.take(&write, &control, T0).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.class), (code, Class::Rejected));
    }
    assert_eq!(rig.queued(T0).await.len(), 1);
}

#[tokio::test]
async fn the_chain_of_transfers_is_one_contact() {
    let rig = rig();
    let named = Control { name: Some("case".to_owned()), ..Control::default() };
    rig.take(&subject("A"), &named, T0).await.unwrap();
    let transferred = Contact {
        contact_id: "c-9".to_owned(),
        initial_contact_id: Some("c-1".to_owned()),
        instance_arn: None,
    };
    rig.take_for(Some(&transferred), &subject("@{case.Id}"), &Control::default(), secs(1)).await.unwrap();
    assert!(rig.queued(secs(1)).await.iter().all(|e| e.group == "c-1"));
}

#[tokio::test]
async fn a_read_waits_for_the_record_that_its_ticket_names() {
    let rig = rig();
    let named = Control { name: Some("case".to_owned()), ..Control::default() };
    let id = rig.take(&subject("A"), &named, T0).await.unwrap().id.unwrap();
    let read = |soql: String| Read::Query { soql, shape: Shape::First };
    let asked = read(format!("SELECT Id FROM Case WHERE Id = '{id}' AND ParentId != '@{{case.Id}}'"));
    assert_eq!(rig.writes.resolve(&asked, Some(&contact()), T0).await, Resolved::Pending);
    rig.settle(id, Some(CASE)).await;
    let ready = read(format!("SELECT Id FROM Case WHERE Id = '{CASE}' AND ParentId != '{CASE}'"));
    assert_eq!(rig.writes.resolve(&asked, Some(&contact()), T0).await, Resolved::Ready(ready));
    let stranger = Contact { contact_id: "c-2".to_owned(), ..contact() };
    assert_eq!(rig.writes.resolve(&asked, Some(&stranger), T0).await, Resolved::Pending);
    let plain = read("SELECT Id FROM Case".to_owned());
    assert_eq!(rig.writes.resolve(&plain, None, T0).await, Resolved::Ready(plain));
}

/// The table was down for the moment in which the name was to be noted.
#[tokio::test]
async fn a_name_without_a_note_is_known_by_the_record_of_its_write() {
    let rig = rig();
    let named = Control { name: Some("case".to_owned()), ..Control::default() };
    let id = rig.take(&subject("A"), &named, T0).await.unwrap().id.unwrap();
    let note = crate::outcome::rows::Name::key("c-1", "case");
    rig.store.table("state").remove(&note, T0).await.unwrap();
    rig.settle(id, Some(CASE)).await;
    let query = OutcomeQuery::Name("case".to_owned());
    let found = rig.writes.ask(&query, Some(&contact()), past(), T0).await.unwrap();
    assert_eq!(found.notes(T0)["Id"], CASE);
    let read = |soql: String| Read::Query { soql, shape: Shape::First };
    let asked = read("SELECT Id FROM Case WHERE Id = '@{case.Id}'".to_owned());
    let ready = read(format!("SELECT Id FROM Case WHERE Id = '{CASE}'"));
    assert_eq!(rig.writes.resolve(&asked, Some(&contact()), T0).await, Resolved::Ready(ready));
}

// ── before the reply ──

#[tokio::test]
async fn an_inline_attempt_is_recorded_and_its_message_left_for_the_worker_to_find_done() {
    let rig = rig();
    rig.answers([(201, json!({"id": CASE, "success": true, "errors": []}))]);
    let taken = rig.take(&subject("A"), &sync(), T0).await.unwrap();
    assert_eq!(taken.progress, Progress::Done(Written::Created { id: CASE.to_owned() }));
    let outcome = rig.outcome(taken.id.unwrap()).await.unwrap();
    assert_eq!((outcome.status().word(), outcome.record_id.as_deref()), ("succeeded", Some(CASE)));
    assert_eq!(rig.queued(T0).await.len(), 1);
    // The repeat is answered from the record.
    let again = rig.take(&subject("A"), &sync(), secs(1)).await.unwrap();
    assert_eq!((again.duplicate, again.progress), (true, taken.progress));
    assert_eq!(rig.asked().len(), 1);
}

#[tokio::test]
async fn an_inline_create_carries_its_identity_and_knows_its_own_duplicate() {
    let rig = rig();
    let task = Write::Create { object: "Task".to_owned(), fields: Map::new() };
    rig.answers([(
        400,
        json!([{
            "errorCode": "DUPLICATE_VALUE",
            "message": format!("duplicate value found: WriteKey__c duplicates value on record with id: {CASE}")
        }]),
    )]);
    let taken = rig.take(&task, &sync(), T0).await.unwrap();
    assert_eq!(taken.progress, Progress::Done(Written::Created { id: CASE.to_owned() }));
    assert_eq!(rig.asked()[0].1["WriteKey__c"], taken.id.unwrap().as_str());
}

/// Nobody would use the claim, and when it lapses the create would be in doubt, unsent.
#[tokio::test]
async fn an_inline_claim_whose_answer_is_lost_is_found_to_stand() {
    let mut rig = rig();
    rig.writes.state = Some(troubled::table(rig.store.table("state"), |call| match call {
        Call::Put(row) if row.key.sort.starts_with("W#") && row.version == 2 => Trouble::Mute,
        _ => Trouble::None,
    }));
    rig.answers([(201, json!({"id": CASE, "success": true}))]);
    let taken = rig.take(&subject("A"), &sync(), T0).await.unwrap();
    assert_eq!(taken.progress, Progress::Done(Written::Created { id: CASE.to_owned() }));
    assert_eq!(rig.outcome(taken.id.unwrap()).await.unwrap().status().word(), "succeeded");
}

/// The claim goes, and not what was known before it.
#[tokio::test]
async fn a_claim_that_is_given_back_leaves_what_was_known_of_its_write() {
    let mut rig = rig();
    let update = Write::Update { object: "Case".to_owned(), id: CASE.to_owned(), fields: Map::new() };
    rig.org.loses_the_answer();
    let id = rig.take(&update, &keyed_sync("k"), T0).await.unwrap().id.unwrap();
    let before = rig.outcome(id).await.unwrap();
    rig.writes.queue = Some(troubled::queue(rig.store.queue("writes"), troubled::down));
    let fault = rig.take(&update, &keyed_sync("k"), secs(2)).await.unwrap_err();
    assert_eq!(fault.code, "QUEUE_UNAVAILABLE");
    let after = rig.outcome(id).await.unwrap();
    assert_eq!((after.status().word(), after.doubt, after.attempts), ("retrying", before.doubt, 1));
}

/// Law 4: whoever configured the field is to blame, and the worker waits for him.
#[tokio::test]
async fn an_inline_create_whose_key_field_is_missing_is_left_to_the_worker() {
    let rig = rig();
    let task = Write::Create { object: "Task".to_owned(), fields: Map::new() };
    let message = "No such column 'WriteKey__c' on sobject of type Task";
    rig.answers([(400, json!([{"errorCode": "INVALID_FIELD", "message": message}]))]);
    let taken = rig.take(&task, &sync(), T0).await.unwrap();
    assert_eq!(taken.progress, Progress::Queued);
    let outcome = rig.outcome(taken.id.unwrap()).await.unwrap();
    assert_eq!((outcome.status().word(), outcome.attempts), ("retrying", 0));
    assert_eq!(rig.queued(T0).await.len(), 1);
}

/// R6, also before the reply.
#[tokio::test]
async fn an_inline_delete_that_finds_its_record_gone_after_doubt_is_done() {
    let rig = rig();
    let delete = Write::Delete { object: "Case".to_owned(), id: CASE.to_owned() };
    rig.org.loses_the_answer();
    let first = rig.take(&delete, &sync(), T0).await.unwrap();
    assert_eq!(first.progress, Progress::Queued);
    rig.answers([(404, json!([{"errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}]))]);
    let again = rig.take(&delete, &sync(), secs(2)).await.unwrap();
    assert_eq!((again.id, again.progress), (first.id, Progress::Done(Written::Deleted)));
}

#[tokio::test]
async fn an_inline_refusal_is_raised_and_leaves_a_dead_letter() {
    let rig = rig();
    rig.answers([(400, json!([{"errorCode": "REQUIRED_FIELD_MISSING", "message": "Required: [Subject]"}]))]);
    let taken = rig.take(&subject("A"), &sync(), T0).await.unwrap();
    let fault = taken.reply(&subject("A"), true, Format::Native).unwrap_err();
    assert_eq!(fault.to_string(), "REQUIRED_FIELD_MISSING: Required: [Subject]");
    let id = taken.id.unwrap();
    let letter = rig.store.table("state").get(&DeadLetter::key("c-1", id), T0).await.unwrap().unwrap();
    let letter = DeadLetter::from_row(&letter).unwrap();
    assert_eq!(letter.fault.code, "REQUIRED_FIELD_MISSING");
    assert_eq!(letter.envelope["id"], id.as_str());
}

#[tokio::test]
async fn an_inline_attempt_without_an_answer_is_left_to_the_worker_in_doubt() {
    let rig = rig();
    rig.org.loses_the_answer();
    let taken = rig.take(&subject("A"), &sync(), T0).await.unwrap();
    assert_eq!(taken.progress, Progress::Queued);
    assert_eq!(rig.outcome(taken.id.unwrap()).await.unwrap().status().word(), "in_doubt");
    // Its repeat does not send it again.
    let control = Control { deadline: Some(Duration::ZERO), ..sync() };
    let again = rig.take(&subject("A"), &control, secs(1)).await.unwrap();
    assert_eq!((again.id, again.duplicate, again.progress), (taken.id, true, Progress::Queued));
    assert_eq!(rig.asked().len(), 1);
}

#[tokio::test]
async fn an_inline_attempt_waits_behind_earlier_writes_of_its_contact() {
    let rig = rig();
    rig.take(&subject("A"), &Control::default(), T0).await.unwrap();
    let control = Control { deadline: Some(Duration::ZERO), ..sync() };
    let taken = rig.take(&subject("B"), &control, secs(1)).await.unwrap();
    assert_eq!(taken.progress, Progress::Queued);
    assert!(rig.asked().is_empty(), "it must not overtake");
    assert_eq!(rig.queued(secs(1)).await.len(), 2);
}

#[tokio::test]
async fn an_inline_upsert_tells_its_repeat_whether_it_made_the_record() {
    let rig = rig();
    let upsert = Write::Upsert {
        object: "Case".to_owned(),
        external_field: "Number__c".to_owned(),
        external_id: "7".to_owned(),
        fields: Map::new(),
    };
    rig.answers([(201, json!({"id": CASE, "success": true, "created": true}))]);
    let taken = rig.take(&upsert, &sync(), T0).await.unwrap();
    let stamp = rig.store.table("cache").get(&Stamp::key(CASE), T0).await.unwrap();
    assert!(stamp.is_some(), "readers are told");
    let again = rig.take(&upsert, &sync(), secs(1)).await.unwrap();
    assert!(again.duplicate && rig.asked().len() == 1);
    for taken in [taken, again] {
        let reply = taken.reply(&upsert, false, Format::Native).unwrap();
        assert_eq!(Value::from(reply), json!({"Id": CASE, "Created": true}));
    }
}

/// Its outcome does not tell later reads of the contact that it succeeded.
#[tokio::test]
async fn a_success_that_could_not_be_recorded_is_stamped() {
    let mut rig = rig();
    let of_contact = Stamp::key(&Stamp::of_contact("c-1"));
    let stamped = async |rig: &Rig| rig.store.table("cache").get(&of_contact, T0).await.unwrap().is_some();
    rig.answers((1..=2).map(|n| (201, json!({"id": format!("500{n:015}"), "success": true}))));
    assert!(matches!(rig.take(&subject("A"), &sync(), T0).await.unwrap().progress, Progress::Done(_)));
    assert!(!stamped(&rig).await, "its outcome tells of it");
    rig.writes.state = Some(troubled::table(rig.store.table("state"), |call| match call {
        Call::Put(row) if row.key.sort.starts_with("W#") && row.version > 2 => Trouble::Fails,
        _ => Trouble::None,
    }));
    assert!(matches!(rig.take(&subject("B"), &sync(), secs(1)).await.unwrap().progress, Progress::Done(_)));
    assert!(stamped(&rig).await);
}

#[tokio::test]
async fn an_inline_attempt_keeps_the_pace_of_the_fleet_and_leaves_its_write_to_the_worker() {
    let mut rig = rig();
    // One call a second: 39 in a window of a minute, the edges and the reads' part taken off.
    rig.writes.rate = Some(1.0);
    rig.answers((0..39).map(|n| (201, json!({"id": format!("500{n:015}"), "success": true}))));
    let soon = Control { deadline: Some(Duration::ZERO), ..sync() };
    let mut queued = 0;
    for n in 0..50 {
        let one = Contact { contact_id: format!("c-{n}"), ..contact() };
        let control = if n < 39 { sync() } else { soon.clone() };
        let taken = rig.take_for(Some(&one), &subject("A"), &control, T0).await.unwrap();
        queued += usize::from(taken.progress == Progress::Queued);
    }
    assert_eq!((rig.asked().len(), queued), (39, 11));
    // The next minute has room again; where nobody could take over, the call is refused.
    rig.answers([(201, json!({"id": CASE, "success": true}))]);
    rig.take(&subject("B"), &sync(), secs(60)).await.unwrap();
    rig.writes.queue = None;
    rig.writes.rate = Some(0.000_1);
    let full = rig.take(&subject("C"), &sync(), secs(61)).await.unwrap_err();
    assert_eq!((full.code.as_str(), rig.asked().len()), ("WRITE_PACE", 40));
}

#[tokio::test]
async fn near_the_daily_limit_inline_writes_wait_and_reads_keep_the_rest() {
    let rig = rig();
    rig.org.tells_usage(4_800, 5_000);
    rig.answers([(201, json!({"id": CASE, "success": true}))]);
    rig.take(&subject("A"), &sync(), T0).await.unwrap();
    let control = Control { deadline: Some(Duration::ZERO), ..sync() };
    let taken = rig.take(&subject("B"), &control, secs(1)).await.unwrap();
    assert_eq!((taken.progress, rig.asked().len()), (Progress::Queued, 1));
}

#[tokio::test]
async fn a_sensitive_field_is_neither_queued_nor_kept() {
    let rig = rig();
    rig.answers([(201, json!({"id": CASE, "success": true})), (201, json!({"id": CASE, "success": true}))]);
    let fields = json!({"LastName": "Example", "SSN__c": "canary-078-05-1120"});
    let Value::Object(fields) = fields else { panic!("an object") };
    let write = Write::Create { object: "Contact".to_owned(), fields };
    let queue = Control { mode: Some(Mode::Queue), ..Control::default() };
    let taken = rig.take(&write, &queue, T0).await.unwrap();
    assert!(matches!(taken.progress, Progress::Done(_)), "sensitive means synchronous");
    let taken = rig.take(&write, &keyed("k"), T0).await.unwrap();
    assert!(taken.id.is_some());
    assert!(rig.queued(T0).await.is_empty());
    let rows = rig.store.table("state").list("C#c-1", "", None, 100, T0).await.unwrap();
    assert!(rows.iter().all(|row| !String::from_utf8_lossy(&row.data).contains("canary")));
    // The repeat of the keyed one is known and sends nothing.
    assert!(rig.take(&write, &keyed("k"), secs(1)).await.unwrap().duplicate);
    assert_eq!(rig.asked().len(), 2);
}

/// Salesforce quotes what it refuses; whoever asked hears it, and nothing of it is kept.
#[tokio::test]
async fn what_is_said_of_a_sensitive_write_is_told_and_not_kept() {
    let rig = rig();
    let Value::Object(fields) = json!({"SSN__c": "canary-078-05-1120"}) else { unreachable!() };
    let write = Write::Create { object: "Contact".to_owned(), fields };
    let message = "Number: bad value: canary-078-05-1120";
    rig.answers([(400, json!([{"errorCode": "INVALID_NUMBER", "message": message}]))]);
    let first = rig.take(&write, &keyed("k"), T0).await.unwrap();
    let told = first.reply(&write, true, Format::Native).unwrap_err();
    assert_eq!(told.message, message);
    let rows = rig.store.table("state").list("C#c-1", "", None, 100, T0).await.unwrap();
    assert!(rows.iter().all(|row| !String::from_utf8_lossy(&row.data).contains("canary")));
    let again = rig.take(&write, &keyed("k"), secs(1)).await.unwrap();
    let told = again.reply(&write, true, Format::Native).unwrap_err();
    assert_eq!(told.code, "INVALID_NUMBER");
    assert!(told.message.contains("TIELINE_SENSITIVE_FIELDS"), "{told}");
}

#[tokio::test]
async fn a_sensitive_value_that_names_a_record_is_not_even_hashed() {
    use crate::envelope::id::canonical_hash;

    let rig = rig();
    let upsert = Write::Upsert {
        object: "Contact".to_owned(),
        external_field: "SSN__c".to_owned(),
        external_id: "canary-078-05-1120".to_owned(),
        fields: Map::new(),
    };
    let update = Write::Update {
        object: "Contact/SSN__c".to_owned(),
        id: "canary-078-05-1120".to_owned(),
        fields: Map::new(),
    };
    rig.answers([(201, json!({"id": CASE, "success": true, "created": true})), (204, Value::Null)]);
    let (far, control) = (Deadline::after(Duration::from_secs(60)), keyed("k"));
    let mut ids = Vec::new();
    for (write, value) in [(&upsert, "sf_external_id"), (&update, "sf_id")] {
        let Value::Object(parameters) = json!({"sf_object": "Contact", value: "canary-078-05-1120"}) else {
            unreachable!()
        };
        let contact = contact();
        let asked = Asked {
            write,
            contact: Some(&contact),
            parameters: &parameters,
            control: &control,
            unique: "request-1",
            traceparent: None,
        };
        let taken = rig.writes.carry(&asked, past(), far, T0).await.unwrap();
        assert!(matches!(taken.progress, Progress::Done(_)));
        ids.push(taken.id);
    }
    let Value::Object(bare) = json!({"sf_object": "Contact"}) else { unreachable!() };
    assert_eq!(rig.outcome(ids[0].unwrap()).await.unwrap().hash, canonical_hash(&bare));
    assert_eq!(ids[1], None, "a record that is named in upstream's way is not remembered");
    let rows = rig.store.table("state").list("C#c-1", "", None, 100, T0).await.unwrap();
    assert!(rows.iter().all(|row| !String::from_utf8_lossy(&row.data).contains("canary")));
}

/// What cannot wait in the queue is told why, and what to do.
#[tokio::test]
async fn a_write_that_is_not_sent_before_its_reply_says_why() {
    let mut rig = rig();
    let Value::Object(fields) = json!({"SSN__c": "1"}) else { unreachable!() };
    let sensitive = Write::Create { object: "Contact".to_owned(), fields };
    rig.take(&subject("A"), &Control::default(), T0).await.unwrap();
    let fault = rig.take(&sensitive, &keyed("k"), secs(1)).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.class), ("EARLIER_WRITES_PENDING", Class::Retryable));
    assert!(fault.message.contains("`outcome`"), "{fault}");

    rig.writes.queue = None;
    let parent = rig.take_dead(&subject("B"), secs(2)).await;
    let child = subject(parent.as_str());
    let fault = rig.take(&child, &Control::default(), secs(3)).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.class), ("DEPENDENCY_FAILED", Class::Rejected));
    assert!(fault.message.contains(parent.as_str()) && fault.message.contains("(REJECTED)"), "{fault}");

    rig.writes.state = Some(troubled::table(rig.store.table("state"), troubled::down));
    let fault = rig.take(&sensitive, &keyed("k"), secs(4)).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.class), ("STATE_UNAVAILABLE", Class::Retryable));
}

#[tokio::test]
async fn a_sensitive_update_of_unknown_effect_holds_later_ones_of_its_record_back() {
    let rig = rig();
    let Value::Object(fields) = json!({"SSN__c": "canary-078-05-1120"}) else { unreachable!() };
    let update = Write::Update { object: "Contact".to_owned(), id: CASE.to_owned(), fields };
    rig.org.loses_the_answer();
    let taken = rig.take(&update, &keyed("k"), T0).await.unwrap();
    assert!(matches!(taken.progress, Progress::Failed(_)));
    assert!(rig.outcome(taken.id.unwrap()).await.is_none(), "nobody takes it over");
    let key = crate::outcome::rows::Unsettled::key("c-1", CASE);
    assert!(rig.store.table("state").get(&key, secs(60)).await.unwrap().is_some());
}

#[tokio::test]
async fn without_a_queue_what_was_not_applied_leaves_no_trace_and_doubt_is_never_sent_twice() {
    let mut rig = rig();
    rig.writes.queue = None;
    rig.answers([(503, json!([{"errorCode": "SERVER_UNAVAILABLE", "message": "down"}]))]);
    let first = rig.take(&subject("A"), &Control::default(), T0).await.unwrap();
    assert!(matches!(first.progress, Progress::Failed(_)));
    let doubtful = matches!(&first.progress, Progress::Failed(f) if f.class == Class::Unknown);
    rig.org.loses_the_answer();
    let second = rig.take(&subject("B"), &Control::default(), secs(1)).await.unwrap();
    assert!(matches!(second.progress, Progress::Failed(_)));
    let repeat = rig.take(&subject("B"), &Control::default(), secs(2)).await.unwrap();
    assert!(repeat.duplicate && matches!(repeat.progress, Progress::Failed(_)));
    assert_eq!(rig.asked().len(), 2, "the doubtful create was not sent again");
    if !doubtful {
        assert!(rig.outcome(first.id.unwrap()).await.is_none());
    }
}

#[tokio::test]
async fn without_anything_configured_a_write_is_upstreams() {
    let mut rig = rig();
    (rig.writes.queue, rig.writes.state, rig.writes.cache) = (None, None, None);
    rig.answers([(204, Value::Null)]);
    let update = Write::Update { object: "Case".to_owned(), id: CASE.to_owned(), fields: Map::new() };
    let taken = rig.take(&update, &Control::default(), T0).await.unwrap();
    assert_eq!(taken.id, None);
    assert_eq!(Value::from(taken.reply(&update, false, Format::Native).unwrap()), json!({"Status": 204}));
}

#[tokio::test]
async fn without_a_contact_two_equal_writes_are_two() {
    let rig = rig();
    rig.answers([(201, json!({"id": CASE, "success": true}))]);
    let taken = rig.take_for(None, &subject("A"), &Control::default(), T0).await.unwrap();
    assert!(matches!(taken.progress, Progress::Done(_)), "without a contact it is synchronous");
    let found =
        rig.writes.ask(&OutcomeQuery::Id(taken.id.unwrap().to_string()), None, past(), T0).await.unwrap();
    assert_eq!(found.notes(T0)["tl_status"], "succeeded");
}

// ── asking ──

fn past() -> Deadline {
    Deadline::after(Duration::ZERO)
}

#[tokio::test]
async fn an_outcome_is_told_by_ticket_by_name_and_for_the_latest() {
    let rig = rig();
    let named = Control { name: Some("case".to_owned()), ..Control::default() };
    let first = rig.take(&subject("A"), &named, T0).await.unwrap().id.unwrap();
    let last = rig.take(&subject("B"), &Control::default(), secs(1)).await.unwrap().id.unwrap();
    rig.settle(first, None).await;
    let ask = |query: OutcomeQuery| {
        let rig = &rig;
        async move { rig.writes.ask(&query, Some(&contact()), past(), secs(2)).await.unwrap().notes(secs(2)) }
    };
    let by_name = ask(OutcomeQuery::Name("case".to_owned())).await;
    assert_eq!(by_name, ask(OutcomeQuery::Id(first.to_string())).await);
    assert_eq!(
        Value::from(by_name),
        json!({
            "tl_id": first.as_str(), "tl_status": "failed", "tl_done": true,
            "tl_error_code": "REQUIRED_FIELD_MISSING", "tl_error_message": "Required fields are missing",
            "tl_attempts": 1, "tl_age_ms": 2000,
        })
    );
    let latest = ask(OutcomeQuery::Latest).await;
    assert_eq!((&latest["tl_id"], &latest["tl_status"]), (&json!(last.as_str()), &json!("queued")));
    let nobody = ask(OutcomeQuery::Name("nobody".to_owned())).await;
    assert_eq!(Value::from(nobody), json!({"tl_status": "unknown", "tl_done": false}));
    let bad = rig.writes.ask(&OutcomeQuery::Id("500x".to_owned()), Some(&contact()), past(), T0).await;
    assert_eq!(bad.unwrap_err().code, "INVALID_TICKET");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_is_answered_as_soon_as_the_worker_is_done() {
    let rig = rig();
    let control =
        Control { mode: Some(Mode::Wait), wait: Some(Duration::from_secs(30)), ..Control::default() };
    let write = subject("A");
    let settle = async {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if let Some(envelope) = rig.queued(T0).await.first() {
                assert!(envelope.flush, "somebody waits for it");
                return rig.settle(envelope.id, Some(CASE)).await;
            }
        }
    };
    let (taken, ()) = tokio::join!(rig.take(&write, &control, T0), settle);
    assert_eq!(taken.unwrap().progress, Progress::Done(Written::Created { id: CASE.to_owned() }));
}
