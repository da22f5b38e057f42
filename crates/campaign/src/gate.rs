//! The gate of one compiled campaign: open until an evaluation of it panics.
//!
//! Promises that it closes once, for good, and that exactly one caller is told to be the one who closed it. Never opens
//! again: the next incarnation's campaign is a new one with a gate of its own.

use std::sync::atomic::{AtomicBool, Ordering};

/// Open at first.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: AtomicBool,
}

impl Gate {
    /// Tells whether the campaign may still be evaluated.
    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    /// Closes it; true for the one caller who did.
    pub(crate) fn close(&self) -> bool {
        !self.closed.swap(true, Ordering::AcqRel)
    }
}
