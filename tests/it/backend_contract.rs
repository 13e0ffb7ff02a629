//! What every backend of [`Queue`] and [`Table`] must do: one suite, over SQLite always, and over
//! AWS's own interfaces where the emulator is installed.
//!
//! A law is a function over a [`Bench`]. On SQLite time is a number that a law moves; elsewhere it
//! is real, so laws that last minutes run on SQLite alone.
//!
//! Where the emulator (ministack 1.5.33) differs from AWS as its documentation describes it:
//! * A handle whose lease has ended, before the message is delivered again, still deletes it and
//!   still extends it: `an_ended_lease_refuses_its_handle_even_before_the_next_delivery` is SQLite's
//!   alone.
//! * Deleting a message twice is an error there (`deleting_twice_is_no_error`).
//! * It ignores `ReceiveRequestAttemptId`: a lost answer of a receive is not proved here.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tieline::{
    store::{
        AddError, Expect, Handle, Key, Leased, MAX_BODY, MAX_ROW, MAX_VISIBILITY, Message, PutError, Queue,
        RETENTION, Row, StoreError, Table, aws::Aws, sqlite::Sqlite,
    },
    time::Timestamp,
};

use crate::emulator::Emulator;

const LEASE: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_secs(60);

/// A fresh queue, a fresh table, and time.
struct Bench {
    queue: Arc<dyn Queue>,
    table: Arc<dyn Table>,
    /// Time as a number, or, where this is `None`, as it passes.
    now: Option<AtomicI64>,
}

impl Bench {
    fn sqlite() -> Self {
        let store = Sqlite::in_memory().unwrap();
        Self {
            queue: store.queue("writes"),
            table: store.table("state"),
            now: Some(AtomicI64::new(1_795_170_000_000)),
        }
    }

    async fn emulated(emulator: &Emulator) -> Self {
        let aws = Aws::with(emulator.config().await);
        let (url, name) = (emulator.new_queue().await, emulator.new_table().await);
        Self { queue: aws.queue(url), table: aws.table(name), now: None }
    }

    fn now(&self) -> Timestamp {
        let millis = self.now.as_ref().map_or_else(
            || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis().try_into().unwrap(),
            |now| now.load(Ordering::Relaxed),
        );
        Timestamp::from_millis(millis)
    }

    /// Lets time pass; real time a little longer, because two clocks tell it.
    async fn pass(&self, time: Duration) {
        match &self.now {
            Some(now) => {
                now.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
            }
            None => tokio::time::sleep(time + Duration::from_millis(200)).await,
        }
    }

    async fn send(&self, messages: &[(&str, &str)]) {
        for result in self.try_send(messages).await {
            result.unwrap();
        }
    }

    async fn try_send(&self, messages: &[(&str, &str)]) -> Vec<Result<(), StoreError>> {
        let messages: Vec<_> = messages.iter().map(|(group, id)| message(group, id)).collect();
        self.queue.send(&messages, self.now()).await
    }

    async fn receive(&self, max: usize, lease: Duration) -> Vec<Leased> {
        self.queue.receive(max, lease, Duration::ZERO, self.now()).await.unwrap()
    }

    /// Everything that can be delivered now, by body.
    async fn deliverable(&self) -> Vec<String> {
        let leased = self.receive(10, LONG).await;
        let bodies = leased.iter().map(|l| l.body.clone()).collect();
        let back: Vec<_> = leased.into_iter().map(|l| (l.handle, Duration::ZERO)).collect();
        for result in self.queue.change_visibility(&back, self.now()).await {
            result.unwrap();
        }
        bodies
    }

    async fn hide(&self, handle: &Handle, after: Duration) -> Result<(), StoreError> {
        self.queue.change_visibility(&[(handle.clone(), after)], self.now()).await.remove(0)
    }

    async fn delete(&self, handle: &Handle) -> Result<(), StoreError> {
        self.queue.delete(std::slice::from_ref(handle), self.now()).await.remove(0)
    }

    async fn put(&self, row: &Row, expect: Expect) -> Result<(), PutError> {
        self.table.put(row, expect, self.now()).await
    }

