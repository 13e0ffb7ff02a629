//! `tieline worker`: the poller, for volume.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::serving::interrupted;
use crate::clock;
use crate::config;
use crate::http;
use crate::lambda::Service;
use crate::replay::drain;
use crate::store::{Queue, Table};
use crate::telemetry::{self, Sink};

/// How often the queue's own dead-letter queue is looked into, and how much is taken at once.
const LETTERS: (Duration, usize) = (Duration::from_secs(60), 100);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Serve /metrics and /healthz at this address: 127.0.0.1:9464, in a container 0.0.0.0:9464.
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let config = match config::of_process() {
        Ok(config) => config,
        Err(errors) => bail!("{}", super::local::faulty(&errors)),
    };
    telemetry::start(config.level, Sink::Lambda, config.stack.clone());
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let service = Service::new(Ok(config));
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).context("this machine gives no randomness for a name")?;
    let owner = format!("poller-{:016x}", u64::from_be_bytes(bytes));
    let Some(worker) = service.worker(owner) else {
        bail!("the worker needs a queue and a state table: set TIELINE_QUEUE_URL and TIELINE_STATE_TABLE");
    };
    let (stop, stopped) = watch::channel(false);
    if let Some((dead, state)) = service.stores().and_then(|s| Some((s.letters.clone()?, s.state.clone()?))) {
        tokio::spawn(letters(dead, state, stopped.clone()));
    }
    if let Some(address) = args.metrics {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("{address} is not free; choose another with --metrics"))?;
        eprintln!("tieline: metrics at http://{}/metrics", listener.local_addr()?);
        let mut stopped = stopped;
        // They end with the worker; an error means that it is gone already.
        let end = async move { stopped.wait_for(|stop| *stop).await.map(drop).unwrap_or_default() };
        tokio::spawn(http::serve(listener, http::metrics::of_worker(), end));
    }
    eprintln!(
        "tieline: the worker drains the queue; SIGTERM lets it finish what is under way, 25 seconds at most"
    );
    worker.run(interrupted()).await;
    stop.send_replace(true);
    Ok(ExitCode::SUCCESS)
}

/// Takes what lies in the queue's own dead-letter queue into records, at once and every minute, as
/// the function does on its event source.
async fn letters(dead: Arc<dyn Queue>, state: Arc<dyn Table>, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = drain(&*dead, &*state, LETTERS.1, clock::now()).await {
            tracing::warn!(%error, "the dead-letter queue could not be looked into");
        }
        tokio::select! {
            _ = async { stopped.wait_for(|stop| *stop).await.map(drop) } => return,
            () = tokio::time::sleep(LETTERS.0) => {}
        }
    }
}
