//! What the ledger tells others about itself.
//!
//! Promises that a report shows only what is durable, and that its sums are exact.

use std::sync::Arc;

use campaign::CampaignId;
use money::Nanos;
use tembusu::Turn;

use crate::{Books, CapCount, EventKind, LedgerEvent, OpenLease};

/// One campaign's money: `budget = spent + leased + free`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountTotals {
    /// Whose.
    pub campaign: CampaignId,
    /// What it may spend.
    pub budget: Nanos,
    /// What it has spent.
    pub spent: Nanos,
    /// What its open leases hold.
    pub leased: Nanos,
    /// What may still be leased; negative only after late billings or a cut budget.
    pub free: Nanos,
    /// The part of `spent` that no lease covered.
    pub late: Nanos,
}

/// All accounts, and how many events of each kind the ledger holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// The accounts, in the order of their campaigns.
    pub accounts: Vec<AccountTotals>,
    /// The sum of all `spent`: to be compared, to the nano, with what an exchange has billed.
    pub spent: Nanos,
    /// The sum of all `late`.
    pub late: Nanos,
    /// How many leases are open.
    pub open_leases: usize,
    /// How many events there are of each kind; kinds without any are missing.
    pub events: Vec<(EventKind, u64)>,
    /// The last number in the ledger's order.
    pub last_seq: u64,
}

impl Totals {
    /// Sums up books.
    #[must_use]
    pub fn of(books: &Books) -> Self {
        let mut turn = Turn::begin();
        let accounts: Vec<_> = books
            .accounts()
            .inspect(|_| turn.step())
            .map(|(campaign, account)| AccountTotals {
                campaign,
                budget: account.budget(),
                spent: account.spent(),
                leased: account.leased(),
                free: account.free(),
                late: account.late(),
            })
            .collect();
        let sum = |of: fn(&AccountTotals) -> Nanos| accounts.iter().map(of).fold(Nanos::ZERO, Nanos::saturating_add);
        Self {
            spent: sum(|account| account.spent),
            late: sum(|account| account.late),
            open_leases: books.leases.len(),
            events: books.tally.iter().map(|(kind, count)| (*kind, *count)).collect(),
            last_seq: books.last_seq(),
            accounts,
        }
    }

    /// How many events of a kind there are.
    #[must_use]
    pub fn count(&self, kind: EventKind) -> u64 {
        self.events.iter().find(|(of, _)| *of == kind).map_or(0, |(_, count)| *count)
    }

    /// One campaign's money.
    #[must_use]
    pub fn account(&self, campaign: CampaignId) -> Option<&AccountTotals> {
        let at = self.accounts.binary_search_by_key(&campaign, |account| account.campaign).ok()?;
        self.accounts.get(at)
    }
}

/// Milliseconds in a day (UTC).
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A region as it is after its event `region_seq`: what a restarted region starts from. Later events build on it,
/// earlier ones are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSnapshot {
    /// The region.
    pub region: Arc<str>,
    /// The last event that is in the snapshot; 0 if nothing has happened yet.
    pub region_seq: u64,
    /// The region's open leases. Those of an earlier incarnation are not the new one's to bid with: its bids may bill
    /// from them.
    pub leases: Vec<OpenLease>,
    /// How often each user was billed, minute by minute, from that of the time that was asked for.
    pub billed: Vec<CapCount>,
}

/// A part of a region's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events after the one that was named, in order, without a gap; at most [`EVENTS_PAGE_MAX`].
    pub events: Vec<Arc<LedgerEvent>>,
    /// The region's last event at that time: if it is beyond the page's last, ask again from there.
    pub head: u64,
    /// The last event of the region that is carried forward in balances: who has not seen it gets no events, and starts anew from a
    /// [`RegionSnapshot`].
    pub folded: u64,
}

/// The most events that are read at once, so that a region far behind cannot stop the ledger.
pub const EVENTS_PAGE_MAX: usize = 4_096;
