//! What a supervisor does with a queue, whatever its messages are: close, reopen, hand over, drain, count.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use tokio::time::Instant;

use super::stash::Lengths;
use super::{Envelope, Gate, Mailbox, Refusal, Stale, WhyDead, below};
use crate::exit::ExitReason;
use crate::later;
use crate::scope::Lost;

/// A queue without its type.
pub(crate) trait Queue: Send + Sync {
    /// Places it under the supervisor with that path, as the child of that name.
    fn settle_in(&self, above: &Arc<str>, name: &Arc<str>, capacity: usize);
    fn path(&self) -> &Arc<str>;
    fn name(&self) -> &str;
    fn close(self: Arc<Self>);
    fn close_for_good(self: Arc<Self>);
    fn reopen(&self);
    fn degrade(&self);
    fn restore(&self);
    /// Drops what waits; calls learn why.
    fn discard(self: Arc<Self>, reason: ExitReason);
    /// Remembers that what waits now is not for the next incarnation.
    fn mark_stale(&self, reason: ExitReason);
    /// Drops what was marked.
    fn discard_stale(self: Arc<Self>);
    /// Takes the queue away from its receiver.
    fn detach(&self);
    /// The receiver has ended, and none follows it at once: nobody is woken for a message any more. Returns who was, to be
    /// dropped without a lock.
    fn leave(&self) -> Option<Waker>;
    /// The receiver is given up with a call in its hands that has this deadline: its caller is told why.
    fn give_up_call(&self, deadline: Instant, reason: &ExitReason);
    /// Accepts nothing more; what waits is still handled.
    fn drain(&self);
    /// Waits until nothing waits any more and the receiver is back for more, or the queue is closed.
    fn drained(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
    fn len(&self) -> usize;
    fn lengths(&self) -> Lengths;
    fn dead_letters(&self) -> u64;
    /// How many of the dead letters the overflow policy dropped.
    fn shed(&self) -> u64;
    /// How many dead letters their collector had no room for.
    fn uncollected(&self) -> u64;
    fn expired(&self) -> u64;
    /// Registers a stand-in. False when there is one already.
    fn take_stand_in(&self) -> bool;
    /// Identifies the queue, to compare.
    fn id(&self) -> usize;
    /// Wakes a caller that waits since the last look for the end of the receiver's poll. False when there was none since.
    fn look_at_calls(&self) -> bool;
    /// Why a message would be refused whatever it is and however much room there is.
    fn refusal(&self) -> Option<Refusal>;
}

impl<M: Send + 'static> Mailbox<M> {
    fn set_gate(&self, change: impl FnOnce(Gate) -> Gate) {
        let mut inbound = self.inbound();
        inbound.gate = change(inbound.gate);
        drop(inbound);
        self.rare.notify_waiters();
    }

    /// Empties the queue; calls in it learn `lost`.
    fn empty(self: &Arc<Self>, lost: Lost, why: WhyDead, gate: Option<Gate>) {
        let mut taken = self.taken();
        self.put_back(&mut taken);
        let mut inbound = self.inbound();
        let priority = inbound.priority.front(usize::MAX);
        self.urgent.store(false, Ordering::Release);
        let batch = std::mem::take(&mut taken.batch);
        self.note_taken(&taken);
        let queue = std::mem::take(&mut inbound.queue);
        let stale = taken.stale.take();
        if let Some(gate) = gate
            && inbound.gate != Gate::ClosedForGood
        {
            inbound.gate = gate;
        }
        drop(inbound);
        drop(taken);
        drop(stale);
        self.rare.notify_waiters();
        self.lose_all([priority, batch, queue], why, lost);
    }

    /// Loses what waited: not while a supervisor is run by this thread, since messages are a user's.
    fn lose_all(self: &Arc<Self>, waited: [VecDeque<Envelope<M>>; 3], why: WhyDead, lost: Lost) {
        if waited.iter().any(|lane| !lane.is_empty()) {
            let mailbox = Arc::clone(self);
            later::act(move || mailbox.lose(waited.into_iter().flatten(), why, &lost));
        }
    }

    fn is_drained(&self) -> bool {
        let taken = self.taken();
        let inbound = self.inbound();
        match inbound.gate {
            // Nobody is there who could handle what waits.
            Gate::Degraded | Gate::Closed | Gate::ClosedForGood => true,
            Gate::Open | Gate::Draining => {
                let none_waits = taken.batch.is_empty() && taken.stashed() == 0 && inbound.is_empty();
                // Nor is one in the making.
                none_waits && !inbound.reserved.any() && inbound.receiver.is_some()
            }
        }
    }
}

/// The first `count` of a lane.
pub(super) fn front<M>(lane: &mut VecDeque<Envelope<M>>, count: usize) -> VecDeque<Envelope<M>> {
    let kept = lane.split_off(count.min(lane.len()));
    std::mem::replace(lane, kept)
}

