//! On which terms one may bid on an imp: the open auction with its floor, and the deals with theirs.
//!
//! Floors round up into the bid's currency. A floor below zero, or one that cannot be read, is never taken for zero: each is a
//! reason of its own. Whether the auction is of the first or the second price changes nothing here: the first-price bid is
//! shaded afterwards.

use money::{Cpm, Currency, Rates, Rounding};
use openrtb::{AuctionType, Deal, Imp};

use crate::{Dialect, NoBidReason};

/// Deals of one imp that are looked at. The most that was recorded is 3.
pub const DEALS_MAX: usize = 64;

/// Seats and advertisers of one deal; one that names more is left alone.
pub const DEAL_LIST_MAX: usize = 256;

/// One way to bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms<'r> {
    /// The least price, in the bid's currency.
    pub floor: Cpm,
    /// The deal's id; the open auction has none.
    pub deal: Option<&'r str>,
    /// Advertiser domains that the deal is for; empty means all.
    pub advertisers: &'r [std::borrow::Cow<'r, str>],
    /// Whether the floor is the agreed price.
    pub fixed: bool,
    /// Whether it is the open auction and its winner pays its bid. Deals are bid on as agreed.
    pub first_price: bool,
}

impl Terms<'_> {
    /// The price of an `offer` on these terms, in steps of `step` micros; `None` if the offer is too low.
    #[must_use]
    pub fn price(&self, offer: Cpm, step: i64) -> Option<Cpm> {
        assert!(step > 0, "a price step is positive: {step}");
        let offer = Cpm(offer.0 - offer.0.rem_euclid(step));
        if offer < self.floor || offer.0 <= 0 {
            return None;
        }
        if !self.fixed || self.floor.0 == 0 {
            return Some(offer);
        }
        // Up to the next step, which is still no more than the offer: that is a multiple of the step itself.
        let above = self.floor.0.rem_euclid(step);
        Some(if above == 0 { self.floor } else { Cpm(self.floor.0 + (step - above)) })
    }

    /// A lower price than `offer`, which is a price on these terms already: `shaded`, in steps of `step` micros, a hundredth
    /// above the floor at least. Never above the offer.
    #[must_use]
    pub fn shaded(&self, offer: Cpm, shaded: Cpm, step: i64) -> Cpm {
        let floor = self.floor.0.max(0);
        let least = floor.saturating_add(floor / 100).max(step);
        // The least rounds up, the shaded price down.
        let least = least.saturating_add(step - 1) / step * step;
        let shaded = shaded.0 - shaded.0.rem_euclid(step);
        Cpm(shaded.max(least).min(offer.0))
    }

    /// Whether a campaign that bids on these deals alone may bid on these terms; one without deals may on all.
    #[must_use]
    pub fn is_among(&self, deals: &[String]) -> bool {
        deals.is_empty() || self.deal.is_some_and(|deal| deals.iter().any(|ours| ours == deal))
    }

    /// Whether an advertiser may bid on these terms.
    #[must_use]
    pub fn open_to(&self, advertiser: &str) -> bool {
        self.advertisers.is_empty()
            || self.advertisers.iter().any(|domain| domain.trim().eq_ignore_ascii_case(advertiser))
    }
}

/// The deals of an imp that are looked at.
pub(super) fn deals<'r>(imp: &'r Imp<'r>) -> &'r [Deal<'r>] {
    let deals = imp.pmp.as_ref().map_or(&[][..], |pmp| &pmp.deals);
    &deals[..deals.len().min(DEALS_MAX)]
}

/// The terms of an imp, the open auction first, and deals in the exchange's order.
///
/// # Errors
///
/// [`NegativeFloor`](NoBidReason::NegativeFloor) or [`UnreadableFloor`](NoBidReason::UnreadableFloor) if any floor of the imp
/// is below zero or no price: an exchange that sends one does not mean what it says. [`FloorCurrency`](NoBidReason::FloorCurrency) or [`PrivateAuction`](NoBidReason::PrivateAuction) if nothing is
/// left.
pub fn terms<'r>(
    imp: &'r Imp<'r>,
    auction: AuctionType,
    dialect: &Dialect,
    currency: Currency,
    rates: &Rates,
) -> Result<Vec<Terms<'r>>, NoBidReason> {
    let deals = deals(imp);
    let floors = || std::iter::once(imp.floor()).chain(deals.iter().map(Deal::floor));
    if floors().flatten().any(Cpm::is_negative) {
        return Err(NoBidReason::NegativeFloor);
    }
    if floors().any(|floor| floor.is_none()) {
        return Err(NoBidReason::UnreadableFloor);
    }
    let converted = |floor: Option<Cpm>, of: Option<Currency>| match floor? {
        Cpm::ZERO => Some(Cpm::ZERO),
        floor => rates.convert(floor, of?, currency, Rounding::Up),
    };
    let mut found = Vec::with_capacity(1 + deals.len());
    let mut reason = NoBidReason::PrivateAuction;
    if !imp.is_private() {
        match converted(imp.floor(), imp.floor_currency()) {
            Some(floor) => {
                let first_price = auction == AuctionType::FirstPrice;
                found.push(Terms { floor, deal: None, advertisers: &[], fixed: false, first_price });
            }
            None => reason = NoBidReason::FloorCurrency,
        }
    }
    for deal in deals {
        let seat = deal.wseat.is_empty() || deal.wseat.iter().any(|seat| *seat == dialect.seat);
        if deal.id.is_empty() || !seat || deal.wadomain.len().max(deal.wseat.len()) > DEAL_LIST_MAX {
            continue;
        }
        let Some(floor) = converted(deal.floor(), deal.floor_currency()) else { continue };
        let fixed = deal.auction_type(auction) == AuctionType::FixedPrice;
        found.push(Terms { floor, deal: Some(&deal.id), advertisers: &deal.wadomain, fixed, first_price: false });
    }
    if found.is_empty() { Err(reason) } else { Ok(found) }
}
