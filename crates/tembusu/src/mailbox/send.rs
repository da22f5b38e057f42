//! The senders' side: a message goes in or is handed back; only `send` waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{Envelope, Extra, Gate, Inbound, Lane, Mailbox, Refusal, Turn, WhyDead};
use crate::scope::{Lost, Settle};

/// A batch of one message, which wakes its receiver.
const AT_ONCE: usize = 1;

/// What a call sends along with its message.
pub(crate) struct Caller {
    pub(crate) deadline: Instant,
    /// Who is told when the message becomes a dead letter. Only asked for where there are any.
    pub(crate) settle: Option<Arc<dyn Settle>>,
}

impl<M: Send + 'static> Mailbox<M> {
    /// Puts a message into the queue, or hands it back. When the queue is full its overflow policy decides.
    #[inline]
    pub(crate) fn push(&self, lane: Lane, message: M, caller: Option<Caller>) -> Result<(), (Refusal, M)> {
        let envelope = self.envelope(message, caller);
        let pushed = self.try_push(lane, envelope, AT_ONCE, &mut Turn::default());
        self.or_overflow(lane, pushed)
    }

    /// As [`push`](Self::push), for a call that may wait for its `turn`.
    #[inline]
    pub(crate) fn push_call(
        &self,
        lane: Lane,
        message: M,
        caller: Caller,
        turn: &mut Turn,
    ) -> Result<(), (Refusal, M)> {
        let envelope = self.envelope(message, Some(caller));
        let pushed = self.try_push(lane, envelope, AT_ONCE, turn);
        self.or_overflow(lane, pushed)
    }

    /// As [`push`](Self::push), and lets a receiver sleep on until so many messages wait in the ordinary lane.
    pub(crate) fn push_batched(&self, lane: Lane, message: M, batch: usize) -> Result<(), (Refusal, M)> {
        let envelope = self.envelope(message, None);
        let pushed = self.try_push(lane, envelope, batch, &mut Turn::default());
        self.or_overflow(lane, pushed)
    }

    #[inline(always)]
    fn or_overflow(&self, lane: Lane, pushed: Result<(), (Refusal, Envelope<M>)>) -> Result<(), (Refusal, M)> {
        match pushed {
            Ok(()) => Ok(()),
            Err((Refusal::Full, envelope)) if lane == Lane::Ordinary => {
                self.overflow(envelope).map_err(|(refusal, envelope)| (refusal, envelope.message))
            }
            Err((refusal, envelope)) => Err((refusal, envelope.message)),
        }
    }

    #[inline(always)]
    pub(super) fn envelope(&self, message: M, caller: Option<Caller>) -> Envelope<M> {
        let Some(rules) = self.rare.rules() else {
            return Envelope { message, deadline: caller.map(|caller| caller.deadline), extra: None };
        };
        let since = rules.overflow.needs_age().then(Instant::now);
        let (deadline, caller) = match caller {
            Some(Caller { deadline, settle }) => (Some(deadline), settle),
            None => (None, None),
        };
        let extra = (since.is_some() || caller.is_some()).then(|| Box::new(Extra { since, caller }));
        Envelope { message, deadline, extra }
    }

    // Inlined, also where it is called twice: each move of a message through memory costs as much as a lock.
    #[inline(always)]
    fn try_push(
        &self,
        lane: Lane,
        envelope: Envelope<M>,
        batch: usize,
        turn: &mut Turn,
    ) -> Result<(), (Refusal, Envelope<M>)> {
        let mut inbound = self.inbound();
        if let Some(refusal) = inbound.gate.refusal() {
            return Err((refusal, envelope));
        }
        let capacity = self.capacity();
        match lane {
            Lane::Ordinary if self.waiting(&inbound) < capacity => inbound.queue.push_back(envelope),
            Lane::Priority if inbound.priority.len() + inbound.reserved.priority() < capacity => {
                inbound.priority.push_back(envelope);
                self.urgent.store(true, Ordering::Release);
            }
            _ => return Err((Refusal::Full, envelope)),
        }
        if batch > AT_ONCE && self.waiting(&inbound) < batch {
            return Ok(());
        }
        let receiver = inbound.receiver.take();
        self.expect(&mut inbound, turn);
        drop(inbound);
        if let Some(receiver) = receiver {
            crate::sync::wake(receiver);
        }
        Ok(())
    }

    /// Puts a message into the queue if there is room, whatever the overflow policy says.
    #[inline(always)]
    pub(crate) fn push_if_room(&self, lane: Lane, message: M) -> Result<(), (Refusal, M)> {
        let envelope = self.envelope(message, None);
        self.try_push(lane, envelope, AT_ONCE, &mut Turn::default())
            .map_err(|(refusal, envelope)| (refusal, envelope.message))
    }

    /// Waits for room, which another sender may take first.
    ///
    /// Cancel safe.
    pub(crate) async fn wait_for_room(&self, lane: Lane) {
        let mut room = std::pin::pin!(self.rare.room().notified());
        room.as_mut().enable();
        // Registered first, checked again afterwards: whoever makes room from now on says so.
        if let Some(_waiting) = WaitingSender::new(self, lane) {
            crate::sync::deferring_for_room(room).await;
        }
    }

    pub(super) fn has_room(&self, inbound: &Inbound<M>, lane: Lane) -> bool {
        let waiting = match lane {
            Lane::Ordinary => self.waiting(inbound),
            Lane::Priority => inbound.priority.len() + inbound.reserved.priority(),
        };
        waiting < self.capacity()
    }

    /// What becomes of a message that nobody will handle: its caller is told, and it is handed to whoever collects
    /// dead letters.
    pub(super) fn lose(&self, messages: impl IntoIterator<Item = Envelope<M>>, why: WhyDead, lost: &Lost) {
        self.rare.take_in(self.path(), messages, why, lost);
        // One of them may be its call.
        self.end_poll();
    }
}

struct WaitingSender<'a, M>(&'a Mailbox<M>);

impl<'a, M: Send + 'static> WaitingSender<'a, M> {
    /// `None` when there is no need to wait.
    fn new(mailbox: &'a Mailbox<M>, lane: Lane) -> Option<Self> {
        let mut taken = mailbox.taken();
        let mut inbound = mailbox.inbound();
        if mailbox.has_room(&inbound, lane) || inbound.gate != Gate::Open {
            return None;
        }
        // The receiver is to tell it of room.
        inbound.close_direct();
        taken.waiting_senders += 1;
        Some(Self(mailbox))
    }
}

impl<M> Drop for WaitingSender<'_, M> {
    fn drop(&mut self) {
        let mut taken = self.0.taken();
        taken.waiting_senders -= 1;
        // Too few told costs a wake-up too many, never one too few.
        taken.told_senders = taken.told_senders.saturating_sub(1);
    }
}
