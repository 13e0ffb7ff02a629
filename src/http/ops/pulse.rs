//! The pulse of a process: its last hour in samples, and overviews sent to the pages that are open.
//!
//! One look serves every page: overviews are made once a second while somebody watches, and sent
//! only when they differ. Both the hour and what waits to be sent are of fixed size.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use axum::{Router, response::IntoResponse, response::Response};
use futures::Stream;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::overview::{self, Waiting};
use crate::budget::Usage;
use crate::clock;
use crate::http::App;
use crate::http::problem::Problem;
use crate::store::{Depth, StoreError};
use crate::telemetry::{self, Metric, Total};
use crate::time::Timestamp;

/// How often it is looked while a page watches.
const BEAT: Duration = Duration::from_secs(1);
/// How often a sample is kept, watched or not.
const SAMPLE: Duration = Duration::from_secs(10);
/// How many are kept: an hour.
const SAMPLES: usize = 360;
/// How old the grouping of dead letters may be where nothing says that it changed.
const REGROUP: Duration = Duration::from_secs(5);

pub(super) fn routes() -> Router<App> {
    Router::new().route("/events", get(events))
}

/// The pulse; clones are the same.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    latest: watch::Sender<Beat>,
    samples: Mutex<VecDeque<Sample>>,
}

#[derive(Clone, Debug, Default)]
struct Beat {
    /// The overview as JSON; empty before the first.
    text: Arc<str>,
    /// The process is going: streams end, so that it need not wait for them.
    ended: bool,
}

/// Ten seconds of the line.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// When it was taken.
    at: i64,
    /// Writes in the queue, those in flight among them; absent where the queue did not answer.
    depth: Option<u64>,
    /// How long the oldest has waited, in milliseconds; absent as the depth is.
    oldest_ms: Option<i64>,
    /// Calls to Salesforce since the sample before.
    calls: f64,
    /// Calls of the worker among them, and the records that they carried.
    batches: u64,
    /// See `batches`.
    records: f64,
    /// Writes accepted.
    accepted: f64,
    /// Reads answered from the cache.
    hits: f64,
    /// Reads for which Salesforce was asked.
    misses: f64,
    /// Reads answered with an old copy.
    stale: f64,
    /// Calls of contact flows that failed.
    failures: f64,
    /// The day's calls that were spent by then, as Salesforce tells; absent until it has.
    used: Option<u64>,
    /// What may be spent.
    limit: Option<u64>,
}

/// What the counters stood at when the sample before was taken.
type Stand = [Total; Metric::ALL.len()];

fn stand() -> Stand {
    Metric::ALL.map(telemetry::total)
}

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(Inner { latest: watch::channel(Beat::default()).0, samples: Mutex::default() }))
    }
}

impl Pulse {
    /// The last hour, oldest first.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        self.0.samples.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The oldest usage that is remembered.
    pub(super) fn first_usage(&self) -> Option<(Timestamp, Usage)> {
        let samples = self.0.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.iter().find_map(|sample| {
            let usage = Usage { used: sample.used?, limit: sample.limit? };
            Some((Timestamp::from_millis(sample.at), usage))
        })
    }

    /// Beats until `stopped` says so.
    pub async fn run(&self, app: &App, mut stopped: watch::Receiver<bool>) {
        let mut before = stand();
        let mut sampled = clock::Stopwatch::start();
        let mut grouped = Grouped::default();
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep(BEAT) => {}
            }
            if sampled.elapsed() >= SAMPLE {
                sampled = clock::Stopwatch::start();
                let after = stand();
                self.keep(sample(app, &before, &after, clock::now()).await);
                before = after;
            }
            if self.0.latest.receiver_count() > 0 {
                self.beat(app, &mut grouped).await;
            }
        }
        self.0.latest.send_modify(|beat| beat.ended = true);
    }

    fn keep(&self, sample: Sample) {
        let mut samples = self.0.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == SAMPLES {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    async fn beat(&self, app: &App, grouped: &mut Grouped) {
        let now = clock::now();
        let overview = overview::look(app, grouped.waiting(app, now).await, now).await;
        // Plain data: cannot fail.
        let text = serde_json::to_string(&overview).unwrap_or_default();
        self.0.latest.send_if_modified(|beat| {
            let differs = *beat.text != *text;
            if differs {
                beat.text = text.into();
            }
            differs
        });
    }

    fn stream(&self) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
        let mut receiver = self.0.latest.subscribe();
        // Whoever comes gets what stands.
        receiver.mark_changed();
        futures::stream::unfold(receiver, |mut receiver| async move {
            loop {
                receiver.changed().await.ok()?;
                let beat = receiver.borrow_and_update().clone();
                if beat.ended {
                    return None;
                }
                if !beat.text.is_empty() {
                    return Some((Ok(Event::default().event("overview").data(&*beat.text)), receiver));
                }
            }
        })
    }
}

/// What needs a person, looked at again when a dead letter was counted here or some seconds passed.
#[derive(Debug, Default)]
struct Grouped {
    last: Option<(Timestamp, u64, Waiting)>,
}

impl Grouped {
    async fn waiting(&mut self, app: &App, now: Timestamp) -> Result<Waiting, StoreError> {
        let counted = telemetry::total(Metric::DeadLetters).count + telemetry::total(Metric::InDoubt).count;
        if let Some((at, then, waiting)) = &self.last
            && *then == counted
            && now.since(*at) < REGROUP
        {
            return Ok(waiting.clone());
        }
        let waiting = overview::waiting(app, now).await?;
        self.last = Some((now, counted, waiting.clone()));
        Ok(waiting)
    }
}

async fn sample(app: &App, before: &Stand, after: &Stand, now: Timestamp) -> Sample {
    let of = |metric: Metric| {
        let (before, after) = (before[metric as usize], after[metric as usize]);
        (after.count - before.count, after.sum - before.sum)
    };
    let sum = |metric: Metric| of(metric).1;
    let queue = app.service.stores().and_then(|stores| stores.queue.clone());
    let depth = match queue {
        Some(queue) => queue.depth(now).await.ok(),
        None => None,
    };
    let waited = |depth: Depth| depth.oldest.map_or(0, |at| (now.as_millis() - at.as_millis()).max(0));
    let usage = app.service.client().and_then(crate::salesforce::Client::usage);
    let (batches, records) = of(Metric::RecordsPerCall);
    Sample {
        at: now.as_millis(),
        depth: depth.map(|depth| depth.visible + depth.in_flight),
        oldest_ms: depth.map(waited),
        calls: sum(Metric::ApiCalls),
        batches,
        records,
        accepted: sum(Metric::Accepted),
        hits: sum(Metric::CacheHits),
        misses: sum(Metric::CacheMisses),
        stale: sum(Metric::StaleReplies),
        failures: sum(Metric::Failures),
        used: usage.map(|usage| usage.used),
        limit: usage.map(|usage| usage.limit),
    }
}

/// Overviews as they change, as server-sent events named `overview`.
#[utoipa::path(get, path = "/events", tag = "line", operation_id = "live", responses((status = 200, content_type = "text/event-stream", body = String, description = "each event's data is an Overview"), (status = 404, description = "not here: ask /overview now and then")))]
pub async fn events(State(app): State<App>) -> Result<Response, Problem> {
    let Some(pulse) = &app.pulse else {
        return Err(Problem::not_found("No stream is kept open here; ask GET /api/overview now and then."));
    };
    Ok(Sse::new(pulse.stream()).keep_alive(KeepAlive::default()).into_response())
}
