//! A world that plays the children of one supervisor, deterministically and on a virtual clock.
//!
//! Children acknowledge starts and obey stops unless told otherwise; what they say is delivered in order, one
//! event at a time, and the laws of [`super::laws`] are checked after every one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::super::*;
use crate::spec::policy::{Restart, Shutdown};

pub(super) const SEC: Duration = Duration::from_secs(1);
pub(super) const MS: Duration = Duration::from_millis(1);
/// The children's budgets; none is like another, so that a test sees which one ended a wait.
pub(super) const SHUTDOWN: Duration = Duration::from_secs(5);
pub(super) const INIT: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(&'static str);

pub(super) fn error() -> ExitReason {
    ExitReason::Error(Arc::new(Failure("error")))
}

pub(super) fn panic() -> ExitReason {
    ExitReason::Panic { message: "panic".into(), location: None }
}

pub(super) fn exhausted() -> ExitReason {
    ExitReason::Exhausted(Arc::new(Report {
        supervisor: "below".into(),
        child: "below/child".into(),
        incarnation: 1,
        reason: error(),
        limit: 1,
        period: SEC,
    }))
}

/// How a child's `init` goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Init {
    Ready,
    Fail,
    Ignore,
    /// Says nothing until the test does.
    Hang,
}

/// What a child does when asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    Obey,
    /// Has to be killed.
    Deaf,
    /// Does not even end when killed.
    Undead,
}

/// What may be sent to a child's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    Closed,
    Degraded,
}

/// The child itself, as opposed to what the core knows of it.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) name: &'static str,
    pub(super) generation: Generation,
    pub(super) alive: bool,
    pub(super) inits: VecDeque<Init>,
    pub(super) always: Init,
    pub(super) stop: Stop,
    pub(super) gate: Gate,
}

pub(super) struct World {
    pub(super) core: Core,
    pub(super) now: Time,
    pub(super) plays: BTreeMap<ChildKey, Play>,
    pub(super) removed: Vec<&'static str>,
    /// What the supervisor did to its children, in order: `start a`, `stop b`, `kill b`, `abandon b`.
    pub(super) log: Vec<String>,
    pub(super) reports: Vec<(&'static str, Happening)>,
    pub(super) answers: BTreeMap<RequestId, Result<(), Refused>>,
    pub(super) asked: u64,
    pub(super) up: Vec<Outcome>,
    pub(super) charges: Vec<Time>,
    said: VecDeque<Event>,
    next_key: u64,
}

impl World {
    pub(super) fn new(strategy: Strategy, limit: u32) -> Self {
        Self::with(strategy, false, limit, 10 * SEC)
    }

    pub(super) fn with(strategy: Strategy, dynamic: bool, limit: u32, period: Duration) -> Self {
        Self {
            core: Core::new("sup".into(), strategy, dynamic, Intensity::new(limit, period)),
            now: Time::ZERO,
            plays: BTreeMap::new(),
            removed: Vec::new(),
            log: Vec::new(),
            reports: Vec::new(),
            answers: BTreeMap::new(),
            asked: 0,
            up: Vec::new(),
            charges: Vec::new(),
            said: VecDeque::new(),
            next_key: 0,
        }
    }

