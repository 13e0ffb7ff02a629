//! What every serving command shares: a port on loopback, and an end.

use std::fmt::Display;
use std::io::Write as _;
use std::net::Ipv4Addr;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Binds loopback, and says what to do when the port is taken.
pub(super) async fn bind(port: u16, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
        format!("port {port} on 127.0.0.1 is not free; stop what holds it, or choose another with {flag}")
    })
}

/// Prints a line. A server whose standard output was closed goes on serving.
pub(super) fn say(line: impl Display) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// Resolves at Ctrl-C or SIGTERM.
pub(super) async fn interrupted() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
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
