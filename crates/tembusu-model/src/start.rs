//! Starting: one child, the children of a supervisor in order, a supervisor.

use crate::process::{Child, Process, State, Supervisor};
use crate::spec::{Id, Kind, Restart, Strategy, SupervisorSpec};
use crate::world::{Start, Step, World};

impl Child {
    /// Calls the start function. The child must not run.
    pub(crate) fn start(&mut self, world: &mut World) -> Start {
        assert!(!matches!(self.state, State::Running(_)), "one process a child");
        self.state = State::Undefined;
        let id = self.spec.id;
        let mut outcome = world.call_start(id);
        if outcome == Start::Ok {
            let process = match &self.spec.kind {
                Kind::Worker => Some(Process::Worker),
                Kind::Supervisor(spec) => Supervisor::start(id, spec, world).map(Process::Supervisor),
            };
            match process {
                Some(process) => self.state = State::Running(process),
                None => outcome = Start::Fail,
            }
        }
        world.saw(match outcome {
            Start::Ok => Step::Started(id),
            Start::Ignore => Step::Ignored(id),
            Start::Fail => Step::StartFailed(id),
        });
        outcome
    }
}

impl Supervisor {
    /// Manual, `start_link`: "does not return until ... all child processes have been started", and "if any child
    /// process start function fails ..., the supervisor will first terminate all already started child processes
    /// with reason `shutdown` and then terminate itself".
    ///
    /// It begins from its specification whatever happened to an earlier one. Principles, *Adding a Child Process*:
    /// "if a supervisor dies and is recreated, then all child processes that were dynamically added to the
    /// supervisor are lost." *Stopping a Child Process*: "the effects of deleting a static child process are lost if
    /// the supervisor itself restarts."
    pub(crate) fn start(id: Id, spec: &SupervisorSpec, world: &mut World) -> Option<Self> {
        let mut supervisor = Self {
            id,
            flags: spec.clone(),
            children: spec.children.iter().cloned().map(Child::new).collect(),
            charges: Vec::new(),
            again: Vec::new(),
        };
        // Principles, *Simplified one_for_one*: "When started, the supervisor does not start any child processes."
        if spec.strategy == Strategy::SimpleOneForOne {
            supervisor.children.clear();
        }
        match supervisor.start_children(0, world) {
            Ok(()) => Some(supervisor),
            Err(_failed) => {
                supervisor.stop_children(0, world);
                None
            }
        }
    }

    /// Starts the children from a position on, "in order from left to right" (Manual, *Supervision Principles*).
    ///
    /// # Errors
    ///
    /// Names the first child that failed to start; those after it are not started.
    pub(crate) fn start_children(&mut self, first: usize, world: &mut World) -> Result<(), Id> {
        let ids: Vec<Id> = self.children[first..].iter().map(|child| child.spec.id).collect();
        ids.into_iter().try_for_each(|id| match self.start_child_by_id(id, world) {
            Start::Fail => Err(id),
            Start::Ok | Start::Ignore => Ok(()),
        })
    }

    /// Starts one child.
    ///
    /// Manual, `start`: on `ignore` "the child specification will be kept by the supervisor (unless it is a temporary
    /// child)" (cases 3 to 5). An instance of a `simple_one_for_one` is not kept either (cases 6, 7 and 60).
    pub(crate) fn start_child_by_id(&mut self, id: Id, world: &mut World) -> Start {
        let simple = self.flags.strategy == Strategy::SimpleOneForOne;
        let child = self.child_mut(id).expect("a child that is started has a specification");
        let outcome = child.start(world);
        if outcome == Start::Ignore && (simple || child.spec.restart == Restart::Temporary) {
            self.remove(id, world);
        }
        outcome
    }

    /// Removes a specification.
    pub(crate) fn remove(&mut self, id: Id, world: &mut World) {
        self.children.retain(|child| child.spec.id != id);
        world.saw(Step::Removed(id));
    }
}
