use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::salesforce::wire::Response;
use crate::salesforce::{Hidden, Vault};
use crate::store::troubled::{Call, Trouble};
use crate::store::{Table, troubled};

type Answer = Result<Response, Cut>;

/// A Salesforce in a closure, which writes down what it was asked.
struct Org<F> {
    answer: F,
    seen: Mutex<Vec<Request>>,
}

impl<F> std::fmt::Debug for Org<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Org")
    }
}

#[async_trait]
impl<F: Fn(&str, &Request) -> Answer + Send + Sync> Exchange for Org<F> {
    async fn exchange(&self, origin: &str, request: Request, _: Duration) -> Answer {
        self.seen.lock().unwrap().push(request.clone());
        // Others get their turn before the answer is there.
        tokio::task::yield_now().await;
        (self.answer)(origin, &request)
    }
}

fn org<F: Fn(&str, &Request) -> Answer + Send + Sync>(answer: F) -> Arc<Org<F>> {
    Arc::new(Org { answer, seen: Mutex::default() })
}

fn says(status: u16, body: impl Into<String>) -> Answer {
    let body = Bytes::from(body.into());
    let usage = Some(Usage { used: 18, limit: 5000 });
    Ok(Response { status, usage, content_type: "application/json".into(), body })
}

fn token(value: &str) -> Answer {
    says(200, json!({"access_token": value, "instance_url": "https://other.example.com"}).to_string())
}

