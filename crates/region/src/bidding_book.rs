//! What `bidding_state` knows, and what each event of the ledger does to it.
//!
//! Promises that a bid's money moves once, whatever is repeated: from held to spent, or from held back to available. What
//! open bids hold and do not need is their lease's credit until they end.
//! Never waits and never sends: the actor around it does.

use std::sync::Arc;

use ledger::{EventKind, LedgerEvent, TokenId};
use money::Cpm;

use crate::lease_cell::LeaseCell;
use crate::lessons::Lessons;
use crate::notice::delay_ms;
use crate::reservations::{Reservation, Reservations};
use crate::risk::{Classes, End, Risks};
use crate::shading::Market;

/// The open bids of one incarnation, and how they end.
#[derive(Debug)]
pub struct BiddingBook {
    reservations: Reservations,
    risks: Risks,
    market: Market,
    /// What bids that have ended may still teach.
    ended: Lessons,
    won_ttl_ms: i64,
    figures: BiddingFigures,
}

/// What became of the bids of an incarnation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BiddingFigures {
    /// Bids whose outcome is open.
    pub open: usize,
    /// Bids that were committed.
    pub committed: u64,
    /// Wins of open bids; a bid may be reported more than once.
    pub won: u64,
    /// Open bids that were billed.
    pub billed: u64,
    /// Open bids that were lost.
    pub lost: u64,
    /// Open bids whose time ran out.
    pub expired: u64,
    /// Committed bids that were not sent after all.
    pub withdrawn: u64,
    /// Billings of bids that were no longer open, or were made by an earlier incarnation.
    pub billed_late: u64,
    /// Bids of which the exchange told what would have won.
    pub told: u64,
    /// Commits of bids that an earlier incarnation had held: their money stays in its leases.
    pub stale: u64,
    /// Commits under the name of an open bid: their money stays in their leases.
    pub untracked: u64,
}

impl BiddingBook {
    /// An empty book, in which a won bid waits `won_ttl_ms` for its billing.
    #[must_use]
    pub fn new(won_ttl_ms: i64) -> Self {
        Self {
            reservations: Reservations::new(),
            risks: Risks::new(),
            market: Market::default(),
            ended: Lessons::default(),
            won_ttl_ms,
            figures: BiddingFigures::default(),
        }
    }

    /// The same, with what an earlier incarnation has learnt of its exchanges' prices.
    #[must_use]
    pub fn with_market(self, market: Market) -> Self {
        Self { market, ..self }
    }

    /// The exchange told the least price in USD that would have won; it teaches once, while the bid is open or soon after.
    pub fn told(&mut self, bid: TokenId, min_to_win: Cpm) {
        let open = self.reservations.get_mut(bid).and_then(|reservation| reservation.lesson.take());
        let lesson = open.or_else(|| self.ended.take(bid));
        if let Some(lesson) = lesson {
            self.market.told(lesson, min_to_win);
            self.figures.told += 1;
        }
    }

    /// What is known of first-price markets.
    pub fn market(&mut self) -> &mut Market {
        &mut self.market
    }

    /// The same, with what earlier incarnations have learned of their bids.
    #[must_use]
    pub fn knowing(classes: Classes, won_ttl_ms: i64) -> Self {
        Self { risks: Risks::knowing(classes), ..Self::new(won_ttl_ms) }
    }

    /// What was learned of the bids, class by class.
    #[must_use]
    pub fn classes(&self) -> &Classes {
        self.risks.classes()
    }

    /// What became of the bids so far.
    #[must_use]
    pub fn figures(&self) -> BiddingFigures {
        BiddingFigures { open: self.reservations.len(), ..self.figures }
    }

    /// Tracks a bid that is about to be sent.
    pub fn commit(&mut self, reservation: Reservation, now_ms: i64) {
        let (bid, lesson) = (reservation.bid, reservation.lesson);
        match self.reservations.track(reservation) {
            Ok(()) => {
                self.figures.committed += 1;
                lesson.into_iter().for_each(|lesson| self.market.sent(lesson));
            }
            // The bid may be out, so what it holds stays held.
            Err(_) => {
                self.figures.untracked += 1;
                return;
            }
        }
        let (risks, tracked) = (&mut self.risks, self.reservations.get_mut(bid));
        if let Some((reservation, class)) =
            tracked.filter(|tracked| !tracked.in_full).and_then(|tracked| tracked.class.map(|class| (tracked, class)))
        {
            reservation.slot = risks.enter(&reservation.lease, class, reservation.price, now_ms);
        }
    }

