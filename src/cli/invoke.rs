//! `tieline invoke EVENT.json`: one event, answered by this process.

use std::{io::Read as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;

use crate::config;
use crate::lambda::Service;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The event as Amazon Connect sends it; `-` reads standard input.
    #[arg(value_name = "EVENT.json")]
    event: PathBuf,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    if args.event.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read as text")?;
    } else {
        text = std::fs::read_to_string(&args.event)
            .with_context(|| format!("{} cannot be read", args.event.display()))?;
    }
    let event = serde_json::from_str(&text).context("the event is not JSON")?;
    match Service::new(config::of_process()).invoke(event, Duration::from_secs(60)).await {
        Ok(reply) => {
            println!("{}", serde_json::to_string_pretty(&reply)?);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("{}", serde_json::to_string_pretty(&error)?);
            Ok(ExitCode::from(1))
        }
    }
}
