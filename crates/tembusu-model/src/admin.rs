//! The calls of an operator, with their results.

use crate::process::{Child, Process, State, Supervisor};
use crate::spec::{BadSpec, ChildSpec, Id, Restart, Strategy};
use crate::world::{Start, World};

/// What a start asked for has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Up {
    /// `{ok,Child}`.
    Started,
    /// `{ok,undefined}`: it ignored.
    Ignored,
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// `noproc`: the supervisor does not run.
    NoProcess,
    /// `{error,{already_started,Child}}`.
    AlreadyStarted,
    /// `{error,already_present}`.
    AlreadyPresent,
    /// `{error,not_found}`.
    NotFound,
    /// `{error,running}`.
    Running,
    /// `{error,restarting}`.
    Restarting,
    /// `{error,simple_one_for_one}`.
    SimpleOneForOne,
    /// `{error,max_children}`, Elixir's.
    MaxChildren,
    /// The start function failed.
    StartFailed,
    /// The specification is bad.
    Bad(BadSpec),
}

/// Manual, `which_children`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Life {
    /// There is a process.
    Running,
    /// It is about to be restarted.
    Restarting,
    /// There is none.
    Undefined,
}

/// Manual, `count_children`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// "The total count of children, dead or alive."
    pub specs: usize,
    /// "The count of all actively running child processes."
    pub active: usize,
    /// "The count of all children marked as child_type = supervisor."
    pub supervisors: usize,
    /// "The count of all children marked as child_type = worker."
    pub workers: usize,
}

impl Child {
    pub(crate) fn life(&self) -> Life {
        match self.state {
            State::Undefined => Life::Undefined,
            State::Restarting => Life::Restarting,
            State::Running(Process::Worker | Process::Supervisor(_) | Process::Dead(_)) => Life::Running,
        }
    }
}

impl Supervisor {
    fn is_simple(&self) -> bool {
        self.flags.strategy == Strategy::SimpleOneForOne
    }

    /// Manual, `start_child`; under `simple_one_for_one` the template counts and only the name is taken of `spec`.
    pub(crate) fn start_child(&mut self, spec: ChildSpec, world: &mut World) -> Result<Up, Refused> {
        let id = spec.id;
        // "If there already exists a child specification with the specified identifier, ChildSpec is discarded, and
        // the function returns {error,already_present} or {error,{already_started,Child}}" (cases 25 and 64).
        match self.child_mut(id).map(|child| child.life()) {
            Some(Life::Running) => return Err(Refused::AlreadyStarted),
            Some(Life::Restarting | Life::Undefined) => return Err(Refused::AlreadyPresent),
            None => {}
        }
        // Restarting children count, too (section 15).
        if self.flags.max_children.is_some_and(|max| self.children.len() >= max) {
            return Err(Refused::MaxChildren);
        }
        let spec = if self.is_simple() { ChildSpec { id, ..self.flags.children[0].clone() } } else { spec };
        self.flags.check_child(&spec).map_err(Refused::Bad)?;
        self.children.push(Child::new(spec));
        match self.start_child_by_id(id, world) {
            Start::Ok => Ok(Up::Started),
            Start::Ignore => Ok(Up::Ignored),
            // "... the child specification is discarded" (cases 11 and 12).
            Start::Fail => {
                self.children.retain(|child| child.spec.id != id);
                Err(Refused::StartFailed)
            }
        }
    }

    /// Manual, `terminate_child`: "The process, if there is one, is terminated and, unless it is a temporary child,
    /// the child specification is kept." It is no failure: nothing is charged, no sibling concerned, no automatic
    /// shutdown triggered (cases 25 and 79). A restart that was to be tried again is not (cases 64 to 66).
    pub(crate) fn terminate_child(&mut self, id: Id, world: &mut World) -> Result<(), Refused> {
        let simple = self.is_simple();
        let child = self.child_mut(id).ok_or(Refused::NotFound)?;
        child.stop(world);
        if simple || child.spec.restart == Restart::Temporary {
            self.remove(id, world);
        }
        Ok(())
    }

    /// Manual, `restart_child`. A failed start is returned and neither charged nor tried again (case 10). If it ignores,
    /// "the pid remains set to `undefined`", whatever its restart type: one that is temporary and has no process was
    /// added by a change.
    pub(crate) fn restart_child(&mut self, id: Id, world: &mut World) -> Result<Up, Refused> {
        if self.is_simple() {
            return Err(Refused::SimpleOneForOne);
        }
        match self.child_mut(id).ok_or(Refused::NotFound)?.life() {
            Life::Running => Err(Refused::Running),
            Life::Restarting => Err(Refused::Restarting),
            Life::Undefined => match self.child_mut(id).expect("it is there").start(world) {
                Start::Ok => Ok(Up::Started),
                Start::Ignore => Ok(Up::Ignored),
                Start::Fail => Err(Refused::StartFailed),
            },
        }
    }

    /// Manual, `delete_child`: "The corresponding child process must not be running."
    pub(crate) fn delete_child(&mut self, id: Id) -> Result<(), Refused> {
        if self.is_simple() {
            return Err(Refused::SimpleOneForOne);
        }
        match self.child_mut(id).ok_or(Refused::NotFound)?.life() {
            Life::Running => Err(Refused::Running),
            Life::Restarting => Err(Refused::Restarting),
            Life::Undefined => {
                self.children.retain(|child| child.spec.id != id);
                Ok(())
            }
        }
    }

    /// Manual, `which_children`; in reverse start order, as the suite sees it (case 3).
    pub(crate) fn which_children(&self) -> Vec<(Id, Life)> {
        self.children.iter().rev().map(|child| (child.spec.id, child.life())).collect()
    }

    /// Manual, `count_children`; of a `simple_one_for_one` the only specification is the template (cases 26, 70).
    pub(crate) fn count_children(&self) -> Counts {
        let supervisors = self.children.iter().filter(|child| child.is_supervisor()).count();
        Counts {
            specs: if self.is_simple() { 1 } else { self.children.len() },
            active: self.children.iter().filter(|child| child.life() == Life::Running).count(),
            supervisors,
            workers: self.children.len() - supervisors,
        }
    }
}
