//! What the supervisors of one tree share: the clock's epoch, the event stream, the timer, the outcome.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::node::Node;
use super::stuck::Watch;
use super::timer::Timer;
use crate::context::NEVER;
use crate::event::{Event, Stream};
use crate::exit::ExitReason;
use crate::panics;

/// How far the whole tree is.
#[derive(Clone, Debug)]
pub(crate) enum TreeState {
    Starting,
    Up,
    Down(ExitReason),
}

/// Events that observers are still to be told.
#[derive(Default)]
struct Unsent {
    events: Vec<Event>,
    /// Somebody is telling them, and will tell what is noted meanwhile.
    is_sending: bool,
    /// Room, handed from time to time.
    spare: Vec<Event>,
}

/// How many events there is room for from time to time.
const ROOM_KEPT: usize = 64;

pub(crate) struct Shared {
    epoch: Instant,
    /// Runs the timer, and the children for which no other runtime was chosen.
    pub(crate) handle: Handle,
    pub(crate) timer: Arc<Timer>,
    /// How stuck children are found, and what follows when all are.
    pub(super) watch: Watch,
    /// In nanoseconds; of the tree and of the children that have one of their own.
    pub(super) shortest_heartbeat: AtomicU64,
    /// The watchdog has the timer's work done.
    pub(super) ticking: AtomicBool,
    timer_task: OnceLock<tokio::task::AbortHandle>,
    events: Arc<Stream>,
    unsent: Mutex<Unsent>,
    state: watch::Sender<TreeState>,
    /// Keeps the tree alive until it is down.
    root: Mutex<Option<Arc<Node>>>,
}

impl Shared {
    pub(crate) fn new(handle: Handle, events: Arc<Stream>, root: Arc<Node>, watch: Watch) -> Arc<Self> {
        let shared = Arc::new(Self {
            epoch: Instant::now(),
            handle,
            timer: Arc::new(Timer::default()),
            watch,
            shortest_heartbeat: AtomicU64::new(u64::MAX),
            ticking: AtomicBool::new(false),
            timer_task: OnceLock::new(),
            events,
            unsent: Mutex::default(),
            state: watch::Sender::new(TreeState::Starting),
            root: Mutex::new(Some(root)),
        });
        shared.count_heartbeat(watch.heartbeat);
        shared
    }

    /// The root, until the tree is down.
    pub(super) fn root(&self) -> Option<Arc<Node>> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often a child lets go of its thread unless its own specification says otherwise.
    pub(crate) fn heartbeat(&self) -> std::time::Duration {
        self.watch.heartbeat
    }

    pub(crate) fn events(&self) -> &Arc<Stream> {
        &self.events
    }

    pub(crate) fn run_timer(&self) {
        let timer = Arc::clone(&self.timer);
        let task = self.handle.spawn(async move { timer.run().await });
        let _ = self.timer_task.set(task.abort_handle());
    }

    pub(crate) fn now(&self) -> Duration {
        self.since_epoch(Instant::now())
    }

    pub(super) fn since_epoch(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.epoch)
    }

    pub(crate) fn instant(&self, time: Duration) -> Instant {
        self.epoch.checked_add(time).unwrap_or_else(|| self.epoch + NEVER)
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
        crate::watchdog::forget(self);
        self.flush();
        self.events.close();
        self.state.send_if_modified(|state| {
            // The first reason is the true one: who stops a tree that has ended learns why it did.
            let is_first = !matches!(state, TreeState::Down(_));
            if is_first {
                *state = TreeState::Down(reason);
            }
            is_first
        });
        let root = self.root.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(root);
    }

    fn unsent(&self) -> MutexGuard<'_, Unsent> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an event until the restart that it belongs to is through.
    pub(crate) fn note(&self, event: Event) {
        self.unsent().events.push(event);
    }

    /// Tells observers what was noted, in its order. When that was by the wall clock is worked out here, off the
    /// restart path.
    ///
    /// Observers may bring wakers of their own, and events hold errors of users: no lock is held meanwhile, and a
    /// panic goes no further.
    pub(crate) fn flush(&self) {
        let mut batch = {
            let mut unsent = self.unsent();
            if unsent.is_sending || unsent.events.is_empty() {
                return;
            }
            unsent.is_sending = true;
            std::mem::take(&mut unsent.spare)
        };
        // Held to the end: a stream that is closed meanwhile still gets what was noted before.
        let stream = self.events.sender();
        loop {
            {
                let mut unsent = self.unsent();
                if unsent.events.is_empty() {
                    unsent.is_sending = false;
                    if batch.capacity() <= ROOM_KEPT {
                        unsent.spare = batch;
                    }
                    break;
                }
                std::mem::swap(&mut unsent.events, &mut batch);
            }
            let heard = stream.as_ref().filter(|stream| stream.receiver_count() > 0);
            let (wall, now) = (SystemTime::now(), Instant::now().into_std());
            for mut event in batch.drain(..) {
                let Some(stream) = heard else {
                    panics::drop_quietly(event);
                    continue;
                };
                let ago = now.saturating_duration_since(event.instant);
                event.at = wall.checked_sub(ago).unwrap_or(wall);
                // That nobody listens any more is no error.
                panics::drop_quietly(panics::catch(|| drop(stream.send(event))));
            }
        }
        panics::drop_quietly(stream);
    }
}
