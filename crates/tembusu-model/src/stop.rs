//! Stopping: one child, the children of a supervisor in reverse order, a supervisor.

use std::mem;

use crate::process::{Child, Fate, Process, State, Supervisor};
use crate::spec::Restart;
use crate::world::{Reason, Step, World};

impl Child {
    /// Terminates the process, if there is one, and whatever was to be restarted is not any more.
    pub(crate) fn stop(&mut self, world: &mut World) {
        let id = self.spec.id;
        match mem::replace(&mut self.state, State::Undefined) {
            State::Running(Process::Worker) => world.stop_worker(id, self.spec.shutdown),
            State::Running(Process::Supervisor(mut below)) => {
                below.stop_children(0, world);
                world.saw(Step::Ended(id, Reason::Shutdown));
            }
            // It ended by itself meanwhile; its exit signal is read here and has no other consequence. (Cases 21 and
            // 63; siblings that die at the same moment are not charged again.)
            State::Running(Process::Dead(_)) => {}
            State::Undefined | State::Restarting => {}
        }
    }
}

impl Supervisor {
    /// Terminates the children from a position on "in reversed start order, from right to left" (Manual, *Supervision
    /// Principles*; case 62). Instances of a `simple_one_for_one` are stopped in an order that "is not defined".
    ///
    /// Specifications of temporary children do not outlive their process (Manual, `terminate_child`; case 44).
    pub(crate) fn stop_children(&mut self, first: usize, world: &mut World) {
        for at in (first..self.children.len()).rev() {
            self.children[at].stop(world);
            if self.children[at].spec.restart == Restart::Temporary {
                self.remove(self.children[at].spec.id, world);
            }
        }
    }

    /// Principles, *Stopping*: "it terminates all child processes in reversed start order according to the
    /// respective shutdown specifications, and then terminates itself."
    pub(crate) fn shut_down(&mut self, reason: Reason, world: &mut World) -> Fate {
        self.stop_children(0, world);
        Fate::Over(reason)
    }
}
