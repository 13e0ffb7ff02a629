//! The worker's doors: built from the configuration, run as a poller, or handed batches by SQS.
//!
//! One brain for all of them ([`crate::worker`]); here is only how it is made and what SQS's event
//! looks like. A batch may hold several groups: what is reported as failed comes again, and behind
//! it everything of its group, so that order holds.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use serde_json::{Map, Value, json};

use super::{FunctionError, Ready, Service};
use crate::clock;
use crate::clock::Deadline;
use crate::connect::{Connect, ConnectError};
use crate::dispatch;
use crate::event::Contact;
use crate::fault::{Class, Fault};
use crate::replay;
use crate::store::{Handle, Leased};
use crate::time::Timestamp;
use crate::worker;
use crate::worker::Worker;

/// What a worker function keeps back of its time, to record what came of the last calls.
const RESERVE: Duration = Duration::from_secs(5);
/// How long writing an attribute to a contact may take.
const ATTRIBUTE: Duration = Duration::from_secs(5);

impl Service {
    /// The worker of this deployment under a name that no other process uses; none where there is
    /// no queue or no state table, or the configuration is wrong.
    #[must_use]
    pub fn worker(&self, owner: String) -> Option<Worker> {
        let Ready { config, keys, .. } = self.0.config.as_ref().ok()?;
        let stores = self.stores()?;
        let delivery = &config.delivery;
        let defaults = dispatch::Settings::default();
        let dispatch = dispatch::Settings {
            width: delivery.width as usize,
            widths: delivery.widths.iter().map(|(object, width)| (object.clone(), *width as usize)).collect(),
            linger: delivery.linger,
            max_attempts: delivery.max_attempts,
            max_age: delivery.max_age,
            rate: delivery.rate_per_sec,
            concurrency: delivery.concurrency.map_or(defaults.concurrency, |calls| calls as usize),
            fleet: true,
            ..defaults
        };
        let connect = Connect::new(config.connect.clone());
        Some(Worker::new(worker::Inner {
            settings: worker::Settings {
                dispatch,
                modes: delivery.modes.clone(),
                comments_as_records: delivery.comments_as_records,
                seed: clock::now().as_millis().unsigned_abs(),
                ..worker::Settings::default()
            },
            owner,
            client: self.client()?.clone(),
            queue: stores.queue.clone()?,
            state: stores.state.clone()?,
            cache: stores.cache.clone(),
            attributes: Some(Arc::new(move |contact, name, value| {
                let connect = connect.clone();
                Box::pin(async move { set_attribute(&connect, &contact, name, value).await })
            })),
            clock: Arc::new(clock::now),
            keys: keys.clone(),
            fleet: Mutex::default(),
        }))
    }

    /// Answers one event of SQS within `remaining`: which messages shall come again.
    ///
    /// # Errors
    /// The event is none of SQS's, or this function has no queue or no state table.
    pub async fn deliver(&self, event: Value, remaining: Duration) -> Result<Value, FunctionError> {
        let wrong = |kind: &str, message: String| FunctionError {
            error_type: kind.to_owned(),
            error_message: message,
        };
        let event: SqsEvent = serde_json::from_value(event)
            .map_err(|_| wrong("InvalidEvent", "the worker is invoked by SQS alone".to_owned()))?;
        let worker = self.worker(format!("lambda-{}", super::unique())).ok_or_else(|| {
            wrong(
                "ConfigurationError",
                "the worker needs TIELINE_QUEUE_URL and TIELINE_STATE_TABLE".to_owned(),
            )
        })?;
        let dead = event.records.first().is_some_and(|message| self.is_dead_letter(message));
        let messages: Vec<(String, Leased)> = event.records.into_iter().map(leased).collect();
        let settled = if dead {
            self.bury(&messages).await
        } else {
            let batch = messages.iter().map(|(_, message)| message.clone()).collect();
            let stop = tokio::time::sleep(remaining.saturating_sub(RESERVE));
            worker.handle_batch(batch, stop).await.into_iter().collect()
        };
        Ok(again(&messages, &settled))
    }

