//! Changes of the campaigns while they run.
//!
//! Promises that a set of changes is refused as a whole or made as a whole, and that a campaign which is changed goes on
//! bidding as it was until the index knows it as it is: found by the rules of one version, it bids by that version. Never
//! touches money, and never keeps what it is told beyond the process: whoever asks makes it durable first.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::definition::compile_checked;
use super::handle::ANSWER_WITHIN;
use super::registry::Changed;
use super::slot::Awake;
use super::subtree::subtree_name;
use super::{CampaignsHandle, DefinitionMessage, IndexMessage};
use crate::{Campaign, CampaignId, CompiledCampaign, Flaw, Place, parallel};

/// From so many changes on their index is waited for by whoever makes them: of fewer it takes no time to speak of.
const MANY: usize = 1_024;
/// How long an index of many changes may take: one of 100,000 campaigns, behind one that is being built.
const MANY_WITHIN: Duration = Duration::from_secs(30);

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

/// Changes against which nothing speaks: compiled, and not made yet.
#[derive(Debug)]
pub struct CheckedChanges {
    define: Vec<(CompiledCampaign, u32)>,
    remove: Vec<CampaignId>,
}

/// Changes were made and the published index does not know them yet: it will when its publisher has come back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the index of campaigns is not published yet ({0}): the changes are made, and count when it is")]
pub struct Unpublished(String);

impl CampaignsHandle {
    /// Compiles what is to be defined, many on several threads, or finds every reason to refuse these changes.
    ///
    /// # Errors
    ///
    /// Every reason.
    pub fn check(&self, changes: Changes) -> Result<CheckedChanges, Vec<ChangeError>> {
        let Changes { define, remove } = changes;
        let compiled = parallel::map(&define, |(campaign, version)| Ok((compile(campaign)?, *version)));
        let (mut checked, mut refusals) = (Vec::with_capacity(define.len()), Vec::new());
        for found in compiled {
            match found {
                Ok(sound) => checked.push(sound),
                Err(flaws) => refusals.extend::<Vec<_>>(flaws),
            }
        }
        let defined: Vec<&Campaign> = define.iter().map(|(campaign, _)| &**campaign).collect();
        let taken = self.registry.flaws_of(&defined, &remove);
        refusals.extend(taken.into_iter().map(|(campaign, flaw)| ChangeError::Flawed { campaign, flaw }));
        let ids: BTreeSet<CampaignId> = remove.iter().copied().collect();
        for campaign in defined.iter().map(|of| of.id).filter(|id| ids.contains(id)) {
            let advice = "is to be defined and to be removed: do one of the two".to_owned();
            refusals.push(ChangeError::Flawed { campaign, flaw: Flaw { place: Place::Id, advice } });
        }
        if refusals.is_empty() { Ok(CheckedChanges { define: checked, remove }) } else { Err(refusals) }
    }

    /// Checks the changes and makes them.
    ///
    /// # Errors
    ///
    /// Every reason to refuse them, as [`check`](Self::check).
    ///
    /// # Cancel safety
    ///
    /// As [`make`](Self::make).
    pub async fn apply(&self, changes: Changes) -> Result<(), Vec<ChangeError>> {
        if let Err(error) = self.make(self.check(changes)?).await {
            tracing::warn!(%error, "campaigns changed");
        }
        Ok(())
    }

    /// Makes changes. When it returns, the published index knows them; a campaign that is down takes up its new definition
    /// when it comes back.
    ///
    /// One caller at a time, from [`check`](Self::check) on: of two that change the same campaign, the later one's version counts.
    ///
    /// # Errors
    ///
    /// [`Unpublished`], if no index that knows them was published in time.
    ///
    /// # Cancel safety
    ///
    /// Dropped after its first wait, changes are made in part: make them again.
    pub async fn make(&self, changes: CheckedChanges) -> Result<(), Unpublished> {
        let is_many = MANY <= changes.define.len() + changes.remove.len();
        let Changed { added, defined, removed } = self.registry.change(changes.define, &changes.remove);
        for slot in removed.iter().filter(|slot| slot.awake().is_some()) {
            // One that could not be started is not there.
            let _ = self.each.terminate(&subtree_name(slot.id())).await;
        }
        for (slot, compiled) in added.into_iter().chain(defined) {
            let version = slot.defined().version;
            if slot.rest_as(compiled, version) {
                self.registry.set_start_error(slot.id(), None);
                continue;
            }
            let definition = || slot.awake().and_then(Awake::definition);
            if definition().is_none() || self.registry.start_error(slot.id()).is_some() {
                self.start_in_registry(&slot).await;
            }
            if let Some(definition) = definition() {
                // One that is down compiles what the registry holds when it comes back.
                let _ = definition.call(DefinitionMessage::Change, ANSWER_WITHIN).await;
            }
        }
        let within = if is_many { MANY_WITHIN } else { ANSWER_WITHIN };
        let refreshed = self.index_publisher.call(IndexMessage::Refresh, within).await;
        refreshed.map(drop).map_err(|error| {
            // It does not handle a call that has expired, and nobody else might tell it. One that restarts finds what is new.
            let _ = self.index_publisher.tell(IndexMessage::Build);
            Unpublished(error.to_string())
        })
    }
}

/// Compiles one that has no flaw.
fn compile(campaign: &Arc<Campaign>) -> Result<CompiledCampaign, Vec<ChangeError>> {
    let id = campaign.id;
    let flaws = campaign.flaws();
    // What is flawed is not compiled.
    if !flaws.is_empty() {
        return Err(flaws.into_iter().map(|flaw| ChangeError::Flawed { campaign: id, flaw }).collect());
    }
    catch_unwind(AssertUnwindSafe(|| compile_checked(Arc::clone(campaign))))
        .map_err(|_| vec![ChangeError::Panicked { campaign: id }])
}
