//! CTI Flows on contact events: the function as it is deployed, a queue's batches as SQS hands them
//! over, events in EventBridge's form, flows and runs in DynamoDB.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tieline::{
    clock,
    flow::model::Document,
    flow_host::{Host, Settings as FlowSettings, registry::Draft},
    org::{Org, Settings},
    store::aws::Aws,
};
use tokio::{net::TcpListener, sync::oneshot};

use crate::emulator::Emulator;
use crate::support::lambda::{Answer, Function};
use crate::support::salesforce::Salesforce as Scripted;

/// A flow that creates one task of this subject.
async fn active(host: &Host, subject: &str, event: &str, order: i64) {
    let flow = json!({"actions": [
        {"id": "uid-0", "type": "SE_Start", "meta": {}, "controls": {}, "ports": {"done": "uid-1"}, "position": [0, 0]},
        {"id": "uid-1", "type": "SE_SFCreateTask", "meta": {}, "controls": {"subject1": subject, "subject2": "$.contact.contactId", "subject3": "$.payload.round"},
         "ports": {"success": "uid-2", "failure": "uid-2"}, "position": [0, 0]},
        {"id": "uid-2", "type": "SE_End", "meta": {}, "controls": {}, "ports": {}, "position": [0, 0]}]});
    let draft = Draft {
        name: Some(subject.to_owned()),
        source: Some("voiceContact".to_owned()),
        event: Some(event.to_owned()),
        order: Some(order),
        document: Some(Document::parse(&flow.to_string()).unwrap()),
        ..Draft::default()
    };
    let flow = host.create_flow(draft, "ada", clock::now()).await.unwrap();
    host.activate(&flow.summary.id, None, "ada", clock::now()).await.unwrap();
}

fn message(id: &str, kind: &str, contact: &str, round: u32) -> Value {
    let body = json!({
        "version": "0", "id": id, "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
        "account": "123456789012", "time": format!("2026-11-20T10:20:{round:02}Z"), "region": "eu-west-2",
        "resources": [format!("arn:aws:connect:eu-west-2:123456789012:instance/i-1/contact/{contact}")],
        "detail": {"eventType": kind, "contactId": contact, "channel": "VOICE", "initiationMethod": "INBOUND",
            "instanceArn": "arn:aws:connect:eu-west-2:123456789012:instance/i-1", "round": round,
            "initiationTimestamp": "2026-11-20T10:20:00.000Z"}});
    json!({"messageId": format!("m-{id}"), "receiptHandle": "h", "body": body.to_string(), "attributes": {},
        "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-2:123456789012:tieline-events", "awsRegion": "eu-west-2"})
}

async fn subjects(org: &str) -> Vec<String> {
    let soql = "SELECT Subject FROM Task WHERE Subject LIKE '% - c-%' ORDER BY Id";
    let url = format!("{org}/services/data/v66.0/query");
    let asked = reqwest::Client::new().get(url).query(&[("q", soql)]).bearer_auth("t").send().await.unwrap();
    let body: Value = asked.json().await.unwrap();
    body["records"].as_array().unwrap().iter().map(|r| r["Subject"].as_str().unwrap().to_owned()).collect()
}

