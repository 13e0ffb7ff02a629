//! Reads with a cache: what a hit costs, and what one question costs however many ask it.
//!
//! How many calls a cache saves, and who is answered while Salesforce is gone, is measured by `reads`;
//! what call-centre traffic with its writes costs, by `load`.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    Environment,
    dynamodb::DynamoDb,
    function::Function,
    local::{Local, calls},
    start,
    table::{Table, ms, typical},
};

const ROUNDS: usize = 20;
const CALLS: usize = 100;

pub async fn measure(table: &mut Table, environment: &Environment) -> anyhow::Result<()> {
    hits(table, environment).await?;
    together(table).await
}

/// The `n`-th of many questions that find the same contact.
fn question(n: usize) -> Value {
    let query = format!("SELECT Id, Name FROM Contact WHERE LastName != 'nobody {n}' LIMIT 1");
    start::parameters(json!({"sf_operation": "query", "query": query}))
}

/// Hits in memory and in the table, in turn with a bare function and with the table alone.
async fn hits(table: &mut Table, environment: &Environment) -> anyhow::Result<()> {
    let dynamodb = DynamoDb::start().await?;
    let mut variables = environment.variables.clone();
    variables.push(("TIELINE_CACHE_TABLE".to_owned(), "cache".to_owned()));
    variables.push(("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), dynamodb.url.clone()));
    let mut filler = Function::start(&environment.bootstrap(), &variables).await?;
    for n in 0..=ROUNDS * CALLS {
        expect(&mut filler, n, "miss").await?;
    }
    let mut bare = Function::start(&environment.bare(), &environment.variables).await?;
    let mut ours = Function::start(&environment.bootstrap(), &variables).await?;
    expect(&mut ours, 0, "hit").await?;
    let client = reqwest::Client::new();
    let (mut nothing, mut gets) = (Vec::new(), Vec::new());
    let (mut in_memory, mut in_table) = (Vec::new(), Vec::new());
    let (mut asked, mut processor) = (0, Duration::ZERO);
    for round in 0..ROUNDS {
        for _ in 0..CALLS {
            let call = Instant::now();
            bare.invoke(&question(0)).await?.map_err(anyhow::Error::msg)?;
            nothing.push(call.elapsed());
        }
        for _ in 0..CALLS {
            // The answer, then the stamps of its records.
            let call = Instant::now();
            for _ in 0..2 {
                get(&client, &dynamodb.url).await?;
            }
            gets.push(call.elapsed());
        }
        let before = dynamodb.asked();
        for n in 0..CALLS {
            in_table.push(expect(&mut ours, 1 + round * CALLS + n, "hit").await?);
        }
        asked += dynamodb.asked() - before;
        expect(&mut ours, 0, "hit").await?;
        let before = ours.processor_time();
        for _ in 0..5 * CALLS {
            in_memory.push(expect(&mut ours, 0, "hit").await?);
        }
        processor += ours.processor_time() - before;
    }
    let bare99 = typical(&nothing, CALLS, 0.99);
    let gets99 = typical(&gets, CALLS, 0.99);
    let memory99 = typical(&in_memory, 5 * CALLS, 0.99);
    let table99 = typical(&in_table, CALLS, 0.99);
    let cached = in_memory.len() as f64;
    let a_second = cached / in_memory.iter().sum::<Duration>().as_secs_f64();
    let beyond = ms(memory99.saturating_sub(bare99));
    table.add("cache: bare function, p99", ms(bare99), "ms");
    table.add("cache: hit in memory, p50", ms(typical(&in_memory, 5 * CALLS, 0.5)), "ms");
    table.at_most("cache: hit in memory adds to the runtime, p99", beyond, "ms", 0.1);
    table.add("cache: the table alone, two requests, p99", ms(gets99), "ms");
    table.add("cache: hit in the table, p50", ms(typical(&in_table, CALLS, 0.5)), "ms");
    table.add("cache: requests to the table a hit in it", asked as f64 / (ROUNDS * CALLS) as f64, "");
    let beyond = ms(table99.saturating_sub(bare99 + gets99));
    table.at_most("cache: hit in the table adds to table and runtime, p99", beyond, "ms", 1.0);
    table.add("cache: cached reads a second, one at a time", a_second, "1/s");
    table.at_least(
        "cache: cached reads a second of one core",
        cached / processor.as_secs_f64().max(0.01),
        "1/s",
        5_000.0,
    );
    Ok(())
}

/// Asks, and makes sure whence the answer comes.
async fn expect(function: &mut Function, n: usize, source: &str) -> anyhow::Result<Duration> {
    let event = question(n);
    let call = Instant::now();
    let reply = function.invoke(&event).await?.map_err(anyhow::Error::msg)?;
    let took = call.elapsed();
    let reply: Value = serde_json::from_slice(&reply)?;
    anyhow::ensure!(reply["tl_cache"] == source, "not a {source}: {reply}");
    Ok(took)
}

async fn get(client: &reqwest::Client, url: &str) -> anyhow::Result<()> {
    let asked = json!({"TableName": "cache", "Key": {"PK": {"S": "R#nothing"}, "SK": {"S": "E"}}});
    let target = ("x-amz-target", "DynamoDB_20120810.GetItem");
    client.post(url).header(target.0, target.1).json(&asked).send().await?.bytes().await?;
    Ok(())
}

/// A hundred equal questions at once, put to local mode.
async fn together(table: &mut Table) -> anyhow::Result<()> {
    let local = Local::start(&["--fault", "latency=300ms"]).await?;
    local.invoke(&question(1)).await?;
    let before = calls(&local.org).await?;
    let asked = question(2);
    for reply in join_all((0..100).map(|_| local.invoke(&asked))).await {
        reply?;
    }
    let spent = calls(&local.org).await? - before;
    table.at_most("cache: API calls of 100 equal questions at once", spent as f64, "calls", 1.0);
    Ok(())
}