    async fn get(&self, key: &Key) -> Option<Row> {
        self.table.get(key, self.now()).await.unwrap()
    }

    async fn sorts(&self, partition: &str, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
        let rows = self.table.list(partition, prefix, after, limit, self.now()).await.unwrap();
        rows.into_iter().map(|row| row.key.sort).collect()
    }

    async fn indexed(
        &self,
        partition: &str,
        after: Option<&str>,
        descending: bool,
        limit: usize,
    ) -> Vec<String> {
        let rows = self.table.list_index(partition, after, descending, limit, self.now()).await.unwrap();
        rows.into_iter().map(|row| row.index.unwrap().1).collect()
    }

    async fn add(&self, key: &Key, amount: u64, limit: u64) -> Result<u64, AddError> {
        let now = self.now();
        self.table.add_if_below(key, amount, limit, now.plus(LONG), now).await
    }
}

fn message(group: &str, id: &str) -> Message {
    Message { group: group.to_owned(), deduplication_id: id.to_owned(), body: id.to_owned() }
}

fn key(partition: &str, sort: &str) -> Key {
    Key { partition: partition.to_owned(), sort: sort.to_owned() }
}

fn row(partition: &str, sort: &str, version: u64) -> Row {
    let data = format!("{sort} at {version} \u{0}\u{fe}é").into_bytes();
    Row { key: key(partition, sort), version, data, index: None, expires: None }
}

fn bodies(leased: &[Leased]) -> Vec<&str> {
    leased.iter().map(|l| l.body.as_str()).collect()
}

type Law = fn(Arc<Bench>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// One test for each law on SQLite, and the list of them for the emulator, which is started once.
macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $law() { super::$law(&super::Bench::sqlite()).await; })*
        }
        const LAWS: &[(&str, Law)] = &[$((stringify!($law), |b| Box::pin(async move { $law(&b).await }))),*];
    };
}

/// Where a request waits, and time is real.
const WAITING: [(&str, Law); 1] = [("a_message_that_comes_late_into_a_long_wait_is_leased", |b| {
    Box::pin(async move { a_message_that_comes_late_into_a_long_wait_is_leased(&b).await })
})];

#[tokio::test]
async fn the_emulator_keeps_the_same_laws() {
    let Some(emulator) = Emulator::start().await else { return };
    let mut running = Vec::new();
    for (name, law) in LAWS.iter().chain(&WAITING) {
        let bench = Arc::new(Bench::emulated(&emulator).await);
        running.push((name, tokio::spawn(law(bench))));
    }
    let mut broken = Vec::new();
    for (name, law) in running {
        if law.await.is_err() {
            broken.push(name);
        }
    }
    assert!(broken.is_empty(), "broken on the emulator: {broken:#?}");
}

laws! {
    a_group_keeps_its_order,
    a_leased_message_holds_its_group_and_no_other,
    several_of_a_group_hold_it_until_the_last_is_deleted,
    a_hidden_head_holds_its_group,
    a_lapsed_lease_delivers_the_head_again_before_the_rest,
    visibility_zero_delivers_at_once,
    an_extended_lease_holds_longer,
    a_handle_is_good_for_one_lease,
    deleting_twice_is_no_error,
    one_bad_handle_does_not_fail_its_neighbours,
    a_deduplication_id_is_one_message_even_after_its_deletion,
    more_messages_than_a_batch_are_all_sent_and_all_deleted,
    an_unfit_message_does_not_fail_its_neighbours,
    the_largest_text_comes_back_as_it_was,
    depth_tells_what_waits,
    an_absent_row_is_put_once,
    a_version_guards_a_row,
    a_conflict_gives_back_the_row_that_stands,
    an_expired_row_is_absent,
    a_list_is_in_order_and_pages,
    an_index_finds_rows_both_ways,
    a_row_leaves_the_index_when_it_says_so,
    a_counter_stops_at_its_limit,
    a_counter_is_no_row,
    racing_puts_have_one_winner,
    racing_adds_lose_nothing,
    a_removed_row_is_absent,
    a_row_too_large_is_refused,
    a_large_partition_is_listed_whole,
}

