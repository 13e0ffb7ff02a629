//! CTI Flows: the block flows of the agent's desktop, read, checked and run.
//!
//! What it is: four rooms in their order. [`json`] keeps a file as it came, [`path`] reads
//! expressions, [`catalogue`] is the data about blocks and events, [`model`] is the document;
//! [`validate`] says everything that is wrong with it at once, [`run`] is the state machine that
//! carries it out.
//! What it never does: call anything, wait, or know what time it is. A run is given the flow, the
//! event and the time; it asks for actions with resolved inputs; it is told results.
//! Who calls it: [`crate::flow_host`], which performs what a run asks for, and the doors.
//!
//! Its laws:
//! * A document that is read and written again is the same, to the text of its numbers.
//! * Whatever a published flow contains can be read; what is not understood is kept.
//! * A missing value never stops a run, and a run ends in bounded time and space.

pub mod catalogue;
pub mod diff;
pub mod explain;
pub mod import;
pub mod json;
pub mod model;
pub mod path;
pub mod reference;
pub mod run;
#[cfg(feature = "local")]
mod shape;
pub mod validate;
