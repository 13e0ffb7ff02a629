use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::flow_host::long::tests::noise;
use crate::flow_host::{Ask, Invoke, Settings};
use crate::store::Table;
use crate::store::sqlite::Sqlite;

const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);

/// A process over this table, whose Salesforce finds this text and notes what it is asked.
fn process(table: &Arc<dyn Table>, text: &str) -> (Host, Arc<Mutex<Vec<Value>>>) {
    let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
    let (noted, text) = (asked.clone(), text.to_owned());
    let salesforce: Invoke = Arc::new(move |ask| {
        let Ask::Event(event) = ask else { panic!("nothing here asks for Apex") };
        noted.lock().unwrap().push(event["Details"]["Parameters"].clone());
        let reply = json!({"Id": "00T000000000001AAA", "sf_count": "1", "sf_records": [{"Body": text}]});
        Box::pin(async move { Ok(reply) })
    });
    (Host::new(Settings::default(), table.clone(), Some(salesforce), None), asked)
}

/// Start → a query → a block of the browser → a task that reads the query → End.
fn started() -> Started {
    let flow = json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "q"}},
        {"id": "q", "type": "SE_SFQueryValue", "controls": {"query": "SELECT Body FROM Note"}, "ports": {"success": "b"}},
        {"id": "b", "type": "SE_AgentDialNumber", "controls": {"phoneNumber": "+12065550142"}, "ports": {"success": "l", "failure": "l"}},
        {"id": "l", "type": "SE_CoreLength", "controls": {"value": "$.actions.q.results.value[0].Body"}, "ports": {"done": "t"}},
        {"id": "t", "type": "SE_SFCreateTask", "controls": {"subject1": "$.actions.l.results.value"}, "ports": {"success": "e", "failure": "e"}},
        {"id": "e", "type": "SE_End"}]});
    Started {
        flow_id: None,
        flow_version: None,
        flow_name: None,
        document: Document::parse(&flow.to_string()).unwrap(),
        event: Event { contact: json!({"contactId": "c-1"}), ..Event::default() },
        mode: Mode::Live,
        answers: HashMap::new(),
        hurried: false,
    }
}

const DONE: Outcome = Outcome::Success { results: Value::Null };

#[tokio::test]
async fn a_run_that_holds_a_megabyte_is_taken_up_whole_by_another_process() {
    let table = Sqlite::in_memory().unwrap().table("state");
    let long = noise(1_000_000);
    let (first, _) = process(&table, &long);
    let run = first.start(started(), NOW).await.unwrap();
    let id = run["id"].as_str().unwrap();
    assert_eq!((&run["status"], &run["pending"]["actionId"]), (&json!("waiting"), &json!("b")));
    let parts = async || table.list("flow-run#parts", "", None, 100, NOW).await.unwrap().len();
    assert!(parts().await > 1, "the test means nothing where it fits into a row");
    drop(first);

    let (second, asked) = process(&table, &long);
    let listed = second.runs(None, Some("c-1"), 50, NOW).await.unwrap();
    assert_eq!(listed[0]["actions"]["q"]["results"], json!({"cut": true}), "a list tells no megabytes");
    let run = second.complete(id, "b", None, DONE, NOW).await.unwrap();
    assert_eq!(run["status"], "completed", "{}", run["error"]);
    assert_eq!(run["actions"]["l"]["results"]["value"], 1_000_000);
    assert_eq!(asked.lock().unwrap()[0]["Subject"], "1000000");
    let whole = second.run(id, NOW).await.unwrap();
    assert_eq!(whole["actions"]["q"]["results"]["value"][0]["Body"], json!(long));
    let kept = parts().await;
    second.complete(id, "b", None, DONE, NOW).await.unwrap();
    assert_eq!(parts().await, kept, "what no row names any more is taken away");
}

/// A function ends at its time: a run that it waited for longer would be gone with it.
#[tokio::test]
async fn a_long_delay_ends_the_drive_and_the_run_is_taken_up_later() {
    let table = Sqlite::in_memory().unwrap().table("state");
    let settings = || Settings { patience: Duration::from_secs(8), ..Settings::default() };
    let (first, second) =
        (Host::new(settings(), table.clone(), None, None), Host::new(settings(), table, None, None));
    let flow = json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "d"}},
        {"id": "d", "type": "SE_CoreDelay", "controls": {"milliseconds": "40000"}, "ports": {"done": "e"}},
        {"id": "e", "type": "SE_End"}]});
    let document = Document::parse(&flow.to_string()).unwrap();
    let run = first.start(Started { document, ..started() }, NOW).await.unwrap();
    assert_eq!((&run["status"], &run["pending"]), (&json!("waiting"), &json!(null)));
    let id = run["id"].as_str().unwrap();
    assert_eq!(second.run(id, NOW.plus(Duration::from_secs(20))).await.unwrap()["status"], "waiting");
    assert_eq!(second.run(id, NOW.plus(Duration::from_secs(41))).await.unwrap()["status"], "completed");
}

