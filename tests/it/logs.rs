//! What a function writes of its calls: enough to find what went wrong, nothing of a person.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tieline::clock;
use tieline::org::{self, Org};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::support::lambda::{Answer, Function};

/// A number and a name that no log may hold.
const NUMBER: &str = "+12065550100";
const NAME: &str = "Somebody Particular";

#[tokio::test(flavor = "multi_thread")]
async fn every_call_leaves_one_line_that_names_no_person() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let simulated = Org::new(org::Settings::default(), clock::now()).unwrap();
    tokio::spawn(org::serve(simulated, listener, std::future::pending()));
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), r#"{"ConsumerKey": "key-of-test", "ConsumerSecret": "secret-of-test"}"#)
        .unwrap();
    let variables = [
        ("SF_HOST", host.as_str()),
        ("SF_VERSION", "v66.0"),
        ("TIELINE_SECRET_FILE", secret.path().to_str().unwrap()),
        ("LOGGING_LEVEL", "INFO"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut function = Function::start(&variables, Duration::from_secs(6)).await;
    let contact = json!({"ContactId": "5ca32fbd-8f92-46af-92a5-6b0f970f0efe"});
    let event = |parameters: Value| json!({"Details": {"ContactData": contact, "Parameters": parameters}});

    let found = json!({"sf_operation": "phoneLookup", "sf_phone": NUMBER, "sf_fields": "Id, Name"});
    assert!(matches!(function.invoke(event(found)).await, Answer::Reply(_)));
    let case = json!({"sf_operation": "create", "sf_object": "Case", "Subject": NAME, "Status": "New"});
    assert!(matches!(function.invoke(event(case)).await, Answer::Reply(_)));
    let misspelt = json!({"sf_operation": "lookup", "sf_object": NAME, "sf_fields": "Id", "Phone": NUMBER});
    assert!(matches!(function.invoke(event(misspelt)).await, Answer::Error(..)));
    assert!(matches!(function.invoke(json!({"Details": {}})).await, Answer::Error(..)));
    // Salesforce quotes what it refuses: that is the flow's to know and not the log's.
    let refused = json!({"sf_operation": "create", "sf_object": "Contact", "LastName": "A", "Email": NAME});
    let Answer::Error(_, told) = function.invoke(event(refused)).await else { panic!("it is no address") };
    assert!(told.contains(NAME), "{told}");

    let log = function.end().await;
    for hidden in [NUMBER, "2065550100", NAME, "key-of-test", "secret-of-test"] {
        assert!(!log.contains(hidden), "{hidden} in\n{log}");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["message"] == "invocation"), "one line a call:\n{log}");
    assert_eq!(lines.len(), 5, "one line a call:\n{log}");
    let told = |line: usize| {
        ["operation", "object", "outcome", "contact_id"].map(|name| lines[line][name].as_str().unwrap_or("-"))
    };
    let id = contact["ContactId"].as_str().unwrap();
    assert_eq!(told(0), ["phoneLookup", "-", "ok", id]);
    assert_eq!(told(1), ["create", "Case", "ok", id]);
    assert_eq!(told(2), ["lookup", "-", "InvalidParameter", id]);
    assert_eq!(told(3), ["-", "-", "InvalidEvent", "-"]);
    assert_eq!(told(4), ["create", "Contact", "SalesforceError", id]);
    assert_eq!((&lines[4]["code"], &lines[4]["why"]), (&json!("INVALID_EMAIL_ADDRESS"), &Value::Null));
    assert!(lines[2]["why"].as_str().unwrap().contains("the parameter sf_object"), "{}", lines[2]);
    for line in &lines[..2] {
        assert_eq!(line["ApiCalls"], 1.0, "{line}");
        let (whole, salesforce) =
            (line["Duration"].as_f64().unwrap(), line["salesforce_ms"].as_f64().unwrap());
        assert!(salesforce > 0.0 && salesforce <= whole, "{line}");
    }
}

#[tokio::test]
async fn local_mode_writes_the_same_lines_to_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_tieline"))
        .args(["local", "--port", "0", "--org-port", "0", "--data-dir"])
        .arg(folder.path())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut told = BufReader::new(process.stdout.take().unwrap()).lines();
    let greeting = told.next_line().await.unwrap().unwrap();
    let (_, address) = greeting.split_once("http://").unwrap();
    let (origin, _) = address.split_once('/').unwrap();
    let url = format!("http://{origin}/2015-03-31/functions/sfInvokeAPI/invocations");
    let event = json!({"Details": {"Parameters": {"sf_operation": "version"}}});
    reqwest::Client::new().post(url).json(&event).send().await.unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let line = loop {
        let line = lines.next_line().await.unwrap().expect("a line of the call");
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["message"] == "invocation" {
            break line;
        }
    };
    assert_eq!(line["operation"], "version");
    assert!(line.get("_aws").is_none(), "metrics are CloudWatch's: {line}");
}
