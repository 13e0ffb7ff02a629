//! One look at the whole line: what waits, what needs a person, what the day's calls allow.

use std::collections::BTreeMap;

use axum::{Json, Router, extract::State, routing::get};
use serde::Serialize;
use utoipa::ToSchema;

use super::line::{Counted, WorkerView, counted};
use super::pulse::Sample;
use super::view::ErrorView;
use crate::budget::{self, health::Health};
use crate::clock;
use crate::dispatch::Closed;
use crate::http::App;
use crate::http::problem::Problem;
use crate::lambda::Stores;
use crate::outcome::Reason;
use crate::outcome::rows::{self, DeadLetter};
use crate::salesforce::Client;
use crate::store::{Depth, StoreError, Table};
use crate::time::Timestamp;
use crate::worker::Halt;

/// The most dead letters that one overview groups; beyond it the counts say "at least".
const GROUPED: usize = 2_000;
/// The most writes in doubt that are counted.
const DOUBTED: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/overview", get(overview))
        .route("/queue", get(queue))
        .route("/budget", get(budget))
        .route("/series", get(series))
}

/// One look at the whole line.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Whether writes are accepted asynchronously, and the queue answers.
    accepting: bool,
    /// What does not answer or is not there, in words; empty where all is well.
    troubles: Vec<String>,
    /// The queue; absent where there is none or it does not answer.
    queue: Option<QueueView>,
    /// Why writes are not sent; absent where nothing holds them.
    halt: Option<HaltView>,
    /// What needs a person.
    #[serde(flatten)]
    waiting: Waiting,
    /// The worker of this process; absent where it runs elsewhere.
    worker: Option<WorkerView>,
    /// What this process has counted since it started.
    counted: Vec<Counted>,
    /// The day's calls; absent until Salesforce has told of them.
    budget: Option<BudgetView>,
}

/// Why nothing but now and then a probe is sent to Salesforce.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HaltView {
    /// `failing` (calls fail as a whole, or are not answered), `daily` (the day's calls are used up),
    /// `throttled` (another limit: moments), `ours` (credentials, endpoint, configuration: a person).
    why: &'static str,
    /// What the last call met; absent where a reader in another process met it.
    error: Option<ErrorView>,
    /// When one write is sent to see whether it is over; absent where another process knows.
    next_at: Option<i64>,
}

impl From<Halt> for HaltView {
    fn from(halt: Halt) -> Self {
        let why = match halt.why {
            Closed::Failing => "failing",
            Closed::Daily => "daily",
            Closed::Throttled => "throttled",
            Closed::Ours => "ours",
        };
        Self { why, error: halt.fault.map(ErrorView::from), next_at: Some(halt.next_at.as_millis()) }
    }
}

/// What needs a person.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Dead letters by object, code and field: what needs a person first comes first. Absent where
    /// nobody can tell: there is no state table, or it does not answer.
    dead: Option<Vec<Signature>>,
    /// Whether there are more dead letters than were grouped.
    dead_more: bool,
    /// Writes in doubt, up to 200; absent where nobody can tell.
    doubt: Option<usize>,
}

/// How much waits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueView {
    /// Waiting to be delivered.
    waiting: u64,
    /// Held by workers, or hidden until their next attempt.
    in_flight: u64,
    /// When the oldest of them was accepted; on AWS CloudWatch tells it (`ApproximateAgeOfOldestMessage`).
    oldest_at: Option<i64>,
}

impl From<Depth> for QueueView {
    fn from(depth: Depth) -> Self {
        Self {
            waiting: depth.visible,
            in_flight: depth.in_flight,
            oldest_at: depth.oldest.map(Timestamp::as_millis),
        }
    }
}

/// The queue, and its own dead-letter queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queues {
    /// Accepted writes.
    writes: QueueView,
    /// Messages that killed the worker again and again; the worker turns them into dead letters.
    dead: Option<QueueView>,
}

/// Dead letters that look alike.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// The object.
    object: String,
    /// The code.
    code: String,
    /// The fields that Salesforce names.
    fields: Vec<String>,
    /// Why they are dead.
    reason: String,
    /// One of the messages.
    message: String,
    /// How many.
    count: usize,
    /// When the newest died.
    newest: i64,
    /// Whether they follow another dead write by themselves when that is replayed.
    follows: bool,
}

