//! The AWS clients' way out: the same HTTP stack, and one configuration for all of them.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use std::time::Duration;
use tokio::sync::OnceCell;

static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();

/// Region, credentials and endpoints as every AWS SDK finds them (`AWS_REGION`, `AWS_PROFILE`,
/// `AWS_ENDPOINT_URL…`), loaded once, at the first call of the first client.
pub async fn config() -> &'static SdkConfig {
    CONFIG
        .get_or_init(|| async {
            aws_config::defaults(aws_config::BehaviorVersion::latest())
                .http_client(Stack)
                .retry_config(RetryConfig::standard().with_max_attempts(3))
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
