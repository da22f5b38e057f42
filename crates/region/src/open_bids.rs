//! How many bids of an incarnation are open at once.
//!
//! Promises that there are never more than the limit, whichever threads commit at once, and that every place is free again
//! when its bid has ended, however it ends. Never waits for a place.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The places for open bids.
#[derive(Clone, Debug)]
pub(crate) struct OpenBids {
    taken: Arc<AtomicUsize>,
    max: usize,
}

/// A place that one bid takes; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct OpenBid(Arc<AtomicUsize>);

impl OpenBids {
    pub(crate) fn bounded(max: usize) -> Self {
        Self { taken: Arc::default(), max }
    }

    /// Takes a place; `None` if there is none.
    pub(crate) fn enter(&self) -> Option<OpenBid> {
        let place = OpenBid(Arc::clone(&self.taken));
        // Counted before it is compared: of several that meet at the limit all may be refused, and none too many let in.
        let before = self.taken.fetch_add(1, Relaxed);
        (before < self.max).then_some(place)
    }
}

impl Drop for OpenBid {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
