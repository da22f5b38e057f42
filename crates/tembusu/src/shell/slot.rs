//! A child's slot: what outlives its incarnations.
//!
//! The slot owns the queue's control, knows the running task and hands it from incarnation to incarnation. A
//! task that reports its child's end is given the next incarnation at once when the core says so, and a new
//! task is made only when the old one is gone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::incarnation::Incarnation;
use super::node::Node;
use crate::core::{ChildKey, Event, Generation};
use crate::exit::ExitReason;
use crate::inline::Watcher;
use crate::mailbox::Queue;
use crate::panics::{self, Caught};
use crate::poll;
use crate::scope::Lost;

/// Makes the task that runs a child's incarnations.
pub(crate) trait Launch: Send + Sync {
    fn launch(self: Arc<Self>, slot: Arc<Slot>, epoch: u64, incarnation: Arc<Incarnation>, on: &Handle);
}

/// Where a slot stands in the tree.
pub(crate) struct Home {
    pub(crate) node: Weak<Node>,
    pub(crate) key: ChildKey,
    pub(crate) path: Arc<str>,
    pub(crate) on: Handle,
    /// How often it lets go of its thread, when it is healthy.
    pub(crate) heartbeat: Duration,
}

/// When an incarnation ended.
#[derive(Clone, Copy)]
pub(crate) struct EndTimes {
    /// When it panicked.
    pub(crate) raised: Option<Instant>,
    pub(crate) caught: Instant,
}

impl EndTimes {
    pub(crate) fn now() -> Self {
        Self { raised: None, caught: Instant::now() }
    }
}

#[derive(Default)]
struct Control {
    /// The task that may act for this slot; older ones are ignored.
    epoch: u64,
    task_alive: bool,
    /// The task is reporting its child's end and will look for an order afterwards.
    reporting: bool,
    order: Option<Arc<Incarnation>>,
    current: Option<Arc<Incarnation>>,
    waker: Option<Waker>,
    ended: Option<EndTimes>,
}

pub(crate) struct Slot {
    launcher: Arc<dyn Launch>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) is_stand_in: bool,
    fresh_queue: bool,
    home: OnceLock<Home>,
    control: Mutex<Control>,
    /// Who waits for what its incarnations publish.
    watchers: Mutex<Vec<Weak<dyn Watcher>>>,
    /// Incarnations that did not end although they were killed.
    leaked: AtomicU64,
}

