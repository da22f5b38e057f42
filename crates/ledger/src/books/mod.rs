//! The books: what follows from the events, and what may be done next.
//!
//! Promises: `budget = spent + leased + free` for each campaign after each event, and `leased` is what its open leases
//! have left; the same events give the same books, live and on replay. Pure: no clock, no disk.
//!
//! Never: an event applied by half. One that does not fit is an error and changes nothing; whoever holds the books
//! must then stop, because log and books disagree.
//!
//! | event | free | leased | spent | late |
//! |---|---|---|---|---|
//! | budget | + new − old | | | |
//! | lease granted | − amount | + amount | | |
//! | lease returned, expired | + amount | − amount | | |
//! | billing | − late | − (amount − late) | + amount | + late |
//! | win, loss, observed | | | | |
//!
//! A win moves no money, and a lease that its region has left waits longer for the billing.
//!
//! `late` is the part of a billing that its lease cannot cover: the lease is closed, or its bids cost more than it
//! held. Such money comes from `free`, which may become negative by it (and by a budget that is cut below what is
//! spent and leased). Nothing else makes it negative: no lease is granted beyond it.

mod account;
mod error;
mod lease;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use campaign::CampaignId;
use money::Nanos;

pub use account::Account;
pub use error::BooksError;
pub use lease::{LeaseAsk, LeaseGrant, LeaseLeft, LeaseRefusal, OpenLease};

use crate::{EventKind, LeaseId, LedgerEvent};

/// What follows from the events so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Books {
    pub(crate) accounts: BTreeMap<CampaignId, Account>,
    /// Boxed: they come in order, which leaves half of each node of the map empty.
    pub(crate) leases: BTreeMap<LeaseId, Box<OpenLease>>,
    /// When each open lease closes, in that order.
    closing: BTreeSet<(i64, LeaseId)>,
    /// The last `region_seq` of each region.
    pub(crate) heads: BTreeMap<Arc<str>, u64>,
    pub(crate) tally: BTreeMap<EventKind, u64>,
    pub(crate) last_seq: u64,
    pub(crate) last_lease: u64,
}

impl Books {
    /// The account of a campaign.
    #[must_use]
    pub fn account(&self, campaign: CampaignId) -> Option<&Account> {
        self.accounts.get(&campaign)
    }

    /// All accounts, by campaign.
    pub fn accounts(&self) -> impl Iterator<Item = (CampaignId, &Account)> {
        self.accounts.iter().map(|(campaign, account)| (*campaign, account))
    }

    /// The open leases, by number.
    pub fn leases(&self) -> impl Iterator<Item = &OpenLease> {
        self.leases.values().map(|lease| &**lease)
    }

    /// An open lease.
    #[must_use]
    pub fn lease(&self, lease: LeaseId) -> Option<&OpenLease> {
        self.leases.get(&lease).map(|lease| &**lease)
    }

    /// The last number in a region's order; 0 if nothing has happened there.
    #[must_use]
    pub fn head(&self, region: &str) -> u64 {
        self.heads.get(region).copied().unwrap_or(0)
    }

    /// The regions in which something has happened.
    pub fn regions(&self) -> impl Iterator<Item = &Arc<str>> {
        self.heads.keys()
    }

    /// The last number in the ledger's order.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// How many events of a kind there are.
    #[must_use]
    pub fn count(&self, kind: EventKind) -> u64 {
        self.tally.get(&kind).copied().unwrap_or(0)
    }

    /// The open leases that close at or before a time, oldest first.
    pub fn due(&self, now_ms: i64) -> impl Iterator<Item = LeaseId> {
        self.closing.range(..=(now_ms, LeaseId(u64::MAX))).map(|(_, lease)| *lease)
    }

    /// What a billing of this amount on this lease takes from the campaign's free money.
    pub(crate) fn late_part(&self, lease: Option<LeaseId>, campaign: CampaignId, amount: Nanos) -> Nanos {
        let lease = lease.and_then(|lease| self.leases.get(&lease)).filter(|lease| lease.campaign == campaign);
        let covered = lease.map_or(Nanos::ZERO, |lease| amount.min(lease.left));
        amount.saturating_sub(covered)
    }

    /// Takes an open lease into the books as they are loaded.
    pub(crate) fn load_lease(&mut self, lease: OpenLease) {
        self.closing.insert((lease.closes_ms(), lease.lease));
        self.leases.insert(lease.lease, Box::new(lease));
    }

