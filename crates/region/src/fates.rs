//! What is known of a campaign's bids before they are billed: which of them were won, and what became of those.
//!
//! Most exchanges tell of a win within a second, and of the impression minutes later. A pacer that waits for the latter bids too
//! much meanwhile, or too little. Promises figures that only grow, written by the region's `bidding_state` and read by its
//! `budget_pacer`. Never money: leases and the ledger have that.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use money::Nanos;

/// What became of the bids of one campaign in one region.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    won: AtomicI64,
    ended: AtomicI64,
    billed: AtomicI64,
    told: AtomicU64,
    told_ms: AtomicI64,
}

/// The figures at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FateFigures {
    /// The prices of bids that were told to be won while they were open.
    pub(crate) won: Nanos,
    /// The prices of those of them that have ended since: billed, lost after all, or expired.
    pub(crate) ended: Nanos,
    /// What was billed of those.
    pub(crate) billed: Nanos,
    /// How many wins told how long after their bid they came.
    pub(crate) told: u64,
    /// The sum of those times.
    pub(crate) told_ms: i64,
}

impl Fates {
    /// An open bid was told to be won, so long after it was made if that is known.
    pub(crate) fn note_won(&self, price: Nanos, delay_ms: Option<i64>) {
        self.won.fetch_add(price.0, Relaxed);
        if let Some(delay_ms) = delay_ms {
            self.told_ms.fetch_add(delay_ms, Relaxed);
            self.told.fetch_add(1, Relaxed);
        }
    }

    /// A bid that was told to be won has ended.
    pub(crate) fn note_ended(&self, price: Nanos, billed: Nanos) {
        self.billed.fetch_add(billed.0, Relaxed);
        self.ended.fetch_add(price.0, Relaxed);
    }

    pub(crate) fn figures(&self) -> FateFigures {
        // What has ended is read before what was won, so that it is never more.
        let ended = Nanos(self.ended.load(Relaxed));
        FateFigures {
            won: Nanos(self.won.load(Relaxed)),
            ended,
            billed: Nanos(self.billed.load(Relaxed)),
            told: self.told.load(Relaxed),
            told_ms: self.told_ms.load(Relaxed),
        }
    }
}

impl FateFigures {
    /// What has come since earlier figures.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            won: self.won.saturating_sub(before.won),
            ended: self.ended.saturating_sub(before.ended),
            billed: self.billed.saturating_sub(before.billed),
            told: self.told.saturating_sub(before.told),
            told_ms: self.told_ms.saturating_sub(before.told_ms),
        }
    }
}
