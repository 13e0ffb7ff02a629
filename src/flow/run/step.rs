//! How a run goes from action to action.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::blocks::{self, Effect, Inputs};
use super::plan::{Next, Node, Resolved, Scope};
use super::trace::{Phase, TraceEntry};
use super::value::{self, weight};
use super::{
    Event, Exception, Flow, Limits, MAX_HELD, MAX_INPUTS, MAX_RESULT, Outcome, Pending, Run, RunLimits,
    Status, Step, StoreCall, Waiting,
};
use crate::flow::catalogue::Executor;
use crate::time::Timestamp;

impl Run {
    /// Begins a run. `properties` is what the agent's property store holds, for `$.properties`.
    #[must_use]
    pub fn start(
        id: impl Into<String>,
        flow: &Flow,
        event: Event,
        properties: Map<String, Value>,
        limits: Limits,
        now: Timestamp,
    ) -> Self {
        let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        let mut run = Self {
            id: id.into(),
            status: Status::Running,
            error: None,
            event,
            actions: Map::new(),
            trace: Vec::new(),
            started_ms: now,
            ended_ms: None,
            deadline_ms: now.plus(limits.run),
            limits: RunLimits {
                browser_ms: millis(limits.browser),
                server_ms: millis(limits.server),
                steps: limits.steps,
            },
            properties,
            at: flow.start.and_then(|s| flow.nodes.get(s)).map(|n| n.id.clone()),
            waiting: None,
            steps: 0,
            visits: std::collections::BTreeMap::new(),
            held: 0,
            traced: 0,
        };
        if run.at.is_none() {
            run.end(Status::Failed, Some("The flow has no Start.".to_owned()), now);
        }
        run
    }

    /// Goes on until somebody else is needed, or the run is over. Asked again without an outcome,
    /// it gives the same step, unless its time is up.
    pub fn advance(&mut self, flow: &Flow, now: Timestamp) -> Step {
        if let Some(step) = self.still_waiting(flow, now) {
            return step;
        }
        loop {
            if self.status.is_over() {
                return Step::Over(self.status);
            }
            if now >= self.deadline_ms {
                self.time_out(flow, now);
                continue;
            }
            if self.steps >= self.limits.steps {
                let text = format!("The run took {} steps; it goes round without end.", self.steps);
                self.end(Status::Limit, Some(text), now);
                continue;
            }
            let Some(node) = self.at.as_deref().and_then(|id| flow.node(id)) else {
                self.end(Status::Failed, Some("The flow has changed under the run.".to_owned()), now);
                continue;
            };
            self.steps += 1;
            if let Some(step) = self.enter(flow, node, now) {
                return step;
            }
        }
    }

    /// Tells the outcome of the action that waits. `false`: it was not waited for, and changed
    /// nothing.
    pub fn complete(&mut self, flow: &Flow, action_id: &str, outcome: Outcome, now: Timestamp) -> bool {
        self.still_waiting(flow, now);
        let waited = matches!(&self.waiting, Some(Waiting::Action(p)) if p.action_id == action_id);
        if !waited {
            let mut entry = TraceEntry::new(Phase::Ignored);
            entry.action = Some(action_id.chars().take(100).collect());
            entry.note = Some(if self.status.is_over() {
                "An outcome came after the end of the run.".to_owned()
            } else {
                "An outcome came for an action that does not wait for one.".to_owned()
            });
            self.note(entry, now);
            return false;
        }
        self.settle_pending(flow, outcome, now);
        true
    }

    /// Tells the answer of the property store to the call that waits.
    pub fn stored(&mut self, flow: &Flow, answer: Result<Option<Value>, Exception>, now: Timestamp) {
        let Some(Waiting::Store { .. }) = &self.waiting else { return };
        let Some(Waiting::Store { call, inputs, unresolved }) = self.waiting.take() else { return };
        self.status = Status::Running;
        let Some(node) = self.at.as_deref().and_then(|id| flow.node(id)) else { return };
        let outcome = match answer {
            Ok(answer) => Outcome::Success { results: self.remember(&call, answer, &inputs) },
            Err(exception) => Outcome::Failure { exception },
        };
        self.settle(flow, node, outcome, Seen { inputs, unresolved, ..Seen::default() }, now);
    }

