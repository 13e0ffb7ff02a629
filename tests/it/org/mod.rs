//! The simulated org, asked as a client asks it: most tests hand requests in, a few use sockets.

mod bad_input;
mod bulk;
mod batches;
mod chatter;
mod clients;
mod command;
mod faults;
mod rows;
mod soap;
mod sockets;

use serde_json::Value;
use tieline::org::wire::{Handled, Method, Reply, Request, Response};
use tieline::org::{Org, Settings};
use tieline::time::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);
pub(crate) const V: &str = "/services/data/v66.0";

/// A client that hands its requests in.
pub(crate) struct Client {
    pub(crate) org: Org,
    pub(crate) now: Timestamp,
    pub(crate) headers: Vec<(String, String)>,
}

/// A response, its body read as JSON where it is.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) response: Response,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Status and code of a refusal.
    pub(crate) fn code(&self) -> (u16, &str) {
        (self.status, self.body[0]["errorCode"].as_str().unwrap_or_default())
    }
}

impl Client {
    pub(crate) fn new(settings: Settings) -> Self {
        let org = Org::new(settings, NOW).unwrap();
        Self { org, now: NOW, headers: vec![("Authorization".to_owned(), "Bearer any".to_owned())] }
    }

    pub(crate) fn empty() -> Self {
        Self::new(Settings { sample: false, ..Settings::default() })
    }

    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.push((name.to_owned(), value.to_owned()));
        Self { org: self.org.clone(), now: self.now, headers }
    }

    pub(crate) fn handle(&self, method: Method, target: &str, body: impl Into<bytes::Bytes>) -> Handled {
        let request =
            Request { method, target: target.to_owned(), headers: self.headers.clone(), body: body.into() };
        self.org.handle(&request, self.now)
    }

    pub(crate) fn raw(&self, method: Method, target: &str, body: impl Into<bytes::Bytes>) -> Got {
        match self.handle(method, target, body).reply {
            Reply::Response(response) => Got {
                status: response.status,
                body: serde_json::from_slice(&response.body).unwrap_or_default(),
                response,
            },
            Reply::Cut { .. } => panic!("the connection was cut"),
        }
    }

    fn full(path: &str) -> String {
        if path.starts_with("/services") || path.starts_with("/_org") || path.starts_with("/id") {
            path.to_owned()
        } else {
            format!("{V}{path}")
        }
    }

    pub(crate) fn get(&self, path: &str) -> Got {
        self.raw(Method::Get, &Self::full(path), "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Got {
        self.raw(Method::Post, &Self::full(path), body.to_string())
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Got {
        self.raw(Method::Patch, &Self::full(path), body.to_string())
    }

    pub(crate) fn delete(&self, path: &str) -> Got {
        self.raw(Method::Delete, &Self::full(path), "")
    }

    pub(crate) fn query(&self, soql: &str) -> Value {
        let q: String =
            percent_encoding::utf8_percent_encode(soql, percent_encoding::NON_ALPHANUMERIC).collect();
        let got = self.get(&format!("/query?q={q}"));
        assert_eq!(got.status, 200, "{soql}: {}", got.body);
        got.body
    }

    /// Makes a record and tells its id.
    pub(crate) fn create(&self, object: &str, fields: &Value) -> String {
        let got = self.post(&format!("/sobjects/{object}"), fields);
        assert_eq!(got.status, 201, "{object}: {}", got.body);
        got.body["id"].as_str().unwrap().to_owned()
    }
}
