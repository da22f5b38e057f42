//! What is not the supervisor: the clock, how children behave, and the record of what was seen.
//!
//! Never decides anything about supervision.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::spec::{Id, Millis, Shutdown};

/// Why a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// `normal`.
    Normal,
    /// `shutdown` or `{shutdown,Term}`.
    Shutdown,
    /// `killed`, which is abnormal.
    Killed,
    /// Any other.
    Error,
}

impl Reason {
    /// Manual, `restart`: abnormal is "another exit reason than normal, shutdown or {shutdown,Term}".
    pub fn is_abnormal(self) -> bool {
        matches!(self, Reason::Killed | Reason::Error)
    }
}

/// What a start function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Start {
    /// `{ok,Child}`.
    Ok,
    /// `ignore`.
    Ignore,
    /// `{error,Error}`, or it fails.
    Fail,
}

/// Something that a bystander sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A child's start function has returned; a supervisor's after those of its children.
    Started(Id),
    /// A start function failed.
    StartFailed(Id),
    /// A start function returned `ignore`.
    Ignored(Id),
    /// A process has ended; a supervisor after its children.
    Ended(Id, Reason),
    /// This supervisor has been charged a restart and has granted it.
    Charged(Id),
    /// This supervisor has reached its maximum restart intensity and gives up.
    Exhausted(Id),
    /// This supervisor shuts down because of its significant children.
    AutoShutdown(Id),
    /// A specification was removed by the supervisor itself, since its child is temporary or dynamic.
    Removed(Id),
}

/// The clock, the children's behaviour and the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct World {
    /// The time.
    pub now: Millis,
    /// How the next starts of a child go.
    pub starts: BTreeMap<Id, VecDeque<Start>>,
    /// How all later starts of a child go; `Ok` when there is nothing.
    pub always: BTreeMap<Id, Start>,
    /// Children that have to be killed.
    pub deaf: BTreeSet<Id>,
    steps: Vec<Step>,
}

impl World {
    /// Says how the next starts of a child go.
    pub fn script(&mut self, id: Id, starts: impl IntoIterator<Item = Start>) {
        self.starts.entry(id).or_default().extend(starts);
    }

    pub(crate) fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    pub(crate) fn saw(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Calls a child's start function.
    pub(crate) fn call_start(&mut self, id: Id) -> Start {
        let scripted = self.starts.get_mut(&id).and_then(VecDeque::pop_front);
        scripted.or_else(|| self.always.get(&id).copied()).unwrap_or(Start::Ok)
    }

    /// Tells a worker to terminate and waits for it; see [`Shutdown`].
    pub(crate) fn stop_worker(&mut self, id: Id, shutdown: Shutdown) {
        let killed = shutdown == Shutdown::BrutalKill || self.deaf.contains(&id);
        assert!(!(killed && shutdown == Shutdown::Infinity), "nobody waits for a deaf child for ever");
        self.saw(Step::Ended(id, if killed { Reason::Killed } else { Reason::Shutdown }));
    }
}
