//! Which incarnation of a region a table or a bid belongs to.
//!
//! Promises that two incarnations never share an epoch. Never compared for order.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::open_bids::OpenBids;

/// One incarnation of a region as a whole: its three actors restart together and agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Epoch(u64);

/// What an incarnation is for the bid path: `bidding_state` publishes it, and it goes when that goes.
#[derive(Clone, Debug)]
pub(crate) struct Incarnation {
    pub(crate) epoch: Epoch,
    pub(crate) open: OpenBids,
}

/// An incarnation has begun; published before it knows anything, so that the region is told from one that is down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Starting;

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Epoch {
    /// An epoch that nothing else has.
    #[must_use]
    pub(crate) fn next() -> Self {
        Self(NEXT.fetch_add(1, Relaxed))
    }

    /// Its number, which is never 0.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}
