//! Dead letters: the list, and one of them.

#![expect(unused_qualifications, reason = "utoipa's macros spell the types of parameters in full")]

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::DeadLetterView;
use super::writes::PAGE;
use crate::clock;
use crate::envelope::id::group_id;
use crate::http::App;
use crate::http::problem::Problem;
use crate::outcome::rows::{DEAD_INDEX, DEAD_LETTERS, DeadLetter, partition};
use crate::replay::Filter;
use crate::time::Timestamp;

/// How many rows are looked through for one page of a filtered list.
const LOOKED_THROUGH: usize = 2_000;

/// Bytes after which a page ends, whatever was asked for: a function's whole answer holds six
/// megabytes, quoted once more.
const TOLD: usize = 3_000_000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/dead-letters", get(dead_letters))
        .route("/dead-letters/{contact}/{id}", get(dead_letter))
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

/// Which dead letters.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Of this contact.
    contact: Option<String>,
    /// Of this object.
    object: Option<String>,
    /// With this code: Salesforce's, or the reason why it is dead.
    code: Option<String>,
    /// Where Salesforce names this field.
    field: Option<String>,
    /// Died at or after, in milliseconds since 1970.
    from: Option<i64>,
    /// Died before, in milliseconds since 1970.
    to: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
    /// At most this many, up to 200; fewer where they are long.
    limit: Option<usize>,
}

/// Writes that wait for a person, newest first; of one contact in the order of their tickets.
#[utoipa::path(get, path = "/dead-letters", tag = "dead letters", params(Asked), responses((status = 200, body = DeadLetters), (status = 503)))]
pub async fn dead_letters(
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<DeadLetters>, Problem> {
    let now = clock::now();
    let limit = asked.limit.unwrap_or(50).clamp(1, PAGE);
    let table = super::state(app.service.stores())?;
    let filter = asked.filter();
    let of_contact = filter.contact.as_deref().map(|c| partition(&group_id(c)));
    let mut after = asked.after;
    let (mut found, mut looked, mut told, mut next) = (Vec::new(), 0, 0, None);
    loop {
        let rows = match &of_contact {
            Some(partition) => table.list(partition, DEAD_LETTERS, after.as_deref(), PAGE, now).await?,
            None => table.list_index(DEAD_INDEX, after.as_deref(), true, PAGE, now).await?,
        };
        let last = rows.len() < PAGE;
        for row in &rows {
            looked += 1;
            let before = after.clone();
            after = match &of_contact {
                Some(_) => Some(row.key.sort.clone()),
                None => row.index.as_ref().map(|(_, place)| place.clone()),
            };
            // One that was sent again or given up is out of the index, and waits for nobody.
            let waits = row.index.is_some();
            let Some(letter) = DeadLetter::from_row(row).ok().filter(|_| waits) else { continue };
            if of_contact.is_none() && filter.since.is_some_and(|since| letter.failed_at < since) {
                // What follows died earlier still.
                return Ok(Json(DeadLetters { dead_letters: found, next: None }));
            }
            if filter.takes(&letter) {
                told += row.data.len();
                if told > TOLD && !found.is_empty() {
                    next = before;
                    break;
                }
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

impl Asked {
    /// What is given empty is not given.
    fn filter(&self) -> Filter {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Filter {
            contact: given(&self.contact),
            object: given(&self.object),
            code: given(&self.code),
            field: given(&self.field),
            since: self.from.map(Timestamp::from_millis),
            until: self.to.map(Timestamp::from_millis),
            ..Filter::default()
        }
    }
}

/// One dead letter.
#[utoipa::path(get, path = "/dead-letters/{contact}/{id}", tag = "dead letters", params(("contact" = String, Path), ("id" = String, Path, description = "the ticket")), responses((status = 200, body = DeadLetterView), (status = 400, description = "that is no ticket"), (status = 404), (status = 503)))]
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
