//! CTI Flows from outside: the command line against the simulated org.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/flows").join(name)
}

fn tieline(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
    command.args(arguments).current_dir(folder).env_remove("SF_HOST");
    command.envs(environment.iter().copied());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn check_prints_one_array_and_exits_by_what_it_found() {
    let folder = tempfile::tempdir().unwrap();
    let clean = fixture("walkthrough.json").display().to_string();
    let constant = fixture("constant-condition.json").display().to_string();
    let damaged = fixture("damaged-references.json").display().to_string();
    let check = |files: &[&str]| {
        tieline(folder.path(), &[&["flow", "check", "--format", "json"], files].concat(), &[])
    };
    assert_eq!(check(&[&clean]).status.code(), Some(0));
    assert_eq!(text(&check(&[&clean]).stdout).trim(), "[]");
    assert_eq!(check(&[&clean, &constant]).status.code(), Some(0), "warnings alone are no error");
    assert_eq!(check(&["--strict", &constant]).status.code(), Some(1));
    let found = check(&[&constant, &damaged]);
    assert_eq!(found.status.code(), Some(1));
    let rows: Vec<Value> = serde_json::from_slice(&found.stdout).unwrap();
    for row in &rows {
        for key in ["file", "code", "severity", "action", "pointer", "message", "hint"] {
            assert!(row.get(key).is_some(), "{key} is missing: {row}");
        }
    }
    assert_eq!(rows[0]["code"], "C301");
    assert_eq!(check(&["does-not-exist.json"]).status.code(), Some(2));
}

#[test]
fn fix_repairs_the_file_in_its_own_form() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flow.json");
    std::fs::copy(fixture("lost-hyphens.json"), &file).unwrap();
    let fixed = tieline(folder.path(), &["flow", "check", "--fix", "flow.json"], &[]);
    assert_eq!(fixed.status.code(), Some(0), "{}", text(&fixed.stderr));
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(
        after.contains("\n    ") && after.contains("\"uid-1\"") && !after.contains("\"uid1\""),
        "{after}"
    );
}

#[test]
fn fmt_writes_both_forms_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("walkthrough.json");
    let exact = std::fs::read_to_string(&file).unwrap();
    let pretty = tieline(folder.path(), &["flow", "fmt", &file.display().to_string()], &[]).stdout;
    std::fs::write(folder.path().join("pretty.json"), &pretty).unwrap();
    let back = tieline(folder.path(), &["flow", "fmt", "--exact", "pretty.json"], &[]).stdout;
    assert_eq!(text(&back), exact);
}

#[test]
fn answers_stand_in_for_services_and_expectations_decide_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("task-three-paths.json").display().to_string();
    let run = |answers: Value| {
        std::fs::write(folder.path().join("answers.json"), answers.to_string()).unwrap();
        tieline(
            folder.path(),
            &["flow", "run", &file, "--sample", "voiceContact/onConnecting", "--answers", "answers.json"],
            &[],
        )
    };
    let answers = |status: &str| {
        json!({
            "SE_SFGetContactId": {"failure": {"name": "NoMatch"}},
            "SE_SFCreateTask": {"success": {"id": "00T1"}},
            "SE_SFScreenpopObject": {"success": {}},
            "expect": {"status": status, "asked": ["uid-2", "uid-4", "uid-10", "uid-12"]},
        })
    };
    let good = run(answers("completed"));
    assert_eq!(good.status.code(), Some(0), "{}{}", text(&good.stdout), text(&good.stderr));
    assert!(
        text(&good.stdout).contains("nothing at $.actions.uid-4.results.sfContactId"),
        "{}",
        text(&good.stdout)
    );
    let bad = run(answers("failed"));
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad.stderr).contains("status"), "{}", text(&bad.stderr));
}

#[test]
fn the_registry_takes_activates_and_gives_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("walkthrough.json");
    let go = |arguments: &[&str]| tieline(folder.path(), &[&["flow"], arguments].concat(), &[]);
    let imported =
        go(&["import", &file.display().to_string(), "--source", "voiceContact", "--event", "onConnecting"]);
    assert_eq!(imported.status.code(), Some(0), "{}", text(&imported.stderr));
    let id = text(&imported.stdout).trim().to_owned();
    assert_eq!(go(&["activate", &id]).status.code(), Some(0));
    let listed: Vec<Value> = serde_json::from_slice(&go(&["list", "--format", "json"]).stdout).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["activeVersion"]), (&json!("walkthrough"), &json!(1)));
    assert_eq!(text(&go(&["export", &id]).stdout), std::fs::read_to_string(&file).unwrap());
    let damaged = go(&["import", &fixture("damaged-references.json").display().to_string()]);
    let refused = go(&["activate", text(&damaged.stdout).trim()]);
    assert_ne!(refused.status.code(), Some(0));
}

/// A simulated org of its own, ended with the value.
struct Org {
    child: std::process::Child,
    address: String,
}

impl Org {
    fn start(folder: &Path) -> Self {
        use std::io::BufRead as _;
        let mut child = Command::new(env!("CARGO_BIN_EXE_tieline"))
            .args(["org", "--port", "0", "--sample"])
            .current_dir(folder)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_whitespace().find(|w| w.starts_with("http://")).unwrap();
        Self { address: address.trim_end_matches('/').to_owned(), child }
    }
}

impl Drop for Org {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn the_walk_through_asks_for_the_pop_of_the_callers_contact() {
    let folder = tempfile::tempdir().unwrap();
    let org = Org::start(folder.path());
    let event = json!({"source": "voiceContact", "name": "onConnecting", "payload": {},
        "contact": {"contactId": "c-1", "type": "voice", "phone": "+12065550102", "country": "US"}});
    std::fs::write(folder.path().join("event.json"), event.to_string()).unwrap();
    let answers = json!({"SE_SFSearchAndScreenpop": {"success": {"opened": true}}, "expect": {"status": "completed", "asked": ["uid-1", "uid-3"]}});
    std::fs::write(folder.path().join("answers.json"), answers.to_string()).unwrap();
    let file = fixture("walkthrough.json").display().to_string();
    let ran = tieline(
        folder.path(),
        &[
            "flow",
            "run",
            &file,
            "--event",
            "event.json",
            "--answers",
            "answers.json",
            "--org",
            &org.address,
            "--json",
        ],
        &[],
    );
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let run: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let asked = run["trace"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["phase"] == "perform" && e["action"] == "uid-3")
        .unwrap();
    let pop = &asked["inputs"]["pop"];
    assert_eq!((&pop["kind"], &pop["object"]), (&json!("record"), &json!("Contact")), "{run:#}");
    let results = &run["actions"]["uid-3"]["results"];
    assert_eq!((&results["count"], &results["id"]), (&json!(1), &pop["recordId"]));
    assert!(pop["recordId"].as_str().unwrap().starts_with("003"));

    // A caller whom nobody knows: the same success, and the search page.
    let stranger = event.to_string().replace("+12065550102", "+442079460999");
    std::fs::write(folder.path().join("event.json"), stranger).unwrap();
    let ran = tieline(
        folder.path(),
        &[
            "flow",
            "run",
            &file,
            "--event",
            "event.json",
            "--answers",
            "answers.json",
            "--org",
            &org.address,
            "--json",
        ],
        &[],
    );
    let run: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(run["actions"]["uid-3"]["results"]["count"], 0, "{run:#}");
}
