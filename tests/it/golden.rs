//! Every call that was observed of upstream, replayed over HTTP through the `bootstrap` binary.
//!
//! `sfinvoke-golden.json` holds what upstream was asked, what it sent and what it replied. Where it
//! is right (`quirk: false`) ours must be the same; where it is wrong, `golden-better.json` says
//! what ours does instead: the requests, the result or the error, and, where upstream never came as
//! far as asking, the script from which Salesforce answers.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use futures::{StreamExt, stream};
use serde_json::{Map, Value, json};

use crate::support::{
    lambda::{Answer, Function},
    proxy::Proxy,
    salesforce::{Asked, Salesforce, pairs},
    secrets,
};

/// As long as upstream's function may take.
const TIME: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn every_observed_call_is_answered_as_upstream_or_better() {
    let golden: Value = serde_json::from_str(include_str!("../fixtures/sfinvoke-golden.json")).unwrap();
    let better: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("../fixtures/golden-better.json")).unwrap();
    let defaults = golden["meta"]["default_env"].as_object().unwrap();
    let rows = golden["cases"].as_array().unwrap();
    for row in rows {
        let id = row["id"].as_str().unwrap();
        assert_eq!(
            row["quirk"] == true,
            better.contains_key(id),
            "{id}: a quirk has its better, and only a quirk"
        );
    }
    let tried: Vec<Result<(), String>> = stream::iter(rows)
        .map(|row| replay(row, better.get(row["id"].as_str().unwrap_or_default()), defaults))
        .buffer_unordered(4)
        .collect()
        .await;
    let failed: Vec<&String> = tried.iter().filter_map(|result| result.as_ref().err()).collect();
    println!("golden: {} of {}", tried.len() - failed.len(), tried.len());
    assert!(
        failed.is_empty(),
        "{} rows failed:\n{}",
        failed.len(),
        failed.iter().map(|f| format!("{f}\n")).collect::<String>()
    );
    assert_eq!(tried.len(), 197);
}

async fn replay(row: &Value, better: Option<&Value>, defaults: &Map<String, Value>) -> Result<(), String> {
    let id = row["id"].as_str().unwrap();
    let none = json!({});
    let better = better.unwrap_or(&none);
    let script = better.get("script").unwrap_or(&row["salesforce_script"]).as_array().unwrap().clone();
    let salesforce = Salesforce::start(script).await;
    let secret = secrets::start(&row["secret"], &row["secrets_fail"]).await;
    let proxy = way_out(row["transport"].as_str(), salesforce.server.address).await;

    let mut variables: BTreeMap<String, Value> = defaults.clone().into_iter().collect();
    variables.extend(row["env"].as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
    let mut variables: Vec<(String, String)> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_str()?.replace("{STUB}", &salesforce.server.url()))))
        .collect();
    let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
    set("AWS_ENDPOINT_URL_SECRETS_MANAGER", secret.url());
    set("TEST_NOW_MS", millis(row["now"].as_str().unwrap()).to_string());
    if let Some(proxy) = &proxy {
        set("HTTPS_PROXY", format!("http://{}", proxy.address));
        set("SSL_CERT_FILE", proxy.roots.display().to_string());
    }

    let mut function = Function::start(&variables, TIME).await;
    let answer = function.invoke(row["event"].clone()).await;
    let logs = function.end().await;
    let asked = salesforce.asked();
    let compared = compare_requests(row, better, &asked)
        .and_then(|()| compare_answer(row, better, &answer))
        .and_then(|()| nothing_secret(row, &answer, &logs));
    compared.map_err(|why| format!("{id}: {why}\n  answer {answer:?}"))
}

/// How `login.salesforce.com` is reached, where a row says it.
async fn way_out(transport: Option<&str>, salesforce: SocketAddr) -> Option<Proxy> {
    let target = match transport? {
        "reroute_login" => Some(salesforce),
        "login_dns_failure" => None,
        other => panic!("a transport of another name: {other}"),
    };
    Some(Proxy::start("login.salesforce.com", target).await)
}

