//! What holds for every call: the token, the site, the headers, problems; and the live stream.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Local, TOKEN, read};

#[tokio::test]
async fn everything_but_health_asks_for_the_token() {
    let local = Local::start().await;
    let get = |path: &str| local.http.get(format!("{}{path}", local.origin));
    assert_eq!(get("/healthz").send().await.unwrap().text().await.unwrap(), r#"{"status":"ok"}"#);
    let mut asked = 0;
    for (path, item) in local.document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let url = format!("{}/api{path}", local.origin);
            for token in [None, Some("Bearer wrong"), Some("Bearer "), Some(TOKEN)] {
                let mut request = local.http.request(method.clone(), &url);
                if let Some(token) = token {
                    request = request.header("authorization", token);
                }
                let (status, problem) = read(request.send().await.unwrap()).await;
                assert_eq!((status, &problem["type"]), (401, &json!("/problems/token")), "{method} {path}");
            }
            asked += 1;
        }
    }
    assert!(asked > 20);
    let by_query = get(&format!("/api/overview?token={TOKEN}")).send().await.unwrap();
    assert_eq!(by_query.status(), 401, "addresses end up in histories and logs");
}

#[tokio::test]
async fn other_sites_are_refused_and_no_answer_can_be_framed_or_become_a_script() {
    let local = Local::start().await;
    for (name, value) in [
        ("host", "evil.example:80"),
        ("host", "127.0.0.1.evil.example"),
        ("origin", "https://evil.example"),
        ("origin", "https://127.0.0.1"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        for path in ["/api/overview", "/", "/healthz", "/metrics"] {
            let request = local.http.get(format!("{}{path}", local.origin)).bearer_auth(TOKEN);
            let response = request.header(name, value).send().await.unwrap();
            assert_eq!(response.status(), 403, "{name}: {value} {path}");
        }
    }
    let followed = local.http.get(&local.origin).header("sec-fetch-site", "cross-site");
    let followed = followed.header("sec-fetch-mode", "navigate").send().await.unwrap();
    assert_eq!(followed.status(), 200, "a link to a view may stand anywhere");
    for path in ["/", "/api/overview", "/api/nothing", "/healthz"] {
        let request = local.http.get(format!("{}{path}", local.origin)).bearer_auth(TOKEN);
        let response = request.send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(
            policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("script-src"), "scripts come from nowhere else: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert!(response.headers().get("access-control-allow-origin").is_none());
    }
}

#[tokio::test]
async fn whatever_is_refused_is_a_problem_with_a_cure() {
    let local = Local::start().await;
    for (method, path, body, status) in [
        (Method::GET, "/nothing", "", 404),
        (Method::DELETE, "/overview", "", 405),
        (Method::POST, "/dead-letters/replay", "{", 400),
        (Method::POST, "/dead-letters/replay", "{}", 422),
        (Method::POST, "/dead-letters/replay", r#"{"items":[{"contact":1,"id":2}]}"#, 422),
        (Method::GET, "/dead-letters?limit=many", "", 400),
        (Method::GET, "/dead-letters?from=yesterday", "", 400),
        (Method::GET, "/waiting?after=x", "", 400),
        (Method::GET, "/org/journal?after=x", "", 400),
        (Method::GET, "/dead-letters/c/nothing", "", 400),
        (Method::GET, "/dead-letters/c/tl-aaaaaaaaaaaaaaaaaaaaaaaaaa", "", 404),
        (Method::POST, "/org/faults", "do=what", 400),
    ] {
        let request = local.ask(method.clone(), path).header("content-type", "application/json");
        let (got, problem) = read(request.body(body).send().await.unwrap()).await;
        assert_eq!(got, status, "{method} {path} {body}: {problem}");
    }
    let plain = local.ask(Method::POST, "/cache/forget").body("record=1").send().await.unwrap();
    assert_eq!(read(plain).await.0, 415);
    let many: Vec<_> = (0..201).map(|n| json!({"contact": "c", "id": n.to_string()})).collect();
    assert_eq!(local.call("POST", "/dead-letters/replay", json!({"items": many})).await.0, 400);
    let (_, replayed) =
        local.call("POST", "/dead-letters/replay", json!({"items": [{"contact": "c", "id": "<b>"}]})).await;
    assert_eq!(replayed["results"][0]["verdict"], "failed", "{replayed}");
}

#[tokio::test]
async fn pages_that_are_open_are_told_what_changes() {
    let local = Local::start().await;
    let mut stream = local.ask(Method::GET, "/events").send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut told = String::new();
    let mut next = async || loop {
        if let Some((event, rest)) = told.split_once("\n\n") {
            let data = event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
            told = rest.to_owned();
            if let Some(data) = data {
                return serde_json::from_str::<Value>(&data).unwrap();
            }
            continue;
        }
        told.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().expect("it goes on")));
    };
    assert_eq!(next().await["worker"]["running"], true, "whoever comes is told what stands");
    local.good("POST", "/worker/pause", Value::Null).await;
    while next().await["worker"]["running"] != false {}
}

#[tokio::test]
async fn no_operation_falls_over_what_it_is_given() {
    let local = Local::start().await;
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let long = "9".repeat(3000);
    let bodies = [
        "",
        "{",
        "null",
        "[]",
        "7",
        "{}",
        "\u{0}",
        r#"{"items":{},"version":-1,"fields":[]}"#,
        deep.as_str(),
    ];
    let places = ["x", "%00", "%ff", "..%2f..%2fetc", "18446744073709551616", long.as_str()];
    let queries = [
        "",
        "?limit=0",
        "?limit=99999999999999999999",
        "?limit=-1&after=%00",
        "?after=%ff&from=-9223372036854775808",
        "?objects=%27,,%00&fields=.&function=%F0%9F%92%A5&q=%25&flow=%00&contact=%00",
    ];
    for (template, item) in local.document["paths"].as_object().unwrap() {
        // A stream has no end to wait for.
        let methods = item.as_object().unwrap().keys().filter(|_| template != "/events");
        for method in methods {
            let method: Method = method.to_uppercase().parse().unwrap();
            let places = if template.contains('{') { places.as_slice() } else { &places[..1] };
            for place in places {
                let fill = |part| if str::starts_with(part, '{') { *place } else { part };
                let path = template.split('/').map(fill).collect::<Vec<_>>().join("/");
                let tries: Vec<(String, &str)> = match method {
                    Method::GET | Method::DELETE => {
                        queries.iter().map(|query| (format!("{path}{query}"), "")).collect()
                    }
                    _ => bodies.iter().map(|body| (path.clone(), *body)).collect(),
                };
                for (target, body) in tries {
                    let request =
                        local.ask(method.clone(), &target).header("content-type", "application/json");
                    let response = request.body(body.to_owned()).send().await;
                    let response = response.unwrap_or_else(|e| panic!("{method} {target}: {e}"));
                    assert_ne!(response.status(), 500, "{method} {target}");
                    if response.status().as_u16() >= 400 {
                        read(response).await;
                    }
                }
            }
        }
    }
    for method in [Method::PATCH, Method::DELETE, Method::TRACE] {
        let response = local.ask(method, "/overview").send().await.unwrap();
        assert_eq!(response.headers()["allow"], "GET,HEAD");
        assert_eq!(read(response).await.0, 405);
    }
    let health = local.http.post(format!("{}/healthz", local.origin)).send().await.unwrap();
    assert_eq!(read(health).await.0, 405, "a refusal is a problem beyond the interface too");
}
