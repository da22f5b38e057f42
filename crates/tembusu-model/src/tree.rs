//! A tree that lives: what may happen to it, one thing at a time.

use crate::admin::{Counts, Life, Refused, Up};
use crate::process::{Child, Fate, Process, State, Supervisor};
use crate::spec::{ChildSpec, Id, Kind, SupervisorSpec};
use crate::world::{Reason, Step, World};

/// A supervision tree and the world around it.
///
/// What is about a supervisor names it; what is about a process names the child.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tree {
    root: Child,
    /// The clock and how children behave.
    pub world: World,
}

impl Tree {
    /// Starts a tree; [`Tree::is_up`] says whether that succeeded.
    ///
    /// # Panics
    ///
    /// If the specification is bad or its root is not a supervisor.
    pub fn start(root: ChildSpec, world: World) -> Self {
        let Kind::Supervisor(spec) = &root.kind else { panic!("a tree's root is a supervisor") };
        assert_eq!(spec.check(), Ok(()), "a tree that is started is valid");
        let mut tree = Self { root: Child::new(root), world };
        tree.root.start(&mut tree.world);
        tree
    }

    /// Returns what was seen since this was asked last.
    pub fn steps(&mut self) -> Vec<Step> {
        self.world.take_steps()
    }

    /// Returns whether the root runs.
    pub fn is_up(&self) -> bool {
        self.root.below().is_some()
    }

    /// Lets time pass.
    pub fn pass(&mut self, by: u64) {
        self.world.now += by;
    }

    // === what processes do ===

    /// Lets a process end by itself and its supervisor act on it, every restart that fails being tried again until
    /// it succeeds or a supervisor gives up.
    pub fn crash(&mut self, id: Id, reason: Reason) {
        if self.end(id, reason) {
            self.read_exit(id);
            self.settle();
        }
    }

    /// Lets several processes end while their supervisors look elsewhere, which then read the exits in this order.
    pub fn crash_together(&mut self, ends: &[(Id, Reason)]) {
        let ended: Vec<Id> = ends.iter().filter(|end| self.end(end.0, end.1)).map(|end| end.0).collect();
        for id in ended {
            self.read_exit(id);
            self.settle();
        }
    }

    /// Lets a process end by itself; nobody has noticed yet. False if there is none.
    pub fn end(&mut self, id: Id, reason: Reason) -> bool {
        let Some(root) = self.root.below_mut() else { return false };
        root.end(id, reason, &mut self.world)
    }

    /// Lets the supervisor of an ended process act on it.
    pub fn read_exit(&mut self, id: Id) {
        self.at_root(|root, world| root.read_exit(id, world));
    }

    /// Returns whose failed restart is tried again next.
    pub fn waiting(&self) -> Option<Id> {
        self.root.below().and_then(next_to_try)
    }

    /// Tries the next failed restart again; false if there is none.
    pub fn try_again(&mut self) -> bool {
        let Some(id) = self.waiting() else { return false };
        self.at_root(|root, world| root.try_again(id, world));
        true
    }

    /// Tries failed restarts again until there is none.
    pub fn settle(&mut self) {
        while self.try_again() {}
    }

    // === what operators do ===

    /// Stops the tree as its parent would.
    pub fn stop(&mut self) {
        self.root.stop(&mut self.world);
    }

    /// Adds a child and starts it.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn start_child(&mut self, of: Id, spec: ChildSpec) -> Result<Up, Refused> {
        self.ask(of, |supervisor, world| supervisor.start_child(spec, world))
    }

    /// Terminates a child.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn terminate_child(&mut self, of: Id, id: Id) -> Result<(), Refused> {
        self.ask(of, |supervisor, world| supervisor.terminate_child(id, world))
    }

    /// Starts a child that was terminated or has ended.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn restart_child(&mut self, of: Id, id: Id) -> Result<Up, Refused> {
        self.ask(of, |supervisor, world| supervisor.restart_child(id, world))
    }

    /// Deletes the specification of a child that does not run.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn delete_child(&mut self, of: Id, id: Id) -> Result<(), Refused> {
        self.ask(of, |supervisor, _| supervisor.delete_child(id))
    }

    /// Returns a supervisor's children in reverse start order.
    ///
    /// # Errors
    ///
    /// [`Refused::NoProcess`].
    pub fn which_children(&mut self, of: Id) -> Result<Vec<(Id, Life)>, Refused> {
        self.ask(of, |supervisor, _| Ok(supervisor.which_children()))
    }

    /// Counts a supervisor's children.
    ///
    /// # Errors
    ///
    /// [`Refused::NoProcess`].
    pub fn count_children(&mut self, of: Id) -> Result<Counts, Refused> {
        self.ask(of, |supervisor, _| Ok(supervisor.count_children()))
    }

    /// Returns the specification of a child.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn get_spec(&mut self, of: Id, id: Id) -> Result<ChildSpec, Refused> {
        self.ask(of, |supervisor, _| supervisor.child_mut(id).map(|child| child.spec.clone()).ok_or(Refused::NotFound))
    }

    /// Changes a running supervisor's flags and children.
    ///
    /// # Errors
    ///
    /// [`Refused::Bad`] if the new specification is; the old one then stays.
    pub fn change(&mut self, of: Id, spec: SupervisorSpec) -> Result<(), Refused> {
        let new = spec.clone();
        self.ask(of, |supervisor, _| supervisor.change(spec).map_err(Refused::Bad))?;
        self.root.learn(of, &new);
        Ok(())
    }

    // === what a bystander finds ===

    /// Returns the names of all processes that run, in start order, supervisors before their children.
    pub fn running(&self) -> Vec<Id> {
        let mut running = Vec::new();
        collect(&self.root, &mut running);
        running
    }

    fn ask<T>(
        &mut self,
        of: Id,
        act: impl FnOnce(&mut Supervisor, &mut World) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let root = self.root.below_mut().ok_or(Refused::NoProcess)?;
        act(root.find_mut(of).ok_or(Refused::NoProcess)?, &mut self.world)
    }

    fn at_root(&mut self, act: impl FnOnce(&mut Supervisor, &mut World) -> Fate) {
        let Some(root) = self.root.below_mut() else { return };
        if let Fate::Over(reason) = act(root, &mut self.world) {
            self.root.state = State::Undefined;
            self.world.saw(Step::Ended(self.root.spec.id, reason));
        }
    }
}

fn next_to_try(supervisor: &Supervisor) -> Option<Id> {
    let below = || supervisor.children.iter().filter_map(Child::below).find_map(next_to_try);
    // One that was terminated meanwhile, or restarted with its group, waits no more.
    let waits = |id: &Id| supervisor.children.iter().any(|c| c.spec.id == *id && c.state == State::Restarting);
    supervisor.again.iter().copied().find(waits).or_else(below)
}

fn collect(child: &Child, running: &mut Vec<Id>) {
    match &child.state {
        State::Running(Process::Worker) => running.push(child.spec.id),
        State::Running(Process::Supervisor(below)) => {
            running.push(child.spec.id);
            below.children.iter().for_each(|child| collect(child, running));
        }
        State::Running(Process::Dead(_)) | State::Undefined | State::Restarting => {}
    }
}
