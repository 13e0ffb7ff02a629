//! `tieline local`: all roles in one process, for a newcomer and for tests.

use std::{net::Ipv4Addr, process::ExitCode};

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::http;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Port of the invoke endpoint and the pages.
    #[arg(long, default_value_t = 8700)]
    port: u16,
    /// Port of the simulated org.
    #[arg(long, default_value_t = 8701)]
    org_port: u16,
    #[command(flatten)]
    data: super::DataDir,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let listener = bind(args.port, "--port").await?;
    println!("Tieline      http://{}/", listener.local_addr()?);
    http::serve(listener, http::router(http::App::new("local")), interrupted()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Binds loopback, and says what to do when the port is taken.
async fn bind(port: u16, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
        format!("port {port} on 127.0.0.1 is not free; stop what holds it, or choose another with {flag}")
    })
}

/// Resolves at Ctrl-C or SIGTERM.
async fn interrupted() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
