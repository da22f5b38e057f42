//! The bids of a region whose outcome is open, with the money and the cap that each of them holds.
//!
//! Promises that every reservation ends once: billed, lost or expired, whatever is repeated or comes out of order.
//! Never gives anything back by being dropped: after a crash the bids are still out and may bill, so their money stays
//! where it is, in a lease that nobody uses any more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use campaign::CampaignId;
use ledger::{CapKey, LeaseId, TokenId};
use money::Nanos;

use crate::cap_place::CapPlace;
use crate::cap_table::CapTable;
use crate::lease_cell::LeaseCell;
use crate::limits::STALE_EXPIRIES_MIN;
use crate::open_bids::OpenBid;
use crate::risk::{BidClass, Slot};
use crate::shading::Lesson;
use crate::spread_map::SpreadMap;

/// What one bid holds until its outcome is known.
#[derive(Debug)]
#[must_use = "a reservation that is dropped keeps its money for as long as the lease lasts"]
pub struct Reservation {
    pub(crate) bid: TokenId,
    pub(crate) campaign: CampaignId,
    pub(crate) lease: Arc<LeaseCell>,
    pub(crate) price: Nanos,
    /// Apart, so that most reservations are small: they are handed on by value.
    pub(crate) cap: Option<Box<CapPlace>>,
    pub(crate) expires_ms: i64,
    /// Whose statistics say what becomes of it; `None` for one that was not made by a hold.
    pub(crate) class: Option<BidClass>,
    /// Whether it stays reserved in full, whatever becomes of its like.
    pub(crate) in_full: bool,
    /// Its place among the bids that may still be lost, or among those that are won.
    pub(crate) slot: Option<Slot>,
    /// What it teaches when the exchange tells what would have won; taken when that is told.
    pub(crate) lesson: Option<Lesson>,
    /// Whether it was told to be won.
    pub(crate) won: bool,
    /// Its place among the region's open bids; `None` for one that was not made by a hold.
    pub(crate) _place: Option<OpenBid>,
}

impl Reservation {
    /// A reservation of `price` that was made in `lease`, for a campaign without a cap.
    pub fn new(bid: TokenId, campaign: CampaignId, lease: Arc<LeaseCell>, price: Nanos, expires_ms: i64) -> Self {
        Self {
            bid,
            campaign,
            lease,
            price,
            cap: None,
            expires_ms,
            class: None,
            in_full: false,
            slot: None,
            lesson: None,
            won: false,
            _place: None,
        }
    }

    /// The same, with a place in the cap of a user, which was opened in `caps` under the bid's name.
    pub fn with_cap(mut self, caps: Arc<CapTable>, key: CapKey) -> Self {
        self.cap = Some(Box::new(CapPlace::of(caps, key, self.campaign, self.bid)));
        self
    }

    /// The same, for a campaign without a strict budget: what it needs follows from what becomes of its class.
    pub fn of_class(mut self, class: BidClass) -> Self {
        self.class = Some(class);
        self
    }

    /// The same, for a bid in a first-price auction.
    pub fn with_lesson(mut self, lesson: Lesson) -> Self {
        self.lesson = Some(lesson);
        self
    }

    /// The campaign that pays.
    #[must_use]
    pub fn campaign(&self) -> CampaignId {
        self.campaign
    }

    /// The lease that the money is from.
    #[must_use]
    pub fn lease(&self) -> LeaseId {
        self.lease.id()
    }

    /// What is reserved.
    #[must_use]
    pub fn price(&self) -> Nanos {
        self.price
    }

    /// Gives everything back: the bid was never sent, is lost, or can no longer bill.
    pub fn release(self) {
        if let Some(cap) = &self.cap {
            cap.close();
        }
        self.lease.release(self.price);
    }

    /// Turns the reservation into spend. The cap is not touched: the capper moves the bid from open to billed.
    pub fn settle(self, billed: Nanos) {
        if self.won {
            self.lease.fates().note_billed(self.price, billed);
        }
        self.lease.settle(self.price, billed);
    }
}

/// The open bids of a region by their tokens.
#[derive(Debug, Default)]
pub struct Reservations {
    open: SpreadMap<Reservation>,
    /// By expiry; entries of bids that have ended or were extended are passed over when their turn comes,
    /// or dropped when they are the greater part.
    expiries: BinaryHeap<Reverse<(i64, TokenId)>>,
}

impl Reservations {
    /// Tracks nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bids are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether no bid is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.len() == 0
    }

    /// Tracks a bid.
    ///
    /// # Errors
    ///
    /// The reservation, if a bid of that name is tracked already.
    pub fn track(&mut self, reservation: Reservation) -> Result<(), Box<Reservation>> {
        if self.open.get(&reservation.bid).is_some() {
            return Err(Box::new(reservation));
        }
        self.expiries.push(Reverse((reservation.expires_ms, reservation.bid)));
        self.open.insert(reservation.bid, reservation);
        Ok(())
    }

    /// The bid won: it now waits for its billing, until `expires_ms`. False if it is not open.
    pub fn win(&mut self, bid: TokenId, expires_ms: i64) -> bool {
        let Some(reservation) = self.open.get_mut(&bid) else { return false };
        // A second win notice does not shorten what the first one granted.
        if expires_ms > reservation.expires_ms {
            reservation.expires_ms = expires_ms;
            reservation.cap.iter().for_each(|cap| cap.extend(expires_ms));
            self.expiries.push(Reverse((expires_ms, bid)));
            self.forget_stale();
        }
        true
    }

    pub(crate) fn get_mut(&mut self, bid: TokenId) -> Option<&mut Reservation> {
        self.open.get_mut(&bid)
    }

    /// Ends a bid that was billed or lost; `None` if it is not open (ended before, expired, or of another incarnation).
    pub fn end(&mut self, bid: TokenId) -> Option<Reservation> {
        let ended = self.open.remove(&bid);
        self.forget_stale();
        ended
    }

    /// How many expiries are noted: after a bid was ended or won, at most twice the open bids or [`STALE_EXPIRIES_MIN`].
    #[must_use]
    pub fn expiries(&self) -> usize {
        self.expiries.len()
    }

    /// Ends the next bid whose time has run out; `None` when there is none left at `now_ms`.
    pub fn next_expired(&mut self, now_ms: i64) -> Option<Reservation> {
        while let Some(&Reverse((expires_ms, bid))) = self.expiries.peek() {
            if expires_ms > now_ms {
                return None;
            }
            self.expiries.pop();
            let due = self.open.get(&bid).is_some_and(|reservation| reservation.expires_ms <= now_ms);
            if due {
                return self.open.remove(&bid);
            }
        }
        None
    }

    /// Drops the expiries of bids that have ended or were extended once they outnumber the others: each is dropped for one
    /// that was noted since the last time, so that ending a bid stays cheap.
    fn forget_stale(&mut self) {
        if self.expiries.len() <= STALE_EXPIRIES_MIN.max(2 * self.open.len()) {
            return;
        }
        let open = &self.open;
        self.expiries.retain(|Reverse((expires_ms, bid))| {
            open.get(bid).is_some_and(|reservation| reservation.expires_ms == *expires_ms)
        });
    }
}
