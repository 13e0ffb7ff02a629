//! How the line runs: what waits, what needs a person, the settings in force; pause and resume.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::State,
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::clock;
use crate::http::App;
use crate::http::problem::Problem;
use crate::lambda::Stores;
use crate::outcome::rows::{self, DeadLetter};
use crate::store::{StoreError, Table};
use crate::telemetry::{self, Metric};

/// The most dead letters that one overview groups; beyond it the counts say "at least".
const GROUPED: usize = 2_000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/overview", get(overview))
        .route("/settings", get(settings))
        .route("/worker", get(worker))
        .route("/worker/pause", post(pause))
        .route("/worker/resume", post(resume))
}

/// Stops and starts the worker of this process. What is under way is finished first.
#[derive(Clone, Debug)]
pub struct Switch(watch::Sender<bool>);

impl Switch {
    /// A switch, and what the worker's driver watches: `true` while it shall run.
    #[must_use]
    pub fn new() -> (Self, watch::Receiver<bool>) {
        let (sender, receiver) = watch::channel(true);
        (Self(sender), receiver)
    }

    fn runs(&self) -> bool {
        *self.0.borrow()
    }
}

/// One look at the whole line.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Whether writes are accepted asynchronously, and the queue answers.
    accepting: bool,
    /// Why not, in words.
    trouble: Option<String>,
    /// The queue; absent where there is none or it does not answer.
    queue: Option<QueueView>,
    /// Dead letters by object, code and field, most first: what needs a person.
    dead: Vec<Signature>,
    /// Whether there are more dead letters than were grouped.
    dead_more: bool,
    /// Writes in doubt, up to 200.
    doubt: usize,
    /// The worker of this process; absent where it runs elsewhere.
    worker: Option<WorkerView>,
    /// What this process has counted since it started.
    counted: Vec<Counted>,
    /// The part of the rolling daily allowance that is used, as last seen.
    usage_percent: Option<f64>,
}

/// How much waits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueView {
    /// Waiting to be delivered.
    waiting: u64,
    /// Held by workers, or hidden until their next attempt.
    in_flight: u64,
}

/// Dead letters that look alike.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// The object.
    object: String,
    /// The code.
    code: String,
    /// The fields that Salesforce names.
    fields: Vec<String>,
    /// One of the messages.
    message: String,
    /// How many.
    count: usize,
    /// When the newest died.
    newest: i64,
}

/// The worker of this process.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerView {
    /// Whether it takes writes out of the queue.
    running: bool,
}

/// A metric of this process.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Its name, as in CloudWatch.
    name: &'static str,
    /// How often it was counted.
    count: u64,
    /// The sum.
    sum: f64,
    /// The last value.
    last: f64,
}

/// One setting in force.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// The variable.
    name: String,
    /// Its value, never a secret.
    value: String,
}

/// What waits, what needs a person, what was counted.
#[utoipa::path(get, path = "/overview", responses((status = 200, body = Overview)))]
pub async fn overview(State(app): State<App>) -> Json<Overview> {
    let now = clock::now();
    let none = Stores::default();
    let stores = app.service.stores().unwrap_or(&none);
    let depth = match &stores.queue {
        Some(queue) => queue.depth(now).await.map(Some),
        None => Ok(None),
    };
    let (dead, dead_more, doubt) = match &stores.state {
        Some(state) => waiting(state.as_ref()).await,
        None => Ok((Vec::new(), false, 0)),
    }
    .unwrap_or_default();
    let trouble = match &depth {
        Ok(Some(_)) => None,
        Ok(None) => Some("There is no queue: writes are carried out before the reply. Set TIELINE_QUEUE_URL and TIELINE_STATE_TABLE to accept them.".to_owned()),
        Err(error) => Some(format!("The queue does not answer: {error}. Writes are refused until it does; nothing accepted is lost.")),
    };
    let usage = telemetry::total(Metric::ApiUsagePercent);
    Json(Overview {
        accepting: trouble.is_none(),
        trouble,
        queue: depth.ok().flatten().map(|d| QueueView { waiting: d.visible, in_flight: d.in_flight }),
        dead,
        dead_more,
        doubt,
        worker: app.worker.as_ref().map(|w| WorkerView { running: w.runs() }),
        counted: counted().collect(),
        usage_percent: (usage.count > 0).then_some(usage.last),
    })
}

