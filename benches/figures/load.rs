//! A call centre that calls: `tieline local` under the traffic of live contacts.
//!
//! Its law: contacts arrive by a Poisson process of `calls_per_hour`, compressed in time by
//! `speed`. A contact is by a returning caller with probability 0.45 (of those, recent callers more
//! often: the index into the list of past callers is squared), else by the next caller of the sample
//! company. Each asks by phone number, looks at the open cases of whom it found (twice: menus ask
//! again), half of them open a case, a third of those update it by its ticket and post on it.
//! One contact in eight is transferred and asks by phone number once more. The seed decides all.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    Environment,
    local::{Local, calls},
    table::{Table, ms, percentile},
};

/// SplitMix64: enough chance for traffic, the same on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The traffic of `make bench`: a centre of 60,000 calls an hour for a minute of its life, in a
/// minute of ours.
pub async fn measure(table: &mut Table, _: &Environment) -> anyhow::Result<()> {
    let local = Local::start(&["--fault", "latency=120ms,jitter=60ms"]).await?;
    let load = Load {
        invoke: local.invoke.clone(),
        org: local.org.clone(),
        contacts: 1_000,
        calls_per_hour: 60_000.0,
        speed: 1.0,
        callers: callers(&local.org).await?,
    };
    load.run(table).await
}

/// Phone numbers of the sample company's people, as the org gives them.
async fn callers(org: &str) -> anyhow::Result<Vec<String>> {
    let client = reqwest::Client::new();
    let token: Value = client
        .post(format!("{org}/services/oauth2/token"))
        .form(&[("grant_type", "client_credentials"), ("client_id", "bench"), ("client_secret", "bench")])
        .send()
        .await?
        .json()
        .await?;
    let found: Value = client
        .get(format!("{org}/services/data/v66.0/query"))
        .query(&[("q", "SELECT Phone FROM Contact WHERE Phone LIKE '+%' ORDER BY Id")])
        .bearer_auth(token["access_token"].as_str().unwrap_or_default())
        .send()
        .await?
        .json()
        .await?;
    let phones: Vec<String> = found["records"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|r| r["Phone"].as_str())
        .map(|p| p.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect())
        .collect();
    anyhow::ensure!(!phones.is_empty(), "the org knows nobody by an international number: {found}");
    Ok(phones)
}

/// What a run sends and to whom.
pub struct Load {
    /// `http://127.0.0.1:port` of the invoke endpoint.
    pub invoke: String,
    /// `http://127.0.0.1:port` of the simulated org, whose call counter is read.
    pub org: String,
    /// Contacts.
    pub contacts: usize,
    /// Contacts an hour.
    pub calls_per_hour: f64,
    /// How much faster than life.
    pub speed: f64,
    /// Phone numbers of people whom the org knows.
    pub callers: Vec<String>,
}

/// Latencies by operation.
type Times = BTreeMap<&'static str, Vec<Duration>>;

