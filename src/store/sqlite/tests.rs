use std::time::Duration;

use crate::store::sqlite::Sqlite;
use crate::store::{Expect, Key, Message, Row, StoreError};
use crate::time::Timestamp;

const T0: Timestamp = Timestamp::from_millis(1_795_170_000_000);

fn message(group: &str, id: &str) -> Message {
    Message { group: group.to_owned(), deduplication_id: id.to_owned(), body: format!("body of {id}") }
}

fn row(partition: &str, sort: &str, version: u64) -> Row {
    let key = Key { partition: partition.to_owned(), sort: sort.to_owned() };
    Row { key, version, data: b"data".to_vec(), index: None, expires: None }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart_and_leases_of_the_dead_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let first = Sqlite::own(folder.path(), T0).unwrap();
    assert_eq!(first.epoch(), 1);
    first.queue("writes").send(&[message("a", "1"), message("b", "2")], T0).await;
    first.table("state").put(&row("p", "s", 1), Expect::Absent, T0).await.unwrap();
    let leased =
        first.queue("writes").receive(1, Duration::from_secs(600), Duration::ZERO, T0).await.unwrap();
    assert_eq!(leased.len(), 1);
    drop(first);

    let later = T0.plus(Duration::from_secs(1));
    let second = Sqlite::own(folder.path(), later).unwrap();
    assert_eq!(second.epoch(), 2);
    let again =
        second.queue("writes").receive(9, Duration::from_secs(60), Duration::ZERO, later).await.unwrap();
    let counts: Vec<_> = again.iter().map(|l| (l.group.as_str(), l.receive_count)).collect();
    assert_eq!(counts, [("a", 2), ("b", 1)]);
    assert!(second.table("state").get(&row("p", "s", 1).key, later).await.unwrap().is_some());
    let old = second.queue("writes").delete(&[leased[0].handle.clone()], later).await;
    assert_eq!(old, [Err(StoreError::HandleExpired)]);
}

#[tokio::test]
async fn a_folder_has_one_owner_and_any_number_of_visitors() {
    let folder = tempfile::tempdir().unwrap();
    let owner = Sqlite::own(folder.path(), T0).unwrap();
    let Err(StoreError::Refused(message_text)) = Sqlite::own(folder.path(), T0) else {
        unreachable!("two owners of one folder")
    };
    assert!(message_text.contains("--data-dir"), "{message_text}");

    let visitor = Sqlite::visit(folder.path()).unwrap();
    visitor.queue("writes").send(&[message("a", "1")], T0).await;
    let leased = owner.queue("writes").receive(1, Duration::from_secs(60), Duration::ZERO, T0).await.unwrap();
    assert_eq!(leased.len(), 1);
    drop(owner);
    Sqlite::own(folder.path(), T0).unwrap();
}

#[tokio::test]
async fn a_waiting_receiver_is_woken_by_a_send() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::own(folder.path(), T0).unwrap();
    let queue = store.queue("writes");
    let receiver = tokio::spawn({
        let queue = store.queue("writes");
        async move { queue.receive(1, Duration::from_secs(60), Duration::from_secs(3600), T0).await }
    });
    tokio::task::yield_now().await;
    queue.send(&[message("a", "1")], T0).await;
    assert_eq!(receiver.await.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn many_at_once_share_commits_and_each_gets_its_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::own(folder.path(), T0).unwrap();
    let table = store.table("state");
    let puts = (0..500).map(|i| {
        let table = &table;
        // Every second one is a repeat of the one before it, and must hear of it.
        async move { table.put(&row("p", &format!("{:03}", i / 2), 1), Expect::Absent, T0).await.is_ok() }
    });
    let results = futures::future::join_all(puts).await;
    assert_eq!(results.iter().filter(|stored| **stored).count(), 250);
    assert_eq!(table.list("p", "", None, 1000, T0).await.unwrap().len(), 250);
}

#[tokio::test]
async fn a_message_that_no_queue_takes_does_not_fail_its_neighbours() {
    let queue = Sqlite::in_memory().unwrap().queue("writes");
    let mut unfit = message("a", "2");
    unfit.body = "x".repeat(crate::store::MAX_BODY + 1);
    let nameless = message("", "3");
    let control = Message { body: "\u{0}".to_owned(), ..message("a", "4") };
    let results = queue.send(&[message("a", "1"), unfit, nameless, control, message("a", "5")], T0).await;
    let stored: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(stored, [true, false, false, false, true]);
    assert_eq!(queue.depth(T0).await.unwrap().visible, 2);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_says_which_and_how_to_choose_another() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let Err(error) = Sqlite::own(file.path(), T0) else { unreachable!("a file is no folder") };
    assert!(error.to_string().contains("--data-dir"), "{error}");
}
