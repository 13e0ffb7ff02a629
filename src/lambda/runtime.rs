//! The Lambda runtime: init, then event after event for as long as the environment lives.

use std::process::ExitCode;
use std::time::Duration;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

use super::{FunctionError, Service};
use crate::clock;
use crate::clock::Deadline;
use crate::config;
use crate::net;
use crate::telemetry;
use crate::telemetry::Sink;

/// How long an environment that is started ahead of need may wait for its token.
const WARM: Duration = Duration::from_secs(5);

impl From<FunctionError> for Diagnostic {
    fn from(error: FunctionError) -> Self {
        Self { error_type: error.error_type, error_message: error.error_message }
    }
}

/// The whole life of `bootstrap`.
#[must_use]
pub fn main() -> ExitCode {
    let config = config::of_process();
    let (level, stack) = config.as_ref().map_or_else(|_| Default::default(), |c| (c.level, c.stack.clone()));
    telemetry::start(level, Sink::Lambda, stack);
    let mut ahead = false;
    match &config {
        Ok(config) => {
            config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
            config.process.trusted_roots.clone().into_iter().for_each(net::trust);
            #[cfg(debug_assertions)]
            config.process.fixed_now.into_iter().for_each(clock::fix);
            ahead = config.process.ahead;
        }
        Err(errors) => errors.iter().for_each(|error| tracing::error!("{error}")),
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the runtime did not start");
            return ExitCode::FAILURE;
        }
    };
    let service = Service::new(config);
    match runtime.block_on(run(service, ahead)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the Lambda runtime ended");
            ExitCode::FAILURE
        }
    }
}

async fn run(service: Service, ahead: bool) -> Result<(), lambda_runtime::Error> {
    // An environment that is started because a call waits gets its token with that call: nothing is
    // built which that call does not need. One that is started ahead of need gets it now.
    if ahead
        && let Some(client) = service.client()
        && let Err(fault) = client.warm(Deadline::after(WARM)).await
    {
        tracing::warn!(code = %fault.code, "no token yet: {}", fault.message);
    }
    let flows = service.flows();
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let (service, flows) = (service.clone(), flows.clone());
        async move {
            let left = event.context.deadline.saturating_sub(clock::now().as_millis().unsigned_abs());
            let left = Duration::from_millis(left);
            let told = |error: &FunctionError| tracing::error!(kind = error.error_type, "{error}");
            match service.config().and_then(|config| config.process.handler.as_deref()) {
                Some("worker") => service.deliver(event.payload, left).await.inspect_err(told),
                Some("events") => service.hear(flows.as_ref(), event.payload, left).await.inspect_err(told),
                // Any other name means invoke, upstream's `sfInvokeAPI.lambda_handler` among them.
                _ => {
                    let trace = event.context.xray_trace_id.as_deref();
                    service.invoke_traced(event.payload, left, trace).await
                }
            }
        }
    }))
    .await
}