async fn a_group_keeps_its_order(b: &Bench) {
    b.send(&[("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2"), ("a", "a3")]).await;
    let mut seen = Vec::new();
    while let leased = b.receive(2, LONG).await
        && !leased.is_empty()
    {
        for l in leased {
            seen.push(l.body.clone());
            b.delete(&l.handle).await.unwrap();
        }
    }
    let of = |group: &str| seen.iter().filter(|s| s.starts_with(group)).cloned().collect::<Vec<_>>();
    assert_eq!(of("a"), ["a1", "a2", "a3"]);
    assert_eq!(of("b"), ["b1", "b2"]);
}

async fn a_leased_message_holds_its_group_and_no_other(b: &Bench) {
    b.send(&[("a", "a1"), ("a", "a2"), ("b", "b1")]).await;
    let first = b.receive(1, LONG).await;
    assert_eq!(bodies(&first), ["a1"]);
    assert_eq!(bodies(&b.receive(10, LONG).await), ["b1"], "only the other group");
    b.delete(&first[0].handle).await.unwrap();
    assert_eq!(bodies(&b.receive(10, LONG).await), ["a2"]);
}

async fn several_of_a_group_hold_it_until_the_last_is_deleted(b: &Bench) {
    b.send(&[("a", "a1"), ("a", "a2"), ("a", "a3")]).await;
    let two = b.receive(2, LONG).await;
    assert_eq!(bodies(&two), ["a1", "a2"]);
    b.delete(&two[0].handle).await.unwrap();
    assert!(b.receive(10, LONG).await.is_empty());
    b.delete(&two[1].handle).await.unwrap();
    assert_eq!(bodies(&b.receive(10, LONG).await), ["a3"]);
}

async fn a_hidden_head_holds_its_group(b: &Bench) {
    b.send(&[("a", "a1"), ("a", "a2")]).await;
    let head = b.receive(1, LONG).await;
    b.hide(&head[0].handle, LEASE).await.unwrap();
    assert!(b.receive(10, LONG).await.is_empty());
    b.pass(LEASE).await;
    assert_eq!(bodies(&b.receive(10, LONG).await), ["a1", "a2"]);
}

async fn a_lapsed_lease_delivers_the_head_again_before_the_rest(b: &Bench) {
    b.send(&[("a", "a1"), ("a", "a2")]).await;
    let first = b.receive(1, LEASE).await;
    assert_eq!(first[0].receive_count, 1);
    b.pass(LEASE).await;
    let again = b.receive(1, LONG).await;
    assert_eq!(bodies(&again), ["a1"]);
    assert_eq!(again[0].receive_count, 2);
    assert_ne!(again[0].handle, first[0].handle);
    assert_eq!(again[0].sent_at, first[0].sent_at);
}

async fn visibility_zero_delivers_at_once(b: &Bench) {
    b.send(&[("a", "a1"), ("a", "a2")]).await;
    let first = b.receive(1, LONG).await;
    b.hide(&first[0].handle, Duration::ZERO).await.unwrap();
    assert_eq!(bodies(&b.receive(1, LONG).await), ["a1"]);
}

async fn an_extended_lease_holds_longer(b: &Bench) {
    b.send(&[("a", "a1")]).await;
    let first = b.receive(1, LEASE).await;
    b.hide(&first[0].handle, LONG).await.unwrap();
    b.pass(LEASE).await;
    assert!(b.receive(1, LONG).await.is_empty());
    b.delete(&first[0].handle).await.unwrap();
}

async fn a_handle_is_good_for_one_lease(b: &Bench) {
    b.send(&[("a", "a1")]).await;
    let first = b.receive(1, LEASE).await;
    b.pass(LEASE).await;
    let second = b.receive(1, LONG).await;
    // Whatever the answer, the message must outlive a deletion by the old handle.
    drop(b.delete(&first[0].handle).await);
    b.hide(&second[0].handle, Duration::ZERO).await.unwrap();
    assert_eq!(bodies(&b.receive(1, LONG).await), ["a1"]);
}

