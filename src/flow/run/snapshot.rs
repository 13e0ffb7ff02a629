//! What a block asks of the contact or the agent, answered from the event that started the run.
//!
//! The browser sends both as they were when the event came, and a run is bound to that contact:
//! asking the browser again could answer about another one. Where the event has no contact, the
//! block is handed out.

use serde_json::{Map, Value, json};

use super::value::{text, truthy};
use super::{Event, Outcome};

/// The outcome of a block that only reads, if the event can tell it.
#[must_use]
pub fn answer(kind: &str, inputs: &Map<String, Value>, event: &Event) -> Option<Outcome> {
    of_contact(kind, inputs, event).or_else(|| of_agent(kind, event))
}

fn success(results: Value) -> Option<Outcome> {
    Some(Outcome::Success { results })
}

fn branch(value: bool) -> Option<Outcome> {
    Some(Outcome::Branch { value })
}

fn of_contact(kind: &str, inputs: &Map<String, Value>, event: &Event) -> Option<Outcome> {
    if kind == "SE_ContactGetChatMessage" {
        let message = &event.payload;
        message.get("content")?;
        return success(json!({
            "content": message.get("content"),
            "participantRole": message.get("participantRole"),
            "displayName": message.get("displayName"),
            "contactId": message.get("contactId"),
        }));
    }
    let contact = event.contact.as_object().filter(|c| !c.is_empty())?;
    let field = |name: &str| contact.get(name).filter(|v| !v.is_null());
    let is_type = |wanted: &str| field("type").map(|t| text(Some(t)).eq_ignore_ascii_case(wanted));
    match kind {
        "SE_ContactGetAttributeValue" => {
            let name = text(inputs.get("attributeName"));
            let found = field("attributes").and_then(|all| {
                let found = all.get(&name)?;
                Some(found.get("value").unwrap_or(found).clone())
            });
            let found = found.or_else(|| inputs.get("defaultValue").cloned());
            success(found.map_or_else(|| json!({}), |value| json!({ "value": value })))
        }
        "SE_ContactProperties" => success(Value::Object(properties(contact))),
        "SE_ContactCustomerPhoneNumber" => {
            let phone = ["phone", "rawPhoneNumber", "formattedNumberE164"].iter().find_map(|n| field(n));
            let country = field("country").or_else(|| field("parsedNumber")?.get("country"));
            success(json!({ "phone": phone?, "country": country }))
        }
        "SE_ContactIsVoice" => branch(is_type("voice")?),
        "SE_ContactIsChat" => branch(is_type("chat")?),
        "SE_ContactIsTask" => branch(is_type("task")?),
        "SE_ContactIsCallback" => branch(is_type("queue_callback")?),
        "SE_ContactIsInbound" => branch(truthy(Some(field("isInbound")?))),
        "SE_ContactIsTransfer" => branch(truthy(Some(field("isTransfer")?))),
        _ => None,
    }
}

/// The contact's own fields, and the two names that flows read and the contact may lack.
fn properties(contact: &Map<String, Value>) -> Map<String, Value> {
    let mut all = contact.clone();
    let queue_name = contact.get("queue").and_then(|q| q.get("name")).cloned();
    let national = contact.get("formattedNumber").cloned();
    for (name, value) in [("queueName", queue_name), ("formattedPhoneNumber", national)] {
        if let (None, Some(value)) = (all.get(name), value) {
            all.insert(name.to_owned(), value);
        }
    }
    all
}

fn of_agent(kind: &str, event: &Event) -> Option<Outcome> {
    let agent = event.agent.as_object().filter(|a| !a.is_empty())?;
    let field = |name: &str| agent.get(name).filter(|v| !v.is_null());
    match kind {
        "SE_AgentGetName" => success(json!({ "name": field("name")? })),
        "SE_AgentGetExtension" => success(json!({ "extension": field("extension")? })),
        "SE_AgentGetDeskphoneNumber" => success(json!({ "value": field("extension")? })),
        "SE_AgentGetDialableCountries" => success(json!({ "value": field("dialableCountries")? })),
        "SE_AgentIsSoftphoneEnabled" => branch(truthy(Some(field("softphoneEnabled")?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::catalogue;

    fn asked(kind: &str, event: &Event) -> Option<Outcome> {
        let inputs = json!({"attributeName": "language", "defaultValue": "none"});
        answer(kind, inputs.as_object().unwrap(), event)
    }

    #[test]
    fn every_sample_of_a_contact_answers_what_flows_read() {
        for source in &catalogue::catalogue().sources {
            for sample in source.events.iter().map(|e| &e.sample).filter(|s| s.contains_key("contact")) {
                let event = Event { contact: sample["contact"].clone(), ..Event::default() };
                for kind in [
                    "SE_ContactProperties",
                    "SE_ContactIsVoice",
                    "SE_ContactIsInbound",
                    "SE_ContactIsTransfer",
                ] {
                    assert!(asked(kind, &event).is_some(), "{} {kind}", source.id);
                }
            }
        }
    }

    #[test]
    fn attributes_are_read_in_both_forms_and_default_only_when_missing() {
        let with = |attributes: Value| Event {
            contact: json!({"contactId": "c", "attributes": attributes}),
            ..Event::default()
        };
        let value = |v: &str| success(json!({ "value": v }));
        assert_eq!(asked("SE_ContactGetAttributeValue", &with(json!({"language": "en"}))), value("en"));
        assert_eq!(
            asked(
                "SE_ContactGetAttributeValue",
                &with(json!({"language": {"name": "language", "value": "en"}}))
            ),
            value("en")
        );
        assert_eq!(asked("SE_ContactGetAttributeValue", &with(json!({"language": ""}))), value(""));
        assert_eq!(asked("SE_ContactGetAttributeValue", &with(json!({}))), value("none"));
    }

    #[test]
    fn what_the_event_cannot_tell_is_left_to_the_browser() {
        assert_eq!(asked("SE_ContactProperties", &Event::default()), None);
        let chat = Event { contact: json!({"type": "chat"}), ..Event::default() };
        assert_eq!(asked("SE_ContactCustomerPhoneNumber", &chat), None, "a chat has no number");
        assert_eq!(asked("SE_AgentDialNumber", &chat), None);
    }
}
