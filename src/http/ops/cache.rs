//! The read cache: what it may answer, how often it did, and how a copy is forgotten.

use axum::{
    Extension, Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock;
use crate::event::is_record_id;
use crate::http::App;
use crate::http::guard::Caller;
use crate::http::problem::Problem;
use crate::row::Key;
use crate::telemetry::{self, Metric};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/cache", get(cache)).route("/cache/forget", post(forget))
}

/// The read cache.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CacheView {
    /// Why the table does not answer; absent where it does. Reads go on without it.
    trouble: Option<String>,
    /// Whether Salesforce failed so lately that old answers are given without asking.
    salesforce_down: bool,
    /// Answers in this process's memory.
    held: usize,
    /// The most it may hold.
    held_most: usize,
    /// How long an answer is as good as new, in seconds.
    fresh_secs: u64,
    /// The same for single objects.
    objects: Vec<ObjectAge>,
    /// How long an answer may stand in while Salesforce gives none, in seconds.
    stale_secs: u64,
    /// How long it is remembered that nobody matched, in seconds.
    negative_secs: u64,
    /// Reads that the cache answered, since the start of this process.
    hits: f64,
    /// Reads for which Salesforce was asked.
    misses: f64,
    /// Reads answered with an old copy.
    stale: f64,
}

/// How long answers about one object are as good as new.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectAge {
    /// The object, in lower case.
    object: String,
    /// In seconds.
    fresh_secs: u64,
}

/// What shall be forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forget {
    /// The record's Id, of 15 or 18 characters.
    record: String,
}

/// A record of which older copies are given no more.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forgotten {
    /// The record's Id.
    record: String,
    /// Copies asked for before this are refused.
    at: i64,
}

/// What the cache may answer and how often it did.
#[utoipa::path(get, path = "/cache", tag = "cache", responses((status = 200, body = CacheView), (status = 404, description = "there is no cache")))]
pub async fn cache(State(app): State<App>) -> Result<Json<CacheView>, Problem> {
    let (Some(reads), Some(config)) = (app.service.reads(), app.service.config()) else {
        return Err(none());
    };
    let table = app.service.stores().and_then(|stores| stores.cache.clone()).ok_or_else(none)?;
    let nowhere = Key { partition: "console".to_owned(), sort: "console".to_owned() };
    let trouble = table.get(&nowhere, clock::now()).await.err().map(|error| error.to_string());
    let sum = |metric| telemetry::total(metric).sum;
    let (held, held_most) = reads.held();
    let settings = &config.read;
    Ok(Json(CacheView {
        trouble,
        salesforce_down: reads.doubts_salesforce(),
        held,
        held_most,
        fresh_secs: settings.fresh.as_secs(),
        objects: settings
            .objects
            .iter()
            .map(|(object, fresh)| ObjectAge { object: object.clone(), fresh_secs: fresh.as_secs() })
            .collect(),
        stale_secs: settings.stale.as_secs(),
        negative_secs: settings.negative.as_secs(),
        hits: sum(Metric::CacheHits),
        misses: sum(Metric::CacheMisses),
        stale: sum(Metric::StaleReplies),
    }))
}

/// Refuses every copy of a record that was asked for before now, in the whole fleet, also where it would
/// stand in while Salesforce gives no answer: for when it was changed by somebody else than Tieline and a
/// caller must not hear the old value. Other processes answer from memory for 1.5 s more.
#[utoipa::path(post, path = "/cache/forget", tag = "cache", request_body = Forget, responses((status = 200, body = Forgotten), (status = 400, description = "that is no record's Id"), (status = 404, description = "there is no cache"), (status = 503, description = "the cache table did not take it: copies may still be given")))]
pub async fn forget(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(asked): Json<Forget>,
) -> Result<Json<Forgotten>, Problem> {
    let record = asked.record.trim().to_owned();
    if !is_record_id(&record) {
        return Err(Problem::bad_request("`record` is a Salesforce Id: 15 or 18 letters and digits."));
    }
    let reads = app.service.reads().filter(|reads| reads.caches()).ok_or_else(none)?;
    let now = clock::now();
    if !reads.forget(&record).await {
        return Err(Problem::unavailable(
            "The cache table did not take it, so copies of the record may still be given. Look with Doctor whether the table answers, then forget the record again.",
        ));
    }
    if let Ok(desk) = super::repair::desk(&app, &caller) {
        desk.note(&format!("made the cache forget {record}"), now).await?;
    }
    Ok(Json(Forgotten { record, at: now.as_millis() }))
}

fn none() -> Problem {
    Problem::not_found("There is no cache here: every read asks Salesforce. TIELINE_CACHE_TABLE adds one.")
}
