//! One campaign's money.
//!
//! Promises that every change keeps `budget = spent + leased + free`. Never changes in place: a change that cannot be
//! made leaves the account as it was.

use campaign::CampaignId;
use money::Nanos;

use super::BooksError;

/// Where a campaign's budget is: `budget = spent + leased + free`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    budget: Nanos,
    spent: Nanos,
    leased: Nanos,
    free: Nanos,
    late: Nanos,
}

impl Account {
    /// As stored; checked by whoever loads it.
    pub(crate) const fn stored(budget: Nanos, spent: Nanos, leased: Nanos, free: Nanos, late: Nanos) -> Self {
        Self { budget, spent, leased, free, late }
    }

    /// What the campaign may spend.
    #[must_use]
    pub const fn budget(&self) -> Nanos {
        self.budget
    }

    /// What it has spent: billed, late billings included.
    #[must_use]
    pub const fn spent(&self) -> Nanos {
        self.spent
    }

    /// What its open leases hold.
    #[must_use]
    pub const fn leased(&self) -> Nanos {
        self.leased
    }

    /// What may still be leased. Negative if late billings or a cut budget left less than nothing.
    #[must_use]
    pub const fn free(&self) -> Nanos {
        self.free
    }

    /// The part of `spent` that no lease covered.
    #[must_use]
    pub const fn late(&self) -> Nanos {
        self.late
    }

    pub(super) fn with_budget(self, budget: Nanos) -> Option<Self> {
        let free = self.free.checked_add(budget.checked_sub(self.budget)?)?;
        Some(Self { budget, free, ..self })
    }

    pub(super) fn lease(self, amount: Nanos) -> Option<Self> {
        Some(Self { free: self.free.checked_sub(amount)?, leased: self.leased.checked_add(amount)?, ..self })
    }

    pub(super) fn release(self, amount: Nanos) -> Option<Self> {
        Some(Self { free: self.free.checked_add(amount)?, leased: self.leased.checked_sub(amount)?, ..self })
    }

    pub(super) fn spend(self, amount: Nanos, late: Nanos) -> Option<Self> {
        Some(Self {
            spent: self.spent.checked_add(amount)?,
            leased: self.leased.checked_sub(amount.checked_sub(late)?)?,
            free: self.free.checked_sub(late)?,
            late: self.late.checked_add(late)?,
            ..self
        })
    }

    pub(super) fn check(&self, campaign: CampaignId) -> Result<(), BooksError> {
        let &Self { budget, spent, leased, free, late } = self;
        let sum = Nanos::checked_sum([spent, leased, free]);
        let signs = [budget, spent, leased, late].iter().all(|amount| !amount.is_negative());
        if sum == Some(budget) && signs && late <= spent {
            return Ok(());
        }
        Err(BooksError::Unbalanced { campaign, budget, spent, leased, free })
    }
}
