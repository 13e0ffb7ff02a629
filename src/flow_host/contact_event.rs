//! Contact events of Amazon Connect, as EventBridge carries them, in the words of flows.
//!
//! A message of the queue holds one event: `detail-type` *Amazon Connect Contact Event*, its `id`,
//! and a `detail` with `eventType`, `channel`, `initiationMethod`, ids and infos.

use serde_json::{Map, Value, json};

use crate::flow::run::Event;

/// Why a message starts nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Passed {
    /// It is not what EventBridge sends about contacts. Nobody can mend it by sending it again.
    #[error("the message is no contact event of Amazon Connect: {0}")]
    NotOne(&'static str),
    /// It is one that no flow can hear.
    #[error("no flow hears the event {0}")]
    Unheard(String),
}

/// A contact event.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The event, as flows know it.
    pub event: Event,
    /// When it happened, in the form of EventBridge, which sorts; to the second.
    pub at: String,
    /// Its place among the events of one second: a contact is begun before it is queued.
    pub rank: u8,
}

/// Reads the body of a message.
///
/// # Errors
/// [`Passed`]: the message is done with.
pub fn read(body: &str) -> Result<Heard, Passed> {
    let message: Value = serde_json::from_str(body).map_err(|_| Passed::NotOne("it is no JSON"))?;
    let detail =
        message.get("detail").and_then(Value::as_object).ok_or(Passed::NotOne("it has no detail"))?;
    let text = |key: &str| detail.get(key).and_then(Value::as_str).unwrap_or_default();
    let contact_id = Some(text("contactId")).filter(|id| !id.is_empty());
    let contact_id = contact_id.ok_or(Passed::NotOne("it has no contactId"))?;
    let (channel, method) = (text("channel"), text("initiationMethod"));
    let (source, kind) = match (channel, method) {
        ("VOICE", "CALLBACK") => ("queueCallbackContact", "queue_callback"),
        ("VOICE", _) => ("voiceContact", "voice"),
        ("CHAT", _) => ("chatContact", "chat"),
        ("TASK", _) => ("taskContact", "task"),
        _ => return Err(Passed::Unheard(format!("of channel {channel}"))),
    };
    let (rank, name) = match text("eventType") {
        "INITIATED" => (0, "onPending"),
        "QUEUED" => (1, "onIncoming"),
        "CONNECTED_TO_AGENT" => (2, "onConnected"),
        "CONTACT_DATA_UPDATED" => (3, "onRefresh"),
        "DISCONNECTED" => (4, "onEnded"),
        "COMPLETED" => (5, "onDestroy"),
        other => return Err(Passed::Unheard(other.to_owned())),
    };
    let id = message.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let at = message.get("time").and_then(Value::as_str).unwrap_or_default();
    let transferred = matches!(method, "TRANSFER" | "QUEUE_TRANSFER");
    let first = Some(text("initialContactId")).filter(|id| !id.is_empty()).unwrap_or(contact_id);
    let mut contact = Map::new();
    for (key, value) in [
        ("contactId", json!(contact_id)),
        ("originalContactId", json!(first)),
        ("type", json!(kind)),
        ("channel", json!(channel)),
        ("instanceArn", json!(text("instanceArn"))),
        ("isInbound", json!(method == "INBOUND" || transferred)),
        ("isTransfer", json!(transferred)),
        ("isConnected", json!(name == "onConnected")),
        ("queue", detail.get("queueInfo").cloned().unwrap_or(Value::Null)),
        ("contactStartDateTime", json!(text("initiationTimestamp"))),
        (
            "attributes",
            detail
                .get("attributes")
                .or_else(|| detail.get("contactAttributes"))
                .cloned()
                .unwrap_or_else(|| json!({})),
        ),
    ] {
        contact.insert(key.to_owned(), value);
    }
    let agent = detail
        .get("agentInfo")
        .and_then(|a| a.get("agentArn"))
        .map_or(Value::Null, |arn| json!({ "agentARN": arn }));
    let event = Event {
        id: Some(id.map_or_else(|| format!("{contact_id}:{}:{at}", text("eventType")), str::to_owned)),
        source: source.to_owned(),
        name: name.to_owned(),
        payload: Value::Object(detail.clone()),
        contact: Value::Object(contact),
        agent,
    };
    Ok(Heard { event, at: at.to_owned(), rank })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::catalogue;

    fn message(kind: &str, channel: &str, method: &str) -> String {
        json!({"version": "0", "id": "ev-1", "detail-type": "Amazon Connect Contact Event", "time": "2026-11-20T10:20:00Z",
            "detail": {"eventType": kind, "contactId": "c-2", "initialContactId": "c-1", "channel": channel, "initiationMethod": method,
                "instanceArn": "arn:aws:connect:us-east-1:111122223333:instance/i", "agentInfo": {"agentArn": "arn:agent"}}})
        .to_string()
    }

    #[test]
    fn every_event_that_is_heard_is_one_of_its_source() {
        for channel in ["VOICE", "CHAT", "TASK"] {
            for method in ["INBOUND", "CALLBACK", "TRANSFER", "OUTBOUND"] {
                for kind in
                    ["INITIATED", "CONNECTED_TO_AGENT", "CONTACT_DATA_UPDATED", "DISCONNECTED", "COMPLETED"]
                {
                    let event = read(&message(kind, channel, method)).unwrap().event;
                    let source = catalogue::source(&event.source).unwrap();
                    assert!(source.event(&event.name).is_some(), "{channel} {method} {kind}");
                    assert_eq!(event.contact_id(), Some("c-2"));
                    assert_eq!(event.id.as_deref(), Some("ev-1"));
                }
            }
        }
        let callback = read(&message("QUEUED", "VOICE", "CALLBACK")).unwrap().event;
        assert_eq!(
            (callback.source.as_str(), callback.name.as_str()),
            ("queueCallbackContact", "onIncoming")
        );
    }

    #[test]
    fn what_is_none_is_passed_over_with_a_reason() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"detail":{}}"#,
            r#"{"detail":{"contactId":"c","channel":"FAX","eventType":"QUEUED"}}"#,
            &message("AMD_DISABLED", "VOICE", "INBOUND"),
        ] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
