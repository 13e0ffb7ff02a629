//! The write path: what it spends, how fast it drains, how long a write takes to its outcome.
//!
//! In this process, as `tieline local` wires it: the invoke side and the worker over SQLite on the
//! disk, and the simulated org over HTTP on loopback with 300 ms a call. Where an org would be the
//! bottleneck, or would grow by what it is told, it is one that says yes at once and keeps nothing.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value, json};
use tieline::{
    clock,
    config::Config,
    dispatch::{Action, Brain, Job, Reply, Report, Settings, Settled},
    envelope::{Envelope, VERSION, WriteId},
    event::Write,
    lambda::{Service, Stores},
    org::{self, Org},
    outcome::{
        Effect, Outcome,
        rows::{OUTCOMES, partition},
    },
    salesforce::{
        Http,
        wire::{Cut, Exchange, Request, Response},
    },
    store::{
        AddError, Depth, Expect, Handle, Key, Leased, Message, PutError, Queue, Row, StoreError, Table,
        sqlite::{CACHE, STATE, Sqlite, WRITES},
    },
    time::Timestamp,
    worker::Worker,
};
use tokio::net::TcpListener;

use crate::{
    Environment, local,
    table::{Table as Figures, ms, percentile},
};

pub async fn measure(figures: &mut Figures, _: &Environment) -> anyhow::Result<()> {
    backlog(figures).await?;
    mixed(figures).await?;
    accept(figures).await?;
    drain(figures).await?;
    memory(figures).await?;
    brain(figures);
    Ok(())
}

/// 1,000 creates with a unique field, of 1,000 contacts, waiting; with what AWS would bill for them.
async fn backlog(figures: &mut Figures) -> anyhow::Result<()> {
    for (how, keyed, aim) in [("with tl_key", true, 3.0), ("without tl_key", false, 4.0)] {
        let org = salesforce("latency=300ms").await?;
        let line = Line::new(&org, Arc::new(Http), &[])?;
        line.accept(1_000, |n| create(n, keyed)).await?;
        let before = local::calls(&org).await?;
        let took = line.drain().await?;
        let calls = local::calls(&org).await? - before;
        let billed = &line.billed;
        let per_write = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64 / 1_000.0;
        if keyed {
            figures.at_most("writes: calls for 1,000 creates that wait", calls as f64, "calls", 5.0);
            figures.add("writes: until these are recorded", ms(took), "ms");
            figures.at_most(
                "writes: SQS requests a write, 1,000 waiting",
                per_write(&billed.requests),
                "",
                1.3,
            );
        }
        figures.at_most(
            &format!("writes: state table, units a write {how}"),
            per_write(&billed.state),
            "",
            aim,
        );
        figures.add(&format!("writes: cache table, units a create {how}"), per_write(&billed.cache), "");
    }
    Ok(())
}

/// Contacts of one to three writes, a second apart: creates, updates, posts, comments; 50 a second.
async fn mixed(figures: &mut Figures) -> anyhow::Result<()> {
    const CONTACTS: usize = 450;
    let org = salesforce("latency=300ms").await?;
    let line = Line::new(&org, Arc::new(Http), &[("TIELINE_COMMENTS_AS_RECORDS", "true")])?;
    let before = local::calls(&org).await?;
    let working = tokio::spawn(line.run());
    let mut contacts = tokio::task::JoinSet::new();
    let began = Instant::now();
    let mut writes = 0;
    for n in 0..CONTACTS {
        let scripts: [&[&str]; 4] = [
            &["create"],
            &["create", "update"],
            &["create", "post", "comment"],
            &["create", "update", "post"],
        ];
        let script = scripts[n % scripts.len()];
        writes += script.len();
        contacts.spawn(contact(line.service.clone(), n, script));
        // 2.25 writes a contact.
        let next = Duration::from_micros(45_000 * (n as u64 + 1));
        tokio::time::sleep(next.saturating_sub(began.elapsed())).await;
    }
    while let Some(done) = contacts.join_next().await {
        done??;
    }
    line.emptied().await?;
    let took = began.elapsed();
    working.abort();
    let calls = local::calls(&org).await? - before;
    let mut waits = Vec::new();
    for n in 0..CONTACTS {
        for outcome in line.outcomes(&name(n)).await? {
            anyhow::ensure!(outcome.record_id.is_some(), "a write failed: {:?}", outcome.fault);
            waits.extend(outcome.done_at.map(|done| done.since(outcome.accepted_at)));
        }
    }
    anyhow::ensure!(waits.len() == writes, "{} outcomes of {writes} writes", waits.len());
    figures.add("writes: mixed load", writes as f64 / took.as_secs_f64(), "1/s");
    figures.at_least("writes: mixed load, writes a call", writes as f64 / calls as f64, "", 10.0);
    figures.add("writes: mixed load, accepted to outcome p50", ms(percentile(&mut waits, 0.5)), "ms");
    figures.at_most(
        "writes: mixed load, accepted to outcome p95",
        ms(percentile(&mut waits, 0.95)),
        "ms",
        1_500.0,
    );
    let requests = line.billed.requests.load(Ordering::Relaxed);
    figures.add("writes: mixed load, SQS requests a write", requests as f64 / writes as f64, "");
    Ok(())
}

