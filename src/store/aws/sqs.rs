//! The queue as SQS FIFO.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    Message as Received, MessageSystemAttributeName as Attribute, QueueAttributeName,
    SendMessageBatchRequestEntry,
};

use super::{Aws, OPERATION, classify, failed, time_limits};
use crate::store::{Depth, Handle, Leased, MAX_BODY, Message, Queue, StoreError};
use crate::time::Timestamp;

/// What one call carries at most.
const BATCH: usize = 10;
/// The longest that SQS holds a question open.
const LONGEST_POLL: Duration = Duration::from_secs(20);
/// How much later than asked the answer of a long poll may come.
const LATE_ANSWER: Duration = Duration::from_secs(6);

#[derive(Debug)]
pub(super) struct SqsQueue {
    aws: Aws,
    url: String,
}

impl SqsQueue {
    pub(super) fn new(aws: Aws, url: String) -> Self {
        Self { aws, url }
    }

    /// Sends the messages at these places of the list, in one call.
    async fn send_batch(&self, messages: &[Message], places: &[usize], results: &mut Results) {
        let entries: Result<Vec<_>, _> = places
            .iter()
            .filter_map(|place| Some((place, messages.get(*place)?)))
            .map(|(place, message)| {
                SendMessageBatchRequestEntry::builder()
                    .id(place.to_string())
                    .message_group_id(&message.group)
                    .message_deduplication_id(&message.deduplication_id)
                    .message_body(&message.body)
                    .build()
            })
            .collect();
        let call = self.aws.sqs().await.send_message_batch().queue_url(&self.url);
        let answer = match entries {
            Ok(entries) => call.set_entries(Some(entries)).send().await.map_err(|e| failed("SendMessage", e)),
            Err(error) => Err(StoreError::Refused(error.to_string())),
        };
        let done = answer.map(|a| (a.successful.into_iter().map(|s| s.id).collect(), a.failed));
        note("SendMessage", places, done, results);
    }

    async fn receive_batch(
        &self,
        max: usize,
        lease: Duration,
        wait: Duration,
    ) -> Result<Vec<Received>, StoreError> {
        let wait = wait.min(LONGEST_POLL);
        // What comes a moment after we have gone is leased to nobody: here nobody on the phone waits.
        let limits = time_limits(LATE_ANSWER + wait, LATE_ANSWER + OPERATION + wait);
        let call = self
            .aws
            .sqs()
            .await
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(whole(max as u64))
            .visibility_timeout(seconds(lease))
            .wait_time_seconds(seconds(wait))
            // The client repeats a call whose answer was lost; with the same id the same messages
            // come again, and their groups are not held for a lease that nobody knows of.
            .receive_request_attempt_id(unique())
            .message_system_attribute_names(Attribute::MessageGroupId)
            .message_system_attribute_names(Attribute::ApproximateReceiveCount)
            .message_system_attribute_names(Attribute::SentTimestamp)
            .customize()
            .config_override(aws_sdk_sqs::config::Config::builder().timeout_config(limits));
        let answer = call.send().await.map_err(|e| failed("ReceiveMessage", e))?;
        Ok(answer.messages.unwrap_or_default())
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, messages: &[Message], _now: Timestamp) -> Vec<Result<(), StoreError>> {
        let mut results: Results = messages.iter().map(|m| m.check().err().map(Err)).collect();
        // Groups of which a message was not sent: a later one must not overtake it.
        let mut stopped: HashSet<&str> = HashSet::new();
        loop {
            let places = next_batch(messages, &results);
            if places.is_empty() {
                break;
            }
            self.send_batch(messages, &places, &mut results).await;
            for place in places {
                if let (Some(Some(Err(_))), Some(message)) = (results.get(place), messages.get(place)) {
                    stopped.insert(&message.group);
                }
            }
            for (message, result) in messages.iter().zip(&mut results) {
                if result.is_none() && stopped.contains(message.group.as_str()) {
                    *result = Some(Err(StoreError::Unavailable(
                        "not sent, because an earlier message of its group was not".to_owned(),
                    )));
                }
            }
        }
        finish(results)
    }

