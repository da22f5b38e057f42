//! Where an index finds a campaign as it is now.
//!
//! Promises nothing of a campaign that is dead, paused or condemned. Never waits for one.

use std::sync::Arc;

use crate::CompiledCampaign;
use crate::actors::Slot;

/// Knows whether a campaign is live.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A campaign without a subtree.
    Fixed(Arc<CompiledCampaign>),
    /// A version of a campaign whose actors publish.
    Supervised(Arc<Slot>, u32),
}

impl Source {
    /// Tells whether it is the same version of the same campaign, over the same time in the registry.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixed(ours), Self::Fixed(theirs)) => Arc::ptr_eq(ours, theirs),
            (Self::Supervised(ours, version), Self::Supervised(theirs, other)) => {
                Arc::ptr_eq(ours, theirs) && version == other
            }
            _ => false,
        }
    }

    /// The campaign if it may bid now.
    pub(super) fn live(&self) -> Option<Arc<CompiledCampaign>> {
        let campaign = match self {
            Self::Fixed(campaign) => Arc::clone(campaign),
            // Another version may have other rules than those that it was found by.
            Self::Supervised(slot, version) => slot.bidding()?.of_version(*version)?,
        };
        campaign.gate().is_open().then_some(campaign)
    }
}
