//! Live change of a running supervisor (OTP, `supervisor`, code change): flags, policies, new children, order.
//!
//! A [`Change`] is a value. It is checked as a whole; when any of it is faulty the supervisor stays as it was. It
//! starts, stops and charges nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::core::{self, ChildKey, PolicyChange, Request};
use crate::error::{AdminError, SpecError};
use crate::snapshot::Kind;
use crate::spec::policy::{AutoShutdown, Restart, Shutdown, Strategy};
use crate::spec::{Entry, IntoChild, Sealed, build};
use crate::tree::SupervisorRef;

/// What is to be different about a running supervisor. What it does not mention stays.
///
/// ```
/// use std::time::Duration;
/// use tembusu::{Change, ChildChange, Restart, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut root = Supervisor::one_for_one("root");
/// root.supervisor(Supervisor::one_for_one("cache"));
/// root.supervisor(Supervisor::one_for_one("front"));
/// let tree = root.start().await?;
/// let mut change = Change::new()
///     .intensity(5, Duration::from_secs(10))
///     .child("cache", ChildChange::new().restart(Restart::Transient))
///     .order(["front", "cache"]);
/// change.add(Supervisor::one_for_one("metrics"));
/// tree.handle().change(change).await?;
/// let children = tree.handle().which_children();
/// let names: Vec<&str> = children.iter().map(|child| &*child.name).collect();
/// assert_eq!(names, ["front", "cache", "metrics"]);
/// // What was added is not running yet.
/// tree.handle().restart_child("metrics").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use = "a change does nothing until it is given to a supervisor"]
pub struct Change {
    change: core::Change,
    children: Vec<(Arc<str>, ChildChange)>,
    added: Vec<Entry>,
    order: Vec<Arc<str>>,
}

impl Change {
    /// A change of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which siblings a failure concerns, from the next one on.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.change.strategy = Some(strategy);
        self
    }

    /// See [`Supervisor::intensity`](crate::Supervisor::intensity). The failures so far count on.
    pub fn intensity(mut self, limit: u32, period: Duration) -> Self {
        self.change.intensity = Some((limit, period));
        self
    }

    /// See [`Supervisor::auto_shutdown`](crate::Supervisor::auto_shutdown). Ends before the change do not count. Under
    /// [`AutoShutdown::Never`] children that are significant stay it, without effect.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.change.auto_shutdown = Some(auto_shutdown);
        self
    }

    /// See [`DynamicSupervisor::max_children`](crate::DynamicSupervisor::max_children). Those who are there stay. Zero is
    /// [refused](SpecError::ZeroMaxChildren), as it is in a specification.
    pub fn max_children(mut self, max_children: usize) -> Self {
        self.change.max_children = Some(max_children);
        self
    }

    /// Treats a child differently from now on.
    pub fn child(mut self, name: impl Into<Arc<str>>, change: ChildChange) -> Self {
        self.children.push((name.into(), change));
        self
    }

    /// Puts these children first, in this order; the others follow as they are. It is the order of the next group
    /// restart, the next stop, and the next start of the supervisor.
    pub fn order<N: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.order = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a child behind the others. It is not started: that is for
    /// [`restart_child`](SupervisorRef::restart_child), a group restart, or the next start of the supervisor, which
    /// it survives like the children of the specification.
    pub fn add<C: IntoChild>(&mut self, child: C) -> <C as Sealed>::Handle {
        let (entry, handle) = child.into_entry();
        self.added.push(entry);
        handle
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let added: Vec<&Arc<str>> = self.added.iter().map(Entry::name).collect();
        f.debug_struct("Change")
            .field("change", &self.change)
            .field("children", &self.children)
            .field("added", &added)
            .field("order", &self.order)
            .finish()
    }
}

/// What is to be different about one child. What it does not mention stays.
#[derive(Clone, Debug, Default)]
#[must_use = "a change does nothing until it is given to a supervisor"]
pub struct ChildChange {
    policy: PolicyChange,
}

