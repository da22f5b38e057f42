//! Random scenarios. The same seed gives the same scenario.
//!
//! Whether a tree is likely to live long enough to be worth a script decides the weights; nothing that both sides
//! could disagree about for reasons of time is generated: failures lie well inside the period, or more than a second
//! more than the period apart.

mod script;

use crate::rng::Rng;
use crate::scenario::{Auto, Fate, Node, Restart, Scenario, Stop, Strategy, Sup, Worker};

/// How many levels of supervisors there are at most.
const DEPTH: usize = 4;

/// How many workers a tree has at most.
const WORKERS: usize = 12;

/// Of how many scenarios one has real gaps between its failures.
const GAPS_ONE_IN: usize = 200;

/// The scenario of a seed.
#[must_use]
pub fn scenario(seed: u64) -> Scenario {
    let mut rng = Rng::new(seed);
    let gaps = rng.below(GAPS_ONE_IN) == 0;
    let flavour = if gaps {
        Flavour::Gaps
    } else {
        rng.weighed(&[
            (32, Flavour::Plain),
            (26, Flavour::Bursts),
            (16, Flavour::Deletes),
            (12, Flavour::Meanwhile),
            (14, Flavour::Changes),
        ])
    };
    let mut tree = Tree { rng, flavour, workers: 0, sups: 0 };
    let root = tree.sup(1, Auto::Never, false, false);
    let steps = script::write(&mut tree.rng, &root, flavour);
    Scenario { seed, root, steps }
}

/// What a scenario is about; each has what the others have not, so that one deviation is enough to explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    /// Starts fail; children that die at once do so in the order of start.
    Plain,
    /// Children of groups die at once in any order, and starts succeed: which start it was that would have failed is
    /// not comparable when one side gives starts up.
    Bursts,
    /// Children are deleted, and none die at once.
    Deletes,
    /// Something is asked while a start is in flight. Starts fail only where no group may have to start somebody in
    /// vain, for the same reason.
    Meanwhile,
    /// The code of supervisors is changed.
    Changes,
    /// Real time passes between failures.
    Gaps,
}

struct Tree {
    rng: Rng,
    flavour: Flavour,
    workers: usize,
    sups: usize,
}

impl Tree {
    fn sup(&mut self, depth: usize, above: Auto, dynamic: bool, grouped: bool) -> Sup {
        let name = format!("s{}", self.sups);
        self.sups += 1;
        let strategy = if dynamic {
            Strategy::Dynamic
        } else {
            self.rng.weighed(&[(3, Strategy::OneForOne), (3, Strategy::OneForAll), (3, Strategy::RestForOne)])
        };
        let limit = if self.flavour == Flavour::Gaps {
            1
        } else {
            self.rng.weighed(&[(8, 0), (20, 1), (24, 2), (20, 3), (10, 4), (10, 6), (8, 10)])
        };
        let auto =
            if dynamic { Auto::Never } else { self.rng.weighed(&[(7, Auto::Never), (2, Auto::Any), (2, Auto::All)]) };
        let grouped = grouped || matches!(strategy, Strategy::OneForAll | Strategy::RestForOne);
        let restart = if depth == 1 { Restart::Permanent } else { self.restart(6, 3, 1) };
        let significant = self.significant(above, restart);
        let mut children = Vec::new();
        if dynamic {
            let restart =
                self.rng.weighed(&[(4, Restart::Permanent), (4, Restart::Transient), (2, Restart::Temporary)]);
            let stop = self.stop();
            let name = format!("{name}t");
            children.push(Node::Worker(Worker { name, restart, significant: false, stop, plan: Vec::new() }));
        } else {
            let least = usize::from(depth == 1);
            for _ in 0..least + self.rng.below(4) {
                if let Some(child) = self.child(depth, auto, grouped) {
                    children.push(child);
                }
            }
        }
        let period_s = (self.flavour == Flavour::Gaps).then_some(1);
        Sup { name, strategy, limit, period_s, restart, significant, auto, children }
    }

    fn child(&mut self, depth: usize, auto: Auto, grouped: bool) -> Option<Node> {
        let nests = depth < DEPTH && self.rng.chance(if depth == 1 { 45 } else { 30 });
        if nests {
            let dynamic = self.rng.chance(25);
            return Some(Node::Sup(self.sup(depth + 1, auto, dynamic, grouped)));
        }
        if self.workers == WORKERS {
            return None;
        }
        let name = format!("w{}", self.workers);
        self.workers += 1;
        let restart = self.restart(6, 4, 2);
        let significant = self.significant(auto, restart);
        let stop = self.stop();
        let plan = if grouped && self.flavour == Flavour::Meanwhile { Vec::new() } else { self.plan() };
        Some(Node::Worker(Worker { name, restart, significant, stop, plan }))
    }

    /// A temporary one that has ended is added again by a change of its supervisor's code.
    fn restart(&mut self, permanent: usize, transient: usize, temporary: usize) -> Restart {
        let temporary = if self.flavour == Flavour::Changes { 0 } else { temporary };
        let restarts =
            [(permanent, Restart::Permanent), (transient, Restart::Transient), (temporary, Restart::Temporary)];
        self.rng.weighed(&restarts)
    }

    fn significant(&mut self, above: Auto, restart: Restart) -> bool {
        above != Auto::Never && restart != Restart::Permanent && self.rng.chance(60)
    }

    fn stop(&mut self) -> Stop {
        let deaf = if self.flavour == Flavour::Gaps { 0 } else { 10 };
        self.rng.weighed(&[(74, Stop::Prompt), (10, Stop::Kill), (deaf, Stop::Deaf), (6, Stop::Bang)])
    }

    /// A first start that fails ends the whole tree at once, so it is rare.
    fn plan(&mut self) -> Vec<Fate> {
        plan(&mut self.rng, self.flavour, 2)
    }
}

/// What the starts of a worker do.
fn plan(rng: &mut Rng, flavour: Flavour, first_fails: usize) -> Vec<Fate> {
    match flavour {
        Flavour::Plain | Flavour::Deletes | Flavour::Meanwhile | Flavour::Changes => {}
        Flavour::Bursts => return if rng.chance(10) { vec![Fate::Slow; 3] } else { Vec::new() },
        Flavour::Gaps => return Vec::new(),
    }
    let mut plan = vec![if rng.chance(first_fails) {
        Fate::Fail
    } else {
        rng.weighed(&[(92, Fate::Ok), (4, Fate::Ignore), (4, Fate::Slow)])
    }];
    if rng.chance(40) {
        for _ in 0..1 + rng.below(2) {
            plan.push(rng.weighed(&[(40, Fate::Ok), (30, Fate::Fail), (15, Fate::Ignore), (15, Fate::Slow)]));
            if plan.last() == Some(&Fate::Fail) {
                // The n-th start fails, m times.
                plan.extend(std::iter::repeat_n(Fate::Fail, rng.below(3)));
            }
        }
    }
    while plan.last() == Some(&Fate::Ok) {
        plan.pop();
    }
    plan
}
