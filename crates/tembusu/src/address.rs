//! Addresses: where messages go. They exist before the actor starts and stay valid over its restarts.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use crate::called;
use crate::context::NEVER;
use crate::deadline;
use crate::error::{CallError, TellError};
use crate::mailbox::{Caller, Lane, Mailbox, Queue, Refusal, Turn};
use crate::monitor::Ended;
use crate::monitored::Sealed;
use crate::reply::Reply;
use crate::scope::Scope;

/// The typed address of a child.
///
/// # On restart
///
/// An address taken before a crash works after it; messages that waited are handled by the next incarnation.
/// It answers [`Gone`](TellError::Gone) once the child has been terminated, and
/// [`Degraded`](TellError::Degraded) while its supervisor is degraded and nothing stands in for it.
///
/// # Ordering
///
/// Messages of one sender arrive in the order in which they were sent.
pub struct Address<M> {
    mailbox: Arc<Mailbox<M>>,
    lane: Lane,
}

impl<M: Send + 'static> Address<M> {
    pub(crate) fn new(mailbox: Arc<Mailbox<M>>) -> Self {
        Self { mailbox, lane: Lane::Ordinary }
    }

    pub(crate) fn lane(&self) -> Lane {
        self.lane
    }

    pub(crate) fn mailbox(&self) -> &Arc<Mailbox<M>> {
        &self.mailbox
    }

    /// The same actor by its priority lane: what is sent there is received before everything that waits in the
    /// ordinary one.
    ///
    /// The lane has a capacity of its own, equal to the mailbox's, and rejects what is too much. Whoever fills it
    /// faster than the actor handles starves the ordinary lane: it is for what is rare and must not wait, such as a
    /// change of configuration or a question about health, and not for the larger part of the traffic.
    ///
    /// # Ordering
    ///
    /// Within the lane as in the ordinary one. Between the two there is no order but this: nothing is received from
    /// the ordinary lane while something waits here.
    ///
    /// # On restart
    ///
    /// Both lanes are treated alike.
    #[must_use]
    pub fn priority(&self) -> Self {
        Self { mailbox: Arc::clone(&self.mailbox), lane: Lane::Priority }
    }

    /// Sends a message without waiting. When the queue is full its [overflow policy](crate::Overflow) decides.
    ///
    /// # Errors
    ///
    /// Hands the message back when the queue is full, degraded without a stand-in, or closed.
    pub fn tell(&self, message: M) -> Result<(), TellError<M>> {
        if Scope::current_is_replaced() {
            return Err(TellError::Gone(message));
        }
        self.mailbox.push(self.lane, message, None).map_err(TellError::from_refusal)
    }

    /// Sends a message that is in no hurry: like [`tell`](Self::tell), but an actor that waits is woken only when `batch`
    /// messages wait for it.
    ///
    /// For a sender on a thread that may not pay for the wake-up of another one with every message. Whatever else wakes the
    /// actor (a message that was told or sent, a call, a timer of its own, the end of its incarnation) brings it those that
    /// wait, too; without any of these, fewer than `batch` of them wait for ever. A batch of 1 or less is `tell`.
    ///
    /// # Errors
    ///
    /// As [`tell`](Self::tell).
    ///
    /// # Ordering
    ///
    /// As that of all messages: what one sender tells afterwards, in whichever way, is received after it.
    pub fn tell_batched(&self, message: M, batch: usize) -> Result<(), TellError<M>> {
        if Scope::current_is_replaced() {
            return Err(TellError::Gone(message));
        }
        self.mailbox.push_batched(self.lane, message, batch).map_err(TellError::from_refusal)
    }

    /// Sends a message, waiting for room in the queue.
    ///
    /// # Errors
    ///
    /// Hands the message back when the queue is degraded without a stand-in, or closed, also while it waits.
    ///
    /// # Cancel safety
    ///
    /// A dropped wait has sent nothing; the message is lost with it.
    pub fn send(&self, message: M) -> impl Future<Output = Result<(), TellError<M>>> + Send {
        Sending { address: self, message: Some(message), room: None }
    }

    /// Sends the message that `make` builds around a [`Reply`], and waits for the answer.
    ///
    /// It never hangs and never panics: it ends with the answer or with what became of the call. A call that
    /// still waits in the queue survives a crash of the actor and is handled by the next incarnation.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// A dropped call may still be handled; the actor can ask [`Reply::is_closed`].
    pub async fn call<T, F>(&self, make: F, within: Duration) -> Result<T, CallError<M>>
    where
        T: Send + 'static,
        F: FnOnce(Reply<T>) -> M,
    {
        let now = Instant::now();
        let deadline = now.checked_add(within).unwrap_or_else(|| now + NEVER);
        self.call_from(make, now, deadline).await
    }

    /// Like [`call`](Self::call), until an instant. The deadline travels with the message: an expired call is
    /// not handled.
    ///
    /// Called while a call is handled, it never waits longer than that call's caller does, whatever `deadline`
    /// says, so that nobody works for a caller who has given up. [`without_deadline`](crate::without_deadline)
    /// lifts that; tasks that a handler spawns are not bound by it.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call_until<T, F>(&self, make: F, deadline: Instant) -> Result<T, CallError<M>>
    where
        T: Send + 'static,
        F: FnOnce(Reply<T>) -> M,
    {
        self.call_from(make, Instant::now(), deadline).await
    }

    async fn call_from<T, F>(&self, make: F, now: Instant, deadline: Instant) -> Result<T, CallError<M>>
    where
        T: Send + 'static,
        F: FnOnce(Reply<T>) -> M,
    {
        let (reply, answer) = Reply::channel();
        let message = make(reply);
        if Scope::current_is_replaced() {
            return Err(CallError::Gone(Some(message)));
        }
        let deadline = deadline::bounded(deadline);
        if deadline <= now {
            return Err(CallError::Timeout { enqueued: false });
        }
        let mut unsent = Some(message);
        let sent = poll_fn(|cx| {
            let Some(message) = unsent.take() else { return Poll::Ready(Ok(())) };
            let settle = if self.mailbox.has_collector() { answer.settle() } else { None };
            let can_wait = self.mailbox.lets_wait() && deadline.duration_since(now) >= called::PATIENT;
            let mut turn = Turn { waker: can_wait.then(|| cx.waker().clone()), ..Turn::default() };
            if let Err(refused) = self.mailbox.push_call(self.lane, message, Caller { deadline, settle }, &mut turn) {
                return Poll::Ready(Err(refused));
            }
            if turn.is_first {
                called::watch(&self.mailbox);
            }
            if answer.is_done() {
                return Poll::Ready(Ok(()));
            }
            if !turn.is_expected {
                // After everybody else who is ready.
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        });
        sent.await.map_err(CallError::from_refusal)?;
        match answer.until(now, deadline, self.mailbox.lives()).await {
            Some(Ok(value)) => Ok(value),
            Some(Err(lost)) => Err(CallError::from_lost(lost)),
            None => Err(CallError::Timeout { enqueued: true }),
        }
    }

    /// Waits for the end of the incarnation that serves this address now, and says why it ended.
    ///
    /// It counts from this call on, not from the first poll: what is told afterwards cannot end it unseen. If no
    /// incarnation runs it is ready at once, with [`ExitReason::NotRunning`](crate::ExitReason::NotRunning). An
    /// actor that wants to know [monitors](crate::Context::monitor).
    ///
    /// # Cancel safety
    ///
    /// Dropping it takes the request back.
    pub fn ended(&self) -> Ended {
        Ended::of(self.target())
    }

    /// Waits until the child is gone for good: its supervisor has deleted it, it was temporary and has ended, or its
    /// tree has. From then on the address answers [`Gone`](TellError::Gone) for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait changes nothing.
    pub async fn closed(&self) {
        self.mailbox.lives().closed().await;
    }

    /// The child's path, or its bare name before the tree has started.
    #[must_use]
    pub fn path(&self) -> &str {
        self.mailbox.path()
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        Queue::len(&*self.mailbox)
    }

    /// Whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self { mailbox: Arc::clone(&self.mailbox), lane: self.lane }
    }
}

