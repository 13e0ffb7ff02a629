//! What single parts of a call cost: reading an event, quoting, flattening, a hit in the cache.
//!
//! The worker's brain is measured in `dispatch.rs`, the flow engine and the validator in `flow.rs`.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may fail")]

use std::{hint::black_box, sync::Arc, time::Duration};

use async_trait::async_trait;
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Map, Value, json};
use tieline::{
    config::Config,
    event::{self, Format, Found, Settings, Shape, reply},
    lambda::{Service, Stores},
    salesforce::wire::{Cut, Exchange, Request, Response},
    soql,
    store::sqlite::{self, Sqlite},
    time::Timestamp,
};

const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);

fn event(parameters: Value) -> Value {
    json!({"Details": {
        "ContactData": {"ContactId": "5ca32fbd-8f92-46af-92a5-6b0f970f0efe", "Channel": "VOICE"},
        "Parameters": parameters,
    }})
}

fn lookup() -> Value {
    event(
        json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id, Name", "Email": "o'brien@example.com"}),
    )
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    let settings = Settings::default();
    let query = "SELECT Id, Name FROM Contact WHERE Name = 'who' AND LastModifiedDate > since";
    for (name, event) in [
        ("lookup", lookup()),
        (
            "phoneLookup",
            event(
                json!({"sf_operation": "phoneLookup", "sf_phone": "+12065550100", "sf_fields": "Id, Name"}),
            ),
        ),
        (
            "query",
            event(json!({"sf_operation": "query", "query": query, "who": "O'Brien", "since": "LAST_WEEK"})),
        ),
        (
            "create",
            event(
                json!({"sf_operation": "create", "sf_object": "Case", "Subject": "Call", "Due__c": "2d | date"}),
            ),
        ),
    ] {
        group.bench_function(name, |b| b.iter(|| event::parse(black_box(&event), &settings, NOW).unwrap()));
    }
    group.finish();
}

fn quote(c: &mut Criterion) {
    let text = r"It's 100 % of \ what she said, 'quoted' and all.";
    c.bench_function("quote: a sentence", |b| b.iter(|| soql::quote(black_box(text))));
}

fn flatten(c: &mut Criterion) {
    let record = json!({"attributes": {"type": "Contact"}, "Id": "003000000000001AAA", "Name": "Ann",
        "Account": {"attributes": {"type": "Account"}, "Name": "Example", "Owner": {"Name": "Bob"}}});
    let records: Vec<Map<String, Value>> = vec![record.as_object().unwrap().clone(); 100];
    let found = Found { total: 100, records };
    c.bench_function("flatten: 100 records with parents", |b| {
        b.iter(|| reply::found(black_box(&found), Shape::All, Map::new(), Format::Native));
    });
}

/// A Salesforce that knows one contact.
#[derive(Debug)]
struct Fixed;

#[async_trait]
impl Exchange for Fixed {
    async fn exchange(&self, _: &str, request: Request, _: Duration) -> Result<Response, Cut> {
        let body = if request.target.ends_with("/token") {
            r#"{"access_token": "t", "instance_url": "http://org"}"#
        } else {
            r#"{"totalSize": 1, "done": true, "records": [{"Id": "003000000000001AAA", "Name": "Ann"}]}"#
        };
        Ok(Response {
            status: 200,
            usage: None,
            content_type: "application/json".to_owned(),
            body: body.into(),
        })
    }
}

fn hit(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), r#"{"ConsumerKey": "k", "ConsumerSecret": "s"}"#).unwrap();
    let variables = [
        ("SF_HOST", "http://org"),
        ("SF_VERSION", "v66.0"),
        ("TIELINE_SECRET_FILE", secret.path().to_str().unwrap()),
    ];
    let config =
        Config::from_vars(variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))).unwrap();
    let stores =
        Stores { cache: Some(Sqlite::in_memory().unwrap().table(sqlite::CACHE)), ..Stores::default() };
    let service = Service::with(config, stores, Arc::new(Fixed));
    let call = || runtime.block_on(service.invoke(lookup(), Duration::from_secs(3))).unwrap();
    assert_eq!(call()["tl_cache"], "miss");
    assert_eq!(call()["tl_cache"], "hit");
    c.bench_function("cache hit: a whole call in the process", |b| b.iter(call));
}

criterion_group!(benches, parse, quote, flatten, hit);
criterion_main!(benches);
