//! The pages, built from `web/` and compiled in.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};

#[derive(rust_embed::RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Assets;

/// A file of the pages; every other path is a view of the one page.
pub(super) async fn page(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if let Some(file) = Assets::get(path) {
        let kind = HeaderValue::from_str(file.metadata.mimetype())
            .unwrap_or(HeaderValue::from_static("application/octet-stream"));
        let mut response = ([(header::CONTENT_TYPE, kind)], file.data).into_response();
        if path.starts_with("assets/") {
            // Their names hold a hash of their content.
            response.headers_mut().insert(
                header::CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=31536000, immutable"),
            );
        }
        return response;
    }
    if path.starts_with("assets/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    match Assets::get("index.html") {
        Some(index) => Html(index.data).into_response(),
        None => Html(NOT_BUILT).into_response(),
    }
}

const NOT_BUILT: &str = "<!doctype html><title>Tieline</title><h1>Tieline is running</h1>\
<p>The pages are not in this build. Run <code>make web</code> and build again; the invoke endpoint and the JSON interface work as they are.</p>";
