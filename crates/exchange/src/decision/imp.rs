//! The decision on one imp: which campaign, which creative, at what price.
//!
//! Candidates come by bid price, the highest first; the first that passes every rule and gets its money held wins the imp.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use campaign::technology::{BannerSlot, Misfit};
use campaign::{
    Candidate, CapMemory, Caps, CompiledCampaign, CreativeId, Facts, Formats, Scratch, Size, Want as IndexWant,
};
use ledger::LeaseId;
use money::{Cpm, Rounding};
use openrtb::{Banner, BidRequest, Imp};
use region::risk::{BidClass, Format};
use region::shading::{Lesson, Segment, ShadeAsk, Shaded};
use region::{CapUser, Plan, Refusal, Want as HoldWant};

use super::bid::ImpBid;
use super::blocks::Blocks;
use super::currency::CommonCurrency;
use super::terms::{Terms, deals, terms};
use super::trail::Trail;
use super::user::user_ids;
use super::view::{DecisionView, Held, Purse};
use crate::NoBidReason;

/// Sizes of one slot that are looked at. The most that was recorded is 4.
pub const SIZES_MAX: usize = 64;

/// Creatives of one campaign that are tried in turn while their caps are reached.
const CREATIVES_MAX: usize = 8;

/// Sizes that most slots have at most.
const SIZES_USUAL: usize = 4;

/// Candidates between two looks at the clock: a few microseconds, where a look costs as much as half a candidate.
const CANDIDATES_PER_LOOK: usize = 16;

/// Entries of `battr`, of which the standard knows 18, and of the slot's other lists; an imp with more gets no bid.
pub const ATTRIBUTES_MAX: usize = 256;

/// Between auction and impression, where the exchange does not say (OpenRTB implementation guide): web, app, full screen.
const EXP_WEB_S: u32 = 60;
const EXP_APP_S: u32 = 300;
const EXP_FULL_SCREEN_S: u32 = 1_800;

/// An exchange that asks for more holds our money for no longer than this.
const EXP_MAX_S: u32 = 3_600;

/// How long after the impression a notice may take to reach us.
const NOTICE_DELAY: Duration = Duration::from_secs(60);

const _: () = assert!(
    EXP_MAX_S as u64 + NOTICE_DELAY.as_secs() <= region::limits::HOLD_MAX.as_secs(),
    "the region holds every bid for as long as the exchange was granted"
);

/// Stands in the token of a test; leases are numbered from 1.
const NO_LEASE: LeaseId = LeaseId(0);

/// What is the same for all imps of a request.
pub(super) struct Common<'a, P> {
    pub(super) request: &'a BidRequest<'a>,
    pub(super) facts: &'a Facts<'a>,
    pub(super) view: &'a DecisionView<'a, P>,
    pub(super) money: CommonCurrency,
    /// Made when the first capped campaign asks for it.
    pub(super) user: RequestUser,
}

/// The request's user as campaigns count it: by a key of the day, or by one that lasts.
#[derive(Default)]
pub(super) struct RequestUser {
    of_day: OnceCell<Option<CapUser>>,
    lasting: OnceCell<Option<CapUser>>,
}

impl<P> Common<'_, P> {
    /// The request's user as the campaign counts it; `None` if it counts nobody, or not this one.
    fn user_of(&self, campaign: &CompiledCampaign) -> Option<CapUser> {
        let Self { request, view, user, .. } = self;
        let memory = campaign.cap_memory()?;
        let known = if memory == CapMemory::Day { &user.of_day } else { &user.lasting };
        let user = *known.get_or_init(|| view.cap_keys.user(memory, view.exchange, &user_ids(request), view.now_ms));
        user.map(|user| user.marked(memory, campaign.counts_creatives()))
    }
}

/// What the search for one imp leaves to the next.
pub(super) struct Search<'a> {
    pub(super) blocks: Blocks<'a>,
    /// Candidates that may still be looked at.
    pub(super) candidates_left: usize,
    pub(super) scratch: &'a mut Scratch,
    /// For a request that is sampled.
    pub(super) trail: Option<&'a mut Trail>,
}

