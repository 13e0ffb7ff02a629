//! Runs that are kept: started, completed, looked at, also by another process.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::long::Parts;
use super::properties::owner;
use super::{Error, Host, KEEP_RUNS, later};
use crate::flow::model::Document;
use crate::flow::run::{Event, Flow, Outcome, Pending, Run, Status, TraceEntry};
use crate::row::{Key, Row};
use crate::store::{Expect, PutError};
use crate::time::Timestamp;

const RUNS: &str = "flow-run";
/// Most runs that are looked at at once, and how many such pages for those of a contact.
const LIST: usize = 200;
const PAGES: usize = 25;
/// How many runs of each flow the overview of all flows tells, and through how many lists it looks.
const LATEST: usize = 20;
const LATEST_PAGES: usize = 5;
/// Bytes after which a list ends: a function's whole answer holds six megabytes, quoted once more.
const TOLD: usize = 3_000_000;
/// Runs that wait and are held in memory beside the table.
const LIVE: usize = 2000;

/// Whether a run may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = RunMode))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is meant.
    Live,
    /// Nothing leaves the process: everything but computing is handed out.
    Test,
    /// It is meant, and nobody has a browser: browser blocks leave by failure.
    Unattended,
}

/// A run as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) run: Run,
    pub(super) mode: Mode,
    flow_id: Option<String>,
    flow_version: Option<u64>,
    flow_name: Option<String>,
    text: String,
    /// Rises with each put.
    row: u64,
    /// Outcomes told in advance, by action id or type: each once, the last one for ever.
    #[serde(default)]
    answers: HashMap<String, Vec<Outcome>>,
    /// Whether delays pass at once.
    #[serde(default)]
    pub(super) hurried: bool,
    /// The counters of a test run.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) counted: Map<String, Value>,
    #[serde(skip)]
    compiled: Option<Arc<Flow>>,
    /// Where its last row is long.
    #[serde(skip)]
    parts: Option<Parts>,
}

/// What is to be run.
#[derive(Debug)]
pub struct Started {
    /// The flow that it is a run of, if it is kept.
    pub flow_id: Option<String>,
    /// Its version.
    pub flow_version: Option<u64>,
    /// Its name.
    pub flow_name: Option<String>,
    /// The file.
    pub document: Document,
    /// What started it.
    pub event: Event,
    /// Whether it may change anything.
    pub mode: Mode,
    /// Outcomes told in advance, by action id or type: each once, in order, the last one for ever.
    pub answers: HashMap<String, Vec<Outcome>>,
    /// Whether delays pass at once.
    pub hurried: bool,
}

/// A run as the interface shows it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = FlowRun))]
#[serde(rename_all = "camelCase")]
pub struct Shown<'k> {
    /// Its id.
    id: &'k str,
    /// The flow that it is a run of, if it is kept.
    flow_id: Option<&'k str>,
    /// Its version.
    flow_version: Option<u64>,
    /// Its name.
    flow_name: Option<&'k str>,
    /// Whether it may change anything.
    mode: Mode,
    /// How it stands.
    status: Status,
    /// Why it ended, where that needs a word.
    error: Option<&'k str>,
    /// What happened, in order.
    trace: &'k [TraceEntry],
    /// The record of each action that ran, `{success, results, exception}`.
    actions: &'k Map<String, Value>,
    /// The action that waits for its outcome.
    pending: Option<&'k Pending>,
    /// When it began.
    started_at: Timestamp,
    /// When it ended.
    ended_at: Option<Timestamp>,
    /// What started it.
    event: &'k Event,
}

/// A run in one line: of which flow, since when, and how it stands.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = FlowRunLine))]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its id.
    pub id: String,
    /// The flow that it is a run of.
    pub flow_id: String,
    /// How it stands.
    pub status: Status,
    /// When it began.
    pub started_at: Timestamp,
}

impl Kept {
    /// What timed out meanwhile has timed out.
    fn expire(&mut self, now: Timestamp) {
        if !self.run.status.is_over() && now >= self.run.deadline_ms {
            let flow = self.flow();
            self.run.advance(&flow, now);
        }
    }

    pub(super) fn flow(&mut self) -> Arc<Flow> {
        self.compiled
            .get_or_insert_with(|| {
                Arc::new(Flow::new(&Document::parse(&self.text).unwrap_or_else(|_| Document::empty())))
            })
            .clone()
    }

    /// What was told in advance about this action.
    pub(super) fn answer(&mut self, pending: &Pending) -> Option<Outcome> {
        let told = match self.answers.contains_key(&pending.action_id) {
            true => self.answers.get_mut(&pending.action_id),
            false => self.answers.get_mut(&pending.kind),
        }?;
        if told.len() > 1 { Some(told.remove(0)) } else { told.first().cloned() }
    }

    /// Leaves the values out: what happened is told without them.
    fn cut(&mut self) {
        self.run.actions.values_mut().for_each(|record| record["results"] = json!({ "cut": true }));
        for entry in &mut self.run.trace {
            entry.inputs = None;
            entry.results = None;
        }
    }

