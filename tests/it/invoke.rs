//! `tieline invoke`: one event, as a newcomer and as a script call it.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// The event of Amazon Connect's documentation, asking who its caller is.
const EVENT: &str = "examples/event.json";

fn invoke(event: &str, input: &str, variables: &[(&str, &str)]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tieline"))
        .args(["invoke", event])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without reading what it was given.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn amazons_sample_event_is_answered_with_the_sample_contact_on_a_bare_machine() {
    let output = invoke(EVENT, "", &[]);
    assert!(output.status.success(), "{output:?}");
    let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&reply["Name"], &reply["sf_count"]), (&"Maya Alvarez".into(), &1.into()), "{reply}");
    assert!(reply["Account.Name"].is_string(), "{reply}");
    assert!(text(&output.stderr).contains("SF_HOST"), "says who answered: {output:?}");

    let piped = invoke("-", &std::fs::read_to_string(EVENT).unwrap(), &[]);
    assert_eq!(piped.stdout, output.stdout, "the sample company is the same at every start");
}

#[test]
fn a_function_error_is_printed_and_ends_with_one() {
    let refused = invoke("-", r#"{"Details": {"Parameters": {"sf_operation": "Lookup"}}}"#, &[]);
    let error: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!((refused.status.code(), &error["errorType"]), (Some(1), &"UnknownOperation".into()));

    let unfinished = invoke(EVENT, "", &[("SF_HOST", "https://acme.my.salesforce.com")]);
    let error: Value = serde_json::from_slice(&unfinished.stdout).unwrap();
    assert_eq!((unfinished.status.code(), &error["errorType"]), (Some(1), &"ConfigurationError".into()));
    assert!(error["errorMessage"].as_str().unwrap().contains("'SF_VERSION' environment variable is missing"));
}

/// A company's own authority stands in a file; without it every call to its org or proxy would fail.
#[test]
fn the_file_of_trusted_roots_counts() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.json");
    std::fs::write(&secret, r#"{"ConsumerKey":"k","ConsumerSecret":"s"}"#).unwrap();
    let variables = [
        ("SF_HOST", "https://127.0.0.1:9"),
        ("SF_VERSION", "v66.0"),
        ("TIELINE_SECRET_FILE", secret.to_str().unwrap()),
        ("SSL_CERT_FILE", "/nowhere/roots.pem"),
    ];
    let refused = invoke(EVENT, "", &variables);
    assert!(text(&refused.stdout).contains("SSL_CERT_FILE=/nowhere/roots.pem"), "{refused:?}");
}

#[test]
fn what_is_no_event_is_told_and_nothing_is_called() {
    for (event, input, told) in [("nowhere.json", "", "nowhere.json"), ("-", "{x", "not JSON")] {
        let output = invoke(event, input, &[]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{output:?}");
        assert!(text(&output.stderr).contains(told), "{output:?}");
    }
}
