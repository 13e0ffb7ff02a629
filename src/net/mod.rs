//! HTTP outward: one stack, one set of trusted roots, for Salesforce and for Amazon alike.
//!
//! The roots are those of `SSL_CERT_FILE` where it is set (a company's own authority, say), else
//! those compiled in: reading the system's hundreds of files costs more at a cold start than
//! everything else together. Nothing is built before the first request needs it, and nothing of TLS
//! for plain HTTP.
//!
//! What it never does: follow a redirect (a token must not travel to another host), retry, or log.
//! Who calls it: [`crate::salesforce`], [`crate::connect`], and every AWS client through
//! [`aws::config`].

pub mod aws;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// How long a connection may take to stand, where the caller's own time does not end sooner.
const CONNECT: Duration = Duration::from_secs(3);
/// Idle connections are dropped before the load balancers of Salesforce and Amazon drop them.
const IDLE: Duration = Duration::from_secs(50);

static ROOTS: OnceLock<PathBuf> = OnceLock::new();
static PLAIN: OnceLock<reqwest::Client> = OnceLock::new();
static SECURE: OnceLock<Result<reqwest::Client, Unusable>> = OnceLock::new();

/// No client could be made; what is wrong with `SSL_CERT_FILE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

/// Names the file of trusted roots; called once, by whoever reads the configuration.
pub fn trust(file: PathBuf) {
    ROOTS.get_or_init(|| file);
}

/// The client for this address: one for `https`, one without TLS for anything else.
///
/// # Errors
/// When the file of trusted roots cannot be used.
pub fn client(url: &str) -> Result<&'static reqwest::Client, Unusable> {
    if url.starts_with("https:") {
        SECURE.get_or_init(|| roots().and_then(build)).as_ref().map_err(Clone::clone)
    } else {
        if let Some(client) = PLAIN.get() {
            return Ok(client);
        }
        let client = build(RootCertStore::empty())?;
        Ok(PLAIN.get_or_init(|| client))
    }
}

fn build(roots: RootCertStore) -> Result<reqwest::Client, Unusable> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Unusable(format!("TLS cannot be set up: {e}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("Tieline/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        .build()
        .map_err(|e| Unusable(format!("the HTTP client cannot be set up: {e}")))
}

fn roots() -> Result<RootCertStore, Unusable> {
    let Some(file) = ROOTS.get() else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let cannot = |why: String| Unusable(format!("SSL_CERT_FILE={}: {why}", file.display()));
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|e| cannot(e.to_string()))?;
    for certificate in certificates {
        // Files of roots often hold some that no library reads any more; the others still count.
        let certificate = certificate.map_err(|e| cannot(e.to_string()))?;
        store.add_parsable_certificates([certificate]);
    }
    if store.is_empty() {
        return Err(cannot("holds no certificate; it must be a PEM file of trusted roots".to_owned()));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_compiled_in_are_there() {
        assert!(roots().unwrap().len() > 100);
        assert!(client("https://example.org").is_ok());
        assert!(client("http://127.0.0.1:1").is_ok());
    }
}
