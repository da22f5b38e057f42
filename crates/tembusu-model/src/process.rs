//! What runs: a tree of processes. Plain values, no rules.

use crate::spec::{ChildSpec, Id, Kind, Millis, SupervisorSpec};
use crate::world::Reason;

/// A child as its supervisor knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Child {
    pub(crate) spec: ChildSpec,
    pub(crate) state: State,
}

/// Manual, `which_children`: "the pid of the corresponding child process, the atom `restarting` if the process is
/// about to be restarted, or `undefined` if there is no such process."
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    Undefined,
    Restarting,
    Running(Process),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Process {
    Worker,
    Supervisor(Supervisor),
    /// It has ended and its exit signal has not been read yet.
    Dead(Reason),
}

/// A running supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Supervisor {
    pub(crate) id: Id,
    /// Its flags; of `children` only the template of a `simple_one_for_one` counts once it runs.
    pub(crate) flags: SupervisorSpec,
    /// In start order.
    pub(crate) children: Vec<Child>,
    /// When it was charged, oldest first.
    pub(crate) charges: Vec<Millis>,
    /// Whose restarts are to be tried again, in the order in which they failed.
    pub(crate) again: Vec<Id>,
}

/// Whether a supervisor goes on after what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Fate {
    GoesOn,
    /// It has terminated its children and itself.
    Over(Reason),
}

impl Child {
    pub(crate) fn new(spec: ChildSpec) -> Self {
        Self { spec, state: State::Undefined }
    }

    /// The running supervisor that this child is, if it is one.
    pub(crate) fn below(&self) -> Option<&Supervisor> {
        match &self.state {
            State::Running(Process::Supervisor(below)) => Some(below),
            _ => None,
        }
    }

    pub(crate) fn below_mut(&mut self) -> Option<&mut Supervisor> {
        match &mut self.state {
            State::Running(Process::Supervisor(below)) => Some(below),
            _ => None,
        }
    }

    pub(crate) fn is_supervisor(&self) -> bool {
        matches!(self.spec.kind, Kind::Supervisor(_))
    }
}

impl Supervisor {
    pub(crate) fn position(&self, id: Id) -> Option<usize> {
        self.children.iter().position(|child| child.spec.id == id)
    }

    pub(crate) fn child_mut(&mut self, id: Id) -> Option<&mut Child> {
        self.children.iter_mut().find(|child| child.spec.id == id)
    }

    /// The running supervisor of this name, this one or one below.
    pub(crate) fn find_mut(&mut self, id: Id) -> Option<&mut Supervisor> {
        if self.id == id {
            return Some(self);
        }
        self.children.iter_mut().filter_map(Child::below_mut).find_map(|below| below.find_mut(id))
    }

    /// Whether it or a supervisor below has a child of this name.
    pub(crate) fn has(&self, id: Id) -> bool {
        self.position(id).is_some() || self.children.iter().filter_map(Child::below).any(|below| below.has(id))
    }
}
