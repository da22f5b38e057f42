//! Two levels of cores and everything that can happen to them next, with the safety laws.
//!
//! What a worker says arrives when it says it: a core cannot tell a late message from a late event. What one
//! supervisor tells the other waits in a queue of its own. So every order is some order of [`Act`]s.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::super::children::Intent;
use super::super::super::*;
use super::super::cast::{SEC, error, supervisor, worker};
use crate::spec::Backoff;
use crate::spec::policy::Restart;

/// Number of a core: 0 above, 1 below.
pub(super) type Level = usize;
pub(super) type Place = (Level, ChildKey);

/// What is explored.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    strategy: Strategy,
    workers: Vec<Restart>,
    limit: u32,
    requests: u32,
    ignores: u32,
    below: Option<(Restart, Box<Plan>)>,
    dropped: Option<u32>,
    /// What follows when the one below is exhausted, and how long it is on trial after that.
    exhaustion: Exhaustion,
    probation: Option<Duration>,
    /// All that are not permanent are significant.
    auto: AutoShutdown,
    /// Restarts wait, and longer each time.
    backs_off: bool,
    /// Its workers are templates, of which so many children may be added.
    dynamic: Option<u32>,
    /// How often so much time passes that no failure before counts any more.
    lapses: u32,
}

/// So that no charge leaves the window unless all do.
const PERIOD: Duration = SEC.saturating_mul(1_000_000_000);

impl Plan {
    pub(super) fn new(strategy: Strategy, workers: &[Restart]) -> Self {
        Self {
            strategy,
            workers: workers.to_vec(),
            limit: 0,
            requests: 0,
            ignores: 0,
            below: None,
            dropped: None,
            exhaustion: Exhaustion::Escalate,
            probation: None,
            auto: AutoShutdown::Never,
            backs_off: false,
            dynamic: None,
            lapses: 0,
        }
    }

    /// The one below goes on degraded when it is exhausted, and is restored by itself.
    pub(super) fn degrade(self, fallback: bool, probation: Option<Duration>) -> Self {
        // That long each time: otherwise, there would be a state for every wait.
        let backoff = Some(Doubling { first: SEC, max: SEC });
        Self { exhaustion: Exhaustion::Degrade { fallback, backoff }, probation, ..self }
    }

    pub(super) fn auto(self, auto: AutoShutdown) -> Self {
        Self { auto, ..self }
    }

    pub(super) fn back_off(self) -> Self {
        Self { backs_off: true, ..self }
    }

    pub(super) fn dynamic(self, adds: u32) -> Self {
        Self { dynamic: Some(adds), ..self }
    }

    pub(super) fn lapses(self, lapses: u32) -> Self {
        Self { lapses, ..self }
    }

    pub(super) fn limit(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    pub(super) fn requests(self, requests: u32) -> Self {
        Self { requests, ..self }
    }

    pub(super) fn ignores(self, ignores: u32) -> Self {
        Self { ignores, ..self }
    }

    pub(super) fn worker(mut self, restart: Restart) -> Self {
        self.workers.push(restart);
        self
    }

    /// The same with its last child a supervisor.
    pub(super) fn above(mut self, restart: Restart, below: Plan) -> Self {
        self.workers.pop();
        Self { below: Some((restart, Box::new(below))), ..self }
    }

    /// The same with cores that overlook the nth event.
    pub(super) fn dropping(self, nth: u32) -> Self {
        Self { dropped: Some(nth), ..self }
    }
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// `init` succeeds, possibly when the worker has been told to end.
    Ready(Place),
    /// `init` says that there is nothing to run.
    Ignore(Place),
    /// It ends with an error: in `init`, in service, or on its way out.
    Crash(Place),
    /// It ends in order by itself.
    Finish(Place),
    /// It ends as it was told.
    Obey(Place),
    /// The supervisor below hears the one above, or the other way round.
    Down,
    Up,
    /// Time passes to the next deadline of one of them.
    Tick(Level),
    /// Much time passes, and whoever waits hears of it late.
    Lapse,
    Ask(Place, Wish),
    /// An operator adds a child to a dynamic supervisor.
    Add(Level),
    /// The program stops the tree.
    Stop {
        kill: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Terminate,
    Restart,
    Delete,
    Restore,
}

/// A worker itself, as opposed to what its supervisor knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Truth {
    pub(super) alive: bool,
    /// Its `init` has succeeded.
    pub(super) acked: bool,
    pub(super) told_to_stop: bool,
    pub(super) killed: bool,
    /// An operator terminated it, or it ignored: nobody owes a restart.
    pub(super) excused: bool,
    /// It ended in order by itself: nobody owes a restart to a transient one.
    pub(super) finished: bool,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) cores: Vec<Core>,
    pub(super) now: Time,
    pub(super) workers: BTreeMap<Place, Truth>,
    /// Where the supervisor below hangs, and under which generation it runs.
    pub(super) shape: Option<ChildKey>,
    /// An operator had to do with it; see [`Truth::excused`].
    pub(super) shape_excused: bool,
    generation_below: Generation,
    pub(super) down: VecDeque<Event>,
    pub(super) up: VecDeque<Event>,
    pub(super) told_end: [bool; 2],
    pub(super) asked_to_stop: bool,
    pub(super) unanswered: BTreeSet<u64>,
    pub(super) asked: u64,
    pub(super) charges: [u32; 2],
    pub(super) requests: u32,
    pub(super) ignores: u32,
    pub(super) dropped: Option<u32>,
    pub(super) lapses: u32,
    /// By level: how the children of a dynamic supervisor are treated, and how many may still be added.
    pub(super) templates: BTreeMap<Level, (Vec<Restart>, u32)>,
    next_key: u64,
}

