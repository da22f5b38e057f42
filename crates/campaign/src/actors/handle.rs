//! The way to the campaigns from outside of their tree.
//!
//! Promises a status for every campaign ever added, whatever became of it. Never blocks: what it reads are tables.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tembusu::{Address, Dynamic, Reply, Supervisor, Table, Turn};

use super::loader::start;
use super::registry::Registry;
use super::{ControllerMessage, DefinitionMessage, IndexMessage, Slot};
use crate::{Campaign, CampaignId, CompileError, CompiledCampaign, Flaw, Index};

/// How long a campaign's actor or the index publisher may take to answer.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Adds, pauses, resumes and reports campaigns. Clones mean the same campaigns.
#[derive(Debug, Clone)]
pub struct CampaignsHandle {
    pub(super) registry: Registry,
    pub(super) each: Dynamic<Arc<Slot>, Supervisor>,
    pub(super) index: Table<Index>,
    pub(super) index_publisher: Address<IndexMessage>,
}

/// Why a campaign was not added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The definition has a flaw.
    #[error(transparent)]
    Flawed(#[from] CompileError),
    /// Its id, or that of a creative, belongs to another campaign.
    #[error("campaign {campaign} was not added: {flaw}")]
    Taken {
        /// The campaign that was to be added.
        campaign: CampaignId,
        /// Which id is taken.
        flaw: Flaw,
    },
    /// Its subtree did not start; it stays registered and is tried again when the campaigns restart.
    #[error("campaign {campaign} did not start: {reason}")]
    NotStarted {
        /// The campaign that was to be added.
        campaign: CampaignId,
        /// What the supervisor said.
        reason: String,
    },
}

/// Why a campaign was not paused or resumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// There is no such campaign.
    #[error("no campaign {0}: see the list of campaigns for its id")]
    Unknown(CampaignId),
    /// Its controller did not confirm; the campaign may be down or in quarantine.
    #[error("campaign {campaign} did not confirm: {reason}; look at its subtree, and try again")]
    Unconfirmed {
        /// The campaign.
        campaign: CampaignId,
        /// What became of the call.
        reason: String,
    },
}

/// What one campaign is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignStatus {
    /// Which campaign.
    pub id: CampaignId,
    /// What operators call it.
    pub name: String,
    /// Which version of its definition its operator wants.
    pub version: u32,
    /// What it is doing.
    pub state: CampaignState,
}

/// One campaign with its definition, for those who look at all of them.
#[derive(Debug, Clone)]
pub struct CampaignView {
    /// What its operator wrote.
    pub definition: Arc<Campaign>,
    /// Which version of it that is, counted from 1.
    pub version: u32,
    /// What it is doing.
    pub state: CampaignState,
    /// As it bids, if it does.
    pub bidding: Option<Arc<CompiledCampaign>>,
}

/// What a campaign can be doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CampaignState {
    /// It bids within its flight, as far as its money goes.
    Live,
    /// An operator has paused it.
    Paused,
    /// An operator has killed it.
    Killed,
    /// It has crashed and not come back: restarting, or in quarantine.
    Down,
    /// Its subtree could not be started, for this reason.
    NotStarted(String),
}

impl fmt::Display for CampaignState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Paused => f.write_str("paused"),
            Self::Killed => f.write_str("killed"),
            Self::Down => f.write_str("down"),
            Self::NotStarted(reason) => write!(f, "not started: {reason}"),
        }
    }
}

impl CampaignsHandle {
    /// The table that the bid path reads.
    pub fn index(&self) -> &Table<Index> {
        &self.index
    }

    /// Adds a campaign to a running tree; when it returns, the campaign is in the index.
    ///
    /// # Errors
    ///
    /// [`AddError`]; the other campaigns go on as they were.
    pub async fn add(&self, campaign: Campaign) -> Result<(), AddError> {
        let slot = register(&self.registry, campaign, 1)?;
        self.start_slot(&slot).await
    }

