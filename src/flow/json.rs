//! JSON as it was written: the order and doubles of keys, the text of numbers.
//!
//! `serde_json::Value` forgets both, and a flow that passes through Tieline must come out as it
//! went in. [`Json`] is parsed level by level over `RawValue`, so that the grammar stays serde's.
//! JavaScript's texts may hold half a surrogate pair, which no Rust text can: such a part stays as
//! it is written.

use std::collections::HashMap;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// How deep a file may nest. Flows need five levels; each level costs one pass over its text.
pub const MAX_DEPTH: usize = 32;

/// A JSON value that forgets nothing but the white space between its parts.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, in the digits in which it was written.
    Number(String),
    /// A text.
    Text(String),
    /// An array.
    Array(Vec<Self>),
    /// An object: members in their order, doubles included.
    Object(Vec<(String, Self)>),
    /// A text, or an object with a key, that holds half a surrogate pair: as it is written.
    Broken(String),
}

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no JSON.
    #[error("{0}")]
    Syntax(String),
    /// It nests deeper than [`MAX_DEPTH`].
    #[error("it nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

impl Json {
    /// Reads a text.
    ///
    /// # Errors
    /// Where it is no JSON (with line and column), or nests too deep.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        if depth(text) > MAX_DEPTH {
            return Err(Unreadable::TooDeep);
        }
        serde_json::from_str(text).map_err(|e| Unreadable::Syntax(e.to_string()))
    }

    /// An empty object.
    #[must_use]
    pub const fn object() -> Self {
        Self::Object(Vec::new())
    }

    /// A text value.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The member of that name; the last one where there are several, as every reader takes it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().rev().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Object(members) => members.iter_mut().rev().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Sets a member, in its place where it exists, else at the end.
    pub fn set(&mut self, key: &str, value: Self) {
        if let Some(old) = self.get_mut(key) {
            *old = value;
        } else if let Self::Object(members) = self {
            members.push((key.to_owned(), value));
        }
    }

    /// Removes a member wherever it stands.
    pub fn remove(&mut self, key: &str) {
        if let Self::Object(members) = self {
            members.retain(|(k, _)| k != key);
        }
    }

    /// The members of an object; none of anything else.
    #[must_use]
    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// Its keys that stand more than once, each once.
    #[must_use]
    pub fn doubles(&self) -> Vec<&str> {
        let mut times = HashMap::new();
        for (key, _) in self.members() {
            *times.entry(key.as_str()).or_insert(0_usize) += 1;
        }
        let mut doubles: Vec<&str> = times.into_iter().filter(|(_, n)| *n > 1).map(|(key, _)| key).collect();
        doubles.sort_unstable();
        doubles
    }

    /// The items of an array; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is a finite one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(text) => text.parse().ok().filter(|n: &f64| n.is_finite()),
            _ => None,
        }
    }

    /// What kind of value it is, in words for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
            Self::Broken(_) => "text with half a character",
        }
    }

    /// The plain value, for computing with. Of doubled keys the last one counts; what cannot be
    /// computed with is null.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null | Self::Broken(_) => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Number(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            Self::Text(text) => Value::String(text.clone()),
            Self::Array(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(members) => {
                Value::Object(members.iter().map(|(k, v)| (k.clone(), v.to_value())).collect::<Map<_, _>>())
            }
        }
    }

    /// The form in which the adapter exports: one line, nothing between the parts.
    #[must_use]
    pub fn to_exact(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The form for people: four spaces a level and a newline at the end.
    #[must_use]
    pub fn to_pretty(&self) -> String {
        let mut out = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
        if self.serialize(&mut serializer).is_err() {
            return self.to_exact();
        }
        out.push(b'\n');
        String::from_utf8(out).unwrap_or_default()
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => Self::Number(n.to_string()),
            Value::String(s) => Self::Text(s.clone()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(map) => Self::Object(map.iter().map(|(k, v)| (k.clone(), Self::from(v))).collect()),
        }
    }
}