async fn deleting_twice_is_no_error(b: &Bench) {
    b.send(&[("a", "a1"), ("a", "a2")]).await;
    let leased = b.receive(1, LONG).await;
    b.delete(&leased[0].handle).await.unwrap();
    let again = b.delete(&leased[0].handle).await;
    assert!(again.is_ok() || b.now.is_none(), "{again:?}");
    assert_eq!(bodies(&b.receive(10, LONG).await), ["a2"]);
}

async fn one_bad_handle_does_not_fail_its_neighbours(b: &Bench) {
    b.send(&[("a", "a1"), ("b", "b1")]).await;
    let leased = b.receive(2, LONG).await;
    let bad = Handle("no handle at all".to_owned());
    let handles = [leased[0].handle.clone(), bad.clone(), leased[1].handle.clone()];
    let entries: Vec<_> = handles.iter().map(|h| (h.clone(), LONG)).collect();
    let hidden = b.queue.change_visibility(&entries, b.now()).await;
    assert!(matches!(hidden[..], [Ok(()), Err(StoreError::Refused(_)), Ok(())]), "{hidden:?}");
    let deleted = b.queue.delete(&handles, b.now()).await;
    assert!(matches!(deleted[..], [Ok(()), Err(StoreError::Refused(_)), Ok(())]), "{deleted:?}");
}

async fn a_deduplication_id_is_one_message_even_after_its_deletion(b: &Bench) {
    b.send(&[("a", "a1"), ("a", "a1")]).await;
    b.send(&[("a", "a1")]).await;
    let leased = b.receive(10, LONG).await;
    assert_eq!(bodies(&leased), ["a1"]);
    b.delete(&leased[0].handle).await.unwrap();
    b.send(&[("a", "a1"), ("a", "a2")]).await;
    assert_eq!(bodies(&b.receive(10, LONG).await), ["a2"]);
}

async fn more_messages_than_a_batch_are_all_sent_and_all_deleted(b: &Bench) {
    let ids: Vec<_> = (0..25).map(|i| (format!("g{}", i % 7), format!("m{i:02}"))).collect();
    let messages: Vec<_> = ids.iter().map(|(g, m)| (g.as_str(), m.as_str())).collect();
    b.send(&messages).await;
    let mut seen = Vec::new();
    while let leased = b.receive(100, LONG).await
        && !leased.is_empty()
    {
        let handles: Vec<_> = leased.iter().map(|l| l.handle.clone()).collect();
        assert!(b.queue.delete(&handles, b.now()).await.iter().all(Result::is_ok));
        seen.extend(leased.into_iter().map(|l| l.body));
    }
    for group in 0..7 {
        let of = |bodies: &mut dyn Iterator<Item = &String>| -> Vec<String> {
            bodies.filter(|b| b[1..].parse::<usize>().unwrap() % 7 == group).cloned().collect()
        };
        assert_eq!(of(&mut seen.iter()), of(&mut ids.iter().map(|(_, body)| body)));
    }
}

async fn an_unfit_message_does_not_fail_its_neighbours(b: &Bench) {
    let large = Message { body: "x".repeat(MAX_BODY + 1), ..message("a", "a2") };
    let messages =
        [message("a", "a1"), large, message("", "a3"), message("a", "with space"), message("b", "b1")];
    let results = b.queue.send(&messages, b.now()).await;
    let sent: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(sent, [true, false, false, false, true]);
    assert_eq!(b.deliverable().await, ["a1", "b1"]);
}

async fn the_largest_text_comes_back_as_it_was(b: &Bench) {
    let body = "\"<&>\u{7f}\t\u{1f600}é\\ \r\n".repeat(MAX_BODY / 19);
    let sent = Message { body, ..message("a", "a1") };
    // Several such exceed what one batch may carry.
    let others = [Message { deduplication_id: "a2".to_owned(), ..sent.clone() }, message("a", "a3")];
    for result in b.queue.send(&[sent.clone(), others[0].clone(), others[1].clone()], b.now()).await {
        result.unwrap();
    }
    let mut seen = Vec::new();
    while let leased = b.receive(1, LONG).await
        && let [l] = &leased[..]
    {
        seen.push(l.body.clone());
        b.delete(&l.handle).await.unwrap();
    }
    assert!(seen == [sent.body.clone(), sent.body, "a3".to_owned()], "a text came back changed");
}

