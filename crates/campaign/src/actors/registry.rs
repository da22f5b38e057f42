//! What is known of each campaign beyond all incarnations.
//!
//! Promises that a campaign registered once is found by whatever restarts. Never runs a campaign's code, so that nothing of a
//! campaign can damage it.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tembusu::{Address, Table};

use super::{ControllerMessage, DefinitionMessage, Standing};
use crate::check::TakenIds;
use crate::index::Source;
use crate::{Campaign, CampaignId, CompiledCampaign, Flaw, Index};

/// One campaign's place in the registry.
#[derive(Debug)]
pub(crate) struct Slot {
    id: CampaignId,
    defined: ArcSwap<Defined>,
    /// Published by the campaign's definition.
    pub(crate) compiled: Table<CompiledCampaign>,
    /// Published by the campaign's controller.
    pub(crate) standing: Table<Standing>,
    /// The operator's word, which a crash of the controller must not undo.
    paused: AtomicBool,
    /// The operator's last word, which asks no actor.
    killed: AtomicBool,
    /// It is no longer in the registry.
    removed: AtomicBool,
    /// Where the bid path looks for campaigns.
    index: Table<Index>,
    /// The index publisher has been told that there is something new, and has not looked since.
    told: Arc<AtomicBool>,
    /// Where the definition was reached when it last started.
    definition: Mutex<Option<Address<DefinitionMessage>>>,
    /// Where the controller was reached when it last started.
    controller: Mutex<Option<Address<ControllerMessage>>>,
}

/// A version of a campaign's definition.
#[derive(Debug, Clone)]
pub(crate) struct Defined {
    pub(crate) campaign: Arc<Campaign>,
    pub(crate) version: u32,
}

impl Slot {
    fn new(campaign: Arc<Campaign>, version: u32, index: Table<Index>, told: Arc<AtomicBool>) -> Self {
        let id = campaign.id;
        Self {
            id,
            defined: ArcSwap::from_pointee(Defined { campaign, version }),
            compiled: Table::new(format!("campaign_{id}")),
            standing: Table::new(format!("campaign_{id}_standing")),
            paused: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            removed: AtomicBool::new(false),
            index,
            told,
            definition: Mutex::new(None),
            controller: Mutex::new(None),
        }
    }

    pub(crate) fn id(&self) -> CampaignId {
        self.id
    }

    /// What its operator wants it to be; what it bids as may still be the version before.
    pub(crate) fn defined(&self) -> Arc<Defined> {
        self.defined.load_full()
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
        let out = [&self.paused, &self.killed, &self.removed];
        !out.into_iter().any(|flag| flag.load(Ordering::SeqCst))
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

    /// Tells whether the index publisher has to be told of a version: the index does not hold it, and nobody else has told.
    pub(crate) fn is_news(self: &Arc<Self>, version: u32) -> bool {
        let source = Source::Supervised(Arc::clone(self), version);
        let is_indexed = self.index.read().is_some_and(|index| index.holds(self.id, &source));
        !is_indexed && !self.told.swap(true, Ordering::SeqCst)
    }

    /// The campaign as its definition published it, if it may bid now.
    pub(crate) fn bidding(&self) -> Option<Arc<CompiledCampaign>> {
        let is_out = self.is_paused() || self.is_killed() || self.removed.load(Ordering::Acquire);
        if !is_out && self.standing.is_published() { self.compiled.read() } else { None }
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
    /// As in each slot.
    pub(crate) told: Arc<AtomicBool>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            registered: Arc::default(),
            not_started: Arc::default(),
            index: Table::new("campaign_index"),
            told: Arc::default(),
        }
    }
}

/// The slots that a change concerns.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) added: Vec<Arc<Slot>>,
    pub(crate) defined: Vec<Arc<Slot>>,
    pub(crate) removed: Vec<Arc<Slot>>,
}

#[derive(Debug, Default)]
struct Registered {
    slots: BTreeMap<CampaignId, Arc<Slot>>,
    taken: TakenIds,
}

impl Registry {
    /// Registers a campaign, unless its id or that of one of its creatives is taken.
    pub(crate) fn register(&self, campaign: Campaign, version: u32) -> Result<Arc<Slot>, Flaw> {
        let mut registered = lock(&self.registered);
        registered.taken.take(&campaign)?;
        let slot = Arc::new(Slot::new(Arc::new(campaign), version, self.index.clone(), Arc::clone(&self.told)));
        registered.slots.insert(slot.id(), Arc::clone(&slot));
        Ok(slot)
    }

    /// Finds creatives of `defined` that are taken by a campaign that is neither changed nor removed along with them, or by
    /// another one of `defined`.
    pub(crate) fn flaws_of(&self, defined: &[&Campaign], removed: &[CampaignId]) -> Vec<(CampaignId, Flaw)> {
        let registered = lock(&self.registered);
        let free: HashSet<CampaignId> = defined.iter().map(|of| of.id).chain(removed.iter().copied()).collect();
        let mut taken = TakenIds::default();
        let mut flaws = Vec::new();
        for campaign in defined {
            flaws.extend(registered.taken.check_creatives(campaign, &free).err().map(|flaw| (campaign.id, flaw)));
            flaws.extend(taken.take(campaign).err().map(|flaw| (campaign.id, flaw)));
        }
        flaws
    }

    /// Defines campaigns and takes others out, all at once; no flaw may be left. Gives the slots of those that are new, of
    /// those that were there, and of those that are out.
    pub(crate) fn change(&self, defined: Vec<(Arc<Campaign>, u32)>, removed: &[CampaignId]) -> Changed {
        let mut registered = lock(&self.registered);
        let mut changed = Changed::default();
        for id in removed {
            let Some(slot) = registered.slots.remove(id) else { continue };
            registered.taken.release(&slot.defined().campaign);
            lock(&self.not_started).remove(id);
            changed.removed.push(slot);
        }
        for (campaign, _) in &defined {
            if let Some(slot) = registered.slots.get(&campaign.id).cloned() {
                registered.taken.release(&slot.defined().campaign);
            }
        }
        for (campaign, version) in defined {
            registered.taken.hold(&campaign);
            let slot = registered.slots.get(&campaign.id).cloned();
            match slot {
                Some(slot) => {
                    slot.defined.store(Arc::new(Defined { campaign, version }));
                    changed.defined.push(slot);
                }
                None => {
                    let slot = Arc::new(Slot::new(campaign, version, self.index.clone(), Arc::clone(&self.told)));
                    registered.slots.insert(slot.id(), Arc::clone(&slot));
                    changed.added.push(slot);
                }
            }
        }
        drop(registered);
        for slot in &changed.removed {
            slot.removed.store(true, Ordering::SeqCst);
            slot.sync_index();
        }
        changed
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
