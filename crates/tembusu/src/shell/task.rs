//! The task that runs a child: one incarnation after the other.
//!
//! It is the only place where code of a user runs under supervision. There is one catch around each poll of a
//! handler, and none of our frames with a destructor between; what an incarnation leaves behind is dropped in a
//! catch of its own, before its end is reported.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::incarnation::Incarnation;
use super::own_thread;
use super::slot::{EndTimes, Launch, Slot};
use crate::actor::{Actor, Flow, Init};
use crate::context::{Context, Next};
use crate::core::Event;
use crate::exit::{ExitReason, StartFailure};
use crate::mailbox::Mailbox;
use crate::panics::{self, Caught};
use crate::poll;
use crate::scope::{Lost, Scope};

/// After how many restarts in place a crash loop lets its siblings have the thread.
const RESTARTS_PER_TURN: u32 = 16;

/// What a child of type `A` is made from.
pub(crate) struct Launcher<A: Actor> {
    pub(crate) args: Arc<A::Args>,
    pub(crate) mailbox: Arc<Mailbox<A::Message>>,
    /// Its handlers may block.
    pub(crate) on_own_thread: bool,
}

impl<A: Actor> Launch for Launcher<A> {
    fn launch(&self, slot: Arc<Slot>, epoch: u64, incarnation: Arc<Incarnation>, on: &Handle) {
        let args = Arc::clone(&self.args);
        let mailbox = Arc::clone(&self.mailbox);
        // Which incarnation is polled, for the watchdog.
        let who = AtomicU64::new(incarnation.owner);
        let path = self.on_own_thread.then(|| Arc::clone(slot.path()));
        // Made before the task: a runtime that is shutting down drops it without a first poll.
        let guard = Guard { slot, epoch, incarnation: Some(incarnation), begun: false };
        if let Some(path) = path {
            // The watchdog does not look at it: it may take its time.
            return own_thread::spawn(&path, on, async move { run::<A>(guard, args, mailbox, &who).await });
        }
        // Boxed: the runtime moves what it is given several times over, and its own part is then a small allocation.
        on.spawn(Box::pin(async move {
            // Where it is: handed over by value it would be in the task twice.
            poll::recorded(&who, pin!(run::<A>(guard, args, mailbox, &who))).await;
        }));
    }
}

/// How an incarnation ended.
enum End {
    Ignored,
    Exited(ExitReason),
}

/// Reports an incarnation whose task is dropped by its runtime.
struct Guard {
    slot: Arc<Slot>,
    epoch: u64,
    incarnation: Option<Arc<Incarnation>>,
    /// It has been polled. One that never was has no runtime any more, and neither would the next one.
    begun: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(incarnation) = self.incarnation.take() {
            let reason = incarnation.verdict_or(ExitReason::Killed);
            incarnation.conclude(Lost::Died(reason.clone()), &reason);
            let report = if self.begun {
                ExitReason::Killed
            } else {
                ExitReason::FailedToStart(Arc::new(StartFailure::without_runtime(Arc::clone(self.slot.path()))))
            };
            self.slot.task_dropped(self.epoch, &incarnation, report);
        }
    }
}

async fn run<A: Actor>(mut guard: Guard, args: Arc<A::Args>, mailbox: Arc<Mailbox<A::Message>>, who: &AtomicU64) {
    guard.begun = true;
    let slot = Arc::clone(&guard.slot);
    let epoch = guard.epoch;
    poll_fn(|cx| {
        slot.register(epoch, cx.waker());
        Poll::Ready(())
    })
    .await;
    let mut next = guard.incarnation.clone();
    let mut restarts = 0_u32;
    while let Some(incarnation) = next {
        if who.swap(incarnation.owner, Ordering::Relaxed) != incarnation.owner {
            poll::goes_on_as(incarnation.owner);
        }
        let end = live::<A>(&slot, &incarnation, &args, &mailbox).await;
        let (lost, report) = match end {
            End::Ignored => (Lost::Gone, None),
            End::Exited(reason) if reason.is_abnormal() => (Lost::Died(reason.clone()), Some(reason)),
            End::Exited(reason) => (Lost::Unanswered, Some(reason)),
        };
        incarnation.conclude(lost, report.as_ref().unwrap_or(&ExitReason::Normal));
        guard.incarnation = None;
        let generation = incarnation.generation;
        let key = slot.key();
        let report = match report {
            None => Event::Ignored { key, generation },
            Some(reason) => Event::Exited { key, generation, reason },
        };
        next = slot.report(epoch, &incarnation, report);
        guard.incarnation.clone_from(&next);
        restarts += 1;
        if restarts.is_multiple_of(RESTARTS_PER_TURN) {
            // An `init` that fails at once, again and again, never waits: what it has to report is bounded all the same.
            slot.flush_events();
            tokio::task::yield_now().await;
        }
    }
    // The last reference to the arguments may be this one.
    panics::drop_quietly(args);
}

/// The future of an incarnation: state, handler, message at hand. Whoever drops it, what it holds is dropped
/// under the incarnation's fence, callers learn the truth, and a panic goes no further.
struct Life<'a, F> {
    future: Pin<&'a mut Option<F>>,
    incarnation: &'a Incarnation,
    /// Lent to the thread for each poll.
    scope: Option<Arc<Scope>>,
}