impl World {
    pub(super) fn new(plan: &Plan) -> Result<Self, String> {
        let mut world = Self {
            cores: Vec::new(),
            now: Time::ZERO,
            workers: BTreeMap::new(),
            shape: None,
            shape_excused: false,
            generation_below: 0,
            down: VecDeque::new(),
            up: VecDeque::new(),
            told_end: [false; 2],
            asked_to_stop: false,
            unanswered: BTreeSet::new(),
            asked: 0,
            charges: [0; 2],
            requests: plan.requests,
            ignores: plan.ignores,
            dropped: plan.dropped,
            lapses: plan.lapses,
            templates: BTreeMap::new(),
            next_key: 100,
        };
        world.build(plan);
        if let Some((restart, below)) = &plan.below {
            let key = ChildKey(plan.workers.len() as u64);
            let significant = plan.auto != AutoShutdown::Never && *restart != Restart::Permanent;
            let policy = supervisor(*restart, plan.exhaustion.clone());
            let policy = ChildPolicy { significant, probation: plan.probation, ..policy };
            world.cores[0].add(key, "below".into(), policy);
            if let Exhaustion::Degrade { fallback: true, .. } = plan.exhaustion {
                // What runs in its place behaves as a worker does.
                world.workers.insert((0, key), Truth::default());
            }
            world.shape = Some(key);
            world.build(below);
        }
        world.bring(0, Event::Start)?;
        Ok(world)
    }

    fn build(&mut self, plan: &Plan) {
        let level = self.cores.len();
        let intensity = Intensity::new(plan.limit, PERIOD);
        let is_dynamic = plan.dynamic.is_some();
        let core = Core::new(format!("{level}").into(), plan.strategy, is_dynamic, intensity);
        let mut core = core.with_auto_shutdown(plan.auto);
        if plan.backs_off {
            core.back_off(Backoff::exponential(SEC, 2 * SEC), 0);
        }
        if let Some(adds) = plan.dynamic {
            self.templates.insert(level, (plan.workers.clone(), adds));
            self.cores.push(core);
            return;
        }
        for (key, restart) in (0..).map(ChildKey).zip(&plan.workers) {
            let significant = plan.auto != AutoShutdown::Never && *restart != Restart::Permanent;
            core.add(key, format!("{}", key.0).into(), ChildPolicy { significant, ..worker(*restart) });
            self.workers.insert((level, key), Truth::default());
        }
        self.cores.push(core);
    }

    pub(super) fn child(&self, (level, key): Place) -> Option<&Child> {
        self.cores[level].children().get(key)
    }

    // === what can happen next ===

