//! The HTTP block: to hosts on the allow-list, never to a private address by accident, bounded.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Host;
use crate::flow::run::value::text;
use crate::flow::run::{Exception, MAX_RESULT, Outcome};
use crate::net;

/// Headers that a flow may not set: they would speak for somebody else.
const KEPT: [&str; 5] = ["host", "content-length", "connection", "transfer-encoding", "upgrade"];

impl Host {
    /// Carries out an HTTP block within `timeout`.
    pub(super) async fn http(&self, inputs: &Map<String, Value>, timeout: Duration) -> Outcome {
        match self.request(inputs, timeout).await {
            Ok(results) => Outcome::Success { results },
            Err(exception) => Outcome::Failure { exception },
        }
    }

    async fn request(&self, inputs: &Map<String, Value>, timeout: Duration) -> Result<Value, Exception> {
        let refused = |why: &str| Exception::new("NotAllowed", why);
        let url =
            reqwest::Url::parse(&text(inputs.get("url"))).map_err(|_| refused("The address is no URL."))?;
        let host = url.host_str().unwrap_or_default();
        let entry = allowed(&url, &self.0.settings.http_hosts).ok_or_else(|| {
            refused("The host is not on the allow-list of the HTTP block (TIELINE_FLOW_HTTP_HOSTS).")
        })?;
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if url.scheme() != "https" && !(url.scheme() == "http" && literal && entry.contains(':')) {
            return Err(refused("Only https may be called."));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("An address may not hold a user name or password."));
        }
        if !literal {
            let port = url.port_or_known_default().unwrap_or(443);
            let found = tokio::net::lookup_host((host, port)).await;
            let addresses = found.map_err(|_| Exception::new("Unreachable", "The host has no address."))?;
            if addresses.map(|a| a.ip()).any(private) {
                return Err(refused(
                    "The host has a private address; name the address itself on the allow-list to call it.",
                ));
            }
        }
        let method = reqwest::Method::from_bytes(text(inputs.get("method")).as_bytes())
            .map_err(|_| refused("The method is not known."))?;
        let client = net::client(url.as_str()).map_err(|e| Exception::new("Unreachable", e.to_string()))?;
        let mut request = client.request(method, url).timeout(timeout);
        if let Some(Value::Object(headers)) = inputs.get("headers") {
            for (name, value) in headers {
                if !KEPT.contains(&name.to_lowercase().as_str()) {
                    request = request.header(name.as_str(), text(Some(value)));
                }
            }
        }
        request = match inputs.get("body") {
            None | Some(Value::Null) => request,
            Some(Value::String(body)) if body.is_empty() => request,
            Some(Value::String(body)) => request.body(body.clone()),
            Some(body) => request.json(body),
        };
        let unreachable = |e: reqwest::Error| {
            let why = if e.is_timeout() { "It did not answer in time." } else { "It could not be called." };
            Exception::new("Unreachable", why)
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let headers: Map<String, Value> = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), json!(value.to_str().ok()?))))
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_RESULT {
                return Err(Exception::new(
                    "ResultTooLarge",
                    format!("The answer is larger than {MAX_RESULT} bytes."),
                ));
            }
        }
        let body = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
        if status >= 400 {
            return Err(Exception::new(format!("HTTP_{status}"), "The host refused the call."));
        }
        Ok(json!({ "status": status, "headers": headers, "body": body }))
    }
}

/// The entry of the allow-list that admits this address.
fn allowed<'l>(url: &reqwest::Url, list: &'l [String]) -> Option<&'l str> {
    let host = url.host_str()?.to_lowercase();
    let with_port = format!("{host}:{}", url.port_or_known_default()?);
    list.iter().map(String::as_str).find(|entry| {
        let entry = entry.trim().to_lowercase();
        match entry.strip_prefix("*.") {
            Some(domain) => {
                host.strip_suffix(domain).is_some_and(|head| head.ends_with('.')) && url.port().is_none()
            }
            None => entry == with_port || (entry == host && url.port().is_none()),
        }
    })
}

/// Addresses that are not of the public internet.
fn private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            let [first, second, ..] = a.octets();
            a.is_private()
                || a.is_loopback()
                || a.is_link_local()
                || a.is_unspecified()
                || a.is_broadcast()
                || a.is_multicast()
                || (first == 100 && (64..128).contains(&second))
                || first == 0
        }
        IpAddr::V6(a) => {
            a.to_ipv4_mapped().is_some_and(|a| private(IpAddr::V4(a)))
                || a.is_loopback()
                || a.is_unspecified()
                || a.is_unique_local()
                || a.is_unicast_link_local()
                || a.is_multicast()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_the_list_are_admitted() {
        let list = ["api.example.com".to_owned(), "*.example.org".to_owned(), "127.0.0.1:9000".to_owned()];
        let admitted = |url: &str| allowed(&reqwest::Url::parse(url).unwrap(), &list).is_some();
        for url in [
            "https://api.example.com/x",
            "https://API.example.com",
            "https://a.b.example.org/",
            "http://127.0.0.1:9000/",
        ] {
            assert!(admitted(url), "{url}");
        }
        for url in [
            "https://example.com",
            "https://api.example.com.evil.test",
            "https://example.org",
            "https://evilexample.org",
            "https://api.example.com:8443",
            "http://127.0.0.1/",
            "https://api.example.com@evil.test/",
        ] {
            assert!(!admitted(url), "{url}");
        }
    }

    #[test]
    fn private_addresses_are_known() {
        for address in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "192.168.1.1",
            "172.20.0.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(private(address.parse().unwrap()), "{address}");
        }
        for address in ["203.0.113.1", "2001:db8::1", "100.128.0.1"] {
            assert!(!private(address.parse().unwrap()), "{address}");
        }
    }
}
