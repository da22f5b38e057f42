//! A child's slot: what outlives its incarnations.
//!
//! The slot owns the queue's control, knows the running task and hands it from incarnation to incarnation. A
//! task that reports its child's end is given the next incarnation at once when the core says so, and a new
//! task is made only when the old one is gone.

mod parked;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

pub(crate) use parked::AfterPause;

use super::incarnation::Incarnation;
use super::node::Node;
use crate::core::{ChildKey, Event, Generation};
use crate::exit::ExitReason;
use crate::ground::On;
use crate::inline::Watcher;
use crate::mailbox::Queue;
use crate::panics::{self, Caught};
use crate::poll;
use crate::scope::Lost;

/// What a child is made from, without its types.
pub(crate) trait Launch: Send + Sync {
    fn queue(&self) -> &dyn Queue;

    /// For what outlasts the call.
    fn shared_queue(&self) -> Arc<dyn Queue>;

    /// Makes the task that runs its incarnations.
    fn launch(self: Arc<Self>, slot: Arc<Slot>, epoch: u64, incarnation: Arc<Incarnation>, on: &Handle);
}

/// Where the children of one supervisor run: shared by all that do not say otherwise.
pub(crate) struct Site {
    pub(crate) node: Weak<Node>,
    pub(crate) on: On,
    /// How often they let go of their threads, when they are healthy.
    pub(crate) heartbeat: Duration,
}

/// Where a slot stands in the tree.
pub(crate) struct Home {
    pub(crate) site: Arc<Site>,
    pub(crate) key: ChildKey,
    /// Of a stand-in: its queue has the path of the child whose place it takes.
    pub(crate) own_path: Option<Box<Arc<str>>>,
}

/// How a slot is used.
#[derive(Clone, Copy)]
pub(crate) struct Use {
    pub(crate) is_stand_in: bool,
    pub(crate) fresh_queue: bool,
    /// Its handlers may block.
    pub(crate) on_own_thread: bool,
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
    /// It is to go on with the current incarnation.
    ordered: bool,
    /// The task waits for its group's restart, and is counted in the supervisor's parking.
    parked: bool,
    /// It is not to wait: the child does not come back with its group.
    is_settled: bool,
    current: Option<Arc<Incarnation>>,
    waker: Option<Waker>,
    ended: Option<EndTimes>,
}

impl Control {
    /// What the task is to go on with.
    fn take_order(&mut self) -> Option<Arc<Incarnation>> {
        std::mem::take(&mut self.ordered).then(|| self.current.clone()).flatten()
    }
}

/// One for each child, of which there may be a million: what most have no use for stands apart.
pub(crate) struct Slot {
    launcher: Arc<dyn Launch>,
    pub(crate) used: Use,
    home: OnceLock<Home>,
    control: Mutex<Control>,
    rare: OnceLock<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    /// Who waits for what its incarnations publish.
    watchers: Mutex<Vec<Weak<dyn Watcher>>>,
    /// Incarnations that did not end although they were killed.
    leaked: AtomicU64,
}

impl Slot {
    pub(crate) fn new(launcher: Arc<dyn Launch>, used: Use) -> Arc<Self> {
        Arc::new(Self {
            launcher,
            used,
            home: OnceLock::new(),
            control: Mutex::new(Control::default()),
            rare: OnceLock::new(),
        })
    }

    pub(crate) fn queue(&self) -> &dyn Queue {
        self.launcher.queue()
    }

    pub(crate) fn shared_queue(&self) -> Arc<dyn Queue> {
        self.launcher.shared_queue()
    }

    pub(crate) fn settle_in(&self, home: Home) {
        let fresh = self.home.set(home).is_ok();
        assert!(fresh, "a slot is placed into a tree once");
    }

    fn home(&self) -> &Home {
        self.home.get().expect("a slot is placed into its tree before anything starts")
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        self.home().own_path.as_deref().unwrap_or_else(|| self.queue().path())
    }