/// What one candidate offers, once its evaluation is over.
pub(super) struct Offer<'r> {
    creative: CreativeId,
    caps: Caps,
    size: Size,
    price: Cpm,
    deal: Option<&'r str>,
    /// The terms, if they are an open auction's whose winner pays its bid.
    first_price: Option<Terms<'r>>,
}

pub(super) fn bid_on<P: Purse>(
    common: &Common<'_, P>,
    search: &mut Search<'_>,
    index: usize,
    imp: &Imp<'_>,
) -> Result<ImpBid<P::Hold>, NoBidReason> {
    let view = common.view;
    let mut sizes = Vec::with_capacity(SIZES_USUAL);
    let Asked { want, slot, terms } = ask(common, imp, &mut sizes)?;
    let Search { blocks, candidates_left, scratch, trail } = search;
    let mut reason = NoBidReason::NoCandidate;
    for (looked_at, candidate) in view.index.candidates(&want, scratch).take(*candidates_left).enumerate() {
        if looked_at % CANDIDATES_PER_LOOK == 0 && view.is_late() {
            return Err(NoBidReason::Deadline);
        }
        *candidates_left -= 1;
        // Neither can any after it pay, for they come by price.
        if !pays(common, &candidate, &terms) {
            reason = reason.max(NoBidReason::BelowFloor);
            break;
        }
        let outcome = offer_of(common, blocks, &candidate, &slot, &terms, index, imp);
        if let Some(trail) = trail {
            trail.note(index, candidate.campaign().id(), outcome.as_ref().err().copied());
        }
        match outcome {
            Ok(bid) => return Ok(bid),
            Err(further) => reason = reason.max(further),
        }
    }
    Err(reason)
}

/// Offers the first creative that passes every rule and that its user may still be shown.
fn offer_of<P: Purse>(
    common: &Common<'_, P>,
    blocks: &mut Blocks<'_>,
    candidate: &Candidate<'_>,
    slot: &BannerSlot<'_>,
    terms: &[Terms<'_>],
    index: usize,
    imp: &Imp<'_>,
) -> Result<ImpBid<P::Hold>, NoBidReason> {
    for nth in 0..CREATIVES_MAX {
        let judged = candidate.evaluate(|candidate| judge(common, blocks, candidate, slot, terms, nth));
        let offer = match judged {
            Ok(Ok(offer)) => offer,
            Ok(Err(reason)) => return Err(reason),
            Err(_condemned) => return Err(NoBidReason::CampaignCrashed),
        };
        match hold(common, index, imp, candidate, offer) {
            Err(Refusal::CreativeCapped) => {}
            Err(refusal) => return Err(reason_of(refusal)),
            Ok(bid) => return Ok(bid),
        }
    }
    Err(NoBidReason::Capped)
}

/// What one imp asks for, and on which terms.
pub(super) struct Asked<'a> {
    pub(super) want: IndexWant<'a>,
    pub(super) slot: BannerSlot<'a>,
    pub(super) terms: Vec<Terms<'a>>,
}

/// Reads an imp, as far as it concerns every campaign.
pub(super) fn ask<'a, P>(
    common: &Common<'a, P>,
    imp: &'a Imp<'a>,
    sizes: &'a mut Vec<Size>,
) -> Result<Asked<'a>, NoBidReason> {
    let Common { request, view, money, .. } = common;
    let banner = imp.banner.as_ref().ok_or(NoBidReason::UnsupportedMedia)?;
    read_sizes(banner, sizes);
    if sizes.is_empty() {
        return Err(NoBidReason::NoSize);
    }
    let lists = [banner.battr.len(), banner.btype.len(), banner.mimes.len(), banner.api.len()];
    if lists.into_iter().any(|length| length > ATTRIBUTES_MAX) {
        return Err(NoBidReason::ListTooLong);
    }
    let terms = terms(imp, request.auction_type(), view.dialect, money.currency, view.rates)?;
    let want =
        IndexWant { facts: common.facts, sizes, secure: imp.is_secure(), deals: deals(imp), formats: Formats::of(imp) };
    Ok(Asked { want, slot: BannerSlot::of(banner), terms })
}