/// A flow of blocks that Amazon Connect carries out.
async fn acting(host: &Host) {
    let block = |n: u32, kind: &str, controls: Value| {
        let next = format!("uid-{}", n + 1);
        json!({"id": format!("uid-{n}"), "type": kind, "meta": {}, "controls": controls,
            "ports": {"success": next, "failure": "uid-9"}, "position": [0, 0]})
    };
    let flow = json!({"actions": [
        {"id": "uid-0", "type": "SE_Start", "meta": {}, "controls": {}, "ports": {"done": "uid-1"}, "position": [0, 0]},
        block(1, "SE_ContactUpdateAttributes", json!({"attributes": {"seen": "$.payload.eventType"}})),
        block(2, "SE_ContactStartRecording", json!({})),
        block(3, "SE_ContactStopRecording", json!({})),
        block(4, "SE_AgentCreateTaskContact", json!({"quickConnectName": "0e1f2a3b-0000-4000-8000-000000000002", "name": "Call back"})),
        {"id": "uid-5", "type": "SE_End", "meta": {}, "controls": {}, "ports": {}, "position": [0, 0]},
        {"id": "uid-9", "type": "SE_Log", "meta": {}, "controls": {"level": "error", "message": "it failed"}, "ports": {"done": "uid-5"}, "position": [0, 0]}]});
    let draft = Draft {
        name: Some("Acting".to_owned()),
        source: Some("voiceContact".to_owned()),
        event: Some("onEnded".to_owned()),
        document: Some(Document::parse(&flow.to_string()).unwrap()),
        ..Draft::default()
    };
    let flow = host.create_flow(draft, "ada", clock::now()).await.unwrap();
    host.activate(&flow.summary.id, None, "ada", clock::now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_comes_twice_runs_each_event_once() {
    let Some(emulator) = Emulator::start().await else { return };
    let table = emulator.new_table().await;
    let org = Org::new(Settings::default(), clock::now()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (_end, ended) = oneshot::channel::<()>();
    tokio::spawn(tieline::org::serve(org, listener, async move { drop(ended.await) }));

    let state = Aws::with(emulator.config().await).table(&table);
    let host = Host::new(FlowSettings::default(), Arc::clone(&state), None, None);
    active(&host, "Second", "onConnected", 2).await;
    active(&host, "First", "onConnected", 1).await;
    active(&host, "Refresh", "onRefresh", 0).await;
    acting(&host).await;
    let done = json!({"status": 200, "body": {}});
    let task = json!({"status": 200, "body": {"ContactId": "task-1"}});
    let gone = json!({"status": 404, "headers": {"x-amzn-errortype": "ResourceNotFoundException"}, "body": {"Message": "Contact not found"}});
    let connect = Scripted::start(vec![done.clone(), done.clone(), done, task, gone]).await;

    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), r#"{"ConsumerKey":"k","ConsumerSecret":"s"}"#).unwrap();
    let variables = [
        ("_HANDLER", "events"),
        ("SF_HOST", base.as_str()),
        ("SF_VERSION", "v66.0"),
        ("TIELINE_SECRET_FILE", &secret.path().display().to_string()),
        ("TIELINE_STATE_TABLE", table.as_str()),
        ("AWS_ENDPOINT_URL", emulator.endpoint()),
        ("AWS_ENDPOINT_URL_CONNECT", &connect.server.url()),
        ("AWS_REGION", "us-east-1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut function = Function::start(&variables, Duration::from_secs(90)).await;

    let refresh = |id: &str, round| message(id, "CONTACT_DATA_UPDATED", "c-1", round);
    let batch = json!({"Records": [
        message("e-1", "CONNECTED_TO_AGENT", "c-1", 1),
        refresh("e-2", 2), refresh("e-4", 4), refresh("e-3", 3),
        message("e-5", "AMD_DISABLED", "c-1", 5),
        {"messageId": "m-odd", "body": "not an event"}]});
    let good = Answer::Reply(json!({"batchItemFailures": []}));
    assert_eq!(function.invoke(batch.clone()).await, good);
    let once = ["First - c-1 - 1", "Second - c-1 - 1", "Refresh - c-1 - 4"];
    assert_eq!(subjects(&base).await, once);
    assert_eq!(function.invoke(batch).await, good);
    assert_eq!(subjects(&base).await, once, "delivered again, nothing of it runs again");

    // Another environment of the same function: what is claimed is claimed for all.
    let mut other = Function::start(&variables, Duration::from_secs(90)).await;
    let again = json!({"Records": [message("e-1", "CONNECTED_TO_AGENT", "c-1", 1), message("e-6", "CONNECTED_TO_AGENT", "c-2", 6)]});
    assert_eq!(other.invoke(again).await, good);
    let more = subjects(&base).await;
    assert_eq!(more[3..], ["First - c-2 - 6", "Second - c-2 - 6"]);
    let runs = host.runs(None, Some("c-1"), 50, clock::now()).await.unwrap();
    assert_eq!(runs.len(), 3);
    assert!(runs.iter().all(|run| run["status"] == "completed"), "{runs:?}");

    // Blocks of Amazon Connect are calls of its interface, once.
    let ended = json!({"Records": [message("e-7", "DISCONNECTED", "c-3", 7)]});
    assert_eq!(other.invoke(ended.clone()).await, good);
    assert_eq!(function.invoke(ended).await, good);
    let asked = connect.asked();
    let paths: Vec<_> = asked.iter().map(|a| format!("{} {}", a.method, a.path)).collect();
    assert_eq!(
        paths,
        [
            "POST /contact/attributes",
            "POST /contact/start-recording",
            "POST /contact/stop-recording",
            "PUT /contact/task"
        ]
    );
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(
        body,
        json!({"InstanceId": "i-1", "InitialContactId": "c-3", "Attributes": {"seen": "DISCONNECTED"}})
    );
    let runs = host.runs(None, Some("c-3"), 50, clock::now()).await.unwrap();
    let run = host.run(runs[0]["id"].as_str().unwrap(), clock::now()).await.unwrap();
    assert_eq!(run["actions"]["uid-4"]["results"], json!({"contactId": "task-1"}), "{run:?}");

    // What Amazon Connect refuses leaves by failure, under its own name.
    let refused = json!({"Records": [message("e-8", "DISCONNECTED", "c-4", 8)]});
    assert_eq!(other.invoke(refused).await, good);
    let runs = host.runs(None, Some("c-4"), 50, clock::now()).await.unwrap();
    let exception = &runs[0]["actions"]["uid-1"]["exception"];
    assert_eq!(
        (&exception["name"], &exception["message"]),
        (&json!("ResourceNotFoundException"), &json!("Contact not found"))
    );
    assert!(runs[0]["actions"]["uid-9"]["success"] == true && runs[0]["status"] == "completed", "{runs:?}");

    // A contact that is forgotten takes its runs along, and no other's.
    let count = async |contact: &str| host.runs(None, Some(contact), 50, clock::now()).await.unwrap().len();
    assert_eq!(host.forget("c-1", true, clock::now()).await.unwrap(), 3);
    assert_eq!(count("c-1").await, 3, "only said");
    assert_eq!(host.forget("c-1", false, clock::now()).await.unwrap(), 3);
    assert_eq!((count("c-1").await, count("c-2").await), (0, 2));

    let nothing = other.invoke(json!({"Details": {"Parameters": {}}})).await;
    assert!(matches!(&nothing, Answer::Error(kind, _) if kind == "InvalidEvent"), "{nothing:?}");
    function.end().await;
    other.end().await;
}