async fn depth_tells_what_waits(b: &Bench) {
    b.send(&[("a", "a1"), ("a", "a2"), ("b", "b1")]).await;
    b.receive(1, LONG).await;
    let depth = b.queue.depth(b.now()).await.unwrap();
    assert_eq!((depth.visible, depth.in_flight), (2, 1));
}

/// Also after a silence that would be too long within any other call. Were the request given up, the
/// message would be leased to nobody.
async fn a_message_that_comes_late_into_a_long_wait_is_leased(b: &Bench) {
    let waiting = b.queue.receive(1, LONG, Duration::from_secs(20), b.now());
    let late = async {
        b.pass(Duration::from_secs(8)).await;
        b.send(&[("a", "a1")]).await;
    };
    let (leased, ()) = tokio::join!(waiting, late);
    let leased = leased.unwrap();
    assert_eq!((bodies(&leased), leased[0].receive_count), (vec!["a1"], 1));
}

async fn an_absent_row_is_put_once(b: &Bench) {
    let first = row("p", "s", 1);
    b.put(&first, Expect::Absent).await.unwrap();
    assert!(matches!(b.put(&row("p", "s", 2), Expect::Absent).await, Err(PutError::Conflict(Some(_)))));
    assert_eq!(b.get(&first.key).await, Some(first));
    assert_eq!(b.get(&key("p", "t")).await, None);
}

async fn a_version_guards_a_row(b: &Bench) {
    assert_eq!(b.put(&row("p", "s", 2), Expect::Version(1)).await, Err(PutError::Conflict(None)));
    b.put(&row("p", "s", 1), Expect::Absent).await.unwrap();
    b.put(&row("p", "s", 2), Expect::Version(1)).await.unwrap();
    assert!(b.put(&row("p", "s", 3), Expect::Version(1)).await.is_err());
    assert_eq!(b.get(&key("p", "s")).await.unwrap().version, 2);
    b.put(&row("p", "s", 9), Expect::Anything).await.unwrap();
    assert_eq!(b.get(&key("p", "s")).await.unwrap().version, 9);
}

async fn a_conflict_gives_back_the_row_that_stands(b: &Bench) {
    let mut standing = row("p", "s", 7);
    standing.index = Some(("i".to_owned(), "j".to_owned()));
    standing.expires = Some(b.now().plus(LONG));
    b.put(&standing, Expect::Anything).await.unwrap();
    for expect in [Expect::Absent, Expect::Version(6)] {
        let Err(PutError::Conflict(Some(given))) = b.put(&row("p", "s", 8), expect).await else {
            unreachable!("no conflict")
        };
        assert_eq!(*given, standing);
    }
}

async fn an_expired_row_is_absent(b: &Bench) {
    let ends = |version| Row {
        expires: Some(b.now().plus(LEASE)),
        index: Some(("i".to_owned(), "j".to_owned())),
        ..row("p", "s", version)
    };
    b.put(&ends(5), Expect::Absent).await.unwrap();
    assert!(b.get(&key("p", "s")).await.is_some());
    b.pass(LEASE).await;
    assert!(b.get(&key("p", "s")).await.is_none());
    assert!(b.sorts("p", "", None, 10).await.is_empty());
    assert!(b.indexed("i", None, false, 10).await.is_empty());
    assert_eq!(b.put(&ends(6), Expect::Version(5)).await, Err(PutError::Conflict(None)));
    b.put(&ends(1), Expect::Absent).await.unwrap();
    assert_eq!(b.get(&key("p", "s")).await.unwrap().version, 1);
}

