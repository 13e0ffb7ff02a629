//! Amazon Connect's interface: the four calls that writes and CTI Flows make, as signed REST.
//!
//! What it never does: retry, or hold what an attribute says longer than the call. (The SDK of
//! Amazon Connect alone costs two minutes to build; four requests do not.)
//! Who calls it: [`crate::lambda`] for [`crate::worker`], which writes the real Id to a contact
//! attribute, and [`crate::flow_host`], which acts for the agent.

use serde_json::{Map, Value, json};

use crate::clock;
use crate::clock::Deadline;
use crate::event::Contact;
use crate::net;
use crate::time::Timestamp;

/// Where Amazon Connect is, if not where its instance says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `AWS_ENDPOINT_URL_CONNECT`, else `AWS_ENDPOINT_URL`.
    pub endpoint: Option<String>,
}

/// Amazon Connect. Builds nothing before the first call.
#[derive(Clone, Debug, Default)]
pub struct Connect {
    settings: Settings,
}

/// What Amazon Connect says no with, or why it was not asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nothing was sent: the contact or the surroundings lack something.
    #[error("{0}")]
    Unsent(String),
    /// Too many calls; nothing was done.
    #[error("Amazon Connect throttles: {0}")]
    Throttled(String),
    /// Refused for good: the contact is gone, the permission is missing, a value is too long.
    #[error("{code}: {message}")]
    Refused {
        /// Amazon's name of the error, such as `ResourceNotFoundException`.
        code: String,
        /// Its text.
        message: String,
    },
    /// No whole answer; it may have been done. Every call may be made again but a task without a
    /// client token.
    #[error("no answer of Amazon Connect: {0}")]
    Unavailable(String),
}

impl ConnectError {
    /// Whether the same call may work later.
    #[must_use]
    pub const fn passing(&self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Unavailable(_))
    }
}

/// A task to begin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// What the agent sees.
    pub name: String,
    /// More of it.
    pub description: Option<String>,
    /// The flow that routes it; or a quick connect, or a template.
    pub contact_flow_id: Option<String>,
    /// The quick connect that receives it.
    pub quick_connect_id: Option<String>,
    /// The template that it follows.
    pub template_id: Option<String>,
    /// The contact that it comes from.
    pub previous_contact_id: Option<String>,
    /// Its attributes.
    pub attributes: Map<String, Value>,
    /// Its links: name to address.
    pub links: Vec<(String, String)>,
    /// When it begins, if later.
    pub scheduled: Option<Timestamp>,
    /// The same token is the same task.
    pub client_token: Option<String>,
}

/// An instance, as its ARN names it.
#[derive(Debug, PartialEq, Eq)]
struct Instance<'a> {
    region: &'a str,
    id: &'a str,
}

