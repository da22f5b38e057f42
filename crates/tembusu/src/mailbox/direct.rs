//! The receiver's short way: one lock instead of two when messages come one by one.
//!
//! A receiver that keeps up finds its batch empty each time, and would take the lock of `taken` only to see that. While
//! nothing there concerns it (no batch, no sender that waits for room, nothing that is stale) the queue of `inbound`
//! is the whole ordinary lane, and [`Inbound::direct`](super::Inbound) holds the receiver's token. Whoever changes any
//! of that closes the way under the lock of `inbound`; only the receiver opens it, when it holds both locks and has found
//! nothing in its way.

use std::task::{Context, Poll};

use super::{Gate, Hand, Inbound, Mailbox, Received, Taken};
use crate::sync::MutexGuard;

/// The token of no receiver, not even of one that has been replaced before it began.
pub(super) const CLOSED: u64 = u64::MAX - 1;

const _: () = assert!(CLOSED != super::NOBODY);

impl<M> Inbound<M> {
    /// From here on the receiver has to look into `taken`.
    #[inline]
    pub(super) fn close_direct(&mut self) {
        self.direct = CLOSED;
    }
}

impl<M: Send + 'static> Mailbox<M> {
    /// Opens the short way if nothing is in it. Under both locks.
    #[inline]
    pub(super) fn open_direct(&self, taken: &Taken<M>, inbound: &mut Inbound<M>) {
        let is_clear = taken.batch.is_empty() && taken.waiting_senders == 0 && taken.stale.is_none();
        inbound.direct = if is_clear { taken.token } else { CLOSED };
    }

    /// Takes the only message that waits into `hand`, or waits for one. `None` when that takes a closer look: when
    /// more of them wait they are worth being taken as a batch.
    #[inline(always)]
    pub(super) fn poll_direct(&self, token: u64, cx: &Context<'_>, hand: &mut Hand<M>) -> Option<Poll<Received>> {
        if self.has_batch() {
            return None;
        }
        let mut inbound = self.inbound();
        if inbound.direct != token || !inbound.priority.is_empty() {
            return None;
        }
        match inbound.queue.len() {
            0 => self.wait_direct(inbound, cx),
            1 => {
                hand.take_up(inbound.queue.pop_front()?);
                drop(inbound);
                self.is_in_time(hand).then_some(Poll::Ready(Received::Message))
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn wait_direct(&self, mut inbound: MutexGuard<'_, Inbound<M>>, cx: &Context<'_>) -> Option<Poll<Received>> {
        if inbound.gate == Gate::Draining {
            return None;
        }
        let previous = inbound.wait(cx);
        drop(inbound);
        drop(previous);
        Some(Poll::Pending)
    }
}
