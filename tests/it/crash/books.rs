//! What flows ask for and are told, and the comparison with what the org has done.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tieline::org::{self, Org};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// In every record that is written, and nowhere in any log (I9).
const CANARY: &str = "canary-4711";

/// What goes wrong in the org while processes die.
const FAULTS: &str = "latency=20ms,jitter=120ms
cut=after,method=POST,path=/composite,share=0.08
cut=after,method=PATCH,share=0.08
cut=before,share=0.04,path=/services/data
late=12s,method=POST,path=/composite,share=0.03
status=503,path=/services/data,share=0.03
session,path=/services/data,share=0.01
lock,share=0.08";

/// What a long run adds: whoever is refused after doubt is verified first, and that takes ten minutes.
const HARSH: &str = "record=FIELD_CUSTOM_VALIDATION_EXCEPTION,object=Task,share=0.04
late=300s,method=POST,path=/composite,share=0.01";

/// A write that a flow was told to be accepted.
#[derive(Clone, Debug)]
struct Accepted {
    contact: String,
    id: String,
    /// `case`, `task` or `update`.
    kind: &'static str,
    /// What was told of it last.
    told: Option<Value>,
}

impl Accepted {
    /// The outcome, once it is told.
    fn outcome(&self) -> Option<&Value> {
        self.told.as_ref().filter(|told| told["tl_done"] == "true")
    }
}

/// The org, and what the flows were told.
pub(super) struct Books {
    pub(super) org: String,
    simulated: Org,
    accepted: Arc<Mutex<Vec<Accepted>>>,
    calm: watch::Sender<bool>,
    serving: JoinHandle<()>,
    pub(super) directory: tempfile::TempDir,
}

