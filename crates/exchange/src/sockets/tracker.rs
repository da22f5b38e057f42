//! Knows every open connection of one listener and can ask them all to finish.
//!
//! It belongs to the wiring, not to an incarnation: connections are counted across crashes of whoever accepts them. A drain
//! concerns the connections that are open when it begins; a listener that is started again afterwards accepts new ones.
//!
//! When the thread of its connections is lost, it takes their streams from them and forgets them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use super::seat::{Taken, Takes};

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were open when it began.
    pub open_at_start: usize,
    /// Connections that had not finished in time and were cut.
    pub cut: usize,
}

/// Counts connections, bounds their number, and drains them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ConnectionTracker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The connections that have not ended, by number.
    entries: Mutex<HashMap<u64, Entry>>,
    next: AtomicU64,
    open: AtomicUsize,
    closed: Notify,
    places: Arc<Semaphore>,
    orders: watch::Sender<Orders>,
}

/// What goes on when a connection's task does not.
struct Entry {
    seat: Arc<dyn Takes>,
    place: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry")
    }
}

/// A connection whose task was given up, with its place.
#[derive(Debug)]
pub(super) struct TakenOver {
    pub(super) taken: Taken,
    pub(super) place: OwnedSemaphorePermit,
}

/// Connections of an earlier epoch than these finish, or are cut.
#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    epoch: u64,
    cut_below: u64,
}

impl ConnectionTracker {
    /// A tracker that admits `connections_max` connections at once.
    #[must_use]
    pub fn new(connections_max: usize) -> Self {
        Self(Arc::new(Shared {
            entries: Mutex::default(),
            next: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            closed: Notify::new(),
            places: Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS))),
            orders: watch::Sender::new(Orders::default()),
        }))
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Waits for a free place. The semaphore is never closed, so this ends.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.places).acquire_owned().await.ok()
    }

    /// Registers a connection until the guard is dropped, by whatever end.
    pub(super) fn enter(&self, seat: Arc<dyn Takes>, place: OwnedSemaphorePermit) -> ConnectionGuard {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.entries().insert(number, Entry { seat, place });
        let orders = self.0.orders.subscribe();
        let epoch = orders.borrow().epoch;
        ConnectionGuard { shared: Arc::clone(&self.0), orders, epoch, number }
    }

    /// Takes all connections from their tasks, whose thread is lost.
    pub(super) fn take_over(&self) -> Vec<TakenOver> {
        let entries = std::mem::take(&mut *self.0.entries());
        self.0.open.fetch_sub(entries.len(), Ordering::Relaxed);
        self.0.closed.notify_waiters();
        entries.into_values().map(|Entry { seat, place }| TakenOver { taken: seat.take(), place }).collect()
    }

    /// Asks all open connections to answer what is in flight and close; cuts what is left after `within`.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the request to finish stands, and nothing is cut.
    pub async fn drain(&self, within: Duration) -> Drained {
        let deadline = Instant::now() + within;
        let open_at_start = self.open();
        self.0.orders.send_modify(|orders| orders.epoch += 1);
        let empty = timeout_at(deadline, self.empty()).await.is_ok();
        let cut = if empty { 0 } else { self.open() };
        if cut > 0 {
            self.0.orders.send_modify(|orders| orders.cut_below = orders.epoch);
        }
        Drained { open_at_start, cut }
    }

    async fn empty(&self) {
        loop {
            let closed = self.0.closed.notified();
            tokio::pin!(closed);
            // Registered before the count is read, so that the last close is not missed.
            closed.as_mut().enable();
            if self.open() == 0 {
                return;
            }
            closed.await;
        }
    }
}

impl Shared {
    fn entries(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's entry.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    shared: Arc<Shared>,
    orders: watch::Receiver<Orders>,
    epoch: u64,
    number: u64,
}

impl ConnectionGuard {
    /// Whether somebody else goes on with this connection, or has closed it.
    pub(super) fn is_taken_over(&self) -> bool {
        !self.shared.entries().contains_key(&self.number)
    }

    /// Returns when this connection is to finish; once it is `finishing`, when it has had its time.
    pub(super) async fn next_order(&mut self, finishing: bool) {
        let epoch = self.epoch;
        let wanted = |orders: &Orders| if finishing { orders.cut_below > epoch } else { orders.epoch > epoch };
        // The sender lives in `self.shared`: it cannot be gone.
        let _ = self.orders.wait_for(wanted).await;
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let Some(entry) = self.shared.entries().remove(&self.number) else { return };
        let before = self.shared.open.fetch_sub(1, Ordering::Relaxed);
        debug_assert!(before > 0, "a connection left that had not entered");
        // The place is free, and the socket closed, before anybody is told.
        drop(entry);
        self.shared.closed.notify_waiters();
    }
}
