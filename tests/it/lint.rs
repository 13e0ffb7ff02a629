//! `tieline lint` over exported contact flows, as a person or a build calls it.

use std::process::Command;

use serde_json::{Value, json};

/// Exit code, standard output, standard error; file names as seen from the fixtures.
fn lint(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tieline"))
        .arg("lint")
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/contact-flows"))
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Severity, code and block of each finding.
fn found(file: &str) -> (i32, Vec<(String, String, String)>) {
    let (code, out, _) = lint(&["--format", "jsonl", file]);
    let finding = |line: &str| {
        let finding: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        assert!(!text("message").is_empty() && !text("hint").is_empty() && text("file") == file);
        (text("severity"), text("code"), text("block"))
    };
    (code, out.lines().map(finding).collect())
}

fn expected(findings: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    findings.iter().map(|(s, c, b)| ((*s).to_owned(), (*c).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn clean_flows_of_both_forms_are_passed_in_silence() {
    assert_eq!(lint(&["--strict", "clean.json", "older-clean.json"]), (0, String::new(), String::new()));
    assert_eq!(lint(&["--format", "json", "clean.json"]).1, "[]\n");
}

#[test]
fn each_fault_is_told_with_its_block() {
    let task = "InvokeLambdaFunction 0f2b6d0e-7a64-4c0a-9d55-5f1f2b7f9a10";
    let planted = [
        ("warning", "short-timeout", "Who calls"),
        ("warning", "superseded", "Who calls"),
        ("warning", "query-text", "Their cases"),
        ("warning", "query-text", "Their cases"),
        ("warning", "reply-size", "Their cases"),
        ("error", "no-error-branch", "Their cases"),
        ("warning", "reply-size", "All products"),
        ("warning", "no-error-branch", "All products"),
        ("warning", "query-text", "Find"),
        ("error", "refused", "Typo"),
        ("warning", "chained-id", "Keep Id"),
        ("warning", "chained-id", "Show agent"),
        ("warning", "status-204", "Closed?"),
        ("warning", "loop-without-key", task),
    ];
    assert_eq!(found("faulty.json"), (1, expected(&planted)));
}

#[test]
fn the_designers_older_form_is_read_as_well() {
    let planted = [
        ("warning", "query-text", "Their case"),
        ("warning", "short-timeout", "Their case"),
        ("warning", "chained-id", "Keep Id"),
        ("error", "no-error-branch", "InvokeExternalResource 5c1d0f7a-0000-4000-8000-000000000004"),
        ("warning", "status-204", "Closed?"),
    ];
    assert_eq!(found("older-faulty.json"), (1, expected(&planted)));
}

#[test]
fn what_people_read_names_file_block_and_cure() {
    let (code, out, err) = lint(&["faulty.json"]);
    assert!(code == 1 && err.is_empty(), "{err}");
    assert!(out.contains("faulty.json: error [refused] Typo: "), "{out}");
    assert!(out.ends_with("2 errors, 12 warnings, 0 notes\n"), "{out}");
}

#[test]
fn retargeting_leads_our_calls_elsewhere_and_changes_nothing_else() {
    let arn = "arn:aws:lambda:eu-west-2:123456789012:function:tieline-sfInvokeAPI:live";
    for file in ["clean.json", "faulty.json", "older-clean.json", "older-faulty.json"] {
        let (code, out, err) = lint(&["--retarget", arn, file]);
        assert!(code == 0 && err.contains("blocks now call"), "{file}: {err}");
        assert_eq!(err.contains("[status-204]"), file.contains("faulty"), "{err}");
        let path = format!("{}/tests/fixtures/contact-flows/{file}", env!("CARGO_MANIFEST_DIR"));
        let before: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let name = "connect-sfInvokeAPI-1A2B3C";
        let after = before
            .to_string()
            .replace(&format!("arn:aws:lambda:eu-west-2:123456789012:function:{name}"), arn);
        let after = after.replace(name, "tieline-sfInvokeAPI:live");
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap().to_string(), after, "{file}");
    }
    let (code, _, err) = lint(&["--retarget", "sfInvokeAPI", "clean.json"]);
    assert!(code == 2 && err.contains("arn:aws:lambda:REGION"), "{err}");
}

/// What `aws connect describe-contact-flow` prints holds the flow as a text.
#[test]
fn a_described_flow_is_unwrapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let flow = include_str!("../fixtures/contact-flows/older-faulty.json");
    let described = json!({"ContactFlow": {"Id": "1", "Name": "Service line", "Content": flow}});
    std::fs::write(path("described.json"), described.to_string()).unwrap();
    let (code, findings) = found(&path("described.json"));
    assert_eq!((code, findings.len()), (1, 5));

    for (name, text, said) in [
        ("other.json", r#"{"a": 1}"#, "neither Actions nor modules"),
        ("text.json", "Actions:", "is not JSON"),
        ("within.json", r#"{"ContactFlow": {"Content": "x"}}"#, "the Content of"),
        ("list.json", "[]", "neither Actions nor modules"),
    ] {
        std::fs::write(path(name), text).unwrap();
        let (code, out, err) = lint(&[&path(name)]);
        assert!(code == 2 && out.is_empty() && err.contains(said) && err.contains(name), "{name}: {err}");
    }
    let (code, _, err) = lint(&["/nonexistent.json"]);
    assert!(code == 2 && err.contains("/nonexistent.json cannot be read"), "{err}");
}
