//! The currency of a bid.
//!
//! Never guesses: a currency that the dated rates do not know is no currency of ours.

use money::{Currency, Rate, Rates};
use openrtb::BidRequest;

/// A currency that the exchange accepts and the rates know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommonCurrency {
    /// Which.
    pub currency: Currency,
    /// USD per unit of it.
    pub rate: Rate,
}

/// Picks USD if it is accepted, then the exchange's own, then the first that the rates know.
///
/// Without a `cur` the exchange accepts its default only (OpenRTB 2.6, 3.2.1).
#[must_use]
pub fn common_currency(request: &BidRequest<'_>, default: Currency, rates: &Rates) -> Option<CommonCurrency> {
    let known = |currency: Currency| rates.rate(currency).map(|rate| CommonCurrency { currency, rate });
    if request.cur.is_empty() {
        return known(default);
    }
    let preferred =
        [Currency::USD, default].into_iter().filter(|currency| request.accepts_currency(*currency, default));
    preferred.chain(request.currencies()).find_map(known)
}
