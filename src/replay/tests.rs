use std::time::Duration;

use serde_json::{Map, json};

use super::*;
use crate::envelope::VERSION;
use crate::event::Write;
use crate::fault::{Class, Fault};
use crate::outcome::rows::Stamp;
use crate::outcome::{Change, Effect, Status};
use crate::store::Message;
use crate::store::sqlite::Sqlite;

const T0: Timestamp = Timestamp::from_millis(1_795_170_000_000);
const CASE: &str = "5005g00000AAAAAAA1";

fn secs(n: u64) -> Timestamp {
    T0.plus(Duration::from_secs(n))
}

struct Rig {
    desk: Desk,
    store: Sqlite,
}

fn rig() -> Rig {
    let store = Sqlite::in_memory().unwrap();
    let desk = Desk {
        state: store.table("state"),
        queue: Some(store.queue("writes")),
        cache: Some(store.table("cache")),
        client: None,
        by: "sam".to_owned(),
    };
    Rig { desk, store }
}

fn write(key: &str, at: u64, write: Write, refs: &[WriteId]) -> Envelope {
    Envelope {
        v: VERSION,
        id: WriteId::keyed("o", "g", key),
        generation: 1,
        org: "o".to_owned(),
        group: "g".to_owned(),
        contact: None,
        write,
        refs: refs.to_vec(),
        unbound: Vec::new(),
        name: None,
        attribute: None,
        hash: "hash".to_owned(),
        flush: true,
        accepted_at: secs(at),
        traceparent: None,
        rest: Map::new(),
    }
}

fn create(subject: &str) -> Write {
    let fields = Map::from_iter([("Subject".to_owned(), json!(subject))]);
    Write::Create { object: "Case".to_owned(), fields }
}

fn update(id: &str) -> Write {
    let fields = Map::from_iter([("Status".to_owned(), json!("Closed"))]);
    Write::Update { object: "Case".to_owned(), id: id.to_owned(), fields }
}

impl Rig {
    /// The write was claimed and refused, or its reference was.
    async fn dies(&self, envelope: &Envelope, reason: Reason) -> DeadLetter {
        let at = envelope.accepted_at.plus(Duration::from_secs(1));
        let outcome = Outcome::accepted(envelope);
        let fault = Fault::new(Class::Rejected, "REQUIRED_FIELD_MISSING", "Required fields are missing");
        let dead = if reason == Reason::Rejected {
            let claimed = outcome.apply(claim(), at).unwrap();
            let fence = claimed.fence;
            claimed.apply(Change::Rejected { fence, fault: fault.clone() }, at).unwrap()
        } else {
            outcome.apply(Change::Bury { reason, fault: fault.clone() }, at).unwrap()
        };
        let letter = DeadLetter {
            id: dead.id,
            group: dead.group.clone(),
            version: 1,
            reason,
            fault,
            failed_at: at,
            attempts: dead.attempts,
            history: dead.history.clone(),
            envelope: serde_json::to_value(envelope).unwrap(),
            edits: Vec::new(),
        };
        self.desk.state.put(&letter.row(), Expect::Absent, at).await.unwrap();
        self.desk.state.put(&dead.row(), Expect::Absent, at).await.unwrap();
        letter
    }

    async fn succeeds(&self, envelope: &Envelope, record: &str) {
        let at = envelope.accepted_at.plus(Duration::from_secs(1));
        let claimed = Outcome::accepted(envelope).apply(claim(), at).unwrap();
        let applied = Change::Applied {
            fence: claimed.fence,
            generation: 1,
            record_id: Some(record.to_owned()),
            created: None,
        };
        let done = claimed.apply(applied, at).unwrap();
        self.desk.state.put(&done.row(), Expect::Anything, at).await.unwrap();
    }

    async fn listed(&self, filter: &Filter) -> Vec<WriteId> {
        let (letters, _) = self.desk.list(filter, None, 1000, secs(1000)).await.unwrap();
        letters.into_iter().map(|letter| letter.id).collect()
    }

    async fn letter(&self, id: WriteId) -> DeadLetter {
        self.desk.show(id, None, secs(1000)).await.unwrap()
    }

    async fn status(&self, id: WriteId) -> Option<(Status, u32)> {
        let found = self.desk.outcome("g", id, secs(1000)).await.unwrap();
        found.map(|(outcome, _)| (outcome.status(), outcome.generation))
    }

