//! The core against the reference model: random trees, random histories, the same steps in the same order.
//!
//! Left out is where the library deviates from OTP on purpose: a deleted child of a supervisor that is restarted,
//! and requests about a child that a group restart has still to reach. The order in which a dynamic supervisor's
//! children end is not defined and not compared.

use std::collections::{BTreeMap, BTreeSet};

use tembusu_model::{
    AutoShutdown as Auto, BadSpec, ChildSpec, Id, Kind, Life, Reason, Refused as No, Restart as R, Shutdown as Stop,
    Start, Step, Strategy as S, SupervisorSpec, Tree, World,
};

use super::super::*;
use super::cast::{SHUTDOWN, seed, supervisor, worker};
use super::forest::Random;
use super::stage::Stage;
use crate::spec::policy::{AutoShutdown, Restart, Shutdown};

const TREES: u64 = 3_000;
const ACTS: u64 = 40;
/// Far longer than all that is waited for in a history.
const PERIOD: Duration = Duration::from_secs(1_000_000);

/// A tree twice, and what is known of it without asking either.
struct Pair {
    model: Tree,
    core: Stage,
    random: Random,
    /// Each supervisor's node in the stage.
    nodes: BTreeMap<Id, usize>,
    /// Each child's supervisor.
    above: BTreeMap<Id, Id>,
    dynamic: BTreeSet<Id>,
    /// Supervisors whose significant children count.
    listening: BTreeSet<Id>,
    templates: BTreeMap<Id, ChildSpec>,
    /// What the supervisors that are not dynamic are specified to be; of those below, only the names count.
    specs: BTreeMap<Id, SupervisorSpec>,
    workers: BTreeSet<Id>,
    next: Id,
    /// Whose restart was tried again last, nothing having happened since.
    retried: Option<Id>,
    /// What was compared in the middle of an act.
    earlier: Vec<Step>,
    log: Vec<String>,
}

#[test]
fn the_core_does_what_the_model_does() {
    let base = seed();
    let (mut charges, mut exhausted, mut ends, mut shut) = (0, 0, 0, 0);
    for tree in 0..TREES {
        let seed = base.wrapping_add(tree);
        let mut log = Vec::new();
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| live(seed, &mut log)));
        let Ok(steps) = lived else {
            panic!("run it again with TEMBUSU_SEED={seed}\n{}", log.join("\n"));
        };
        charges += steps.iter().filter(|step| matches!(step, Step::Charged(_))).count();
        exhausted += steps.iter().filter(|step| matches!(step, Step::Exhausted(_))).count();
        shut += steps.iter().filter(|step| matches!(step, Step::AutoShutdown(_))).count();
        ends += steps.iter().filter(|step| matches!(step, Step::Ended(..))).count();
    }
    println!(
        "{TREES} trees: {ends} ends, {charges} charges, {exhausted} supervisors exhausted, {shut} shut down by themselves"
    );
    let enough = TREES as usize / 8;
    assert!(charges > 8 * enough && exhausted > enough && shut > enough, "the histories are worth comparing");
}

fn live(seed: u64, log: &mut Vec<String>) -> Vec<Step> {
    let mut pair = Pair::new(Random(seed));
    let mut all = Vec::new();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        all.extend(pair.compare());
        for _ in 0..ACTS {
            if !pair.model.is_up() {
                break;
            }
            pair.act();
            all.append(&mut pair.earlier);
            all.extend(pair.compare());
        }
        pair.log.push("stop".into());
        pair.model.stop();
        pair.core.stop();
        all.extend(pair.compare());
    }));
    log.append(&mut pair.log);
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
    all
}

