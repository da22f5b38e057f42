//! Knows every open connection of one listener and can ask them all to finish.
//!
//! It belongs to the wiring, not to an incarnation: connections are counted across crashes of whoever accepts them. A drain
//! concerns the connections that are open when it begins; a listener that is started again afterwards accepts new ones.
//!
//! When the thread of its connections is lost, it takes their streams from them and forgets them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::seat::{Seat, Taken};

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
    orders: Orders,
}

/// What goes on when a connection's task does not.
#[derive(Debug)]
struct Entry {
    seat: Arc<Seat>,
    place: OwnedSemaphorePermit,
    /// The task that is told of orders.
    task: Option<Waker>,
}

/// A connection whose task was given up, with its place.
#[derive(Debug)]
pub(super) struct TakenOver {
    pub(super) taken: Taken,
    pub(super) place: OwnedSemaphorePermit,
}

/// Connections of an earlier epoch than these finish, or are cut. An order is given before the tasks are woken, and a task
/// looks for it after it has said whom to wake: none is missed, and whoever is busy looks without a lock.
#[derive(Debug, Default)]
struct Orders {
    epoch: AtomicU64,
    cut_below: AtomicU64,
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
            orders: Orders::default(),
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
    pub(super) fn enter(&self, seat: Arc<Seat>, place: OwnedSemaphorePermit) -> ConnectionGuard {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.entries().insert(number, Entry { seat, place, task: None });
        let epoch = self.0.orders.epoch.load(Ordering::Acquire);
        ConnectionGuard { shared: Arc::clone(&self.0), task: None, epoch, number }
    }

    /// Takes all connections from their tasks, whose thread is lost.
    pub(super) fn take_over(&self) -> Vec<TakenOver> {
        let entries = std::mem::take(&mut *self.0.entries());
        self.0.open.fetch_sub(entries.len(), Ordering::Relaxed);
        self.0.closed.notify_waiters();
        entries.into_values().map(|Entry { seat, place, .. }| TakenOver { taken: seat.take(), place }).collect()
    }

    /// Asks all open connections to answer what is in flight and close; cuts what is left after `within`.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the request to finish stands, and nothing is cut.
    pub async fn drain(&self, within: Duration) -> Drained {
        let deadline = Instant::now() + within;
        let open_at_start = self.open();
        let epoch = self.0.orders.epoch.fetch_add(1, Ordering::AcqRel) + 1;
        self.0.wake_tasks();
        let empty = timeout_at(deadline, self.empty()).await.is_ok();
        let cut = if empty { 0 } else { self.open() };
        if cut > 0 {
            self.0.orders.cut_below.fetch_max(epoch, Ordering::AcqRel);
            self.0.wake_tasks();
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

    fn wake_tasks(&self) {
        let tasks: Vec<Waker> = self.entries().values().filter_map(|entry| entry.task.clone()).collect();
        tasks.into_iter().for_each(Waker::wake);
    }
}

/// One connection's entry.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    shared: Arc<Shared>,
    /// The task that the entry knows.
    task: Option<Waker>,
    epoch: u64,
    number: u64,
}

impl ConnectionGuard {
    /// Strikes the connection off; `false` if somebody else goes on with it, or has closed it.
    pub(super) fn leave(&mut self) -> bool {
        let Some(entry) = self.shared.entries().remove(&self.number) else { return false };
        let before = self.shared.open.fetch_sub(1, Ordering::Relaxed);
        debug_assert!(before > 0, "a connection left that had not entered");
        // The place is free, and the socket closed, before anybody is told.
        drop(entry);
        self.shared.closed.notify_waiters();
        true
    }

    /// Ready when this connection is to finish; once it is `finishing`, when it has had its time.
    pub(super) fn poll_order(&mut self, finishing: bool, cx: &Context<'_>) -> Poll<()> {
        if !self.is_ordered(finishing) {
            if self.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            self.task = Some(cx.waker().clone());
            if let Some(entry) = self.shared.entries().get_mut(&self.number) {
                entry.task.clone_from(&self.task);
            }
            if !self.is_ordered(finishing) {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    fn is_ordered(&self, finishing: bool) -> bool {
        let orders = &self.shared.orders;
        let order = if finishing { &orders.cut_below } else { &orders.epoch };
        order.load(Ordering::Acquire) > self.epoch
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.leave();
    }
}
