//! Stand-ins for what surrounds the Lambda binary, and the binary itself.
//!
//! Each is a server of its own on a free port of the loopback, and ends with the value that holds
//! it. Nothing here knows anything of the product but its protocols.

pub(crate) mod lambda;
pub(crate) mod org;
pub(crate) mod proxy;
pub(crate) mod salesforce;
pub(crate) mod secrets;

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server that ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves on a free port.
    pub(crate) async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
