use std::sync::Mutex;

use super::*;
use crate::flow::model::Document;
use crate::flow_host::Settings;
use crate::flow_host::registry::Draft;
use crate::store::sqlite::Sqlite;

/// A host whose Salesforce notes every call and gives each record an Id.
fn host() -> (Host, Arc<Mutex<Vec<Value>>>) {
    let calls: Arc<Mutex<Vec<Value>>> = Arc::default();
    let noted = calls.clone();
    let salesforce: Invoke = Arc::new(move |asked| {
        let noted = noted.clone();
        Box::pin(async move {
            let Ask::Event(event) = asked else { panic!("nothing here asks for Apex") };
            noted.lock().unwrap().push(event["Details"]["Parameters"].clone());
            Ok(json!({"Id": "00T000000000001AAA"}))
        })
    });
    let table = Sqlite::in_memory().unwrap().table("state");
    (Host::new(Settings::default(), table, Some(salesforce), None), calls)
}

/// A flow that creates a task of this subject.
async fn active(host: &Host, subject: &str, event: &str, order: i64) {
    let text = format!(
        r#"{{"actions":[{{"id":"uid-0","type":"SE_Start","meta":{{}},"controls":{{}},"ports":{{"done":"uid-1"}},"position":[0,0]}},{{"id":"uid-1","type":"SE_SFCreateTask","meta":{{}},"controls":{{"subject1":"{subject}","subject2":"$.payload.eventType","subject3":"$.payload.round"}},"ports":{{"success":"uid-2","failure":"uid-2"}},"position":[0,0]}},{{"id":"uid-2","type":"SE_End","meta":{{}},"controls":{{}},"ports":{{}},"position":[0,0]}}]}}"#
    );
    let draft = Draft {
        name: Some(subject.to_owned()),
        source: Some("voiceContact".to_owned()),
        event: Some(event.to_owned()),
        order: Some(order),
        document: Some(Document::parse(&text).unwrap()),
        ..Draft::default()
    };
    let flow = host.create_flow(draft, "ada", clock::now()).await.unwrap();
    host.activate(&flow.summary.id, None, "ada", clock::now()).await.unwrap();
}

fn message(id: &str, kind: &str, contact: &str, time: &str) -> Value {
    let body = json!({"version": "0", "id": id, "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
        "time": format!("2026-11-20T10:20:{time}Z"),
        "detail": {"eventType": kind, "contactId": contact, "channel": "VOICE", "initiationMethod": "INBOUND", "round": time,
            "instanceArn": "arn:aws:connect:eu-west-2:123456789012:instance/i-1"}});
    json!({"messageId": format!("m-{id}"), "body": body.to_string(), "eventSource": "aws:sqs"})
}

async fn hear(host: &Host, messages: Vec<Value>) -> Value {
    let service = Service::new(crate::config::Config::from_vars(
        [("SF_HOST", "http://127.0.0.1:9"), ("SF_VERSION", "v66.0"), ("TIELINE_SECRET_FILE", "/none")]
            .into_iter()
            .map(|(n, v)| (n.to_owned(), v.to_owned())),
    ));
    service.hear(Some(host), json!({"Records": messages}), Duration::from_secs(300)).await.unwrap()
}