impl Pair {
    fn new(random: Random) -> Self {
        let mut pair = Self {
            model: Tree::start(
                ChildSpec::supervisor(0, R::Permanent, SupervisorSpec::new(S::OneForOne, 0)),
                World::default(),
            ),
            core: Stage::new(),
            random,
            nodes: BTreeMap::new(),
            above: BTreeMap::new(),
            dynamic: BTreeSet::new(),
            listening: BTreeSet::new(),
            templates: BTreeMap::new(),
            specs: BTreeMap::new(),
            workers: BTreeSet::new(),
            next: 0,
            retried: None,
            earlier: Vec::new(),
            log: Vec::new(),
        };
        let root = pair.grow(None, 3);
        let mut world = World::default();
        for id in pair.workers.clone() {
            if pair.random.one_in(30) {
                world.deaf.insert(id);
                pair.core.deaf.insert(id);
            }
            if pair.random.one_in(30) {
                let start = [Start::Ignore, Start::Ignore, Start::Fail][pair.random.below(3) as usize];
                world.script(id, [start]);
                pair.core.starts.entry(id).or_default().push_back(start);
            }
        }
        pair.log.push(format!("{root:#?}\n{world:?}"));
        pair.model = Tree::start(root, world);
        pair.core.start();
        pair
    }

    /// A supervisor with its children, in both.
    fn grow(&mut self, above: Option<(Id, usize)>, depth: u32) -> ChildSpec {
        let id = self.fresh();
        let strategy = [S::OneForOne, S::OneForAll, S::RestForOne, S::SimpleOneForOne];
        let is_dynamic = above.is_some() && self.random.one_in(6);
        let strategy = if is_dynamic { S::SimpleOneForOne } else { strategy[self.random.below(3) as usize] };
        let intensity = self.random.below(if above.is_none() { 9 } else { 4 });
        let restart = if above.is_none() { R::Permanent } else { self.restart() };
        let auto = if is_dynamic || !self.random.one_in(3) {
            Auto::Never
        } else {
            [Auto::AnySignificant, Auto::AllSignificant][self.random.below(2) as usize]
        };
        let core = Core::new(
            id.to_string().into(),
            core_strategy(strategy),
            is_dynamic,
            Intensity::new(u32::try_from(intensity).expect("it is small"), PERIOD),
        )
        .with_auto_shutdown(core_auto(auto));
        // Of a supervisor that is not restarted for ever and whose own supervisor listens.
        let significant = above.is_some_and(|(above, _)| self.listening.contains(&above))
            && restart != R::Permanent
            && self.random.one_in(2);
        let policy = ChildPolicy { significant, ..supervisor(core_restart(restart), Exhaustion::Escalate) };
        let node = self.core.supervisor(id, core, above.map(|(_, node)| (node, policy)));
        self.nodes.insert(id, node);
        if let Some((above, _)) = above {
            self.above.insert(id, above);
        }
        let mut spec = SupervisorSpec::new(strategy, intensity as usize);
        spec = spec.period(PERIOD.as_millis() as u64).auto_shutdown(auto);
        if auto != Auto::Never {
            self.listening.insert(id);
        }
        if is_dynamic {
            self.dynamic.insert(id);
            let template = ChildSpec::worker(id, self.restart());
            self.templates.insert(id, template.clone());
            spec = spec.children([template]);
        } else {
            for _ in 0..=self.random.below(4) {
                let child = if depth > 0 && self.random.one_in(3) {
                    self.grow(Some((id, node)), depth - 1)
                } else {
                    let child = self.fresh_worker(id);
                    self.core.worker(node, child.id, policy_of(&child));
                    child
                };
                spec.children.push(child);
            }
            self.specs.insert(id, spec.clone());
        }
        ChildSpec { significant, ..ChildSpec::supervisor(id, restart, spec) }
    }

    fn fresh_worker(&mut self, of: Id) -> ChildSpec {
        let id = self.fresh();
        self.above.insert(id, of);
        self.workers.insert(id);
        let shutdown = if self.random.one_in(8) { Stop::BrutalKill } else { Stop::Within };
        let restart = self.restart();
        let significant = self.listening.contains(&of) && restart != R::Permanent && self.random.one_in(2);
        ChildSpec { significant, ..ChildSpec::worker(id, restart).shutdown(shutdown) }
    }

    fn fresh(&mut self) -> Id {
        self.next += 1;
        self.next - 1
    }

