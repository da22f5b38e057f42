//! Dynamic supervisors: children of one kind, started at run time from typed arguments (OTP's
//! `simple_one_for_one`).

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use super::backoff::Backoff;
use super::child::ChildSpec;
use super::options::options_of_supervisor;
use super::policy::{Restart, Shutdown, Strategy};
use super::supervisor::{Entry, Supervisor};
use crate::actor::Actor;
use crate::address::Address;
use crate::admin::{ChildCounts, ChildInfo, Identity, LeadsTo};
use crate::core::Request;
use crate::error::AdminError;
use crate::mailbox::Queue;
use crate::snapshot::State;
use crate::tree::SupervisorRef;

/// What can be a child: a worker's specification or a supervisor.
pub trait IntoChild: private::Sealed {
    /// What its starter gets: an [`Address`] or a [`SupervisorRef`].
    type Handle;
}

pub(crate) mod private {
    use super::Entry;
    use crate::admin::Identity;

    pub trait Sealed: Sized {
        type Handle;
        #[doc(hidden)]
        fn into_entry(self) -> (Entry, Self::Handle);
        #[doc(hidden)]
        fn identify(handle: &Self::Handle) -> Identity;
        #[doc(hidden)]
        fn has_ended(handle: &Self::Handle) -> bool;
    }
}

impl<A: Actor> IntoChild for ChildSpec<A> {
    type Handle = Address<A::Message>;
}

impl<A: Actor> private::Sealed for ChildSpec<A> {
    type Handle = Address<A::Message>;

    fn into_entry(self) -> (Entry, Self::Handle) {
        let address = self.address();
        (Entry::Worker(self.erase()), address)
    }

    fn identify(handle: &Self::Handle) -> Identity {
        Identity { name: last_part(handle.path()), leads_to: LeadsTo::Queue(handle.mailbox().id()) }
    }

    fn has_ended(handle: &Self::Handle) -> bool {
        handle.mailbox().lives().is_closed()
    }
}

impl IntoChild for Supervisor {
    type Handle = SupervisorRef;
}

impl private::Sealed for Supervisor {
    type Handle = SupervisorRef;

    fn into_entry(self) -> (Entry, Self::Handle) {
        let handle = self.handle();
        (Entry::Supervisor(Box::new(self)), handle)
    }

    fn identify(handle: &Self::Handle) -> Identity {
        Identity { name: last_part(handle.path()), leads_to: LeadsTo::Node(Arc::clone(handle.node())) }
    }

    fn has_ended(handle: &Self::Handle) -> bool {
        handle.node().own_state() == State::Stopped
    }
}

fn last_part(path: &str) -> Arc<str> {
    path.rsplit('/').next().unwrap_or_default().into()
}

type Template<T, C> = Arc<dyn Fn(T) -> C + Send + Sync>;

/// The specification of a dynamic supervisor: one_for_one, its children made by a template from typed arguments
/// and stopped all at once.
#[must_use = "a specification does nothing until it is added to a supervisor"]
pub struct DynamicSupervisor<T, C> {
    supervisor: Supervisor,
    template: Template<T, C>,
}

impl<T, C: IntoChild> DynamicSupervisor<T, C> {
    /// A dynamic supervisor without children.
    pub fn new<F>(name: impl Into<Arc<str>>, template: F) -> Self
    where
        F: Fn(T) -> C + Send + Sync + 'static,
    {
        let mut supervisor = Supervisor::new(name.into(), Strategy::OneForOne);
        supervisor.is_dynamic = true;
        Self { supervisor, template: Arc::new(template) }
    }

    /// How many children it may have at a time, the ones that are being restarted included. Unlimited unless set.
    pub fn max_children(mut self, max_children: usize) -> Self {
        self.supervisor.max_children = Some(max_children);
        self
    }

    options_of_supervisor! {
        intensity(limit: u32, period: Duration);
        /// A child whose init time-out makes the intensity unreachable is refused when it is started.
        backoff(backoff: Backoff);
        /// Its children come from the template, with restart types of their own.
        restart(restart: Restart);
        significant();
        shutdown(shutdown: impl Into<Shutdown>);
        on(runtime: Handle);
    }

