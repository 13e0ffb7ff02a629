//! Salesforce's REST interface: what goes over the wire, and what an answer means.
//!
//! Pure building and parsing ([`rows`], [`classify`]) around one function,
//! [`wire::Exchange::exchange`]. What it never does: decide whether to queue, pace or give up; it
//! says what an answer *means*, and the paths act on it. A refused token is renewed and the call
//! repeated once; a read whose connection broke is repeated once, where there is time; nothing else is.
//!
//! Credentials travel in a form body, the token in a header; neither is ever part of an address, a
//! log line, a `Debug` print or an error.
//!
//! Who calls it: [`crate::read`], [`crate::write`], [`crate::worker`], [`crate::replay`], and the doors,
//! which make the client.

mod auth;
pub mod classify;
mod client;
mod http;
mod lease;
pub mod rows;
mod secret;
pub mod wire;

pub use auth::Auth;
pub use client::{Called, Client, Spent};
pub use http::Http;
pub use rows::Part;
pub use secret::{Credentials, Hidden, Login, SecretError, Vault};

/// Which org, as upstream's variables name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `SF_HOST`: scheme, host and perhaps a port, without a slash at the end.
    pub host: String,
    /// `SF_PRODUCTION`: whether password and JWT bearer log in at `login.salesforce.com`; a password
    /// login needs to be told.
    pub production: Option<bool>,
    /// `SF_USERNAME`: needed for password and JWT bearer.
    pub username: Option<String>,
    /// `SF_VERSION`: `v66.0`.
    pub version: String,
}

impl Settings {
    /// Whether `SF_PRODUCTION` says so.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.production == Some(true)
    }

    /// What this org is called everywhere inside: the host of `SF_HOST`, with its port if it has one.
    #[must_use]
    pub fn organisation(&self) -> &str {
        self.host.split_once("://").map_or(self.host.as_str(), |(_, host)| host)
    }
}

#[cfg(test)]
#[path = "tests/told.rs"]
pub(crate) mod told;
