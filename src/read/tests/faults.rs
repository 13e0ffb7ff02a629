//! Tables that are slow, throttled, gone or damaged, and answers that come late: a read goes on.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_process_that_died_while_asking_delays_others_for_a_second() {
    let rig = Rig::new();
    // It left its lease behind.
    rig.put(Row { expires: Some(now().plus(3 * SECOND)), ..rig.row("L").await }).await;
    let (answer, took) = timed(rig.ask()).await;
    assert_eq!(answer, is("0", Source::Salesforce));
    assert!(took <= SECOND + Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_was_up_for_too_long_is_not_waited_for() {
    let rig = Rig::new();
    rig.org.will(&[Way::Hangs, Way::Answers]);
    assert!(timeout(SECOND, rig.ask()).await.is_err());
    // As after a suspension in the middle of it.
    pass(4 * SECOND);
    let (answer, took) = timed(rig.ask()).await;
    assert_eq!(answer, is("0", Source::Salesforce));
    assert!(took <= SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_after_its_call_is_kept() {
    let rig = Rig::new();
    rig.ask().await;
    pass(100 * SECOND);
    rig.org.change();
    rig.org.will(&[Way::Late(2 * SECOND)]);
    let (answer, took) = timed(rig.ask()).await;
    assert_eq!(answer, is("0", Source::Stale));
    assert!(took <= SECOND);
    sleep(2 * SECOND).await;
    assert_eq!(rig.ask().await, is("1", Source::Memory));
    assert_eq!(rig.sibling().ask().await, is("1", Source::Table));
    assert_eq!(rig.org.calls(), 2);
}

/// What the table did not take, or has lost, stands in from memory.
#[tokio::test(start_paused = true)]
async fn where_the_table_has_nothing_memory_stands_in() {
    let rig = Rig::new();
    rig.ask().await;
    rig.cache.remove(&rig.key("E").await, now()).await.unwrap();
    pass(3600 * SECOND);
    rig.org.will(&[Way::Breaks]);
    assert_eq!(rig.ask().await, is("0", Source::Stale));
    assert_eq!(rig.sibling().ask_with(None, None).await.result.unwrap_err().code, "UNREACHABLE");
}

/// A caller without anything to fall back on hears of it at its deadline, however slow the table is to
/// which that is told.
#[tokio::test(start_paused = true)]
async fn a_slow_state_table_does_not_delay_the_end_of_a_call() {
    let rig = Rig::new();
    let state = Wobbly::over(Arc::clone(&rig.state));
    let tables = Tables { cache: None, state: Some(state.table()) };
    let bare = reads(Arc::clone(&rig.org), tables, 0);
    rig.org.will(&[Way::Hangs]);
    state.is(Trouble::Hangs);
    for _ in 0..3 {
        let call = Call { contact: None, cache: None, soft: SECOND, deadline: Deadline::after(SECOND) };
        let (answer, took) = timed(bare.answer(&question(), &call)).await;
        assert!(answer.result.is_err());
        assert!(took <= SECOND + GRACE, "{took:?}");
        pass(10 * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_table_never_breaks_a_read() {
    let never = Duration::ZERO;
    for (mood, most) in
        [(Trouble::Fails, never), (Trouble::Throttles, never), (Trouble::Hangs, Duration::from_millis(650))]
    {
        let rig = Rig::new();
        let table = Wobbly::over(Arc::clone(&rig.cache));
        table.is(mood);
        let rig = Rig::over(Arc::default(), table.table(), table.table());
        let (answer, took) = timed(rig.ask_with(Some(&contact()), None)).await;
        assert_eq!((name(&answer), answer.source), is("0", Source::Salesforce), "{mood:?}");
        assert!(took <= most, "{took:?} {mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_table_that_is_gone_makes_kept_answers_second_best() {
    let rig = Rig::new();
    rig.ask().await;
    let gone = Wobbly::over(Arc::clone(&rig.state));
    gone.is(Trouble::Fails);
    let rig = Rig::over(Arc::clone(&rig.org), Arc::clone(&rig.cache), gone.table());
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
    let good = rig.cache.get(&rig.key("E").await, now()).await.unwrap().unwrap();
    let newer: Vec<u8> = [&[99], &good.data[1..]].concat();
    for data in [Vec::new(), newer, good.data[..good.data.len() / 2].to_vec(), b"{}".to_vec()] {
        pass(5 * SECOND);
        rig.put(Row { data, ..good.clone() }).await;
        assert_eq!(rig.sibling().ask().await.1, Source::Salesforce);
        assert_eq!(rig.sibling().ask().await.1, Source::Table);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_read_is_replaced() {
    let rig = Rig::new();
    let key = Key { partition: "SECRET".to_owned(), sort: "K".to_owned() };
    rig.put(Row { key, data: b"no secret".to_vec(), ..rig.row("E").await }).await;
    assert_eq!(rig.sibling().ask().await.1, Source::Salesforce);
    assert_eq!(rig.sibling().ask().await.1, Source::Table);
}

#[tokio::test(start_paused = true)]
async fn who_wrote_more_than_anybody_counts_is_asked_for_anew() {
    let rig = Rig::new();
    rig.ask().await;
    for n in 0..200 {
        let key = Key { partition: crate::outcome::rows::partition("c"), sort: format!("W#{n:03}") };
        let row = Row { key, ..rig.row("E").await };
        rig.state.put(&row, Expect::Anything, now()).await.unwrap();
    }
    assert_eq!(rig.ask_with(Some(&contact()), None).await.source, Source::Salesforce);
}

#[tokio::test(start_paused = true)]
async fn while_the_table_is_silent_memory_stands_in() {
    let rig = Rig::new();
    let wobbly = Wobbly::over(Arc::clone(&rig.cache));
    let rig = Rig::over(Arc::clone(&rig.org), wobbly.table(), Arc::clone(&rig.state));
    rig.ask().await;
    pass(100 * SECOND);
    rig.org.will(&[Way::Breaks]);
    for mood in [Trouble::Fails, Trouble::Throttles, Trouble::Hangs] {
        wobbly.is(mood);
        let (answer, took) = timed(rig.ask()).await;
        assert_eq!(answer, is("0", Source::Stale), "{mood:?}");
        assert!(took <= SECOND, "{mood:?} {took:?}");
        pass(10 * SECOND);
    }
}

/// A slow table is waited for once, and then left alone for a moment.
#[tokio::test(start_paused = true)]
async fn a_slow_table_delays_a_read_once() {
    let rig = Rig::new();
    let wobbly = Wobbly::over(Arc::clone(&rig.cache));
    let rig = Rig::over(Arc::clone(&rig.org), wobbly.table(), Arc::clone(&rig.state));
    rig.ask().await;
    pass(100 * SECOND);
    wobbly.is(Trouble::Hangs);
    let (answer, took) = timed(rig.ask_with(Some(&contact()), None)).await;
    assert_eq!(answer.source, Source::Salesforce);
    assert!(took <= Duration::from_millis(650), "{took:?}");
    let (_, took) = timed(rig.ask_with(Some(&contact()), None)).await;
    assert!(took <= Duration::from_millis(350), "{took:?}");
    pass(3 * SECOND);
    wobbly.is(Trouble::None);
    rig.ask().await;
    assert_eq!(rig.sibling().ask().await.1, Source::Table, "it is used again");
}

#[tokio::test(start_paused = true)]
async fn no_row_is_named_after_a_number() {
    let rig = Rig::new();
    rig.ask().await;
    rig.reads.wrote(Some(&contact()), Some(RECORD)).await;
    for (kept, _) in rig.reads.0.memory.iter() {
        assert!(kept.0.bytes().all(|b| b.is_ascii_hexdigit()) && !kept.0.contains("5550100"));
    }
    let secret = rig.reads.0.shared.as_ref().unwrap().secret(now()).await.unwrap();
    let name = Name::of(&question(), rig.reads.0.client.settings(), &secret);
    let rows = rig.cache.list(&format!("R#{}", name.0), "", None, 10, now()).await.unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        assert!(!format!("{:?}", row.key).contains("5550100"));
        let data = String::from_utf8_lossy(&row.data).into_owned();
        assert!(!data.contains("5550100"), "compressed, and it holds no question");
    }
}