    /// A started supervisor with permanent workers of these names.
    pub(super) fn running(strategy: Strategy, limit: u32, names: &[&'static str]) -> Self {
        let mut world = Self::new(strategy, limit);
        for name in names {
            world.add(name, worker(Restart::Permanent));
        }
        world.start();
        world
    }

    pub(super) fn add(&mut self, name: &'static str, policy: ChildPolicy) {
        let key = self.place(name);
        self.core.add(key, name.into(), policy);
    }

    fn place(&mut self, name: &'static str) -> ChildKey {
        let key = ChildKey(self.next_key);
        self.next_key += 1;
        let play = Play {
            name,
            generation: 0,
            alive: false,
            inits: VecDeque::new(),
            always: Init::Ready,
            stop: Stop::Obey,
            gate: Gate::Open,
        };
        self.plays.insert(key, play);
        key
    }

    pub(super) fn start(&mut self) {
        self.bring(Event::Start);
        self.log.clear();
    }

    // === the script ===

    pub(super) fn key(&self, name: &str) -> ChildKey {
        let found = self.plays.iter().find(|(_, play)| play.name == name);
        *found.unwrap_or_else(|| panic!("a child is called {name}")).0
    }

    pub(super) fn play(&mut self, name: &str) -> &mut Play {
        let key = self.key(name);
        self.plays.get_mut(&key).expect("it has just been found")
    }

    pub(super) fn child(&self, name: &str) -> Option<&Child> {
        let key = self.plays.iter().find(|(_, play)| play.name == name)?.0;
        self.core.children().get(*key)
    }

    pub(super) fn is_running(&self, name: &str) -> bool {
        self.child(name).is_some_and(|child| matches!(child.state, ChildState::Running { .. }))
    }

    pub(super) fn generation(&self, name: &str) -> Generation {
        self.plays[&self.key(name)].generation
    }

    /// A child says that its `init` is through.
    pub(super) fn ready(&mut self, name: &str) {
        let (key, generation) = (self.key(name), self.generation(name));
        self.bring(Event::Started { key, generation });
    }

    /// A child says that there is nothing to run.
    pub(super) fn ignore(&mut self, name: &str) {
        let (key, generation) = self.end_by_itself(name);
        self.step(Event::Ignored { key, generation });
    }

    /// A child ends by itself, with all that follows.
    pub(super) fn die(&mut self, name: &str, reason: ExitReason) {
        self.die_silently(name, reason);
        self.settle();
    }

    /// A child ends by itself; nobody else says anything before the test goes on.
    pub(super) fn die_silently(&mut self, name: &str, reason: ExitReason) {
        let (key, generation) = self.end_by_itself(name);
        self.step(Event::Exited { key, generation, reason });
    }

    fn end_by_itself(&mut self, name: &str) -> (ChildKey, Generation) {
        let key = self.key(name);
        let play = self.play(name);
        assert!(std::mem::replace(&mut play.alive, false), "{name} lives");
        let generation = play.generation;
        // Whatever it had still to say is not said any more.
        self.said.retain(|event| speaker(event) != Some(key));
        (key, generation)
    }

    pub(super) fn request(&mut self, request: Request) -> RequestId {
        let id = self.request_silently(request);
        self.settle();
        id
    }

    /// Asks; nobody says anything before the test goes on.
    pub(super) fn request_silently(&mut self, request: Request) -> RequestId {
        let id = RequestId(self.asked);
        self.asked += 1;
        self.step(Event::Request { id, request });
        id
    }

    pub(super) fn start_child(&mut self, name: &'static str, policy: ChildPolicy) -> RequestId {
        self.start_child_that(name, policy, Init::Ready)
    }

    pub(super) fn start_child_that(&mut self, name: &'static str, policy: ChildPolicy, init: Init) -> RequestId {
        let id = self.start_child_as(name, policy, vec![init]);
        self.settle();
        id
    }

    /// Adds a child with its next inits; nobody says anything before the test goes on.
    pub(super) fn start_child_as(&mut self, name: &'static str, policy: ChildPolicy, inits: Vec<Init>) -> RequestId {
        let key = self.place(name);
        self.play(name).inits.extend(inits);
        self.request_silently(Request::Add { key, name: name.into(), policy })
    }

    pub(super) fn terminate(&mut self, name: &str) -> RequestId {
        let key = self.key(name);
        self.request(Request::Terminate { key })
    }

    pub(super) fn restart(&mut self, name: &str) -> RequestId {
        let key = self.key(name);
        self.request(Request::Restart { key })
    }

    pub(super) fn delete(&mut self, name: &str) -> RequestId {
        let key = self.key(name);
        self.request(Request::Delete { key })
    }

    pub(super) fn restore(&mut self, name: &str) -> RequestId {
        let key = self.key(name);
        self.request(Request::Restore { key })
    }

    /// What the core is to take no notice of.
    pub(super) fn bring_stale(&mut self, event: Event) {
        self.step(Event::Tick);
        let before = format!("{:?}", self.core);
        let mut effects = Vec::new();
        self.core.step(self.now, event.clone(), &mut effects);
        assert!(effects.is_empty(), "{event:?} is stale and has effects: {effects:?}");
        assert_eq!(format!("{:?}", self.core), before, "{event:?} is stale and changes something");
    }

    /// The answer in a word: `ok`, `not found`, …; `none` while there is none.
    pub(super) fn answer(&self, id: RequestId) -> &'static str {
        match self.answers.get(&id) {
            None => "none",
            Some(Ok(())) => "ok",
            Some(Err(Refused::NotFound)) => "not found",
            Some(Err(Refused::Running)) => "running",
            Some(Err(Refused::Restarting)) => "restarting",
            Some(Err(Refused::NotDegraded)) => "not degraded",
            Some(Err(Refused::Stopping)) => "stopping",
            Some(Err(Refused::Failed(_))) => "failed",
        }
    }

