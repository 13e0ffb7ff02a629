//! The figures of the README, measured on this machine: `make bench`.
//!
//! Whole processes against the simulated org on loopback. Every comparison is made within one run,
//! its sides alternating; what is printed as a ratio or a difference is to be believed before what
//! is printed as a time. `--against COMMAND` measures another program that speaks the Lambda runtime
//! interface beside ours; `--only NAME` runs one part; `--json FILE` keeps the table.

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

mod function;
mod load;
mod local;
mod org;
mod start;
mod table;
mod warm;

use std::{fs, io::Write as _};

use tieline::{
    clock,
    org::{Org, Settings, serve},
};
use tokio::net::TcpListener;

use crate::table::Table;

/// What is measured, and against whom.
pub struct Environment {
    /// `target/lambda/bootstrap`.
    pub bootstrap: String,
    /// `target/lambda/examples/bare`.
    pub bare: String,
    /// The other program, where one was named.
    pub against: Option<Vec<String>>,
    /// The simulated org.
    pub org: String,
    /// What a function is started with.
    pub variables: Vec<(String, String)>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let option =
        |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1)).cloned();
    let only = option("--only");
    let wanted = |part: &str| only.as_deref().is_none_or(|o| o == part);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let simulated = Org::new(Settings::default(), clock::now()).map_err(anyhow::Error::msg)?;
    tokio::spawn(serve(simulated, listener, std::future::pending()));

    let mut secret = tempfile::NamedTempFile::new()?;
    secret.write_all(br#"{"ConsumerKey": "bench", "ConsumerSecret": "bench"}"#)?;
    let environment = Environment {
        bootstrap: "target/lambda/bootstrap".to_owned(),
        bare: "target/lambda/examples/bare".to_owned(),
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
    if wanted("start") {
        start::run(&mut table, &environment).await?;
    }
    if wanted("org") {
        org::run(&mut table).await?;
    }
    if wanted("warm") {
        warm::run(&mut table, &environment).await?;
    }
    if wanted("load") {
        load::run(&mut table).await?;
    }
    table.print();
    if let Some(file) = option("--json") {
        fs::write(file, serde_json::to_vec_pretty(&table)?)?;
    }
    Ok(())
}
