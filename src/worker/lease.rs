//! Messages from the queue, opened, and for how long they are hidden. What is no envelope is buried
//! here, what this worker must not send is left to another.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Worker;
use crate::dispatch::{LAST_DAY, VISIBILITY};
use crate::envelope::{Envelope, Undecodable};
use crate::outcome::Reason;
use crate::outcome::rows::DeadLetter;
use crate::store::{Expect, Handle, Leased};
use crate::telemetry::{Line, Metric};
use crate::time::Timestamp;

/// When a message is looked at again that only another worker can send.
const FOREIGN: Duration = Duration::from_secs(300);

/// A message that this worker may send.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) envelope: Arc<Envelope>,
    pub(super) handle: Handle,
    pub(super) receive_count: u32,
    pub(super) sent_at: Timestamp,
}

impl Worker {
    /// Takes messages. None where the queue cannot be asked: the brain asks again.
    pub(super) async fn lease(&self, max: usize, wait: Duration) -> Vec<Opened> {
        match self.inner.queue.receive(max, VISIBILITY, wait, self.now()).await {
            Ok(messages) => self.open(messages).await,
            Err(error) => {
                Line::new("queue unreachable").with("error", error.to_string()).warning().write();
                tokio::time::sleep(Duration::from_secs(1)).await;
                Vec::new()
            }
        }
    }

    /// Opens messages, in their order.
    pub(super) async fn open(&self, messages: Vec<Leased>) -> Vec<Opened> {
        let mut opened = Vec::new();
        let mut postponed: HashSet<String> = HashSet::new();
        let mut hidden = Vec::new();
        for message in messages {
            if postponed.contains(&message.group) {
                // Behind one that waits for another worker, its order is kept.
                hidden.push((message.handle, Duration::ZERO));
                continue;
            }
            let own = self.inner.client.settings().organisation();
            let why = match Envelope::decode(&message.body) {
                Ok(envelope) if envelope.org == own => {
                    opened.push(Opened {
                        envelope: Arc::new(envelope),
                        handle: message.handle,
                        receive_count: message.receive_count,
                        sent_at: message.sent_at,
                    });
                    continue;
                }
                Ok(_) => "it is for another organisation: two stacks share one queue; give each its own (TIELINE_QUEUE_URL)"
                    .to_owned(),
                Err(Undecodable::Malformed(why)) => {
                    self.bury_garbage(message, &why).await;
                    continue;
                }
                Err(newer @ Undecodable::Newer(_)) => newer.to_string(),
            };
            if self.now().since(message.sent_at) >= LAST_DAY {
                // Nobody took it, and the queue is about to drop it.
                self.bury_garbage(message, &why).await;
                continue;
            }
            Line::new("message postponed").with("why", why).warning().write();
            postponed.insert(message.group);
            hidden.push((message.handle, FOREIGN.max(patience(message.receive_count))));
        }
        if !hidden.is_empty() {
            // Those behind go back first: until the first is hidden, the queue holds its group.
            hidden.reverse();
            self.inner.queue.change_visibility(&hidden, self.now()).await;
        }
        opened
    }

    async fn bury_garbage(&self, message: Leased, why: &str) {
        let now = self.now();
        let letter = DeadLetter::of_garbage(&message.group, &message.body, why, now);
        // The dead letter first: where it cannot be kept, the message stays.
        if self.inner.state.put(&letter.row(), Expect::Anything, now).await.is_ok() {
            self.inner.queue.delete(&[message.handle], now).await;
            Line::new("buried")
                .by("reason", Reason::Malformed.code())
                .count(Metric::DeadLetters, 1.0)
                .warning()
                .write();
        }
    }
}

/// How long a message is hidden so that it comes back at `at`, not before.
pub(super) fn hidden_for(at: Timestamp, now: Timestamp, receive_count: u32) -> Duration {
    at.since(now)
        .clamp(Duration::from_millis(100), Duration::from_secs(12 * 3600))
        .max(patience(receive_count))
}

/// How long a message is hidden at least that has come so often: a queue moves it into its dead-letter
/// queue at a thousand receives at most, and that must not come before [`LAST_DAY`], whatever it waits
/// for.
pub(super) fn patience(receive_count: u32) -> Duration {
    Duration::from_secs(u64::from(receive_count.saturating_sub(50)) * 3).min(Duration::from_secs(1800))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_only_waits_is_not_received_too_often_before_its_last_day() {
        assert_eq!(patience(50), Duration::ZERO, "ordinary trouble is not made longer");
        let thousand: Duration = (1..=1000).map(patience).sum();
        assert!(thousand >= LAST_DAY, "{thousand:?}");
    }
}
