//! Plans of queries that are asked again: to read and plan one costs more than to run it.
//!
//! A plan is kept where it is the same whoever asks and whenever; the schema never changes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::super::error::OrgError;
use super::plan::{Ask, Plan};

/// As many plans are kept, of texts up to this length; then they are made anew.
const MOST: usize = 256;
const LONGEST: usize = 2_000;

/// Whether the bin is seen, the version, the text.
type Key = (bool, u32, String);

#[derive(Debug, Default)]
pub(crate) struct Plans(RefCell<HashMap<Key, Arc<Plan>>>);

impl Plans {
    /// The plan of `text`: the one that was kept, or else what `make` makes.
    pub(crate) fn of(
        &self,
        ask: Ask<'_>,
        text: &str,
        make: impl FnOnce() -> Result<Plan, OrgError>,
    ) -> Result<Arc<Plan>, OrgError> {
        let key = (ask.all, ask.ctx.api_version, text.to_owned());
        if let Some(plan) = self.0.borrow().get(&key) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(make()?);
        if plan.steady && text.len() <= LONGEST {
            let mut kept = self.0.borrow_mut();
            if kept.len() >= MOST {
                kept.clear();
            }
            kept.insert(key, Arc::clone(&plan));
        }
        Ok(plan)
    }
}
