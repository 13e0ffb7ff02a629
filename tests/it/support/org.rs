//! The simulated org behind a socket.

use serde_json::Value;
use tieline::{
    org::{self, Org, Settings},
    time::Timestamp,
};
use tokio::{net::TcpListener, sync::oneshot};

/// An org on a free port, ended when this is dropped.
pub(crate) struct Served {
    pub(crate) base: String,
    _end: oneshot::Sender<()>,
}

impl Served {
    pub(crate) async fn start(settings: Settings, now: Timestamp) -> Self {
        let org = Org::new(settings, now).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (end, ended) = oneshot::channel::<()>();
        tokio::spawn(org::serve(org, listener, async move { drop(ended.await) }));
        Self { base, _end: end }
    }

    /// Adds a rule of faults.
    pub(crate) async fn fault(&self, rule: &'static str) {
        let url = format!("{}/_org/faults", self.base);
        let answer = reqwest::Client::new().post(url).body(rule).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Every effect that the org knows of, oldest first.
    pub(crate) async fn journal(&self) -> Vec<Value> {
        let told: Value =
            reqwest::get(format!("{}/_org/journal", self.base)).await.unwrap().json().await.unwrap();
        told.as_array().or_else(|| told["effects"].as_array()).cloned().unwrap()
    }
}