fn compare_requests(row: &Value, better: &Value, asked: &[Asked]) -> Result<(), String> {
    let is_login = |request: &&Value| request["path"].as_str().is_some_and(|p| p.ends_with("/oauth2/token"));
    let observed = row["observed_requests"].as_array().unwrap();
    let expected: Vec<Value> = match better.get("requests") {
        Some(requests) => requests.as_array().unwrap().iter().map(expected).collect(),
        None => observed.iter().filter(|request| !is_login(request)).map(expected).collect(),
    };
    let ours: Vec<Value> = asked.iter().filter(|asked| !asked.is_login()).map(sent).collect();
    same("requests", &Value::from(expected), &Value::from(ours))?;

    let form = better.get("login").or_else(|| observed.iter().find(is_login).map(|login| &login["query"]));
    for login in asked.iter().filter(|asked| asked.is_login()) {
        same("query of a login", &json!({}), &json!(login.query))?;
        if let Some(form) = form {
            same("form of a login", form, &json!(pairs(&login.body)))?;
        }
    }
    if better.as_object().unwrap().is_empty() {
        let logins = |n: usize| json!({ "logins": n });
        let of_ours = asked.iter().filter(|asked| asked.is_login()).count();
        same("logins", &logins(observed.iter().filter(is_login).count()), &logins(of_ours))?;
    }
    Ok(())
}

fn expected(request: &Value) -> Value {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut query = request["query"].clone();
    if let Some(q) = query.get_mut("q") {
        *q = folded(q.as_str().unwrap()).into();
    }
    let path: Vec<String> = request["path"].as_str().unwrap().split('/').map(decode).collect();
    json!({"method": request["method"], "path": path, "query": query, "json": request["json"]})
}

fn sent(asked: &Asked) -> Value {
    let body = if asked.body.is_empty() { Value::Null } else { serde_json::from_str(&asked.body).unwrap() };
    expected(&json!({"method": asked.method, "path": asked.path, "query": asked.query, "json": body}))
}

/// White space folded outside of quotes.
fn folded(soql: &str) -> String {
    let mut out = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in soql.trim().chars() {
        if c == '\'' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        if quoted || !c.is_whitespace() {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

fn compare_answer(row: &Value, better: &Value, answer: &Answer) -> Result<(), String> {
    let says_error = better.get("error").or_else(|| better.get("error_holds"));
    let result = better.get("result").or_else(|| row.get("result").filter(|_| says_error.is_none()));
    match (result, answer) {
        (Some(result), Answer::Reply(reply)) => same("reply", result, reply),
        (Some(_), _) => Err("an error instead of a reply".to_owned()),
        (None, Answer::Reply(_)) => Err("a reply instead of an error".to_owned()),
        (None, Answer::Error(kind, message) | Answer::NotStarted(kind, message)) => {
            let begins = match (better.get("error"), says_error, row["match"].as_str()) {
                (Some(text), ..) => text.as_str().unwrap(),
                (None, None, None | Some("exact")) => row["error"]["message"].as_str().unwrap(),
                _ => "",
            };
            let holds = better["error_holds"].as_str().unwrap_or_default();
            if message.starts_with(begins)
                && message.contains(holds)
                && !message.is_empty()
                && !kind.is_empty()
            {
                Ok(())
            } else {
                Err(format!("the error does not begin with {begins:?} and hold {holds:?}"))
            }
        }
    }
}

/// No credential in an answer or a log.
fn nothing_secret(row: &Value, answer: &Answer, logs: &str) -> Result<(), String> {
    let names = ["Password", "ConsumerSecret", "AuthToken", "AccessToken"];
    let mut secrets: Vec<&str> = names.iter().filter_map(|name| row["secret"][name].as_str()).collect();
    secrets.push("00Dxx!AQ.new");
    let said = format!("{answer:?}\n{logs}");
    match secrets.iter().find(|secret| said.contains(**secret)) {
        Some(_) => Err(format!("a credential is told:\n{logs}")),
        None => Ok(()),
    }
}

fn same(what: &str, expected: &Value, ours: &Value) -> Result<(), String> {
    if expected == ours { Ok(()) } else { Err(format!("{what}:\n  expected {expected}\n  ours     {ours}")) }
}

fn millis(time: &str) -> i64 {
    format!("{time}Z").parse::<jiff::Timestamp>().unwrap().as_millisecond()
}
