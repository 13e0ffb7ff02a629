//! Fills a folder of local mode, so that pages can be measured with much behind them:
//! `cargo run --example fill -- FOLDER [OUTCOMES] [DEAD] [DOUBT] [WAITING]`, a million outcomes unless told.

#![allow(clippy::print_stderr, reason = "an instrument")]

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::try_join_all;
use serde_json::{Value, json};
use tieline::envelope::WriteId;
use tieline::outcome::Outcome;
use tieline::outcome::rows::DeadLetter;
use tieline::row::Row;
use tieline::store::sqlite::{STATE, Sqlite, WRITES};
use tieline::store::{Expect, Message, Queue, Table};
use tieline::time::Timestamp;

/// What goes wrong, as often as it stands here.
const CAUSES: [(&str, &str, &str, &[&str]); 5] = [
    ("Case", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Escalated cases need a reason", &["Reason"]),
    ("Task", "INVALID_FIELD", "No such column 'CallRating__c' on sobject of type Task", &[]),
    ("Case", "STRING_TOO_LONG", "Subject: data value too large", &["Subject"]),
    ("Contact", "DUPLICATES_DETECTED", "Use one of these records?", &[]),
    ("Case", "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", &[]),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().context("name a folder")?;
    let count = |place: usize, or: usize| arguments.get(place).map_or(Ok(or), |text| text.parse());
    let now = tieline::clock::now();
    let store = Sqlite::own(Path::new(folder), now)?;
    let state = store.table(STATE);
    let (outcomes, dead) = (count(1, 1_000_000)?, count(2, 5_000)?);
    let (doubt, waiting) = (count(3, 300)?, count(4, 2_000)?);
    put(&*state, (0..outcomes).map(|n| Ok(outcome(n, now, json!({"is": "succeeded"}))?.row())), now).await?;
    let settle = now.plus(Duration::from_secs(600));
    let in_doubt = |n| Ok(outcome(outcomes + n, now, json!({"is": "in_doubt", "settle_at": settle}))?.row());
    put(&*state, (0..doubt).map(in_doubt), now).await?;
    put(&*state, (0..dead).map(|n| Ok(letter(outcomes + doubt + n, now)?.row())), now).await?;
    wait(&*store.queue(WRITES), outcomes + doubt + dead, waiting, now).await?;
    eprintln!("{outcomes} outcomes, {dead} dead letters, {doubt} in doubt, {waiting} waiting in {folder}");
    Ok(())
}

async fn put(
    table: &dyn Table,
    rows: impl Iterator<Item = anyhow::Result<Row>>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let some: Vec<Row> = rows.by_ref().take(1_000).collect::<anyhow::Result<_>>()?;
        try_join_all(some.iter().map(|row| table.put(row, Expect::Anything, now))).await?;
    }
    Ok(())
}

/// Three writes a contact, one every two seconds.
fn contact(n: usize) -> String {
    format!("{:08x}-0000-4000-8000-{:012x}", n / 3, n / 3)
}

fn id(n: usize) -> WriteId {
    WriteId::keyed("org.example.com", &contact(n), &n.to_string())
}

fn outcome(n: usize, now: Timestamp, state: Value) -> anyhow::Result<Outcome> {
    let at = now.minus(Duration::from_secs(2 * n as u64 % 2_000_000));
    let fields = json!({
        "id": id(n), "group": contact(n), "version": 3, "generation": 1, "hash": "0".repeat(64),
        "verb": "create", "object": CAUSES[n % 5].0, "state": state, "attempts": 0, "accepted_at": at,
        "first_sent_at": at.plus(Duration::from_millis(300)), "done_at": at.plus(Duration::from_millis(700)),
        "record_id": format!("500{n:015}"),
    });
    Ok(serde_json::from_value(fields)?)
}

fn envelope(n: usize, at: Timestamp) -> Value {
    json!({
        "v": 1, "id": id(n), "generation": 1, "org": "org.example.com", "group": contact(n),
        "write": {"operation": "create", "object": CAUSES[n % 5].0, "fields": {"Subject": "Delivery is late", "Origin": "Phone"}},
        "refs": [], "hash": "0".repeat(64), "flush": false, "accepted_at": at,
    })
}

fn letter(n: usize, now: Timestamp) -> anyhow::Result<DeadLetter> {
    let (_, code, message, fields) = CAUSES[n % 5];
    let at = now.minus(Duration::from_secs(n as u64 % 90_000));
    let letter = json!({
        "id": id(n), "group": contact(n), "version": 1, "reason": "REJECTED", "failed_at": at, "attempts": 1,
        "fault": {"class": "rejected", "code": code, "message": message, "fields": fields},
        "history": [], "envelope": envelope(n, at),
    });
    Ok(serde_json::from_value(letter)?)
}

async fn wait(queue: &dyn Queue, from: usize, count: usize, now: Timestamp) -> anyhow::Result<()> {
    let message = |n: usize| Message {
        group: contact(n),
        deduplication_id: format!("{}:1", id(n)),
        body: envelope(n, now).to_string(),
    };
    let messages: Vec<Message> = (from..from + count).map(message).collect();
    queue.send(&messages, now).await.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(())
}
