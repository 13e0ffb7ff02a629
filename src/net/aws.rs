//! The AWS clients' way out: the same HTTP stack, and one configuration for all of them.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::OnceCell;

use crate::clock::Deadline;
use crate::time::Timestamp;

static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();

/// Region, credentials and endpoints as every AWS SDK finds them (`AWS_REGION`, `AWS_PROFILE`,
/// `AWS_ENDPOINT_URL…`), loaded once, at the first call of the first client.
pub async fn config() -> &'static SdkConfig {
    CONFIG
        .get_or_init(|| async {
            aws_config::defaults(aws_config::BehaviorVersion::latest())
                .http_client(Stack)
                .retry_config(RetryConfig::standard().with_max_attempts(3))
                // It takes the silence of a long poll for an upload that stands still, and leaves after
                // five seconds; the queue then leases what comes to nobody. Bodies are small and sent
                // whole, and every attempt has its time.
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .timeout_config(
                    TimeoutConfig::builder()
                        .connect_timeout(Duration::from_secs(1))
                        .operation_attempt_timeout(Duration::from_secs(3))
                        .build(),
                )
                .load()
                .await
        })
        .await
}

/// Whose name signs the calls that no SDK makes.
///
/// # Errors
/// Why there is none, for people.
pub async fn identity(deadline: Deadline) -> Result<Identity, String> {
    let find = async {
        let provider = config().await.credentials_provider();
        let provider = provider.ok_or_else(|| "there are no AWS credentials".to_owned())?;
        let found = provider.provide_credentials().await;
        found.map_err(|_| "there are no AWS credentials that can be used".to_owned())
    };
    match tokio::time::timeout(deadline.remaining(), find).await {
        Ok(found) => Ok(found?.into()),
        Err(_) => Err("no AWS credentials in time".to_owned()),
    }
}

/// The headers that sign a request with a body of JSON.
///
/// # Errors
/// It cannot be signed; for people.
pub fn signed(
    identity: &Identity,
    service: &str,
    region: &str,
    method: &str,
    url: &str,
    body: &str,
    now: Timestamp,
) -> Result<Vec<(String, String)>, String> {
    let unsigned = |e: &dyn std::fmt::Display| format!("the call cannot be signed: {e}");
    let since = Duration::from_millis(now.as_millis().unsigned_abs());
    let parameters = v4::SigningParams::builder()
        .identity(identity)
        .region(region)
        .name(service)
        .time(UNIX_EPOCH + since)
        .settings(SigningSettings::default())
        .build()
        .map_err(|e| unsigned(&e))?
        .into();
    let headers = std::iter::once(("content-type", "application/json"));
    let request = SignableRequest::new(method, url, headers, SignableBody::Bytes(body.as_bytes()))
        .map_err(|e| unsigned(&e))?;
    let (instructions, _) = sign(request, &parameters).map_err(|e| unsigned(&e))?.into_parts();
    Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// reqwest, as the AWS clients want to see it.
#[derive(Clone, Copy, Debug)]
struct Stack;

impl HttpClient for Stack {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector { read_timeout: settings.read_timeout() })
    }
}

#[derive(Debug)]
struct Connector {
    read_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(send(request, self.read_timeout))
    }
}

async fn send(request: HttpRequest, read_timeout: Option<Duration>) -> Result<HttpResponse, ConnectorError> {
    let client = super::client(request.uri()).map_err(|e| ConnectorError::user(e.into()))?;
    let request = request
        .try_into_http1x()
        .map_err(|e| ConnectorError::user(e.into()))?
        // The services used here send what they have in memory, never a stream.
        .map(|body| body.bytes().unwrap_or_default().to_vec());
    let mut request = reqwest::Request::try_from(request).map_err(|e| ConnectorError::user(e.into()))?;
    *request.timeout_mut() = read_timeout;
    let response = client.execute(request).await.map_err(failed)?;
    let status = response.status().as_u16().try_into().map_err(unreadable)?;
    let headers = response.headers().clone();
    let body = response.bytes().await.map_err(failed)?;
    let mut answer = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in &headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        answer.headers_mut().try_append(name.as_str().to_owned(), value).map_err(unreadable)?;
    }
    Ok(answer)
}

fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.without_url().into())
    } else {
        ConnectorError::io(error.without_url().into())
    }
}

fn unreadable(error: aws_smithy_runtime_api::http::HttpError) -> ConnectorError {
    ConnectorError::other(error.into(), None)
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;

    use super::*;

    #[test]
    fn a_request_is_signed_as_aws_signs() {
        let identity = Credentials::for_tests().into();
        let at = Timestamp::from_millis(1_795_170_000_000);
        let url = "https://connect.eu-west-2.amazonaws.com/contact/attributes";
        let headers = signed(&identity, "connect", "eu-west-2", "POST", url, "{}", at).unwrap();
        let value = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap();
        assert_eq!(value("x-amz-date"), "20261120T102000Z");
        let authorization = value("authorization");
        assert!(
            authorization
                .starts_with("AWS4-HMAC-SHA256 Credential=ANOTREAL/20261120/eu-west-2/connect/aws4_request"),
            "{authorization}"
        );
        assert!(authorization.contains("SignedHeaders=content-type;host;x-amz-date"), "{authorization}");
        let other = signed(&identity, "connect", "eu-west-2", "POST", url, "{\"a\":1}", at).unwrap();
        assert_ne!(headers, other, "the body is part of the signature");
    }
}
