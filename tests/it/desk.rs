//! The commands of the person in charge, by the real binary over a folder of local mode.

use std::{path::Path, process::Command};

use serde_json::{Map, Value, json};
use tieline::{
    clock,
    envelope::{Envelope, VERSION, WriteId},
    event::Write,
    fault::{Class, Fault},
    outcome::{Change, Effect, Outcome, Reason, rows::DeadLetter},
    store::{
        Expect,
        sqlite::{STATE, Sqlite, WRITES},
    },
};

/// Exit code, standard output, standard error.
fn tieline(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tieline"))
        .args(arguments)
        .arg("--data-dir")
        .arg(folder)
        .env_clear()
        .env("USER", "sam")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A folder in which a create was refused.
async fn refused(folder: &Path) -> WriteId {
    let now = clock::now();
    let store = Sqlite::own(folder, now).unwrap();
    let fields = Map::from_iter([("Origin".to_owned(), json!("Phone"))]);
    let envelope = Envelope {
        v: VERSION,
        id: WriteId::keyed("org.example.com", "contact-1", "step-1"),
        generation: 1,
        org: "org.example.com".to_owned(),
        group: "contact-1".to_owned(),
        contact: None,
        write: Write::Create { object: "Case".to_owned(), fields },
        refs: Vec::new(),
        unbound: Vec::new(),
        name: None,
        attribute: None,
        hash: "hash".to_owned(),
        flush: false,
        accepted_at: now,
        traceparent: None,
        rest: Map::new(),
    };
    let fault =
        Fault::new(Class::Rejected, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Subject]");
    let claim = Change::Claim { owner: "worker".to_owned(), effect: Effect::Reconcile };
    let claimed = Outcome::accepted(&envelope).apply(claim, now).unwrap();
    let fence = claimed.fence;
    let dead = claimed.apply(Change::Rejected { fence, fault: fault.clone() }, now).unwrap();
    let letter = DeadLetter {
        id: dead.id,
        group: dead.group.clone(),
        version: 1,
        reason: Reason::Rejected,
        fault,
        failed_at: now,
        attempts: dead.attempts,
        history: dead.history.clone(),
        envelope: serde_json::to_value(&envelope).unwrap(),
        edits: Vec::new(),
    };
    let state = store.table(STATE);
    state.put(&letter.row(), Expect::Absent, now).await.unwrap();
    state.put(&dead.row(), Expect::Absent, now).await.unwrap();
    dead.id
}

#[tokio::test]
async fn a_refused_write_is_found_repaired_and_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let id = refused(folder).await.to_string();

    let (code, out, _) = tieline(folder, &["dlq", "list", "--object", "case", "--since", "1h"]);
    assert!(code == 0 && out.contains(&id) && out.contains("[Subject]"), "{out}");
    let (_, out, _) = tieline(folder, &["dlq", "list", "--code", "EXPIRED", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), json!([]));

    let (code, _, err) = tieline(folder, &["dlq", "replay"]);
    assert!(code == 2 && err.contains("--all"), "{err}");
    let (code, out, _) = tieline(folder, &["dlq", "replay", &id, "--dry-run"]);
    assert!(code == 0 && out.contains("WOULD BE"), "{out}");

    let (code, out, _) = tieline(folder, &["dlq", "edit", &id, "--set", "Subject=Printer on fire"]);
    assert!(code == 0 && out.contains("fields.Subject"), "{out}");
    let (code, out, _) = tieline(folder, &["dlq", "show", &id]);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &shown["write"]["fields"]["Subject"]), (0, &json!("Printer on fire")));
    assert_eq!(shown["edits"][0]["by"], "sam");

    let (code, out, _) = tieline(folder, &["dlq", "replay", "--all", "--format", "jsonl"]);
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &verdict["verdict"]), (0, &json!("replayed")));
    let depth = Sqlite::visit(folder).unwrap().queue(WRITES).depth(clock::now()).await.unwrap();
    assert_eq!(depth.visible, 1);
    let (code, _, _) = tieline(folder, &["dlq", "replay", "--all"]);
    assert_eq!(code, 1, "nothing is left to be sent");

    let (code, out, _) = tieline(folder, &["outcomes", "contact-1"]);
    for told in
        ["accepted", "rejected REQUIRED_FIELD_MISSING", "edited fields.Subject (by sam)", "= retrying"]
    {
        assert!(code == 0 && out.contains(told), "{told} is missing in:\n{out}");
    }
    let (code, _, err) = tieline(folder, &["purge", "contact-1"]);
    assert!(code == 1 && err.contains("not settled"), "{err}");
    let (code, out, err) = tieline(folder, &["purge", "contact-2"]);
    assert!(code == 1 && out.is_empty() && err.contains("InitialContactId"), "{err}");
    let (code, _, err) = tieline(folder, &["outcomes", "contact-2"]);
    assert!(code == 1 && err.contains("InitialContactId"), "{err}");
}

#[test]
fn a_folder_that_is_not_there_is_named_with_the_cure() {
    let (code, out, err) = tieline(Path::new("/nonexistent/folder"), &["dlq", "list"]);
    assert!(code == 2 && out.is_empty() && err.contains("--data-dir"), "{err}");
}
