//! Whose fields a query speaks of: dotted paths become columns of joined tables.

use std::fmt::Write as _;

use super::super::error::OrgError;
use super::super::schema::{Field, Kind, Object, Schema};
use super::ast::Path;
use super::fault;

/// Parents of parents of … at most.
const DEEPEST: usize = 5;
/// Joined parents in one statement. Salesforce allows 55 relations; a relation to several objects
/// counts for each of them here, and SQLite joins 64 tables.
const MOST_JOINS: usize = 62;
/// What may be asked of a parent that can be of several objects: the fields of the pseudo-object
/// Name, whether any of them has such a field or none.
const OF_NAME: [&str; 13] = [
    "Id",
    "Name",
    "FirstName",
    "LastName",
    "Type",
    "Email",
    "Phone",
    "Title",
    "Alias",
    "Username",
    "IsActive",
    "ProfileId",
    "UserRoleId",
];
/// Its own parents.
const PARENTS_OF_NAME: [&str; 2] = ["Profile", "UserRole"];

/// One FROM: its object and the parents joined to it so far.
pub(crate) struct Scope<'q> {
    pub(crate) schema: &'q Schema,
    pub(crate) text: &'q str,
    pub(crate) object: &'q Object,
    /// The table's name in the SQL.
    pub(crate) table: String,
    /// Names given in FROM, each with the parent path it stands for.
    pub(crate) aliases: Vec<(String, Vec<String>)>,
    joins: Vec<Join>,
}

struct Join {
    from: String,
    field: String,
    object: String,
    table: String,
}

/// A step up, as the result nests it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// The relation's name as the schema spells it.
    pub(crate) name: String,
    /// The SQL of the parent's id.
    pub(crate) id: String,
    /// The parent's object; `None` where it can be of several.
    pub(crate) object: Option<String>,
}

/// What a path means.
#[derive(Clone, Debug)]
pub(crate) struct Column<'q> {
    pub(crate) sql: String,
    pub(crate) kind: Kind,
    /// The schema's field; `None` for what only the pseudo-object Name has.
    pub(crate) field: Option<&'q Field>,
    /// The last name, as the schema spells it.
    pub(crate) name: String,
    /// The parents on the way.
    pub(crate) steps: Vec<Step>,
    /// Where the field's table is: for compounds.
    pub(crate) table: String,
}

impl<'q> Scope<'q> {
    pub(crate) fn new(schema: &'q Schema, text: &'q str, object: &'q Object, table: &str) -> Self {
        Self { schema, text, object, table: table.to_owned(), aliases: Vec::new(), joins: Vec::new() }
    }

    /// The joins that the paths resolved so far need.
    pub(crate) fn joined(&self) -> String {
        let mut sql = String::new();
        for join in &self.joins {
            // Writing to a String cannot fail.
            let _ok = write!(
                sql,
                " LEFT JOIN \"{}\" AS {} ON {}.Id = {}.\"{}\"",
                join.object, join.table, join.table, join.from, join.field
            );
        }
        sql
    }