impl Slot {
    pub(crate) fn new(
        launcher: Arc<dyn Launch>,
        queue: Arc<dyn Queue>,
        is_stand_in: bool,
        fresh_queue: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            launcher,
            queue,
            is_stand_in,
            fresh_queue,
            home: OnceLock::new(),
            control: Mutex::new(Control::default()),
            watchers: Mutex::default(),
            leaked: AtomicU64::new(0),
        })
    }

    pub(crate) fn settle_in(&self, home: Home) {
        let fresh = self.home.set(home).is_ok();
        assert!(fresh, "a slot is placed into a tree once");
    }

    fn home(&self) -> &Home {
        self.home.get().expect("a slot is placed into its tree before anything starts")
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        &self.home().path
    }

    pub(crate) fn leaked(&self) -> u64 {
        self.leaked.load(Ordering::Relaxed)
    }

    pub(crate) fn key(&self) -> ChildKey {
        self.home().key
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.home().on
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        self.home().heartbeat
    }

    /// The incarnation that has the slot, if it is that one.
    pub(crate) fn running(&self, owner: u64) -> Option<Arc<Incarnation>> {
        self.lock().current.clone().filter(|incarnation| incarnation.owner == owner)
    }

    fn lock(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings an event of this child to its supervisor.
    pub(crate) fn tell_supervisor(&self, event: impl FnOnce(ChildKey) -> Event) {
        let home = self.home();
        if let Some(node) = home.node.upgrade() {
            node.send(event(home.key));
        }
    }

    pub(crate) fn flush_events(&self) {
        if let Some(node) = self.home().node.upgrade() {
            node.flush_events();
        }
    }

    // === effects ===

    pub(crate) fn start(self: &Arc<Self>, generation: Generation) {
        let incarnation = Incarnation::new(generation, Arc::downgrade(self));
        if self.fresh_queue || self.is_stand_in {
            // Senders that wait for room are woken, and may have brought wakers of their own.
            panics::drop_quietly(panics::catch(|| Arc::clone(&self.queue).discard_stale()));
        }
        let mut control = self.lock();
        control.current = Some(Arc::clone(&incarnation));
        if control.task_alive && control.reporting {
            control.order = Some(incarnation);
            return;
        }
        control.epoch += 1;
        control.task_alive = true;
        control.reporting = false;
        control.waker = None;
        let epoch = control.epoch;
        drop(control);
        poll::launch(Arc::clone(self), epoch, incarnation);
    }

    /// Makes the task.
    pub(crate) fn launch(self: Arc<Self>, epoch: u64, incarnation: Arc<Incarnation>) {
        Arc::clone(&self.launcher).launch(Arc::clone(&self), epoch, incarnation, &self.home().on);
    }

    pub(crate) fn stop(&self) {
        self.signal(Incarnation::request_stop);
    }

    pub(crate) fn kill(&self) {
        self.signal(Incarnation::request_kill);
    }

    fn signal(&self, set: impl FnOnce(&Incarnation)) {
        let control = self.lock();
        let Some(incarnation) = &control.current else { return };
        set(incarnation);
        let waker = control.waker.clone();
        drop(control);
        if let Some(waker) = waker {
            poll::wake(waker);
        }
    }

    /// Wakes the task of `generation`, if that is the one that runs.
    pub(crate) fn wake(&self, generation: Generation) {
        let control = self.lock();
        let is_current = control.current.as_ref().is_some_and(|current| current.generation == generation);
        let waker = control.waker.clone().filter(|_| is_current);
        drop(control);
        if let Some(waker) = waker {
            poll::wake(waker);
        }
    }

    /// The incarnation that was started last, unless it was given up.
    pub(crate) fn current(&self) -> Option<Arc<Incarnation>> {
        self.lock().current.clone()
    }

    /// Takes the slot away from an incarnation that does not end.
    pub(crate) fn abandon(&self) {
        let mut control = self.lock();
        control.epoch += 1;
        control.task_alive = false;
        control.reporting = false;
        control.waker = None;
        control.ended = Some(EndTimes::now());
        // What was ordered of its task is for nobody any more.
        let order = control.order.take();
        let incarnation = control.current.take();
        drop(control);
        drop(order);
        self.leaked.fetch_add(1, Ordering::Relaxed);
        self.queue.detach();
        if let Some(incarnation) = incarnation {
            // It ends at its next await, if there is one.
            incarnation.request_kill();
            let reason = incarnation.verdict_or(ExitReason::Unresponsive);
            let at_hand = incarnation.scope.deadline();
            let linked = incarnation.conclude(Lost::Died(reason.clone()), &reason);
            if let Some(deadline) = at_hand {
                self.queue.give_up_call(deadline, &reason);
            }
            // Their supervisor knows of this end: it has asked for it.
            if let Some(linked) = linked {
                linked.end();
            }
        }
        self.freshen(&ExitReason::Unresponsive);
    }

    // === inline calls ===

    /// A handler of that incarnation has panicked on a caller's thread. Only the first one counts.
    pub(crate) fn condemn(&self, incarnation: &Incarnation, caught: Caught) {
        let Caught { reason, raised, caught } = caught;
        if !incarnation.condemn(reason.clone()) {
            return;
        }
        self.note_end(incarnation, EndTimes { raised, caught });
        incarnation.request_kill();
        let generation = incarnation.generation;
        self.tell_supervisor(|key| Event::Condemned { key, generation, reason });
    }

    pub(crate) fn watched_by(&self, watcher: Weak<dyn Watcher>) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|other| other.strong_count() > 0 && !other.ptr_eq(&watcher));
        watchers.push(watcher);
    }

    /// What its address answers has changed.
    pub(crate) fn tell_watchers(&self) {
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            watcher.changed();
        }
    }

    // === the task's side ===

    /// Registers the task's waker, so that a stop or a kill reaches it wherever it waits.
    pub(crate) fn register(&self, epoch: u64, waker: &Waker) {
        let mut control = self.lock();
        if control.epoch == epoch {
            control.waker = Some(waker.clone());
        }
    }

    /// Remembers when `incarnation` ended, to measure the restart, unless it has been replaced.
    pub(crate) fn note_end(&self, incarnation: &Incarnation, ended: EndTimes) {
        let mut control = self.lock();
        if control.current.as_ref().is_some_and(|current| current.generation == incarnation.generation) {
            control.ended = Some(ended);
        }
    }

    pub(crate) fn take_end(&self) -> Option<EndTimes> {
        self.lock().ended.take()
    }

    /// With a fresh queue, nothing that waits when an incarnation ends is for the next one. After a crash it is
    /// dropped at once; after an orderly end only at the next start, since the child may not come back.
    fn freshen(&self, reason: &ExitReason) {
        if !self.fresh_queue {
            return;
        }
        // Senders that wait for room are woken, and may have brought wakers of their own.
        panics::drop_quietly(panics::catch(|| {
            if reason.is_abnormal() {
                Arc::clone(&self.queue).discard(reason.clone());
            } else {
                self.queue.mark_stale(reason.clone());
            }
        }));
    }

    /// Tells the supervisor that an incarnation has ended; everything of it has been dropped.
    ///
    /// Returns the next incarnation when this task is to go on with it.
    pub(crate) fn report(&self, epoch: u64, ended: &Incarnation, report: Event) -> Option<Arc<Incarnation>> {
        let reason = match &report {
            Event::Exited { reason, .. } => reason.clone(),
            _ => ExitReason::Normal,
        };
        {
            let mut control = self.lock();
            if control.epoch != epoch {
                drop(control);
                return self.came_back();
            }
            control.reporting = true;
        }
        self.freshen(&reason);
        debug_assert!(ended.scope.is_replaced(), "concluded before it is reported");
        self.tell_supervisor(|_| report);
        let mut control = self.lock();
        if control.epoch != epoch {
            drop(control);
            return self.came_back();
        }
        control.reporting = false;
        let order = control.order.take();
        if order.is_none() {
            control.task_alive = false;
            control.waker = None;
        }
        order
    }

    /// An incarnation whose slot was taken from it has ended after all. Nothing follows from it but that nothing
    /// leaks any more.
    fn came_back(&self) -> Option<Arc<Incarnation>> {
        let _ = self.leaked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |leaked| leaked.checked_sub(1));
        None
    }

    /// The task was dropped by its runtime while an incarnation ran, or before it could.
    pub(crate) fn task_dropped(&self, epoch: u64, incarnation: &Incarnation, reason: ExitReason) {
        {
            let mut control = self.lock();
            if control.epoch != epoch {
                drop(control);
                self.came_back();
                return;
            }
            control.task_alive = false;
            control.waker = None;
            control.ended = Some(EndTimes::now());
        }
        self.freshen(&ExitReason::Killed);
        let generation = incarnation.generation;
        self.tell_supervisor(|key| Event::Exited { key, generation, reason });
    }
}

impl Drop for Slot {
    /// A child that can never start has an address that leads nowhere: its specification was refused, or dropped.
    fn drop(&mut self) {
        if !self.is_stand_in {
            Arc::clone(&self.queue).close_for_good();
        }
        panics::drop_quietly(panics::catch(|| self.tell_watchers()));
    }
}
