//! Creating and changing records: given fields → row → worked out → checked → written.

use rusqlite::types::Value as Sql;
use serde_json::Value;

use super::super::error::OrgError;
use super::super::id;
use super::super::schema::{Field, Object};
use super::row::Row;
use super::{Context, Fields, Tx, Upserted, check, derive, value};

/// What an update may not do that a create may, and the other way round.
#[derive(Clone, Copy, PartialEq)]
enum Verb {
    Create,
    Update,
}

impl Tx<'_> {
    /// Makes a record of this object and returns its id.
    ///
    /// # Errors
    /// Everything that Salesforce finds wrong with it; nothing is written then.
    pub fn insert(&self, ctx: &Context, object: &str, fields: &Fields) -> Result<String, Vec<OrgError>> {
        self.attempt(|tx| {
            let object = tx.object(object)?;
            if !object.writable {
                return Err(Errors::one(check::no_support(object, "create")));
            }
            tx.create(ctx, object, fields)
        })
        .map_err(|e| e.0)
    }

    /// Changes the given fields of a record. `id` may have 15 or 18 characters.
    ///
    /// # Errors
    /// As [`insert`](Self::insert); also `NOT_FOUND`, `ENTITY_IS_DELETED`, `UNABLE_TO_LOCK_ROW`.
    pub fn update(
        &self,
        ctx: &Context,
        object: &str,
        id: &str,
        fields: &Fields,
    ) -> Result<(), Vec<OrgError>> {
        self.attempt(|tx| {
            let object = tx.object(object)?;
            if !object.writable {
                return Err(Errors::one(check::no_support(object, "update")));
            }
            let id = tx.id_of(object, id)?;
            tx.change(ctx, object, &id, fields)
        })
        .map_err(|e| e.0)
    }

    /// Changes the record whose external-id field has this value, or makes it. The field itself may
    /// stand among `fields` with the same value. With `update_only` none is made: `NOT_FOUND`.
    ///
    /// # Errors
    /// As [`insert`](Self::insert) and [`update`](Self::update); `NOT_FOUND` where the field is no
    /// external id.
    pub fn upsert(
        &self,
        ctx: &Context,
        object: &str,
        field: &str,
        value: &Value,
        fields: &Fields,
        update_only: bool,
    ) -> Result<Upserted, Vec<OrgError>> {
        self.attempt(|tx| {
            let object = tx.object(object)?;
            let mut fields = fields.clone();
            if field.eq_ignore_ascii_case("Id") {
                let none = value.as_str().is_none_or(str::is_empty);
                fields.retain(|key, _| !key.eq_ignore_ascii_case("Id"));
                if none {
                    return tx.create(ctx, object, &fields).map(Upserted::Created);
                }
            }
            let mut found = tx.find(&object.name, field, value)?;
            match (found.pop(), found.is_empty()) {
                (Some(last), false) => {
                    found.push(last);
                    Ok(Upserted::Several(found))
                }
                (Some(id), true) => {
                    fields.retain(|key, _| !key.eq_ignore_ascii_case(field));
                    tx.change(ctx, object, &id, &fields)?;
                    Ok(Upserted::Updated(id))
                }
                (None, _) if update_only || field.eq_ignore_ascii_case("Id") => {
                    Err(OrgError::not_found().into())
                }
                (None, _) => {
                    fields.retain(|key, _| !key.eq_ignore_ascii_case(field));
                    let name = object.field(field).map_or(field, |f| f.name.as_str());
                    fields.insert(name.to_owned(), value.clone());
                    tx.create(ctx, object, &fields).map(Upserted::Created)
                }
            }
        })
        .map_err(|e| e.0)
    }

    fn create(&self, ctx: &Context, object: &Object, fields: &Fields) -> Result<String, Errors> {
        let mut row = Row::fresh(object)?;
        self.apply(&mut row, fields, Verb::Create)?;
        let number = self.state.next_number(&object.name);
        let id = id::compose(&object.prefix, number);
        let now = ctx.now.as_millis().div_euclid(1000) * 1000;
        row.set_text("Id", &id);
        for name in ["CreatedById", "LastModifiedById", "InsertedById"] {
            row.set_text(name, &ctx.user_id);
        }
        for name in ["CreatedDate", "LastModifiedDate", "SystemModstamp"] {
            row.set(name, Sql::Integer(now));
        }
        if row.text("OwnerId").is_none() {
            row.set_text("OwnerId", &ctx.user_id);
        }
        for field in &object.fields {
            if let Some(form) = &field.auto_number {
                row.set_text(&field.name, auto_number(form, number));
            }
        }
        derive::complete(self, ctx, &mut row, None)?;
        self.check(ctx, &row, None)?;
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        row.insert(self, number)?;
        derive::after_insert(self, &row)?;
        self.touched(object, number)?;
        check::validation(self, ctx, object, &id)?;
        Ok(id)
    }

    fn change(&self, ctx: &Context, object: &Object, id: &str, fields: &Fields) -> Result<(), Errors> {
        let Some(before) = Row::load(self, object, id)? else { return Err(OrgError::not_found().into()) };
        if before.integer("IsDeleted") == Some(1) {
            return Err(OrgError::deleted().into());
        }
        check::unlocked(self, id)?;
        let mut row = before.clone();
        self.apply(&mut row, fields, Verb::Update)?;
        let now = ctx.now.as_millis().div_euclid(1000) * 1000;
        row.set_text("LastModifiedById", &ctx.user_id);
        for name in ["LastModifiedDate", "SystemModstamp"] {
            row.set(name, Sql::Integer(now));
        }
        derive::complete(self, ctx, &mut row, Some(&before))?;
        self.check(ctx, &row, Some(&before))?;
        row.update(self, &before)?;
        self.touched(object, row.number)?;
        check::validation(self, ctx, object, id)
    }

    /// The given values into the row. A field that is not there, or may not be written, fails all.
    fn apply(&self, row: &mut Row<'_>, fields: &Fields, verb: Verb) -> Result<(), Errors> {
        let object = row.object;
        let mut errors = Vec::new();
        let mut barred = Vec::new();
        for (name, given) in fields {
            if name == "attributes" {
                continue;
            }
            if name.eq_ignore_ascii_case("Id") {
                return Err(Errors::one(match verb {
                    Verb::Create => OrgError::new(
                        "INVALID_FIELD_FOR_INSERT_UPDATE",
                        "cannot specify Id in an insert call",
                    )
                    .field("Id"),
                    Verb::Update => OrgError::new(
                        "INVALID_FIELD",
                        "The Id field should not be specified in the sobject data.",
                    ),
                }));
            }
            if let Some(field) = object.field(name) {
                let may = if verb == Verb::Create { field.createable } else { field.updateable };
                if may {
                    match value::store(field, given) {
                        Ok(stored) => row.set(&field.name, stored),
                        Err(error) => errors.push(error),
                    }
                } else {
                    barred.push(field.name.clone());
                }
            } else if let (Some(field), Value::Object(key)) = (object.parent(name), given) {
                match self.by_foreign_key(field, key) {
                    Ok(id) => row.set_text(&field.name, id),
                    Err(error) => errors.push(error),
                }
            } else {
                let text = format!("No such column '{name}' on sobject of type {}", object.name);
                return Err(Errors::one(OrgError::new("INVALID_FIELD", text)));
            }
        }
        if !barred.is_empty() {
            let mut error = OrgError::new(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                format!(
                    "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
                    barred.join(", ")
                ),
            );
            error.fields = barred;
            return Err(Errors::one(error));
        }
        if errors.is_empty() { Ok(()) } else { Err(Errors(errors)) }
    }

    /// `"Account": {"CustomerNumber__c": "C-7"}` in place of an AccountId.
    fn by_foreign_key(&self, field: &Field, key: &Fields) -> Result<String, OrgError> {
        let entry = key.iter().find(|(name, _)| name.as_str() != "attributes");
        let type_of = |key: &Fields| key.get("attributes")?.get("type")?.as_str().map(str::to_owned);
        let object = type_of(key).or_else(|| field.references.first().cloned()).unwrap_or_default();
        let Some((name, value)) = entry else {
            return Err(OrgError::new(
                "INVALID_FIELD",
                format!("The external foreign key reference of {} names no field", field.name),
            ));
        };
        let mut found = self.find(&object, name, value)?;
        match (found.pop(), found.is_empty()) {
            (Some(id), true) => Ok(id),
            (Some(_), false) => Err(OrgError::new(
                "DUPLICATE_EXTERNAL_ID",
                format!("{name}: more than one record found for external id field"),
            )
            .field(name)),
            (None, _) => {
                let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Err(OrgError::new(
                    "INVALID_FIELD",
                    format!("Foreign key external ID: {shown} not found for field {name} in entity {object}"),
                ))
            }
        }
    }
}

/// `B-{000000}` and 42 make `B-000042`; a form without braces is all digits.
pub(super) fn auto_number(form: &str, number: u64) -> String {
    match form
        .split_once('{')
        .and_then(|(head, rest)| rest.split_once('}').map(|(zeros, tail)| (head, zeros, tail)))
    {
        Some((head, zeros, tail)) => format!("{head}{number:0width$}{tail}", width = zeros.len()),
        None => format!("{number:0width$}", number = number.saturating_add(999), width = form.len()),
    }
}

/// What was wrong with one record.
pub(super) struct Errors(pub(super) Vec<OrgError>);

impl Errors {
    pub(super) fn one(error: OrgError) -> Self {
        Self(vec![error])
    }
}

impl From<OrgError> for Errors {
    fn from(error: OrgError) -> Self {
        Self::one(error)
    }
}

impl From<rusqlite::Error> for Errors {
    fn from(error: rusqlite::Error) -> Self {
        Self::one(error.into())
    }
}
