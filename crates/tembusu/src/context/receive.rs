//! What an incarnation does next: what its supervisor wants first, then notices and timers, then its messages.

use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll};

use super::Context;
use crate::actor::Actor;
use crate::extras::AHEAD_MAX;
use crate::mailbox::Received;
use crate::panics::{self, Caught};
use crate::shell::incarnation::Signals;

/// After how many messages in a row an actor lets other tasks have the thread.
const MESSAGES_PER_TURN: u32 = 128;

pub(crate) enum Next {
    /// It is at hand.
    Message,
    Stop,
    /// Somebody wants the state described.
    Describe,
    /// It was killed, or its queue has another receiver.
    Killed,
    /// Code of the actor that makes a message has panicked. Boxed: what comes next is asked for each message.
    Panicked(Box<Caught>),
}

impl<A: Actor> Context<A> {
    pub(crate) fn next(&mut self) -> impl Future<Output = Next> {
        Following(self)
    }

    #[inline(always)]
    fn poll_next(&mut self, cx: &mut TaskContext<'_>) -> Poll<Next> {
        let signals = self.incarnation.signals();
        if !signals.none()
            && let Some(next) = self.obey(signals)
        {
            return next;
        }
        let first = self.extras.as_mut().is_none_or(|extras| extras.get_mut().ahead < AHEAD_MAX);
        if first && let Poll::Ready(next) = self.poll_ahead(cx) {
            return Poll::Ready(next);
        }
        match self.mailbox.poll_receive(self.token, cx, &mut self.hand) {
            Poll::Ready(Received::Message) => {
                if let Some(extras) = &mut self.extras {
                    extras.get_mut().ahead = 0;
                }
                self.turn_to();
                Poll::Ready(Next::Message)
            }
            Poll::Ready(Received::Replaced) => Poll::Ready(Next::Killed),
            Poll::Pending => {
                if !first && let Poll::Ready(next) = self.poll_ahead(cx) {
                    return Poll::Ready(next);
                }
                self.handled_in_turn = 0;
                Poll::Pending
            }
        }
    }

    /// What a supervisor or an operator wants comes before every message.
    fn obey(&mut self, signals: Signals) -> Option<Poll<Next>> {
        if signals.kill() {
            return Some(Poll::Ready(Next::Killed));
        }
        if signals.stop() {
            return Some(Poll::Ready(Next::Stop));
        }
        if signals.asked() {
            return Some(Poll::Ready(Next::Describe));
        }
        signals.suspended().then_some(Poll::Pending)
    }

    /// What makes its messages is code of the actor: a panic there is one of its handler's.
    fn poll_ahead(&mut self, cx: &mut TaskContext<'_>) -> Poll<Next> {
        let Some(extras) = &mut self.extras else { return Poll::Pending };
        let extras = extras.get_mut();
        let message = match panics::catch(|| extras.poll_ahead(&self.incarnation, cx)) {
            Ok(Poll::Ready(message)) => message,
            Ok(Poll::Pending) => return Poll::Pending,
            Err(caught) => return Poll::Ready(Next::Panicked(Box::new(caught))),
        };
        extras.ahead += 1;
        self.hand.take_up_alone(message);
        self.turn_to();
        Poll::Ready(Next::Message)
    }

    /// Begins with the message at hand.
    #[inline(always)]
    fn turn_to(&mut self) {
        self.handled_in_turn += 1;
        self.incarnation.begins();
        if self.has_deadline || self.hand.deadline.is_some() {
            self.has_deadline = self.hand.deadline.is_some();
            self.incarnation.scope.set_deadline(self.hand.deadline);
        }
    }

    /// The message at hand, for its handler.
    #[inline(always)]
    pub(crate) fn take_message(&mut self) -> Option<A::Message> {
        self.hand.take()
    }
}

/// What comes next. Not a `poll_fn`, which the compiler does not inline: each move of a message through memory costs
/// as much as a lock.
struct Following<'a, A: Actor>(&'a mut Context<A>);

impl<A: Actor> Future for Following<'_, A> {
    type Output = Next;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if self.0.handled_in_turn >= MESSAGES_PER_TURN {
            self.0.handled_in_turn = 0;
            let _ = pin!(tokio::task::yield_now()).poll(cx);
            return Poll::Pending;
        }
        self.0.poll_next(cx)
    }
}
