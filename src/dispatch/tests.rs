use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::fault::{Class, Throttle};
use crate::outcome::Effect;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_795_170_000_000 + ms)
}

fn job(key: Key, group: &str, lane: Lane, object: &str) -> Job {
    Job {
        key,
        group: Arc::from(group),
        lane,
        object: Arc::from(object),
        record: None,
        parents: Vec::new(),
        effect: Effect::UniqueField,
        flush: true,
        sent_at: at(0),
    }
}

fn settings() -> Settings {
    Settings { linger: Duration::from_millis(250), ..Settings::default() }
}

/// A brain that was given these, and what it wants sent first.
fn brain(settings: Settings, jobs: Vec<Job>) -> Brain {
    let mut brain = Brain::new(settings, 7);
    assert!(matches!(brain.poll(at(0)), Some(Action::Lease { .. })));
    brain.on_leased(jobs, at(0));
    brain
}

fn next_call(brain: &mut Brain, now: Timestamp) -> Option<Call> {
    loop {
        match brain.poll(now)? {
            Action::Send(call) => return Some(call),
            // Left unanswered: then it is not asked again.
            Action::Lease { .. } | Action::Alarm(_) | Action::Extend { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Answers a call and does what the brain asks then; gives the verdicts.
fn answer(
    brain: &mut Brain,
    call: &Call,
    fault: Option<Class>,
    reply: Reply,
    now: Timestamp,
) -> Vec<Verdict> {
    let replies = call.shape.keys().map(|key| (key, reply)).collect();
    brain.on_replies(call.number, Report { sent: true, fault }, replies, now);
    let mut verdicts = Vec::new();
    let mut settle = Vec::new();
    brain.outbox.retain(|action| {
        if let Action::Settle { key, verdict } = action {
            settle.push((*key, *verdict));
            verdicts.push(*verdict);
        }
        !matches!(action, Action::Settle { .. } | Action::Alarm(_))
    });
    for (key, verdict) in settle {
        let settled = match verdict {
            Verdict::Applied | Verdict::Rejected | Verdict::Failed { retry_at: None } => Settled::Done,
            Verdict::Postponed { until } if until > now => Settled::Hidden,
            Verdict::Postponed { .. } | Verdict::Unknown { retry_at: Some(_), .. } => Settled::Held,
            _ => Settled::Hidden,
        };
        brain.on_settled(key, settled, now);
    }
    verdicts
}

fn sizes(call: &Call) -> Vec<(Lane, usize)> {
    match &call.shape {
        Shape::Collections(collections) => collections.iter().map(|c| (c.lane, c.keys.len())).collect(),
        Shape::Posts(keys) => vec![(Lane::Post, keys.len())],
        Shape::Single(_) => vec![(Lane::Comment, 1)],
    }
}

#[test]
fn a_thousand_creates_of_a_thousand_contacts_are_one_call() {
    let jobs = (0..1000).map(|n| job(n, &format!("g{n}"), Lane::Create, "Case")).collect();
    let mut brain = brain(settings(), jobs);
    let call = next_call(&mut brain, at(0)).unwrap();
    assert_eq!(sizes(&call), [(Lane::Create, 200); 5]);
    assert!(next_call(&mut brain, at(0)).is_none());
}

#[test]
fn unprotected_creates_are_few_to_a_call_because_all_would_be_in_doubt() {
    let unkeyed = |n| Job { effect: Effect::Reconcile, ..job(n, &format!("g{n}"), Lane::Create, "Case") };
    let mut brain = brain(settings(), (0..60).map(unkeyed).collect());
    assert_eq!(sizes(&next_call(&mut brain, at(0)).unwrap()), [(Lane::Create, 25)]);
}

#[test]
fn lanes_share_a_call_and_types_stand_together() {
    let mut jobs = Vec::new();
    for n in 0..12 {
        jobs.push(job(n, &format!("c{n}"), Lane::Create, ["Task", "Case", "Lead"][n as usize % 3]));
        jobs.push(job(100 + n, &format!("u{n}"), Lane::Update, "Case"));
        jobs.push(job(200 + n, &format!("d{n}"), Lane::Delete, "Case"));
    }
    let mut brain = brain(settings(), jobs.clone());
    let call = next_call(&mut brain, at(0)).unwrap();
    assert_eq!(sizes(&call), [(Lane::Create, 12), (Lane::Update, 12), (Lane::Delete, 12)]);
    let Shape::Collections(collections) = &call.shape else { panic!("{call:?}") };
    let types: Vec<_> = collections[0]
        .keys
        .iter()
        .map(|k| jobs.iter().find(|j| j.key == *k).unwrap().object.to_string())
        .collect();
    let mut sorted = types.clone();
    sorted.sort();
    assert_eq!(types, sorted);
}

#[test]
fn a_collection_holds_at_most_ten_types() {
    let jobs = (0..30).map(|n| job(n, &format!("g{n}"), Lane::Create, &format!("O{}__c", n % 15))).collect();
    let mut brain = brain(settings(), jobs);
    assert_eq!(sizes(&next_call(&mut brain, at(0)).unwrap()), [(Lane::Create, 20), (Lane::Create, 10)]);
}

#[test]
fn upserts_of_two_fields_are_two_collections() {
    let jobs =
        (0..4).map(|n| job(n, &format!("g{n}"), Lane::Upsert, ["Case/A__c", "Case/B__c"][n as usize % 2]));
    let mut brain = brain(settings(), jobs.collect());
    assert_eq!(sizes(&next_call(&mut brain, at(0)).unwrap()), [(Lane::Upsert, 2), (Lane::Upsert, 2)]);
}

#[test]
fn posts_travel_five_hundred_to_a_batch_and_comments_alone() {
    let mut jobs: Vec<_> = (0..600).map(|n| job(n, &format!("g{n}"), Lane::Post, "FeedItem")).collect();
    jobs.push(job(900, "c", Lane::Comment, "FeedComment"));
    let mut brain = brain(settings(), jobs);
    let mut calls: Vec<_> = Vec::new();
    while let Some(call) = next_call(&mut brain, at(0)) {
        calls.push(sizes(&call)[0]);
        answer(&mut brain, &call, None, Reply::Applied, at(0));
    }
    calls.sort_unstable();
    assert_eq!(calls, [(Lane::Post, 100), (Lane::Post, 500), (Lane::Comment, 1)]);
}

#[test]
fn the_width_of_an_object_is_its_own() {
    let settings = Settings { widths: vec![("case".to_owned(), 3)], ..settings() };
    let jobs =
        (0..20).map(|n| job(n, &format!("g{n}"), Lane::Create, ["Case", "Task"][n as usize % 2])).collect();
    let mut brain = brain(settings, jobs);
    assert_eq!(
        sizes(&next_call(&mut brain, at(0)).unwrap()),
        [(Lane::Create, 13), (Lane::Create, 3), (Lane::Create, 3), (Lane::Create, 1)]
    );
}

#[test]
fn nobody_waiting_they_linger_for_company() {
    let quiet = |n| Job { flush: false, ..job(n, &format!("g{n}"), Lane::Create, "Case") };
    let mut brain = brain(settings(), (0..3).map(quiet).collect());
    assert_eq!(next_call(&mut brain, at(0)), None);
    assert_eq!(brain.poll_timeout(at(0)), Some(at(250)));
    assert!(next_call(&mut brain, at(249)).is_none());
    assert_eq!(next_call(&mut brain, at(250)).unwrap().shape.len(), 3);
    brain.on_leased(vec![quiet(10), job(11, "x", Lane::Create, "Case")], at(300));
    assert_eq!(next_call(&mut brain, at(300)).unwrap().shape.len(), 2, "at once when somebody waits");
}

#[test]
fn whoever_waits_hurries_the_writes_before_it_of_its_contact() {
    let patient = |key, group| Job { flush: false, ..job(key, group, Lane::Create, "Case") };
    let mut brain = brain(settings(), vec![patient(1, "a"), patient(2, "a"), patient(3, "b")]);
    assert!(next_call(&mut brain, at(0)).is_none(), "they linger");
    brain.on_leased(vec![job(4, "a", Lane::Create, "Case")], at(1));
    for expected in [&[1, 3][..], &[2], &[4]] {
        let call = next_call(&mut brain, at(1)).unwrap();
        assert_eq!(call.shape.keys().collect::<Vec<_>>(), expected);
        answer(&mut brain, &call, None, Reply::Applied, at(1));
    }
}

#[test]
fn what_comes_while_a_call_is_under_way_travels_together_when_it_is_back() {
    let quiet = |n| Job { flush: false, ..job(n, &format!("g{n}"), Lane::Create, "Case") };
    for (back, then) in [(600, 600), (5_000, 1_050)] {
        let mut brain = brain(settings(), vec![quiet(0)]);
        let first = next_call(&mut brain, at(250)).unwrap();
        for n in 1..4 {
            brain.on_leased(vec![quiet(n)], at(200 + 100 * i64::try_from(n).unwrap()));
        }
        assert_eq!(next_call(&mut brain, at(599)), None, "the oldest has waited its linger, and waits on");
        if back < 1_000 {
            answer(&mut brain, &first, None, Reply::Applied, at(back));
        } else {
            assert_eq!(brain.poll_timeout(at(599)), Some(at(then)), "a slow call is not waited for");
        }
        assert_eq!(next_call(&mut brain, at(then)).unwrap().shape.len(), 3);
    }
}

#[test]
fn of_one_contact_one_write_is_under_way_and_the_next_follows_its_record() {
    let mut brain = brain(settings(), (0..3).map(|n| job(n, "g", Lane::Create, "Case")).collect());
    for n in 0..3 {
        let call = next_call(&mut brain, at(n)).unwrap();
        assert_eq!(call.shape.keys().collect::<Vec<_>>(), [n.unsigned_abs()]);
        let replies = vec![(n.unsigned_abs(), Reply::Applied)];
        brain.on_replies(call.number, Report { sent: true, fault: None }, replies, at(n));
        assert!(matches!(brain.poll(at(n)), Some(Action::Settle { verdict: Verdict::Applied, .. })));
        assert!(!matches!(brain.poll(at(n)), Some(Action::Send(_))), "not before it is recorded");
        brain.on_settled(n.unsigned_abs(), Settled::Done, at(n));
    }
    assert!(brain.is_idle());
}

#[test]
fn those_behind_a_hidden_write_go_back_to_the_queue() {
    let mut brain = brain(settings(), (0..3).map(|n| job(n, "g", Lane::Create, "Case")).collect());
    let call = next_call(&mut brain, at(0)).unwrap();
    let lock = Reply::Fault { class: Class::Retryable, attempts: 0, company: 1 };
    let verdicts = answer(&mut brain, &call, None, lock, at(0));
    assert!(matches!(verdicts[..], [Verdict::Failed { retry_at: Some(_) }]), "{verdicts:?}");
    assert_eq!(brain.poll(at(0)), Some(Action::Release { keys: vec![1, 2] }));
    assert_eq!(brain.held(), 0);
}

#[test]
fn a_record_is_in_one_call_once_and_children_of_one_parent_in_one_call() {
    let update =
        |n| Job { record: Some(Arc::from("500A")), ..job(n, &format!("u{n}"), Lane::Update, "Case") };
    let child =
        |n| Job { parents: vec![Arc::from("001A")], ..job(n, &format!("c{n}"), Lane::Create, "Contact") };
    let mut brain = brain(settings(), vec![update(1), update(2), child(3), child(4)]);
    let first = next_call(&mut brain, at(0)).unwrap();
    assert_eq!(first.shape.len(), 3, "one of the updates must wait: {first:?}");
    brain.on_leased(vec![child(5)], at(1));
    assert_eq!(next_call(&mut brain, at(1)), None, "its sisters are under way");
    assert_eq!(brain.poll_timeout(at(1)).unwrap(), at(20_000), "and it is not asked in a circle");
    answer(&mut brain, &first, None, Reply::Applied, at(2));
    assert_eq!(next_call(&mut brain, at(2)).unwrap().shape.len(), 2);
}

#[test]
fn an_outage_burns_no_attempt_and_at_its_end_everything_goes_at_once() {
    let mut brain =
        brain(settings(), (0..300).map(|n| job(n, &format!("g{n}"), Lane::Create, "Case")).collect());
    let down = Reply::Fault { class: Class::Retryable, attempts: 0, company: 300 };
    let mut now = 0;
    for _ in 0..2 {
        let call = next_call(&mut brain, at(now)).unwrap();
        assert!(
            answer(&mut brain, &call, Some(Class::Retryable), down, at(now))
                .iter()
                .all(|v| matches!(v, Verdict::Postponed { .. }))
        );
    }
    assert_eq!(brain.closed().map(|(why, _)| why), Some(Closed::Failing));
    for step in [1, 2, 4, 8, 16, 30, 30, 30] {
        assert_eq!(next_call(&mut brain, at(now + step * 1000 - 1)), None);
        now += step * 1000;
        let probe = next_call(&mut brain, at(now)).unwrap();
        assert_eq!(probe.shape.len(), 1);
        let alone = Reply::Fault { class: Class::Unknown, attempts: 0, company: 1 };
        let verdicts = answer(&mut brain, &probe, Some(Class::Unknown), alone, at(now));
        assert!(matches!(verdicts[..], [Verdict::Unknown { charged: false, retry_at: Some(_) }]));
    }
    now += 30_000;
    let probe = next_call(&mut brain, at(now)).unwrap();
    answer(&mut brain, &probe, None, Reply::Applied, at(now));
    let mut drained = 1;
    let mut calls = 0;
    while let Some(call) = next_call(&mut brain, at(now)) {
        drained += call.shape.len();
        calls += 1;
        answer(&mut brain, &call, None, Reply::Applied, at(now));
    }
    assert_eq!(drained, 300);
    assert!(calls < 20, "{calls} calls");
}

#[test]
fn one_write_that_breaks_every_call_it_is_in_is_found_and_its_neighbours_pass() {
    let poison = 77;
    let mut brain =
        brain(settings(), (0..256).map(|n| job(n, &format!("g{n}"), Lane::Create, "Case")).collect());
    let mut now = 0;
    let mut applied = 0;
    let mut attempts = 0;
    let mut calls = 0;
    let mut neighbour = 1000;
    while attempts < 12 {
        assert!(calls < 200, "{applied} applied, {attempts} attempts");
        let Some(call) = next_call(&mut brain, at(now)) else {
            now += 500;
            continue;
        };
        calls += 1;
        let n = call.shape.len();
        if call.shape.keys().any(|key| key == poison) {
            let reply = Reply::Fault { class: Class::Unknown, attempts, company: n };
            for verdict in answer(&mut brain, &call, Some(Class::Unknown), reply, at(now)) {
                let Verdict::Unknown { charged, retry_at } = verdict else { panic!("{verdict:?}") };
                attempts += u32::from(charged);
                assert!(!charged || n == 1, "only what fails alone is to blame");
                assert_eq!(retry_at.is_none(), charged && attempts == 12);
            }
            // The flow of other writes goes on: by them it is seen that the line works.
            neighbour += 1;
            brain.on_leased(vec![job(neighbour, &format!("g{neighbour}"), Lane::Create, "Case")], at(now));
        } else {
            applied += n;
            answer(&mut brain, &call, None, Reply::Applied, at(now));
        }
        now += 1;
        if applied >= 255 && attempts == 0 {
            assert!(calls < 60, "{calls} calls until the neighbours had passed");
        }
    }
}

#[test]
fn a_refused_call_is_split_until_the_refused_write_stands_alone() {
    let mut brain =
        brain(settings(), (0..64).map(|n| job(n, &format!("g{n}"), Lane::Create, "Case")).collect());
    let mut rejected = 0;
    let mut applied = 0;
    while let Some(call) = next_call(&mut brain, at(0)) {
        let n = call.shape.len();
        if call.shape.keys().any(|key| key == 5) {
            let reply = Reply::Fault { class: Class::Rejected, attempts: 0, company: n };
            let verdicts = answer(&mut brain, &call, Some(Class::Rejected), reply, at(0));
            rejected += verdicts.iter().filter(|v| **v == Verdict::Rejected).count();
        } else {
            applied += n;
            answer(&mut brain, &call, None, Reply::Applied, at(0));
        }
    }
    assert_eq!((rejected, applied), (1, 63));
}

#[test]
fn a_limit_of_one_record_is_not_met_again_at_once() {
    let mut one = brain(settings(), vec![job(1, "g", Lane::Create, "Case")]);
    let call = next_call(&mut one, at(0)).unwrap();
    let full = Reply::Fault { class: Class::Throttled(Throttle::Other), attempts: 0, company: 1 };
    let verdicts = answer(&mut one, &call, None, full, at(0));
    assert!(matches!(verdicts[..], [Verdict::Postponed { until }] if until > at(30_000)), "{verdicts:?}");
    assert!(one.closed().is_none(), "others go on");
}

#[test]
fn what_is_only_ever_hidden_ends_on_its_last_day() {
    let hidden = |now| {
        let mut one = brain(settings(), vec![job(1, "g", Lane::Create, "Case")]);
        let call = next_call(&mut one, at(0)).unwrap();
        answer(&mut one, &call, None, Reply::Hidden, now)
    };
    assert_eq!(hidden(at(12 * 86_400_000)), []);
    assert_eq!(hidden(at(13 * 86_400_000)), [Verdict::Expired]);
}

#[test]
fn records_named_by_an_external_id_go_alone_and_wait_for_no_limit_of_chatter() {
    let named = |key: Key| job(key, &format!("g{key}"), Lane::Named, "Contact/Number__c");
    let comment = job(3, "h", Lane::Comment, "FeedComment");
    let mut both = brain(settings(), vec![named(1), named(2), comment]);
    let limit = Class::Throttled(Throttle::Chatter);
    let first = next_call(&mut both, at(0)).unwrap();
    assert_eq!(first.shape, Shape::Single(3));
    answer(&mut both, &first, Some(limit), Reply::Fault { class: limit, attempts: 0, company: 1 }, at(0));
    for key in [1, 2] {
        let call = next_call(&mut both, at(0)).unwrap();
        assert_eq!(call.shape, Shape::Single(key));
        answer(&mut both, &call, None, Reply::Applied, at(0));
    }
    assert!(next_call(&mut both, at(0)).is_none(), "the comment waits");
}

#[test]
fn attempts_and_age_end_a_write_that_fails_by_itself() {
    let lock = |attempts| Reply::Fault { class: Class::Retryable, attempts, company: 1 };
    let mut one = brain(settings(), vec![job(1, "g", Lane::Create, "Case")]);
    let call = next_call(&mut one, at(0)).unwrap();
    assert_eq!(answer(&mut one, &call, None, lock(11), at(0)), [Verdict::Failed { retry_at: None }]);

    let week = at(604_800_000);
    let mut old = brain(settings(), vec![job(1, "g", Lane::Create, "Case")]);
    let call = next_call(&mut old, week).unwrap();
    let verdicts = answer(&mut old, &call, None, lock(0), week);
    assert!(matches!(verdicts[..], [Verdict::Failed { retry_at: Some(_) }]), "an outage kept it from trying");
    let mut old = brain(settings(), vec![job(1, "g", Lane::Create, "Case")]);
    let call = next_call(&mut old, week).unwrap();
    assert_eq!(answer(&mut old, &call, None, lock(2), week), [Verdict::Failed { retry_at: None }]);

    let mut waiting = brain(settings(), vec![job(1, "g", Lane::Create, "Case")]);
    let call = next_call(&mut waiting, at(0)).unwrap();
    let ours = Reply::Fault { class: Class::Ours, attempts: 0, company: 1 };
    answer(&mut waiting, &call, Some(Class::Ours), ours, at(0));
    assert_eq!(waiting.closed().map(|(why, _)| why), Some(Closed::Ours));
    let day_13 = at(13 * 86_400_000);
    let expired = std::iter::from_fn(|| waiting.poll(day_13))
        .any(|a| matches!(a, Action::Settle { verdict: Verdict::Expired, .. }));
    assert!(expired, "the queue would drop it tomorrow");
}

#[test]
fn stopping_gives_everything_back_that_is_not_under_way() {
    let mut jobs: Vec<_> = (0..3).map(|n| job(n, "g", Lane::Create, "Case")).collect();
    jobs.push(job(9, "h", Lane::Create, "Case"));
    let mut brain = brain(Settings { concurrency: 1, ..settings() }, jobs);
    let call = next_call(&mut brain, at(0)).unwrap();
    assert_eq!(call.shape.len(), 2);
    brain.stop();
    assert_eq!(brain.poll(at(0)), Some(Action::Release { keys: vec![2, 1] }));
    answer(&mut brain, &call, None, Reply::Applied, at(1));
    assert!(brain.is_idle());
    assert_eq!(brain.poll(at(2)), None);
    brain.on_leased(vec![job(20, "late", Lane::Create, "Case")], at(3));
    assert_eq!(brain.poll(at(3)), Some(Action::Release { keys: vec![20] }));
}

#[test]
fn calls_wait_for_the_fleet_and_ask_it_once() {
    let mut brain = brain(
        Settings { fleet: true, rate: Some(1000.0), ..settings() },
        vec![job(1, "g", Lane::Create, "Case")],
    );
    assert_eq!(brain.poll(at(0)), Some(Action::Allow { calls: 1 }));
    assert!(matches!(brain.poll(at(0)), Some(Action::Lease { .. })));
    assert_eq!(brain.poll(at(1)), None);
    brain.on_allowance(0, at(0));
    assert_eq!(brain.poll(at(10)), Some(Action::Allow { calls: 1 }), "nothing granted: asked again");
    brain.on_allowance(1, at(5000));
    assert!(matches!(brain.poll(at(10)), Some(Action::Send(_))));
}

/// One run of a random world against the brain, its laws asserted after every step.
fn run(seed: u64, steps: usize) -> Vec<String> {
    let settings = Settings { capacity: 60, rate: Some(20.0), concurrency: 3, ..settings() };
    let capacity = settings.capacity;
    let mut brain = Brain::new(settings, seed);
    let mut chance = Chance::new(seed ^ 0xabcd);
    let mut now = 0_i64;
    let mut key = 0;
    let mut trace = Vec::new();
    let mut held: BTreeMap<Key, Job> = BTreeMap::new();
    let mut calls: BTreeMap<u64, Call> = BTreeMap::new();
    let mut settling: BTreeMap<Key, Verdict> = BTreeMap::new();
    let mut sent_at: Vec<i64> = Vec::new();
    let mut lease_open = 0;
    for _ in 0..steps {
        while let Some(action) = brain.poll(at(now)) {
            trace.push(format!("{now} {action:?}"));
            match action {
                Action::Lease { max } => {
                    assert!(held.len() + max <= capacity, "asked for more than there is room");
                    lease_open = max;
                }
                Action::Send(call) => {
                    check_call(&call, &held, &calls);
                    sent_at.push(now);
                    calls.insert(call.number, call);
                    assert!(calls.len() <= 3);
                }
                Action::Settle { key, verdict } => {
                    assert!(held.contains_key(&key) && settling.insert(key, verdict).is_none());
                }
                Action::Release { keys } => {
                    for key in keys {
                        assert!(held.remove(&key).is_some(), "{key} was given back twice");
                        assert!(!calls.values().any(|c| c.shape.keys().any(|k| k == key)));
                    }
                }
                Action::Extend { keys } => assert!(keys.iter().all(|k| held.contains_key(k))),
                Action::Alarm(_) => {}
                Action::Allow { .. } => panic!("no fleet"),
            }
        }
        assert_eq!(brain.held(), held.len());
        now += i64::try_from(chance.below(120)).unwrap();
        match chance.below(4) {
            0 if lease_open > 0 => {
                let jobs: Vec<_> = (0..chance.below(lease_open as u64 + 1).min(12))
                    .map(|_| {
                        key += 1;
                        random_job(key, &mut chance, now)
                    })
                    .collect();
                held.extend(jobs.iter().map(|job| (job.key, job.clone())));
                lease_open = 0;
                brain.on_leased(jobs, at(now));
            }
            1 | 2 if !calls.is_empty() => {
                let n = usize::try_from(chance.below(calls.len() as u64)).unwrap();
                let number = *calls.keys().nth(n).unwrap();
                let call = calls.remove(&number).unwrap();
                let (report, replies) = random_answer(&call, &mut chance, &mut held);
                brain.on_replies(number, report, replies, at(now));
            }
            _ => {
                if let Some((key, verdict)) = settling.pop_first() {
                    let settled = match verdict {
                        Verdict::Postponed { .. } => Settled::Held,
                        Verdict::Applied | Verdict::Rejected | Verdict::Expired => Settled::Done,
                        Verdict::Failed { retry_at } | Verdict::Unknown { retry_at, .. } => match retry_at {
                            None => Settled::Done,
                            Some(at_) if at_ > at(now) || chance.below(2) == 0 => Settled::Hidden,
                            Some(_) => Settled::Held,
                        },
                    };
                    if settled != Settled::Held {
                        held.remove(&key);
                    }
                    brain.on_settled(key, settled, at(now));
                }
            }
        }
    }
    for pair in sent_at.windows(2) {
        assert!(pair[1] - pair[0] >= 50, "20 a second are 50 ms apart: {pair:?}");
    }
    trace
}

fn random_job(key: Key, chance: &mut Chance, now: i64) -> Job {
    let lane = [Lane::Create, Lane::Update, Lane::Upsert, Lane::Delete, Lane::Post, Lane::Comment]
        [usize::try_from(chance.below(6)).unwrap()];
    let record =
        matches!(lane, Lane::Update | Lane::Delete).then(|| Arc::from(format!("r{}", chance.below(9))));
    let parents = (0..chance.below(3)).map(|_| Arc::from(format!("p{}", chance.below(5)))).collect();
    let effect = if chance.below(2) == 0 { Effect::Reconcile } else { Effect::UniqueField };
    Job {
        record,
        parents,
        effect,
        flush: chance.below(4) == 0,
        sent_at: at(now),
        ..job(key, &format!("g{}", chance.below(20)), lane, &format!("O{}", chance.below(3)))
    }
}

fn random_answer(
    call: &Call,
    chance: &mut Chance,
    held: &mut BTreeMap<Key, Job>,
) -> (Report, Vec<(Key, Reply)>) {
    let n = call.shape.len();
    let fault = match chance.below(12) {
        0 => Some(Class::Unknown),
        1 => Some(Class::Retryable),
        2 => Some(Class::Throttled(Throttle::Concurrent)),
        3 => Some(Class::Throttled(Throttle::Chatter)),
        4 => Some(Class::Rejected),
        _ => None,
    };
    let replies = call
        .shape
        .keys()
        .map(|key| {
            let reply = match (fault, chance.below(10)) {
                (Some(class), _) => Reply::Fault { class, attempts: 0, company: n },
                (None, 0) => Reply::Fault { class: Class::Retryable, attempts: 3, company: 1 },
                (None, 1) => Reply::Fault { class: Class::Rejected, attempts: 0, company: 1 },
                (None, 2) => Reply::Hidden,
                (None, 3) => Reply::Gone,
                (None, 4) => Reply::Again,
                (None, _) => Reply::Applied,
            };
            if matches!(reply, Reply::Gone | Reply::Hidden) {
                held.remove(&key);
            }
            (key, reply)
        })
        .collect();
    (Report { sent: true, fault }, replies)
}

fn check_call(call: &Call, held: &BTreeMap<Key, Job>, under_way: &BTreeMap<u64, Call>) {
    let jobs: Vec<&Job> = call.shape.keys().map(|key| &held[&key]).collect();
    assert!(!jobs.is_empty());
    let groups: BTreeSet<_> = jobs.iter().map(|j| &j.group).collect();
    assert_eq!(groups.len(), jobs.len(), "one write of a contact");
    let records: Vec<_> = jobs.iter().filter_map(|j| j.record.as_ref()).collect();
    assert_eq!(records.iter().collect::<BTreeSet<_>>().len(), records.len(), "a record twice in a call");
    for other in under_way.values().flat_map(|c| c.shape.keys().collect::<Vec<_>>()) {
        let Some(other) = held.get(&other) else { continue };
        assert!(!groups.contains(&other.group), "two writes of a contact under way");
        for job in &jobs {
            assert!(job.locks().all(|lock| other.locks().all(|o| o != lock)), "a record locked by two calls");
        }
    }
    // Within a contact the oldest goes first.
    for job in &jobs {
        let first = held.values().filter(|j| j.group == job.group).map(|j| j.key).min();
        assert_eq!(first, Some(job.key), "a write passed an older one of its contact");
    }
    if let Shape::Collections(collections) = &call.shape {
        assert!(collections.len() <= 5);
        for c in collections {
            let types: Vec<_> = c.keys.iter().map(|k| &held[k].object).collect();
            assert!(types.len() <= 200 && types.is_sorted());
            assert!(
                types.iter().collect::<BTreeSet<_>>().len() <= if c.lane == Lane::Upsert { 1 } else { 10 }
            );
            assert!(c.keys.iter().all(|k| held[k].lane == c.lane));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn the_laws_hold_after_every_step(seed in any::<u64>()) {
        run(seed, 600);
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_eq!(run(42, 800), run(42, 800));
    assert_ne!(run(42, 800), run(43, 800));
}
