//! A decision to bid.
//!
//! It owns what it needs of the request, so that it can outlive the body, and the holds, so that dropping it anywhere on its way
//! gives the money back.

use std::sync::Arc;

use campaign::{CompiledCampaign, Creative, CreativeId, Size};
use ledger::{CapKey, LeaseId};
use money::{Cpm, Currency, Rate};

/// Bids on one request: at least one, each on another imp.
#[derive(Debug)]
pub struct Bid<H> {
    /// The request's id.
    pub auction: String,
    /// The currency of all prices.
    pub currency: Currency,
    /// USD per unit of it.
    pub rate: Rate,
    /// The region's place in the exchange's list.
    pub region: usize,
    /// Whether the request is a test: nothing is held, and nothing will be billed.
    pub test: bool,
    /// The bids.
    pub imps: Vec<ImpBid<H>>,
    /// When the request came, in unix milliseconds.
    pub now_ms: i64,
}

/// The bid on one imp.
#[derive(Debug)]
pub struct ImpBid<H> {
    /// The imp's id.
    pub imp: String,
    /// Who pays.
    pub campaign: Arc<CompiledCampaign>,
    /// What is shown.
    pub creative: CreativeId,
    /// In which of its sizes.
    pub size: Size,
    /// The price in the bid's currency.
    pub price: Cpm,
    /// The most that it can cost, in USD.
    pub price_usd: Cpm,
    /// The deal that is bid on, if it is not the open auction.
    pub deal: Option<String>,
    /// Seconds between auction and impression that the bid stands.
    pub exp_s: u32,
    /// The lease that pays; 0 in a test.
    pub lease: LeaseId,
    /// The user in whose cap the bid has a place.
    pub cap_key: Option<CapKey>,
    /// The money; absent in a test.
    pub hold: Option<H>,
}

impl<H> ImpBid<H> {
    /// The definition of what is shown.
    ///
    /// # Panics
    ///
    /// Never: the creative was taken from this campaign, which does not change.
    #[must_use]
    pub fn creative(&self) -> &Creative {
        let creatives = &self.campaign.definition().creatives;
        creatives.iter().find(|creative| creative.id == self.creative).expect("the creative is one of its campaign's")
    }
}
