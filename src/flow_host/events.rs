//! What an event starts: its active flows, in their order, once.
//!
//! An event with an id is claimed in the table before anything of it runs. Whoever meets a claim
//! that is settled gives the runs of the first time; whoever meets one that is not lets it be,
//! until [`AT_IT`] has passed: then the process that made it is gone, and its runs begin again
//! under the same ids. Writes carry their run's id, so that nothing is written twice; runs that
//! were put away are only shown.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::registry::Flow;
use super::rows::{decode, encode};
#[cfg(feature = "local")]
use super::runs::Shown;
use super::{Error, Host, KEEP_RUNS, Mode, Started, later, rows};
use crate::flow::run::Event;
use crate::row::{Key, Row};
use crate::store::{Expect, PutError};
use crate::time::Timestamp;

const EVENTS: &str = "flow-event";
/// How long a claim counts that nobody settles: as long as a function runs at most.
const AT_IT: std::time::Duration = std::time::Duration::from_secs(300);
/// The event that comes so often that one run stands for several.
const REFRESH: &str = "onRefresh";

/// What an event started.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = EventRuns))]
pub struct Ran {
    /// The runs, as [`Host::start`] shows them.
    #[cfg_attr(feature = "local", schema(value_type = Vec<Shown<'static>>))]
    pub runs: Vec<Value>,
    /// Why there are none.
    pub reason: Option<String>,
    /// Whether somebody else is at it, who may not come to an end: it should be brought again.
    #[serde(skip)]
    pub underway: bool,
}

/// What stands about an event, or about a contact's refresh.
#[derive(Debug, Serialize, Deserialize)]
struct Claimed {
    /// When it was first claimed; the runs' ids are made from it.
    since: Timestamp,
    /// Until when somebody is at it; none when it is settled.
    until: Option<Timestamp>,
    /// The runs that it started.
    runs: Vec<String>,
}

/// A claim that is ours.
struct Claim {
    key: Key,
    version: u64,
    since: Timestamp,
}

enum Met {
    Ours(Claim),
    Settled(Vec<String>),
    Underway,
}

impl Host {
    /// Starts the active flows of an event, in their order. The same event again starts nothing
    /// and gives the runs of the first time. A refresh that comes while one of the same contact
    /// is being run is folded into it.
    ///
    /// # Errors
    /// When the table does not answer. The event may be brought again.
    pub async fn event(&self, event: Event, mode: Mode, now: Timestamp) -> Result<Ran, Error> {
        let flows = self.active(&event.source, &event.name, now).await?;
        if flows.is_empty() {
            return Ok(none(self.why_none(&event, now).await?));
        }
        let claim = match &event.id {
            Some(id) => match self.claim(EVENTS, id, now).await? {
                Met::Ours(claim) => Some(claim),
                Met::Settled(ids) => return self.before(ids, now).await,
                Met::Underway => return Ok(underway("The flows of this event are being run.")),
            },
            None => None,
        };
        let ran = self.fold_or_run(&event, flows, mode, claim.as_ref(), now).await;
        if let Some(claim) = claim {
            match &ran {
                Ok(ran) if !ran.underway => self.settle(claim, ids(&ran.runs), now).await?,
                _ => self.release(claim, now).await,
            }
        }
        ran
    }

    async fn fold_or_run(
        &self,
        event: &Event,
        flows: Vec<Flow>,
        mode: Mode,
        claim: Option<&Claim>,
        now: Timestamp,
    ) -> Result<Ran, Error> {
        let Some(contact) = event.contact_id().filter(|_| event.name == REFRESH) else {
            return self.run_all(event, flows, mode, claim, now).await;
        };
        let folded = "A run for this contact's refresh is still going on; this one is folded into it.";
        // A browser tells of the next change soon enough; a queue may have told of the last.
        let fold = || if mode == Mode::Unattended { underway(folded) } else { none(folded.to_owned()) };
        let refresh = match self.claim("flow-refresh", &format!("{}:{contact}", event.source), now).await? {
            Met::Ours(claim) => claim,
            Met::Underway => return Ok(fold()),
            Met::Settled(ids) => match self.retaken(event, contact, &ids, now).await? {
                Some(claim) => claim,
                None => return Ok(fold()),
            },
        };
        let ran = self.run_all(event, flows, mode, claim, now).await;
        match &ran {
            Ok(ran) => self.settle(refresh, ids(&ran.runs), now).await?,
            Err(_) => self.release(refresh, now).await,
        }
        ran
    }

