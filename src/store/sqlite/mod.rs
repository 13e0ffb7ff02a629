//! Queue and table in one SQLite file: local mode, the simulation, and every test.
//!
//! A synchronous core ([`queue`], [`table`]: functions over a connection, each taking `now`) under
//! an [`engine`] that runs it inline (`:memory:`: deterministic, for the simulation) or behind one
//! writer thread that commits in groups. Acknowledged means on the disk: write-ahead log with
//! `synchronous=FULL`.
//!
//! What it never does: deliver more than SQS would. Group lock, hidden heads, deduplication that
//! outlives deletion, handles that expire and the limits of visibility are AWS's, so that what
//! works here works there.
//!
//! One folder has one owner at a time ([`Sqlite::own`]); others may look and add ([`Sqlite::visit`]).

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, config::DbConfig};

use crate::store::{Queue, StoreError, Table};
use crate::time::Timestamp;

mod engine;
mod queue;
mod table;

use engine::Engine;

/// The queue of accepted writes, as local mode names it.
pub const WRITES: &str = "writes";
/// The queue's own dead-letter queue.
pub const DEAD_WRITES: &str = "dead";
/// The table of outcomes, dead letters, token and budget.
pub const STATE: &str = "state";
/// The table of the read cache.
pub const CACHE: &str = "cache";

/// An open store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Sqlite {
    engine: Arc<Engine>,
    epoch: u64,
    /// Held as long as any clone lives: the folder is ours.
    _lock: Option<Arc<File>>,
}

impl Sqlite {
    /// A store in memory, run inline: nothing of it waits, and the same calls give the same answers.
    ///
    /// # Errors
    /// When SQLite cannot be started.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory().map_err(engine::failed)?;
        create(&connection).map_err(engine::failed)?;
        Ok(Self { engine: Arc::new(Engine::inline(connection)), epoch: 1, _lock: None })
    }

    /// Opens the store of a folder as its only owner. Leases of earlier owners end at once: they
    /// are gone, or this lock could not be had.
    ///
    /// # Errors
    /// When another process owns the folder, or it cannot be written.
    pub fn own(folder: &Path, now: Timestamp) -> Result<Self, StoreError> {
        make(folder)?;
        let lock = lock(folder)?;
        let connection = open(folder)?;
        let epoch = begin_ownership(&connection, now).map_err(engine::failed)?;
        let engine = Engine::threaded(connection, open(folder)?)?;
        Ok(Self { engine: Arc::new(engine), epoch, _lock: Some(Arc::new(lock)) })
    }

    /// Opens the store of a folder beside its owner, if it has one: for the commands that list,
    /// repair and replay.
    ///
    /// # Errors
    /// When the folder cannot be opened.
    pub fn visit(folder: &Path) -> Result<Self, StoreError> {
        make(folder)?;
        let engine = Engine::threaded(open(folder)?, open(folder)?)?;
        Ok(Self { engine: Arc::new(engine), epoch: 0, _lock: None })
    }

    /// Which ownership of the folder this is, counted from 1: part of the name under which the
    /// owner claims writes, so that the next owner knows them for lapsed. 0 for a visitor.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The queue of this name, which exists as soon as it is named.
    #[must_use]
    pub fn queue(&self, name: &'static str) -> Arc<dyn Queue> {
        Arc::new(queue::SqliteQueue::new(Arc::clone(&self.engine), name))
    }

    /// Messages of a queue beyond place `after`, oldest first, each with its place; nobody is kept
    /// from receiving them. SQS has nothing like it, so no path may need it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn peek(&self, queue: &str, after: i64, limit: usize) -> Result<Vec<(i64, String)>, StoreError> {
        self.engine.read(|c| queue::peek(c, queue, after, limit))
    }

    /// The table of this name, which exists as soon as it is named.
    #[must_use]
    pub fn table(&self, name: &'static str) -> Arc<dyn Table> {
        Arc::new(table::SqliteTable::new(Arc::clone(&self.engine), name))
    }
}

