//! Replies: a typed field of a message through which its receiver answers.
//!
//! A reply is sent at most once. One that is dropped tells its caller the truth: that the handler ended without
//! answering, or that it crashed and why.

use std::fmt;

use tokio::sync::oneshot;

use crate::scope::{Lost, Scope};

/// The right to answer one call.
///
/// It may be kept in the state and answered later.
///
/// # On restart
///
/// A reply that was held by the crashed incarnation, in its state or in the message at hand, is settled as
/// [`Died`](crate::CallError::Died). Replies in messages that still wait in the queue stay valid.
pub struct Reply<T: Send + 'static> {
    sender: Option<oneshot::Sender<Result<T, Lost>>>,
}

impl<T: Send + 'static> Reply<T> {
    pub(crate) fn channel() -> (Self, oneshot::Receiver<Result<T, Lost>>) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender: Some(sender) }, receiver)
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
        match self.sender.take() {
            Some(sender) => sender.send(Ok(value)).map_err(|unsent| match unsent {
                Ok(value) => value,
                Err(_) => unreachable!("an answer was sent"),
            }),
            None => Err(value),
        }
    }

    /// Whether the caller has stopped waiting.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}

impl<T: Send + 'static> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            if sender.is_closed() {
                return;
            }
            Scope::settle_dropped(move |lost| {
                let _ = sender.send(Err(lost));
            });
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("closed", &self.is_closed()).finish()
    }
}
