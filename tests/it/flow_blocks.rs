//! The Salesforce blocks of CTI Flows, each by the product's own read and write paths: against the
//! simulated org, with a queue and a worker between.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};
use tieline::{
    clock,
    config::Config,
    flow::{model::Document, run::Event},
    flow_host::{Host, Mode, Settings as FlowSettings, Started},
    lambda::{Service, Stores},
    org::{Org, Settings},
    outcome::rows,
    salesforce::Http,
    store::sqlite::{self, Sqlite},
};
use tokio::{net::TcpListener, sync::oneshot};

use crate::support::salesforce::Salesforce;

/// A deployment in one process.
struct Stage {
    host: Host,
    service: Service,
    org: String,
    _folder: tempfile::TempDir,
    _ends: Vec<oneshot::Sender<()>>,
}

fn until(ends: &mut Vec<oneshot::Sender<()>>) -> impl Future<Output = ()> + Send + 'static {
    let (end, ended) = oneshot::channel::<()>();
    ends.push(end);
    async move { drop(ended.await) }
}

/// A service of this Salesforce over stores in a folder of its own.
fn service(origin: &str) -> (Service, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.json");
    std::fs::write(&secret, r#"{"ConsumerKey":"k","ConsumerSecret":"s"}"#).unwrap();
    let path = secret.display().to_string();
    let variables = [("SF_HOST", origin), ("SF_VERSION", "v66.0"), ("TIELINE_SECRET_FILE", &path)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut config = Config::from_vars(variables.into_iter()).unwrap();
    config.write.mode = tieline::event::Mode::Wait;
    let kept = Sqlite::own(&folder.path().join("kept"), clock::now()).unwrap();
    let stores = Stores {
        state: Some(kept.table(sqlite::STATE)),
        cache: Some(kept.table(sqlite::CACHE)),
        queue: Some(kept.queue(sqlite::WRITES)),
        letters: None,
        owner: None,
    };
    (Service::with(config, stores, Arc::new(Http)), folder)
}

async fn stage() -> Stage {
    let mut ends = Vec::new();
    let org = Org::new(Settings::default(), clock::now()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(tieline::org::serve(org, listener, until(&mut ends)));
    let (service, folder) = service(&base);
    let worker = service.worker("test".to_owned()).unwrap();
    let stop = until(&mut ends);
    tokio::spawn(async move { worker.run(stop).await });
    Stage { host: service.flows().unwrap(), service, org: base, _folder: folder, _ends: ends }
}

/// Start → the block → End, run without a browser: the record of the block, and the port it took.
async fn block(host: &Host, kind: &str, controls: Value) -> (Value, String) {
    let decides = matches!(kind, "SE_SFIsDoNotCall");
    let ports = if decides { ["true", "false"] } else { ["success", "failure"] };
    let out: serde_json::Map<_, _> = ports.iter().map(|p| ((*p).to_owned(), json!("e"))).collect();
    let document = json!({"actions": [
        {"id": "s", "type": "SE_Start", "controls": {}, "ports": {"done": "b"}},
        {"id": "b", "type": kind, "controls": controls, "ports": out},
        {"id": "e", "type": "SE_End", "controls": {}, "ports": {}}]});
    let event = Event {
        source: "voiceContact".to_owned(),
        name: "onConnected".to_owned(),
        contact: json!({"contactId": "contact-1", "country": "US"}),
        ..Event::default()
    };
    let started = Started {
        flow_id: None,
        flow_version: None,
        flow_name: None,
        document: Document::parse(&document.to_string()).unwrap(),
        event,
        mode: Mode::Unattended,
        answers: HashMap::new(),
        hurried: true,
    };
    let run = host.start(started, clock::now()).await.unwrap();
    let exit = run["trace"].as_array().unwrap().iter().find(|e| e["action"] == "b" && e["phase"] == "exit");
    let port = exit.and_then(|e| e["port"].as_str()).unwrap_or("none").to_owned();
    (run["actions"]["b"].clone(), port)
}

async fn succeeds(host: &Host, kind: &str, controls: Value) -> Value {
    let (record, port) = block(host, kind, controls).await;
    assert_eq!((port.as_str(), &record["success"]), ("success", &json!(true)), "{kind}: {record}");
    record["results"].clone()
}

async fn fails(host: &Host, kind: &str, controls: Value) -> String {
    let (record, port) = block(host, kind, controls).await;
    assert_eq!((port.as_str(), &record["success"]), ("failure", &json!(false)), "{kind}: {record}");
    assert!(record["exception"]["message"].as_str().is_some_and(|m| m.len() > 10), "{kind}: {record}");
    record["exception"]["name"].as_str().unwrap().to_owned()
}

impl Stage {
    async fn query(&self, soql: &str) -> Value {
        let url = format!("{}/services/data/v66.0/query", self.org);
        let http = reqwest::Client::new();
        let answer = http.get(url).query(&[("q", soql)]).bearer_auth("t").send().await.unwrap();
        answer.json::<Value>().await.unwrap()["records"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_find_what_the_org_holds() {
    let stage = stage().await;
    let host = &stage.host;
    let known =
        &stage.query("SELECT Id, Name, Phone, Account.Name FROM Contact WHERE Phone != null").await[0];

    for kind in ["SE_SFQueryValue", "SE_SFSoqlQuery"] {
        let query = "SELECT Id, Name, Account.Name FROM Contact WHERE Phone != null";
        let found = succeeds(host, kind, json!({"query": query})).await;
        assert_eq!(found["value"][0]["Account"]["Name"], known["Account"]["Name"], "{kind}: {found}");
        assert_eq!(
            succeeds(host, kind, json!({"query": format!("{query} AND Name = 'No One'")})).await,
            json!({"value": []})
        );
        assert_eq!(
            fails(host, kind, json!({"query": "SELECT Nothing__c FROM Contact"})).await,
            "INVALID_FIELD"
        );
    }

    let retrieve = |id: &Value| json!({"type": "Contact", "fields": "Id, Name", "id": id});
    let record = succeeds(host, "SE_SFRetrieve", retrieve(&known["Id"])).await;
    assert_eq!(record["record"]["Name"], known["Name"]);
    assert_eq!(fails(host, "SE_SFRetrieve", retrieve(&json!("003000000000000AAA"))).await, "NOT_FOUND");

    // One record alone has this number: the id is no matter of chance.
    let phone = |text: &str| json!({ "formattedPhoneNumber": text });
    let id = succeeds(host, "SE_SFGetContactId", phone("+12065550102")).await["sfContactId"].clone();
    // The form in which flows show it, of the contact's country.
    assert_eq!(succeeds(host, "SE_SFGetContactId", phone("(206) 555-0102")).await["sfContactId"], id);
    assert!(id.as_str().is_some_and(|id| id.starts_with("003")), "{id}");
    let lead =
        &stage.query("SELECT Phone FROM Lead WHERE Phone LIKE '+%' OR Phone LIKE '(%'").await[0]["Phone"];
    let found = succeeds(host, "SE_SFGetLeadId", phone(lead.as_str().unwrap())).await;
    assert!(found["sfLeadId"].as_str().is_some_and(|id| id.starts_with("00Q")), "{found}");
    for kind in ["SE_SFGetContactId", "SE_SFGetLeadId"] {
        assert_eq!(fails(host, kind, phone("+442079460999")).await, "NoMatch");
    }

    let search = json!({"searchParams": "+12065550102", "deferred": true, "callType": "inbound"});
    let found = succeeds(host, "SE_SFSearchAndScreenpop", search).await;
    assert_eq!(
        (&found["count"], &found["id"], &found["screenPopData"]["kind"]),
        (&json!(1), &id, &json!("record"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_carried_out_in_order_and_recorded_under_the_contact() {
    let stage = stage().await;
    let host = &stage.host;
    let save =
        |id: Value, fields: Value| json!({"recordId": id, "entityType": "Contact", "fieldValues": fields});

    let created = succeeds(
        host,
        "SE_SFSaveLog",
        save(json!("null"), json!({"LastName": "Example", "DoNotCall": "true"})),
    )
    .await;
    let id = created["id"].clone();
    assert!(id.as_str().is_some_and(|id| id.starts_with("003") || id.starts_with("tl-")), "{created}");
    let updated = succeeds(host, "SE_SFSaveLog", save(id.clone(), json!({"FirstName": "Grace"}))).await;
    assert_eq!(updated["id"], id);
    let task = json!({"subject1": "Voice", "subject2": "Support", "Status": "Completed", "CallType": "inbound",
        "IsClosed": false, "WhoId": id, "otherTaskFields": {"Description": "From a flow"}});
    let task = succeeds(host, "SE_SFCreateTask", task).await;
    assert!(task["id"].is_string(), "{task}");

    // What the contact wrote, its reads see: the write has come to its end, or is pending no more.
    let (record, port) = block(host, "SE_SFIsDoNotCall", json!({"contactId": id})).await;
    assert_eq!((port.as_str(), &record["results"]), ("true", &json!(true)), "{id}: {record}");
    let callable = &stage.query("SELECT Id FROM Contact WHERE DoNotCall = false").await[0]["Id"];
    let (record, port) = block(host, "SE_SFIsDoNotCall", json!({"contactId": callable})).await;
    assert_eq!((port.as_str(), &record["results"]), ("false", &json!(false)), "{record}");
    // A lookup that fails never counts as "may be called".
    let (record, port) = block(host, "SE_SFIsDoNotCall", json!({"contactId": "003000000000000AAA"})).await;
    assert_eq!((port.as_str(), &record["exception"]["name"]), ("none", &json!("NOT_FOUND")), "{record}");

    let made = stage.query("SELECT Id, FirstName, (SELECT Subject, CallType, Description FROM Tasks) FROM Contact WHERE LastName = 'Example' AND FirstName = 'Grace'").await;
    assert_eq!(made.as_array().unwrap().len(), 1, "{made}");
    let tasks = &made[0]["Tasks"]["records"];
    assert_eq!(
        (&tasks[0]["Subject"], &tasks[0]["CallType"]),
        (&json!("Voice - Support"), &json!("Inbound")),
        "{made}"
    );

    let state = stage.service.stores().unwrap().state.clone().unwrap();
    let group = tieline::envelope::id::group_id("contact-1");
    let kept = state.list(&rows::partition(&group), rows::OUTCOMES, None, 100, clock::now()).await.unwrap();
    assert_eq!(kept.len(), 3, "a create, an update, a task");

    assert_eq!(
        fails(host, "SE_SFSaveLog", save(json!("null"), json!({"Nothing__c": "x"}))).await,
        "INVALID_FIELD"
    );
    let task = json!({"subject1": "Voice", "otherTaskFields": {"Nothing__c": "x"}});
    assert_eq!(fails(host, "SE_SFCreateTask", task).await, "INVALID_FIELD");
    let nothing = json!({"recordId": "zzz000000000001AAA", "fieldValues": {"Name": "x"}});
    assert_eq!(fails(host, "SE_SFSaveLog", nothing).await, "MissingInput");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_salesforce_its_blocks_leave_by_failure_and_say_what_is_missing() {
    let table = Sqlite::in_memory().unwrap().table(sqlite::STATE);
    let host = Host::new(FlowSettings::default(), table, None, None);
    for (kind, controls) in [
        ("SE_SFQueryValue", json!({"query": "SELECT Id FROM Contact"})),
        ("SE_SFRetrieve", json!({"type": "Contact", "fields": "Id", "id": "003000000000001AAA"})),
        ("SE_SFGetContactId", json!({"formattedPhoneNumber": "+12065550142"})),
        ("SE_SFCreateTask", json!({"subject1": "Call"})),
        ("SE_SFRunApex", json!({"apexClass": "A", "methodName": "b"})),
        ("SE_SFSearchAndScreenpop", json!({"searchParams": "+12065550142"})),
    ] {
        assert_eq!(fails(&host, kind, controls).await, "NotAvailable", "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apex_is_asked_where_the_org_exposes_it_and_only_once() {
    let stage = stage().await;
    let asked =
        json!({"apexClass": "CallRating", "methodName": "rate", "methodParams": "stars=5&note=well+done"});
    assert_eq!(fails(&stage.host, "SE_SFRunApex", asked.clone()).await, "NOT_FOUND");

    let path = "/services/apexrest/CallRating/rate";
    let scripted = Salesforce::start(vec![
        json!({"status": 200, "body": {"access_token": "t", "instance_url": "http://127.0.0.1", "issued_at": "1795170000000"}}),
        json!({"status": 200, "body": {"saved": true}, "expect_method": "POST", "expect_path_prefix": path}),
        json!({"status": 500, "body": [{"errorCode": "APEX_ERROR", "message": "System.DmlException: it was refused"}], "expect_path_prefix": path}),
    ])
    .await;
    let (service, _folder) = service(&scripted.server.url());
    let host = service.flows().unwrap();
    assert_eq!(succeeds(&host, "SE_SFRunApex", asked.clone()).await, json!({"value": {"saved": true}}));
    assert_eq!(fails(&host, "SE_SFRunApex", asked).await, "APEX_ERROR");
    let calls: Vec<_> = scripted.asked().into_iter().filter(|a| !a.is_login()).collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(
        serde_json::from_str::<Value>(&calls[0].body).unwrap(),
        json!({"stars": "5", "note": "well done"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_http_block_calls_hosts_of_its_list_alone_and_takes_no_more_than_fits() {
    let there = Salesforce::start(vec![
        json!({"status": 200, "body": {"open": true}}),
        json!({"status": 404, "body": {"error": "gone"}}),
        json!({"status": 302, "headers": {"location": "http://127.0.0.1:9/elsewhere"}}),
        json!({"status": 200, "body_text": "x".repeat(1 << 21)}),
    ])
    .await;
    let list = vec![there.server.address.to_string(), "127.0.0.1:9".to_owned()];
    let settings = FlowSettings { http_hosts: list, ..FlowSettings::default() };
    let host = Host::new(settings, Sqlite::in_memory().unwrap().table(sqlite::STATE), None, None);
    let to = |url: &str| json!({"url": url, "method": "POST", "headers": {"X-Caller": "$.contact.contactId", "Host": "evil.example"}, "body": {"a": 1}});
    let url = format!("{}/hours", there.server.url());
    let found = succeeds(&host, "SE_HttpRequest", to(&url)).await;
    assert_eq!((&found["status"], &found["body"]), (&json!(200), &json!({"open": true})));
    assert_eq!(fails(&host, "SE_HttpRequest", to(&url)).await, "HTTP_404");
    let moved = succeeds(&host, "SE_HttpRequest", to(&url)).await;
    assert_eq!(moved["status"], 302, "nothing is followed: another host is another decision");
    assert_eq!(fails(&host, "SE_HttpRequest", to(&url)).await, "ResultTooLarge");
    assert_eq!(fails(&host, "SE_HttpRequest", to("http://127.0.0.1:9/closed")).await, "Unreachable");
    for refused in ["http://127.0.0.1:10/", "https://example.com/", "file:///etc/passwd", "no url", ""] {
        assert_eq!(fails(&host, "SE_HttpRequest", to(refused)).await, "NotAllowed", "{refused}");
    }
    let asked = there.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!((asked[0].method.as_str(), asked[0].body.as_str()), ("POST", r#"{"a":1}"#));
}
