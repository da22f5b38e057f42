//! How much of a campaign's money its open bids need, if most of them are lost.
//!
//! The age-weighted reservation: a bid that is out for a while is billed with a probability that the bids of its class
//! have shown at that age ([`Survival`]), and a lease holds back the expected sum, four standard deviations, and the
//! dearest bid ([`Exposure`]). Without statistics, and for the last few bids of a lease, each bid is reserved in full.
//!
//! Promises integers throughout, every rounding towards more money held back, and never more than the full reservation.
//! Never decides alone: a lease of a campaign with a strict budget is not asked about.

mod chance;
mod class;
mod exposure;
mod memory;
mod risks;
mod survival;

pub use chance::Chance;
pub use class::{BidClass, CLASSES_MAX, Classes, Format};
pub use exposure::{ENDGAME_BIDS, Exposure, Need, PRICE_MAX, SLOT_MS, Slot};
pub(crate) use memory::RiskMemory;
pub use risks::{End, Risks};
pub use survival::{AGE_BUCKETS, Survival, age_begin_ms, bucket_of};
