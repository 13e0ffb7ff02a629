//! `tieline org`: the simulated Salesforce org alone.

use std::{path::PathBuf, process::ExitCode};

use anyhow::anyhow;

use super::serving::{bind, interrupted, say};
use crate::clock;
use crate::org::{self, Org, faults::Rule};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8701)]
    port: u16,
    /// With the sample company (the default).
    #[arg(long, conflicts_with = "empty")]
    sample: bool,
    /// With the full schema and no rows.
    #[arg(long)]
    empty: bool,
    /// Keep the rows in this file; else they are gone with the process.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Objects and fields beside the standard ones, in a JSON file such as {"objects": [{"name":
    /// "Case", "fields": [{"name": "Crew__c", "type": "string", "length": 80}]}]}.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    #[command(flatten)]
    faults: Faults,
    /// Append every effect to this file, a line of JSON each.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// What every draw of chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What shall go wrong from the start.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Faults {
    /// What goes wrong, such as `status=503,share=0.2` or `latency=300ms`; may be given again.
    /// Rules can be changed while it runs, at /_org/faults.
    #[arg(long = "fault", value_name = "RULE", value_parser = Rule::parse)]
    pub(super) rules: Vec<Rule>,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = org::Settings {
        path: args.data,
        schema: args.schema,
        sample: !args.empty,
        seed: args.seed,
        faults: args.faults.rules,
        journal: args.journal,
        ..org::Settings::default()
    };
    let org = Org::new(settings, clock::now()).map_err(|e| anyhow!(e))?;
    let listener = bind(args.port, "--port").await?;
    let address = listener.local_addr()?;
    say(format_args!("Salesforce org   http://{address}/        any credentials are accepted"));
    say(format_args!("Faults, journal  http://{address}/_org/"));
    org::serve(org, listener, interrupted()).await?;
    Ok(ExitCode::SUCCESS)
}
