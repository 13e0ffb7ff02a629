//! Composite, collections, trees, graphs and batches.

use serde_json::{Value, json};
use tieline::org::Settings;
use tieline::org::faults::Rule;

use super::Client;

fn sub(method: &str, path: &str, reference: &str, body: Value) -> Value {
    json!({"method": method, "url": format!("/services/data/v66.0{path}"), "referenceId": reference, "body": body})
}

fn composite(client: &Client, all_or_none: bool, subs: Vec<Value>) -> Vec<Value> {
    let got = client.post("/composite", &json!({"allOrNone": all_or_none, "compositeRequest": subs}));
    assert_eq!(got.status, 200, "{}", got.body);
    got.body["compositeResponse"].as_array().unwrap().clone()
}

fn contacts(names: &[Option<&str>]) -> Value {
    names
        .iter()
        .map(|name| match name {
            Some(name) => json!({"attributes": {"type": "Contact"}, "LastName": name}),
            None => json!({"attributes": {"type": "Contact"}, "FirstName": "nobody"}),
        })
        .collect()
}

#[test]
fn later_subrequests_use_what_earlier_ones_said() {
    let client = Client::empty();
    let said = composite(
        &client,
        false,
        vec![
            sub("POST", "/sobjects/Account", "acc", json!({"Name": "Kestrel"})),
            sub("POST", "/sobjects/Contact", "con", json!({"LastName": "Okafor", "AccountId": "@{acc.id}"})),
            sub("GET", "/sobjects/Contact/@{con.id}?fields=AccountId", "read", Value::Null),
            sub("GET", "/query?q=SELECT Id FROM Account WHERE Id = '@{read.AccountId}'", "q", Value::Null),
            sub(
                "PATCH",
                "/sobjects/Account/@{q.records[0].Id}",
                "upd",
                json!({"Description": "of @{con.id}"}),
            ),
            sub("GET", "/sobjects/Contact/@{con.Id}", "wrong", Value::Null),
        ],
    );
    let statuses: Vec<u64> = said.iter().map(|s| s["httpStatusCode"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 201, 200, 200, 204, 400]);
    assert!(said[0]["httpHeaders"]["Location"].as_str().unwrap().contains("/sobjects/Account/001"));
    assert_eq!((&said[4]["body"], &said[4]["httpHeaders"]), (&Value::Null, &json!({})));
    assert_eq!(said[5]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert!(
        said[5]["body"][0]["message"].as_str().unwrap().contains("No value for con.Id found in con."),
        "case matters"
    );
    let account = said[0]["body"]["id"].as_str().unwrap();
    let contact = said[1]["body"]["id"].as_str().unwrap();
    let read = client.get(&format!("/sobjects/Account/{account}")).body;
    assert_eq!(read["Description"], format!("of {contact}"));
}

#[test]
fn an_id_that_is_none_fails_its_record_alone() {
    let client = Client::empty();
    let id = client.create("Contact", &json!({"LastName": "Okafor"}));
    let record = |id: &str| json!({"attributes": {"type": "Contact"}, "Id": id, "LastName": "Smith"});
    let said = client.patch("/composite/sobjects", &json!({"records": [record("nope"), record(&id)]}));
    assert_eq!(said.status, 200);
    assert_eq!(
        said.body[0],
        json!({"id": "nope", "success": false, "errors": [
            {"statusCode": "MALFORMED_ID", "message": "malformed id nope", "fields": []}]})
    );
    assert_eq!(said.body[1]["success"], true);
}

#[test]
fn all_or_none_takes_everything_back_and_says_whose_fault_it_was() {
    let client = Client::empty();
    let said = composite(
        &client,
        true,
        vec![
            sub("POST", "/sobjects/Account", "a", json!({"Name": "Kestrel"})),
            sub("POST", "/sobjects/Contact", "b", json!({"FirstName": "nobody"})),
            sub("POST", "/sobjects/Account", "c", json!({"Name": "Never"})),
        ],
    );
    let codes: Vec<&str> = said.iter().map(|s| s["body"][0]["errorCode"].as_str().unwrap()).collect();
    assert_eq!(codes, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]);
    assert!(said.iter().all(|s| s["httpStatusCode"] == 400));
    assert_eq!(client.query("SELECT COUNT() FROM Account")["totalSize"], 0);
    assert_eq!(client.get("/_org/journal").body, json!([]), "nothing happened");
}