    /// Applies the next event.
    ///
    /// # Errors
    /// [`BooksError`] if the event does not fit; the books are then unchanged.
    pub fn apply(&mut self, event: &LedgerEvent) -> Result<(), BooksError> {
        let out_of_order = BooksError::OutOfOrder { seq: event.seq, expected: self.last_seq + 1 };
        if event.seq != self.last_seq + 1 {
            return Err(out_of_order);
        }
        let head_next = event.region.as_ref().map_or(0, |region| self.head(region) + 1);
        if event.region_seq != head_next {
            return Err(BooksError::RegionOutOfOrder { seq: event.seq, found: event.region_seq, expected: head_next });
        }
        self.move_money(event)?;

        if let Some(region) = &event.region {
            match self.heads.get_mut(region) {
                Some(head) => *head = head_next,
                None => drop(self.heads.insert(Arc::clone(region), head_next)),
            }
        }
        *self.tally.entry(event.kind).or_default() += 1;
        self.last_seq = event.seq;
        Ok(())
    }

    /// Checks everything that must hold of the whole.
    ///
    /// # Errors
    /// [`BooksError::Unbalanced`] and [`BooksError::LeasesDisagree`].
    pub fn check(&self) -> Result<(), BooksError> {
        let mut leased = BTreeMap::<CampaignId, Nanos>::new();
        for lease in self.leases.values() {
            let sum = leased.entry(lease.campaign).or_default();
            *sum = sum.checked_add(lease.left).ok_or(BooksError::Overflow { seq: self.last_seq })?;
        }
        for (campaign, account) in &self.accounts {
            account.check(*campaign)?;
            let open = leased.remove(campaign).unwrap_or_default();
            if open != account.leased() {
                return Err(BooksError::LeasesDisagree {
                    campaign: *campaign,
                    account: account.leased(),
                    leases: open,
                });
            }
        }
        match leased.pop_first() {
            None => Ok(()),
            Some((campaign, leases)) => Err(BooksError::LeasesDisagree { campaign, account: Nanos::ZERO, leases }),
        }
    }

    fn move_money(&mut self, event: &LedgerEvent) -> Result<(), BooksError> {
        if event.amount.is_negative() || event.late.is_negative() {
            return Err(BooksError::Misfit { seq: event.seq, reason: "an amount is below zero" });
        }
        match event.kind {
            EventKind::Budget => self.set_budget(event),
            EventKind::LeaseGranted => self.open_lease(event),
            EventKind::LeaseReturned | EventKind::LeaseExpired => self.release(event),
            EventKind::Billing => self.spend(event),
            EventKind::Win
            | EventKind::Loss
            | EventKind::WinObserved
            | EventKind::BillingObserved
            | EventKind::LossObserved => match (event.amount, event.kind) {
                (Nanos::ZERO, EventKind::Win) => {
                    self.win(event);
                    Ok(())
                }
                (Nanos::ZERO, _) => Ok(()),
                _ => Err(BooksError::Misfit { seq: event.seq, reason: "this kind moves no money" }),
            },
        }
    }

    fn set_budget(&mut self, event: &LedgerEvent) -> Result<(), BooksError> {
        let account = self.accounts.get(&event.campaign).copied().unwrap_or_default();
        let account = account.with_budget(event.amount).ok_or(BooksError::Overflow { seq: event.seq })?;
        self.keep(event, account)
    }

    fn spend(&mut self, event: &LedgerEvent) -> Result<(), BooksError> {
        let late = self.late_part(event.lease, event.campaign, event.amount);
        if late != event.late {
            return Err(BooksError::Misfit {
                seq: event.seq,
                reason: "the late part is not what the lease leaves open",
            });
        }
        // A campaign whose account is unknown still has to pay: its budget is zero until somebody sets it.
        let account = self.accounts.get(&event.campaign).copied().unwrap_or_default();
        let account = account.spend(event.amount, late).ok_or(BooksError::Overflow { seq: event.seq })?;
        self.keep(event, account)?;
        let covered = event.amount.saturating_sub(late);
        if let (Some(lease), true) = (event.lease, Nanos::ZERO < covered)
            && let Some(lease) = self.leases.get_mut(&lease)
        {
            lease.left = lease.left.saturating_sub(covered);
            lease.spent = lease.spent.saturating_add(covered);
            debug_assert!(!lease.left.is_negative(), "late_part never covers more than is left");
        }
        Ok(())
    }

    /// Puts an account back after checking it: no state that breaks the invariant is ever kept.
    fn keep(&mut self, event: &LedgerEvent, account: Account) -> Result<(), BooksError> {
        account.check(event.campaign)?;
        self.accounts.insert(event.campaign, account);
        Ok(())
    }
}
