//! Answers in the forms that a contact flow reads.
//!
//! Upstream's keys come from what Salesforce said; the `notes` are Tieline's own keys (`tl_id`,
//! `tl_cache` …), which the caller hands in already decided: whether a reply may carry them at all
//! depends on the configuration and on the call.

use serde_json::{Map, Value};

use super::flat::{bare, flatten};
use super::{Format, Found, Shape, Write, Written};

/// Amazon Connect takes replies below 32 KB of UTF-8; one byte more is its error branch.
pub const LIMIT: usize = 32 * 1024 - 1;

/// The reply to a read. Records that do not fit under [`LIMIT`] are left out from the end, whole,
/// and `tl_truncated` and `sf_total` say so; of a single record that does not fit alone the
/// longest fields are left out.
#[must_use]
pub fn found(found: &Found, shape: Shape, notes: Map<String, Value>, format: Format) -> Map<String, Value> {
    let count = match shape {
        // `SELECT COUNT()` gives a number and no records.
        _ if found.records.is_empty() => found.total,
        Shape::First | Shape::Only => found.total.max(found.records.len() as u64),
        Shape::All => found.records.len() as u64,
    };
    let shown = match shape {
        Shape::First => found.records.get(..1).unwrap_or_default(),
        Shape::Only if count == 1 => &found.records,
        Shape::Only => &[],
        Shape::All => &found.records,
    };
    let mut room = Room { left: LIMIT.saturating_sub(size(&notes)).saturating_sub(CUT_KEYS) };
    let mut cut = (shape == Shape::All && found.total > count) || notes.contains_key("tl_truncated");
    let mut reply = Map::new();
    let mut list = Vec::new();
    let mut fitting = 0_u64;
    for (at, record) in shown.iter().enumerate() {
        let mut keys = record_keys(record, at, shape, format);
        if shape != Shape::All {
            cut |= room.trim(&mut keys);
        }
        if !room.take(&keys) {
            cut = true;
            break;
        }
        fitting += 1;
        if format == Format::Json {
            list.push(Value::from(keys));
        } else {
            reply.extend(keys);
        }
    }
    if format == Format::Json {
        reply.insert("sf_records".to_owned(), list.into());
    }
    let count = if shape == Shape::All && !found.records.is_empty() { fitting } else { count };
    reply.insert(
        "sf_count".to_owned(),
        if format == Format::Native { count.into() } else { count.to_string().into() },
    );
    let mut notes = notes;
    if cut {
        notes.insert("tl_truncated".to_owned(), true.into());
        notes.insert("sf_total".to_owned(), found.total.max(found.records.len() as u64).into());
    }
    with_notes(reply, notes, format)
}

/// The reply to a write that took effect.
#[must_use]
pub fn written(written: &Written, notes: Map<String, Value>, format: Format) -> Map<String, Value> {
    let reply = match written {
        Written::Created { id } => Map::from_iter([("Id".to_owned(), id.clone().into())]),
        Written::Upserted { id, created } => {
            Map::from_iter([("Id".to_owned(), id.clone().into()), ("Created".to_owned(), (*created).into())])
        }
        Written::Updated { status } => Map::from_iter([("Status".to_owned(), (*status).into())]),
        Written::Deleted => Map::from_iter([("Response".to_owned(), Value::Null)]),
    };
    with_notes(formatted(reply, format), notes, format)
}

/// The reply to a write that is accepted and not yet carried out: upstream's keys, with the ticket
/// where the Id will be.
#[must_use]
pub fn accepted(
    write: &Write,
    ticket: &str,
    notes: Map<String, Value>,
    format: Format,
) -> Map<String, Value> {
    let (key, value) = match write {
        Write::Create { .. } | Write::Upsert { .. } | Write::Post { .. } | Write::Comment { .. } => {
            ("Id", ticket.into())
        }
        Write::Update { .. } => ("Status", 202.into()),
        Write::Delete { .. } => ("Response", Value::Null),
    };
    with_notes(formatted(Map::from_iter([(key.to_owned(), value)]), format), notes, format)
}

/// A reply of nothing but Tieline's keys: an outcome, a failure under `tl_on_error: reply`, the
/// version.
#[must_use]
pub fn notes(notes: Map<String, Value>, format: Format) -> Map<String, Value> {
    with_notes(Map::new(), notes, format)
}

