//! One integration binary: what the product promises, tried from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::print_stdout,
    missing_docs,
    reason = "a test may fail"
)]

mod backend_contract;
mod console;
mod crash;
mod deploy;
mod bill;
mod desk;
mod doctor;
mod emulator;
mod exchange;
mod flow;
mod flow_blocks;
mod flow_events;
mod golden;
mod invoke;
mod lint;
mod logs;
mod org;
mod poller;
mod reads;
mod sim;
mod story;
mod support;
mod tidy;
