//! A kept answer, and whether it may be given.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{Found, is_named};
use crate::time::Timestamp;

/// How far the clocks of two machines may be apart, and how long a change takes to be seen by a
/// query: an answer asked for less than this after a change may not show it.
pub const SETTLE: Duration = Duration::from_secs(2);

/// The largest row that is written, compressed; a table's row ends at 400 KB.
const LARGEST: usize = 256 * 1024;

/// The most that a row may hold when unpacked: Lambda's memory is small.
const UNPACKED: u64 = 16 * 1024 * 1024;

/// The first byte of a row of this form. A row of any other is no row.
const FORM: u8 = 1;

/// More records than this are not asked after one by one, so such answers only stand in.
pub(super) const MOST_RECORDS: usize = 25;

/// An answer of Salesforce.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// When Salesforce was asked, by the clock of who asked. Not when it answered: what changed in
    /// between may be missing.
    pub(super) asked_at: Timestamp,
    pub(super) found: Found,
}

/// What is known when an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) now: Timestamp,
    /// How old an answer with records may be and count as new.
    pub(super) fresh: Duration,
    /// How old an answer without records may be and count as new.
    pub(super) negative: Duration,
    /// How old an answer may be and stand in.
    pub(super) stale: Duration,
    /// When this contact last saw a write of its own succeed.
    pub(super) written: Option<Timestamp>,
    /// Whether a write of this contact is still on its way: it may make what was not there.
    pub(super) writing: bool,
    /// Whether nobody can tell what this contact wrote.
    pub(super) unknown: bool,
}

/// What may be done with a kept answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Nothing: too old, older than the contact's own write, or from the future.
    Refused,
    /// It stands in, marked, if Salesforce gives no answer.
    Stale,
    /// It is the answer.
    Fresh,
}

impl Wanted {
    /// Whether no answer that was asked for by now can count as new.
    pub(super) fn takes_nothing_kept(&self) -> bool {
        self.unknown || self.fresh.is_zero() || self.written.is_some_and(|at| self.now <= at.plus(SETTLE))
    }

    /// Judges an answer by its age.
    pub(super) fn judge(&self, entry: &Entry) -> Verdict {
        let from_the_future = entry.asked_at > self.now.plus(SETTLE);
        let before_own_write = self.written.is_some_and(|at| entry.asked_at <= at.plus(SETTLE));
        let age = self.now.since(entry.asked_at);
        let nobody = entry.found.records.is_empty();
        let fresh = if nobody { self.negative.min(self.fresh) } else { self.fresh };
        if from_the_future || before_own_write || age > self.stale {
            Verdict::Refused
        } else if age > fresh || self.unknown || (nobody && self.writing) {
            Verdict::Stale
        } else {
            Verdict::Fresh
        }
    }
}

impl Entry {
    /// The Ids of all records in it, parents included, as far as they are told.
    pub(super) fn record_ids(&self) -> BTreeSet<&str> {
        let mut ids = BTreeSet::new();
        self.found.records.iter().for_each(|record| ids_of(record, &mut ids));
        ids
    }

    /// Whether a field in it is one of these, which are never stored.
    pub(super) fn holds_any(&self, fields: &[String]) -> bool {
        !fields.is_empty() && self.found.records.iter().any(|record| holds_any(record, fields))
    }

    /// How many bytes of memory it takes, roughly.
    pub(super) fn weight(&self) -> u64 {
        self.found.records.iter().map(weight_of).sum()
    }

    /// As a row holds it; none where it is larger than a row may be.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut packed = ZlibEncoder::new(vec![FORM], Compression::fast());
        packed.write_all(&serde_json::to_vec(self).ok()?).ok()?;
        packed.finish().ok().filter(|bytes| bytes.len() <= LARGEST)
    }

    /// What a row holds; none where it is damaged or of another build's form.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&form, packed) = bytes.split_first()?;
        let mut text = Vec::new();
        ZlibDecoder::new(packed).take(UNPACKED).read_to_end(&mut text).ok()?;
        if form == FORM { serde_json::from_slice(&text).ok() } else { None }
    }
}

fn ids_of<'e>(record: &'e Map<String, Value>, ids: &mut BTreeSet<&'e str>) {
    for (name, value) in record {
        match value {
            Value::String(id) if name == "Id" => {
                ids.insert(id);
            }
            Value::Object(attributes) if name == "attributes" => {
                let url = attributes.get("url").and_then(Value::as_str);
                ids.extend(url.and_then(|url| url.rsplit('/').next()));
            }
            Value::Object(parent) => ids_of(parent, ids),
            Value::Array(children) => {
                children.iter().filter_map(Value::as_object).for_each(|child| ids_of(child, ids));
            }
            _ => {}
        }
    }
}

