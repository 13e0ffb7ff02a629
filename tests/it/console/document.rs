//! Every operation of the document is called, and answers as the document says.

use serde_json::{Value, json};

use super::Local;

#[tokio::test]
async fn every_operation_of_the_document_is_called() {
    let local = Local::start().await;
    line(&local).await;
    writes(&local).await;
    org(&local).await;
    flows(&local).await;

    let called = local.called.lock().unwrap().clone();
    let mut silent = Vec::new();
    for (path, item) in local.document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let operation = format!("{} {path}", method.to_uppercase());
            // A stream has no end to wait for: its own test reads from it.
            if !called.contains(&operation) && operation != "GET /events" {
                silent.push(operation);
            }
        }
    }
    assert!(silent.is_empty(), "no test calls {silent:#?}");
    assert!(called.len() > 20, "{called:?}");
}

async fn line(local: &Local) {
    let overview = local.good("GET", "/overview", Value::Null).await;
    assert_eq!((&overview["accepting"], &overview["troubles"]), (&json!(true), &json!([])));
    assert_eq!(local.good("GET", "/queue", Value::Null).await["writes"]["waiting"], 0);
    assert_eq!(local.call("GET", "/budget", Value::Null).await.0, 404, "no call was made yet");
    assert_eq!(local.good("GET", "/worker", Value::Null).await, json!({"running": true}));
    for _ in 0..2 {
        assert_eq!(local.good("POST", "/worker/pause", Value::Null).await, json!({"running": false}));
    }
    assert_eq!(local.good("POST", "/worker/resume", Value::Null).await, json!({"running": true}));
    let history = local.good("GET", "/history?limit=10", Value::Null).await;
    let told: Vec<_> =
        history["entries"].as_array().unwrap().iter().map(|e| (&e["by"], &e["what"])).collect();
    let deeds = ["resumed the worker", "paused the worker"].map(|what| (json!("sam"), json!(what)));
    assert_eq!(told, deeds.iter().map(|(by, what)| (by, what)).collect::<Vec<_>>(), "a repeat is no deed");

    let settings = local.good("GET", "/settings", Value::Null).await;
    let setting = |name: &str| settings.as_array().unwrap().iter().find(|s| s["name"] == name).unwrap();
    assert_eq!(setting("TIELINE_STATE_TABLE")["value"], "in this machine's folder");
    assert_eq!(setting("TIELINE_MAX_ATTEMPTS")["default"], "12");
    let checks = local.good("GET", "/doctor?objects=Case,Nothing__c", Value::Null).await;
    let check = |name: &str| checks.as_array().unwrap().iter().find(|c| c["name"] == name).unwrap();
    assert_eq!(check("object Case")["status"], "good");
    assert_eq!(check("object Nothing__c")["status"], "failed");
    let budget = local.good("GET", "/budget", Value::Null).await;
    assert!(budget["used"].as_u64().unwrap() > 0 && budget["reads"] == true, "{budget}");
    assert!(local.good("GET", "/series", Value::Null).await.is_array());

    assert_eq!(local.good("GET", "/cache", Value::Null).await["freshSecs"], 60);
    let forgotten = local.good("POST", "/cache/forget", json!({"record": "003Tl0000000001AAA"})).await;
    assert_eq!(forgotten["record"], "003Tl0000000001AAA");
    assert_eq!(local.call("POST", "/cache/forget", json!({"record": "Ann Example"})).await.0, 400);
}

