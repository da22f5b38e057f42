//! Trees of cores that talk to one another as the shell lets them: what one tells another waits in an inbox, and
//! inboxes are served in a random order, each first come, first served.

use std::collections::{BTreeMap, VecDeque};

use super::super::*;
use super::cast::{INIT, KILL_WAIT, MS, SEC, SHUTDOWN, error, panic, seed, supervisor, worker};
use crate::spec::policy::{Restart, Shutdown};

const TREES: u64 = 3000;

/// A generator of numbers (splitmix64), so that a tree and its history are one number.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

enum Kid {
    Worker { alive: Option<Generation> },
    Supervisor { normal: usize, fallback: Option<usize> },
}

struct Node {
    core: Core,
    kids: BTreeMap<ChildKey, Kid>,
    above: Option<(usize, ChildKey)>,
    generation: Generation,
    inbox: VecDeque<Event>,
}

struct Forest {
    nodes: Vec<Node>,
    now: Time,
    random: Random,
    /// Workers fail to start, hang and are deaf now and then.
    unruly: bool,
    ended: Vec<ExitReason>,
}

impl Forest {
    fn new(seed: u64) -> Self {
        Self { nodes: Vec::new(), now: Time::ZERO, random: Random(seed), unruly: false, ended: Vec::new() }
    }

    fn node(&mut self, above: Option<(usize, ChildKey)>, strategy: Strategy, limit: u32) -> usize {
        let path = format!("node{}", self.nodes.len()).into();
        let core = Core::new(path, strategy, false, Intensity::new(limit, 10 * SEC));
        self.nodes.push(Node { core, kids: BTreeMap::new(), above, generation: 0, inbox: VecDeque::new() });
        self.nodes.len() - 1
    }

    fn worker(&mut self, of: usize, restart: Restart) {
        self.worker_as(of, worker(restart));
    }

    fn worker_as(&mut self, of: usize, policy: ChildPolicy) {
        let key = self.add(of, policy);
        self.nodes[of].kids.insert(key, Kid::Worker { alive: None });
    }

    /// A child supervisor, and its fallback if it is to degrade to one.
    fn supervisor(&mut self, of: usize, policy: ChildPolicy, strategy: Strategy, limit: u32) -> (usize, Option<usize>) {
        let has_fallback = matches!(policy.exhaustion, Exhaustion::Degrade { fallback: true, .. });
        let key = self.add(of, policy);
        let normal = self.node(Some((of, key)), strategy, limit);
        let fallback = has_fallback.then(|| self.node(Some((of, key)), Strategy::OneForOne, limit));
        self.nodes[of].kids.insert(key, Kid::Supervisor { normal, fallback });
        (normal, fallback)
    }

    fn add(&mut self, of: usize, policy: ChildPolicy) -> ChildKey {
        let key = ChildKey(self.nodes[of].kids.len() as u64);
        self.nodes[of].core.add(key, format!("{}", key.0).into(), policy);
        key
    }

    fn tell(&mut self, node: usize, event: Event) {
        self.nodes[node].inbox.push_back(event);
    }

    /// Before anything is added to it.
    fn shut_down_automatically(&mut self, node: usize, rule: AutoShutdown) {
        let spare = Core::new("".into(), Strategy::OneForOne, false, Intensity::new(0, SEC));
        let core = std::mem::replace(&mut self.nodes[node].core, spare);
        self.nodes[node].core = core.with_auto_shutdown(rule);
    }

    /// Lets one event arrive somewhere; false when there is none.
    fn serve_one(&mut self) -> bool {
        let waiting: Vec<usize> = (0..self.nodes.len()).filter(|&at| !self.nodes[at].inbox.is_empty()).collect();
        if waiting.is_empty() {
            return false;
        }
        let at = waiting[self.random.below(waiting.len() as u64) as usize];
        let event = self.nodes[at].inbox.pop_front().expect("it is not empty");
        let mut effects = Vec::new();
        self.nodes[at].core.step(self.now, event, &mut effects);
        for effect in effects {
            self.carry_out(at, effect);
        }
        true
    }

