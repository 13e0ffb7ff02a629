//! The name under which an answer is kept: equal for equal questions, and telling nothing.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::event::Read;
use crate::salesforce::Settings;
use crate::soql;
use crate::soql::Dialect;

use super::shape;

/// A keyed hash in hexadecimal. Whoever sees it, in a table or in a metric of one, learns neither a
/// phone number nor a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name(pub(super) String);

/// What keys the hash: random bytes that the fleet shares.
pub(super) type Secret = [u8; 64];

impl Name {
    /// Of this question to this org, by this user. How many records are kept is part of it.
    pub(super) fn of(read: &Read, org: &Settings, secret: &Secret) -> Self {
        let (kind, question) = match read {
            Read::Nobody { .. } => ("nobody", String::new()),
            Read::Query { soql, .. } => ("query", soql::canonical(soql, Dialect::Soql)),
            Read::Search { sosl, .. } => ("search", soql::canonical(sosl, Dialect::Sosl)),
            Read::ParameterizedSearch { body, .. } => ("parameterized", canonical("", body).to_string()),
        };
        let many = if shape(read).shows_all() { "all" } else { "one" };
        let mut hash = Hmac::<Sha256>::new(&(*secret).into());
        let user = org.username.as_deref().unwrap_or_default();
        for part in [org.organisation(), user, &org.version, kind, many, &question] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let bytes = hash.finalize().into_bytes();
        Self(bytes.iter().take(20).map(|b| format!("{b:02x}")).collect())
    }
}

/// The object that a question is about, in lower case; of a search for several, the first.
pub(super) fn object_of(read: &Read) -> Option<String> {
    let (text, before) = match read {
        Read::Nobody { .. } => return None,
        Read::Query { soql, .. } => (soql, "from"),
        Read::Search { sosl, .. } => (sosl, "returning"),
        Read::ParameterizedSearch { body, .. } => {
            return Some(body.pointer("/sobjects/0/name")?.as_str()?.to_ascii_lowercase());
        }
    };
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    words.find(|word| word.eq_ignore_ascii_case(before))?;
    words.next().map(str::to_ascii_lowercase)
}

/// The body of a search in the spelling that equal ones share: keys and fields in order, names in
/// lower case, clauses as in a query. What is searched for, `q`, stays as it is.
fn canonical(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> =
                object.iter().map(|(key, value)| (key.clone(), canonical(key, value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(Map::from_iter(entries))
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| canonical(key, item)).collect();
            if items.iter().all(Value::is_string) {
                items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
            Value::Array(items)
        }
        Value::String(text) => match key {
            "fields" | "name" => text.to_ascii_lowercase().into(),
            "where" | "orderBy" => soql::canonical(text, Dialect::Soql).into(),
            _ => value.clone(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Shape;

    fn org(host: &str) -> Settings {
        Settings {
            host: host.to_owned(),
            production: Some(false),
            username: None,
            version: "v66.0".to_owned(),
        }
    }

    fn query(soql: &str, shape: Shape) -> Read {
        Read::Query { soql: soql.to_owned(), shape }
    }

    #[test]
    fn equal_questions_meet_and_others_do_not() {
        let name = |read: &Read| Name::of(read, &org("https://a.example.com"), &[7; 64]);
        let one = name(&query("SELECT Id, Name FROM Contact WHERE A='b'", Shape::First));
        assert_eq!(name(&query("select Name,Id from Contact where A = 'b'", Shape::Only)), one);
        assert_ne!(name(&query("SELECT Id, Name FROM Contact WHERE A='b'", Shape::All)), one);
        assert_ne!(name(&query("SELECT Id, Name FROM Contact WHERE A='c'", Shape::First)), one);
    }

    #[test]
    fn equal_searches_meet_and_others_do_not() {
        let name = |q: &str, fields: Value, object: Value, shape: Shape| {
            let body = json!({"q": q, "fields": fields, "sobjects": [object]});
            let read = Read::ParameterizedSearch { body, shape };
            Name::of(&read, &org("https://a.example.com"), &[7; 64])
        };
        let of = |clause: &str| json!({"name": "Contact", "where": clause});
        let one = name("Ann", json!(["Id", "Name"]), of("OwnerId = '0055g00000DDDDDAA5'"), Shape::First);
        let meets = json!({"where": "ownerid='0055g00000DDDDD'", "name": "contact"});
        assert_eq!(name("Ann", json!(["name", "Id"]), meets, Shape::Only), one);
        for other in [
            name("ann", json!(["Id", "Name"]), of("OwnerId = '0055g00000DDDDDAA5'"), Shape::First),
            name("Ann", json!(["Id"]), of("OwnerId = '0055g00000DDDDDAA5'"), Shape::First),
            name("Ann", json!(["Id", "Name"]), of("OwnerId = '0055g00000DDDDd'"), Shape::First),
            name("Ann", json!(["Id", "Name"]), json!({"name": "Contact"}), Shape::First),
            name("Ann", json!(["Id", "Name"]), of("OwnerId = '0055g00000DDDDDAA5'"), Shape::All),
        ] {
            assert_ne!(other, one);
        }
    }

    #[test]
    fn the_object_is_found() {
        let object = |read: Read| object_of(&read);
        assert_eq!(object(query("SELECT Id FROM  My__c WHERE A=1", Shape::All)).as_deref(), Some("my__c"));
        let sosl = "FIND {x} IN ALL FIELDS RETURNING Contact(Id), Lead".to_owned();
        assert_eq!(object(Read::Search { sosl, shape: Shape::All }).as_deref(), Some("contact"));
        let body = json!({"sobjects": [{"name": "Lead"}]});
        assert_eq!(object(Read::ParameterizedSearch { body, shape: Shape::All }).as_deref(), Some("lead"));
        assert_eq!(object(query("q", Shape::All)), None);
    }

    #[test]
    fn a_name_depends_on_the_org_and_the_secret_and_holds_no_number() {
        let read = query("SELECT Id FROM Contact WHERE Phone='2065550100'", Shape::First);
        let name = Name::of(&read, &org("https://a.example.com"), &[7; 64]);
        assert_ne!(Name::of(&read, &org("https://b.example.com"), &[7; 64]), name);
        assert_ne!(Name::of(&read, &org("https://a.example.com"), &[8; 64]), name);
        assert!(name.0.len() == 40 && !name.0.contains("5550100"));
    }
}