/// A function's answer ends at six megabytes.
#[tokio::test]
async fn a_list_of_runs_fits_into_an_answer() {
    let table = Sqlite::in_memory().unwrap().table("state");
    let (host, _) = process(&table, "a value");
    let payload = json!({"text": noise(1_000_000)});
    for contact in ["c-1", "c-2", "c-3", "c-4", "c-5"] {
        let event =
            Event { contact: json!({ "contactId": contact }), payload: payload.clone(), ..Event::default() };
        host.start(Started { event, ..started() }, NOW).await.unwrap();
    }
    let all = host.runs(None, None, 50, NOW).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(!json!(all).to_string().contains("a value"), "values are told one by one");
    assert_eq!(host.runs(None, None, 1, NOW).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_another_process_has_told_a_run_is_not_told_again() {
    let table = Sqlite::in_memory().unwrap().table("state");
    let ((first, of_first), (second, of_second)) = (process(&table, "x"), process(&table, "x"));
    let run = first.start(started(), NOW).await.unwrap();
    let id = run["id"].as_str().unwrap();
    assert_eq!(second.complete(id, "b", None, DONE, NOW).await.unwrap()["status"], "completed");
    let again = first.complete(id, "b", None, DONE, NOW).await.unwrap();
    assert_eq!(again["status"], "completed");
    assert_eq!(again["trace"].as_array().unwrap().last().unwrap()["phase"], "ignored");
    let tasks = [of_first, of_second]
        .map(|asked| asked.lock().unwrap().iter().filter(|call| call["sf_operation"] == "create").count());
    assert_eq!(tasks, [0, 1], "the task is created once");
}

#[tokio::test]
async fn of_two_processes_that_tell_a_run_at_once_one_stands() {
    let table = Sqlite::in_memory().unwrap().table("state");
    let ((first, _), (second, _)) = (process(&table, "x"), process(&table, "x"));
    let id = first.start(started(), NOW).await.unwrap()["id"].as_str().unwrap().to_owned();
    let other = Outcome::failure("Busy", "The line is busy.");
    let (a, b) = futures::join!(
        first.complete(&id, "b", None, DONE, NOW),
        second.complete(&id, "b", None, other, NOW)
    );
    let (a, b) = (a.unwrap(), b.unwrap());
    let stands = second.run(&id, NOW).await.unwrap();
    assert_eq!((&a["actions"]["b"], &b["actions"]["b"]), (&stands["actions"]["b"], &stands["actions"]["b"]));
}

#[tokio::test]
async fn a_test_run_counts_for_itself_alone() {
    let table = Sqlite::in_memory().unwrap().table("state");
    let (host, _) = process(&table, "x");
    let count = |to: &str| json!({"type": "SE_UpdateCounter", "controls": {"name": "calls", "step": "2"}, "ports": {"done": to}});
    let mut actions = json!([
        {"id": "s", "type": "SE_Start", "ports": {"done": "1"}},
        {"id": "g", "type": "SE_GetCounter", "controls": {"name": "calls"}, "ports": {"done": "e"}},
        {"id": "e", "type": "SE_End"}]);
    for (id, to) in [("1", "2"), ("2", "g")] {
        let mut block = count(to);
        block["id"] = json!(id);
        actions.as_array_mut().unwrap().push(block);
    }
    let document = Document::parse(&json!({ "actions": actions }).to_string()).unwrap();
    for _ in 0..2 {
        let started = Started { document: document.clone(), mode: Mode::Test, ..started() };
        let run = host.start(started, NOW).await.unwrap();
        let value = |id: &str| run["actions"][id]["results"]["value"].clone();
        assert_eq!([value("1"), value("2"), value("g")], [json!(2), json!(4), json!(4)]);
    }
}

#[tokio::test]
async fn the_latest_runs_of_each_flow_are_told_in_a_line_and_no_test_is() {
    let table = Sqlite::in_memory().unwrap().table("state");
    let (host, _) = process(&table, "x");
    let of = |flow: &str, mode| Started { flow_id: Some(flow.to_owned()), mode, ..started() };
    let at = |n: u64| NOW.plus(Duration::from_millis(n));
    let quiet = host.start(of("quiet", Mode::Live), NOW).await.unwrap();
    host.cancel(quiet["id"].as_str().unwrap(), "over", NOW).await.unwrap();
    for n in 1..=(LATEST as u64 + 5) {
        host.start(of("busy", Mode::Live), at(n)).await.unwrap();
    }
    host.start(of("busy", Mode::Test), at(100)).await.unwrap();
    host.start(started(), at(101)).await.unwrap();

    let lines = host.latest_runs(at(102)).await.unwrap();
    let (last, others) = lines.split_last().unwrap();
    assert_eq!((last.flow_id.as_str(), last.status, last.started_at), ("quiet", Status::Cancelled, NOW));
    assert_eq!(others.len(), LATEST);
    assert!(others.iter().all(|line| line.flow_id == "busy" && line.status == Status::Waiting));
    assert_eq!(others[0].started_at, at(LATEST as u64 + 5), "newest first");
    let late = host.latest_runs(at(3_600_000 * 24)).await.unwrap();
    assert!(late.iter().all(|line| line.status != Status::Waiting), "what took too long has timed out");
}