    async fn receive(
        &self,
        max: usize,
        lease: Duration,
        wait: Duration,
        _now: Timestamp,
    ) -> Result<Vec<Leased>, StoreError> {
        let mut leased = Vec::new();
        while leased.len() < max {
            let asked = (max - leased.len()).min(BATCH);
            // Only the first question waits; a later one that fails does not lose what is leased.
            let answer = if leased.is_empty() {
                self.receive_batch(asked, lease, wait).await?
            } else {
                self.receive_batch(asked, lease, Duration::ZERO).await.unwrap_or_default()
            };
            let full = answer.len() == asked;
            leased.extend(answer.into_iter().filter_map(understood));
            if !full {
                break;
            }
        }
        Ok(leased)
    }

    async fn delete(&self, handles: &[Handle], _now: Timestamp) -> Vec<Result<(), StoreError>> {
        let mut results: Results = vec![None; handles.len()];
        for (chunk, handles) in handles.chunks(BATCH).enumerate() {
            let places: Vec<_> = (0..handles.len()).map(|n| chunk * BATCH + n).collect();
            let entries: Result<Vec<_>, _> = places
                .iter()
                .zip(handles)
                .map(|(place, handle)| {
                    DeleteMessageBatchRequestEntry::builder()
                        .id(place.to_string())
                        .receipt_handle(&handle.0)
                        .build()
                })
                .collect();
            let call = self.aws.sqs().await.delete_message_batch().queue_url(&self.url);
            let answer = match entries {
                Ok(entries) => {
                    call.set_entries(Some(entries)).send().await.map_err(|e| failed("DeleteMessage", e))
                }
                Err(error) => Err(StoreError::Refused(error.to_string())),
            };
            let done = answer.map(|a| (a.successful.into_iter().map(|s| s.id).collect(), a.failed));
            note("DeleteMessage", &places, done, &mut results);
        }
        finish(results)
    }

    async fn change_visibility(
        &self,
        entries: &[(Handle, Duration)],
        _now: Timestamp,
    ) -> Vec<Result<(), StoreError>> {
        let mut results: Results = vec![None; entries.len()];
        for (chunk, entries) in entries.chunks(BATCH).enumerate() {
            let places: Vec<_> = (0..entries.len()).map(|n| chunk * BATCH + n).collect();
            let entries: Result<Vec<_>, _> = places
                .iter()
                .zip(entries)
                .map(|(place, (handle, after))| {
                    ChangeMessageVisibilityBatchRequestEntry::builder()
                        .id(place.to_string())
                        .receipt_handle(&handle.0)
                        .visibility_timeout(seconds(*after))
                        .build()
                })
                .collect();
            let call = self.aws.sqs().await.change_message_visibility_batch().queue_url(&self.url);
            let answer = match entries {
                Ok(entries) => call
                    .set_entries(Some(entries))
                    .send()
                    .await
                    .map_err(|e| failed("ChangeMessageVisibility", e)),
                Err(error) => Err(StoreError::Refused(error.to_string())),
            };
            let done = answer.map(|a| (a.successful.into_iter().map(|s| s.id).collect(), a.failed));
            note("ChangeMessageVisibility", &places, done, &mut results);
        }
        finish(results)
    }

