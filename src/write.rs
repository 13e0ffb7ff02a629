//! The way of a write, synchronous: straight to Salesforce, and what it said.
//!
//! What it never does: try again (whether a write that got no answer took effect, nobody knows), or
//! read the answer in any other way than [`crate::salesforce`] does.
//! Who calls it: [`crate::lambda`], within a deadline.

use std::time::Duration;

use crate::clock::Deadline;
use crate::event::Mode;
use crate::event::Write;
use crate::event::Written;
use crate::salesforce::Called;
use crate::salesforce::Client;

/// How writes are taken, where the call does not say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Waited for, queued, or straight through.
    pub mode: Mode,
    /// How long an outcome is waited for.
    pub wait: Duration,
    /// How long an equal write of a contact is the same write.
    pub duplicate_window: Duration,
    /// Fields that are never stored: `Field`, or `Object.Field`.
    pub sensitive: Vec<String>,
}

/// Carries it out before the reply.
pub async fn now(client: &Client, write: &Write, deadline: Deadline) -> Called<Written> {
    client.apply(write, deadline).await
}