/// What `"sf_count"`, `"tl_truncated"`, `"sf_total"`, `"sf_records"` and the braces take.
const CUT_KEYS: usize = 160;

/// The bytes that are left for records.
struct Room {
    left: usize,
}

impl Room {
    fn take(&mut self, keys: &Map<String, Value>) -> bool {
        match self.left.checked_sub(size(keys)) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// Leaves out the longest fields until the record fits. Whether any were.
    fn trim(&self, keys: &mut Map<String, Value>) -> bool {
        let mut cut = false;
        while size(keys) > self.left {
            let longest =
                keys.iter().max_by_key(|(key, value)| entry_size(key, value)).map(|(key, _)| key.clone());
            let Some(longest) = longest else { break };
            keys.shift_remove(&longest);
            cut = true;
        }
        cut
    }
}

/// What an object takes as compact JSON, a comma behind it.
fn size(keys: &Map<String, Value>) -> usize {
    3 + keys.iter().map(|(key, value)| entry_size(key, value)).sum::<usize>()
}

fn entry_size(key: &str, value: &Value) -> usize {
    json_len(&key) + json_len(value) + 2
}

/// How long a value is as JSON, without writing it anywhere.
fn json_len(value: &(impl serde::Serialize + ?Sized)) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // A value of JSON and a sink that takes everything: there is nothing to fail.
    serde_json::to_writer(&mut count, value).map_or(usize::MAX / 4, |()| count.0)
}

fn record_keys(record: &Map<String, Value>, at: usize, shape: Shape, format: Format) -> Map<String, Value> {
    if format == Format::Json {
        return bare(record);
    }
    let flat = flatten(record);
    let named = match shape {
        Shape::All => {
            flat.into_iter().map(|(key, value)| (format!("sf_records_{at}_{key}"), value)).collect()
        }
        // The count of the reply has its own place under this name.
        _ => flat.into_iter().filter(|(key, _)| key != "sf_count").collect(),
    };
    formatted(named, format)
}

/// Under `string`: every value text, nulls left out, dots in keys as `_`.
fn formatted(keys: Map<String, Value>, format: Format) -> Map<String, Value> {
    if format != Format::String {
        return keys;
    }
    keys.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.replace('.', "_"), as_text(value)))
        .collect()
}

/// Adds Tieline's keys: text, except in the form for blocks that read JSON.
fn with_notes(
    mut reply: Map<String, Value>,
    notes: Map<String, Value>,
    format: Format,
) -> Map<String, Value> {
    let said = notes.into_iter().filter(|(_, value)| format == Format::Json || !value.is_null());
    reply.extend(said.map(|(key, value)| (key, if format == Format::Json { value } else { as_text(value) })));
    reply
}

