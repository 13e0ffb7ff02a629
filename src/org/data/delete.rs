//! The bin: records go in with what hangs on them, and come out with it.

use rusqlite::params;

use super::super::error::OrgError;
use super::super::schema::Object;
use super::row::Row;
use super::write::Errors;
use super::{Context, Tx, check};

/// Objects whose records are switched off rather than deleted.
const LASTING: [&str; 4] = ["User", "Profile", "Organization", "RecordType"];

impl Tx<'_> {
    /// Puts a record into the bin, and with it what hangs on it. `object`, where given, must be its
    /// own.
    ///
    /// # Errors
    /// `NOT_FOUND`, `MALFORMED_ID`, `ENTITY_IS_DELETED`, `UNABLE_TO_LOCK_ROW`,
    /// `INVALID_TYPE_FOR_OPERATION`.
    pub fn delete(&self, ctx: &Context, object: Option<&str>, id: &str) -> Result<(), Vec<OrgError>> {
        self.attempt(|tx| {
            let (object, id) = match object {
                Some(name) => {
                    let object = tx.object(name)?;
                    (object, tx.id_of(object, id)?)
                }
                None => tx.whose(id)?,
            };
            if LASTING.contains(&object.name.as_str()) || !object.writable {
                return Err(Errors::one(check::no_support(object, "delete")));
            }
            match tx.is_deleted(object, &id)? {
                None => Err(OrgError::not_found().into()),
                Some(true) => Err(OrgError::deleted().into()),
                Some(false) => {
                    check::unlocked(tx, &id)?;
                    tx.bin(ctx, object, &id, &id)
                }
            }
        })
        .map_err(|e: Errors| e.0)
    }

    /// Takes a record, and what was deleted with it, out of the bin.
    ///
    /// # Errors
    /// `UNDELETE_FAILED` where it is not in the bin, `DUPLICATE_VALUE` where its unique value was
    /// taken meanwhile.
    pub fn undelete(&self, ctx: &Context, id: &str) -> Result<(), Vec<OrgError>> {
        self.attempt(|tx| {
            let (object, id) = tx.whose(id)?;
            if tx.is_deleted(object, &id)? != Some(true) {
                return Err(OrgError::new("UNDELETE_FAILED", "Entity is not in the recycle bin").into());
            }
            let Some(row) = Row::load(tx, object, &id)? else { return Err(OrgError::not_found().into()) };
            tx.check(ctx, &row, None)?;
            for object in tx.schema.objects() {
                let sql = format!(
                    "UPDATE \"{}\" SET IsDeleted = 0, _binned = NULL, SystemModstamp = ?2 WHERE _binned = ?1",
                    object.name
                );
                tx.db.prepare_cached(&sql)?.execute(params![id, ctx.now.as_millis()])?;
            }
            Ok(())
        })
        .map_err(|e: Errors| e.0)
    }

    /// Deletes the record as part of the deletion of `root`.
    fn bin(&self, ctx: &Context, object: &Object, id: &str, root: &str) -> Result<(), Errors> {
        let sql = format!(
            "UPDATE \"{}\" SET IsDeleted = 1, _binned = ?2, LastModifiedDate = ?3, SystemModstamp = ?3 WHERE Id = ?1 AND IsDeleted = 0",
            object.name
        );
        let now = ctx.now.as_millis().div_euclid(1000) * 1000;
        if self.db.prepare_cached(&sql)?.execute(params![id, root, now])? == 0 {
            return Ok(());
        }
        for child in &object.children {
            let (table, field) = (&child.object, &child.field);
            if child.cascade {
                let sql = format!("SELECT Id FROM \"{table}\" WHERE \"{field}\" = ?1 AND IsDeleted = 0");
                let mut statement = self.db.prepare_cached(&sql)?;
                let ids: Vec<String> =
                    statement.query_map(params![id], |row| row.get(0))?.collect::<Result<_, _>>()?;
                let object = self.object(table)?;
                for id in ids {
                    self.bin(ctx, object, &id, root)?;
                }
            } else if field != "OwnerId" {
                let sql = format!(
                    "UPDATE \"{table}\" SET \"{field}\" = NULL WHERE \"{field}\" = ?1 AND IsDeleted = 0"
                );
                self.db.prepare_cached(&sql)?.execute(params![id])?;
            }
        }
        Ok(())
    }
}
