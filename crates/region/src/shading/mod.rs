//! First-price shading: what to bid where the winner pays its bid.
//!
//! Exchanges say of many bids what would just have won (`${AUCTION_MIN_TO_WIN}`). For each kind of place ([`Segment`]) a
//! [`Market`] keeps how these prices are spread, and a bid worth `v` is made at the price `b` at which `(v - b)` times the
//! share of auctions won is greatest ([`Curve`]). One bid in fifty is made at its full price, so that a market that rises is
//! noticed; and unless an exchange tells of nearly every bid, those are the only ones that teach: of shaded bids it may tell
//! the wins alone, from which any price would look enough.
//!
//! Promises a price at most the value and at least the floor, or none while fewer than [`SAMPLES_MIN`] auctions are known:
//! then the full price is bid. Prices are integers; floats weigh how often a price wins, and never become one. Never decides
//! what may be charged: the shaded bid is what is held, sealed in the token, and billed at most.

mod curve;
mod market;
mod segment;

pub use curve::{BINS, Curve, EDGES};
pub use market::{Market, MarketView, Outlook, SAMPLES_MIN, SEGMENTS_MAX};
pub use segment::{LEVELS, Segment};

use campaign::CampaignId;
use money::Cpm;

/// What a bid's outcome may teach: of which place, and whether it was made at its full price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Where the bid was made.
    pub segment: Segment,
    /// Whether it was made at its full price.
    pub full_price: bool,
}

/// What the bid path asks before it bids in a first-price auction.
#[derive(Clone, Copy, Debug)]
pub struct ShadeAsk {
    /// Whose bid it is: one that is behind its plan although it passes everything is not shaded.
    pub campaign: CampaignId,
    /// Where the bid is to be made.
    pub segment: Segment,
    /// What it is worth: the campaign's own price, in USD.
    pub value: Cpm,
    /// The least price that is taken, in USD.
    pub floor: Cpm,
    /// Decides whether the bid explores: the draw by which it is paced will do.
    pub draw: u64,
}

/// What to bid in a first-price auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shaded {
    /// The price in USD, at most the value; `None` for the full price.
    pub price: Option<Cpm>,
    /// What the bid may teach: it belongs into the bid's [`Want`](crate::Want).
    pub lesson: Lesson,
}

/// One bid in so many is made at its full price.
pub const EXPLORE_ONE_IN: u64 = 50;

/// Whether a bid of this draw explores. The draw is spread already.
pub(crate) fn explores(draw: u64) -> bool {
    // Other bits than those that pacing takes.
    (draw & 0xFFFF_FFFF).is_multiple_of(EXPLORE_ONE_IN)
}
