//! One record on its way into a table: the columns of its object, by field.

use rusqlite::types::Value as Sql;
use rusqlite::{Row as SqlRow, params};

use super::super::error::OrgError;
use super::super::schema::{Field, Kind, Object};
use super::{Tx, table};

/// The values of a record, in the order of its object's fields.
#[derive(Clone, Debug)]
pub(super) struct Row<'s> {
    pub(super) object: &'s Object,
    values: Vec<Sql>,
    /// Its place in the table, once it has one.
    pub(super) number: i64,
}

impl<'s> Row<'s> {
    /// A record of nothing but the fields' own defaults.
    pub(super) fn fresh(object: &'s Object) -> Result<Self, OrgError> {
        let mut values = Vec::with_capacity(object.fields.len());
        for field in &object.fields {
            let given = match &field.default {
                Some(value) => super::value::store(field, value)?,
                None => match field.values.iter().find(|v| v.default) {
                    Some(choice) => Sql::Text(choice.value.clone()),
                    None if field.kind == Kind::Boolean => Sql::Integer(0),
                    None => Sql::Null,
                },
            };
            values.push(given);
        }
        Ok(Self { object, values, number: 0 })
    }

    /// Reads the record of this id, deleted or not.
    pub(super) fn load(tx: &Tx<'s>, object: &'s Object, id: &str) -> Result<Option<Self>, OrgError> {
        let columns: Vec<String> = table::stored(object).map(|f| format!("\"{}\"", f.name)).collect();
        let sql = format!("SELECT rowid, {} FROM \"{}\" WHERE Id = ?1", columns.join(", "), object.name);
        let mut statement = tx.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params![id])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Self::of(object, row).map(Some)
    }

    fn of(object: &'s Object, row: &SqlRow<'_>) -> Result<Self, OrgError> {
        let mut values = Vec::with_capacity(object.fields.len());
        let mut column = 1;
        for field in &object.fields {
            if field.kind == Kind::Address {
                values.push(Sql::Null);
            } else {
                values.push(row.get(column)?);
                column += 1;
            }
        }
        Ok(Self { object, values, number: row.get(0)? })
    }

    /// The value of a field; null where the object has no such field.
    pub(super) fn get(&self, name: &str) -> &Sql {
        self.object.position(name).and_then(|at| self.values.get(at)).unwrap_or(&Sql::Null)
    }

    /// The text of a field that has some.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Sql::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number of a field that has one (a flag, a point in time).
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Sql::Integer(n) => Some(*n),
            _ => None,
        }
    }

    /// The number of a field that has one.
    pub(super) fn real(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Sql::Real(n) => Some(*n),
            _ => None,
        }
    }

    /// Sets a field; does nothing where the object has no such field.
    pub(super) fn set(&mut self, name: &str, value: Sql) {
        if let Some(place) = self.object.position(name).and_then(|at| self.values.get_mut(at)) {
            *place = value;
        }
    }

    /// Sets a text field.
    pub(super) fn set_text(&mut self, name: &str, text: impl Into<String>) {
        self.set(name, Sql::Text(text.into()));
    }

    /// The stored fields with their values.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'s Field, &Sql)> {
        self.object.fields.iter().zip(&self.values).filter(|(field, _)| field.kind != Kind::Address)
    }

    /// Writes a new record under this number.
    pub(super) fn insert(&self, tx: &Tx<'_>, number: i64) -> Result<(), OrgError> {
        let columns: Vec<String> = self.entries().map(|(f, _)| format!("\"{}\"", f.name)).collect();
        let places = vec!["?"; columns.len() + 1].join(", ");
        let sql =
            format!("INSERT INTO \"{}\" (rowid, {}) VALUES ({places})", self.object.name, columns.join(", "));
        let mut statement = tx.db.prepare_cached(&sql)?;
        statement.raw_bind_parameter(1, number)?;
        for (at, (_, value)) in self.entries().enumerate() {
            statement.raw_bind_parameter(at + 2, value)?;
        }
        statement.raw_execute()?;
        Ok(())
    }

    /// Writes what differs from the record as it was.
    pub(super) fn update(&self, tx: &Tx<'_>, before: &Self) -> Result<(), OrgError> {
        let changed: Vec<(&Field, &Sql)> = self
            .entries()
            .zip(before.entries())
            .filter(|((_, new), (_, old))| new != old)
            .map(|(new, _)| new)
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let sets: Vec<String> = changed.iter().map(|(f, _)| format!("\"{}\" = ?", f.name)).collect();
        let sql = format!("UPDATE \"{}\" SET {} WHERE Id = ?", self.object.name, sets.join(", "));
        let mut statement = tx.db.prepare_cached(&sql)?;
        for (at, (_, value)) in changed.iter().enumerate() {
            statement.raw_bind_parameter(at + 1, value)?;
        }
        statement.raw_bind_parameter(changed.len() + 1, self.get("Id"))?;
        statement.raw_execute()?;
        Ok(())
    }
}