    pub(super) fn into_parts(self) -> (Supervisor, Dynamic<T, C>) {
        let handle = self.supervisor.handle();
        (
            self.supervisor,
            Dynamic { supervisor: handle, template: Arc::new(Mutex::new(self.template)), _child: PhantomData },
        )
    }
}

impl<T, C> fmt::Debug for DynamicSupervisor<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicSupervisor").field("supervisor", &self.supervisor).finish_non_exhaustive()
    }
}

/// The handle of a dynamic supervisor.
///
/// # On restart
///
/// The handle stays valid over a restart of the supervisor; the children that were started through it do not
/// come back.
pub struct Dynamic<T, C> {
    supervisor: SupervisorRef,
    template: Arc<Mutex<Template<T, C>>>,
    _child: PhantomData<fn() -> C>,
}

impl<T, C: IntoChild> Dynamic<T, C> {
    /// Starts a child and waits until its `init` has succeeded.
    ///
    /// # Errors
    ///
    /// [`AdminError::AlreadyStarted`] or [`AdminError::AlreadyPresent`] for a name that is taken,
    /// [`AdminError::Failed`] when it did not start (it is forgotten then), [`AdminError::MaxChildren`], and
    /// [`AdminError::Stopping`] when the supervisor is not running.
    pub async fn start(&self, args: T) -> Result<<C as private::Sealed>::Handle, AdminError> {
        // It is code of the user: no lock is held while it runs.
        let template = Arc::clone(&self.template.lock().unwrap_or_else(PoisonError::into_inner));
        self.supervisor.start_child(template(args)).await
    }

    /// Makes the children that are started from now on by another template, through every copy of this handle.
    /// Those who are there stay as they are, over their restarts too: the former template has made them, from arguments
    /// that it has consumed. How they are treated is changed by their names, with a
    /// [`ChildChange`](crate::ChildChange).
    pub fn change_template<F>(&self, template: F)
    where
        F: Fn(T) -> C + Send + Sync + 'static,
    {
        let mut current = self.template.lock().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *current, Arc::new(template));
        drop(current);
        crate::panics::drop_quietly(former);
    }

    /// Stops a child by its name and forgets it. Whoever has its handle uses [`terminate_child`](Self::terminate_child),
    /// which cannot hit another one that was given the name since.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotFound`] when there is none of that name.
    pub async fn terminate(&self, name: &str) -> Result<(), AdminError> {
        self.supervisor.terminate_child(name).await
    }

    /// Stops the child that a handle belongs to, and forgets it. No error when it has ended already.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotFound`] for a handle of somebody else's child that has not ended; nothing happens to it.
    pub async fn terminate_child(&self, child: &<C as private::Sealed>::Handle) -> Result<(), AdminError> {
        let handle = C::identify(child);
        let key = match self.supervisor.node().key_of_handle(&handle) {
            Err(AdminError::NotFound { .. }) if C::has_ended(child) => return Ok(()),
            found => found?,
        };
        self.supervisor.ask(Request::Terminate { key }, || self.supervisor.path_of(&handle.name)).await
    }

    /// The child that a handle belongs to.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotFound`] for one that has ended or is somebody else's.
    pub fn which_child(&self, child: &<C as private::Sealed>::Handle) -> Result<ChildInfo, AdminError> {
        let handle = C::identify(child);
        self.supervisor.node().key_of_handle(&handle)?;
        self.supervisor.which_child(&handle.name)
    }

    /// See [`SupervisorRef::which_children`].
    #[must_use]
    pub fn which_children(&self) -> Vec<ChildInfo> {
        self.supervisor.which_children()
    }

    /// See [`SupervisorRef::count_children`].
    #[must_use]
    pub fn count_children(&self) -> ChildCounts {
        self.supervisor.count_children()
    }

    /// The supervisor itself.
    #[must_use]
    pub fn supervisor(&self) -> &SupervisorRef {
        &self.supervisor
    }
}

impl<T, C> Clone for Dynamic<T, C> {
    fn clone(&self) -> Self {
        Self { supervisor: self.supervisor.clone(), template: Arc::clone(&self.template), _child: PhantomData }
    }
}

impl<T, C> fmt::Debug for Dynamic<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dynamic").field("supervisor", &self.supervisor).finish_non_exhaustive()
    }
}
