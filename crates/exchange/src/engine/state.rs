//! The engine's state and its one function.
//!
//! It parses, checks, decides and seals, and counts by region. It never waits and never panics on input, but where the chaos
//! point re-introduces the incident's bug.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use campaign::Country;
use ledger::{TokenClaims, TokenError};
use openrtb::{BidRequest, Validity};
use region::{Hold, RegionClosed};
use tokio::time::Instant;

use super::answer::{EngineAnswer, Offer, Seal};
use super::feedback;

use super::settings::{EngineSettings, RegionCells};
use crate::chaos::{NEGATIVE_FLOOR, SPIN, SPIN_ID};
use crate::decision::{Bid, DecisionView, ImpBid, Trail, handle_on_trail};
use crate::drops::Sample;
use crate::sockets::Framed;
use crate::{NoBid, NoBidReason};

/// An infrastructure failure of an engine. No business outcome becomes one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineCrash {
    /// The operating system gives no randomness.
    #[error("cannot start numbering bids: {0}; check the system's random source")]
    Random(io::Error),
    /// A token could not be sealed.
    #[error("cannot seal the token of a bid: {0}; check exchange and region names and the system's random source")]
    Seal(#[from] TokenError),
}

/// One incarnation's state.
#[derive(Debug)]
pub struct Engine {
    settings: Arc<EngineSettings>,
    regions: RegionCells,
    /// The next bid's number. Starts anywhere, so that two incarnations do not name bids alike.
    bid_number: AtomicU64,
}

impl Engine {
    /// An engine, from what is published.
    ///
    /// # Errors
    ///
    /// [`EngineCrash::Random`].
    pub fn new(settings: Arc<EngineSettings>) -> Result<Self, EngineCrash> {
        let bid_number = getrandom::u64().map_err(|error| EngineCrash::Random(io::Error::other(error.to_string())))?;
        let regions = settings.region_cells();
        Ok(Self { settings, regions, bid_number: AtomicU64::new(bid_number) })
    }

    /// Decides on one request. Any number of threads may do so at once.
    ///
    /// # Errors
    ///
    /// [`EngineCrash::Seal`].
    ///
    /// # Panics
    ///
    /// On a floor below zero while [`NEGATIVE_FLOOR`] is armed. While [`SPIN`] is, it does not return from a request with the id
    /// [`SPIN_ID`].
    pub fn decide(&self, request: &Framed) -> Result<EngineAnswer, EngineCrash> {
        let mut parsed = BidRequest::default();
        if let Err(malformed) = openrtb::read_request(&request.body, &mut parsed) {
            return Ok(EngineAnswer::Malformed(malformed.kind.label()));
        }
        if NEGATIVE_FLOOR.is_armed() {
            assert_floors(&parsed);
        }
        if SPIN.is_armed() && parsed.id == SPIN_ID {
            spin();
        }
        if let Some(ext) = &parsed.ext
            && !ext.bid_feedback.is_empty()
            && self.settings.dialect.gives_feedback
        {
            feedback::take(&self.settings, &ext.bid_feedback);
        }
        let validity = match openrtb::validity(&parsed) {
            Ok(validity) => validity,
            Err(invalid) => return Ok(EngineAnswer::Malformed(invalid.kind().label())),
        };
        let settings = &*self.settings;
        let place = settings.place(parsed.country());
        let mut trail = settings.samples.picks().then(Trail::default);
        let answer = match place {
            None => EngineAnswer::NoBid(NoBid { reason: NoBidReason::UnservedCountry, region: None }),
            Some((region, country)) => {
                self.decide_in(settings, &parsed, &validity, (region, country), request.deadline, trail.as_mut())?
            }
        };
        if let Some((region, _)) = place {
            self.count(region, &answer, request);
        }
        if let Some(trail) = trail {
            let no_bid = if let EngineAnswer::NoBid(no_bid) = &answer { Some(no_bid.reason) } else { None };
            settings.samples.put(Sample { body: request.body.clone(), no_bid, trail });
        }
        Ok(answer)
    }

