//! The org's own paths under `/_org/`, for tests and for people: faults, journal, limits, sessions,
//! record locks, and which of the schema's rules are in force.
//!
//! They need no session, count against no limit and are struck by no fault.

use serde_json::{Value, json};

use crate::org::faults::Rule;
use crate::org::journal::Filter;
use crate::org::wire::{Method, Request, Response, Target};
use crate::org::xml::escape;
use crate::org::{Org, hold};
use crate::time::Timestamp;

/// Answers a request whose path begins with `/_org`.
pub(super) fn serve(org: &Org, request: &Request, target: &Target, now: Timestamp) -> Response {
    let rest: Vec<&str> = target.segments.iter().skip(1).map(String::as_str).collect();
    if request.method != Method::Get && request.header("origin").is_some_and(foreign) {
        return refuse(403, "a page of another origin may not change this org");
    }
    match (request.method, rest.as_slice()) {
        (Method::Get, []) => page(org, now),
        (Method::Get, ["faults"]) => Response::json(200, &hold(&org.0.faults).list()),
        (Method::Post, ["faults"]) => add_fault(org, request, now),
        (Method::Delete, ["faults"]) => {
            hold(&org.0.faults).clear();
            Response::empty(204)
        }
        (Method::Delete, ["faults", id]) => match id.parse().map(|id| hold(&org.0.faults).remove(id)) {
            Ok(true) => Response::empty(204),
            _ => refuse(404, "there is no fault rule of this number; GET /_org/faults lists them"),
        },
        (Method::Get, ["journal"]) => journal(org, target),
        (Method::Delete, ["journal"]) => {
            hold(&org.0.journal).clear();
            Response::empty(204)
        }
        (Method::Get, ["limits"]) => {
            let (used, max) = hold(&org.0.limits).usage(now);
            let logins = hold(&org.0.auth).logins();
            Response::json(200, &json!({"used": used, "max": max, "logins": logins}))
        }
        (Method::Post, ["limits"]) => set_limits(org, request, now),
        (Method::Delete, ["sessions"]) => {
            hold(&org.0.auth).end_all();
            Response::empty(204)
        }
        (Method::Post, ["locks"]) => lock(org, request),
        (Method::Post, ["rules"]) => enforce(org, request),
        _ => refuse(
            404,
            "there are GET /_org, GET|POST|DELETE /_org/faults, GET|DELETE /_org/journal, \
             GET|POST /_org/limits, DELETE /_org/sessions, POST /_org/locks, POST /_org/rules",
        ),
    }
}

fn refuse(status: u16, message: impl Into<String>) -> Response {
    Response::json(status, &json!({"error": message.into()}))
}

/// One rule as JSON, a list of them, or lines of their text form.
fn add_fault(org: &Org, request: &Request, now: Timestamp) -> Response {
    let text = String::from_utf8_lossy(&request.body);
    let rules: Result<Vec<Rule>, String> = match text.trim_start().chars().next() {
        Some('[') => serde_json::from_str(&text).map_err(|e| e.to_string()),
        Some('{') => serde_json::from_str(&text).map(|rule| vec![rule]).map_err(|e| e.to_string()),
        _ => text.lines().map(str::trim).filter(|l| !l.is_empty()).map(Rule::parse).collect(),
    };
    let added = rules.and_then(|rules| {
        let mut faults = hold(&org.0.faults);
        rules.into_iter().map(|rule| faults.add(rule, now)).collect::<Result<Vec<_>, _>>()
    });
    match added {
        Ok(ids) if !ids.is_empty() => Response::json(201, &json!({"ids": ids})),
        Ok(_) => refuse(400, "the body holds no fault rule"),
        Err(error) => refuse(400, error),
    }
}

