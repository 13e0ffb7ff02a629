//! What may be done with rows: the calls of the rooms that speak HTTP.

use serde_json::Value;

use super::super::error::OrgError;
use super::Context;
use super::Fields;
use super::Rows;
use super::Tx;
use super::Upserted;

fn soon() -> OrgError {
    OrgError::unexpected("the org's engine is being laid")
}

impl Tx<'_> {
    /// Makes a record of this object and returns its id.
    ///
    /// # Errors
    /// Everything that Salesforce finds wrong with it; nothing is written then.
    pub fn insert(&self, _ctx: &Context, _object: &str, _fields: &Fields) -> Result<String, Vec<OrgError>> {
        Err(vec![soon()])
    }

    /// Changes the given fields of a record. `id` may have 15 or 18 characters.
    ///
    /// # Errors
    /// As [`insert`](Self::insert); also `NOT_FOUND`, `ENTITY_IS_DELETED`, `UNABLE_TO_LOCK_ROW`.
    pub fn update(
        &self,
        _ctx: &Context,
        _object: &str,
        _id: &str,
        _fields: &Fields,
    ) -> Result<(), Vec<OrgError>> {
        Err(vec![soon()])
    }

    /// Changes the record whose external-id field has this value, or makes it.
    /// With `update_only` none is made: `NOT_FOUND`.
    ///
    /// # Errors
    /// As [`insert`](Self::insert) and [`update`](Self::update); `NOT_FOUND` where the field is no
    /// external id.
    pub fn upsert(
        &self,
        _ctx: &Context,
        _object: &str,
        _field: &str,
        _value: &Value,
        _fields: &Fields,
        _update_only: bool,
    ) -> Result<Upserted, Vec<OrgError>> {
        Err(vec![soon()])
    }

    /// Puts a record, and what hangs on it, into the bin. `object`, where given, must be its own.
    ///
    /// # Errors
    /// `NOT_FOUND`, `MALFORMED_ID`, `ENTITY_IS_DELETED`, `UNABLE_TO_LOCK_ROW`.
    pub fn delete(&self, _ctx: &Context, _object: Option<&str>, _id: &str) -> Result<(), Vec<OrgError>> {
        Err(vec![soon()])
    }

    /// Takes a record, and what was deleted with it, out of the bin.
    ///
    /// # Errors
    /// `UNDELETE_FAILED` where it is not in the bin.
    pub fn undelete(&self, _ctx: &Context, _id: &str) -> Result<(), Vec<OrgError>> {
        Err(vec![soon()])
    }

    /// The record, `attributes` first: the named fields (parents by path), or all.
    ///
    /// # Errors
    /// `NOT_FOUND`, `ENTITY_IS_DELETED`, `INVALID_FIELD`.
    pub fn retrieve(
        &self,
        _ctx: &Context,
        _object: &str,
        _id: &str,
        _fields: Option<&[&str]>,
    ) -> Result<Value, OrgError> {
        Err(soon())
    }

    /// The ids of the records whose external-id (or Id) field has this value.
    ///
    /// # Errors
    /// `NOT_FOUND` where the field is no external id.
    pub fn find(&self, _object: &str, _field: &str, _value: &Value) -> Result<Vec<String>, OrgError> {
        Err(soon())
    }

    /// Answers SOQL; with `all` also from the bin, as queryAll does. All records at once: paging is
    /// the caller's.
    ///
    /// # Errors
    /// `MALFORMED_QUERY`, `INVALID_FIELD`, `INVALID_TYPE` and their like, as Salesforce words them.
    pub fn query(&self, _ctx: &Context, _soql: &str, _all: bool) -> Result<Rows, OrgError> {
        Err(soon())
    }

    /// Answers SOSL with `searchRecords`.
    ///
    /// # Errors
    /// `MALFORMED_SEARCH` and those of [`query`](Self::query).
    pub fn search(&self, _ctx: &Context, _sosl: &str) -> Result<Vec<Value>, OrgError> {
        Err(soon())
    }

    /// Answers a `parameterizedSearch` body: an object with `searchRecords`, and `metadata` where
    /// that was asked for. A GET's parameters are to be brought into the body's form first.
    ///
    /// # Errors
    /// As [`search`](Self::search); `JSON_PARSER_ERROR`, `INVALID_FIELD` for what the body may not hold.
    pub fn parameterized_search(&self, _ctx: &Context, _body: &Value) -> Result<Value, OrgError> {
        Err(soon())
    }
}
