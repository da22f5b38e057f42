//! A campaign's money in one region, as the bid path sees it: the pass probability and the open leases.
//!
//! Promises that a reservation is in one lease and covered by it. Never asks the ledger: that is the pacer's business,
//! which hears of an empty account once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use campaign::CampaignId;
use foldhash::fast::RandomState;
use ledger::LeaseId;
use money::Nanos;

use crate::epoch::Epoch;
use crate::fates::Fates;
use crate::lease_cell::{LeaseCell, LeaseFigures};
use crate::limits::WANTED_MAX;
use crate::pace::{Pass, Plan, SHORT_MS};

/// One campaign's account in a region.
#[derive(Debug)]
pub struct Account {
    campaign: CampaignId,
    plan: Plan,
    pass: AtomicU32,
    /// For how long a bid may be out, in milliseconds.
    out_most_ms: AtomicI64,
    /// Bids that asked and would be out for long, and those of them that were kept out.
    long: AtomicU64,
    kept_out: AtomicU64,
    leases: ArcSwap<Vec<Arc<LeaseCell>>>,
    /// The ledger had nothing left when it was last asked.
    exhausted: AtomicBool,
    /// The pacer was told that the account cannot cover a bid, and has not looked yet.
    told: AtomicBool,
    eligible: AtomicU64,
    bids: AtomicU64,
    bid_value: AtomicI64,
    price_max: AtomicI64,
    fates: Arc<Fates>,
}

/// What an account has seen since its incarnation began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountFigures {
    /// Bids that asked to pass.
    pub eligible: u64,
    /// Bids that were held.
    pub bids: u64,
    /// The sum of their prices.
    pub bid_value: Nanos,
    /// The dearest of those that asked for money.
    pub price_max: Nanos,
}

impl Account {
    /// An account without money.
    #[must_use]
    pub fn new(campaign: CampaignId, plan: Plan) -> Self {
        Self {
            campaign,
            pass: AtomicU32::new(plan.first_pass().units()),
            plan,
            out_most_ms: AtomicI64::new(i64::MAX),
            long: AtomicU64::new(0),
            kept_out: AtomicU64::new(0),
            leases: ArcSwap::from_pointee(Vec::new()),
            exhausted: AtomicBool::new(false),
            told: AtomicBool::new(false),
            eligible: AtomicU64::new(0),
            bids: AtomicU64::new(0),
            bid_value: AtomicI64::new(0),
            price_max: AtomicI64::new(0),
            fates: Arc::default(),
        }
    }

    /// The same campaign's account with another plan: what becomes of its bids is counted on.
    pub(crate) fn following(mut self, before: &Self) -> Self {
        self.fates = Arc::clone(&before.fates);
        self
    }

    pub(crate) fn fates(&self) -> &Arc<Fates> {
        &self.fates
    }

    /// Whose account it is.
    #[must_use]
    pub fn campaign(&self) -> CampaignId {
        self.campaign
    }

    /// The plan that the account was opened with.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The share of eligible bids that go on.
    #[must_use]
    pub fn pass(&self) -> Pass {
        Pass::from_units(self.pass.load(Relaxed))
    }

    /// Counts a bid that asks to pass, and says whether it does.
    #[must_use]
    pub fn passes(&self, draw: u64) -> bool {
        self.eligible.fetch_add(1, Relaxed);
        self.pass().passes(draw)
    }

    /// Whether a bid that may be out for so long would be back in time to be bid once more, as far as that matters.
    #[must_use]
    pub fn is_patient(&self, out_ms: i64) -> bool {
        if out_ms <= SHORT_MS {
            return true;
        }
        self.long.fetch_add(1, Relaxed);
        let is_patient = out_ms <= self.out_most_ms.load(Relaxed);
        if !is_patient {
            self.kept_out.fetch_add(1, Relaxed);
        }
        is_patient
    }

    /// Whether more than half of the bids that asked so far would have been over soon.
    pub(crate) fn is_mostly_short(&self) -> bool {
        let asked = self.eligible.load(Relaxed).saturating_add(self.kept_out.load(Relaxed));
        self.long.load(Relaxed).saturating_mul(2) < asked
    }

