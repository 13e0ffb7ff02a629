//! The full-text index: which words are in which records.
//!
//! Writes only note the record; the index catches up before the next search. Phone numbers are
//! found by their last digits, whichever way they were typed.

use std::fmt::Write as _;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::super::data::Tx;
use super::super::error::OrgError;
use super::super::id;
use super::super::schema::{Field, Kind, Object};

/// Shorter ends of a phone number are found by its groups of digits alone.
const SHORTEST_END: usize = 5;
/// The records of an object have the numbers below this.
const RECORDS: i64 = 1 << 40;

/// Makes the tables that are not there yet.
pub(crate) fn create(db: &Connection) -> Result<(), OrgError> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS _touched (object TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (object, number)) WITHOUT ROWID;
         CREATE VIRTUAL TABLE IF NOT EXISTS _search USING fts5(name, email, phone, rest, content='', contentless_delete=1, tokenize='unicode61');
         CREATE VIRTUAL TABLE IF NOT EXISTS _words USING fts5vocab(_search, 'row');",
    )?;
    Ok(())
}

impl Tx<'_> {
    /// Notes that a record's words changed.
    pub(in super::super) fn touched(&self, object: &Object, number: i64) -> Result<(), OrgError> {
        if object.searchable {
            let sql = "INSERT OR IGNORE INTO _touched (object, number) VALUES (?1, ?2)";
            self.db.prepare_cached(sql)?.execute(params![object.name, number])?;
        }
        Ok(())
    }

    /// Brings the index up to date.
    pub(super) fn catch_up(&self) -> Result<(), OrgError> {
        let touched: Vec<(String, i64)> = {
            let mut statement = self.db.prepare_cached("SELECT object, number FROM _touched")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
        };
        if touched.is_empty() {
            return Ok(());
        }
        self.attempt(|tx| {
            for (name, number) in &touched {
                if let Some(object) = tx.schema.object(name) {
                    tx.index(object, *number)?;
                }
            }
            tx.db.prepare_cached("DELETE FROM _touched")?.execute([])?;
            Ok(())
        })
    }

    /// Writes one record's words anew.
    fn index(&self, object: &Object, number: i64) -> Result<(), OrgError> {
        let fields: Vec<&Field> = object.fields.iter().filter(|f| is_searched(f)).collect();
        let columns: Vec<String> = fields.iter().map(|f| format!("\"{}\"", f.name)).collect();
        let sql = format!("SELECT {} FROM \"{}\" WHERE rowid = ?1", columns.join(", "), object.name);
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params![number])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let mut words = [const { String::new() }; 4];
        for (at, field) in fields.iter().enumerate() {
            let ValueRef::Text(text) = row.get_ref(at)? else { continue };
            let text = String::from_utf8_lossy(text);
            let [name, email, phone, rest] = &mut words;
            let group = match field.kind {
                Kind::Phone => {
                    phone_words(phone, &text);
                    continue;
                }
                Kind::Email => email,
                _ if is_name(object, field) => name,
                _ => rest,
            };
            group.push_str(&text);
            // A word no text holds keeps phrases within one field.
            group.push_str(" \u{e000} ");
        }
        let key = key(object, number);
        self.db.prepare_cached("DELETE FROM _search WHERE rowid = ?1")?.execute(params![key])?;
        let [name, email, phone, rest] = words;
        let sql = "INSERT INTO _search (rowid, name, email, phone, rest) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.db.prepare_cached(sql)?.execute(params![key, name, email, phone, rest])?;
        Ok(())
    }

    /// The ids of the records that fit an expression of the index, by object, oldest first.
    pub(super) fn matching(&self, expression: &str, object: &Object) -> Result<Vec<String>, OrgError> {
        let first = key(object, 0);
        let sql = "SELECT rowid FROM _search WHERE _search MATCH ?1 AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid LIMIT 30000";
        let mut statement = self.db.prepare_cached(sql)?;
        let found = statement
            .query_map(params![expression, first, first.saturating_add(RECORDS)], |row| {
                row.get::<_, i64>(0)
            })?;
        let mut ids = Vec::new();
        for key in found {
            ids.push(id::compose(&object.prefix, (key? - first).unsigned_abs()));
        }
        Ok(ids)
    }

    /// The words of the index that fit a pattern of `sf_like`.
    pub(super) fn words_like(&self, pattern: &str) -> Result<Vec<String>, OrgError> {
        let mut statement =
            self.db.prepare_cached("SELECT term FROM _words WHERE sf_like(term, ?1) LIMIT 500")?;
        let words = statement.query_map(params![pattern], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(words)
    }
}

/// The number of a record in the index: its object's prefix, then its own.
fn key(object: &Object, number: i64) -> i64 {
    let prefix = object.prefix.bytes().fold(0i64, |n, b| {
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'A'..=b'Z' => b - b'A' + 10,
            _ => b.wrapping_sub(b'a').wrapping_add(36),
        };
        n * 62 + i64::from(digit)
    });
    prefix * RECORDS + number
}

fn is_searched(field: &Field) -> bool {
    matches!(
        field.kind,
        Kind::String
            | Kind::TextArea
            | Kind::ComboBox
            | Kind::Email
            | Kind::Phone
            | Kind::Url
            | Kind::Picklist
    )
}

fn is_name(object: &Object, field: &Field) -> bool {
    field.name_field
        || matches!(field.name.as_str(), "FirstName" | "LastName" | "Company")
        || field.name == "Subject" && object.name == "Case"
}

/// A number's groups of digits, and its ends: `+44 20 7946 0123` is found by 442079460123,
/// 2079460123, 79460123, ….
fn phone_words(into: &mut String, text: &str) {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    for group in text.split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()) {
        // Writing to a String cannot fail.
        let _ok = write!(into, "{group} ");
    }
    for start in 0..digits.len().saturating_sub(SHORTEST_END - 1) {
        let _ok = write!(into, "{} ", digits.get(start..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_found_by_its_ends() {
        let mut words = String::new();
        phone_words(&mut words, "+44 20 7946 0123");
        let words: Vec<&str> = words.split_whitespace().collect();
        for word in ["442079460123", "2079460123", "79460123", "7946", "60123"] {
            assert!(words.contains(&word), "{word} in {words:?}");
        }
        assert!(!words.contains(&"4207"));
    }
}
