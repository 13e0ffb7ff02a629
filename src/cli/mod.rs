//! The command line: arguments → configuration → wiring → one role.
//!
//! Results go to standard output, logs and progress to standard error, colour only to a terminal.
//! Exit codes: 0 done, 1 the answer is no (a check found errors, a write failed), 2 the call or the
//! configuration is wrong.
//! What it never does: decide anything that a path should decide. One file per subcommand.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this room speaks to a terminal")]

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};

use crate::config;
use crate::net;

mod console;
mod desk;
mod dlq;
mod flow;
mod doctor;
mod invoke;
mod lint;
mod local;
mod org;
mod outcomes;
mod print;
mod purge;
mod schema;
mod serving;
mod worker;

/// The circuit between Amazon Connect and Salesforce.
#[derive(Debug, Parser)]
#[command(name = "tieline", version, about, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Roles take their configuration from the environment: SF_… as AWS's package, TIELINE_… \
    (README.md, Configuration); `tieline doctor` says what is wrong with it.\n\
    Exit codes: 0 done; 1 the answer is no (a check found errors, a write failed, nothing was found); \
    2 the call or the configuration is wrong."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process on this machine: invoke endpoint, worker, simulated org, pages.
    Local(local::Args),
    /// Carry accepted writes to Salesforce, as a poller.
    Worker(worker::Args),
    /// Run the simulated Salesforce org alone.
    Org(org::Args),
    /// Answer one event of a contact flow.
    Invoke(invoke::Args),
    /// Check, run and keep CTI Flows.
    Flow(flow::Args),
    /// Tell the story of a contact's writes.
    Outcomes(outcomes::Args),
    /// List, repair, replay or give up writes that wait for a person.
    Dlq(dlq::Args),
    /// Forget what the writes and flow runs of a contact held.
    Purge(purge::Args),
    /// Look at the whole set-up: what is wrong, why, and what cures it.
    Doctor(doctor::Args),
    /// Tell what an exported Amazon Connect contact flow should change.
    Lint(lint::Args),
    /// Print a JSON Schema.
    Schema(schema::Args),
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Jsonl,
}

/// Where local mode keeps its queue and tables, for the commands that open them.
#[derive(Clone, Debug, clap::Args)]
pub struct DataDir {
    /// The folder of local mode's queue and tables.
    #[arg(long, value_name = "DIR", default_value = ".tieline", global = true)]
    pub data_dir: PathBuf,
}

/// Parses the arguments and runs the one role they name.
#[must_use]
pub fn main() -> ExitCode {
    let command = if console::is_function() { None } else { Some(Arguments::parse().command) };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tieline: the runtime did not start: {error}");
            return ExitCode::from(2);
        }
    };
    // Before anything can call out: every command has the same roots.
    config::trusted_roots().into_iter().for_each(net::trust);
    let result = runtime.block_on(async {
        let Some(command) = command else { return console::run().await };
        match command {
            Command::Local(args) => local::run(args).await,
            Command::Worker(args) => worker::run(args).await,
            Command::Org(args) => org::run(args).await,
            Command::Invoke(args) => invoke::run(args).await,
            Command::Flow(args) => flow::run(args).await,
            Command::Outcomes(args) => outcomes::run(args).await,
            Command::Dlq(args) => dlq::run(args).await,
            Command::Purge(args) => purge::run(args).await,
            Command::Doctor(args) => doctor::run(args).await,
            Command::Schema(args) => Ok(schema::run(&args)),
            Command::Lint(args) => lint::run(&args),
        }
    });
    // A thread that still waits (a read of standard input, say) shall not hold the exit back.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| {
        eprintln!("tieline: {error:#}");
        ExitCode::from(2)
    })
}