    /// Tries again to start a campaign that could not be started; one that has started is left as it is.
    ///
    /// # Errors
    ///
    /// [`AddError::NotStarted`], also if there is no such campaign.
    pub async fn start(&self, campaign: CampaignId) -> Result<(), AddError> {
        let unknown = || AddError::NotStarted { campaign, reason: "it was never added".to_owned() };
        let slot = self.registry.get(campaign).ok_or_else(unknown)?;
        if self.registry.start_error(campaign).is_none() { Ok(()) } else { self.start_slot(&slot).await }
    }

    /// Takes a campaign out of bidding, through every restart, until it is resumed.
    ///
    /// # Errors
    ///
    /// [`ControlError`]; whether it holds then is told by the status.
    pub async fn pause(&self, campaign: CampaignId) -> Result<(), ControlError> {
        self.control(campaign, true, ControllerMessage::Pause).await
    }

    /// Lets a paused campaign bid again.
    ///
    /// # Errors
    ///
    /// [`ControlError`]; whether it holds then is told by the status.
    pub async fn resume(&self, campaign: CampaignId) -> Result<(), ControlError> {
        self.control(campaign, false, ControllerMessage::Resume).await
    }

    /// Takes a campaign out of bidding, or lets it in again, at once and whatever its actors are doing: as
    /// [`pause`](Self::pause) and [`resume`](Self::resume), without waiting for its controller.
    ///
    /// # Errors
    ///
    /// [`ControlError::Unknown`].
    pub fn set_paused(&self, campaign: CampaignId, paused: bool) -> Result<(), ControlError> {
        let slot = self.registry.get(campaign).ok_or(ControlError::Unknown(campaign))?;
        slot.set_paused(paused);
        Ok(())
    }

    /// Tells whether operators have paused it, and whether they have killed it.
    pub fn words(&self, campaign: CampaignId) -> Option<(bool, bool)> {
        self.registry.get(campaign).map(|slot| (slot.is_paused(), slot.is_killed()))
    }

    /// Takes a campaign out of bidding at once, whatever its actors are doing, until it is revived or the process ends.
    ///
    /// # Errors
    ///
    /// [`ControlError::Unknown`].
    pub fn kill(&self, campaign: CampaignId) -> Result<(), ControlError> {
        self.set_killed(campaign, true)
    }

    /// Takes back a [`kill`](Self::kill): the campaign bids again unless it is paused, down or in quarantine.
    ///
    /// # Errors
    ///
    /// [`ControlError::Unknown`].
    pub fn revive(&self, campaign: CampaignId) -> Result<(), ControlError> {
        self.set_killed(campaign, false)
    }

    fn set_killed(&self, campaign: CampaignId, killed: bool) -> Result<(), ControlError> {
        let slot = self.registry.get(campaign).ok_or(ControlError::Unknown(campaign))?;
        slot.set_killed(killed);
        Ok(())
    }

    /// What every campaign is doing, by id.
    pub fn statuses(&self) -> Vec<CampaignStatus> {
        self.registry.slots().iter().map(|slot| self.status_of(slot)).collect()
    }

    /// Every campaign as it is now, by id.
    pub fn views(&self) -> Vec<CampaignView> {
        let mut turn = Turn::begin();
        self.registry.slots().iter().inspect(|_| turn.step()).map(|slot| self.view_of(slot)).collect()
    }

    /// The campaigns that come after one, by id, up to `limit` of them, as they are now; and how many there are in all.
    pub fn views_after(&self, after: Option<CampaignId>, limit: usize) -> (Vec<CampaignView>, usize) {
        let (slots, count) = self.registry.slots_after(after, limit);
        (slots.iter().map(|slot| self.view_of(slot)).collect(), count)
    }

    /// One campaign as it is now.
    pub fn view(&self, campaign: CampaignId) -> Option<CampaignView> {
        self.registry.get(campaign).map(|slot| self.view_of(&slot))
    }

    fn view_of(&self, slot: &Arc<Slot>) -> CampaignView {
        let bidding = slot.bidding().filter(|campaign| campaign.gate().is_open());
        let defined = slot.defined();
        let definition = Arc::clone(&defined.campaign);
        CampaignView { definition, version: defined.version, state: self.state_of(slot), bidding }
    }

    /// What one campaign is doing.
    pub fn status(&self, campaign: CampaignId) -> Option<CampaignStatus> {
        self.registry.get(campaign).map(|slot| self.status_of(&slot))
    }