    fn restart(&mut self) -> R {
        [R::Permanent, R::Permanent, R::Transient, R::Temporary][self.random.below(4) as usize]
    }

    // === one thing happens ===

    fn act(&mut self) {
        match self.random.below(20) {
            0..=9 => self.crash(1),
            10..=12 => {
                let count = 2 + self.random.below(3);
                self.crash(count);
            }
            13 => self.crash_and_ask(),
            14 => self.script(),
            15 => self.pass(),
            16 => self.add(),
            17 => self.change(),
            _ => self.administer(),
        }
    }

    fn crash(&mut self, count: u64) {
        let mut running: Vec<Id> = self.model.running().into_iter().filter(|id| self.workers.contains(id)).collect();
        let mut ends = Vec::new();
        for _ in 0..count.min(running.len() as u64) {
            let id = running.swap_remove(self.random.below(running.len() as u64) as usize);
            let reason = [Reason::Error, Reason::Error, Reason::Normal, Reason::Shutdown, Reason::Killed];
            ends.push((id, reason[self.random.below(5) as usize]));
        }
        self.log.push(format!("crash {ends:?}"));
        self.model.crash_together(&ends);
        self.core.crash_together(&ends);
    }

    /// Requests and further crashes between the attempts to restart (cases 64 to 66).
    fn crash_and_ask(&mut self) {
        let running = self.model.running();
        let running: Vec<Id> = running.into_iter().filter(|id| self.workers.contains(id)).collect();
        let Some(&id) = running.get(self.random.below(running.len().max(1) as u64) as usize) else { return };
        let times = 1 + self.random.below(3) as usize;
        self.log.push(format!("{id} crashes, and its next {times} starts fail"));
        self.model.world.script(id, vec![Start::Fail; times]);
        self.core.starts.entry(id).or_default().extend(vec![Start::Fail; times]);
        self.core.holds = true;
        self.crash_unsettled(id);
        while let Some(id) = self.model.waiting() {
            let steps = self.compare();
            self.earlier.extend(steps);
            match self.random.below(4) {
                0 => self.ask_meanwhile(),
                1 if self.random.one_in(3) => {
                    let running = self.model.running();
                    let comparable = |next: &Id| self.workers.contains(next) && !self.may_end_early(*next, id);
                    let running: Vec<Id> = running.into_iter().filter(comparable).collect();
                    if !running.is_empty() {
                        let next = running[self.random.below(running.len() as u64) as usize];
                        self.crash_unsettled(next);
                    }
                }
                _ => {
                    self.log.push(format!("{id} is tried again"));
                    self.model.try_again();
                    self.retried = Some(id);
                    self.core.release(id);
                }
            }
        }
        self.core.holds = false;
    }

    /// Whether an end of `next` may be judged while `tried` has failed to start and nobody has said so.
    ///
    /// OTP knows of the failure, and that those behind it in a group are not alive; the core, which tries again at
    /// once, is never between two attempts, and takes them to be starting still.
    fn may_end_early(&self, next: Id, tried: Id) -> bool {
        let of = self.above[&tried];
        let above = std::iter::successors(self.above.get(&next), |id| self.above.get(id));
        self.listening.contains(&of) && above.into_iter().any(|id| *id == of)
    }

    fn crash_unsettled(&mut self, id: Id) {
        self.log.push(format!("crash {id}"));
        self.retried = None;
        self.model.end(id, Reason::Error);
        self.model.read_exit(id);
        self.core.crash_together(&[(id, Reason::Error)]);
    }

    /// What is asked for is answered at once, also if it fails.
    fn ask_meanwhile(&mut self) {
        self.core.holds = false;
        self.administer();
        self.core.holds = true;
    }

    /// The next starts of some worker fail, or say that there is nothing to run.
    fn script(&mut self) {
        let Some(id) = self.any_worker() else { return };
        let start = if self.random.one_in(4) { Start::Ignore } else { Start::Fail };
        let times = 1 + self.random.below(4) as usize;
        self.log.push(format!("the next {times} starts of {id}: {start:?}"));
        self.model.world.script(id, vec![start; times]);
        self.core.starts.entry(id).or_default().extend(vec![start; times]);
    }

