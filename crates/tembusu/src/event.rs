//! What happens in a tree, told to whoever listens.
//!
//! Subscribers are bounded: a slow one is told how much it missed and cannot delay a restart. States and counts
//! live in the tree ([`SupervisorRef::snapshot`](crate::SupervisorRef::snapshot)), so that it can resynchronise.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::broadcast;

use crate::exit::{Charge, ExitReason, Report};
use crate::poll;

/// How many events a subscriber may lag behind before it loses the oldest.
pub(crate) const EVENTS_KEPT: usize = 4096;

/// The stream of one tree's events, until the tree is gone.
pub(crate) struct Stream {
    sender: Mutex<Option<broadcast::Sender<Event>>>,
    /// Somebody has subscribed. Until then events are not even made.
    is_heard: AtomicBool,
}

impl Default for Stream {
    fn default() -> Self {
        Self { sender: Mutex::new(Some(broadcast::Sender::new(EVENTS_KEPT))), is_heard: AtomicBool::new(false) }
    }
}

impl Stream {
    pub(crate) fn subscribe(&self) -> Events {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = match &*sender {
            Some(sender) => sender.subscribe(),
            // One that is closed already.
            None => broadcast::Sender::new(1).subscribe(),
        };
        self.is_heard.store(true, Ordering::Release);
        Events { receiver }
    }

    /// Whether anybody has ever subscribed: what happens after that is told.
    pub(crate) fn is_heard(&self) -> bool {
        self.is_heard.load(Ordering::Acquire)
    }

    /// Where to send, until it is closed. Sending may run code of users: no lock is held for it.
    pub(crate) fn sender(&self) -> Option<broadcast::Sender<Event>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Subscribers get what was sent, then [`EventsError::Closed`].
    pub(crate) fn close(&self) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(sender);
    }
}

/// One thing that happened to one child.
#[derive(Clone, Debug)]
pub struct Event {
    /// The child's path, from the root: `root/exchanges/google_adx`.
    pub path: Arc<str>,
    /// The incarnation it happened to; the first is 1.
    pub incarnation: u64,
    /// When, by the wall clock.
    pub at: SystemTime,
    /// When, to measure.
    pub instant: Instant,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// Its `init` has succeeded, for the first time or with its group.
    Started,
    /// Its `init` said that there is nothing to run.
    Ignored,
    /// It ended abnormally, or was permanent and ended at all.
    Crashed {
        /// Why.
        reason: ExitReason,
        /// Its place in the restart intensity. `None` when it was not charged (its group was being stopped
        /// already, or it is never restarted) or was one too many.
        charge: Option<Charge>,
    },
    /// It has been restarted after a crash.
    Restarted {
        /// How long that took.
        latency: Latency,
    },
    /// Its `init` failed.
    StartFailed {
        /// Why.
        reason: ExitReason,
        /// Its place in the restart intensity, when it was charged.
        charge: Option<Charge>,
    },
    /// It ended in order.
    Stopped {
        /// Why.
        reason: ExitReason,
    },
    /// This supervisor's intensity is used up; it ends, and its parent decides.
    Escalated {
        /// Who, which incarnation, why.
        report: Arc<Report>,
    },
    /// This supervisor ends in order, since a significant child of it has ended.
    AutoShutdown {
        /// That child's path.
        child: Arc<str>,
    },
    /// It goes on in degraded mode.
    Degraded {
        /// What used up its intensity.
        report: Arc<Report>,
    },
    /// It is back in normal mode.
    Restored,
    /// It could not be restored, and is degraded again.
    RestoreFailed {
        /// Why.
        reason: ExitReason,
        /// When it is tried again, if it is automatically.
        retry_in: Option<Duration>,
    },
    /// The normal subtree runs on trial; when it has been healthy for this long it is restored.
    Probing {
        /// For how long it is on trial.
        probation: Duration,
    },
    /// Its trial has failed: it is degraded again.
    ProbeFailed {
        /// Why.
        reason: ExitReason,
        /// When the next trial comes.
        retry_in: Option<Duration>,
    },
    /// It failed, and its restart, or that of its group, waits.
    BackingOff {
        /// For how long.
        wait: Duration,
    },
    /// A poll of it did not return, or it did not end although it was killed; its slot was given to a new incarnation, and what it holds leaks.
    Unresponsive,
    /// Every worker of a runtime that children of this tree run on is held up: nothing on it goes on. The path is
    /// the root's.
    AllWorkersStuck {
        /// How many threads that runtime has.
        workers: usize,
    },
}

/// How long a restart took. Measured on the thread that did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// From the panic to the end of the unwinding; `None` for errors, which do not unwind.
    pub crash_to_caught: Option<Duration>,
    /// From there to the end of the new incarnation's `init`.
    pub caught_to_ready: Duration,
}

/// A subscription to the events of a tree.
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
}

impl Events {
    /// Waits for the next event.
    ///
    /// # Errors
    ///
    /// [`EventsError::Lagged`] when events were lost; the next call goes on with the oldest that is kept.
    ///
    /// # Cancel safety
    ///
    /// No event is lost by dropping the wait.
    pub async fn recv(&mut self) -> Result<Event, EventsError> {
        poll::deferring(self.receiver.recv()).await.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(missed) => EventsError::Lagged(missed),
            broadcast::error::RecvError::Closed => EventsError::Closed,
        })
    }

    /// The next event, if one is there.
    pub fn try_recv(&mut self) -> Option<Result<Event, EventsError>> {
        match self.receiver.try_recv() {
            Ok(event) => Some(Ok(event)),
            Err(broadcast::error::TryRecvError::Empty) => None,
            Err(broadcast::error::TryRecvError::Lagged(missed)) => Some(Err(EventsError::Lagged(missed))),
            Err(broadcast::error::TryRecvError::Closed) => Some(Err(EventsError::Closed)),
        }
    }
}

/// Why there is no next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
    /// This many events were lost; take a snapshot to resynchronise.
    #[error("{0} events were lost; take a snapshot to resynchronise")]
    Lagged(u64),
    /// The tree is gone.
    #[error("the tree is gone")]
    Closed,
}
