//! The name under which an answer is kept: equal for equal questions, and telling nothing.

use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use serde_json::Map;
use serde_json::Value;
use sha2::Sha256;

use crate::event::Read;
use crate::salesforce::Settings;
use crate::soql;
use crate::soql::Dialect;

/// A keyed hash in hexadecimal. Whoever sees it, in a table or in a metric of one, learns neither a
/// phone number nor a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name(pub(super) String);

/// What keys the hash: random bytes that the fleet shares.
pub(super) type Secret = [u8; 64];

impl Name {
    /// Of this question to this org, by this user. How many pages are fetched is part of it.
    pub(super) fn of(read: &Read, org: &Settings, secret: &Secret) -> Self {
        let (kind, question) = match read {
            Read::Nobody { .. } => ("nobody", String::new()),
            Read::Query { soql, shape } if shape.shows_all() => {
                ("query", soql::canonical(soql, Dialect::Soql))
            }
            Read::Query { soql, .. } => ("query one", soql::canonical(soql, Dialect::Soql)),
            Read::Search { sosl, .. } => ("search", soql::canonical(sosl, Dialect::Sosl)),
            Read::ParameterizedSearch { body, .. } => ("parameterized", sorted(body).to_string()),
        };
        let mut hash = Hmac::<Sha256>::new(&(*secret).into());
        let user = org.username.as_deref().unwrap_or_default();
        for part in [org.organisation(), user, &org.version, kind, &question] {
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

/// Keys and lists of names in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> =
                object.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(Map::from_iter(entries))
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            if items.iter().all(Value::is_string) {
                items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
            Value::Array(items)
        }
        value => value.clone(),
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
        let search = |fields: Value| Read::ParameterizedSearch {
            body: json!({"q": "2065550100", "fields": fields, "sobjects": [{"name": "Contact"}]}),
            shape: Shape::First,
        };
        assert_eq!(name(&search(json!(["Id", "Name"]))), name(&search(json!(["Name", "Id"]))));
        assert_ne!(name(&search(json!(["Id", "Name"]))), name(&search(json!(["Id"]))));
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