async fn writes(local: &Local) {
    let contact = "11111111-1111-4111-8111-111111111111";
    let bad =
        json!({"sf_operation": "create", "sf_object": "Case", "Subject": "Late", "NoSuchField__c": "x"});
    let read =
        json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "Name": "Ann Example"});
    local.invoke(contact, read).await;
    for _ in 0..2 {
        local.invoke(contact, bad.clone()).await;
    }
    let listed = local
        .until("/dead-letters?object=case&code=INVALID_FIELD&limit=5", |v| v["deadLetters"][0].is_object())
        .await;
    let letter = &listed["deadLetters"][0];
    let (id, version) = (letter["id"].as_str().unwrap(), &letter["version"]);
    let path = format!("/dead-letters/{contact}/{id}");
    assert_eq!(&local.good("GET", &path, Value::Null).await, letter);
    assert_eq!(local.call("GET", "/dead-letters/nobody/tl-none", Value::Null).await.0, 400);
    for (query, found) in [
        (format!("contact={contact}"), 1),
        ("contact=nobody".to_owned(), 0),
        ("field=Subject".to_owned(), 0),
        ("field=nosuchfield__c".to_owned(), 1),
        ("code=REJECTED&from=1&to=9999999999999".to_owned(), 1),
        ("to=1".to_owned(), 0),
    ] {
        let page = local.good("GET", &format!("/dead-letters?{query}"), Value::Null).await;
        assert_eq!(page["deadLetters"].as_array().unwrap().len(), found, "{query}");
    }

    let timeline = local.good("GET", &format!("/contacts/{contact}"), Value::Null).await;
    assert_eq!(timeline["writes"][0]["status"], "failed");
    assert_eq!(
        (&timeline["reads"][0]["object"], &timeline["reads"][0]["source"]),
        (&json!("Contact"), &json!("miss"))
    );

    let edit = json!({"version": version, "fields": {"NoSuchField__c": null}});
    assert_eq!(local.good("PUT", &path, edit.clone()).await["edits"][0]["by"], "sam");
    assert_eq!(local.good("PUT", &path, edit).await["edits"].as_array().unwrap().len(), 1, "it stands so");
    let late = json!({"version": version, "fields": {"Subject": "Later"}});
    assert_eq!(local.call("PUT", &path, late).await.0, 409, "that version is past");
    let mut write = local.good("GET", &path, Value::Null).await;
    write["payload"]["fields"]["Subject"] = json!("Delivery is late");
    let whole = json!({"version": write["version"], "write": write["payload"]});
    let whole = local.good("PUT", &path, whole).await;
    assert_eq!(whole["edits"][1]["what"], "edited fields.Subject");
    let none = json!({"version": whole["version"], "write": {"operation": "dance"}});
    assert_eq!(local.call("PUT", &path, none).await.0, 422);
    let items = json!([{"contact": contact, "id": id}]);
    let replay = |dry: bool| json!({"items": items, "dryRun": dry});
    let verdict = |v: Value| v["results"][0]["verdict"].clone();
    assert_eq!(verdict(local.good("POST", "/dead-letters/replay", replay(true)).await), "replayed");
    assert_eq!(verdict(local.good("POST", "/dead-letters/replay", replay(false)).await), "replayed");
    assert_eq!(verdict(local.good("POST", "/dead-letters/replay", replay(false)).await), "already done");
    local.until(&format!("/contacts/{contact}"), |v| v["writes"][0]["status"] == "succeeded").await;

    let other = "22222222-2222-4222-8222-222222222222";
    local.invoke(other, bad).await;
    let letter =
        local.until("/dead-letters", |v| v["deadLetters"][0].is_object()).await["deadLetters"][0].clone();
    let items = json!([{"contact": other, "id": letter["id"]}]);
    let discard = |why: &str| json!({"items": items, "reason": why});
    assert_eq!(local.call("POST", "/dead-letters/discard", discard(" ")).await.0, 400);
    assert_eq!(verdict(local.good("POST", "/dead-letters/discard", discard("a test")).await), "discarded");
    assert_eq!(verdict(local.good("POST", "/dead-letters/discard", discard("a test")).await), "already done");
    let history = local.good("GET", "/history", Value::Null).await;
    assert_eq!(history["entries"][0]["what"], "discarded: a test");
    assert_eq!(history["entries"][0]["contact"], other);

    local.good("POST", "/worker/pause", Value::Null).await;
    local
        .invoke(
            other,
            json!({"sf_operation": "create", "sf_object": "Case", "Subject": "Late", "tl_mode": "queue"}),
        )
        .await;
    let waiting = local.good("GET", "/waiting?limit=1", Value::Null).await;
    assert_eq!(
        (&waiting["writes"][0]["contact"], &waiting["writes"][0]["object"]),
        (&json!(other), &json!("Case"))
    );
    assert!(local.good("GET", "/overview", Value::Null).await["queue"]["oldestAt"].is_i64());
    local.good("POST", "/worker/resume", Value::Null).await;
    local.until("/waiting", |v| v["writes"] == json!([])).await;

    local.good("POST", "/org/faults", json!({"do": "status=503"})).await;
    local
        .invoke(
            other,
            json!({"sf_operation": "create", "sf_object": "Case", "Subject": "Later", "tl_mode": "queue"}),
        )
        .await;
    let halted = local.until("/overview", |v| v["halt"].is_object()).await;
    assert_eq!(
        (&halted["halt"]["why"], &halted["halt"]["error"]["code"]),
        (&json!("failing"), &json!("SERVER_UNAVAILABLE"))
    );
    assert!(halted["halt"]["nextAt"].is_i64(), "{halted}");
    local.good("DELETE", "/org/faults", Value::Null).await;
    let mended = local.until("/overview", |v| v["halt"].is_null()).await;
    assert_eq!(mended["queue"]["waiting"], 0);
    assert_eq!(local.good("GET", "/doubt?limit=5", Value::Null).await["writes"], json!([]));
}

