//! The auction: our bid against rivals drawn from a seed.
//!
//! Promises: exact integers; the clearing price never exceeds the bid and never falls below the floor; a tie is lost.

use money::{Cpm, Currency, Rates, Rounding};

use crate::Dice;
use crate::validate::{BidView, ImpView};

/// The rivals of an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Competition {
    /// At most this many others bid; how many is drawn, from none.
    pub rivals_max: u32,
    /// The range of their prices, in USD.
    pub price_usd: (Cpm, Cpm),
}

impl Competition {
    /// Up to four rivals from 0.20 to 1.60 USD.
    pub fn usual() -> Self {
        Self { rivals_max: 4, price_usd: (Cpm(200_000), Cpm(1_600_000)) }
    }

    /// No rival: every valid bid wins.
    pub fn none() -> Self {
        Self { rivals_max: 0, price_usd: (Cpm::ZERO, Cpm::ZERO) }
    }
}

/// How an auction ended for our bid. Prices are in the bid's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuctionOutcome {
    /// It won.
    Won {
        /// What is to be paid.
        clearing: Cpm,
        /// What would just have won.
        min_to_win: Cpm,
    },
    /// It lost to a higher or equal bid.
    Lost {
        /// The winning price.
        min_to_win: Cpm,
    },
}

/// What a second price is above the next bid: a cent.
const SECOND_PRICE_STEP: Cpm = Cpm(10_000);

/// Holds the auction for one impression, between a valid bid and drawn rivals.
pub fn hold_auction(
    bid: &BidView,
    imp: &ImpView,
    currency: Currency,
    first_price: bool,
    competition: Competition,
    rates: &Rates,
    dice: &mut Dice,
) -> AuctionOutcome {
    let floor = floor_in(imp, bid, currency, rates);
    let rival = best_rival(competition, currency, rates, dice).filter(|rival| floor <= *rival);
    if let Some(rival) = rival
        && bid.price <= rival
    {
        return AuctionOutcome::Lost { min_to_win: rival };
    }
    let next = rival.unwrap_or(floor).max(floor);
    let clearing = if first_price { bid.price } else { next.saturating_add(SECOND_PRICE_STEP).min(bid.price) };
    AuctionOutcome::Won { clearing, min_to_win: next.min(bid.price) }
}

fn floor_in(imp: &ImpView, bid: &BidView, currency: Currency, rates: &Rates) -> Cpm {
    let deal = bid.deal_id.as_ref().and_then(|deal| imp.deals.iter().find(|(id, ..)| id == deal));
    let (floor, floor_currency) =
        deal.map_or((imp.floor, &imp.floor_currency), |(_, floor, floor_currency)| (*floor, floor_currency));
    let Ok(floor_currency) = floor_currency.parse() else { return Cpm::ZERO };
    let floor = rates.convert(floor, floor_currency, currency, Rounding::Up).unwrap_or(Cpm::ZERO);
    // Rounded up it may pass a bid that was judged at the floor by less than a micro.
    floor.max(Cpm::ZERO).min(bid.price)
}

fn best_rival(competition: Competition, currency: Currency, rates: &Rates, dice: &mut Dice) -> Option<Cpm> {
    let rivals = dice.between(0, i64::from(competition.rivals_max));
    let (low, high) = competition.price_usd;
    let best = (0..rivals).map(|_| Cpm(dice.between(low.0, high.0))).max()?;
    rates.from_usd(best, currency, Rounding::Up)
}
