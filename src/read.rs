//! The way of a read: a question in, what Salesforce knows out.
//!
//! What it never does: build or escape a query (those come complete from [`crate::event`]), or write.
//! Who calls it: [`crate::lambda`], within a deadline.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::clock::Deadline;
use crate::clock::Stopwatch;
use crate::event::Found;
use crate::event::Read;
use crate::event::Shape;
use crate::fault::Class;
use crate::fault::Fault;
use crate::salesforce::Called;
use crate::salesforce::Client;
use crate::salesforce::Spent;

/// The most records that a reply can be made of: thirty-two kilobytes hold fewer.
const MOST: usize = 2000;

/// For how long a question that Salesforce refused is not asked again.
const REMEMBERED: Duration = Duration::from_secs(10);

/// For how long what may stand in for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A cached answer as good as new.
    pub fresh: Duration,
    /// A cached answer that stands in while Salesforce gives none.
    pub stale: Duration,
    /// That nobody matched.
    pub negative: Duration,
}

/// Answers questions, and remembers for a while which ones Salesforce refuses: Amazon Connect asks up
/// to three times when a call raises an error.
#[derive(Debug)]
pub struct Reads {
    client: Client,
    refused: Mutex<HashMap<u64, (Stopwatch, Fault)>>,
    seed: RandomState,
}

impl Reads {
    /// Over this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, refused: Mutex::default(), seed: RandomState::new() }
    }

    /// Answers one question.
    pub async fn answer(&self, read: &Read, deadline: Deadline) -> Called<Found> {
        let key = match read {
            Read::Nobody { .. } => return free(Ok(Found::default())),
            Read::Query { soql: text, .. } | Read::Search { sosl: text, .. } => self.seed.hash_one(text),
            Read::ParameterizedSearch { body, .. } => self.seed.hash_one(body.to_string()),
        };
        if let Some(fault) = self.refused_before(key) {
            return free(Err(fault));
        }
        let called = self.ask(read, deadline).await;
        if let Err(fault) = &called.result
            && fault.class == Class::Rejected
        {
            self.remember(key, fault);
        }
        called
    }

    /// Asks Salesforce. The shape of the reply decides how many pages are worth fetching.
    async fn ask(&self, read: &Read, deadline: Deadline) -> Called<Found> {
        match read {
            Read::Nobody { .. } => free(Ok(Found::default())),
            Read::Query { soql, shape } => {
                self.client.query(soql, if shape.shows_all() { MOST } else { 1 }, deadline).await
            }
            Read::Search { sosl, .. } => self.client.search(sosl, deadline).await,
            Read::ParameterizedSearch { body, .. } => self.client.parameterized_search(body, deadline).await,
        }
    }

    fn refused_before(&self, key: u64) -> Option<Fault> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, fault) = refused.get(&key)?;
        (since.elapsed() < REMEMBERED).then(|| fault.clone())
    }

    fn remember(&self, key: u64, fault: &Fault) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.retain(|_, (since, _)| since.elapsed() < REMEMBERED);
        refused.insert(key, (Stopwatch::start(), fault.clone()));
    }
}

/// An answer that cost no call.
fn free(result: Result<Found, Fault>) -> Called<Found> {
    Called { result, spent: Spent::default() }
}

/// The form in which a read is answered.
#[must_use]
pub fn shape(read: &Read) -> Shape {
    match read {
        Read::Nobody { shape }
        | Read::Query { shape, .. }
        | Read::Search { shape, .. }
        | Read::ParameterizedSearch { shape, .. } => *shape,
    }
}
