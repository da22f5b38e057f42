//! Tasks that wait for their group.
//!
//! A member of a group that is being restarted ends now and is started again soon: its task waits for that instead of
//! ending, so that none has to be made. This counts them. The supervisor lets nobody wait when no group of it is
//! being restarted, and whoever waits then is told to go: a member that is not started again, since its supervisor
//! ends, or it was temporary, or somebody terminated it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many tasks of a supervisor's children wait, and whether they may.
#[derive(Default)]
pub(super) struct Parking {
    is_open: AtomicBool,
    parked: AtomicUsize,
}

// Both sides write their own word first and then read the other's: one of the two sees the other.
impl Parking {
    /// A group is being restarted.
    pub(super) fn open(&self) {
        if !self.is_open.load(Ordering::Relaxed) {
            self.is_open.store(true, Ordering::SeqCst);
        }
    }

    /// No group is being restarted. True when tasks wait that have to be told so.
    pub(super) fn close(&self) -> bool {
        if self.is_open.load(Ordering::Relaxed) {
            self.is_open.store(false, Ordering::SeqCst);
        }
        self.parked.load(Ordering::SeqCst) > 0
    }

    /// Counts a task that is to wait; false when it may not.
    pub(super) fn enter(&self) -> bool {
        self.parked.fetch_add(1, Ordering::SeqCst);
        let is_open = self.is_open.load(Ordering::SeqCst);
        if !is_open {
            self.leave();
        }
        is_open
    }

    /// It waits no longer.
    pub(super) fn leave(&self) {
        self.parked.fetch_sub(1, Ordering::SeqCst);
    }
}
