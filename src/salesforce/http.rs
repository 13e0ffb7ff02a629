//! Salesforce over HTTP.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};

use super::rows;
use super::wire::{Cut, Exchange, Method, Request, Response};
use crate::net;

/// No answer of Salesforce that a contact flow could use is larger; a Lambda's memory is small.
const LARGEST: usize = 16 * 1024 * 1024;

/// The [`Exchange`] of every program: reqwest, on the one HTTP stack.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

#[async_trait]
impl Exchange for Http {
    async fn exchange(&self, origin: &str, request: Request, timeout: Duration) -> Result<Response, Cut> {
        let begun = Arc::new(AtomicBool::new(false));
        let cut = |error: reqwest::Error| match begun.load(Ordering::Acquire) && !error.is_connect() {
            true => Cut::After(reason(&error)),
            false => Cut::Before(reason(&error)),
        };
        let request = build(origin, request, timeout, &begun).map_err(Cut::Before)?;
        let client = net::client(origin).map_err(|e| Cut::Before(e.to_string()))?;
        let mut response = client.execute(request).await.map_err(cut)?;
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        let status = response.status().as_u16();
        let usage = header("sforce-limit-info").and_then(rows::usage);
        let content_type = header("content-type").unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| Cut::After(reason(&e)))? {
            if body.len() + chunk.len() > LARGEST {
                return Err(Cut::After(format!("the answer is larger than {} MiB", LARGEST >> 20)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, usage, content_type, body: body.freeze() })
    }
}

fn build(
    origin: &str,
    request: Request,
    timeout: Duration,
    begun: &Arc<AtomicBool>,
) -> Result<reqwest::Request, String> {
    let url =
        format!("{origin}{}", request.target).parse().map_err(|_| "SF_HOST is no address".to_owned())?;
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut built = reqwest::Request::new(method, url);
    *built.timeout_mut() = Some(timeout);
    let mut set = |name: &'static str, value: &str| match value.parse::<reqwest::header::HeaderValue>() {
        Ok(mut value) => {
            value.set_sensitive(name == "authorization");
            built.headers_mut().insert(name, value);
            Ok(())
        }
        Err(_) => Err(format!("the header {name} would hold characters that no header may hold")),
    };
    for (name, value) in &request.headers {
        set(name, value)?;
    }
    // Without a body there is nothing to watch: such a request counts as begun.
    begun.store(request.body.is_none(), Ordering::Release);
    if let Some((content_type, body)) = request.body {
        set("content-type", content_type)?;
        *built.body_mut() = Some(reqwest::Body::wrap(Watched { rest: Some(body), begun: Arc::clone(begun) }));
    } else {
        set("content-type", "application/json")?;
    }
    Ok(built)
}

/// A body that notes when its first byte is asked for. The connection stands by then; before, nothing
/// of the request can have taken effect, however the attempt ended.
#[derive(Debug)]
struct Watched {
    rest: Option<Bytes>,
    begun: Arc<AtomicBool>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.begun.store(true, Ordering::Release);
        Poll::Ready(self.rest.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.as_ref().map_or(0, |b| b.len() as u64))
    }
}

/// Why, in one phrase, without the address: its query may hold what a caller said.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match deepest.downcast_ref::<std::io::Error>() {
        Some(io) => io.to_string(),
        None if error.is_connect() => format!("no connection: {deepest}"),
        None => deepest.to_string(),
    }
}
