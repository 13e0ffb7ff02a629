//! What an outcome means for a run: its record, its output, where it goes on, how it ends.

use serde_json::{Map, Value, json};

use super::plan::{Next, Node};
use super::trace::{Phase, TraceEntry};
use super::value::{self, weight};
use super::{Exception, Flow, MAX_HELD, MAX_RESULT, Outcome, Run, Status, StoreCall, Waiting};
use crate::time::Timestamp;

/// What an entry about an action's end tells beside its outcome.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) inputs: Map<String, Value>,
    pub(super) unresolved: Vec<String>,
    pub(super) since: Option<Timestamp>,
    pub(super) note: Option<String>,
}

impl Run {
    /// Takes in the outcome of the action that waits.
    pub(super) fn settle_pending(&mut self, flow: &Flow, outcome: Outcome, now: Timestamp) {
        let Some(Waiting::Action(pending)) = self.waiting.take() else { return };
        self.status = Status::Running;
        let Some(node) = flow.node(&pending.action_id) else {
            self.end(Status::Failed, Some("The flow has changed under the run.".to_owned()), now);
            return;
        };
        if let (Outcome::Success { .. }, "SE_ContactUpdateAttributes") = (&outcome, pending.kind.as_str()) {
            self.change_attributes(&pending.inputs);
        }
        let outcome = match (outcome, pending.prepared) {
            (Outcome::Success { results }, Some(prepared)) => {
                Outcome::Success { results: merged(prepared, results) }
            }
            (outcome, _) => outcome,
        };
        self.settle(flow, node, outcome, Seen { since: Some(pending.since_ms), ..Seen::default() }, now);
    }

    /// What the run has written into the contact is there for its later reads.
    fn change_attributes(&mut self, inputs: &Map<String, Value>) {
        let Some(Value::Object(given)) = inputs.get("attributes") else { return };
        let Value::Object(contact) = &mut self.event.contact else { return };
        let all = contact.entry("attributes").or_insert_with(|| json!({}));
        if let Value::Object(all) = all {
            for (name, value) in given {
                let value = value::text(Some(value));
                self.held += name.len() + value.len();
                all.insert(name.clone(), Value::String(value));
            }
        }
    }

