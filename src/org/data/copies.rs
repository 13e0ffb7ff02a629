//! Many rows alike at once, for the sample company's large table: no rule is asked again of what it
//! has let pass once.

use rusqlite::params;

use super::super::error::OrgError;
use super::super::id;
use super::Tx;
use super::table;
use super::write::auto_number;

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
        let numbered = object.fields.iter().find_map(|f| Some((f.name.as_str(), f.auto_number.as_deref()?)));
        let (columns, sources): (Vec<String>, Vec<String>) = table::stored(object)
            .map(|f| {
                let column = format!("\"{}\"", f.name);
                let source = match f.name.as_str() {
                    "Id" => "?2".to_owned(),
                    name if numbered.is_some_and(|(n, _)| n == name) => "?3".to_owned(),
                    name if name == field => "?4".to_owned(),
                    _ => column.clone(),
                };
                (column, source)
            })
            .unzip();
        let name = &object.name;
        let mut statement = self.db.prepare(&format!(
            "INSERT INTO \"{name}\" (rowid, {}) SELECT ?1, {} FROM \"{name}\" WHERE Id = ?5",
            columns.join(", "),
            sources.join(", ")
        ))?;
        for value in values {
            let number = self.state.next_number(name);
            let label = numbered.map(|(_, form)| auto_number(form, number));
            let row = i64::try_from(number).unwrap_or(i64::MAX);
            statement.execute(params![row, id::compose(&object.prefix, number), label, value, original])?;
        }
        Ok(())
    }
}