impl<M: Send + 'static> Queue for Mailbox<M> {
    fn settle_in(&self, above: &Arc<str>, name: &Arc<str>, capacity: usize) {
        if *self.name == **name {
            let _ = self.above.set(Arc::clone(above));
        } else {
            // A partition is named by its number.
            let _ = self.path.set(below(above, name));
        }
        self.capacity.store(capacity, Ordering::Relaxed);
    }

    fn path(&self) -> &Arc<str> {
        Self::path(self)
    }

    fn name(&self) -> &str {
        match self.path.get() {
            // Names have no slashes: they are the last parts of paths.
            Some(path) => path.rsplit('/').next().unwrap_or_default(),
            None => &self.name,
        }
    }

    fn close(self: Arc<Self>) {
        self.empty(Lost::Gone, WhyDead::Closed, Some(Gate::Closed));
    }

    fn close_for_good(self: Arc<Self>) {
        self.empty(Lost::Gone, WhyDead::Closed, Some(Gate::ClosedForGood));
        self.lives.close();
    }

    fn reopen(&self) {
        self.set_gate(|gate| if matches!(gate, Gate::Degraded | Gate::Draining) { gate } else { Gate::Open });
    }

    fn degrade(&self) {
        if !self.has_stand_in.load(Ordering::Acquire) {
            self.set_gate(|gate| if gate == Gate::Open { Gate::Degraded } else { gate });
        }
    }

    fn restore(&self) {
        self.set_gate(|gate| if gate == Gate::Degraded { Gate::Open } else { gate });
    }

    fn discard(self: Arc<Self>, reason: ExitReason) {
        self.empty(Lost::Died(reason), WhyDead::Stale, None);
    }

    fn mark_stale(&self, reason: ExitReason) {
        let mut taken = self.taken();
        self.put_back(&mut taken);
        let mut inbound = self.inbound();
        inbound.close_direct();
        let ordinary = taken.batch.len() + inbound.queue.len();
        let priority = inbound.priority.len();
        let previous = taken.stale.replace(Box::new(Stale { ordinary, priority, reason }));
        drop(inbound);
        drop(taken);
        drop(previous);
    }

    fn discard_stale(self: Arc<Self>) {
        let mut taken = self.taken();
        let Some(stale) = taken.stale.take() else { return };
        let Stale { ordinary, priority, reason } = *stale;
        let mut inbound = self.inbound();
        let urgent = inbound.priority.front(priority);
        self.urgent.store(!inbound.priority.is_empty(), Ordering::Release);
        let batch = front(&mut taken.batch, ordinary);
        self.note_taken(&taken);
        let queue = front(&mut inbound.queue, ordinary - batch.len());
        drop(inbound);
        drop(taken);
        self.rare.notify_waiters();
        self.lose_all([urgent, batch, queue], WhyDead::Stale, Lost::Died(reason));
    }

    fn detach(&self) {
        self.attach();
    }

    fn leave(&self) -> Option<Waker> {
        self.inbound().receiver.take()
    }

    fn give_up_call(&self, deadline: Instant, reason: &ExitReason) {
        let waits = {
            let taken = self.taken();
            let inbound = self.inbound();
            let stashed = taken.stash.iter().flat_map(|stash| stash.iter());
            let waiting = taken.batch.iter().chain(stashed).chain(&inbound.queue).chain(inbound.priority.iter());
            waiting.into_iter().any(|envelope| envelope.deadline == Some(deadline))
        };
        if !waits {
            self.lives.give_up(deadline, reason);
        }
    }

    fn drain(&self) {
        self.set_gate(|gate| if gate == Gate::Open { Gate::Draining } else { gate });
    }

    fn drained(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            loop {
                let mut drained = std::pin::pin!(self.rare.room().notified());
                drained.as_mut().enable();
                if self.is_drained() {
                    return;
                }
                crate::sync::deferring_for_room(drained).await;
            }
        })
    }

    fn len(&self) -> usize {
        let taken = self.taken();
        let inbound = self.inbound();
        taken.batch.len() + inbound.queue.len() + inbound.priority.len()
    }

    fn lengths(&self) -> Lengths {
        Self::lengths(self)
    }

    fn dead_letters(&self) -> u64 {
        self.rare.dead_letters()
    }

    fn shed(&self) -> u64 {
        self.rare.shed()
    }

    fn uncollected(&self) -> u64 {
        self.rare.uncollected()
    }

    fn expired(&self) -> u64 {
        self.rare.expired()
    }

    fn take_stand_in(&self) -> bool {
        !self.has_stand_in.swap(true, Ordering::AcqRel)
    }

    fn id(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>().addr()
    }

    fn look_at_calls(&self) -> bool {
        Self::look_at_calls(self)
    }

    fn refusal(&self) -> Option<Refusal> {
        self.inbound().gate.refusal()
    }
}
