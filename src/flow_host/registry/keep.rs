//! How flows are kept: a row for each record, and one for the text of each version.

use serde::{Deserialize, Serialize};

use super::{Draft, FLOWS, Flow, Note, Problems, Record, Summary, Version, around, is_event};
use crate::flow::model::Document;
use crate::flow::validate;
use crate::flow::validate::{Diagnostic, MAX_READ_BYTES, Severity};
use crate::flow_host::rows::{decode, encode};
use crate::flow_host::{Error, Host};
use crate::replay;
use crate::row::{Key, Row};
use crate::store::{Expect, PutError};
use crate::time::Timestamp;

/// How many versions a record remembers the notes of; the versions themselves all stay.
const NOTES: usize = 500;

/// How much of a flow's name the history tells; it is part of a row's key.
const NAME: usize = 80;

/// Most notes of a flow, and most bytes of all they say.
const MAX_NOTES: usize = 500;
const MAX_NOTES_BYTES: usize = 256 << 10;

/// The row of a version: its text, and the notes on its stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Text {
    text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Note>,
}

impl Host {
    pub(super) async fn save(
        &self,
        mut record: Record,
        row: u64,
        draft: Draft,
        author: &str,
        now: Timestamp,
    ) -> Result<Flow, Error> {
        let summary = &mut record.summary;
        let stood = (summary.source.clone(), summary.event.clone());
        if let Some(name) = draft.name.map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()) {
            summary.name = name;
        }
        summary.adapter = draft.adapter.unwrap_or(std::mem::take(&mut summary.adapter));
        summary.source = draft.source.unwrap_or(std::mem::take(&mut summary.source));
        summary.event = draft.event.unwrap_or(std::mem::take(&mut summary.event));
        summary.description = draft.description.unwrap_or(std::mem::take(&mut summary.description));
        summary.order = draft.order.unwrap_or(summary.order);
        summary.debug = draft.debug.unwrap_or(summary.debug);
        let moved = stood != (summary.source.clone(), summary.event.clone());
        if moved && summary.active && !is_event(&summary.source, &summary.event) {
            return Err(Error::Asked(
                "The flow is active, so it needs a source and one of its events; choose both, or deactivate it."
                    .to_owned(),
            ));
        }
        author.clone_into(&mut summary.author);
        summary.updated_at = now;
        let before = match summary.draft_version {
            0 => Text::default(),
            version => self.text(&summary.id, version, now).await?,
        };
        let given = draft.document.map(|d| d.to_exact()).or(draft.raw);
        let text = Text {
            text: given.unwrap_or_else(|| before.text.clone()),
            notes: draft.notes.unwrap_or_else(|| before.notes.clone()),
        };
        if moved || text.text != before.text {
            summary.problems = problems(&text.text, summary);
        }
        if summary.draft_version == 0 || text != before {
            record.writes =
                Document::parse(&text.text).ok().and_then(|document| validate::properties_written(&document));
            // The text first: a record never names a version that is not there. A number that
            // another save has taken, which lost the race or is still in it, is passed over.
            let mut number = summary.draft_version + 1;
            while !self.put_text(&summary.id, number, &text, now).await? {
                number += 1;
            }
            summary.draft_version = number;
            record.versions.push(Version {
                version: number,
                author: author.to_owned(),
                at: now,
                note: draft.note.filter(|n| !n.trim().is_empty()),
                active: false,
            });
            let surplus = record.versions.len().saturating_sub(NOTES);
            record.versions.drain(..surplus);
        }
        self.put_record(&record, row, now).await?;
        let version = record.summary.draft_version;
        self.with_text(record.summary, version, now).await
    }

    /// Changes what runs, and keeps who did it.
    pub(super) async fn change(
        &self,
        id: &str,
        by: &str,
        deed: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Record),
    ) -> Result<Flow, Error> {
        let (mut record, row) = self.record(id, now).await?;
        change(&mut record);
        self.put_record(&record, row, now).await?;
        let name: String = record.summary.name.chars().take(NAME).collect();
        replay::note(&*self.0.table, by, &format!("{deed} the CTI Flow {name} ({id})"), now).await?;
        let version = record.summary.draft_version;
        self.with_text(record.summary, version, now).await
    }

    pub(super) async fn record(&self, id: &str, now: Timestamp) -> Result<(Record, u64), Error> {
        let key = Key { partition: FLOWS.to_owned(), sort: id.to_owned() };
        let row = self.0.table.get(&key, now).await?;
        let row = row.ok_or_else(|| Error::NotFound(format!("There is no flow {id}.")))?;
        Ok((decode(&row.data)?, row.version))
    }

    async fn put_record(&self, record: &Record, before: u64, now: Timestamp) -> Result<(), Error> {
        let row = Row {
            key: Key { partition: FLOWS.to_owned(), sort: record.summary.id.clone() },
            version: before + 1,
            data: encode(record)?,
            index: None,
            expires: None,
        };
        let expect = if before == 0 { Expect::Absent } else { Expect::Version(before) };
        match self.0.table.put(&row, expect, now).await {
            Ok(()) => Ok(()),
            Err(PutError::Conflict(stands)) => {
                let stands = stands.map(|row| decode::<Record>(&row.data)).transpose()?;
                let (current, author) =
                    stands.map_or((0, String::new()), |r| (r.summary.draft_version, r.summary.author));
                Err(Error::Conflict { current, author })
            }
            Err(PutError::Store(error)) => Err(error.into()),
        }
    }

    async fn text(&self, id: &str, version: u64, now: Timestamp) -> Result<Text, Error> {
        let row = self.0.table.get(&version_key(id, version), now).await?;
        let row = row.ok_or_else(|| Error::NotFound(format!("The flow {id} has no version {version}.")))?;
        Ok(self.long(&row, now).await?)
    }

    /// Whether the number was free.
    async fn put_text(&self, id: &str, version: u64, text: &Text, now: Timestamp) -> Result<bool, Error> {
        if text.text.len() > MAX_READ_BYTES {
            return Err(Error::Asked(format!(
                "The file is too large to be kept: it has {} bytes, and {MAX_READ_BYTES} are kept. Divide it.",
                text.text.len()
            )));
        }
        let said: usize = text.notes.iter().map(|note| note.text.len()).sum();
        if text.notes.len() > MAX_NOTES || said > MAX_NOTES_BYTES {
            return Err(Error::Asked(format!(
                "The notes are too many to be kept: there are {} of {said} bytes, and {MAX_NOTES} of {MAX_NOTES_BYTES} are kept. Shorten them.",
                text.notes.len()
            )));
        }
        let row =
            Row { key: version_key(id, version), version: 1, data: Vec::new(), index: None, expires: None };
        match self.put_long(row, text, Expect::Absent, now).await {
            Ok(_) => Ok(true),
            Err(PutError::Conflict(_)) => Ok(false),
            Err(PutError::Store(error)) => Err(error.into()),
        }
    }

    pub(super) async fn with_text(
        &self,
        summary: Summary,
        version: u64,
        now: Timestamp,
    ) -> Result<Flow, Error> {
        let Text { text, notes } = self.text(&summary.id, version, now).await?;
        let document = Document::parse(&text).ok().filter(Document::is_flow);
        let raw = document.is_none().then_some(text);
        Ok(Flow { summary, version, document, raw, notes })
    }
}

fn version_key(id: &str, version: u64) -> Key {
    Key { partition: format!("flow-version#{id}"), sort: format!("{version:010}") }
}

fn problems(text: &str, summary: &Summary) -> Problems {
    let (_, findings) = validate::check_text(text, &around(summary));
    let count = |severity| findings.iter().filter(|d: &&Diagnostic| d.severity == severity).count();
    Problems { errors: count(Severity::Error), warnings: count(Severity::Warning) }
}
