//! What most queues never need, made when the first one does: who waits for room, what was specified beyond a plain
//! bounded queue, and the counts of what was lost. A million idle children each have a queue.

use std::sync::OnceLock;

use tokio::sync::Notify;

use super::dead_letters::Rules;
use crate::sync::AtomicU64;

pub(super) struct Rare<M> {
    pub(super) rules: OnceLock<Rules<M>>,
    pub(super) dead_letters: AtomicU64,
    pub(super) expired: AtomicU64,
    /// Senders wait for room, and whoever drains the queue until it is empty: never both, since a draining queue
    /// accepts nothing.
    room: Notify,
}

impl<M> Default for Rare<M> {
    fn default() -> Self {
        Self {
            rules: OnceLock::new(),
            dead_letters: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            room: Notify::new(),
        }
    }
}

/// Where it is once it has been made.
pub(super) struct Seldom<M>(OnceLock<Box<Rare<M>>>);

impl<M> Default for Seldom<M> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<M> Seldom<M> {
    #[inline]
    pub(super) fn get(&self) -> Option<&Rare<M>> {
        self.0.get().map(|rare| &**rare)
    }

    pub(super) fn make(&self) -> &Rare<M> {
        self.0.get_or_init(Box::default)
    }

    #[inline]
    pub(super) fn rules(&self) -> Option<&Rules<M>> {
        self.get()?.rules.get()
    }

    /// To wait for room. Whoever waits makes this first and looks under the queue's locks afterwards; whoever changes
    /// something there tells afterwards. So one that finds nobody to tell has changed it before the other looked.
    pub(super) fn room(&self) -> &Notify {
        &self.make().room
    }

    pub(super) fn notify_one(&self) {
        if let Some(rare) = self.get() {
            rare.room.notify_one();
        }
    }

    pub(super) fn notify_waiters(&self) {
        if let Some(rare) = self.get() {
            rare.room.notify_waiters();
        }
    }
}
