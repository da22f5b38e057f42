//! The message at hand: it goes from the queue straight to here, and from here into its handler.
//!
//! Returned by value it would be taken apart and put together again for each `Option`, `Result` and `Poll` that it
//! passes on its way, and a processor that loads what it has just stored in other pieces waits for it: each of these
//! moves costs as much as a lock.

use tokio::time::Instant;

use super::{Envelope, Extra};
use crate::exclusive::Exclusive;
use crate::panics;

/// The message at hand, and what it came with.
pub(crate) struct Hand<M> {
    /// Until the handler has it.
    message: Exclusive<Option<M>>,
    pub(crate) deadline: Option<Instant>,
    /// What it is to be put aside with.
    pub(crate) extra: Option<Box<Extra>>,
}

impl<M> Default for Hand<M> {
    fn default() -> Self {
        Self { message: Exclusive::default(), deadline: None, extra: None }
    }
}

impl<M> Hand<M> {
    /// The message, for its handler.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<M> {
        self.message.get_mut().take()
    }

    /// Takes up a message that nothing travels with.
    pub(crate) fn take_up_alone(&mut self, message: M) {
        self.clear();
        self.take_up(Envelope { message, deadline: None, extra: None });
    }

    /// What is at hand as it was in the queue.
    pub(super) fn put_down(&mut self) -> Option<Envelope<M>> {
        let message = self.take()?;
        Some(Envelope { message, deadline: self.deadline.take(), extra: self.extra.take() })
    }

    /// Puts away what the message before has left.
    #[inline]
    pub(super) fn clear(&mut self) {
        let message = self.message.get_mut();
        if self.extra.is_some() || message.is_some() {
            // Its caller may have brought a waker of its own.
            panics::drop_quietly((self.extra.take(), message.take()));
        }
    }

    /// Takes up a message when nothing is at hand: nothing is dropped, so that it may be done under a lock.
    #[inline(always)]
    pub(super) fn take_up(&mut self, envelope: Envelope<M>) {
        let Envelope { message, deadline, extra } = envelope;
        let hand = self.message.get_mut();
        debug_assert!(hand.is_none() && self.extra.is_none(), "the hand is empty");
        *hand = Some(message);
        self.deadline = deadline;
        self.extra = extra;
    }
}