#[test]
fn all_or_none_holds_for_the_collections_inside() {
    let client = Client::empty();
    let body = json!({"allOrNone": false, "records": contacts(&[Some("a"), None])});
    let said = composite(
        &client,
        true,
        vec![
            sub("POST", "/composite/sobjects", "ins", body),
            sub("POST", "/sobjects/Account", "acc", json!({"Name": "Kestrel"})),
        ],
    );
    assert_eq!(said[0]["httpStatusCode"], 200);
    assert_eq!(said[0]["body"][0]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(said[0]["body"][1]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(said[1]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(client.query("SELECT COUNT() FROM Contact")["totalSize"], 0);
}

#[test]
fn without_it_a_failure_stops_only_what_depends_on_it() {
    let client = Client::empty();
    let said = composite(
        &client,
        false,
        vec![
            sub("POST", "/sobjects/Account", "bad", json!({})),
            sub("POST", "/sobjects/Contact", "dep", json!({"LastName": "x", "AccountId": "@{bad.id}"})),
            sub("POST", "/sobjects/Account", "good", json!({"Name": "Kestrel"})),
            sub("GET", "/sobjects/Account/@{later.id}", "early", Value::Null),
            sub("GET", "/sobjects/Account/@{self.id}", "self", Value::Null),
            sub("POST", "/sobjects/Account", "later", json!({"Name": "Later"})),
        ],
    );
    let codes: Vec<Option<&str>> = said.iter().map(|s| s["body"][0]["errorCode"].as_str()).collect();
    let halted = Some("PROCESSING_HALTED");
    assert_eq!(codes, [Some("REQUIRED_FIELD_MISSING"), halted, None, halted, halted, None]);
    let circle = [("a", "@{b.id}"), ("b", "@{a.id}")];
    let subs = circle.map(|(name, of)| sub("POST", "/sobjects/Account", name, json!({"Name": of})));
    let codes = composite(&client, false, subs.to_vec());
    assert!(codes.iter().all(|s| s["body"][0]["errorCode"] == "PROCESSING_HALTED"), "{codes:?}");
    assert_eq!(client.query("SELECT COUNT() FROM Account")["totalSize"], 2);
}

#[test]
fn collation_draws_like_subrequests_together_unless_told_not_to() {
    let order = |collate: Option<bool>| {
        let client = Client::empty();
        let id = client.create("Account", &json!({"Name": "first"}));
        let mut body = json!({"compositeRequest": [
            sub("POST", "/sobjects/Account", "a", json!({"Name": "a"})),
            sub("PATCH", &format!("/sobjects/Account/{id}"), "b", json!({"Name": "b"})),
            sub("POST", "/sobjects/Account", "c", json!({"Name": "c"})),
        ]});
        if let Some(collate) = collate {
            body["collateSubrequests"] = collate.into();
        }
        let got = client.post("/composite", &body);
        let names: Vec<&str> = got.body["compositeResponse"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["referenceId"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["a", "b", "c"], "answers keep the request's order");
        let journal = client.get("/_org/journal?after=1").body;
        journal
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["fields"]["Name"].as_str().unwrap().to_owned())
            .collect::<String>()
    };
    assert_eq!(order(None), "acb");
    assert_eq!(order(Some(false)), "abc");
}

#[test]
fn a_collection_answers_200_and_tells_each_record_its_own() {
    let client = Client::empty();
    let got =
        client.post("/composite/sobjects", &json!({"records": contacts(&[Some("a"), None, Some("c")])}));
    assert_eq!(got.status, 200);
    assert_eq!(got.body[0]["success"], true);
    let told = &got.body[1];
    assert_eq!(
        told,
        &json!({"success": false, "errors": [{"statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [LastName]", "fields": ["LastName"]}]})
    );
    let ids: Vec<&str> = [0, 2].iter().map(|i| got.body[*i]["id"].as_str().unwrap()).collect();

    let update = json!({"records": [
        {"attributes": {"type": "Contact"}, "id": ids[0], "FirstName": "Ann"},
        {"attributes": {"type": "Contact"}, "FirstName": "lost"},
        {"attributes": {"type": "Contact"}, "id": ids[1], "FirstName": "twice"},
        {"attributes": {"type": "Contact"}, "id": ids[1], "FirstName": "twice"},
    ]});
    let got = client.patch("/composite/sobjects", &update);
    let success: Vec<&Value> = got.body.as_array().unwrap().iter().map(|r| &r["success"]).collect();
    assert_eq!(success, [true, false, false, false], "{}", got.body);

    let read = json!({"ids": [ids[0], "003Tl0000000999AAA", ids[1]], "fields": ["Id", "FirstName"]});
    let got = client.post("/composite/sobjects/Contact", &read);
    assert_eq!(got.body[0]["FirstName"], "Ann");
    assert_eq!(got.body[1], Value::Null);
    let by_get =
        client.get(&format!("/composite/sobjects/Contact?ids={}&fields=Id,FirstName", ids.join(",")));
    assert_eq!(by_get.body.as_array().unwrap().len(), 2);

    let got = client.delete(&format!("/composite/sobjects?ids={},{},001&allOrNone=false", ids[0], ids[1]));
    assert_eq!(got.body[0], json!({"id": ids[0], "success": true, "errors": []}));
    assert_eq!(got.body[2]["errors"][0]["statusCode"], "MALFORMED_ID");
    let got = client.delete(&format!("/composite/sobjects?ids={}", ids[0]));
    assert_eq!(got.body[0]["errors"][0]["statusCode"], "ENTITY_IS_DELETED");
}

#[test]
fn a_collection_of_all_or_none_rolls_back() {
    let client = Client::empty();
    let records = contacts(&[Some("a"), None]);
    let got = client.post("/composite/sobjects", &json!({"allOrNone": true, "records": records}));
    assert_eq!(
        got.body[0],
        json!({"success": false, "errors": [{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "message": "Record rolled back because not all records were valid and the request was using AllOrNone header", "fields": []}]})
    );
    assert_eq!(client.query("SELECT COUNT() FROM Contact")["totalSize"], 0);
    assert_eq!(client.get("/_org/journal").body, json!([]));
}

#[test]
fn upserting_a_collection_tells_what_was_made() {
    let client = Client::empty();
    client.create("UpsertTable__c", &json!({"ExtId__c": "two"}));
    client.create("UpsertTable__c", &json!({"ExtId__c": "two"}));
    client.create("UpsertTable__c", &json!({"ExtId__c": "there"}));
    let record =
        |id: Option<&str>| json!({"attributes": {"type": "UpsertTable__c"}, "ExtId__c": id, "Name": "n"});
    let records = [Some("new"), Some("there"), Some("two"), None, Some("same"), Some("same")].map(record);
    let got = client.patch("/composite/sobjects/UpsertTable__c/ExtId__c", &json!({"records": records}));
    let told: Vec<(bool, bool, &str)> = got
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            let code = r["errors"][0]["statusCode"].as_str().unwrap_or_default();
            (r["success"].as_bool().unwrap(), r["created"].as_bool().unwrap(), code)
        })
        .collect();
    assert_eq!(
        told,
        [
            (true, true, ""),
            (true, false, ""),
            (false, true, "DUPLICATE_EXTERNAL_ID"),
            (false, true, "MISSING_ARGUMENT"),
            (false, true, "DUPLICATE_VALUE"),
            (false, true, "DUPLICATE_VALUE"),
        ]
    );
    let unknown =
        client.patch("/composite/sobjects/UpsertTable__c/Nope__c", &json!({"records": [record(Some("x"))]}));
    assert_eq!(unknown.code(), (404, "NOT_FOUND"));
}

#[test]
fn a_family_is_made_together_or_not_at_all() {
    let client = Client::empty();
    let child = |reference: &str, name: Option<&str>| json!({"attributes": {"type": "Contact", "referenceId": reference}, "LastName": name});
    let tree = |second: Option<&str>| {
        json!({"records": [{
            "attributes": {"type": "Account", "referenceId": "acc"}, "Name": "Kestrel",
            "Contacts": {"records": [child("c1", Some("Okafor")), child("c2", second)]},
        }]})
    };
    let refused = client.post("/composite/tree/Account", &tree(None));
    assert_eq!(refused.status, 400);
    assert_eq!(refused.body["results"][0]["referenceId"], "c2");
    assert_eq!(refused.body["results"][0]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(client.query("SELECT COUNT() FROM Account")["totalSize"], 0);
    let made = client.post("/composite/tree/Account", &tree(Some("Prasad")));
    assert_eq!((made.status, &made.body["hasErrors"]), (201, &json!(false)));
    let of = client.query("SELECT Account.Name FROM Contact WHERE Account.Name = 'Kestrel'");
    assert_eq!(of["totalSize"], 2);
    assert_eq!(made.body["results"].as_array().unwrap().len(), 3);
}

#[test]
fn each_graph_holds_by_itself() {
    let client = Client::empty();
    let graph = |id: &str, name: Option<&str>| {
        json!({"graphId": id, "compositeRequest": [
            sub("POST", "/sobjects/Account", "acc", json!({"Name": "Kestrel"})),
            sub("POST", "/sobjects/Contact", "con", json!({"LastName": name, "AccountId": "@{acc.id}"})),
        ]})
    };
    let got =
        client.post("/composite/graph", &json!({"graphs": [graph("g1", Some("Okafor")), graph("g2", None)]}));
    let well: Vec<&Value> =
        got.body["graphs"].as_array().unwrap().iter().map(|g| &g["isSuccessful"]).collect();
    assert_eq!(well, [true, false], "{}", got.body);
    assert_eq!(client.query("SELECT COUNT() FROM Account")["totalSize"], 1);
}

#[test]
fn after_fourteen_failed_graphs_no_other_is_begun() {
    let client = Client::empty();
    let graph = |n: usize, body: Value| {
        let subs = [sub("POST", "/sobjects/Account", "acc", body)];
        json!({"graphId": format!("g{n}"), "compositeRequest": subs})
    };
    let graphs: Vec<Value> =
        (0..17).map(|n| graph(n, if n < 15 { json!({}) } else { json!({"Name": "late"}) })).collect();
    let got = client.post("/composite/graph", &json!({"graphs": graphs})).body;
    let code =
        |n: usize| got["graphs"][n]["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"].clone();
    assert_eq!((code(14), code(15)), (json!("REQUIRED_FIELD_MISSING"), json!("PROCESSING_HALTED")));
    assert_eq!(client.query("SELECT COUNT() FROM Account")["totalSize"], 0);
    let got = client.post("/composite/graph", &json!({"graphs": graphs[1..]})).body;
    assert_eq!(got["graphs"][15]["isSuccessful"], true, "fourteen may fail");
}

#[test]
fn a_batch_counts_each_of_its_requests_and_can_halt() {
    let client = Client::empty();
    let before = client.get("/_org/limits").body["used"].as_u64().unwrap();
    let requests = json!([
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {"Name": "Kestrel"}},
        {"method": "POST", "url": "/v66.0/sobjects/Account", "richInput": {}},
        {"method": "GET", "url": "/services/data/v66.0/query?q=SELECT+COUNT()+FROM+Account"},
    ]);
    let got = client.post("/composite/batch", &json!({"batchRequests": requests}));
    let statuses = |b: &Value| {
        b["results"].as_array().unwrap().iter().map(|r| r["statusCode"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((&got.body["hasErrors"], statuses(&got.body)), (&json!(true), vec![201, 400, 200]));
    assert_eq!(client.get("/_org/limits").body["used"].as_u64().unwrap() - before, 3);
    let got = client.post("/composite/batch", &json!({"haltOnError": true, "batchRequests": requests}));
    assert_eq!(statuses(&got.body), [201, 400, 412]);
    assert_eq!(got.body["results"][2]["result"][0]["errorCode"], "BATCH_PROCESSING_HALTED");
}

#[test]
fn a_thousand_records_are_one_call() {
    let client = Client::empty();
    let names: Vec<String> = (0..200).map(|n| format!("n{n}")).collect();
    let records = contacts(&names.iter().map(|n| Some(n.as_str())).collect::<Vec<_>>());
    let subs = (0..5)
        .map(|n| sub("POST", "/composite/sobjects", &format!("r{n}"), json!({"records": records})))
        .collect();
    let said = composite(&client, false, subs);
    assert!(said.iter().all(|s| s["body"].as_array().unwrap().iter().all(|r| r["success"] == true)));
    assert_eq!(client.query("SELECT COUNT() FROM Contact")["totalSize"], 1000);
    assert_eq!(client.get("/_org/limits").body["used"], 2);
}

#[test]
fn single_records_of_a_collection_can_be_struck() {
    let rule = Rule::parse("lock,object=Contact,share=0.5").unwrap();
    let client = Client::new(Settings { sample: false, faults: vec![rule], ..Settings::default() });
    let names: Vec<Option<&str>> = vec![Some("a"); 40];
    let got = client.post("/composite/sobjects", &json!({"records": contacts(&names)}));
    let struck = got
        .body
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW")
        .count();
    let made = client.query("SELECT COUNT() FROM Contact")["totalSize"].as_u64().unwrap();
    assert!(struck > 5 && struck < 35, "{struck}");
    assert_eq!(made + struck as u64, 40);
    assert_eq!(client.get("/_org/journal").body.as_array().unwrap().len() as u64, made);
}
