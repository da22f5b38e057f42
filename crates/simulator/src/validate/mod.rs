//! Judges a bid response against its request, as an exchange would before the auction.
//!
//! Promises: shares no code with the ad server beyond exact decimal parsing, so that neither can hide the other's
//! mistake. Reads leniently (real requests hold numbers in strings), judges strictly. Never bids, never answers.

mod request;
mod response;
mod violation;

pub use request::{ImpView, RequestView};
pub use response::{BidView, Verdict, judge};
pub use violation::Violation;
