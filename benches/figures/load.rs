//! A call centre that calls: `tieline local` under the traffic of live contacts.
//!
//! Its law ([`Law`]): contacts arrive by a Poisson process of `calls_per_hour`, three times as often
//! during the burst. A contact is by a returning caller with probability `returning` (of those,
//! recent callers more often: the index into the list of past callers is squared), else by the next
//! caller of the sample company. Each asks by phone number, looks at the open cases of whom it found
//! (twice: menus ask again), half of them open a case, a third of those update it by its ticket and
//! post on it. One contact in eight is transferred and asks by phone number once more. During the
//! outage Salesforce answers 503; a contact whose lookup fails then goes on as one whom nobody knows,
//! as a flow's error branch does. The seed decides all.
//!
//! The cost is counted at AWS's list prices of us-east-1 from what this run did: each call one
//! request of Lambda and its time at 256 MB, each call of the worker too; the requests to SQS and
//! DynamoDB by the number of each that a read, a miss and a write make (`PRICES`).

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    Environment,
    local::{Local, calls},
    table::{Table, ms, percentile},
};

/// The traffic.
struct Law {
    contacts: usize,
    calls_per_hour: f64,
    /// The share of contacts by somebody who called before.
    returning: f64,
    /// Seconds of the run in which contacts come three times as often.
    burst: std::ops::Range<f64>,
    /// Seconds of the run in which Salesforce is down.
    outage: std::ops::Range<u32>,
}

/// A centre of 60,000 calls an hour for a minute of its life.
const LAW: Law =
    Law { contacts: 1_000, calls_per_hour: 60_000.0, returning: 0.45, burst: 10.0..15.0, outage: 30..36 };

/// Dollars a million, us-east-1: Lambda requests, gigabyte-seconds (arm64), SQS FIFO requests,
/// DynamoDB read and write units on demand.
const PRICES: Prices =
    Prices { request: 0.20, gigabyte_second: 13.333_4, sqs: 0.50, read: 0.125, write: 0.625 };

struct Prices {
    request: f64,
    gigabyte_second: f64,
    sqs: f64,
    read: f64,
    write: f64,
}

/// SplitMix64: enough chance for traffic, the same on every machine.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What all contacts did together.
#[derive(Default)]
struct Sums {
    times: BTreeMap<&'static str, Vec<Duration>>,
    writes: u64,
    /// From acceptance to outcome.
    settled: Vec<Duration>,
    /// Calls that got an error, during the outage and otherwise.
    errors: [u64; 2],
}

/// Runs the traffic and adds its figures.
pub async fn measure(table: &mut Table, _: &Environment) -> anyhow::Result<()> {
    let outage =
        format!("status=503,path=/services/data,from={}s,until={}s", LAW.outage.start, LAW.outage.end);
    let local = Local::start(&["--fault", "latency=120ms,jitter=60ms", "--fault", &outage]).await?;
    let began = Instant::now();
    let callers = callers(&local.org).await?;
    let before = calls(&local.org).await?;
    let mut tasks = JoinSet::new();
    let (mut chance, mut past, mut fresh) = (Chance(11), Vec::new(), 0);
    let url = format!("{}/2015-03-31/functions/sfInvokeAPI/invocations", local.invoke);
    let line = Line { client: reqwest::Client::new(), url };
    for n in 0..LAW.contacts {
        let caller = if !past.is_empty() && chance.next() < LAW.returning {
            let back = (chance.next().powi(2) * past.len() as f64) as usize;
            past[past.len() - 1 - back.min(past.len() - 1)]
        } else {
            fresh += 1;
            (fresh - 1) % callers.len()
        };
        past.push(caller);
        let contact = Contact {
            line: line.clone(),
            began,
            id: format!("00000000-0000-4000-8000-{n:012}"),
            phone: callers[caller].clone(),
            opens: chance.next() < 0.5,
            goes_on: chance.next() < 0.33,
            transferred: chance.next() < 0.125,
            sums: Sums::default(),
            open: JoinSet::new(),
        };
        tasks.spawn(contact.call());
        let often = if LAW.burst.contains(&began.elapsed().as_secs_f64()) { 3.0 } else { 1.0 };
        let gap = -(1.0 - chance.next()).ln() * 3_600.0 / LAW.calls_per_hour / often;
        tokio::time::sleep(Duration::from_secs_f64(gap)).await;
    }
    let mut sums = Sums::default();
    while let Some(done) = tasks.join_next().await {
        let done = done??;
        for (operation, took) in done.times {
            sums.times.entry(operation).or_default().extend(took);
        }
        sums.writes += done.writes;
        sums.settled.extend(done.settled);
        sums.errors = [0, 1].map(|i| sums.errors[i] + done.errors[i]);
    }
    let spent = calls(&local.org).await? - before;
    let carried = carried(&local.invoke).await?;
    tell(table, sums, spent, carried, began.elapsed());
    Ok(())
}

