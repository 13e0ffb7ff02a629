use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::flow_host::{Ask, Invoke, Settings};
use crate::http::guard::Caller;
use crate::store::sqlite::Sqlite;

/// The interface over a store in memory and a Salesforce that knows one caller.
fn interface() -> Router {
    let salesforce: Invoke = Arc::new(|asked| {
        Box::pin(async move {
            let Ask::Event(event) = asked else { panic!("nothing here asks for Apex") };
            let parameters = &event["Details"]["Parameters"];
            Ok(match parameters["sf_operation"].as_str().unwrap_or_default() {
                "searchSOSL" if parameters["query"].as_str().is_some_and(|q| q.contains("2065550142")) => {
                    json!({"sf_records": [{"Id": "003000000000001AAA", "Name": "Grace Example"}], "sf_count": "1"})
                }
                "lookup" => {
                    json!({"sf_records": [{"Id": parameters["Id"], "Name": "Grace Example"}], "sf_count": "1"})
                }
                "create" => json!({"Id": "00T000000000001AAA", "asked": parameters}),
                _ => json!({"sf_records": [], "sf_count": "0"}),
            })
        })
    });
    let table = Sqlite::in_memory().unwrap().table("state");
    // As the guard notes who asks.
    router(Host::new(Settings::default(), table, Some(salesforce), None))
        .layer(Extension(Caller("role/sam".into())))
}