fn expired() -> Answer {
    says(401, r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#)
}

fn rows() -> Answer {
    says(200, r#"{"totalSize":1,"done":true,"records":[{"Id":"003"}]}"#)
}

fn bearer(request: &Request) -> &str {
    let header = request.headers.iter().find(|(name, _)| *name == "authorization");
    header.map_or("", |(_, value)| value.strip_prefix("Bearer ").unwrap())
}

fn is_login(request: &Request) -> bool {
    request.target == "/services/oauth2/token"
}

fn settings() -> Settings {
    Settings {
        host: "https://acme.my.salesforce.com".into(),
        production: Some(false),
        username: Some("svc@example.com".into()),
        version: "v66.0".into(),
    }
}

const SECRET: &str = r#"{"ConsumerKey":"CANARY-key","ConsumerSecret":"CANARY+secret&/=","Password":"CANARY p@ss","AccessToken":"CANARYtok"}"#;
const WITH_TOKEN: &str = r#"{"ConsumerKey":"k","ConsumerSecret":"s","AuthToken":"old"}"#;

fn client(secret: &str, exchange: Arc<dyn Exchange>, table: Option<Arc<dyn Table>>) -> Client {
    let auth = Auth::new(settings(), Vault::Given(Hidden::new(secret)), table);
    Client::new(settings(), auth, exchange)
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(5))
}

#[tokio::test]
async fn however_many_see_the_token_refused_one_logs_in() {
    let org = org(|_, request| match bearer(request) {
        _ if is_login(request) => token("new"),
        "new" => rows(),
        _ => expired(),
    });
    let client = client(WITH_TOKEN, org.clone(), None);
    let calls = (0..40).map(|_| client.query("SELECT Id FROM Contact", 1, soon()));
    for called in futures::future::join_all(calls).await {
        assert_eq!(called.result.unwrap().records.len(), 1);
        assert_eq!(called.spent.usage, Some(Usage { used: 18, limit: 5000 }));
        assert!(called.spent.calls <= 2);
    }
    let seen = org.seen.lock().unwrap();
    assert_eq!(seen.iter().filter(|r| is_login(r)).count(), 1);
    assert_eq!(bearer(&seen[0]), "old", "what lies in the secret is tried first");
}

#[tokio::test]
async fn the_token_in_the_secret_is_tried_once() {
    let org = org(|_, request| if is_login(request) { token("new") } else { expired() });
    let client = client(WITH_TOKEN, org.clone(), None);
    let fault = client.query("SELECT Id FROM Contact", 1, soon()).await.result.unwrap_err();
    assert_eq!(fault.to_string(), "INVALID_SESSION_ID: Session expired or invalid (after re-login)");
    let bearers: Vec<_> = org.seen.lock().unwrap().iter().map(|r| bearer(r).to_owned()).collect();
    assert_eq!(bearers, ["old", "", "new"], "old, login, new, and no further");
    let again = client.query("SELECT Id FROM Contact", 1, soon()).await;
    assert_eq!((again.result.unwrap_err(), again.spent.calls), (fault, 0));
    assert_eq!(org.seen.lock().unwrap().len(), 3, "nobody tries again for a while");
}

#[tokio::test]
async fn a_401_that_no_token_cures_is_not_retried() {
    let org = org(|_, request| match is_login(request) {
        true => token("new"),
        false => says(
            401,
            r#"[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]"#,
        ),
    });
    let called = client(SECRET, org.clone(), None).limits(soon()).await;
    assert_eq!(called.result.unwrap_err().class, Class::Ours);
    assert_eq!(org.seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_login_that_echoes_what_was_sent_tells_nothing_of_it() {
    let echo = r#"{"error":"invalid_grant","error_description":"no: CANARY p@ssCANARYtok, CANARY+secret&/= of CANARY-key"}"#;
    let org = org(move |_, _| says(400, echo));
    let fault = client(SECRET, org, None).limits(soon()).await.result.unwrap_err();
    assert_eq!(fault.to_string(), "invalid_grant: no: (hidden)(hidden), (hidden) of (hidden)");
}

#[tokio::test]
async fn a_refused_login_is_believed_for_a_while() {
    let refusal = r#"{"error":"invalid_grant","error_description":"authentication failure"}"#;
    let org = org(move |_, _| says(400, refusal));
    let client = client(SECRET, org.clone(), None);
    for _ in 0..5 {
        let fault = client.limits(soon()).await.result.unwrap_err();
        assert_eq!(
            (fault.class, fault.to_string().as_str()),
            (Class::Ours, "invalid_grant: authentication failure")
        );
    }
    assert_eq!(org.seen.lock().unwrap().len(), 1, "a wave of calls does not lock the user out");
}

#[tokio::test]
async fn a_refused_login_reads_the_secret_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.json");
    let secret = |s: &str| format!(r#"{{"ConsumerKey":"k","ConsumerSecret":"{s}"}}"#);
    std::fs::write(&file, secret("changed")).unwrap();
    let path = file.clone();
    let org = org(move |_, request| match &request.body {
        Some((_, body)) if is_login(request) && body.ends_with(b"client_secret=right") => token("new"),
        Some(_) if is_login(request) => {
            std::fs::write(&path, secret("right")).unwrap();
            says(400, r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#)
        }
        _ => says(200, "{}"),
    });
    let auth = Auth::new(settings(), Vault::File(file), None);
    let client = Client::new(settings(), auth, org.clone());
    assert!(client.limits(soon()).await.result.is_ok());
    assert_eq!(org.seen.lock().unwrap().iter().filter(|r| is_login(r)).count(), 2);
}

#[tokio::test]
async fn a_fleet_logs_in_once() {
    let table = crate::store::sqlite::Sqlite::in_memory().unwrap().table("state");
    let org = org(|_, request| match bearer(request) {
        _ if is_login(request) => token("new"),
        "new" => rows(),
        _ => expired(),
    });
    let fleet: Vec<_> = (0..8).map(|_| client(WITH_TOKEN, org.clone(), Some(table.clone()))).collect();
    let calls = fleet.iter().map(|client| client.query("SELECT Id FROM Contact", 1, soon()));
    for called in futures::future::join_all(calls).await {
        called.result.unwrap();
    }
    let logins = org.seen.lock().unwrap().iter().filter(|r| is_login(r)).count();
    assert_eq!(logins, 1);
    let late = client(WITH_TOKEN, org.clone(), Some(table));
    assert_eq!(late.query("SELECT Id FROM Contact", 1, soon()).await.spent.calls, 1);
    assert_eq!(
        bearer(org.seen.lock().unwrap().last().unwrap()),
        "new",
        "the table's comes before the secret's"
    );
}

#[tokio::test]
async fn a_failed_login_gives_the_lease_back() {
    let table = crate::store::sqlite::Sqlite::in_memory().unwrap().table("state");
    let down = org(|_, _| says(503, ""));
    let fault = client(SECRET, down, Some(table.clone())).limits(soon()).await.result.unwrap_err();
    assert_eq!(fault.class, Class::Retryable);
    let up = org(|_, request| if is_login(request) { token("new") } else { says(200, "{}") });
    let started = Stopwatch::start();
    assert!(client(SECRET, up, Some(table)).limits(soon()).await.result.is_ok());
    assert!(started.elapsed() < Duration::from_secs(5), "nobody waited for the lease to end");
}

#[tokio::test]
async fn a_read_survives_one_broken_connection_and_a_write_none() {
    let reset = |_: &str, request: &Request| match is_login(request) {
        true => token("new"),
        false => Err(Cut::After("connection reset by peer".into())),
    };
    let reads = org(reset);
    let called = client(SECRET, reads.clone(), None).query("SELECT Id FROM Contact", 1, soon()).await;
    assert_eq!((called.result.unwrap_err().class, called.spent.calls), (Class::Retryable, 2));
    let writes = org(reset);
    let delete = Write::Delete { object: "Case".into(), id: "500".into() };
    let called = client(SECRET, writes.clone(), None).apply(&delete, soon()).await;
    assert_eq!((called.result.unwrap_err().class, called.spent.calls), (Class::Unknown, 1));
    let never_sent = org(|_, request| match is_login(request) {
        true => token("new"),
        false => Err(Cut::Before("connection refused".into())),
    });
    let called = client(SECRET, never_sent, None).apply(&delete, soon()).await;
    assert_eq!((called.result.unwrap_err().class, called.spent.calls), (Class::Retryable, 0));
}

/// A Salesforce whose connections break after this long.
#[derive(Debug)]
struct Breaks(Duration);

#[async_trait]
impl Exchange for Breaks {
    async fn exchange(&self, _: &str, request: Request, timeout: Duration) -> Answer {
        if is_login(&request) {
            return token("new");
        }
        tokio::time::sleep(self.0.min(timeout)).await;
        Err(Cut::After("connection reset by peer".into()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_is_made_only_where_it_fits() {
    for (broke_after, calls) in [(10, 2), (2_400, 2), (2_600, 1), (4_950, 1)] {
        let client = client(SECRET, Arc::new(Breaks(Duration::from_millis(broke_after))), None);
        let called = client.query("SELECT Id FROM Contact", 1, soon()).await;
        assert_eq!((called.result.is_err(), called.spent.calls), (true, calls), "{broke_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_does_not_answer_costs_a_login_and_half_a_second() {
    let table = crate::store::sqlite::Sqlite::in_memory().unwrap().table("state");
    for rule in [(|_| Trouble::Hangs) as fn(Call<'_>) -> Trouble, |call| {
        if matches!(call, Call::Put(_)) { Trouble::Hangs } else { Trouble::None }
    }] {
        let org = org(|_, request| if is_login(request) { token("new") } else { rows() });
        let client = client(SECRET, org.clone(), Some(troubled::table(table.clone(), rule)));
        let began = Stopwatch::start();
        assert!(client.query("SELECT Id FROM Contact", 1, soon()).await.result.is_ok());
        // To ask for a lease, and to give it back.
        assert!(began.elapsed() <= Duration::from_millis(1_050), "{:?}", began.elapsed());
        assert!(client.query("SELECT Id FROM Contact", 1, soon()).await.result.is_ok());
        assert_eq!(org.seen.lock().unwrap().iter().filter(|r| is_login(r)).count(), 1);
    }
}

#[tokio::test]
async fn pages_are_followed_as_far_as_they_are_wanted() {
    let page = |n: u32, next: bool| {
        let next = next.then(|| format!("/services/data/v66.0/query/01g-{n}"));
        says(200, json!({"totalSize": 5, "done": next.is_none(), "records": [{"Id": n}, {"Id": n + 1}], "nextRecordsUrl": next}).to_string())
    };
    let org = org(move |_, request| match request.target.rsplit('-').next() {
        _ if is_login(request) => token("new"),
        Some("1") => page(3, false),
        _ => page(1, true),
    });
    let client = client(SECRET, org.clone(), None);
    let all = client.query("SELECT Id FROM Contact", 2000, soon()).await;
    let found = all.result.unwrap();
    assert_eq!((found.records.len(), found.total, all.spent.calls), (4, 5, 2));
    let first = client.query("SELECT Id FROM Contact", 1, soon()).await;
    assert_eq!((first.result.unwrap().records.len(), first.spent.calls), (2, 1));
}

#[tokio::test]
async fn credentials_travel_in_the_body_to_the_right_host_and_show_nowhere() {
    let org = org(|origin, request| match is_login(request) {
        true => {
            assert_eq!(origin, "https://acme.my.salesforce.com");
            token("CANARY-token")
        }
        // A proxy that echoes what it was sent.
        false => says(502, format!("<html>upstream said: {:?}</html>", request.headers)),
    });
    let client = client(SECRET, org.clone(), None);
    let fault = client.limits(soon()).await.result.unwrap_err();
    let printed = format!("{fault} {fault:?} {client:?}");
    assert!(!printed.contains("CANARY"), "{printed}");
    let seen = org.seen.lock().unwrap();
    assert!(seen.iter().all(|r| !r.target.contains("CANARY")));
    let body = String::from_utf8(seen[0].body.as_ref().unwrap().1.to_vec()).unwrap();
    assert_eq!(
        body,
        "grant_type=password&client_id=CANARY-key&client_secret=CANARY%2Bsecret%26%2F%3D&username=svc%40example.com&password=CANARY%20p%40ssCANARYtok"
    );
    assert!(!format!("{:?}", seen[1]).contains("CANARY"), "a request printed shows no token");
}

#[tokio::test]
async fn answers_in_no_form_are_faults_and_never_panics() {
    let bodies = [
        "",
        "<html>Down for maintenance</html>",
        "{\"records\":",
        "[]",
        "null",
        "5",
        "{\"records\":{}}",
        "{\"records\":[null]}",
    ];
    for body in bodies {
        let org = org(move |_, request| if is_login(request) { token("new") } else { says(200, body) });
        let client = client(SECRET, org, None);
        let query = client.query("SELECT Id FROM Contact", 1, soon()).await.result.unwrap_err();
        assert_eq!(query.class, Class::Retryable, "{body}");
        let create = Write::Create { object: "Case".into(), fields: Map::new() };
        let written = client.apply(&create, soon()).await.result.unwrap_err();
        assert_eq!(written.class, Class::Unknown, "{body}");
        let composite =
            client.composite(&json!({"compositeRequest": [{}]}), soon()).await.result.unwrap_err();
        assert_eq!(composite.class, Class::Unknown, "{body}");
        let batch = client.post_batch(&[json!({})], soon()).await.result.unwrap_err();
        assert_eq!(batch.class, Class::Unknown, "{body}");
    }
}

#[tokio::test]
async fn a_batch_of_posts_tells_each_its_own() {
    let org = org(|_, request| match is_login(request) {
        true => token("new"),
        false => says(
            200,
            r#"{"hasErrors":true,"results":[{"statusCode":201,"result":{"id":"0D5"}},{"statusCode":404,"result":[{"errorCode":"NOT_FOUND","message":"gone"}]}]}"#,
        ),
    });
    let posts = client(SECRET, org, None).post_batch(&[json!({}), json!({})], soon()).await.result.unwrap();
    assert_eq!(posts[0], Ok("0D5".to_owned()));
    assert_eq!(posts[1].as_ref().unwrap_err().class, Class::Rejected);
}
