//! Requests, responses, and the ways in which there is no response.

use std::time::Duration;

use bytes::Bytes;

/// The verbs that the interface uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, batches, searches.
    Post,
    /// Updates, upserts.
    Patch,
    /// Deletes.
    Delete,
}

/// One HTTP request, complete: built purely, sent by an [`Exchange`]. Printed, it shows neither its
/// headers' values (a token) nor its body (credentials, what a caller said).
#[derive(Clone, PartialEq)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// Path and query, percent-encoded, from the leading slash: `/services/data/v66.0/limits`.
    pub target: String,
    /// Headers beside those that every request carries.
    pub headers: Vec<(&'static str, String)>,
    /// The body and its content type.
    pub body: Option<(&'static str, Bytes)>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        let body = self.body.as_ref().map_or(0, |(_, body)| body.len());
        write!(f, "{:?} {path} ({body} bytes)", self.method)
    }
}

/// One HTTP response, whole. Printed, it shows its status and how long it is.
#[derive(Clone, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// `Sforce-Limit-Info`, where it came with the answer.
    pub usage: Option<Usage>,
    /// `Content-Type`, lower case, without its parameters; empty where it was missing.
    pub content_type: String,
    /// The body, decoded of its transfer encodings.
    pub body: Bytes,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({} bytes)", self.status, self.content_type, self.body.len())
    }
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing of the request can have reached Salesforce (refused, no name, no TLS).
    Before(String),
    /// It may have taken effect (time-out, reset, a body cut short).
    After(String),
}

/// `Sforce-Limit-Info: api-usage=18/5000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Calls of the rolling 24 hours.
    pub used: u64,
    /// What the organisation may use.
    pub limit: u64,
}

/// The one function that speaks to Salesforce: over HTTP in every program, by a call of the
/// simulated org's router in the simulation.
#[async_trait::async_trait]
pub trait Exchange: Send + Sync + std::fmt::Debug {
    /// Sends the request to `origin` (`https://host[:port]`) and waits for the whole response, at
    /// most `timeout`.
    ///
    /// # Errors
    /// [`Cut`], which says whether the request can have taken effect.
    async fn exchange(&self, origin: &str, request: Request, timeout: Duration) -> Result<Response, Cut>;
}