    /// Whether this comes from the queue's own dead-letter queue.
    fn is_dead_letter(&self, message: &SqsMessage) -> bool {
        let name = |path: &str| path.rsplit(['/', ':']).next().map(str::to_owned);
        let dead = self.config().and_then(|config| config.stores.dlq_url.as_deref()).and_then(name);
        dead.is_some() && message.event_source_arn.as_deref().and_then(name) == dead
    }

    async fn bury(&self, messages: &[(String, Leased)]) -> HashSet<Handle> {
        let mut settled = HashSet::new();
        let Some(state) = self.stores().and_then(|stores| stores.state.as_deref()) else { return settled };
        for (_, message) in messages {
            if replay::take(state, message, clock::now()).await {
                settled.insert(message.handle.clone());
            }
        }
        settled
    }
}

/// A message as the worker knows it, beside the id by which SQS is told of it. SQS sends every part;
/// what is missing all the same makes a message that cannot be deleted or read, never one that is
/// taken for done.
fn leased(message: SqsMessage) -> (String, Leased) {
    let attribute = |name: &str| message.attributes.get(name).cloned().unwrap_or_default();
    let leased = Leased {
        group: attribute("MessageGroupId"),
        receive_count: attribute("ApproximateReceiveCount").parse().unwrap_or(1),
        sent_at: attribute("SentTimestamp").parse().map_or_else(|_| clock::now(), Timestamp::from_millis),
        body: message.body.unwrap_or_default(),
        handle: Handle(message.receipt_handle.unwrap_or_default()),
    };
    (message.message_id.unwrap_or_default(), leased)
}

/// SQS's partial reply: everything from the first unsettled message of each group on.
fn again(messages: &[(String, Leased)], settled: &HashSet<Handle>) -> Value {
    let mut held: HashSet<&str> = HashSet::new();
    let mut failures = Vec::new();
    for (id, message) in messages {
        if held.contains(message.group.as_str()) || !settled.contains(&message.handle) {
            held.insert(&message.group);
            failures.push(json!({"itemIdentifier": id}));
        }
    }
    json!({"batchItemFailures": failures})
}

async fn set_attribute(
    connect: &Connect,
    contact: &Contact,
    name: String,
    value: String,
) -> Result<(), Fault> {
    let attributes = Map::from_iter([(name, value.into())]);
    connect.update_attributes(contact, &attributes, Deadline::after(ATTRIBUTE)).await.map_err(|error| {
        let class = match &error {
            ConnectError::Throttled(_) | ConnectError::Unavailable(_) => Class::Retryable,
            ConnectError::Unsent(_) | ConnectError::Refused { .. } => Class::Rejected,
        };
        Fault::new(class, "CONTACT_ATTRIBUTE", error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, group: &str) -> (String, Leased) {
        let leased = Leased {
            group: group.to_owned(),
            body: String::new(),
            handle: Handle(format!("handle-{id}")),
            receive_count: 1,
            sent_at: Timestamp::EPOCH,
        };
        (id.to_owned(), leased)
    }

    #[test]
    fn behind_an_unsettled_message_its_group_comes_again() {
        let messages = [message("1", "a"), message("2", "b"), message("3", "a"), message("4", "b")];
        let settled = ["1", "3", "4"].map(|id| Handle(format!("handle-{id}"))).into();
        assert_eq!(
            again(&messages, &settled),
            json!({"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "4"}]})
        );
        assert_eq!(again(&messages, &HashSet::new())["batchItemFailures"].as_array().unwrap().len(), 4);
    }

    #[tokio::test]
    async fn an_event_of_somebody_else_is_refused_and_not_taken_for_done() {
        let service = Service::new(crate::config::Config::from_vars(std::iter::empty()));
        let error = service.deliver(json!({"Details": {}}), Duration::from_secs(10)).await.unwrap_err();
        assert_eq!(error.error_type, "InvalidEvent");
        let error = service.deliver(json!({"Records": []}), Duration::from_secs(10)).await.unwrap_err();
        assert_eq!(error.error_type, "ConfigurationError");
    }
}
