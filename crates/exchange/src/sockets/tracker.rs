//! Knows every open connection of one listener and can ask them all to finish.
//!
//! It belongs to the wiring, not to an incarnation: connections are counted across crashes of whoever accepts them. A drain
//! concerns the connections that are open when it begins; a listener that is started again afterwards accepts new ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

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
    open: AtomicUsize,
    closed: Notify,
    places: Arc<Semaphore>,
    orders: watch::Sender<Orders>,
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
    pub(super) fn enter(&self, place: OwnedSemaphorePermit) -> ConnectionGuard {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        let orders = self.0.orders.subscribe();
        let epoch = orders.borrow().epoch;
        ConnectionGuard { shared: Arc::clone(&self.0), orders, epoch, _place: place }
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

/// One connection's entry.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    shared: Arc<Shared>,
    orders: watch::Receiver<Orders>,
    epoch: u64,
    _place: OwnedSemaphorePermit,
}

impl ConnectionGuard {
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
        let before = self.shared.open.fetch_sub(1, Ordering::Relaxed);
        debug_assert!(before > 0, "a connection left that had not entered");
        self.shared.closed.notify_waiters();
    }
}
