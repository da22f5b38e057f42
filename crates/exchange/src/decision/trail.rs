//! What became of the candidates that one decision looked at, written down for the few requests that are sampled.
//!
//! Promises nothing about campaigns that were not looked at: the index or a better candidate came before them. Never
//! changes a decision.

use campaign::CampaignId;

use crate::NoBidReason;

/// What became of one candidate at one imp: nothing where it bids.
pub type Looked = (usize, CampaignId, Option<NoBidReason>);

/// The candidates of one request, in the order in which they were looked at, by the imp's place in the request.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Trail {
    looked_at: Vec<Looked>,
}

impl Trail {
    pub(super) fn note(&mut self, imp: usize, campaign: CampaignId, reason: Option<NoBidReason>) {
        self.looked_at.push((imp, campaign, reason));
    }

    /// The candidates that were looked at.
    #[must_use]
    pub fn looked_at(&self) -> &[Looked] {
        &self.looked_at
    }
}