/// The deepest nesting of a text, brackets inside strings not counted. One pass, no recursion: it
/// stands before everything that recurses.
fn depth(text: &str) -> usize {
    let (mut deepest, mut now, mut quoted, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text.bytes() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'[' | b'{' => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Number(text) | Self::Broken(text) => match RawValue::from_string(text.clone()) {
                Ok(raw) => raw.serialize(serializer),
                Err(_) => serializer.serialize_unit(),
            },
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    /// Only from JSON text: a number's text is taken from the source.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if depth(raw.get()) > MAX_DEPTH {
            return Err(de::Error::custom(Unreadable::TooDeep));
        }
        Ok(level(raw.get()))
    }
}

/// One level of a text that is known to be JSON of bounded depth: all that can be wrong with it is
/// a text that Rust cannot hold.
fn level(text: &str) -> Json {
    let broken = |_| Json::Broken(text.to_owned());
    match text.as_bytes().first() {
        Some(b'{') => serde_json::from_str(text).map_or_else(broken, |Members(all)| Json::Object(all)),
        Some(b'[') => serde_json::from_str(text).map_or_else(broken, |Items(all)| Json::Array(all)),
        Some(b'"') => serde_json::from_str(text).map_or_else(broken, Json::Text),
        Some(b't') => Json::Bool(true),
        Some(b'f') => Json::Bool(false),
        Some(b'n') => Json::Null,
        _ => Json::Number(text.to_owned()),
    }
}

struct Members(Vec<(String, Json)>);
struct Items(Vec<Json>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((key, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((key, level(raw.get())));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Items;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items, A::Error> {
                let mut items = Vec::new();
                while let Some(raw) = seq.next_element::<&'de RawValue>()? {
                    items.push(level(raw.get()));
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Each)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_order_doubles_and_the_text_of_numbers() {
        let text = r#"{"b":1.50,"a":[-0,1e2,445.130810110223,12345678901234567890123],"b":null,"":"\u00e9"}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(json.to_exact(), text.replace(r"\u00e9", "é"));
        assert_eq!(json.get("b"), Some(&Json::Null), "the last of doubled keys counts");
        assert_eq!(json.doubles(), ["b"]);
    }

    #[test]
    fn halves_of_characters_stay_as_they_are_written() {
        for text in [r#"["a\ud83d","\ud83d\ude00"]"#, r#"{"a":{"\udc00":[1.50]},"b":2}"#, r#""\uD800""#] {
            let json = Json::parse(text).unwrap();
            let exact = text.replace(r"\ud83d\ude00", "😀");
            assert_eq!(json.to_exact(), exact);
            assert_eq!(Json::parse(&json.to_pretty()).unwrap(), json, "{text}");
        }
        let json = Json::parse(r#"{"a":{"\udc00":[1.50]},"b":2}"#).unwrap();
        assert_eq!(json.get("b"), Some(&Json::Number("2".into())), "the rest is read");
        assert_eq!(json.to_value(), serde_json::json!({"a": null, "b": 2}));
    }

    #[test]
    fn says_where_a_text_is_no_json() {
        let Err(Unreadable::Syntax(message)) = Json::parse("{\n  \"a\": tru }") else { panic!("read it") };
        assert!(message.contains("line 2"), "{message}");
    }

    #[test]
    fn deep_nesting_is_refused_before_it_costs_anything() {
        let deep = "[".repeat(5_000_000);
        assert_eq!(Json::parse(&deep), Err(Unreadable::TooDeep));
        let inside_text = format!("\"{}\"", "[{\\\"".repeat(100));
        assert!(Json::parse(&inside_text).is_ok(), "brackets inside text do not nest");
        assert!(serde_json::from_str::<Json>(&format!("{}{}", "[".repeat(40), "]".repeat(40))).is_err());
    }

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<i64>().prop_map(|n| Json::Number(n.to_string())),
            "[1-9][0-9]{0,3}\\.[0-9]{1,6}".prop_map(Json::Number),
            ".{0,12}".prop_map(Json::Text),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                prop::collection::vec((".{0,6}", inner), 0..6).prop_map(Json::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn comes_back_as_it_went(json in json()) {
            prop_assert_eq!(&Json::parse(&json.to_exact()).unwrap(), &json);
            prop_assert_eq!(&Json::parse(&json.to_pretty()).unwrap(), &json);
        }
    }
}