    /// Takes everything out of the queue, as a worker that holds it.
    async fn queued(&self) -> Vec<Envelope> {
        let queue = self.store.queue("writes");
        let leased = queue.receive(100, Duration::from_secs(1), Duration::ZERO, secs(2000)).await.unwrap();
        let handles: Vec<_> = leased.iter().map(|l| l.handle.clone()).collect();
        queue.delete(&handles, secs(2000)).await;
        leased.iter().map(|l| Envelope::decode(&l.body).unwrap()).collect()
    }
}

fn claim() -> Change {
    Change::Claim { owner: "w".to_owned(), effect: Effect::UniqueField }
}

const PLAIN: Options = Options { dry: false, overwrite: false };

#[tokio::test]
async fn a_rejected_write_is_edited_replayed_and_its_story_kept() {
    let rig = rig();
    let envelope = write("k", 0, create(""), &[]);
    let letter = rig.dies(&envelope, Reason::Rejected).await;
    let fields =
        Map::from_iter([("Subject".to_owned(), json!("Printer")), ("Origin".to_owned(), json!(null))]);
    let difference = rig.desk.set_fields(&letter, &fields, secs(60)).await.unwrap();
    assert_eq!(difference.changed, ["fields.Subject"]);
    let edited = rig.letter(envelope.id).await;
    let verdicts = rig.desk.replay(&edited, PLAIN, secs(61)).await.unwrap();
    assert_eq!(verdicts, [(envelope.id, Verdict::Replayed { generation: 2 })]);
    let queued = rig.queued().await;
    assert_eq!(queued.len(), 1);
    assert_eq!((queued[0].generation, &queued[0].write), (2, &create("Printer")));
    assert_eq!(rig.status(envelope.id).await, Some((Status::Retrying, 2)));
    assert!(rig.listed(&Filter::default()).await.is_empty());
    let (outcomes, audits) = rig.desk.timeline("g", secs(70)).await.unwrap();
    assert_eq!(outcomes[0].edited_in, 2);
    let told: Vec<_> = audits.iter().map(|a| (a.by.as_str(), a.what.as_str())).collect();
    assert_eq!(told, [("sam", "edited fields.Subject"), ("sam", "replayed as generation 2")]);
    assert!(!format!("{audits:?}").contains("Printer"), "an audit names fields, not what they hold");
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    let rig = rig();
    let letter = rig.dies(&write("k", 0, create("A"), &[]), Reason::Rejected).await;
    let dry = Options { dry: true, ..PLAIN };
    let said = rig.desk.replay(&letter, dry, secs(60)).await.unwrap();
    assert!(rig.queued().await.is_empty());
    assert_eq!(rig.letter(letter.id).await, letter);
    assert_eq!(rig.status(letter.id).await, Some((Status::Failed, 1)));
    assert_eq!(rig.desk.replay(&letter, PLAIN, secs(61)).await.unwrap(), said);
}

#[tokio::test]
async fn an_interrupted_replay_is_finished_by_running_it_again() {
    let mut rig = rig();
    let letter = rig.dies(&write("k", 0, create("A"), &[]), Reason::Rejected).await;
    // The outcome is changed, and then there is no queue to send to.
    let queue = rig.desk.queue.take();
    assert!(rig.desk.replay(&letter, PLAIN, secs(60)).await.is_err());
    assert_eq!(rig.status(letter.id).await.unwrap().1, 2);
    assert_eq!(rig.listed(&Filter::default()).await, [letter.id], "it stays listed until it is sent");
    rig.desk.queue = queue;
    let verdicts = rig.desk.replay(&letter, PLAIN, secs(61)).await.unwrap();
    assert_eq!(verdicts[0].1, Verdict::Finished { generation: 2 });
    assert_eq!(rig.queued().await.len(), 1);
    assert!(rig.listed(&Filter::default()).await.is_empty());
}

#[tokio::test]
async fn a_write_that_dies_again_is_listed_again() {
    let rig = rig();
    let envelope = write("k", 0, create("A"), &[]);
    let letter = rig.dies(&envelope, Reason::Rejected).await;
    rig.desk.replay(&letter, PLAIN, secs(60)).await.unwrap();
    // The worker buries it as it does: over the letter that was sent again.
    let row = rig.desk.state.get(&letter.row().key, secs(61)).await.unwrap().unwrap();
    let again =
        DeadLetter { version: row.version + 1, failed_at: secs(62), ..DeadLetter::from_row(&row).unwrap() };
    rig.desk.state.put(&again.row(), Expect::Anything, secs(62)).await.unwrap();
    // Somebody's late bookkeeping of the first replay must not take it off the list.
    rig.desk.take_off(&letter, "replayed", secs(63)).await.unwrap();
    assert_eq!(rig.listed(&Filter::default()).await, [letter.id]);
}

