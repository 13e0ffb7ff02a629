//! What happened in a run, entry by entry, within bounds.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::value::weight;
use super::{Exception, Run};
use crate::time::Timestamp;

/// Most that the trace of a run may hold, in bytes of inputs and results; beyond it entries go on
/// without them.
pub const MAX_TRACE: usize = 2 << 20;
/// Most of one input or result that an entry keeps.
const MAX_PART: usize = 64 << 10;
/// Most letters of a name (an id, a title, an expression) and of a sentence in an entry, and most
/// expressions that are named.
const MAX_NAME: usize = 200;
const MAX_WORDS: usize = 4000;
const MAX_UNRESOLVED: usize = 20;
/// Entries about outcomes that changed nothing; a browser may resend without end.
const MAX_IGNORED: usize = 50;

/// What an entry tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = TracePhase))]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// An action was handed to somebody else, or began to wait.
    Perform,
    /// An action is done.
    Exit,
    /// An outcome came that was not waited for.
    Ignored,
    /// The run ended.
    End,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TraceEntry {
    /// Its number in the run.
    pub seq: usize,
    /// Milliseconds since the run began.
    pub t_ms: u64,
    /// The action's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The action's type.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "type")]
    pub kind: Option<String>,
    /// The action's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it tells.
    pub phase: Phase,
    /// The arguments, resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
    /// Expressions that found nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unresolved: Vec<String>,
    /// `success`, `failure`, `true`, `false`; at the end the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What the action returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<Value>,
    /// The output taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// Where it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
    /// How long the action took, for those that took any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// A line of a Log block, or what else a person should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl TraceEntry {
    pub(super) const fn new(phase: Phase) -> Self {
        Self {
            seq: 0,
            t_ms: 0,
            action: None,
            kind: None,
            title: None,
            phase,
            inputs: None,
            unresolved: Vec::new(),
            outcome: None,
            results: None,
            port: None,
            next: None,
            exception: None,
            duration_ms: None,
            note: None,
        }
    }
}

/// Cuts a text that is too long, and shows that it was.
fn clip(text: &mut String, most: usize) {
    if text.len() > most
        && let Some((at, _)) = text.char_indices().nth(most)
    {
        text.truncate(at);
        text.push('…');
    }
}

impl Run {
    /// Adds an entry.
    pub(super) fn note(&mut self, mut entry: TraceEntry, now: Timestamp) {
        if entry.phase == Phase::Ignored
            && self.trace.iter().filter(|e| e.phase == Phase::Ignored).count() >= MAX_IGNORED
        {
            return;
        }
        for name in
            [&mut entry.action, &mut entry.kind, &mut entry.title, &mut entry.next].into_iter().flatten()
        {
            clip(name, MAX_NAME);
        }
        entry.unresolved.truncate(MAX_UNRESOLVED);
        entry.unresolved.iter_mut().for_each(|path| clip(path, MAX_NAME));
        let exception = entry.exception.as_mut().map(|e| &mut e.message);
        let mut words: Vec<&mut String> = entry.note.iter_mut().chain(exception).collect();
        words.iter_mut().for_each(|text| clip(text, MAX_WORDS));
        let size = words.iter().map(|text| text.len()).sum::<usize>()
            + entry.unresolved.iter().map(String::len).sum::<usize>();
        if self.traced + size > MAX_TRACE && entry.phase != Phase::End {
            words.into_iter().for_each(|text| clip(text, MAX_NAME));
            entry.unresolved.clear();
        } else {
            self.traced += size;
        }
        entry.seq = self.trace.len();
        entry.t_ms = u64::try_from(now.since(self.started_ms).as_millis()).unwrap_or(u64::MAX);
        self.trace.push(entry);
    }

    /// A value as the trace keeps it.
    pub(super) fn kept(&mut self, value: &Value) -> Option<Value> {
        match value {
            Value::Null => return None,
            Value::Object(map) if map.is_empty() => return None,
            _ => {}
        }
        let size = weight(value, MAX_PART);
        if size > MAX_PART || self.traced + size > MAX_TRACE {
            return Some(json!({ "cut": true }));
        }
        self.traced += size;
        Some(value.clone())
    }

    pub(super) fn kept_inputs(&mut self, inputs: Map<String, Value>) -> Option<Value> {
        if inputs.is_empty() {
            return None;
        }
        let value = Value::Object(inputs);
        let size = weight(&value, MAX_PART);
        if size > MAX_PART || self.traced + size > MAX_TRACE {
            return Some(json!({ "cut": true }));
        }
        self.traced += size;
        Some(value)
    }
}
