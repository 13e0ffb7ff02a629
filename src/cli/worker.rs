//! `tieline worker`: the poller, for volume.

use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::serving::interrupted;
use crate::config;
use crate::lambda::Service;
use crate::telemetry::{self, Sink};

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) async fn run(Args {}: Args) -> anyhow::Result<ExitCode> {
    let config = match config::of_process() {
        Ok(config) => config,
        Err(errors) => bail!("{}", super::local::faulty(&errors)),
    };
    telemetry::start(config.level, Sink::Lambda);
    let service = Service::new(Ok(config));
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).context("this machine gives no randomness for a name")?;
    let owner = format!("poller-{:016x}", u64::from_be_bytes(bytes));
    let Some(worker) = service.worker(owner) else {
        bail!("the worker needs a queue and a state table: set TIELINE_QUEUE_URL and TIELINE_STATE_TABLE");
    };
    eprintln!(
        "tieline: the worker drains the queue; SIGTERM lets it finish what is under way, 25 seconds at most"
    );
    worker.run(interrupted()).await;
    Ok(ExitCode::SUCCESS)
}
