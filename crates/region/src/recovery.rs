//! How long a region took to come back, and how much it had to count for that.
//!
//! Never decides anything: figures for pages and meters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The figures of the last start of a region's caps, whichever incarnation that was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recovery(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    starts: AtomicU64,
    micros: AtomicU64,
    entries: AtomicU64,
}

/// The last time that a region counted its users anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryFigures {
    /// How often it did, the first start included.
    pub starts: u64,
    /// How long the last one took, from the start of the capper to the moment in which the region could bid.
    pub took: Duration,
    /// How many (campaign or creative, user) pairs were counted then.
    pub entries: u64,
}

impl Recovery {
    pub(crate) fn note(&self, took: Duration, entries: usize) {
        self.0.micros.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        self.0.entries.store(entries as u64, Relaxed);
        self.0.starts.fetch_add(1, Relaxed);
    }

    pub(crate) fn figures(&self) -> RecoveryFigures {
        RecoveryFigures {
            starts: self.0.starts.load(Relaxed),
            took: Duration::from_micros(self.0.micros.load(Relaxed)),
            entries: self.0.entries.load(Relaxed),
        }
    }
}
