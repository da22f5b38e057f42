//! Places that are kept free while a message is being made for them: code of a user makes it, outside any lock, and
//! when there is no place it is not made at all.

use std::mem;

use tokio::time::Instant;

use super::overflow::Overflow;
use super::{Caller, Envelope, Inbound, Lane, Mailbox, Refusal, WhyDead};
use crate::scope::Lost;

/// How many places are kept free, by lane.
#[derive(Default)]
pub(super) struct Reserved {
    ordinary: u32,
    priority: u32,
}

impl Reserved {
    pub(super) fn any(&self) -> bool {
        self.ordinary + self.priority > 0
    }

    #[inline]
    pub(super) fn ordinary(&self) -> usize {
        self.ordinary as usize
    }

    pub(super) fn priority(&self) -> usize {
        self.priority as usize
    }

    fn of(&mut self, lane: Lane) -> &mut u32 {
        match lane {
            Lane::Ordinary => &mut self.ordinary,
            Lane::Priority => &mut self.priority,
        }
    }
}

/// A place for one message. Dropped unfilled, somebody else may have it.
pub(crate) struct Place<'a, M: Send + 'static> {
    mailbox: &'a Mailbox<M>,
    lane: Lane,
    /// The overflow policy drops what comes last: there is no place, and nobody is told.
    is_for_nothing: bool,
}

impl<M: Send + 'static> Mailbox<M> {
    /// Reserves a place; when the queue is full its overflow policy decides.
    pub(crate) fn reserve(&self, lane: Lane) -> Result<Place<'_, M>, Refusal> {
        let place = |is_for_nothing| Place { mailbox: self, lane, is_for_nothing };
        match self.reserve_if_room(lane) {
            Err(Refusal::Full) if lane == Lane::Ordinary => {}
            result => return result,
        }
        match self.rare.rules().map_or(Overflow::Reject, |rules| rules.overflow) {
            Overflow::Reject => Err(Refusal::Full),
            Overflow::DropNewest => Ok(place(true)),
            Overflow::DropOldest => self.reserve_shedding(|_| true).map(|()| place(false)),
            Overflow::ShedOlderThan(age) => {
                let now = Instant::now();
                self.reserve_shedding(|envelope| envelope.is_older_than(age, now)).map(|()| place(false))
            }
        }
    }

    /// Reserves a place if there is room, whatever the overflow policy says.
    pub(crate) fn reserve_if_room(&self, lane: Lane) -> Result<Place<'_, M>, Refusal> {
        let mut inbound = self.inbound();
        if let Some(refusal) = inbound.gate.refusal() {
            return Err(refusal);
        }
        if !self.has_room(&inbound, lane) {
            return Err(Refusal::Full);
        }
        *inbound.reserved.of(lane) += 1;
        Ok(Place { mailbox: self, lane, is_for_nothing: false })
    }

    fn reserve_shedding(&self, may_shed: impl Fn(&Envelope<M>) -> bool) -> Result<(), Refusal> {
        let mut taken = self.taken();
        let mut inbound = self.inbound();
        if let Some(refusal) = inbound.gate.refusal() {
            return Err(refusal);
        }
        let shed = self.shed_for_room(&mut taken, &mut inbound, may_shed);
        let reserved = self.has_room(&inbound, Lane::Ordinary);
        if reserved {
            inbound.reserved.ordinary += 1;
        }
        drop(inbound);
        drop(taken);
        self.rare.note_shed(shed.len() as u64);
        self.lose(shed, WhyDead::Shed, &Lost::Shed);
        if reserved { Ok(()) } else { Err(Refusal::Full) }
    }
}

impl<M: Send + 'static> Place<'_, M> {
    /// Puts the message into its place. If the queue has been closed meanwhile it is lost as if it had come just
    /// before.
    pub(crate) fn fill(self, message: M, caller: Option<Caller>) {
        let envelope = self.mailbox.envelope(message, caller);
        if self.is_for_nothing {
            self.mailbox.rare.note_shed(1);
            return self.mailbox.lose([envelope], WhyDead::Shed, &Lost::Shed);
        }
        let mut inbound = self.mailbox.inbound();
        *inbound.reserved.of(self.lane) -= 1;
        let refused = self.mailbox.put(&mut inbound, self.lane, envelope);
        let receiver = inbound.receiver.take();
        drop(inbound);
        if let Some(receiver) = receiver {
            crate::sync::wake(receiver);
        }
        if let Some(envelope) = refused {
            self.mailbox.lose([envelope], WhyDead::Closed, &Lost::Gone);
        }
        mem::forget(self);
    }

    fn release(&self) {
        if self.is_for_nothing {
            return;
        }
        *self.mailbox.inbound().reserved.of(self.lane) -= 1;
        self.mailbox.rare.notify_one();
    }
}

impl<M: Send + 'static> Drop for Place<'_, M> {
    fn drop(&mut self) {
        self.release();
    }
}

impl<M: Send + 'static> Mailbox<M> {
    /// Puts a message where a place was kept for it, or hands it back when the queue is closed.
    fn put(&self, inbound: &mut Inbound<M>, lane: Lane, envelope: Envelope<M>) -> Option<Envelope<M>> {
        if inbound.gate.is_closed() {
            return Some(envelope);
        }
        match lane {
            Lane::Ordinary => inbound.queue.push_back(envelope),
            Lane::Priority => {
                inbound.priority.push_back(envelope);
                self.urgent.store(true, std::sync::atomic::Ordering::Release);
            }
        }
        None
    }
}