#[tokio::test]
async fn dependants_are_replayed_with_their_parent_in_their_order() {
    let rig = rig();
    let parent = write("parent", 0, create("A"), &[]);
    let child = write("child", 1, update(parent.id.as_str()), &[parent.id]);
    let grandchild = write("grandchild", 2, create(child.id.as_str()), &[child.id]);
    let stranger = write("stranger", 3, create("B"), &[]);
    // In any order they may have died.
    for envelope in [&grandchild, &child] {
        rig.dies(envelope, Reason::DependencyFailed).await;
    }
    let letter = rig.dies(&parent, Reason::Rejected).await;
    rig.dies(&stranger, Reason::Rejected).await;

    let alone = rig.letter(child.id).await;
    let verdicts = rig.desk.replay(&alone, PLAIN, secs(60)).await.unwrap();
    assert_eq!(verdicts[0], (child.id, Verdict::ParentDead(parent.id)));

    let verdicts = rig.desk.replay(&letter, PLAIN, secs(61)).await.unwrap();
    let ids: Vec<_> = verdicts.iter().map(|(id, verdict)| (*id, verdict.is_sent())).collect();
    assert_eq!(ids, [(parent.id, true), (child.id, true), (grandchild.id, true)]);
    let queued: Vec<_> = rig.queued().await.iter().map(|e| e.id).collect();
    assert_eq!(queued, [parent.id, child.id, grandchild.id]);
    assert_eq!(rig.listed(&Filter::default()).await, [stranger.id]);
}

#[tokio::test]
async fn of_a_list_only_heads_are_replayed_by_themselves() {
    let rig = rig();
    let parent = write("parent", 0, create("A"), &[]);
    let child = write("child", 1, update(parent.id.as_str()), &[parent.id]);
    let letters =
        vec![rig.dies(&child, Reason::DependencyFailed).await, rig.dies(&parent, Reason::Rejected).await];
    let ids: Vec<_> = heads(letters).iter().map(|letter| letter.id).collect();
    assert_eq!(ids, [parent.id]);
}

#[tokio::test]
async fn an_update_is_superseded_by_a_later_one_of_its_contact_and_by_any_change_of_ours() {
    let rig = rig();
    let stale = write("stale", 0, update(CASE), &[]);
    let letter = rig.dies(&stale, Reason::Rejected).await;
    // The same record in its other spelling.
    rig.succeeds(&write("later", 10, update("5005g00000AAAAA"), &[]), CASE).await;
    let verdicts = rig.desk.replay(&letter, PLAIN, secs(60)).await.unwrap();
    assert_eq!(verdicts, [(stale.id, Verdict::Superseded)]);
    let marked = rig.letter(stale.id).await;
    assert_eq!(marked.reason, Reason::Superseded);
    assert!(rig.queued().await.is_empty());
    let over = Options { overwrite: true, ..PLAIN };
    assert!(rig.desk.replay(&marked, over, secs(61)).await.unwrap()[0].1.is_sent());

    let other = rig.dies(&write("other", 20, update("5005g00000BBBBBBB1"), &[]), Reason::Rejected).await;
    let stamp = Stamp { at: secs(30) }.row("5005g00000BBBBBBB1");
    rig.store.table("cache").put(&stamp, Expect::Anything, secs(30)).await.unwrap();
    assert_eq!(rig.desk.replay(&other, PLAIN, secs(62)).await.unwrap()[0].1, Verdict::Superseded);
}

#[tokio::test]
async fn what_came_before_an_update_does_not_supersede_it() {
    let rig = rig();
    // Both are accepted in one breath; the create is carried out after the update was accepted.
    let parent = write("create", 0, create("A"), &[]);
    rig.succeeds(&parent, CASE).await;
    let child = Envelope { accepted_at: T0, ..write("update", 0, update(parent.id.as_str()), &[parent.id]) };
    rig.store.table("cache").put(&Stamp { at: secs(1) }.row(CASE), Expect::Anything, secs(1)).await.unwrap();
    let letter = rig.dies(&child, Reason::Rejected).await;
    assert!(rig.desk.replay(&letter, PLAIN, secs(60)).await.unwrap()[0].1.is_sent());
}

