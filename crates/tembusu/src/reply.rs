//! Replies: a typed field of a message through which its receiver answers.
//!
//! A reply is sent at most once. One that is dropped tells its caller the truth: that the handler ended without
//! answering, or that it crashed and why.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, timeout_at};

use crate::lives::Lives;
use crate::patience::KNOWN_AFTER;
use crate::scope::{Lost, Scope, Settle};
use crate::sync::{AtomicBool, Mutex, MutexGuard};

/// The right to answer one call.
///
/// It may be kept in the state and answered later.
///
/// # On restart
///
/// A reply that was held by the crashed incarnation, in its state or in the message at hand, is settled as
/// [`Died`](crate::CallError::Died). Replies in messages that still wait in the queue stay valid.
pub struct Reply<T: Send + 'static> {
    /// `None` once it has been sent.
    cell: Option<Arc<Cell<T>>>,
}

/// Where the caller waits.
pub(crate) struct Answer<T: Send + 'static> {
    /// `None` once the caller has what it waited for.
    cell: Option<Arc<Cell<T>>>,
}

/// What both sides share: one allocation a call.
struct Cell<T> {
    state: Mutex<State<T>>,
    /// Spares the caller the lock, and the clone of its waker, when the answer is there.
    done: AtomicBool,
}

enum State<T> {
    Waiting(Option<Waker>),
    Done(Result<T, Lost>),
    /// The caller has its answer, or has stopped waiting.
    Closed,
}

impl<T> Cell<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the value back when nobody waits, or something was told before.
    fn set(&self, result: Result<T, Lost>) -> Result<(), Result<T, Lost>> {
        let mut state = self.lock();
        let State::Waiting(waker) = &mut *state else {
            drop(state);
            return Err(result);
        };
        let waker = waker.take();
        *state = State::Done(result);
        self.done.store(true, Ordering::Release);
        drop(state);
        match waker {
            Some(waker) => crate::sync::wake(waker),
            // Its caller may wait for the end of this poll.
            None => crate::sync::press(),
        }
        Ok(())
    }
}

impl<T: Send> Settle for Cell<T> {
    fn settle(&self, lost: Lost) {
        drop(self.set(Err(lost)));
    }
}

impl<T: Send + 'static> Reply<T> {
    pub(crate) fn channel() -> (Self, Answer<T>) {
        let cell = Arc::new(Cell { state: Mutex::new(State::Waiting(None)), done: AtomicBool::new(false) });
        (Self { cell: Some(Arc::clone(&cell)) }, Answer { cell: Some(cell) })
    }

    /// Answers.
    ///
    /// # Errors
    ///
    /// Hands the value back when the caller no longer waits, or when the running incarnation was replaced.
    pub fn send(mut self, value: T) -> Result<(), T> {
        if Scope::current_is_replaced() {
            return Err(value);
        }
        match self.cell.take() {
            Some(cell) => cell.set(Ok(value)).map_err(|unsent| match unsent {
                Ok(value) => value,
                Err(_) => unreachable!("an answer was sent"),
            }),
            None => Err(value),
        }
    }

    /// Whether the caller has stopped waiting.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.cell.as_ref().is_none_or(|cell| !matches!(*cell.lock(), State::Waiting(_)))
    }
}

impl<T: Send + 'static> Drop for Reply<T> {
    fn drop(&mut self) {
        if self.is_closed() {
            return;
        }
        if let Some(cell) = self.cell.take() {
            Scope::settle_dropped(cell);
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("closed", &self.is_closed()).finish()
    }
}

impl<T: Send + 'static> Answer<T> {
    /// What to tell when the message turns out to be a dead letter.
    pub(crate) fn settle(&self) -> Option<Arc<dyn Settle>> {
        self.cell.as_ref().map(|cell| Arc::clone(cell) as Arc<dyn Settle>)
    }

    /// Lets everybody else who is ready have a turn: most answers come within one, and a timer costs more than such a
    /// call.
    pub(crate) async fn turn(&self) {
        let mut had_turn = false;
        poll_fn(|cx| {
            if had_turn || self.is_done() {
                return Poll::Ready(());
            }
            had_turn = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Waits for it until `deadline`. Timer and waker are set only when it is not there: after its receiver's
    /// [turn](Self::turn).
    ///
    /// It has waited `since`; when that is long it makes itself known to `lives`, so that it learns when a stuck handler
    /// has its message.
    pub(crate) async fn until(mut self, since: Instant, deadline: Instant, lives: &Lives) -> Option<Result<T, Lost>> {
        if self.is_done() {
            return Some(self.take());
        }
        let patience = deadline.min(since + KNOWN_AFTER);
        match timeout_at(patience, &mut self).await {
            Ok(told) => Some(told),
            Err(_) if patience == deadline => None,
            // Boxed: calls that come to this are few, and the room would be in each.
            Err(_) => Box::pin(self.known_until(since, deadline, lives)).await,
        }
    }

    async fn known_until(mut self, since: Instant, deadline: Instant, lives: &Lives) -> Option<Result<T, Lost>> {
        let call = self.settle()?;
        match lives.know(since, deadline, Arc::clone(&call)) {
            Ok(_known) => timeout_at(deadline, &mut self).await.ok(),
            Err(reason) => {
                // Unless it was told something else meanwhile.
                call.settle(Lost::Died(reason));
                Some(self.take())
            }
        }
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.cell.as_ref().is_none_or(|cell| cell.done.load(Ordering::Acquire))
    }

    /// What was told. Asked for once, when it is done.
    fn take(&mut self) -> Result<T, Lost> {
        let Some(cell) = self.cell.take() else { return Err(Lost::Unanswered) };
        let told = match Arc::try_unwrap(cell) {
            // Whoever told it has let go of it, which is most often so: no lock is needed.
            Ok(cell) => cell.state.into_inner().unwrap_or_else(PoisonError::into_inner),
            Err(cell) => std::mem::replace(&mut *cell.lock(), State::Closed),
        };
        match told {
            State::Done(result) => result,
            State::Waiting(_) | State::Closed => Err(Lost::Unanswered),
        }
    }
}

impl<T: Send + 'static> Future for Answer<T> {
    type Output = Result<T, Lost>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(cell) = self.cell.as_ref().filter(|cell| !cell.done.load(Ordering::Acquire)) {
            // Cloned without the lock: it may be a waker of a user's.
            let waker = cx.waker().clone();
            let mut state = cell.lock();
            if let State::Waiting(waiting) = &mut *state {
                let previous = waiting.replace(waker);
                drop(state);
                drop(previous);
                return Poll::Pending;
            }
            drop(state);
            drop(waker);
        }
        Poll::Ready(self.take())
    }
}

impl<T: Send + 'static> Drop for Answer<T> {
    fn drop(&mut self) {
        let Some(cell) = &self.cell else { return };
        let state = std::mem::replace(&mut *cell.lock(), State::Closed);
        // A waker or an answer of a user's.
        drop(state);
    }
}