    /// Gives back what a bid holds that is not sent after all; nothing if an earlier incarnation had held it.
    pub fn withdraw(&mut self, bid: TokenId) {
        if let Some(mut reservation) = self.reservations.end(bid) {
            settle_risk(&mut self.risks, &mut reservation, End::Withdrawn);
            reservation.release();
            self.figures.withdrawn += 1;
        }
    }

    /// Leaves alone a bid that an earlier incarnation had held.
    pub fn ignore_stale(&mut self, reservation: Reservation) {
        drop(reservation);
        self.figures.stale += 1;
    }

    /// Applies one event of the region. `lease_of` finds the lease of an event among those of this incarnation.
    pub fn apply(
        &mut self,
        event: &LedgerEvent,
        now_ms: i64,
        lease_of: impl FnOnce(&LedgerEvent) -> Option<Arc<LeaseCell>>,
    ) {
        let Some(bid) = event.bid.as_ref().map(|facts| facts.token) else { return };
        match event.kind {
            EventKind::Win => {
                let expires_ms = now_ms.saturating_add(self.won_ttl_ms);
                if self.reservations.win(bid, expires_ms) {
                    self.figures.won += 1;
                    // From now on it is as good as spent.
                    let won = self.reservations.get_mut(bid).expect("a bid that was won is open");
                    note_win(&mut self.risks, won, now_ms, delay_ms(event));
                }
            }
            EventKind::Billing => {
                // What the lease could not cover is the campaign's free money, not this lease's.
                let covered = event.amount.saturating_sub(event.late);
                if let Some(mut reservation) = self.reservations.end(bid) {
                    settle_risk(&mut self.risks, &mut reservation, End::Won);
                    reservation.lesson.into_iter().for_each(|lesson| self.ended.keep(bid, lesson));
                    reservation.settle(covered);
                    self.figures.billed += 1;
                    return;
                }
                self.figures.billed_late += 1;
                if let Some(lease) = lease_of(event) {
                    lease.debit(covered);
                }
            }
            EventKind::Loss => {
                if let Some(mut reservation) = self.reservations.end(bid) {
                    settle_risk(&mut self.risks, &mut reservation, End::Lost);
                    reservation.lesson.into_iter().for_each(|lesson| self.ended.keep(bid, lesson));
                    reservation.release();
                    self.figures.lost += 1;
                }
            }
            // Notices that were only observed move nothing: a real one may follow. The rest is not about bids.
            _ => {}
        }
    }

    /// Releases the bids whose time has run out.
    pub fn expire(&mut self, now_ms: i64) {
        while let Some(mut reservation) = self.reservations.next_expired(now_ms) {
            settle_risk(&mut self.risks, &mut reservation, End::Lost);
            reservation.release();
            self.figures.expired += 1;
        }
    }

    /// Gives each lease as much credit as its open bids do not need.
    pub fn weigh(&mut self, now_ms: i64) {
        self.risks.tick(now_ms);
    }
}

/// The bid is no longer one whose end is open: who may be lost, or, if it was told to be won, who may be billed.
fn settle_risk(risks: &mut Risks, reservation: &mut Reservation, end: End) {
    let Some(slot) = reservation.slot.take() else { return };
    if reservation.won {
        risks.leave_win(reservation.campaign, slot, reservation.price, end);
    } else {
        risks.leave(reservation.lease.id(), slot, reservation.price, end);
    }
}

/// The bid was told to be won: that counts once.
fn note_win(risks: &mut Risks, reservation: &mut Reservation, now_ms: i64, delay_ms: Option<i64>) {
    if reservation.won {
        return;
    }
    settle_risk(risks, reservation, End::Won);
    reservation.won = true;
    reservation.lease.fates().note_told(delay_ms);
    let Reservation { campaign, lease, price, .. } = reservation;
    let enter = |class| risks.enter_win(*campaign, lease, class, *price, now_ms);
    reservation.slot = reservation.class.and_then(enter);
}
