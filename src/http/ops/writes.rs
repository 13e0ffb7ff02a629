//! Writes by contact, writes that wait, writes in doubt.

#![expect(unused_qualifications, reason = "utoipa's macros spell the types of parameters in full")]

use axum::{
    Extension, Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::history::Deed;
use super::view::{ReadView, WriteView};
use crate::clock;
use crate::envelope::Envelope;
use crate::envelope::id::group_id;
use crate::http::App;
use crate::http::guard::Caller;
use crate::http::problem::Problem;
use crate::outcome::{Outcome, rows};
use crate::replay::Desk;
use crate::store::sqlite::WRITES;
use crate::telemetry;

/// The most a page holds.
pub(super) const PAGE: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/contacts/{contact}", get(contact))
        .route("/waiting", get(waiting))
        .route("/doubt", get(doubt))
}

/// What became of the writes of one contact.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// The contact's chain.
    contact: String,
    /// Oldest first.
    writes: Vec<WriteView>,
    /// What was read for the contact, oldest first, as far as this process remembers; in Lambda the
    /// log does.
    reads: Vec<ReadView>,
    /// What people did to its writes, oldest first.
    deeds: Vec<Deed>,
}

/// One page of writes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Writes {
    /// The writes.
    writes: Vec<WriteView>,
    /// What to ask the next page by; absent on the last.
    next: Option<String>,
}

/// Where a page begins and how long it is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// `next` of the page before.
    pub(super) after: Option<String>,
    /// At most this many, up to 200.
    limit: Option<usize>,
}

impl Page {
    /// How long it is.
    pub(super) fn size(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, PAGE)
    }
}

/// The writes of a contact and its reads, oldest first.
#[utoipa::path(get, path = "/contacts/{contact}", tag = "writes", params(("contact" = String, Path, description = "InitialContactId, or ContactId where there was no transfer")), responses((status = 200, body = Timeline), (status = 503)))]
pub async fn contact(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(contact): Path<String>,
) -> Result<Json<Timeline>, Problem> {
    let now = clock::now();
    let desk: Desk = super::repair::desk(&app, &caller)?;
    let (outcomes, audits) = desk.timeline(&contact, now).await?;
    let group = group_id(&contact);
    let of_contact = |line: &Map<String, Value>| {
        let is = |name: &str| line.get(name).and_then(Value::as_str).is_some_and(|c| group_id(c) == group);
        is("initial_contact_id") || is("contact_id")
    };
    Ok(Json(Timeline {
        writes: outcomes.into_iter().map(|o| WriteView::of(o, now)).collect(),
        reads: telemetry::remembered(of_contact).iter().filter_map(ReadView::of).collect(),
        deeds: audits.into_iter().map(|audit| Deed::of(audit, Some(group.clone()))).collect(),
        contact: group,
    }))
}

/// Writes that are in the queue, oldest first. Only a queue in this machine's folder tells them;
/// SQS tells how many there are (`/queue`), and each contact's timeline tells its own.
#[utoipa::path(get, path = "/waiting", tag = "writes", params(Page), responses((status = 200, body = Writes), (status = 404, description = "the queue is SQS, which lists nothing"), (status = 503)))]
pub async fn waiting(State(app): State<App>, Query(page): Query<Page>) -> Result<Json<Writes>, Problem> {
    let Some(folder) = &app.folder else {
        return Err(Problem::not_found(
            "SQS does not tell which writes wait, only how many. Look a contact up to see its own.",
        ));
    };
    let now = clock::now();
    let table = super::state(app.service.stores())?;
    let after = page.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|_| Problem::bad_request("`after` is the `next` of the page before."))?;
    let messages = folder.peek(WRITES, after.unwrap_or_default(), page.size())?;
    let next = messages.last().filter(|_| messages.len() == page.size()).map(|(at, _)| at.to_string());
    let mut writes = Vec::new();
    for (_, body) in messages {
        // What is no envelope becomes a dead letter as soon as the worker meets it.
        let Ok(envelope) = Envelope::decode(&body) else { continue };
        let row = table.get(&Outcome::key(&envelope.group, envelope.id), now).await?;
        let known = row.and_then(|row| Outcome::from_row(&row).ok());
        writes.push(WriteView::of(known.unwrap_or_else(|| Outcome::accepted(&envelope)), now));
    }
    Ok(Json(Writes { writes, next }))
}

/// Writes that were perhaps carried out, by when that will be known.
#[utoipa::path(get, path = "/doubt", tag = "writes", params(Page), responses((status = 200, body = Writes), (status = 503)))]
pub async fn doubt(State(app): State<App>, Query(page): Query<Page>) -> Result<Json<Writes>, Problem> {
    let now = clock::now();
    let limit = page.size();
    let table = super::state(app.service.stores())?;
    let rows = table.list_index(rows::DOUBT_INDEX, page.after.as_deref(), false, limit, now).await?;
    let next = (rows.len() == limit)
        .then(|| rows.last().and_then(|r| r.index.clone()).map(|(_, sort)| sort))
        .flatten();
    let outcomes = rows.iter().filter_map(|row| Outcome::from_row(row).ok());
    Ok(Json(Writes { writes: outcomes.map(|o| WriteView::of(o, now)).collect(), next }))
}
