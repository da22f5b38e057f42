//! Private deals.

use std::borrow::Cow;

use money::{Cpm, Currency};

use super::imp::currency_or_usd;
use super::{AuctionType, Floor};
use crate::lenient::object;

object! {
    /// The deals of an impression.
    Pmp<'a> {
        /// Whether only bids on deals are allowed.
        "private_auction" => private_auction: Option<bool>,
        /// The deals.
        "deals" => deals: Vec<Deal<'a>>,
    }
}

object! {
    /// A deal.
    Deal<'a> {
        /// The deal; empty if the exchange sent none, and then it cannot be bid on.
        "id" => id: Cow<'a, str>,
        /// The floor; see [`floor`](Deal::floor).
        "bidfloor" => bidfloor: Floor,
        /// The currency of the floor; see [`floor_currency`](Deal::floor_currency).
        "bidfloorcur" => bidfloorcur: Option<Cow<'a, str>>,
        /// The auction type of the deal; see [`auction_type`](Deal::auction_type).
        "at" => at: Option<i64>,
        /// Seats that may bid on it; empty means all.
        "wseat" => wseat: Vec<Cow<'a, str>>,
        /// Advertiser domains that may bid on it; empty means all.
        "wadomain" => wadomain: Vec<Cow<'a, str>>,
        /// Whether a bid is guaranteed.
        "guar" => guar: Option<bool>,
    }
}

impl Deal<'_> {
    /// The floor in [`floor_currency`](Self::floor_currency); zero if there is none, `None` if the exchange sent something
    /// that is no price.
    #[must_use]
    pub fn floor(&self) -> Option<Cpm> {
        self.bidfloor.price()
    }

    /// The currency of the floor: USD by default, whatever the impression's floor has (OpenRTB 2.6, 3.2.12).
    /// `None` if the exchange sent something that is no currency code.
    #[must_use]
    pub fn floor_currency(&self) -> Option<Currency> {
        currency_or_usd(self.bidfloorcur.as_deref())
    }

    /// The auction type of the deal, or that of the request.
    #[must_use]
    pub fn auction_type(&self, request: AuctionType) -> AuctionType {
        self.at.map_or(request, AuctionType::from_code)
    }
}
