//! Requests and responses of the org as plain values, so that a simulation needs no sockets.

use std::time::Duration;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The verbs that Salesforce's resources know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// As a read, without the body.
    Head,
    /// Creates, batches, searches.
    Post,
    /// Replaces; a few resources only.
    Put,
    /// Updates and upserts.
    Patch,
    /// Deletes.
    Delete,
    /// Anything else: refused everywhere.
    Other,
}

impl Method {
    /// From its name in upper case, as HTTP writes it; anything else is [`Method::Other`].
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Other => "OTHER",
        }
    }
}

/// One request, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// Path and query, percent-encoded, from the leading slash.
    pub target: String,
    /// Header names in any case, and their values.
    pub headers: Vec<(String, String)>,
    /// The body as it came, still compressed where `Content-Encoding` says so.
    pub body: Bytes,
}

impl Request {
    /// The value of a header, whatever case it was written in.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// One response, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers beside `Content-Length` and `Date`.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty where there is none.
    pub body: Bytes,
}

impl Response {
    /// A response with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::raw(status, "application/json;charset=UTF-8", body.to_string())
    }

    /// A response with a body of another kind.
    #[must_use]
    pub fn raw(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![("Content-Type", content_type.to_owned())], body: body.into() }
    }

    /// A response without a body.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// The same with one header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Whether it says that the request did what it asked for.
    #[must_use]
    pub const fn ok(&self) -> bool {
        self.status < 300
    }
}

/// What the caller gets: a response, or none.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A whole response.
    Response(Response),
    /// The connection ends without a byte.
    Cut {
        /// Whether the request has taken effect, or will.
        applied: bool,
    },
}

/// The org's answer to one request: what is said, and how long it takes to say it.
#[derive(Clone, Debug, PartialEq)]
pub struct Handled {
    /// The caller waits this long. The effect, if any, took place at the beginning of it.
    pub delay: Duration,
    /// What comes then.
    pub reply: Reply,
}

/// A target taken apart: segments decoded one by one (so that `%2F` stays inside its segment),
/// parameters in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The path before the question mark, as it was written.
    pub path: String,
    /// Its non-empty segments, decoded.
    pub segments: Vec<String>,
    /// Decoded names and values of the query string.
    pub params: Vec<(String, String)>,
}

impl Target {
    /// Takes a target apart. Bytes that are not UTF-8 once decoded become replacement characters.
    #[must_use]
    pub fn parse(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            path: path.to_owned(),
            segments: path
                .split('/')
                .filter(|s| !s.is_empty())
                .map(|s| percent_decode_str(s).decode_utf8_lossy().into_owned())
                .collect(),
            params: form(query),
        }
    }

    /// The first value of a parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Reads `a=1&b=two+words`.
#[must_use]
pub fn form(text: &str) -> Vec<(String, String)> {
    let decode = |s: &str| percent_decode_str(&s.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// A random sequence that a seed repeats exactly (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of a seed; `stream` separates the users of one seed.
    #[must_use]
    pub const fn new(seed: u64, stream: u64) -> Self {
        Self(seed ^ stream.wrapping_mul(0xA076_1D64_78BD_642F))
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; zero where the bound is.
    pub const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// Whether a thing of this probability happens. Draws even where the answer is certain, so
    /// that a changed share does not shift the draws after it.
    pub fn happens(&mut self, share: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are kept, which a float holds")]
        let drawn = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_inside_a_segment_stays_there() {
        let target =
            Target::parse("/services/data/v66.0/sobjects/Account/Ext__c/a%2Fb%20c?fields=Id%2CName&x=1+2");
        assert_eq!(target.segments[6], "a/b c");
        assert_eq!(target.param("fields"), Some("Id,Name"));
        assert_eq!(target.param("x"), Some("1 2"));
        assert_eq!(target.param("y"), None);
    }

    #[test]
    fn a_seed_repeats_its_sequence_and_streams_differ() {
        let draw = |seed, stream| {
            let mut chance = Chance::new(seed, stream);
            (0..4).map(|_| chance.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        let mut chance = Chance::new(1, 1);
        let hits = (0..10_000).filter(|_| chance.happens(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }
}
