//! Whether a write of unknown result took effect, asked after it must have settled.

use std::time::Duration;

use serde_json::{Map, Value};

use super::alike::{has_all, is_body};
use super::claim::{Claimed, LATER};
use super::{Held, Worker};
use crate::clock::Deadline;
use crate::envelope::overwritten;
use crate::event::Write;
use crate::fault::{Class, Fault};
use crate::outcome::{CALL_TIMEOUT, Change, Outcome, Reason, SETTLE, State};
use crate::store::{Expect, PutError};
use crate::telemetry::{Line, Metric};
use crate::time::Timestamp;

/// Clocks of Salesforce and ours, and the way there.
const AROUND: Duration = Duration::from_secs(300);

/// In whose name we write (`None` where we may not ask), and when we asked.
pub(super) type AskedUser = Option<(Timestamp, Option<String>)>;

/// What a lookup found.
enum Looked {
    Found(Option<String>),
    Absent,
    Unclear(Fault),
    Later,
}

impl Worker {
    /// Looks a write up and records what was found.
    pub(super) async fn look_up(&self, held: &Held, outcome: Outcome) -> Claimed {
        let fence = outcome.fence;
        let later = || Claimed::Until(self.now().plus(LATER * 12));
        let Ok(Some(write)) = self.as_sent(held).await else { return later() };
        let change = match self.ask(&write, &outcome).await {
            Looked::Found(record_id) => {
                Line::new("second effect prevented")
                    .with("object", outcome.object.as_str())
                    .with("traceparent", held.envelope.traceparent.as_deref())
                    .count(Metric::DuplicatesPrevented, 1.0)
                    .write();
                Change::Applied { fence, generation: outcome.generation, record_id, created: None }
            }
            Looked::Absent => Change::Absent { fence },
            Looked::Unclear(fault) => Change::Ambiguous { fence, fault },
            Looked::Later => return later(),
        };
        let now = self.now();
        let version = outcome.version;
        let Ok(next) = outcome.apply(change, now) else { return later() };
        if self.before(&held.envelope, &next, overwritten(&write).as_deref(), now).await.is_err() {
            return later();
        }
        match self.inner.state.put(&next.row(), Expect::Version(version), now).await {
            Ok(()) => match next.state {
                State::Pending { .. } => Claimed::Again,
                State::Succeeded => {
                    self.tell_contact(&held.envelope, &next).await;
                    Claimed::Settled
                }
                State::Dead { .. } => Claimed::Settled,
                _ => later(),
            },
            Err(PutError::Conflict(_) | PutError::Store(_)) => later(),
        }
    }

    async fn as_sent(&self, held: &Held) -> Result<Option<Write>, Timestamp> {
        match self.prepare(held).await {
            super::claim::Prepared::Ready(write) => Ok(Some(write)),
            super::claim::Prepared::Gone => Ok(None),
            super::claim::Prepared::Until(at) => Err(at),
        }
    }

    async fn ask(&self, write: &Write, outcome: &Outcome) -> Looked {
        if !self.one_call().await {
            return Looked::Later;
        }
        let sent = outcome.first_sent_at.unwrap_or(outcome.accepted_at);
        match write {
            Write::Create { object, fields } => match self.modes().unique_field(object) {
                Some(field) => match self.by_key(object, field, outcome.id.as_str()).await {
                    Ok(Some(id)) => Looked::Found(Some(id)),
                    Ok(None) => Looked::Absent,
                    Err(_) => Looked::Later,
                },
                None => self.by_content(object, fields, sent).await,
            },
            Write::Delete { object, id } => {
                let soql = format!("SELECT Id FROM {object} WHERE Id = {}", quoted(id));
                match self.found(&soql).await {
                    Ok(found) if found.is_empty() => Looked::Found(Some(id.clone())),
                    Ok(_) => Looked::Absent,
                    Err(_) => Looked::Later,
                }
            }
            Write::Post { subject_id, text, mention, .. } => {
                let parent = format!("ParentId = {}", quoted(subject_id));
                let alike = |found: &str| is_body(found, text, mention.is_some());
                self.by_body("FeedItem", &parent, "Body", alike, sent).await
            }
            Write::Comment { element_id, text, .. } => {
                let parent = format!("FeedItemId = {}", quoted(element_id));
                let alike = |found: &str| is_body(found, text, false);
                self.by_body("FeedComment", &parent, "CommentBody", alike, sent).await
            }
            Write::Update { .. } | Write::Upsert { .. } => Looked::Unclear(Fault::new(
                Class::Unknown,
                Reason::Ambiguous.code(),
                "Salesforce refuses the change now, and an earlier attempt of it may have been applied: look \
                 at the record, then replay or discard",
            )),
        }
    }

