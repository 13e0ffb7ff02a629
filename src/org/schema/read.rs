//! From the file's words to a [`Schema`]: defaults filled in, relations joined, mistakes named.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Child, DuplicateRule, Field, Kind, Object, PicklistValue, Schema, ValidationRule};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaFile {
    objects: Vec<ObjectFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectFile {
    name: String,
    /// Missing where a file adds to an object that is there.
    #[serde(default)]
    prefix: String,
    label: Option<String>,
    plural: Option<String>,
    /// What may own a record; without it records have no owner.
    #[serde(default)]
    owner: Vec<String>,
    #[serde(default)]
    searchable: bool,
    #[serde(default)]
    search_only_by_name: bool,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    fields: Vec<FieldFile>,
    #[serde(default)]
    validation_rules: Vec<ValidationRule>,
    #[serde(default)]
    duplicate_rules: Vec<DuplicateRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    name: String,
    label: Option<String>,
    #[serde(rename = "type")]
    kind: Kind,
    length: Option<u32>,
    precision: Option<u32>,
    #[serde(default)]
    scale: u32,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    external_id: bool,
    #[serde(default)]
    case_sensitive: bool,
    #[serde(default = "yes")]
    create: bool,
    #[serde(default = "yes")]
    update: bool,
    default: Option<Value>,
    #[serde(default)]
    values: Vec<Choice>,
    #[serde(default)]
    restricted: bool,
    #[serde(default)]
    to: Vec<String>,
    relationship: Option<String>,
    /// The relation's name from the parent.
    #[serde(default)]
    children: String,
    #[serde(default)]
    cascade: bool,
    #[serde(default)]
    name_field: bool,
    #[serde(default)]
    calculated: bool,
    auto_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Choice {
    Plain(String),
    Full(PicklistValue),
}

fn yes() -> bool {
    true
}

impl Schema {
    /// Reads a schema file.
    ///
    /// # Errors
    /// What is wrong with it and where: text that is no schema, a name or prefix used twice, a
    /// reference to an object that is not there.
    pub fn from_json(text: &str) -> Result<Self, String> {
        SchemaFile::read(text)?.into_schema()
    }

    /// The standard schema with what another file adds: objects of their own, or fields and rules
    /// for those that are there.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn standard_and(text: &str) -> Result<Self, String> {
        let mut all = SchemaFile::read(super::STANDARD)?;
        for more in SchemaFile::read(text)?.objects {
            match all.objects.iter_mut().find(|o| o.name.eq_ignore_ascii_case(&more.name)) {
                Some(object) => {
                    object.fields.extend(more.fields);
                    object.validation_rules.extend(more.validation_rules);
                    object.duplicate_rules.extend(more.duplicate_rules);
                }
                None => all.objects.push(more),
            }
        }
        all.into_schema()
    }
}

impl SchemaFile {
    fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| format!("the schema file: {e}"))
    }

    fn into_schema(self) -> Result<Schema, String> {
        let mut objects = Vec::with_capacity(self.objects.len());
        let mut children: Vec<(String, Child)> = Vec::new();
        for object in self.objects {
            objects.push(object.into_object(&mut children)?);
        }
        let mut schema = Schema { objects, by_name: HashMap::new(), by_prefix: HashMap::new() };
        for (at, object) in schema.objects.iter().enumerate() {
            if schema.by_name.insert(object.name.to_ascii_lowercase(), at).is_some() {
                return Err(format!("the schema file names the object {} twice", object.name));
            }
            if object.prefix.len() != 3 || schema.by_prefix.insert(object.prefix.clone(), at).is_some() {
                return Err(format!(
                    "{}: the prefix '{}' is not three characters of its own",
                    object.name, object.prefix
                ));
            }
        }
        for (parent, child) in children {
            let at = schema.by_name.get(&parent.to_ascii_lowercase());
            let Some(parent) = at.and_then(|&at| schema.objects.get_mut(at)) else {
                return Err(format!(
                    "{}.{} refers to {parent}, which is not in the schema file",
                    child.object, child.field
                ));
            };
            let relationship = &child.relationship;
            if !relationship.is_empty()
                && parent.children.iter().any(|c| c.relationship.eq_ignore_ascii_case(relationship))
            {
                return Err(format!("{} has two relations to children named {relationship}", parent.name));
            }
            parent.children.push(child);
        }
        Ok(schema)
    }
}

