//! What exchanges send: generated requests, corpus lines moved to Southeast Asia, and hostile payloads.
//!
//! Promises: everything is drawn from a seed and can be drawn again. Addresses are of the documentation ranges, and no
//! domain names anyone real.

mod devices;
mod draft;
mod generator;
mod hostile;
mod inventory;
mod market;
mod transform;

pub use generator::{GeneratedRequest, Generator, TrafficMix};
pub use hostile::{Expectation, HostileKind, HostilePayload};
pub use market::Market;
pub use transform::{CurrencyRewrite, TransformError, Transformed, transform};