    fn decide_in(
        &self,
        settings: &EngineSettings,
        request: &BidRequest<'_>,
        validity: &Validity,
        (region, country): (usize, Country),
        deadline: Instant,
        trail: Option<&mut Trail>,
    ) -> Result<EngineAnswer, EngineCrash> {
        let no_bid = |reason| Ok(EngineAnswer::NoBid(NoBid { reason, region: Some(region) }));
        let port = &settings.territories[region].port;
        let purse = match port.open() {
            Ok(purse) => purse,
            Err(RegionClosed::Recovering { .. }) => return no_bid(NoBidReason::RegionRecovering),
            Err(_) => return no_bid(NoBidReason::RegionDown),
        };
        let Some(index) = settings.index.read() else { return no_bid(NoBidReason::NoIndex) };
        let view = DecisionView {
            exchange: &settings.exchange,
            dialect: &settings.dialect,
            index: &index,
            rates: &settings.rates,
            country,
            region,
            purse: &purse,
            cap_keys: &settings.cap_keys,
            now_ms: settings.clock.now_ms(),
            deadline,
        };
        match handle_on_trail(request, validity, &view, trail) {
            Ok(bid) => Ok(EngineAnswer::Bid(Box::new(self.seal(settings, port.name(), bid)?))),
            Err(no_bid) => Ok(EngineAnswer::NoBid(no_bid)),
        }
    }

    fn seal(&self, settings: &EngineSettings, region: &Arc<str>, bid: Bid<Hold>) -> Result<Offer, EngineCrash> {
        let mut seals = Vec::with_capacity(bid.imps.len());
        for imp in &bid.imps {
            let bid_id = format!("{:016x}", self.bid_number.fetch_add(1, Relaxed));
            let claims = claims(settings, region, &bid, imp, &bid_id);
            let mut token = String::with_capacity(320);
            let token_id = settings.token_keys.seal_into(&claims, &mut token)?;
            seals.push(Seal { bid_id, token_id, token });
        }
        assert_eq!(seals.len(), bid.imps.len(), "every bid has its token");
        Ok(Offer { bid, seals })
    }

    fn count(&self, region: usize, answer: &EngineAnswer, request: &Framed) {
        let Some(meters) = &self.regions[region] else { return };
        match answer {
            // Whether it is sent, or else why not, is known and counted when it is committed.
            EngineAnswer::Bid(_) => {}
            EngineAnswer::NoBid(no_bid) => meters.no_bids.inc(no_bid.reason.as_str()),
            EngineAnswer::Malformed(_) => return,
        }
        meters.requests.inc();
        meters.latency.observe(request.first_byte.elapsed());
    }
}

fn claims(
    settings: &EngineSettings,
    region: &Arc<str>,
    bid: &Bid<Hold>,
    imp: &ImpBid<Hold>,
    bid_id: &str,
) -> TokenClaims {
    TokenClaims {
        exchange: Arc::clone(&settings.exchange),
        region: Arc::clone(region),
        auction: bid.auction.clone(),
        imp: imp.imp.clone(),
        bid: bid_id.to_owned(),
        campaign: imp.campaign.id(),
        definition: Some(imp.campaign.version()),
        creative: imp.creative,
        lease: imp.lease,
        bid_price: imp.price_usd,
        currency: bid.currency,
        rate: bid.rate,
        cap_key: imp.cap_key,
        issued_ms: bid.now_ms,
        test: bid.test,
    }
}

/// An endless loop, as far as anybody else can tell.
#[cold]
fn spin() {
    while SPIN.is_armed() {
        std::hint::spin_loop();
    }
}

/// The incident's bug, as it was: the parser took it for an invariant that floors are not negative.
fn assert_floors(request: &BidRequest<'_>) {
    for (index, imp) in request.imp.iter().enumerate() {
        let Some(floor) = imp.floor() else { continue };
        assert!(!floor.is_negative(), "imp[{index}].bidfloor is never negative, and was {floor}");
    }
}
