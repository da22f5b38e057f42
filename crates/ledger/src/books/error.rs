//! How log and books can disagree.
//!
//! Each of these is a defect or damage, never a business outcome: whoever meets one stops.

use campaign::CampaignId;
use money::Nanos;
use thiserror::Error;

/// An event that does not fit the books, or books that do not balance.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BooksError {
    /// `budget = spent + leased + free` does not hold.
    #[error("campaign {campaign}: budget {budget} is not spent {spent} + leased {leased} + free {free}")]
    Unbalanced {
        /// Whose account.
        campaign: CampaignId,
        /// Its budget.
        budget: Nanos,
        /// Its spend.
        spent: Nanos,
        /// What its leases hold.
        leased: Nanos,
        /// What is free.
        free: Nanos,
    },
    /// The account and the open leases do not say the same.
    #[error("campaign {campaign}: its account says that {account} is leased, its open leases hold {leases}")]
    LeasesDisagree {
        /// Whose account.
        campaign: CampaignId,
        /// What the account says.
        account: Nanos,
        /// What the leases hold.
        leases: Nanos,
    },
    /// An event is missing or stands twice.
    #[error("event {seq} stands where event {expected} should")]
    OutOfOrder {
        /// The event.
        seq: u64,
        /// The one expected.
        expected: u64,
    },
    /// An event of a region is missing or stands twice.
    #[error("event {seq} has number {found} in its region where {expected} should stand")]
    RegionOutOfOrder {
        /// The event.
        seq: u64,
        /// Its number in the region.
        found: u64,
        /// The number expected.
        expected: u64,
    },
    /// An event that cannot have happened.
    #[error("event {seq} cannot have happened: {reason}")]
    Misfit {
        /// The event.
        seq: u64,
        /// Why not.
        reason: &'static str,
    },
    /// An amount beyond 9.2 billion USD.
    #[error("event {seq} takes an amount beyond what nano-USD can hold")]
    Overflow {
        /// The event.
        seq: u64,
    },
}
