//! Which path is which resource, and the small ones: versions, limits, identity, recent.

use serde_json::{Map, Value, json};

use crate::org::ask::{Answer, Ask, Call, Said, not_allowed};
use crate::org::call::VERSIONS;
use crate::org::data::{Context, Tx};
use crate::org::error::OrgError;
use crate::org::wire::{Method, Request, Response, Target};
use crate::org::{Inner, auth, batch, chatter, collections, composite, graph, hold, query, rows, tree};
use crate::time::Timestamp;

/// Answers a question to the REST interface.
pub(super) fn answer(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Said {
    route(call, tx, ask).unwrap_or_else(|refusal| Said::refused(&refusal.0))
}

fn route(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Answer {
    let path = ask.path();
    let reads = matches!(ask.method, Method::Get | Method::Head);
    match path.as_slice() {
        ["sobjects", rest @ ..] => rows::answer(call, tx, ask, rest),
        ["query" | "queryAll", rest @ ..] if reads => query::answer(call, tx, ask, rest),
        ["search"] if reads => query::search(call, tx, ask),
        ["parameterizedSearch"] if reads || ask.method == Method::Post => query::parameterized(call, tx, ask),
        ["composite"] if ask.method == Method::Post => composite::answer(call, tx, ask),
        ["composite", "sobjects", rest @ ..] => collections::answer(call, tx, ask, rest),
        ["composite", "tree", object] if ask.method == Method::Post => tree::answer(call, tx, ask, object),
        ["composite", "graph"] if ask.method == Method::Post => graph::answer(call, tx, ask),
        ["composite", "batch"] | ["connect", "batch"] if ask.method == Method::Post => {
            batch::answer(call, tx, ask)
        }
        ["chatter", rest @ ..] => chatter::answer(call, tx, ask, rest),
        [] if reads => Ok(Said::ok(resources(call, ask))),
        ["composite"] if reads => {
            let url = |name: &str| format!("{}/composite/{name}", ask.root());
            Ok(Said::ok(
                json!({"tree": url("tree"), "batch": url("batch"), "sobjects": url("sobjects"), "graph": url("graph")}),
            ))
        }
        ["limits"] if reads => Ok(Said::ok(limits(call))),
        ["recent"] if reads => Ok(Said::ok(recent(call, tx, ask, None))),
        ["tabs"] if reads => Ok(Said::ok(tabs(call, tx, ask))),
        ["theme"] if reads => Ok(Said::ok(theme(tx))),
        [] | ["query" | "queryAll" | "limits" | "recent" | "tabs" | "theme" | "search", ..] => {
            Err(not_allowed(ask.method, "HEAD,GET"))
        }
        ["parameterizedSearch"] => Err(not_allowed(ask.method, "HEAD,GET,POST")),
        ["composite"] => Err(not_allowed(ask.method, "HEAD,GET,POST")),
        ["composite", "batch" | "graph" | "tree", ..] | ["connect", "batch"] => {
            Err(not_allowed(ask.method, "POST"))
        }
        _ => Err(OrgError::not_found().into()),
    }
}

/// `GET /services/data`, which needs no session.
pub(super) fn versions() -> Value {
    let release = |version: u32| {
        let (season, year) = match version % 3 {
            0 => ("Spring", version / 3 + 4),
            1 => ("Summer", version / 3 + 4),
            _ => ("Winter", version / 3 + 5),
        };
        format!("{season} '{year}")
    };
    VERSIONS
        .map(|v| json!({"label": release(v), "url": format!("/services/data/v{v}.0"), "version": format!("{v}.0")}))
        .collect()
}

fn resources(call: &Call<'_>, ask: &Ask<'_>) -> Value {
    let identity = hold(&call.org.auth).identity().clone();
    let mut map: Map<String, Value> = [
        "tabs",
        "chatter",
        "query",
        "queryAll",
        "search",
        "parameterizedSearch",
        "composite",
        "limits",
        "recent",
        "sobjects",
        "theme",
        "connect",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), Value::from(format!("{}/{name}", ask.root()))))
    .collect();
    map.insert(
        "identity".to_owned(),
        format!("{}/id/{}/{}", call.base, identity.org_id, identity.user_id).into(),
    );
    Value::Object(map)
}

fn limits(call: &Call<'_>) -> Value {
    let (used, max) = hold(&call.org.limits).usage(call.context.now);
    let mut out = json!({"DailyApiRequests": {"Max": max, "Remaining": max.saturating_sub(used)}});
    for (name, max) in [
        ("ActiveScratchOrgs", 3_u64),
        ("ConcurrentAsyncGetReportInstances", 200),
        ("ConcurrentSyncReportRuns", 20),
        ("DailyAsyncApexExecutions", 250_000),
        ("DailyBulkApiBatches", 15_000),
        ("DailyBulkV2QueryFileStorageMB", 976_562),
        ("DailyBulkV2QueryJobs", 10_000),
        ("DailyDurableStreamingApiEvents", 10_000),
        ("DailyGenericStreamingApiEvents", 10_000),
        ("DailyStandardVolumePlatformEvents", 10_000),
        ("DailyStreamingApiEvents", 10_000),
        ("DailyWorkflowEmails", 100_000),
        ("DataStorageMB", 1_024),
        ("FileStorageMB", 1_024),
        ("HourlyAsyncReportRuns", 1_200),
        ("HourlyDashboardRefreshes", 200),
        ("HourlyLongTermIdMapping", 100_000),
        ("HourlyODataCallout", 1_000),
        ("HourlyPublishedPlatformEvents", 50_000),
        ("HourlySyncReportRuns", 500),
        ("HourlyTimeBasedWorkflow", 1_000),
        ("MassEmail", 5_000),
        ("SingleEmail", 5_000),
        ("StreamingApiConcurrentClients", 20),
    ] {
        out[name] = json!({"Max": max, "Remaining": max});
    }
    out
}

