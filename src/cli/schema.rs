//! `tieline schema`: the JSON Schemas of what goes in and what is kept.

use std::process::ExitCode;

use clap::ValueEnum;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whose schema.
    of: Of,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// The event of a contact flow.
    Event,
    /// A write in the queue.
    Envelope,
    /// What became of a write.
    Outcome,
    /// A CTI Flow.
    Flow,
    /// The JSON interface of the console (OpenAPI).
    Openapi,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let schema = match args.of {
        Of::Event => include_str!("../../schemas/event.json"),
        Of::Envelope => include_str!("../../schemas/envelope.json"),
        Of::Outcome => include_str!("../../schemas/outcome.json"),
        Of::Flow => crate::flow::reference::SCHEMA,
        Of::Openapi => include_str!("../../schemas/openapi.json"),
    };
    println!("{}", schema.trim_end());
    ExitCode::SUCCESS
}