    /// Writes the record of an action, takes its output and moves on.
    pub(super) fn settle(&mut self, flow: &Flow, node: &Node, outcome: Outcome, seen: Seen, now: Timestamp) {
        let outcome = fitting(node, outcome);
        let mut entry = entry_of(node, Phase::Exit);
        entry.unresolved = seen.unresolved;
        entry.inputs = self.kept_inputs(seen.inputs);
        entry.duration_ms =
            seen.since.map(|since| u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX));
        entry.note = seen.note;
        let port = match outcome {
            Outcome::Success { results } => {
                entry.outcome = Some("success".to_owned());
                entry.results = self.kept(&results);
                self.record(&node.id, true, results, None);
                if node.has_port("done") { "done" } else { "success" }
            }
            Outcome::Branch { value } => {
                let port = if value { "true" } else { "false" };
                entry.outcome = Some(port.to_owned());
                self.record(&node.id, true, Value::Bool(value), None);
                port
            }
            Outcome::Failure { exception } => {
                entry.outcome = Some("failure".to_owned());
                entry.exception = Some(exception.clone());
                self.record(&node.id, false, Value::Null, Some(&exception));
                if node.has_port("failure") {
                    "failure"
                } else if exception.name == "MissingInput" && node.has_port("done") {
                    "done"
                } else {
                    self.note(entry, now);
                    let text = format!("{} ({}) failed: {}", node.title, node.id, exception.message);
                    self.end(Status::Failed, Some(text), now);
                    return;
                }
            }
        };
        entry.port = Some(port.to_owned());
        match node.next(flow, port) {
            Next::To(id) => {
                entry.next = Some(id.to_owned());
                self.note(entry, now);
                match &mut self.at {
                    Some(at) => id.clone_into(at),
                    at @ None => *at = Some(id.to_owned()),
                }
            }
            Next::Nowhere => {
                self.note(entry, now);
                let text = format!("{port} of {} ({}) is not connected.", node.title, node.id);
                self.end(Status::Stopped, Some(text), now);
            }
            Next::Missing(id) => {
                self.note(entry, now);
                let text =
                    format!("{port} of {} ({}) leads to {id}, which does not exist.", node.title, node.id);
                self.end(Status::Failed, Some(text), now);
            }
        }
        if self.held > MAX_HELD {
            let text = format!("The results of the run take more than {MAX_HELD} bytes.");
            self.end(Status::Limit, Some(text), now);
        }
    }

    /// `{success, results, exception}` under the action's id, as the adapter's own log has it.
    pub(super) fn record(&mut self, id: &str, success: bool, results: Value, exception: Option<&Exception>) {
        let exception = exception.map_or(Value::Null, |e| json!({ "name": e.name, "message": e.message }));
        let added = weight(&results, MAX_RESULT);
        let mut record = Map::with_capacity(3);
        record.insert("success".to_owned(), Value::Bool(success));
        record.insert("results".to_owned(), results);
        record.insert("exception".to_owned(), exception);
        let before = self.actions.insert(id.to_owned(), Value::Object(record));
        let freed = before.and_then(|b| Some(weight(b.get("results")?, MAX_RESULT))).unwrap_or(0);
        self.held = (self.held + added).saturating_sub(freed);
    }

    /// What a store call means for the run: its results, and its own view of the properties.
    pub(super) fn remember(
        &mut self,
        call: &StoreCall,
        answer: Option<Value>,
        inputs: &Map<String, Value>,
    ) -> Value {
        match call {
            StoreCall::Get { .. } => {
                let found = answer.or_else(|| inputs.get("defaultValue").cloned());
                found.map_or_else(|| json!({}), |value| json!({ "value": value }))
            }
            StoreCall::Set { key, value } => {
                self.held += key.len() + weight(value, MAX_RESULT);
                self.properties.insert(key.clone(), value.clone());
                Value::Null
            }
            StoreCall::Unset { key } => {
                self.properties.shift_remove(key);
                Value::Null
            }
            StoreCall::All => json!({ "value": answer.unwrap_or_else(|| json!({})) }),
            StoreCall::Clear => {
                self.properties.clear();
                Value::Null
            }
            StoreCall::Count { .. } | StoreCall::Counter { .. } => {
                json!({ "value": answer.unwrap_or_else(|| json!(0)) })
            }
        }
    }

    pub(super) fn time_out(&mut self, flow: &Flow, now: Timestamp) {
        let where_ = self.at.as_deref().and_then(|id| flow.node(id));
        let text = match where_ {
            Some(node) => format!("The run took longer than it may; it was at {} ({}).", node.title, node.id),
            None => "The run took longer than it may.".to_owned(),
        };
        self.end(Status::TimedOut, Some(text), now);
    }

    pub(super) fn end(&mut self, status: Status, error: Option<String>, now: Timestamp) {
        if self.status.is_over() {
            return;
        }
        let mut entry = TraceEntry::new(Phase::End);
        entry.outcome = serde_json::to_value(status).ok().and_then(|v| v.as_str().map(str::to_owned));
        entry.action.clone_from(&self.at);
        entry.note.clone_from(&error);
        self.note(entry, now);
        self.status = status;
        self.error = error;
        self.waiting = None;
        self.ended_ms = Some(now);
    }
}

pub(super) fn entry_of(node: &Node, phase: Phase) -> TraceEntry {
    let mut entry = TraceEntry::new(phase);
    entry.action = Some(node.id.clone());
    entry.kind = Some(node.kind.clone());
    entry.title = Some(node.title.clone());
    entry
}

/// The outcome in the form that the block's outputs can take. A decision is told by `branch`, or
/// by `success` with a boolean; results of more than [`MAX_RESULT`] are a failure.
fn fitting(node: &Node, outcome: Outcome) -> Outcome {
    let decides = node.has_port("true") || node.has_port("false");
    match outcome {
        Outcome::Success { results } if decides => {
            let told = results.as_bool().or_else(|| results.get("value").map(|v| value::truthy(Some(v))));
            match told {
                Some(value) => Outcome::Branch { value },
                None => Outcome::failure(
                    "NoDecision",
                    "The block decides, and the outcome does not say which way.",
                ),
            }
        }
        Outcome::Branch { value } if !decides => Outcome::Success { results: json!({ "value": value }) },
        Outcome::Success { results } if weight(&results, MAX_RESULT) > MAX_RESULT => Outcome::failure(
            "ResultTooLarge",
            format!("The result is larger than {MAX_RESULT} bytes; ask for fewer fields or rows."),
        ),
        outcome => outcome,
    }
}

/// What the server found, with what the browser adds.
fn merged(prepared: Value, told: Value) -> Value {
    match (prepared, told) {
        (Value::Object(mut prepared), Value::Object(told)) => {
            prepared.extend(told);
            Value::Object(prepared)
        }
        (prepared, Value::Null) => prepared,
        (_, told) => told,
    }
}
