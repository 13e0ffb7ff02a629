use std::{fs, path::Path};

use serde_json::{Map, Value, json};

use super::rows::{DeadLetter, Last, Stamp, same_id};
use super::*;
use crate::event::Write;
use crate::fault::{Class, Throttle};

/// Compares a schema with its file; `UPDATE_SCHEMAS=1` writes the file instead.
#[cfg(feature = "local")]
pub(crate) fn assert_schema(name: &str, schema: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.json"));
    let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the product")]
    if std::env::var("UPDATE_SCHEMAS").is_ok() {
        fs::write(&path, &text).unwrap();
    }
    let on_file = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(on_file, text, "schemas/{name}.json is stale: run the tests once with UPDATE_SCHEMAS=1");
}

#[cfg(feature = "local")]
#[test]
fn the_schema_on_file_is_the_schema_of_the_code() {
    assert_schema("outcome", &schema());
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(1_795_170_000_000 + secs * 1000)
}

pub(super) fn new() -> Outcome {
    Outcome::accepted(&Envelope {
        v: 1,
        id: WriteId::keyed("o", "g", "k"),
        generation: 1,
        org: "o".to_owned(),
        group: "g".to_owned(),
        contact: None,
        write: Write::Create { object: "Case".to_owned(), fields: Map::new() },
        refs: Vec::new(),
        unbound: Vec::new(),
        name: None,
        attribute: None,
        hash: "h".to_owned(),
        flush: false,
        accepted_at: at(0),
        traceparent: None,
        rest: Map::new(),
    })
}

fn claim(effect: Effect) -> Change {
    Change::Claim { owner: "w1".to_owned(), effect }
}

fn applied(fence: u64, id: &str) -> Change {
    Change::Applied { fence, generation: 1, record_id: Some(id.to_owned()), created: None }
}

