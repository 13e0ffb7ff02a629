//! `tieline local`: all roles in one process, for a newcomer and for tests.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use tokio::sync::watch;

use super::org::Faults;
use super::serving::{bind, interrupted, say};
use crate::clock;
use crate::config::{self, Config, ConfigError};
use crate::event::Mode;
use crate::http::guard::Door;
use crate::http::ops::line::Switch;
use crate::http::ops::pulse::Pulse;
use crate::http::{self, App};
use crate::lambda::{Service, Stores};
use crate::org::{self, Org};
use crate::outcome::local_owner;
use crate::salesforce::Http;
use crate::store::sqlite::{self, Sqlite};
use crate::telemetry::{self, Sink};
use crate::worker::Worker;

/// How many calls of contact flows the pages can tell of: a few megabytes.
const REMEMBERED: usize = 5_000;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Port of the invoke endpoint and the pages; 0 takes a free one.
    #[arg(long, default_value_t = 8700)]
    port: u16,
    /// Port of the simulated org; 0 takes a free one.
    #[arg(long, default_value_t = 8701)]
    org_port: u16,
    #[command(flatten)]
    data: super::DataDir,
    #[command(flatten)]
    faults: Faults,
    /// The token that the pages and /api ask for; made anew at each start unless given.
    #[arg(long, value_name = "TEXT")]
    token: Option<String>,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (stop, stopped) = watch::channel(false);
    let ended = |mut stopped: watch::Receiver<bool>| async move {
        // An error means that the sender is gone, which is an end as well.
        stopped.wait_for(|s| *s).await.map(|_| ()).unwrap_or_default();
    };

    let (mut config, org, simulated) = if config::names_an_org() {
        (config::of_process().map_err(|e| faulty(&e))?, None, None)
    } else {
        let listener = bind(args.org_port, "--org-port").await?;
        let address = listener.local_addr()?;
        let settings = org::Settings { faults: args.faults.rules, ..org::Settings::default() };
        let org = Org::new(settings, clock::now()).map_err(|e| anyhow!(e))?;
        let serving = tokio::spawn(org::serve(org.clone(), listener, ended(stopped.clone())));
        let config = config::of_process_with_org(&format!("http://{address}")).map_err(|e| faulty(&e))?;
        (config, Some((address, serving)), Some(org))
    };
    let listener = bind(args.port, "--port").await?;
    let address = listener.local_addr()?;
    let token = match args.token {
        Some(token) => token,
        None => random_token()?,
    };
    telemetry::start(config.level, Sink::Terminal, None);
    for warning in &config.warnings {
        eprintln!("tieline: {warning}");
    }
    greet(&config, &address.to_string(), org.as_ref().map(|(a, _)| a.to_string()).as_deref(), &token);

    // Here there is a queue, whatever the environment says of one: writes are accepted and waited for.
    if config.write.mode == Mode::Sync && !config::environment().any(|(name, _)| name == "TIELINE_WRITE_MODE")
    {
        config.write.mode = Mode::Wait;
    }
    let kept = Sqlite::own(&args.data.data_dir, clock::now())?;
    let owner = local_owner(kept.epoch());
    let stores = Stores {
        state: Some(kept.table(sqlite::STATE)),
        cache: Some(kept.table(sqlite::CACHE)),
        queue: Some(kept.queue(sqlite::WRITES)),
        letters: Some(kept.queue(sqlite::DEAD_WRITES)),
        owner: Some(owner.clone()),
    };
    let service = Service::with(config, stores, Arc::new(Http));
    let flows = service.flows().context("local mode keeps a state table")?;
    let worker = service.worker(owner).context("local mode keeps a queue and a state table")?;
    let (switch, runs) = Switch::new(worker.clone());
    let working = tokio::spawn(work(worker, runs, stopped.clone()));
    telemetry::remember(REMEMBERED);
    let pulse = Pulse::default();
    let app = App {
        door: Door::Token { token: token.into(), by: operator().into() },
        service,
        flows,
        org: simulated,
        worker: Some(switch),
        pulse: Some(pulse.clone()),
        folder: Some(kept),
    };
    let beating = tokio::spawn({
        let (app, stopped) = (app.clone(), stopped.clone());
        async move { pulse.run(&app, stopped).await }
    });
    let serving = tokio::spawn(http::serve(listener, http::router(app), ended(stopped)));
    interrupted().await;
    eprintln!("tieline: stopping; what is accepted stays in the queue");
    stop.send_replace(true);
    beating.await.context("the pulse stopped by itself")?;
    serving.await.context("the server stopped by itself")??;
    working.await.context("the worker stopped by itself")?;
    if let Some((_, serving)) = org {
        serving.await.context("the simulated org stopped by itself")??;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the worker while its switch is on, until the end.
async fn work(worker: Worker, mut runs: watch::Receiver<bool>, mut stopped: watch::Receiver<bool>) {
    // An error means that the other end is gone: the program is ending.
    while !*stopped.borrow_and_update() {
        let mut off = runs.clone();
        let mut ending = stopped.clone();
        worker
            .run(async move {
                tokio::select! {
                    _ = off.wait_for(|on| !*on) => {}
                    _ = ending.wait_for(|end| *end) => {}
                }
            })
            .await;
        tokio::select! {
            on = runs.wait_for(|on| *on) => if on.is_err() { return },
            _ = stopped.wait_for(|end| *end) => return,
        }
    }
}

/// One line for each address, and a call that works when pasted.
fn greet(config: &Config, address: &str, org: Option<&str>, token: &str) {
    say(format_args!("Tieline          http://{address}/?token={token}"));
    match org {
        Some(org) => {
            say(format_args!("Salesforce org   http://{org}/_org/        simulated: faults and journal"));
        }
        None => say(format_args!("Salesforce org   {}", config.salesforce.organisation())),
    }
    say(format_args!("Invoke endpoint  http://{address}/2015-03-31/functions/sfInvokeAPI/invocations"));
    say(format_args!("\nA first call, from another terminal:\n"));
    say(format_args!("  curl -s http://{address}/2015-03-31/functions/sfInvokeAPI/invocations -d '{{"));
    say(format_args!(
        "    \"Details\": {{\"Parameters\": {{\"sf_operation\": \"phoneLookup\", \"sf_phone\": \"+12065550100\","
    ));
    say(format_args!("      \"sf_fields\": \"Id, Name, Account.Name\"}}}}}}'\n"));
    say(format_args!("Ctrl-C ends it."));
}

/// All faults of the configuration, one a line.
pub(super) fn faulty(errors: &[ConfigError]) -> anyhow::Error {
    let lines: Vec<String> = errors.iter().map(|e| format!("  {e}")).collect();
    anyhow!("the configuration cannot be used:\n{}", lines.join("\n"))
}

/// Who runs this program, as the history names them.
fn operator() -> String {
    let environment: BTreeMap<_, _> = config::environment().collect();
    let name = ["USER", "LOGNAME"].iter().find_map(|name| environment.get(*name));
    name.filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| "console".to_owned())
}

/// 128 bits of chance, in hexadecimal.
fn random_token() -> anyhow::Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)
        .context("this machine gives no randomness for a token; give one with --token")?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}
