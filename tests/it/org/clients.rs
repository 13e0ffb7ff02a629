//! Clients that others wrote for the real Salesforce, run against the org.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tieline::org::Settings;
use tokio::process::Command;

use super::sockets::serve;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a client's script, if `make test` has installed the client; else says loudly what is missing.
async fn run(program: &Path, script: &str, done: &str) {
    if !program.exists() || !root().join("target/tools/clients/.installed").exists() {
        let missing = "the real clients are not installed: run tests/clients/setup.sh";
        #[expect(clippy::disallowed_methods, reason = "only tests ask the environment for this")]
        let required = std::env::var_os("REQUIRE_CLIENTS").is_some_and(|v| !v.is_empty());
        assert!(!required, "{missing}");
        eprintln!("\n*** SKIPPED: {missing} ***\n");
        return;
    }
    let served = serve(Settings::default()).await;
    let output = Command::new(program)
        .args(script.split(' ').take(script.split(' ').count() - 1))
        .arg(root().join("tests/clients").join(script.rsplit(' ').next().unwrap()))
        .arg(&served.base)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} failed\n{said}\n{complained}");
    assert!(said.contains(done), "{script} ended early\n{said}\n{complained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn jsforce_believes_the_org() {
    run(Path::new("/usr/bin/env"), "node jsforce.cjs", "jsforce: every part passed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simple_salesforce_believes_the_org() {
    let python = root().join("target/tools/clients/venv/bin/python");
    run(&python, "simple_salesforce_client.py", "simple-salesforce: every part passed").await;
}