    fn pass(&mut self) {
        self.log.push("a period passes".into());
        self.model.pass(2 * PERIOD.as_millis() as u64);
        self.core.now += 2 * PERIOD;
    }

    fn add(&mut self) {
        let running = self.model.running();
        let supervisors: Vec<Id> = self.nodes.keys().copied().filter(|id| running.contains(id)).collect();
        let dynamic: Vec<Id> = supervisors.iter().copied().filter(|id| self.dynamic.contains(id)).collect();
        let of = if dynamic.is_empty() || self.random.one_in(3) { supervisors } else { dynamic };
        if of.is_empty() {
            return;
        }
        let of = of[self.random.below(of.len() as u64) as usize];
        let mut child = self.fresh_worker(of);
        if self.dynamic.contains(&of) {
            child = ChildSpec { id: child.id, ..self.templates[&of].clone() };
        }
        if self.random.one_in(5) {
            let start = if self.random.one_in(2) { Start::Fail } else { Start::Ignore };
            self.model.world.script(child.id, [start]);
            self.core.starts.entry(child.id).or_default().push_back(start);
        }
        self.log.push(format!("add {child:?} to {of}"));
        let policy = policy_of(&child);
        let core = self.core.start_child(self.nodes[&of], child.id, policy);
        let model = self.model.start_child(of, child);
        self.agree(model.map(drop), core);
    }

    /// The code of a running supervisor is changed (cases 84 to 92): flags, restart types, significance, shutdown, order,
    /// and maybe a new child. What it says of a child that was deleted or is gone would add it again, and it is left.
    fn change(&mut self) {
        let running = self.model.running();
        let known: Vec<Id> = self.specs.keys().copied().filter(|id| running.contains(id)).collect();
        if known.is_empty() {
            return;
        }
        let of = known[self.random.below(known.len() as u64) as usize];
        let states = self.model.which_children(of).expect("it runs");
        let mut spec = self.specs[&of].clone();
        if !spec.children.iter().all(|child| states.iter().any(|state| state.0 == child.id)) {
            return;
        }
        spec.strategy = [S::OneForOne, S::OneForAll, S::RestForOne][self.random.below(3) as usize];
        spec.intensity = self.random.below(if of == 0 { 9 } else { 4 }) as usize;
        spec.auto_shutdown = match self.random.below(4) {
            0 => Auto::Never,
            1 => Auto::AnySignificant,
            2 => Auto::AllSignificant,
            _ => spec.auto_shutdown,
        };
        let faulty = self.random.one_in(6);
        for child in &mut spec.children {
            if self.random.one_in(3) {
                child.restart = self.restart();
            }
            let may = spec.auto_shutdown != Auto::Never && child.restart != R::Permanent;
            child.significant = (may || faulty) && (child.significant || self.random.one_in(3));
            if let (Kind::Worker, true) = (&child.kind, self.random.one_in(3)) {
                child.shutdown = [Stop::BrutalKill, Stop::Within][self.random.below(2) as usize];
            }
        }
        let added = self.random.one_in(4).then(|| ChildSpec { significant: false, ..self.fresh_worker(of) });
        let at = self.random.below(spec.children.len() as u64 + 1) as usize;
        spec.children.splice(at..at, added.clone());
        for at in (1..spec.children.len()).rev() {
            spec.children.swap(at, self.random.below(at as u64 + 1) as usize);
        }
        self.log.push(format!("change {of} to {spec:?}"));
        let core = self.change_core(of, &spec, added.as_ref());
        let listens = spec.auto_shutdown != Auto::Never;
        let before = self.specs.insert(of, spec).expect("it is specified");
        let model = self.model.change(of, self.whole(of));
        self.agree(model, core);
        if model.is_err() {
            self.specs.insert(of, before);
        } else if listens {
            self.listening.insert(of);
        } else {
            self.listening.remove(&of);
        }
    }