impl Drop for Books {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Books {
    /// Opens an org in which much goes wrong.
    pub(super) async fn open(seed: u64, harsh: bool) -> Self {
        let settings = org::Settings { sample: false, seed, ..org::Settings::default() };
        let simulated = Org::new(settings, tieline::clock::now()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let org = format!("http://{}", listener.local_addr().unwrap());
        let served = simulated.clone();
        let serving =
            tokio::spawn(async move { org::serve(served, listener, std::future::pending()).await.unwrap() });
        let directory = tempfile::tempdir().unwrap();
        let secret = json!({"ConsumerKey": "k", "ConsumerSecret": "s"}).to_string();
        std::fs::write(directory.path().join("secret.json"), secret).unwrap();
        let (calm, _) = watch::channel(false);
        let books = Self { org, simulated, accepted: Arc::default(), calm, serving, directory };
        books.admin(org::wire::Method::Post, "/_org/faults", FAULTS);
        if harsh {
            books.admin(org::wire::Method::Post, "/_org/faults", HARSH);
        }
        books
    }

    /// The variables of every process.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let secret = self.directory.path().join("secret.json").display().to_string();
        [
            ("SF_HOST", self.org.as_str()),
            ("SF_VERSION", "v66.0"),
            ("TIELINE_SECRET_FILE", &secret),
            ("TIELINE_UNIQUE_FIELDS", "Case=WriteKey__c,Task=WriteKey__c"),
            ("LOGGING_LEVEL", "DEBUG"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn admin(&self, method: org::wire::Method, target: &str, body: &str) -> Value {
        let request = org::wire::Request {
            method,
            target: target.to_owned(),
            headers: Vec::new(),
            body: body.to_owned().into(),
        };
        match self.simulated.handle(&request, tieline::clock::now()).reply {
            org::wire::Reply::Response(response) => {
                serde_json::from_slice(&response.body).unwrap_or_default()
            }
            org::wire::Reply::Cut { .. } => panic!("admin paths are not cut"),
        }
    }

    /// Flows that call again and again, as Amazon Connect does, wherever `address` leads just now.
    pub(super) fn flows(&self, address: watch::Receiver<String>, lines: usize) -> JoinSet<()> {
        let mut flows = JoinSet::new();
        for line in 0..lines {
            let caller = Caller {
                http: reqwest::Client::builder().timeout(Duration::from_secs(9)).build().unwrap(),
                address: address.clone(),
                accepted: Arc::clone(&self.accepted),
                calm: self.calm.subscribe(),
            };
            flows.spawn(async move {
                let mut number = 0;
                while !*caller.calm.borrow() {
                    caller.contact(&format!("contact-{line}-{number}")).await;
                    number += 1;
                }
                caller.ask_for_outcomes(line).await;
            });
        }
        flows
    }

    /// Ends the trouble: no faults, no new contacts.
    pub(super) fn calm(&self) {
        self.admin(org::wire::Method::Delete, "/_org/faults", "");
        self.calm.send_replace(true);
    }

    /// Waits until every flow knows what became of its writes.
    pub(super) async fn settled(&self, flows: JoinSet<()>, patience: Duration) -> String {
        let waited = tokio::time::timeout(patience, flows.join_all()).await;
        let accepted = self.accepted.lock().unwrap();
        let settled = accepted.iter().filter(|one| one.outcome().is_some()).count();
        if waited.is_err() {
            let open: Vec<_> = accepted.iter().filter(|one| one.outcome().is_none()).collect();
            panic!(
                "{settled} of {} settled after {patience:?} of calm; not these: {open:#?}",
                accepted.len()
            );
        }
        let dead = accepted.iter().filter(|one| status(one) != "succeeded").count();
        format!("{} writes accepted, {} succeeded, {dead} dead", accepted.len(), settled - dead)
    }

    /// Compares. Everything that is untrue is told at once.
    pub(super) fn check(&self, logs: &str) {
        let Value::Array(effects) = self.admin(org::wire::Method::Get, "/_org/journal", "") else {
            panic!("the journal cannot be read")
        };
        let accepted = self.accepted.lock().unwrap();
        let (mut lost, mut doubled, mut unordered, mut untrue, mut unknowable) = (0, 0, 0, 0, 0);
        let mut story = String::new();
        let mut cases: HashMap<&str, String> = HashMap::new();
        let mut last: HashMap<&str, u64> = HashMap::new();
        let mut made: HashMap<String, Vec<&Value>> = HashMap::new();
        for effect in &effects {
            let of =
                if effect["verb"] == "update" { short(&text(effect, "id")) } else { text(effect, "key") };
            made.entry(of).or_default().push(effect);
        }
        for one in accepted.iter() {
            let record = one.outcome().map(|o| text(o, "Id")).unwrap_or_default();
            if one.kind == "case" {
                cases.insert(&one.contact, record.clone());
            }
            let of = match one.kind {
                "update" => cases.get(one.contact.as_str()).map(|case| short(case)).unwrap_or_default(),
                _ => one.id.clone(),
            };
            let found = made.get(&of).cloned().unwrap_or_default();
            let succeeded = status(one) == "succeeded";
            // Dead, and told as one of which nobody can know: true whether it took effect or not.
            let doubtful = matches!(code(one).as_str(), "IN_DOUBT" | "AMBIGUOUS");
            unknowable += usize::from(doubtful);
            let mut wrong = |count: &mut usize, what: &str| {
                *count += 1;
                writeln!(story, "{what}: {one:?}, effects {found:?}").unwrap();
            };
            if one.outcome().is_none() {
                wrong(&mut lost, "lost");
            } else if succeeded == found.is_empty() && !doubtful {
                wrong(&mut untrue, "untrue");
            } else if one.kind != "update" && found.len() > 1 {
                wrong(&mut doubled, "doubled");
            } else if succeeded && short(&text(found[0], "id")) != short(&record) {
                wrong(&mut untrue, "told another Id");
            }
            if let Some(first) = found.first().and_then(|effect| effect["seq"].as_u64()) {
                let before = last.insert(&one.contact, first);
                if before.is_some_and(|before| before > first) {
                    wrong(&mut unordered, "out of order");
                }
            }
        }
        let leaked = logs.lines().filter(|line| line.contains(CANARY)).count();
        println!(
            "{} writes: lost {lost}, doubled {doubled}, out of order {unordered}, untrue {untrue}; \
             {unknowable} told to be unknowable; {} lines of logs, {leaked} with a field's value",
            accepted.len(),
            logs.lines().count()
        );
        assert!(lost + doubled + unordered + untrue + leaked == 0, "{story}");
        assert!(unknowable * 50 <= accepted.len(), "{unknowable} of {} are left to people", accepted.len());
        assert!(
            accepted.iter().filter(|one| status(one) == "succeeded").count() > 20,
            "hardly anything worked"
        );
    }
}

/// One line of calls.
struct Caller {
    http: reqwest::Client,
    address: watch::Receiver<String>,
    accepted: Arc<Mutex<Vec<Accepted>>>,
    calm: watch::Receiver<bool>,
}

impl Caller {
    /// A contact: a case, a task to it, a change of it, another task.
    async fn contact(&self, contact: &str) {
        let fields = json!({"sf_object": "Case", "Subject": contact, "Description": CANARY});
        if !self.write(contact, "case", "create", "1", Some("case"), fields).await {
            return;
        }
        let task = |n: u32| {
            json!({"sf_object": "Task", "Subject": format!("{contact} {n}"), "WhatId": "@{case.Id}",
                   "Description": CANARY})
        };
        let update = json!({"sf_object": "Case", "sf_id": "@{case.Id}", "Subject": format!("{contact} v2"),
                            "Description": CANARY});
        let _all = self.write(contact, "task", "create", "2", None, task(2)).await
            && self.write(contact, "update", "update", "3", None, update).await
            && self.write(contact, "task", "create", "4", None, task(4)).await;
    }

    /// Calls until the write is accepted; `false` where it is refused for good, or calm comes first.
    async fn write(
        &self,
        contact: &str,
        kind: &'static str,
        operation: &str,
        key: &str,
        name: Option<&str>,
        mut parameters: Value,
    ) -> bool {
        parameters["sf_operation"] = operation.into();
        parameters["tl_key"] = key.into();
        parameters["tl_mode"] = if key == "3" { "wait" } else { "queue" }.into();
        parameters["tl_wait_ms"] = "300".into();
        parameters["tl_on_error"] = "reply".into();
        if let Some(name) = name {
            parameters["tl_ref"] = name.into();
        }
        while !*self.calm.borrow() {
            let reply = self.call(contact, &parameters).await;
            match reply.as_ref().and_then(|reply| reply["tl_id"].as_str()) {
                Some(id) => {
                    let one = Accepted { contact: contact.to_owned(), id: id.to_owned(), kind, told: None };
                    self.accepted.lock().unwrap().push(one);
                    return true;
                }
                None => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
        false
    }

    async fn call(&self, contact: &str, parameters: &Value) -> Option<Value> {
        let event = json!({"Details": {
            "ContactData": {"ContactId": contact, "InitialContactId": contact},
            "Parameters": parameters,
        }, "Name": "ContactFlowEvent"});
        let address = self.address.borrow().clone();
        let url = format!("{address}/2015-03-31/functions/sfInvokeAPI/invocations");
        let answer = self.http.post(url).json(&event).send().await.ok()?;
        if answer.headers().contains_key("x-amz-function-error") {
            return None;
        }
        answer.json().await.ok()
    }

    async fn ask_for_outcomes(&self, line: usize) {
        let ours = format!("contact-{line}-");
        loop {
            let open: Vec<(usize, Accepted)> = {
                let accepted = self.accepted.lock().unwrap();
                let of_line = accepted.iter().enumerate();
                let of_line = of_line.filter(|(_, o)| o.outcome().is_none() && o.contact.starts_with(&ours));
                of_line.map(|(n, one)| (n, one.clone())).collect()
            };
            if open.is_empty() {
                return;
            }
            for (n, one) in open {
                let asked = json!({"sf_operation": "outcome", "tl_id": one.id});
                let reply = self.call(&one.contact, &asked).await.unwrap_or_default();
                let open = reply["tl_done"] != "true";
                self.accepted.lock().unwrap()[n].told = Some(reply);
                if open {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }
}

/// The part of an Id in which its spellings agree: errors of Salesforce name its first 15 characters.
fn short(id: &str) -> String {
    id.chars().take(15).collect()
}

fn status(one: &Accepted) -> String {
    one.outcome().map(|outcome| text(outcome, "tl_status")).unwrap_or_default()
}

fn code(one: &Accepted) -> String {
    one.outcome().map(|outcome| text(outcome, "tl_error_code")).unwrap_or_default()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
