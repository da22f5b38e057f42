//! A random tree twice: as the model's specification, and as a running tree.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tembusu::{Address, Inline, Restart, State, Supervisor, Tree, child};
use tembusu_model::{ChildSpec, Id, Restart as R, Strategy, SupervisorSpec};

use crate::dice::Dice;
use crate::unruly::{Args, Order, Tally, Unruly};

/// Longer than any tree lives.
const PERIOD: Duration = Duration::from_secs(3600);

/// One worker, from outside.
pub(crate) struct Handle {
    pub(crate) address: Address<Order>,
    pub(crate) args: Args,
}

/// How a tree is to be.
pub(crate) struct Shape {
    pub(crate) depth: usize,
    pub(crate) restarts: &'static [R],
    pub(crate) strategies: &'static [Strategy],
    /// Of the root, and up to this of those below.
    pub(crate) intensity: (usize, usize),
    pub(crate) period: Duration,
}

pub(crate) struct Grove {
    pub(crate) dice: Dice,
    pub(crate) workers: BTreeMap<Id, Handle>,
    shape: Shape,
    next: Id,
}

impl Shape {
    /// One that gives up now and then.
    pub(crate) fn frail() -> Self {
        Self {
            depth: 3,
            restarts: &[R::Permanent, R::Permanent, R::Permanent, R::Transient, R::Temporary],
            strategies: &[Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne],
            intensity: (60, 8),
            period: PERIOD,
        }
    }

    /// One in which everything always comes back.
    pub(crate) fn hardy(strategies: &'static [Strategy]) -> Self {
        let many = 1_000_000;
        let period = Duration::from_millis(200);
        Self { depth: 2, restarts: &[R::Permanent], strategies, intensity: (many, many), period }
    }
}

impl Grove {
    pub(crate) fn new(dice: Dice, shape: Shape) -> Self {
        Self { dice, workers: BTreeMap::new(), shape, next: 0 }
    }

    /// The root of both, not started.
    pub(crate) fn grow(&mut self) -> (ChildSpec, Supervisor) {
        let depth = self.shape.depth;
        self.supervisor(depth, true)
    }

    fn supervisor(&mut self, depth: usize, root: bool) -> (ChildSpec, Supervisor) {
        let id = self.fresh();
        let name: Arc<str> = id.to_string().into();
        let strategy = self.dice.pick(self.shape.strategies);
        let mut real = match strategy {
            Strategy::OneForAll => Supervisor::one_for_all(name),
            Strategy::RestForOne => Supervisor::rest_for_one(name),
            _ => Supervisor::one_for_one(name),
        };
        let (most, few) = self.shape.intensity;
        let intensity = match (root, few) {
            (true, _) => most,
            (false, few) if few < most => self.dice.below(few),
            (false, few) => few,
        };
        let restart = if root { R::Permanent } else { self.dice.pick(self.shape.restarts) };
        real = real.intensity(u32::try_from(intensity).expect("it is small"), self.shape.period);
        if !root {
            real = real.restart(restart_of(restart));
        }
        let period = u64::try_from(self.shape.period.as_millis()).expect("it is short");
        let mut model = SupervisorSpec::new(strategy, intensity).period(period);
        for _ in 0..2 + self.dice.below(3) {
            if depth > 0 && self.dice.one_in(3) {
                let (spec, below) = self.supervisor(depth - 1, false);
                model.children.push(spec);
                real.supervisor(below);
            } else {
                model.children.push(self.worker(&mut real));
            }
        }
        (ChildSpec::supervisor(id, restart, model), real)
    }

    fn worker(&mut self, of: &mut Supervisor) -> ChildSpec {
        let id = self.fresh();
        let restart = self.dice.pick(self.shape.restarts);
        let args = Args { tally: Arc::new(Tally::default()), view: Inline::new(id.to_string()) };
        let spec = child::<Unruly>(id.to_string(), args.clone()).restart(restart_of(restart));
        let address = of.add(spec);
        self.workers.insert(id, Handle { address, args });
        ChildSpec::worker(id, restart)
    }

    fn fresh(&mut self) -> Id {
        self.next += 1;
        self.next - 1
    }
}

fn restart_of(restart: R) -> Restart {
    match restart {
        R::Permanent => Restart::Permanent,
        R::Transient => Restart::Transient,
        R::Temporary => Restart::Temporary,
    }
}

/// Whether nothing of the tree is on its way.
pub(crate) fn is_quiet(tree: &Tree) -> bool {
    let on_its_way = |state| matches!(state, State::Starting | State::Restarting | State::Stopping);
    !tree.handle().snapshot().walk().any(|node| on_its_way(node.state))
}