fn as_text(value: Value) -> Value {
    match value {
        Value::String(_) => value,
        value => value.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(records: Value, total: u64) -> Found {
        Found { records: serde_json::from_value(records).unwrap(), total }
    }

    fn reply(f: &Found, shape: Shape, format: Format) -> Value {
        found(f, shape, Map::new(), format).into()
    }

    #[test]
    fn three_shapes() {
        let two = of(json!([{"Id": "1", "A": {"B": true}}, {"Id": "2", "A": null}]), 2);
        assert_eq!(reply(&two, Shape::First, Format::Native), json!({"Id": "1", "A.B": true, "sf_count": 2}));
        assert_eq!(reply(&two, Shape::Only, Format::Native), json!({"sf_count": 2}));
        assert_eq!(
            reply(&two, Shape::All, Format::Native),
            json!({
                "sf_records_0_Id": "1", "sf_records_0_A.B": true, "sf_records_1_Id": "2", "sf_records_1_A": null,
                "sf_count": 2
            })
        );
        let one = of(json!([{"Id": "1", "sf_count": 9}]), 1);
        assert_eq!(reply(&one, Shape::Only, Format::Native), json!({"Id": "1", "sf_count": 1}));
        for shape in [Shape::First, Shape::Only, Shape::All] {
            assert_eq!(reply(&Found::default(), shape, Format::Native), json!({"sf_count": 0}));
            assert_eq!(reply(&of(json!([]), 42), shape, Format::Native), json!({"sf_count": 42}));
        }
    }

    #[test]
    fn three_formats() {
        let two = of(json!([{"attributes": {}, "Id": "1", "A": {"B": 1.5}}, {"Id": null}]), 2);
        assert_eq!(
            reply(&two, Shape::All, Format::String),
            json!({
                "sf_records_0_Id": "1", "sf_records_0_A_B": "1.5", "sf_count": "2"
            })
        );
        assert_eq!(
            reply(&two, Shape::All, Format::Json),
            json!({
                "sf_records": [{"Id": "1", "A": {"B": 1.5}}, {"Id": null}], "sf_count": "2"
            })
        );
        assert_eq!(
            reply(&two, Shape::First, Format::Json),
            json!({
                "sf_records": [{"Id": "1", "A": {"B": 1.5}}], "sf_count": "2"
            })
        );
        assert_eq!(
            reply(&Found::default(), Shape::Only, Format::Json),
            json!({"sf_records": [], "sf_count": "0"})
        );
    }

    #[test]
    fn writes_reply_as_upstream() {
        let say = |w, format| Value::from(written(&w, Map::new(), format));
        assert_eq!(say(Written::Updated { status: 204 }, Format::Native), json!({"Status": 204}));
        assert_eq!(say(Written::Updated { status: 204 }, Format::String), json!({"Status": "204"}));
        assert_eq!(say(Written::Deleted, Format::Native), json!({"Response": null}));
        assert_eq!(say(Written::Deleted, Format::String), json!({}));
        let notes =
            Map::from_iter([("tl_status".to_owned(), json!("queued")), ("tl_age_ms".to_owned(), json!(3))]);
        let update = Write::Update { object: "Case".to_owned(), id: "5".to_owned(), fields: Map::new() };
        assert_eq!(
            Value::from(accepted(&update, "tl-1", notes.clone(), Format::Native)),
            json!({
                "Status": 202, "tl_status": "queued", "tl_age_ms": "3"
            })
        );
        assert_eq!(
            Value::from(super::notes(notes, Format::Json)),
            json!({"tl_status": "queued", "tl_age_ms": 3})
        );
    }

    #[test]
    fn whole_records_are_left_out_from_the_end() {
        let row = json!({"Id": "0035g00000AAAAAAA1", "Name": "Ünïcode — 日本語", "Note": "\"quoted\"\n"});
        let many = of(Value::from(vec![row; 2000]), 5000);
        for format in [Format::Native, Format::String, Format::Json] {
            let reply = found(&many, Shape::All, Map::new(), format);
            let size = serde_json::to_vec(&reply).unwrap().len();
            assert!(size <= LIMIT && size > LIMIT - 1500, "{size}");
            let count: usize = match &reply["sf_count"] {
                Value::String(n) => n.parse().unwrap(),
                n => n.as_u64().unwrap() as usize,
            };
            let kept = match format {
                Format::Json => reply["sf_records"].as_array().unwrap().len(),
                _ => reply.keys().filter(|key| key.ends_with("_Note")).count(),
            };
            assert_eq!(count, kept);
            let (truncated, total) = match format {
                Format::Json => (json!(true), json!(5000)),
                _ => (json!("true"), json!("5000")),
            };
            assert_eq!((&reply["tl_truncated"], &reply["sf_total"]), (&truncated, &total));
        }
    }

    #[test]
    fn of_one_record_the_longest_field_goes() {
        let long = of(json!([{"Id": "1", "Body": "x".repeat(40_000), "Name": "Ann"}]), 1);
        assert_eq!(
            reply(&long, Shape::First, Format::Native),
            json!({
                "Id": "1", "Name": "Ann", "sf_count": 1, "tl_truncated": "true", "sf_total": "1"
            })
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,40}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec(("[a-zA-Z_.]{0,12}", inner), 0..6)
                    .prop_map(|fields| Value::from(Map::from_iter(fields))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_reply_fits(
            records in prop::collection::vec(prop::collection::vec(("[A-Za-z.]{1,10}", any_json()), 0..8), 0..30),
            total in 0_u64..10_000,
            copies in 1_usize..20,
        ) {
            let rows: Vec<Map<String, Value>> = records.into_iter().map(Map::from_iter).collect();
            let found_ = Found { records: std::iter::repeat_n(rows, copies).flatten().collect(), total };
            for shape in [Shape::First, Shape::Only, Shape::All] {
                for format in [Format::Native, Format::String, Format::Json] {
                    let reply = found(&found_, shape, Map::new(), format);
                    prop_assert!(serde_json::to_vec(&reply).unwrap().len() <= LIMIT);
                    prop_assert!(reply.contains_key("sf_count"));
                }
            }
        }
    }
}
