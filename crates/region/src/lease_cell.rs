//! One lease as the bid path sees it: what is available, held by bids, and spent.
//!
//! Promises that `available + held + spent` is the lease's amount and its credit whenever nobody is inside one of its
//! methods, so that no bid is held with money that another bid or a billing has taken. Credit is what the open bids hold
//! and do not need ([`risk`](crate::risk)); a lease that nobody gives credit has none. Never blocks, and never gives money
//! of a closed or expired lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use ledger::LeaseId;
use money::Nanos;

use crate::fates::Fates;

/// What `available` reads in a closed lease: so low that nothing added to it makes it positive.
const CLOSED: i64 = i64::MIN / 2;

/// One lease of a campaign's money, shared by the bid path and the region's actors.
///
/// # On restart
///
/// A cell belongs to one incarnation of its region. What is committed in it when the region crashes is never released:
/// those bids may still bill, so its whole rest stays outstanding in the ledger until none of them can any more.
#[derive(Debug)]
pub struct LeaseCell {
    id: LeaseId,
    amount: i64,
    expires_ms: i64,
    available: AtomicI64,
    held: AtomicI64,
    spent: AtomicI64,
    /// How much of `available` is held as well. Only the region's `bidding_state` writes it.
    credit: AtomicI64,
    /// Until when a bid of it may be won, or a won one billed.
    open_until_ms: AtomicI64,
    /// What becomes of the campaign's bids.
    fates: Arc<Fates>,
}

/// A lease's figures at one moment, in nano-USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseFigures {
    /// May be held by the next bid. Negative when billings came in after their reservations had expired.
    pub available: Nanos,
    /// Held by bids whose outcome is open.
    pub held: Nanos,
    /// Billed.
    pub spent: Nanos,
    /// How much of what is held may be held once more, and is within `available`: most of those bids will be lost.
    pub credit: Nanos,
}

impl LeaseFigures {
    /// What the open bids need of the lease.
    #[must_use]
    pub fn needed(&self) -> Nanos {
        self.held.saturating_sub(self.credit).max(Nanos(0))
    }
}

impl LeaseCell {
    /// A fresh lease of `amount`, open for new bids until `expires_ms`.
    #[must_use]
    pub fn new(id: LeaseId, amount: Nanos, expires_ms: i64) -> Self {
        Self::telling(id, amount, expires_ms, Arc::default())
    }

    /// The same, for bids whose fates are told to the campaign's pacing.
    pub(crate) fn telling(id: LeaseId, amount: Nanos, expires_ms: i64, fates: Arc<Fates>) -> Self {
        assert!(amount.0 >= 0, "a lease is never negative: {}", amount.0);
        Self {
            id,
            amount: amount.0,
            expires_ms,
            available: AtomicI64::new(amount.0),
            held: AtomicI64::new(0),
            spent: AtomicI64::new(0),
            credit: AtomicI64::new(0),
            open_until_ms: AtomicI64::new(i64::MIN),
            fates,
        }
    }

    /// The ledger's id of the lease.
    #[must_use]
    pub fn id(&self) -> LeaseId {
        self.id
    }

    /// What the ledger granted.
    #[must_use]
    pub fn amount(&self) -> Nanos {
        Nanos(self.amount)
    }

    /// The end of the lease in unix milliseconds: no bid is held after it.
    #[must_use]
    pub fn expires_ms(&self) -> i64 {
        self.expires_ms
    }

    /// Moves `price` from available to held; false, and nothing moved, if there is not enough or the lease has ended.
    #[must_use]
    pub fn try_reserve(&self, price: Nanos, now_ms: i64) -> bool {
        if price.0 <= 0 || now_ms >= self.expires_ms {
            return false;
        }
        // `held` grows first: whoever closes the lease and then reads `held` as zero knows that no reservation is
        // half-way in.
        self.held.fetch_add(price.0, SeqCst);
        let taken = self
            .available
            .fetch_update(SeqCst, SeqCst, |available| (available >= price.0).then(|| available - price.0));
        if taken.is_err() {
            self.held.fetch_sub(price.0, SeqCst);
        }
        taken.is_ok()
    }

