//! A running supervisor: the core, its inbox, and the effects' way out.
//!
//! Whoever brings an event becomes the runner unless there is one; the runner steps the core under a short lock
//! and carries the effects out after releasing it, so that a supervisor can bring events to its parent and its
//! children, and they to it, without a lock held.

mod effects;
mod hold;
mod report;
mod requests;
mod watched;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant as Clock;

use super::member::{Member, Members, Nested};
use super::parking::Parking;
use super::slot::Site;
use super::tree::Shared;
use crate::core::{ChildKey, Core, Effect, Event as CoreEvent, Generation, Mode, Outcome, QueueFate};
use crate::event::Stream;
use crate::exit::ExitReason;
use crate::later::{self, ThreadMark};
use crate::mailbox::below;
use crate::panics;
use crate::scope::Scope;

/// What a supervisor reports to.
pub(crate) enum Above {
    Program,
    Parent { node: Weak<Node>, key: ChildKey },
}

#[derive(Default)]
struct Inbox {
    events: VecDeque<Incoming>,
    /// Somebody is stepping the core.
    running: bool,
    /// By which thread.
    runner: ThreadMark,
    /// That thread has taken events of others along.
    has_of_others: bool,
    /// The last instant that the core was told: runtimes with clocks of their own cannot turn it back.
    now: Duration,
    /// Room for effects, handed from run to run.
    effects: Vec<Effect>,
}

/// How many effects there is room for from run to run: those of a restart, not those of a large supervisor's end.
const EFFECTS_KEPT: usize = 16;

/// The member that was looked up last, since the effects of one event are mostly about one child.
type Last = Option<(ChildKey, Member)>;

enum Incoming {
    Core(CoreEvent),
    /// A start by the parent. The generation travels with it, so that what was sent before it is answered for
    /// the one before.
    StartAs(Generation, Mode),
}

pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    path: OnceLock<Arc<str>>,
    above: OnceLock<Above>,
    shared: OnceLock<Arc<Shared>>,
    /// The stream of the tree whose root this is; made when somebody subscribes or it is started.
    events: OnceLock<Arc<Stream>>,
    /// The supervisor that this one was nested into, known before the start.
    pub(crate) outer: OnceLock<Weak<Node>>,
    pub(super) core: OnceLock<Mutex<Core>>,
    members: Mutex<Members>,
    inbox: Mutex<Inbox>,
    next_key: AtomicU64,
    next_request: AtomicU64,
    requests: Mutex<requests::Awaited>,
    /// Why this supervisor cannot go on: an invariant of it does not hold.
    broken: OnceLock<ExitReason>,
    watched: Mutex<watched::Watched>,
    /// The generation under which the parent started this supervisor.
    generation: AtomicU64,
    /// It was started on trial and is not trusted yet: for readers that cannot wait for the core's lock.
    on_trial: AtomicBool,
    /// Which tasks wait for the restart of their group.
    pub(super) parking: Parking,
    /// The deadline the timer knows of, in nanoseconds since the epoch.
    armed: AtomicU64,
    /// What children added at run time are placed with.
    pub(crate) site: OnceLock<Arc<Site>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    pub(crate) fn new(name: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            name,
            path: OnceLock::new(),
            above: OnceLock::new(),
            shared: OnceLock::new(),
            events: OnceLock::new(),
            outer: OnceLock::new(),
            core: OnceLock::new(),
            members: Mutex::new(Members::default()),
            inbox: Mutex::new(Inbox::default()),
            next_key: AtomicU64::new(0),
            next_request: AtomicU64::new(0),
            requests: Mutex::new(Some(HashMap::default())),
            broken: OnceLock::new(),
            watched: Mutex::default(),
            generation: AtomicU64::new(0),
            on_trial: AtomicBool::new(false),
            parking: Parking::default(),
            armed: AtomicU64::new(u64::MAX),
            site: OnceLock::new(),
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

    /// The path of a child of that name.
    pub(crate) fn path_below(&self, name: &str) -> Arc<str> {
        below(self.path(), name)
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        self.path.get().unwrap_or(&self.name)
    }

    pub(crate) fn is_on_trial(&self) -> bool {
        self.on_trial.load(Ordering::Acquire)
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

    pub(super) fn member(&self, key: ChildKey) -> Option<Member> {
        lock(&self.members).get(key).cloned()
    }

    /// The stream of this tree's events.
    pub(crate) fn events(&self) -> Arc<Stream> {
        if let Some(shared) = self.shared.get() {
            return Arc::clone(shared.events());
        }
        match self.outer.get().and_then(Weak::upgrade) {
            Some(outer) => outer.events(),
            None => Arc::clone(self.events.get_or_init(Arc::default)),
        }
    }

    // === events in ===

    /// Brings an event. Runs the core, unless another thread is at it and takes the event along.
    pub(crate) fn send(self: &Arc<Self>, event: CoreEvent) {
        self.receive(Incoming::Core(event));
    }

    /// Returns whether observers will be told later, by whoever ends what has begun.
    fn receive(self: &Arc<Self>, incoming: Incoming) -> bool {
        let (now, effects) = {
            let mut inbox = lock(&self.inbox);
            let thread = later::this_thread();
            if inbox.running {
                inbox.has_of_others |= inbox.runner != thread;
                inbox.events.push_back(incoming);
                return true;
            }
            inbox.running = true;
            inbox.runner = thread;
            (inbox.now, std::mem::take(&mut inbox.effects))
        };
        // Nothing that the runner does belongs to the incarnation whose thread this is.
        Scope::enter(None, || self.run(incoming, now, effects))
    }

    fn run(self: &Arc<Self>, first: Incoming, mut now: Duration, mut effects: Vec<Effect>) -> bool {
        let (Some(core), Some(shared)) = (self.core.get(), self.shared.get()) else { return false };
        let running = later::Running::begin();
        let mut for_others = false;
        // Whether the last event began the start of a worker, whose `init` observers must not delay.
        let mut starting = false;
        let mut deadline = None;
        let mut next = Some(first);
        while let Some(incoming) = next {
            starting = false;
            // The one look at the clock: it is what the core is told, and what observers are.
            let at = Clock::now();
            now = now.max(shared.since_epoch(at));
            let mut restarts_group = false;
            if let Some(reason) = self.broken.get() {
                self.answer_broken(incoming, reason);
            } else {
                let stepped = panics::catch(|| {
                    let event = match incoming {
                        Incoming::Core(event) => event,
                        Incoming::StartAs(generation, mode) => {
                            self.begins(generation);
                            // Before anything of it runs, so that whoever meets a child of it knows.
                            self.on_trial.store(mode == Mode::Probing, Ordering::Release);
                            if mode == Mode::Probing { CoreEvent::StartOnTrial } else { CoreEvent::Start }
                        }
                    };
                    deadline = {
                        let mut core = lock(core);
                        core.step(now, event, &mut effects);
                        restarts_group = core.restarts_group();
                        core.deadline()
                    };
                    if restarts_group {
                        self.parking.open();
                    }
                    let mut last = None;
                    for effect in effects.drain(..) {
                        starting |= self.carry_out(shared, at.into_std(), effect, &mut last);
                    }
                });
                if let Err(caught) = stepped {
                    effects.clear();
                    restarts_group = false;
                    self.break_down(caught.reason);
                }
            }
            if !restarts_group && self.parking.close() {
                self.unpark_all();
            }
            let mut inbox = lock(&self.inbox);
            next = inbox.events.pop_front();
            if next.is_none() {
                inbox.running = false;
                for_others = std::mem::take(&mut inbox.has_of_others);
                inbox.now = now;
                if effects.capacity() <= EFFECTS_KEPT {
                    inbox.effects = std::mem::take(&mut effects);
                }
            }
        }
        if let Some(deadline) = deadline {
            self.arm(deadline, shared);
        }
        running.end(for_others, &shared.handle);
        if !starting {
            shared.flush();
        }
        starting
    }

    /// An invariant does not hold: this supervisor cannot be trusted any more. Everything below it ends, nobody
    /// is left waiting, and its parent decides.
    fn break_down(self: &Arc<Self>, reason: ExitReason) {
        tracing::error!(path = %self.path(), %reason, "a supervisor's invariant does not hold: it ends");
        let reason = self.broken.get_or_init(|| reason);
        for (_, member) in self.with_members(|members| members.all()) {
            match &member {
                Member::Worker(slot) => slot.kill(),
                Member::Supervisor(nested) => {
                    let Nested { normal, fallback, .. } = &**nested;
                    normal.send(CoreEvent::Stop { kill: true });
                    if let Some(fallback) = fallback {
                        fallback.send(CoreEvent::Stop { kill: true });
                    }
                }
            }
        }
        self.settle_queues(QueueFate::CloseForGood);
        self.end_requests();
        self.tell_above(Outcome::Exited(reason.clone()));
    }

    fn answer_broken(self: &Arc<Self>, incoming: Incoming, reason: &ExitReason) {
        match incoming {
            Incoming::StartAs(generation, _) => self.begins(generation),
            Incoming::Core(CoreEvent::Start | CoreEvent::Stop { .. }) => {}
            Incoming::Core(_) => return,
        }
        self.tell_above(Outcome::Exited(reason.clone()));
    }

    /// No group is being restarted: who still waits for it is told so.
    fn unpark_all(&self) {
        for (_, member) in self.with_members(|members| members.all()) {
            if let Member::Worker(slot) = &member {
                slot.unpark();
            }
            later::drop_member(member);
        }
    }

    pub(crate) fn tick(self: &Arc<Self>) {
        self.armed.store(u64::MAX, Ordering::Release);
        self.send(CoreEvent::Tick);
    }

    fn arm(self: &Arc<Self>, deadline: Duration, shared: &Arc<Shared>) {
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

    /// Starts this supervisor as `generation` of its parent's child; the root is the first and only one.
    pub(crate) fn start_as(self: &Arc<Self>, generation: Generation, mode: Mode) -> bool {
        self.receive(Incoming::StartAs(generation, mode))
    }

    pub(crate) fn leaked(&self) -> u64 {
        let members = self.with_members(|members| members.all());
        members
            .iter()
            .map(|(_, member)| match member {
                Member::Worker(slot) => slot.leaked(),
                Member::Supervisor(nested) => {
                    let Nested { normal, fallback, .. } = &**nested;
                    normal.leaked() + fallback.as_ref().map_or(0, |fallback| fallback.leaked())
                }
            })
            .sum()
    }
}
