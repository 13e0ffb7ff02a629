//! The journal: every effect that the org has kept, in order, with the key that its writer gave it.
//!
//! Tests compare it with what was accepted; people read it as a page. Effects of a call that is
//! rolled back never enter it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::time::Timestamp;

/// As many entries are kept in memory; the copy on disk has them all.
const KEPT: usize = 250_000;

/// One effect before it is certain.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// `create`, `update`, `delete`, `post`, `comment`, `like` or `unlike`.
    pub verb: &'static str,
    /// The object.
    pub object: String,
    /// The record.
    pub id: String,
    /// The value of the first unique or external-id field that was written.
    pub key: Option<String>,
    /// What was written.
    pub fields: Map<String, Value>,
}

/// One effect that was kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Counts from 1 without gaps.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// Which writing call of the org it came by: effects of one call share it.
    pub call: u64,
    /// See [`Effect::verb`].
    pub verb: &'static str,
    /// The object.
    pub object: String,
    /// The record.
    pub id: String,
    /// The writer's key.
    pub key: Option<String>,
    /// Method and path of the call.
    pub via: String,
    /// What was written.
    pub fields: Map<String, Value>,
}

/// What the journal is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// Only entries after this number.
    pub after: u64,
    /// Only entries before this number; zero means the end.
    pub before: u64,
    /// Only this object.
    pub object: Option<&'a str>,
    /// Only this key.
    pub key: Option<&'a str>,
    /// At most so many: the next ones where there is an `after`, else the last; zero means all.
    pub limit: usize,
}

/// All effects so far, the oldest forgotten where there are very many.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    seq: u64,
    calls: u64,
    copy: Option<File>,
}

impl Journal {
    /// An empty journal; every entry is also appended to `copy` as a line of JSON.
    #[must_use]
    pub const fn new(copy: Option<File>) -> Self {
        Self { entries: VecDeque::new(), seq: 0, calls: 0, copy }
    }

    /// Keeps the effects of one call.
    pub fn keep(&mut self, effects: Vec<Effect>, via: &str, now: Timestamp) {
        self.calls += 1;
        let mut lines = Vec::new();
        for effect in effects {
            self.seq += 1;
            let entry = Entry {
                seq: self.seq,
                at: now,
                call: self.calls,
                verb: effect.verb,
                object: effect.object,
                id: effect.id,
                key: effect.key,
                via: via.to_owned(),
                fields: effect.fields,
            };
            if self.copy.is_some() && serde_json::to_writer(&mut lines, &entry).is_ok() {
                lines.push(b'\n');
            }
            self.entries.push_back(entry);
        }
        let surplus = self.entries.len().saturating_sub(KEPT);
        self.entries.drain(..surplus);
        if let Some(copy) = &mut self.copy
            && let Err(error) = copy.write_all(&lines)
        {
            tracing::warn!(%error, "the journal's copy cannot be written and ends here");
            self.copy = None;
        }
    }

    /// Entries in their order: the next ones after a number, else the last ones.
    #[must_use]
    pub fn list(&self, filter: &Filter<'_>) -> Vec<&Entry> {
        let matching = self
            .entries
            .iter()
            .filter(|e| e.seq > filter.after && (filter.before == 0 || e.seq < filter.before))
            .filter(|e| filter.object.is_none_or(|o| o.eq_ignore_ascii_case(&e.object)))
            .filter(|e| filter.key.is_none_or(|k| e.key.as_deref() == Some(k)));
        let limit = if filter.limit == 0 { usize::MAX } else { filter.limit };
        if filter.after > 0 {
            return matching.take(limit).collect();
        }
        let mut last: Vec<&Entry> = matching.rev().take(limit).collect();
        last.reverse();
        last
    }

    /// The newest entries, newest first.
    pub fn newest(&self, n: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev().take(n)
    }

    /// How many effects there were, forgotten ones among them.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.seq
    }

    /// Whether nothing has happened yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.seq == 0
    }

    /// Forgets the entries; the numbers go on.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn effect(object: &str, key: Option<&str>) -> Effect {
        Effect {
            verb: "create",
            object: object.to_owned(),
            id: "500Tl0000000001AAA".to_owned(),
            key: key.map(str::to_owned),
            fields: Map::new(),
        }
    }

    #[test]
    fn entries_are_numbered_found_by_key_and_copied() {
        let mut copy = tempfile::tempfile().unwrap();
        let mut journal = Journal::new(Some(copy.try_clone().unwrap()));
        let now = Timestamp::from_millis(5);
        journal.keep(vec![effect("Case", Some("k1")), effect("Task", None)], "POST /composite", now);
        journal.keep(vec![effect("Case", Some("k2"))], "POST /composite", now);
        let seqs = |filter: &Filter<'_>| journal.list(filter).iter().map(|e| e.seq).collect::<Vec<_>>();
        assert_eq!(seqs(&Filter::default()), [1, 2, 3]);
        assert_eq!(seqs(&Filter { key: Some("k2"), ..Filter::default() }), [3]);
        assert_eq!(seqs(&Filter { object: Some("case"), after: 1, ..Filter::default() }), [3]);
        assert_eq!(seqs(&Filter { limit: 2, ..Filter::default() }), [2, 3], "the last");
        assert_eq!(seqs(&Filter { limit: 1, after: 1, ..Filter::default() }), [2], "the next");

        std::io::Seek::rewind(&mut copy).unwrap();
        let mut text = String::new();
        copy.read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().count(), 3);
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!((&last["key"], &last["call"]), (&Value::from("k2"), &Value::from(2)));
    }
}
