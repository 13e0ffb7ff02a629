//! The simulated org itself: it must not be the bottleneck of anything measured with it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tieline::{
    clock,
    org::{
        self, Org,
        wire::{Method, Reply, Request},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{Environment, table::Table};

const RUN: Duration = Duration::from_secs(3);

/// Start with the sample company; single reads and composite writes over HTTP, client included.
pub async fn measure(table: &mut Table, _: &Environment) -> anyhow::Result<()> {
    let mut starts: Vec<f64> = Vec::new();
    for _ in 0..9 {
        let begun = Instant::now();
        drop(Org::new(org::Settings::default(), clock::now()).map_err(anyhow::Error::msg)?);
        starts.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    starts.sort_by(f64::total_cmp);
    table.at_most("org: start with the sample company, median", starts[4], "ms", 100.0);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let org = Org::new(org::Settings::default(), clock::now()).map_err(anyhow::Error::msg)?;
    let id = first_contact(&org);
    tokio::spawn(org::serve(org, listener, std::future::pending()));

    let row = request("GET", &format!("/services/data/v66.0/sobjects/Contact/{id}?fields=Id,Name,Email"), "");
    table.at_least("org: single reads by id over HTTP", rate(address, &row, 16).await?, "1/s", 5_000.0);
    let soql =
        format!("/services/data/v66.0/query?q=SELECT+Id,Name,Account.Name+FROM+Contact+WHERE+Id='{id}'");
    table.at_least(
        "org: single reads by SOQL over HTTP",
        rate(address, &request("GET", &soql, ""), 16).await?,
        "1/s",
        5_000.0,
    );
    let sosl =
        "/services/data/v66.0/parameterizedSearch?q=2065550100&in=PHONE&fields=Id,Name&sobject=Contact";
    table.add(
        "org: searches by phone number over HTTP",
        rate(address, &request("GET", sosl, ""), 16).await?,
        "1/s",
    );

    let records: Vec<Value> = (0..200)
        .map(|n| json!({"attributes": {"type": "Task"}, "Subject": format!("Call {n}"), "Status": "Completed", "Priority": "Normal"}))
        .collect();
    let subs: Vec<Value> = (0..5)
        .map(|n| {
            json!({"method": "POST", "url": "/services/data/v66.0/composite/sobjects", "referenceId": format!("r{n}"),
                "body": {"allOrNone": false, "records": records}})
        })
        .collect();
    let body = json!({"allOrNone": false, "collateSubrequests": false, "compositeRequest": subs}).to_string();
    let wide = request("POST", "/services/data/v66.0/composite", &body);
    let calls = rate(address, &wide, 4).await?;
    table.at_least("org: records created through composite", calls * 1_000.0, "1/s", 10_000.0);
    Ok(())
}

fn first_contact(org: &Org) -> String {
    let request = Request {
        method: Method::Get,
        target: "/services/data/v66.0/query?q=SELECT+Id+FROM+Contact+ORDER+BY+Id+LIMIT+1".to_owned(),
        headers: vec![("Authorization".to_owned(), "Bearer bench".to_owned())],
        body: bytes::Bytes::new(),
    };
    match org.handle(&request, clock::now()).reply {
        Reply::Response(response) => {
            let found: Value = serde_json::from_slice(&response.body).expect("JSON");
            found["records"][0]["Id"].as_str().expect("a contact").to_owned()
        }
        Reply::Cut { .. } => unreachable!("no faults"),
    }
}

fn request(method: &str, target: &str, body: &str) -> Vec<u8> {
    let target = target.replace('\'', "%27");
    format!(
        "{method} {target} HTTP/1.1\r\nHost: org\r\nAuthorization: Bearer bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends one request again and again over so many connections; tells answers a second.
async fn rate(address: std::net::SocketAddr, request: &[u8], connections: usize) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let runs = (0..connections).map(|_| {
        let request = request.to_owned();
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut answered = 0_u64;
            let mut buffer = Vec::with_capacity(1 << 20);
            while begun.elapsed() < RUN {
                stream.write_all(&request).await?;
                answer(&mut stream, &mut buffer).await?;
                answered += 1;
            }
            anyhow::Ok(answered)
        })
    });
    let mut answered = 0;
    for run in runs.collect::<Vec<_>>() {
        answered += run.await??;
    }
    Ok(answered as f64 / begun.elapsed().as_secs_f64())
}

/// Reads one answer, which must be a good one.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
    buffer.clear();
    loop {
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the org went away");
        let Some(head) = buffer.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_lowercase();
        anyhow::ensure!(text.starts_with("http/1.1 2"), "{}", String::from_utf8_lossy(buffer));
        let length: usize = text
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next())
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        while buffer.len() < head + 4 + length {
            anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the answer was cut short");
        }
        return Ok(());
    }
}
