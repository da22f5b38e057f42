//! How large the ledger is, and when it was last made smaller: for those who watch it.
//!
//! Promises figures that anybody may read at any time without asking the ledger, and that outlive its crashes. Never read by the
//! ledger itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::{Folding, Store};

/// How large a ledger's files are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerSize {
    /// The database, in bytes.
    pub bytes: u64,
    /// The part of it that is free, and written to before the file grows.
    pub free_bytes: u64,
    /// The write-ahead log beside it, in bytes.
    pub log_bytes: u64,
}

/// Figures of a ledger at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerFigures {
    /// As it was some seconds ago.
    pub size: LedgerSize,
    /// Events since the last one that was folded: what the next start replays.
    pub events: u64,
    /// Events that were folded by this process.
    pub folded: u64,
    /// When it was last looked for events to fold, in unix milliseconds; 0 before the first time.
    pub looked_ms: i64,
    /// When events were last folded, or notices removed, in unix milliseconds; 0 before the first time.
    pub folded_ms: i64,
    /// How long the longest step of that took, in microseconds: what a notice may have waited for it.
    pub step_micros_max: u64,
}

/// Where a ledger notes its figures; a handle, of which clones share one place.
#[derive(Debug, Clone, Default)]
pub struct LedgerGauge {
    figures: Arc<Figures>,
}

#[derive(Debug, Default)]
struct Figures {
    bytes: AtomicU64,
    free_bytes: AtomicU64,
    log_bytes: AtomicU64,
    events: AtomicU64,
    folded: AtomicU64,
    looked_ms: AtomicI64,
    folded_ms: AtomicI64,
    step_micros_max: AtomicU64,
}

impl LedgerGauge {
    /// Nothing noted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The figures as they were noted last.
    #[must_use]
    pub fn read(&self) -> LedgerFigures {
        let of = &self.figures;
        LedgerFigures {
            size: LedgerSize {
                bytes: of.bytes.load(Relaxed),
                free_bytes: of.free_bytes.load(Relaxed),
                log_bytes: of.log_bytes.load(Relaxed),
            },
            events: of.events.load(Relaxed),
            folded: of.folded.load(Relaxed),
            looked_ms: of.looked_ms.load(Relaxed),
            folded_ms: of.folded_ms.load(Relaxed),
            step_micros_max: of.step_micros_max.load(Relaxed),
        }
    }

    pub(crate) fn set_size(&self, size: &LedgerSize) {
        self.figures.bytes.store(size.bytes, Relaxed);
        self.figures.free_bytes.store(size.free_bytes, Relaxed);
        self.figures.log_bytes.store(size.log_bytes, Relaxed);
    }

    pub(crate) fn set_folded(&self, store: &Store, folding: &Folding, now_ms: i64, took: Duration) {
        let of = &self.figures;
        of.events.store(store.books().last_seq().saturating_sub(store.folded_seq()), Relaxed);
        of.looked_ms.store(now_ms, Relaxed);
        if *folding == Folding::default() {
            return;
        }
        of.folded.fetch_add(folding.events as u64, Relaxed);
        of.folded_ms.store(now_ms, Relaxed);
        of.step_micros_max.fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }
}
