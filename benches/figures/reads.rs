//! Reads of a call centre: how many calls the cache saves, and what is answered while Salesforce is
//! gone. Upstream has no cache: it makes one call a read, and has no answer then.
//!
//! **The traffic** is replayed on a clock of its own, so that hours take seconds and every machine
//! counts the same. Its law: contacts arrive by a Poisson process of 600 an hour for four hours, and
//! are answered by a fleet of eight processes by turns of chance. With probability 0.45 somebody
//! calls who called before (recent callers more often: the index into the list of past callers is
//! squared), else the next of the customers. A flow's modules do not share what they found, so each
//! asks by number again: the greeting, one to five menus 5 to 20 s apart, the queue's flow after
//! 10 s, the agent's whisper after a wait of 40 s in the mean. The greeting and the whisper ask for
//! the open cases as well. Every greeting and every menu asks for what is the same for all callers
//! (the hours, the notice of the day). One contact in eight is transferred after two to six minutes,
//! and asks by number and for the cases once more. The seed decides all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde_json::json;
use tieline::{
    clock::Deadline,
    event::{Contact, Read, Shape},
    read::{Call, Reads, Settings, Source, Tables},
    salesforce::{
        self, Auth, Client, Hidden, Http, Vault,
        wire::{Cut, Exchange, Request, Response},
    },
    store::sqlite::{CACHE, STATE, Sqlite},
    time::Timestamp,
};

use crate::{
    Environment,
    load::Chance,
    table::{Table, ms, percentile},
};

const T0: i64 = 1_795_170_000_000;

pub async fn measure(table: &mut Table, environment: &Environment) -> anyhow::Result<()> {
    traffic(table).await?;
    outage(table, environment).await
}

/// A Salesforce that has one record for every question, and counts.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

#[async_trait]
impl Exchange for Counting {
    async fn exchange(&self, _: &str, request: Request, _: Duration) -> Result<Response, Cut> {
        let body = if request.target.ends_with("/token") {
            json!({"access_token": "t"})
        } else {
            self.0.fetch_add(1, Ordering::Relaxed);
            json!({"totalSize": 1, "done": true, "records": [{"Id": "003000000000001AAA", "Name": "Ann"}]})
        };
        let content_type = "application/json".to_owned();
        Ok(Response { status: 200, usage: None, content_type, body: body.to_string().into() })
    }
}

/// A process of a fleet that shares these tables and this clock.
fn process(host: &str, exchange: Arc<dyn Exchange>, store: &Sqlite, clock: &Arc<AtomicI64>) -> Reads {
    let settings = salesforce::Settings {
        host: host.to_owned(),
        production: Some(false),
        username: None,
        version: "v66.0".to_owned(),
    };
    let vault = Vault::Given(Hidden::new(r#"{"ConsumerKey":"k","ConsumerSecret":"s"}"#));
    let client = Client::new(settings.clone(), Auth::new(settings, vault, None), exchange);
    let secs = Duration::from_secs;
    let settings =
        Settings { fresh: secs(60), stale: secs(86_400), negative: secs(15), ..Settings::default() };
    let tables = Tables { cache: Some(store.table(CACHE)), state: Some(store.table(STATE)) };
    let clock = clock.clone();
    let now = Arc::new(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)));
    Reads::new(client, settings, tables, now)
}

fn query(soql: String) -> Read {
    Read::Query { soql, shape: Shape::First }
}

fn by_number(caller: u64) -> Read {
    query(format!("SELECT Id, Name FROM Contact WHERE Phone = '+1206555{caller:05}'"))
}

/// When, which contact, what it asks.
type Asked = (f64, u64, Read);