/// Dead letters grouped, whether there are more, and how many writes are in doubt.
async fn waiting(state: &dyn Table) -> Result<(Vec<Signature>, bool, usize), StoreError> {
    let now = clock::now();
    let mut groups: BTreeMap<(String, String, Vec<String>), Signature> = BTreeMap::new();
    let rows = state.list_index(rows::DEAD_INDEX, None, true, GROUPED, now).await?;
    let more = rows.len() == GROUPED;
    for letter in rows.iter().filter_map(|row| DeadLetter::from_row(row).ok()) {
        let at = letter.failed_at.as_millis();
        let view = super::view::DeadLetterView::from(letter);
        let key = (view.object.clone(), view.error.code.clone(), view.error.fields.clone());
        groups.entry(key).and_modify(|s| s.count += 1).or_insert_with(|| Signature {
            object: view.object,
            code: view.error.code,
            fields: view.error.fields,
            message: view.error.message,
            count: 1,
            newest: at,
        });
    }
    let mut dead: Vec<Signature> = groups.into_values().collect();
    dead.sort_by(|a, b| b.count.cmp(&a.count).then(b.newest.cmp(&a.newest)));
    let doubt = state.list_index(rows::DOUBT_INDEX, None, false, 200, now).await?.len();
    Ok((dead, more, doubt))
}

fn counted() -> impl Iterator<Item = Counted> {
    Metric::ALL.into_iter().map(|metric| {
        let total = telemetry::total(metric);
        Counted { name: metric.name(), count: total.count, sum: total.sum, last: total.last }
    })
}

/// The configuration in force, without secrets.
#[utoipa::path(get, path = "/settings", responses((status = 200, body = Vec<Setting>)))]
pub async fn settings(State(app): State<App>) -> Json<Vec<Setting>> {
    let in_force = app.service.config().map(crate::config::Config::in_force).unwrap_or_default();
    Json(in_force.into_iter().map(|(name, value)| Setting { name: name.to_owned(), value }).collect())
}

/// Whether the worker of this process runs.
#[utoipa::path(get, path = "/worker", responses((status = 200, body = WorkerView), (status = 404, description = "it runs elsewhere")))]
pub async fn worker(State(app): State<App>) -> Result<Json<WorkerView>, Problem> {
    Ok(Json(WorkerView { running: switch(&app)?.runs() }))
}

/// Lets the worker finish what is under way and take no more. Accepting goes on.
#[utoipa::path(post, path = "/worker/pause", responses((status = 200, body = WorkerView), (status = 404)))]
pub async fn pause(State(app): State<App>) -> Result<Json<WorkerView>, Problem> {
    turn(&app, false)
}

/// Lets the worker go on.
#[utoipa::path(post, path = "/worker/resume", responses((status = 200, body = WorkerView), (status = 404)))]
pub async fn resume(State(app): State<App>) -> Result<Json<WorkerView>, Problem> {
    turn(&app, true)
}

fn turn(app: &App, on: bool) -> Result<Json<WorkerView>, Problem> {
    let switch = switch(app)?;
    switch.0.send_replace(on);
    Ok(Json(WorkerView { running: on }))
}

fn switch(app: &App) -> Result<&Switch, Problem> {
    app.worker.as_ref().ok_or_else(|| {
        Problem::not_found("The worker runs in another process. On AWS, disable its event source mapping, or scale its service to zero.")
    })
}

/// What this process has counted, in the text form that Prometheus reads. Needs no token: it names
/// no contact and no record.
pub(in crate::http) async fn metrics() -> impl IntoResponse {
    let mut text = String::new();
    for c in counted() {
        let name = c.name;
        text.push_str(&format!(
            "# TYPE tieline_{name} summary\ntieline_{name}_sum {}\ntieline_{name}_count {}\n",
            c.sum, c.count
        ));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
