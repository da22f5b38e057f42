//! Supervised one-shot tasks (Elixir's `Task.Supervisor`): futures that run under a supervisor and end.
//!
//! A task is an ordinary child of an ordinary dynamic supervisor, an actor whose only message is to run: it is seen in
//! snapshots and events, is stopped with its supervisor within a budget, and its panic is the crash of a temporary
//! child, never of whoever spawned it.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::backoff::Backoff;
use super::child::{ChildSpec, DEFAULT_SHUTDOWN, child};
use super::options::options_of_supervisor;
use super::policy::{Restart, Shutdown};
use super::supervisor::Supervisor;
use crate::actor::{Actor, Flow, Init};
use crate::address::Address;
use crate::context::Context;
use crate::error::AdminError;
use crate::exit::ExitReason;
use crate::monitor::Ended;
use crate::reply::{Answer, Reply};
use crate::scope::{Lost, Scope, Settle};
use crate::tree::SupervisorRef;

/// The specification of a supervisor of one-shot tasks.
///
/// Without options, [`Supervisor::tasks`] is shorter.
#[derive(Debug)]
#[must_use = "a specification does nothing until it is added to a supervisor"]
pub struct TaskSupervisor {
    supervisor: Supervisor,
    task_shutdown: Shutdown,
}

impl TaskSupervisor {
    /// A supervisor without tasks.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let mut supervisor = Supervisor::one_for_one(name);
        supervisor.is_dynamic = true;
        Self { supervisor, task_shutdown: DEFAULT_SHUTDOWN.into() }
    }

    /// How many tasks may run, or wait to be tried again, at the same time: one more is refused with
    /// [`AdminError::MaxChildren`]. Unlimited unless set.
    pub fn max_children(mut self, max_children: usize) -> Self {
        self.supervisor.max_children = Some(max_children);
        self
    }

    /// How its tasks are stopped. A [`Duration`] is how long they may go on when the supervisor stops; then they are
    /// dropped at their next await. 5 s unless set.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.task_shutdown = shutdown.into();
        self
    }

    options_of_supervisor! {
        /// Only [retried](Tasks::spawn_retried) tasks are charged.
        intensity(limit: u32, period: Duration);
        /// It is how long [retried](Tasks::spawn_retried) tasks wait before they are tried again.
        backoff(backoff: Backoff);
        on(runtime: Handle);
    }
}

impl Supervisor {
    /// Adds a supervisor of one-shot tasks.
    pub fn tasks(&mut self, name: impl Into<Arc<str>>) -> Tasks {
        self.add_tasks(TaskSupervisor::new(name))
    }

    /// Adds a supervisor of one-shot tasks with options.
    pub fn add_tasks(&mut self, spec: TaskSupervisor) -> Tasks {
        let supervisor = self.supervisor(spec.supervisor);
        Tasks { supervisor, task_shutdown: spec.task_shutdown, spawned: Arc::default() }
    }
}

/// Spawns supervised one-shot tasks.
///
/// # On restart
///
/// It stays valid over restarts of its supervisor; the tasks do not come back.
///
/// ```
/// use tembusu::{ExitReason, Supervisor, TaskHandle};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut root = Supervisor::one_for_one("root");
/// let tasks = root.tasks("tasks");
/// let tree = root.start().await?;
/// let sum = tasks.spawn(async { 40 + 2 }).await?;
/// assert_eq!(sum.await?, 42);
/// let failing: TaskHandle<()> = tasks.spawn(async { panic!("no route") }).await?;
/// assert!(matches!(failing.await, Err(ExitReason::Panic { .. })));
/// tree.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tasks {
    supervisor: SupervisorRef,
    task_shutdown: Shutdown,
    spawned: Arc<AtomicU64>,
}

