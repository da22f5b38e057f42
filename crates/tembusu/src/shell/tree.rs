//! What the supervisors of one tree share: the clock's epoch, the event stream, the timer, the outcome.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::node::Node;
use super::timer::Timer;
use crate::event::{EVENTS_KEPT, Event, EventKind};
use crate::exit::ExitReason;

/// How far the whole tree is.
#[derive(Clone, Debug)]
pub(crate) enum TreeState {
    Starting,
    Up,
    Down(ExitReason),
}

pub(crate) struct Shared {
    epoch: Instant,
    /// Runs the timer, and the children for which no other runtime was chosen.
    pub(crate) handle: Handle,
    pub(crate) timer: Arc<Timer>,
    timer_task: OnceLock<tokio::task::AbortHandle>,
    events: broadcast::Sender<Event>,
    unsent: Mutex<Vec<Event>>,
    state: watch::Sender<TreeState>,
    /// Keeps the tree alive until it is down.
    root: Mutex<Option<Arc<Node>>>,
    first_failure: Mutex<Option<(Arc<str>, ExitReason)>>,
}

impl Shared {
    pub(crate) fn new(handle: Handle, events: broadcast::Sender<Event>, root: Arc<Node>) -> Arc<Self> {
        Arc::new(Self {
            epoch: Instant::now(),
            handle,
            timer: Arc::new(Timer::default()),
            timer_task: OnceLock::new(),
            events,
            unsent: Mutex::new(Vec::new()),
            state: watch::Sender::new(TreeState::Starting),
            root: Mutex::new(Some(root)),
            first_failure: Mutex::new(None),
        })
    }

    pub(crate) fn events_channel() -> broadcast::Sender<Event> {
        broadcast::Sender::new(EVENTS_KEPT)
    }

    pub(crate) fn run_timer(&self) {
        let timer = Arc::clone(&self.timer);
        let task = self.handle.spawn(async move { timer.run().await });
        let _ = self.timer_task.set(task.abort_handle());
    }

    pub(crate) fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.epoch)
    }

    pub(crate) fn instant(&self, time: Duration) -> Instant {
        self.epoch + time
    }

    pub(crate) fn watch(&self) -> watch::Receiver<TreeState> {
        self.state.subscribe()
    }

    pub(crate) fn up(&self) {
        self.state.send_replace(TreeState::Up);
    }

    /// The root is down: everything else is.
    pub(crate) fn down(&self, reason: ExitReason) {
        if let Some(timer) = self.timer_task.get() {
            timer.abort();
        }
        self.flush();
        self.state.send_replace(TreeState::Down(reason));
        let root = self.root.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(root);
    }

    /// Keeps an event until the restart that it belongs to is through.
    pub(crate) fn note(&self, event: Event) {
        if let EventKind::StartFailed { reason, .. } = &event.kind {
            let mut first = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
            if first.is_none() {
                *first = Some((Arc::clone(&event.path), reason.clone()));
            }
        }
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    pub(crate) fn flush(&self) {
        let mut unsent = self.unsent.lock().unwrap_or_else(PoisonError::into_inner);
        for event in unsent.drain(..) {
            // Nobody listening is no error.
            let _ = self.events.send(event);
        }
    }

    pub(crate) fn first_failure(&self) -> Option<(Arc<str>, ExitReason)> {
        self.first_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