async fn contact(service: Service, n: usize, script: &[&str]) -> anyhow::Result<()> {
    let mut ids = Map::new();
    for what in script {
        let parameters = match *what {
            "create" => {
                json!({"sf_operation": "create", "sf_object": "Case", "Subject": "Call", "Origin": "Phone"})
            }
            "update" => {
                json!({"sf_operation": "update", "sf_object": "Case", "sf_id": ids["create"], "Priority": "High"})
            }
            "post" => json!({
                "sf_operation": "createChatterPost", "sf_feedElementType": "FeedItem",
                "sf_subjectId": ids["create"], "sf_messageType": "Text", "sf_message": "Called.",
            }),
            _ => json!({
                "sf_operation": "createChatterComment", "sf_feedElementId": ids["post"],
                "sf_commentType": "Text", "sf_commentMessage": "And again.",
            }),
        };
        let reply = ask(&service, n, parameters).await?;
        ids.insert((*what).to_owned(), reply["tl_id"].clone());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// One after another, so that nothing waits for anything but itself.
async fn accept(figures: &mut Figures) -> anyhow::Result<()> {
    for (what, line) in [
        ("own time (stores in memory)", Line::in_memory(Arc::new(Yes))?),
        ("durable on this disk", Line::new("https://org.example.com", Arc::new(Yes), &[])?),
    ] {
        let mut took = Vec::new();
        for n in 0..1_000 {
            let began = Instant::now();
            ask(&line.service, n, create(n, false)).await?;
            took.push(began.elapsed());
        }
        let (half, most) = (ms(percentile(&mut took, 0.5)), ms(percentile(&mut took, 0.99)));
        figures.add(&format!("writes: accept p50, {what}"), half, "ms");
        let name = format!("writes: accept p99, {what}");
        if what.starts_with("own") {
            figures.at_most(&name, most, "ms", 3.0);
        } else {
            // Three waits for the disk, one after another: the disk's time and not ours.
            figures.add(&name, most, "ms");
        }
    }
    Ok(())
}

/// 10,000 creates of as many contacts, all waiting, each recorded on the disk: by the simulated org
/// without latency, and by one that says yes.
async fn drain(figures: &mut Figures) -> anyhow::Result<()> {
    const WRITES: usize = 10_000;
    let org = salesforce("").await?;
    for (what, line) in [
        ("instant org", Line::new(&org, Arc::new(Http), &[])?),
        ("no org at all", Line::new("https://org.example.com", Arc::new(Yes), &[])?),
    ] {
        let began = Instant::now();
        line.accept(WRITES, |n| create(n, true)).await?;
        figures.add(
            &format!("writes: accepted, durable ({what})"),
            WRITES as f64 / began.elapsed().as_secs_f64(),
            "1/s",
        );
        let took = line.drain().await?;
        figures.at_least(
            &format!("writes: drained, durable ({what})"),
            WRITES as f64 / took.as_secs_f64(),
            "1/s",
            2_000.0,
        );
    }
    Ok(())
}

/// What the process has grown by from the 20,000th write to the 100,000th.
async fn memory(figures: &mut Figures) -> anyhow::Result<()> {
    let line = Line::new("https://org.example.com", Arc::new(Yes), &[])?;
    let working = tokio::spawn(line.run());
    let mut sizes = Vec::new();
    for round in 0..20 {
        line.accept(5_000, |n| create(round * 5_000 + n, true)).await?;
        line.emptied().await?;
        sizes.push(resident()?);
    }
    working.abort();
    figures.add("writes: memory after 20,000 writes", sizes[3], "MB");
    figures.at_most("writes: grown by the 100,000th write", sizes[19] - sizes[3], "MB", 8.0);
    Ok(())
}

fn resident() -> anyhow::Result<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split_whitespace().nth(1).unwrap_or_default().parse()?;
    Ok(pages * 4_096.0 / 1e6)
}

/// From lease to settled, without anything around it.
fn brain(figures: &mut Figures) {
    const WRITES: u64 = 4_000;
    const ROUNDS: u64 = 50;
    let now = Timestamp::from_millis(1_000_000);
    let jobs: Vec<Job> = (0..WRITES)
        .map(|key| {
            let contact = format!("contact-{}", key / 2);
            let fields = Map::from_iter([("AccountId".to_owned(), format!("001{:015}", key / 2).into())]);
            let envelope = Envelope {
                v: VERSION,
                id: WriteId::keyed("org", &contact, &key.to_string()),
                generation: 1,
                org: "org".to_owned(),
                group: contact,
                contact: None,
                write: Write::Create {
                    object: ["Case", "Task", "Contact"][(key % 3) as usize].to_owned(),
                    fields,
                },
                refs: Vec::new(),
                unbound: Vec::new(),
                name: None,
                attribute: None,
                hash: String::new(),
                flush: false,
                accepted_at: Timestamp::EPOCH,
                traceparent: None,
                rest: Map::new(),
            };
            Job::of(key, &envelope, Timestamp::EPOCH, Effect::UniqueField, false)
        })
        .collect();
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        let mut jobs = Some(jobs.clone());
        let began = Instant::now();
        let mut brain = Brain::new(Settings::default(), round);
        while let Some(action) = brain.poll(now) {
            match action {
                Action::Lease { .. } => {
                    if let Some(jobs) = jobs.take() {
                        brain.on_leased(jobs, Timestamp::EPOCH);
                    }
                }
                Action::Send(call) => {
                    let replies = call.shape.keys().map(|key| (key, Reply::Applied)).collect();
                    brain.on_replies(call.number, Report { sent: true, fault: None }, replies, now);
                }
                Action::Settle { key, .. } => brain.on_settled(key, Settled::Done, Timestamp::EPOCH),
                Action::Extend { .. } | Action::Release { .. } | Action::Alarm(_) | Action::Allow { .. } => {}
            }
        }
        took.push(began.elapsed());
        assert_eq!(brain.held(), 0);
    }
    // Others use this machine too: a round of some milliseconds that nobody interrupted tells most.
    let least = took.iter().min().copied().unwrap_or_default();
    figures.at_least("writes: the brain alone", WRITES as f64 / least.as_secs_f64(), "1/s", 500_000.0);
    let all: Duration = took.iter().sum();
    let rate = (WRITES * ROUNDS) as f64 / all.as_secs_f64();
    figures.add("writes: the brain alone, all rounds", rate, "1/s");
}

