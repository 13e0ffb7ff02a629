//! `tieline org`, by the real binary.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// The org as a process, ended when dropped.
struct Running {
    child: Child,
    base: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
    command.arg("org").args(["--port", "0"]).args(arguments).env_clear();
    command
}

fn run(arguments: &[&str]) -> Running {
    let mut child = command(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let base = line.split_whitespace().find(|w| w.starts_with("http://")).unwrap_or_default();
    let base = base.trim_end_matches('/').to_owned();
    assert!(!base.is_empty(), "{line}");
    Running { child, base }
}

async fn create(running: &Running, http: &reqwest::Client, name: &str) -> u16 {
    let url = format!("{}/services/data/v66.0/sobjects/Account", running.base);
    let answer = http.post(url).bearer_auth("t").json(&json!({"Name": name})).send().await.unwrap();
    answer.status().as_u16()
}

async fn names(running: &Running, http: &reqwest::Client) -> Vec<Value> {
    let url = format!("{}/services/data/v66.0/query?q=SELECT+Name+FROM+Account", running.base);
    let found: Value = http.get(url).bearer_auth("t").send().await.unwrap().json().await.unwrap();
    found["records"].as_array().unwrap().iter().map(|r| r["Name"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_rows_and_journal_in_files_and_fails_as_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (data, journal) = (path("org.db"), path("journal.jsonl"));
    let http = reqwest::Client::new();
    let kept = ["--empty", "--data", &data, "--journal", &journal];
    let first = run(&[&kept[..], &["--fault", "status=503,path=/sobjects,count=1"]].concat());
    assert_eq!(create(&first, &http, "refused").await, 503);
    assert_eq!(create(&first, &http, "Kestrel").await, 201);
    drop(first);
    let second = run(&kept);
    assert_eq!(create(&second, &http, "Merlin").await, 201);
    assert_eq!(names(&second, &http).await, [json!("Kestrel"), json!("Merlin")]);
    let page = http.get(format!("{}/_org", second.base)).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Merlin") && !page.contains("Kestrel"), "what this process did: {page}");
    let lines: Vec<Value> = std::fs::read_to_string(&journal)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<(&Value, &Value)> = lines.iter().map(|e| (&e["verb"], &e["fields"]["Name"])).collect();
    assert_eq!(told, [(&json!("create"), &json!("Kestrel")), (&json!("create"), &json!("Merlin"))]);
}

#[test]
fn what_it_cannot_use_is_named() {
    let nowhere = Path::new("/nowhere/at/all");
    for (arguments, told) in [
        (["--fault", "explode"], "there are status=N"),
        (["--schema", nowhere.to_str().unwrap()], "/nowhere/at/all"),
        (["--journal", nowhere.to_str().unwrap()], "/nowhere/at/all"),
        (["--data", nowhere.to_str().unwrap()], "/nowhere/at/all"),
    ] {
        let output = command(&arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(told), "{arguments:?}: {error}");
    }
}
