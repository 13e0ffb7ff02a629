//! Tieline is the circuit between Amazon Connect and Salesforce.
//!
//! A contact flow calls it in the middle of a live phone call. Reads are answered at once, from a
//! cache where that is safe. Writes are accepted at once, kept durably in a queue, and carried to
//! Salesforce by a worker which spends as few API calls as the platform allows, in the order of
//! their contact, without loss or doubles. CTI Flows, the block flows of the agent's desktop, run
//! on the same engine room.
//!
//! # The map
//!
//! The rooms below are declared in the order of their dependencies: **a room may import only rooms
//! declared above it**, and the first group names no async runtime, no AWS, no HTTP, no SQLite, no
//! environment and no clock. A test (`tests/it/tidy.rs`) holds both rules.
//!
//! * *Words and rules* are pure. Time comes in as an argument, chance as a seed. Everything that
//!   decides lives here.
//! * *Edges* each know one outside thing and decide nothing.
//! * *Paths* are what happens to a read, a write, a batch, a replay, a flow: short, async, read
//!   from top to bottom.
//! * *Doors* turn arguments, environment and bytes into the calls of a path.
//!
//! # Walks
//!
//! * A read: [`lambda`] (`http` and `cli` call it too) → [`event`] → [`read`] → [`store`],
//!   [`salesforce`] → [`event`].
//! * A write: [`lambda`] → [`event`] → [`write`] → [`envelope`] → [`store`] (queue first, record
//!   second) → [`event`].
//! * Its delivery: [`worker`] ⇄ [`dispatch`], [`salesforce`], [`outcome`], [`store`].
//! * A CTI Flow: [`flow`] (model → validate → run) ⇄ [`flow_host`].
//!
//! # Words that look alike
//!
//! | word | here it means |
//! |---|---|
//! | contact | an Amazon Connect contact; Salesforce's Contact is always written with its object name |
//! | queue | the SQS queue of writes; Amazon Connect's is the *Connect queue* |
//! | flow | an Amazon Connect contact flow; a block flow of the agent's desktop is a *CTI Flow* |
//! | event | what AWS invokes a function with; a CTI Flow's is its *source and event* |
//! | record | a row of Salesforce; the stored state of a write is its *outcome* |
//! | ticket | a write's id (`tl-…`) standing where a Salesforce Id will be |

#![warn(missing_docs)]

// ── words and rules: no async, no IO, no clock, no environment ──
pub mod time;
pub mod row;
pub mod fault;
pub mod phone;
pub mod soql;
pub mod event;
pub mod envelope;
pub mod outcome;
pub mod budget;
pub mod dispatch;
pub mod flow;

// ── edges: each knows one outside thing ──
pub mod clock;
pub mod telemetry;
pub mod net;
pub mod store;
pub mod salesforce;
pub mod connect;

// ── paths: async, short, read top to bottom ──
pub mod read;
pub mod write;
pub mod worker;
pub mod replay;
pub mod flow_host;

// ── doors ──
pub mod config;
#[cfg(feature = "local")]
pub mod org;
pub mod lambda;
#[cfg(feature = "local")]
pub mod doctor;
#[cfg(feature = "local")]
pub mod http;
#[cfg(feature = "local")]
pub mod cli;