impl Connect {
    /// With these settings.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Sets attributes of a contact, for its whole chain of transfers.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn update_attributes(
        &self,
        contact: &Contact,
        attributes: &Map<String, Value>,
        deadline: Deadline,
    ) -> Result<(), ConnectError> {
        let instance = instance_of(contact)?;
        let body = json!({
            "InstanceId": instance.id,
            "InitialContactId": contact.group(),
            "Attributes": attributes,
        });
        self.call(&instance, "POST", "/contact/attributes", body, deadline).await.map(drop)
    }

    /// Begins to record a call, both sides.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn start_recording(&self, contact: &Contact, deadline: Deadline) -> Result<(), ConnectError> {
        let instance = instance_of(contact)?;
        let mut body = recording(&instance, contact);
        body["VoiceRecordingConfiguration"] = json!({"VoiceRecordingTrack": "ALL"});
        self.call(&instance, "POST", "/contact/start-recording", body, deadline).await.map(drop)
    }

    /// Ends the recording of a call; it cannot be begun again.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn stop_recording(&self, contact: &Contact, deadline: Deadline) -> Result<(), ConnectError> {
        let instance = instance_of(contact)?;
        let body = recording(&instance, contact);
        self.call(&instance, "POST", "/contact/stop-recording", body, deadline).await.map(drop)
    }

    /// Begins a task in the instance of this ARN, and gives its contact id.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn start_task(
        &self,
        instance_arn: &str,
        task: &Task,
        deadline: Deadline,
    ) -> Result<String, ConnectError> {
        let instance = instance(instance_arn)?;
        let answer = self.call(&instance, "PUT", "/contact/task", task.body(instance.id), deadline).await?;
        let id = answer.get("ContactId").and_then(Value::as_str).map(str::to_owned);
        id.ok_or_else(|| ConnectError::Unavailable("the answer names no contact".to_owned()))
    }

    async fn call(
        &self,
        instance: &Instance<'_>,
        method: &'static str,
        path: &str,
        body: Value,
        deadline: Deadline,
    ) -> Result<Value, ConnectError> {
        let unsent = |why: String| ConnectError::Unsent(why);
        let url = match &self.settings.endpoint {
            Some(endpoint) => format!("{endpoint}{path}"),
            None => format!("https://connect.{}.amazonaws.com{path}", instance.region),
        };
        let body = body.to_string();
        let client = net::client(&url).map_err(|e| unsent(e.to_string()))?;
        let method = match method {
            "PUT" => reqwest::Method::PUT,
            _ => reqwest::Method::POST,
        };
        let identity = net::aws::identity(deadline).await.map_err(unsent)?;
        let signature = net::aws::signed(
            &identity,
            "connect",
            instance.region,
            method.as_str(),
            &url,
            &body,
            clock::now(),
        )
        .map_err(unsent)?;
        let mut request = client.request(method, &url).header("content-type", "application/json");
        for (name, value) in signature {
            request = request.header(name, value);
        }
        let remaining = deadline.remaining();
        let answer = request.timeout(remaining).body(body).send().await;
        let answer = answer.map_err(|e| ConnectError::Unavailable(e.without_url().to_string()))?;
        let status = answer.status().as_u16();
        let kind = answer.headers().get("x-amzn-errortype").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let text = answer.text().await.map_err(|e| ConnectError::Unavailable(e.without_url().to_string()))?;
        understand(status, kind.as_deref(), &text)
    }
}

impl Task {
    fn body(&self, instance: &str) -> Value {
        let links: Map<_, _> = self
            .links
            .iter()
            .map(|(name, url)| (name.clone(), json!({"Type": "URL", "Value": url})))
            .collect();
        let mut body = json!({
            "InstanceId": instance,
            "Name": self.name,
            "Attributes": self.attributes,
            "References": links,
        });
        for (key, value) in [
            ("Description", &self.description),
            ("ContactFlowId", &self.contact_flow_id),
            ("QuickConnectId", &self.quick_connect_id),
            ("TaskTemplateId", &self.template_id),
            ("PreviousContactId", &self.previous_contact_id),
            ("ClientToken", &self.client_token),
        ] {
            if let Some(value) = value {
                body[key] = json!(value);
            }
        }
        if let Some(at) = self.scheduled {
            body["ScheduledTime"] = json!(at.as_millis() / 1000);
        }
        body
    }
}

fn recording(instance: &Instance<'_>, contact: &Contact) -> Value {
    json!({
        "InstanceId": instance.id,
        "ContactId": contact.contact_id,
        "InitialContactId": contact.group(),
    })
}

fn instance_of(contact: &Contact) -> Result<Instance<'_>, ConnectError> {
    match &contact.instance_arn {
        Some(arn) => instance(arn),
        None => Err(ConnectError::Unsent(
            "the event names no instance (Details.ContactData.InstanceARN), so Amazon Connect cannot be called for its contact".to_owned(),
        )),
    }
}