    fn serve(&mut self) {
        while self.serve_one() {}
    }

    fn carry_out(&mut self, at: usize, effect: Effect) {
        match effect {
            Effect::Start { key, generation, mode } => match self.shape(at, key) {
                Some(shape) => {
                    self.nodes[shape].generation = generation;
                    self.tell(shape, if mode == Mode::Probing { Event::StartOnTrial } else { Event::Start });
                }
                None => self.begin(at, key, generation),
            },
            Effect::Trust { key } => {
                if let Some(shape) = self.shape(at, key) {
                    self.tell(shape, Event::Trust);
                }
            }
            Effect::Stop { key } => match self.shape(at, key) {
                Some(shape) => self.tell(shape, Event::Stop { kill: false }),
                None if self.unruly && self.random.one_in(8) => {}
                None => self.end_worker(at, key, ExitReason::Shutdown),
            },
            Effect::Kill { key } => match self.shape(at, key) {
                Some(shape) => self.tell(shape, Event::Stop { kill: true }),
                None if self.unruly && self.random.one_in(8) => {}
                None => self.end_worker(at, key, ExitReason::Killed),
            },
            Effect::Abandon { key } => match self.nodes[at].kids.get_mut(&key) {
                Some(Kid::Worker { alive }) => *alive = None,
                _ => panic!("a supervisor cannot be abandoned"),
            },
            Effect::Up(outcome) => self.tell_above(at, outcome),
            Effect::Queue { .. }
            | Effect::Removed { .. }
            | Effect::Answer { .. }
            | Effect::Report { .. }
            | Effect::Discard(_) => {}
        }
    }

    /// The shape of a child supervisor that runs, or is to run.
    fn shape(&self, at: usize, key: ChildKey) -> Option<usize> {
        let degraded = self.nodes[at].core.children().get(key).is_some_and(|child| child.mode == Mode::Degraded);
        match &self.nodes[at].kids[&key] {
            Kid::Supervisor { fallback: Some(fallback), .. } if degraded => Some(*fallback),
            Kid::Supervisor { normal, .. } => Some(*normal),
            Kid::Worker { .. } => None,
        }
    }

    fn begin(&mut self, at: usize, key: ChildKey, generation: Generation) {
        let Some(Kid::Worker { alive }) = self.nodes[at].kids.get_mut(&key) else { unreachable!("a worker") };
        assert!(alive.replace(generation).is_none(), "one incarnation at a time");
        if self.unruly && self.random.one_in(10) {
            return;
        }
        if self.unruly && self.random.one_in(10) {
            return self.end_worker(at, key, error());
        }
        self.tell(at, Event::Started { key, generation });
    }

    fn end_worker(&mut self, at: usize, key: ChildKey, reason: ExitReason) {
        let Some(Kid::Worker { alive }) = self.nodes[at].kids.get_mut(&key) else { return };
        if let Some(generation) = alive.take() {
            self.tell(at, Event::Exited { key, generation, reason });
        }
    }

    fn tell_above(&mut self, at: usize, outcome: Outcome) {
        let generation = self.nodes[at].generation;
        match (self.nodes[at].above, outcome) {
            (Some((parent, key)), Outcome::Started) => self.tell(parent, Event::Started { key, generation }),
            (Some((parent, key)), Outcome::Exited(reason)) => {
                self.tell(parent, Event::Exited { key, generation, reason });
            }
            (None, Outcome::Started) => {}
            (None, Outcome::Exited(reason)) => self.ended.push(reason),
        }
    }

    fn pass(&mut self, by: Duration) {
        let end = self.now + by;
        loop {
            let due = self.nodes.iter().filter_map(|node| node.core.deadline()).min().filter(|&at| at <= end);
            let Some(at) = due else { break };
            self.now = self.now.max(at);
            for node in 0..self.nodes.len() {
                if self.nodes[node].core.deadline().is_some_and(|deadline| deadline <= self.now) {
                    self.tell(node, Event::Tick);
                }
            }
            self.serve();
        }
        self.now = end;
    }