    /// Reserves `price` in the first lease that covers it, for a bid that may be won until `expires_ms`.
    #[must_use]
    pub fn reserve(&self, price: Nanos, now_ms: i64, expires_ms: i64) -> Option<Arc<LeaseCell>> {
        self.price_max.fetch_max(price.0, Relaxed);
        let leases = self.leases.load();
        let mut roomy = leases.iter().filter(|lease| lease.has_room(price, now_ms));
        let lease = roomy.find(|lease| {
            // Noted before it is reserved: whoever closes the lease then finds no bid that is not noted.
            lease.open_until(expires_ms);
            lease.try_reserve(price, now_ms)
        })?;
        self.bids.fetch_add(1, Relaxed);
        self.bid_value.fetch_add(price.0, Relaxed);
        Some(Arc::clone(lease))
    }

    /// Whether the campaign's budget had nothing left when the ledger was last asked.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.exhausted.load(Relaxed)
    }

    /// The lease of this id, if it is one of the account's.
    #[must_use]
    pub fn lease(&self, id: LeaseId) -> Option<Arc<LeaseCell>> {
        self.leases.load().iter().find(|lease| lease.id() == id).cloned()
    }

    /// The account's leases.
    #[must_use]
    pub fn leases(&self) -> Arc<Vec<Arc<LeaseCell>>> {
        self.leases.load_full()
    }

    /// The figures of all leases together.
    #[must_use]
    pub fn funds(&self) -> LeaseFigures {
        let mut sum = LeaseFigures::default();
        for lease in self.leases.load().iter() {
            let figures = lease.figures();
            sum.available = sum.available.saturating_add(figures.available);
            sum.held = sum.held.saturating_add(figures.held);
            sum.spent = sum.spent.saturating_add(figures.spent);
            sum.credit = sum.credit.saturating_add(figures.credit);
        }
        sum
    }

    /// What bids asked for so far.
    #[must_use]
    pub fn figures(&self) -> AccountFigures {
        AccountFigures {
            eligible: self.eligible.load(Relaxed),
            bids: self.bids.load(Relaxed),
            bid_value: Nanos(self.bid_value.load(Relaxed)),
            price_max: Nanos(self.price_max.load(Relaxed)),
        }
    }

    /// True the first time since the pacer last looked.
    pub(crate) fn should_tell(&self) -> bool {
        !self.told.load(Relaxed) && !self.told.swap(true, Relaxed)
    }

    pub(crate) fn looked_at(&self) {
        self.told.store(false, Relaxed);
    }

    pub(crate) fn set_pass(&self, pass: Pass) {
        self.pass.store(pass.units(), Relaxed);
    }

    pub(crate) fn set_out_most(&self, most_ms: Option<i64>) {
        self.out_most_ms.store(most_ms.unwrap_or(i64::MAX), Relaxed);
    }

    pub(crate) fn set_exhausted(&self, exhausted: bool) {
        self.exhausted.store(exhausted, Relaxed);
    }

    /// Only the pacer writes, so reading and storing need not be one step.
    pub(crate) fn set_leases(&self, mut leases: Vec<Arc<LeaseCell>>) {
        // It is never added to.
        leases.shrink_to_fit();
        self.leases.store(Arc::new(leases));
    }
}

/// Every account of a region: what `budget_pacer` publishes.
///
/// # On restart
///
/// The new incarnation's table is empty: leases of the old one are never used again.
#[derive(Clone, Debug)]
pub struct PacerTable {
    pub(crate) epoch: Epoch,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) wanted: Arc<Wanted>,
}

pub(crate) type Accounts = HashMap<CampaignId, Arc<Account>, RandomState>;

impl PacerTable {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self { epoch, accounts: Arc::default(), wanted: Arc::default() }
    }

    /// The account of a campaign; `None` until the pacer has opened it.
    #[must_use]
    pub fn account(&self, campaign: CampaignId) -> Option<&Arc<Account>> {
        self.accounts.get(&campaign)
    }

    /// All accounts, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }
}

/// A campaign that wanted to bid and could not for want of an account, of its present plan, or of money.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    pub(crate) plan: Plan,
    pub(crate) price: Nanos,
}

/// What the pacer has to look at.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Mutex<Demands>);

pub(crate) type Demands = HashMap<CampaignId, Demand, RandomState>;

impl Wanted {
    /// Notes a demand; true if the pacer has to be told, which is when nothing was noted since it last looked.
    pub(crate) fn note(&self, campaign: CampaignId, demand: Demand) -> bool {
        let mut wanted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = wanted.is_empty();
        if wanted.len() < WANTED_MAX || wanted.contains_key(&campaign) {
            wanted.insert(campaign, demand);
        }
        first
    }

    pub(crate) fn take(&self) -> Demands {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