/// `arn:aws:connect:eu-west-2:123456789012:instance/<id>`
fn instance(arn: &str) -> Result<Instance<'_>, ConnectError> {
    let mut parts = arn.splitn(6, ':');
    let named = match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("arn"), Some(_), Some("connect"), Some(region), Some(_), Some(resource)) => {
            resource.strip_prefix("instance/").map(|id| Instance { region, id })
        }
        _ => None,
    };
    let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    named.filter(|i| plain(i.region) && plain(i.id)).ok_or_else(|| {
        ConnectError::Unsent("the instance is not named by an ARN as Amazon Connect writes it".to_owned())
    })
}

fn understand(status: u16, kind: Option<&str>, text: &str) -> Result<Value, ConnectError> {
    let body = serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    if (200..=299).contains(&status) {
        return Ok(body);
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let code = kind.or_else(|| text("__type")).unwrap_or_default();
    // `ResourceNotFoundException:http://internal…`, or a name space before a hash.
    let code = code.split(':').next().unwrap_or_default().rsplit('#').next().unwrap_or_default();
    let message = text("Message").or_else(|| text("message")).unwrap_or("no reason given");
    match (status, code) {
        (429, _) | (_, "TooManyRequestsException" | "ThrottlingException") => {
            Err(ConnectError::Throttled(message.to_owned()))
        }
        (500.., _) => Err(ConnectError::Unavailable(format!("status {status}"))),
        _ => {
            let code = if code.is_empty() { format!("HTTP_{status}") } else { code.to_owned() };
            Err(ConnectError::Refused { code, message: message.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    const ARN: &str = "arn:aws:connect:eu-west-2:123456789012:instance/9d2ddc51-0000-4000-8000-000000000000";

    fn contact(arn: Option<&str>) -> Contact {
        Contact {
            contact_id: "second".into(),
            initial_contact_id: Some("first".into()),
            instance_arn: arn.map(str::to_owned),
        }
    }

    #[test]
    fn an_instance_is_what_its_arn_says() {
        let named = instance(ARN).unwrap();
        assert_eq!((named.region, named.id), ("eu-west-2", "9d2ddc51-0000-4000-8000-000000000000"));
        for odd in [
            "",
            "arn:aws:s3:::bucket",
            "arn:aws:connect:::instance/",
            "arn:aws:connect:x.evil/:1:instance/a",
            "arn:aws:connect:eu-west-2:1:instance/a/contact-flow/b",
        ] {
            assert!(matches!(instance(odd), Err(ConnectError::Unsent(_))), "{odd}");
        }
        assert!(instance_of(&contact(None)).unwrap_err().to_string().contains("InstanceARN"));
    }

    #[test]
    fn errors_are_told_apart() {
        let refused = understand(
            404,
            Some("ResourceNotFoundException:http://internal.example"),
            r#"{"Message":"no such contact"}"#,
        );
        assert_eq!(refused.unwrap_err().to_string(), "ResourceNotFoundException: no such contact");
        let named = understand(
            400,
            None,
            r#"{"__type":"com.amazonaws#InvalidRequestException","message":"too long"}"#,
        );
        assert_eq!(named.unwrap_err().to_string(), "InvalidRequestException: too long");
        for (status, kind) in [(429, None), (400, Some("ThrottlingException"))] {
            assert!(understand(status, kind, "").unwrap_err().passing());
        }
        assert!(understand(503, None, "<html>").unwrap_err().passing());
        assert_eq!(understand(403, None, "<html>").unwrap_err().to_string(), "HTTP_403: no reason given");
        assert_eq!(understand(200, None, ""), Ok(Value::Null));
    }

    #[test]
    fn a_task_says_only_what_it_has() {
        let task = Task {
            name: "Call back".into(),
            contact_flow_id: Some("f".into()),
            links: vec![("Case".into(), "https://example.com/500".into())],
            scheduled: Some(Timestamp::from_millis(1_795_170_000_123)),
            ..Task::default()
        };
        assert_eq!(
            task.body("i"),
            json!({
                "InstanceId": "i", "Name": "Call back", "Attributes": {}, "ContactFlowId": "f",
                "References": {"Case": {"Type": "URL", "Value": "https://example.com/500"}},
                "ScheduledTime": 1_795_170_000,
            })
        );
    }
}
