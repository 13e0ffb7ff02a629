//! A simulated Salesforce org that real clients believe.
//!
//! [`schema`] says what objects there are, [`data`] keeps their rows by Salesforce's rules and
//! answers SOQL and SOSL, [`error`] is what it refuses, [`id`] how records are called.

pub mod data;
pub mod error;
pub mod id;
pub mod schema;