/// The sizes that the slot takes, each once.
fn read_sizes(banner: &Banner<'_>, sizes: &mut Vec<Size>) {
    for (w, h) in banner.sizes().take(SIZES_MAX) {
        let size = Size::new(w, h);
        if !sizes.contains(&size) {
            sizes.push(size);
        }
    }
}

/// Tells whether the campaign's price is enough on any terms of the imp, whoever they are for.
pub(super) fn pays<P>(common: &Common<'_, P>, candidate: &Candidate<'_>, terms: &[Terms<'_>]) -> bool {
    let Common { view, money, .. } = common;
    let step = view.dialect.price_step();
    let offer = money.rate.from_usd(candidate.campaign().bid_cpm(), Rounding::Down);
    offer.is_some_and(|offer| terms.iter().any(|terms| terms.price(offer, step).is_some()))
}

/// The rules between this campaign and this request, for the `nth` of its creatives that fit; there is none beyond those
/// whose caps are reached. Changes nothing but what is remembered of them.
pub(super) fn judge<'r, P>(
    common: &Common<'_, P>,
    blocks: &mut Blocks<'_>,
    candidate: &Candidate<'_>,
    slot: &BannerSlot<'_>,
    terms: &[Terms<'r>],
    nth: usize,
) -> Result<Offer<'r>, NoBidReason> {
    let Common { view, money, .. } = common;
    let campaign = candidate.campaign();
    blocks.judge(campaign)?;
    let mut reason = NoBidReason::BlockedAttribute;
    let mut fitting = candidate.placements().filter(|placement| {
        let misfit = slot.misfit(placement.technology, &placement.creative.attributes);
        reason = misfit.map_or(reason, |misfit| reason.max(reason_of_misfit(misfit)));
        misfit.is_none()
    });
    let placement = fitting.nth(nth);
    let placement = placement.ok_or(if nth == 0 { reason } else { NoBidReason::Capped })?;
    let offer = money.rate.from_usd(campaign.bid_cpm(), Rounding::Down).ok_or(NoBidReason::BelowFloor)?;
    let step = view.dialect.price_step();
    let deals = &campaign.definition().include().deals;
    let mut agreed = terms.iter().filter(|terms| terms.is_among(deals)).peekable();
    if agreed.peek().is_none() {
        // The imp has a deal of this campaign's, but not for our seat, or not in a currency that is known.
        return Err(NoBidReason::PrivateAuction);
    }
    agreed
        .filter(|terms| terms.open_to(campaign.advertiser_domain()))
        .find_map(|terms| terms.price(offer, step).map(|price| (price, terms)))
        .map(|(price, terms)| Offer {
            creative: placement.creative.id,
            caps: placement.creative.caps,
            size: placement.size,
            price,
            deal: terms.deal,
            first_price: terms.first_price.then_some(*terms),
        })
        .ok_or(NoBidReason::BelowFloor)
}

/// Holds the money, and a place in the user's cap. A test, which nobody will bill, asks for neither.
fn hold<P: Purse>(
    common: &Common<'_, P>,
    index: usize,
    imp: &Imp<'_>,
    candidate: &Candidate<'_>,
    offer: Offer<'_>,
) -> Result<ImpBid<P::Hold>, Refusal> {
    let Common { request, view, money, .. } = common;
    let campaign = candidate.campaign();
    let draw = draw(&request.id, index);
    let (price, lesson) = shade(common, imp, campaign, &offer, draw);
    // Up: what the exchange may charge at most. Not above the campaign's own price, from which it came by rounding down.
    let price_usd = money.rate.to_usd(price, Rounding::Up).unwrap_or(Cpm(i64::MAX)).min(campaign.bid_cpm());
    let exp_s = exp_s(request, imp);
    let user = common.user_of(campaign);
    // Nobody to count: the campaign says whether its caps are to hold it back or not to hold.
    let is_exempt = user.is_none() && campaign.definition().bid_on_uncounted_users;
    let caps_of = |caps: Caps| if is_exempt { Caps::NONE } else { caps };
    let want = || HoldWant {
        campaign: campaign.id(),
        plan: Plan::of(campaign),
        price: price_usd.cost_in_usd(),
        user,
        caps: caps_of(campaign.caps()),
        creative: offer.creative,
        creative_caps: caps_of(offer.caps),
        class: BidClass::of(view.exchange, format(request, imp)),
        ttl: Duration::from_secs(u64::from(exp_s)) + NOTICE_DELAY,
        lesson,
        draw,
    };
    let hold = if request.is_test() { None } else { Some(view.purse.try_hold(want())?) };
    Ok(ImpBid {
        imp: imp.id.as_ref().to_owned(),
        campaign: Arc::clone(campaign),
        creative: offer.creative,
        size: offer.size,
        price,
        price_usd,
        deal: offer.deal.map(str::to_owned),
        exp_s,
        lease: hold.as_ref().map_or(NO_LEASE, Held::lease),
        cap_key: hold.as_ref().and_then(Held::cap_key),
        hold,
    })
}

