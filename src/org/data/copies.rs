//! Many rows alike at once, for the sample company's large table: no rule is asked again of what it
//! has let pass once.

use rusqlite::params;
use rusqlite::types::Value as Sql;

use super::super::error::OrgError;
use super::super::id;
use super::write::auto_number;
use super::{Tx, table};

impl Tx<'_> {
    /// Makes a copy of a record for each of the values, which its `field` takes. Only for objects
    /// that are not searchable and have no unique fields.
    pub(in super::super) fn copies(
        &self,
        object: &str,
        original: &str,
        field: &str,
        values: impl IntoIterator<Item = f64>,
    ) -> Result<(), OrgError> {
        let object = self.schema.object(object).ok_or_else(OrgError::not_found)?;
        let name = &object.name;
        let numbered = object.fields.iter().find_map(|f| Some((f.name.as_str(), f.auto_number.as_deref()?)));
        let columns: Vec<&str> = table::stored(object).map(|f| f.name.as_str()).collect();
        let names: Vec<String> = columns.iter().map(|c| format!("\"{c}\"")).collect();
        let names = names.join(", ");
        let same: Vec<Sql> = self.db.query_row(
            &format!("SELECT {names} FROM \"{name}\" WHERE Id = ?1"),
            params![original],
            |row| (0..columns.len()).map(|at| row.get(at)).collect(),
        )?;
        let places = vec!["?"; columns.len() + 1].join(", ");
        let mut statement =
            self.db.prepare(&format!("INSERT INTO \"{name}\" (rowid, {names}) VALUES ({places})"))?;
        // What is the same in all is bound once: the statement keeps it.
        for (at, value) in same.iter().enumerate() {
            statement.raw_bind_parameter(at + 2, value)?;
        }
        let place = |name: &str| columns.iter().position(|c| *c == name).map(|at| at + 2);
        for value in values {
            let number = self.state.next_number(name);
            statement.raw_bind_parameter(1, i64::try_from(number).unwrap_or(i64::MAX))?;
            if let Some(at) = place("Id") {
                statement.raw_bind_parameter(at, id::compose(&object.prefix, number))?;
            }
            if let Some((at, form)) = numbered.and_then(|(n, form)| Some((place(n)?, form))) {
                statement.raw_bind_parameter(at, auto_number(form, number))?;
            }
            if let Some(at) = place(field) {
                statement.raw_bind_parameter(at, value)?;
            }
            statement.raw_execute()?;
        }
        Ok(())
    }
}
