//! The auction: our bid against the best rival.
//!
//! Promises that the price never exceeds the bid; a tie is lost.

use super::Opportunity;
use super::places::EXCHANGES;

/// What a second price is above the next bid, in micros: a cent.
const SECOND_PRICE_STEP: i64 = 10_000;

/// How an auction ended for our bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Won, at this price in micros of USD per thousand, which is nano-USD an impression.
    Won(i64),
    /// Lost.
    Lost,
}

/// Holds it for a bid of `price` micros.
pub fn auction(opportunity: &Opportunity, price: i64) -> Outcome {
    if price < opportunity.floor || price <= opportunity.rival {
        return Outcome::Lost;
    }
    let next = opportunity.rival.max(opportunity.floor);
    let first_price = EXCHANGES[opportunity.exchange].first_price;
    Outcome::Won(if first_price { price } else { next.saturating_add(SECOND_PRICE_STEP).min(price) })
}
