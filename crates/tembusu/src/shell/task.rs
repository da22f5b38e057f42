//! The task that runs a child: one incarnation after the other.
//!
//! It is the only place where code of a user runs under supervision. There is one catch around each poll of a
//! handler, and none of our frames with a destructor between; what an incarnation leaves behind is dropped in a
//! catch of its own, before its end is reported.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use super::incarnation::Incarnation;
use super::own_thread;
use super::slot::{AfterPause, EndTimes, Launch, Slot};
use crate::actor::{Actor, Flow, Init};
use crate::context::{Context, Next};
use crate::core::Event;
use crate::exit::{ExitReason, StartFailure};
use crate::mailbox::{Mailbox, Queue};
use crate::panics::{self, Caught};
use crate::poll;
use crate::scope::{Lost, Scope, Scoped};

/// After how many restarts in place a crash loop lets its siblings have the thread.
const RESTARTS_PER_TURN: u32 = 16;

/// What a child of type `A` is made from.
pub(crate) struct Launcher<A: Actor> {
    pub(crate) args: A::Args,
    pub(crate) mailbox: Arc<Mailbox<A::Message>>,
}

impl<A: Actor> Launch for Launcher<A> {
    fn queue(&self) -> &dyn Queue {
        &*self.mailbox
    }

    fn shared_queue(&self) -> Arc<dyn Queue> {
        Arc::clone(&self.mailbox) as Arc<dyn Queue>
    }

    fn launch(self: Arc<Self>, slot: Arc<Slot>, epoch: u64, incarnation: Arc<Incarnation>, on: &Handle) {
        let path = slot.used.on_own_thread.then(|| Arc::clone(slot.path()));
        self.mailbox.set_thieves(path.is_none() && on.runtime_flavor() != RuntimeFlavor::CurrentThread);
        // Made before the task: a runtime that is shutting down drops it without a first poll.
        let runner = Runner {
            slot,
            epoch,
            incarnation: Some(incarnation),
            launcher: Some(self),
            scope: None,
            restarts: 0,
            begun: false,
            told: false,
            waits: false,
            // One on its own thread may take its time: the watchdog does not look at it.
            is_watched: path.is_none(),
        };
        match path {
            Some(path) => {
                if let Err((refused, mut runner)) = own_thread::spawn(&path, on, runner, run) {
                    // A start like any that fails: there may be a thread the next time.
                    runner.ends_as(ExitReason::Error(Arc::new(refused)));
                }
            }
            // Boxed: the runtime moves what it is given several times over, and its own part is then a small allocation.
            None => drop(on.spawn(Box::pin(run(runner)))),
        }
    }
}

/// How an incarnation ended.
enum End {
    Ignored,
    Exited(ExitReason),
}

/// How it comes to its end.
enum Over {
    /// In order: `stop` runs.
    Stop(ExitReason),
    /// Of the state nothing runs but `Drop`.
    Die(End),
}

/// What a task knows besides the life that it runs. Dropped by its runtime, it reports its incarnation's end.
///
/// There is one for each idle child: nothing stands in two places.
struct Runner<A: Actor> {
    slot: Arc<Slot>,
    epoch: u64,
    incarnation: Option<Arc<Incarnation>>,
    launcher: Option<Arc<Launcher<A>>>,
    /// Of the incarnation: lent to the thread for each poll.
    scope: Option<Arc<dyn Scoped>>,
    restarts: u32,
    /// It has been polled. One that never was has no runtime any more, and neither would the next one.
    begun: bool,
    /// Observers have been told what led to this start.
    told: bool,
    /// No incarnation runs: it waits for the restart of its group.
    waits: bool,
    is_watched: bool,
}

impl<A: Actor> Runner<A> {
    /// Reports an end outside any poll: nothing of the incarnation is left.
    fn ends_as(&mut self, report: ExitReason) {
        let Some(incarnation) = self.incarnation.take() else { return };
        let reason = incarnation.verdict_or(ExitReason::Killed);
        let linked = incarnation.conclude(Lost::Died(reason.clone()), &reason);
        self.slot.task_dropped(self.epoch, &incarnation, report);
        if let Some(linked) = linked {
            linked.end();
        }
    }
}

