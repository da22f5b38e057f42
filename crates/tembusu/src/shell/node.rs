//! A running supervisor: the core, its inbox, and the effects' way out.
//!
//! Whoever brings an event becomes the runner unless there is one; the runner steps the core under a short lock
//! and carries the effects out after releasing it, so that a supervisor can bring events to its parent and its
//! children, and they to it, without a lock held.

mod hold;
mod watched;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use tokio::time::Instant as Clock;

use super::member::{Member, Members, Nested};
use super::parking::Parking;
use super::slot::Site;
use super::tree::Shared;
use crate::core::{
    ChildKey, Core, Effect, Event as CoreEvent, Generation, Happening, KeyHashes, Mode, Outcome, QueueFate, Refused,
    Request, RequestId,
};
use crate::event::{Event, EventKind, Latency, Stream};
use crate::exit::ExitReason;
use crate::later::{self, ThreadMark};
use crate::panics;
use crate::reply::Reply;
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

/// Requests whose answers are awaited. `None` once there will be none any more.
type Awaited = Option<HashMap<RequestId, Reply<Result<(), Refused>>, KeyHashes>>;

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
    requests: Mutex<Awaited>,
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

    /// The path of a child of that name. Put together by hand: a format string costs as much as the rest of a start.
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
        let awaited = lock(&self.requests).take();
        // Whoever asked may have brought a waker of its own.
        panics::drop_quietly(awaited);
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

    // === effects out ===

    /// Carries out an effect of what happened `at`. Returns whether the start of a worker has begun.
    fn carry_out(self: &Arc<Self>, shared: &Arc<Shared>, at: Instant, effect: Effect, last: &mut Last) -> bool {
        match effect {
            Effect::Start { key, generation, mode } => match self.recall(key, last) {
                Some(Member::Worker(slot)) => {
                    if slot.start(generation) {
                        self.parking.leave();
                    }
                    return true;
                }
                Some(Member::Supervisor(nested)) => {
                    let Nested { normal, fallback, shape } = &**nested;
                    let fallback = fallback.as_ref().filter(|_| mode == Mode::Degraded);
                    shape.set_fallback(fallback.is_some());
                    return fallback.unwrap_or(normal).start_as(generation, mode);
                }
                None => {}
            },
            Effect::Trust { key } => {
                if let Some(Member::Supervisor(nested)) = self.member(key) {
                    nested.normal.on_trial.store(false, Ordering::Release);
                    nested.normal.send(CoreEvent::Trust);
                }
            }
            Effect::Stop { key } => stop_member(self.recall(key, last), false),
            Effect::Kill { key } => stop_member(self.recall(key, last), true),
            Effect::Abandon { key } => {
                if let Some(Member::Worker(slot)) = self.member(key) {
                    slot.abandon();
                }
            }
            Effect::Queue { key, fate } => {
                if let Some(member) = self.member(key) {
                    member.settle_queues(fate);
                }
            }
            Effect::Removed { key } => {
                // The last reference is the one that is dropped quietly below.
                *last = None;
                let member = self.with_members(|members| members.remove(key));
                if let Some(member) = member {
                    member.settle_queues(QueueFate::CloseForGood);
                    later::drop_member(member);
                }
            }
            Effect::Answer { id, result } => {
                let answer = lock(&self.requests).as_mut().and_then(|awaited| awaited.remove(&id));
                if let Some(answer) = answer {
                    // Whoever asked may have brought a waker of its own.
                    later::afterwards(move || drop(answer.send(result)));
                }
            }
            Effect::Report { key, generation, what } => self.report(shared, at, key, generation, what, last),
            Effect::Discard(reason) => later::drop_reason(reason),
            Effect::Up(outcome) => self.tell_above(outcome),
        }
        false
    }

    /// Looks a member up, unless it is the one that was looked up last.
    fn recall<'a>(&self, key: ChildKey, last: &'a mut Last) -> Option<&'a Member> {
        if last.as_ref().is_none_or(|(known, _)| *known != key) {
            *last = self.member(key).map(|member| (key, member));
        }
        last.as_ref().map(|(_, member)| member)
    }

    fn tell_above(self: &Arc<Self>, outcome: Outcome) {
        let generation = self.generation.load(Ordering::Acquire);
        if let Outcome::Exited(reason) = &outcome {
            self.has_ended(reason);
        }
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
                        self.release();
                        let shared = Arc::clone(shared);
                        later::afterwards(move || shared.down(reason));
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

    /// Lets go of everything below, arguments included: one that holds a handle to its own tree keeps nothing alive.
    fn release(&self) {
        for (key, member) in self.with_members(|members| members.all()) {
            if let Member::Supervisor(nested) = &member {
                let Nested { normal, fallback, .. } = &**nested;
                normal.release();
                if let Some(fallback) = fallback {
                    fallback.release();
                }
            }
            let last = self.with_members(|members| members.remove(key));
            later::drop_member(member);
            if let Some(last) = last {
                later::drop_member(last);
            }
        }
    }

    /// The wall clock is read when observers are told: see [`Shared::flush`].
    fn report(
        &self,
        shared: &Shared,
        instant: Instant,
        key: ChildKey,
        generation: Generation,
        what: Happening,
        last: &mut Last,
    ) {
        if !shared.events().is_heard() {
            return self.nobody_hears(instant, key, what, last);
        }
        let member = self.recall(key, last);
        let path = self.path_of(member);
        let kind = match what {
            Happening::Started { after_crash: true } => match member.and_then(latency) {
                Some(latency) => EventKind::Restarted { latency },
                None => EventKind::Started,
            },
            Happening::Started { after_crash: false } => EventKind::Started,
            Happening::Ignored => EventKind::Ignored,
            Happening::Crashed { reason, charge } => EventKind::Crashed { reason, charge },
            Happening::StartFailed { reason, charge } => EventKind::StartFailed { reason, charge },
            Happening::Stopped { reason } => EventKind::Stopped { reason },
            Happening::Exhausted { report } => {
                return self.note_own(shared, instant, EventKind::Escalated { report });
            }
            Happening::AutoShutdown => {
                return self.note_own(shared, instant, EventKind::AutoShutdown { child: path });
            }
            Happening::Degraded { report } => EventKind::Degraded { report },
            Happening::Restored => EventKind::Restored,
            Happening::RestoreFailed { reason, retry_in } => EventKind::RestoreFailed { reason, retry_in },
            Happening::Probing { probation } => EventKind::Probing { probation },
            Happening::ProbeFailed { reason, retry_in } => EventKind::ProbeFailed { reason, retry_in },
            Happening::BackingOff { wait } => EventKind::BackingOff { wait },
            Happening::Unresponsive => EventKind::Unresponsive,
        };
        shared.note(Event { path, incarnation: generation, at: SystemTime::UNIX_EPOCH, instant, kind });
    }

    /// What is kept of what nobody is told: when a child ended, for whoever listens by the time that it is back.
    fn nobody_hears(&self, instant: Instant, key: ChildKey, what: Happening, last: &mut Last) {
        if let Happening::Crashed { reason, .. } | Happening::StartFailed { reason, .. } = &what
            // That of a panic is known better.
            && !matches!(reason, ExitReason::Panic { .. })
            && let Some(Member::Worker(slot)) = self.recall(key, last)
        {
            slot.ended_at(instant);
        }
        let_go(what);
    }

    /// What happened to this supervisor itself.
    fn note_own(&self, shared: &Shared, instant: Instant, kind: EventKind) {
        let incarnation = self.generation.load(Ordering::Acquire);
        shared.note(Event { path: Arc::clone(self.path()), incarnation, at: SystemTime::UNIX_EPOCH, instant, kind });
    }

    pub(super) fn child_path(&self, key: ChildKey) -> Arc<str> {
        self.path_of(self.member(key).as_ref())
    }

    fn path_of(&self, member: Option<&Member>) -> Arc<str> {
        match member {
            Some(Member::Worker(slot)) => Arc::clone(slot.path()),
            Some(Member::Supervisor(nested)) => Arc::clone(nested.normal.path()),
            None => format!("{}/?", self.path()).into(),
        }
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

    // === requests of operators ===

    /// Asks the core and waits for its answer.
    pub(crate) async fn ask(self: &Arc<Self>, request: Request) -> Result<(), Refused> {
        if self.core.get().is_none() {
            return Err(Refused::Stopping);
        }
        let id = RequestId(self.next_request.fetch_add(1, Ordering::Relaxed));
        let (answer, result) = Reply::channel();
        match lock(&self.requests).as_mut() {
            Some(awaited) => drop(awaited.insert(id, answer)),
            None => return Err(Refused::Stopping),
        }
        self.send(CoreEvent::Request { id, request });
        result.await.unwrap_or(Err(Refused::Stopping))
    }
}

pub(crate) fn below(path: &str, name: &str) -> Arc<str> {
    [path, "/", name].concat().into()
}

/// Stops a worker, or whichever shape of a supervisor was started.
fn stop_member(member: Option<&Member>, kill: bool) {
    match member {
        Some(Member::Worker(slot)) if kill => slot.kill(),
        Some(Member::Worker(slot)) => slot.stop(),
        Some(Member::Supervisor(nested)) => {
            let Nested { normal, fallback, shape } = &**nested;
            let fallback = fallback.as_ref().filter(|_| shape.is_fallback());
            fallback.unwrap_or(normal).send(CoreEvent::Stop { kill });
        }
        None => {}
    }
}

/// What nobody is told may hold the last reference to an error of a user's.
fn let_go(what: Happening) {
    match what {
        Happening::Crashed { reason, .. }
        | Happening::StartFailed { reason, .. }
        | Happening::Stopped { reason }
        | Happening::RestoreFailed { reason, .. }
        | Happening::ProbeFailed { reason, .. } => match reason {
            // The core has it as the child's last reason, or it lies in the bin.
            ExitReason::Error(ref error) if Arc::strong_count(error) > 1 => {}
            ExitReason::Error(_) | ExitReason::Exhausted(_) | ExitReason::FailedToStart(_) => {
                later::drop_reason(reason)
            }
            _ => {}
        },
        Happening::Exhausted { report } | Happening::Degraded { report } => {
            later::drop_reason(ExitReason::Exhausted(report));
        }
        Happening::Started { .. }
        | Happening::Ignored
        | Happening::AutoShutdown
        | Happening::Restored
        | Happening::Probing { .. }
        | Happening::BackingOff { .. }
        | Happening::Unresponsive => {}
    }
}

/// How long the restart took that has just ended.
fn latency(member: &Member) -> Option<Latency> {
    let Member::Worker(slot) = member else { return None };
    let ended = slot.take_end()?;
    Some(Latency {
        crash_to_caught: ended.raised.map(|raised| ended.caught.saturating_duration_since(raised)),
        caught_to_ready: ended.caught.elapsed(),
    })
}