async fn org(local: &Local) {
    let ids = local.good("POST", "/org/faults", json!({"do": "latency=1ms"})).await;
    assert_eq!(local.good("GET", "/org/faults", Value::Null).await[0]["do"], "latency=1ms");
    local.good("DELETE", &format!("/org/faults/{}", ids["ids"][0]), Value::Null).await;
    assert_eq!(local.call("DELETE", "/org/faults/99", Value::Null).await.0, 404);
    assert_eq!(local.call("POST", "/org/faults", json!({"do": "nothing"})).await.0, 400);
    local.good("DELETE", "/org/faults", Value::Null).await;
    let first = local.good("GET", "/org/journal?limit=1", Value::Null).await;
    assert_eq!(first["entries"].as_array().unwrap().len(), 1);
    let next = first["next"].as_str().expect("there were two effects");
    let second = local.good("GET", &format!("/org/journal?limit=1&after={next}"), Value::Null).await;
    assert!(first["entries"][0]["seq"].as_u64() > second["entries"][0]["seq"].as_u64(), "newest first");
}

async fn flows(local: &Local) {
    local.good("GET", "/catalogue", Value::Null).await;
    let templates = local.good("GET", "/templates", Value::Null).await;
    let template = &templates["templates"][0];
    let document = &template["document"];
    local.good("POST", "/flows/check", json!({"document": document})).await;
    local.good("POST", "/flows/fix", json!({"document": document})).await;
    local.good("POST", "/flows/import", json!({"text": document.to_string()})).await;
    local.good("POST", "/flows/format", json!({"document": document, "style": "exact"})).await;
    local.good("POST", "/flows/diff", json!({"a": document, "b": document})).await;
    let fields = json!({"name": "Pop", "source": template["source"], "event": template["event"], "document": document});
    let flow = local.good("POST", "/flows", fields).await;
    let path = format!("/flows/{}", flow["id"].as_str().unwrap());
    local.good("GET", "/flows", Value::Null).await;
    local.good("GET", &path, Value::Null).await;
    local.good("PUT", &path, json!({"name": "Pop 2", "baseVersion": 1})).await;
    local.good("GET", &format!("{path}/versions"), Value::Null).await;
    local.good("GET", &format!("{path}/versions/1"), Value::Null).await;
    local.good("POST", &format!("{path}/activate"), json!({"version": 1})).await;
    local.good("POST", &format!("{path}/deactivate"), json!({})).await;
    local.good("POST", &format!("{path}/clone"), json!({})).await;
    local.good("DELETE", &path, Value::Null).await;
    local.good("POST", &format!("{path}/restore"), json!({})).await;
    assert_eq!(local.call("GET", "/flows/none", Value::Null).await.0, 404);

    let waits = json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "p"}},
        {"id": "p", "type": "SE_SFScreenPop", "controls": {}, "ports": {"success": "e", "failure": "e"}},
        {"id": "e", "type": "SE_End"}]});
    let start = json!({"document": waits, "mode": "test"});
    for end in ["complete", "cancel"] {
        let run = local.good("POST", "/runs", start.clone()).await;
        let path = format!("/runs/{}", run["id"].as_str().unwrap());
        let outcome = json!({"actionId": "p", "outcome": {"kind": "success", "results": {}}});
        let body = if end == "complete" { outcome } else { json!({}) };
        local.good("POST", &format!("{path}/{end}"), body).await;
        local.good("GET", &path, Value::Null).await;
    }
    local.good("GET", "/runs?contact=nobody", Value::Null).await;
    local.good("GET", "/runs/latest", Value::Null).await;
    local.good("POST", "/events", json!({"id": "e-1", "source": "voiceContact", "event": "onConnecting", "agent": null, "contact": null, "payload": {}})).await;
    let found = local.good("GET", "/records/search?q=Example", Value::Null).await;
    let id = found["records"][0]["id"].as_str().unwrap_or("003000000000001AAA").to_owned();
    local.call("GET", &format!("/records/{id}"), Value::Null).await;
}