/// What to bid where the winner pays its bid, and what the bid teaches then. Elsewhere the price of the offer.
fn shade<P: Purse>(
    common: &Common<'_, P>,
    imp: &Imp<'_>,
    campaign: &CompiledCampaign,
    offer: &Offer<'_>,
    draw: u64,
) -> (Cpm, Option<Lesson>) {
    let Common { request, view, money, .. } = common;
    let full = (offer.price, None);
    if !view.dialect.shades || !campaign.definition().shading || request.is_test() {
        return full;
    }
    let Some(terms) = offer.first_price else { return full };
    let Some(floor) = money.rate.to_usd(terms.floor, Rounding::Up) else { return full };
    let size = (offer.size.w, offer.size.h);
    let segment = Segment::of(view.exchange, format(request, imp), size, view.now_ms);
    let ask = ShadeAsk { campaign: campaign.id(), segment, value: campaign.bid_cpm(), floor, draw };
    let Some(Shaded { price, lesson }) = view.purse.shade(&ask) else { return full };
    let price = price.and_then(|price| money.rate.from_usd(price, Rounding::Down));
    let shaded = price.map(|price| terms.shaded(offer.price, price, view.dialect.price_step()));
    match shaded {
        Some(price) if price < offer.price => (price, Some(lesson)),
        _ => (offer.price, Some(Lesson { full_price: true, ..lesson })),
    }
}

fn format(request: &BidRequest<'_>, imp: &Imp<'_>) -> Format {
    if imp.instl.unwrap_or(false) {
        Format::FullScreen
    } else if request.app.is_some() {
        Format::App
    } else {
        Format::Web
    }
}

fn exp_s(request: &BidRequest<'_>, imp: &Imp<'_>) -> u32 {
    let usual = match format(request, imp) {
        Format::FullScreen => EXP_FULL_SCREEN_S,
        Format::App => EXP_APP_S,
        _ => EXP_WEB_S,
    };
    imp.exp.filter(|exp_s| *exp_s > 0).unwrap_or(usual).min(EXP_MAX_S)
}

fn reason_of_misfit(misfit: Misfit) -> NoBidReason {
    match misfit {
        Misfit::Attribute => NoBidReason::BlockedAttribute,
        Misfit::BannerType => NoBidReason::BlockedBannerType,
        Misfit::Mime => NoBidReason::UnsupportedMime,
        _ => NoBidReason::UnsupportedApi,
    }
}

fn reason_of(refusal: Refusal) -> NoBidReason {
    match refusal {
        Refusal::Unfunded => NoBidReason::Unfunded,
        Refusal::BudgetExhausted => NoBidReason::BudgetExhausted,
        Refusal::Paced => NoBidReason::Paced,
        Refusal::Capped | Refusal::CreativeCapped => NoBidReason::Capped,
        Refusal::CapsFull => NoBidReason::CapsFull,
        Refusal::NoCapKey => NoBidReason::NoCapKey,
        _ => NoBidReason::Unfunded,
    }
}

/// Bits that differ from auction to auction and from imp to imp (FNV-1a); the region spreads them.
fn draw(auction: &str, index: usize) -> u64 {
    let start = 0xCBF2_9CE4_8422_2325 ^ index as u64;
    auction.bytes().fold(start, |bits, byte| (bits ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}