    /// Gives a campaign that rests its subtree, as a charge would, but without one: for drills, and for who wants to see it.
    ///
    /// # Errors
    ///
    /// [`AddError::NotStarted`], also if there is no such campaign.
    pub async fn wake(&self, campaign: CampaignId) -> Result<(), AddError> {
        let unknown = || AddError::NotStarted { campaign, reason: "it was never added".to_owned() };
        let slot = self.registry.get(campaign).ok_or_else(unknown)?;
        slot.wake();
        self.start_slot(&slot).await
    }

    /// The address of a campaign's definition, for drills: a [`DefinitionMessage::Poke`] passes its chaos point. A campaign
    /// that rests has none.
    pub fn definition(&self, campaign: CampaignId) -> Option<Address<DefinitionMessage>> {
        self.registry.get(campaign)?.awake()?.definition()
    }

    /// The address of the index publisher, for drills: any message passes [`chaos::INDEX_PUBLISHER`](crate::chaos).
    pub fn index_publisher(&self) -> &Address<IndexMessage> {
        &self.index_publisher
    }

    /// Those that could not be started, each with the reason.
    pub fn not_started(&self) -> BTreeMap<CampaignId, String> {
        self.registry.not_started()
    }

    fn status_of(&self, slot: &Slot) -> CampaignStatus {
        let state = self.state_of(slot);
        let defined = slot.defined();
        CampaignStatus { id: slot.id(), name: defined.campaign.name.clone(), version: defined.version, state }
    }

    fn state_of(&self, slot: &Slot) -> CampaignState {
        match (self.registry.start_error(slot.id()), slot.is_up()) {
            _ if slot.is_killed() => CampaignState::Killed,
            (Some(reason), _) => CampaignState::NotStarted(reason),
            (None, true) if slot.is_paused() => CampaignState::Paused,
            (None, true) => CampaignState::Live,
            (None, false) => CampaignState::Down,
        }
    }

    /// Starts one; the registry keeps the reason if it does not.
    pub(super) async fn start_in_registry(&self, slot: &Arc<Slot>) {
        let _ = start(&self.registry, &self.each, slot).await;
    }

    async fn start_slot(&self, slot: &Arc<Slot>) -> Result<(), AddError> {
        let campaign = slot.id();
        start(&self.registry, &self.each, slot).await.map_err(|reason| AddError::NotStarted { campaign, reason })?;
        self.refresh().await;
        Ok(())
    }

    /// Has the index hold what is new. A publisher that is busy for longer builds it later: it does not handle a call that has
    /// expired, and nobody else might tell it. One that restarts finds what is new by itself.
    pub(super) async fn refresh(&self) {
        let Err(error) = self.index_publisher.call(IndexMessage::Refresh, ANSWER_WITHIN).await else { return };
        let later = self.index_publisher.tell(IndexMessage::Build);
        tracing::warn!(%error, is_told = later.is_ok(), "the index is not refreshed yet");
    }

    async fn control(
        &self,
        campaign: CampaignId,
        paused: bool,
        make: fn(Reply<()>) -> ControllerMessage,
    ) -> Result<(), ControlError> {
        let slot = self.registry.get(campaign).ok_or(ControlError::Unknown(campaign))?;
        let unconfirmed = |reason| ControlError::Unconfirmed { campaign, reason };
        let Some(awake) = slot.awake() else {
            // At rest nothing stands between the word and its effect.
            slot.set_paused(paused);
            return Ok(());
        };
        let controller = awake.controller().ok_or_else(|| unconfirmed("its subtree is not there".to_owned()))?;
        let confirmed = controller.call(make, ANSWER_WITHIN).await;
        confirmed.map_err(|error| unconfirmed(error.to_string()))
    }
}

/// Checks and registers a campaign.
pub(super) fn register(registry: &Registry, campaign: Campaign, version: u32) -> Result<Arc<Slot>, AddError> {
    let id = campaign.id;
    campaign.check().map_err(|flaw| CompileError::Flawed { campaign: id, flaw })?;
    registry.register(campaign, version).map_err(|flaw| AddError::Taken { campaign: id, flaw })
}