impl Load {
    /// Runs it and adds its figures.
    pub async fn run(&self, table: &mut Table) -> anyhow::Result<()> {
        let client = reqwest::Client::new();
        let before = calls(&self.org).await?;
        let mut chance = Chance(11);
        let mut past: Vec<usize> = Vec::new();
        let mut fresh = 0;
        let mut tasks = tokio::task::JoinSet::new();
        let began = Instant::now();
        for n in 0..self.contacts {
            let caller = if !past.is_empty() && chance.next() < 0.45 {
                let back = (chance.next().powi(2) * past.len() as f64) as usize;
                past[past.len() - 1 - back.min(past.len() - 1)]
            } else {
                fresh += 1;
                (fresh - 1) % self.callers.len()
            };
            past.push(caller);
            let contact = Contact {
                client: client.clone(),
                url: format!("{}/2015-03-31/functions/sfInvokeAPI/invocations", self.invoke),
                id: format!("00000000-0000-4000-8000-{n:012}"),
                phone: self.callers[caller].clone(),
                opens: chance.next() < 0.5,
                goes_on: chance.next() < 0.33,
                transferred: chance.next() < 0.125,
                times: Times::new(),
                operations: 0,
                writes: 0,
            };
            tasks.spawn(contact.call());
            let gap = -(1.0 - chance.next()).ln() * 3_600.0 / self.calls_per_hour / self.speed;
            tokio::time::sleep(Duration::from_secs_f64(gap)).await;
        }
        let mut times = Times::new();
        let (mut operations, mut writes, mut failed) = (0, 0, 0);
        while let Some(done) = tasks.join_next().await {
            match done? {
                Ok(contact) => {
                    operations += contact.operations;
                    writes += contact.writes;
                    for (operation, took) in contact.times {
                        times.entry(operation).or_default().extend(took);
                    }
                }
                Err(error) => {
                    failed += 1;
                    eprintln!("a contact failed: {error:#}");
                }
            }
        }
        let took = began.elapsed();
        let spent = calls(&self.org).await? - before;
        table.add("load: contacts", self.contacts as f64, "");
        table.add("load: calls answered", operations as f64, "");
        table.at_most("load: contacts with an error", f64::from(failed), "", 0.0);
        table.add("load: calls answered a second", operations as f64 / took.as_secs_f64(), "1/s");
        table.at_most(
            "load: API calls per 1,000 calls answered",
            spent as f64 * 1_000.0 / operations as f64,
            "calls",
            400.0,
        );
        table.add("load: writes", writes as f64, "");
        for (operation, mut took) in times {
            table.add(&format!("load: {operation} p50"), ms(percentile(&mut took, 0.5)), "ms");
            table.add(&format!("load: {operation} p99"), ms(percentile(&mut took, 0.99)), "ms");
        }
        Ok(())
    }
}

struct Contact {
    client: reqwest::Client,
    url: String,
    id: String,
    phone: String,
    opens: bool,
    goes_on: bool,
    transferred: bool,
    times: Times,
    operations: u64,
    writes: u64,
}

impl Contact {
    async fn call(mut self) -> anyhow::Result<Self> {
        let id = self.id.clone();
        let found = self.look_up(&id).await?;
        let who = found["Id"].as_str().unwrap_or_default().to_owned();
        for _ in 0..2 {
            self.ask("query", &id, json!({
                "query": "SELECT Id, CaseNumber, Subject FROM Case WHERE ContactId = 'who' AND IsClosed = false LIMIT 5",
                "who": who,
            })).await?;
        }
        if self.opens {
            self.writes += 1;
            let case = self
                .ask(
                    "create",
                    &id,
                    json!({
                        "sf_object": "Case", "Subject": "Call", "Origin": "Phone", "ContactId": who,
                    }),
                )
                .await?;
            if self.goes_on {
                self.writes += 2;
                self.ask(
                    "update",
                    &id,
                    json!({"sf_object": "Case", "sf_id": case["Id"], "Priority": "High"}),
                )
                .await?;
                self.ask("createChatterPost", &id, json!({
                    "sf_feedElementType": "FeedItem", "sf_subjectId": case["Id"], "sf_messageType": "Text",
                    "sf_message": "Called, and waits for an answer.",
                })).await?;
            }
        }
        if self.transferred {
            let link = format!("1{}", &id[1..]);
            self.look_up(&link).await?;
        }
        Ok(self)
    }

    async fn look_up(&mut self, contact: &str) -> anyhow::Result<Value> {
        let phone = self.phone.clone();
        self.ask("phoneLookup", contact, json!({"sf_phone": phone, "sf_fields": "Id, Name"})).await
    }

    async fn ask(
        &mut self,
        operation: &'static str,
        contact: &str,
        mut parameters: Value,
    ) -> anyhow::Result<Value> {
        parameters["sf_operation"] = operation.into();
        let event = json!({"Details": {
            "ContactData": {"ContactId": contact, "InitialContactId": self.id, "Channel": "VOICE"},
            "Parameters": parameters,
        }});
        let began = Instant::now();
        let response = self.client.post(&self.url).json(&event).send().await?;
        let error = response.headers().contains_key("x-amz-function-error");
        let reply: Value = response.json().await?;
        self.times.entry(operation).or_default().push(began.elapsed());
        self.operations += 1;
        anyhow::ensure!(!error, "{operation}: {reply}");
        Ok(reply)
    }
}
