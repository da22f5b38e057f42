//! The risk of all leases of a region: it tells each how much of what its bids hold may be bid once more.
//!
//! And it tells each campaign's pacing what its bids will cost that are won and not yet billed.
//!
//! Promises that a lease never has credit for a bid that has ended, and that credit only grows at a tick. Never concerns
//! the leases of an earlier incarnation: nobody bids with them.

use std::collections::HashMap;
use std::sync::Arc;

use campaign::CampaignId;
use foldhash::fast::RandomState;
use ledger::LeaseId;
use money::Nanos;

use super::class::{BidClass, Classes};
use super::exposure::{Exposure, PRICE_MAX, Slot};
use crate::fates::Fates;
use crate::lease_cell::LeaseCell;

/// How a bid ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was won: billed, or about to be.
    Won,
    /// It was lost, or its time ran out.
    Lost,
    /// It was never sent: it teaches nothing.
    Withdrawn,
}

/// The open bids of all leases of one incarnation, and what their classes have taught.
#[derive(Debug, Default)]
pub struct Risks {
    classes: Classes,
    leases: HashMap<LeaseId, Line, RandomState>,
    wins: HashMap<CampaignId, Wins, RandomState>,
}

#[derive(Debug)]
struct Line {
    cell: Arc<LeaseCell>,
    exposure: Exposure,
}

/// A campaign's bids that are won and may be billed.
#[derive(Debug)]
struct Wins {
    fates: Arc<Fates>,
    exposure: Exposure,
}

impl Risks {
    /// Knows no bid, and nothing of any class.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows no bid, and what others have learned of the classes.
    #[must_use]
    pub fn knowing(classes: Classes) -> Self {
        Self { classes, ..Self::default() }
    }

    /// What the classes have taught.
    #[must_use]
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// Enters a bid that is sent now, whose price is reserved in `cell`; `None` if it is to stay reserved in full.
    pub fn enter(&mut self, cell: &Arc<LeaseCell>, class: BidClass, price: Nanos, now_ms: i64) -> Option<Slot> {
        if price.0 <= 0 || PRICE_MAX < price {
            return None;
        }
        let class = self.classes.place(class)?;
        let line =
            self.leases.entry(cell.id()).or_insert_with(|| Line { cell: Arc::clone(cell), exposure: Exposure::new() });
        Some(line.exposure.enter(class, price, now_ms))
    }

    /// Takes a bid out that has ended, and its price out of its lease's credit.
    pub fn leave(&mut self, lease: LeaseId, slot: Slot, price: Nanos, end: End) {
        let Some(line) = self.leases.get_mut(&lease) else { return };
        let Some(bucket) = line.exposure.leave(slot, price) else { return };
        let credit = line.cell.figures().credit;
        // More than this bid was given, which the next tick puts right.
        line.cell.set_credit(Nanos(credit.0.saturating_sub(price.0).max(0)));
        let survival = self.classes.at_mut(slot.class());
        match end {
            End::Won => survival.won(bucket),
            End::Lost => survival.lost(bucket),
            End::Withdrawn => {}
        }
    }

    /// Enters a bid that was told to be won, whose price is reserved in `cell`; `None` if nothing is known of its like.
    pub(crate) fn enter_win(
        &mut self,
        campaign: CampaignId,
        cell: &LeaseCell,
        class: BidClass,
        price: Nanos,
        now_ms: i64,
    ) -> Option<Slot> {
        if price.0 <= 0 || PRICE_MAX < price {
            return None;
        }
        let class = self.classes.place(class)?;
        let fresh = || Wins { fates: Arc::clone(cell.fates()), exposure: Exposure::new() };
        let wins = self.wins.entry(campaign).or_insert_with(fresh);
        Some(wins.exposure.enter(class, price, now_ms))
    }

    /// Takes a won bid out that has ended: billed ([`End::Won`]), or not.
    pub(crate) fn leave_win(&mut self, campaign: CampaignId, slot: Slot, price: Nanos, end: End) {
        let Some(wins) = self.wins.get_mut(&campaign) else { return };
        let Some(bucket) = wins.exposure.leave(slot, price) else { return };
        let survival = self.classes.wins_at_mut(slot.class());
        match end {
            End::Won => survival.won(bucket),
            End::Lost => survival.lost(bucket),
            End::Withdrawn => {}
        }
    }

    /// Lets all bids grow older, and gives each lease as much credit as they do not need.
    pub fn tick(&mut self, now_ms: i64) {
        let Self { classes, leases, wins } = self;
        leases.retain(|_, line| !line.exposure.is_empty());
        leases.values_mut().for_each(|line| line.exposure.age(now_ms, classes));
        for wins in wins.values_mut() {
            wins.exposure.age_with(now_ms, |class, bucket, count| classes.wins_at_mut(class).passed(bucket, count));
        }
        classes.settle();
        for line in leases.values() {
            let need = line.exposure.need(line.cell.amount(), classes);
            line.cell.set_credit(need.full.saturating_sub(need.held_back));
        }
        wins.retain(|_, wins| {
            wins.fates.set_expected(wins.exposure.expected(|class, bucket| classes.wins_at(class).chance(bucket)));
            !wins.exposure.is_empty()
        });
    }
}
