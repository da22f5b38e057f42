//! Changes of the campaigns while they run.
//!
//! Promises that a set of changes is refused as a whole or made as a whole, and that a campaign which is changed goes on
//! bidding as it was until the index knows it as it is: found by the rules of one version, it bids by that version. Never
//! touches money, and never keeps what it is told beyond the process: whoever asks makes it durable first.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::definition::compile_checked;
use super::handle::ANSWER_WITHIN;
use super::registry::Changed;
use super::slot::Awake;
use super::subtree::subtree_name;
use super::{CampaignsHandle, DefinitionMessage};
use crate::{Campaign, CampaignId, Flaw, Place};

/// What is to become of campaigns, all at once.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Campaigns to add or to change, each with the version that its definition is.
    pub define: Vec<(Arc<Campaign>, u32)>,
    /// Campaigns to take out.
    pub remove: Vec<CampaignId>,
}

/// Why changes are refused: nothing of them has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// A definition has a flaw, or the number of a creative is taken.
    #[error("campaign {campaign}: {flaw}")]
    Flawed {
        /// Whose definition it is.
        campaign: CampaignId,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// Compiling it panicked.
    #[error(
        "campaign {campaign} cannot be compiled: its definition makes this program panic; leave out what is new in it and report it"
    )]
    Panicked {
        /// Whose definition it is.
        campaign: CampaignId,
    },
}

impl CampaignsHandle {
    /// Finds every reason to refuse these changes.
    pub fn refusals(&self, changes: &Changes) -> Vec<ChangeError> {
        let mut refusals = Vec::new();
        for (campaign, _) in &changes.define {
            let id = campaign.id;
            let flaws = campaign.flaws();
            // What is flawed is not compiled.
            let panics = || catch_unwind(AssertUnwindSafe(|| drop(compile_checked(Arc::clone(campaign))))).is_err();
            if flaws.is_empty() && panics() {
                refusals.push(ChangeError::Panicked { campaign: id });
            }
            refusals.extend(flaws.into_iter().map(|flaw| ChangeError::Flawed { campaign: id, flaw }));
        }
        let defined: Vec<&Campaign> = changes.define.iter().map(|(campaign, _)| &**campaign).collect();
        let taken = self.registry.flaws_of(&defined, &changes.remove);
        refusals.extend(taken.into_iter().map(|(campaign, flaw)| ChangeError::Flawed { campaign, flaw }));
        let ids: BTreeSet<CampaignId> = changes.remove.iter().copied().collect();
        for campaign in defined.iter().map(|of| of.id).filter(|id| ids.contains(id)) {
            let advice = "is to be defined and to be removed: do one of the two".to_owned();
            refusals.push(ChangeError::Flawed { campaign, flaw: Flaw { place: Place::Id, advice } });
        }
        refusals
    }

    /// Makes the changes. When it returns, the published index knows them, or its publisher, if it is busy for longer than one
    /// waits for it, will as soon as it is not; a campaign that is down takes up its new definition when it comes back.
    ///
    /// One caller at a time: of two that change the same campaign, the later one's version counts.
    ///
    /// # Errors
    ///
    /// Every reason to refuse them, as [`refusals`](Self::refusals).
    ///
    /// # Cancel safety
    ///
    /// Dropped after its first wait, changes are made in part: make them again.
    pub async fn apply(&self, changes: Changes) -> Result<(), Vec<ChangeError>> {
        let refusals = self.refusals(&changes);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let Changed { added, defined, removed } = self.registry.change(changes.define, &changes.remove);
        for slot in removed.iter().filter(|slot| slot.awake().is_some()) {
            // One that could not be started is not there.
            let _ = self.each.terminate(&subtree_name(slot.id())).await;
        }
        for slot in &added {
            self.start_in_registry(slot).await;
        }
        for slot in &defined {
            let definition = || slot.awake().and_then(Awake::definition);
            if definition().is_none() || self.registry.start_error(slot.id()).is_some() {
                self.start_in_registry(slot).await;
            }
            if let Some(definition) = definition() {
                // One that is down compiles what the registry holds when it comes back.
                let _ = definition.call(DefinitionMessage::Change, ANSWER_WITHIN).await;
            }
        }
        self.refresh().await;
        Ok(())
    }
}
