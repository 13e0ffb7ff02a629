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

/// Start → the block → End by each of these outputs.
fn alone(kind: &str, controls: Value, ports: &[&str]) -> String {
    let out: serde_json::Map<_, _> = ports.iter().map(|port| ((*port).to_owned(), json!("e"))).collect();
    json!({"actions": [
        {"id": "s", "type": "SE_Start", "controls": {}, "ports": {"done": "b"}},
        {"id": "b", "type": kind, "controls": controls, "ports": out},
        {"id": "e", "type": "SE_End", "controls": {}, "ports": {}}]})
    .to_string()
}

#[test]
fn a_run_is_told_and_then_its_record_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let flow = alone("SE_CoreTruthy", json!({"value": "$.payload.gone"}), &["true", "false"]);
    std::fs::write(folder.path().join("flow.json"), flow).unwrap();
    let told = text(&tieline(folder.path(), &["flow", "run", "flow.json"], &[]).stdout);
    let (trace, record) = told.split_once("\n\n").unwrap();
    for part in ["Is Truthy? [b] false → e", "nothing at $.payload.gone", "completed"] {
        assert!(trace.contains(part), "{part} is missing:\n{trace}");
    }
    let record: Value = serde_json::from_str(record).unwrap();
    assert_eq!(record["b"], json!({"success": true, "results": false, "exception": null}));
    assert_eq!(record["s"], json!({"success": true, "results": null, "exception": null}));
}

#[test]
fn an_event_as_eventbridge_carries_it_starts_a_run_too() {
    let folder = tempfile::tempdir().unwrap();
    let flow = alone(
        "SE_CoreJoinStrings",
        json!({"value1": "$.contact.contactId", "value2": "$.payload.eventType"}),
        &["done"],
    );
    std::fs::write(folder.path().join("flow.json"), flow).unwrap();
    let event = json!({"version": "0", "id": "ev-1", "detail-type": "Amazon Connect Contact Event", "time": "2026-11-20T10:20:00Z",
        "detail": {"eventType": "CONNECTED_TO_AGENT", "contactId": "c-1", "channel": "VOICE", "initiationMethod": "INBOUND"}});
    std::fs::write(folder.path().join("event.json"), event.to_string()).unwrap();
    let ran = tieline(folder.path(), &["flow", "run", "flow.json", "--event", "event.json", "--json"], &[]);
    let run: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(run["event"]["name"], "onConnected", "{run:#}");
    assert_eq!(run["actions"]["b"]["results"]["value"], "c-1CONNECTED_TO_AGENT");
}

#[test]
fn a_block_that_is_never_run_takes_a_scripted_answer_and_else_leaves_by_failure() {
    let folder = tempfile::tempdir().unwrap();
    let flow = alone("SE_JQueryMethod", json!({"selector": "#a", "method": "hide"}), &["success", "failure"]);
    std::fs::write(folder.path().join("flow.json"), flow).unwrap();
    let run = |answers: Value| {
        std::fs::write(folder.path().join("answers.json"), answers.to_string()).unwrap();
        tieline(folder.path(), &["flow", "run", "flow.json", "--answers", "answers.json"], &[])
    };
    let refused =
        run(json!({"expect": {"actions": {"b": {"success": false, "exception": {"name": "NotAllowed"}}}}}));
    assert_eq!(refused.status.code(), Some(0), "{}", text(&refused.stderr));
    let answered =
        run(json!({"SE_JQueryMethod": {"success": {}}, "expect": {"actions": {"b": {"success": true}}}}));
    assert_eq!(answered.status.code(), Some(0), "{}", text(&answered.stderr));
}

#[test]
fn a_flow_that_has_no_room_in_a_row_is_kept_and_run_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // Messages that no compression makes short.
    let log = |n: usize| {
        let message = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            r#"{{"id":"uid-{n}","type":"SE_Log","meta":{{}},"controls":{{"level":"info","message":"{message:x}"}},"ports":{{"done":"uid-{}"}},"position":[0,0]}}"#,
            n + 1
        )
    };
    let start = log(0).replace("SE_Log", "SE_Start");
    let actions: Vec<String> = std::iter::once(start).chain((1..30_000).map(log)).collect();
    let file = format!(r#"{{"actions":[{}]}}"#, actions.join(","));
    std::fs::write(folder.path().join("flow.json"), &file).unwrap();
    let go = |arguments: &[&str]| tieline(folder.path(), &[&["flow"], arguments].concat(), &[]);

    let ran = go(&["run", "flow.json"]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert!(text(&ran.stdout).contains("limit: The run took 1000 steps"));
    let imported = go(&["import", "flow.json"]);
    assert_eq!(imported.status.code(), Some(0), "{}", text(&imported.stderr));
    let id = text(&imported.stdout).trim().to_owned();
    assert_eq!(text(&go(&["export", &id]).stdout), file);
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
    // A new version may move the flow to another event; what is no event is refused by name.
    let constant = fixture("constant-condition.json").display().to_string();
    let moved = go(&[
        "import",
        &constant,
        "--into",
        &id,
        "--source",
        "chatContact",
        "--event",
        "onConnected",
        "--name",
        "Moved",
    ]);
    assert_eq!(moved.status.code(), Some(0), "{}", text(&moved.stderr));
    let listed: Vec<Value> = serde_json::from_slice(&go(&["list", "--format", "json"]).stdout).unwrap();
    assert_eq!(
        [&listed[0]["name"], &listed[0]["source"], &listed[0]["event"], &listed[0]["draftVersion"]],
        [&json!("Moved"), &json!("chatContact"), &json!("onConnected"), &json!(2)]
    );
    for wrong in [["import", &constant, "--source", "voice"], ["check", &constant, "--source", "voice"]] {
        let refused = go(&wrong);
        assert_eq!(refused.status.code(), Some(2));
        assert!(text(&refused.stderr).contains("voiceContact"), "{}", text(&refused.stderr));
    }
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
