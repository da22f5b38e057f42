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
    /// A campaign whose actors publish.
    Supervised(Arc<Slot>),
}

impl Source {
    /// The campaign if it may bid now.
    pub(super) fn live(&self) -> Option<Arc<CompiledCampaign>> {
        let campaign = match self {
            Self::Fixed(campaign) => Arc::clone(campaign),
            Self::Supervised(slot) => slot.bidding()?,
        };
        campaign.gate().is_open().then_some(campaign)
    }
}
