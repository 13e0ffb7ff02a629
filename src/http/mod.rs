//! The local web server: AWS's Invoke call, the JSON interface under `/api`, and the pages.
//!
//! What it never does: decide. It checks who asks ([`guard`]), parses, calls a path and writes the
//! answer. Errors of `/api` are problems as RFC 9457 describes them ([`problem`]).
//! Who calls it: `tieline local`, and, for the pages on AWS, a function URL.

use std::sync::Arc;

use axum::{Json, Router, middleware, routing::get};
use tokio::net::TcpListener;

pub mod guard;
pub mod problem;

mod assets;

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct App {
    /// The token that `/api` asks for.
    pub token: Arc<str>,
}

impl App {
    /// With a token of its own.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self { token: token.into() }
    }
}

/// All routes, guarded.
pub fn router(app: App) -> Router {
    let api = Router::new()
        .fallback(problem::no_such_resource)
        .layer(middleware::from_fn_with_state(app.clone(), guard::token));
    Router::new()
        .route("/healthz", get(healthz))
        .nest("/api", api)
        .fallback(assets::page)
        .layer(middleware::from_fn(guard::same_site))
        .layer(middleware::from_fn(guard::headers))
        .with_state(app)
}

/// Serves until `stop` resolves and the requests under way are answered.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

/// Alive: says nothing about Salesforce, so that it stays true while Salesforce is down.
async fn healthz() -> Json<serde_json::Value> {
    Json(serde_json::json!({"status": "ok"}))
}
