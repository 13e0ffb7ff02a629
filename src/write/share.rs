//! The fleet's pace, for a call that is made before the reply.

use super::{Writes, in_time};
use crate::budget;
use crate::budget::Window;
use crate::fault::{Class, Fault, Throttle};
use crate::store::AddError;
use crate::time::Timestamp;

impl Writes {
    /// Takes one call of the running window, as workers do.
    ///
    /// # Errors
    /// The window is used up, or writes have stopped: the daily allowance is nearly spent.
    pub(super) async fn allowed(&self, now: Timestamp) -> Result<(), Fault> {
        let usage = self.client.usage().map(|usage| budget::Usage { used: usage.used, limit: usage.limit });
        let Some(rate) = budget::rate(usage, self.rate) else { return Ok(()) };
        let window = Window { amount: 1, ..Window::of(self.org(), rate, 1, 1, now) };
        if window.limit == 0 {
            return Err(full(
                "the daily allowance of API calls is nearly used up, and the rest is kept for reads",
            ));
        }
        let Some(table) = &self.state else { return Ok(()) };
        let Window { key, amount, limit, .. } = &window;
        match in_time(table.add_if_below(key, *amount, *limit, window.expires(), now)).await {
            Ok(_) => Ok(()),
            Err(AddError::Above(_)) => {
                Err(full("all calls of this moment are taken (TIELINE_RATE_PER_SEC, or the daily allowance)"))
            }
            // One call more is better than a caller who is refused because a counter is.
            Err(AddError::Store(error)) => {
                tracing::warn!(%error, "the fleet's counter does not answer; the write goes on");
                Ok(())
            }
        }
    }
}

fn full(why: &str) -> Fault {
    Fault::new(
        Class::Throttled(Throttle::Other),
        "WRITE_PACE",
        format!(
            "the write was not sent: {why}; let it be queued (tl_mode queue or wait), or send it again later"
        ),
    )
}
