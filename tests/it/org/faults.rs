//! Faults on demand, limits, the journal and its page.

use std::time::Duration;

use serde_json::{Value, json};
use tieline::org::faults::Rule;
use tieline::org::wire::{Method, Reply};
use tieline::org::{Settings, limits};

use super::Client;

fn with(rules: &[&str]) -> Client {
    let faults = rules.iter().map(|r| Rule::parse(r).unwrap()).collect();
    Client::new(Settings { sample: false, faults, ..Settings::default() })
}

fn accounts(client: &Client) -> u64 {
    client.query("SELECT COUNT() FROM Account")["totalSize"].as_u64().unwrap()
}

const ACCOUNT: &str = "/services/data/v66.0/sobjects/Account";

#[test]
fn a_cut_comes_before_or_after_the_effect() {
    let client = with(&["cut=before,method=POST,count=1", "cut=after,method=POST,count=1"]);
    let body = json!({"Name": "Kestrel"}).to_string();
    assert_eq!(client.handle(Method::Post, ACCOUNT, body.clone()).reply, Reply::Cut { applied: false });
    assert_eq!(accounts(&client), 0);
    assert_eq!(client.handle(Method::Post, ACCOUNT, body.clone()).reply, Reply::Cut { applied: true });
    assert_eq!(accounts(&client), 1);
    assert_eq!(client.raw(Method::Post, ACCOUNT, body).status, 201, "the rules are used up");
}

#[test]
fn a_late_commit_is_not_there_until_it_is() {
    let mut client = with(&["late=5s,object=Account,count=1"]);
    let reply = client.handle(Method::Post, ACCOUNT, json!({"Name": "Kestrel"}).to_string()).reply;
    assert_eq!(reply, Reply::Cut { applied: true });
    client.now = client.now.plus(Duration::from_millis(4_999));
    assert_eq!(accounts(&client), 0);
    client.now = client.now.plus(Duration::from_millis(1));
    assert_eq!(accounts(&client), 1);
    let entry = client.get("/_org/journal").body[0].clone();
    assert_eq!(entry["at"], super::NOW.as_millis() + 5_000);
}

#[test]
fn latency_delays_the_answer_and_not_the_effect() {
    let client = with(&["latency=300ms,jitter=100ms"]);
    let handled = client.handle(Method::Post, ACCOUNT, json!({"Name": "Kestrel"}).to_string());
    assert!(handled.delay >= Duration::from_millis(300) && handled.delay <= Duration::from_millis(400));
    assert_eq!(accounts(&client), 1);
}

#[test]
fn a_scripted_answer_does_nothing() {
    let client = with(&[
        "status=503,path=/sobjects,count=1",
        "status=504,path=/sobjects,count=1",
        "status=400,code=QUERY_TIMEOUT,message=Too long,path=/query,count=1",
    ]);
    let post = || client.post("/sobjects/Account", &json!({"Name": "Kestrel"}));
    assert_eq!(post().code(), (503, "SERVER_UNAVAILABLE"));
    let edge = post();
    assert_eq!((edge.status, edge.header("Content-Type")), (504, Some("text/html;charset=UTF-8")));
    let query = client.get("/query?q=SELECT+Id+FROM+Account");
    assert_eq!(query.body, json!([{"message": "Too long", "errorCode": "QUERY_TIMEOUT"}]));
    assert_eq!(accounts(&client), 0);
}

#[test]
fn a_session_expires_for_good_and_a_new_one_works() {
    let client = with(&["session,count=1"]);
    assert_eq!(client.get("/limits").code(), (401, "INVALID_SESSION_ID"));
    assert_eq!(client.get("/limits").code(), (401, "INVALID_SESSION_ID"), "the old token stays ended");
    let login = client.raw(
        Method::Post,
        "/services/oauth2/token",
        "grant_type=client_credentials&client_id=k&client_secret=s",
    );
    let mut fresh = Client::empty();
    fresh.org = client.org;
    fresh.headers =
        vec![("Authorization".to_owned(), format!("OAuth {}", login.body["access_token"].as_str().unwrap()))];
    assert_eq!(fresh.get("/limits").status, 200);
}

#[test]
fn each_limit_has_its_true_error() {
    for (rule, path, status) in [
        ("limit=daily", "/limits", 403),
        ("limit=concurrent", "/limits", 403),
        ("limit=chatter", "/chatter/users", 503),
    ] {
        let client = with(&[rule]);
        assert_eq!(client.get(path).code(), (status, "REQUEST_LIMIT_EXCEEDED"), "{rule}");
    }
    let limits = limits::Settings { daily: 2, ..limits::Settings::default() };
    let mut client = Client::new(Settings { sample: false, limits, ..Settings::default() });
    assert_eq!(client.get("/limits").header("Sforce-Limit-Info"), Some("api-usage=1/2"));
    assert_eq!(client.get("/limits").header("Sforce-Limit-Info"), Some("api-usage=2/2"));
    let refused = client.get("/limits");
    assert_eq!(refused.body[0]["message"], "TotalRequests Limit exceeded.");
    assert_eq!(refused.header("Sforce-Limit-Info"), Some("api-usage=2/2"));
    client.now = client.now.plus(Duration::from_hours(25));
    assert_eq!(client.get("/limits").status, 200);
}

#[test]
fn long_calls_fill_their_places() {
    let limits = limits::Settings { long_running: 1, ..limits::Settings::default() };
    let faults = vec![Rule::parse("latency=60s,count=1").unwrap()];
    let mut client = Client::new(Settings { sample: false, limits, faults, ..Settings::default() });
    assert_eq!(client.handle(Method::Get, "/services/data/v66.0/limits", "").delay, Duration::from_secs(60));
    client.now = client.now.plus(Duration::from_secs(30));
    let refused = client.get("/limits");
    assert_eq!(refused.body[0]["message"], "ConcurrentPerOrgLongTxn Limit exceeded.");
    client.now = client.now.plus(Duration::from_secs(31));
    assert_eq!(client.get("/limits").status, 200);
}