    /// Ends the run from outside: the contact is gone, the agent logs out.
    pub fn cancel(&mut self, why: &str, now: Timestamp) {
        if !self.status.is_over() {
            self.end(Status::Cancelled, Some(why.to_owned()), now);
        }
    }

    /// The step of what waits, unless its time is up or it is over.
    fn still_waiting(&mut self, flow: &Flow, now: Timestamp) -> Option<Step> {
        let waiting = self.waiting.as_ref()?;
        if now >= self.deadline_ms {
            self.time_out(flow, now);
            return None;
        }
        match waiting {
            Waiting::Action(pending) if now < pending.deadline_ms => Some(Step::Perform(pending.clone())),
            Waiting::Action(pending) => {
                let waited = now.since(pending.since_ms).as_millis();
                let outcome = Outcome::failure("Timeout", format!("No outcome came within {waited} ms."));
                self.settle_pending(flow, outcome, now);
                None
            }
            Waiting::Store { call, .. } => Some(Step::Store(call.clone())),
            Waiting::Delay { until, .. } if now < *until => Some(Step::Wait(*until)),
            Waiting::Delay { since, .. } => {
                let seen = Seen { since: Some(*since), ..Seen::default() };
                self.waiting = None;
                self.status = Status::Running;
                if let Some(node) = self.at.as_deref().and_then(|id| flow.node(id)) {
                    self.settle(flow, node, Outcome::Success { results: Value::Null }, seen, now);
                }
                None
            }
        }
    }

    /// Enters an action. A step, where the run cannot go on by itself.
    fn enter(&mut self, flow: &Flow, node: &Node, now: Timestamp) -> Option<Step> {
        let scope = Scope {
            actions: &self.actions,
            payload: &self.event.payload,
            contact: &self.event.contact,
            agent: &self.event.agent,
            properties: &self.properties,
        };
        let resolved = node.resolve(&scope);
        let too_large = resolved.too_large();
        let Resolved { inputs, unresolved, .. } = resolved;
        let given = Inputs(&inputs);
        let effect = match node.kind.as_str() {
            "SE_Start" => Effect::Done(Value::Null),
            "SE_End" => {
                self.record(&node.id, true, Value::Null, None);
                let mut entry = entry_of(node, Phase::Exit);
                entry.outcome = Some("success".to_owned());
                self.note(entry, now);
                self.end(Status::Completed, None, now);
                return None;
            }
            _ if too_large => Effect::Fail(Exception::new(
                "InputTooLarge",
                format!("The arguments take more than {MAX_INPUTS} bytes; read less, or parts of it."),
            )),
            kind => match (node.missing(&inputs), blocks::settled(kind, &given)) {
                (_, Some(Effect::Done(results))) => Effect::Done(results),
                (Some(_), _) if node.executor() == Some(Executor::Engine) && node.has_port("true") => {
                    Effect::Branch(false)
                }
                (Some(name), _) => Effect::Fail(Exception::new(
                    "MissingInput",
                    format!("{name} is required and has no value."),
                )),
                (None, Some(effect)) => effect,
                (None, None) if node.block.is_none() => Effect::Fail(Exception::new(
                    "UnknownBlock",
                    format!("The block {} is not known, so it cannot be run.", node.kind),
                )),
                (None, None) => blocks::look(kind, &given, &self.event.payload),
            },
        };
        let mut seen = Seen { inputs, unresolved, ..Seen::default() };
        let outcome = match effect {
            Effect::Done(results) => Outcome::Success { results },
            Effect::Branch(value) => Outcome::Branch { value },
            Effect::Fail(exception) => Outcome::Failure { exception },
            Effect::Log { level, message } => {
                seen.note = Some(format!("{level}: {message}"));
                Outcome::Success { results: Value::Null }
            }
            Effect::Store(call) => {
                self.status = Status::Running;
                let step = Step::Store(call.clone());
                self.waiting =
                    Some(Waiting::Store { call, inputs: seen.inputs, unresolved: seen.unresolved });
                return Some(step);
            }
            Effect::Delay(millis) => return self.delay(flow, node, millis, seen, now),
            Effect::Perform => return Some(self.ask(node, seen, now)),
        };
        self.settle(flow, node, outcome, seen, now);
        None
    }

