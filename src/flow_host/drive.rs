//! Drives a run: asks what it needs, has it done, tells the outcome.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Host;
use super::properties::owner;
use super::runs::{Kept, Mode};
use super::search::Searched;
use crate::clock;
use crate::flow::catalogue::Executor;
use crate::flow::run::value::{from_number, number};
use crate::flow::run::{Exception, Outcome, Pending, Step, StoreCall, snapshot};
use crate::time::Timestamp;

impl Host {
    /// Until the run needs a browser or is over.
    pub(super) async fn drive(&self, kept: &mut Kept, now: Timestamp) {
        let flow = kept.flow();
        let patience = self.0.settings.patience;
        let started = clock::Stopwatch::start();
        // In a test run delays pass at once: `skipped` is how far its clock is ahead.
        let mut skipped = Duration::ZERO;
        loop {
            let at = now.plus(started.elapsed()).plus(skipped);
            match kept.run.advance(&flow, at) {
                Step::Over(_) => return,
                Step::Wait(until) => {
                    let wait = until.since(at);
                    if kept.hurried {
                        skipped += wait;
                    } else if kept.mode != Mode::Unattended && started.elapsed() + wait > patience {
                        return;
                    } else {
                        tokio::time::sleep(wait).await;
                    }
                }
                Step::Store(call) => {
                    let answer = match kept.mode {
                        Mode::Test => Ok(kept.scratch(&call)),
                        Mode::Live | Mode::Unattended => {
                            self.store(&owner(&kept.run.event), &call, &kept.run.event, at).await
                        }
                    };
                    kept.run.stored(&flow, answer, at);
                }
                Step::Perform(pending) => match self.perform(&pending, kept).await {
                    Performed::Outcome(outcome) => {
                        let at = now.plus(started.elapsed()).plus(skipped);
                        kept.run.complete(&flow, &pending.action_id, Some(&pending.key), outcome, at);
                    }
                    // Asked again, now with what was found: somebody opens it, or nobody can.
                    Performed::Prepared(more, results) => kept.run.prepare(more, results),
                    Performed::Elsewhere => return,
                },
            }
        }
    }

    async fn perform(&self, pending: &Pending, kept: &mut Kept) -> Performed {
        let searches = pending.kind == "SE_SFSearchAndScreenpop"
            && pending.prepared.is_none()
            && self.0.salesforce.is_some()
            && kept.mode != Mode::Test;
        if !searches && let Some(outcome) = kept.answer(pending) {
            return Performed::Outcome(outcome);
        }
        if pending.kind == "SE_JQueryMethod" {
            return Performed::Outcome(Outcome::failure(
                "NotAllowed",
                "This block reaches into the page and is not run; use a block that does what is needed.",
            ));
        }
        let event = &kept.run.event;
        if let Some(outcome) = snapshot::answer(&pending.kind, &pending.inputs, event) {
            return Performed::Outcome(outcome);
        }
        if kept.mode == Mode::Test || (pending.prepared.is_some() && kept.mode == Mode::Live) {
            return Performed::Elsewhere;
        }
        let left = pending.deadline_ms.since(pending.since_ms);
        let work = async {
            match pending.executor {
                Executor::ServerSalesforce => Performed::Outcome(self.salesforce(pending, event).await),
                Executor::EngineHttp => Performed::Outcome(self.http(&pending.inputs, left).await),
                _ if searches => match self.search(pending, event).await {
                    Searched::Outcome(outcome) => Performed::Outcome(outcome),
                    Searched::Pop { request, results } => Performed::Prepared(request, results),
                },
                _ => match self.connect(pending, event, left).await {
                    Some(outcome) => Performed::Outcome(outcome),
                    None if kept.mode == Mode::Unattended => absent(pending),
                    None => Performed::Elsewhere,
                },
            }
        };
        // A call that hangs is the run's own time-out: the engine says so at the deadline.
        match tokio::time::timeout(left, work).await {
            Ok(performed) => performed,
            Err(_) => Performed::Outcome(Outcome::failure("Timeout", "The call did not come back in time.")),
        }
    }
}

enum Performed {
    Outcome(Outcome),
    Prepared(Map<String, Value>, Value),
    Elsewhere,
}

fn absent(pending: &Pending) -> Performed {
    Performed::Outcome(Outcome::Failure {
        exception: Exception::new(
            "NotAvailable",
            format!("{} needs the agent's browser, and this run has none.", pending.title),
        ),
    })
}

impl Kept {
    /// The store of a test run: what the run itself has written and counted, nothing else.
    fn scratch(&mut self, call: &StoreCall) -> Option<Value> {
        match call {
            StoreCall::Get { key } => self.run.property(key).cloned(),
            StoreCall::All => Some(Value::Object(self.run.all_properties().clone())),
            StoreCall::Count { name, step } => {
                let sum = number(self.counted.get(name)).unwrap_or_default() + step;
                self.counted.insert(name.clone(), from_number(sum).unwrap_or_default());
                self.counted.get(name).cloned()
            }
            StoreCall::Counter { name } => self.counted.get(name).cloned(),
            StoreCall::Set { .. } | StoreCall::Unset { .. } | StoreCall::Clear => None,
        }
    }
}