    /// The last part of its path, which need not be made for that.
    pub(crate) fn name(&self) -> &str {
        match self.home().own_path.as_deref() {
            Some(path) => path.rsplit('/').next().unwrap_or_default(),
            None => self.queue().name(),
        }
    }

    pub(crate) fn leaked(&self) -> u64 {
        self.rare.get().map_or(0, |rare| rare.leaked.load(Ordering::Relaxed))
    }

    pub(crate) fn key(&self) -> ChildKey {
        self.home().key
    }

    pub(crate) fn runtime(&self) -> Handle {
        self.home().site.on.runtime()
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        self.home().site.heartbeat
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
        if let Some(node) = home.site.node.upgrade() {
            node.send(event(home.key));
        }
    }

    pub(crate) fn flush_events(&self) {
        if let Some(node) = self.home().site.node.upgrade() {
            node.flush_events();
        }
    }

    // === effects ===

    /// Begins an incarnation. True when a task that waited for its group goes on with it.
    pub(crate) fn start(self: &Arc<Self>, generation: Generation) -> bool {
        let incarnation = Incarnation::new(generation, Arc::downgrade(self));
        if self.used.fresh_queue || self.used.is_stand_in {
            // Senders that wait for room are woken, and may have brought wakers of their own.
            panics::drop_quietly(panics::catch(|| self.shared_queue().discard_stale()));
        }
        let mut control = self.lock();
        control.current = Some(Arc::clone(&incarnation));
        control.is_settled = false;
        if control.task_alive && control.reporting {
            control.ordered = true;
            return false;
        }
        if std::mem::take(&mut control.parked) {
            debug_assert!(control.task_alive && control.waker.is_some(), "one that waits has been polled");
            control.ordered = true;
            let waker = control.waker.clone();
            drop(control);
            if let Some(waker) = waker {
                poll::wake(waker);
            }
            return true;
        }
        control.epoch += 1;
        control.task_alive = true;
        control.reporting = false;
        control.waker = None;
        let epoch = control.epoch;
        drop(control);
        poll::launch(Arc::clone(self), epoch, incarnation);
        false
    }