impl Tasks {
    /// Runs a future under the supervisor. It is not tried again when it panics.
    ///
    /// Dropping the handle lets the task go on; see [`TaskHandle::cancel_on_drop`].
    ///
    /// # Errors
    ///
    /// As those of [`SupervisorRef::start_child`]: the supervisor is not running, or has as many tasks as it may.
    ///
    /// # Cancel safety
    ///
    /// A dropped wait may have spawned the task.
    pub async fn spawn<F>(&self, future: F) -> Result<TaskHandle<F::Output>, AdminError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let future: Mutex<Option<Attempt<F::Output>>> = Mutex::new(Some(Box::pin(future)));
        // Temporary, there is no second time.
        let make = move || lock(&future).take();
        self.start(Restart::Temporary, Box::new(make)).await
    }

    /// Runs what `make` makes under the supervisor, and again when it panics or is killed: a transient child. Each
    /// failure is charged to the supervisor's intensity, and waits for its back-off.
    ///
    /// # Errors
    ///
    /// As those of [`spawn`](Self::spawn).
    ///
    /// # Cancel safety
    ///
    /// A dropped wait may have spawned the task.
    ///
    /// # On restart
    ///
    /// When the intensity is used up, the supervisor is restarted without its tasks; the handle then gives the reason
    /// of the last failure.
    pub async fn spawn_retried<F, R>(&self, make: F) -> Result<TaskHandle<R::Output>, AdminError>
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future + Send + 'static,
        R::Output: Send + 'static,
    {
        let make = move || -> Option<Attempt<R::Output>> { Some(Box::pin(make())) };
        self.start(Restart::Transient, Box::new(make)).await
    }

    async fn start<T: Send + 'static>(
        &self,
        restart: Restart,
        make: Box<dyn Fn() -> Option<Attempt<T>> + Send + Sync>,
    ) -> Result<TaskHandle<T>, AdminError> {
        let (reply, answer) = Reply::channel();
        let shared: Arc<Shared> = Arc::default();
        let job = Job { make, reply: Mutex::new(Some(reply)), shared: Arc::clone(&shared) };
        let number = self.spawned.fetch_add(1, Ordering::Relaxed) + 1;
        let spec: ChildSpec<Task<T>> = child(number.to_string(), Arc::new(job));
        let spec = spec.restart(restart).shutdown(self.task_shutdown).mailbox(1);
        let address = self.supervisor.start_child(spec).await?;
        let path = address.path().into();
        let supervisor = self.supervisor.clone();
        let ended = address.ended();
        let outcome = Box::pin(outcome(answer, ended, address, Arc::clone(&shared)));
        Ok(TaskHandle { supervisor, path, shared, outcome })
    }

    /// The supervisor of the tasks.
    #[must_use]
    pub fn supervisor(&self) -> &SupervisorRef {
        &self.supervisor
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tasks({})", self.supervisor.path())
    }
}

/// A spawned task. Awaited, it gives what the task returned, or why it ended without.
///
/// Dropping it lets the task go on. A task that is stopped with its supervisor ends with
/// [`Shutdown`](ExitReason::Shutdown) or [`Killed`](ExitReason::Killed).
///
/// # Cancel safety
///
/// It can be awaited by reference, and again after a wait was dropped.
#[must_use = "dropping it lets the task go on; say `detach` if that is what is meant"]
pub struct TaskHandle<T> {
    supervisor: SupervisorRef,
    path: Arc<str>,
    shared: Arc<Shared>,
    outcome: Pin<Box<dyn Future<Output = Result<T, ExitReason>> + Send>>,
}

impl<T> TaskHandle<T> {
    /// Ends the task for good: at its next await, or at once when it waits to be tried again. It then ends with
    /// [`ShutdownWith`](ExitReason::ShutdownWith). One that does not come to an await is killed when the budget of
    /// a shutdown has passed.
    pub fn cancel(&self) {
        self.shared.cancel.notify_one();
        let name = self.path.rsplit('/').next().unwrap_or_default();
        // The first poll asks; nobody waits for the answer.
        let asked = std::pin::pin!(self.supervisor.terminate_child(name));
        let answer = asked.poll(&mut TaskContext::from_waker(Waker::noop()));
        if !matches!(answer, Poll::Ready(Err(_))) {
            // It had not ended before.
            self.shared.note(cancelled());
        }
    }

    /// Lets the task go on without anybody waiting for it.
    pub fn detach(self) {
        drop(self);
    }

    /// From now on, dropping the handle [cancels](Self::cancel) the task.
    pub fn cancel_on_drop(self) -> CancelOnDrop<T> {
        CancelOnDrop { handle: self }
    }

