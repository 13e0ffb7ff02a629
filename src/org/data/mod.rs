//! The org's rows, in SQLite: one table per object, one connection, one caller at a time.
//!
//! It knows Salesforce's rules of rows and nothing of HTTP. Reads and writes are made on a [`Tx`]:
//! [`Data::transaction`] commits what its closure did, [`Tx::attempt`] takes back what failed
//! within. With no path the rows live in memory. It never reads the clock: [`Context`] says when
//! it is and who asks.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use serde_json::{Map, Value};

use self::state::State;
use super::error::OrgError;
use super::schema::Schema;
use crate::time::Timestamp;

mod check;
mod copies;
mod delete;
mod derive;
mod read;
mod row;
mod state;
mod table;
pub(super) mod value;
mod write;

/// Who asks, and when.
#[derive(Clone, Debug)]
pub struct Context {
    /// Whose session it is: CreatedById, OwnerId where none is given, scope `mine`.
    pub user_id: String,
    /// When it is.
    pub now: Timestamp,
    /// `66` of `v66.0`: stands in every record's `attributes.url`.
    pub api_version: u32,
    /// The user's: what TODAY means.
    pub time_zone: jiff::tz::TimeZone,
    /// `Sforce-Duplicate-Rule-Header: allowSave=true`.
    pub allow_duplicates: bool,
}

/// Fields and values as a request gives them; `attributes` and its like are passed over.
pub type Fields = Map<String, Value>;

/// What a query found.
#[derive(Debug, Default, PartialEq)]
pub struct Rows {
    /// How many records; for `COUNT()` the count, and then there are no records.
    pub total_size: usize,
    /// Records as Salesforce writes them, `attributes` first.
    pub records: Vec<Value>,
    /// The object that was asked for.
    pub object: String,
    /// Whether they count as looked at (`FOR VIEW`).
    pub viewed: bool,
}

/// What an upsert did.
#[derive(Debug, PartialEq)]
pub enum Upserted {
    /// A new record of this id.
    Created(String),
    /// The record of this id was there.
    Updated(String),
    /// Several records carry the value: nothing was written.
    Several(Vec<String>),
}

/// The database.
#[derive(Debug)]
pub struct Data {
    inner: Mutex<Inner>,
    schema: Schema,
}

/// What only one caller at a time may touch.
#[derive(Debug)]
struct Inner {
    connection: Connection,
    state: State,
}

/// One caller's time with the database.
#[derive(Debug)]
pub struct Tx<'d> {
    pub(super) db: &'d Connection,
    pub(super) state: &'d State,
    pub(super) schema: &'d Schema,
}

impl Data {
    /// Opens or makes the database file, or one in memory, and its tables.
    ///
    /// # Errors
    /// The file cannot be opened or is no database.
    pub fn open(path: Option<&Path>, schema: Schema) -> Result<Self, OrgError> {
        let db = match path {
            Some(path) => Connection::open(path)
                .map_err(|e| OrgError::unexpected(format!("{}: {e}", path.display())))?,
            None => Connection::open_in_memory()?,
        };
        table::prepare(&db, &schema)?;
        let state = State::read(&db, &schema)?;
        Ok(Self { inner: Mutex::new(Inner { connection: db, state }), schema })
    }

    /// The schema it was opened with.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Runs `work` with the database to itself and commits what it did.
    ///
    /// # Errors
    /// The commit failed; nothing was kept.
    pub fn transaction<T>(&self, work: impl FnOnce(&Tx<'_>) -> T) -> Result<T, OrgError> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = inner.connection.unchecked_transaction()?;
        let out = work(&Tx { db: &inner.connection, state: &inner.state, schema: &self.schema });
        transaction.commit()?;
        Ok(out)
    }

    /// Runs `work` with the database to itself, for reading: nothing is begun or committed.
    pub fn read<T>(&self, work: impl FnOnce(&Tx<'_>) -> T) -> T {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        work(&Tx { db: &inner.connection, state: &inner.state, schema: &self.schema })
    }

    /// Holds a record as a long transaction of somebody else's would, or lets go of it: writes to
    /// it, and to what refers to it, fail with `UNABLE_TO_LOCK_ROW`.
    pub fn hold(&self, id: &str, held: bool) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.state.hold(id, held);
    }

    /// Puts a validation or duplicate rule into force or out of it; `false` where there is none of
    /// this name.
    pub fn enforce(&self, rule: &str, on: bool) -> bool {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.state.enforce(&self.schema, rule, on)
    }
}

impl Tx<'_> {
    /// Runs `work`; what it wrote is taken back where it fails.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn attempt<T, E: From<OrgError>>(&self, work: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        let run = |sql| self.db.prepare_cached(sql).and_then(|mut s| s.execute([])).map_err(OrgError::from);
        run("SAVEPOINT attempt")?;
        let out = work(self);
        if out.is_err() {
            run("ROLLBACK TO attempt")?;
        }
        run("RELEASE attempt")?;
        out
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        self.schema
    }
}

#[cfg(test)]
pub(super) mod tests;