fn subjects(calls: &Mutex<Vec<Value>>) -> Vec<String> {
    calls.lock().unwrap().iter().map(|c| c["Subject"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_event_runs_its_flows_in_order_and_once() {
    let (host, calls) = host();
    active(&host, "Second", "onConnected", 2).await;
    active(&host, "First", "onConnected", 1).await;
    active(&host, "Other", "onEnded", 0).await;
    let event = || message("e-1", "CONNECTED_TO_AGENT", "c-1", "01");
    let answer = hear(&host, vec![event(), event()]).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let once = ["First - CONNECTED_TO_AGENT - 01", "Second - CONNECTED_TO_AGENT - 01"];
    assert_eq!(subjects(&calls), once);
    hear(&host, vec![event()]).await;
    assert_eq!(subjects(&calls), once, "delivered again, it starts nothing");
    let runs = host.runs(None, Some("c-1"), 50, clock::now()).await.unwrap();
    assert!(runs.iter().all(|run| run["status"] == "completed"), "{runs:?}");
    assert_eq!(runs.len(), 2);
}

#[tokio::test]
async fn the_events_of_a_contact_go_in_the_order_in_which_they_happened() {
    let (host, calls) = host();
    active(&host, "Began", "onConnected", 0).await;
    active(&host, "Ended", "onEnded", 0).await;
    let batch =
        vec![message("e-2", "DISCONNECTED", "c-1", "09"), message("e-1", "CONNECTED_TO_AGENT", "c-1", "01")];
    hear(&host, batch).await;
    assert_eq!(subjects(&calls), ["Began - CONNECTED_TO_AGENT - 01", "Ended - DISCONNECTED - 09"]);
}

#[tokio::test]
async fn what_a_contact_does_in_one_second_goes_in_the_order_of_its_life() {
    let (host, calls) = host();
    let life = ["INITIATED", "QUEUED", "CONNECTED_TO_AGENT", "CONTACT_DATA_UPDATED", "DISCONNECTED"];
    for event in ["onPending", "onIncoming", "onConnected", "onRefresh", "onEnded"] {
        active(&host, "Seen", event, 0).await;
    }
    let batch = life.iter().rev().map(|kind| message(kind, kind, "c-1", "01")).collect();
    hear(&host, batch).await;
    assert_eq!(subjects(&calls), life.map(|kind| format!("Seen - {kind} - 01")));
}

#[tokio::test]
async fn an_event_of_somebody_else_is_refused_without_a_word_of_it() {
    let (host, _) = host();
    let service = Service::new(crate::config::Config::from_vars(std::iter::empty()));
    let event = json!({"Records": "+12065550142"});
    let refused = service.hear(Some(&host), event, Duration::from_secs(9)).await.unwrap_err();
    assert!(refused.error_type == "InvalidEvent" && !refused.error_message.contains("2065550142"));
}

#[tokio::test]
async fn refreshes_of_a_contact_are_folded_into_the_last() {
    let (host, calls) = host();
    active(&host, "Seen", "onRefresh", 0).await;
    let refresh = |id, contact, time| message(id, "CONTACT_DATA_UPDATED", contact, time);
    let batch = vec![
        refresh("e-1", "c-1", "01"),
        refresh("e-3", "c-1", "03"),
        refresh("e-2", "c-1", "02"),
        refresh("e-4", "c-2", "01"),
    ];
    hear(&host, batch).await;
    let mut seen = subjects(&calls);
    seen.sort();
    assert_eq!(seen, ["Seen - CONTACT_DATA_UPDATED - 01", "Seen - CONTACT_DATA_UPDATED - 03"]);
    hear(&host, vec![refresh("e-5", "c-1", "05")]).await;
    assert_eq!(subjects(&calls).len(), 3, "when the run is over, the next one runs");
}

#[tokio::test]
async fn a_bad_message_never_fails_its_neighbours() {
    let (host, calls) = host();
    active(&host, "Good", "onConnected", 0).await;
    let odd = ["", "not json", "{}", r#"{"detail":{"contactId":"c"}}"#, "[1]"];
    let mut batch: Vec<Value> = odd.iter().map(|body| json!({"messageId": "odd", "body": body})).collect();
    batch.push(json!({"messageId": "without a body"}));
    batch.push(message("e-1", "CONNECTED_TO_AGENT", "c-1", "01"));
    assert_eq!(hear(&host, batch).await, json!({"batchItemFailures": []}));
    assert_eq!(subjects(&calls).len(), 1);
}

#[tokio::test]
async fn what_this_function_lacks_is_told_and_nothing_is_taken_for_done() {
    let service = Service::new(crate::config::Config::from_vars(std::iter::empty()));
    let time = Duration::from_secs(10);
    let error = service.hear(None, json!({"Details": {}}), time).await.unwrap_err();
    assert_eq!(error.error_type, "InvalidEvent");
    let error = service.hear(None, json!({"Records": []}), time).await.unwrap_err();
    assert!(error.error_message.contains("SF_HOST"), "{error}");
}
