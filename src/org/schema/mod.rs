//! What objects the org has, read from a file.
//!
//! The file tells what Salesforce's describe tells: objects, fields, types, relations, rules. What
//! every object has (Id, CreatedDate, …) is added here. Names are found in any spelling of case
//! and told in the file's.

mod describe;
mod read;

use std::collections::HashMap;

use serde_json::Value;

const STANDARD: &str = include_str!("org.json");

/// All objects.
#[derive(Debug)]
pub struct Schema {
    objects: Vec<Object>,
    by_name: HashMap<String, usize>,
    by_prefix: HashMap<String, usize>,
}

/// One sObject type.
#[derive(Debug)]
pub struct Object {
    /// API name: `Contact`, `UpsertTable__c`.
    pub name: String,
    /// What people call one.
    pub label: String,
    /// What people call several.
    pub label_plural: String,
    /// The first three characters of its ids.
    pub prefix: String,
    /// Ends in `__c`.
    pub custom: bool,
    /// Found by SOSL.
    pub searchable: bool,
    /// Found by SOSL only where RETURNING names it, in whichever field group.
    pub search_only_by_name: bool,
    /// Rows can be made, changed, deleted through the interface.
    pub writable: bool,
    /// In file order after the system fields.
    pub fields: Vec<Field>,
    /// Relations that point here, in file order.
    pub children: Vec<Child>,
    /// Checked after every write.
    pub validation_rules: Vec<ValidationRule>,
    /// Checked at every insert and update.
    pub duplicate_rules: Vec<DuplicateRule>,
    by_field: HashMap<String, usize>,
    by_relationship: HashMap<String, usize>,
}

/// A type of field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are Salesforce's own")]
pub enum Kind {
    Id,
    Reference,
    String,
    TextArea,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    DateTime,
    Time,
    Picklist,
    MultiPicklist,
    ComboBox,
    Email,
    Phone,
    Url,
    Address,
}

/// One field.
#[derive(Debug)]
pub struct Field {
    /// API name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its type.
    pub kind: Kind,
    /// Characters; zero for types without.
    pub length: u32,
    /// Digits in all; zero for types without.
    pub precision: u32,
    /// Digits after the point.
    pub scale: u32,
    /// A record must have it.
    pub required: bool,
    /// Two records may not share a value.
    pub unique: bool,
    /// Upsert may name it.
    pub external_id: bool,
    /// `unique` tells upper and lower case apart.
    pub case_sensitive: bool,
    /// May be given at creation.
    pub createable: bool,
    /// May be given later.
    pub updateable: bool,
    /// Given where creation does not.
    pub default: Option<Value>,
    /// The choices of a picklist.
    pub values: Vec<PicklistValue>,
    /// No other than the choices.
    pub restricted: bool,
    /// The objects a reference may point to.
    pub references: Vec<String>,
    /// The relation's name as a parent: `Account` of `AccountId`.
    pub relationship: Option<String>,
    /// The parent's deletion deletes the child.
    pub cascade: bool,
    /// The record's name.
    pub name_field: bool,
    /// The org works it out.
    pub calculated: bool,
    /// Counts up by itself, written in this form: `B-{000000}`.
    pub auto_number: Option<String>,
    /// May stand in WHERE.
    pub filterable: bool,
    /// May stand in ORDER BY.
    pub sortable: bool,
    /// May stand in GROUP BY.
    pub groupable: bool,
    /// Ends in `__c`.
    pub custom: bool,
}

/// One choice of a picklist.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PicklistValue {
    /// Stored.
    pub value: String,
    /// Shown, by `toLabel` among others.
    #[serde(default)]
    pub label: Option<String>,
    /// Chosen where creation does not say.
    #[serde(default)]
    pub default: bool,
    /// What it means: `closed`, `won`, `converted`.
    #[serde(default)]
    pub means: Vec<String>,
    /// Opportunity stages: likelihood in percent.
    #[serde(default)]
    pub probability: Option<f64>,
}

/// A relation seen from the parent.
#[derive(Clone, Debug)]
pub struct Child {
    /// `Contacts`; empty where the relation has no name downwards.
    pub relationship: String,
    /// The child's object.
    pub object: String,
    /// The child's field.
    pub field: String,
    /// Deleted with the parent.
    pub cascade: bool,
}

/// Refuses a record for which the condition holds.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationRule {
    /// How the admin page calls it.
    pub name: String,
    /// What a WHERE clause may say of the record as it would be.
    pub when: String,
    /// What the person is told.
    pub message: String,
    /// The field beside which it is shown.
    #[serde(default)]
    pub field: Option<String>,
    /// In force from the start.
    #[serde(default)]
    pub active: bool,
}

/// Refuses a record that equals another one in all of the fields.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DuplicateRule {
    /// How Salesforce's answer calls it.
    pub name: String,
    /// Compared; a record with one of them empty matches nothing.
    #[serde(rename = "match")]
    pub fields: Vec<String>,
    /// What the person is told.
    pub message: String,
    /// In force from the start.
    #[serde(default)]
    pub active: bool,
}

impl Schema {
    /// The sample company's schema: what a call centre uses, and the custom objects of the tests.
    ///
    /// # Errors
    /// None that a test would not find: the file is compiled in.
    pub fn standard() -> Result<Self, String> {
        Self::from_json(STANDARD)
    }

    /// All objects in file order.
    #[must_use]
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The object of this name, in any case of letters.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<&Object> {
        self.by_name.get(&name.to_ascii_lowercase()).and_then(|&at| self.objects.get(at))
    }

    /// The object to which an id belongs.
    #[must_use]
    pub fn object_of_id(&self, id: &str) -> Option<&Object> {
        self.by_prefix.get(super::id::prefix(id)).and_then(|&at| self.objects.get(at))
    }
}

impl Object {
    /// The field of this name, in any case of letters.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.by_field.get(&name.to_ascii_lowercase()).and_then(|&at| self.fields.get(at))
    }

    /// Where the field of this name stands among [`fields`](Self::fields).
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.by_field.get(&name.to_ascii_lowercase()).copied()
    }

    /// The reference field behind a parent relation (`Account`, `Parent__r`).
    #[must_use]
    pub fn parent(&self, relationship: &str) -> Option<&Field> {
        self.by_relationship.get(&relationship.to_ascii_lowercase()).and_then(|&at| self.fields.get(at))
    }

    /// The relation of this name to child records.
    #[must_use]
    pub fn child(&self, relationship: &str) -> Option<&Child> {
        self.children.iter().find(|c| c.relationship.eq_ignore_ascii_case(relationship))
    }

    /// The field that names a record: `Name`, `Subject`, `CaseNumber`.
    #[must_use]
    pub fn name_field(&self) -> Option<&Field> {
        self.fields.iter().find(|f| f.name_field)
    }
}
