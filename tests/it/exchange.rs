//! The way to Salesforce over real connections: what is told when one breaks, and where.

use std::time::Duration;

use bytes::Bytes;
use tieline::salesforce::Http;
use tieline::salesforce::wire::{Cut, Exchange, Method, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SOON: Duration = Duration::from_secs(10);

/// Accepts one connection, and does this with it.
async fn server<F>(act: impl FnOnce(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        act(stream).await;
    });
    origin
}

/// Reads the head of a request and as much body as it announces.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).await.unwrap();
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

fn post() -> Request {
    Request {
        method: Method::Post,
        target: "/services/data/v66.0/sobjects/Case".into(),
        headers: vec![("authorization", "Bearer token".into())],
        body: Some(("application/json", Bytes::from_static(b"{\"Subject\":\"x\"}"))),
    }
}

async fn send(origin: &str) -> Result<Response, Cut> {
    Http.exchange(origin, post(), SOON).await
}

#[tokio::test]
async fn a_refused_connection_has_sent_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let cut = send(&format!("http://{free}")).await.unwrap_err();
    assert!(matches!(&cut, Cut::Before(why) if why.contains("refused")), "{cut:?}");
}

#[tokio::test]
async fn a_name_that_is_not_found_has_sent_nothing() {
    let cut = send("http://no-such-host.invalid").await.unwrap_err();
    assert!(matches!(cut, Cut::Before(_)), "{cut:?}");
}

#[tokio::test]
async fn tls_that_does_not_stand_has_sent_nothing() {
    let origin = server(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    })
    .await;
    let cut = send(&origin.replace("http://", "https://")).await.unwrap_err();
    assert!(matches!(cut, Cut::Before(_)), "{cut:?}");
}

#[tokio::test]
async fn a_connection_that_never_stands_has_sent_nothing() {
    // The backlog of this listener is full: further connections wait for ever.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        held.push(stream);
    }
    let cut =
        Http.exchange(&format!("http://{address}"), post(), Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(cut, Cut::Before(_)), "{cut:?} with {} connections waiting", held.len());
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_in_doubt() {
    let origin = server(|mut stream| async move { drop(read_request(&mut stream).await) }).await;
    let cut = send(&origin).await.unwrap_err();
    assert!(matches!(cut, Cut::After(_)), "{cut:?}");
}

#[tokio::test]
async fn silence_after_the_request_is_in_doubt() {
    let origin = server(|mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let cut = Http.exchange(&origin, post(), Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(cut, Cut::After("it took too long".into()));
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_in_doubt() {
    let origin = server(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\":").await.unwrap();
    })
    .await;
    let cut = send(&origin).await.unwrap_err();
    assert!(matches!(cut, Cut::After(_)), "{cut:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let origin = server(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let chunk = vec![b'x'; 1 << 20];
        // Until the client has had enough.
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await;
    let cut = send(&origin).await.unwrap_err();
    assert_eq!(cut, Cut::After("the answer is larger than 16 MiB".into()));
}

#[tokio::test]
async fn what_is_sent_and_read_is_what_was_meant() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let origin = server(|mut stream| async move {
        tell.send(read_request(&mut stream).await).unwrap();
        let body = "{\"id\":\"500\"}";
        let head = format!(
            "HTTP/1.1 201 Created\r\nSforce-Limit-Info: api-usage=18/5000\r\nContent-Type: Application/JSON;charset=UTF-8\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).await.unwrap();
    })
    .await;
    let response = send(&origin).await.unwrap();
    assert_eq!((response.status, response.usage.unwrap().used), (201, 18));
    assert_eq!(
        (response.content_type.as_str(), &response.body[..]),
        ("application/json", &b"{\"id\":\"500\"}"[..])
    );
    let request = told.await.unwrap();
    let head = request.to_ascii_lowercase();
    assert!(request.starts_with("POST /services/data/v66.0/sobjects/Case HTTP/1.1\r\n"), "{request}");
    for line in [
        "content-length: 15\r\n",
        "content-type: application/json\r\n",
        "accept-encoding: gzip",
        "authorization: bearer token",
    ] {
        assert!(head.contains(line), "{line} in {request}");
    }
    assert!(!head.contains("chunked"));
    assert!(request.ends_with("{\"Subject\":\"x\"}"), "{request}");
}

#[tokio::test]
async fn connections_are_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    });
    for _ in 0..3 {
        assert_eq!(send(&origin).await.unwrap().status, 204);
    }
    served.await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let origin = server(|mut stream| async move {
        read_request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    assert_eq!(send(&origin).await.unwrap().status, 302);
}