    /// The record that carries the key.
    pub(super) async fn by_key(&self, object: &str, field: &str, key: &str) -> Result<Option<String>, Fault> {
        let soql = format!("SELECT Id FROM {object} WHERE {field} = {} LIMIT 2", quoted(key));
        Ok(self.found(&soql).await?.first().and_then(|record| text(record, "Id")))
    }

    /// A record that we made since then and that has all these values.
    async fn by_content(&self, object: &str, fields: &Map<String, Value>, sent: Timestamp) -> Looked {
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        let Some(ours) = self.made_by_us(sent).await else { return Looked::Later };
        let soql = format!(
            "SELECT {} FROM {object} WHERE {ours} ORDER BY CreatedDate LIMIT 200",
            [&["Id"], &names[..]].concat().join(","),
        );
        self.judge_found(self.found(&soql).await, |record| has_all(record, fields))
    }

    /// A post or comment of that text that we made there since then. Bodies cannot be filtered by, so they
    /// are compared here.
    async fn by_body(
        &self,
        object: &str,
        parent: &str,
        body: &str,
        alike: impl Fn(&str) -> bool,
        sent: Timestamp,
    ) -> Looked {
        let Some(ours) = self.made_by_us(sent).await else { return Looked::Later };
        let soql = format!("SELECT Id,{body} FROM {object} WHERE {parent} AND {ours} LIMIT 200");
        let alike = |record: &Value| text(record, body).is_some_and(|found| alike(&found));
        self.judge_found(self.found(&soql).await, alike)
    }

    /// The condition of what our user made since then; `None` where it cannot be told now who that is.
    async fn made_by_us(&self, sent: Timestamp) -> Option<String> {
        let since = format!("CreatedDate >= {}", sent.minus(AROUND).to_rfc3339());
        Some(match self.user().await? {
            Some(user) => format!("CreatedById = {} AND {since}", quoted(&user)),
            // Without the permission to ask, anybody may have made it: several alike are a person's.
            None => since,
        })
    }

    /// The user in whose name we write, asked once for all writes that one cut call left in doubt; the
    /// inner `None` where we may not ask.
    async fn user(&self) -> Option<Option<String>> {
        // Held while asking, so that the others wait for the answer.
        let mut known = self.user.lock().await;
        let now = self.now();
        // Whoever writes by now wrote then: a lookup comes after its attempt has settled.
        if let Some((at, user)) = &*known
            && now.since(*at) < SETTLE
        {
            return Some(user.clone());
        }
        let called = self.inner.client.user(Deadline::after(CALL_TIMEOUT)).await;
        self.note_usage(called.spent.usage);
        let user = match called.result {
            Ok(user) => Some(user),
            Err(fault) if fault.class == Class::Rejected => None,
            Err(_) => return None,
        };
        *known = Some((now, user.clone()));
        Some(user)
    }

    fn judge_found(&self, found: Result<Vec<Value>, Fault>, alike: impl Fn(&Value) -> bool) -> Looked {
        let records = match found {
            Ok(records) => records,
            // The question cannot be asked of this object: a person can look.
            Err(fault) if fault.class == Class::Rejected => return Looked::Unclear(fault),
            Err(_) => return Looked::Later,
        };
        let full = records.len() >= 200;
        let ids: Vec<String> = records.iter().filter(|r| alike(r)).filter_map(|r| text(r, "Id")).collect();
        match &ids[..] {
            [] if full => {
                Looked::Unclear(unclear("too many records were made meanwhile to compare them all"))
            }
            [] => Looked::Absent,
            [one] => Looked::Found(Some(one.clone())),
            several => {
                Looked::Unclear(unclear(&format!("any of these could be its effect: {}", several.join(", "))))
            }
        }
    }

    async fn found(&self, soql: &str) -> Result<Vec<Value>, Fault> {
        let called = self.inner.client.query(soql, 200, Deadline::after(CALL_TIMEOUT)).await;
        self.note_usage(called.spent.usage);
        called.result.map(|found| found.records.into_iter().map(Value::Object).collect())
    }
}

fn unclear(why: &str) -> Fault {
    let message =
        format!("nobody knows whether an attempt was applied, and {why}; look, then replay or discard");
    Fault::new(Class::Unknown, Reason::Ambiguous.code(), message)
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn text(record: &Value, field: &str) -> Option<String> {
    record.get(field).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_stays_inside_its_quotes() {
        assert_eq!(quoted("O'Neil\\"), "'O\\'Neil\\\\'");
    }
}
