//! Operations: what became of a contact's writes, what waits for a person, how the line runs.
//!
//! Every answer of the console's pages is one call here, described by `/api/openapi.json`.
//! What it never does: decide what may happen to a write; [`crate::replay`] and
//! [`crate::outcome`] do.

use axum::{Json, Router, routing::get};
use utoipa::OpenApi;

use super::App;
use super::flows;
use super::problem::Problem;
use crate::lambda::Stores;
use crate::store::{StoreError, Table};

pub mod faults;
pub mod line;
pub mod repair;
pub mod view;
pub mod writes;

/// The routes, below `/api`.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .merge(writes::routes())
        .merge(repair::routes())
        .merge(line::routes())
        .merge(faults::routes())
}

/// The document of the interface.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Tieline",
        description = "Tieline: writes by contact, dead letters, the line, the simulated org, CTI Flows. \
                       Errors are problem details (RFC 9457). Every call but health needs `Authorization: Bearer TOKEN`.",
    ),
    servers((url = "/api")),
    paths(
        writes::contact, writes::doubt, writes::dead_letters, writes::dead_letter,
        repair::edit, repair::replay, repair::discard,
        line::overview, line::settings, line::worker, line::pause, line::resume,
        faults::list, faults::add, faults::clear, faults::remove, faults::journal,
    ),
)]
struct Document;

async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi().merge_from(flows::Description::openapi()))
}

/// The state table, or what is missing.
fn state(stores: Option<&Stores>) -> Result<&dyn Table, Problem> {
    stores.and_then(|s| s.state.as_deref()).ok_or_else(|| {
        Problem::unavailable(
            "There is no state table, so nothing is known of writes. Set TIELINE_STATE_TABLE (and TIELINE_QUEUE_URL for asynchronous writes).",
        )
    })
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(format!("The store does not answer: {error}. What is accepted is safe; try again."))
    }
}
