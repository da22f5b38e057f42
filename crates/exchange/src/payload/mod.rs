//! The payload that crashed an engine, kept for the engineer.
//!
//! Bounded in number and size, and scrubbed of ids and addresses before anybody can read it. Keeping one costs the crash a
//! move of a pointer; scrubbing happens afterwards.

mod keeper;
mod scrub;

pub use keeper::{KEPT_MAX, KeptPayload, PAYLOAD_BYTES_MAX, PayloadKeeper};
pub use scrub::scrub;
