//! What a full queue does with one message more.
//!
//! A policy never waits and never drops in silence: who is dropped is counted, told, and handed to whoever collects
//! dead letters.

use std::time::Duration;

use tokio::time::Instant;

use super::{Envelope, Inbound, Mailbox, Refusal, Taken, WhyDead};
use crate::scope::Lost;

/// What [`tell`](crate::Address::tell) and [`call`](crate::Address::call) do when the queue is full.
/// [`send`](crate::Address::send) waits for room, whatever the policy.
///
/// A call that is dropped ends with [`CallError::Shed`](crate::CallError::Shed) at once. The priority lane always
/// rejects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The sender gets it back as `Full`: who sends decides. The default.
    #[default]
    Reject,
    /// The message that waits longest makes room: for values that later ones replace, such as readings.
    DropOldest,
    /// The new message is dropped, and its sender is not told unless it calls: for what may be sampled.
    DropNewest,
    /// Messages that have waited longer than this make room, and are not handled when their turn comes either:
    /// for work that is worth nothing late. When all are younger, the sender gets its message back as `Full`.
    ///
    /// It reads the clock for each message.
    ShedOlderThan(Duration),
}

impl Overflow {
    pub(super) fn age_max(self) -> Option<Duration> {
        match self {
            Self::ShedOlderThan(age) => Some(age),
            Self::Reject | Self::DropOldest | Self::DropNewest => None,
        }
    }

    pub(super) fn needs_age(self) -> bool {
        self.age_max().is_some()
    }
}

/// Who was shed, and whether that made room.
type Shedding<M> = (Vec<Envelope<M>>, Result<(), (Refusal, Envelope<M>)>);

impl<M: Send + 'static> Mailbox<M> {
    /// Finds a place for a message in a full queue.
    pub(super) fn overflow(&self, envelope: Envelope<M>) -> Result<(), (Refusal, Envelope<M>)> {
        let Some(rules) = self.rare.rules() else { return Err((Refusal::Full, envelope)) };
        let (shed, result) = match rules.overflow {
            Overflow::Reject => return Err((Refusal::Full, envelope)),
            Overflow::DropNewest => (vec![envelope], Ok(())),
            Overflow::DropOldest => self.push_shedding(envelope, |_| true),
            Overflow::ShedOlderThan(age) => {
                let now = Instant::now();
                self.push_shedding(envelope, |envelope| envelope.is_older_than(age, now))
            }
        };
        self.rare.note_shed(shed.len() as u64);
        self.lose(shed, WhyDead::Shed, &Lost::Shed);
        result
    }

    /// Takes from the front who may be shed until there is room, and says who that was.
    fn push_shedding(&self, envelope: Envelope<M>, may_shed: impl Fn(&Envelope<M>) -> bool) -> Shedding<M> {
        let mut taken = self.taken();
        let mut inbound = self.inbound();
        if let Some(refusal) = inbound.gate.refusal() {
            return (Vec::new(), Err((refusal, envelope)));
        }
        let shed = self.shed_for_room(&mut taken, &mut inbound, may_shed);
        if self.waiting(&inbound) >= self.capacity() {
            return (shed, Err((Refusal::Full, envelope)));
        }
        inbound.queue.push_back(envelope);
        let receiver = inbound.receiver.take();
        drop(inbound);
        drop(taken);
        if let Some(receiver) = receiver {
            crate::sync::wake(receiver);
        }
        (shed, Ok(()))
    }

    /// Takes from the front who may be shed until there is room or the next one may not.
    pub(super) fn shed_for_room(
        &self,
        taken: &mut Taken<M>,
        inbound: &mut Inbound<M>,
        may_shed: impl Fn(&Envelope<M>) -> bool,
    ) -> Vec<Envelope<M>> {
        let mut shed = Vec::new();
        while self.waiting(inbound) >= self.capacity() {
            let oldest = if taken.batch.is_empty() { &mut inbound.queue } else { &mut taken.batch };
            if !oldest.front().is_some_and(&may_shed) {
                break;
            }
            shed.extend(oldest.pop_front());
            self.note_taken(taken);
            if let Some(stale) = &mut taken.stale {
                stale.ordinary = stale.ordinary.saturating_sub(1);
            }
        }
        shed
    }
}
