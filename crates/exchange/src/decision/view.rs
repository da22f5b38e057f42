//! What a decision may look at.
//!
//! Everything is borrowed from snapshots that somebody else has published; a decision changes none of it but by a hold.

use campaign::{Country, Index};
use ledger::{CapKey, LeaseId};
use money::Rates;
use region::shading::{ShadeAsk, Shaded};
use region::{CapKeys, Hold, Refusal, RegionView, Want};
use tokio::time::Instant;

use crate::Dialect;

/// The request's surroundings for one decision.
#[derive(Debug)]
pub struct DecisionView<'a, P> {
    /// The exchange's name in the configuration.
    pub exchange: &'a str,
    /// How the exchange speaks.
    pub dialect: &'a Dialect,
    /// The campaigns.
    pub index: &'a Index,
    /// Exchange rates.
    pub rates: &'a Rates,
    /// The country that the request counts for.
    pub country: Country,
    /// The region's place in the exchange's list.
    pub region: usize,
    /// The region's money and caps.
    pub purse: &'a P,
    /// Makes the keys by which users are counted.
    pub cap_keys: &'a CapKeys,
    /// When the request came, in unix milliseconds.
    pub now_ms: i64,
    /// A decision that takes longer is worth nothing.
    pub deadline: Instant,
}

impl<P> DecisionView<'_, P> {
    /// Whether the deadline has passed.
    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

/// Where a decision asks for money and for a place in a user's cap.
pub trait Purse {
    /// What is held until the bid is sent or dropped.
    type Hold: Held;

    /// Holds the whole price of one impression.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], which is a reason for a no-bid.
    fn try_hold(&self, want: Want) -> Result<Self::Hold, Refusal>;

    /// What to bid where the winner pays its bid; `None` from a purse that knows no market.
    fn shade(&self, ask: &ShadeAsk) -> Option<Shaded> {
        let _ = ask;
        None
    }
}

/// A hold, as far as the bid must know it. Dropping it gives everything back.
pub trait Held {
    /// The lease that pays.
    fn lease(&self) -> LeaseId;
    /// The user in whose cap the bid has a place.
    fn cap_key(&self) -> Option<CapKey>;
}

impl Purse for RegionView<'_> {
    type Hold = Hold;

    fn try_hold(&self, want: Want) -> Result<Hold, Refusal> {
        RegionView::try_hold(self, want)
    }

    fn shade(&self, ask: &ShadeAsk) -> Option<Shaded> {
        Some(RegionView::shade(self, ask))
    }
}

impl Held for Hold {
    fn lease(&self) -> LeaseId {
        Hold::lease(self)
    }

    fn cap_key(&self) -> Option<CapKey> {
        Hold::cap_key(self)
    }
}
