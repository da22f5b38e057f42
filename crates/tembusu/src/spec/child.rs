//! The specification of one worker.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use super::policy::{Restart, Shutdown};
use crate::actor::Actor;
use crate::address::Address;
use crate::ground::{Ground, On};
use crate::mailbox::{Collector, DEFAULT_CAPACITY, DeadLetter, Mailbox, Overflow, Rules};
use crate::shell::slot::{Slot, Use};
use crate::shell::task::Launcher;

/// How long a worker may take to stop, unless its specification says otherwise (OTP's default).
pub(crate) const DEFAULT_SHUTDOWN: Duration = Duration::from_secs(5);

/// How long `init` may take, unless the specification says otherwise.
pub(crate) const DEFAULT_INIT_TIMEOUT: Duration = Duration::from_secs(5);

/// A worker's specification: its actor, what it is made from, and how it is treated.
#[must_use = "a specification does nothing until it is added to a supervisor"]
pub struct ChildSpec<A: Actor> {
    name: Arc<str>,
    args: A::Args,
    mailbox: Arc<Mailbox<A::Message>>,
    options: Options,
    overflow: Overflow,
    collector: Option<Collector<A::Message>>,
    stand_in: bool,
    added: Option<Arc<AtomicBool>>,
}

#[derive(Clone)]
struct Options {
    restart: Restart,
    significant: bool,
    shutdown: Shutdown,
    init_timeout: Duration,
    capacity: usize,
    fresh_queue: bool,
    on: Option<On>,
    heartbeat: Option<Duration>,
    on_own_thread: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            restart: Restart::default(),
            significant: false,
            shutdown: Shutdown::Within(DEFAULT_SHUTDOWN),
            init_timeout: DEFAULT_INIT_TIMEOUT,
            capacity: DEFAULT_CAPACITY,
            fresh_queue: false,
            on: None,
            heartbeat: None,
            on_own_thread: false,
        }
    }
}

/// Specifies a child: permanent, 5 s to start, 5 s to stop, room for 1024 messages.
pub fn child<A: Actor>(name: impl Into<Arc<str>>, args: A::Args) -> ChildSpec<A> {
    let name = name.into();
    let mailbox = Mailbox::new(Arc::clone(&name));
    ChildSpec::new(name, args, mailbox)
}

/// Specifies a child that takes over `address` while the supervisor it is in runs as a fallback.
///
/// It handles the same messages; the queue passes to it and back. It is named after the child whose place it
/// takes. It belongs into the supervisor given to [`Supervisor::degrade_to`](crate::Supervisor::degrade_to).
pub fn stand_in<A: Actor>(address: &Address<A::Message>, args: A::Args) -> ChildSpec<A> {
    let mailbox = Arc::clone(address.mailbox());
    let name = mailbox.path().rsplit('/').next().unwrap_or_default().into();
    ChildSpec { stand_in: true, ..ChildSpec::new(name, args, mailbox) }
}

impl<A: Actor> ChildSpec<A> {
    fn new(name: Arc<str>, args: A::Args, mailbox: Arc<Mailbox<A::Message>>) -> Self {
        Self {
            name,
            args,
            mailbox,
            options: Options::default(),
            overflow: Overflow::default(),
            collector: None,
            stand_in: false,
            added: None,
        }
    }