fn lock() -> Fault {
    Fault::new(Class::Retryable, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access")
}

fn cut() -> Fault {
    Fault::new(Class::Unknown, "TIMEOUT", "no answer within 30 s")
}

fn refusal() -> Fault {
    Fault::new(Class::Rejected, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]")
}

fn step(outcome: Outcome, change: Change, now: Timestamp) -> Outcome {
    let version = outcome.version;
    let next = outcome.apply(change, now).unwrap();
    assert_eq!(next.version, version + 1);
    next
}

#[test]
fn the_straight_way() {
    let sending = step(new(), claim(Effect::Reconcile), at(1));
    assert_eq!((sending.status(), sending.fence), (Status::Sending, 1));
    let done = step(sending, applied(1, "500A"), at(2));
    assert_eq!((done.status(), done.record_id.as_deref()), (Status::Succeeded, Some("500A")));
    assert_eq!(done.clone().apply(applied(1, "500A"), at(3)), Err(Illegal::Settled));
    assert_eq!(done.clone().apply(claim(Effect::Reconcile), at(99)), Err(Illegal::Settled));
    assert!(done.history.is_empty() && done.attempts == 0);
}

#[test]
fn r1_a_live_claim_is_not_taken() {
    let sending = step(new(), claim(Effect::Native), at(0));
    assert_eq!(sending.clone().apply(claim(Effect::Native), at(59)), Err(Illegal::Held(at(60))));
    assert_eq!(step(sending, claim(Effect::Native), at(60)).fence, 3);
}

#[test]
fn r1_the_claim_of_an_earlier_owner_of_the_folder_has_lapsed_at_once() {
    let claim = |owner: &str, effect| Change::Claim { owner: owner.to_owned(), effect };
    let first = local_owner(1);
    for holder in [first.clone(), format!("{first}/invoke 8f")] {
        let keyed = step(new(), claim(&holder, Effect::UniqueField), at(0));
        for other in [first.clone(), "local-0".to_owned(), "poller-9".to_owned(), "local-x".to_owned()] {
            let taken = keyed.clone().apply(claim(&other, Effect::UniqueField), at(1));
            assert_eq!(taken, Err(Illegal::Held(at(60))), "{other}");
        }
        let again = step(keyed, claim(&local_owner(2), Effect::UniqueField), at(1));
        assert_eq!((again.status(), again.doubt), (Status::Sending, Some(at(1 + 630))));
    }
    let alone = step(new(), claim(&first, Effect::Reconcile), at(0));
    let waits = step(alone, claim(&local_owner(2), Effect::Reconcile), at(1));
    assert_eq!(waits.state, State::InDoubt { settle_at: at(1 + 630) });
}

#[test]
fn an_upsert_remembers_whether_it_made_its_record_where_that_is_known() {
    let created = |fence, created| Change::Applied {
        fence,
        generation: 1,
        record_id: Some("500A".to_owned()),
        created: Some(created),
    };
    let sending = step(new(), claim(Effect::Native), at(0));
    assert_eq!(step(sending.clone(), created(1, true), at(1)).created, Some(true));
    assert_eq!(step(sending.clone(), created(1, false), at(1)).created, Some(false));
    let again = step(sending, claim(Effect::Native), at(61));
    assert_eq!(step(again.clone(), created(3, false), at(62)).created, None, "the first attempt, perhaps");
    assert_eq!(step(again, created(3, true), at(62)).created, Some(true));
}

#[test]
fn r2_a_lapsed_claim_is_sent_again_only_where_harmless() {
    for effect in [Effect::UniqueField, Effect::Native, Effect::AtLeastOnce] {
        let again = step(step(new(), claim(effect), at(0)), claim(effect), at(61));
        assert_eq!(again.status(), Status::Sending, "{effect:?}");
        assert!(again.doubt.is_some());
    }
    let waits = step(step(new(), claim(Effect::Reconcile), at(0)), claim(Effect::Reconcile), at(61));
    assert_eq!(waits.state, State::InDoubt { settle_at: at(60 + 630) });
    let never = step(step(new(), claim(Effect::AtMostOnce), at(0)), claim(Effect::AtMostOnce), at(61));
    assert_eq!(never.state, State::Dead { reason: Reason::InDoubt });
    // The field was configured after the first attempt: that one carried no key.
    let switched = step(step(new(), claim(Effect::Reconcile), at(0)), claim(Effect::UniqueField), at(61));
    assert_eq!(switched.status(), Status::InDoubt);
}

#[test]
fn r3_success_from_any_fence_failure_from_the_standing_one() {
    let taken_over = step(step(new(), claim(Effect::UniqueField), at(0)), claim(Effect::UniqueField), at(61));
    let stale = Change::Rejected { fence: 1, fault: refusal() };
    assert_eq!(taken_over.clone().apply(stale, at(62)), Err(Illegal::Stale));
    let done = step(taken_over, applied(1, "500A"), at(62));
    assert_eq!(done.status(), Status::Succeeded);
    let doubled = step(done, applied(3, "500B"), at(63));
    assert_eq!((doubled.record_id.as_deref(), &doubled.also[..]), (Some("500A"), &["500B".to_owned()][..]));
    // A refused duplicate names the record by fifteen characters, the late answer by eighteen.
    let short = step(step(new(), claim(Effect::UniqueField), at(0)), applied(1, "5005g00000AAAAA"), at(1));
    let late = short.apply(applied(1, "5005g00000AAAAAAA1"), at(2));
    assert_eq!(late, Err(Illegal::Settled), "one record, and no second effect");
}

#[test]
fn r4_a_rejection_in_doubt_is_verified_first() {
    let sending = step(new(), claim(Effect::UniqueField), at(0));
    let retry = Change::Unknown { fence: 1, fault: cut(), charged: true, retry_at: Some(at(32)) };
    let pending = step(sending, retry, at(30));
    let again = step(pending, claim(Effect::UniqueField), at(32));
    let verifying = step(again, Change::Rejected { fence: 2, fault: refusal() }, at(33));
    assert_eq!(verifying.status(), Status::InDoubt);
    let early = verifying.clone().apply(Change::Absent { fence: 2 }, at(600));
    assert_eq!(early, Err(Illegal::Settling(at(660))));
    let dead = step(verifying.clone(), Change::Absent { fence: 2 }, at(661));
    assert_eq!(dead.state, State::Dead { reason: Reason::Rejected });
    assert_eq!(dead.error_code(), Some("REQUIRED_FIELD_MISSING"));
    assert_eq!(step(verifying, applied(2, "500A"), at(661)).status(), Status::Succeeded);
}

#[test]
fn r5_nothing_is_sent_that_could_outlive_its_claim() {
    assert!(may_send(Duration::ZERO) && may_send(Duration::from_secs(24)));
    assert!(!may_send(Duration::from_secs(25)) && !may_send(Duration::from_secs(600)));
}

#[test]
fn r8_an_update_in_doubt_keeps_its_record_until_settled() {
    let mut update = new();
    update.verb = "update".to_owned();
    let sending = step(update, claim(Effect::Native), at(0));
    let retry = Change::Unknown { fence: 1, fault: cut(), charged: true, retry_at: Some(at(31)) };
    let done =
        step(step(step(sending, retry, at(30)), claim(Effect::Native), at(31)), applied(2, "500A"), at(32));
    assert_eq!(done.unsettled_until(at(40)), Some(at(660)));
    assert_eq!(done.unsettled_until(at(660)), None);
}

#[test]
fn a_postponed_write_costs_no_attempt_and_a_failed_one_does() {
    let daily = Fault::new(Class::Throttled(Throttle::Daily), "REQUEST_LIMIT_EXCEEDED", "TotalRequests");
    let mut outcome = new();
    for n in 0..50 {
        outcome = step(outcome, claim(Effect::Reconcile), at(n * 100));
        let until = at(n * 100 + 99);
        let change = Change::Postponed { fence: outcome.fence, until, fault: Some(daily.clone()) };
        outcome = step(outcome, change, at(n * 100 + 1));
    }
    assert_eq!((outcome.attempts, outcome.history.len(), outcome.status()), (0, 1, Status::Retrying));
    for n in 0..40 {
        outcome = step(outcome, claim(Effect::Reconcile), at(9000 + n));
        let change = Change::Failed { fence: outcome.fence, fault: lock(), retry_at: Some(at(9000 + n)) };
        outcome = step(outcome, change, at(9000 + n));
    }
    assert_eq!((outcome.attempts, outcome.history.len()), (40, HISTORY));
    outcome = step(outcome, claim(Effect::Reconcile), at(9900));
    let last = Change::Failed { fence: outcome.fence, fault: lock(), retry_at: None };
    assert_eq!(step(outcome, last, at(9901)).state, State::Dead { reason: Reason::AttemptsExhausted });
}

#[test]
fn what_kills_its_workers_is_set_aside() {
    let mut outcome = new();
    for n in 0..5 {
        outcome = step(outcome, claim(Effect::UniqueField), at(n * 61));
        assert_eq!(outcome.status(), Status::Sending);
    }
    let suspected = step(outcome, claim(Effect::UniqueField), at(5 * 61));
    assert!(matches!(suspected.state, State::Verifying { reason: Reason::CrashLoop, .. }));
}

#[test]
fn burying_never_hides_a_possible_effect() {
    let fault = Fault::new(Class::Rejected, "EXPIRED", "older than 7 days");
    let bury = Change::Bury { reason: Reason::Expired, fault };
    assert_eq!(step(new(), bury.clone(), at(9)).state, State::Dead { reason: Reason::Expired });
    let sending = step(new(), claim(Effect::Reconcile), at(0));
    assert_eq!(sending.clone().apply(bury.clone(), at(5)), Err(Illegal::Held(at(60))));
    assert_eq!(step(sending, bury, at(61)).state, State::Dead { reason: Reason::InDoubt });
}

#[test]
fn a_replay_is_a_new_generation_and_knows_the_answers_of_the_old() {
    let sending = step(new(), claim(Effect::AtMostOnce), at(0));
    let dead =
        step(sending, Change::Unknown { fence: 1, fault: cut(), charged: true, retry_at: None }, at(30));
    assert_eq!(dead.state, State::Dead { reason: Reason::InDoubt });
    assert_eq!(step(dead.clone(), applied(1, "500A"), at(40)).status(), Status::Succeeded);

    let replayed = step(dead.clone(), Change::Replay { edited: false }, at(50));
    assert_eq!((replayed.generation, replayed.attempts, replayed.status()), (2, 0, Status::Retrying));
    assert_eq!(step(replayed, applied(1, "500A"), at(51)).status(), Status::Succeeded);

    let edited = step(dead.clone(), Change::Replay { edited: true }, at(50));
    let late = step(edited, applied(1, "500A"), at(51));
    assert_eq!((late.status(), late.also.len()), (Status::Retrying, 1), "the edit is still to be sent");

    assert_eq!(new().apply(Change::Replay { edited: false }, at(1)), Err(Illegal::Impossible));
    assert_eq!(step(dead, Change::Discard, at(60)).state, State::Dead { reason: Reason::Discarded });
}

#[test]
fn rows_are_read_as_they_were_written() {
    let outcome = step(new(), claim(Effect::Reconcile), at(0));
    assert_eq!(Outcome::from_row(&outcome.row()), Ok(outcome.clone()));
    assert!(outcome.row().data.len() < 700, "a row above 1 KB costs a second write unit");
    assert!(outcome.row().index.is_none() && outcome.row().expires.is_none());
    let doubt = step(
        outcome.clone(),
        Change::Unknown { fence: 1, fault: cut(), charged: true, retry_at: Some(at(1)) },
        at(1),
    );
    assert_eq!(doubt.row().index.unwrap().0, "DOUBT");
    assert!(step(outcome, applied(1, "500A"), at(2)).row().expires.is_some());
    let mut garbage = doubt.row();
    garbage.data = b"{}".to_vec();
    assert!(Outcome::from_row(&garbage).unwrap_err().to_string().contains("newer"));
    assert_eq!(Stamp::key("500000000000001AAA"), Stamp::key("500000000000001"));
    assert_eq!(same_id("short"), "short");

    let letter = DeadLetter {
        id: doubt.id,
        group: "g".to_owned(),
        version: 1,
        reason: Reason::Rejected,
        fault: refusal(),
        failed_at: at(5),
        attempts: 1,
        history: Vec::new(),
        envelope: json!({"v": 1}),
        edits: Vec::new(),
    };
    assert_eq!(DeadLetter::from_row(&letter.row()), Ok(letter.clone()));
    assert!(letter.row().expires.is_none());
}

#[test]
fn a_repeat_is_the_last_write_and_no_other() {
    let window = Duration::from_secs(90);
    let next = |last: Option<&Last>, hash, other, now| Last::next(last, ("o", "g", hash), other, window, now);
    let a = next(None, "A", None, at(0)).unwrap();
    assert_eq!(next(Some(&a), "A", None, at(89)), Err(a.id));
    assert!(next(Some(&a), "A", None, at(90)).is_ok(), "the window has passed");
    assert!(next(Some(&a), "A", Some(at(5)), at(9)).is_ok(), "a keyed write came between");
    let b = next(Some(&a), "B", None, at(1)).unwrap();
    let a2 = next(Some(&b), "A", None, at(2)).unwrap();
    assert!(a.id != b.id && a.id != a2.id && b.id != a2.id, "A, B, A are three");

    mutants::break_law(Some(mutants::Mutant::DuplicateRule));
    let a = next(None, "A", None, at(0)).unwrap();
    let again = next(Some(&next(Some(&a), "B", None, at(1)).unwrap()), "A", None, at(2)).unwrap();
    mutants::break_law(None);
    assert_eq!(a.id, again.id, "the rule broken, the third write would be lost in the first");
}

/// Each of its characters may take two in a row, or six.
#[test]
fn a_long_text_that_is_no_envelope_fits_into_its_letter_and_says_what_was_cut() {
    for (text, kept) in [("\"".repeat(200_000), 61_440), ("\u{1}".repeat(70_000), 61_440), ("é".into(), 2)] {
        let letter = DeadLetter::of_garbage("g", &text, "it is cut short", at(0));
        let row = letter.row();
        assert!(row.data.len() < crate::store::MAX_ROW, "{}", row.data.len());
        assert_eq!(letter.envelope.as_str().unwrap().len(), kept);
        let cut = format!("the last {} are not kept", text.len() - kept);
        assert_eq!(letter.fault.message.contains(&cut), text.len() > kept, "{}", letter.fault.message);
    }
}
