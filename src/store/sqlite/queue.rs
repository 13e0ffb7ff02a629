//! The FIFO queue, as SQS keeps one.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::engine::Engine;
use crate::store::{
    DEDUPLICATION, Depth, Handle, Leased, MAX_VISIBILITY, Message, Queue, RETENTION, StoreError,
};
use crate::time::Timestamp;

/// How often a waiting receiver looks for itself: leases end silently, and messages may come from
/// another process.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct SqliteQueue {
    engine: Arc<Engine>,
    name: &'static str,
}

impl SqliteQueue {
    pub(super) fn new(engine: Arc<Engine>, name: &'static str) -> Self {
        Self { engine, name }
    }
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn send(&self, messages: &[Message], now: Timestamp) -> Vec<Result<(), StoreError>> {
        let mut results: Vec<_> = messages.iter().map(Message::check).collect();
        let fit: Vec<_> =
            messages.iter().zip(&results).filter(|(_, r)| r.is_ok()).map(|(m, _)| m.clone()).collect();
        let name = self.name;
        let sent = self.engine.write(move |c| fit.iter().try_for_each(|m| insert(c, name, m, now))).await;
        if let Err(error) = sent {
            results.iter_mut().filter(|r| r.is_ok()).for_each(|r| *r = Err(error.clone()));
        }
        self.engine.changed.notify_waiters();
        results
    }

    async fn receive(
        &self,
        max: usize,
        lease: Duration,
        wait: Duration,
        now: Timestamp,
    ) -> Result<Vec<Leased>, StoreError> {
        let name = self.name;
        let started = instant();
        loop {
            let changed = self.engine.changed.notified();
            let waited = instant() - started;
            let now = now.plus(waited);
            let leased = self.engine.write(move |c| lease_some(c, name, max, lease, now)).await?;
            if !leased.is_empty() || waited >= wait || !self.engine.can_wait() {
                return Ok(leased);
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(LOOK.min(wait.saturating_sub(waited))) => {}
            }
        }
    }

    async fn delete(&self, handles: &[Handle], now: Timestamp) -> Vec<Result<(), StoreError>> {
        let entries = handles.to_vec();
        let name = self.name;
        let deleted = self
            .engine
            .write(move |c| entries.iter().map(|h| delete(c, name, h, now)).collect::<rusqlite::Result<_>>())
            .await;
        self.engine.changed.notify_waiters();
        per_entry(deleted, handles.len())
    }

    async fn change_visibility(
        &self,
        entries: &[(Handle, Duration)],
        now: Timestamp,
    ) -> Vec<Result<(), StoreError>> {
        let owned = entries.to_vec();
        let name = self.name;
        let changed = self
            .engine
            .write(move |c| {
                owned.iter().map(|(h, after)| hide(c, name, h, *after, now)).collect::<rusqlite::Result<_>>()
            })
            .await;
        self.engine.changed.notify_waiters();
        per_entry(changed, entries.len())
    }

    async fn depth(&self, now: Timestamp) -> Result<Depth, StoreError> {
        let name = self.name;
        self.engine.read(|c| {
            c.prepare_cached(
                "SELECT count(*) FILTER (WHERE visible_at <= ?2), count(*) FILTER (WHERE visible_at > ?2),
                        min(sent_at)
                 FROM message WHERE queue = ?1",
            )?
            .query_row(params![name, now.as_millis()], |row| {
                let count = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
                let oldest = row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis);
                Ok(Depth { visible: count(0)?, in_flight: count(1)?, oldest, keeps: RETENTION })
            })
        })
    }
}

