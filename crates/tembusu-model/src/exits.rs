//! What a supervisor does when a child has ended by itself, and what its own supervisor does when it gives up.

use std::mem;

use crate::process::{Child, Fate, Process, State, Supervisor};
use crate::spec::{AutoShutdown, Id, Restart, Strategy};
use crate::world::{Reason, Start, Step, World};

impl Supervisor {
    /// Reads the exit signal of a process somewhere in this tree.
    ///
    /// Principles, *Maximum Restart Intensity*: "When the supervisor terminates, then the next higher-level supervisor
    /// takes some action."
    pub(crate) fn read_exit(&mut self, id: Id, world: &mut World) -> Fate {
        self.at_supervisor_of(id, world, |supervisor, world| supervisor.child_exited(id, world))
    }

    /// Tries a failed restart again.
    ///
    /// Section 13 of the suite's restatement: "failing start => ... the supervisor casts `try_again_restart(Id)` to
    /// itself so that queued API calls are served between attempts; each attempt charges again."
    pub(crate) fn try_again(&mut self, id: Id, world: &mut World) -> Fate {
        self.at_supervisor_of(id, world, |supervisor, world| {
            supervisor.again.retain(|&waiting| waiting != id);
            match supervisor.child_mut(id).map(|child| &child.state) {
                Some(State::Restarting) => supervisor.restart(id, world),
                // It was terminated meanwhile (case 64), or restarted with its group.
                _ => Fate::GoesOn,
            }
        })
    }

    /// Does something at the supervisor of a child, and lets every supervisor on the way up act on what became of
    /// the one below.
    fn at_supervisor_of(
        &mut self,
        id: Id,
        world: &mut World,
        act: impl FnOnce(&mut Supervisor, &mut World) -> Fate,
    ) -> Fate {
        if self.position(id).is_some() {
            return act(self, world);
        }
        let on_the_way = self.children.iter_mut().find(|child| child.below().is_some_and(|below| below.has(id)));
        let Some(child) = on_the_way else { return Fate::GoesOn };
        let below = child.below_mut().expect("it runs");
        let Fate::Over(reason) = below.at_supervisor_of(id, world, act) else { return Fate::GoesOn };
        let below = child.spec.id;
        child.state = State::Running(Process::Dead(reason));
        world.saw(Step::Ended(below, reason));
        self.child_exited(below, world)
    }

    /// Acts on the exit signal of an own child.
    fn child_exited(&mut self, id: Id, world: &mut World) -> Fate {
        let simple = self.flags.strategy == Strategy::SimpleOneForOne;
        let child = self.child_mut(id).expect("an exit signal has a child");
        // An exit signal that was read when the process was terminated is not there any more.
        let State::Running(Process::Dead(reason)) = child.state else { return Fate::GoesOn };
        child.state = State::Undefined;
        let significant = child.spec.significant;
        match child.spec.restart {
            // "A permanent child process is always restarted." (Cases 34, 37 and 40.)
            Restart::Permanent => self.restart(id, world),
            // "... only if it terminates abnormally." (Cases 35, 38 and 41.)
            Restart::Transient if reason.is_abnormal() => self.restart(id, world),
            // Its specification is kept.
            Restart::Transient if !simple => self.after_the_end_of(significant, world),
            // "... never restarted"; "the child specification is deleted as soon as the process terminates" (cases 36,
            // 39 and 42). An instance of a `simple_one_for_one` that is not restarted is gone, too.
            Restart::Transient | Restart::Temporary => {
                self.remove(id, world);
                self.after_the_end_of(significant, world)
            }
        }
    }

    /// Principles, *Automatic Shutdown*: "only applies when significant children terminate by themselves".
    fn after_the_end_of(&mut self, significant: bool, world: &mut World) -> Fate {
        // A child that is to be restarted counts as active.
        let active = |child: &Child| child.spec.significant && child.state != State::Undefined;
        let shuts_down = significant
            && match self.flags.auto_shutdown {
                AutoShutdown::Never => false,
                AutoShutdown::AnySignificant => true,
                AutoShutdown::AllSignificant => !self.children.iter().any(active),
            };
        if !shuts_down {
            return Fate::GoesOn;
        }
        world.saw(Step::AutoShutdown(self.id));
        self.shut_down(Reason::Shutdown, world)
    }

    /// Restarts a child that has ended or failed to start, and whom the strategy adds.
    fn restart(&mut self, id: Id, world: &mut World) -> Fate {
        // The charge comes first. "The termination reason for the supervisor itself in that case will be shutdown."
        if !self.charge(world) {
            return self.shut_down(Reason::Shutdown, world);
        }
        let at = self.position(id).expect("a child that is restarted has a specification");
        let outcome = match self.flags.strategy {
            Strategy::OneForOne | Strategy::SimpleOneForOne => match self.start_child_by_id(id, world) {
                Start::Fail => Err(id),
                Start::Ok | Start::Ignore => Ok(()),
            },
            Strategy::OneForAll => self.restart_group(0, world),
            Strategy::RestForOne => self.restart_group(at, world),
        };
        // Whoever failed to start is tried again: under one_for_all with everybody (case 51), under rest_for_one with
        // those after it only (case 54). Those not reached yet stay undefined (case 65).
        if let Err(failed) = outcome {
            self.child_mut(failed).expect("it was to be started").state = State::Restarting;
            self.again.push(failed);
        }
        Fate::GoesOn
    }

    /// Terminates and starts again all from a position on; also those that had ended before (case 61).
    fn restart_group(&mut self, first: usize, world: &mut World) -> Result<(), Id> {
        self.stop_children(first, world);
        self.start_children(first, world)
    }

    /// Ends a process by itself; its exit signal waits to be read. A supervisor takes its children along.
    pub(crate) fn end(&mut self, id: Id, reason: Reason, world: &mut World) -> bool {
        let Some(child) = self.child_mut(id) else {
            return self.children.iter_mut().filter_map(Child::below_mut).any(|below| below.end(id, reason, world));
        };
        match mem::replace(&mut child.state, State::Undefined) {
            State::Running(Process::Worker) => {}
            State::Running(Process::Supervisor(mut below)) => below.stop_children(0, world),
            other => {
                child.state = other;
                return false;
            }
        }
        child.state = State::Running(Process::Dead(reason));
        world.saw(Step::Ended(id, reason));
        true
    }
}
