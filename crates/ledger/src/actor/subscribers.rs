//! Who is told of a region's events.
//!
//! Promises that a push never waits and that subscriptions outlive the ledger's crashes: the list stands outside its
//! state. Never promises that a push arrives; `region_seq` shows what did not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tembusu::Address;

use crate::LedgerEvent;

/// Where a region's events go.
#[derive(Clone)]
pub struct Subscriber(Arc<dyn Fn(Arc<LedgerEvent>) + Send + Sync>);

impl Subscriber {
    /// Tells an actor, in a message of its own type. If its queue is full it misses the event.
    #[must_use]
    pub fn to<M: Send + 'static>(
        address: Address<M>,
        message: impl Fn(Arc<LedgerEvent>) -> M + Send + Sync + 'static,
    ) -> Self {
        Self::new(move |event| {
            let _ = address.tell(message(event));
        })
    }

    /// Calls a function, which must neither block nor panic.
    #[must_use]
    pub fn new(push: impl Fn(Arc<LedgerEvent>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(push))
    }

    pub(super) fn push(&self, event: &Arc<LedgerEvent>) {
        (self.0)(Arc::clone(event));
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscriber")
    }
}

/// The subscribers of all regions; a handle, of which clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Subscribers {
    by_region: Arc<Mutex<ByRegion>>,
}

type ByRegion = BTreeMap<Arc<str>, BTreeMap<Arc<str>, Subscriber>>;

impl Subscribers {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a subscriber of a region, in place of an earlier one of that name.
    pub fn add(&self, region: &str, name: impl Into<Arc<str>>, subscriber: Subscriber) {
        self.lock().entry(region.into()).or_default().insert(name.into(), subscriber);
    }

    pub(super) fn push(&self, event: &Arc<LedgerEvent>) {
        let Some(region) = &event.region else { return };
        // Pushed outside the lock: a subscriber may be added while another one is told.
        let told: Vec<_> = self.lock().get(region).map(|names| names.values().cloned().collect()).unwrap_or_default();
        told.iter().for_each(|subscriber| subscriber.push(event));
    }

    fn lock(&self) -> MutexGuard<'_, ByRegion> {
        self.by_region.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
