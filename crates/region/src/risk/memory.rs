//! What a region has learned of its bids, outside of its incarnations.
//!
//! Promises that the next incarnation weighs its bids as the last one did, but for what that learned in its last second: the
//! statistics are kept whole or not at all, and none of the bids that were out are in them. After a crash of the process they
//! are learned anew. Never shared: each region learns from its own bids.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::class::Classes;
use crate::due::Due;
use crate::limits::RISK_KEEP_PERIOD;

/// The statistics of the latest incarnation.
#[derive(Clone, Debug, Default)]
pub(crate) struct RiskMemory(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    classes: Classes,
    due: Due,
}

impl RiskMemory {
    /// What was kept last; nothing at first, which reserves every bid in full.
    pub(crate) fn recall(&self) -> Classes {
        self.lock().classes.clone()
    }

    /// Keeps a copy, once in a while.
    pub(crate) fn keep(&self, classes: &Classes, now_ms: i64) {
        let mut kept = self.lock();
        if kept.due.take(now_ms, RISK_KEEP_PERIOD) {
            kept.classes = classes.clone();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
