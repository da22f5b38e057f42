//! What the incarnations of a region leave of their money: the leases that they bid with.
//!
//! After a crash the rest of an old lease stays outstanding until its bids can no longer bill. Promises to know when that is:
//! each lease notes until when its bids may be won, and a win lets it wait for the billing. Until then nothing of it goes back,
//! whatever becomes of single bids: nobody follows them any more. Never says so of a lease that somebody may still bid with.
//!
//! It stands outside the incarnations. At an orderly end the ledger is told what it knows. After a crash of the process it is gone
//! with them, and the ledger closes the leases when no bid at all could bill any more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use ledger::{EventKind, LeaseId, LedgerEvent};

use crate::lease_cell::LeaseCell;

/// A win that was recorded in a bid's last moments may be on its way here when the bid's time is over: so long is waited for it.
const HEARD_WITHIN_MS: i64 = 2_000;

/// The leases of a region that the ledger has not wholly taken back.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeaseEstate(Arc<Estate>);

#[derive(Debug, Default)]
struct Estate {
    leases: Mutex<Leases>,
    /// The last event of the region whose win, if it was one, has been heard here.
    followed: AtomicU64,
}

type Leases = HashMap<LeaseId, Left, RandomState>;

#[derive(Debug)]
struct Left {
    lease: Arc<LeaseCell>,
    /// When the ledger takes it back, whatever happens.
    closes_ms: i64,
    /// Its incarnation is gone.
    is_old: bool,
}

impl LeaseEstate {
    /// Notes a lease that was granted.
    pub(crate) fn note(&self, lease: Arc<LeaseCell>, closes_ms: i64) {
        self.lock().insert(lease.id(), Left { lease, closes_ms, is_old: false });
    }

    /// Forgets a lease: the ledger has taken all of it back.
    pub(crate) fn forget(&self, lease: LeaseId) {
        self.lock().remove(&lease);
    }

    /// A new incarnation begins: nobody bids with the leases of the others from now on.
    pub(crate) fn collect(&self) {
        for left in self.lock().values_mut() {
            left.lease.close();
            left.is_old = true;
        }
    }

    /// Whether there are leases at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// The leases of earlier incarnations whose bids can no longer bill: the whole rest of them may go back.
    pub(crate) fn due(&self, now_ms: i64) -> Vec<LeaseId> {
        let mut leases = self.lock();
        leases.retain(|_, left| now_ms < left.closes_ms);
        let is_over = |left: &&Left| left.lease.open_until_ms().saturating_add(HEARD_WITHIN_MS) <= now_ms;
        let due = leases.values().filter(|left| left.is_old).filter(is_over);
        due.map(|left| left.lease.id()).collect()
    }

    /// The leases of earlier incarnations.
    pub(crate) fn old(&self) -> Vec<Arc<LeaseCell>> {
        self.lock().values().filter(|left| left.is_old).map(|left| Arc::clone(&left.lease)).collect()
    }

    /// Hears an event of the region: a bid that was won waits for its billing until `won_until_ms`.
    pub(crate) fn hear(&self, event: &LedgerEvent, won_until_ms: i64) {
        if let (EventKind::Win, Some(lease)) = (event.kind, event.lease)
            && let Some(left) = self.lock().get(&lease)
        {
            left.lease.open_until(won_until_ms);
        }
    }

    /// Wins may have been missed: every bid of every lease may have been one of them.
    pub(crate) fn hear_of_all(&self, won_until_ms: i64) {
        self.lock().values().for_each(|left| left.lease.open_until(won_until_ms));
    }

    /// Notes how far the region's events have been heard.
    pub(crate) fn follow(&self, region_seq: u64) {
        self.0.followed.store(region_seq, SeqCst);
    }

    /// The last event that was heard.
    pub(crate) fn followed(&self) -> u64 {
        self.0.followed.load(SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Leases> {
        self.0.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