fn weight_of(record: &Map<String, Value>) -> u64 {
    // A key with its hash, a value: as much as both take beside their texts.
    const EACH: u64 = 96;
    fn of_value(value: &Value) -> u64 {
        match value {
            Value::String(text) => text.len() as u64,
            Value::Object(parent) => weight_of(parent),
            Value::Array(items) => items.iter().map(|item| EACH + of_value(item)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }
    record.iter().map(|(name, value)| EACH + name.len() as u64 + of_value(value)).sum()
}

fn holds_any(record: &Map<String, Value>, fields: &[String]) -> bool {
    let object = record.get("attributes").and_then(|attributes| attributes.get("type")?.as_str());
    record.iter().any(|(name, value)| match value {
        _ if is_named(fields, object, name) => true,
        Value::Object(parent) => holds_any(parent, fields),
        Value::Array(children) => {
            children.iter().filter_map(Value::as_object).any(|child| holds_any(child, fields))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn entry(age_ms: i64, records: &Value) -> Entry {
        let records: Vec<_> = serde_json::from_value(records.clone()).unwrap();
        let asked_at = Timestamp::from_millis(NOW.as_millis() - age_ms);
        Entry { asked_at, found: Found { total: records.len() as u64, records } }
    }

    const WANTED: Wanted = Wanted {
        now: NOW,
        fresh: Duration::from_secs(60),
        negative: Duration::from_secs(15),
        stale: Duration::from_secs(3600),
        written: None,
        writing: false,
        unknown: false,
    };

    #[test]
    fn age_decides_and_an_own_write_refuses() {
        let one = json!([{"Id": "1"}]);
        for (age, verdict) in [
            (0, Verdict::Fresh),
            (60_000, Verdict::Fresh),
            (60_001, Verdict::Stale),
            (3_600_001, Verdict::Refused),
            (-1_000, Verdict::Fresh),
            (-2_001, Verdict::Refused),
        ] {
            assert_eq!(WANTED.judge(&entry(age, &one)), verdict, "{age}");
        }
        assert_eq!(WANTED.judge(&entry(15_001, &json!([]))), Verdict::Stale);
        let writing = Wanted { writing: true, ..WANTED };
        assert_eq!(writing.judge(&entry(0, &json!([]))), Verdict::Stale);
        assert_eq!(writing.judge(&entry(0, &one)), Verdict::Fresh);
        assert_eq!(Wanted { unknown: true, ..WANTED }.judge(&entry(0, &one)), Verdict::Stale);
        let written = Wanted { written: Some(Timestamp::from_millis(NOW.as_millis() - 10_000)), ..WANTED };
        assert_eq!(written.judge(&entry(8_000, &one)), Verdict::Refused);
        assert_eq!(written.judge(&entry(7_999, &one)), Verdict::Fresh);
    }

    #[test]
    fn every_record_is_known_by_its_id() {
        let entry = entry(
            0,
            &json!([{
                "attributes": {"url": "/services/data/v66.0/sobjects/Contact/003A"}, "Name": "Ann",
                "Account": {"attributes": {"url": "/services/data/v66.0/sobjects/Account/001A"}, "Name": "Acme"},
                "Cases": {"records": [{"Id": "500A"}]},
            }]),
        );
        assert_eq!(entry.record_ids().into_iter().collect::<Vec<_>>(), ["001A", "003A", "500A"]);
    }

    #[test]
    fn a_field_is_found_wherever_it_stands() {
        let one = entry(
            0,
            &json!([{
                "attributes": {"type": "Case"}, "Id": "1",
                "Contact": {"attributes": {"type": "Contact"}, "Passport__c": "x"},
                "Tasks": {"records": [{"attributes": {"type": "Task"}, "Note__c": "y"}]},
            }]),
        );
        for (name, there) in [
            ("contact.passport__c", true),
            ("Passport__c", true),
            ("Case.Passport__c", false),
            ("Task.Note__c", true),
            ("Subject", false),
        ] {
            assert_eq!(one.holds_any(&[name.to_owned()]), there, "{name}");
        }
    }

    #[test]
    fn a_row_that_is_damaged_or_of_another_form_is_none() {
        let one = entry(0, &json!([{"Id": "1"}]));
        let bytes = one.encode().unwrap();
        assert_eq!(Entry::decode(&bytes), Some(one));
        for cut in 0..bytes.len() - 1 {
            assert_eq!(Entry::decode(&bytes[..cut]), None);
        }
        let newer = [&[FORM + 1], &bytes[1..]].concat();
        assert_eq!(Entry::decode(&newer), None);
        let mut noise = 1_u64;
        let text: String = (0..600_000)
            .map(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b' ' + u8::try_from(noise >> 58).unwrap())
            })
            .collect();
        let large = json!([{ "Body": text }]);
        assert_eq!(entry(0, &large).encode(), None);
    }

    proptest! {
        #[test]
        fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _entry = Entry::decode(&bytes);
        }

        /// The law: nothing asked before an own write was seen to succeed is ever given.
        #[test]
        fn nothing_older_than_an_own_write(age in 0_i64..100_000, written in 0_i64..100_000) {
            let at = Timestamp::from_millis(NOW.as_millis() - written);
            let verdict = Wanted { written: Some(at), ..WANTED }.judge(&entry(age, &json!([{}])));
            prop_assert!(verdict == Verdict::Refused || age < written);
        }
    }
}