/// Records that were lately opened to be looked at, newest first, of one object or of all.
pub(super) fn recent(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, object: Option<&str>) -> Value {
    let limit = ask.target.param("limit").and_then(|l| l.parse().ok()).unwrap_or(200);
    let ctx = call.context(ask);
    let seen = hold(&call.org.recent);
    seen.iter()
        .filter(|(name, _)| object.is_none_or(|o| o.eq_ignore_ascii_case(name)))
        .filter_map(|(name, id)| {
            let label = tx.schema.object(name)?.name_field()?.name.clone();
            tx.retrieve(&ctx, name, id, Some(&["Id", &label])).ok()
        })
        .take(limit)
        .collect()
}

fn tabs(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Value {
    tx.schema
        .objects()
        .iter()
        .filter(|o| o.writable && o.searchable)
        .map(|o| {
            json!({
                "colors": [], "custom": o.custom, "iconUrl": "", "icons": [], "label": o.label_plural,
                "miniIconUrl": "", "name": format!("standard-{}", o.name), "sobjectName": o.name,
                "url": format!("{}/{}/o", call.base, o.prefix), "mobileUrl": format!("{}/sobjects/{}", ask.root(), o.name),
            })
        })
        .collect()
}

fn theme(tx: &Tx<'_>) -> Value {
    let items: Vec<Value> = tx
        .schema()
        .objects()
        .iter()
        .map(|o| {
            let color = json!({"color": "1797C0", "context": "primary", "theme": "theme4"});
            json!({"name": o.name, "colors": [color], "icons": []})
        })
        .collect();
    json!({"themeItems": items})
}

/// Who the session belongs to; the token may stand in a header or a parameter.
pub(super) fn identity(
    org: &Inner,
    request: &Request,
    target: &Target,
    base: &str,
    now: Timestamp,
) -> Response {
    let token = auth::bearer(request).or_else(|| target.param("oauth_token")).unwrap_or_default();
    let (known, who) = {
        let mut auth = hold(&org.auth);
        (auth.session(token, now).is_some(), auth.identity().clone())
    };
    if !known {
        return Response::raw(403, "text/html;charset=UTF-8", "Bad_OAuth_Token");
    }
    let ctx = Context { now, ..org.context.clone() };
    let user = org.data.read(|tx| tx.retrieve(&ctx, "User", &who.user_id, None)).unwrap_or_default();
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    if target.segments.first().is_some_and(|s| s == "services") {
        return Response::json(
            200,
            &json!({
                "sub": format!("{base}/id/{}/{}", who.org_id, who.user_id),
                "user_id": who.user_id, "organization_id": who.org_id,
                "preferred_username": who.username, "name": text("Name"), "email": text("Email"),
                "email_verified": true, "given_name": text("FirstName"), "family_name": text("LastName"),
                "zoneinfo": text("TimeZoneSidKey"), "active": true, "user_type": "STANDARD",
            }),
        );
    }
    let photo = |size: &str| format!("{base}/profilephoto/005/{size}");
    let urls: Map<String, Value> = [
        ("rest", ""),
        ("sobjects", "sobjects/"),
        ("search", "search/"),
        ("query", "query/"),
        ("recent", "recent/"),
        ("feeds", "chatter/feeds"),
        ("groups", "chatter/groups"),
        ("users", "chatter/users"),
        ("feed_items", "chatter/feed-items"),
        ("feed_elements", "chatter/feed-elements"),
    ]
    .into_iter()
    .map(|(name, path)| (name.to_owned(), Value::from(format!("{base}/services/data/v{{version}}/{path}"))))
    .collect();
    Response::json(
        200,
        &json!({
            "id": format!("https://login.salesforce.com/id/{}/{}", who.org_id, who.user_id),
            "asserted_user": true, "user_id": who.user_id, "organization_id": who.org_id,
            "username": who.username, "nick_name": text("CommunityNickname"), "display_name": text("Name"),
            "email": text("Email"), "email_verified": true,
            "first_name": text("FirstName"), "last_name": text("LastName"), "timezone": text("TimeZoneSidKey"),
            "photos": {"picture": photo("F"), "thumbnail": photo("T")},
            "status": {"created_date": null, "body": null}, "urls": urls, "active": true,
            "user_type": "STANDARD", "language": "en_US", "locale": "en_US", "utcOffset": -28_800_000,
            "last_modified_date": user["LastModifiedDate"], "is_app_installed": true,
        }),
    )
}