/// The next messages and their places, without leasing them.
pub(super) fn peek(
    c: &Connection,
    queue: &str,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, String)>> {
    c.prepare_cached(
        "SELECT id, body FROM message NOT INDEXED WHERE queue = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?
    .query_map(params![queue, after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?
    .collect()
}

/// Time that passes while a receiver waits; the queue's own time comes in as `now`.
#[expect(clippy::disallowed_methods, reason = "measures a wait of this process, decides nothing else")]
fn instant() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

fn per_entry(
    results: Result<Vec<Result<(), StoreError>>, StoreError>,
    entries: usize,
) -> Vec<Result<(), StoreError>> {
    results.unwrap_or_else(|error| vec![Err(error); entries])
}

fn insert(c: &Connection, queue: &str, message: &Message, now: Timestamp) -> rusqlite::Result<()> {
    c.prepare_cached("DELETE FROM deduplication WHERE until <= ?1")?.execute([now.as_millis()])?;
    let fresh = c
        .prepare_cached("INSERT INTO deduplication VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
        .execute(params![queue, message.deduplication_id, now.plus(DEDUPLICATION).as_millis()])?;
    if fresh == 1 {
        c.prepare_cached(
            "INSERT INTO message (queue, grp, sent_at, visible_at, body) VALUES (?1, ?2, ?3, ?3, ?4)",
        )?
        .execute(params![queue, message.group, now.as_millis(), message.body])?;
    }
    Ok(())
}

fn lease_some(
    c: &Connection,
    queue: &str,
    max: usize,
    lease: Duration,
    now: Timestamp,
) -> rusqlite::Result<Vec<Leased>> {
    drop_what_is_too_old(c, queue, now)?;
    // In the order of arrival, over the rows themselves: the front of the queue is where they are.
    let leased = c
        .prepare_cached(
            "SELECT id, receives, sent_at, grp, body FROM message AS m NOT INDEXED
             WHERE queue = ?1 AND visible_at <= ?2 AND NOT EXISTS (
                 SELECT 1 FROM message AS held
                 WHERE held.queue = ?1 AND held.grp = m.grp AND held.visible_at > ?2)
             ORDER BY id LIMIT ?3",
        )?
        .query_map(params![queue, now.as_millis(), i64::try_from(max).unwrap_or(i64::MAX)], |row| {
            let (id, receives): (i64, u32) = (row.get(0)?, row.get(1)?);
            let receive_count = receives.saturating_add(1);
            let leased = Leased {
                group: row.get(3)?,
                body: row.get(4)?,
                handle: Handle(format!("{id}-{receive_count}")),
                receive_count,
                sent_at: Timestamp::from_millis(row.get(2)?),
            };
            Ok((id, leased))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let until = now.plus(lease.min(MAX_VISIBILITY)).as_millis();
    let mut take = c.prepare_cached(
        "UPDATE message SET visible_at = ?2, received_at = ?3, receives = ?4 WHERE id = ?1",
    )?;
    for (id, leased) in &leased {
        take.execute(params![id, until, now.as_millis(), leased.receive_count])?;
    }
    Ok(leased.into_iter().map(|(_, leased)| leased).collect())
}

/// The oldest is the first row; only where that one is too old, all such are looked for.
fn drop_what_is_too_old(c: &Connection, queue: &str, now: Timestamp) -> rusqlite::Result<()> {
    let end = now.minus(RETENTION).as_millis();
    let oldest: Option<i64> = c
        .prepare_cached("SELECT sent_at FROM message NOT INDEXED WHERE queue = ?1 ORDER BY id LIMIT 1")?
        .query_row([queue], |row| row.get(0))
        .optional()?;
    if oldest.is_some_and(|sent_at| sent_at <= end) {
        c.execute("DELETE FROM message WHERE queue = ?1 AND sent_at <= ?2", params![queue, end])?;
    }
    Ok(())
}

/// A handle names the message and which delivery of it.
fn parse(handle: &Handle) -> Option<(i64, u32)> {
    let (id, receive) = handle.0.split_once('-')?;
    Some((id.parse().ok()?, receive.parse().ok()?))
}

type Entry = rusqlite::Result<Result<(), StoreError>>;

fn delete(c: &Connection, queue: &str, handle: &Handle, now: Timestamp) -> Entry {
    let Some((id, receive)) = parse(handle) else { return Ok(Err(no_handle())) };
    let deleted = c
        .prepare_cached(
            "DELETE FROM message WHERE id = ?1 AND queue = ?2 AND receives = ?3 AND visible_at > ?4",
        )?
        .execute(params![id, queue, receive, now.as_millis()])?;
    if deleted == 1 {
        return Ok(Ok(()));
    }
    // Deleting what is gone already is no error, as on SQS: a repeat finds it done.
    let stands: bool = c
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM message WHERE id = ?1 AND queue = ?2)")?
        .query_row(params![id, queue], |row| row.get(0))?;
    Ok(if stands { Err(StoreError::HandleExpired) } else { Ok(()) })
}

fn hide(c: &Connection, queue: &str, handle: &Handle, after: Duration, now: Timestamp) -> Entry {
    let Some((id, receive)) = parse(handle) else { return Ok(Err(no_handle())) };
    let received_at: Option<i64> = c
        .prepare_cached(
            "SELECT received_at FROM message WHERE id = ?1 AND queue = ?2 AND receives = ?3 AND visible_at > ?4",
        )?
        .query_row(params![id, queue, receive, now.as_millis()], |row| row.get(0))
        .optional()?;
    let Some(received_at) = received_at else { return Ok(Err(StoreError::HandleExpired)) };
    let until = now.plus(after);
    if until > Timestamp::from_millis(received_at).plus(MAX_VISIBILITY) {
        return Ok(Err(StoreError::Refused(
            "a message cannot be hidden for more than 12 hours from when it was received".to_owned(),
        )));
    }
    c.prepare_cached("UPDATE message SET visible_at = ?2 WHERE id = ?1")?
        .execute(params![id, until.as_millis()])?;
    Ok(Ok(()))
}

fn no_handle() -> StoreError {
    StoreError::Refused("this is no handle of this queue".to_owned())
}