    pub(super) fn acts(&self) -> Vec<Act> {
        let mut acts = Vec::new();
        for (&place, truth) in self.workers.iter().filter(|worker| worker.1.alive) {
            if !truth.acked && !truth.killed {
                acts.push(Act::Ready(place));
                if self.ignores > 0 && !self.is_shape(place) {
                    acts.push(Act::Ignore(place));
                }
            }
            acts.push(Act::Crash(place));
            if truth.acked && !truth.told_to_stop {
                acts.push(Act::Finish(place));
            }
            if truth.told_to_stop || truth.killed {
                acts.push(Act::Obey(place));
            }
        }
        acts.extend((!self.down.is_empty()).then_some(Act::Down));
        acts.extend((!self.up.is_empty()).then_some(Act::Up));
        acts.extend((0..self.cores.len()).filter(|&level| self.wait_of(level).is_some()).map(Act::Tick));
        if self.requests > 0 {
            let shape = self.shape.map(|key| (0, key));
            let places: BTreeSet<Place> = self.workers.keys().copied().chain(shape).collect();
            for place in places.into_iter().filter(|&place| self.child(place).is_some()) {
                acts.extend([Wish::Terminate, Wish::Restart, Wish::Delete].map(|wish| Act::Ask(place, wish)));
                let degrades = self.child(place).is_some_and(|child| child.policy.exhaustion != Exhaustion::Escalate);
                acts.extend(degrades.then_some(Act::Ask(place, Wish::Restore)));
            }
        }
        acts.extend(self.templates.iter().filter(|(_, (_, adds))| *adds > 0).map(|(&level, _)| Act::Add(level)));
        acts.extend((self.lapses > 0).then_some(Act::Lapse));
        if !self.asked_to_stop {
            acts.extend([false, true].map(|kill| Act::Stop { kill }));
        }
        acts
    }

    /// What is expected next; time passes only when nothing else does.
    pub(super) fn fair_act(&self) -> Option<Act> {
        let expected = |(&place, truth): (&Place, &Truth)| match truth {
            Truth { alive: false, .. } => None,
            Truth { killed: true, .. } | Truth { told_to_stop: true, .. } => Some(Act::Obey(place)),
            Truth { acked: false, .. } => Some(Act::Ready(place)),
            Truth { .. } => None,
        };
        let heard = [(!self.down.is_empty()).then_some(Act::Down), (!self.up.is_empty()).then_some(Act::Up)];
        let tick = || (0..self.cores.len()).find(|&level| self.wait_of(level).is_some()).map(Act::Tick);
        heard.into_iter().flatten().next().or_else(|| self.workers.iter().find_map(expected)).or_else(tick)
    }

    /// Until when a core waits for something that may not come.
    fn wait_of(&self, level: Level) -> Option<Time> {
        let core = &self.cores[level];
        let group = core.pass_wait().map(|(_, at)| at);
        core.children().iter().filter_map(Child::deadline).chain(group).min()
    }

    // === it happens ===