/// Creates the folder for its owner's eyes alone: what it keeps may be personal.
fn make(folder: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
        StoreError::Unavailable(format!(
            "the folder {} cannot be made ({error}); choose another with --data-dir",
            folder.display()
        ))
    })
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("owner.lock");
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|error| {
            StoreError::Unavailable(format!("{} cannot be opened ({error})", path.display()))
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Refused(format!(
            "{} is in use by another `tieline local`; stop that one, or choose another folder with --data-dir",
            folder.display()
        ))),
        Err(TryLockError::Error(error)) => {
            Err(StoreError::Unavailable(format!("{} cannot be locked ({error})", path.display())))
        }
    }
}

fn open(folder: &Path) -> Result<Connection, StoreError> {
    let path = folder.join("tieline.db");
    let opened = Connection::open(&path).and_then(|connection| {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        create(&connection)?;
        Ok(connection)
    });
    opened.map_err(|error| {
        StoreError::Unavailable(format!("the store {} cannot be opened ({error})", path.display()))
    })
}

/// Text is compared by its bytes (SQLite's default), as DynamoDB compares sort keys.
fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    // Without it, a `LIMIT ?` is planned for its value: each run of the cached statement plans it anew.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA temp_store = memory;
         CREATE TABLE IF NOT EXISTS message (
             id          INTEGER PRIMARY KEY AUTOINCREMENT,
             queue       TEXT    NOT NULL,
             grp         TEXT    NOT NULL,
             sent_at     INTEGER NOT NULL,
             visible_at  INTEGER NOT NULL,
             received_at INTEGER NOT NULL DEFAULT 0,
             receives    INTEGER NOT NULL DEFAULT 0,
             body        TEXT    NOT NULL
         );
         CREATE INDEX IF NOT EXISTS message_of_group ON message (queue, grp, visible_at);
         CREATE TABLE IF NOT EXISTS deduplication (
             queue TEXT NOT NULL, id TEXT NOT NULL, until INTEGER NOT NULL,
             PRIMARY KEY (queue, id)
         ) WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS deduplication_end ON deduplication (until);
         CREATE TABLE IF NOT EXISTS row (
             tbl TEXT NOT NULL, pk TEXT NOT NULL, sk TEXT NOT NULL,
             version INTEGER NOT NULL, data BLOB NOT NULL, ipk TEXT, isk TEXT, expires INTEGER,
             PRIMARY KEY (tbl, pk, sk)
         ) WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS row_by_index ON row (tbl, ipk, isk) WHERE ipk IS NOT NULL;
         CREATE INDEX IF NOT EXISTS row_end ON row (expires) WHERE expires IS NOT NULL;
         CREATE TABLE IF NOT EXISTS counter (
             tbl TEXT NOT NULL, pk TEXT NOT NULL, sk TEXT NOT NULL,
             sum INTEGER NOT NULL, expires INTEGER NOT NULL,
             PRIMARY KEY (tbl, pk, sk)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS ownership (only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL);",
    )
}

/// What a new owner does first: counts itself, ends every lease, sweeps out what has expired.
fn begin_ownership(connection: &Connection, now: Timestamp) -> rusqlite::Result<u64> {
    let now = now.as_millis();
    let transaction = connection.unchecked_transaction()?;
    transaction.execute("UPDATE message SET visible_at = ?1 WHERE visible_at > ?1", [now])?;
    transaction.execute("DELETE FROM row WHERE expires <= ?1", [now])?;
    transaction.execute("DELETE FROM counter WHERE expires <= ?1", [now])?;
    let epoch: i64 = transaction.query_row(
        "INSERT INTO ownership VALUES (1, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
        [],
        |row| row.get(0),
    )?;
    transaction.commit()?;
    Ok(epoch.unsigned_abs())
}

#[cfg(test)]
mod tests;