/// The day's calls to Salesforce, by everybody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetView {
    /// Spent in the last 24 hours.
    used: u64,
    /// What may be.
    limit: u64,
    /// The part that is used.
    percent: f64,
    /// How many an hour it rises by; absent until it was watched for five minutes.
    per_hour: Option<f64>,
    /// When writes stop if it goes on rising so; absent where the day's calls last.
    stops_at: Option<i64>,
    /// Calls a second that writes may make now; absent where nothing slows them.
    rate: Option<f64>,
    /// Whether reads may still ask Salesforce.
    reads: bool,
}

/// What waits, what needs a person, what was counted.
#[utoipa::path(get, path = "/overview", tag = "line", responses((status = 200, body = Overview)))]
pub async fn overview(State(app): State<App>) -> Json<Overview> {
    let now = clock::now();
    let waiting = waiting(&app, now).await;
    Json(look(&app, waiting, now).await)
}

/// How much waits in the queue, and since when.
#[utoipa::path(get, path = "/queue", tag = "line", responses((status = 200, body = Queues), (status = 404, description = "there is no queue"), (status = 503)))]
pub async fn queue(State(app): State<App>) -> Result<Json<Queues>, Problem> {
    let now = clock::now();
    let stores = app.service.stores().cloned().unwrap_or_default();
    let Some(queue) = stores.queue else { return Err(Problem::not_found(NO_QUEUE)) };
    let dead = match stores.letters {
        Some(letters) => Some(letters.depth(now).await?.into()),
        None => None,
    };
    Ok(Json(Queues { writes: queue.depth(now).await?.into(), dead }))
}

/// The day's calls: spent, allowed, and when writes would stop at this pace.
#[utoipa::path(get, path = "/budget", tag = "line", responses((status = 200, body = BudgetView), (status = 404, description = "Salesforce has not told of them yet"), (status = 503)))]
pub async fn budget(State(app): State<App>) -> Result<Json<BudgetView>, Problem> {
    let now = clock::now();
    let known = match spent(&app, Health::default(), now) {
        Some(own) => Some(own),
        None => spent(&app, health(&app, now).await?, now),
    };
    known.map(Json).ok_or_else(|| {
        Problem::not_found(
            "Salesforce has not told of the day's calls yet; the next call tells, and so does GET /api/doctor.",
        )
    })
}

/// The last hour of this process, a sample every ten seconds, oldest first; empty in Lambda, where
/// CloudWatch keeps it.
#[utoipa::path(get, path = "/series", tag = "line", responses((status = 200, body = Vec<Sample>)))]
pub async fn series(State(app): State<App>) -> Json<Vec<Sample>> {
    Json(app.pulse.as_ref().map(super::pulse::Pulse::samples).unwrap_or_default())
}

const NO_QUEUE: &str = "There is no queue: writes are carried out before the reply. Set TIELINE_QUEUE_URL and TIELINE_STATE_TABLE to accept them.";

/// One look; what needs a person was looked at apart, because that costs most.
pub(super) async fn look(app: &App, waiting: Result<Waiting, StoreError>, now: Timestamp) -> Overview {
    let none = Stores::default();
    let stores = app.service.stores().unwrap_or(&none);
    let mut troubles = Vec::new();
    let depth = match &stores.queue {
        Some(queue) => queue.depth(now).await.map(Some),
        None => Ok(None),
    };
    match &depth {
        Ok(Some(_)) => {}
        Ok(None) => troubles.push(NO_QUEUE.to_owned()),
        Err(error) => troubles.push(format!(
            "The queue does not answer: {error}. Writes are refused until it does; nothing accepted is lost."
        )),
    }
    let accepting = troubles.is_empty();
    let waiting = waiting.unwrap_or_else(|error| {
        troubles.push(format!("The state table does not answer: {error}. Dead letters and writes in doubt cannot be told; the worker sends nothing until it does."));
        Waiting::default()
    });
    // That the table does not answer is told already.
    let health = health(app, now).await.unwrap_or_default();
    let queue = depth.ok().flatten().map(QueueView::from);
    // A line that nobody needs is not tried again, so its last failure says nothing of now.
    let is_empty = queue.as_ref().is_some_and(|queue| queue.waiting + queue.in_flight == 0);
    Overview {
        accepting,
        troubles,
        halt: halt(app, health, now).filter(|_| !is_empty),
        queue,
        waiting,
        worker: app.worker.as_ref().map(super::line::Switch::view),
        counted: counted().collect(),
        budget: spent(app, health, now),
    }
}

