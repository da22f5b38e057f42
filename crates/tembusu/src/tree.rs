//! A running tree, and handles to its supervisors.

use std::fmt;
use std::sync::Arc;

use crate::core::{ChildKey, Event as CoreEvent, Request};
use crate::error::AdminError;
use crate::event::Events;
use crate::exit::ExitReason;
use crate::monitor::Ended;
use crate::monitored::Sealed as _;
use crate::shell::member::{Member, Nested};
use crate::shell::node::{Above, Node};
use crate::shell::tree::{Shared, TreeState};
use crate::snapshot::{Kind, NodeSnapshot};
use crate::spec::IntoChild;
use crate::spec::build;

/// A running tree. Dropping it ends everything in it; nothing is orphaned.
#[must_use = "dropping a tree ends it"]
pub struct Tree {
    root: Arc<Node>,
    shared: Arc<Shared>,
}

impl Tree {
    pub(crate) fn new(root: Arc<Node>, shared: Arc<Shared>) -> Self {
        Self { root, shared }
    }

    /// A handle to the root.
    #[must_use]
    pub fn handle(&self) -> SupervisorRef {
        SupervisorRef::new(Arc::clone(&self.root))
    }

    /// Waits until the tree has ended, and says why: [`ExitReason::Exhausted`] with its chain when the root's
    /// intensity was used up.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait changes nothing.
    pub async fn wait(&self) -> ExitReason {
        let mut states = self.shared.watch();
        loop {
            if let TreeState::Down(reason) = &*states.borrow_and_update() {
                return reason.clone();
            }
            if crate::poll::deferring(states.changed()).await.is_err() {
                return ExitReason::Killed;
            }
        }
    }

    /// Stops the children in reverse start order, each within its budget, and waits for the end.
    pub async fn shutdown(&self) -> ExitReason {
        self.root.send(CoreEvent::Stop { kill: false });
        self.wait().await
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.root.send(CoreEvent::Stop { kill: true });
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree").field("root", self.root.path()).finish_non_exhaustive()
    }
}

/// A handle to a supervisor, from before its start to after its end.
///
/// Requests are served also while the supervisor restarts children (OTP, `supervisor`). None of them waits
/// longer than the budgets of the children that it concerns.
#[derive(Clone)]
pub struct SupervisorRef {
    pub(crate) node: Arc<Node>,
}

impl SupervisorRef {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self { node }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Its path from the root, or its bare name before the tree has started.
    #[must_use]
    pub fn path(&self) -> &str {
        self.node.path()
    }

    /// Subscribes to what happens in the whole tree from now on. Before the start, subscribe through the root's
    /// handle or after nesting.
    #[must_use]
    pub fn events(&self) -> Events {
        self.node.events().subscribe()
    }

    /// The subtree as it is. Each node is read at one instant, the subtree as a whole is not. A tree that has ended
    /// has let go of its children.
    #[must_use]
    pub fn snapshot(&self) -> NodeSnapshot {
        let own = match self.node.above() {
            Some(Above::Parent { node, key }) => node.upgrade().and_then(|parent| parent.child_snapshot(*key)),
            _ => None,
        };
        own.unwrap_or_else(|| NodeSnapshot {
            path: Arc::clone(self.node.path()),
            name: Arc::clone(&self.node.name),
            kind: Kind::Supervisor,
            state: self.node.own_state(),
            incarnation: 1,
            restarts: 0,
            time_left: None,
            mailbox_len: 0,
            dead_letters: 0,
            shed: 0,
            uncollected: 0,
            expired: 0,
            leaked: 0,
            last_exit: None,
            children: self.node.snapshot(),
        })
    }

    /// Whether its normal subtree was last started on [trial](crate::Probe), and has not been trusted since: one load,
    /// for a caller that gives a subtree on trial only a share of its work.
    ///
    /// It is true before anything of the subtree on trial runs, so that whoever meets a child of it learns the truth; after
    /// a trial that failed it stays true while the fallback runs, until the next start.
    #[must_use]
    pub fn is_on_trial(&self) -> bool {
        self.node.is_on_trial()
    }

    /// How many incarnations below it did not end although they were killed. What they hold leaks until they do.
    #[must_use]
    pub fn leaked(&self) -> u64 {
        self.node.leaked()
    }

