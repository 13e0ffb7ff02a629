//! `tieline local` as a process of its own, on free ports and in a folder that goes with it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// A running `tieline local`; ended with this value.
pub struct Local {
    child: Child,
    _folder: tempfile::TempDir,
    /// `http://127.0.0.1:port` of the invoke endpoint.
    pub invoke: String,
    /// `http://127.0.0.1:port` of the simulated org.
    pub org: String,
    client: reqwest::Client,
}

impl Local {
    /// Starts it and waits until it has told its addresses.
    pub async fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut child = Command::new("target/release/tieline")
            .args(["local", "--port", "0", "--org-port", "0", "--data-dir"])
            .arg(folder.path())
            .args(arguments)
            .env("LOGGING_LEVEL", "ERROR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().expect("it is piped");
        let (invoke, org) = tokio::task::spawn_blocking(move || addresses(BufReader::new(output))).await??;
        Ok(Self { child, _folder: folder, invoke, org, client: reqwest::Client::new() })
    }

    /// One call of a contact flow; an error of the function is the reply that says so.
    pub async fn invoke(&self, event: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/2015-03-31/functions/sfInvokeAPI/invocations", self.invoke);
        Ok(self.client.post(url).json(event).send().await?.json().await?)
    }
}

/// Reads the greeting up to both addresses, and goes on reading so that nothing blocks.
fn addresses(mut output: BufReader<std::process::ChildStdout>) -> anyhow::Result<(String, String)> {
    let (mut invoke, mut org) = (None, None);
    let mut line = String::new();
    while invoke.is_none() || org.is_none() {
        line.clear();
        anyhow::ensure!(output.read_line(&mut line)? > 0, "tieline local ended before it told its addresses");
        let address = line.split_whitespace().find(|w| w.starts_with("http://"));
        let origin = address.and_then(|a| a.split('/').nth(2)).map(|host| format!("http://{host}"));
        if line.starts_with("Tieline ") {
            invoke = origin;
        } else if line.starts_with("Salesforce org ") {
            org = origin;
        }
    }
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    Ok((invoke.unwrap_or_default(), org.unwrap_or_default()))
}

/// API calls that the simulated org at this address has counted so far.
pub async fn calls(org: &str) -> anyhow::Result<u64> {
    let limits: Value = reqwest::get(format!("{org}/_org/limits")).await?.json().await?;
    limits["used"].as_u64().ok_or_else(|| anyhow::anyhow!("the org tells no usage: {limits}"))
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
