//! The worker's switch, the settings in force, the doctor's checks, the counters.

#![expect(unused_qualifications, reason = "utoipa's macros spell the types of parameters in full")]

use axum::{
    Extension, Json, Router,
    extract::{Query, State},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

use crate::clock;
use crate::config::{Config, VARIABLES, Variable};
use crate::doctor::{self, Check};
use crate::http::App;
use crate::http::guard::Caller;
use crate::http::problem::Problem;
use crate::lambda::Stores;
use crate::telemetry::{self, Metric};
use crate::worker::{Halt, Worker};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/settings", get(settings))
        .route("/doctor", get(doctor))
        .route("/worker", get(worker))
        .route("/worker/pause", post(pause))
        .route("/worker/resume", post(resume))
}

/// Stops and starts the worker of this process. What is under way is finished first.
#[derive(Clone, Debug)]
pub struct Switch {
    on: watch::Sender<bool>,
    worker: Worker,
}

impl Switch {
    /// A switch for a worker, and what its driver watches: `true` while it shall run.
    #[must_use]
    pub fn new(worker: Worker) -> (Self, watch::Receiver<bool>) {
        let (on, receiver) = watch::channel(true);
        (Self { on, worker }, receiver)
    }

    pub(super) fn view(&self) -> WorkerView {
        WorkerView { running: *self.on.borrow() }
    }

    pub(super) fn halt(&self) -> Option<Halt> {
        self.worker.halt()
    }
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
    name: &'static str,
    /// What holds, never a secret; absent where nothing does.
    value: Option<String>,
    /// Whether the environment gives it.
    given: bool,
    /// What holds where it is not given; Markdown.
    default: &'static str,
    /// What it means; Markdown.
    meaning: &'static str,
}

/// What the doctor shall look at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Examine {
    /// Objects that flows write or read, behind commas; Contact, Case and Task if none are named.
    objects: Option<String>,
    /// Fields that flows write or read, behind commas: `Case.Origin`.
    fields: Option<String>,
    /// The deployed function, name or ARN: may Amazon Connect invoke it?
    function: Option<String>,
}

pub(super) fn counted() -> impl Iterator<Item = Counted> {
    Metric::ALL.into_iter().map(|metric| {
        let total = telemetry::total(metric);
        Counted { name: metric.name(), count: total.count, sum: total.sum, last: total.last }
    })
}

/// Every variable with what is in force, without secrets.
#[utoipa::path(get, path = "/settings", tag = "line", responses((status = 200, body = Vec<Setting>)))]
pub async fn settings(State(app): State<App>) -> Json<Vec<Setting>> {
    let Some(config) = app.service.config() else { return Json(Vec::new()) };
    let stores = app.service.stores().cloned().unwrap_or_default();
    Json(VARIABLES.iter().map(|variable| setting(variable, config, &stores)).collect())
}

fn setting(variable: &Variable, config: &Config, stores: &Stores) -> Setting {
    let &Variable { name, default, meaning } = variable;
    let given = config.given.get(name).cloned();
    // Local mode keeps in its folder what the environment names no place for.
    let in_folder = match name {
        "TIELINE_STATE_TABLE" => stores.state.is_some(),
        "TIELINE_CACHE_TABLE" => stores.cache.is_some(),
        "TIELINE_QUEUE_URL" => stores.queue.is_some(),
        "TIELINE_DLQ_URL" => stores.letters.is_some(),
        _ => false,
    };
    let value = match &given {
        Some(given) => Some(given.clone()),
        None if in_folder => Some("in this machine's folder".to_owned()),
        None => config.in_force().into_iter().find(|(n, v)| *n == name && v != "none").map(|(_, v)| v),
    };
    Setting { name, value, given: given.is_some(), default, meaning }
}

/// Looks at the whole set-up: what is wrong, why, and what cures it. Costs a few calls to Salesforce.
#[utoipa::path(get, path = "/doctor", tag = "line", params(Examine), responses((status = 200, body = Vec<Check>)))]
pub async fn doctor(State(app): State<App>, Query(asked): Query<Examine>) -> Json<Vec<Check>> {
    let names = |text: Option<String>| -> Vec<String> {
        let text = text.unwrap_or_default();
        text.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect()
    };
    let mut objects = names(asked.objects);
    if objects.is_empty() {
        objects = doctor::OBJECTS.map(str::to_owned).to_vec();
    }
    let asked = doctor::Asked { objects, fields: names(asked.fields), function: asked.function };
    Json(doctor::examine(&app.service, &asked).await)
}

/// Whether the worker of this process runs.
#[utoipa::path(get, path = "/worker", tag = "line", responses((status = 200, body = WorkerView), (status = 404, description = "it runs elsewhere")))]
pub async fn worker(State(app): State<App>) -> Result<Json<WorkerView>, Problem> {
    Ok(Json(switch(&app)?.view()))
}

/// Lets the worker finish what is under way and take no more. Accepting goes on.
#[utoipa::path(post, path = "/worker/pause", tag = "line", responses((status = 200, body = WorkerView), (status = 404)))]
pub async fn pause(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<WorkerView>, Problem> {
    turn(&app, &caller, false).await
}

/// Lets the worker go on.
#[utoipa::path(post, path = "/worker/resume", tag = "line", responses((status = 200, body = WorkerView), (status = 404)))]
pub async fn resume(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<WorkerView>, Problem> {
    turn(&app, &caller, true).await
}

/// Turning it twice is turning it once. What cannot be noted in the history is done all the same:
/// whoever pauses a line whose table is down means it.
async fn turn(app: &App, caller: &Caller, on: bool) -> Result<Json<WorkerView>, Problem> {
    let switch = switch(app)?;
    if switch.on.send_replace(on) != on
        && let Ok(desk) = super::repair::desk(app, caller)
    {
        let what = if on { "resumed the worker" } else { "paused the worker" };
        if let Err(error) = desk.note(what, clock::now()).await {
            tracing::warn!("{what}, but the history cannot be written: {error}");
        }
    }
    Ok(Json(switch.view()))
}

fn switch(app: &App) -> Result<&Switch, Problem> {
    app.worker.as_ref().ok_or_else(|| {
        Problem::not_found("The worker runs in another process. On AWS, disable its event source mapping, or scale its service to zero.")
    })
}