// ── the line ──

/// The invoke side and a worker over one store.
struct Line {
    service: Service,
    worker: Worker,
    state: Arc<dyn Table>,
    queue: Arc<dyn Queue>,
    billed: Arc<Billed>,
    _folder: Option<tempfile::TempDir>,
}

impl Line {
    fn new(org: &str, exchange: Arc<dyn Exchange>, more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in("target")?;
        let kept = Sqlite::own(folder.path(), clock::now())?;
        Self::over(&kept, org, exchange, more, Some(folder))
    }

    fn in_memory(exchange: Arc<dyn Exchange>) -> anyhow::Result<Self> {
        Self::over(&Sqlite::in_memory()?, "https://org.example.com", exchange, &[], None)
    }

    fn over(
        kept: &Sqlite,
        org: &str,
        exchange: Arc<dyn Exchange>,
        more: &[(&str, &str)],
        folder: Option<tempfile::TempDir>,
    ) -> anyhow::Result<Self> {
        let secret = tempfile::NamedTempFile::new()?;
        std::fs::write(secret.path(), r#"{"ConsumerKey": "bench", "ConsumerSecret": "bench"}"#)?;
        // Kept until the process ends: the token is fetched at the first call.
        let (_, secret) = secret.keep()?;
        let variables = [
            ("SF_HOST", org),
            ("SF_VERSION", "v66.0"),
            ("TIELINE_SECRET_FILE", &secret.to_string_lossy()),
            ("TIELINE_QUEUE_URL", "https://sqs.example.com/1/writes.fifo"),
            ("TIELINE_DLQ_URL", "https://sqs.example.com/1/letters.fifo"),
            ("TIELINE_STATE_TABLE", "state"),
            ("TIELINE_CACHE_TABLE", "cache"),
            ("TIELINE_WRITE_MODE", "queue"),
            ("TIELINE_UNIQUE_FIELDS", "Case=WriteKey__c"),
        ];
        let variables = variables.into_iter().chain(more.iter().copied());
        let config = Config::from_vars(variables.map(|(n, v)| (n.to_owned(), v.to_owned())));
        let config = config.map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
        let billed = Arc::new(Billed::default());
        let table = |name, of: fn(&Billed) -> &AtomicU64| -> Arc<dyn Table> {
            Arc::new(Counted { inner: kept.table(name), billed: billed.clone(), of })
        };
        let queue: Arc<dyn Queue> =
            Arc::new(Counted { inner: kept.queue(WRITES), billed: billed.clone(), of: |b| &b.requests });
        let state = table(STATE, |b| &b.state);
        let stores = Stores {
            state: Some(state.clone()),
            cache: Some(table(CACHE, |b| &b.cache)),
            queue: Some(queue.clone()),
            ..Stores::default()
        };
        let service = Service::with(config, stores, exchange);
        let worker = service.worker("bench".to_owned()).ok_or_else(|| anyhow::anyhow!("no worker"))?;
        Ok(Self { service, worker, state, queue, billed, _folder: folder })
    }

    /// Accepts so many writes, each of a contact of its own, some at a time.
    async fn accept(&self, writes: usize, write: impl Fn(usize) -> Value) -> anyhow::Result<()> {
        let mut replies =
            stream::iter((0..writes).map(|n| ask(&self.service, n, write(n)))).buffer_unordered(64);
        while let Some(reply) = replies.next().await {
            anyhow::ensure!(reply?["tl_status"] == "queued", "a write was not accepted");
        }
        Ok(())
    }

    fn run(&self) -> impl Future<Output = ()> + use<> {
        let worker = self.worker.clone();
        async move { worker.run(pending()).await }
    }

    /// Works until nothing waits; how long that took.
    async fn drain(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let working = tokio::spawn(self.run());
        self.emptied().await?;
        working.abort();
        Ok(began.elapsed())
    }

    async fn emptied(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let Depth { visible, in_flight, .. } = self.queue.depth(clock::now()).await?;
            if visible + in_flight == 0 {
                return Ok(());
            }
            anyhow::ensure!(
                began.elapsed() < Duration::from_secs(60),
                "{visible} + {in_flight} writes still wait"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn outcomes(&self, contact: &str) -> anyhow::Result<Vec<Outcome>> {
        let rows = self.state.list(&partition(contact), OUTCOMES, None, 10, clock::now()).await?;
        Ok(rows.iter().map(Outcome::from_row).collect::<Result<_, _>>()?)
    }
}

fn name(n: usize) -> String {
    format!("contact-{n}")
}

fn create(n: usize, keyed: bool) -> Value {
    let mut create = json!({
        "sf_operation": "create", "sf_object": "Case", "Subject": format!("Call {n}"), "Origin": "Phone",
        "Status": "New", "Description": "The caller asks when the order will be there.",
    });
    if keyed {
        create["tl_key"] = format!("create-{n}").into();
    }
    create
}

async fn ask(service: &Service, n: usize, mut parameters: Value) -> anyhow::Result<Value> {
    if parameters["sf_operation"] == "create" && parameters.get("tl_key").is_none() {
        parameters["Subject"] = format!("Call {n}").into();
    }
    let event = json!({"Details": {
        "ContactData": {"ContactId": name(n), "InitialContactId": name(n), "Channel": "VOICE"},
        "Parameters": parameters,
    }});
    Ok(service.invoke(event, Duration::from_secs(8)).await?)
}

/// An org of its own on loopback, with this fault.
async fn salesforce(fault: &'static str) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let simulated = Org::new(org::Settings::default(), clock::now()).map_err(anyhow::Error::msg)?;
    tokio::spawn(org::serve(simulated, listener, pending()));
    if !fault.is_empty() {
        let told = reqwest::Client::new().post(format!("{url}/_org/faults")).body(fault).send().await?;
        anyhow::ensure!(told.status().is_success(), "{}", told.text().await?);
    }
    Ok(url)
}

/// An org that says yes and keeps nothing.
#[derive(Debug)]
struct Yes;

#[async_trait]
impl Exchange for Yes {
    async fn exchange(&self, _: &str, request: Request, _: Duration) -> Result<Response, Cut> {
        let made = json!({"id": "5005g00000AAAAAAA1", "success": true, "errors": []});
        let body = if request.target.contains("/oauth2/token") {
            json!({"access_token": "token", "instance_url": "https://org.example.com"})
        } else if request.target.ends_with("/composite") {
            let body: Value =
                request.body.and_then(|(_, b)| serde_json::from_slice(&b).ok()).unwrap_or_default();
            let answers = body["compositeRequest"].as_array().into_iter().flatten().map(|part| {
                let records = part["body"]["records"].as_array().map_or(0, Vec::len);
                json!({"httpStatusCode": 200, "httpHeaders": {}, "referenceId": part["referenceId"], "body": vec![&made; records]})
            });
            json!({"compositeResponse": answers.collect::<Vec<_>>()})
        } else if request.target.ends_with("/describe") {
            // The worker makes sure that the field of identity is unique before it sends.
            json!({"fields": [{"name": "WriteKey__c", "type": "string", "length": 64, "unique": true}]})
        } else {
            made
        };
        let content_type = "application/json".to_owned();
        Ok(Response { status: 200, usage: None, content_type, body: body.to_string().into() })
    }
}

// ── what AWS would bill ──

/// Write units of the tables, requests to the queue.
#[derive(Debug, Default)]
struct Billed {
    state: AtomicU64,
    cache: AtomicU64,
    requests: AtomicU64,
}

/// A store whose calls are counted as AWS bills them: a write unit for each begun kilobyte of an item
/// and once more for its index entry, a refused condition too; a request for each ten messages.
#[derive(Debug)]
struct Counted<T: ?Sized> {
    inner: Arc<T>,
    billed: Arc<Billed>,
    of: fn(&Billed) -> &AtomicU64,
}

impl<T: ?Sized> Counted<T> {
    fn add(&self, n: usize) {
        (self.of)(&self.billed).fetch_add(n as u64, Ordering::Relaxed);
    }
}

#[async_trait]
impl Table for Counted<dyn Table> {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Row>, StoreError> {
        self.inner.get(key, now).await
    }

    async fn put(&self, row: &Row, expect: Expect, now: Timestamp) -> Result<(), PutError> {
        let index = row.index.as_ref().map_or(0, |(partition, sort)| partition.len() + sort.len() + 12);
        // The names of the attributes, and the numbers in them.
        let size = row.key.partition.len() + row.key.sort.len() + row.data.len() + index + 40;
        // What belongs to a contact; the token and the worker's heartbeat are nobody's.
        if row.key.partition.starts_with("C#") || row.key.partition.starts_with("REC#") {
            self.add(size.div_ceil(1_024) * if index > 0 { 2 } else { 1 });
        }
        self.inner.put(row, expect, now).await
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        self.inner.list(partition, prefix, after, limit, now).await
    }

    async fn list_index(
        &self,
        partition: &str,
        after: Option<&str>,
        descending: bool,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        self.inner.list_index(partition, after, descending, limit, now).await
    }

    async fn add_if_below(
        &self,
        key: &Key,
        amount: u64,
        limit: u64,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<u64, AddError> {
        self.add(1);
        self.inner.add_if_below(key, amount, limit, expires, now).await
    }

    async fn remove(&self, key: &Key, now: Timestamp) -> Result<(), StoreError> {
        self.add(1);
        self.inner.remove(key, now).await
    }
}

#[async_trait]
impl Queue for Counted<dyn Queue> {
    async fn send(&self, messages: &[Message], now: Timestamp) -> Vec<Result<(), StoreError>> {
        self.add(messages.len().div_ceil(10));
        self.inner.send(messages, now).await
    }

    async fn receive(
        &self,
        max: usize,
        lease: Duration,
        wait: Duration,
        now: Timestamp,
    ) -> Result<Vec<Leased>, StoreError> {
        let leased = self.inner.receive(max, lease, wait, now).await?;
        // It is asked ten at a time, until an answer is not full.
        self.add(if leased.len() < max { leased.len() / 10 + 1 } else { max.div_ceil(10) });
        Ok(leased)
    }

    async fn delete(&self, handles: &[Handle], now: Timestamp) -> Vec<Result<(), StoreError>> {
        self.add(handles.len().div_ceil(10));
        self.inner.delete(handles, now).await
    }

    async fn change_visibility(
        &self,
        entries: &[(Handle, Duration)],
        now: Timestamp,
    ) -> Vec<Result<(), StoreError>> {
        self.add(entries.len().div_ceil(10));
        self.inner.change_visibility(entries, now).await
    }

    async fn depth(&self, now: Timestamp) -> Result<Depth, StoreError> {
        self.inner.depth(now).await
    }
}
