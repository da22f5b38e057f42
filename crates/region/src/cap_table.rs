//! Frequency caps: per campaign and user, what was billed today and which bids are still open.
//!
//! Promises that `billed + open <= cap` holds for every bid it lets through, whichever threads ask at once, and that a
//! bid moves from open to billed in one step. Never counts the same bid twice: opening, closing and billing name the bid.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use campaign::CampaignId;
use foldhash::fast::RandomState;
use ledger::{CapKey, TokenId};

use crate::epoch::Epoch;
use crate::limits::{CAP_ENTRIES_PER_SHARD_MAX, CAP_SHARDS};

type Shard = HashMap<(CampaignId, CapKey), Entry, RandomState>;

#[derive(Debug, Default)]
struct Entry {
    billed: u32,
    open: Vec<TokenId>,
    /// The last day on which the entry was used; keys change every day, so older entries are dead.
    day: u32,
}

impl Entry {
    fn count(&self) -> usize {
        self.billed as usize + self.open.len()
    }
}

/// Counts per campaign and user, shared by the bid path and the region's actors.
///
/// # On restart
///
/// A new incarnation starts from the billed counts in the ledger. Bids that were open when the region crashed are not
/// in it: as long as their billing is not in, a user may be shown that many more.
#[derive(Debug)]
pub struct CapTable {
    epoch: Epoch,
    entries_per_shard_max: usize,
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

/// The counts of one user for one campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapCounts {
    /// Billed on the key's day.
    pub billed: u32,
    /// Bids whose outcome is open.
    pub open: u32,
}

impl Default for CapTable {
    fn default() -> Self {
        Self::new()
    }
}

impl CapTable {
    /// A table in which nobody was counted.
    #[must_use]
    pub fn new() -> Self {
        Self::bounded(CAP_ENTRIES_PER_SHARD_MAX)
    }

    /// The same with another limit on the (campaign, user) pairs in a shard, of which there are
    /// [`CAP_SHARDS`](crate::limits::CAP_SHARDS).
    #[must_use]
    pub fn bounded(entries_per_shard_max: usize) -> Self {
        let shards = (0..CAP_SHARDS).map(|_| Mutex::default()).collect();
        Self { epoch: Epoch::next(), entries_per_shard_max, shards, hasher: RandomState::default() }
    }

    /// The same for an incarnation of the region.
    pub(crate) fn of(epoch: Epoch) -> Self {
        Self { epoch, ..Self::new() }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Adds to the billed count of a user what a snapshot of the ledger has for a day.
    pub fn seed(&self, campaign: CampaignId, key: CapKey, billed: u32, today: u32) {
        let mut shard = self.shard(campaign, key);
        let entry = shard.entry((campaign, key)).or_default();
        entry.billed = entry.billed.saturating_add(billed);
        entry.day = today;
    }

    /// Whether one more bid would be within the cap now. Only [`try_open`](Self::try_open) makes sure.
    #[must_use]
    pub fn is_below(&self, campaign: CampaignId, key: CapKey, cap: u32) -> bool {
        let shard = self.shard(campaign, key);
        shard.get(&(campaign, key)).map_or(0, Entry::count) < cap as usize
    }

    /// Counts a bid as open; false, and not counted, if that would exceed the cap or the table is full.
    #[must_use]
    pub fn try_open(&self, campaign: CampaignId, key: CapKey, bid: TokenId, cap: u32, today: u32) -> bool {
        let mut shard = self.shard(campaign, key);
        let full = shard.len() >= self.entries_per_shard_max;
        if cap == 0 || (full && !shard.contains_key(&(campaign, key))) {
            return false;
        }
        let entry = shard.entry((campaign, key)).or_default();
        if entry.open.contains(&bid) {
            return false;
        }
        if entry.count() >= cap as usize {
            return false;
        }
        entry.open.push(bid);
        entry.day = entry.day.max(today);
        true
    }

    /// Gives an open bid the name under which the ledger will know it.
    pub(crate) fn rename(&self, campaign: CampaignId, key: CapKey, source: TokenId, target: TokenId) {
        let mut shard = self.shard(campaign, key);
        let open = shard.get_mut(&(campaign, key)).into_iter().flat_map(|entry| &mut entry.open);
        for bid in open.filter(|bid| **bid == source) {
            *bid = target;
        }
    }

    /// Forgets an open bid: lost, expired or never sent. Nothing happens if it is not open.
    pub fn close(&self, campaign: CampaignId, key: CapKey, bid: TokenId) {
        let mut shard = self.shard(campaign, key);
        let Some(entry) = shard.get_mut(&(campaign, key)) else { return };
        entry.open.retain(|open| *open != bid);
        if entry.count() == 0 {
            shard.remove(&(campaign, key));
        }
    }

    /// Counts a billing; if the bid is open it moves from open to billed.
    pub fn bill(&self, campaign: CampaignId, key: CapKey, bid: TokenId, today: u32) {
        let mut shard = self.shard(campaign, key);
        // Beyond the limit too: what was billed is a fact, and the ledger limits how many there are.
        let entry = shard.entry((campaign, key)).or_default();
        entry.open.retain(|open| *open != bid);
        entry.billed = entry.billed.saturating_add(1);
        entry.day = entry.day.max(today);
    }

    /// The counts of one user for one campaign.
    #[must_use]
    pub fn counts(&self, campaign: CampaignId, key: CapKey) -> CapCounts {
        let shard = self.shard(campaign, key);
        shard.get(&(campaign, key)).map_or_else(CapCounts::default, |entry| CapCounts {
            billed: entry.billed,
            open: u32::try_from(entry.open.len()).unwrap_or(u32::MAX),
        })
    }

    /// Drops the entries that were last used before `day` and have no open bid: their keys no longer occur.
    pub fn forget_before(&self, day: u32) {
        for shard in &self.shards {
            lock(shard).retain(|_, entry| entry.day >= day || !entry.open.is_empty());
        }
    }

    /// How many (campaign, user) pairs are counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether nobody is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, campaign: CampaignId, key: CapKey) -> MutexGuard<'_, Shard> {
        let hash = std::hash::BuildHasher::hash_one(&self.hasher, (campaign, key));
        let index = usize::try_from(hash >> 48).unwrap_or(0) % self.shards.len();
        lock(&self.shards[index])
    }
}

/// A panic while a shard was locked leaves it usable: every method makes its one change at the end.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