    pub(super) fn perform(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Ready(place) => {
                self.truth(place).acked = true;
                let generation = self.generation(place);
                self.bring(place.0, Event::Started { key: place.1, generation })
            }
            Act::Ignore(place) => {
                self.ignores -= 1;
                let truth = self.truth(place);
                (truth.alive, truth.excused) = (false, true);
                let generation = self.generation(place);
                self.bring(place.0, Event::Ignored { key: place.1, generation })
            }
            Act::Crash(place) => self.end(place, error()),
            Act::Finish(place) => {
                self.truth(place).finished = true;
                self.end(place, ExitReason::Normal)
            }
            Act::Obey(place) => {
                let reason = if self.truth(place).killed { ExitReason::Killed } else { ExitReason::Shutdown };
                self.end(place, reason)
            }
            Act::Down => {
                let event = self.down.pop_front().expect("something waits");
                self.bring(1, event)
            }
            Act::Up => {
                let event = self.up.pop_front().expect("something waits");
                self.bring(0, event)
            }
            Act::Tick(level) => {
                let due = self.wait_of(level).expect("somebody is waited for");
                let set = self.cores[level].deadline();
                if set.is_none_or(|set| set > due) {
                    return Err(format!("the shell is told to come back at {set:?}, which is after {due:?}"));
                }
                self.now = self.now.max(due);
                self.bring(level, Event::Tick)
            }
            Act::Lapse => {
                self.lapses -= 1;
                self.now += 2 * PERIOD;
                self.charges = [0; 2];
                self.check()
            }
            Act::Ask(place, wish) => self.ask(place, wish),
            Act::Add(level) => {
                let (templates, adds) = self.templates.get_mut(&level).expect("it is dynamic");
                *adds -= 1;
                let restart = templates[*adds as usize % templates.len()];
                let key = ChildKey(self.next_key);
                self.next_key += 1;
                self.workers.insert((level, key), Truth::default());
                let id = self.fresh_request();
                let name = format!("{}", key.0).into();
                self.bring(level, Event::Request { id, request: Request::Add { key, name, policy: worker(restart) } })
            }
            Act::Stop { kill } => {
                self.asked_to_stop = true;
                self.bring(0, Event::Stop { kill })
            }
        }
    }

    fn truth(&mut self, place: Place) -> &mut Truth {
        self.workers.get_mut(&place).expect("a worker")
    }

    fn generation(&self, place: Place) -> Generation {
        self.child(place).map_or(0, |child| child.generation)
    }

    fn end(&mut self, place: Place, reason: ExitReason) -> Result<(), String> {
        self.truth(place).alive = false;
        let generation = self.generation(place);
        self.bring(place.0, Event::Exited { key: place.1, generation, reason })
    }

    fn ask(&mut self, place: Place, wish: Wish) -> Result<(), String> {
        let id = self.fresh_request();
        self.requests -= 1;
        let key = place.1;
        let request = match wish {
            Wish::Terminate => Request::Terminate { key },
            Wish::Restart => Request::Restart { key },
            Wish::Delete => Request::Delete { key },
            Wish::Restore => return self.bring(place.0, Event::Request { id, request: Request::Restore { key } }),
        };
        // Whoever is terminated owes nobody a restart; in a group, nor do those after it (case 65). A request to start
        // is not followed by another attempt when it fails.
        let level = place.0;
        let group = self.cores[level].strategy != Strategy::OneForOne;
        for (_, truth) in self.workers.iter_mut().filter(|(at, _)| **at == place || (group && at.0 == level)) {
            truth.excused = true;
        }
        self.shape_excused |= level == 0 && (group || self.shape == Some(key));
        self.bring(level, Event::Request { id, request })
    }

    fn fresh_request(&mut self) -> RequestId {
        let id = self.asked;
        self.asked += 1;
        self.unanswered.insert(id);
        RequestId(id)
    }

    pub(super) fn is_shape(&self, (level, key): Place) -> bool {
        level == 0 && self.shape == Some(key)
    }

    /// Whether what is asked to run, or runs, under that key is the supervisor below and not what takes its place.
    fn is_normal_shape(&self, place: Place) -> bool {
        self.is_shape(place) && !self.workers.get(&place).is_some_and(|truth| truth.alive)
    }

    fn bring(&mut self, level: Level, event: Event) -> Result<(), String> {
        if let Some(left) = &mut self.dropped {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.dropped = None;
                return self.check();
            }
        }
        if matches!(event, Event::Start | Event::StartOnTrial) && self.cores[level].is_down() {
            self.charges[level] = 0;
            self.told_end[level] = false;
        }
        if matches!(event, Event::Trust) {
            self.charges[level] = 0;
        }
        let mut effects = Vec::new();
        self.cores[level].step(self.now, event, &mut effects);
        effects.into_iter().try_for_each(|effect| self.carry_out(level, effect))?;
        self.check()
    }

    fn carry_out(&mut self, level: Level, effect: Effect) -> Result<(), String> {
        let is_shape = |key| self.is_normal_shape((level, key));
        match effect {
            Effect::Start { key, generation, mode } => {
                self.check_turn((level, key))?;
                if is_shape(key) && mode != Mode::Degraded {
                    self.generation_below = generation;
                    self.down.push_back(match mode {
                        Mode::Probing => Event::StartOnTrial,
                        Mode::Normal | Mode::Degraded => Event::Start,
                    });
                } else {
                    let truth = self.truth((level, key));
                    if truth.alive {
                        return Err(format!("{key:?} is started and lives"));
                    }
                    *truth = Truth { alive: true, excused: truth.excused, ..Truth::default() };
                }
            }
            Effect::Stop { key } if is_shape(key) => self.down.push_back(Event::Stop { kill: false }),
            Effect::Kill { key } if is_shape(key) => self.down.push_back(Event::Stop { kill: true }),
            Effect::Trust { .. } => self.down.push_back(Event::Trust),
            Effect::Stop { key } | Effect::Kill { key } | Effect::Abandon { key } => {
                let truth = self.truth((level, key));
                if !truth.alive {
                    return Err(format!("{effect:?} concerns one that does not live"));
                }
                match effect {
                    Effect::Stop { .. } => truth.told_to_stop = true,
                    Effect::Kill { .. } => truth.killed = true,
                    _ => truth.alive = false,
                }
            }
            Effect::Answer { id, .. } if !self.unanswered.remove(&id.0) => {
                return Err(format!("{id:?} is answered twice"));
            }
            Effect::Report { what, .. } if is_charged(&what) => self.charges[level] += 1,
            Effect::Up(outcome) => self.outcome(level, outcome)?,
            _ => {}
        }
        Ok(())
    }

    fn outcome(&mut self, level: Level, outcome: Outcome) -> Result<(), String> {
        if matches!(outcome, Outcome::Exited(_)) {
            if std::mem::replace(&mut self.told_end[level], true) {
                return Err("an end is told twice".into());
            }
            if let Some(orphan) = self.workers.iter().find(|(place, truth)| place.0 == level && truth.alive) {
                return Err(format!("{orphan:?} outlives its supervisor"));
            }
        }
        if let (1, Some(key)) = (level, self.shape) {
            let generation = self.generation_below;
            self.up.push_back(match outcome {
                Outcome::Started => Event::Started { key, generation },
                Outcome::Exited(reason) => Event::Exited { key, generation, reason },
            });
        }
        Ok(())
    }

    // === what must hold ===

    /// No member of a group is started before those ahead of it are up.
    fn check_turn(&self, (level, key): Place) -> Result<(), String> {
        let core = &self.cores[level];
        let Some(pass) = core.pass else { return Ok(()) };
        let rank = core.children().rank(key);
        // Under one_for_one a crash during the first start concerns nobody else.
        if core.strategy == Strategy::OneForOne || rank < pass.from {
            return Ok(());
        }
        let mut others = core.children().from(pass.from);
        let out_of_turn = others.find(|child| match child.rank.cmp(&rank) {
            std::cmp::Ordering::Less => {
                let up = matches!(child.state, ChildState::Running { .. });
                !up && !child.at_rest && !child.is_vacant() && child.intent != Some(Intent::Terminate)
            }
            std::cmp::Ordering::Equal => false,
            // A request may have started it when it was at rest; a restart finds all later ones down.
            std::cmp::Ordering::Greater => !pass.first && child.state.is_alive(),
        });
        out_of_turn.map_or(Ok(()), |child| Err(format!("{key:?} is started before its turn: {child:?}")))
    }

    fn check(&self) -> Result<(), String> {
        for (&place, truth) in &self.workers {
            let normal = self.child(place).is_some_and(|child| child.mode != Mode::Degraded);
            if self.is_shape(place) && normal && !truth.alive {
                continue;
            }
            let state = self.child(place).map_or(ChildState::Idle, |child| child.state);
            let fits = match state {
                ChildState::Idle => !truth.alive,
                ChildState::Starting { .. } => truth.alive && !truth.acked && !truth.told_to_stop && !truth.killed,
                ChildState::Running { .. } => truth.alive && truth.acked && !truth.told_to_stop && !truth.killed,
                ChildState::Stopping { .. } => truth.alive && truth.told_to_stop,
                ChildState::Killing { .. } => truth.alive && truth.killed,
            };
            if !fits {
                return Err(format!("{place:?} is {truth:?}, but its supervisor thinks {state:?}"));
            }
        }
        if let (Some(key), true) = (self.shape, self.down.is_empty() && self.up.is_empty()) {
            let state = self.child((0, key)).map_or(ChildState::Idle, |child| child.state);
            let below = &self.cores[1];
            // It may be on its way down, and say so when it is.
            let fallback = self.workers.get(&(0, key)).is_some_and(|truth| truth.alive);
            let fits = (state.is_alive() && !fallback) != below.is_down();
            if !fits {
                return Err(format!("the supervisor below is {below:?}, the one above thinks {state:?}"));
            }
        }
        for (level, core) in self.cores.iter().enumerate() {
            if self.charges[level] > core.intensity.limit() {
                return Err(format!("{} restarts are granted", self.charges[level]));
            }
        }
        Ok(())
    }
}

fn is_charged(what: &Happening) -> bool {
    matches!(what, Happening::Crashed { charge: Some(_), .. } | Happening::StartFailed { charge: Some(_), .. })
}
