//! Writes by contact, writes in doubt, dead letters.

#![expect(unused_qualifications, reason = "utoipa's macros spell the types of parameters in full")]

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::{DeadLetterView, WriteView};
use crate::clock;
use crate::http::App;
use crate::http::problem::Problem;
use crate::outcome::Outcome;
use crate::outcome::rows::{self, DeadLetter};

/// How many rows are looked through for one page of a filtered list.
const LOOKED_THROUGH: usize = 5_000;
/// The most a page holds.
const PAGE: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/contacts/{contact}", get(contact))
        .route("/doubt", get(doubt))
        .route("/dead-letters", get(dead_letters))
        .route("/dead-letters/{contact}/{id}", get(dead_letter))
}

/// What became of the writes of one contact.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// The contact's chain.
    contact: String,
    /// Oldest first.
    writes: Vec<WriteView>,
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

/// One page of dead letters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetters {
    /// Newest first.
    dead_letters: Vec<DeadLetterView>,
    /// What to ask the next page by; absent on the last.
    next: Option<String>,
}

/// Where a page begins and how long it is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// `next` of the page before.
    after: Option<String>,
    /// At most this many, up to 200.
    limit: Option<usize>,
}

/// Which dead letters.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this contact.
    contact: Option<String>,
    /// Of this object.
    object: Option<String>,
    /// With this code.
    code: Option<String>,
    /// Died at or after, in milliseconds since 1970.
    from: Option<i64>,
    /// Died before, in milliseconds since 1970.
    to: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
    /// At most this many, up to 200.
    limit: Option<usize>,
}

/// The writes of a contact, oldest first.
#[utoipa::path(get, path = "/contacts/{contact}", params(("contact" = String, Path, description = "InitialContactId, or ContactId where there was no transfer")), responses((status = 200, body = Timeline)))]
pub async fn contact(State(app): State<App>, Path(contact): Path<String>) -> Result<Json<Timeline>, Problem> {
    let now = clock::now();
    let table = super::state(app.service.stores())?;
    let group = crate::envelope::id::group_id(&contact);
    let rows = table.list(&rows::partition(&group), rows::OUTCOMES, None, 1_000, now).await?;
    let mut outcomes: Vec<Outcome> = rows.iter().filter_map(|row| Outcome::from_row(row).ok()).collect();
    outcomes.sort_by_key(|o| (o.accepted_at, o.id));
    let writes = outcomes.into_iter().map(|o| WriteView::of(o, now)).collect();
    Ok(Json(Timeline { contact: group, writes }))
}

/// Writes that were perhaps carried out, by when that will be known.
#[utoipa::path(get, path = "/doubt", params(Page), responses((status = 200, body = Writes)))]
pub async fn doubt(State(app): State<App>, Query(page): Query<Page>) -> Result<Json<Writes>, Problem> {
    let now = clock::now();
    let limit = page.limit.unwrap_or(50).clamp(1, PAGE);
    let table = super::state(app.service.stores())?;
    let rows = table.list_index(rows::DOUBT_INDEX, page.after.as_deref(), false, limit, now).await?;
    let next = (rows.len() == limit)
        .then(|| rows.last().and_then(|r| r.index.clone()).map(|(_, sort)| sort))
        .flatten();
    let outcomes = rows.iter().filter_map(|row| Outcome::from_row(row).ok());
    Ok(Json(Writes { writes: outcomes.map(|o| WriteView::of(o, now)).collect(), next }))
}

/// Writes that wait for a person, newest first.
#[utoipa::path(get, path = "/dead-letters", params(Filter), responses((status = 200, body = DeadLetters)))]
pub async fn dead_letters(
    State(app): State<App>,
    Query(filter): Query<Filter>,
) -> Result<Json<DeadLetters>, Problem> {
    let now = clock::now();
    let limit = filter.limit.unwrap_or(50).clamp(1, PAGE);
    let table = super::state(app.service.stores())?;
    let mut after = filter.after.clone();
    let (mut found, mut looked, mut next) = (Vec::new(), 0, None);
    loop {
        let rows = table.list_index(rows::DEAD_INDEX, after.as_deref(), true, PAGE, now).await?;
        let last = rows.len() < PAGE;
        for row in &rows {
            looked += 1;
            after = row.index.as_ref().map(|(_, sort)| sort.clone());
            if let Ok(letter) = DeadLetter::from_row(row)
                && filter.admits(&letter)
            {
                found.push(DeadLetterView::from(letter));
                if found.len() == limit {
                    next = after.clone();
                    break;
                }
            }
        }
        if last || next.is_some() {
            break;
        }
        if looked >= LOOKED_THROUGH {
            next = after.clone();
            break;
        }
    }
    Ok(Json(DeadLetters { dead_letters: found, next }))
}

impl Filter {
    fn admits(&self, letter: &DeadLetter) -> bool {
        let same = |wanted: &Option<String>, is: &str| {
            wanted.as_deref().is_none_or(|w| w.is_empty() || w.eq_ignore_ascii_case(is))
        };
        let object = || letter.envelope.pointer("/write/object").and_then(|o| o.as_str()).unwrap_or_default();
        let at = letter.failed_at.as_millis();
        same(&self.contact, &letter.group)
            && same(&self.code, &letter.fault.code)
            && same(&self.object, object())
            && self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at < to)
    }
}

/// One dead letter.
#[utoipa::path(get, path = "/dead-letters/{contact}/{id}", params(("contact" = String, Path), ("id" = String, Path, description = "the ticket")), responses((status = 200, body = DeadLetterView), (status = 404)))]
pub async fn dead_letter(
    State(app): State<App>,
    Path((contact, id)): Path<(String, String)>,
) -> Result<Json<DeadLetterView>, Problem> {
    let table = super::state(app.service.stores())?;
    let id = id.parse().map_err(|e| Problem::bad_request(format!("{e}")))?;
    let row = table.get(&DeadLetter::key(&contact, id), clock::now()).await?;
    let row = row.ok_or_else(|| {
        Problem::not_found(
            "No dead letter of this contact has this ticket; it was replayed or discarded, or never died.",
        )
    })?;
    let letter = DeadLetter::from_row(&row).map_err(|e| Problem::unavailable(e.to_string()))?;
    Ok(Json(letter.into()))
}
