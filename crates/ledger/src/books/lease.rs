//! Leases: money taken from a campaign before a region bids with it.
//!
//! Promises that no lease exceeds what is free, and that one region cannot take all of it while others go without.
//! Never ends a lease before its bids can no longer bill.

use std::sync::Arc;

use campaign::CampaignId;
use money::Nanos;

use super::{Books, BooksError};
use crate::{EventKind, LastBids, LeaseId, LeaseTerm, LedgerEvent};

/// A lease that may still bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLease {
    /// Its number.
    pub lease: LeaseId,
    /// Whose money it is.
    pub campaign: CampaignId,
    /// The region that bids with it.
    pub region: Arc<str>,
    /// What was granted.
    pub granted: Nanos,
    /// What was billed from it.
    pub spent: Nanos,
    /// What it still holds.
    pub left: Nanos,
    /// When it ends.
    pub term: LeaseTerm,
    /// When its last bids end, if its region has left it: wins that were recorded since are in it.
    pub last: Option<LastBids>,
}

impl OpenLease {
    /// When its rest goes back to free.
    #[must_use]
    pub fn closes_ms(&self) -> i64 {
        self.last.map_or(self.term.closes_ms, |last| last.open_until_ms.min(self.term.closes_ms))
    }
}

/// What a region asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseAsk {
    /// The region.
    pub region: Arc<str>,
    /// The campaign that it wants to bid for.
    pub campaign: CampaignId,
    /// How much it would take.
    pub want: Nanos,
    /// The least that is of use: one bid.
    pub least: Nanos,
}

/// A granted lease: the money is the region's to bid with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseGrant {
    /// Its number.
    pub lease: LeaseId,
    /// What was granted; it may be less than was wanted.
    pub amount: Nanos,
    /// When it ends.
    pub term: LeaseTerm,
}

/// What a region says of a lease that it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseLeft {
    /// Its number.
    pub lease: LeaseId,
    /// The sum of its bids that may still bill: the rest goes back at once.
    pub keep: Nanos,
    /// When they no longer may.
    pub last: LastBids,
    /// The last event of the region whose win, if it was one, is in that: the ledger looks for wins after it.
    pub heard: u64,
}

/// Why no lease was granted. A business outcome, not a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseRefusal {
    /// The ledger has no account of this campaign.
    UnknownCampaign,
    /// Less is free than one bid costs.
    BudgetExhausted {
        /// What is free.
        free: Nanos,
    },
    /// The ask makes no sense: nothing wanted, or less than the least.
    Absurd,
}

/// Of what is free, one lease takes at most this part of a region's even share (algorithms: `remaining / (2 · nodes)`).
const SHARE_DIVISOR: i64 = 2;

impl Books {
    /// Decides what an ask gets: at most what is wanted, what is free, and a half of the region's even share of it; but
    /// at least one bid if one can be paid.
    pub(crate) fn decide_grant(&self, ask: &LeaseAsk, regions: u32) -> Result<Nanos, LeaseRefusal> {
        if ask.least <= Nanos::ZERO || ask.want < ask.least {
            return Err(LeaseRefusal::Absurd);
        }
        let account = self.account(ask.campaign).ok_or(LeaseRefusal::UnknownCampaign)?;
        let free = account.free();
        if free < ask.least {
            return Err(LeaseRefusal::BudgetExhausted { free });
        }
        let share = Nanos(free.0 / (SHARE_DIVISOR * i64::from(regions.max(1))));
        let amount = ask.want.min(share.max(ask.least));
        assert!(ask.least <= amount && amount <= free, "a lease lies between one bid and what is free");
        Ok(amount)
    }

    /// Decides what goes back to free if the region keeps this much of the lease: repeating it changes nothing.
    pub(crate) fn decide_return(&self, lease: LeaseId, keep: Nanos) -> Nanos {
        let left = self.lease(lease).map_or(Nanos::ZERO, |lease| lease.left);
        left.saturating_sub(keep.max(Nanos::ZERO)).max(Nanos::ZERO)
    }

    pub(super) fn open_lease(&mut self, event: &LedgerEvent) -> Result<(), BooksError> {
        let misfit = |reason| BooksError::Misfit { seq: event.seq, reason };
        let lease = event.lease.ok_or(misfit("a grant without a lease"))?;
        let term = event.term.ok_or(misfit("a grant without an end"))?;
        let region = event.region.clone().ok_or(misfit("a grant without a region"))?;
        if lease.0 != self.last_lease + 1 {
            return Err(misfit("lease numbers go up by one"));
        }
        let account = self.account(event.campaign).ok_or(misfit("a grant to an unknown campaign"))?;
        if event.amount <= Nanos::ZERO || account.free() < event.amount {
            return Err(misfit("a grant of nothing or of more than is free"));
        }
        let account = account.lease(event.amount).ok_or(BooksError::Overflow { seq: event.seq })?;
        self.keep(event, account)?;
        self.last_lease = lease.0;
        let (campaign, granted) = (event.campaign, event.amount);
        let (spent, left, last) = (Nanos::ZERO, granted, None);
        self.load_lease(OpenLease { lease, campaign, region, granted, spent, left, term, last });
        Ok(())
    }

    /// A win of a lease that its region has left waits for its billing.
    pub(super) fn win(&mut self, event: &LedgerEvent) {
        let Some(lease) = event.lease.and_then(|lease| self.leases.get(&lease)) else { return };
        if let (true, Some(last)) = (lease.campaign == event.campaign, lease.last) {
            let waits_ms = event.at_ms.saturating_add(last.won_ttl_ms);
            let last = LastBids { open_until_ms: last.open_until_ms.max(waits_ms), ..last };
            self.set_last(lease.lease, last);
        }
    }

    fn set_last(&mut self, id: LeaseId, last: LastBids) {
        let Some(lease) = self.leases.get_mut(&id) else { return };
        self.closing.remove(&(lease.closes_ms(), id));
        lease.last = Some(last);
        self.closing.insert((lease.closes_ms(), id));
    }

    pub(super) fn release(&mut self, event: &LedgerEvent) -> Result<(), BooksError> {
        let misfit = |reason| BooksError::Misfit { seq: event.seq, reason };
        let id = event.lease.ok_or(misfit("a release without a lease"))?;
        let lease = self.lease(id).ok_or(misfit("a release of a lease that is not open"))?;
        if lease.campaign != event.campaign || Some(&lease.region) != event.region.as_ref() {
            return Err(misfit("a release of somebody else's lease"));
        }
        let expired = event.kind == EventKind::LeaseExpired;
        if lease.left < event.amount || (expired && lease.left != event.amount) {
            return Err(misfit("a release of another amount than is left"));
        }
        let last = event.term.map(LastBids::of_term);
        if expired && last.is_some() {
            return Err(misfit("a lease that closes is left by nobody"));
        }
        if last.is_some_and(|last| last.won_ttl_ms < 0) {
            return Err(misfit("a win waits for less than nothing"));
        }
        let (left, closes_ms) = (lease.left.saturating_sub(event.amount), lease.closes_ms());
        let account = self.account(event.campaign).ok_or(misfit("a lease of an unknown campaign"))?;
        let account = account.release(event.amount).ok_or(BooksError::Overflow { seq: event.seq })?;
        self.keep(event, account)?;
        if expired || left == Nanos::ZERO {
            self.leases.remove(&id);
            self.closing.remove(&(closes_ms, id));
        } else if let Some(lease) = self.leases.get_mut(&id) {
            lease.left = left;
            last.into_iter().for_each(|last| self.set_last(id, last));
        }
        Ok(())
    }
}