    /// What a supervisor is specified to be, with all below.
    fn whole(&self, of: Id) -> SupervisorSpec {
        let mut spec = self.specs[&of].clone();
        for child in &mut spec.children {
            if self.specs.contains_key(&child.id) {
                child.kind = Kind::Supervisor(Box::new(self.whole(child.id)));
            }
        }
        spec
    }

    fn change_core(&mut self, of: Id, spec: &SupervisorSpec, added: Option<&ChildSpec>) -> Result<(), Refused> {
        let node = self.nodes[&of];
        let added: Vec<_> = added
            .map(|child| (self.core.place_for(node, child.id), child.id.to_string().into(), policy_of(child)))
            .into_iter()
            .collect();
        let old = spec.children.iter().filter(|child| !added.iter().any(|(key, ..)| *key == self.core.key(child.id)));
        let policies = old.map(|child| {
            let is_worker = matches!(child.kind, Kind::Worker);
            let change = PolicyChange {
                restart: Some(core_restart(child.restart)),
                significant: Some(child.significant),
                shutdown: is_worker.then(|| core_shutdown(child.shutdown)),
                init_timeout: None,
            };
            (self.core.key(child.id), change)
        });
        let change = Change {
            strategy: Some(core_strategy(spec.strategy)),
            intensity: Some((u32::try_from(spec.intensity).expect("it is small"), PERIOD)),
            auto_shutdown: Some(core_auto(spec.auto_shutdown)),
            max_children: None,
            policies: policies.collect(),
            order: spec.children.iter().map(|child| self.core.key(child.id)).collect(),
            added,
        };
        self.core.ask(node, Request::Change(Box::new(change)))
    }

    fn administer(&mut self) {
        let Some(id) = self.any_child() else { return };
        let of = self.above[&id];
        if !self.model.running().contains(&of) {
            return;
        }
        let is_dynamic = self.dynamic.contains(&of);
        if self.is_to_be_reached(of, id) || self.is_tried_for_the_first_time(of, id) {
            return;
        }
        match self.random.below(3) {
            0 => {
                self.log.push(format!("terminate {id}"));
                let model = self.model.terminate_child(of, id);
                let core = self.core.ask_about(id, |key| Request::Terminate { key });
                self.agree(model, core);
            }
            1 if !is_dynamic => {
                self.log.push(format!("restart {id}"));
                let model = self.model.restart_child(of, id);
                let core = self.core.ask_about(id, |key| Request::Restart { key });
                self.agree(model.map(drop), core);
            }
            // A deviation: a deleted child does not come back when its supervisor is restarted. The root is not.
            2 if of == 0 => {
                self.log.push(format!("delete {id}"));
                let model = self.model.delete_child(of, id);
                let core = self.core.ask_about(id, |key| Request::Delete { key });
                self.agree(model, core);
            }
            _ => {}
        }
    }

    /// Whether a group restart that is being tried again has still to start this child.
    ///
    /// A deviation: what is "about to be restarted" answers `restarting` here, as the manual says of `delete_child`;
    /// OTP's supervisor takes it for `undefined` and deletes it, or starts it before its turn.
    fn is_to_be_reached(&mut self, of: Id, id: Id) -> bool {
        let states = self.model.which_children(of).unwrap_or_default();
        states.iter().any(|state| state.1 == Life::Restarting) && states.contains(&(id, Life::Undefined))
    }

    /// Whether a failed restart that is not told yet is the first one: what is asked then comes before OTP's supervisor
    /// would hear of it, and the core takes the child to be in `init` still.
    fn is_tried_for_the_first_time(&mut self, of: Id, id: Id) -> bool {
        let states = self.model.which_children(of).unwrap_or_default();
        states.contains(&(id, Life::Restarting)) && self.retried != Some(id)
    }

    fn any_worker(&mut self) -> Option<Id> {
        let workers: Vec<Id> = self.workers.iter().copied().collect();
        (!workers.is_empty()).then(|| workers[self.random.below(workers.len() as u64) as usize])
    }

