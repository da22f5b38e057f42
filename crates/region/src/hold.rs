//! What a bid holds while it is being made: its price in a lease, and its place in a user's cap.
//!
//! Promises that a hold that is dropped gives everything back, and that a committed one is tracked before the bid can be
//! sent. Never released by dropping once committed: the bid may be out.

use std::sync::Arc;

use campaign::CampaignId;
use ledger::{CapKey, LeaseId, TokenId};
use money::Nanos;
use tembusu::{Address, TellError};
use thiserror::Error;

use crate::bidding_state::BiddingMessage;
use crate::cap_place::CapPlace;
use crate::epoch::Incarnation;
use crate::lease_cell::LeaseCell;
use crate::limits::COMMITS_TOGETHER;
use crate::reservations::Reservation;
use crate::risk::BidClass;
use crate::shading::Lesson;

/// Money and cap held for one bid that is not yet sent.
#[derive(Debug)]
#[must_use = "a hold that is dropped gives its money back: commit it before the bid is sent"]
pub struct Hold {
    pub(crate) bidding: Address<BiddingMessage>,
    pub(crate) incarnation: Arc<Incarnation>,
    pub(crate) campaign: CampaignId,
    pub(crate) lease: Arc<LeaseCell>,
    pub(crate) price: Nanos,
    pub(crate) cap: Option<Box<CapPlace>>,
    pub(crate) expires_ms: i64,
    pub(crate) class: BidClass,
    /// Whether the campaign's budget is strict.
    pub(crate) in_full: bool,
    pub(crate) lesson: Option<Lesson>,
    pub(crate) committed: bool,
}

/// Why a bid may not be sent although it was held. The hold is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotTracked {
    /// The queue of `bidding_state` is full.
    #[error("bidding state has too many commits waiting: send no bid and shed load")]
    Overload,
    /// The region tracks as many open bids as it may.
    #[error("region has too many open bids: send no bid")]
    TooManyOpen,
    /// The region is down.
    #[error("region went down while the bid was made: send no bid")]
    RegionDown,
}

impl Hold {
    /// The campaign that pays.
    #[must_use]
    pub fn campaign(&self) -> CampaignId {
        self.campaign
    }

    /// The lease that pays: it belongs into the bid's token.
    #[must_use]
    pub fn lease(&self) -> LeaseId {
        self.lease.id()
    }

    /// What is held.
    #[must_use]
    pub fn price(&self) -> Nanos {
        self.price
    }

    /// The user in whose cap the bid has a place, if the campaign is capped: it belongs into the bid's token.
    #[must_use]
    pub fn cap_key(&self) -> Option<CapKey> {
        self.cap.as_ref().map(|place| place.key())
    }

    /// Hands the hold over to `bidding_state`, which keeps it until the bid named by `bid` is billed, lost or expired.
    /// Call it before the bid is sent; never waits.
    ///
    /// # Errors
    ///
    /// [`NotTracked`]: the hold is released and the bid must not be sent.
    ///
    /// # On restart
    ///
    /// If the region crashes afterwards, the money stays in the old lease until that can no longer bill.
    pub fn commit(mut self, bid: TokenId) -> Result<(), NotTracked> {
        let place = self.incarnation.open.enter().ok_or(NotTracked::TooManyOpen)?;
        // The next incarnation counts what it finds committed: what comes too late for that is not sent.
        if self.cap.as_mut().is_some_and(|cap| !cap.commit(bid)) {
            return Err(NotTracked::RegionDown);
        }
        let cap = self.cap.take();
        self.committed = true;
        let reservation = Reservation {
            bid,
            campaign: self.campaign,
            lease: Arc::clone(&self.lease),
            price: self.price,
            cap,
            expires_ms: self.expires_ms,
            class: Some(self.class),
            in_full: self.in_full,
            slot: None,
            lesson: self.lesson,
            won: false,
            _place: Some(place),
        };
        let commit = BiddingMessage::Commit { reservation, epoch: self.incarnation.epoch };
        // What is told of this bid later comes after it, and wakes whoever is to know both.
        let told = self.bidding.tell_batched(commit, COMMITS_TOGETHER);
        let Err(refused) = told else { return Ok(()) };
        let reason = match &refused {
            TellError::Full(_) => NotTracked::Overload,
            _ => NotTracked::RegionDown,
        };
        if let BiddingMessage::Commit { reservation, .. } = refused.into_inner() {
            reservation.release();
        }
        Err(reason)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        if let Some(place) = self.cap.take() {
            place.close();
        }
        self.lease.release(self.price);
    }
}
