//! What a client may send wrong: Salesforce's status and code, and the org goes on.

use serde_json::{Value, json};
use tieline::org::Settings;
use tieline::org::wire::Method;

use super::Client;

fn lives(client: &Client) {
    assert_eq!(client.get("/limits").status, 200, "the org goes on");
}

#[test]
fn bodies_that_are_no_json_or_of_another_kind() {
    let client = Client::empty();
    let account = "/services/data/v66.0/sobjects/Account";
    for body in ["{", "{\"Name\":}", "nonsense", "{\"Name\":\"x\"} trailing", "\u{0}", "[]", "\"text\"", "7"]
    {
        let got = client.raw(Method::Post, account, body);
        assert_eq!(got.code(), (400, "JSON_PARSER_ERROR"), "{body}");
        assert!(got.body[0]["message"].as_str().unwrap().contains("[line:"), "{}", got.body);
    }
    assert_eq!(client.raw(Method::Post, account, "").code(), (400, "JSON_PARSER_ERROR"));
    assert_eq!(client.raw(Method::Post, account, vec![0xFF, 0xFE]).code(), (400, "JSON_PARSER_ERROR"));
    let xml = client.with("Content-Type", "text/plain").raw(Method::Post, account, "<a/>");
    assert_eq!(xml.code(), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let zipped = client.with("Content-Encoding", "gzip").raw(Method::Post, account, "not gzip");
    assert_eq!(zipped.code(), (400, "JSON_PARSER_ERROR"));
    lives(&client);
}

#[test]
fn deeply_nested_bodies_do_not_exhaust_the_stack() {
    let client = Client::empty();
    for path in [
        "/sobjects/Account",
        "/composite",
        "/composite/tree/Account",
        "/parameterizedSearch",
        "/chatter/feed-elements",
    ] {
        let body = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let got = client.raw(Method::Post, &format!("/services/data/v66.0{path}"), body);
        assert_eq!(got.status, 400, "{path}");
    }
    lives(&client);
}

#[test]
fn paths_and_verbs_that_do_not_exist() {
    let client = Client::empty();
    for path in [
        "/nothing",
        "/sobjects/Nothing__c",
        "/sobjects/Account/x/y/z",
        "/composite/nothing",
        "/chatter/nothing",
        "/tooling/query",
    ] {
        assert_eq!(client.get(path).code(), (404, "NOT_FOUND"), "{path}");
    }
    assert_eq!(client.get("/services/data/v69.0/limits").code(), (404, "NOT_FOUND"));
    assert_eq!(client.get("/services/data/vX/limits").code(), (404, "NOT_FOUND"));
    assert_eq!(client.get("/services/data/v66.5/limits").code(), (404, "NOT_FOUND"));
    assert_eq!(client.get("/services/data/v30.0/limits").status, 410);
    assert_eq!(client.get("/services/data/v31.0/limits").status, 200);
    for (method, path) in [
        (Method::Put, "/sobjects/Account"),
        (Method::Delete, "/query"),
        (Method::Post, "/query"),
        (Method::Get, "/composite/batch"),
        (Method::Put, "/composite/sobjects"),
        (Method::Delete, "/limits"),
        (Method::Put, "/sobjects/Account/001Tl0000000001AAA"),
    ] {
        let got = client.raw(method, &format!("/services/data/v66.0{path}"), "{}");
        assert_eq!(got.code(), (405, "METHOD_NOT_ALLOWED"), "{} {path}", method.name());
    }
    assert_eq!(client.raw(Method::Get, "/", "").status, 404);
    assert_eq!(
        client.raw(Method::Get, "//services//data", "").status,
        200,
        "empty segments count for nothing"
    );
    lives(&client);
}

#[test]
fn verbs_may_be_said_in_a_parameter() {
    let client = Client::empty();
    let id = client.create("Account", &json!({"Name": "a"}));
    let got = client.post(&format!("/sobjects/Account/{id}?_HttpMethod=PATCH"), &json!({"Name": "b"}));
    assert_eq!(got.status, 204);
    assert_eq!(client.get(&format!("/sobjects/Account/{id}")).body["Name"], "b");
}

#[test]
fn ids_of_others_and_ids_that_are_none() {
    let client = Client::empty();
    let account = client.create("Account", &json!({"Name": "a"}));
    let mut bad = account.clone().into_bytes();
    bad[17] = if bad[17] == b'A' { b'B' } else { b'A' };
    let bad = String::from_utf8(bad).unwrap();
    for (path, codes) in [
        (format!("/sobjects/Contact/{account}"), &["MALFORMED_ID", "NOT_FOUND"][..]),
        (format!("/sobjects/Account/{bad}"), &["MALFORMED_ID", "NOT_FOUND"]),
        ("/sobjects/Account/xyz".to_owned(), &["MALFORMED_ID", "NOT_FOUND"]),
        ("/sobjects/Account/001Tl0000000zzz".to_owned(), &["NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"]),
    ] {
        for got in [client.get(&path), client.patch(&path, &json!({"Name": "x"})), client.delete(&path)] {
            let (status, code) = got.code();
            assert!(matches!(status, 400 | 404) && codes.contains(&code), "{path}: {status} {code}");
        }
    }
    let wrong =
        client.post("/sobjects/Contact", &json!({"LastName": "x", "AccountId": "003Tl0000000001AAA"}));
    assert_eq!(wrong.status, 400, "{}", wrong.body);
    let inside = client.patch(&format!("/sobjects/Account/{account}"), &json!({"Id": account, "Name": "x"}));
    assert_eq!(inside.code(), (400, "INVALID_FIELD"));
    lives(&client);
}

#[test]
fn fields_that_do_not_exist_or_do_not_fit() {
    let client = Client::empty();
    let code = |fields: Value| {
        let got = client.post("/sobjects/Account", &fields);
        assert_eq!(got.status, 400, "{}", got.body);
        got.body[0]["errorCode"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(json!({"Name": "a", "Nope__c": 1})), "INVALID_FIELD");
    assert_eq!(code(json!({"Name": "x".repeat(300)})), "STRING_TOO_LONG");
    assert_eq!(code(json!({})), "REQUIRED_FIELD_MISSING");
    assert_ne!(code(json!({"Name": {"nested": true}})), "");
    assert_ne!(code(json!({"Name": "a", "NumberOfEmployees": "many"})), "");
    let got = client.get("/query?q=SELECT+Id,Foo+FROM+Account");
    assert_eq!(got.code(), (400, "INVALID_FIELD"));
    assert_eq!(client.get("/query?q=SELECT+Id+FORM+Account").code(), (400, "MALFORMED_QUERY"));
    assert_eq!(client.get("/query?q=SELECT+Id+FROM+Foo").code(), (400, "INVALID_TYPE"));
    assert_eq!(client.get("/query").code(), (400, "MALFORMED_QUERY"));
    assert_eq!(client.get("/query?q=").code(), (400, "MALFORMED_QUERY"));
    assert_eq!(client.get("/search?q=FIND+x").code(), (400, "MALFORMED_SEARCH"));
    assert_eq!(client.get("/search").code(), (400, "MALFORMED_SEARCH"));
    lives(&client);
}

#[test]
fn too_much_at_once() {
    let client = Client::empty();
    let record = json!({"attributes": {"type": "Account"}, "Name": "a"});
    let got = client.post("/composite/sobjects", &json!({"records": vec![record.clone(); 201]}));
    assert_eq!(got.code(), (400, "EXCEEDED_ID_LIMIT"));
    assert_eq!(
        got.body[0]["message"],
        "record limit reached. cannot submit more than 200 records into this call"
    );
    let contact = json!({"attributes": {"type": "Contact"}, "LastName": "c"});
    let runs: Vec<&Value> = (0..11).map(|n| if n % 2 == 0 { &record } else { &contact }).collect();
    assert_eq!(client.post("/composite/sobjects", &json!({"records": runs})).status, 400);
    assert_eq!(client.post("/composite/sobjects", &json!({"records": runs[..10]})).status, 200);
    let ids = vec!["001Tl0000000001AAA"; 201].join(",");
    assert_eq!(client.delete(&format!("/composite/sobjects?ids={ids}")).code(), (400, "EXCEEDED_ID_LIMIT"));

    let sub = |n: usize, url: &str| json!({"method": "GET", "url": format!("/services/data/v66.0{url}"), "referenceId": format!("r{n}")});
    let subs =
        |n: usize, url: &str| json!({"compositeRequest": (0..n).map(|n| sub(n, url)).collect::<Vec<_>>()});
    let many = client.post("/composite", &subs(26, "/sobjects/Account"));
    let error = json!({"errorCode": "LIMIT_EXCEEDED", "message": "The request can’t contain more than 25 operations."});
    assert_eq!(
        (many.status, &many.body),
        (
            400,
            &json!({"compositeResponse": [{"body": [error], "httpHeaders": {}, "httpStatusCode": 400, "referenceId": null}]})
        )
    );
    assert_eq!(client.post("/composite", &subs(25, "/sobjects/Account")).status, 200);
    let query = "/query?q=SELECT+Id+FROM+Account";
    assert_eq!(client.post("/composite", &subs(6, query)).status, 400);
    assert_eq!(client.post("/composite", &subs(5, query)).status, 200);
    let batch = json!({"batchRequests": vec![json!({"method": "GET", "url": "v66.0/limits"}); 26]});
    assert_eq!(client.post("/composite/batch", &batch).status, 400);
    lives(&client);
}

#[test]
fn subrequests_that_are_not_well_formed_refuse_the_whole_call() {
    let client = Client::empty();
    let good = json!({"method": "POST", "url": "/services/data/v66.0/sobjects/Account", "referenceId": "ok", "body": {"Name": "a"}});
    let with = |name: &str, value: Value| {
        let mut bad = good.clone();
        bad["referenceId"] = "bad".into();
        bad[name] = value;
        json!({"compositeRequest": [good, bad]})
    };
    for (name, value) in [
        ("referenceId", json!("not ok")),
        ("referenceId", json!("_x")),
        ("referenceId", json!("")),
        ("referenceId", json!("ok")),
        ("referenceId", Value::Null),
        ("method", json!("post")),
        ("method", json!("STEAL")),
        ("url", json!("/sobjects/Account")),
        ("url", json!("/services/data/v30.0/sobjects/Account")),
        ("url", json!("/services/data/v66.0/limits")),
        ("url", json!("/services/data/v66.0/chatter/feed-elements")),
        ("url", json!("/services/data/v66.0/composite")),
        ("url", Value::Null),
        ("httpHeaders", json!({"Authorization": "Bearer x"})),
        ("httpHeaders", json!({"content-type": "x"})),
    ] {
        let got = client.post("/composite", &with(name, value.clone()));
        assert_eq!(got.status, 400, "{name} = {value}: {}", got.body);
        let only = &got.body["compositeResponse"][0];
        assert_eq!(
            (&only["body"][0]["errorCode"], &only["referenceId"]),
            (&json!("INVALID_INPUT"), &Value::Null)
        );
    }
    for body in [
        json!({}),
        json!({"compositeRequest": {}}),
        json!({"compositeRequest": [1]}),
        json!({"compositeRequest": [], "allOrNone": "x"}),
    ] {
        assert_eq!(client.post("/composite", &body).code(), (400, "JSON_PARSER_ERROR"), "{body}");
    }
    assert_eq!(client.query("SELECT COUNT() FROM Account")["totalSize"], 0);
}

#[test]
fn collections_of_the_wrong_shape() {
    let client = Client::empty();
    let records = |records: Value| client.post("/composite/sobjects", &json!({"records": records}));
    assert_eq!(records(json!([{"Name": "no type"}])).code(), (400, "INVALID_INPUT"));
    assert_eq!(records(json!([{"attributes": {"type": "Nope"}, "Name": "x"}])).code(), (400, "INVALID_TYPE"));
    assert_eq!(records(json!([5])).code(), (400, "JSON_PARSER_ERROR"));
    assert_eq!(records(json!({})).code(), (400, "JSON_PARSER_ERROR"));
    assert_eq!(records(json!([])).body, json!([]));
    assert_eq!(client.delete("/composite/sobjects").code(), (400, "MISSING_ARGUMENT"));
    assert_eq!(
        client.post("/composite/sobjects/Account", &json!({"ids": ["x"], "fields": ["Nope__c"]})).status,
        400
    );
    assert_eq!(
        client.get("/services/data/v41.0/composite/sobjects").status,
        404,
        "younger than this version"
    );
    lives(&client);
}

#[test]
fn trees_and_graphs_of_the_wrong_shape() {
    let client = Client::empty();
    let node =
        |reference: &str| json!({"attributes": {"type": "Account", "referenceId": reference}, "Name": "a"});
    let tree = |records: Value| client.post("/composite/tree/Account", &json!({"records": records}));
    let twice = tree(json!([node("a"), node("a")]));
    let error = json!({"statusCode": "INVALID_INPUT", "message": "Duplicate ReferenceId provided in the request.", "fields": []});
    assert_eq!(
        (twice.status, &twice.body),
        (400, &json!({"hasErrors": true, "results": [{"referenceId": "a", "errors": [error]}]}))
    );
    let unnamed = tree(json!([{"attributes": {"type": "Account"}, "Name": "a"}]));
    assert_eq!(unnamed.code(), (400, "INVALID_INPUT"));
    for attributes in [json!({"type": "Contact", "referenceId": "a"}), json!({"referenceId": "a"})] {
        let got = tree(json!([{"attributes": attributes, "LastName": "x"}]));
        let error = &got.body["results"][0]["errors"][0]["statusCode"];
        assert_eq!((got.status, error), (400, &json!("INVALID_INPUT")), "{attributes}");
    }
    assert_eq!(tree((0..201).map(|n| node(&format!("n{n}"))).collect()).status, 400);
    let deep = (0..6).fold(Value::Null, |below, n| {
        let mut node = node(&format!("n{n}"));
        if below.is_object() {
            node["ChildAccounts"] = json!({"records": [below]});
        }
        node
    });
    assert_eq!(tree(json!([deep])).status, 400);
    assert_eq!(client.post("/composite/graph", &json!({"graphs": [{"compositeRequest": []}]})).status, 400);
    let graph = |subs: Vec<Value>| {
        client.post("/composite/graph", &json!({"graphs": [{"graphId": "g", "compositeRequest": subs}]}))
    };
    let sub = |n: usize, method: &str, url: &str, body: Value| json!({"method": method, "url": format!("/services/data/v66.0{url}"), "referenceId": format!("r{n}"), "body": body});
    for url in ["/query?q=SELECT+Id+FROM+Account", "/sobjects", "/sobjects/Account/describe"] {
        assert_eq!(graph(vec![sub(0, "GET", url, Value::Null)]).code(), (400, "INVALID_INPUT"), "{url}");
    }
    let chain = |length: usize| -> Vec<Value> {
        let name = |n: usize| if n == 0 { "first".to_owned() } else { format!("@{{r{}.id}}", n - 1) };
        (0..length).map(|n| sub(n, "POST", "/sobjects/Account", json!({"Name": name(n)}))).collect()
    };
    assert_eq!(graph(chain(16)).code(), (400, "LIMIT_EXCEEDED"), "too deep");
    let kinds: Vec<Value> =
        (51..67).map(|v| json!({"method": "GET", "url": format!("/services/data/v{v}.0/sobjects/Account/x"), "referenceId": format!("r{v}")})).collect();
    assert_eq!(graph(kinds).code(), (400, "LIMIT_EXCEEDED"), "too many kinds");
    let wide = (0..501).map(|n| sub(n, "POST", "/sobjects/Account", json!({"Name": "a"}))).collect();
    assert_eq!(graph(wide).code(), (400, "LIMIT_EXCEEDED"), "too many nodes");
    assert_eq!(client.query("SELECT COUNT() FROM Account")["totalSize"], 0);
    assert_eq!(graph(chain(15)).body["graphs"][0]["isSuccessful"], true);
}

#[test]
fn addresses_and_headers_that_are_too_long() {
    let client = Client::new(Settings { sample: false, ..Settings::default() });
    let long = format!("/services/data/v66.0/query?q={}", "x".repeat(16_400));
    assert_eq!(client.raw(Method::Get, &long, "").status, 414);
    assert_eq!(client.with("X-Long", &"x".repeat(16_400)).get("/limits").status, 431);
    lives(&client);
}
