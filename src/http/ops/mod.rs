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

pub mod cache;
pub mod faults;
pub mod history;
pub mod letters;
pub mod line;
pub mod overview;
pub mod pulse;
pub mod repair;
pub mod view;
pub mod writes;

/// The routes, below `/api`.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .merge(writes::routes())
        .merge(letters::routes())
        .merge(repair::routes())
        .merge(history::routes())
        .merge(overview::routes())
        .merge(pulse::routes())
        .merge(line::routes())
        .merge(cache::routes())
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
        writes::contact, writes::waiting, writes::doubt, letters::dead_letters, letters::dead_letter,
        repair::edit, repair::replay, repair::discard, history::history,
        overview::overview, overview::queue, overview::budget, overview::series, pulse::events,
        line::settings, line::doctor, line::worker, line::pause, line::resume,
        cache::cache, cache::forget,
        faults::list, faults::add, faults::clear, faults::remove, faults::journal,
    ),
)]
struct Document;

/// The document of the interface, whole.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi().merge_from(flows::Description::openapi())
}

async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

/// The state table, or what is missing.
fn state(stores: Option<&Stores>) -> Result<&dyn Table, Problem> {
    stores.and_then(|s| s.state.as_deref()).ok_or_else(no_state)
}

fn no_state() -> Problem {
    Problem::unavailable(
        "There is no state table, so nothing is known of writes. Set TIELINE_STATE_TABLE (and TIELINE_QUEUE_URL for asynchronous writes).",
    )
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(format!("The store does not answer: {error}. What is accepted is safe; try again."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page's types are made from this file (`npm run types` in `web/`).
    #[test]
    fn the_document_that_is_kept_is_the_one_that_is_served() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/openapi.json");
        let served = format!("{}\n", document().to_pretty_json().unwrap());
        if std::env::vars_os().any(|(name, _)| name == "UPDATE_OPENAPI") {
            std::fs::write(path, &served).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap();
        let cure = "schemas/openapi.json is old: UPDATE_OPENAPI=1 cargo test the_document_that_is_kept, \
                    then `npm run types` in web/";
        assert!(kept == served, "{cure}");
    }
}