    /// Makes the task.
    pub(crate) fn launch(self: Arc<Self>, epoch: u64, incarnation: Arc<Incarnation>) {
        let launcher = Arc::clone(&self.launcher);
        self.home().site.on.with_runtime_for(&self, |on| launcher.launch(Arc::clone(&self), epoch, incarnation, on));
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

    /// The generation that a task runs, or is to run.
    pub(crate) fn has_task(&self) -> Option<Generation> {
        let control = self.lock();
        control.current.as_ref().filter(|_| control.task_alive).map(|current| current.generation)
    }

    /// The incarnation that was started last, unless it was given up.
    pub(crate) fn current(&self) -> Option<Arc<Incarnation>> {
        self.lock().current.clone()
    }

    /// Takes the slot away from an incarnation that does not end.
    pub(crate) fn abandon(&self) {
        let mut control = self.lock();
        // One that its task had not begun yet never will be: nothing of it leaks.
        let has_begun = !control.ordered || control.reporting;
        control.epoch += 1;
        control.task_alive = false;
        control.reporting = false;
        let waker = control.waker.take();
        control.ended = Some(EndTimes::now());
        // What was ordered of its task is for nobody any more.
        control.ordered = false;
        let incarnation = control.current.take();
        drop(control);
        if has_begun {
            self.rare.get_or_init(Box::default).leaked.fetch_add(1, Ordering::Relaxed);
        }
        self.queue().detach();
        if let Some(incarnation) = incarnation {
            // It ends at its next await, if there is one, or where it waits, should its runtime come back.
            incarnation.request_kill();
            if let Some(waker) = waker {
                poll::wake(waker);
            }
            let reason = incarnation.verdict_or(ExitReason::Unresponsive);
            let at_hand = incarnation.scope.deadline();
            let linked = incarnation.conclude(Lost::Died(reason.clone()), &reason);
            if let Some(deadline) = at_hand {
                self.queue().give_up_call(deadline, &reason);
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
        let mut watchers = self.rare.get_or_init(Box::default).watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|other| other.strong_count() > 0 && !other.ptr_eq(&watcher));
        watchers.push(watcher);
    }

    /// What its address answers has changed.
    pub(crate) fn tell_watchers(&self) {
        let Some(rare) = self.rare.get() else { return };
        let watchers = rare.watchers.lock().unwrap_or_else(PoisonError::into_inner).clone();
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

    /// Remembers that `incarnation` ends now, if somebody listens: otherwise its supervisor does, whose clock is read anyway.
    pub(crate) fn note_end_now(&self, incarnation: &Incarnation) {
        let node = self.home().site.node.upgrade();
        let shared = node.as_ref().and_then(|node| node.shared());
        if shared.is_none_or(|shared| shared.events().is_heard()) {
            self.note_end(incarnation, EndTimes::now());
        }
    }

    /// Remembers when its last incarnation ended.
    pub(super) fn ended_at(&self, at: Instant) {
        self.lock().ended = Some(EndTimes { raised: None, caught: at });
    }

    pub(crate) fn take_end(&self) -> Option<EndTimes> {
        self.lock().ended.take()
    }

    /// With a fresh queue, nothing that waits when an incarnation ends is for the next one. After a crash it is
    /// dropped at once; after an orderly end only at the next start, since the child may not come back.
    fn freshen(&self, reason: &ExitReason) {
        if !self.used.fresh_queue {
            return;
        }
        // Senders that wait for room are woken, and may have brought wakers of their own.
        panics::drop_quietly(panics::catch(|| {
            if reason.is_abnormal() {
                self.shared_queue().discard(reason.clone());
            } else {
                self.queue().mark_stale(reason.clone());
            }
        }));
    }

    /// Tells the supervisor that an incarnation has ended; everything of it has been dropped.
    ///
    /// Returns how the task goes on; it waits for its group only when it `may_wait`.
    pub(crate) fn report(&self, epoch: u64, ended: &Incarnation, report: Event, may_wait: bool) -> AfterPause {
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
        let node = self.home().site.node.upgrade();
        if let Some(node) = &node {
            node.send(report);
        }
        // Let go of before the supervisor is, which may be the last reference to it.
        let mut control = self.lock();
        if control.epoch != epoch {
            drop(control);
            return self.came_back();
        }
        control.reporting = false;
        if let Some(order) = control.take_order() {
            return AfterPause::GoOn(order);
        }
        // While the slot is this task's: its successor may be the receiver already when it is not any more.
        let receiver = self.queue().leave();
        if may_wait && node.as_ref().is_some_and(|node| control.park(node)) {
            drop(control);
            drop(receiver);
            return AfterPause::Wait;
        }
        control.task_alive = false;
        let task = control.waker.take();
        drop(control);
        drop((task, receiver));
        AfterPause::End
    }

    /// An incarnation whose slot was taken from it has ended after all. Nothing follows from it but that nothing
    /// leaks any more.
    fn came_back(&self) -> AfterPause {
        if let Some(rare) = self.rare.get() {
            let _ = rare.leaked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |leaked| leaked.checked_sub(1));
        }
        AfterPause::End
    }

    /// The task was dropped by its runtime while an incarnation ran, or before it could.
    pub(crate) fn task_dropped(&self, epoch: u64, incarnation: &Incarnation, reason: ExitReason) {
        let receiver;
        {
            let mut control = self.lock();
            if control.epoch != epoch {
                drop(control);
                self.came_back();
                return;
            }
            receiver = self.queue().leave();
            control.task_alive = false;
            control.waker = None;
            control.ended = Some(EndTimes::now());
        }
        drop(receiver);
        self.freshen(&ExitReason::Killed);
        let generation = incarnation.generation;
        self.tell_supervisor(|key| Event::Exited { key, generation, reason });
    }
}

impl Drop for Slot {
    /// A child that can never start has an address that leads nowhere: its specification was refused, or dropped.
    fn drop(&mut self) {
        if !self.used.is_stand_in {
            self.shared_queue().close_for_good();
        }
        panics::drop_quietly(panics::catch(|| self.tell_watchers()));
    }
}