async fn call(router: &Router, method: &str, path: &str, body: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

const POP: &str = r#"{"actions":[{"id":"uid-0","type":"SE_Start","meta":{},"controls":{},"ports":{"done":"uid-1"},"position":[-450.50,0]},{"id":"uid-1","type":"SE_ContactCustomerPhoneNumber","meta":{},"controls":{},"ports":{"done":"uid-3"},"position":[0,0]},{"id":"uid-3","type":"SE_SFSearchAndScreenpop","meta":{},"controls":{"searchParams":"$.actions.uid-1.results.phone","callType":"inbound"},"ports":{"success":"uid-5","failure":"uid-5"},"position":[0,0]},{"id":"uid-5","type":"SE_End","meta":{},"controls":{},"ports":{},"position":[0,0]}]}"#;

const EVENT: &str = r#""source":"voiceContact","contact":{"contactId":"c-1","phone":"+12065550142","country":"US"},"agent":{"name":"Ada Example"},"payload":{}"#;

async fn create(router: &Router, document: &str) -> Value {
    let body =
        format!(r#"{{"name":"Pop","source":"voiceContact","event":"onConnecting","document":{document}}}"#);
    let (status, flow) = call(router, "POST", "/flows", &body).await;
    assert_eq!(status, 201, "{flow}");
    flow
}

#[tokio::test]
async fn a_flow_lives_from_draft_to_active_and_back() {
    let api = interface();
    let flow = create(&api, POP).await;
    let id = flow["id"].as_str().unwrap();
    assert_eq!(
        (&flow["draftVersion"], &flow["activeVersion"], &flow["active"]),
        (&json!(1), &json!(null), &json!(false))
    );
    assert_eq!(flow["problems"], json!({"errors": 0, "warnings": 0}));
    assert_eq!(flow["author"], "role/sam");

    let changed = POP.replace("onward", "").replace(r#""callType":"inbound""#, r#""callType":"outbound""#);
    let put = |base: u64| format!(r#"{{"document":{changed},"note":"Call type","baseVersion":{base}}}"#);
    let (status, saved) = call(&api, "PUT", &format!("/flows/{id}"), &put(1)).await;
    assert_eq!((status, &saved["draftVersion"]), (200, &json!(2)), "{saved}");
    let (status, problem) = call(&api, "PUT", &format!("/flows/{id}"), &put(1)).await;
    assert_eq!((status, &problem["current"]), (409, &json!(2)), "somebody saved meanwhile");
    let (_, same) = call(&api, "PUT", &format!("/flows/{id}"), &put(2)).await;
    assert_eq!(same["draftVersion"], 2, "the same file is no new version");

    let (status, active) = call(&api, "POST", &format!("/flows/{id}/activate"), r#"{"version":1}"#).await;
    assert_eq!((status, &active["activeVersion"]), (200, &json!(1)));
    let (_, versions) = call(&api, "GET", &format!("/flows/{id}/versions"), "").await;
    let list: Vec<_> = versions["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| (v["version"].clone(), v["active"].clone(), v["note"].clone()))
        .collect();
    assert_eq!(list, [(json!(2), json!(false), json!("Call type")), (json!(1), json!(true), json!(null))]);
    let (_, first) = call(&api, "GET", &format!("/flows/{id}/versions/1"), "").await;
    assert_eq!(first["document"]["actions"][2]["controls"]["callType"], "inbound");

    let (status, copy) = call(&api, "POST", &format!("/flows/{id}/clone"), "").await;
    assert_eq!((status, &copy["active"]), (201, &json!(false)));
    let (_, gone) = call(&api, "DELETE", &format!("/flows/{id}"), "").await;
    assert!(!gone["deletedAt"].is_null());
    assert_eq!(gone["active"], false, "what is deleted does not run");
    let (status, _) = call(&api, "POST", &format!("/flows/{id}/activate"), "").await;
    assert_eq!(status, 422);
    call(&api, "POST", &format!("/flows/{id}/restore"), "").await;
    let (_, off) = call(&api, "POST", &format!("/flows/{id}/deactivate"), "").await;
    assert_eq!((&off["deletedAt"], &off["activeVersion"]), (&json!(null), &json!(null)));
    let (_, list) = call(&api, "GET", "/flows", "").await;
    assert_eq!(list["flows"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_no_flow_is_kept_and_cannot_be_activated() {
    let api = interface();
    let body =
        json!({"name": "Damaged", "source": "voiceContact", "event": "onConnecting", "raw": "{\"actions\":"})
            .to_string();
    let (_, flow) = call(&api, "POST", "/flows", &body).await;
    assert_eq!((&flow["document"], &flow["raw"]), (&json!(null), &json!("{\"actions\":")));
    let (status, problem) =
        call(&api, "POST", &format!("/flows/{}/activate", flow["id"].as_str().unwrap()), "{}").await;
    assert_eq!((status, &problem["diagnostics"][0]["code"]), (422, &json!("F001")));

    let unknown = POP.replace("SE_ContactCustomerPhoneNumber", "SE_FromTheFuture");
    let flow = create(&api, &unknown).await;
    let (status, problem) =
        call(&api, "POST", &format!("/flows/{}/activate", flow["id"].as_str().unwrap()), "{}").await;
    assert_eq!(status, 422, "{problem}");
}

#[tokio::test]
async fn documents_keep_the_text_of_their_numbers() {
    let api = interface();
    let flow = create(&api, POP).await;
    let request =
        Request::get(format!("/flows/{}", flow["id"].as_str().unwrap())).body(Body::empty()).unwrap();
    let response = api.clone().oneshot(request).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("-450.50"));
    let (_, text) =
        call(&api, "POST", "/flows/format", &format!(r#"{{"document":{POP},"style":"exact"}}"#)).await;
    assert_eq!(text.to_string(), serde_json::from_str::<Value>(POP).unwrap().to_string());
}

#[tokio::test]
async fn an_event_runs_its_active_flow_once_and_asks_for_the_callers_record() {
    let api = interface();
    let flow = create(&api, POP).await;
    let id = flow["id"].as_str().unwrap();
    let event = format!(r#"{{"id":"e-1","event":"onConnecting",{EVENT}}}"#);
    let (_, none) = call(&api, "POST", "/events", &event.replace("e-1", "e-0")).await;
    assert_eq!(none["runs"], json!([]));
    assert!(none["reason"].as_str().unwrap().contains("Pop is a draft"), "{none}");

    call(&api, "POST", &format!("/flows/{id}/activate"), "{}").await;
    let (status, ran) = call(&api, "POST", "/events", &event).await;
    assert_eq!((status, &ran["reason"]), (200, &json!(null)), "{ran}");
    let run = &ran["runs"][0];
    assert_eq!(
        (&run["status"], &run["pending"]["type"]),
        (&json!("waiting"), &json!("SE_SFSearchAndScreenpop"))
    );
    assert_eq!(
        run["pending"]["inputs"]["pop"],
        json!({"kind": "record", "recordId": "003000000000001AAA", "object": "Contact", "name": "Grace Example"})
    );
    assert!(run["pending"]["deadlineMs"].as_i64().unwrap() > 1_700_000_000_000);

    let (_, again) = call(&api, "POST", "/events", &event).await;
    assert_eq!(again["runs"][0]["id"], run["id"], "the same event is the same run");
    let (_, all) = call(&api, "GET", "/runs?contact=c-1", "").await;
    assert_eq!(all["runs"].as_array().unwrap().len(), 1);
    assert_eq!(call(&api, "GET", "/runs?contact=c-2", "").await.1["runs"], json!([]));

    let path = format!("/runs/{}/complete", run["id"].as_str().unwrap());
    let done = r#"{"actionId":"uid-3","outcome":{"kind":"success","results":{"opened":true}}}"#;
    let (_, run) = call(&api, "POST", &path, done).await;
    assert_eq!(run["status"], "completed");
    assert_eq!(
        run["actions"]["uid-3"]["results"],
        json!({"count": 1, "id": "003000000000001AAA",
        "value": {"003000000000001AAA": {"Id": "003000000000001AAA", "Name": "Grace Example", "RecordType": "Contact"}}, "opened": true})
    );
    let (_, resent) = call(&api, "POST", &path, done).await;
    assert_eq!(resent["actions"], run["actions"], "a browser that resends changes nothing");
}

#[tokio::test]
async fn a_test_run_changes_nothing_and_takes_answers() {
    let api = interface();
    let document = json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "d"}},
        {"id": "d", "type": "SE_CoreDelay", "controls": {"milliseconds": 50_000}, "ports": {"done": "p"}},
        {"id": "p", "type": "SE_SetProperty", "controls": {"key": "k", "value": "v"}, "ports": {"done": "t"}},
        {"id": "t", "type": "SE_SFCreateTask", "controls": {"subject1": "Call"}, "ports": {"success": "g", "failure": "g"}},
        {"id": "g", "type": "SE_GetProperty", "controls": {"key": "k"}, "ports": {"done": "e"}},
        {"id": "e", "type": "SE_End"}]});
    let (_, run) =
        call(&api, "POST", "/runs", &json!({"document": document, "mode": "test"}).to_string()).await;
    assert_eq!(
        (&run["status"], &run["pending"]["type"]),
        (&json!("waiting"), &json!("SE_SFCreateTask")),
        "{run}"
    );
    let answers = json!({"SE_SFCreateTask": {"kind": "success", "results": {"id": "00T9"}}});
    let (_, run) = call(
        &api,
        "POST",
        "/runs",
        &json!({"document": document, "mode": "test", "answers": answers}).to_string(),
    )
    .await;
    assert_eq!(
        (&run["status"], &run["actions"]["g"]["results"]["value"]),
        (&json!("completed"), &json!("v"))
    );

    let (_, run) = call(&api, "POST", "/runs", &json!({"document": document.to_string().replace("50_000", "1").parse::<Value>().unwrap(), "mode": "test"}).to_string()).await;
    let (_, run) = call(&api, "POST", &format!("/runs/{}/cancel", run["id"].as_str().unwrap()), "").await;
    assert_eq!(run["status"], "cancelled");
    assert_eq!(call(&api, "GET", "/runs/run-none", "").await.0, 404);
}

#[tokio::test]
async fn properties_are_shared_by_the_flows_of_an_agent_and_survive_clearing_elsewhere() {
    let api = interface();
    let flow = |kind: &str, controls: Value| {
        json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "x"}},
        {"id": "x", "type": kind, "controls": controls, "ports": {"done": "e"}},
        {"id": "e", "type": "SE_End"}]})
    };
    let api = &api;
    let run = async |agent: &str, kind: &str, controls: Value| {
        let body = json!({"document": flow(kind, controls), "mode": "live", "event": {"source": "connectAgent", "name": "onRoutable", "agent": {"name": agent}}});
        call(api, "POST", "/runs", &body.to_string()).await.1["actions"]["x"].clone()
    };
    run("Ada", "SE_SetProperty", json!({"key": "taskId", "value": "00T1"})).await;
    assert_eq!(run("Ada", "SE_GetProperty", json!({"key": "taskId"})).await["results"]["value"], "00T1");
    assert_eq!(
        run("Bob", "SE_GetProperty", json!({"key": "taskId", "defaultValue": "none"})).await["results"]["value"],
        "none"
    );
    for expected in [1, 2, 3] {
        assert_eq!(
            run("Ada", "SE_UpdateCounter", json!({"name": "calls"})).await["results"]["value"],
            expected
        );
    }
    assert_eq!(
        run("Ada", "SE_GetAllProperties", json!({})).await["results"]["value"],
        json!({"taskId": "00T1"})
    );
    assert_eq!(
        run("Ada", "SE_SetProperty", json!({"key": "userProfile", "value": 1})).await["success"],
        false
    );
    run("Ada", "SE_ClearProperties", json!({})).await;
    assert_eq!(run("Ada", "SE_GetAllProperties", json!({})).await["results"]["value"], json!({}));
    assert_eq!(
        run("Ada", "SE_GetCounter", json!({"name": "calls"})).await["results"]["value"],
        3,
        "counters are no properties"
    );
}

#[tokio::test]
async fn tools_answer_as_described_and_bad_bodies_are_problems() {
    let api = interface();
    let (_, catalogue) = call(&api, "GET", "/catalogue", "").await;
    assert_eq!(
        (catalogue["blocks"].as_array().unwrap().len(), catalogue["sources"].as_array().unwrap().len()),
        (114, 9)
    );
    let (_, templates) = call(&api, "GET", "/templates", "").await;
    assert_eq!(templates["templates"].as_array().unwrap().len(), 7);
    let (_, checked) = call(&api, "POST", "/flows/check", r#"{"text":"{\"actions\":[]}"}"#).await;
    assert_eq!(checked["diagnostics"][0]["code"], "G101");
    let lost = POP.replace("\"uid-5\",\"failure\"", "\"uid5\",\"failure\"");
    let (_, fixed) = call(&api, "POST", "/flows/fix", &format!(r#"{{"document":{lost}}}"#)).await;
    assert_eq!(fixed["applied"][0]["code"], "G105", "{fixed}");
    assert_eq!(fixed["document"]["actions"][2]["ports"]["success"], "uid-5");
    let (_, imported) = call(&api, "POST", "/flows/import", &json!({"text": "no flow"}).to_string()).await;
    assert_eq!((&imported["document"], &imported["raw"]), (&json!(null), &json!("no flow")));
    let (_, diff) =
        call(&api, "POST", "/flows/diff", &format!(r#"{{"a":{POP},"b":{{"actions":[]}}}}"#)).await;
    assert_eq!(diff["removed"].as_array().unwrap().len(), 4);
    let (_, found) = call(&api, "GET", "/records/search?q=%2B12065550142", "").await;
    assert_eq!(
        found["records"],
        json!([{"object": "Contact", "id": "003000000000001AAA", "name": "Grace Example"}])
    );
    let (_, record) = call(&api, "GET", "/records/003000000000001AAA", "").await;
    assert_eq!((&record["object"], &record["name"]), (&json!("Contact"), &json!("Grace Example")));
    for (method, path, body, status) in [
        ("POST", "/flows", "{", 400),
        ("POST", "/flows", "{}", 422),
        ("POST", "/flows/check", "{}", 400),
        ("POST", "/runs", "{}", 400),
        ("GET", "/flows/none", "", 404),
        ("PUT", "/flows/none", "{}", 404),
        ("GET", "/records/zzz", "", 404),
    ] {
        let (got, problem) = call(&api, method, path, body).await;
        assert_eq!(got, status, "{method} {path}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|d| d.len() > 10), "{problem}");
    }
}

#[test]
fn every_route_is_described_once() {
    let described = serde_json::to_value(Description::openapi()).unwrap();
    let mut wanted = Vec::new();
    for route in include_str!("mod.rs").lines().filter_map(|l| l.trim().strip_prefix(".route(\"")) {
        let (path, methods) = route.split_once("\", ").unwrap();
        for method in ["get", "post", "put", "delete"] {
            if methods.contains(&format!("{method}(")) {
                wanted.push(format!("{method} {path}"));
            }
        }
    }
    let mut found = Vec::new();
    let mut ids = Vec::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            found.push(format!("{method} {path}"));
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{method} {path}");
        }
    }
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), found.len(), "an operation's id stands twice");
    // Whatever a schema refers to is there.
    let text = described.to_string();
    for name in text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(described["components"]["schemas"].get(name).is_some(), "{name} is not described");
    }
}
