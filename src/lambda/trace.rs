//! What a call did, and its one line in the log: enough to find what went wrong, nothing of a person.

use std::time::Duration;

use serde_json::{Map, Value};

use super::FunctionError;
use crate::event;
use crate::fault::{Class, Fault};
use crate::salesforce::Spent;
use crate::telemetry::{Line, Metric};

#[derive(Debug, Default)]
pub(super) struct Trace {
    operation: Option<&'static str>,
    object: Option<String>,
    contact: Option<String>,
    /// The first of its chain of transfers, where that is another.
    initial: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) spent: Spent,
    pub(super) cache: Option<&'static str>,
    pub(super) accepted: bool,
    pub(super) duplicate: bool,
    pub(super) fault: Option<Fault>,
}

impl Trace {
    /// What the log may know of an event, refused ones too: which operation, which object, which
    /// contact; no value.
    pub(super) fn of(event: &Value, parent: Option<String>) -> Self {
        let contact = event::contact(event);
        let transferred = contact.as_ref().filter(|contact| contact.group() != contact.contact_id);
        let object = event.pointer("/Details/Parameters/sf_object").and_then(Value::as_str);
        // An object's name is an identifier; anything else may be something that a caller said.
        let named =
            |name: &&str| name.len() <= 80 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        Self {
            operation: event::operation(event),
            object: object.filter(named).map(str::to_owned),
            initial: transferred.map(|contact| contact.group().to_owned()),
            contact: contact.map(|contact| contact.contact_id),
            parent,
            ..Self::default()
        }
    }

    pub(super) fn line(&self, result: &Result<Map<String, Value>, FunctionError>, took: Duration) -> Line {
        let outcome = match (result, &self.fault) {
            (Err(error), _) => error.error_type.as_str(),
            (Ok(_), Some(_)) => "failed",
            (Ok(_), None) => "ok",
        };
        let line = Line::new("invocation")
            .with("operation", self.operation)
            .with("object", self.object.clone())
            .with("contact_id", self.contact.clone())
            .with("initial_contact_id", self.initial.clone())
            .with("outcome", outcome)
            .with("code", self.fault.as_ref().map(|fault| fault.code.clone()))
            .with("why", self.why(result))
            .with("cache", self.cache)
            .with("salesforce_ms", self.spent.waited.as_secs_f64() * 1000.0)
            .with("traceparent", self.parent.clone())
            .with("version", env!("CARGO_PKG_VERSION"));
        let line = if outcome == "ok" { line } else { line.warning() };
        self.counts(outcome, took).into_iter().fold(line, |line, (metric, value)| line.count(metric, value))
    }

    /// The text of an error that is ours alone: it names parameters, variables and keys. Salesforce's
    /// texts, and pages of others, may quote a person.
    fn why(&self, result: &Result<Map<String, Value>, FunctionError>) -> Option<String> {
        match (result, &self.fault) {
            (Err(error), None) => Some(error.error_message.clone()),
            (_, Some(fault)) if fault.class == Class::Ours && !fault.code.starts_with("HTTP_") => {
                Some(fault.message.clone())
            }
            (_, Some(fault)) if fault.code == "SECRET_UNREADABLE" => Some(fault.message.clone()),
            _ => None,
        }
    }

    fn counts(&self, outcome: &str, took: Duration) -> Vec<(Metric, f64)> {
        let mut counts = vec![
            (Metric::Duration, took.as_secs_f64() * 1000.0),
            (Metric::ApiCalls, f64::from(self.spent.calls)),
        ];
        if let Some(usage) = self.spent.usage.filter(|usage| usage.limit > 0) {
            counts.push((Metric::ApiUsagePercent, usage.used as f64 / usage.limit as f64 * 100.0));
        }
        let one = [
            (self.cache == Some("hit"), Metric::CacheHits),
            (self.cache == Some("stale"), Metric::StaleReplies),
            (self.cache == Some("miss"), Metric::CacheMisses),
            (self.accepted, Metric::Accepted),
            (self.duplicate, Metric::DuplicatesPrevented),
            (outcome != "ok", Metric::Failures),
            (self.fault.as_ref().is_some_and(|fault| fault.class == Class::Ours), Metric::CredentialsRefused),
        ];
        counts.extend(one.into_iter().filter(|(is, _)| *is).map(|(_, metric)| (metric, 1.0)));
        counts
    }
}
