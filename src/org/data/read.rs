//! Finding records: by id, by external id.

use rusqlite::params;
use rusqlite::types::Value as Sql;
use serde_json::Value;

use super::super::error::OrgError;
use super::super::id;
use super::super::schema::{Kind, Object};
use super::{Context, Tx, value};

impl Tx<'_> {
    /// The record, `attributes` first: the named fields (parents by path), or all.
    ///
    /// # Errors
    /// `NOT_FOUND`, `ENTITY_IS_DELETED`, `INVALID_FIELD`.
    pub fn retrieve(
        &self,
        ctx: &Context,
        object: &str,
        id: &str,
        fields: Option<&[&str]>,
    ) -> Result<Value, OrgError> {
        let object = self.object(object)?;
        let id = self
            .id_of(object, id)
            .map_err(|e| if e.code == "MALFORMED_ID" { OrgError::not_found() } else { e })?;
        match self.is_deleted(object, &id)? {
            None => return Err(OrgError::not_found()),
            Some(true) => return Err(OrgError::deleted()),
            Some(false) => {}
        }
        self.record(ctx, object, &id, fields)?.ok_or_else(OrgError::not_found)
    }

    /// The ids of the living records whose external-id (or Id) field has this value, oldest first.
    ///
    /// # Errors
    /// `NOT_FOUND` where the field is no external id.
    pub fn find(&self, object: &str, field: &str, value: &Value) -> Result<Vec<String>, OrgError> {
        let object = self.object(object)?;
        let Some(field) = object.field(field).filter(|f| f.external_id || f.kind == Kind::Id) else {
            return Err(OrgError::new(
                "NOT_FOUND",
                format!("Provided external ID field does not exist or is not accessible: {field}"),
            )
            .status(404));
        };
        // A path brings every value as text, whatever the field's type; a body may bring a number
        // for a text field.
        let text = match value {
            Value::Number(n) if !matches!(field.kind, Kind::Int | Kind::Double) => {
                Value::String(n.to_string())
            }
            other => other.clone(),
        };
        let wanted = if field.kind == Kind::Id {
            Sql::Text(self.id_of(object, text.as_str().unwrap_or_default())?)
        } else {
            value::store(field, &text)?
        };
        if wanted == Sql::Null {
            return Err(OrgError::new("MISSING_ARGUMENT", format!("{} not specified", field.name)));
        }
        let sql = format!(
            "SELECT Id FROM \"{}\" WHERE \"{}\" = ?1 AND IsDeleted = 0 ORDER BY rowid",
            object.name, field.name
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let ids = statement.query_map(params![wanted], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(ids)
    }

    /// The object of this name.
    pub(in super::super) fn object(&self, name: &str) -> Result<&Object, OrgError> {
        self.schema.object(name).ok_or_else(OrgError::not_found)
    }

    /// The 18 characters of an id that must be one of this object's.
    pub(super) fn id_of(&self, object: &Object, text: &str) -> Result<String, OrgError> {
        let shaped = matches!(text.len(), 15 | 18) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if !shaped {
            return Err(OrgError::new(
                "NOT_FOUND",
                format!("Provided external ID field does not exist or is not accessible: {text}"),
            )
            .status(404));
        }
        let Some(id) = id::normalise(text) else {
            return Err(OrgError::new("MALFORMED_ID", format!("malformed id {text}")));
        };
        if id::prefix(&id) != object.prefix {
            return Err(OrgError::new(
                "MALFORMED_ID",
                format!("{} ID: id value of incorrect type: {id}", object.label),
            ));
        }
        Ok(id)
    }

    /// The object of an id and its 18 characters.
    pub(super) fn whose(&self, text: &str) -> Result<(&Object, String), OrgError> {
        let malformed = || OrgError::new("MALFORMED_ID", format!("malformed id {text}"));
        let id = id::normalise(text).ok_or_else(malformed)?;
        let object = self.schema.object_of_id(&id).ok_or_else(malformed)?;
        Ok((object, id))
    }
}
