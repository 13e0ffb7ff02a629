//! One integration binary: what the product promises, tried from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod tidy;