fn tell(table: &mut Table, mut sums: Sums, spent: u64, (records, sent): (f64, f64), took: Duration) {
    let answered = sums.times.values().map(Vec::len).sum::<usize>() as f64;
    let spent = spent as f64;
    let writes = sums.writes as f64;
    table.add("load: contacts", LAW.contacts as f64, "");
    table.add("load: calls answered", answered, "");
    table.add("load: calls answered a second", answered / took.as_secs_f64(), "1/s");
    table.at_most("load: errors while Salesforce is up", sums.errors[0] as f64, "calls", 0.0);
    table.add("load: errors in the outage", sums.errors[1] as f64, "calls");
    // Upstream makes one call for each of them.
    table.at_most("load: API calls per 1,000 calls answered", spent * 1_000.0 / answered, "calls", 400.0);
    table.add("load: writes", writes, "");
    table.add("load: writes per API call", records / sent.max(1.0), "");
    table.add("load: accept to outcome, p50", ms(percentile(&mut sums.settled, 0.5)), "ms");
    table.add("load: accept to outcome, p99", ms(percentile(&mut sums.settled, 0.99)), "ms");
    table.add("load: oldest age of a write", ms(percentile(&mut sums.settled, 1.0)), "ms");
    let busy: f64 = sums.times.values().flatten().map(Duration::as_secs_f64).sum();
    for (operation, mut took) in sums.times {
        table.add(&format!("load: {operation}, p50"), ms(percentile(&mut took, 0.5)), "ms");
        table.add(&format!("load: {operation}, p99"), ms(percentile(&mut took, 0.99)), "ms");
    }
    // A read asks the cache and the contact's outcomes; a miss also takes a lease, keeps the answer and
    // gives the lease back; a write is four units and 1.3 requests at load.
    let reads = answered - writes;
    let misses = (spent - sent).max(0.0);
    let dollars = (answered + sent) * PRICES.request
        + (busy + sent * 0.3) * 0.25 * PRICES.gigabyte_second
        + writes * (1.3 * PRICES.sqs + 4.0 * PRICES.write)
        + reads * 2.0 * PRICES.read
        + misses * 3.0 * PRICES.write;
    // So many dollars a million of each, for so many contacts: that is dollars a million contacts.
    table.add("load: AWS's price of a million contacts", dollars / LAW.contacts as f64, "$");
}

/// Phone numbers of the sample company's people, as the org gives them.
async fn callers(org: &str) -> anyhow::Result<Vec<String>> {
    let client = reqwest::Client::new();
    let form = [("grant_type", "client_credentials"), ("client_id", "bench"), ("client_secret", "bench")];
    let token: Value =
        client.post(format!("{org}/services/oauth2/token")).form(&form).send().await?.json().await?;
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

/// Records that the worker carried, and the calls that they took, as `/metrics` tells.
async fn carried(invoke: &str) -> anyhow::Result<(f64, f64)> {
    let text = reqwest::get(format!("{invoke}/metrics")).await?.text().await?;
    let of = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.trim().parse().ok())
            .ok_or_else(|| anyhow::anyhow!("/metrics tells no {name}"))
    };
    Ok((of("tieline_RecordsPerCall_sum")?, of("tieline_RecordsPerCall_count")?))
}

/// The way to the function.
#[derive(Clone)]
struct Line {
    client: reqwest::Client,
    url: String,
}

impl Line {
    /// One call: whether it raised an error, and what it replied.
    async fn send(&self, call: &str, contact: &str, mut asked: Value) -> anyhow::Result<(bool, Value)> {
        asked["sf_operation"] = call.into();
        let event = json!({"Details": {
            "ContactData": {"ContactId": contact, "InitialContactId": initial(contact), "Channel": "VOICE"},
            "Parameters": asked,
        }});
        let response = self.client.post(&self.url).json(&event).send().await?;
        let error = response.headers().contains_key("x-amz-function-error");
        Ok((error, response.json().await?))
    }

