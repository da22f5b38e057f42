//! What all campaigns of a process have in common.
//!
//! Promises that no charge is lost: one that nobody could be told of is found when the loader next starts. Never waits.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tembusu::{Address, Table};

use super::Slot;
use super::loader::LoaderMessage;
use crate::Index;

/// What all campaigns have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Where the bid path looks for campaigns.
    pub(crate) index: Table<Index>,
    /// The index publisher has been told that there is something new, and has not looked since.
    pub(crate) told: AtomicBool,
    /// Panics of campaigns that rest, until the loader wakes them.
    charges: Mutex<Vec<(Arc<Slot>, String)>>,
    loader: OnceLock<Address<LoaderMessage>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            index: Table::new("campaign_index"),
            told: AtomicBool::new(false),
            charges: Mutex::default(),
            loader: OnceLock::new(),
        }
    }
}

impl Shared {
    pub(super) fn set_loader(&self, loader: Address<LoaderMessage>) {
        let _ = self.loader.set(loader);
    }

    /// Notes what a campaign that rests has done; the loader wakes it.
    pub(super) fn charge(&self, slot: Arc<Slot>, message: String) {
        let is_first = {
            let mut charges = self.lock();
            charges.push((slot, message));
            charges.len() == 1
        };
        if let (true, Some(loader)) = (is_first, self.loader.get()) {
            // One that is down finds it when it starts.
            let _ = loader.tell(LoaderMessage::Charged);
        }
    }

    pub(super) fn take_charges(&self) -> Vec<(Arc<Slot>, String)> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<Slot>, String)>> {
        self.charges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
