//! Who may ask: the same machine, the same site, with the token; on AWS whom IAM let in.
//!
//! A page of another site, opened in the same browser, can send requests to a server on loopback.
//! It cannot forge `Host`, `Origin` or `Sec-Fetch-Site`, and it does not know the token.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use lambda_http::request::RequestContext;
use sha2::{Digest as _, Sha256};

use super::{App, problem::Problem};

/// How callers of `/api` are known.
#[derive(Clone, Debug)]
pub enum Door {
    /// By a token that the program printed; the person is named as here.
    Token {
        /// The token.
        token: Arc<str>,
        /// Who runs the program.
        by: Arc<str>,
    },
    /// By AWS, which has checked the signature before the function is called.
    Iam,
}

/// Who asks, as the history names them.
#[derive(Clone, Debug)]
pub struct Caller(pub Arc<str>);

/// Refuses what other sites bring (cross-site requests), under whatever name (DNS rebinding).
pub async fn same_site(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let origin = headers.get(header::ORIGIN).and_then(|h| h.to_str().ok());
    let on_loopback = |o: &str| o.strip_prefix("http://").is_some_and(is_loopback);
    let (known_host, known_origin) = match app.door {
        Door::Token { .. } => (host.is_none_or(is_loopback), origin.is_none_or(on_loopback)),
        // AWS knows its own names. A browser comes by a proxy on its machine, which signs.
        Door::Iam => {
            let own = |o: &str| host.is_some() && o.strip_prefix("https://") == host;
            (true, origin.is_none_or(|o| own(o) || on_loopback(o)))
        }
    };
    if !known_host {
        return foreign("Host").into_response();
    }
    if !known_origin {
        return foreign("Origin").into_response();
    }
    if is_brought_by_another_site(&request) {
        return foreign("Sec-Fetch-Site").into_response();
    }
    next.run(request).await
}

/// What a page of another site loads carries no `Origin` where it is a picture or a script, but every
/// browser says whose it is. A link that a person follows may come from anywhere.
fn is_brought_by_another_site(request: &Request) -> bool {
    let is = |name: &str, value: &str| request.headers().get(name).is_some_and(|v| v == value);
    let is_followed = request.method() == Method::GET && is("sec-fetch-mode", "navigate");
    is("sec-fetch-site", "cross-site") && !is_followed
}

fn foreign(what: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "foreign-site",
        "Only this machine may ask",
        format!("The {what} header tells of another site. Open the address that the program printed."),
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

/// Lets in whom the door knows, and notes who it is.
pub async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let caller = match &app.door {
        Door::Token { token, by } => has(token, &request).then(|| Caller(Arc::clone(by))),
        Door::Iam => signer(&request).map(|arn| Caller(arn.into())),
    };
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
        return next.run(request).await;
    }
    match app.door {
        Door::Token { .. } => {
            let mut response = Problem::new(
                StatusCode::UNAUTHORIZED,
                "token",
                "The token is missing or wrong",
                "Send `Authorization: Bearer TOKEN`, with the token of the address that the program printed; in a browser, open that address.",
            )
            .into_response();
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
        Door::Iam => Problem::new(
            StatusCode::FORBIDDEN,
            "unsigned",
            "Nobody has signed this request",
            "The function URL lets everybody in. Set its AuthType to AWS_IAM; until then nothing is answered.",
        )
        .into_response(),
    }
}

/// Whether a request brings the token, as `Authorization: Bearer …` and in no other way: addresses
/// end up in histories and logs.
fn has(token: &str, request: &Request) -> bool {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|h| h.to_str().ok());
    let given =
        given.and_then(|h| h.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    // Compared as digests: the time it takes tells nothing about the token.
    given.is_some_and(|(_, given)| Sha256::digest(given.trim()) == Sha256::digest(token.as_bytes()))
}

/// Whom AWS names as the signer: of an ARN the part behind the account, `user/sam`.
fn signer(request: &Request) -> Option<String> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.extensions().get() else { return None };
    let arn = context.authorizer.as_ref()?.iam.as_ref()?.user_arn.as_deref()?;
    Some(arn.splitn(6, ':').nth(5).unwrap_or(arn).to_owned())
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
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
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
