//! How work reaches SQLite: inline, or through one writer thread that commits in groups.
//!
//! A commit costs a wait for the disk, whatever it holds; so the writer takes all that waits, runs
//! it in one transaction and answers everybody after the commit. Each piece of work has its own
//! savepoint: one that fails undoes itself and not its neighbours.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    mpsc::{Receiver, Sender, channel},
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{Notify, oneshot};

use crate::store::StoreError;

/// How many pieces of work share a commit at most.
const GROUP: usize = 1024;

/// Runs work on the store.
#[derive(Debug)]
pub(super) struct Engine {
    mode: Mode,
    /// Rings when messages may have become deliverable.
    pub(super) changed: Notify,
}

#[derive(Debug)]
enum Mode {
    Inline(Mutex<Connection>),
    /// The writer ends when the sender is dropped. Readers see what is committed and never wait.
    Threaded {
        jobs: Sender<Job>,
        reader: Mutex<Connection>,
    },
}

/// Does its work inside the open transaction, and gives what to do when that has ended.
type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

impl Engine {
    pub(super) fn inline(connection: Connection) -> Self {
        Self { mode: Mode::Inline(Mutex::new(connection)), changed: Notify::new() }
    }

    pub(super) fn threaded(writer: Connection, reader: Connection) -> Result<Self, StoreError> {
        let (jobs, queue) = channel();
        std::thread::Builder::new()
            .name("tieline-store".to_owned())
            .spawn(move || write_until_dropped(&writer, &queue))
            .map_err(|error| StoreError::Unavailable(format!("the store's writer did not start: {error}")))?;
        Ok(Self { mode: Mode::Threaded { jobs, reader: Mutex::new(reader) }, changed: Notify::new() })
    }

    /// Whether a caller may wait for something to happen: inline there is nobody who could act.
    pub(super) fn can_wait(&self) -> bool {
        matches!(self.mode, Mode::Threaded { .. })
    }

    /// Runs `work` alone, all of it or nothing, and returns when that is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.mode {
            Mode::Inline(connection) => atomically(&held(connection), work).map_err(failed),
            Mode::Threaded { jobs, .. } => {
                let (reply, answer) = oneshot::channel();
                let job: Job = Box::new(move |connection| {
                    let done = atomically(connection, work).map_err(failed);
                    Box::new(move |committed| {
                        // Whoever asked may have gone; the work stands all the same.
                        drop(reply.send(committed.and(done)));
                    })
                });
                jobs.send(job).map_err(|_| stopped())?;
                answer.await.map_err(|_| stopped())?
            }
        }
    }

    /// Runs a question on what is committed.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        match &self.mode {
            Mode::Inline(connection) | Mode::Threaded { reader: connection, .. } => {
                work(&held(connection)).map_err(failed)
            }
        }
    }
}

/// A panic in between leaves no transaction open (savepoints end in `atomically`), so a poisoned
/// lock is as good as any.
fn held(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn atomically<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("SAVEPOINT work")?.execute([])?;
    let done = work(connection);
    if done.is_err() {
        connection.prepare_cached("ROLLBACK TO work")?.execute([])?;
    }
    connection.prepare_cached("RELEASE work")?.execute([])?;
    done
}

fn write_until_dropped(connection: &Connection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut answers = Vec::new();
        let ended = connection.execute_batch("BEGIN IMMEDIATE").and_then(|()| {
            answers.push(first(connection));
            while answers.len() < GROUP
                && let Ok(next) = jobs.try_recv()
            {
                answers.push(next(connection));
            }
            connection.execute_batch("COMMIT")
        });
        if ended.is_err() && !connection.is_autocommit() {
            // It failed to commit and is undone; if even that fails, the next BEGIN will say so.
            drop(connection.execute_batch("ROLLBACK"));
        }
        // A job that never ran drops its reply, which tells its caller that the writer refused.
        let ended = ended.map_err(failed);
        for answer in answers {
            answer(ended.clone());
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the local store is busy or has stopped; nothing was written".to_owned())
}

/// SQLite's texts name tables and reasons, never values.
pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Throttled("the local store is held by another process; it is tried again".to_owned())
        }
        Some(ErrorCode::DiskFull) => {
            StoreError::Unavailable("the disk of the local store is full; make room on it".to_owned())
        }
        _ => StoreError::Unavailable(format!("the local store failed: {error}")),
    }
}
