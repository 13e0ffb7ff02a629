//! The local web server: AWS's Invoke call, the JSON interface under `/api`, and the pages.
//!
//! What it never does: decide. It checks who asks ([`guard`]), parses, calls a path and writes the
//! answer. Errors of `/api` are problems as RFC 9457 describes them ([`problem`]).
//! Who calls it: `tieline local`, and, for the pages on AWS, a function URL.

use axum::{
    Json, Router, middleware,
    routing::{MethodRouter, get, post},
};
use tokio::net::TcpListener;

use self::guard::Door;
use crate::flow_host::Host;
use crate::lambda::Service;
use crate::org::Org;
use crate::store::sqlite::Sqlite;

pub mod document;
pub mod flows;
pub mod guard;
pub mod problem;

mod assets;
mod invoke;
pub mod metrics;
pub mod ops;

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct App {
    /// How callers of `/api` are known.
    pub door: Door,
    /// What answers contact flows.
    pub service: Service,
    /// What keeps and runs CTI Flows.
    pub flows: Host,
    /// The simulated org of this process, if there is one.
    pub org: Option<Org>,
    /// Stops and starts the worker of this process, if there is one.
    pub worker: Option<ops::line::Switch>,
    /// The last hour of this process, and what open pages are told; none where nothing may stay open.
    pub pulse: Option<ops::pulse::Pulse>,
    /// The store of this machine's folder, which can tell what waits in its queue.
    pub folder: Option<Sqlite>,
}

/// All routes, guarded.
pub fn router(app: App) -> Router {
    let api = Router::new()
        .route("/openapi.json", get(document::openapi))
        .merge(ops::routes())
        .merge(flows::router(app.flows.clone()))
        .fallback(problem::no_such_resource)
        .layer(middleware::from_fn_with_state(app.clone(), guard::admit));
    let pages: MethodRouter = get(assets::page);
    let all = Router::new().route("/healthz", get(healthz)).nest("/api", api).fallback_service(pages);
    let all = match app.door {
        Door::Token { .. } => all
            .route("/metrics", get(metrics::metrics))
            .route("/2015-03-31/functions/{name}/invocations", post(invoke::invoke)),
        // On AWS contact flows invoke their own function, and CloudWatch counts.
        Door::Iam => all,
    };
    all.layer(middleware::map_response(problem::told))
        .layer(middleware::from_fn_with_state(app.clone(), guard::same_site))
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

/// Serves as a Lambda function behind a function URL, for as long as the environment lives.
///
/// # Errors
/// When the Lambda runtime cannot be spoken to.
pub async fn serve_function(router: Router) -> Result<(), lambda_http::Error> {
    lambda_http::run(router).await
}

/// Alive: says nothing about Salesforce, so that it stays true while Salesforce is down.
async fn healthz() -> Json<serde_json::Value> {
    Json(serde_json::json!({"status": "ok"}))
}
