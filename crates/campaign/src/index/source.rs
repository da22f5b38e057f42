//! Where an index finds a campaign as it is now.
//!
//! Promises nothing of a campaign that is dead or paused. Never waits for one.

use std::sync::Arc;

use crate::CompiledCampaign;

/// Knows whether a campaign is live.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A campaign without a subtree.
    Fixed(Arc<CompiledCampaign>),
}

impl Source {
    /// The campaign if it may bid now.
    pub(super) fn live(&self) -> Option<Arc<CompiledCampaign>> {
        let campaign = match self {
            Self::Fixed(campaign) => Arc::clone(campaign),
        };
        campaign.gate().is_open().then_some(campaign)
    }

    /// Reports that an evaluation of the campaign panicked. Called once an incarnation.
    pub(super) fn condemn(&self, _reason: &str) {
        match self {
            Self::Fixed(_) => {}
        }
    }
}
