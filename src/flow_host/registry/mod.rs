//! The flows that are kept: drafts, versions, and which version is active.
//!
//! A record wraps the file, which stays the adapter's own. Each save is a version with author,
//! time and note; a text that is no flow is kept as it came. Who activates, deactivates, deletes or
//! restores one is kept in the history, as what people do to writes is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::rows::decode;
use super::{Error, Host};
use crate::flow::model::Document;
use crate::flow::validate::Around;
use crate::flow::{catalogue, validate};
use crate::time::Timestamp;

mod keep;

const FLOWS: &str = "flow";
/// How many flows are read at once.
const PAGE: usize = 500;

/// What is known about a flow beside its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = FlowSummary))]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The adapter it belongs to.
    pub adapter: String,
    /// Its source, such as `voiceContact`.
    pub source: String,
    /// Its event, such as `onConnecting`.
    pub event: String,
    /// What it is for.
    pub description: String,
    /// Whether a version of it runs.
    pub active: bool,
    /// Whether its runs are logged in full.
    pub debug: bool,
    /// Its place among flows of the same event.
    pub order: i64,
    /// The latest version.
    pub draft_version: u64,
    /// The version that runs.
    pub active_version: Option<u64>,
    /// When it was last saved, in milliseconds since 1970.
    pub updated_at: Timestamp,
    /// Who saved it.
    pub author: String,
    /// When it was deleted, if it is.
    pub deleted_at: Option<Timestamp>,
    /// How many findings stand against the draft.
    pub problems: Problems,
}

/// Counts of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = FlowProblems))]
pub struct Problems {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

/// A flow with its file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    /// What is known about it.
    #[serde(flatten)]
    pub summary: Summary,
    /// The version that this file is of.
    pub version: u64,
    /// The file, where it is a flow.
    pub document: Option<Document>,
    /// The text, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// The notes beside the blocks. They are no part of the file.
    pub notes: Vec<Note>,
}

/// A note on the stage, for people: it stands beside the file and never in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = StageNote))]
pub struct Note {
    /// Its id, no other note of the flow has it.
    pub id: String,
    /// What it says.
    pub text: String,
    /// Its upper left corner, in the measure of the blocks.
    pub position: (f64, f64),
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = FlowVersion))]
pub struct Version {
    /// Its number, from 1.
    pub version: u64,
    /// Who saved it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub note: Option<String>,
    /// Whether it runs.
    #[serde(default)]
    pub active: bool,
}

/// What a save sets; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = FlowDraft))]
#[serde(rename_all = "camelCase", default)]
pub struct Draft {
    /// The name.
    pub name: Option<String>,
    /// The adapter.
    pub adapter: Option<String>,
    /// The source.
    pub source: Option<String>,
    /// The event.
    pub event: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The place among flows of the same event.
    pub order: Option<i64>,
    /// Whether runs are logged in full.
    pub debug: Option<bool>,
    /// The file.
    pub document: Option<Document>,
    /// A text that is no flow, to keep.
    pub raw: Option<String>,
    /// The notes on the stage.
    pub notes: Option<Vec<Note>>,
    /// Why.
    pub note: Option<String>,
    /// The version that the author saw.
    pub base_version: Option<u64>,
}

/// The row of a flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    summary: Summary,
    versions: Vec<Version>,
    /// The keys that the draft writes to the property store; none where they are not known.
    #[serde(default)]
    writes: Option<BTreeSet<String>>,
}