#[tokio::test]
async fn a_write_that_was_carried_out_after_all_is_taken_off_the_list() {
    let rig = rig();
    let envelope = write("k", 0, create("A"), &[]);
    let letter = rig.dies(&envelope, Reason::Rejected).await;
    rig.succeeds(&envelope, CASE).await;
    assert_eq!(rig.desk.replay(&letter, PLAIN, secs(60)).await.unwrap()[0].1, Verdict::AlreadyDone);
    assert!(rig.queued().await.is_empty() && rig.listed(&Filter::default()).await.is_empty());
}

#[tokio::test]
async fn filters_narrow_by_contact_object_code_and_time() {
    let rig = rig();
    let a = rig.dies(&write("a", 0, create("A"), &[]), Reason::Rejected).await.id;
    let task = Write::Create { object: "Task".to_owned(), fields: Map::new() };
    let b = rig.dies(&write("b", 100, task, &[]), Reason::Expired).await.id;
    let other = Envelope { group: "h".to_owned(), ..write("c", 200, create("C"), &[]) };
    let c = rig.dies(&other, Reason::Rejected).await.id;
    let all = Filter::default();
    assert_eq!(rig.listed(&all).await, [a, b, c], "oldest first");
    assert_eq!(rig.listed(&Filter { contact: Some("h".to_owned()), ..all.clone() }).await, [c]);
    assert_eq!(rig.listed(&Filter { object: Some("TASK".to_owned()), ..all.clone() }).await, [b]);
    assert_eq!(rig.listed(&Filter { code: Some("expired".to_owned()), ..all.clone() }).await, [b]);
    let missing = Filter { code: Some("REQUIRED_FIELD_MISSING".to_owned()), ..all.clone() };
    assert_eq!(rig.listed(&missing).await.len(), 3);
    assert_eq!(
        rig.listed(&Filter { since: Some(secs(101)), until: Some(secs(201)), ..all.clone() }).await,
        [b]
    );
    assert_eq!(rig.listed(&Filter { ids: [a, c].into(), ..all.clone() }).await, [a, c]);
    let (first, next) = rig.desk.list(&all, None, 2, secs(1000)).await.unwrap();
    let (rest, end) = rig.desk.list(&all, next, 2, secs(1000)).await.unwrap();
    let ids: Vec<_> = first.iter().chain(&rest).map(|letter| letter.id).collect();
    assert_eq!((ids, end), (vec![a, b, c], None));
}

#[tokio::test]
async fn a_discarded_write_is_given_up_for_good() {
    let rig = rig();
    let letter = rig.dies(&write("k", 0, create("A"), &[]), Reason::Rejected).await;
    rig.desk.discard(&letter, "", secs(60)).await.unwrap();
    assert!(rig.listed(&Filter::default()).await.is_empty());
    let (outcomes, audits) = rig.desk.timeline("g", secs(61)).await.unwrap();
    assert_eq!(outcomes[0].error_code(), Some("DISCARDED"));
    assert_eq!(audits[0].what, "discarded");
}

#[tokio::test]
async fn an_edit_may_not_make_what_could_never_be_sent_and_never_overwrites_another() {
    let rig = rig();
    let letter = rig.dies(&write("k", 0, create("A"), &[]), Reason::Rejected).await;
    let set = |text: &str| Map::from_iter([("Subject".to_owned(), json!(text))]);
    for bad in ["@{case.Id}", letter.id.as_str(), &"x".repeat(70_000)] {
        let refused = rig.desk.set_fields(&letter, &set(bad), secs(60)).await;
        assert!(matches!(refused, Err(DeskError::Refused(_))), "{refused:?}");
    }
    rig.desk.set_fields(&letter, &set("B"), secs(61)).await.unwrap();
    let late = rig.desk.set_fields(&letter, &set("C"), secs(62)).await;
    assert_eq!(late, Err(DeskError::Changed(letter.id)));
    let post = Write::Delete { object: "Case".to_owned(), id: CASE.to_owned() };
    let letter = rig.dies(&write("d", 0, post, &[]), Reason::Rejected).await;
    assert!(matches!(rig.desk.set_fields(&letter, &set("B"), secs(63)).await, Err(DeskError::Refused(_))));
}