/// Four hours of questions, in order.
fn replayed() -> Vec<Asked> {
    let mut chance = Chance(7);
    let (mut asked, mut past, mut fresh, mut at): (Vec<Asked>, Vec<u64>, u64, f64) = Default::default();
    let mut id = 0;
    loop {
        at += -(1.0 - chance.next()).ln() * 6.0;
        if at > 4.0 * 3_600.0 {
            break;
        }
        id += 1;
        let caller = if !past.is_empty() && chance.next() < 0.45 {
            past[past.len() - 1 - (chance.next().powi(2) * past.len() as f64) as usize]
        } else {
            fresh += 1;
            fresh
        };
        past.push(caller);
        let cases =
            || query(format!("SELECT Id, Subject FROM Case WHERE Contact.Phone = '+1206555{caller:05}'"));
        let common =
            |what: u64| query(format!("SELECT Id, Text__c FROM Notice__c WHERE Name = 'Menu {what}'"));
        let mut ask = |at: f64, read: Read| asked.push((at, id, read));
        let mut t = at;
        ask(t, common(0));
        ask(t + 0.5, by_number(caller));
        ask(t + 1.0, cases());
        for menu in 1..=1 + (chance.next() * 5.0) as u64 {
            t += 5.0 + 15.0 * chance.next();
            ask(t, common(menu));
            ask(t + 0.5, by_number(caller));
        }
        t += 10.0;
        ask(t, by_number(caller));
        t += -(1.0 - chance.next()).ln() * 40.0;
        ask(t, by_number(caller));
        ask(t + 0.5, cases());
        if chance.next() < 0.125 {
            t += 120.0 + 240.0 * chance.next();
            ask(t, by_number(caller));
            ask(t + 0.5, cases());
        }
    }
    asked.sort_by(|a, b| a.0.total_cmp(&b.0));
    asked
}

async fn traffic(table: &mut Table) -> anyhow::Result<()> {
    let (salesforce, clock) = (Arc::new(Counting::default()), Arc::new(AtomicI64::new(T0)));
    let store = Sqlite::in_memory()?;
    let fleet: Vec<Reads> =
        (0..8).map(|_| process("https://org.example.com", salesforce.clone(), &store, &clock)).collect();
    let asked = replayed();
    let mut chance = Chance(8);
    for (at, contact, read) in &asked {
        clock.store(T0 + (at * 1_000.0) as i64, Ordering::Relaxed);
        let contact = Contact {
            contact_id: format!("contact-{contact}"),
            initial_contact_id: None,
            instance_arn: None,
        };
        let deadline = Deadline::after(Duration::from_secs(6));
        let call = Call { contact: Some(&contact), cache: None, soft: Duration::from_secs(2), deadline };
        let process = &fleet[(chance.next() * fleet.len() as f64) as usize];
        process.answer(read, &call).await.result?;
    }
    let spent = salesforce.0.load(Ordering::Relaxed) as f64;
    table.add("reads: replayed questions (upstream's calls)", asked.len() as f64, "calls");
    table.add("reads: API calls for them", spent, "calls");
    table.at_most("reads: API calls, of upstream's", spent * 100.0 / asked.len() as f64, "%", 40.0);
    Ok(())
}

/// Salesforce is gone a day later, in three ways: everything that was seen is asked again.
async fn outage(table: &mut Table, environment: &Environment) -> anyhow::Result<()> {
    let client = reqwest::Client::new();
    let faults = format!("{}/_org/faults", environment.org);
    let mut times = Vec::new();
    for fault in ["latency=60s", "cut=before", "status=503"] {
        let clock = Arc::new(AtomicI64::new(T0));
        let store = Sqlite::in_memory()?;
        let fleet: Vec<Reads> =
            (0..4).map(|_| process(&environment.org, Arc::new(Http), &store, &clock)).collect();
        let ask = async |n: usize| {
            let deadline = Deadline::after(Duration::from_millis(6_500));
            let call = Call { contact: None, cache: None, soft: Duration::from_millis(2_200), deadline };
            let began = Instant::now();
            let answer = fleet[n % 4].answer(&by_number(n as u64), &call).await;
            (answer, began.elapsed())
        };
        for n in 0..200 {
            ask(n).await.0.result?;
        }
        clock.store(T0 + 86_400_000 - 60_000, Ordering::Relaxed);
        client.post(&faults).body(fault).send().await?.error_for_status()?;
        let answers = futures::future::join_all((0..200).map(&ask)).await;
        client.delete(&faults).send().await?;
        for (answer, took) in answers {
            let given = answer.source == Source::Stale && answer.result.is_ok();
            times.push(if given { took } else { Duration::MAX });
        }
    }
    let soon = times.iter().filter(|took| **took <= Duration::from_secs(1)).count();
    table.at_least(
        "reads: org gone, answered within 1 s of what was seen in the last day",
        soon as f64 * 100.0 / times.len() as f64,
        "%",
        100.0,
    );
    table.add("reads: org gone, p50", ms(percentile(&mut times, 0.5)), "ms");
    table.add("reads: org gone, longest", ms(percentile(&mut times, 1.0)), "ms");
    Ok(())
}