    /// Gives a reservation of `price` back.
    pub fn release(&self, price: Nanos) {
        self.unhold(price);
        self.available.fetch_add(price.0, SeqCst);
    }

    pub(crate) fn fates(&self) -> &Arc<Fates> {
        &self.fates
    }

    /// Turns a reservation of `price` into spend of `billed`; the rest is available again.
    pub fn settle(&self, price: Nanos, billed: Nanos) {
        self.unhold(price);
        self.spent.fetch_add(billed.0, SeqCst);
        self.available.fetch_add(price.0 - billed.0, SeqCst);
    }

    /// Books spend whose reservation is gone (billed after it had expired). Available may become negative: then
    /// nothing more is held here.
    pub fn debit(&self, billed: Nanos) {
        self.available.fetch_sub(billed.0, SeqCst);
        self.spent.fetch_add(billed.0, SeqCst);
    }

    /// Sets how much of what is held may be held once more. Taken back, it may leave `available` negative: then nothing
    /// more is held here until bids have ended. One thread at a time.
    pub fn set_credit(&self, credit: Nanos) {
        assert!(0 <= credit.0, "credit is never negative: {}", credit.0);
        let before = self.credit.swap(credit.0, SeqCst);
        if before != credit.0 {
            self.available.fetch_add(credit.0 - before, SeqCst);
        }
    }

    /// Notes that a bid of the lease may be won, or a won one billed, until then.
    pub fn open_until(&self, until_ms: i64) {
        // Most bids wait as long as the one before: to read is cheaper than to write.
        if self.open_until_ms.load(SeqCst) < until_ms {
            self.open_until_ms.fetch_max(until_ms, SeqCst);
        }
    }

    /// Until when the lease's bids may bill, by what was noted of them; long ago if there was none.
    #[must_use]
    pub fn open_until_ms(&self) -> i64 {
        self.open_until_ms.load(SeqCst)
    }

    /// Closes the lease for ever: nothing more can be reserved.
    pub fn close(&self) {
        let closed = self.available.fetch_update(SeqCst, SeqCst, |available| {
            (available > CLOSED / 2).then(|| available.saturating_add(CLOSED))
        });
        // An error means that it was closed before.
        let _ = closed;
    }

    /// Whether the lease was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.available.load(SeqCst) <= CLOSED / 2
    }

    /// Whether the lease is closed and no bid holds any of it: it can go back to the ledger.
    #[must_use]
    pub fn is_returnable(&self) -> bool {
        self.is_closed() && self.held.load(SeqCst) == 0
    }

    /// Whether a reservation of `price` would find room now.
    #[must_use]
    pub fn has_room(&self, price: Nanos, now_ms: i64) -> bool {
        now_ms < self.expires_ms && self.available.load(SeqCst) >= price.0
    }

    /// What may still be reserved: zero when closed, expired or overdrawn.
    #[must_use]
    pub fn reservable(&self, now_ms: i64) -> Nanos {
        if now_ms >= self.expires_ms { Nanos(0) } else { Nanos(self.available.load(SeqCst).max(0)) }
    }

    /// The figures now. Exact when no reservation or settlement is in progress on another thread.
    #[must_use]
    pub fn figures(&self) -> LeaseFigures {
        let available = self.available.load(SeqCst);
        let available = if available <= CLOSED / 2 { available - CLOSED } else { available };
        LeaseFigures {
            available: Nanos(available),
            held: Nanos(self.held.load(SeqCst)),
            spent: Nanos(self.spent.load(SeqCst)),
            credit: Nanos(self.credit.load(SeqCst)),
        }
    }

    fn unhold(&self, price: Nanos) {
        let before = self.held.fetch_sub(price.0, SeqCst);
        assert!(before >= price.0, "lease {:?} held {before}, asked to give up {}", self.id, price.0);
    }
}