    /// The run as the interface shows it.
    fn shown(&self) -> Value {
        let run = &self.run;
        let shown = Shown {
            id: &run.id,
            flow_id: self.flow_id.as_deref(),
            flow_version: self.flow_version,
            flow_name: self.flow_name.as_deref(),
            mode: self.mode,
            status: run.status,
            error: run.error.as_deref(),
            trace: &run.trace,
            actions: &run.actions,
            pending: run.pending(),
            started_at: run.started_ms,
            ended_at: run.ended_ms,
            event: &run.event,
        };
        serde_json::to_value(shown).unwrap_or_default()
    }
}

impl Host {
    /// Starts a run and drives it until it needs a browser, must wait, or is over.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn start(&self, started: Started, now: Timestamp) -> Result<Value, Error> {
        self.start_as(self.0.ids.next("run", now), started, now).await
    }

    /// The same under an id that the caller made.
    pub(super) async fn start_as(
        &self,
        id: String,
        started: Started,
        now: Timestamp,
    ) -> Result<Value, Error> {
        let properties = match started.mode {
            Mode::Test => Map::new(),
            Mode::Live | Mode::Unattended => self.properties(&owner(&started.event), now).await?,
        };
        let flow = Arc::new(Flow::new(&started.document));
        let run = Run::start(id, &flow, started.event, properties, self.0.settings.limits, now);
        let mut kept = Kept {
            run,
            mode: started.mode,
            flow_id: started.flow_id,
            flow_version: started.flow_version,
            flow_name: started.flow_name,
            text: started.document.to_exact(),
            row: 0,
            answers: started.answers,
            hurried: started.hurried || started.mode == Mode::Test,
            counted: Map::new(),
            compiled: Some(flow),
            parts: None,
        };
        self.drive(&mut kept, now).await;
        self.keep(&mut kept, now).await?;
        let shown = kept.shown();
        if !kept.run.status.is_over() {
            self.hold(kept, now);
        }
        Ok(shown)
    }

    /// Tells the outcome of the action that a run waits for, by its key of which visit, and drives on.
    ///
    /// # Errors
    /// When there is no such run, or the table does not answer.
    pub async fn complete(
        &self,
        id: &str,
        action: &str,
        key: Option<&str>,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Value, Error> {
        self.with(id, now, async |host: &Self, kept: &mut Kept| {
            let flow = kept.flow();
            kept.run.complete(&flow, action, key, outcome, now);
            host.drive(kept, now).await;
        })
        .await
    }

    /// Ends a run from outside.
    ///
    /// # Errors
    /// When there is no such run, or the table does not answer.
    pub async fn cancel(&self, id: &str, why: &str, now: Timestamp) -> Result<Value, Error> {
        self.with(id, now, async |_: &Self, kept: &mut Kept| kept.run.cancel(why, now)).await
    }

    /// A run as it stands now: what timed out meanwhile has timed out.
    ///
    /// # Errors
    /// When there is no such run, or the table does not answer.
    pub async fn run(&self, id: &str, now: Timestamp) -> Result<Value, Error> {
        self.with(id, now, async |host: &Self, kept: &mut Kept| {
            if !kept.run.status.is_over() {
                host.drive(kept, now).await;
            }
        })
        .await
    }

    /// Runs, newest first, at most `limit` and no more than an answer holds: of a flow, of a contact, or
    /// all. What happened is told, not the values: [`Host::run`] gives them.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn runs(
        &self,
        flow: Option<&str>,
        contact: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Value>, Error> {
        let (mut runs, mut told) = (Vec::new(), 0);
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let rows = self.0.table.list_index("flow-runs", after.as_deref(), true, LIST, now).await?;
            for row in &rows {
                let mut kept = self.kept(row, now).await?;
                let of_flow = flow.is_none_or(|f| kept.flow_id.as_deref() == Some(f));
                let of_contact = contact.is_none_or(|c| kept.run.event.contact_id() == Some(c));
                if !of_flow || !of_contact {
                    continue;
                }
                kept.expire(now);
                kept.cut();
                let shown = kept.shown();
                told += shown.to_string().len();
                if told > TOLD && !runs.is_empty() {
                    return Ok(runs);
                }
                runs.push(shown);
                if runs.len() >= limit {
                    return Ok(runs);
                }
            }
            match rows.last() {
                Some(last) if rows.len() == LIST => after = Some(last.key.sort.clone()),
                _ => break,
            }
        }
        Ok(runs)
    }

    /// The latest runs of each kept flow, newest first, as far as they are among the latest of all.
    /// Test runs are left out: they say nothing of what agents met.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn latest_runs(&self, now: Timestamp) -> Result<Vec<Line>, Error> {
        let mut lines = Vec::new();
        let mut told: HashMap<String, usize> = HashMap::new();
        let mut after: Option<String> = None;
        for _ in 0..LATEST_PAGES {
            let rows = self.0.table.list_index("flow-runs", after.as_deref(), true, LIST, now).await?;
            for row in &rows {
                let mut kept = self.kept(row, now).await?;
                let Some(flow_id) = kept.flow_id.clone().filter(|_| kept.mode != Mode::Test) else {
                    continue;
                };
                let count = told.entry(flow_id.clone()).or_default();
                if *count < LATEST {
                    *count += 1;
                    kept.expire(now);
                    let Run { id, status, started_ms: started_at, .. } = kept.run;
                    lines.push(Line { id, flow_id, status, started_at });
                }
            }
            match rows.last() {
                Some(last) if rows.len() == LIST => after = Some(last.key.sort.clone()),
                _ => break,
            }
        }
        Ok(lines)
    }

    /// Takes the runs of a contact away, with what their events and traces held; how many.
    ///
    /// # Errors
    /// When the table does not answer; what was done before stands.
    pub async fn forget(&self, contact: &str, dry: bool, now: Timestamp) -> Result<usize, Error> {
        let (mut forgotten, mut after) = (0, None::<String>);
        loop {
            let rows = self.0.table.list_index("flow-runs", after.as_deref(), true, LIST, now).await?;
            for row in &rows {
                let kept: Kept = self.long(row, now).await?;
                if kept.run.event.contact_id() != Some(contact) {
                    continue;
                }
                forgotten += 1;
                if !dry {
                    if let Some(parts) = Parts::named(row) {
                        self.drop_parts(&row.key, &parts, now).await;
                    }
                    self.0.table.remove(&row.key, now).await?;
                }
            }
            match rows.last() {
                Some(last) if rows.len() == LIST => after = Some(last.key.sort.clone()),
                _ => return Ok(forgotten),
            }
        }
    }

    async fn with(
        &self,
        id: &str,
        now: Timestamp,
        act: impl AsyncFnOnce(&Self, &mut Kept),
    ) -> Result<Value, Error> {
        let row = self.0.table.get(&key(id), now).await?;
        let row = row.ok_or_else(|| Error::NotFound(format!("There is no run {id}.")))?;
        let held = match self.held(id) {
            Some(held) => held,
            None => self.hold(self.kept(&row, now).await?, now),
        };
        let mut kept = held.lock().await;
        // Another process may have driven it on.
        if kept.row < row.version {
            *kept = self.kept(&row, now).await?;
        }
        let before = (kept.run.trace.len(), kept.run.status);
        act(self, &mut kept).await;
        if before != (kept.run.trace.len(), kept.run.status) {
            self.keep(&mut kept, now).await?;
        }
        if kept.run.status.is_over() {
            self.live().remove(id);
        }
        Ok(kept.shown())
    }

    async fn kept(&self, row: &Row, now: Timestamp) -> Result<Kept, Error> {
        Ok(Kept { parts: Parts::named(row), ..self.long(row, now).await? })
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<Kept>>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self, id: &str) -> Option<Arc<tokio::sync::Mutex<Kept>>> {
        self.live().get(id).cloned()
    }

    fn hold(&self, kept: Kept, now: Timestamp) -> Arc<tokio::sync::Mutex<Kept>> {
        let mut live = self.live();
        if live.len() >= LIVE {
            live.retain(|_, kept| kept.try_lock().map_or(true, |kept| now < kept.run.deadline_ms));
        }
        live.entry(kept.run.id.clone()).or_insert_with(|| Arc::new(tokio::sync::Mutex::new(kept))).clone()
    }

    /// Puts a run away. Where another process has put it meanwhile, that one stands.
    async fn keep(&self, kept: &mut Kept, now: Timestamp) -> Result<(), Error> {
        let expect = if kept.row == 0 { Expect::Absent } else { Expect::Version(kept.row) };
        kept.row += 1;
        let row = Row {
            key: key(&kept.run.id),
            version: kept.row,
            data: Vec::new(),
            index: Some(("flow-runs".to_owned(), kept.run.id.clone())),
            expires: later(now, KEEP_RUNS),
        };
        match self.put_long(row, &*kept, expect, now).await {
            Ok(parts) => {
                let before = std::mem::replace(&mut kept.parts, parts);
                if let Some(parts) = before.filter(|before| Some(before) != kept.parts.as_ref()) {
                    self.drop_parts(&key(&kept.run.id), &parts, now).await;
                }
                Ok(())
            }
            Err(PutError::Conflict(Some(stands))) => {
                *kept = self.kept(&stands, now).await?;
                Ok(())
            }
            Err(PutError::Conflict(None)) => {
                Err(Error::NotFound(format!("The run {} is gone.", kept.run.id)))
            }
            Err(PutError::Store(error)) => Err(error.into()),
        }
    }
}

fn key(id: &str) -> Key {
    Key { partition: RUNS.to_owned(), sort: id.to_owned() }
}

#[cfg(test)]
mod tests;
