//! The way of a call: sizes, faults, session, limits, resource, journal.

use std::cell::{Cell, RefCell};
use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::org::ask::{Ask, Call, Headers, Said, unreadable};
use crate::org::data::{Context, Tx};
use crate::org::error::OrgError;
use crate::org::faults::{Rule, Strike};
use crate::org::limits::Exceeded;
use crate::org::wire::{Handled, Method, Reply, Request, Response, Target};
use crate::org::{Inner, Org, admin, auth, bulk, faults, hold, rest, soap};
use crate::time::Timestamp;

/// The versions that answer; older ones are gone, younger ones not there yet.
pub(super) const VERSIONS: std::ops::RangeInclusive<u32> = 31..=68;

/// Longer than this, a URI is refused before anything else is looked at; with its headers, too.
const LONGEST_URI: usize = 16_384;

/// Tells how much of the daily allowance is used.
const USAGE: &str = "Sforce-Limit-Info";

/// A request that only its owner's doors see is answered here; everything else goes the long way.
pub(super) fn handle(org: &Org, request: &Request, now: Timestamp) -> Handled {
    settle(&org.0, now);
    let at_once = |response| Handled { delay: Duration::ZERO, reply: Reply::Response(response) };
    let target = Target::parse(&request.target);
    match target.segments.first().map(String::as_str) {
        Some("healthz") => return at_once(Response::json(200, &json!({"status": "ok"}))),
        Some("_org") => return at_once(admin::serve(org, request, &target, now)),
        _ => {}
    }
    if let Some(refused) = oversized(request) {
        return at_once(refused);
    }
    let unzipped = match decoded(request) {
        Ok(body) => body.map(|body| Request { body, ..request.clone() }),
        Err(error) => return at_once(Said::refused(&[error]).response()),
    };
    let request = unzipped.as_ref().unwrap_or(request);
    let facts = faults::Call { method: request.method, path: &target.path, body: &request.body };
    let verdict = hold(&org.0.faults).call(facts, now);
    hold(&org.0.limits).occupies(now, verdict.latency);
    let reply = match verdict.strike {
        None => Reply::Response(serve(&org.0, request, &target, now)),
        Some((Strike::CutBefore, _)) => Reply::Cut { applied: false },
        Some((Strike::CutAfter, _)) => Reply::Cut { applied: serve(&org.0, request, &target, now).ok() },
        Some((Strike::Late(by), _)) => {
            hold(&org.0.late).push((now.plus(by), request.clone()));
            Reply::Cut { applied: true }
        }
        Some((Strike::Session, _)) => {
            if let Some(token) = auth::bearer(request) {
                hold(&org.0.auth).end(token);
            }
            Reply::Response(serve(&org.0, request, &target, now))
        }
        Some((Strike::Limit(which), _)) => {
            let (used, max) = hold(&org.0.limits).usage(now);
            let used = if which == Exceeded::Daily { max } else { used };
            Reply::Response(exceeded(which).response().with(USAGE, format!("api-usage={used}/{max}")))
        }
        Some((Strike::Status(status), rule)) => Reply::Response(scripted(status, &rule)),
        Some((Strike::Latency(_) | Strike::Lock | Strike::Record(_), _)) => {
            Reply::Response(serve(&org.0, request, &target, now))
        }
    };
    Handled { delay: verdict.latency, reply }
}

/// Lets the effects take place that were to come late, each at its own time.
fn settle(org: &Inner, now: Timestamp) {
    let due = {
        let mut late = hold(&org.late);
        if late.is_empty() {
            return;
        }
        late.sort_by_key(|(at, _)| *at);
        let due = late.partition_point(|(at, _)| *at <= now);
        late.drain(..due).collect::<Vec<_>>()
    };
    for (at, request) in due {
        serve(org, &request, &Target::parse(&request.target), at);
    }
}

/// What the fault rules do not see: a healthy org's answer.
fn serve(org: &Inner, request: &Request, target: &Target, now: Timestamp) -> Response {
    let base = org.base(request);
    let segments: Vec<&str> = target.segments.iter().map(String::as_str).collect();
    let response = match segments.as_slice() {
        ["services", "oauth2", "token"] => hold(&org.auth).token(request, target, &base, now),
        ["services", "oauth2", "revoke"] => hold(&org.auth).revoke(request, target),
        ["services", "oauth2", "userinfo"] | ["id", _, _] => rest::identity(org, request, target, &base, now),
        ["services", "data"] => Response::json(200, &rest::versions()),
        ["services", "Soap", "u" | "c", version, ..] => soap::answer(org, request, version, &base, now),
        ["services", "async", version, rest @ ..] => bulk(org, request, version, rest, &base, now),
        ["services", "data", version, ..] => match version_of(version) {
            Ok(version) => data(org, request, target, version, &base, now),
            Err(error) => Said::refused(&[error]).response(),
        },
        _ => Said::refused(&[OrgError::not_found()]).response(),
    };
    if request.method == Method::Head { Response { body: Bytes::new(), ..response } } else { response }
}

