//! What the ledger does by itself: it closes leases, forgets users, and folds old events.
//!
//! Promises that each piece of it is small: notices and leases wait for hundredths of a second at most. Never puts a piece off for
//! ever: what is left is done with the next.

use std::time::{Duration, Instant};

use tembusu::Context;

use super::message::Due;
use super::{Ledger, LedgerCrash, LedgerMessage, Timer};

/// How often leases are closed and newest events pushed again.
pub const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// How many sweeps there are between two looks for users to forget: half an hour.
const SWEEPS_PER_FORGETTING: u64 = 3_600;
/// Rows of users that are forgotten with one sweep: some hundredths of a second, in which notices and leases wait. More are
/// forgotten with the next one, 10,000 a second.
pub const FORGET_ROWS_MAX: usize = 5_000;
/// Events that are folded in one step: some hundredths of a second, in which notices and leases wait.
pub const FOLD_ROWS_MAX: usize = 1_000;
/// Between two steps of folding while more is due: several thousand events a second, and most of the time for others.
const FOLD_PAUSE: Duration = Duration::from_millis(100);
/// How many sweeps there are between two looks at the size of the file: ten seconds.
const SWEEPS_PER_SIZE: u64 = 20;

/// What the ledger has to do by itself.
#[derive(Debug)]
pub(super) struct Upkeep {
    sweeps: u64,
    /// There may be more users to forget.
    is_forgetting: bool,
    /// The next step of folding has its timer.
    is_folding: bool,
}

impl Upkeep {
    pub(super) fn new() -> Self {
        Self { sweeps: 0, is_forgetting: true, is_folding: false }
    }
}

impl Ledger {
    /// Closes leases, forgets users, folds events, pushes each region's newest event again, and sets the next sweep.
    pub(super) fn sweep(&mut self, cx: &mut Context<Self>) -> Result<(), LedgerCrash> {
        let now_ms = self.clock.now_ms();
        self.store.expire(now_ms)?;
        self.commit()?;
        let sweeps = self.upkeep.sweeps;
        self.upkeep.sweeps += 1;
        self.upkeep.is_forgetting |= sweeps.is_multiple_of(SWEEPS_PER_FORGETTING);
        if self.upkeep.is_forgetting {
            self.upkeep.is_forgetting = self.store.forget_cap_keys(now_ms, FORGET_ROWS_MAX)? == FORGET_ROWS_MAX;
        }
        if !self.upkeep.is_folding {
            self.fold(cx)?;
        }
        if sweeps.is_multiple_of(SWEEPS_PER_SIZE) {
            self.figures.set_size(&self.store.size()?);
        }
        for event in self.newest.values() {
            self.subscribers.push(event);
        }
        cx.after(SWEEP_EVERY, LedgerMessage::Timer(Timer(Due::Sweep)));
        Ok(())
    }

    /// Folds a portion of what is due, and sets the time of the next if there may be more.
    pub(super) fn fold(&mut self, cx: &mut Context<Self>) -> Result<(), LedgerCrash> {
        self.commit()?;
        let (now_ms, started) = (self.clock.now_ms(), Instant::now());
        let folding = self.store.fold(now_ms, FOLD_ROWS_MAX)?;
        self.upkeep.is_folding = folding.is_more;
        if folding.is_more {
            cx.after(FOLD_PAUSE, LedgerMessage::Timer(Timer(Due::Fold)));
        }
        self.figures.set_folded(&self.store, &folding, now_ms, started.elapsed());
        Ok(())
    }
}
