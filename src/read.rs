//! The way of a read: a question in, what Salesforce knows out.
//!
//! What it never does: build or escape a query (those come complete from [`crate::event`]), or write.
//! Who calls it: [`crate::lambda`], within a deadline.

use std::time::Duration;

use crate::clock::Deadline;
use crate::event::Found;
use crate::event::Read;
use crate::event::Shape;
use crate::fault::Fault;
use crate::salesforce::Called;
use crate::salesforce::Client;
use crate::salesforce::Spent;

/// The most records that a reply can be made of: thirty-two kilobytes hold fewer.
const MOST: usize = 2000;

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

/// Asks Salesforce. The shape of the reply decides how many pages are worth fetching.
pub async fn answer(client: &Client, read: &Read, deadline: Deadline) -> Called<Found> {
    match read {
        Read::Nobody { .. } => Called { result: Ok::<_, Fault>(Found::default()), spent: Spent::default() },
        Read::Query { soql, shape } => {
            client.query(soql, if shape.shows_all() { MOST } else { 1 }, deadline).await
        }
        Read::Search { sosl, .. } => client.search(sosl, deadline).await,
        Read::ParameterizedSearch { body, .. } => client.parameterized_search(body, deadline).await,
    }
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
