//! The decision on one request.

use campaign::{Facts, Setting};
use openrtb::{BidRequest, Validity};

use super::bid::Bid;
use super::blocks::Blocks;
use super::currency::{CommonCurrency, common_currency};
use super::imp::{Common, Search, bid_on};
use super::scratch::with_scratch;
use super::trail::Trail;
use super::view::{DecisionView, Purse};
use crate::{Dialect, NoBid, NoBidReason};

/// Imps of one request that are looked at. More than any exchange sends; the rest gets no bid.
pub const IMPS_MAX: usize = 64;

/// Candidates of one request that are looked at, its imps together: a millisecond of evaluations.
pub const CANDIDATES_MAX: usize = 4_096;

/// Decides on a request whose MUSTs have been checked and whose region is known.
///
/// Bids on every imp that it can; imps that `validity` faults are never bid on. In an auction of the second price the bid is
/// the campaign's own price, `bid_cpm`, which it agrees to pay at most; in an open auction of the first price it is shaded
/// ([`region::shading`]), unless exchange or campaign forbid it. A deal at a fixed price gets that price.
///
/// # Errors
///
/// [`NoBid`] with the reason of the imp and campaign that came furthest, or `deadline`: what was held goes back then.
pub fn handle_bid_request<P: Purse>(
    request: &BidRequest<'_>,
    validity: &Validity,
    view: &DecisionView<'_, P>,
) -> Result<Bid<P::Hold>, NoBid> {
    handle_on_trail(request, validity, view, None)
}

/// As [`handle_bid_request`], and writes down what became of the candidates that it looked at, where a trail is given.
///
/// # Errors
///
/// As [`handle_bid_request`].
pub fn handle_on_trail<P: Purse>(
    request: &BidRequest<'_>,
    validity: &Validity,
    view: &DecisionView<'_, P>,
    trail: Option<&mut Trail>,
) -> Result<Bid<P::Hold>, NoBid> {
    let no_bid = |reason| NoBid { reason, region: Some(view.region) };
    let Prepared { facts, money, blocks } = prepare(request, view).map_err(no_bid)?;
    let common = Common { request, facts: &facts, view, money, user: Default::default() };

    let imps = with_scratch(|scratch| {
        let mut search = Search { blocks, candidates_left: CANDIDATES_MAX, scratch, trail };
        let mut imps = Vec::new();
        let mut reason = NoBidReason::InvalidImp;
        for (index, imp) in validity.biddable(request).take(IMPS_MAX) {
            match bid_on(&common, &mut search, index, imp) {
                Ok(bid) => imps.push(bid),
                Err(NoBidReason::Deadline) => return Err(no_bid(NoBidReason::Deadline)),
                Err(further) => reason = reason.max(further),
            }
        }
        if imps.is_empty() { Err(no_bid(reason)) } else { Ok(imps) }
    })?;
    Ok(Bid {
        auction: request.id.as_ref().to_owned(),
        currency: money.currency,
        rate: money.rate,
        region: view.region,
        test: request.is_test(),
        imps,
        now_ms: view.now_ms,
    })
}

/// What a request as a whole has passed.
pub(super) struct Prepared<'a> {
    pub(super) facts: Facts<'a>,
    pub(super) money: CommonCurrency,
    pub(super) blocks: Blocks<'a>,
}

/// Checks what concerns the whole request.
pub(super) fn prepare<'a, P>(
    request: &'a BidRequest<'a>,
    view: &DecisionView<'a, P>,
) -> Result<Prepared<'a>, NoBidReason> {
    if !seat_may_bid(request, view.dialect) {
        return Err(NoBidReason::SeatBlocked);
    }
    let money = common_currency(request, view.dialect.currency, view.rates).ok_or(NoBidReason::Currency)?;
    let setting = Setting { exchange: view.exchange, country: view.country, now_ms: view.now_ms };
    let facts = Facts::of(request, setting);
    if facts.are_too_many() {
        return Err(NoBidReason::ListTooLong);
    }
    Ok(Prepared { facts, money, blocks: Blocks::new(request)? })
}

/// `wseat` and `bseat` (OpenRTB 2.6, 3.2.1).
fn seat_may_bid(request: &BidRequest<'_>, dialect: &Dialect) -> bool {
    let ours = |seats: &[std::borrow::Cow<'_, str>]| seats.iter().any(|seat| *seat == dialect.seat);
    (request.wseat.is_empty() || ours(&request.wseat)) && !ours(&request.bseat)
}