    /// The supervisor with that path, this one or one below it, fallbacks included.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Self> {
        if self.path() == path {
            return Some(self.clone());
        }
        let members = self.node.with_members(|members| members.all());
        members.into_iter().find_map(|(_, member)| match &member {
            Member::Supervisor(nested) => {
                let Nested { normal, fallback, .. } = &**nested;
                std::iter::once(normal).chain(fallback).find_map(|node| Self::new(Arc::clone(node)).find(path))
            }
            Member::Worker(_) => None,
        })
    }

    /// Ends the degraded mode of this supervisor: stops the fallback, then starts the normal subtree, and waits
    /// for it. If that does not start it is degraded again. A [trial](crate::Probe) that runs is trusted at once.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotDegraded`], [`AdminError::Restarting`], or [`AdminError::Failed`] with the reason.
    pub async fn restore(&self) -> Result<(), AdminError> {
        let path = Arc::clone(self.node.path());
        let Some(Above::Parent { node, key }) = self.node.above() else { return Err(AdminError::NotDegraded { path }) };
        let Some(parent) = node.upgrade() else { return Err(AdminError::Stopping { path }) };
        let restored = parent.ask(Request::Restore { key: *key }).await;
        restored.map_err(|refused| AdminError::of(refused, parent.path(), path))
    }

    /// Starts a child that was not in the specification, and waits until it has started. It ends for good with
    /// this supervisor's incarnation.
    ///
    /// # Errors
    ///
    /// [`AdminError::AlreadyStarted`] or [`AdminError::AlreadyPresent`] for a name that is taken,
    /// [`AdminError::Failed`] when it did not start (it is forgotten then), [`AdminError::MaxChildren`],
    /// [`AdminError::Spec`], [`AdminError::Stopping`].
    pub async fn start_child<C: IntoChild>(&self, child: C) -> Result<<C as crate::spec::Sealed>::Handle, AdminError> {
        let (entry, handle) = child.into_entry();
        let shared = self.node.shared().ok_or_else(|| self.stopping())?;
        let site = self.node.site.get().ok_or_else(|| self.stopping())?;
        let name = Arc::clone(entry.name());
        let path = || self.path_of(&name);
        if name.is_empty() || name.contains('/') {
            let error = crate::SpecError::BadName { supervisor: self.path().to_owned(), name: name.to_string() };
            return Err(error.into());
        }
        let (is_dynamic, auto_shutdown) = self.node.flags().ok_or_else(|| self.stopping())?;
        build::check_significance(&entry, path, is_dynamic, auto_shutdown)?;
        build::check_entry(&entry, path, false)?;
        self.node.check_reach(&entry)?;
        let key = self.node.new_key();
        let (policy, member) = build::place_entry(entry, key, site, self.node.path(), shared);
        let insert =
            |member, gone| self.node.with_members(|members| members.insert(key, Arc::clone(&name), member, gone));
        if let Err(member) = insert(member, None) {
            let gone = self.node.free_name(&name)?;
            if insert(member, gone).is_err() {
                return Err(AdminError::AlreadyPresent { path: path() });
            }
        }
        self.ask(Request::Add { key, name: Arc::clone(&name), policy }, path).await?;
        Ok(handle)
    }

    /// Stops a child and everything below it; its specification stays, unless it is temporary or the supervisor
    /// dynamic. No error if it is not running.
    ///
    /// One that is being restarted is not tried again. When it is one whose failed start holds up its group, those
    /// after it stay down too.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotFound`], [`AdminError::Stopping`].
    pub async fn terminate_child(&self, name: &str) -> Result<(), AdminError> {
        self.ask_about(name, |key| Request::Terminate { key }).await
    }

    /// Starts a child that is not running. A failed start is not tried again and not charged, unless the child was
    /// [backing off](crate::Backoff): that is started at once, and goes on backing off when it fails.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotFound`], [`AdminError::Running`], [`AdminError::Restarting`], [`AdminError::Failed`],
    /// [`AdminError::Dynamic`], [`AdminError::Stopping`].
    pub async fn restart_child(&self, name: &str) -> Result<(), AdminError> {
        self.ask_about(name, |key| Request::Restart { key }).await
    }

    /// Forgets a child that is not running, for good; also one that is backing off by itself.
    ///
    /// # Errors
    ///
    /// As [`restart_child`](Self::restart_child).
    pub async fn delete_child(&self, name: &str) -> Result<(), AdminError> {
        self.ask_about(name, |key| Request::Delete { key }).await
    }

    /// Ends this supervisor and everything below it, and waits until it is down (OTP 28, `supervisor:stop/1`).
    ///
    /// Its reason is [`Normal`](ExitReason::Normal), and its parent decides: a permanent one is restarted, and that
    /// is charged. To keep it down, [terminate](Self::terminate_child) it through its parent.
    ///
    /// # Errors
    ///
    /// [`AdminError::Stopping`] when it is not running.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait does not call the end off.
    pub async fn stop(&self) -> Result<(), AdminError> {
        self.ask(Request::Stop, || Arc::clone(self.node.path())).await
    }

    /// Waits for the end of this supervisor's present run, and says why it ended: [`Exhausted`](ExitReason::Exhausted)
    /// with its chain, [`Shutdown`](ExitReason::Shutdown) when its parent has stopped it or a
    /// [significant](crate::AutoShutdown) child has ended it, [`Normal`](ExitReason::Normal) after [`stop`](Self::stop),
    /// [`FailedToStart`](ExitReason::FailedToStart), [`Killed`](ExitReason::Killed) when its tree was dropped (Erlang,
    /// `erlang:monitor/2` on a supervisor).
    ///
    /// It counts from this call on, not from the first poll. Everything below has ended by then. If it does not run
    /// it is ready at once, with [`NotRunning`](ExitReason::NotRunning). In [degraded mode](Self::restore) it does not
    /// run: what runs in its place is a supervisor of its own, which [`find`](Self::find) finds. An actor that wants to
    /// know [monitors](crate::Context::monitor).
    ///
    /// # Cancel safety
    ///
    /// Dropping it takes the request back.
    ///
    /// # Ordering
    ///
    /// Its parent may not have decided yet what follows.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tembusu::{Actor, Context, ExitReason, Flow, Init, Supervisor, child};
    /// # struct Worker;
    /// # impl Actor for Worker {
    /// #   type Message = (); type Args = (); type Crash = std::fmt::Error;
    /// #   async fn init(_: &(), _: &mut Context<Self>) -> Result<Init<Self>, std::fmt::Error> { Ok(Init::Ready(Self)) }
    /// #   async fn handle(&mut self, _: (), _: &mut Context<Self>) -> Result<Flow, std::fmt::Error> { Err(std::fmt::Error) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut exchange = Supervisor::one_for_one("exchange").intensity(0, Duration::from_secs(10));
    /// let worker = exchange.add(child::<Worker>("worker", ()));
    /// let mut root = Supervisor::one_for_one("root").intensity(1, Duration::from_secs(10));
    /// let exchange = root.supervisor(exchange);
    /// let tree = root.start().await.unwrap();
    /// let ended = exchange.ended();
    /// worker.tell(()).unwrap(); // It crashes at that, and no restart is granted.
    /// let down = ended.await;
    /// assert_eq!((&*down.path, down.incarnation), ("root/exchange", 1));
    /// let ExitReason::Exhausted(report) = down.reason else { panic!("{}", down.reason) };
    /// assert_eq!(&**report.root_cause().0, "root/exchange/worker");
    /// # }
    /// ```
    pub fn ended(&self) -> Ended {
        Ended::of(self.target())
    }

    async fn ask_about(&self, name: &str, request: impl FnOnce(ChildKey) -> Request) -> Result<(), AdminError> {
        let key = self.key_of(name)?;
        self.ask(request(key), || self.path_of(name)).await
    }

    /// Asks for something that concerns the child with that path, which is asked for when it is refused.
    pub(crate) async fn ask(&self, request: Request, child: impl FnOnce() -> Arc<str>) -> Result<(), AdminError> {
        let answer = self.node.ask(request).await;
        answer.map_err(|refused| AdminError::of(refused, self.node.path(), child()))
    }

    /// Where a child of that name is, or would be.
    pub(crate) fn path_of(&self, name: &str) -> Arc<str> {
        self.node.path_below(name)
    }

    pub(crate) fn stopping(&self) -> AdminError {
        AdminError::Stopping { path: Arc::clone(self.node.path()) }
    }
}

impl fmt::Debug for SupervisorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SupervisorRef({})", self.path())
    }
}