    fn alive_workers(&self) -> Vec<(usize, ChildKey)> {
        let kids = self.nodes.iter().enumerate().flat_map(|(at, node)| node.kids.iter().map(move |kid| (at, kid)));
        kids.filter_map(|(at, (key, kid))| matches!(kid, Kid::Worker { alive: Some(_) }).then_some((at, *key)))
            .collect()
    }

    fn check_rest(&self) {
        for (at, node) in self.nodes.iter().enumerate() {
            assert!(!node.core.is_stopping() && node.core.pass.is_none(), "node {at} is at rest: {:?}", node.core);
            for (key, kid) in &node.kids {
                let child = node.core.children().get(*key);
                let runs = child.is_some_and(|child| matches!(child.state, ChildState::Running { .. }));
                assert!(runs || child.is_none_or(|child| !child.state.is_alive()), "node {at}: {child:?} is at rest");
                match kid {
                    Kid::Worker { alive } => assert_eq!(runs, alive.is_some(), "node {at}: {child:?}"),
                    Kid::Supervisor { normal, fallback } => {
                        let shape = self.shape(at, *key).filter(|_| runs);
                        for below in [Some(*normal), *fallback].into_iter().flatten() {
                            assert_eq!(
                                self.nodes[below].core.is_up(),
                                shape == Some(below),
                                "node {below} below {child:?}"
                            );
                            assert_eq!(self.nodes[below].core.is_down(), shape != Some(below), "node {below}");
                        }
                    }
                }
                if node.core.is_up() && child.is_some_and(|child| child.policy.restart == Restart::Permanent) {
                    assert!(runs || child.is_some_and(Child::is_vacant), "node {at}: {child:?} runs");
                }
            }
        }
    }
}

#[test]
fn nested_intensities_multiply_over_three_levels() {
    let mut forest = Forest::new(1);
    let top = forest.node(None, Strategy::OneForOne, 1);
    let escalates = || supervisor(Restart::Permanent, Exhaustion::Escalate);
    let (middle, _) = forest.supervisor(top, escalates(), Strategy::OneForAll, 1);
    let (bottom, _) = forest.supervisor(middle, escalates(), Strategy::RestForOne, 1);
    forest.worker(bottom, Restart::Permanent);
    forest.tell(top, Event::Start);
    forest.serve();
    for death in 1..=8 {
        forest.check_rest();
        assert!(forest.ended.is_empty(), "it has survived {} deaths", death - 1);
        forest.end_worker(bottom, ChildKey(0), error());
        forest.serve();
    }
    let [ExitReason::Exhausted(report)] = &forest.ended[..] else { panic!("the eighth death is fatal to all") };
    let (path, cause) = report.root_cause();
    assert_eq!((&**path, cause.label()), ("node2/0", "error"));
    forest.check_rest();
}

#[test]
fn an_exhausted_subtree_degrades_and_its_parent_and_siblings_notice_nothing() {
    let mut forest = Forest::new(1);
    let top = forest.node(None, Strategy::OneForAll, 0);
    forest.worker(top, Restart::Permanent);
    let policy = supervisor(Restart::Transient, Exhaustion::Degrade { fallback: true, backoff: None });
    let (normal, fallback) = forest.supervisor(top, policy, Strategy::RestForOne, 5);
    let fallback = fallback.expect("there is one");
    forest.worker(normal, Restart::Permanent);
    forest.worker(fallback, Restart::Permanent);
    forest.tell(top, Event::Start);
    forest.serve();
    for _ in 0..6 {
        assert!(forest.nodes[normal].core.is_up());
        forest.end_worker(normal, ChildKey(0), panic());
        forest.serve();
    }
    assert!(forest.nodes[normal].core.is_down() && forest.nodes[fallback].core.is_up());
    forest.tell(top, Event::Request { id: RequestId(0), request: Request::Restore { key: ChildKey(1) } });
    forest.serve();
    assert!(forest.nodes[normal].core.is_up() && forest.nodes[fallback].core.is_down());
    assert_eq!(forest.nodes[top].core.children().get(ChildKey(0)).map(|child| child.generation), Some(1));
    forest.check_rest();
}