impl ObjectFile {
    fn into_object(self, children: &mut Vec<(String, Child)>) -> Result<Object, String> {
        let custom = self.name.ends_with("__c");
        let label = self.label.unwrap_or_else(|| words(&self.name));
        let mut fields =
            vec![system("Id", "Record ID", Kind::Id), system("IsDeleted", "Deleted", Kind::Boolean)];
        if !self.owner.is_empty() {
            let mut owner = reference("OwnerId", "Owner", &self.owner);
            owner.createable = true;
            owner.updateable = true;
            children.extend(self.owner.iter().map(|to| (to.clone(), child("", &self.name, &owner))));
            fields.push(owner);
        }
        for (name, label, kind) in [
            ("CreatedDate", "Created Date", Kind::DateTime),
            ("CreatedById", "CreatedBy", Kind::Reference),
            ("LastModifiedDate", "Last Modified Date", Kind::DateTime),
            ("LastModifiedById", "LastModifiedBy", Kind::Reference),
            ("SystemModstamp", "System Modstamp", Kind::DateTime),
        ] {
            fields.push(match kind {
                Kind::Reference => reference(name, label, &["User".to_owned()]),
                _ => system(name, label, kind),
            });
        }
        for field in self.fields {
            let relationship = field.children.clone();
            let field = field.into_field();
            children.extend(
                field.references.iter().map(|to| (to.clone(), child(&relationship, &self.name, &field))),
            );
            fields.push(field);
        }
        let mut by_field = HashMap::new();
        let mut by_relationship = HashMap::new();
        for (at, field) in fields.iter().enumerate() {
            if by_field.insert(field.name.to_ascii_lowercase(), at).is_some() {
                return Err(format!("{} has two fields named {}", self.name, field.name));
            }
            if let Some(relationship) = &field.relationship {
                by_relationship.insert(relationship.to_ascii_lowercase(), at);
            }
        }
        Ok(Object {
            label_plural: self.plural.unwrap_or_else(|| format!("{label}s")),
            name: self.name,
            label,
            prefix: self.prefix,
            custom,
            searchable: self.searchable,
            search_only_by_name: self.search_only_by_name,
            writable: !self.read_only,
            fields,
            children: Vec::new(),
            validation_rules: self.validation_rules,
            duplicate_rules: self.duplicate_rules,
            by_field,
            by_relationship,
        })
    }
}

impl FieldFile {
    fn into_field(self) -> Field {
        let custom = self.name.ends_with("__c");
        let kind = self.kind;
        let calculated = self.calculated || kind == Kind::Address;
        let readonly = calculated || self.auto_number.is_some();
        let length = self.length.unwrap_or(match kind {
            Kind::String | Kind::TextArea | Kind::Url | Kind::Picklist | Kind::ComboBox => 255,
            Kind::Email => 80,
            Kind::Phone => 40,
            Kind::MultiPicklist => 4099,
            Kind::Reference | Kind::Id => 18,
            _ => 0,
        });
        let relationship = self.relationship.or_else(|| {
            (kind == Kind::Reference).then(|| match self.name.strip_suffix("__c") {
                Some(stem) => format!("{stem}__r"),
                None => self.name.trim_end_matches("Id").to_owned(),
            })
        });
        let long = kind == Kind::TextArea && length > 255;
        Field {
            label: self.label.unwrap_or_else(|| words(&self.name)),
            name: self.name,
            kind,
            length,
            precision: self.precision.unwrap_or(if kind == Kind::Int { 9 } else { 0 }),
            scale: self.scale,
            required: self.required,
            unique: self.unique,
            external_id: self.external_id,
            case_sensitive: self.case_sensitive,
            createable: self.create && !readonly,
            updateable: self.update && !readonly,
            default: self.default,
            values: self.values.into_iter().map(Choice::into_value).collect(),
            restricted: self.restricted,
            references: self.to,
            relationship,
            cascade: self.cascade,
            name_field: self.name_field,
            calculated,
            auto_number: self.auto_number,
            filterable: !long && kind != Kind::Address,
            sortable: !long && !matches!(kind, Kind::Address | Kind::MultiPicklist),
            groupable: !long
                && !matches!(
                    kind,
                    Kind::Address
                        | Kind::MultiPicklist
                        | Kind::DateTime
                        | Kind::Double
                        | Kind::Currency
                        | Kind::Percent
                        | Kind::Time
                ),
            custom,
        }
    }
}

impl Choice {
    fn into_value(self) -> PicklistValue {
        match self {
            Self::Full(value) => value,
            Self::Plain(value) => {
                PicklistValue { value, label: None, default: false, means: Vec::new(), probability: None }
            }
        }
    }
}

