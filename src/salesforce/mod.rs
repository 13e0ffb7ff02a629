//! Salesforce's REST interface: what goes over the wire, and what an answer means.
//!
//! Pure building and parsing around one function, [`Exchange::exchange`]. What it never does:
//! decide whether to retry, queue or give up; it says what an answer *means*
//! ([`classify`]), and the paths act on it.

pub mod wire;