    fn any_child(&mut self) -> Option<Id> {
        let children: Vec<Id> = self.above.keys().copied().collect();
        (!children.is_empty()).then(|| children[self.random.below(children.len() as u64) as usize])
    }

    // === and both agree ===

    fn agree(&mut self, model: Result<(), No>, core: Result<(), Refused>) {
        let words = |core: Refused| match core {
            Refused::NotFound => No::NotFound,
            Refused::Running => No::Running,
            Refused::Restarting => No::Restarting,
            Refused::Failed(_) => No::StartFailed,
            // What is wrong with it, each says in words of its own.
            Refused::Faulty(_) => No::Bad(BadSpec::BadCombination),
            other => panic!("{other:?} is no answer of OTP's"),
        };
        let core = core.map_err(words);
        let model = model.map_err(|no| if let No::Bad(_) = no { No::Bad(BadSpec::BadCombination) } else { no });
        self.log.push(format!("  {model:?}"));
        assert_eq!(core, model, "the answers agree");
    }

    /// Compares what was seen since the last time, and what there is now.
    fn compare(&mut self) -> Vec<Step> {
        let steps = self.model.steps();
        let model = self.comparable(steps);
        let steps = self.core.steps();
        let core = self.comparable(steps);
        self.log.push(format!("  model: {model:?}"));
        if model != core {
            self.log.push(format!("  core:  {core:?}"));
        }
        assert!(model == core, "the steps agree");
        let mut nodes: Vec<(Id, usize)> = self.nodes.iter().map(|(&id, &node)| (id, node)).collect();
        nodes.sort_unstable();
        for (id, node) in nodes {
            let states: Option<Vec<(Id, Life)>> = self.model.which_children(id).ok();
            let core = self.core.which_children(node);
            if states != core {
                self.log.push(format!("  of {id}: model {states:?}, core {core:?}"));
            }
            assert!(states == core, "the children agree");
        }
        model
    }

    fn comparable(&self, steps: Vec<Step>) -> Vec<Step> {
        let mut steps: Vec<Step> = steps.into_iter().filter(|step| !matches!(step, Step::Removed(_))).collect();
        let group = |step: &Step| match step {
            Step::Ended(id, _) => self.above.get(id).copied().filter(|above| self.dynamic.contains(above)),
            _ => None,
        };
        for run in steps.chunk_by_mut(|a, b| group(a).is_some() && group(a) == group(b)) {
            run.sort_unstable();
        }
        steps
    }
}

fn policy_of(child: &ChildSpec) -> ChildPolicy {
    assert!(matches!(child.kind, Kind::Worker));
    let shutdown = core_shutdown(child.shutdown);
    // A start that is held back is not one that hangs.
    let init_timeout = Some(PERIOD / 10);
    ChildPolicy { shutdown, init_timeout, significant: child.significant, ..worker(core_restart(child.restart)) }
}

fn core_shutdown(shutdown: Stop) -> Shutdown {
    match shutdown {
        Stop::BrutalKill => Shutdown::Kill,
        Stop::Within => Shutdown::Within(SHUTDOWN),
        Stop::Infinity => Shutdown::Unlimited,
    }
}

fn core_strategy(strategy: S) -> Strategy {
    match strategy {
        S::OneForOne | S::SimpleOneForOne => Strategy::OneForOne,
        S::OneForAll => Strategy::OneForAll,
        S::RestForOne => Strategy::RestForOne,
    }
}

fn core_auto(auto: Auto) -> AutoShutdown {
    match auto {
        Auto::Never => AutoShutdown::Never,
        Auto::AnySignificant => AutoShutdown::AnySignificant,
        Auto::AllSignificant => AutoShutdown::AllSignificant,
    }
}

fn core_restart(restart: R) -> Restart {
    match restart {
        R::Permanent => Restart::Permanent,
        R::Transient => Restart::Transient,
        R::Temporary => Restart::Temporary,
    }
}