    /// The child's path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl<T> Future for TaskHandle<T> {
    type Output = Result<T, ExitReason>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.outcome.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskHandle({})", self.path)
    }
}

/// A [`TaskHandle`] that cancels its task when it is dropped.
#[derive(Debug)]
#[must_use = "dropping it cancels the task"]
pub struct CancelOnDrop<T> {
    handle: TaskHandle<T>,
}

impl<T> Future for CancelOnDrop<T> {
    type Output = Result<T, ExitReason>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.handle).poll(cx)
    }
}

impl<T> Drop for CancelOnDrop<T> {
    fn drop(&mut self) {
        self.handle.cancel();
    }
}

type Attempt<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What every attempt of a task is made from.
struct Job<T: Send + 'static> {
    make: Box<dyn Fn() -> Option<Attempt<T>> + Send + Sync>,
    reply: Mutex<Option<Reply<T>>>,
    shared: Arc<Shared>,
}

/// What a task and its handle share.
#[derive(Default)]
struct Shared {
    cancel: Notify,
    /// Why the last attempt ended without a result.
    last: Mutex<Option<ExitReason>>,
}

impl Shared {
    fn note(&self, reason: ExitReason) {
        let before = lock(&self.last).replace(reason);
        drop(before);
    }
}

impl Settle for Shared {
    fn settle(&self, lost: Lost) {
        if let Lost::Died(reason) = lost {
            self.note(reason);
        }
    }
}

/// Dropped in an attempt: how that ends is noted when it is known.
struct Noted(Arc<Shared>);

impl Drop for Noted {
    fn drop(&mut self) {
        Scope::settle_dropped(Arc::clone(&self.0) as Arc<dyn Settle>);
    }
}

const CANCELLED: &str = "cancelled";

fn cancelled() -> ExitReason {
    ExitReason::ShutdownWith(CANCELLED.into())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One attempt.
struct Task<T: Send + 'static> {
    attempt: Attempt<T>,
    job: Arc<Job<T>>,
}

/// The only message of a task.
struct Run;

impl<T: Send + 'static> Actor for Task<T> {
    type Message = Run;
    type Args = Arc<Job<T>>;
    type Crash = Infallible;

    async fn init(job: &Arc<Job<T>>, cx: &mut Context<Self>) -> Result<Init<Self>, Infallible> {
        let _noted = Noted(Arc::clone(&job.shared));
        let Some(attempt) = (job.make)() else { return Ok(Init::Ignore) };
        cx.after(Duration::ZERO, Run);
        Ok(Init::Ready(Self { attempt, job: Arc::clone(job) }))
    }

    async fn handle(&mut self, Run: Run, _: &mut Context<Self>) -> Result<Flow, Infallible> {
        let _noted = Noted(Arc::clone(&self.job.shared));
        let value = tokio::select! {
            biased;
            () = self.job.shared.cancel.notified() => {
                self.job.shared.note(cancelled());
                return Ok(Flow::Shutdown(CANCELLED.to_owned()));
            }
            value = &mut self.attempt => value,
        };
        let reply = lock(&self.job.reply).take();
        if let Some(reply) = reply {
            // Nobody may be waiting.
            drop(reply.send(value));
        }
        Ok(Flow::Stop)
    }
}

async fn outcome<T: Send + 'static>(
    mut answer: Answer<T>,
    ended: Ended,
    address: Address<Run>,
    shared: Arc<Shared>,
) -> Result<T, ExitReason> {
    tokio::select! {
        biased;
        told = &mut answer => if let Ok(value) = told {
            return Ok(value);
        },
        () = address.closed() => {
            // What it returned, it returned before it was gone.
            let told = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut answer).poll(cx))).await;
            if let Poll::Ready(Ok(value)) = told {
                return Ok(value);
            }
        }
    }
    // It is gone, and how comes right after it: looked at once, it may not be there yet.
    match ended.await {
        // It holds on to what would have told how it ended.
        down if matches!(down.reason, ExitReason::Unresponsive) => Err(down.reason),
        _ => Err(lock(&shared.last).clone().unwrap_or(ExitReason::Shutdown)),
    }
}