impl<A: Actor> Drop for Runner<A> {
    fn drop(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.incarnation = self.slot.pause_dropped(self.epoch);
            // What it was to go on with has not been polled.
            self.begun = false;
        }
        let report = if self.begun {
            ExitReason::Killed
        } else {
            ExitReason::FailedToStart(Arc::new(StartFailure::without_runtime(Arc::clone(self.slot.path()))))
        };
        self.ends_as(report);
        if let Some(launcher) = &self.launcher {
            launcher.mailbox.end_poll();
        }
        // The last reference to the arguments may be this one.
        panics::drop_quietly(self.launcher.take());
    }
}

/// Runs one incarnation after the other, in one place.
#[allow(clippy::manual_async_fn, reason = "an async fn has its arguments twice")]
fn run<A: Actor>(mut runner: Runner<A>) -> impl Future<Output = ()> + Send {
    async move {
        let lives = pin!(None);
        Running { runner: &mut runner, lives, make: life::<A> }.await;
    }
}

/// The life of the incarnation that runs, if one does: state, handler, message at hand. Whoever drops it, what it
/// holds is dropped under the incarnation's fence, callers learn the truth, and a panic goes no further.
struct Running<'a, A: Actor, F, M> {
    runner: &'a mut Runner<A>,
    lives: Pin<&'a mut Option<F>>,
    make: M,
}

impl<A: Actor, F, M> Future for Running<'_, A, F, M>
where
    F: Future<Output = End>,
    M: Fn(Arc<Launcher<A>>, Context<A>) -> F + Unpin,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let Self { runner, lives, make } = &mut *self;
        if std::mem::take(&mut runner.waits) {
            runner.go_on(runner.slot.after_pause(runner.epoch));
        }
        let owner = runner.incarnation.as_ref().map_or(0, |incarnation| incarnation.owner);
        let polling = runner.is_watched.then(|| poll::polling(owner));
        if !std::mem::replace(&mut runner.begun, true) {
            runner.slot.register(runner.epoch, cx.waker());
        }
        let mut goes_on = false;
        while let (Some(incarnation), Some(launcher)) = (&runner.incarnation, &runner.launcher) {
            if lives.is_none() {
                runner.scope = Some(Arc::clone(incarnation) as _);
                runner.told = false;
                let context =
                    Context::new(Arc::clone(&runner.slot), Arc::clone(incarnation), Arc::clone(&launcher.mailbox));
                lives.set(Some(make(Arc::clone(launcher), context)));
            }
            let Poll::Ready(end) = runner.poll_life(lives.as_mut(), cx) else {
                goes_on = true;
                break;
            };
            runner.next_after(end);
            if runner.incarnation.is_some() && runner.restarts.is_multiple_of(RESTARTS_PER_TURN) {
                // An `init` that fails at once, again and again, never waits: what it has to report is bounded all
                // the same.
                runner.slot.flush_events();
                let _ = pin!(tokio::task::yield_now()).poll(cx);
                goes_on = true;
                break;
            }
        }
        drop(polling);
        if let Some(launcher) = &runner.launcher {
            // Last, when nothing of a user follows.
            launcher.mailbox.end_poll();
        }
        if goes_on || runner.waits { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl<A: Actor, F, M> Drop for Running<'_, A, F, M> {
    fn drop(&mut self) {
        self.runner.drop_life(self.lives.as_mut());
    }
}