    /// What the supervisor has done to its children since the last look.
    pub(super) fn done(&mut self) -> String {
        std::mem::take(&mut self.log).join(", ")
    }

    /// What has been said of a child, in words.
    pub(super) fn said_of(&self, name: &str) -> Vec<String> {
        let of = self.reports.iter().filter(|(of, _)| *of == name);
        of.map(|(_, what)| word(what)).collect()
    }

    pub(super) fn last_up(&self) -> Option<&Outcome> {
        self.up.last()
    }

    /// Why the supervisor has ended, if it has.
    pub(super) fn ended(&self) -> Option<&ExitReason> {
        match self.up.last() {
            Some(Outcome::Exited(reason)) => Some(reason),
            _ => None,
        }
    }

    // === time ===

    /// Lets time pass, deadline by deadline, to `by` from now.
    pub(super) fn pass(&mut self, by: Duration) {
        let end = self.now + by;
        while let Some(at) = self.core.deadline().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.bring(Event::Tick);
            let next = self.core.deadline();
            assert!(next.is_none_or(|next| next > self.now), "a tick makes the deadline advance: {next:?}");
        }
        self.now = end;
    }

    /// Brings an event and everything that follows from it.
    pub(super) fn bring(&mut self, event: Event) {
        self.step(event);
        self.settle();
    }

    /// Lets the children say what they have to say.
    pub(super) fn settle(&mut self) {
        while self.say_one() {}
    }

    pub(super) fn say_one(&mut self) -> bool {
        let Some(event) = self.said.pop_front() else { return false };
        // An incarnation that was abandoned meanwhile ends, too, but it is not the child any more.
        if let Event::Exited { key, generation, .. } | Event::Ignored { key, generation } = event
            && let Some(play) = self.plays.get_mut(&key).filter(|play| play.generation == generation)
        {
            play.alive = false;
        }
        self.step(event);
        true
    }

