//! The task that runs a child: one incarnation after the other.
//!
//! It is the only place where code of a user runs under supervision. There is one catch around each poll of a
//! handler, and none of our frames with a destructor between; what an incarnation leaves behind is dropped in a
//! catch of its own, before its end is reported.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use tokio::runtime::Handle;

use super::incarnation::Incarnation;
use super::slot::{CrashTimes, Launch, Slot};
use crate::actor::{Actor, Flow, Init};
use crate::context::{Context, Next};
use crate::core::Event;
use crate::exit::ExitReason;
use crate::mailbox::Mailbox;
use crate::panics::{self, Caught};
use crate::scope::{Lost, Scope};

/// After how many restarts in place a crash loop lets its siblings have the thread.
const RESTARTS_PER_TURN: u32 = 4;

/// What a child of type `A` is made from.
pub(crate) struct Launcher<A: Actor> {
    pub(crate) args: Arc<A::Args>,
    pub(crate) mailbox: Arc<Mailbox<A::Message>>,
}

impl<A: Actor> Launch for Launcher<A> {
    fn launch(&self, slot: Arc<Slot>, epoch: u64, incarnation: Arc<Incarnation>, on: &Handle) {
        let args = Arc::clone(&self.args);
        let mailbox = Arc::clone(&self.mailbox);
        on.spawn(run::<A>(slot, epoch, incarnation, args, mailbox));
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
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(incarnation) = self.incarnation.take() {
            incarnation.conclude(Lost::Died(ExitReason::Killed));
            self.slot.task_dropped(self.epoch, &incarnation);
        }
    }
}

async fn run<A: Actor>(
    slot: Arc<Slot>,
    epoch: u64,
    first: Arc<Incarnation>,
    args: Arc<A::Args>,
    mailbox: Arc<Mailbox<A::Message>>,
) {
    let mut guard = Guard { slot: Arc::clone(&slot), epoch, incarnation: Some(Arc::clone(&first)) };
    poll_fn(|cx| {
        slot.register(epoch, cx.waker());
        Poll::Ready(())
    })
    .await;
    let mut incarnation = first;
    let mut restarts = 0_u32;
    loop {
        let end = live::<A>(&slot, &incarnation, &args, &mailbox).await;
        let (lost, report) = match end {
            End::Ignored => (Lost::Gone, None),
            End::Exited(reason) if reason.is_abnormal() => (Lost::Died(reason.clone()), Some(reason)),
            End::Exited(reason) => (Lost::Unanswered, Some(reason)),
        };
        incarnation.conclude(lost);
        guard.incarnation = None;
        let generation = incarnation.generation;
        let key = slot.key();
        let report = match report {
            None => Event::Ignored { key, generation },
            Some(reason) => Event::Exited { key, generation, reason },
        };
        let Some(next) = slot.report(epoch, &incarnation, report) else { return };
        incarnation = next;
        guard.incarnation = Some(Arc::clone(&incarnation));
        restarts += 1;
        if restarts.is_multiple_of(RESTARTS_PER_TURN) {
            tokio::task::yield_now().await;
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
    let mut life = pin!(Some(life::<A>(slot, incarnation, args, mailbox)));
    let mut told = false;
    let end = poll_fn(|cx| {
        if incarnation.is_killed() {
            return Poll::Ready(End::Exited(ExitReason::Killed));
        }
        let Some(life) = life.as_mut().as_pin_mut() else {
            return Poll::Ready(End::Exited(ExitReason::Killed));
        };
        let poll = Scope::enter(Some(&incarnation.scope), || life.poll(cx));
        if poll.is_pending() && !told {
            // The thread is free now: observers may be told what led to this start.
            told = true;
            slot.flush_events();
        }
        poll
    })
    .await;
    // After a kill the state, the handler and its message are still in there.
    if let End::Exited(ExitReason::Killed) = end {
        slot.note_crash(CrashTimes { raised: None, caught: Instant::now() });
        Scope::enter(Some(&Scope::settling(Lost::Died(ExitReason::Killed))), || {
            let _ = panics::catch(|| life.set(None));
        });
    }
    end
}

async fn life<A: Actor>(
    slot: &Arc<Slot>,
    incarnation: &Arc<Incarnation>,
    args: &Arc<A::Args>,
    mailbox: &Arc<Mailbox<A::Message>>,
) -> End {
    let mut cx = Context::<A>::new(Arc::clone(slot), Arc::clone(incarnation), Arc::clone(mailbox));
    let mut state = match panics::catch_async(A::init(args, &mut cx)).await {
        Ok(Ok(Init::Ready(state))) => state,
        Ok(Ok(Init::Ignore)) => return End::Ignored,
        Ok(Err(crash)) => return crashed(slot, crash),
        Err(caught) => return panicked(slot, caught),
    };
    incarnation.scope.settle_orderly();
    let generation = incarnation.generation;
    slot.tell_supervisor(|key| Event::Started { key, generation });
    loop {
        let flow = match cx.next().await {
            Next::Message(message) => panics::catch_async(state.handle(message, &mut cx)).await,
            Next::Stop => return stop(slot, state, ExitReason::Shutdown).await,
            Next::Replaced => return End::Exited(ExitReason::Killed),
        };
        match flow {
            Ok(Ok(Flow::Continue)) => incarnation.scope.settle_orderly(),
            Ok(Ok(Flow::Stop)) => return stop(slot, state, ExitReason::Normal).await,
            Ok(Ok(Flow::Shutdown(text))) => {
                return stop(slot, state, ExitReason::ShutdownWith(text.into())).await;
            }
            Ok(Err(crash)) => return die(incarnation, state, crashed(slot, crash)),
            Err(caught) => return die(incarnation, state, panicked(slot, caught)),
        }
    }
}

fn crashed<C: std::error::Error + Send + Sync + 'static>(slot: &Slot, crash: C) -> End {
    slot.note_crash(CrashTimes { raised: None, caught: Instant::now() });
    End::Exited(ExitReason::Error(Arc::new(crash)))
}

fn panicked(slot: &Slot, caught: Caught) -> End {
    slot.note_crash(CrashTimes { raised: caught.raised, caught: caught.caught });
    End::Exited(caught.reason)
}

/// Drops the state of a crashed incarnation: of it nothing runs but `Drop`, and that may panic.
fn die<A>(incarnation: &Incarnation, state: A, end: End) -> End {
    if let End::Exited(reason) = &end {
        incarnation.scope.conclude(Lost::Died(reason.clone()));
    }
    panics::drop_quietly(state);
    end
}

async fn stop<A: Actor>(slot: &Slot, state: A, reason: ExitReason) -> End {
    match panics::catch_async(state.stop(&reason)).await {
        Ok(()) => End::Exited(reason),
        Err(caught) => panicked(slot, caught),
    }
}
