//! Writes a bid response in the exchange's dialect.
//!
//! One seat, one currency, each bid with its notice URLs and its markup; macros are left for the exchange to substitute.

use std::sync::Arc;

use bytes::Bytes;
use openrtb::{BidExt, BidResponse, EventNotificationToken, SeatBid, write_response};

use crate::chaos::{SERIALIZER, SLOW_SERIALIZER, SLOW_SERIALIZER_TAKES};
use crate::decision::ImpBid;
use crate::engine::{Offer, Seal};
use crate::notice_url::tracker;
use crate::{Dialect, NoticeUrls};

/// `mtype` of a banner.
const MTYPE_BANNER: i64 = 1;

/// `cattax` of the campaigns' categories.
const CATTAX_IAB_1: i64 = 1;

/// Bytes of a response besides its markup, for the first allocation.
const BYTES_PER_BID: usize = 2_048;

/// What writing needs; nothing of it changes.
#[derive(Clone, Debug)]
pub struct Serializer {
    /// How the exchange speaks.
    pub dialect: Arc<Dialect>,
    /// Scheme and authority of the notice URLs, without a final slash.
    pub notice_base: Arc<str>,
}

impl Serializer {
    /// The response to one request.
    ///
    /// # Panics
    ///
    /// Once, when [`SERIALIZER`] was armed.
    #[must_use]
    pub fn write(&self, offer: &Offer) -> Bytes {
        assert!(!SERIALIZER.take(), "chaos point {} was armed", SERIALIZER.name());
        if SLOW_SERIALIZER.is_armed() {
            stand_still();
        }
        let Offer { bid, seals } = offer;
        assert_eq!(bid.imps.len(), seals.len(), "every bid has its token");
        let bids = bid.imps.iter().zip(seals).map(|(imp, seal)| self.bid(imp, seal)).collect();
        let response = BidResponse {
            id: bid.auction.as_str().into(),
            bidid: seals.first().map(|seal| seal.bid_id.as_str().into()),
            cur: Some(bid.currency),
            seatbid: vec![SeatBid { bid: bids, seat: Some(self.dialect.seat.as_str().into()), ..SeatBid::default() }],
            ..BidResponse::default()
        };
        let markup: usize = bid.imps.iter().map(|imp| imp.creative().markup.len()).sum();
        let mut body = Vec::with_capacity(markup + seals.len() * BYTES_PER_BID);
        write_response(&mut body, &response);
        body.into()
    }

    fn bid<'a, H>(&self, imp: &'a ImpBid<H>, seal: &'a Seal) -> openrtb::Bid<'a> {
        let creative = imp.creative();
        let creative_id = imp.creative.to_string();
        let advertises = imp.campaign.advertises();
        // Only those that are sent are written.
        let (base, token) = (&*self.notice_base, seal.token.as_str());
        let adm = if self.dialect.bills_on_impression {
            format!("{}{}", creative.markup, tracker(&NoticeUrls::billing(base, token))).into()
        } else {
            creative.markup.as_str().into()
        };
        openrtb::Bid {
            id: seal.bid_id.as_str().into(),
            impid: imp.imp.as_str().into(),
            price: imp.price,
            nurl: self.dialect.sends_nurl.then(|| NoticeUrls::win(base, token).into()),
            burl: (!self.dialect.bills_on_impression).then(|| NoticeUrls::billing(base, token).into()),
            lurl: self.dialect.sends_lurl.then(|| NoticeUrls::loss(base, token).into()),
            adm: Some(adm),
            adid: self.dialect.sends_adid.then(|| creative_id.clone().into()),
            adomain: vec![imp.campaign.advertiser_domain().into()],
            bundle: advertises.and_then(|advertised| advertised.app.as_deref()).map(Into::into),
            language: advertises.and_then(|advertised| advertised.language).map(|language| language.to_string().into()),
            cid: Some(imp.campaign.id().to_string().into()),
            crid: Some(creative_id.into()),
            cattax: (!imp.campaign.categories().is_empty()).then_some(CATTAX_IAB_1),
            cat: imp.campaign.categories().iter().map(|category| category.as_str().into()).collect(),
            apis: creative.technology.apis.codes().collect(),
            attr: creative.attributes.iter().copied().map(i64::from).collect(),
            dealid: imp.deal.as_deref().map(Into::into),
            w: Some(imp.size.w),
            h: Some(imp.size.h),
            exp: Some(imp.exp_s),
            mtype: Some(MTYPE_BANNER),
            ext: self.dialect.gives_feedback.then(|| token_ext(&seal.token)),
            ..openrtb::Bid::default()
        }
    }
}

/// What comes back with what becomes of the bid.
fn token_ext(token: &str) -> BidExt<'_> {
    BidExt { event_notification_token: Some(EventNotificationToken { payload: Some(token.into()) }) }
}

#[allow(clippy::disallowed_methods, reason = "what the drill is for")]
fn stand_still() {
    std::thread::sleep(SLOW_SERIALIZER_TAKES);
}
