//! Tables, indices and settings of the database.

use std::cmp::Ordering;

use rusqlite::Connection;

use super::super::error::OrgError;
use super::super::schema::{Field, Kind, Object, Schema};
use super::super::{soql, sosl};

/// Makes what is not there yet; a schema that gained fields gains columns.
pub(super) fn prepare(db: &Connection, schema: &Schema) -> Result<(), OrgError> {
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -65536; PRAGMA foreign_keys = OFF;",
    )?;
    db.create_collation("SALESFORCE", by_letters)?;
    soql::functions::register(db)?;
    db.set_prepared_statement_cache_capacity(1024);
    db.execute_batch("BEGIN")?;
    sosl::index::create(db)?;
    for object in schema.objects() {
        create(db, object)?;
    }
    db.execute_batch("COMMIT")?;
    Ok(())
}

/// Text compares by its letters, whatever their case.
fn by_letters(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() {
        let fold = |b: u8| b.to_ascii_lowercase();
        return left.bytes().map(fold).cmp(right.bytes().map(fold));
    }
    left.chars().flat_map(char::to_lowercase).cmp(right.chars().flat_map(char::to_lowercase))
}

fn create(db: &Connection, object: &Object) -> Result<(), OrgError> {
    // `_binned`: the record whose deletion took this one along.
    let columns: Vec<String> = stored(object).map(column).chain(["_binned TEXT".to_owned()]).collect();
    let table = &object.name;
    db.execute_batch(&format!("CREATE TABLE IF NOT EXISTS \"{table}\" ({})", columns.join(", ")))?;
    let there: Vec<String> = db
        .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for field in stored(object).filter(|f| !there.contains(&f.name)) {
        db.execute_batch(&format!("ALTER TABLE \"{table}\" ADD COLUMN {}", column(field)))?;
    }
    for field in stored(object) {
        let name = &field.name;
        // Partial: a field that is empty costs a write nothing.
        let wanted = field.external_id
            || field.unique
            || field.kind == Kind::Reference
                && !matches!(name.as_str(), "OwnerId" | "CreatedById" | "LastModifiedById")
            || matches!(field.kind, Kind::Email | Kind::Phone);
        if wanted {
            db.execute_batch(&format!(
                "CREATE INDEX IF NOT EXISTS \"{table}.{name}\" ON \"{table}\" (\"{name}\") WHERE \"{name}\" IS NOT NULL"
            ))?;
        }
    }
    Ok(())
}

/// The fields that have a column: all but compounds, which are made of others.
pub(super) fn stored(object: &Object) -> impl Iterator<Item = &Field> {
    object.fields.iter().filter(|f| f.kind != Kind::Address)
}

fn column(field: &Field) -> String {
    let affinity = match field.kind {
        Kind::Id => "TEXT PRIMARY KEY NOT NULL",
        Kind::Boolean => "INTEGER NOT NULL DEFAULT 0",
        Kind::Int | Kind::DateTime => "INTEGER",
        Kind::Double | Kind::Currency | Kind::Percent => "REAL",
        Kind::Reference | Kind::Date | Kind::Time => "TEXT",
        _ if field.case_sensitive => "TEXT",
        _ => "TEXT COLLATE SALESFORCE",
    };
    format!("\"{}\" {affinity}", field.name)
}