impl<A: Actor> Runner<A> {
    /// Polls the life of the present incarnation, unless it is killed. When it has ended nothing of it is left.
    fn poll_life<F: Future<Output = End>>(
        &mut self,
        mut lives: Pin<&mut Option<F>>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<End> {
        let Self { slot, incarnation: Some(incarnation), scope, told, .. } = self else { return Poll::Pending };
        if !incarnation.is_killed() {
            let Some(life) = lives.as_mut().as_pin_mut() else { return Poll::Pending };
            let poll = match panics::catch(|| Scope::enter_owned(scope, || life.poll(cx))) {
                Ok(poll) => poll,
                // A panic that got past the catch around the handler (in a destructor of ours or of a future's) is an
                // end like any other.
                Err(caught) => Poll::Ready(panicked(slot, incarnation, caught)),
            };
            if poll.is_ready() {
                // It has run to its end, or unwound: nothing of a user is left in it.
                lives.set(None);
                return poll;
            }
            if !incarnation.is_killed() {
                if !std::mem::replace(told, true) {
                    // The thread is free now: observers may be told what led to this start.
                    slot.flush_events();
                }
                return Poll::Pending;
            }
            // Killed meanwhile, perhaps by a panic in an inline call of its own.
        }
        let end = killed(slot, incarnation);
        self.drop_life(lives);
        Poll::Ready(end)
    }

    /// Drops a life that has not come to its end.
    fn drop_life<F>(&self, mut lives: Pin<&mut Option<F>>) {
        if let (true, Some(incarnation)) = (lives.is_some(), &self.incarnation) {
            incarnation.scope.conclude(Lost::Died(incarnation.verdict_or(ExitReason::Killed)));
            let _ = Scope::enter(Some(Arc::clone(incarnation) as _), || panics::catch(|| lives.set(None)));
        }
    }

    /// Reports how the incarnation ended; what is to follow takes its place.
    fn next_after(&mut self, end: End) {
        let Some(incarnation) = &self.incarnation else { return };
        let (lost, report) = match end {
            End::Ignored => (Lost::Gone, None),
            End::Exited(reason) if reason.is_abnormal() => (Lost::Died(reason.clone()), Some(reason)),
            End::Exited(reason) => (Lost::Unanswered, Some(reason)),
        };
        let linked = incarnation.conclude(lost, report.as_ref().unwrap_or(&ExitReason::Normal));
        self.scope = None;
        // From here on it is not this task that reports it.
        let Some(incarnation) = self.incarnation.take() else { return };
        let (generation, key) = (incarnation.generation, self.slot.key());
        let report = match report {
            None => Event::Ignored { key, generation },
            Some(reason) => Event::Exited { key, generation, reason },
        };
        // One on a thread of its own does not keep it for that.
        let next = self.slot.report(self.epoch, &incarnation, report, self.is_watched);
        self.go_on(next);
        if let Some(linked) = linked {
            linked.end();
        }
        self.restarts += 1;
        if let (true, Some(next)) = (self.is_watched, &self.incarnation) {
            poll::goes_on_as(next.owner);
        }
    }

    fn go_on(&mut self, next: AfterPause) {
        self.waits = matches!(next, AfterPause::Wait);
        self.incarnation = match next {
            AfterPause::GoOn(incarnation) => Some(incarnation),
            AfterPause::Wait | AfterPause::End => None,
        };
    }
}

/// One life, from `init` to the end. It is the larger part of what an idle child occupies: what it needs stands in it
/// once, and the futures of its phases share one place.
#[allow(clippy::manual_async_fn, reason = "an async fn has its arguments twice")]
fn life<A: Actor>(launcher: Arc<Launcher<A>>, mut cx: Context<A>) -> impl Future<Output = End> + Send {
    async move {
        let end = 'life: {
            cx.attach();
            let mut state = {
                let made = panics::catch_async(pin!(A::init(&launcher.args, &mut cx))).await;
                match made {
                    Ok(Ok(Init::Ready(state))) => state,
                    Ok(Ok(Init::Ignore)) => break 'life End::Ignored,
                    Ok(Err(crash)) => break 'life crashed(cx.slot(), cx.own(), crash),
                    Err(caught) => break 'life panicked(cx.slot(), cx.own(), caught),
                }
            };
            begun(cx.slot(), cx.own());
            let over = loop {
                match cx.next().await {
                    Next::Message => {}
                    Next::Describe => match panics::catch(|| state.describe()) {
                        Ok(text) => {
                            answer(cx.own().take_asked(), &text);
                            continue;
                        }
                        Err(caught) => break Over::Die(panicked(cx.slot(), cx.own(), caught)),
                    },
                    Next::Stop => break Over::Stop(ExitReason::Shutdown),
                    Next::Killed => break Over::Die(killed(cx.slot(), cx.own())),
                    Next::Panicked(caught) => break Over::Die(panicked(cx.slot(), cx.own(), *caught)),
                }
                let Some(message) = cx.take_message() else { continue };
                // A block of its own, and so above: nothing of a result is kept over the next await.
                {
                    let mut flow = Ok(Flow::Continue);
                    let handled = {
                        let future = pin!(state.handle(message, &mut cx));
                        Handling { future, flow: &mut flow }.await
                    };
                    if let Err(caught) = handled {
                        break Over::Die(panicked(cx.slot(), cx.own(), *caught));
                    }
                    match flow {
                        Ok(Flow::Continue) => {}
                        Ok(Flow::Stop) => break Over::Stop(ExitReason::Normal),
                        Ok(Flow::Shutdown(text)) => break Over::Stop(ExitReason::ShutdownWith(text.into())),
                        Err(crash) => break Over::Die(crashed(cx.slot(), cx.own(), crash)),
                    }
                }
                cx.own().scope.settle_orderly();
                cx.own().has_handled();
                if poll::has_handled() {
                    // Whoever was woken gets the thread.
                    let mut yielded = false;
                    poll_fn(|cx| {
                        if std::mem::replace(&mut yielded, true) {
                            return Poll::Ready(());
                        }
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    })
                    .await;
                }
            };
            let reason = match over {
                Over::Die(end) => break 'life die(cx.own(), state, end),
                Over::Stop(reason) => reason,
            };
            cx.own().scope.set_deadline(None);
            // Boxed, with all that it needs: an idle child keeps no room for it.
            let (stopped, reason) = Box::pin(stop(state, reason)).await;
            match stopped {
                Ok(()) => {
                    if !matches!(reason, ExitReason::Shutdown) {
                        // Nothing to measure follows what its supervisor has asked for.
                        cx.slot().note_end(cx.own(), EndTimes::now());
                    }
                    End::Exited(reason)
                }
                Err(caught) => panicked(cx.slot(), cx.own(), caught),
            }
        };
        // Its pending timers hold messages of the user.
        panics::drop_quietly(cx);
        end
    }
}

