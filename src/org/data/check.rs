//! What Salesforce refuses about a record as a whole: missing fields, lost references, doubles,
//! rules, locks.

use rusqlite::types::Value as Sql;
use rusqlite::{params, params_from_iter};
use serde_json::json;

use super::super::error::OrgError;
use super::super::schema::{DuplicateRule, Field, Kind, Object};
use super::row::Row;
use super::write::Errors;
use super::{Context, Tx};

impl Tx<'_> {
    /// Everything that can be told before the row is written.
    pub(super) fn check(&self, ctx: &Context, row: &Row<'_>, before: Option<&Row<'_>>) -> Result<(), Errors> {
        let mut errors = Vec::new();
        errors.extend(required(row));
        for (field, value) in row.entries() {
            let same = before.is_some_and(|b| b.get(&field.name) == value);
            if same || *value == Sql::Null {
                continue;
            }
            // The session's user is taken at its word: an empty org has no row for it.
            if let (Kind::Reference, Sql::Text(id)) = (field.kind, value)
                && *id != ctx.user_id
                && let Err(error) = self.reference(field, id)
            {
                errors.push(error);
            }
            if field.unique
                && let Some(other) = self.holder(row, field, value)?
            {
                let short = other.get(..15).unwrap_or(&other);
                errors.push(OrgError::new(
                    "DUPLICATE_VALUE",
                    format!(
                        "duplicate value found: {} duplicates value on record with id: {short}",
                        field.name
                    ),
                ));
            }
        }
        if errors.is_empty() && !ctx.allow_duplicates {
            let rules = row.object.duplicate_rules.iter().filter(|rule| self.state.in_force(&rule.name));
            for rule in rules {
                errors.extend(self.duplicates(ctx, row, rule)?);
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Errors(errors)) }
    }

    /// A reference points to a living record of an object it may point to, which nobody holds.
    fn reference(&self, field: &Field, id: &str) -> Result<(), OrgError> {
        let wrong_type = || {
            OrgError::new("MALFORMED_ID", format!("{}: id value of incorrect type: {id}", field.label))
                .field(&field.name)
        };
        let target = self
            .schema
            .object_of_id(id)
            .filter(|o| field.references.contains(&o.name))
            .ok_or_else(wrong_type)?;
        match self.is_deleted(target, id)? {
            None => {
                Err(OrgError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
                    .field(&field.name))
            }
            Some(true) => Err(OrgError::new("ENTITY_IS_DELETED", "entity is deleted").field(&field.name)),
            Some(false) if target.name == "User" => Ok(()),
            Some(false) => unlocked(self, id),
        }
    }

    /// Whether the record is in the bin; `None` where there is no such record.
    pub(super) fn is_deleted(&self, object: &Object, id: &str) -> Result<Option<bool>, OrgError> {
        let sql = format!("SELECT IsDeleted FROM \"{}\" WHERE Id = ?1", object.name);
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params![id])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// Another living record with this value in a unique field.
    fn holder(&self, row: &Row<'_>, field: &Field, value: &Sql) -> Result<Option<String>, OrgError> {
        let sql = format!(
            "SELECT Id FROM \"{}\" WHERE \"{}\" = ?1 AND IsDeleted = 0 AND Id <> ?2 LIMIT 1",
            row.object.name, field.name
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params![value, row.text("Id").unwrap_or_default()])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// The records that a duplicate rule takes for the same as this one.
    fn duplicates(
        &self,
        ctx: &Context,
        row: &Row<'_>,
        rule: &DuplicateRule,
    ) -> Result<Option<OrgError>, OrgError> {
        let mut values: Vec<Sql> = rule.fields.iter().map(|name| row.get(name).clone()).collect();
        if values.contains(&Sql::Null) {
            return Ok(None);
        }
        let conditions: Vec<String> = rule.fields.iter().map(|name| format!("\"{name}\" = ?")).collect();
        let object = row.object;
        let sql = format!(
            "SELECT Id FROM \"{}\" WHERE {} AND IsDeleted = 0 AND Id <> ? LIMIT 5",
            object.name,
            conditions.join(" AND ")
        );
        values.push(Sql::Text(row.text("Id").unwrap_or_default().to_owned()));
        let mut statement = self.db.prepare_cached(&sql)?;
        let ids: Vec<String> =
            statement.query_map(params_from_iter(values), |r| r.get(0))?.collect::<Result<_, _>>()?;
        if ids.is_empty() {
            return Ok(None);
        }
        let records: Vec<_> = ids
            .iter()
            .map(|id| {
                let url = format!("/services/data/v{}.0/sobjects/{}/{id}", ctx.api_version, object.name);
                json!({
                    "additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
                    "record": {"attributes": {"type": object.name, "url": url}, "Id": id},
                })
            })
            .collect();
        let mut error = OrgError::new("DUPLICATES_DETECTED", &rule.message);
        error.duplicates = Some(Box::new(json!({
            "allowSave": true, "duplicateRule": rule.name, "duplicateRuleEntityType": object.name,
            "errorMessage": rule.message,
            "matchResults": [{
                "entityType": object.name, "errors": [], "matchEngine": "ExactMatchEngine",
                "matchRecords": records, "rule": rule.name, "size": ids.len(), "success": true,
            }],
        })));
        Ok(Some(error))
    }
}

/// All fields that a record must have and this one has not, in one error.
fn required(row: &Row<'_>) -> Option<OrgError> {
    let missing: Vec<String> = row
        .entries()
        .filter(|(field, value)| field.required && **value == Sql::Null)
        .map(|(field, _)| field.name.clone())
        .collect();
    (!missing.is_empty()).then(|| {
        let text = format!("Required fields are missing: [{}]", missing.join(", "));
        let mut error = OrgError::new("REQUIRED_FIELD_MISSING", text);
        error.fields = missing;
        error
    })
}

/// Nobody else holds the record.
pub(super) fn unlocked(tx: &Tx<'_>, id: &str) -> Result<(), OrgError> {
    if tx.state.is_locked(id) {
        let short = id.get(..15).unwrap_or(id);
        return Err(OrgError::new(
            "UNABLE_TO_LOCK_ROW",
            format!("unable to obtain exclusive access to this record or 1 records: {short}"),
        ));
    }
    Ok(())
}

/// The validation rules in force, asked of the record as it was just written.
pub(super) fn validation(tx: &Tx<'_>, ctx: &Context, object: &Object, id: &str) -> Result<(), Errors> {
    let mut errors = Vec::new();
    for rule in object.validation_rules.iter().filter(|rule| tx.state.in_force(&rule.name)) {
        let soql = format!("SELECT Id FROM {} WHERE Id = '{id}' AND ({})", object.name, rule.when);
        if !tx.query(ctx, &soql, false)?.records.is_empty() {
            let error = OrgError::new("FIELD_CUSTOM_VALIDATION_EXCEPTION", &rule.message);
            errors.push(match &rule.field {
                Some(field) => error.field(field),
                None => error,
            });
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Errors(errors)) }
}

/// The object's records cannot be written this way.
pub(super) fn no_support(object: &Object, verb: &str) -> OrgError {
    OrgError::new(
        "INVALID_TYPE_FOR_OPERATION",
        format!("entity type {} does not support {verb}", object.name),
    )
}