impl ChildChange {
    /// A change of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// When it is restarted.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.policy.restart = Some(restart);
        self
    }

    /// Whether its end may end its supervisor.
    pub fn significant(mut self, significant: bool) -> Self {
        self.policy.significant = Some(significant);
        self
    }

    /// How it is stopped: see [`ChildSpec::shutdown`](crate::ChildSpec::shutdown).
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.policy.shutdown = Some(shutdown.into());
        self
    }

    /// How long its next `init` may take. Not for supervisors.
    pub fn init_timeout(mut self, timeout: Duration) -> Self {
        self.policy.init_timeout = Some(timeout);
        self
    }
}

impl SupervisorRef {
    /// Changes flags, policies, children and order of this supervisor while it runs: all of it, or nothing.
    ///
    /// # On restart
    ///
    /// What was changed stays so when the supervisor is restarted.
    ///
    /// # Errors
    ///
    /// [`AdminError::Spec`] when it is faulty, [`AdminError::NotFound`] for a child that is not there,
    /// [`AdminError::Restarting`] when the order is to change during a group restart, [`AdminError::Stopping`].
    pub async fn change(&self, change: Change) -> Result<(), AdminError> {
        let Change { mut change, children, added, order } = change;
        self.check_added(&added)?;
        for (name, ChildChange { mut policy }) in children {
            let key = self.key_of(&name)?;
            if self.get_spec(&name)?.kind == Kind::Supervisor && policy.shutdown == Some(Shutdown::Kill) {
                // A supervisor has children to end: it is asked even when it should go at once.
                policy.shutdown = Some(Shutdown::Within(Duration::ZERO));
            }
            change.policies.push((key, policy));
        }
        for name in &order {
            if !added.iter().any(|entry| entry.name() == name) {
                self.key_of(name)?;
            }
        }
        self.place_added(added, &mut change)?;
        let known = order.iter().map(|name| self.key_of(name));
        match known.collect::<Result<Vec<ChildKey>, AdminError>>() {
            Ok(order) => change.order = order,
            Err(error) => return Err(self.let_go(&change, error)),
        }
        self.ask(Request::Change(Box::new(change)), || Arc::clone(self.node().path())).await
    }

    fn check_added(&self, added: &[Entry]) -> Result<(), AdminError> {
        for (index, entry) in added.iter().enumerate() {
            let (supervisor, name) = (self.path().to_owned(), entry.name().to_string());
            if name.is_empty() || name.contains('/') {
                return Err(SpecError::BadName { supervisor, name }.into());
            }
            let twice = added[..index].iter().any(|other| other.name() == entry.name());
            if twice || self.node().with_members(|members| members.key(&name)).is_some() {
                return Err(SpecError::DuplicateName { supervisor, name }.into());
            }
            build::check_entry(entry, || self.path_of(&name), false)?;
        }
        Ok(())
    }

    /// Gives the new children their places; the core decides whether they stay.
    fn place_added(&self, added: Vec<Entry>, change: &mut core::Change) -> Result<(), AdminError> {
        for entry in added {
            let node = self.node();
            let (Some(shared), Some(site)) = (node.shared(), node.site.get()) else {
                return Err(self.let_go(change, self.stopping()));
            };
            let (key, name) = (node.new_key(), Arc::clone(entry.name()));
            let (policy, member) = build::place_entry(entry, key, site, node.path(), shared);
            if node.with_members(|members| members.insert(key, Arc::clone(&name), member, None)).is_err() {
                return Err(self.let_go(change, AdminError::AlreadyPresent { path: self.path_of(&name) }));
            }
            change.added.push((key, name, policy));
        }
        Ok(())
    }

    /// Takes back the places of children that are not added after all.
    fn let_go(&self, change: &core::Change, error: AdminError) -> AdminError {
        for (key, ..) in &change.added {
            // With the arguments, code of the user may be dropped.
            crate::panics::drop_quietly(self.node().with_members(|members| members.remove(*key)));
        }
        error
    }
}
