//! The specification of a supervisor: a value, checked as a whole, then started.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::runtime::Handle;

use super::backoff::Backoff;
use super::build;
use super::child::{ChildSpec, Declared, ErasedWorker};
use super::dynamic::{Dynamic, DynamicSupervisor, IntoChild};
use super::policy::{AutoShutdown, Restart, Shutdown, Strategy};
use super::probe::Probe;
use crate::actor::Actor;
use crate::address::Address;
use crate::error::StartError;
use crate::ground::{Ground, On};
use crate::shell::node::Node;
use crate::shell::stuck::Watch;
use crate::tree::{SupervisorRef, Tree};
use crate::watchdog::AllStuck;

/// How many restarts are granted within [`DEFAULT_PERIOD`], unless the specification says otherwise (OTP's
/// default).
pub(crate) const DEFAULT_LIMIT: u32 = 1;

/// See [`DEFAULT_LIMIT`].
pub(crate) const DEFAULT_PERIOD: Duration = Duration::from_secs(5);

/// A supervisor: a strategy, a restart intensity, and children in start order.
///
/// The order of [`add`](Self::add) is the order of start, and so of dependency; children are stopped in reverse
/// order. It is closed: no code of a user runs in it, and it never waits behind messages of users.
///
/// # On restart
///
/// A nested supervisor that is restarted starts the children of its specification anew, in their slots; children
/// that were added at run time are gone.
#[must_use = "a supervisor does nothing until it is started or nested into another"]
pub struct Supervisor {
    pub(crate) name: Arc<str>,
    pub(crate) strategy: Strategy,
    pub(crate) is_dynamic: bool,
    pub(crate) limit: u32,
    pub(crate) period: Duration,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) max_children: Option<usize>,
    pub(crate) restart: Restart,
    pub(crate) significant: bool,
    pub(crate) shutdown: Shutdown,
    pub(crate) node: Arc<Node>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) declared: Vec<(Arc<str>, Arc<AtomicBool>)>,
    pub(crate) exhausted: Exhausted,
    pub(crate) restore_after: Option<(Duration, Duration)>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) probe: Option<Probe>,
    pub(crate) lacks_partitions: bool,
    pub(crate) on: Option<On>,
    pub(crate) watch: Option<Watch>,
}

/// One child of a specification. Public in name only: the module is private.
#[allow(unreachable_pub, missing_docs, missing_debug_implementations)]
pub enum Entry {
    Worker(ErasedWorker),
    Supervisor(Box<Supervisor>),
}

/// What follows when the intensity is used up.
pub(crate) enum Exhausted {
    Escalate,
    DegradeTo(Box<Supervisor>),
    Quarantine,
}

impl Supervisor {
    /// Restarts only the child that failed.
    pub fn one_for_one(name: impl Into<Arc<str>>) -> Self {
        Self::new(name.into(), Strategy::OneForOne)
    }

    /// Stops all children and starts all of them when one fails: for children that must agree with each other.
    pub fn one_for_all(name: impl Into<Arc<str>>) -> Self {
        Self::new(name.into(), Strategy::OneForAll)
    }

    /// Stops the later children and starts them after the one that failed: for a chain of dependencies.
    pub fn rest_for_one(name: impl Into<Arc<str>>) -> Self {
        Self::new(name.into(), Strategy::RestForOne)
    }

    pub(super) fn new(name: Arc<str>, strategy: Strategy) -> Self {
        Self {
            node: Node::new(Arc::clone(&name)),
            name,
            strategy,
            is_dynamic: false,
            limit: DEFAULT_LIMIT,
            period: DEFAULT_PERIOD,
            auto_shutdown: AutoShutdown::default(),
            max_children: None,
            restart: Restart::default(),
            significant: false,
            shutdown: Shutdown::Unlimited,
            entries: Vec::new(),
            declared: Vec::new(),
            exhausted: Exhausted::Escalate,
            restore_after: None,
            backoff: None,
            probe: None,
            lacks_partitions: false,
            on: None,
            watch: None,
        }
    }