/// `{"daily": 1000, "left": 5, "chatter_hourly": 10}`, each optional.
fn set_limits(org: &Org, request: &Request, now: Timestamp) -> Response {
    let Ok(Value::Object(wanted)) = serde_json::from_slice(&request.body) else {
        return refuse(400, "the body is an object of `daily`, `left` and `chatter_hourly`");
    };
    let mut limits = hold(&org.0.limits);
    for (name, value) in &wanted {
        match (name.as_str(), value.as_u64()) {
            ("daily", Some(max)) => limits.set_daily(max),
            ("left", Some(left)) => limits.leave(left, now),
            ("chatter_hourly", Some(max)) => limits.set_chatter(max),
            _ => return refuse(400, format!("`{name}` is no limit, or its value no whole number")),
        }
    }
    let (used, max) = limits.usage(now);
    Response::json(200, &json!({"used": used, "max": max}))
}

/// `{"id": "003…", "held": true}`: a transaction that nobody ends holds this record.
fn lock(org: &Org, request: &Request) -> Response {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match (body["id"].as_str(), body["held"].as_bool()) {
        (Some(id), Some(held)) => {
            org.0.data.hold(id, held);
            Response::empty(204)
        }
        _ => refuse(400, "the body is `{\"id\": \"003…\", \"held\": true}`"),
    }
}

/// `{"name": "Escalated_needs_reason", "on": true}`: a validation or duplicate rule of the schema.
fn enforce(org: &Org, request: &Request) -> Response {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match (body["name"].as_str(), body["on"].as_bool()) {
        (Some(name), Some(on)) if org.0.data.enforce(name, on) => Response::empty(204),
        (Some(name), Some(_)) => refuse(404, format!("the schema has no rule `{name}`")),
        _ => refuse(400, "the body is `{\"name\": \"…\", \"on\": true}`"),
    }
}

/// Whether an `Origin` is of another machine.
fn foreign(origin: &str) -> bool {
    let host = origin.split("://").nth(1).unwrap_or(origin);
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    !matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

fn journal(org: &Org, target: &Target) -> Response {
    let number = |name| target.param(name).and_then(|v| v.parse::<u64>().ok()).unwrap_or(0);
    let filter = Filter {
        after: number("after"),
        before: number("before"),
        object: target.param("object"),
        key: target.param("key"),
        limit: usize::try_from(number("limit")).unwrap_or(usize::MAX),
    };
    serde_json::to_vec(&hold(&org.0.journal).list(&filter)).map_or_else(
        |error| refuse(500, error.to_string()),
        |body| Response::raw(200, "application/json;charset=UTF-8", body),
    )
}

/// What a person sees: what goes wrong, what was done.
fn page(org: &Org, now: Timestamp) -> Response {
    let (used, max) = hold(&org.0.limits).usage(now);
    let faults = match hold(&org.0.faults).list() {
        Value::Array(rules) if !rules.is_empty() => {
            rules.iter().map(|rule| format!("<li><code>{}</code>", escape(&rule.to_string()))).collect()
        }
        _ => "<li>none: everything works".to_owned(),
    };
    let journal = hold(&org.0.journal);
    let rows: String = journal
        .newest(200)
        .map(|e| {
            let cells = [
                e.seq.to_string(),
                e.at.to_rfc3339(),
                e.verb.to_owned(),
                e.object.clone(),
                e.id.clone(),
                e.key.clone().unwrap_or_default(),
                e.via.clone(),
                Value::Object(e.fields.clone()).to_string(),
            ];
            cells.iter().fold("<tr>".to_owned(), |row, cell| format!("{row}<td>{}", escape(cell)))
        })
        .collect();
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Simulated org</title>\
         <meta http-equiv=refresh content=5><style>body{{font:14px system-ui;margin:2em}}\
         table{{border-collapse:collapse}}td,th{{padding:.2em .6em;border-bottom:1px solid #ddd;\
         text-align:left;max-width:30em;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}}</style>\
         <h1>Simulated org</h1><p>{used} of {max} calls in 24 hours, {} effects.\
         <h2>Faults</h2><ul>{faults}</ul><p>Add one: <code>curl -d 'status=503,share=0.2' …/_org/faults</code>; \
         end all: <code>curl -X DELETE …/_org/faults</code>.\
         <h2>Journal, newest first</h2><table><tr><th>#<th>When<th>What<th>Object<th>Record<th>Key<th>By<th>Fields\
         {rows}</table></html>",
        journal.len(),
    );
    Response::raw(200, "text/html;charset=UTF-8", html)
}