    async fn depth(&self, _now: Timestamp) -> Result<Depth, StoreError> {
        let answer = self
            .aws
            .sqs()
            .await
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(QueueAttributeName::MessageRetentionPeriod)
            .send()
            .await
            .map_err(|e| failed("GetQueueAttributes", e))?;
        let count = |name| {
            let text = answer.attributes.as_ref().and_then(|all| all.get(&name));
            text.and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        Ok(Depth {
            visible: count(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
            oldest: None,
            keeps: Duration::from_secs(count(QueueAttributeName::MessageRetentionPeriod)),
        })
    }
}

/// One place for each entry; `None` until its answer is known.
type Results = Vec<Option<Result<(), StoreError>>>;

fn finish(results: Results) -> Vec<Result<(), StoreError>> {
    let unanswered = || Err(StoreError::Unavailable("SQS did not say what became of it".to_owned()));
    results.into_iter().map(|result| result.unwrap_or_else(unanswered)).collect()
}

/// The places of the messages that go out next: those without a result, in their order, as many as
/// one call carries, and one of a group at most, so that a call that fails in part keeps the order.
fn next_batch(messages: &[Message], results: &Results) -> Vec<usize> {
    let mut places = Vec::new();
    let mut groups = HashSet::new();
    let mut bytes = 0;
    for (place, message) in messages.iter().enumerate() {
        let open = matches!(results.get(place), Some(None));
        if !open || groups.contains(message.group.as_str()) {
            continue;
        }
        groups.insert(message.group.as_str());
        bytes += message.body.len();
        if places.len() == BATCH || (bytes > MAX_BODY && !places.is_empty()) {
            break;
        }
        places.push(place);
    }
    places
}

/// Writes down what a call answered about the entries at `places`.
fn note(
    call: &str,
    places: &[usize],
    answer: Result<(HashSet<String>, Vec<BatchResultErrorEntry>), StoreError>,
    results: &mut Results,
) {
    for place in places {
        let Some(result) = results.get_mut(*place) else { continue };
        let id = place.to_string();
        *result = match &answer {
            Err(error) => Some(Err(error.clone())),
            Ok((successful, _)) if successful.contains(&id) => Some(Ok(())),
            Ok((_, refused)) => Some(Err(refused.iter().find(|entry| entry.id == id).map_or_else(
                || StoreError::Unavailable(format!("{call}: SQS did not say what became of it")),
                |entry| classify(call, &entry.code, entry.message.as_deref().unwrap_or_default()),
            ))),
        };
    }
}

/// Our queue's messages have all of these; one without them was never sent by us and cannot be
/// handled, so its lease runs out and the queue's own dead-letter queue takes it in the end.
fn understood(message: Received) -> Option<Leased> {
    let attributes = message.attributes.unwrap_or_default();
    let number = |name| attributes.get(&name).and_then(|text| text.parse::<i64>().ok());
    Some(Leased {
        group: attributes.get(&Attribute::MessageGroupId).cloned().unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        handle: Handle(message.receipt_handle?),
        receive_count: number(Attribute::ApproximateReceiveCount)
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(1),
        sent_at: number(Attribute::SentTimestamp).map_or(Timestamp::EPOCH, Timestamp::from_millis),
    })
}

/// SQS counts in whole seconds; rounded up, so that nothing ends before it was said to.
fn seconds(time: Duration) -> i32 {
    whole(time.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
}

fn whole(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// An id that no other call of any process has: keys that the operating system gave at random.
fn unique() -> String {
    format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(group: &str, size: usize) -> Message {
        let body = "x".repeat(size);
        Message { group: group.to_owned(), deduplication_id: "id".to_owned(), body }
    }

    #[test]
    fn a_batch_holds_ten_of_different_groups_and_no_more_than_a_call_carries() {
        let many: Vec<_> = (0..12).map(|n| message(&format!("g{n}"), 10)).collect();
        assert_eq!(next_batch(&many, &vec![None; 12]), (0..10).collect::<Vec<_>>());
        let mut sent = vec![Some(Ok(())); 12];
        sent[11] = None;
        assert_eq!(next_batch(&many, &sent), [11]);

        let one_group = [message("a", 1), message("a", 1), message("b", 1)];
        assert_eq!(next_batch(&one_group, &vec![None; 3]), [0, 2]);

        let large = [message("a", MAX_BODY), message("b", MAX_BODY), message("a", 1)];
        assert_eq!(next_batch(&large, &vec![None; 3]), [0]);
    }

    #[test]
    fn an_entry_that_the_answer_leaves_out_has_failed() {
        let mut results = vec![None; 3];
        let refused = BatchResultErrorEntry::builder()
            .id("2")
            .code("InternalError")
            .sender_fault(false)
            .build()
            .unwrap();
        note("SendMessage", &[0, 1, 2], Ok((HashSet::from(["0".to_owned()]), vec![refused])), &mut results);
        let ok: Vec<_> = finish(results).iter().map(Result::is_ok).collect();
        assert_eq!(ok, [true, false, false]);
    }

    #[test]
    fn times_are_whole_seconds_and_never_shorter() {
        assert_eq!(seconds(Duration::ZERO), 0);
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_millis(2000)), 2);
        assert_eq!(seconds(Duration::MAX), i32::MAX);
    }

    #[test]
    fn no_two_ids_are_the_same() {
        let ids: HashSet<_> = (0..1000).map(|_| unique()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
