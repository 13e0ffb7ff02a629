//! The org on HTTP: sockets, time and waiting, and nothing else.
//!
//! A reply that is [`Reply::Cut`] ends its connection without a byte: the handler raises the
//! connection's flag, and the stream refuses the next write.

use std::convert::Infallible;
use std::io;
use std::io::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http;
use axum::serve::{IncomingStream, Listener};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::clock;
use crate::org::Org;
use crate::org::wire::{Method, Reply, Request, Response};

/// Above this a body is refused: Salesforce quotes about 50 MB.
pub(super) const LARGEST_BODY: usize = 50 * 1024 * 1024;

/// Shorter bodies than this travel as they are.
const WORTH_ZIPPING: usize = 1_400;

/// Serves the org on `listener` until `end` comes.
///
/// # Errors
/// None once the listener is bound; the type is axum's.
pub async fn serve<F>(org: Org, listener: TcpListener, end: F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let app = org.router().into_make_service_with_connect_info::<Wire>();
    axum::serve(Cuttable(listener), app).with_graceful_shutdown(end).await
}

/// The org as a router. Without [`serve`], connections cannot be cut: a 502 stands for it.
pub(super) fn router(org: Org) -> axum::Router {
    axum::Router::new().fallback(move |request: axum::extract::Request| {
        let org = org.clone();
        async move { Ok::<_, Infallible>(answer(&org, request).await) }
    })
}

async fn answer(org: &Org, request: axum::extract::Request) -> http::Response<Body> {
    let wire = request.extensions().get::<ConnectInfo<Wire>>().map(|info| info.0.clone());
    let (parts, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, LARGEST_BODY).await {
        Ok(body) => body,
        Err(error) => return told(refused(&error)),
    };
    let request = Request {
        method: Method::parse(parts.method.as_str()),
        target: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect(),
        body,
    };
    let zips = request.header("accept-encoding").is_some_and(|how| how.contains("gzip"));
    let handled = org.handle(&request, clock::now());
    if !handled.delay.is_zero() {
        tokio::time::sleep(handled.delay).await;
    }
    match (handled.reply, wire) {
        (Reply::Response(response), _) if zips && response.body.len() > WORTH_ZIPPING => {
            told(zipped(response))
        }
        (Reply::Response(response), _) => told(response),
        (Reply::Cut { .. }, Some(wire)) => {
            wire.0.store(true, Ordering::Release);
            told(Response::empty(502))
        }
        (Reply::Cut { .. }, None) => told(Response::empty(502)),
    }
}

/// A body that cannot be read whole: too large, or its sender went away half-way.
fn refused(error: &axum::Error) -> Response {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit") {
            return Response::raw(
                413,
                "text/html;charset=UTF-8",
                "<h1>Bad Message 413</h1><pre>reason: Payload Too Large</pre>",
            );
        }
        cause = error.source();
    }
    Response::raw(400, "text/html;charset=UTF-8", "<h1>Bad Message 400</h1><pre>reason: Bad Request</pre>")
}

fn zipped(response: Response) -> Response {
    let mut encoder = GzEncoder::new(Vec::with_capacity(response.body.len() / 4), Compression::fast());
    match encoder.write_all(&response.body).and_then(|()| encoder.finish()) {
        Ok(body) => Response { body: body.into(), ..response }.with("Content-Encoding", "gzip"),
        Err(_) => response,
    }
}

fn told(response: Response) -> http::Response<Body> {
    let mut out = http::Response::new(Body::from(response.body));
    *out.status_mut() =
        http::StatusCode::from_u16(response.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value))
        {
            out.headers_mut().append(name, value);
        }
    }
    out
}

/// The flag by which a handler ends its connection.
#[derive(Clone, Debug)]
struct Wire(Arc<AtomicBool>);

impl axum::extract::connect_info::Connected<IncomingStream<'_, Cuttable>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Cuttable>) -> Self {
        Self(stream.io().cut.clone())
    }
}

struct Cuttable(TcpListener);

impl Listener for Cuttable {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, addr) = Listener::accept(&mut self.0).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        (Stream { stream, cut: Arc::default() }, addr)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

struct Stream {
    stream: TcpStream,
    cut: Arc<AtomicBool>,
}

impl Stream {
    fn whole(&self) -> io::Result<()> {
        if self.cut.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.whole()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.whole()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
