//! How a run goes from action to action.

use std::time::Duration;

use serde_json::{Map, Value};

use super::blocks::{self, Effect, Inputs};
use super::plan::{Node, Resolved, Scope};
use super::settle::{Seen, entry_of};
use super::trace::{Phase, TraceEntry};
use super::{
    Event, Exception, Flow, Limits, MAX_INPUTS, Outcome, Pending, Run, RunLimits, Status, Step, Waiting,
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

    /// Tells the outcome of the action that waits, and by its key of which visit: a flow that goes
    /// round may wait for the same action again. `false`: it was not waited for, and changed nothing.
    pub fn complete(
        &mut self,
        flow: &Flow,
        action_id: &str,
        key: Option<&str>,
        outcome: Outcome,
        now: Timestamp,
    ) -> bool {
        self.still_waiting(flow, now);
        let waited =
            |pending: &Pending| pending.action_id == action_id && key.is_none_or(|key| pending.key == key);
        if !self.pending().is_some_and(waited) {
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
}
