//! Bidders that are broken on purpose, so that the judge is seen to find them.
//!
//! All of it is outside of the bidder: it gets other definitions, or a bank that lies. Never compiled into anything else.

use std::sync::Arc;

use campaign::{Campaign, Caps, Pacing};
use ledger::{BankAnswer, LeaseAsk, LeaseBank, LeaseGrant, LeaseId, LeaseLeft, LeaseRefusal, LedgerBank, Totals};
use money::Nanos;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// Leases are worth ten times what was debited: reservations hold nothing back.
    HollowLeases,
    /// Caps are not in the definitions.
    NoCaps,
    /// Nothing is paced.
    NoPacing,
    /// Every campaign bids with strict reservations of a hundredth of its budget: it delivers too little.
    Miserly,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::HollowLeases, Self::NoCaps, Self::NoPacing, Self::Miserly];

    /// Changes a definition on its way to the bidder.
    pub(crate) fn spoil(self, definition: &mut Campaign) {
        match self {
            Self::NoCaps => definition.caps = Caps::NONE,
            Self::NoPacing => definition.pacing = Pacing::Asap,
            Self::Miserly => definition.budget = Nanos(definition.budget.0 / 2),
            Self::HollowLeases => {}
        }
    }

    /// Puts another bank in the place of the ledger's.
    pub(crate) fn bribe(self, bank: &mut Arc<dyn LeaseBank>, honest: LedgerBank) {
        if self == Self::HollowLeases {
            *bank = Arc::new(HollowBank(honest));
        }
    }
}

/// Grants ten times what it debits.
#[derive(Debug)]
struct HollowBank(LedgerBank);

const HOLLOW: i64 = 10;

impl LeaseBank for HollowBank {
    fn lease(&self, ask: LeaseAsk) -> BankAnswer<'_, Result<LeaseGrant, LeaseRefusal>> {
        Box::pin(async move {
            let granted = self.0.lease(ask).await?;
            Ok(granted.map(|grant| LeaseGrant { amount: Nanos(grant.amount.0 * HOLLOW), ..grant }))
        })
    }

    fn give_back(&self, lease: LeaseId, keep: Nanos) -> BankAnswer<'_, Nanos> {
        self.0.give_back(lease, keep)
    }

    fn leave(&self, left: LeaseLeft) -> BankAnswer<'_, Nanos> {
        self.0.leave(left)
    }

    fn totals(&self) -> BankAnswer<'_, Totals> {
        self.0.totals()
    }
}