    fn delay(
        &mut self,
        flow: &Flow,
        node: &Node,
        millis: f64,
        mut seen: Seen,
        now: Timestamp,
    ) -> Option<Step> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; saturates"
        )]
        let wait = Duration::from_millis(millis.clamp(0.0, 1e15) as u64);
        let until = now.plus(wait);
        let mut entry = entry_of(node, Phase::Perform);
        entry.unresolved = std::mem::take(&mut seen.unresolved);
        entry.inputs = self.kept_inputs(seen.inputs);
        self.note(entry, now);
        if until >= self.deadline_ms {
            self.time_out(flow, now);
            return None;
        }
        self.status = Status::Waiting;
        self.waiting = Some(Waiting::Delay { until, since: now });
        Some(Step::Wait(until))
    }

    /// Hands an action to somebody else.
    fn ask(&mut self, node: &Node, seen: Seen, now: Timestamp) -> Step {
        let executor = node.executor().unwrap_or(Executor::BrowserDom);
        let limit = if executor.is_browser() { self.limits.browser_ms } else { self.limits.server_ms };
        let visit = self.visits.entry(node.id.clone()).or_insert(0);
        *visit += 1;
        let pending = Box::new(Pending {
            action_id: node.id.clone(),
            kind: node.kind.clone(),
            title: node.title.clone(),
            executor,
            deadline_ms: now.plus(Duration::from_millis(limit)).min(self.deadline_ms),
            key: format!("{}:{}:{visit}", self.id, node.id),
            prepared: None,
            since_ms: now,
            inputs: seen.inputs,
        });
        let mut entry = entry_of(node, Phase::Perform);
        entry.inputs = self.kept_inputs(pending.inputs.clone());
        entry.unresolved = seen.unresolved;
        self.note(entry, now);
        self.status = Status::Waiting;
        self.waiting = Some(Waiting::Action(pending.clone()));
        Step::Perform(pending)
    }

    fn settle_pending(&mut self, flow: &Flow, outcome: Outcome, now: Timestamp) {
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
            all.extend(given.iter().map(|(k, v)| (k.clone(), Value::String(value::text(Some(v))))));
        }
    }

    /// Writes the record of an action, takes its output and moves on.
    fn settle(&mut self, flow: &Flow, node: &Node, outcome: Outcome, seen: Seen, now: Timestamp) {
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
    fn record(&mut self, id: &str, success: bool, results: Value, exception: Option<&Exception>) {
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
    fn remember(&mut self, call: &StoreCall, answer: Option<Value>, inputs: &Map<String, Value>) -> Value {
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

    fn time_out(&mut self, flow: &Flow, now: Timestamp) {
        let where_ = self.at.as_deref().and_then(|id| flow.node(id));
        let text = match where_ {
            Some(node) => format!("The run took longer than it may; it was at {} ({}).", node.title, node.id),
            None => "The run took longer than it may.".to_owned(),
        };
        self.end(Status::TimedOut, Some(text), now);
    }

    fn end(&mut self, status: Status, error: Option<String>, now: Timestamp) {
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

/// What an entry about an action's end tells beside its outcome.
#[derive(Default)]
struct Seen {
    inputs: Map<String, Value>,
    unresolved: Vec<String>,
    since: Option<Timestamp>,
    note: Option<String>,
}

fn entry_of(node: &Node, phase: Phase) -> TraceEntry {
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
