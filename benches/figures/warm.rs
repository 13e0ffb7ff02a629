//! A function that has answered before: time, processor time, memory, calls.

use std::time::{Duration, Instant};

use crate::{
    Environment,
    function::Function,
    start,
    table::{Table, ms, percentile},
};

const CALLS: usize = 3_000;

/// One process, one call after another; the org's own time is measured in the same run.
pub async fn run(table: &mut Table, environment: &Environment) -> anyhow::Result<()> {
    let mut asked = org_alone(environment).await?;
    let (org50, org99) = (percentile(&mut asked, 0.5), percentile(&mut asked, 0.99));
    table.add("the org alone, same query: p50", ms(org50), "ms");
    table.add("the org alone, same query: p99", ms(org99), "ms");

    let mut function =
        Function::start(std::slice::from_ref(&environment.bootstrap), &environment.variables).await?;
    let event = start::lookup();
    for _ in 0..200 {
        function.invoke(&event).await?.map_err(anyhow::Error::msg)?;
    }
    let before = function.processor_time();
    let mut times = Vec::with_capacity(CALLS);
    let began = Instant::now();
    for _ in 0..CALLS {
        let call = Instant::now();
        function.invoke(&event).await?.map_err(anyhow::Error::msg)?;
        times.push(call.elapsed());
    }
    let took = began.elapsed();
    let processor = (function.processor_time() - before).as_secs_f64() * 1_000.0 / CALLS as f64;
    let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
    table.add("warm lookup, no cache: p50", ms(p50), "ms");
    table.add("warm lookup, no cache: p99", ms(p99), "ms");

    // What the runtime interface itself takes: the same with a function that calls nobody.
    let mut bare = Function::start(std::slice::from_ref(&environment.bare), &environment.variables).await?;
    let mut idle: Vec<Duration> = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let call = Instant::now();
        bare.invoke(&event).await?.map_err(anyhow::Error::msg)?;
        idle.push(call.elapsed());
    }
    let (bare50, bare99) = (percentile(&mut idle, 0.5), percentile(&mut idle, 0.99));
    table.add("warm bare function: p50", ms(bare50), "ms");
    table.add("warm bare function: p99", ms(bare99), "ms");
    table.at_most(
        "a read adds at p50 (beyond org and runtime)",
        ms(p50.saturating_sub(org50 + bare50)),
        "ms",
        1.0,
    );
    table.at_most(
        "a read adds at p99 (beyond org and runtime)",
        ms(p99.saturating_sub(org99 + bare99)),
        "ms",
        1.0,
    );
    table.at_most("processor time a lookup", processor, "ms", 0.3);
    table.add("lookups a second, one process, one at a time", CALLS as f64 / took.as_secs_f64(), "1/s");
    table.at_most("peak memory", function.peak_memory() as f64 / 1e6, "MB", 30.0);
    Ok(())
}

/// The same question put to the org directly, over one kept connection.
async fn org_alone(environment: &Environment) -> anyhow::Result<Vec<Duration>> {
    let client = reqwest::Client::new();
    let token: serde_json::Value = client
        .post(format!("{}/services/oauth2/token", environment.org))
        .form(&[("grant_type", "client_credentials"), ("client_id", "bench"), ("client_secret", "bench")])
        .send()
        .await?
        .json()
        .await?;
    let bearer = token["access_token"].as_str().unwrap_or_default();
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let call = Instant::now();
        client
            .get(format!("{}/services/data/v66.0/query", environment.org))
            .query(&[("q", "SELECT Id, Name FROM Contact WHERE Email='nobody@example.com'")])
            .bearer_auth(bearer)
            .send()
            .await?
            .bytes()
            .await?;
        times.push(call.elapsed());
    }
    Ok(times)
}