    /// Grants `limit` restarts within `period`; the next failure within it ends this supervisor, and its parent
    /// decides. 1 in 5 s unless set.
    ///
    /// Failed starts are charged as well. Over levels the limits multiply: this many restarts happen here for
    /// each one that the parent grants.
    pub fn intensity(mut self, limit: u32, period: Duration) -> Self {
        self.limit = limit;
        self.period = period;
        self
    }

    /// Makes its restarts wait. At once unless set.
    ///
    /// The back-off has to leave the intensity reachable, or the tree does not start: a failed start may take the
    /// child's init time-out, so that time-outs as well as waits have to fit into the period.
    /// What the members of a group take to *stop* is not counted: they stop in microseconds unless they are deaf, and their
    /// budgets may be unlimited. A group in which a member uses a long budget up at every restart is slowed down by it, and
    /// may restart for ever: give such a member a short one.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// When its parent restarts it. Permanent unless set. An exhausted transient supervisor is *not* restarted.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Ends this supervisor in order when its significant children have done their work. Never unless set.
    ///
    /// Its reason is then [`Shutdown`](crate::ExitReason::Shutdown), as in OTP: its parent restarts it only if it
    /// is permanent.
    ///
    /// ```
    /// use tembusu::{AutoShutdown, Restart, Supervisor};
    /// # use std::convert::Infallible;
    /// # use tembusu::{Actor, Context, ExitReason, Flow, Init, child};
    /// # struct Import;
    /// # impl Actor for Import {
    /// #     type Message = ();
    /// #     type Args = ();
    /// #     type Crash = Infallible;
    /// #     async fn init(_: &(), _: &mut Context<Self>) -> Result<Init<Self>, Infallible> { Ok(Init::Ready(Self)) }
    /// #     async fn handle(&mut self, _: (), _: &mut Context<Self>) -> Result<Flow, Infallible> { Ok(Flow::Stop) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut job = Supervisor::one_for_one("job").auto_shutdown(AutoShutdown::AnySignificant);
    /// let import = job.add(child::<Import>("import", ()).restart(Restart::Transient).significant());
    /// let tree = job.start().await?;
    /// import.tell(())?; // Its work is done: it ends normally, and the job with it.
    /// assert!(matches!(tree.wait().await, ExitReason::Shutdown));
    /// # Ok(())
    /// # }
    /// ```
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.auto_shutdown = auto_shutdown;
        self
    }

    /// Its end may end the supervisor that it is nested into, as that one's
    /// [`auto_shutdown`](Self::auto_shutdown) says. It must be transient or temporary.
    pub fn significant(mut self) -> Self {
        self.significant = true;
        self
    }

    /// How it is stopped. A [`Duration`] is how long that may take as a whole; then everything below it is killed.
    /// Unlimited unless set: its children have budgets of their own.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.shutdown = shutdown.into();
        self
    }

    /// The runtime that its children run on, unless they choose their own. It needs timers enabled.
    pub fn on(mut self, runtime: Handle) -> Self {
        self.on = Some(On::Runtime(runtime));
        self
    }

    /// The ground that its children run on, unless they choose their own: a runtime that can be
    /// [replaced](Ground::replace) when its threads are lost.
    pub fn on_ground(mut self, ground: &Ground) -> Self {
        self.on = Some(On::Ground(ground.clone()));
        self
    }

    /// How often a child of this tree lets go of its thread: a poll longer than two heartbeats, in which no message
    /// was finished, is stuck, and its child loses its slot as a crashed one would
    /// ([`ExitReason::Unresponsive`](crate::ExitReason::Unresponsive)). 1 s unless set; for the root only.
    ///
    /// A child that waits at an await is never stuck, and one in `init`, or asked to stop, has a deadline of its own.
    /// It cannot be ended in Rust: it runs on beside its successor, what it does through the library has no effect, and
    /// [`SupervisorRef::leaked`] counts it until it comes back. [`ChildSpec::heartbeat`] is for children that must
    /// hold on to their thread.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.watch.get_or_insert_default().heartbeat = heartbeat;
        self
    }

    /// What to do when every worker of a runtime is stuck in children of this tree, so that nothing on it goes on. It
    /// is reported unless set; for the root only.
    pub fn when_all_stuck(mut self, policy: AllStuck) -> Self {
        self.watch.get_or_insert_default().all_stuck = policy;
        self
    }

    /// When its intensity is used up, `fallback` runs in its place, and its parent is not charged.
    ///
    /// [Stand-ins](crate::stand_in()) in the fallback take over addresses of this subtree, with what waits in
    /// their queues; the other addresses answer `Degraded`. It stays so until it is
    /// [restored](SupervisorRef::restore), or its parent is restarted.
    pub fn degrade_to(mut self, fallback: Self) -> Self {
        let _ = fallback.node.outer.set(Arc::downgrade(&self.node));
        self.exhausted = Exhausted::DegradeTo(Box::new(fallback));
        self
    }

    /// When its intensity is used up, nothing runs in its place, and its parent is not charged: its addresses
    /// answer `Degraded` until it is [restored](SupervisorRef::restore).
    pub fn quarantine(mut self) -> Self {
        self.exhausted = Exhausted::Quarantine;
        self
    }

    /// Ends degraded mode without being asked: after `first`, and when it fails or is exhausted again soon, after
    /// twice as long, up to `max`.
    pub fn restore_after(mut self, first: Duration, max: Duration) -> Self {
        self.restore_after = Some((first, max));
        self
    }

    /// Ends degraded mode without being asked, on trial: see [`Probe`]. Instead of
    /// [`restore_after`](Self::restore_after), which trusts it at once.
    pub fn probe(mut self, probe: Probe) -> Self {
        self.probe = Some(probe);
        self
    }

    /// Adds a child. It starts after the ones that were added before.
    pub fn add<A: Actor>(&mut self, spec: ChildSpec<A>) -> Address<A::Message> {
        let address = spec.address();
        self.entries.push(Entry::Worker(spec.erase()));
        address
    }

    /// Makes a slot and its address before its arguments are known, for children that need each other's
    /// addresses. Where it is added decides its place in the order.
    pub fn declare<A: Actor>(&mut self, name: impl Into<Arc<str>>) -> Declared<A> {
        let name = name.into();
        let added = Arc::new(AtomicBool::new(false));
        self.declared.push((Arc::clone(&name), Arc::clone(&added)));
        Declared::new(name, added)
    }

    /// Adds a supervisor as a child.
    pub fn supervisor(&mut self, child: Self) -> SupervisorRef {
        let handle = child.handle();
        let _ = child.node.outer.set(Arc::downgrade(&self.node));
        self.entries.push(Entry::Supervisor(Box::new(child)));
        handle
    }

    /// Adds a dynamic supervisor: children of one kind, started at run time from typed arguments.
    pub fn dynamic<T, C, F>(&mut self, name: impl Into<Arc<str>>, template: F) -> Dynamic<T, C>
    where
        C: IntoChild,
        F: Fn(T) -> C + Send + Sync + 'static,
    {
        self.add_dynamic(DynamicSupervisor::new(name, template))
    }

    /// Adds a dynamic supervisor with options.
    pub fn add_dynamic<T, C: IntoChild>(&mut self, spec: DynamicSupervisor<T, C>) -> Dynamic<T, C> {
        let (supervisor, handle) = spec.into_parts();
        self.supervisor(supervisor);
        handle
    }

    /// A handle to this supervisor. It can be passed on before anything starts.
    #[must_use]
    pub fn handle(&self) -> SupervisorRef {
        SupervisorRef::new(Arc::clone(&self.node))
    }

    /// Starts the tree with this supervisor as its root, on the current Tokio runtime: the children one after the
    /// other, each once the one before has acknowledged.
    ///
    /// # Errors
    ///
    /// [`StartError::Spec`] when the tree is invalid; nothing has been started. [`StartError::Failed`] with the
    /// path and the reason when a child did not start; the others have been stopped again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what has started.
    ///
    /// # Panics
    ///
    /// When called outside a Tokio runtime.
    pub async fn start(self) -> Result<Tree, StartError> {
        build::start(self).await
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("name", &self.name)
            .field("strategy", &self.strategy)
            .field("limit", &self.limit)
            .field("period", &self.period)
            .finish_non_exhaustive()
    }
}