    /// What a path means, from this FROM's object on.
    pub(crate) fn column(&mut self, path: &Path) -> Result<Column<'q>, OrgError> {
        let parts = self.expand(path);
        let Some((last, relations)) = parts.split_last() else {
            return Err(fault::malformed("unexpected token: '<EOF>'"));
        };
        if relations.len() > DEEPEST {
            let what = "SOQL relationship path may go up to five levels";
            return Err(fault::at("MALFORMED_QUERY", self.text, path.at, what));
        }
        let mut steps = Vec::with_capacity(relations.len());
        let (mut table, mut object) = (self.table.clone(), self.object);
        let mut rest = relations.iter();
        while let Some(name) = rest.next() {
            let Some(field) = object.parent(name) else { return Err(self.no_relation(name, path.at)) };
            let id = format!("{table}.\"{}\"", field.name);
            let relation = field.relationship.clone().unwrap_or_default();
            if let [target] = field.references.as_slice() {
                object = self.named(target)?;
                table = self.join(&table, field, object)?;
                steps.push(Step { name: relation, id, object: Some(object.name.clone()) });
                continue;
            }
            steps.push(Step { name: relation, id: id.clone(), object: None });
            let named = |names: &[&'static str], wanted: &str| {
                names.iter().copied().find(|name| name.eq_ignore_ascii_case(wanted))
            };
            let Some(next) = rest.clone().next() else {
                let Some(name) = named(&OF_NAME, last) else {
                    return Err(self.no_column(last, "Name", path.at));
                };
                return self.of_several(field, &table, &id, name, steps);
            };
            if named(&PARENTS_OF_NAME, next).is_none() {
                return Err(self.no_column(next, "Name", path.at));
            }
            let holder = field
                .references
                .iter()
                .find(|o| self.schema.object(o).is_some_and(|o| o.parent(next).is_some()));
            let Some(holder) = holder else { return Err(self.no_relation(next, path.at)) };
            object = self.named(holder)?;
            table = self.join(&table, field, object)?;
        }
        let Some(field) = object.field(last) else { return Err(self.no_column(last, &object.name, path.at)) };
        let sql = format!("{table}.\"{}\"", field.name);
        Ok(Column { sql, kind: field.kind, field: Some(field), name: field.name.clone(), steps, table })
    }

    /// The table of the parent behind a reference field, for one of the objects it can be of.
    pub(crate) fn join(&mut self, from: &str, field: &Field, object: &Object) -> Result<String, OrgError> {
        let there =
            self.joins.iter().find(|j| j.from == from && j.field == field.name && j.object == object.name);
        if let Some(join) = there {
            return Ok(join.table.clone());
        }
        if self.joins.len() >= MOST_JOINS {
            return Err(fault::malformed(
                "Relationship query exceeds the maximum of 55 parent relationships",
            ));
        }
        let table = format!("{}p{}", self.table, self.joins.len());
        self.joins.push(Join {
            from: from.to_owned(),
            field: field.name.clone(),
            object: object.name.clone(),
            table: table.clone(),
        });
        Ok(table)
    }

    /// Takes over the joins of a scope that stands on one of this one's tables.
    pub(crate) fn adopt(&mut self, inner: Scope<'_>) {
        self.joins.extend(inner.joins);
    }

    /// A field of the pseudo-object Name: whichever parent it is has it, or it is empty.
    fn of_several(
        &mut self,
        field: &'q Field,
        from: &str,
        id: &str,
        name: &str,
        steps: Vec<Step>,
    ) -> Result<Column<'q>, OrgError> {
        let column = |sql, kind| Column {
            sql,
            kind,
            field: None,
            name: name.to_owned(),
            steps,
            table: from.to_owned(),
        };
        if name == "Id" {
            return Ok(column(id.to_owned(), Kind::Id));
        }
        let mut cases = String::new();
        let mut kind = match name {
            "IsActive" => Kind::Boolean,
            "ProfileId" | "UserRoleId" => Kind::Reference,
            _ => Kind::String,
        };
        for target in &field.references {
            let object = self.named(target)?;
            let value = if name == "Type" {
                format!("'{}'", object.name)
            } else {
                let there = if name == "Name" { object.name_field() } else { object.field(name) };
                let Some(there) = there else { continue };
                if name != "Name" {
                    kind = there.kind;
                }
                let table = self.join(from, field, object)?;
                format!("{table}.\"{}\"", there.name)
            };
            let _ok = write!(cases, " WHEN '{}' THEN {value}", object.prefix);
        }
        let sql = if cases.is_empty() {
            "NULL".to_owned()
        } else {
            format!("(CASE substr({id}, 1, 3){cases} END COLLATE SALESFORCE)")
        };
        Ok(column(sql, kind))
    }

    /// The path with its alias replaced by what that stands for.
    fn expand(&self, path: &Path) -> Vec<String> {
        let Some((first, rest)) = path.parts.split_first() else { return Vec::new() };
        if rest.is_empty() {
            return path.parts.clone();
        }
        if let Some((_, stands_for)) =
            self.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(first))
        {
            return stands_for.iter().chain(rest).cloned().collect();
        }
        if first.eq_ignore_ascii_case(&self.object.name) && self.object.parent(first).is_none() {
            return rest.to_vec();
        }
        path.parts.clone()
    }

    /// Whether the path names a field of this FROM's object itself.
    pub(crate) fn is_own(&self, path: &Path) -> bool {
        self.expand(path).len() == 1
    }

    fn named(&self, object: &str) -> Result<&'q Object, OrgError> {
        self.schema.object(object).ok_or_else(OrgError::not_found)
    }

    pub(crate) fn no_column(&self, name: &str, entity: &str, at: usize) -> OrgError {
        let what = format!(
            "No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
        );
        fault::at("INVALID_FIELD", self.text, at, &what)
    }

    fn no_relation(&self, name: &str, at: usize) -> OrgError {
        let what = format!(
            "Didn't understand relationship '{name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
        );
        fault::at("INVALID_FIELD", self.text, at, &what)
    }
}

/// The refusal of an object that is not there.
pub(crate) fn no_object(text: &str, name: &str, at: usize) -> OrgError {
    let what = format!(
        "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    );
    fault::at("INVALID_TYPE", text, at, &what)
}
