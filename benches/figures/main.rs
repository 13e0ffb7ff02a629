//! The figures of the README, measured on this machine: `make bench`.
//!
//! Whole processes against the simulated org on loopback. Every comparison is made within one run,
//! its sides alternating; what is printed as a ratio or a difference is to be believed before what
//! is printed as a time. `--against COMMAND` measures another program that speaks the Lambda runtime
//! interface beside ours; `--only start,load` runs these parts alone; `--json FILE` keeps the table.
//!
//! **To add a part**: a file beside this one with
//! `pub async fn measure(table: &mut Table, environment: &Environment) -> anyhow::Result<()>`, its
//! `mod`, and its line in [`PARTS`]. A part adds each figure once ([`Table::add`],
//! [`Table::at_most`], [`Table::at_least`]) under a name that stays the same, for that is what
//! `make bench-compare` matches by, and begins it with the part's own name (`writes: …`). What it
//! needs is at hand: the org of [`Environment::org`], a function as a process
//! ([`function::Function`]), `tieline local` as a process ([`local::Local`]), [`table::percentile`].
//! It takes at most a minute, for the whole takes at most ten. A part that fails is named at the end,
//! with its reason; the others go on.

#![recursion_limit = "256"]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::let_underscore_must_use,
    clippy::string_slice,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "an instrument on a developer's machine: it reads the clock, and stops where it cannot measure"
)]

mod cache;
mod dynamodb;
mod flow_files;
mod flows;
mod function;
mod load;
mod local;
mod org;
mod reads;
mod relay;
mod start;
mod table;
mod warm;
mod writes;

use std::{fs, io::Write as _, time::Instant};

use futures::{FutureExt as _, future::LocalBoxFuture};
use tieline::{
    clock,
    org::{Org, Settings, serve},
};
use tokio::net::TcpListener;

use crate::table::Table;

/// One part of the instrument.
type Part = for<'a> fn(&'a mut Table, &'a Environment) -> LocalBoxFuture<'a, anyhow::Result<()>>;

/// All parts, in the order in which they run.
const PARTS: &[(&str, Part)] = &[
    ("start", |t, e| start::measure(t, e).boxed_local()),
    ("warm", |t, e| warm::measure(t, e).boxed_local()),
    ("org", |t, e| org::measure(t, e).boxed_local()),
    ("cache", |t, e| cache::measure(t, e).boxed_local()),
    ("reads", |t, e| reads::measure(t, e).boxed_local()),
    ("load", |t, e| load::measure(t, e).boxed_local()),
    ("flows", |t, e| flows::measure(t, e).boxed_local()),
    ("writes", |t, e| writes::measure(t, e).boxed_local()),
];

/// What is packaged for Lambda.
pub const BOOTSTRAP: &str = "target/lambda/bootstrap";
/// The least that a function can be.
pub const BARE: &str = "target/lambda/examples/bare";

/// What is measured, and against whom.
pub struct Environment {
    /// The other program, where one was named.
    pub against: Option<Vec<String>>,
    /// The simulated org.
    pub org: String,
    /// What a function is started with.
    pub variables: Vec<(String, String)>,
}

impl Environment {
    /// The command of our function.
    pub fn bootstrap(&self) -> Vec<String> {
        vec![BOOTSTRAP.to_owned()]
    }

    /// The command of the bare function.
    pub fn bare(&self) -> Vec<String> {
        vec![BARE.to_owned()]
    }

    /// API calls that the org has counted so far.
    pub async fn calls(&self) -> anyhow::Result<u64> {
        local::calls(&self.org).await
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let option =
        |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1)).cloned();
    let only = option("--only");
    let wanted = |part: &str| only.as_deref().is_none_or(|parts| parts.split(',').any(|p| p == part));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let simulated = Org::new(Settings::default(), clock::now()).map_err(anyhow::Error::msg)?;
    tokio::spawn(serve(simulated, listener, std::future::pending()));

    let mut secret = tempfile::NamedTempFile::new()?;
    secret.write_all(br#"{"ConsumerKey": "bench", "ConsumerSecret": "bench"}"#)?;
    let environment = Environment {
        against: option("--against").map(|c| c.split_whitespace().map(str::to_owned).collect()),
        org: base.clone(),
        variables: [
            ("SF_HOST", base.as_str()),
            ("SF_PRODUCTION", "false"),
            ("SF_VERSION", "v66.0"),
            ("LOGGING_LEVEL", "ERROR"),
            ("TIELINE_SECRET_FILE", &secret.path().to_string_lossy()),
            ("_HANDLER", "invoke"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .to_vec(),
    };

    let mut table = Table::default();
    let mut failed = Vec::new();
    for (part, measure) in PARTS.iter().filter(|(part, _)| wanted(part)) {
        let began = Instant::now();
        if let Err(error) = measure(&mut table, &environment).await {
            eprintln!("{part} could not be measured: {error:#}");
            failed.push(format!("{part}: {error:#}"));
        }
        eprintln!("── {part} took {:.0} s", began.elapsed().as_secs_f64());
    }
    table.print();
    if let Some(file) = option("--json") {
        fs::write(file, serde_json::to_vec_pretty(&table)?)?;
    }
    anyhow::ensure!(failed.is_empty(), "parts that could not measure:\n{}", failed.join("\n"));
    Ok(())
}
