//! The world around the bidder: who sends requests, who bids against us, who reports what, and what goes wrong.
//!
//! Promises that a seed repeats it. Never asks the bidder anything: what it knows of a bid, it has read in the response.

mod auction;
mod calendar;
mod cast;
mod mail;
mod opportunity;
mod places;
mod scenario;
mod traffic;
mod trouble;

pub use auction::{Outcome, auction};
pub use calendar::{Calendar, HOUR_MS, MINUTE_MS};
pub use cast::{Cap, Kind, Part, cast};
pub use mail::{Letter, LetterKind, letters};
pub use opportunity::Opportunity;
pub use places::{COUNTRIES, Country, EXCHANGES, Exchange, Format, PROPERTIES, property_share};
pub use scenario::Scenario;
pub use traffic::Traffic;
pub use trouble::{Actor, Trouble};

/// A draw from the exponential distribution with this mean.
pub(crate) fn exponential(dice: &mut simulator::Dice, mean: f64) -> f64 {
    -mean * uniform(dice).ln()
}

/// A draw between zero, excluded, and one.
pub(crate) fn uniform(dice: &mut simulator::Dice) -> f64 {
    ((dice.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}
