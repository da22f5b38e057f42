//! The index that the bid path reads: a part that was built from all campaigns, and a small one of those that have come or
//! changed since.
//!
//! Promises the same candidates as one part of all of them would give, the best payers first, and each campaign once: of one
//! that is in both, the later definition counts. A change costs a part of the changed campaigns, not of all.

use std::sync::Arc;

use super::candidates::{Candidates, Found};
use super::{Part, Scratch, Source};
use crate::{CampaignId, CompiledCampaign, Want};

/// An immutable snapshot of the campaigns, to be read by the bid path without a lock.
#[derive(Debug)]
pub struct Index {
    base: Arc<Part>,
    late: Option<Part>,
}

impl Index {
    /// Makes an index of campaigns without a subtree, for tests and tools. They are always live.
    pub fn of(campaigns: impl IntoIterator<Item = Arc<CompiledCampaign>>) -> Self {
        Self::build(fixed(campaigns))
    }

    /// The same of `base`, over which `late` have come or been changed since: for tests and tools.
    pub fn of_changed(
        base: impl IntoIterator<Item = Arc<CompiledCampaign>>,
        late: impl IntoIterator<Item = Arc<CompiledCampaign>>,
    ) -> Self {
        Self::over(Arc::new(Part::build(fixed(base))), fixed(late))
    }

    /// Makes an index of campaigns as last compiled, each with the source that knows whether it is live.
    pub(crate) fn build(campaigns: Vec<(Arc<CompiledCampaign>, Source)>) -> Self {
        Self { base: Arc::new(Part::build(campaigns)), late: None }
    }

    /// Makes one of a part that is there, and of what has come since.
    pub(crate) fn over(base: Arc<Part>, late: Vec<(Arc<CompiledCampaign>, Source)>) -> Self {
        Self { base, late: (!late.is_empty()).then(|| Part::build(late)) }
    }

    /// The large part.
    pub(crate) fn base(&self) -> &Arc<Part> {
        &self.base
    }

    /// How many campaigns stand beside what was built as a whole.
    pub(crate) fn late(&self) -> usize {
        self.late.as_ref().map_or(0, Part::len)
    }

    /// How many campaigns it holds, live or not; one that was changed may count twice.
    pub fn len(&self) -> usize {
        self.base.len() + self.late.as_ref().map_or(0, Part::len)
    }

    /// Tells whether it holds no campaign.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its memory in bytes, about: columns, lists and the rest, without the campaigns themselves.
    pub fn bytes(&self) -> usize {
        self.base.bytes() + self.late.as_ref().map_or(0, Part::bytes)
    }

    /// Tells whether it finds a campaign by this source.
    pub(crate) fn holds(&self, campaign: CampaignId, source: &Source) -> bool {
        let late = self.late.as_ref().and_then(|late| late.source(campaign));
        late.or_else(|| self.base.source(campaign)).is_some_and(|found| found.is(source))
    }

    /// Takes a campaign out of every search, or back in, without a rebuild. Whether it may bid is still its source's to say.
    pub(crate) fn set_active(&self, campaign: CampaignId, is_active: bool) {
        self.base.set_active(campaign, is_active);
        if let Some(late) = &self.late {
            late.set_active(campaign, is_active);
        }
    }

    /// The live campaigns that fit, by bid price, the highest first. They are looked for as they are asked for, so that
    /// somebody who is content with the first does not pay for the others.
    pub fn candidates<'a>(&'a self, want: &'a Want<'a>, scratch: &'a mut Scratch) -> Candidates<'a> {
        let Scratch { base, late } = scratch;
        self.base.search(want, base);
        let found = Found::new(&self.base, base, want);
        let Some(part) = &self.late else { return Candidates::of_one(found) };
        part.search(want, late);
        Candidates::of_both(found, part, Found::new(part, late, want))
    }
}

fn fixed(campaigns: impl IntoIterator<Item = Arc<CompiledCampaign>>) -> Vec<(Arc<CompiledCampaign>, Source)> {
    campaigns.into_iter().map(|campaign| (Arc::clone(&campaign), Source::Fixed(campaign))).collect()
}
