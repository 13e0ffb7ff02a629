//! What one process finds out of Salesforce, all know.

use super::*;
use crate::budget;
use crate::budget::health::Health;

const ORG: &str = "org.example.com";

async fn told(rig: &Rig) -> Option<Health> {
    let key = Health::key(ORG);
    Some(Health::from_row(&rig.state.get(&key, now()).await.unwrap()?))
}

#[tokio::test(start_paused = true)]
async fn that_salesforce_is_gone_is_known_to_all() {
    let rig = Rig::new();
    rig.ask().await;
    pass(100 * SECOND);
    rig.org.will(&[Way::Hangs]);
    let (a, b) = (rig.sibling(), rig.sibling());
    // One caller waits, and what was asked for it ends in a time-out; nobody of another process waits.
    assert_eq!(a.ask().await, is("0", Source::Stale));
    sleep(13 * SECOND).await;
    assert!(told(&rig).await.unwrap().failures >= 2);
    let calls = rig.org.calls();
    let (answer, took) = timed(b.ask()).await;
    assert_eq!((answer, took), (is("0", Source::Stale), Duration::ZERO));
    assert_eq!(rig.org.calls(), calls);
    // One goes to see, whoever it is, and tells that it is back.
    pass(30 * SECOND);
    rig.org.will(&[Way::Answers]);
    assert_eq!(a.ask().await.1, Source::Salesforce);
    assert_eq!(told(&rig).await.unwrap().failures, 0);
    pass(61 * SECOND);
    assert_eq!(b.ask().await.1, Source::Salesforce);
}

#[tokio::test(start_paused = true)]
async fn the_last_experience_is_told_whatever_others_told_meanwhile() {
    let rig = Rig::new();
    let (a, b) = (rig.sibling(), rig.sibling());
    a.ask().await;
    pass(100 * SECOND);
    rig.org.will(&[Way::Breaks]);
    for _ in 0..3 {
        a.ask().await;
        b.ask().await;
        pass(4 * SECOND);
    }
    assert!(told(&rig).await.unwrap().failures >= 2);
    // Both have told; the one that told first sees that it is back.
    rig.org.will(&[Way::Answers]);
    a.ask_with(None, Some(CacheControl::NoStore)).await;
    assert_eq!(told(&rig).await.unwrap().failures, 0);
    pass(6 * SECOND);
    assert_eq!(b.ask().await.1, Source::Salesforce);
}

#[tokio::test(start_paused = true)]
async fn of_a_fleet_one_goes_to_see() {
    let rig = Rig::new();
    rig.ask().await;
    pass(100 * SECOND);
    let gone = Health { failures: 5, failed_at: now(), usage: None };
    rig.state.put(&gone.row(ORG, 1, now()), Expect::Anything, now()).await.unwrap();
    rig.org.will(&[Way::Breaks]);
    pass(10 * SECOND);
    let fleet: Vec<Rig> = (0..20).map(|_| rig.sibling()).collect();
    let answers = futures::future::join_all(fleet.iter().map(Rig::ask)).await;
    assert!(answers.iter().all(|answer| *answer == is("0", Source::Stale)));
    assert_eq!(rig.org.calls(), 1 + 2, "one call, tried twice");
}

#[tokio::test(start_paused = true)]
async fn without_an_old_answer_a_salesforce_that_is_gone_is_asked() {
    let rig = Rig::new();
    let gone = Health { failures: 5, failed_at: now(), usage: None };
    rig.state.put(&gone.row(ORG, 1, now()), Expect::Anything, now()).await.unwrap();
    assert_eq!(rig.ask().await, is("0", Source::Salesforce));
    assert_eq!(told(&rig).await.unwrap().failures, 0, "and all hear that it is back");
}

#[tokio::test(start_paused = true)]
async fn above_the_limit_reads_are_answered_from_the_cache_alone() {
    let rig = Rig::new();
    rig.ask().await;
    pass(100 * SECOND);
    rig.org.used.store(980, Ordering::SeqCst);
    assert_eq!(rig.ask().await, is("0", Source::Salesforce), "this one finds out");
    rig.org.change();
    pass(59 * SECOND);
    let other = rig.sibling();
    rig.put(Stamp { at: now() }.row(RECORD)).await;
    assert_eq!(other.ask().await, is("0", Source::Stale));
    rig.cache.remove(&rig.key("E").await, now()).await.unwrap();
    for cache in [None, Some(CacheControl::NoStore)] {
        let refused = rig.sibling().ask_with(None, cache).await;
        assert_eq!(refused.result.unwrap_err().code, "REQUEST_LIMIT_NEAR", "{cache:?}");
        assert_eq!(refused.spent.calls, 0);
    }
    assert_eq!(rig.org.calls(), 2);
    // After a minute somebody looks whether there is room again.
    rig.org.used.store(970, Ordering::SeqCst);
    pass(20 * SECOND);
    assert_eq!(other.ask().await, is("1", Source::Salesforce));
    assert_eq!(rig.sibling().ask_with(None, Some(CacheControl::NoStore)).await.source, Source::Salesforce);
}

#[tokio::test(start_paused = true)]
async fn usage_is_shared_and_hardly_ever_written() {
    let rig = Rig::new();
    rig.org.used.store(100, Ordering::SeqCst);
    let store = async |of: &Rig| {
        of.ask_with(None, Some(CacheControl::NoStore)).await;
        rig.state.get(&Health::key(ORG), now()).await.unwrap().unwrap().version
    };
    assert_eq!(store(&rig).await, 1);
    assert_eq!(told(&rig).await.unwrap().usage.unwrap().0, budget::Usage { used: 100, limit: 1000 });
    for _ in 0..5 {
        assert_eq!(store(&rig).await, 1);
    }
    rig.org.used.store(200, Ordering::SeqCst);
    assert_eq!(store(&rig.sibling()).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_state_table_that_is_gone_leaves_each_process_its_own_experience() {
    let rig = Rig::new();
    rig.ask().await;
    let state = Wobbly::over(Arc::clone(&rig.state));
    state.is(Trouble::Fails);
    let rig = Rig::over(Arc::clone(&rig.org), Arc::clone(&rig.cache), state.table());
    pass(100 * SECOND);
    rig.org.will(&[Way::Breaks]);
    for _ in 0..10 {
        assert_eq!(rig.ask().await, is("0", Source::Stale));
    }
    assert_eq!(rig.org.calls(), 1 + 4);
    pass(2 * SECOND);
    rig.org.will(&[Way::Answers]);
    assert_eq!(rig.ask().await.1, Source::Salesforce);
}

/// The word of Salesforce itself, without a header.
#[tokio::test(start_paused = true)]
async fn a_limit_that_was_reached_is_left_alone() {
    let rig = Rig::new();
    rig.ask().await;
    pass(100 * SECOND);
    rig.org.will(&[Way::Spent, Way::Answers]);
    assert_eq!(rig.ask().await, is("0", Source::Stale));
    pass(50 * SECOND);
    assert_eq!(rig.sibling().ask().await, is("0", Source::Stale));
    assert_eq!(rig.org.calls(), 2);
    pass(20 * SECOND);
    assert_eq!(rig.sibling().ask().await, is("0", Source::Salesforce));
}