#[test]
fn rules_come_and_go_over_the_admin_path() {
    let client = Client::empty();
    let added = client.raw(Method::Post, "/_org/faults", "status=503,path=/limits\nlock,object=Case");
    assert_eq!((added.status, &added.body), (201, &json!({"ids": [1, 2]})));
    let json = client.post("/_org/faults", &json!({"do": "latency=1ms"}));
    assert_eq!(json.body, json!({"ids": [3]}));
    assert_eq!(client.get("/limits").status, 503);
    let list = client.get("/_org/faults").body;
    assert_eq!((&list[0]["struck"], &list[0]["do"]), (&json!(1), &json!("status=503")));
    assert_eq!(client.delete("/_org/faults/1").status, 204);
    assert_eq!(client.delete("/_org/faults/1").status, 404);
    assert_eq!(client.get("/limits").status, 200);
    assert_eq!(client.delete("/_org/faults").status, 204);
    assert_eq!(client.get("/_org/faults").body, json!([]));
    let wrong = client.raw(Method::Post, "/_org/faults", "explode");
    assert_eq!(wrong.status, 400);
    assert!(wrong.body["error"].as_str().unwrap().contains("there are status=N"), "{}", wrong.body);
    for body in ["", "{", "[{\"do\":\"lock\",\"x\":1}]"] {
        assert_eq!(client.raw(Method::Post, "/_org/faults", body).status, 400, "{body}");
    }
    assert_eq!(client.get("/_org/nothing").status, 404);
}

#[test]
fn records_can_be_held_and_rules_enforced() {
    let client = Client::empty();
    let id = client.create("Case", &json!({"Subject": "x"}));
    let url = format!("/sobjects/Case/{id}");
    assert_eq!(client.post("/_org/locks", &json!({"id": id, "held": true})).status, 204);
    assert_eq!(client.patch(&url, &json!({"Subject": "y"})).code(), (400, "UNABLE_TO_LOCK_ROW"));
    assert_eq!(client.post("/_org/locks", &json!({"id": id, "held": false})).status, 204);
    assert_eq!(client.patch(&url, &json!({"Subject": "y"})).status, 204);

    let rule = json!({"name": "Escalated_needs_reason", "on": true});
    assert_eq!(client.post("/_org/rules", &rule).status, 204);
    assert_eq!(
        client.patch(&url, &json!({"Status": "Escalated"})).code(),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    );
    assert_eq!(client.post("/_org/rules", &json!({"name": "None", "on": true})).status, 404);
    for path in ["/_org/locks", "/_org/rules", "/_org/limits"] {
        assert_eq!(client.post(path, &json!([])).status, 400, "{path}");
    }
    let foreign = client.with("Origin", "https://elsewhere.example");
    assert_eq!(foreign.raw(Method::Post, "/_org/faults", "lock").status, 403);
    assert_eq!(
        client.with("Origin", "http://127.0.0.1:8700").raw(Method::Post, "/_org/faults", "lock").status,
        201
    );
}

#[test]
fn limits_can_be_set_and_used_up_by_others() {
    let client = Client::empty();
    let told = client.post("/_org/limits", &json!({"daily": 100, "left": 1}));
    assert_eq!(told.body, json!({"used": 99, "max": 100}));
    assert_eq!(client.get("/limits").status, 200);
    assert_eq!(client.get("/limits").code(), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert_eq!(client.post("/_org/limits", &json!({"daily": "many"})).status, 400);
}

#[test]
fn the_journal_knows_every_effect_by_its_key() {
    let client = Client::empty();
    let id = client.create("Case", &json!({"Subject": "<b>Missed</b>", "WriteKey__c": "k-1"}));
    client.patch(&format!("/sobjects/Case/{}", &id[..15]), &json!({"Status": "Working"}));
    client.patch("/sobjects/UpsertTable__c/ExtId__c/e-1", &json!({"Name": "n"}));
    client.post("/sobjects/Case", &json!({"Subject": "x".repeat(300)}));
    client.delete(&format!("/sobjects/Case/{id}"));
    let journal = client.get("/_org/journal").body;
    let told: Vec<(&str, Value)> =
        journal.as_array().unwrap().iter().map(|e| (e["verb"].as_str().unwrap(), e["key"].clone())).collect();
    assert_eq!(
        told,
        [
            ("create", json!("k-1")),
            ("update", Value::Null),
            ("create", json!("e-1")),
            ("delete", Value::Null)
        ]
    );
    assert_eq!(journal[1]["id"], id.as_str(), "18 characters, however it was asked for");
    assert_eq!(client.get("/_org/journal?key=k-1").body.as_array().unwrap().len(), 1);
    let page = client.get("/_org");
    let html = String::from_utf8(page.response.body.to_vec()).unwrap();
    assert!(html.contains("&lt;b&gt;Missed") && !html.contains("<b>Missed"), "what was written is no markup");
}

#[test]
fn one_seed_is_one_course_of_events() {
    let run = |seed| {
        let faults = vec![
            Rule::parse("cut=after,share=0.3").unwrap(),
            Rule::parse("latency=1ms,jitter=50ms").unwrap(),
        ];
        let client = Client::new(Settings { sample: false, seed, faults, ..Settings::default() });
        (0..40)
            .map(|n| client.handle(Method::Post, ACCOUNT, json!({"Name": n.to_string()}).to_string()))
            .collect::<Vec<_>>()
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}