/// `66` of `v66.0`.
pub(super) fn version_of(segment: &str) -> Result<u32, OrgError> {
    let number = segment.strip_prefix('v').and_then(|v| v.strip_suffix(".0")).and_then(|v| v.parse().ok());
    match number {
        Some(version) if VERSIONS.contains(&version) => Ok(version),
        Some(version @ 1..31) => Err(OrgError::new(
            "UNSUPPORTED_API_VERSION",
            format!("GONE: API version {version}.0 is retired. Use {}.0 or later.", VERSIONS.start()),
        )
        .status(410)),
        _ => Err(OrgError::not_found()),
    }
}

/// A call of the REST interface proper.
fn data(
    org: &Inner,
    request: &Request,
    target: &Target,
    version: u32,
    base: &str,
    now: Timestamp,
) -> Response {
    let token = auth::bearer(request).unwrap_or_default();
    if hold(&org.auth).session(token, now).is_none() {
        return Said::refused(&[
            OrgError::new("INVALID_SESSION_ID", "Session expired or invalid").status(401)
        ])
        .response();
    }
    let said = match count(org, target, token, now) {
        Err(which) => exceeded(which),
        Ok(()) => match ask(request, target, version) {
            Err(error) => Said::refused(&[error]),
            Ok(ask) => run(org, request, &ask, token, base, now),
        },
    };
    let (used, max) = hold(&org.limits).usage(now);
    said.response().with(USAGE, format!("api-usage={used}/{max}"))
}

/// Counts a call against the limit it falls under.
pub(super) fn count(org: &Inner, target: &Target, session: &str, now: Timestamp) -> Result<(), Exceeded> {
    let mut limits = hold(&org.limits);
    match target.segments.get(3).map(String::as_str) {
        Some("chatter") => limits.chatter(session, now),
        _ => limits.call(1, now),
    }
}

/// The error of a limit.
pub(super) fn exceeded(which: Exceeded) -> Said {
    let (status, code, message) = which.error();
    Said::refused(&[OrgError::new(code, message).status(status)])
}

fn ask<'a>(request: &'a Request, target: &Target, version: u32) -> Result<Ask<'a>, OrgError> {
    // A client behind a proxy that knows GET and POST only says the verb in a parameter.
    let method = match (request.method, target.param("_HttpMethod")) {
        (Method::Post, Some(verb)) => Method::parse(verb),
        (method, _) => method,
    };
    Ok(Ask {
        method,
        target: target.clone(),
        version,
        headers: Headers::Call(request),
        body: json_body(request)?,
    })
}

fn json_body(request: &Request) -> Result<Option<Value>, OrgError> {
    if request.body.is_empty() || matches!(request.method, Method::Get | Method::Head) {
        return Ok(None);
    }
    let kind = request.header("content-type").unwrap_or("application/json");
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(OrgError::new(
            "UNSUPPORTED_MEDIA_TYPE",
            format!("Content-Type header specified in HTTP request is not supported: {kind}"),
        )
        .status(415));
    }
    serde_json::from_slice(&request.body).map(Some).map_err(|error| {
        let what = if error.is_eof() { "Unexpected end-of-input" } else { "Unexpected character" };
        unreadable(format!("{what} at [line:{}, column:{}]", error.line(), error.column().max(1)))
    })
}

/// A call of the Bulk API, which says who it is in a header of its own and answers in XML.
fn bulk(
    org: &Inner,
    request: &Request,
    version: &str,
    rest: &[&str],
    base: &str,
    now: Timestamp,
) -> Response {
    let refused = |code, text: &str| bulk::Refused(code, text.to_owned()).response();
    let Ok(version) = version_of(&format!("v{version}")) else {
        return refused("InvalidVersion", "The version is not one of this organization");
    };
    let session = request.header("x-sfdc-session").unwrap_or_default();
    if hold(&org.auth).session(session, now).is_none() {
        return refused("InvalidSessionId", "Unable to find session id");
    }
    if let Err(which) = hold(&org.limits).call(1, now) {
        return refused("ExceededQuota", which.error().2);
    }
    let asked = Asked { request, method: request.method, version, session, base, now };
    within(org, &asked, |call, tx| bulk::answer(call, tx, request, rest))
        .unwrap_or_else(|error| refused("Unknown", &error.message))
}

