//! CTI Flows on Amazon Connect's contact events, and the invoke path as flows call it.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::BatchItemFailure;
use aws_lambda_events::sqs::SqsBatchResponse;
use aws_lambda_events::sqs::SqsEvent;

use super::Service;
use crate::clock;
use crate::flow::run::Exception;
use crate::flow_host::Host;
use crate::flow_host::Invoke;
use crate::flow_host::Mode;
use crate::flow_host::contact_event;

/// How long a Salesforce block may take; the run's own limit ends it sooner.
const PATIENCE: Duration = Duration::from_secs(20);

/// The invoke path for [`Host`]: what a block asks is answered as a contact flow's call would be.
#[must_use]
pub fn salesforce(service: Service) -> Invoke {
    Arc::new(move |event| {
        let service = service.clone();
        Box::pin(async move {
            service.invoke(event, PATIENCE).await.map_err(|error| {
                // Salesforce's own code, where the text begins with one.
                let code = error.error_message.split(':').next().unwrap_or_default();
                let coded = !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
                let name = if coded { code.to_owned() } else { error.error_type };
                Exception::new(name, error.error_message)
            })
        })
    })
}

/// Starts the flows of each contact event of a batch. Messages whose flows could not be started
/// come back; one bad message never fails its neighbours.
pub async fn handle(host: &Host, batch: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in batch.records {
        let body = message.body.as_deref().unwrap_or_default();
        let event = match contact_event::read(body) {
            Ok(event) => event,
            Err(passed) => {
                tracing::info!("a contact event starts nothing: {passed}");
                continue;
            }
        };
        if let Err(error) = host.event(event, Mode::Unattended, clock::now()).await {
            tracing::warn!("the flows of a contact event could not be started: {error}");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    response
}
