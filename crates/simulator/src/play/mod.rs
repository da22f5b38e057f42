//! The exchanges at work: requests on schedule, answers judged, auctions held, notices sent.
//!
//! Promises: one exchange's trouble delays no other's schedule; what an answer leads to (judging, auction, notices)
//! happens after its latency has been taken.

mod exchange;
mod notices;
mod plan;
mod probe;
mod replay;
mod simulator;

pub use plan::{BillingEvent, ExchangePlan, SimulationPlan};
pub use probe::Probe;
pub use replay::{ReplayPlan, Replayed, replay};
pub use simulator::{SimulationReport, Simulator};
