//! Functions that have answered before: time, processor time, memory, calls and bytes to the org.
//!
//! Every contender is one process that is asked one event after another, a hundred at a time in turn,
//! and so is the org itself with the same query: what a read adds is a difference within one run.
//! A percentile is taken of each turn, and the median of the turns is told, so that what else this
//! machine does for a moment counts for one turn and not for the whole.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    Environment,
    function::Function,
    relay::Relay,
    start,
    table::{Table, ms, typical},
};

const ROUNDS: usize = 30;
const CALLS: usize = 100;

/// One process under measurement.
struct Contender {
    name: &'static str,
    function: Function,
    times: Vec<Duration>,
    processor: Duration,
}

impl Contender {
    async fn start(
        name: &'static str,
        command: &[String],
        variables: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let mut function = Function::start(command, variables).await?;
        for _ in 0..2 * CALLS {
            function.invoke(&start::lookup()).await?.map_err(anyhow::Error::msg)?;
        }
        Ok(Self { name, function, times: Vec::new(), processor: Duration::ZERO })
    }

    async fn round(&mut self) -> anyhow::Result<()> {
        let event = start::lookup();
        let before = self.function.processor_time();
        for _ in 0..CALLS {
            let call = Instant::now();
            self.function.invoke(&event).await?.map_err(anyhow::Error::msg)?;
            self.times.push(call.elapsed());
        }
        self.processor += self.function.processor_time() - before;
        Ok(())
    }

    /// Times into the table; median and 99th percentile back.
    fn tell(&self, table: &mut Table) -> (Duration, Duration) {
        let (p50, p99) = (typical(&self.times, CALLS, 0.5), typical(&self.times, CALLS, 0.99));
        table.add(&format!("warm: {}, p50", self.name), ms(p50), "ms");
        table.add(&format!("warm: {}, p99", self.name), ms(p99), "ms");
        (p50, p99)
    }

    fn processor_ms(&self) -> f64 {
        ms(self.processor) / (ROUNDS * CALLS) as f64
    }

    fn peak(&self) -> f64 {
        self.function.peak_memory() as f64 / 1e6
    }
}

/// One lookup again and again, without a cache.
pub async fn measure(table: &mut Table, environment: &Environment) -> anyhow::Result<()> {
    let variables = &environment.variables;
    let mut bare = Contender::start("bare function", &environment.bare(), variables).await?;
    let mut ours = Contender::start("lookup", &environment.bootstrap(), variables).await?;
    let mut other = match &environment.against {
        Some(command) => Some(Contender::start("lookup of the other program", command, variables).await?),
        None => None,
    };
    let org = Asker::log_in(environment).await?;
    let mut asked = Vec::new();
    for _ in 0..ROUNDS {
        org.round(&mut asked).await?;
        bare.round().await?;
        ours.round().await?;
        if let Some(other) = &mut other {
            other.round().await?;
        }
    }

    let (org50, org99) = (typical(&asked, CALLS, 0.5), typical(&asked, CALLS, 0.99));
    table.add("warm: the org alone, same query, p50", ms(org50), "ms");
    table.add("warm: the org alone, same query, p99", ms(org99), "ms");
    let (bare50, bare99) = bare.tell(table);
    let (p50, p99) = ours.tell(table);
    let beyond = |whole: Duration, org: Duration, bare: Duration| ms(whole.saturating_sub(org + bare));
    table.at_most("warm: a read adds to org and runtime, p50", beyond(p50, org50, bare50), "ms", 1.0);
    table.at_most("warm: a read adds to org and runtime, p99", beyond(p99, org99, bare99), "ms", 1.0);
    table.at_most("warm: processor time a lookup", ours.processor_ms(), "ms", 0.3);
    table.add("warm: processor time a call of the bare function", bare.processor_ms(), "ms");
    table.at_most("warm: peak memory", ours.peak(), "MB", 30.0);
    table.add("warm: peak memory of the bare function", bare.peak(), "MB");
    let (calls, bytes) = traffic(environment, &environment.bootstrap()).await?;
    table.at_most("warm: calls to the org a lookup", calls, "calls", 1.0);
    table.add("warm: bytes to and from the org a lookup", bytes, "B");
    if let Some(other) = &other {
        other.tell(table);
        table.add("warm: processor time of the other program", other.processor_ms(), "ms");
        table.add("warm: peak memory of the other program", other.peak(), "MB");
        let (calls, bytes) = traffic(environment, environment.against.as_deref().unwrap_or_default()).await?;
        table.add("warm: calls to the org of the other program", calls, "calls");
        table.add("warm: bytes to and from the org of the other program", bytes, "B");
        table.add(
            "warm: the other program's processor time over ours",
            other.processor_ms() / ours.processor_ms(),
            "×",
        );
    }
    Ok(())
}

/// Who puts the same question to the org directly, over one kept connection.
struct Asker {
    client: reqwest::Client,
    org: String,
    bearer: String,
}

impl Asker {
    async fn log_in(environment: &Environment) -> anyhow::Result<Self> {
        let client = reqwest::Client::new();
        let form = [("grant_type", "client_credentials"), ("client_id", "bench"), ("client_secret", "bench")];
        let url = format!("{}/services/oauth2/token", environment.org);
        let token: Value = client.post(url).form(&form).send().await?.json().await?;
        let bearer = token["access_token"].as_str().unwrap_or_default().to_owned();
        Ok(Self { client, org: environment.org.clone(), bearer })
    }

    async fn round(&self, times: &mut Vec<Duration>) -> anyhow::Result<()> {
        for _ in 0..CALLS {
            let call = Instant::now();
            let url = format!("{}/services/data/v66.0/query", self.org);
            let query = [("q", "SELECT Id, Name FROM Contact WHERE Email='nobody@example.com'")];
            let request = self.client.get(url).query(&query).bearer_auth(&self.bearer);
            request.send().await?.error_for_status()?.bytes().await?;
            times.push(call.elapsed());
        }
        Ok(())
    }
}

/// Calls and bytes that a warm lookup costs at the org, counted by a relay before it.
async fn traffic(environment: &Environment, command: &[String]) -> anyhow::Result<(f64, f64)> {
    let relay = Relay::plain(environment).await?;
    let mut function = Function::start(command, &relay.variables).await?;
    function.invoke(&start::lookup()).await?.map_err(anyhow::Error::msg)?;
    let (calls, bytes) = (environment.calls().await?, relay.bytes());
    for _ in 0..CALLS {
        function.invoke(&start::lookup()).await?.map_err(anyhow::Error::msg)?;
    }
    let (calls, bytes) = (environment.calls().await? - calls, relay.bytes() - bytes);
    Ok((calls as f64 / CALLS as f64, bytes as f64 / CALLS as f64))
}
