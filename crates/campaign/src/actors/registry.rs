//! What is known of each campaign beyond all incarnations.
//!
//! Promises that a campaign registered once is found by whatever restarts. Never runs a campaign's code, so that nothing of a
//! campaign can damage it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tembusu::{Address, Table};

use super::{ControllerMessage, DefinitionMessage, Standing};
use crate::check::TakenIds;
use crate::{Campaign, CampaignId, CompiledCampaign, Flaw, Index};

/// One campaign's place in the registry.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) campaign: Arc<Campaign>,
    /// Published by the campaign's definition.
    pub(crate) compiled: Table<CompiledCampaign>,
    /// Published by the campaign's controller.
    pub(crate) standing: Table<Standing>,
    /// The operator's word, which a crash of the controller must not undo.
    paused: AtomicBool,
    /// The operator's last word, which asks no actor.
    killed: AtomicBool,
    /// Where the bid path looks for campaigns.
    index: Table<Index>,
    /// Where the definition was reached when it last started.
    definition: Mutex<Option<Address<DefinitionMessage>>>,
    /// Where the controller was reached when it last started.
    controller: Mutex<Option<Address<ControllerMessage>>>,
}

impl Slot {
    fn new(campaign: Campaign, index: Table<Index>) -> Self {
        let id = campaign.id;
        Self {
            campaign: Arc::new(campaign),
            compiled: Table::new(format!("campaign_{id}")),
            standing: Table::new(format!("campaign_{id}_standing")),
            paused: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            index,
            definition: Mutex::new(None),
            controller: Mutex::new(None),
        }
    }

    pub(crate) fn id(&self) -> CampaignId {
        self.campaign.id
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    pub(crate) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::SeqCst);
        self.sync_index();
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    pub(crate) fn set_killed(&self, killed: bool) {
        self.killed.store(killed, Ordering::SeqCst);
        self.sync_index();
    }

    fn is_wanted(&self) -> bool {
        !self.paused.load(Ordering::SeqCst) && !self.killed.load(Ordering::SeqCst)
    }

    /// Tells the published index whether the operator wants the campaign.
    ///
    /// Whoever writes last looks again afterwards, so that of several at a time none leaves the index with an old word.
    pub(crate) fn sync_index(&self) {
        let Some(index) = self.index.read() else { return };
        loop {
            let is_wanted = self.is_wanted();
            index.set_active(self.id(), is_wanted);
            if self.is_wanted() == is_wanted {
                return;
            }
        }
    }

    /// The campaign as its definition published it, if it may bid now.
    pub(crate) fn bidding(&self) -> Option<Arc<CompiledCampaign>> {
        let is_wanted = !self.is_paused() && !self.is_killed();
        if is_wanted && self.standing.is_published() { self.compiled.read() } else { None }
    }

    pub(crate) fn definition(&self) -> Option<Address<DefinitionMessage>> {
        lock(&self.definition).clone()
    }

    pub(crate) fn set_definition(&self, address: Address<DefinitionMessage>) {
        *lock(&self.definition) = Some(address);
    }

    pub(crate) fn controller(&self) -> Option<Address<ControllerMessage>> {
        lock(&self.controller).clone()
    }

    pub(crate) fn set_controller(&self, address: Address<ControllerMessage>) {
        *lock(&self.controller) = Some(address);
    }
}

/// Every campaign of the process.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    registered: Arc<Mutex<Registered>>,
    /// Why a subtree is not there, of those that could not start.
    not_started: Arc<Mutex<BTreeMap<CampaignId, String>>>,
    pub(crate) index: Table<Index>,
}

impl Default for Registry {
    fn default() -> Self {
        Self { registered: Arc::default(), not_started: Arc::default(), index: Table::new("campaign_index") }
    }
}

#[derive(Debug, Default)]
struct Registered {
    slots: BTreeMap<CampaignId, Arc<Slot>>,
    taken: TakenIds,
}

impl Registry {
    /// Registers a campaign, unless its id or that of one of its creatives is taken.
    pub(crate) fn register(&self, campaign: Campaign) -> Result<Arc<Slot>, Flaw> {
        let mut registered = lock(&self.registered);
        registered.taken.take(&campaign)?;
        let slot = Arc::new(Slot::new(campaign, self.index.clone()));
        registered.slots.insert(slot.id(), Arc::clone(&slot));
        Ok(slot)
    }

    pub(crate) fn get(&self, id: CampaignId) -> Option<Arc<Slot>> {
        lock(&self.registered).slots.get(&id).cloned()
    }

    /// Those that could not start, each with the reason.
    pub(crate) fn not_started(&self) -> BTreeMap<CampaignId, String> {
        lock(&self.not_started).clone()
    }

    pub(crate) fn start_error(&self, id: CampaignId) -> Option<String> {
        lock(&self.not_started).get(&id).cloned()
    }

    pub(crate) fn set_start_error(&self, id: CampaignId, error: Option<String>) {
        let mut not_started = lock(&self.not_started);
        match error {
            Some(error) => drop(not_started.insert(id, error)),
            None => drop(not_started.remove(&id)),
        }
    }

    /// Every slot, by id, as of now.
    pub(crate) fn slots(&self) -> Vec<Arc<Slot>> {
        lock(&self.registered).slots.values().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