/// Asks the resource, and keeps what it did.
fn run(org: &Inner, request: &Request, ask: &Ask<'_>, session: &str, base: &str, now: Timestamp) -> Said {
    let asked = Asked { request, method: ask.method, version: ask.version, session, base, now };
    within(org, &asked, |call, tx| rest::answer(call, tx, ask))
        .unwrap_or_else(|error| Said::refused(&[error]))
}

/// Who asks, for what and when.
struct Asked<'a> {
    request: &'a Request,
    method: Method,
    version: u32,
    session: &'a str,
    base: &'a str,
    now: Timestamp,
}

/// Does the work with the database to itself; what it did enters the journal.
fn within<T>(
    org: &Inner,
    asked: &Asked<'_>,
    work: impl FnOnce(&Call<'_>, &Tx<'_>) -> T,
) -> Result<T, OrgError> {
    let Asked { request, method, version, session, base, now } = *asked;
    let path = request.target.split('?').next().unwrap_or_default();
    let call = Call {
        org,
        context: Context { now, api_version: version, ..org.context.clone() },
        session,
        base,
        facts: faults::Call { method: request.method, path, body: &request.body },
        strikes: hold(&org.faults).strikes_records(),
        whole: Cell::new(false),
        effects: RefCell::new(Vec::new()),
    };
    if matches!(method, Method::Get | Method::Head) {
        return Ok(org.data.read(|tx| work(&call, tx)));
    }
    // The journal is held across the commit, so that its order is that of the commits.
    let mut journal = hold(&org.journal);
    let done = org.data.transaction(|tx| work(&call, tx))?;
    let effects = call.effects.take();
    if !effects.is_empty() {
        journal.keep(effects, &format!("{} {path}", request.method.name()), now);
    }
    Ok(done)
}

fn oversized(request: &Request) -> Option<Response> {
    let html = |status, reason: &str| {
        let body = format!("<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>");
        Some(Response::raw(status, "text/html;charset=iso-8859-1", body))
    };
    let uri = request.target.len();
    if uri > LONGEST_URI {
        return html(414, "URI Too Long");
    }
    let headers: usize = request.headers.iter().map(|(n, v)| n.len() + v.len() + 4).sum();
    if uri + headers > LONGEST_URI { html(431, "Request Header Fields Too Large") } else { None }
}

/// The body unzipped, where it was zipped.
fn decoded(request: &Request) -> Result<Option<Bytes>, OrgError> {
    match request.header("content-encoding") {
        Some(how) if how.eq_ignore_ascii_case("gzip") => {
            let mut body = Vec::new();
            let limit = crate::org::server::LARGEST_BODY as u64;
            let read = GzDecoder::new(request.body.as_ref()).take(limit + 1).read_to_end(&mut body);
            match read {
                Ok(n) if n as u64 <= limit => Ok(Some(body.into())),
                Ok(_) => {
                    Err(OrgError::new("REQUEST_ENTITY_TOO_LARGE", "The request body is too large")
                        .status(413))
                }
                Err(_) => Err(unreadable("The body is not valid gzip")),
            }
        }
        _ => Ok(None),
    }
}

/// The answer that a fault rule wrote.
fn scripted(status: u16, rule: &Rule) -> Response {
    if let Some(body) = &rule.body {
        let kind = if body.trim_start().starts_with('<') { "text/html" } else { "application/json" };
        return Response::raw(status, &format!("{kind};charset=UTF-8"), body.clone());
    }
    let (code, message) = match status {
        200..300 => return Response::empty(status),
        401 => ("INVALID_SESSION_ID", "Session expired or invalid"),
        403 => ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        404 => ("NOT_FOUND", "The requested resource does not exist"),
        500 => (
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred. Please include this ErrorId if you contact support: 1795170000-1 (0)",
        ),
        503 => ("SERVER_UNAVAILABLE", "Server is too busy to process this request. Try again later."),
        502 | 504 => {
            let body = format!(
                "<html><head><title>{status}</title></head><body><h1>Service not available</h1></body></html>"
            );
            return Response::raw(status, "text/html;charset=UTF-8", body);
        }
        _ => ("UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    };
    let code = rule.code.as_deref().unwrap_or(code);
    let message = rule.message.as_deref().unwrap_or(message);
    Response::json(status, &json!([{"message": message, "errorCode": code}]))
}