fn child(relationship: &str, object: &str, field: &Field) -> Child {
    Child {
        relationship: relationship.to_owned(),
        object: object.to_owned(),
        field: field.name.clone(),
        cascade: field.cascade,
    }
}

/// A field that every object has and only the org writes.
fn system(name: &str, label: &str, kind: Kind) -> Field {
    let file = FieldFile {
        name: name.to_owned(),
        label: Some(label.to_owned()),
        kind,
        length: None,
        precision: None,
        scale: 0,
        required: true,
        unique: false,
        external_id: false,
        case_sensitive: false,
        create: false,
        update: false,
        default: None,
        values: Vec::new(),
        restricted: false,
        to: Vec::new(),
        relationship: None,
        children: String::new(),
        cascade: false,
        name_field: false,
        calculated: false,
        auto_number: None,
    };
    file.into_field()
}

fn reference(name: &str, relationship: &str, to: &[String]) -> Field {
    let mut field = system(name, &words(name), Kind::Reference);
    field.references = to.to_vec();
    field.relationship = Some(relationship.to_owned());
    field
}

/// `BillingPostalCode` → `Billing Postal Code`, `AccountId` → `Account ID`, `Opens__c` → `Opens`.
fn words(name: &str) -> String {
    let stem = name.strip_suffix("__c").unwrap_or(name);
    let stem = stem.rsplit("__").next().unwrap_or(stem);
    let mut out = String::with_capacity(stem.len() + 4);
    let mut before = ' ';
    for c in stem.chars() {
        if c == '_' {
            out.push(' ');
        } else {
            if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
                out.push(' ');
            }
            out.push(c);
        }
        before = c;
    }
    match out.strip_suffix(" Id") {
        Some(stem) => format!("{stem} ID"),
        None => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_schema_reads() {
        let schema = Schema::standard().unwrap();
        let contact = schema.object("CONTACT").unwrap();
        assert_eq!(contact.field("accountid").unwrap().name, "AccountId");
        assert_eq!(contact.parent("account").unwrap().references, ["Account"]);
        assert_eq!(schema.object("Account").unwrap().child("contacts").unwrap().field, "AccountId");
        assert_eq!(schema.object_of_id("500Tl000000000AAAA").unwrap().name, "Case");
        assert!(!schema.object("UpsertTable__c").unwrap().field("ExtId__c").unwrap().unique);
    }

    #[test]
    fn a_faulty_file_is_named_by_its_fault() {
        let twice = r#"{"objects":[{"name":"A","prefix":"a00","fields":[{"name":"x","type":"string"},{"name":"X","type":"string"}]}]}"#;
        assert_eq!(Schema::from_json(twice).unwrap_err(), "A has two fields named X");
        let nowhere = r#"{"objects":[{"name":"User","prefix":"005","fields":[{"name":"BId","type":"reference","to":["B"]}]}]}"#;
        assert_eq!(
            Schema::from_json(nowhere).unwrap_err(),
            "User.BId refers to B, which is not in the schema file"
        );
        assert!(Schema::from_json("{").unwrap_err().starts_with("the schema file: "));
    }

    #[test]
    fn a_file_adds_objects_and_fields() {
        let schema = Schema::standard_and(
            r#"{"objects":[
                {"name":"case","fields":[{"name":"Crew__c","type":"reference","to":["Crew__c"],"children":"Cases"}]},
                {"name":"Crew__c","prefix":"a9Z","owner":["User"],"fields":[{"name":"Name","type":"string","name_field":true}]}]}"#,
        )
        .unwrap();
        assert_eq!(schema.object("Crew__c").unwrap().child("Cases").unwrap().object, "Case");
        assert_eq!(schema.object("Case").unwrap().parent("Crew__r").unwrap().name, "Crew__c");
        for (text, told) in [
            (
                r#"{"objects":[{"name":"Crew__c"}]}"#,
                "Crew__c: the prefix '' is not three characters of its own",
            ),
            (
                r#"{"objects":[{"name":"Case","fields":[{"name":"subject","type":"string"}]}]}"#,
                "Case has two fields named subject",
            ),
        ] {
            assert_eq!(Schema::standard_and(text).unwrap_err(), told);
        }
    }

    #[test]
    fn labels_are_words() {
        assert_eq!(words("BillingPostalCode"), "Billing Postal Code");
        assert_eq!(words("AccountId"), "Account ID");
        assert_eq!(words("amazonconnect__Overall_Sentiment__c"), "Overall Sentiment");
    }
}
