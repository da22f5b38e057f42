//! What is known of each campaign beyond all incarnations.
//!
//! Promises that a campaign registered once is found by whatever restarts. Never runs a campaign's code, so that nothing of a
//! campaign can damage it.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::Slot;
use super::shared::Shared;
use super::slot::Defined;
use crate::check::TakenIds;
use crate::{Campaign, CampaignId, CompiledCampaign, Flaw};

/// Every campaign of the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registry {
    registered: Arc<Mutex<Registered>>,
    /// Why a subtree is not there, of those that could not start.
    not_started: Arc<Mutex<BTreeMap<CampaignId, String>>>,
    pub(crate) shared: Arc<Shared>,
}

/// The slots that a change concerns, with what is to bid in them.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) added: Vec<(Arc<Slot>, CompiledCampaign)>,
    pub(crate) defined: Vec<(Arc<Slot>, CompiledCampaign)>,
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
        let slot = Arc::new(Slot::new(Arc::new(campaign), version, Arc::clone(&self.shared)));
        registered.slots.insert(slot.id(), Arc::clone(&slot));
        Ok(slot)
    }

    /// Finds creatives of `defined` that are taken by a campaign that is neither changed nor removed along with them, or by
    /// another one of `defined`.
    pub(crate) fn flaws_of(&self, defined: &[&Campaign], removed: &[CampaignId]) -> Vec<(CampaignId, Flaw)> {
        let registered = lock(&self.registered);
        let free: HashSet<CampaignId, RandomState> =
            defined.iter().map(|of| of.id).chain(removed.iter().copied()).collect();
        let mut taken = TakenIds::default();
        let mut flaws = Vec::new();
        for campaign in defined {
            flaws.extend(
                registered
                    .taken
                    .check_creatives(campaign, |owner| free.contains(&owner))
                    .err()
                    .map(|flaw| (campaign.id, flaw)),
            );
            flaws.extend(taken.take(campaign).err().map(|flaw| (campaign.id, flaw)));
        }
        flaws
    }

    /// Defines campaigns and takes others out, all at once; no flaw may be left. Gives the slots of those that are new, of
    /// those that were there, and of those that are out.
    pub(crate) fn change(&self, defined: Vec<(CompiledCampaign, u32)>, removed: &[CampaignId]) -> Changed {
        let mut registered = lock(&self.registered);
        let mut changed = Changed::default();
        for id in removed {
            let Some(slot) = registered.slots.remove(id) else { continue };
            registered.taken.release(&slot.defined().campaign);
            lock(&self.not_started).remove(id);
            changed.removed.push(slot);
        }
        let slots: Vec<_> = defined.iter().map(|(campaign, _)| registered.slots.get(&campaign.id()).cloned()).collect();
        for slot in slots.iter().flatten() {
            registered.taken.release(&slot.defined().campaign);
        }
        for ((compiled, version), slot) in defined.into_iter().zip(slots) {
            let campaign = Arc::clone(compiled.shared_definition());
            registered.taken.hold(&campaign);
            match slot {
                Some(slot) => {
                    slot.define(Defined { campaign, version });
                    changed.defined.push((slot, compiled));
                }
                None => {
                    let slot = Arc::new(Slot::new(campaign, version, Arc::clone(&self.shared)));
                    registered.slots.insert(slot.id(), Arc::clone(&slot));
                    changed.added.push((slot, compiled));
                }
            }
        }
        drop(registered);
        changed.removed.iter().for_each(|slot| slot.remove());
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

    /// The slots after one, by id, up to `limit` of them; and how many there are in all.
    pub(crate) fn slots_after(&self, after: Option<CampaignId>, limit: usize) -> (Vec<Arc<Slot>>, usize) {
        let registered = lock(&self.registered);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let slots = registered.slots.range((from, Bound::Unbounded)).map(|(_, slot)| Arc::clone(slot));
        (slots.take(limit).collect(), registered.slots.len())
    }

    /// Every slot, by id, as of now.
    pub(crate) fn slots(&self) -> Vec<Arc<Slot>> {
        lock(&self.registered).slots.values().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