    /// Waits for the outcome of a write; tells how long it took from then.
    async fn settled(self, contact: String, id: Value, since: Instant) -> anyhow::Result<Duration> {
        loop {
            let asked = json!({"tl_id": id, "tl_wait_ms": 2_000});
            let outcome = self.send("outcome", &contact, asked).await?.1;
            if outcome["tl_done"] == true || outcome["tl_done"] == "true" {
                return Ok(since.elapsed());
            }
            anyhow::ensure!(since.elapsed() < Duration::from_secs(60), "no outcome: {outcome}");
        }
    }
}

/// A transfer gets a contact of its own in the chain of the first.
fn transferred(contact: &str) -> String {
    format!("1{}", &contact[1..])
}

fn initial(contact: &str) -> String {
    format!("0{}", &contact[1..])
}

struct Contact {
    line: Line,
    /// When the traffic began.
    began: Instant,
    id: String,
    phone: String,
    opens: bool,
    goes_on: bool,
    transferred: bool,
    sums: Sums,
    /// Writes whose outcome is waited for, beside the contact.
    open: JoinSet<anyhow::Result<Duration>>,
}

impl Contact {
    async fn call(mut self) -> anyhow::Result<Sums> {
        let id = self.id.clone();
        let found = self.look_up(&id).await?;
        let who = found["Id"].as_str().unwrap_or_default().to_owned();
        let cases = json!({
            "query": "SELECT Id, CaseNumber, Subject FROM Case WHERE ContactId = 'who' AND IsClosed = false LIMIT 5",
            "who": who,
        });
        for _ in 0..2 {
            self.ask("query", &id, cases.clone()).await?;
        }
        if self.opens {
            let case = json!({"sf_object": "Case", "Subject": "Call", "Origin": "Phone", "ContactId": who});
            let case = self.write("create", case).await?;
            if self.goes_on && !case.is_null() {
                let more = json!({"sf_object": "Case", "sf_id": case, "Priority": "High"});
                self.write("update", more).await?;
                let post = json!({
                    "sf_feedElementType": "FeedItem", "sf_subjectId": case, "sf_messageType": "Text",
                    "sf_message": "Called, and waits for an answer.",
                });
                self.write("createChatterPost", post).await?;
            }
        }
        if self.transferred {
            self.look_up(&transferred(&id)).await?;
        }
        while let Some(settled) = self.open.join_next().await {
            self.sums.settled.push(settled??);
        }
        Ok(self.sums)
    }

    async fn look_up(&mut self, contact: &str) -> anyhow::Result<Value> {
        let phone = self.phone.clone();
        self.ask("phoneLookup", contact, json!({"sf_phone": phone, "sf_fields": "Id, Name"})).await
    }

    /// A write; gives the name by which later ones may call its record.
    async fn write(&mut self, operation: &'static str, parameters: Value) -> anyhow::Result<Value> {
        let (id, since) = (self.id.clone(), Instant::now());
        let reply = self.ask(operation, &id, parameters).await?;
        self.sums.writes += 1;
        match reply["tl_status"].as_str() {
            Some("queued") => {
                self.open.spawn(self.line.clone().settled(id, reply["tl_id"].clone(), since));
            }
            _ => self.sums.settled.push(since.elapsed()),
        }
        Ok(reply["tl_id"].clone())
    }

    /// One call, timed. After an error nothing is known, as on a flow's error branch.
    async fn ask(&mut self, call: &'static str, contact: &str, asked: Value) -> anyhow::Result<Value> {
        let since = Instant::now();
        let (error, reply) = self.line.send(call, contact, asked).await?;
        self.sums.times.entry(call).or_default().push(since.elapsed());
        if !error {
            return Ok(reply);
        }
        // The breaker may hold for half a minute after the outage.
        let shadow = f64::from(LAW.outage.start)..f64::from(LAW.outage.end) + 30.0;
        let down = shadow.contains(&since.duration_since(self.began).as_secs_f64());
        self.sums.errors[usize::from(down)] += 1;
        if !down {
            eprintln!("{call}: {reply}");
        }
        Ok(Value::Null)
    }
}