#[test]
fn every_tree_comes_to_rest_after_every_history() {
    let base = seed();
    for tree in 0..TREES {
        let seed = base.wrapping_add(tree);
        let history = std::panic::catch_unwind(|| live(seed));
        assert!(history.is_ok(), "run it again with TEMBUSU_SEED={seed}");
    }
}

fn live(seed: u64) {
    let mut forest = Forest::new(seed);
    let top = forest.node(None, Strategy::OneForOne, 0);
    forest.nodes[top].core =
        Core::new("node0".into(), any_strategy(&mut forest.random), false, Intensity::new(4, 10 * SEC));
    let rule = any_rule(&mut forest.random);
    forest.shut_down_automatically(top, rule);
    grow(&mut forest, top, 3);
    forest.tell(top, Event::Start);
    for _ in 0..60 {
        forest.unruly = true;
        match forest.random.below(12) {
            0..=4 => {
                let alive = forest.alive_workers();
                if !alive.is_empty() {
                    let (at, key) = alive[forest.random.below(alive.len() as u64) as usize];
                    let reason = [error(), panic(), ExitReason::Normal][forest.random.below(3) as usize].clone();
                    let Kid::Worker { alive: Some(generation) } = forest.nodes[at].kids[&key] else { continue };
                    match forest.random.below(6) {
                        0 => forest.tell(at, Event::Condemned { key, generation, reason: panic() }),
                        1 => forest.tell(at, Event::Stuck { key, generation }),
                        _ => forest.end_worker(at, key, reason),
                    }
                }
            }
            5..=9 => {
                for _ in 0..forest.random.below(6) {
                    forest.serve_one();
                }
            }
            10 => {
                let by = [MS, SEC, INIT, SHUTDOWN, KILL_WAIT, 11 * SEC][forest.random.below(6) as usize];
                forest.pass(by);
            }
            _ if forest.random.one_in(20) => {
                let kill = forest.random.one_in(2);
                forest.tell(top, Event::Stop { kill });
            }
            _ => {}
        }
    }
    forest.unruly = false;
    forest.serve();
    forest.pass(200 * SEC);
    forest.check_rest();
    assert_eq!(forest.ended.len(), usize::from(forest.nodes[top].core.is_down()), "an end is told once");
}

fn grow(forest: &mut Forest, at: usize, depth: u32) {
    for _ in 0..=forest.random.below(3) {
        let restart = [Restart::Permanent, Restart::Permanent, Restart::Transient, Restart::Temporary];
        let restart = restart[forest.random.below(4) as usize];
        let significant = restart != Restart::Permanent && forest.random.one_in(2);
        if depth == 0 || forest.random.one_in(3) {
            forest.worker_as(at, ChildPolicy { significant, ..worker(restart) });
            continue;
        }
        let backoff = forest.random.one_in(2).then_some(Doubling { first: SEC, max: 4 * SEC });
        let exhaustion = match forest.random.below(3) {
            0 => Exhaustion::Degrade { fallback: true, backoff },
            1 => Exhaustion::Degrade { fallback: false, backoff },
            _ => Exhaustion::Escalate,
        };
        let shutdown = if forest.random.one_in(3) { Shutdown::Within(SEC) } else { Shutdown::Unlimited };
        let probation = forest.random.one_in(2).then_some(3 * SEC);
        let policy = ChildPolicy { shutdown, probation, significant, ..supervisor(restart, exhaustion) };
        let (strategy, limit) = (any_strategy(&mut forest.random), forest.random.below(4) as u32);
        let (normal, fallback) = forest.supervisor(at, policy, strategy, limit);
        let rule = any_rule(&mut forest.random);
        forest.shut_down_automatically(normal, rule);
        grow(forest, normal, depth - 1);
        if let Some(fallback) = fallback {
            grow(forest, fallback, 0);
        }
    }
}

fn any_rule(random: &mut Random) -> AutoShutdown {
    [AutoShutdown::Never, AutoShutdown::AnySignificant, AutoShutdown::AllSignificant][random.below(3) as usize]
}

fn any_strategy(random: &mut Random) -> Strategy {
    [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne][random.below(3) as usize]
}
