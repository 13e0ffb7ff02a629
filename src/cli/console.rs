//! The console on AWS: `tieline`, zipped as a Lambda function behind a function URL with IAM.
//!
//! The function's environment is that of the others; it needs the state table. The worker runs
//! elsewhere, nothing stays open between requests, and no org is simulated.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow};

use crate::config;
use crate::http::{self, App, guard::Door};
use crate::lambda::Service;
use crate::telemetry::{self, Sink};

/// Whether Lambda started this process: its runtime is there, and nobody gave arguments.
pub(super) fn is_function() -> bool {
    std::env::args_os().len() == 1
        && config::environment().any(|(name, value)| name == "AWS_LAMBDA_RUNTIME_API" && !value.is_empty())
}

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let config = config::of_process().map_err(|errors| super::local::faulty(&errors))?;
    telemetry::start(config.level, Sink::Lambda, config.stack.clone());
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let service = Service::new(Ok(config));
    let flows =
        service.flows().context("the console shows what TIELINE_STATE_TABLE keeps, and none is set")?;
    let app = App { door: Door::Iam, service, flows, org: None, worker: None, pulse: None, folder: None };
    http::serve_function(http::router(app))
        .await
        .map_err(|error| anyhow!("the Lambda runtime ended: {error}"))?;
    Ok(ExitCode::SUCCESS)
}