async fn a_list_is_in_order_and_pages(b: &Bench) {
    for sort in ["W#b", "W#a", "W#c", "D#a", "W", "X#a", "W#é", "W#%", "W#_"] {
        b.put(&row("p", sort, 1), Expect::Absent).await.unwrap();
    }
    b.put(&row("q", "W#z", 1), Expect::Absent).await.unwrap();
    assert_eq!(b.sorts("p", "W#", None, 10).await, ["W#%", "W#_", "W#a", "W#b", "W#c", "W#é"]);
    assert_eq!(b.sorts("p", "W#", None, 2).await, ["W#%", "W#_"]);
    assert_eq!(b.sorts("p", "W#", Some("W#a"), 2).await, ["W#b", "W#c"]);
    assert_eq!(b.sorts("p", "W#", Some("D"), 1).await, ["W#%"], "beginning before the prefix");
    assert!(b.sorts("p", "W#", Some("X"), 9).await.is_empty());
    assert!(b.sorts("p", "W#_x", None, 9).await.is_empty());
    assert_eq!(b.sorts("p", "", None, 3).await, ["D#a", "W", "W#%"]);
    assert!(b.sorts("p", "", None, 0).await.is_empty());
}

async fn an_index_finds_rows_both_ways(b: &Bench) {
    for (partition, sort, at) in [("p", "1", "03"), ("p", "2", "01"), ("q", "1", "02")] {
        let index = Some(("DEAD".to_owned(), at.to_owned()));
        b.put(&Row { index, ..row(partition, sort, 1) }, Expect::Absent).await.unwrap();
    }
    b.put(&row("q", "2", 1), Expect::Absent).await.unwrap();
    assert_eq!(b.indexed("DEAD", None, false, 10).await, ["01", "02", "03"]);
    assert_eq!(b.indexed("DEAD", None, true, 2).await, ["03", "02"]);
    assert_eq!(b.indexed("DEAD", Some("01"), false, 10).await, ["02", "03"]);
    assert_eq!(b.indexed("DEAD", Some("02"), true, 10).await, ["01"]);
    assert!(b.indexed("OTHER", None, false, 10).await.is_empty());
    let whole = b.table.list_index("DEAD", None, false, 1, b.now()).await.unwrap();
    assert_eq!(whole[0].data, row("p", "2", 1).data, "a row found by index is whole");
}

async fn a_row_leaves_the_index_when_it_says_so(b: &Bench) {
    let index = Some(("i".to_owned(), "1".to_owned()));
    b.put(&Row { index, ..row("p", "s", 1) }, Expect::Absent).await.unwrap();
    b.put(&row("p", "s", 2), Expect::Version(1)).await.unwrap();
    assert!(b.indexed("i", None, false, 10).await.is_empty());
}

async fn a_counter_stops_at_its_limit(b: &Bench) {
    let k = key("R#org", "L");
    assert_eq!(b.add(&k, 3, 10).await, Ok(3));
    assert_eq!(b.add(&k, 7, 10).await, Ok(10));
    assert_eq!(b.add(&k, 1, 10).await, Err(AddError::Above(10)));
    assert_eq!(b.add(&k, 1, 11).await, Ok(11));
    assert_eq!(b.add(&k, 0, 5).await, Err(AddError::Above(11)));
    assert_eq!(b.add(&key("R#org", "M"), 6, 5).await, Err(AddError::Above(0)));
    let ends = key("R#org", "E");
    let now = b.now();
    b.table.add_if_below(&ends, 4, 10, now.plus(LEASE), now).await.unwrap();
    b.pass(LEASE).await;
    assert_eq!(b.add(&ends, 2, 10).await, Ok(2), "an expired counter begins anew");
}

async fn a_counter_is_no_row(b: &Bench) {
    let k = key("p", "n");
    b.add(&k, 1, 10).await.unwrap();
    assert_eq!(b.get(&k).await, None);
    b.put(&row("p", "z", 1), Expect::Absent).await.unwrap();
    assert_eq!(b.sorts("p", "", None, 10).await, ["z"]);
}

async fn racing_puts_have_one_winner(b: &Bench) {
    let puts = (1..=16).map(|version| async move { b.put(&row("p", "s", version), Expect::Absent).await });
    let results = futures::future::join_all(puts).await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    let standing = b.get(&key("p", "s")).await.unwrap();
    for result in results {
        if let Err(PutError::Conflict(given)) = result {
            assert_eq!(*given.unwrap(), standing);
        }
    }
}

