//! A world that plays the children of one supervisor, deterministically and on a virtual clock.
//!
//! Children acknowledge starts and obey stops unless told otherwise; what they say is delivered in order, one
//! event at a time, and the laws of [`super::laws`] are checked after every one.

use std::collections::{BTreeMap, VecDeque};

use super::super::*;
use super::cast::{Gate, Init, Play, SEC, Stop, error, worker};
use crate::spec::policy::Restart;

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
    /// What the children have still to say.
    pub(super) said: VecDeque<Event>,
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

    /// With another rule for the end of significant children; before any child is added.
    pub(super) fn shut_down_automatically(&mut self, rule: AutoShutdown) {
        let core =
            std::mem::replace(&mut self.core, Core::new("".into(), Strategy::OneForOne, false, Intensity::new(0, SEC)));
        self.core = core.with_auto_shutdown(rule);
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

    pub(super) fn place(&mut self, name: &'static str) -> ChildKey {
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
        if matches!(event, Event::Start | Event::StartOnTrial) && self.core.is_down() {
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
            Effect::Trust { key } => self.act("trust", key),
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
            Effect::Discard(_) => {}
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
        let gate = if mode == Mode::Degraded { Gate::Degraded } else { Gate::Open };
        assert_eq!(play.gate, gate, "{} starts with its queue open", play.name);
        play.alive = true;
        play.generation = generation;
        let shape = match mode {
            Mode::Normal => "",
            Mode::Degraded => "'s fallback",
            Mode::Probing => " on trial",
        };
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