    /// When it is restarted. Permanent unless set.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.options.restart = restart;
        self
    }

    /// Its end may end its supervisor, as that one's [`auto_shutdown`](crate::Supervisor::auto_shutdown) says. It
    /// must be transient or temporary.
    pub fn significant(mut self) -> Self {
        self.options.significant = true;
        self
    }

    /// How it is stopped. A [`Duration`] is how long that may take; then it is killed. 5 s unless set.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.options.shutdown = shutdown.into();
        self
    }

    /// It is killed at once when it should end: `stop` does not run. Short for [`Shutdown::Kill`].
    pub fn brutal_kill(mut self) -> Self {
        self.options.shutdown = Shutdown::Kill;
        self
    }

    /// How long `init` may take; then the start has failed. 5 s unless set.
    pub fn init_timeout(mut self, timeout: Duration) -> Self {
        self.options.init_timeout = timeout;
        self
    }

    /// How many messages may wait. 1,024 unless set.
    pub fn mailbox(mut self, capacity: usize) -> Self {
        self.options.capacity = capacity;
        self
    }

    /// Waiting messages do not outlive the incarnation, however it ended: calls among them get `Died` with its
    /// reason. After an orderly end they are dropped when the next one starts.
    pub fn fresh_queue(mut self) -> Self {
        self.options.fresh_queue = true;
        self
    }

    /// What happens when the queue is full. Senders get their messages back unless set. Without effect for a
    /// [stand-in](stand_in()): the queue is not its own.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Where messages go that were accepted and will not be handled: of a queue that is closed, those that an
    /// [overflow policy](Self::overflow) drops, expired calls, what a [fresh queue](Self::fresh_queue) drops. Their
    /// callers have been told before.
    ///
    /// It never waits: when `collector` has no room the letter is lost, and counted
    /// ([`NodeSnapshot::uncollected`](crate::NodeSnapshot::uncollected)). A message that could not be sent at all is
    /// no dead letter; its sender has it. Without effect for a [stand-in](stand_in()).
    pub fn dead_letters(mut self, collector: Address<DeadLetter<A::Message>>) -> Self {
        self.collector = Some(Box::new(move |letter| {
            let sent = collector.mailbox().push(collector.lane(), letter, None);
            sent.map_err(|(_, letter)| letter)
        }));
        self
    }

    /// The runtime that it runs on, instead of its supervisor's. It needs timers enabled, and should outlive the
    /// tree: where a child can never start again, its supervisor ends.
    pub fn on(mut self, runtime: Handle) -> Self {
        self.options.on = Some(On::Runtime(runtime));
        self
    }

    /// The ground that it runs on, instead of its supervisor's runtime: a runtime that can be
    /// [replaced](Ground::replace) when its threads are lost.
    pub fn on_ground(mut self, ground: &Ground) -> Self {
        self.options.on = Some(On::Ground(ground.clone()));
        self
    }

    /// How often it lets go of its thread, in place of the tree's
    /// [heartbeat](crate::Supervisor::heartbeat): a poll longer than two of these is stuck. [`Duration::MAX`] for a
    /// child that may hold its thread for as long as it likes, one that waits for a disk for example.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.options.heartbeat = Some(heartbeat);
        self
    }

    /// Its address. It can be passed on before anything starts.
    #[must_use]
    pub fn address(&self) -> Address<A::Message> {
        Address::new(Arc::clone(&self.mailbox))
    }

    /// Gives it an operating-system thread of its own, named after its path, on which all its code runs: its handlers
    /// may block, on files, on channels of the standard library, on computations.
    ///
    /// What it awaits is still driven by its [runtime](Self::on), and what Tokio forbids on a worker, such as
    /// `blocking_recv`, is allowed. The watchdog does not look at it: [`heartbeat`](Self::heartbeat) means nothing
    /// here. A message costs a switch of threads, some microseconds. On a paused clock it is not waited for.
    ///
    /// Stopping and killing take effect when it waits for a message or at another await. One that blocks for longer
    /// than its budgets cannot be ended: its slot is taken away from it, a new thread is made for the next
    /// incarnation, and it is counted as [leaked](crate::SupervisorRef::leaked).
    ///
    /// # On restart
    ///
    /// The thread is kept from incarnation to incarnation, as long as one follows the other; after an orderly end
    /// none is left over.
    ///
    /// ```
    /// # use std::{convert::Infallible, time::Duration};
    /// # use tembusu::{Actor, Context, Flow, Init, Reply, Supervisor, child};
    /// # struct Disk;
    /// # impl Actor for Disk {
    /// #   type Message = Reply<String>; type Args = (); type Crash = std::io::Error;
    /// #   async fn init(_: &(), _: &mut Context<Self>) -> Result<Init<Self>, std::io::Error> { Ok(Init::Ready(Self)) }
    /// async fn handle(&mut self, reply: Reply<String>, _: &mut Context<Self>) -> Result<Flow, std::io::Error> {
    ///     std::thread::sleep(Duration::from_millis(5)); // Nobody else is held up.
    ///     let _ = reply.send(std::thread::current().name().unwrap_or_default().to_owned());
    ///     Ok(Flow::Continue)
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let mut root = Supervisor::one_for_one("root");
    /// let disk = root.add(child::<Disk>("disk", ()).on_own_thread());
    /// # let tree = root.start().await.unwrap();
    /// assert_eq!(disk.call(|reply| reply, Duration::from_secs(1)).await.unwrap(), "root/disk");
    /// # tree.shutdown().await;
    /// # }
    /// ```
    pub fn on_own_thread(mut self) -> Self {
        self.options.on_own_thread = true;
        self
    }

    pub(super) fn renamed(mut self, name: String) -> Self {
        self.name = name.into();
        self
    }

    pub(crate) fn erase(self) -> ErasedWorker {
        if let Some(added) = &self.added {
            added.store(true, Ordering::Release);
        }
        if !self.stand_in && (self.overflow != Overflow::default() || self.collector.is_some()) {
            self.mailbox.set_rules(Rules::new(self.overflow, self.collector));
        }
        let used = Use {
            is_stand_in: self.stand_in,
            fresh_queue: self.options.fresh_queue,
            on_own_thread: self.options.on_own_thread,
        };
        let launcher = Launcher::<A> { args: self.args, mailbox: self.mailbox };
        ErasedWorker {
            name: self.name,
            slot: Slot::new(Arc::new(launcher), used),
            restart: self.options.restart,
            significant: self.options.significant,
            shutdown: self.options.shutdown,
            init_timeout: self.options.init_timeout,
            capacity: self.options.capacity,
            on: self.options.on,
            heartbeat: self.options.heartbeat,
        }
    }
}

