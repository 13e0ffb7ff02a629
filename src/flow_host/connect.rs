//! Amazon Connect blocks: service calls that no browser can make.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Host;
use crate::clock::Deadline;
use crate::connect::{ConnectError, Task};
use crate::event::Contact;
use crate::flow::run::value::text;
use crate::flow::run::{Event, Outcome, Pending};

impl Host {
    /// Carries out a block of Amazon Connect. `None`: not from here, because the event does not
    /// say which instance, or the block is another's.
    pub(super) async fn connect(
        &self,
        pending: &Pending,
        event: &Event,
        timeout: Duration,
    ) -> Option<Outcome> {
        let connect = self.0.connect.as_ref()?;
        let arn = instance_arn(event)?;
        let deadline = Deadline::after(timeout);
        let contact = || {
            let field = |name: &str| event.contact.get(name).and_then(Value::as_str).map(str::to_owned);
            Some(Contact {
                contact_id: event.contact_id()?.to_owned(),
                initial_contact_id: field("originalContactId").or_else(|| field("initialContactId")),
                instance_arn: Some(arn.clone()),
            })
        };
        let done = match pending.kind.as_str() {
            "SE_ContactUpdateAttributes" => {
                let given = pending.inputs.get("attributes").and_then(Value::as_object);
                let attributes: Map<String, Value> =
                    given.into_iter().flatten().map(|(k, v)| (k.clone(), json!(text(Some(v))))).collect();
                connect.update_attributes(&contact()?, &attributes, deadline).await.map(|()| Value::Null)
            }
            "SE_ContactStartRecording" => {
                connect.start_recording(&contact()?, deadline).await.map(|()| Value::Null)
            }
            "SE_ContactStopRecording" => {
                connect.stop_recording(&contact()?, deadline).await.map(|()| Value::Null)
            }
            "SE_AgentCreateTaskContact" => {
                let task = task(pending)?;
                connect.start_task(&arn, &task, deadline).await.map(|id| json!({ "contactId": id }))
            }
            _ => return None,
        };
        Some(match done {
            Ok(results) => Outcome::Success { results },
            Err(error) => refused(&error),
        })
    }
}

fn refused(error: &ConnectError) -> Outcome {
    match error {
        ConnectError::Refused { code, message } => Outcome::failure(code.clone(), message.clone()),
        ConnectError::Throttled(_) => Outcome::failure("Throttled", error.to_string()),
        _ => Outcome::failure("ConnectUnavailable", error.to_string()),
    }
}

/// A task for a quick connect. Its name is known to the agent's browser alone; here it must be the
/// quick connect's id.
fn task(pending: &Pending) -> Option<Task> {
    let given = |name: &str| Some(text(pending.inputs.get(name))).filter(|t| !t.is_empty());
    let endpoint = given("quickConnectName")?;
    let is_id = endpoint.len() == 36 && endpoint.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let references = pending.inputs.get("references").and_then(Value::as_object);
    is_id.then(|| Task {
        name: given("name").unwrap_or_default(),
        description: given("description"),
        quick_connect_id: Some(endpoint),
        previous_contact_id: given("previousContactId"),
        links: references.into_iter().flatten().map(|(name, url)| (name.clone(), text(Some(url)))).collect(),
        scheduled: given("scheduledTime")
            .and_then(|t| t.parse::<jiff::Timestamp>().ok())
            .map(|t| crate::time::Timestamp::from_millis(t.as_millisecond())),
        client_token: Some(pending.key.clone()),
        ..Task::default()
    })
}

/// The instance of the event: named, or the head of another of its ARNs.
fn instance_arn(event: &Event) -> Option<String> {
    let contact = |name: &str| event.contact.get(name).and_then(Value::as_str);
    let queue = |name: &str| event.contact.get("queue").and_then(|q| q.get(name)).and_then(Value::as_str);
    let agent = event.agent.get("agentARN").and_then(Value::as_str);
    [contact("instanceArn"), contact("instanceARN"), queue("queueARN"), queue("queueArn"), agent]
        .into_iter()
        .flatten()
        .find_map(|arn| {
            let (head, rest) = arn.split_once(":instance/")?;
            let id = rest.split('/').next().filter(|id| !id.is_empty())?;
            head.starts_with("arn:").then(|| format!("{head}:instance/{id}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_is_read_from_any_arn_of_the_event() {
        let instance = "arn:aws:connect:us-east-1:111122223333:instance/i-1";
        for contact in [
            json!({"instanceArn": instance}),
            json!({"queue": {"queueARN": format!("{instance}/queue/q-1")}}),
        ] {
            let event = Event { contact, ..Event::default() };
            assert_eq!(instance_arn(&event).as_deref(), Some(instance));
        }
        let event = Event { agent: json!({"agentARN": format!("{instance}/agent/a")}), ..Event::default() };
        assert_eq!(instance_arn(&event).as_deref(), Some(instance));
        assert_eq!(instance_arn(&Event { contact: json!({"instanceArn": "x"}), ..Event::default() }), None);
    }
}
