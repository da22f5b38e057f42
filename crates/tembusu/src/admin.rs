//! Asking a running supervisor about its children (OTP, `supervisor`: `which_children/1` and its kin).
//!
//! The answers are read under the core's short lock; asking changes nothing, waits for nobody and delays no
//! restart. Requests that change something stand with [`SupervisorRef`].

use std::sync::Arc;
use std::time::Duration;

use crate::core::{Child, ChildKey, Core};
use crate::error::AdminError;
use crate::shell::member::Member;
use crate::shell::node::Node;
use crate::snapshot::{Kind, State};
use crate::spec::policy::{Restart, Shutdown};
use crate::tree::SupervisorRef;

/// A child of a supervisor, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its name, unique among its siblings.
    pub name: Arc<str>,
    /// Worker or supervisor.
    pub kind: Kind,
    /// What it is doing; [`State::Restarting`] between the attempts to bring it back, too.
    pub state: State,
    /// How often it has been started; 0 before the first time.
    pub incarnation: u64,
}

/// How many children a supervisor has (OTP, `supervisor:count_children/1`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ChildCounts {
    /// Specifications, of children that are down too. 1 for a dynamic supervisor: its template.
    pub specs: usize,
    /// Children past their `init`. One that is being restarted is not.
    pub active: usize,
    /// Supervisors, those that are down or being restarted included.
    pub supervisors: usize,
    /// Workers, those that are down or being restarted included.
    pub workers: usize,
}

/// How a child is treated (OTP, `supervisor:get_childspec/2`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpecInfo {
    /// Its name, unique among its siblings.
    pub name: Arc<str>,
    /// Worker or supervisor.
    pub kind: Kind,
    /// When it is restarted.
    pub restart: Restart,
    /// Whether its end may end its supervisor.
    pub significant: bool,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// How long its `init` may take. `None` for supervisors.
    pub init_timeout: Option<Duration>,
}

impl ChildInfo {
    fn read(core: &Core, child: &Child) -> Self {
        Self {
            name: Arc::clone(&child.name),
            kind: child.policy.kind,
            state: core.state_of(child),
            incarnation: child.generation,
        }
    }
}

impl SpecInfo {
    fn read(child: &Child) -> Self {
        let policy = &child.policy;
        Self {
            name: Arc::clone(&child.name),
            kind: policy.kind,
            restart: policy.restart,
            significant: policy.significant,
            shutdown: policy.shutdown,
            init_timeout: policy.init_timeout,
        }
    }
}

impl SupervisorRef {
    /// Its children in start order, as its [snapshot](Self::snapshot) has them. (OTP's list is the other way round.)
    #[must_use]
    pub fn which_children(&self) -> Vec<ChildInfo> {
        let read = |core: &Core| -> Vec<(ChildKey, ChildInfo)> {
            core.children().iter().map(|child| (child.key, ChildInfo::read(core, child))).collect()
        };
        let children = self.node().read(read).unwrap_or_default();
        children.into_iter().map(|(key, info)| self.beside(key, info)).collect()
    }

    /// One of its children.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotFound`], or [`AdminError::Stopping`] when the tree has ended.
    pub fn which_child(&self, name: &str) -> Result<ChildInfo, AdminError> {
        let (key, info) = self.read_child(name, |core, child| (child.key, ChildInfo::read(core, child)))?;
        Ok(self.beside(key, info))
    }

    /// What the core knows, and what it does not: whether the child is suspended.
    fn beside(&self, key: ChildKey, mut info: ChildInfo) -> ChildInfo {
        if let Some(member) = self.node().with_members(|members| members.get(key).cloned()) {
            info.state = member.state(info.state);
        }
        info
    }

    /// How many children it has.
    #[must_use]
    pub fn count_children(&self) -> ChildCounts {
        self.node().read(Core::counts).unwrap_or_default()
    }

    /// How a child is treated, as specified or [changed](Self::change) since.
    ///
    /// # Errors
    ///
    /// As [`which_child`](Self::which_child).
    pub fn get_spec(&self, name: &str) -> Result<SpecInfo, AdminError> {
        self.read_child(name, |_, child| SpecInfo::read(child))
    }

    fn read_child<T>(&self, name: &str, read: impl FnOnce(&Core, &Child) -> T) -> Result<T, AdminError> {
        let key = self.key_of(name)?;
        let read = |core: &Core| core.children().get(key).map(|child| read(core, child));
        self.node().read(read).flatten().ok_or_else(|| AdminError::NotFound { path: self.path_of(name) })
    }

    pub(crate) fn key_of(&self, name: &str) -> Result<ChildKey, AdminError> {
        self.node().with_members(|members| members.key(name)).ok_or_else(|| self.without(name))
    }

    /// Why there is no child of that name.
    pub(crate) fn without(&self, name: &str) -> AdminError {
        match self.node().own_state() {
            // When a tree has ended it lets go of its children.
            State::Stopped => self.stopping(),
            _ => AdminError::NotFound { path: self.path_of(name) },
        }
    }
}

impl Node {
    /// Whether a child may be given this name; `Some` is an ended temporary child that had it.
    pub(crate) fn free_name(&self, name: &str) -> Result<Option<ChildKey>, AdminError> {
        let Some(holder) = self.with_members(|members| members.key(name)) else { return Ok(None) };
        let path = self.path_below(name);
        self.read(|core| match core.children().get(holder) {
            // What was specified is still there, but nobody answers for it.
            _ if core.is_down() => Err(AdminError::Stopping { path: Arc::clone(self.path()) }),
            Some(child) if child.is_active() => Err(AdminError::AlreadyStarted { path }),
            Some(_) => Err(AdminError::AlreadyPresent { path }),
            None if core.children().is_ended_temporary(holder) => Ok(Some(holder)),
            // Somebody else is adding it, or it is being removed.
            None => Err(AdminError::AlreadyPresent { path }),
        })
        .unwrap_or(Ok(None))
    }

    /// The child that a handle belongs to.
    pub(crate) fn key_of_handle(&self, handle: &Identity) -> Result<ChildKey, AdminError> {
        let of_handle = |(key, member): (ChildKey, Member)| handle.is(&member).then_some(key);
        let found = self.with_members(|members| {
            let key = members.key(&handle.name)?;
            members.get(key).cloned().map(|member| (key, member))
        });
        found.and_then(of_handle).ok_or_else(|| AdminError::NotFound { path: self.path_below(&handle.name) })
    }
}

/// What a handle leads to. Public in name only: the module is private.
#[allow(unreachable_pub, missing_debug_implementations)]
pub struct Identity {
    pub(crate) name: Arc<str>,
    pub(crate) leads_to: LeadsTo,
}

pub(crate) enum LeadsTo {
    Queue(usize),
    Node(Arc<Node>),
}

impl Identity {
    fn is(&self, member: &Member) -> bool {
        match (member, &self.leads_to) {
            (Member::Worker(slot), LeadsTo::Queue(id)) => slot.queue().id() == *id,
            (Member::Supervisor(nested), LeadsTo::Node(node)) => Arc::ptr_eq(&nested.normal, node),
            _ => false,
        }
    }
}