impl<A: Actor> fmt::Debug for ChildSpec<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A worker's specification without its types.
#[allow(unreachable_pub, missing_debug_implementations)]
pub struct ErasedWorker {
    pub(crate) name: Arc<str>,
    pub(crate) slot: Arc<Slot>,
    pub(crate) restart: Restart,
    pub(crate) significant: bool,
    pub(crate) shutdown: Shutdown,
    pub(crate) init_timeout: Duration,
    pub(crate) capacity: usize,
    pub(crate) on: Option<On>,
    pub(crate) heartbeat: Option<Duration>,
}

/// A slot and its address, without arguments yet. Made by [`Supervisor::declare`](crate::Supervisor::declare).
#[must_use = "a declared child must be given its arguments and added"]
pub struct Declared<A: Actor> {
    name: Arc<str>,
    mailbox: Arc<Mailbox<A::Message>>,
    added: Arc<AtomicBool>,
}

impl<A: Actor> Declared<A> {
    pub(super) fn new(name: Arc<str>, added: Arc<AtomicBool>) -> Self {
        let mailbox = Mailbox::new(Arc::clone(&name));
        Self { name, mailbox, added }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address<A::Message> {
        Address::new(Arc::clone(&self.mailbox))
    }

    /// Gives it its arguments. What is left is to add it.
    pub fn with(self, args: A::Args) -> ChildSpec<A> {
        ChildSpec { added: Some(self.added), ..ChildSpec::new(self.name, args, self.mailbox) }
    }
}

impl<A: Actor> fmt::Debug for Declared<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declared").field("name", &self.name).finish_non_exhaustive()
    }
}
