//! What only sockets show: cut connections, half-sent requests, compressed bodies.

use serde_json::{Value, json};
use tieline::org::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::NOW;
use crate::support::org::Served;

pub(super) async fn serve(settings: Settings) -> Served {
    Served::start(settings, NOW).await
}

fn empty() -> Settings {
    Settings { sample: false, ..Settings::default() }
}

async fn accounts(http: &reqwest::Client, base: &str) -> Value {
    let url = format!("{base}/services/data/v66.0/query?q=SELECT+COUNT()+FROM+Account");
    http.get(url).bearer_auth("t").send().await.unwrap().json::<Value>().await.unwrap()["totalSize"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_ends_without_an_answer() {
    let served = serve(empty()).await;
    let http = reqwest::Client::new();
    let post = || {
        let url = format!("{}/services/data/v66.0/sobjects/Account", served.base);
        http.post(url).bearer_auth("t").json(&json!({"Name": "Kestrel"})).send()
    };
    for (rule, made) in [("cut=before,path=sobjects,count=1", 0), ("cut=after,path=sobjects,count=1", 1)] {
        http.post(format!("{}/_org/faults", served.base)).body(rule).send().await.unwrap();
        let error = post().await.unwrap_err();
        assert!(error.is_request() || error.is_body(), "{error:?}");
        assert_eq!(accounts(&http, &served.base).await, made, "{rule}");
    }
    assert_eq!(post().await.unwrap().status(), 201, "and the org goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_sent_request_does_nothing_and_harms_nobody() {
    let served = serve(empty()).await;
    let address = served.base.strip_prefix("http://").unwrap().to_owned();
    for half in [
        "POST /services/data/v66.0/sobjects/Account HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nContent-Length: 400\r\n\r\n{\"Name\":",
        "POST /services/data/v66.0/sobjects/Acc",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{half}");
    }
    assert_eq!(accounts(&reqwest::Client::new(), &served.base).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_travel_compressed_both_ways() {
    let served = serve(Settings::default()).await;
    let http = reqwest::Client::builder().gzip(true).build().unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, json!({"Name": "Kestrel"}).to_string().as_bytes()).unwrap();
    let url = format!("{}/services/data/v66.0/sobjects/Account", served.base);
    let made = http
        .post(url)
        .bearer_auth("t")
        .header("Content-Encoding", "gzip")
        .header("Content-Type", "application/json")
        .body(encoder.finish().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
    let url = format!("{}/services/data/v66.0/sobjects", served.base);
    let plain = reqwest::Client::builder().no_gzip().build().unwrap();
    let zipped = plain.get(&url).bearer_auth("t").header("Accept-Encoding", "gzip").send().await.unwrap();
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    let whole = plain.get(&url).bearer_auth("t").send().await.unwrap();
    assert!(whole.headers().get("content-encoding").is_none());
    let (zipped, whole) = (zipped.bytes().await.unwrap(), whole.bytes().await.unwrap());
    assert!(zipped.len() * 3 < whole.len());
    assert_eq!(http.get(&url).bearer_auth("t").send().await.unwrap().bytes().await.unwrap(), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_needs_nothing_and_addresses_are_the_callers_own() {
    let served = serve(empty()).await;
    let http = reqwest::Client::new();
    let health: Value =
        http.get(format!("{}/healthz", served.base)).send().await.unwrap().json().await.unwrap();
    assert_eq!(health, json!({"status": "ok"}));
    let login: Value = http
        .post(format!("{}/services/oauth2/token", served.base))
        .form(&[("grant_type", "client_credentials"), ("client_id", "k"), ("client_secret", "s")])
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(login["instance_url"], served.base.as_str());
    assert!(login["id"].as_str().unwrap().starts_with(&served.base));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_zipped_or_not() {
    let served = serve(empty()).await;
    let http = reqwest::Client::new();
    let large = vec![b' '; 50 * 1024 * 1024 + 1];
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &large).unwrap();
    let post = |how: &'static str, body: Vec<u8>| {
        let url = format!("{}/services/data/v66.0/sobjects/Account", served.base);
        http.post(url).bearer_auth("t").header("Content-Encoding", how).body(body).send()
    };
    assert_eq!(post("identity", large).await.unwrap().status(), 413);
    assert_eq!(post("gzip", encoder.finish().unwrap()).await.unwrap().status(), 413);
    assert_eq!(accounts(&http, &served.base).await, 0);
}
