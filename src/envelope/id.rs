//! Who a write is: the same call gives the same id, another call another.
//!
//! Connect's event holds no id of the invocation or of the block, so identity comes from the flow's
//! author (`tl_key`) or is inferred from what was asked ([`implicit`](WriteId::implicit)).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

const PREFIX: &str = "tl-";
const DIGITS: usize = 26;
const LEN: usize = PREFIX.len() + DIGITS;
/// RFC 4648 base 32, lower case: no two characters are easily confused when read aloud.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The identity of a write: `tl-` and 26 characters of lower-case base 32 (130 bits of a SHA-256).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WriteId([u8; LEN]);

impl WriteId {
    /// The identity that the flow's author gives by `tl_key`.
    #[must_use]
    pub fn keyed(org: &str, group: &str, key: &str) -> Self {
        Self::of(&["key", org, group, key])
    }

    /// The identity inferred from the parameters' hash and how many implicit writes the contact
    /// made before this one.
    #[must_use]
    pub fn implicit(org: &str, group: &str, hash: &str, occurrence: u64) -> Self {
        Self::of(&["implicit", org, group, hash, &occurrence.to_string()])
    }

    /// An identity of its own, for a write without a contact: `unique` is the request's id.
    #[must_use]
    pub fn single(org: &str, unique: &str) -> Self {
        Self::of(&["single", org, unique])
    }

    /// The identity under which a message that is no envelope is buried.
    #[must_use]
    pub fn of_garbage(text: &str) -> Self {
        Self::of(&["garbage", text])
    }

    fn of(parts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"tieline write id 1");
        for part in parts {
            // With its length before it, no part can run into the next.
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        let mut id = *b"tl-00000000000000000000000000";
        let digest = hasher.finalize();
        for (n, digit) in id.iter_mut().skip(PREFIX.len()).enumerate() {
            let mut five = 0;
            for bit in n * 5..n * 5 + 5 {
                five = five << 1 | usize::from(digest[bit / 8] >> (7 - bit % 8) & 1);
            }
            *digit = ALPHABET[five];
        }
        Self(id)
    }

    /// As text, prefix included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII is ever put in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no write id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a ticket is `tl-` and 26 characters of a-z and 2-7")]
pub struct NotATicket;

impl FromStr for WriteId {
    type Err = NotATicket;

    fn from_str(text: &str) -> Result<Self, NotATicket> {
        let digits = text.strip_prefix(PREFIX).ok_or(NotATicket)?;
        if digits.bytes().any(|b| !ALPHABET.contains(&b)) {
            return Err(NotATicket);
        }
        text.as_bytes().try_into().map(Self).map_err(|_| NotATicket)
    }
}

impl TryFrom<String> for WriteId {
    type Error = NotATicket;

    fn try_from(text: String) -> Result<Self, NotATicket> {
        text.parse()
    }
}

impl From<WriteId> for String {
    fn from(id: WriteId) -> Self {
        id.as_str().to_owned()
    }
}

#[cfg(feature = "local")]
impl schemars::JsonSchema for WriteId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WriteId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "The identity of a write, and the ticket for the record it makes.",
            "pattern": "^tl-[a-z2-7]{26}$"
        })
    }
}

/// The hash of parameters, independent of their order: object keys are sorted at every depth.
#[must_use]
pub fn canonical_hash(parameters: &Map<String, Value>) -> String {
    let mut hasher = Sha256::new();
    hash_object(&mut hasher, parameters);
    hex(hasher)
}

/// The record that an upsert names, without the value. Case counts neither in Salesforce's names nor in an
/// external id, unless the field says so: two that differ by it share a key, and the later waits for
/// nothing at worst.
pub(super) fn upsert_key(object: &str, external_field: &str, external_id: &str) -> String {
    let mut hasher = Sha256::new();
    for text in [object, external_field, external_id] {
        hash_text(&mut hasher, &text.to_lowercase());
    }
    hex(hasher)
}

/// Half of a hash is enough to tell texts apart, and a row's key is billed by its length.
fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

fn hash_object(hasher: &mut Sha256, object: &Map<String, Value>) {
    let mut keys: Vec<_> = object.iter().collect();
    keys.sort_unstable_by_key(|(key, _)| *key);
    hasher.update([b'{']);
    for (key, value) in keys {
        hash_text(hasher, key);
        hash_value(hasher, value);
    }
    hasher.update([b'}']);
}

fn hash_value(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Object(object) => hash_object(hasher, object),
        Value::Array(items) => {
            hasher.update([b'[']);
            items.iter().for_each(|item| hash_value(hasher, item));
            hasher.update([b']']);
        }
        Value::String(text) => hash_text(hasher, text),
        Value::Number(_) | Value::Bool(_) | Value::Null => {
            hasher.update([b'=']);
            hash_text(hasher, &value.to_string());
        }
    }
}

fn hash_text(hasher: &mut Sha256, text: &str) {
    hasher.update([b'"']);
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

/// The group under which a contact's writes are kept in order: the id itself where a queue's group
/// id may be spelled like that (128 printable ASCII characters), else its hash.
#[must_use]
pub fn group_id(contact_group: &str) -> String {
    let plain = !contact_group.is_empty()
        && contact_group.len() <= 128
        && contact_group.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if plain {
        contact_group.to_owned()
    } else {
        let hash = Sha256::digest(contact_group.as_bytes());
        hash.iter().take(16).fold("h-".to_owned(), |text, b| text + &format!("{b:02x}"))
    }
}