async fn racing_adds_lose_nothing(b: &Bench) {
    let k = key("R", "L");
    let adds = (0..40).map(|_| b.add(&k, 1, 25));
    let results = futures::future::join_all(adds).await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 25);
    assert_eq!(b.add(&k, 1, 25).await, Err(AddError::Above(25)));
}

async fn a_removed_row_is_absent(b: &Bench) {
    b.put(&row("p", "s", 1), Expect::Absent).await.unwrap();
    b.table.remove(&key("p", "s"), b.now()).await.unwrap();
    b.table.remove(&key("p", "s"), b.now()).await.unwrap();
    assert_eq!(b.get(&key("p", "s")).await, None);
}

async fn a_row_too_large_is_refused(b: &Bench) {
    let large = |size| Row { data: vec![7; size], ..row("p", "s", 1) };
    let refused = b.put(&large(MAX_ROW + 1), Expect::Absent).await;
    assert!(matches!(refused, Err(PutError::Store(StoreError::Refused(_)))), "{refused:?}");
    b.put(&large(MAX_ROW), Expect::Absent).await.unwrap();
}

async fn a_large_partition_is_listed_whole(b: &Bench) {
    // More than the megabyte that one page of DynamoDB holds.
    for i in 0..12 {
        let index = Some(("i".to_owned(), format!("{i:02}")));
        let large = Row { data: vec![b'x'; 120_000], index, ..row("p", &format!("{i:02}"), 1) };
        b.put(&large, Expect::Absent).await.unwrap();
    }
    assert_eq!(b.sorts("p", "", None, 100).await.len(), 12);
    assert_eq!(b.indexed("i", None, true, 100).await.len(), 12);
}

// ── minutes and days: SQLite alone ──

#[tokio::test]
async fn a_deduplication_id_is_forgotten_after_five_minutes() {
    let b = Bench::sqlite();
    b.send(&[("a", "a1")]).await;
    b.pass(Duration::from_millis(299_999)).await;
    b.send(&[("a", "a1")]).await;
    assert_eq!(b.queue.depth(b.now()).await.unwrap().visible, 1);
    b.pass(Duration::from_millis(1)).await;
    b.send(&[("a", "a1")]).await;
    assert_eq!(b.queue.depth(b.now()).await.unwrap().visible, 2);
}

#[tokio::test]
async fn a_message_is_hidden_for_twelve_hours_from_its_receipt_at_most() {
    let b = Bench::sqlite();
    b.send(&[("a", "a1")]).await;
    let leased = b.receive(1, LONG).await;
    b.hide(&leased[0].handle, MAX_VISIBILITY).await.unwrap();
    b.pass(Duration::from_secs(1)).await;
    let beyond = b.hide(&leased[0].handle, MAX_VISIBILITY).await;
    assert!(matches!(beyond, Err(StoreError::Refused(_))), "{beyond:?}");
    b.hide(&leased[0].handle, MAX_VISIBILITY - Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn an_ended_lease_refuses_its_handle_even_before_the_next_delivery() {
    let b = Bench::sqlite();
    b.send(&[("a", "a1")]).await;
    let leased = b.receive(1, LEASE).await;
    b.pass(LEASE).await;
    assert_eq!(b.delete(&leased[0].handle).await, Err(StoreError::HandleExpired));
    assert_eq!(b.hide(&leased[0].handle, LONG).await, Err(StoreError::HandleExpired));
    assert_eq!(b.deliverable().await, ["a1"]);
}

#[tokio::test]
async fn what_nobody_deletes_is_kept_for_fourteen_days() {
    let b = Bench::sqlite();
    b.send(&[("a", "a1")]).await;
    b.pass(RETENTION - Duration::from_millis(1)).await;
    b.send(&[("a", "a2")]).await;
    assert_eq!(b.deliverable().await, ["a1", "a2"]);
    b.pass(Duration::from_millis(1)).await;
    assert_eq!(b.deliverable().await, ["a2"]);
}
