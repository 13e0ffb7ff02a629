//! Operations: what became of a contact's writes, what waits for a person, how the line runs.
//!
//! Every answer of the console's pages is one call here, described by `/api/openapi.json`.
//! What it never does: decide what may happen to a write; [`crate::replay`] and
//! [`crate::outcome`] do.

use axum::Router;

use super::App;
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
