//! The table of versioned rows, as DynamoDB keeps one.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::engine::Engine;
use crate::store::{AddError, Expect, Key, PutError, Row, StoreError, Table, check_row};
use crate::time::Timestamp;

#[derive(Debug)]
pub(super) struct SqliteTable {
    engine: Arc<Engine>,
    name: &'static str,
}

impl SqliteTable {
    pub(super) fn new(engine: Arc<Engine>, name: &'static str) -> Self {
        Self { engine, name }
    }
}

const COLUMNS: &str = "pk, sk, version, data, ipk, isk, expires";

#[async_trait]
impl Table for SqliteTable {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Row>, StoreError> {
        self.engine.read(|c| get(c, self.name, key, now))
    }

    async fn put(&self, row: &Row, expect: Expect, now: Timestamp) -> Result<(), PutError> {
        check_row(row)?;
        let name = self.name;
        let row = row.clone();
        self.engine.write(move |c| put(c, name, &row, expect, now)).await?
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        // Bytes from the prefix on, until one no longer begins with it: no pattern to escape.
        let from = after.map_or(prefix, |after| after.max(prefix));
        self.engine.read(|c| {
            c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM row
                 WHERE tbl = ?1 AND pk = ?2 AND sk >= ?3 AND substr(sk, 1, length(?4)) = ?4
                   AND (?5 IS NULL OR sk > ?5) AND (expires IS NULL OR expires > ?6)
                 ORDER BY sk LIMIT ?7"
            ))?
            .query_map(
                params![self.name, partition, from, prefix, after, now.as_millis(), whole(limit)],
                row_of,
            )?
            .collect()
        })
    }

    async fn list_index(
        &self,
        partition: &str,
        after: Option<&str>,
        descending: bool,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let (beyond, order) = if descending { ("<", "DESC") } else { (">", "ASC") };
        self.engine.read(|c| {
            c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM row
                 WHERE tbl = ?1 AND ipk = ?2 AND (?3 IS NULL OR isk {beyond} ?3)
                   AND (expires IS NULL OR expires > ?4)
                 ORDER BY isk {order} LIMIT ?5"
            ))?
            .query_map(params![self.name, partition, after, now.as_millis(), whole(limit)], row_of)?
            .collect()
        })
    }

    async fn add_if_below(
        &self,
        key: &Key,
        amount: u64,
        limit: u64,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<u64, AddError> {
        let name = self.name;
        let key = key.clone();
        self.engine.write(move |c| add(c, name, &key, amount, limit, expires, now)).await?
    }

    async fn remove(&self, key: &Key, _now: Timestamp) -> Result<(), StoreError> {
        let name = self.name;
        let key = key.clone();
        self.engine
            .write(move |c| {
                c.prepare_cached("DELETE FROM row WHERE tbl = ?1 AND pk = ?2 AND sk = ?3")?
                    .execute(params![name, key.partition, key.sort])
                    .map(drop)
            })
            .await
    }
}

fn whole(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn row_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let index: (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
    Ok(Row {
        key: Key { partition: row.get(0)?, sort: row.get(1)? },
        version: row.get::<_, i64>(2)?.unsigned_abs(),
        data: row.get(3)?,
        index: index.0.zip(index.1),
        expires: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_millis),
    })
}

fn get(c: &Connection, table: &str, key: &Key, now: Timestamp) -> rusqlite::Result<Option<Row>> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM row
         WHERE tbl = ?1 AND pk = ?2 AND sk = ?3 AND (expires IS NULL OR expires > ?4)"
    ))?
    .query_row(params![table, key.partition, key.sort, now.as_millis()], row_of)
    .optional()
}

fn put(
    c: &Connection,
    table: &str,
    row: &Row,
    expect: Expect,
    now: Timestamp,
) -> rusqlite::Result<Result<(), PutError>> {
    let standing = get(c, table, &row.key, now)?;
    let holds = match (expect, &standing) {
        (Expect::Anything, _) | (Expect::Absent, None) => true,
        (Expect::Version(version), Some(standing)) => standing.version == version,
        (Expect::Absent, Some(_)) | (Expect::Version(_), None) => false,
    };
    if !holds {
        return Ok(Err(PutError::Conflict(standing.map(Box::new))));
    }
    c.prepare_cached("INSERT OR REPLACE INTO row VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?.execute(
        params![
            table,
            row.key.partition,
            row.key.sort,
            i64::try_from(row.version).unwrap_or(i64::MAX),
            row.data,
            row.index.as_ref().map(|(partition, _)| partition),
            row.index.as_ref().map(|(_, sort)| sort),
            row.expires.map(Timestamp::as_millis),
        ],
    )?;
    Ok(Ok(()))
}

fn add(
    c: &Connection,
    table: &str,
    key: &Key,
    amount: u64,
    limit: u64,
    expires: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Result<u64, AddError>> {
    let standing: Option<(i64, i64)> = c
        .prepare_cached(
            "SELECT sum, expires FROM counter WHERE tbl = ?1 AND pk = ?2 AND sk = ?3 AND expires > ?4",
        )?
        .query_row(params![table, key.partition, key.sort, now.as_millis()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (held, end) = standing.map_or((0, expires.as_millis()), |(sum, end)| (sum.unsigned_abs(), end));
    let sum = held.saturating_add(amount);
    if sum > limit {
        return Ok(Err(AddError::Above(held)));
    }
    c.prepare_cached("INSERT OR REPLACE INTO counter VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        table,
        key.partition,
        key.sort,
        i64::try_from(sum).unwrap_or(i64::MAX),
        end
    ])?;
    Ok(Ok(sum))
}
