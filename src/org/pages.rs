//! Long results in pages: the first is told at once, with the address of the next.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::org::data::Rows;
use crate::org::error::OrgError;
use crate::org::id;

/// Records in a page, by default and at most; the fewest a caller may ask for.
pub(super) const MOST: usize = 2_000;
pub(super) const FEWEST: usize = 200;
/// Children told with their parent; where there are more, they are a result of their own.
const CHILDREN: usize = 200;
/// As many queries are kept; the oldest makes way, as it does in Salesforce.
const OPEN: usize = 20;

/// Results that are still being paged through.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// By query: its own result and those of its records' children, which go together.
    open: VecDeque<Vec<Open>>,
    made: u64,
}

#[derive(Debug)]
struct Open {
    locator: String,
    records: Vec<Value>,
}

impl Pages {
    /// The first page of what a query found; `root` is `/services/data/v66.0`.
    pub(super) fn first(&mut self, root: &str, rows: Rows, size: usize) -> Value {
        let mut records = rows.records;
        let mut kept = Vec::new();
        for record in &mut records {
            self.shorten(root, record, &mut kept);
        }
        let told = if records.len() <= size {
            json!({"totalSize": rows.total_size, "done": true, "records": records})
        } else {
            self.begin(root, records, size, &mut kept)
        };
        if !kept.is_empty() {
            self.open.push_back(kept);
            if self.open.len() > OPEN {
                self.open.pop_front();
            }
        }
        told
    }

    /// The page at `01g…-2000`.
    pub(super) fn further(&self, root: &str, place: &str, size: usize) -> Result<Value, OrgError> {
        let wrong = || OrgError::new("INVALID_QUERY_LOCATOR", "invalid query locator");
        let (locator, from) = place.rsplit_once('-').ok_or_else(wrong)?;
        let from: usize = from.parse().map_err(|_| wrong())?;
        let locator = id::normalise(locator).ok_or_else(wrong)?;
        let found = self.open.iter().flatten().find(|o| o.locator == locator).map(|o| &o.records);
        let records = found.filter(|records| from < records.len()).ok_or_else(wrong)?;
        Ok(page(root, &locator, records, from, size))
    }

    /// Cuts the children of a record, and theirs, to a first page.
    fn shorten(&mut self, root: &str, record: &mut Value, kept: &mut Vec<Open>) {
        let Some(fields) = record.as_object_mut() else { return };
        for value in fields.values_mut().filter(|v| v.get("totalSize").is_some()) {
            let Some(Value::Array(children)) = value.get_mut("records") else { continue };
            for child in children.iter_mut() {
                self.shorten(root, child, kept);
            }
            if children.len() > CHILDREN {
                let children = std::mem::take(children);
                *value = self.begin(root, children, CHILDREN, kept);
            }
        }
    }

    /// Opens a result that is longer than a page.
    fn begin(&mut self, root: &str, records: Vec<Value>, size: usize, kept: &mut Vec<Open>) -> Value {
        self.made += 1;
        let locator = id::compose("01g", self.made);
        let told = page(root, &locator, &records, 0, size);
        kept.push(Open { locator, records });
        told
    }
}

fn page(root: &str, locator: &str, records: &[Value], from: usize, size: usize) -> Value {
    let end = from.saturating_add(size).min(records.len());
    let mut out = json!({"totalSize": records.len(), "done": end == records.len()});
    if end < records.len() {
        out["nextRecordsUrl"] = format!("{root}/query/{locator}-{end}").into();
    }
    out["records"] = records.get(from..end).unwrap_or_default().into();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Rows {
        let records = (0..count).map(|n| json!({"n": n})).collect();
        Rows { total_size: count, records, ..Rows::default() }
    }

    #[test]
    fn the_oldest_result_makes_way_with_its_children() {
        let mut pages = Pages::default();
        let children = |n: usize| json!({"totalSize": n, "done": true, "records": rows(n).records});
        let family = json!({"Name": "a", "Contacts": children(201), "Cases": children(200)});
        let told = pages.first("/v", Rows { total_size: 1, records: vec![family], ..Rows::default() }, MOST);
        assert_eq!((&told["done"], told.get("nextRecordsUrl")), (&json!(true), None));
        let record = &told["records"][0];
        assert_eq!(record["Cases"], children(200), "what fits is told whole");
        assert_eq!(
            (&record["Contacts"]["totalSize"], &record["Contacts"]["done"]),
            (&json!(201), &json!(false))
        );
        let next = record["Contacts"]["nextRecordsUrl"].as_str().unwrap().strip_prefix("/v/query/").unwrap();
        let last = pages.further("/v", next, MOST).unwrap();
        assert_eq!(last, json!({"totalSize": 201, "done": true, "records": [{"n": 200}]}));
        for _ in 0..OPEN {
            pages.first("/v", rows(MOST + 1), MOST);
        }
        assert_eq!(pages.further("/v", next, MOST).unwrap_err().code, "INVALID_QUERY_LOCATOR");
    }

    #[test]
    fn what_is_no_place_in_a_result_is_told_so() {
        let mut pages = Pages::default();
        let told = pages.first("/v", rows(FEWEST + 1), FEWEST);
        let next = told["nextRecordsUrl"].as_str().unwrap().strip_prefix("/v/query/").unwrap();
        let locator = next.split('-').next().unwrap();
        let short = locator.get(..15).unwrap();
        assert!(pages.further("/v", &format!("{short}-200"), MOST).is_ok(), "15 characters do");
        for place in [locator, &format!("{locator}-201"), &format!("{locator}-x"), "x-1", "-", ""] {
            assert_eq!(
                pages.further("/v", place, MOST).unwrap_err().code,
                "INVALID_QUERY_LOCATOR",
                "{place}"
            );
        }
    }
}
