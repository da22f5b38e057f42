//! One campaign that fits one imp.
//!
//! Promises that a panic in its evaluation is charged to it and to nobody else. Never lets that panic through.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::{CampaignId, CompiledCampaign, Placement, Want, chaos};

/// A live campaign with at least one creative for the imp.
#[derive(Debug)]
pub struct Candidate<'a> {
    campaign: Arc<CompiledCampaign>,
    want: &'a Want<'a>,
}

/// An evaluation that panicked; the campaign is out of bidding until its subtree has restarted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("evaluation of campaign {campaign} panicked: {message}")]
pub struct Condemned {
    /// Whose evaluation it was.
    pub campaign: CampaignId,
    /// What the panic said.
    pub message: String,
}

impl<'a> Candidate<'a> {
    /// A campaign as a candidate, whether or not it fits: an [`Index`](crate::Index) yields those that do.
    pub fn new(campaign: Arc<CompiledCampaign>, want: &'a Want<'a>) -> Self {
        Self { campaign, want }
    }

    /// The campaign.
    pub fn campaign(&self) -> &Arc<CompiledCampaign> {
        &self.campaign
    }

    /// What it can show in the imp, in the order of the wanted sizes; never empty.
    pub fn placements(&self) -> impl Iterator<Item = Placement<'_>> {
        self.campaign.placements(self.want.sizes, self.want.secure)
    }

    /// Runs `judge`, the part of a decision that concerns this campaign alone.
    ///
    /// What `judge` changes outside of its result must bear being left half done.
    ///
    /// # Errors
    ///
    /// [`Condemned`] if `judge` panicked. From then on no index yields this incarnation of the campaign, and its subtree has
    /// been told to crash; the caller goes on with the next candidate.
    pub fn evaluate<R>(&self, judge: impl FnOnce(&Self) -> R) -> Result<R, Condemned> {
        let judged = catch_unwind(AssertUnwindSafe(|| {
            chaos::EVALUATION.strike(self.campaign.id());
            judge(self)
        }));
        judged.map_err(|payload| self.condemn(text_of(payload)))
    }

    fn condemn(&self, message: String) -> Condemned {
        self.campaign.gate().close(&message);
        Condemned { campaign: self.campaign.id(), message }
    }
}

/// Takes what a panic said out of its payload, whose drop may panic as well.
fn text_of(payload: Box<dyn Any + Send>) -> String {
    let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "a payload that is no text".to_owned(),
    };
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // The payload's drop panicked; what that panic carries is given up, as its drop might panic in turn.
        std::mem::forget(second);
    }
    text
}
