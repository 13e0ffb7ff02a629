//! Queue and table at Amazon: SQS FIFO and DynamoDB.
//!
//! What it never does: build a client before the first call needs it, retry longer than a caller
//! can wait, or decide. Several queues and tables share one [`Aws`].

use std::{sync::Arc, time::Duration};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use tokio::sync::OnceCell;

use crate::net;
use crate::store::{Queue, StoreError, Table};

mod dynamodb;
mod sqs;

/// A call is cut and begun again after this: the services answer in tens of milliseconds, and a
/// caller on the phone waits.
const ATTEMPT: Duration = Duration::from_secs(1);
/// All attempts of a call together.
const OPERATION: Duration = Duration::from_secs(3);

/// The clients of one account and region, each built at its first call.
#[derive(Clone, Debug, Default)]
pub struct Aws {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    config: Option<SdkConfig>,
    sqs: OnceCell<aws_sdk_sqs::Client>,
    dynamodb: OnceCell<aws_sdk_dynamodb::Client>,
}

impl Aws {
    /// As the environment configures every AWS client.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a configuration of its own.
    #[must_use]
    pub fn with(config: SdkConfig) -> Self {
        Self { shared: Arc::new(Shared { config: Some(config), ..Shared::default() }) }
    }

    /// The FIFO queue at this URL.
    #[must_use]
    pub fn queue(&self, url: impl Into<String>) -> Arc<dyn Queue> {
        Arc::new(sqs::SqsQueue::new(self.clone(), url.into()))
    }

    /// The table of this name, with keys `PK` and `SK` and, where rows are indexed, `GSI1`.
    #[must_use]
    pub fn table(&self, name: impl Into<String>) -> Arc<dyn Table> {
        Arc::new(dynamodb::DynamoTable::new(self.clone(), name.into()))
    }

    async fn config(&self) -> &SdkConfig {
        match &self.shared.config {
            Some(config) => config,
            None => net::aws::config().await,
        }
    }

    async fn sqs(&self) -> &aws_sdk_sqs::Client {
        let build = || async {
            let config = aws_sdk_sqs::config::Builder::from(self.config().await)
                .timeout_config(time_limits(ATTEMPT, OPERATION))
                .retry_config(retries())
                .build();
            aws_sdk_sqs::Client::from_conf(config)
        };
        self.shared.sqs.get_or_init(build).await
    }

    async fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        let build = || async {
            let config = aws_sdk_dynamodb::config::Builder::from(self.config().await)
                .timeout_config(time_limits(ATTEMPT, OPERATION))
                .retry_config(retries())
                .build();
            aws_sdk_dynamodb::Client::from_conf(config)
        };
        self.shared.dynamodb.get_or_init(build).await
    }
}

fn time_limits(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(ATTEMPT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

/// The SDK's own first delay of a second would be most of what a caller has.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(500))
}

/// What a failed call means. `call` names it for the message; Amazon's texts name resources and
/// reasons.
fn failed<E, R>(call: &str, error: SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata,
{
    match error {
        SdkError::ServiceError(answer) => {
            let error = answer.into_err();
            classify(call, error.code().unwrap_or_default(), error.message().unwrap_or_default())
        }
        SdkError::TimeoutError(_) => {
            StoreError::Unavailable(format!("{call}: Amazon did not answer within {OPERATION:?}"))
        }
        SdkError::DispatchFailure(failure) => {
            let what = if failure.is_user() {
                "the call could not be made; are region and credentials configured?"
            } else {
                "Amazon could not be reached"
            };
            let source = failure.as_connector_error().map(ToString::to_string).unwrap_or_default();
            StoreError::Unavailable(format!("{call}: {what} ({source})"))
        }
        SdkError::ResponseError(_) => {
            StoreError::Unavailable(format!("{call}: Amazon's answer could not be read"))
        }
        _ => StoreError::Unavailable(format!(
            "{call}: the request could not be built; are region and credentials configured?"
        )),
    }
}

/// What a code of the service means; also for the entries of a batch.
fn classify(call: &str, code: &str, message: &str) -> StoreError {
    // Codes come as `AWS.SimpleQueueService.NonExistentQueue` or `com.amazonaws.sqs#…` as well.
    let code = code.rsplit(['.', '#']).next().unwrap_or(code);
    let text = format!("{call}: {code}: {message}");
    match code {
        "ThrottlingException"
        | "Throttling"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "KmsThrottled"
        | "OverLimit"
        | "TransactionConflictException" => StoreError::Throttled(text),
        "MessageNotInflight" => StoreError::HandleExpired,
        "InvalidParameterValue" if message.contains("expired") => StoreError::HandleExpired,
        "InternalServerError"
        | "InternalError"
        | "InternalFailure"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "" => StoreError::Unavailable(text),
        _ => StoreError::Refused(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_one_can_do_about_them() {
        let throttled = |code| matches!(classify("put", code, ""), StoreError::Throttled(_));
        assert!(throttled("ProvisionedThroughputExceededException"));
        assert!(throttled("com.amazonaws.sqs#RequestThrottled"));
        assert!(matches!(classify("send", "InternalError", ""), StoreError::Unavailable(_)));
        let refused = classify("send", "AWS.SimpleQueueService.NonExistentQueue", "no such queue");
        assert_eq!(refused, StoreError::Refused("send: NonExistentQueue: no such queue".to_owned()));
        let expired =
            "Value … for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.";
        assert_eq!(classify("delete", "InvalidParameterValue", expired), StoreError::HandleExpired);
    }
}