    /// The claim of a contact's refresh whose runs are over; none while one of them goes on.
    async fn retaken(
        &self,
        event: &Event,
        contact: &str,
        runs: &[String],
        now: Timestamp,
    ) -> Result<Option<Claim>, Error> {
        for id in runs {
            match self.run(id, now).await {
                Ok(run) if run.get("endedAt").is_none_or(Value::is_null) => return Ok(None),
                Ok(_) | Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let key = key("flow-refresh", &format!("{}:{contact}", event.source));
        let version = self.0.table.get(&key, now).await?.map_or(0, |row| row.version);
        self.put_claim(key, version, now, now).await
    }

    async fn run_all(
        &self,
        event: &Event,
        flows: Vec<Flow>,
        mode: Mode,
        claim: Option<&Claim>,
        now: Timestamp,
    ) -> Result<Ran, Error> {
        let mut runs = Vec::new();
        for flow in flows {
            let Some(document) = flow.document else { continue };
            let id = claim.zip(event.id.as_ref()).map(|(claim, event)| {
                rows::derived("run", claim.since, &format!("{event}#{}", flow.summary.id))
            });
            if let Some(id) = &id {
                match self.run(id, now).await {
                    Ok(begun) => {
                        runs.push(begun);
                        continue;
                    }
                    Err(Error::NotFound(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            let started = Started {
                flow_id: Some(flow.summary.id),
                flow_version: Some(flow.version),
                flow_name: Some(flow.summary.name),
                document,
                event: event.clone(),
                mode,
                answers: HashMap::new(),
                hurried: false,
            };
            runs.push(match id {
                Some(id) => self.start_as(id, started, now).await?,
                None => self.start(started, now).await?,
            });
        }
        Ok(Ran { runs, reason: None, underway: false })
    }

    async fn why_none(&self, event: &Event, now: Timestamp) -> Result<String, Error> {
        let flows = self.flows(now).await?;
        let draft = flows
            .iter()
            .find(|f| f.source == event.source && f.event == event.name && f.deleted_at.is_none());
        Ok(match draft {
            Some(flow) => {
                format!("No flow is active for {} {}; {} is a draft.", event.source, event.name, flow.name)
            }
            None => format!("There is no flow for {} {}.", event.source, event.name),
        })
    }

    async fn before(&self, ids: Vec<String>, now: Timestamp) -> Result<Ran, Error> {
        let mut runs = Vec::new();
        for id in ids {
            match self.run(&id, now).await {
                Ok(run) => runs.push(run),
                // Runs are kept for a while only.
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let reason = runs.is_empty().then(|| "This event was here before.".to_owned());
        Ok(Ran { runs, reason, underway: false })
    }

    async fn claim(&self, kind: &str, id: &str, now: Timestamp) -> Result<Met, Error> {
        let key = key(kind, id);
        let Some(row) = self.0.table.get(&key, now).await? else {
            let ours = self.put_claim(key, 0, now, now).await?;
            return Ok(ours.map_or(Met::Underway, Met::Ours));
        };
        let stands: Claimed = decode(&row.data)?;
        match stands.until {
            None => Ok(Met::Settled(stands.runs)),
            Some(until) if now < until => Ok(Met::Underway),
            Some(_) => {
                let ours = self.put_claim(key, row.version, stands.since, now).await?;
                Ok(ours.map_or(Met::Underway, Met::Ours))
            }
        }
    }

    /// None: somebody else was faster.
    async fn put_claim(
        &self,
        key: Key,
        before: u64,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Claim>, Error> {
        let claimed = Claimed { since, until: Some(now.plus(AT_IT)), runs: Vec::new() };
        let claim = Claim { key, version: before + 1, since };
        match self.0.table.put(&claim.row(&claimed, now)?, expected(before), now).await {
            Ok(()) => Ok(Some(claim)),
            Err(PutError::Conflict(_)) => Ok(None),
            Err(PutError::Store(error)) => Err(error.into()),
        }
    }

    async fn settle(&self, claim: Claim, runs: Vec<String>, now: Timestamp) -> Result<(), Error> {
        let claimed = Claimed { since: claim.since, until: None, runs };
        let next = Claim { version: claim.version + 1, ..claim };
        match self.0.table.put(&next.row(&claimed, now)?, Expect::Version(next.version - 1), now).await {
            // Somebody took us for dead and does the same under the same ids.
            Ok(()) | Err(PutError::Conflict(_)) => Ok(()),
            Err(PutError::Store(error)) => Err(error.into()),
        }
    }

    /// Lets whoever comes next have it at once. Where that fails, [`AT_IT`] does.
    async fn release(&self, claim: Claim, now: Timestamp) {
        let claimed = Claimed { since: claim.since, until: Some(Timestamp::EPOCH), runs: Vec::new() };
        let next = Claim { version: claim.version + 1, ..claim };
        if let Ok(row) = next.row(&claimed, now) {
            drop(self.0.table.put(&row, Expect::Version(next.version - 1), now).await);
        }
    }
}

impl Claim {
    fn row(&self, claimed: &Claimed, now: Timestamp) -> Result<Row, Error> {
        Ok(Row {
            key: self.key.clone(),
            version: self.version,
            data: encode(claimed)?,
            index: None,
            expires: later(now, KEEP_RUNS),
        })
    }
}

const fn expected(before: u64) -> Expect {
    if before == 0 { Expect::Absent } else { Expect::Version(before) }
}

fn key(kind: &str, id: &str) -> Key {
    Key { partition: kind.to_owned(), sort: id.to_owned() }
}

fn ids(runs: &[Value]) -> Vec<String> {
    runs.iter().filter_map(|run| run.get("id")?.as_str().map(str::to_owned)).collect()
}

const fn none(reason: String) -> Ran {
    Ran { runs: Vec::new(), reason: Some(reason), underway: false }
}

fn underway(reason: &str) -> Ran {
    Ran { underway: true, ..none(reason.to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;
    use tokio::sync::Notify;

    use super::*;
    use crate::flow::model::Document;
    use crate::flow_host::registry::Draft;
    use crate::flow_host::{Ask, Invoke, Settings};
    use crate::store::sqlite::Sqlite;

    const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);

    /// A host whose Salesforce notes the keys of writes, and does not answer the first.
    fn host() -> (Host, Arc<Mutex<Vec<Value>>>, Arc<Notify>) {
        let keys: Arc<Mutex<Vec<Value>>> = Arc::default();
        let called = Arc::new(Notify::new());
        let (noted, calls) = (keys.clone(), called.clone());
        let salesforce: Invoke = Arc::new(move |asked| {
            let (noted, calls) = (noted.clone(), calls.clone());
            Box::pin(async move {
                let Ask::Event(event) = asked else { panic!("nothing here asks for Apex") };
                let first = {
                    let mut keys = noted.lock().unwrap();
                    keys.push(event["Details"]["Parameters"]["tl_key"].clone());
                    keys.len() == 1
                };
                calls.notify_one();
                if first {
                    std::future::pending::<()>().await;
                }
                Ok(json!({"Id": "00T000000000001AAA"}))
            })
        });
        let table = Sqlite::in_memory().unwrap().table("state");
        (Host::new(Settings::default(), table, Some(salesforce), None), keys, called)
    }

    async fn active(host: &Host, event: &str) {
        let text = r#"{"actions":[{"id":"uid-0","type":"SE_Start","meta":{},"controls":{},"ports":{"done":"uid-1"},"position":[0,0]},{"id":"uid-1","type":"SE_SFCreateTask","meta":{},"controls":{"subject1":"Call"},"ports":{"success":"uid-2","failure":"uid-2"},"position":[0,0]},{"id":"uid-2","type":"SE_End","meta":{},"controls":{},"ports":{},"position":[0,0]}]}"#;
        let draft = Draft {
            name: Some("Task".to_owned()),
            source: Some("voiceContact".to_owned()),
            event: Some(event.to_owned()),
            document: Some(Document::parse(text).unwrap()),
            ..Draft::default()
        };
        let flow = host.create_flow(draft, "ada", NOW).await.unwrap();
        host.activate(&flow.summary.id, None, "ada", NOW).await.unwrap();
    }

    fn event(id: &str, name: &str) -> Event {
        Event {
            id: Some(id.to_owned()),
            source: "voiceContact".to_owned(),
            name: name.to_owned(),
            contact: json!({"contactId": "c-1"}),
            ..Event::default()
        }
    }

    #[tokio::test]
    async fn an_event_whose_process_died_runs_again_under_the_same_key() {
        let (host, keys, called) = host();
        active(&host, "onConnected").await;
        let deliver = |now| host.event(event("e-1", "onConnected"), Mode::Unattended, now);
        tokio::select! {
            ran = deliver(NOW) => panic!("Salesforce does not answer, and yet: {ran:?}"),
            () = called.notified() => {}
        }
        let early = deliver(NOW).await.unwrap();
        assert!(early.underway && early.runs.is_empty(), "somebody may still be at it");
        let later = NOW.plus(AT_IT);
        let ran = deliver(later).await.unwrap();
        assert_eq!(ran.runs[0]["status"], "completed", "{ran:?}");
        let asked = keys.lock().unwrap().clone();
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[0], asked[1], "the write is the same write");
        let again = deliver(later).await.unwrap();
        assert_eq!(again.runs[0]["id"], ran.runs[0]["id"]);
        assert_eq!(keys.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_refresh_beside_a_refresh_is_folded_for_a_browser_and_comes_again_from_a_queue() {
        let (host, keys, called) = host();
        active(&host, "onRefresh").await;
        let refresh = |id: &'static str, mode, now| host.event(event(id, "onRefresh"), mode, now);
        let first = refresh("e-1", Mode::Unattended, NOW);
        futures::pin_mut!(first);
        tokio::select! {
            ran = &mut first => panic!("Salesforce does not answer, and yet: {ran:?}"),
            () = called.notified() => {}
        }
        let browser = refresh("e-2", Mode::Live, NOW).await.unwrap();
        assert!(browser.runs.is_empty() && !browser.underway, "{browser:?}");
        let queue = refresh("e-3", Mode::Unattended, NOW).await.unwrap();
        assert!(queue.runs.is_empty() && queue.underway, "{queue:?}");
        assert_eq!(keys.lock().unwrap().len(), 1);
        let later = refresh("e-3", Mode::Unattended, NOW.plus(AT_IT)).await.unwrap();
        assert_eq!(later.runs.len(), 1, "{later:?}");
    }
}
