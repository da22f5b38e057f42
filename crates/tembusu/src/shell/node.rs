//! A running supervisor: the core, its inbox, and the effects' way out.
//!
//! Whoever brings an event becomes the runner unless there is one; the runner steps the core under a short lock
//! and carries the effects out after releasing it, so that a supervisor can bring events to its parent and its
//! children, and they to it, without a lock held.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Instant, SystemTime};

use tokio::sync::{broadcast, oneshot};

use super::member::{Member, Members};
use super::tree::Shared;
use crate::core::{
    Child, ChildKey, ChildState, Core, Effect, Event as CoreEvent, Generation, Happening, Mode, Outcome, QueueFate, Refused,
    Request, RequestId,
};
use crate::event::{Event, EventKind, Latency};
use crate::exit::ExitReason;
use crate::panics;
use crate::scope::Scope;
use crate::snapshot::{Kind, NodeSnapshot, State};

/// What a supervisor reports to.
pub(crate) enum Above {
    Program,
    Parent { node: Weak<Node>, key: ChildKey },
}

#[derive(Default)]
struct Inbox {
    events: VecDeque<CoreEvent>,
    /// Somebody is stepping the core.
    running: bool,
}

pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    path: OnceLock<Arc<str>>,
    above: OnceLock<Above>,
    shared: OnceLock<Arc<Shared>>,
    /// The stream of the tree whose root this is.
    events: broadcast::Sender<Event>,
    /// The supervisor that this one was nested into, known before the start.
    pub(crate) outer: OnceLock<Weak<Node>>,
    core: OnceLock<Mutex<Core>>,
    members: Mutex<Members>,
    inbox: Mutex<Inbox>,
    next_key: AtomicU64,
    next_request: AtomicU64,
    requests: Mutex<HashMap<RequestId, oneshot::Sender<Result<(), Refused>>>>,
    /// The generation under which the parent started this supervisor.
    generation: AtomicU64,
    /// The deadline the timer knows of, in nanoseconds since the epoch.
    armed: AtomicU64,
    /// What children added at run time are placed with.
    pub(crate) on: OnceLock<tokio::runtime::Handle>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    pub(crate) fn new(name: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            name,
            path: OnceLock::new(),
            above: OnceLock::new(),
            shared: OnceLock::new(),
            events: Shared::events_channel(),
            outer: OnceLock::new(),
            core: OnceLock::new(),
            members: Mutex::new(Members::default()),
            inbox: Mutex::new(Inbox::default()),
            next_key: AtomicU64::new(0),
            next_request: AtomicU64::new(0),
            requests: Mutex::new(HashMap::new()),
            generation: AtomicU64::new(0),
            armed: AtomicU64::new(u64::MAX),
            on: OnceLock::new(),
        })
    }

    /// Places the supervisor into a tree; it does not start anything.
    pub(crate) fn settle_in(&self, path: Arc<str>, above: Above, shared: Arc<Shared>, core: Core) {
        let fresh = self.path.set(path).is_ok()
            && self.above.set(above).is_ok()
            && self.shared.set(shared).is_ok()
            && self.core.set(Mutex::new(core)).is_ok();
        assert!(fresh, "a supervisor is placed into a tree once");
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        self.path.get().unwrap_or(&self.name)
    }

    pub(crate) fn shared(&self) -> Option<&Arc<Shared>> {
        self.shared.get()
    }

    pub(crate) fn above(&self) -> Option<&Above> {
        self.above.get()
    }

    pub(crate) fn new_key(&self) -> ChildKey {
        ChildKey(self.next_key.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn with_members<T>(&self, f: impl FnOnce(&mut Members) -> T) -> T {
        f(&mut lock(&self.members))
    }

    fn member(&self, key: ChildKey) -> Option<Arc<Member>> {
        lock(&self.members).get(key).cloned()
    }

    /// The channel of this tree's events.
    pub(crate) fn events(&self) -> broadcast::Sender<Event> {
        match self.outer.get().and_then(Weak::upgrade) {
            Some(outer) => outer.events(),
            None => self.events.clone(),
        }
    }

    // === events in ===

    /// Brings an event. Runs the core, unless another thread is at it and takes the event along.
    pub(crate) fn send(self: &Arc<Self>, event: CoreEvent) {
        {
            let mut inbox = lock(&self.inbox);
            inbox.events.push_back(event);
            if inbox.running {
                return;
            }
            inbox.running = true;
        }
        // Nothing that the runner does belongs to the incarnation whose thread this is.
        Scope::enter(None, || self.run());
    }

    fn run(self: &Arc<Self>) {
        let (Some(core), Some(shared)) = (self.core.get(), self.shared.get()) else { return };
        let mut effects = Vec::new();
        let mut restarting = false;
        loop {
            let event = {
                let mut inbox = lock(&self.inbox);
                match inbox.events.pop_front() {
                    Some(event) => event,
                    None => {
                        inbox.running = false;
                        break;
                    }
                }
            };
            let now = shared.now();
            let stepped = panics::catch(|| lock(core).step(now, event, &mut effects));
            if let Err(caught) = stepped {
                effects.clear();
                self.broken(&caught.reason);
                return;
            }
            for effect in effects.drain(..) {
                restarting |= matches!(effect, Effect::Start { .. });
                self.carry_out(shared, effect);
            }
        }
        self.arm(core, shared);
        if !restarting {
            shared.flush();
        }
    }

    /// An invariant of the core does not hold: this supervisor cannot be trusted any more, and its parent decides.
    fn broken(self: &Arc<Self>, reason: &ExitReason) {
        tracing::error!(path = %self.path(), %reason, "a supervisor's invariant does not hold: it ends");
        for (_, member) in self.with_members(|members| members.all()) {
            match &*member {
                Member::Worker(slot) => slot.kill(),
                Member::Supervisor { normal, fallback } => {
                    normal.send(CoreEvent::Stop { kill: true });
                    if let Some(fallback) = fallback {
                        fallback.send(CoreEvent::Stop { kill: true });
                    }
                }
            }
        }
        self.tell_above(Outcome::Exited(reason.clone()));
    }

    pub(crate) fn tick(self: &Arc<Self>) {
        self.armed.store(u64::MAX, Ordering::Release);
        self.send(CoreEvent::Tick);
    }

    fn arm(self: &Arc<Self>, core: &Mutex<Core>, shared: &Arc<Shared>) {
        let Some(deadline) = lock(core).deadline() else { return };
        let nanos = u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX - 1);
        if self.armed.fetch_min(nanos, Ordering::AcqRel) > nanos {
            shared.timer.arm(shared.instant(deadline), Arc::downgrade(self));
        }
    }

    pub(crate) fn flush_events(&self) {
        if let Some(shared) = self.shared.get() {
            shared.flush();
        }
    }

    /// Starts this supervisor as `generation` of its parent's child.
    fn start_as(self: &Arc<Self>, generation: Generation) {
        self.generation.store(generation, Ordering::Release);
        self.send(CoreEvent::Start);
    }

    // === effects out ===

    fn carry_out(self: &Arc<Self>, shared: &Arc<Shared>, effect: Effect) {
        match effect {
            Effect::Start { key, generation, mode } => match self.member(key).as_deref() {
                Some(Member::Worker(slot)) => slot.start(generation),
                Some(Member::Supervisor { normal, fallback }) => match (mode, fallback) {
                    (Mode::Degraded, Some(fallback)) => fallback.start_as(generation),
                    _ => normal.start_as(generation),
                },
                None => {}
            },
            Effect::Stop { key } => match self.member(key).as_deref() {
                Some(Member::Worker(slot)) => slot.stop(),
                Some(member) => self.stop_supervisor(key, member, false),
                None => {}
            },
            Effect::Kill { key } => match self.member(key).as_deref() {
                Some(Member::Worker(slot)) => slot.kill(),
                Some(member) => self.stop_supervisor(key, member, true),
                None => {}
            },
            Effect::Abandon { key } => {
                if let Some(Member::Worker(slot)) = self.member(key).as_deref() {
                    slot.abandon();
                }
            }
            Effect::Queue { key, fate } => {
                if let Some(member) = self.member(key) {
                    member.settle_queues(fate);
                }
            }
            Effect::Removed { key } => {
                let member = self.with_members(|members| members.remove(key));
                if let Some(member) = member {
                    member.settle_queues(QueueFate::CloseForGood);
                    // With the arguments, code of a user may be dropped.
                    panics::drop_quietly(member);
                }
            }
            Effect::Answer { id, result } => {
                if let Some(answer) = lock(&self.requests).remove(&id) {
                    let _ = answer.send(result);
                }
            }
            Effect::Report { key, generation, what } => self.report(shared, key, generation, what),
            Effect::Up(outcome) => self.tell_above(outcome),
        }
    }

    /// Stops whichever shape of a child supervisor runs. The core knows: the shape itself may still have its start
    /// waiting in its inbox.
    fn stop_supervisor(&self, key: ChildKey, member: &Member, kill: bool) {
        let Member::Supervisor { normal, fallback } = member else { return };
        match fallback {
            Some(fallback) if self.is_degraded(key) => fallback.send(CoreEvent::Stop { kill }),
            _ => normal.send(CoreEvent::Stop { kill }),
        }
    }

    fn is_degraded(&self, key: ChildKey) -> bool {
        let Some(core) = self.core.get() else { return false };
        lock(core).children().get(key).is_some_and(|child| child.mode == Mode::Degraded)
    }

    fn tell_above(self: &Arc<Self>, outcome: Outcome) {
        let generation = self.generation.load(Ordering::Acquire);
        match self.above.get() {
            Some(Above::Parent { node, key }) => {
                if let Some(parent) = node.upgrade() {
                    let key = *key;
                    parent.send(match outcome {
                        Outcome::Started => CoreEvent::Started { key, generation },
                        Outcome::Exited(reason) => CoreEvent::Exited { key, generation, reason },
                    });
                }
            }
            Some(Above::Program) => {
                let Some(shared) = self.shared.get() else { return };
                match outcome {
                    Outcome::Started => shared.up(),
                    Outcome::Exited(reason) => {
                        self.settle_queues(QueueFate::CloseForGood);
                        shared.down(reason);
                    }
                }
            }
            None => {}
        }
    }

    pub(crate) fn settle_queues(&self, fate: QueueFate) {
        for (_, member) in self.with_members(|members| members.all()) {
            member.settle_queues(fate);
        }
    }

    fn report(&self, shared: &Shared, key: ChildKey, generation: Generation, what: Happening) {
        let instant = Instant::now();
        let path = self.child_path(key);
        let kind = match what {
            Happening::Started { after_crash: true } => match self.latency(key, instant) {
                Some(latency) => EventKind::Restarted { latency },
                None => EventKind::Started,
            },
            Happening::Started { after_crash: false } => EventKind::Started,
            Happening::Ignored => EventKind::Ignored,
            Happening::Crashed { reason, charge } => EventKind::Crashed { reason, charge },
            Happening::StartFailed { reason, charge } => EventKind::StartFailed { reason, charge },
            Happening::Stopped { reason } => EventKind::Stopped { reason },
            Happening::Exhausted { report } => {
                let event = Event {
                    path: Arc::clone(self.path()),
                    incarnation: self.generation.load(Ordering::Acquire),
                    at: SystemTime::now(),
                    instant,
                    kind: EventKind::Escalated { report },
                };
                return shared.note(event);
            }
            Happening::Degraded { report } => EventKind::Degraded { report },
            Happening::Restored => EventKind::Restored,
            Happening::RestoreFailed { reason, retry_in } => EventKind::RestoreFailed { reason, retry_in },
            Happening::Unresponsive => EventKind::Unresponsive,
        };
        shared.note(Event { path, incarnation: generation, at: SystemTime::now(), instant, kind });
    }

    fn latency(&self, key: ChildKey, ready: Instant) -> Option<Latency> {
        let member = self.member(key)?;
        let Member::Worker(slot) = &*member else { return None };
        let crash = slot.take_crash()?;
        Some(Latency {
            crash_to_caught: crash.raised.map(|raised| crash.caught.saturating_duration_since(raised)),
            caught_to_ready: ready.saturating_duration_since(crash.caught),
        })
    }

    fn child_path(&self, key: ChildKey) -> Arc<str> {
        match self.member(key).as_deref() {
            Some(Member::Worker(slot)) => Arc::clone(slot.path()),
            Some(Member::Supervisor { normal, .. }) => Arc::clone(normal.path()),
            None => format!("{}/?", self.path()).into(),
        }
    }

    // === requests of operators ===

    /// Asks the core and waits for its answer.
    pub(crate) async fn ask(self: &Arc<Self>, request: Request) -> Result<(), Refused> {
        if self.core.get().is_none() {
            return Err(Refused::Stopping);
        }
        let id = RequestId(self.next_request.fetch_add(1, Ordering::Relaxed));
        let (answer, result) = oneshot::channel();
        lock(&self.requests).insert(id, answer);
        self.send(CoreEvent::Request { id, request });
        result.await.unwrap_or(Err(Refused::Stopping))
    }

    // === snapshots ===

    pub(crate) fn snapshot(&self) -> Vec<NodeSnapshot> {
        let Some(core) = self.core.get() else { return Vec::new() };
        let children: Vec<Child> = lock(core).children().iter().cloned().collect();
        children.into_iter().filter_map(|child| self.snapshot_of(child)).collect()
    }

    pub(crate) fn child_snapshot(&self, key: ChildKey) -> Option<NodeSnapshot> {
        let child = lock(self.core.get()?).children().get(key).cloned()?;
        self.snapshot_of(child)
    }

    fn snapshot_of(&self, child: Child) -> Option<NodeSnapshot> {
        let member = self.member(child.key)?;
        let degraded = child.mode == Mode::Degraded;
        let state = match child.state {
            ChildState::Idle if child.restore_at.is_some() => State::BackingOff,
            ChildState::Idle if degraded && child.is_vacant() => State::Degraded,
            ChildState::Idle if child.generation == 0 => State::Waiting,
            ChildState::Idle => State::Stopped,
            ChildState::Starting { .. } if child.crashed => State::Restarting,
            ChildState::Starting { .. } => State::Starting,
            ChildState::Running { .. } if degraded => State::Degraded,
            ChildState::Running { .. } => State::Running,
            ChildState::Stopping { .. } | ChildState::Killing { .. } => State::Stopping,
        };
        let mut snapshot = NodeSnapshot {
            path: self.child_path(child.key),
            name: child.name,
            kind: Kind::Supervisor,
            state,
            incarnation: child.generation,
            restarts: child.restarts,
            mailbox_len: 0,
            dead_letters: 0,
            expired: 0,
            last_exit: child.last_exit,
            children: Vec::new(),
        };
        match &*member {
            Member::Worker(slot) => {
                snapshot.kind = Kind::Worker;
                snapshot.mailbox_len = slot.queue.len();
                snapshot.dead_letters = slot.queue.dead_letters();
                snapshot.expired = slot.queue.expired();
            }
            Member::Supervisor { normal, fallback } => {
                snapshot.children = normal.snapshot();
                if let (true, Some(fallback)) = (degraded, fallback) {
                    snapshot.children.extend(fallback.snapshot());
                }
            }
        }
        Some(snapshot)
    }

    pub(crate) fn own_state(&self) -> State {
        match self.core.get().map(|core| lock(core)) {
            None => State::Waiting,
            Some(core) if core.is_up() => State::Running,
            Some(core) if core.is_stopping() => State::Stopping,
            Some(core) if core.is_down() => State::Stopped,
            Some(_) => State::Starting,
        }
    }
}
