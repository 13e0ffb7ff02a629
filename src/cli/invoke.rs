//! `tieline invoke EVENT.json`: one event, answered by this process.

use std::{
    future::pending, io::Read as _, net::Ipv4Addr, path::PathBuf, process::ExitCode, sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use tokio::net::TcpListener;

use super::local::faulty;
use crate::clock;
use crate::config;
use crate::lambda::{Service, Stores};
use crate::org::{self, Org};
use crate::salesforce::Http;

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
    let service = if config::names_an_org() {
        Service::new(config::of_process())
    } else {
        eprintln!("tieline: SF_HOST is not set; a simulated org answers, and forgets");
        against_simulation().await?
    };
    match service.invoke(event, Duration::from_secs(60)).await {
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

/// Without an org of one's own: the simulated one, for as long as this call takes.
async fn against_simulation() -> anyhow::Result<Service> {
    let org = Org::new(org::Settings::default(), clock::now()).map_err(|e| anyhow!(e))?;
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port on 127.0.0.1 is free")?;
    let origin = format!("http://{}", listener.local_addr()?);
    tokio::spawn(org::serve(org, listener, pending()));
    let config = config::of_process_with_org(&origin).map_err(|errors| faulty(&errors))?;
    let stores = Stores::on_aws(&config.stores);
    Ok(Service::with(config, stores, Arc::new(Http)))
}