impl Host {
    /// All flows, deleted ones too, by name.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn flows(&self, now: Timestamp) -> Result<Vec<Summary>, Error> {
        let mut flows: Vec<Summary> =
            self.kept_flows(now).await?.into_iter().map(|record| record.summary).collect();
        flows.sort_by(|a, b| {
            (&a.source, &a.event, a.order, &a.name).cmp(&(&b.source, &b.event, b.order, &b.name))
        });
        Ok(flows)
    }

    async fn kept_flows(&self, now: Timestamp) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let rows = self.0.table.list(FLOWS, "", after.as_deref(), PAGE, now).await?;
            for row in &rows {
                records.push(decode(&row.data)?);
            }
            match rows.last() {
                Some(last) if rows.len() == PAGE => after = Some(last.key.sort.clone()),
                _ => return Ok(records),
            }
        }
    }

    /// A new flow.
    ///
    /// # Errors
    /// When it has no name, or the table does not answer.
    pub async fn create_flow(&self, draft: Draft, author: &str, now: Timestamp) -> Result<Flow, Error> {
        let name = draft.name.clone().map(|n| n.trim().to_owned()).filter(|n| !n.is_empty());
        let name = name.ok_or_else(|| Error::Asked("A flow needs a name.".to_owned()))?;
        let summary = Summary {
            id: self.0.ids.next("flow", now),
            name,
            adapter: String::new(),
            source: String::new(),
            event: String::new(),
            description: String::new(),
            active: false,
            debug: false,
            order: 0,
            draft_version: 0,
            active_version: None,
            updated_at: now,
            author: author.to_owned(),
            deleted_at: None,
            problems: Problems::default(),
        };
        let mut draft = draft;
        if draft.document.is_none() && draft.raw.is_none() {
            draft.document = Some(Document::empty());
        }
        self.save(Record { summary, versions: Vec::new(), writes: None }, 0, draft, author, now).await
    }

    /// A flow with its draft.
    ///
    /// # Errors
    /// When there is none, or the table does not answer.
    pub async fn flow(&self, id: &str, now: Timestamp) -> Result<Flow, Error> {
        let (record, _) = self.record(id, now).await?;
        let version = record.summary.draft_version;
        self.with_text(record.summary, version, now).await
    }

    /// Saves a flow. A changed file is a new version, and so are changed notes.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another version stands than the author saw.
    pub async fn update_flow(
        &self,
        id: &str,
        draft: Draft,
        author: &str,
        now: Timestamp,
    ) -> Result<Flow, Error> {
        let (record, row) = self.record(id, now).await?;
        if let Some(base) = draft.base_version
            && base != record.summary.draft_version
        {
            return Err(Error::Conflict {
                current: record.summary.draft_version,
                author: record.summary.author,
            });
        }
        self.save(record, row, draft, author, now).await
    }

    /// Puts a flow away, or takes it back. Its versions stay; it does not run.
    ///
    /// # Errors
    /// When there is none, or the table does not answer.
    pub async fn delete_flow(&self, id: &str, gone: bool, by: &str, now: Timestamp) -> Result<Flow, Error> {
        self.change(id, by, if gone { "deleted" } else { "restored" }, now, |record| {
            record.summary.deleted_at = gone.then_some(now);
            if gone {
                record.summary.active_version = None;
                record.summary.active = false;
            }
        })
        .await
    }

    /// A copy of a flow's draft, as a new flow that is not active.
    ///
    /// # Errors
    /// When there is none, or the table does not answer.
    pub async fn clone_flow(&self, id: &str, author: &str, now: Timestamp) -> Result<Flow, Error> {
        let flow = self.flow(id, now).await?;
        let draft = Draft {
            name: Some(format!("{} (copy)", flow.summary.name)),
            adapter: Some(flow.summary.adapter),
            source: Some(flow.summary.source),
            event: Some(flow.summary.event),
            description: Some(flow.summary.description),
            order: Some(flow.summary.order),
            debug: Some(flow.summary.debug),
            document: flow.document,
            raw: flow.raw,
            notes: Some(flow.notes),
            note: Some(format!("Copied from {}", flow.summary.name)),
            base_version: None,
        };
        self.create_flow(draft, author, now).await
    }

    /// The versions of a flow, newest first.
    ///
    /// # Errors
    /// When there is none, or the table does not answer.
    pub async fn versions(&self, id: &str, now: Timestamp) -> Result<Vec<Version>, Error> {
        let (record, _) = self.record(id, now).await?;
        let active = record.summary.active_version;
        let mut versions = record.versions;
        versions.iter_mut().for_each(|v| v.active = Some(v.version) == active);
        versions.reverse();
        Ok(versions)
    }

    /// A flow at one of its versions.
    ///
    /// # Errors
    /// When there is none, or the table does not answer.
    pub async fn flow_at(&self, id: &str, version: u64, now: Timestamp) -> Result<Flow, Error> {
        let (record, _) = self.record(id, now).await?;
        self.with_text(record.summary, version, now).await
    }

    /// Lets a version run.
    ///
    /// # Errors
    /// [`Error::Faulty`] with the findings that stand against it.
    pub async fn activate(
        &self,
        id: &str,
        version: Option<u64>,
        by: &str,
        now: Timestamp,
    ) -> Result<Flow, Error> {
        let (record, _) = self.record(id, now).await?;
        if record.summary.deleted_at.is_some() {
            return Err(Error::Asked("The flow is deleted; restore it first.".to_owned()));
        }
        let version = version.unwrap_or(record.summary.draft_version);
        let flow = self.with_text(record.summary, version, now).await?;
        let (source, event) = (&flow.summary.source, &flow.summary.event);
        if !is_event(source, event) {
            return Err(Error::Asked(format!(
                "A flow runs on an event of a source, such as onConnecting of voiceContact; {} {} is none. Save it with both first.",
                or_none(source),
                or_none(event)
            )));
        }
        let findings = match (&flow.document, &flow.raw) {
            (Some(document), _) => validate::check(document, &around(&flow.summary)),
            (None, raw) => validate::check_text(raw.as_deref().unwrap_or_default(), &Around::default()).1,
        };
        if findings.iter().any(validate::blocks_activation) {
            return Err(Error::Faulty(findings));
        }
        self.change(id, by, &format!("activated version {version} of"), now, |record| {
            record.summary.active_version = Some(version);
            record.summary.active = true;
        })
        .await
    }

    /// Lets no version run.
    ///
    /// # Errors
    /// When there is none, or the table does not answer.
    pub async fn deactivate(&self, id: &str, by: &str, now: Timestamp) -> Result<Flow, Error> {
        self.change(id, by, "deactivated", now, |record| {
            record.summary.active_version = None;
            record.summary.active = false;
        })
        .await
    }

    /// The active flows of an event, in their order, each at its active version.
    pub(super) async fn active(&self, source: &str, event: &str, now: Timestamp) -> Result<Vec<Flow>, Error> {
        let mut flows = Vec::new();
        for summary in self.flows(now).await? {
            if summary.source == source
                && summary.event == event
                && summary.deleted_at.is_none()
                && let Some(version) = summary.active_version
            {
                flows.push(self.with_text(summary, version, now).await?);
            }
        }
        Ok(flows)
    }

    /// What is known around a flow, the other flows included.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn surroundings(
        &self,
        source: Option<String>,
        event: Option<String>,
        without: Option<&str>,
        now: Timestamp,
    ) -> Result<Around, Error> {
        let others = self.kept_flows(now).await?.into_iter().filter(|record| {
            record.summary.deleted_at.is_none() && Some(record.summary.id.as_str()) != without
        });
        let mut around =
            Around { source, event, properties_written: Some(BTreeSet::new()), ..Around::default() };
        for Record { summary, writes, .. } in others {
            around.properties_written = around
                .properties_written
                .zip(writes)
                .map(|(all, these)| all.union(&these).cloned().collect());
            let same = (Some(&summary.source), Some(&summary.event))
                == (around.source.as_ref(), around.event.as_ref());
            if summary.active && same {
                around.also_active.push(summary.name);
            }
        }
        Ok(around)
    }
}

/// Whether there is such an event of such a source.
fn is_event(source: &str, event: &str) -> bool {
    catalogue::source(source)
        .is_some_and(|s| s.event(event).is_some() || (s.id == "ctiAction" && event.is_empty()))
}

fn around(summary: &Summary) -> Around {
    Around { source: Some(summary.source.clone()), event: Some(summary.event.clone()), ..Around::default() }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "(none)" } else { text }
}

#[cfg(test)]
mod tests;
