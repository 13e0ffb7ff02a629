//! Who may ask: the same machine, the same site, with the token.
//!
//! A page of another site, opened in the same browser, can send requests to a server on loopback.
//! It cannot forge `Host` or `Origin`, and it does not know the token.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest as _, Sha256};

use super::{App, problem::Problem};

/// Refuses foreign `Host` and `Origin` headers (DNS rebinding, cross-site requests).
pub async fn same_site(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let origin = headers.get(header::ORIGIN).and_then(|h| h.to_str().ok());
    if !host.is_none_or(is_loopback) {
        return foreign("Host").into_response();
    }
    if !origin.is_none_or(|o| o.strip_prefix("http://").is_some_and(is_loopback)) {
        return foreign("Origin").into_response();
    }
    next.run(request).await
}

fn foreign(what: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "foreign-site",
        "Only this machine may ask",
        format!("The {what} header names another site. Open the address that the program printed."),
    )
}

/// `localhost`, `127.0.0.1` or `[::1]`, with any port.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Refuses requests without the token: `Authorization: Bearer …`, or `?token=…` where a browser
/// cannot send headers (an event stream, a download).
pub async fn token(State(app): State<App>, request: Request, next: Next) -> Response {
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|h| h.to_str().ok())
        .and_then(|h| h.strip_prefix("Bearer "));
    let query = request.uri().query().and_then(|q| q.split('&').find_map(|p| p.strip_prefix("token=")));
    // Compared as digests: the time it takes tells nothing about the token.
    let same =
        bearer.or(query).is_some_and(|given| Sha256::digest(given) == Sha256::digest(app.token.as_bytes()));
    if same {
        return next.run(request).await;
    }
    let mut response = Problem::new(
        StatusCode::UNAUTHORIZED,
        "token",
        "The token is missing or wrong",
        "Open the address with its token as the program printed it, or send `Authorization: Bearer TOKEN`.",
    )
    .into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Headers under which no text of a record or a flow becomes a script, and no page a frame.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for good in ["localhost", "localhost:8700", "127.0.0.1:80", "[::1]:8700"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in
            ["example.com", "127.0.0.1.example.com", "localhost.evil:8700", "", "8700", "127.0.0.1:80@x"]
        {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