impl<M: Send + 'static> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.path())
    }
}

/// A message on its way into a queue.
///
/// Not an `async` block, which moves its arguments once more: that costs as much as a lock.
struct Sending<'a, M> {
    address: &'a Address<M>,
    /// Until it has been accepted or refused.
    message: Option<M>,
    /// Waits for room. Boxed: there is room most of the time.
    room: Option<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>,
}

// The message is not pinned.
impl<M> Unpin for Sending<'_, M> {}

impl<M: Send + 'static> Future for Sending<'_, M> {
    type Output = Result<(), TellError<M>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { address, message: waiting, room } = &mut *self;
        if room.is_none() && Scope::current_is_replaced() {
            return Poll::Ready(waiting.take().map_or(Ok(()), |message| Err(TellError::Gone(message))));
        }
        loop {
            if let Some(wait) = room {
                ready!(wait.as_mut().poll(cx));
                *room = None;
            }
            let Some(message) = waiting.take() else { return Poll::Ready(Ok(())) };
            match address.mailbox.push_if_room(address.lane, message) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err((Refusal::Full, unsent)) => *waiting = Some(unsent),
                Err((refusal, unsent)) => return Poll::Ready(Err(TellError::from_refusal((refusal, unsent)))),
            }
            let (mailbox, lane) = (&address.mailbox, address.lane);
            *room = Some(Box::pin(mailbox.wait_for_room(lane)));
        }
    }
}