#[tokio::test]
async fn the_queues_own_dead_letters_become_records_and_none_is_lost() {
    let rig = rig();
    let dead = rig.store.queue("dead");
    let killer = write("killer", 0, create("A"), &[]);
    let done = Envelope { group: "h".to_owned(), ..write("done", 1, create("B"), &[]) };
    rig.succeeds(&done, CASE).await;
    let newer = json!({"v": VERSION + 1}).to_string();
    let bodies = [
        ("g", killer.encode().unwrap()),
        ("h", done.encode().unwrap()),
        ("i", "garbage".to_owned()),
        ("j", newer),
    ];
    let messages: Vec<_> = bodies
        .iter()
        .map(|(group, body)| Message {
            group: (*group).to_owned(),
            deduplication_id: format!("id-{group}"),
            body: body.clone(),
        })
        .collect();
    for sent in dead.send(&messages, secs(10)).await {
        sent.unwrap();
    }
    let drained = drain(&*dead, &*rig.desk.state, 10, secs(20)).await.unwrap();
    assert_eq!(drained, Drained { buried: 2, settled: 1, left: 1 });
    let depth = dead.depth(secs(20)).await.unwrap();
    assert_eq!(depth.visible + depth.in_flight, 1, "the newer one waits for a newer worker");
    let letter = rig.letter(killer.id).await;
    assert_eq!((letter.reason, rig.status(killer.id).await), (Reason::CrashLoop, Some((Status::Failed, 1))));
    let garbage = rig.letter(WriteId::of_garbage("garbage")).await;
    assert_eq!((garbage.reason, garbage.envelope.as_str()), (Reason::Malformed, Some("garbage")));
    let unfit = rig.desk.replay(&garbage, PLAIN, secs(30)).await.unwrap();
    assert!(matches!(unfit[0].1, Verdict::Unfit(_)));
    assert!(rig.desk.replay(&letter, PLAIN, secs(31)).await.unwrap()[0].1.is_sent());
}

#[tokio::test]
async fn a_purge_leaves_marks_of_the_young_nothing_of_the_old_and_the_unsettled_whole() {
    let rig = rig();
    let canary = "canary-Ann-Example";
    let envelope = write("k", 0, create(canary), &[]);
    rig.dies(&envelope, Reason::Rejected).await;
    rig.succeeds(&write("done", 1, create(canary), &[]), CASE).await;
    let waiting = write("waiting", 2, create("B"), &[]);
    rig.desk.state.put(&Outcome::accepted(&waiting).row(), Expect::Absent, secs(2)).await.unwrap();

    let said = rig.desk.purge("g", true, secs(60)).await.unwrap();
    assert_eq!(said, Purged { removed: 1, emptied: 2, unsettled: 1 });
    assert_eq!(rig.desk.purge("g", false, secs(60)).await.unwrap(), said);
    let rows = rig.desk.rows("g", "", secs(61)).await.unwrap();
    let all: String = rows.iter().map(|row| String::from_utf8_lossy(&row.data).into_owned()).collect();
    assert!(!all.contains(canary) && !all.contains(CASE));
    assert_eq!(
        rig.status(envelope.id).await.unwrap().0,
        Status::Failed,
        "its message, should it come, is not sent"
    );
    assert_eq!(rig.status(waiting.id).await.unwrap().0, Status::Queued);
    let later = secs(15 * 86_400);
    rig.desk.purge("g", false, later).await.unwrap();
    assert_eq!(rig.desk.rows("g", "", later).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_letter_that_waits_for_nobody_holds_no_values() {
    let rig = rig();
    let letter = rig.dies(&write("k", 0, create("canary"), &[]), Reason::Rejected).await;
    rig.desk.discard(&letter, "", secs(10)).await.unwrap();
    let row = rig.desk.state.get(&DeadLetter::key("g", letter.id), secs(11)).await.unwrap().unwrap();
    let left = DeadLetter::from_row(&row).unwrap();
    assert_eq!(left.envelope, json!({"write": {"operation": "create", "object": "Case"}}));
    assert_eq!((left.fault.message.as_str(), left.fault.code.as_str()), ("", "REQUIRED_FIELD_MISSING"));
    let edit = rig.desk.last_edit("g", letter.id, secs(11)).await.unwrap().unwrap();
    assert_eq!((edit.by.as_str(), edit.what.as_str()), ("sam", "discarded"));
}
