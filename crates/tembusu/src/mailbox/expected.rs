//! Callers that wait for the end of their receiver's next poll.
//!
//! A caller will have its answer when its receiver has been polled, nearly always, be it woken for that or in a poll now.
//! Until then it stands here, with neither a timer nor a place in a run queue: it runs on the same worker right after
//! its receiver, instead of being stolen by another one meanwhile.
//!
//! Whoever takes it from here wakes it, and it then sees to its deadline itself. The receiver's task does that at the end
//! of each of its polls, whatever the poll was about, and so when it is dropped. A receiver that is not polled, or whose
//! poll does not end, does it never: the watchdog does, when it finds the same caller twice ([`crate::called`]). So only
//! calls with more time left than two of its looks wait here.

use std::sync::atomic::Ordering;
use std::task::Waker;

use super::{Inbound, Mailbox};
use crate::panics;

/// What a caller has to say before its message is in the queue, and what it learns by that.
#[derive(Default)]
pub(crate) struct Turn {
    /// Woken at the end of the receiver's next poll, if it can wait for that.
    pub(crate) waker: Option<Waker>,
    /// It will be woken then.
    pub(crate) is_expected: bool,
    /// The watchdog is to be told of the queue.
    pub(crate) is_first: bool,
}

/// What the watchdog wants to know of a queue.
#[derive(Default)]
pub(super) struct Calls {
    /// It looks at the queue.
    is_watched: bool,
    /// There was a caller since its last look.
    is_new: bool,
    /// The one that waits has waited since then.
    is_overdue: bool,
}

impl<M: Send + 'static> Mailbox<M> {
    /// Its message is in the queue: lets the caller wait for the end of the receiver's poll, unless another one does. When
    /// the receiver is in a poll now, it sees the message before that ends.
    #[inline(always)]
    pub(super) fn expect(&self, inbound: &mut Inbound<M>, turn: &mut Turn) {
        if turn.waker.is_none() || inbound.caller.is_some() {
            return;
        }
        inbound.caller = turn.waker.take();
        inbound.calls.is_new = true;
        inbound.calls.is_overdue = false;
        turn.is_expected = true;
        turn.is_first = !std::mem::replace(&mut inbound.calls.is_watched, true);
        // Seen by the poll that the receiver is woken for.
        self.has_caller.store(true, Ordering::Release);
    }

    /// The receiver runs on a runtime of several workers, or no longer.
    pub(crate) fn set_thieves(&self, has_thieves: bool) {
        self.has_thieves.store(has_thieves, Ordering::Relaxed);
    }

    /// Whether a caller is better off here than in a run queue. A runtime of one thread, the only kind whose clock can be
    /// paused, has nobody who would steal it, and waiting its turn there costs less.
    #[inline]
    pub(crate) fn lets_wait(&self) -> bool {
        self.has_thieves.load(Ordering::Relaxed)
    }

    /// A poll of the receiver is over.
    #[inline]
    pub(crate) fn end_poll(&self) {
        if self.has_caller.load(Ordering::Acquire) {
            self.wake_caller();
        }
    }

    pub(super) fn wake_caller(&self) {
        let mut inbound = self.inbound();
        self.has_caller.store(false, Ordering::Relaxed);
        let caller = inbound.caller.take();
        drop(inbound);
        wake(caller);
    }

    /// Wakes a caller that was here at the last look. False when there was none since: the next one will say so.
    pub(super) fn look_at_calls(&self) -> bool {
        let mut inbound = self.inbound();
        let waits = inbound.caller.is_some();
        let calls = &mut inbound.calls;
        let was_called = std::mem::take(&mut calls.is_new) || waits;
        calls.is_watched = was_called;
        let is_overdue = std::mem::replace(&mut calls.is_overdue, waits);
        let caller = if is_overdue { inbound.caller.take() } else { None };
        drop(inbound);
        wake(caller);
        was_called
    }
}

fn wake(caller: Option<Waker>) {
    if let Some(caller) = caller {
        // It may be a waker of a user's.
        if let Err(caught) = panics::catch(|| crate::sync::wake(caller)) {
            panics::drop_quietly(caught);
        }
    }
}
