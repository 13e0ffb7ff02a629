//! What is kept of an answer, where, and how much of it.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_answer_of_many_records_stands_in_and_no_more() {
    let rig = Rig::new();
    rig.org.records.store(60, Ordering::SeqCst);
    let list = Read::Query { soql: "SELECT Id, Name FROM Contact".to_owned(), shape: Shape::All };
    let ask = async || {
        let answer = rig.ask_for(&list, None, None).await;
        (name(&answer), answer.source)
    };
    assert_eq!(ask().await, is("0", Source::Salesforce));
    pass(2 * SECOND);
    rig.org.change();
    assert_eq!(ask().await, is("1", Source::Salesforce), "nobody asks after sixty stamps");
    pass(2 * SECOND);
    rig.org.will(&[Way::Breaks]);
    assert_eq!(ask().await, is("1", Source::Stale));
}

#[tokio::test(start_paused = true)]
async fn of_an_answer_that_shows_one_record_one_is_kept() {
    let rig = Rig::new();
    rig.org.records.store(60, Ordering::SeqCst);
    for source in [Source::Salesforce, Source::Memory, Source::Table] {
        let answer = rig.ask_with(None, None).await;
        assert_eq!(answer.source, source);
        let found = answer.result.unwrap();
        assert_eq!((found.records.len(), found.total), (1, 61), "and how many there were");
        if source == Source::Memory {
            pass(2 * SECOND);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_in_bytes_too() {
    let rig = Rig::new();
    rig.org.records.store(1_900, Ordering::SeqCst);
    for n in 0..24 {
        let soql = format!("SELECT Id, Name FROM Contact LIMIT {n}");
        rig.ask_for(&Read::Query { soql, shape: Shape::All }, None, None).await.result.unwrap();
    }
    let memory = &rig.reads.0.memory;
    assert!(memory.weight() <= MEMORY_BYTES && memory.len() < 24, "{} of {}", memory.weight(), memory.len());
    assert!(memory.len() > 1, "{}", memory.len());
}

#[tokio::test(start_paused = true)]
async fn a_sensitive_field_is_not_stored() {
    let rig = Rig::new();
    rig.org.passport.store(true, Ordering::SeqCst);
    assert_eq!(rig.ask().await, is("0", Source::Salesforce));
    assert_eq!(rig.ask().await, is("0", Source::Memory));
    assert_eq!(rig.cache.get(&rig.key("E").await, now()).await.unwrap(), None);
    assert_eq!(rig.sibling().ask().await, is("0", Source::Salesforce));
    // Nor does it stand in from memory.
    rig.org.will(&[Way::Breaks]);
    assert_eq!(rig.ask().await, is("0", Source::Memory));
    pass(2 * SECOND);
    assert_eq!(rig.ask_with(None, None).await.result.unwrap_err().code, "UNREACHABLE");
}

#[tokio::test(start_paused = true)]
async fn a_hot_question_costs_the_table_one_look_in_a_while() {
    let rig = Rig::new();
    let wobbly = Wobbly::over(Arc::clone(&rig.cache));
    let rig = Rig::over(Arc::clone(&rig.org), wobbly.table(), Arc::clone(&rig.state));
    rig.ask().await;
    for _ in 0..30 {
        pass(Duration::from_millis(100));
        rig.ask().await;
    }
    let looks = wobbly.gets.load(Ordering::SeqCst);
    // The secret, the first look, and one with its stamp after each 1.5 seconds of memory.
    assert!(looks <= 2 + 2 * 2, "{looks}");
    assert_eq!(rig.org.calls(), 1);
}
