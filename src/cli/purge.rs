//! `tieline purge CONTACT_ID`: forgets what a contact's writes held.

use std::process::ExitCode;

use super::{DataDir, desk};
use crate::clock;

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
    let purged = desk::open(&args.data)?.desk.purge(&args.contact, args.dry_run, clock::now()).await?;
    let would = if args.dry_run { "would be " } else { "" };
    println!(
        "{} rows {would}removed, {} outcomes {would}emptied (marks of them stay while the queue could still \
         deliver their messages)",
        purged.removed, purged.emptied
    );
    if purged.unsettled > 0 {
        eprintln!(
            "tieline: {} writes are not settled and stay whole; purge again when they are (`tieline outcomes {}`)",
            purged.unsettled, args.contact
        );
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}
