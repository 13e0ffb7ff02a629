//! Who did what: replays, edits, discards, the worker's pauses, CTI Flows that run or do not.

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Serialize;
use utoipa::ToSchema;

use super::writes::Page;
use crate::clock;
use crate::http::App;
use crate::http::guard::Caller;
use crate::http::problem::Problem;
use crate::replay::Audit;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/history", get(history))
}

/// One page of what people did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// Newest first.
    entries: Vec<Deed>,
    /// What to ask the next page by; absent on the last.
    next: Option<String>,
}

/// Something that a person did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deed {
    /// When.
    pub at: i64,
    /// Who.
    pub by: String,
    /// What, and which fields; never what they held.
    pub what: String,
    /// The ticket of the write it was done to; absent where it was the line.
    pub id: Option<String>,
    /// The contact's chain of that write.
    pub contact: Option<String>,
}

impl Deed {
    pub(super) fn of(audit: Audit, contact: Option<String>) -> Self {
        let id = audit.id.map(|id| id.to_string());
        Self { at: audit.at.as_millis(), by: audit.by, what: audit.what, id, contact }
    }
}

/// What people did by this interface and by the command line, newest first.
#[utoipa::path(get, path = "/history", tag = "dead letters", params(Page), responses((status = 200, body = History), (status = 503)))]
pub async fn history(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(page): Query<Page>,
) -> Result<Json<History>, Problem> {
    let desk = super::repair::desk(&app, &caller)?;
    let (entries, next) = desk.history(page.after.as_deref(), page.size(), clock::now()).await?;
    let entries = entries.into_iter().map(|(contact, audit)| Deed::of(audit, contact)).collect();
    Ok(Json(History { entries, next }))
}
