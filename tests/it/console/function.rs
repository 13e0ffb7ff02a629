//! The same router as a Lambda function behind a function URL.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::lambda::{Answer, Function};

const SIGNER: &str = "arn:aws:sts::123456789012:assumed-role/Operators/sam";

/// `tieline` as Lambda starts it, with AWS out of reach.
async fn console(secret: &std::path::Path) -> Function {
    let variables = [
        ("SF_HOST", "http://127.0.0.1:9"),
        ("SF_VERSION", "v66.0"),
        ("TIELINE_SECRET_FILE", secret.to_str().unwrap()),
        ("TIELINE_STATE_TABLE", "state"),
        ("TIELINE_QUEUE_URL", "http://127.0.0.1:9/000000000000/writes.fifo"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Function::start_as(env!("CARGO_BIN_EXE_tieline"), "console", &variables, Duration::from_secs(30)).await
}

/// A request as a function URL hands it over.
fn request(
    method: &str,
    path: &str,
    signer: Option<&str>,
    origin: Option<&str>,
    body: Option<&str>,
) -> Value {
    let host = "abc123.lambda-url.eu-west-2.on.aws";
    let mut headers = json!({"host": host, "content-type": "application/json"});
    if let Some(origin) = origin {
        headers["origin"] = json!(origin);
    }
    let (raw_path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": raw_path, "rawQueryString": query,
        "headers": headers, "isBase64Encoded": false,
        "requestContext": {
            "accountId": "123456789012", "apiId": "abc123", "domainName": host, "domainPrefix": "abc123",
            "http": {"method": method, "path": raw_path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
            "requestId": "id", "routeKey": "$default", "stage": "$default",
            "time": "21/Nov/2026:02:00:00 +0000", "timeEpoch": 1_795_226_400_000_i64,
        },
    });
    if let Some(arn) = signer {
        event["requestContext"]["authorizer"] = json!({"iam": {
            "accessKey": "AKIA", "accountId": "123456789012", "callerId": "id", "userArn": arn, "userId": "id"}});
    }
    if let Some(body) = body {
        event["body"] = json!(body);
    }
    event
}

async fn ask(function: &mut Function, event: Value) -> (u64, Value, Value) {
    let Answer::Reply(reply) = function.invoke(event).await else { panic!("no reply") };
    let body = reply["body"].as_str().unwrap_or_default();
    let body = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
    (reply["statusCode"].as_u64().unwrap(), body, reply["headers"].clone())
}

#[tokio::test]
async fn the_same_router_answers_behind_a_function_url() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.json");
    std::fs::write(&secret, r#"{"ConsumerKey":"k","ConsumerSecret":"s"}"#).unwrap();
    let mut function = console(&secret).await;
    let signed =
        |method: &str, path: &str, body: Option<&str>| request(method, path, Some(SIGNER), None, body);

    let (status, health, headers) = ask(&mut function, request("GET", "/healthz", None, None, None)).await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")));
    assert_eq!(headers["x-frame-options"], "DENY");
    let (status, document, _) = ask(&mut function, signed("GET", "/api/openapi.json", None)).await;
    assert_eq!((status, &document["openapi"].as_str().map(|v| v.starts_with("3.1"))), (200, &Some(true)));
    let (_, settings, _) = ask(&mut function, signed("GET", "/api/settings?x=1", None)).await;
    assert!(
        settings
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["name"] == "TIELINE_STATE_TABLE" && s["value"] == "state")
    );
    let (status, page, headers) = ask(&mut function, signed("GET", "/", None)).await;
    assert!(status == 200 && page.as_str().unwrap().contains("Tieline"), "{page}");
    assert!(headers["content-type"].as_str().unwrap().starts_with("text/html"));

    let (status, overview, _) = ask(&mut function, signed("GET", "/api/overview", None)).await;
    assert_eq!((status, &overview["accepting"]), (200, &json!(false)));
    let troubles = overview["troubles"].to_string();
    assert!(
        troubles.contains("The queue does not answer")
            && troubles.contains("The state table does not answer"),
        "{troubles}"
    );

    assert_eq!((&overview["dead"], &overview["doubt"]), (&Value::Null, &Value::Null), "nobody can tell");
    for path in ["/api/dead-letters", "/api/doubt", "/api/history", "/api/queue", "/api/budget"] {
        let (status, problem, _) = ask(&mut function, signed("GET", path, None)).await;
        assert_eq!((status, &problem["type"]), (503, &json!("/problems/unavailable")), "{path}: {problem}");
    }
    for (path, what) in
        [("/api/worker", "another process"), ("/api/events", "No stream"), ("/api/waiting", "SQS")]
    {
        let (status, problem, _) = ask(&mut function, signed("GET", path, None)).await;
        assert!(status == 404 && problem["detail"].as_str().unwrap().contains(what), "{path}: {problem}");
    }
    let (status, problem, headers) =
        ask(&mut function, signed("POST", "/api/dead-letters/discard", Some("{"))).await;
    assert_eq!((status, &headers["content-type"]), (400, &json!("application/problem+json")), "{problem}");

    let (status, problem, _) = ask(&mut function, request("GET", "/api/settings", None, None, None)).await;
    assert_eq!(
        (status, &problem["type"]),
        (403, &json!("/problems/unsigned")),
        "a URL open to everybody answers nothing"
    );
    for signer in [None, Some(SIGNER)] {
        let path = "/2015-03-31/functions/sfInvokeAPI/invocations";
        let event = request(
            "POST",
            path,
            signer,
            None,
            Some(r#"{"Details":{"Parameters":{"sf_operation":"version"}}}"#),
        );
        assert_eq!(ask(&mut function, event).await.0, 405, "contact flows have their own function");
    }
    for (origin, status) in [
        ("https://evil.example", 403),
        ("http://localhost:8080", 200),
        ("https://abc123.lambda-url.eu-west-2.on.aws", 200),
        ("https://abc123.lambda-url.eu-west-2.on.aws.evil.example", 403),
    ] {
        let event = request("GET", "/api/settings", Some(SIGNER), Some(origin), None);
        assert_eq!(ask(&mut function, event).await.0, status, "{origin}");
    }
}
