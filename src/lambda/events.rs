//! CTI Flows on Amazon Connect's contact events, and the invoke path as flows call it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use futures::future::join_all;
use serde_json::{Value, json};

use super::{FunctionError, Service};
use crate::clock;
use crate::clock::Deadline;
use crate::connect::Connect;
use crate::flow::run::Exception;
use crate::flow_host::contact_event::Heard;
use crate::flow_host::{Ask, Host, Invoke, Mode, contact_event};

/// How long a Salesforce block may take; the run's own limit ends it sooner.
const PATIENCE: Duration = Duration::from_secs(20);

/// The way to Salesforce for [`Host`]: what a block asks is answered as a contact flow's call would be.
#[must_use]
pub fn salesforce(service: Service) -> Invoke {
    Arc::new(move |asked| {
        let service = service.clone();
        Box::pin(async move {
            match asked {
                Ask::Event(event) => service.invoke(event, PATIENCE).await.map_err(told),
                Ask::Apex { class, method, parameters } => {
                    let client = service.client().ok_or_else(|| {
                        Exception::new("ConfigurationError", "The configuration is wrong; see the log.")
                    })?;
                    let called = client.apex(&class, &method, &parameters, Deadline::after(PATIENCE)).await;
                    called.result.map_err(|fault| Exception::new(fault.code, fault.message))
                }
            }
        })
    })
}

/// An error of the invoke path, under Salesforce's own code where the text begins with one.
fn told(error: FunctionError) -> Exception {
    let code = error.error_message.split(':').next().unwrap_or_default();
    let coded = !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let name = if coded { code.to_owned() } else { error.error_type };
    Exception::new(name, error.error_message)
}

impl Service {
    /// What keeps and runs the CTI Flows of this deployment; none where there is no state table, or
    /// the configuration is wrong.
    #[must_use]
    pub fn flows(&self) -> Option<Host> {
        let config = self.config()?;
        let state = self.stores()?.state.clone()?;
        let connect = Connect::new(config.connect.clone());
        Some(Host::new(config.flows.clone(), state, Some(salesforce(self.clone())), Some(connect)))
    }

    /// Answers one event of SQS that brings contact events: which messages shall come again.
    ///
    /// # Errors
    /// The event is none of SQS's, or this function has no state table.
    pub async fn hear(
        &self,
        flows: Option<&Host>,
        event: Value,
        remaining: Duration,
    ) -> Result<Value, FunctionError> {
        let wrong =
            |kind: &str, error_message: String| FunctionError { error_type: kind.to_owned(), error_message };
        let batch: SqsEvent = serde_json::from_value(event)
            // No word of what it holds: the text is logged, and may quote a value.
            .map_err(|_| wrong("InvalidEvent", "contact events are brought by SQS alone".to_owned()))?;
        if let Err(errors) = &self.0.config {
            let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
            return Err(wrong("ConfigurationError", all.join("; ")));
        }
        let flows = flows.ok_or_else(|| {
            let why = "CTI Flows are kept in the state table: set TIELINE_STATE_TABLE";
            wrong("ConfigurationError", why.to_owned())
        })?;
        let again = handle(flows, batch, Deadline::after(remaining)).await;
        let again: Vec<Value> = again.into_iter().map(|id| json!({"itemIdentifier": id})).collect();
        Ok(json!({"batchItemFailures": again}))
    }
}

/// One message: its id, and what it tells.
type Message = (String, Heard);

/// Starts the flows of each contact event of a batch, and gives the messages that shall come
/// again. One bad message never fails its neighbours. Contacts go side by side; the events of one
/// contact in the order in which they happened, its refreshes as one.
async fn handle(host: &Host, batch: SqsEvent, deadline: Deadline) -> Vec<String> {
    let mut contacts: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    for message in batch.records {
        match contact_event::read(message.body.as_deref().unwrap_or_default()) {
            Ok(heard) => {
                let contact = heard.event.contact_id().unwrap_or_default().to_owned();
                contacts.entry(contact).or_default().push((message.message_id.unwrap_or_default(), heard));
            }
            Err(passed) => tracing::info!("a contact event starts nothing: {passed}"),
        }
    }
    let contacts = contacts.into_values().map(|messages| one_contact(host, messages, deadline));
    join_all(contacts).await.concat()
}

async fn one_contact(host: &Host, mut messages: Vec<Message>, deadline: Deadline) -> Vec<String> {
    messages.sort_by(|(_, a), (_, b)| (&a.at, a.rank).cmp(&(&b.at, b.rank)));
    let last = messages.iter().rposition(|(_, heard)| heard.event.name == "onRefresh");
    let mut again = Vec::new();
    for (at, (id, heard)) in messages.into_iter().enumerate() {
        if heard.event.name == "onRefresh" && last != Some(at) {
            continue;
        }
        // What cannot be ended any more is not begun; the first is, or nothing ever would.
        let late = at > 0 && deadline.remaining() < host.longest();
        let ran = match late {
            false => host.event(heard.event, Mode::Unattended, clock::now()).await,
            true => {
                again.push(id);
                continue;
            }
        };
        match ran {
            Ok(ran) if ran.underway => again.push(id),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!("the flows of a contact event could not be started: {error}");
                again.push(id);
            }
        }
    }
    again
}

#[cfg(test)]
mod tests;