impl<F: Future<Output = End>> Life<'_, F> {
    /// Polls it. A panic that got past the catch around the handler (in a destructor of ours or of a future's)
    /// is an end like any other.
    fn poll(&mut self, slot: &Slot, cx: &mut TaskContext<'_>) -> Poll<End> {
        let Some(future) = self.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let poll = panics::catch(|| Scope::enter_owned(&mut self.scope, || future.poll(cx)));
        let end = match poll {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(end)) => end,
            Err(caught) => panicked(slot, self.incarnation, caught),
        };
        // It has run to its end, or unwound: nothing of a user is left in it.
        self.future.set(None);
        Poll::Ready(end)
    }
}

impl<F> Drop for Life<'_, F> {
    fn drop(&mut self) {
        let Self { future, incarnation, .. } = self;
        if future.is_some() {
            incarnation.scope.conclude(Lost::Died(incarnation.verdict_or(ExitReason::Killed)));
            let _ = Scope::enter(Some(&incarnation.scope), || panics::catch(|| future.set(None)));
        }
    }
}

/// Runs one incarnation to its end, or until it is killed; returns when nothing of it is left.
async fn live<A: Actor>(
    slot: &Arc<Slot>,
    incarnation: &Arc<Incarnation>,
    args: &Arc<A::Args>,
    mailbox: &Arc<Mailbox<A::Message>>,
) -> End {
    let future = pin!(Some(life::<A>(slot, incarnation, args, mailbox)));
    let mut life = Life { future, incarnation, scope: Some(Arc::clone(&incarnation.scope)) };
    let mut told = false;
    poll_fn(|cx| {
        if incarnation.is_killed() {
            return Poll::Ready(killed(slot, incarnation));
        }
        let poll = life.poll(slot, cx);
        if poll.is_pending() && incarnation.is_killed() {
            // Killed meanwhile, perhaps by a panic in an inline call of its own.
            return Poll::Ready(killed(slot, incarnation));
        }
        if poll.is_pending() && !told {
            // The thread is free now: observers may be told what led to this start.
            told = true;
            slot.flush_events();
        }
        poll
    })
    .await
}

async fn life<A: Actor>(
    slot: &Arc<Slot>,
    incarnation: &Arc<Incarnation>,
    args: &Arc<A::Args>,
    mailbox: &Arc<Mailbox<A::Message>>,
) -> End {
    let mut cx = Context::<A>::new(Arc::clone(slot), Arc::clone(incarnation), Arc::clone(mailbox));
    let end = serve::<A>(slot, incarnation, args, &mut cx).await;
    // Its pending timers hold messages of the user.
    panics::drop_quietly(cx);
    end
}

async fn serve<A: Actor>(
    slot: &Arc<Slot>,
    incarnation: &Arc<Incarnation>,
    args: &Arc<A::Args>,
    cx: &mut Context<A>,
) -> End {
    let mut state = match panics::catch_async(pin!(A::init(args, cx))).await {
        Ok(Ok(Init::Ready(state))) => state,
        Ok(Ok(Init::Ignore)) => return End::Ignored,
        Ok(Err(crash)) => return crashed(slot, incarnation, crash),
        Err(caught) => return panicked(slot, incarnation, caught),
    };
    incarnation.scope.settle_orderly();
    incarnation.has_handled();
    let generation = incarnation.generation;
    slot.tell_supervisor(|key| Event::Started { key, generation });
    loop {
        let flow = match cx.next().await {
            Next::Message(message) => panics::catch_async(pin!(state.handle(message, cx))).await,
            Next::Stop => return stop(slot, incarnation, state, ExitReason::Shutdown).await,
            Next::Describe(asked) => {
                let described = panics::catch(|| state.describe());
                match described {
                    Ok(text) => answer(asked, &text),
                    Err(caught) => return die(incarnation, state, panicked(slot, incarnation, caught)),
                }
                continue;
            }
            Next::Killed => return die(incarnation, state, killed(slot, incarnation)),
            Next::Panicked(caught) => return die(incarnation, state, panicked(slot, incarnation, caught)),
        };
        match flow {
            Ok(Ok(Flow::Continue)) => {
                incarnation.scope.settle_orderly();
                incarnation.has_handled();
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
            }
            Ok(Ok(Flow::Stop)) => return stop(slot, incarnation, state, ExitReason::Normal).await,
            Ok(Ok(Flow::Shutdown(text))) => {
                return stop(slot, incarnation, state, ExitReason::ShutdownWith(text.into())).await;
            }
            Ok(Err(crash)) => return die(incarnation, state, crashed(slot, incarnation, crash)),
            Err(caught) => return die(incarnation, state, panicked(slot, incarnation, caught)),
        }
    }
}

fn answer(asked: Vec<oneshot::Sender<String>>, text: &str) {
    for answer in asked {
        // Whoever asked may have brought a waker of its own.
        panics::drop_quietly(panics::catch(|| answer.send(text.to_owned())));
    }
}

fn crashed<C: std::error::Error + Send + Sync + 'static>(slot: &Slot, incarnation: &Incarnation, crash: C) -> End {
    slot.note_end(incarnation, EndTimes::now());
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

async fn stop<A: Actor>(slot: &Slot, incarnation: &Incarnation, state: A, reason: ExitReason) -> End {
    incarnation.scope.set_deadline(None);
    let stopped = panics::catch_async(pin!(state.stop(&reason))).await;
    match stopped {
        Ok(()) => {
            if !matches!(reason, ExitReason::Shutdown) {
                // Nothing to measure follows what its supervisor has asked for.
                slot.note_end(incarnation, EndTimes::now());
            }
            End::Exited(reason)
        }
        Err(caught) => panicked(slot, incarnation, caught),
    }
}