    pub(super) fn step(&mut self, event: Event) {
        if matches!(event, Event::Start) && self.core.is_down() {
            self.charges.clear();
        }
        let mut effects = Vec::new();
        self.core.step(self.now, event, &mut effects);
        for effect in effects {
            self.carry_out(effect);
        }
        self.check();
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Start { key, generation, mode } => self.begin(key, generation, mode),
            Effect::Stop { key } => {
                self.act("stop", key);
                self.obey(key, Stop::Obey, ExitReason::Shutdown);
            }
            Effect::Kill { key } => {
                self.act("kill", key);
                self.obey(key, Stop::Deaf, ExitReason::Killed);
            }
            Effect::Abandon { key } => {
                self.act("abandon", key);
                self.plays.get_mut(&key).expect("it exists").alive = false;
            }
            Effect::Queue { key, fate } => {
                let gate = &mut self.plays.get_mut(&key).expect("a queue has a child").gate;
                *gate = match (fate, *gate) {
                    (QueueFate::Close | QueueFate::CloseForGood, _) => Gate::Closed,
                    (QueueFate::Reopen, Gate::Closed) => Gate::Open,
                    (QueueFate::Degrade, _) => Gate::Degraded,
                    (QueueFate::Restore, Gate::Degraded) => Gate::Open,
                    (QueueFate::Reopen | QueueFate::Restore, gate) => gate,
                };
            }
            Effect::Removed { key } => {
                let play = self.plays.remove(&key).expect("a child is removed once");
                assert!(!play.alive, "{} has ended before it is removed", play.name);
                self.removed.push(play.name);
            }
            Effect::Answer { id, result } => {
                assert!(id.0 < self.asked);
                let before = self.answers.insert(id, result);
                assert!(before.is_none(), "{id:?} is answered once");
            }
            Effect::Report { key, generation, what } => {
                let charged = matches!(
                    what,
                    Happening::Crashed { charge: Some(_), .. } | Happening::StartFailed { charge: Some(_), .. }
                );
                if charged {
                    self.charges.push(self.now);
                }
                let play = &self.plays[&key];
                assert!(generation <= play.generation);
                self.reports.push((play.name, what));
            }
            Effect::Up(outcome) => self.up.push(outcome),
        }
    }

    fn act(&mut self, what: &str, key: ChildKey) {
        let play = &self.plays[&key];
        assert!(play.alive, "{what} concerns {}, which lives", play.name);
        self.log.push(format!("{what} {}", play.name));
    }

    fn begin(&mut self, key: ChildKey, generation: Generation, mode: Mode) {
        let play = self.plays.get_mut(&key).expect("it exists");
        assert!(!play.alive, "{} has one incarnation at a time", play.name);
        assert_eq!(generation, play.generation + 1, "the generations of {} are consecutive", play.name);
        let gate = if mode == Mode::Normal { Gate::Open } else { Gate::Degraded };
        assert_eq!(play.gate, gate, "{} starts with its queue open", play.name);
        play.alive = true;
        play.generation = generation;
        let shape = if mode == Mode::Normal { "" } else { "'s fallback" };
        self.log.push(format!("start {}{shape}", play.name));
        let init = play.inits.pop_front().unwrap_or_else(|| play.always.clone());
        match init {
            Init::Ready => self.said.push_back(Event::Started { key, generation }),
            Init::Ignore => self.said.push_back(Event::Ignored { key, generation }),
            Init::Fail => self.said.push_back(Event::Exited { key, generation, reason: error() }),
            Init::Hang => {}
        }
    }

    fn obey(&mut self, key: ChildKey, order: Stop, reason: ExitReason) {
        let play = &self.plays[&key];
        let (generation, obeys) = (play.generation, play.stop <= order);
        let ends_already = |event: &Event| match event {
            Event::Exited { key: k, generation: g, .. } | Event::Ignored { key: k, generation: g } => {
                (*k, *g) == (key, generation)
            }
            _ => false,
        };
        if obeys && !self.said.iter().any(ends_already) {
            self.said.push_back(Event::Exited { key, generation, reason });
        }
    }
}

fn speaker(event: &Event) -> Option<ChildKey> {
    match event {
        Event::Started { key, .. } | Event::Ignored { key, .. } | Event::Exited { key, .. } => Some(*key),
        _ => None,
    }
}

fn word(what: &Happening) -> String {
    match what {
        Happening::Started { after_crash: true } => "restarted".into(),
        Happening::Started { after_crash: false } => "started".into(),
        Happening::Ignored => "ignored".into(),
        Happening::Crashed { reason, charge } => format!("crashed {}{}", reason.label(), charged(*charge)),
        Happening::StartFailed { reason, charge } => format!("start failed {}{}", reason.label(), charged(*charge)),
        Happening::Stopped { reason } => format!("stopped {}", reason.label()),
        Happening::Exhausted { .. } => "exhausted".into(),
        Happening::Degraded { .. } => "degraded".into(),
        Happening::Restored => "restored".into(),
        Happening::RestoreFailed { .. } => "restore failed".into(),
        Happening::Unresponsive => "unresponsive".into(),
    }
}

fn charged(charge: Option<Charge>) -> String {
    charge.map_or_else(String::new, |charge| format!(" {}/{}", charge.k, charge.limit))
}

pub(super) fn worker(restart: Restart) -> ChildPolicy {
    ChildPolicy {
        restart,
        shutdown: Shutdown::Within(SHUTDOWN),
        init_timeout: Some(INIT),
        exhaustion: Exhaustion::Escalate,
    }
}

pub(super) fn supervisor(restart: Restart, exhaustion: Exhaustion) -> ChildPolicy {
    ChildPolicy { restart, shutdown: Shutdown::Unlimited, init_timeout: None, exhaustion }
}