/// Runs `stop`, and hands the reason back.
async fn stop<A: Actor>(state: A, reason: ExitReason) -> (Result<(), Caught>, ExitReason) {
    let stopped = panics::catch_async(pin!(state.stop(&reason))).await;
    (stopped, reason)
}

/// `init` has succeeded.
fn begun(slot: &Slot, incarnation: &Incarnation) {
    incarnation.scope.settle_orderly();
    incarnation.has_handled();
    let generation = incarnation.generation;
    slot.tell_supervisor(|key| Event::Started { key, generation });
}

/// Handles a message, and catches the panic of a poll.
///
/// What most handlers return says nothing, so that it is not handed on: how a handler ended is written down only when
/// it is not to go on.
struct Handling<'a, F, C> {
    future: Pin<&'a mut F>,
    /// To go on, unless it says otherwise.
    flow: &'a mut Result<Flow, C>,
}

impl<F: Future<Output = Result<Flow, C>>, C> Future for Handling<'_, F, C> {
    type Output = Result<(), Box<Caught>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Self { future, flow } = &mut *self;
        match poll_handler(future.as_mut(), flow, cx) {
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => Poll::Pending,
            Err(caught) => Poll::Ready(Err(caught)),
        }
    }
}

/// Polls a handler, and says whether it is over. In a frame of its own, as each poll that may unwind
/// ([`panics::catch_async`]).
#[inline(never)]
fn poll_handler<F, C>(
    future: Pin<&mut F>,
    flow: &mut Result<Flow, C>,
    cx: &mut TaskContext<'_>,
) -> Result<bool, Box<Caught>>
where
    F: Future<Output = Result<Flow, C>>,
{
    let is_over = panics::catch(|| match future.poll(cx) {
        Poll::Pending => false,
        Poll::Ready(Ok(Flow::Continue)) => true,
        Poll::Ready(other) => {
            *flow = other;
            true
        }
    });
    is_over.map_err(Box::new)
}

fn answer(asked: Vec<oneshot::Sender<String>>, text: &str) {
    for answer in asked {
        // Whoever asked may have brought a waker of its own.
        panics::drop_quietly(panics::catch(|| answer.send(text.to_owned())));
    }
}

fn crashed<C: std::error::Error + Send + Sync + 'static>(slot: &Slot, incarnation: &Incarnation, crash: C) -> End {
    slot.note_end_now(incarnation);
    End::Exited(ExitReason::Error(Arc::new(crash)))
}

fn panicked(slot: &Slot, incarnation: &Incarnation, caught: Caught) -> End {
    slot.note_end(incarnation, EndTimes { raised: caught.raised, caught: caught.caught });
    End::Exited(caught.reason)
}

fn killed(slot: &Slot, incarnation: &Incarnation) -> End {
    if !incarnation.is_condemned() {
        slot.note_end(incarnation, EndTimes::now());
    }
    End::Exited(incarnation.verdict_or(ExitReason::Killed))
}

/// Drops the state of a crashed incarnation: of it nothing runs but `Drop`, and that may panic.
fn die<A>(incarnation: &Incarnation, state: A, end: End) -> End {
    if let End::Exited(reason) = &end {
        incarnation.scope.conclude(Lost::Died(reason.clone()));
    }
    panics::drop_quietly(state);
    end
}