/// What all processes told each other of Salesforce.
async fn health(app: &App, now: Timestamp) -> Result<Health, StoreError> {
    let state = app.service.stores().and_then(|stores| stores.state.as_deref());
    let (Some(state), Some(client)) = (state, app.service.client()) else { return Ok(Health::default()) };
    let row = state.get(&Health::key(client.settings().organisation()), now).await?;
    Ok(row.as_ref().map(Health::from_row).unwrap_or_default())
}

/// The worker of this process knows best; where it runs elsewhere, what readers met is all there is.
fn halt(app: &App, health: Health, now: Timestamp) -> Option<HaltView> {
    match &app.worker {
        Some(worker) => worker.halt().map(HaltView::from),
        None => health.is_gone(now).then_some(HaltView { why: "failing", error: None, next_at: None }),
    }
}

/// By what this process was told last, else by what another one was.
fn spent(app: &App, health: Health, now: Timestamp) -> Option<BudgetView> {
    let told = app.service.client().and_then(Client::usage);
    let told = told.map(|told| budget::Usage { used: told.used, limit: told.limit });
    let usage = told.or(health.usage.map(|(usage, _)| usage))?;
    let before = app.pulse.as_ref().and_then(super::pulse::Pulse::first_usage);
    let per_hour = before.and_then(|before| budget::per_hour(before, (now, usage)));
    let stops_at = budget::stops_at(usage, per_hour.unwrap_or_default(), now);
    let most = app.service.config().and_then(|config| config.delivery.rate_per_sec);
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let percent = usage.used as f64 * 100.0 / usage.limit.max(1) as f64;
    Some(BudgetView {
        used: usage.used,
        limit: usage.limit,
        percent,
        per_hour,
        stops_at: stops_at.map(Timestamp::as_millis),
        rate: budget::rate(Some(usage), most),
        reads: budget::reads_allowed(Some(usage)),
    })
}

/// Dead letters grouped, and how many writes are in doubt; unknown where there is no state table.
pub(super) async fn waiting(app: &App, now: Timestamp) -> Result<Waiting, StoreError> {
    match app.service.stores().and_then(|stores| stores.state.as_deref()) {
        Some(state) => of_table(state, now).await,
        None => Ok(Waiting::default()),
    }
}

async fn of_table(state: &dyn Table, now: Timestamp) -> Result<Waiting, StoreError> {
    let mut groups: BTreeMap<(String, String, Vec<String>), Signature> = BTreeMap::new();
    let rows = state.list_index(rows::DEAD_INDEX, None, true, GROUPED, now).await?;
    let dead_more = rows.len() == GROUPED;
    for letter in rows.iter().filter_map(|row| DeadLetter::from_row(row).ok()) {
        let object = crate::replay::object(&letter).to_owned();
        let fields = crate::replay::fields(&letter.fault);
        let key = (object.clone(), letter.fault.code.clone(), fields.clone());
        groups.entry(key).and_modify(|s| s.count += 1).or_insert_with(|| Signature {
            object,
            reason: letter.reason.code().to_owned(),
            follows: letter.reason == Reason::DependencyFailed,
            code: letter.fault.code,
            fields,
            message: letter.fault.message,
            count: 1,
            newest: letter.failed_at.as_millis(),
        });
    }
    let mut dead: Vec<Signature> = groups.into_values().collect();
    // Those that follow a parent by themselves need nobody, so they come last.
    dead.sort_by(|a, b| {
        let order = |s: &Signature| (s.follows, std::cmp::Reverse((s.count, s.newest)));
        order(a).cmp(&order(b))
    });
    let doubt = state.list_index(rows::DOUBT_INDEX, None, false, DOUBTED, now).await?.len();
    Ok(Waiting { dead: Some(dead), dead_more, doubt: Some(doubt) })
}
