//! `tieline purge CONTACT_ID`: forgets what the writes and flow runs of a contact held.

use std::process::ExitCode;

use super::{DataDir, desk};
use crate::clock;
use crate::flow_host::{self, Host};
use crate::replay::Purged;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The contact; of a transferred one the first of its chain (`InitialContactId`).
    #[arg(value_name = "CONTACT_ID")]
    contact: String,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    data: DataDir,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (contact, now) = (&args.contact, clock::now());
    let desk = desk::open(&args.data)?.desk;
    let flows = Host::new(flow_host::Settings::default(), desk.state.clone(), None, None);
    let runs = flows.forget(contact, args.dry_run, now).await?;
    let purged = desk.purge(contact, args.dry_run, now).await?;
    if (purged, runs) == (Purged::default(), 0) {
        eprintln!(
            "tieline: nothing is kept of this contact; of a transferred one name the first (InitialContactId)"
        );
        return Ok(ExitCode::from(1));
    }
    let would = if args.dry_run { "would be " } else { "" };
    println!("{} rows of its writes and {runs} runs of CTI Flows {would}removed", purged.removed);
    if purged.emptied > 0 {
        println!(
            "{} outcomes {would}emptied: without them the queue could deliver a message again that is done; \
             they go by themselves",
            purged.emptied
        );
    }
    if purged.unsettled > 0 {
        eprintln!(
            "tieline: {} writes are not settled and stay whole; purge again when they are (`tieline outcomes {contact}`)",
            purged.unsettled
        );
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}
