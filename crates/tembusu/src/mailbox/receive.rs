//! The receiver's side: one message at a time, under a token that its successor can take away.

use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::{Envelope, Gate, Hand, Inbound, Lane, Mailbox, Received, Taken, WhyDead};
use crate::scope::Lost;
use crate::sync::MutexGuard;

/// No receiver's token.
pub(crate) const NOBODY: u64 = u64::MAX;

enum Refill<M> {
    /// The batch has messages.
    Batch,
    Urgent(Envelope<M>),
    Nothing {
        previous: Option<Waker>,
        /// And nothing will come.
        drained: bool,
    },
}

impl<M: Send + 'static> Mailbox<M> {
    /// Makes the caller the queue's receiver; whoever was it before no longer is.
    pub(crate) fn attach(&self) -> u64 {
        self.attach_if(|| true)
    }

    /// Like [`attach`](Self::attach), if the caller `begins`: that is decided under the lock, so that one that has
    /// been replaced takes the queue away from nobody. It gets a token that is worth nothing.
    pub(crate) fn attach_if(&self, begins: impl FnOnce() -> bool) -> u64 {
        let mut taken = self.taken();
        if !begins() {
            return NOBODY;
        }
        taken.token += 1;
        let token = taken.token;
        self.put_back(&mut taken);
        let mut inbound = self.inbound();
        inbound.close_direct();
        let previous = inbound.receiver.take();
        drop(inbound);
        drop(taken);
        drop(previous);
        token
    }

    /// Takes the next message into `hand`.
    // Inlined: each move of a message through memory costs as much as a lock.
    #[inline(always)]
    pub(crate) fn poll_receive(&self, token: u64, cx: &mut Context<'_>, hand: &mut Hand<M>) -> Poll<Received> {
        hand.clear();
        if let Some(received) = self.poll_direct(token, cx, hand) {
            return received;
        }
        loop {
            let mut taken = self.taken();
            if taken.token != token {
                return Poll::Ready(Received::Replaced);
            }
            if taken.batch.is_empty() || self.urgent.load(Ordering::Acquire) {
                match self.refill(&mut taken, cx) {
                    Refill::Batch => {}
                    Refill::Urgent(urgent) => {
                        hand.take_up(urgent);
                        self.after_take(taken);
                        if self.is_in_time(hand) {
                            return Poll::Ready(Received::Message);
                        }
                        continue;
                    }
                    Refill::Nothing { previous, drained } => {
                        drop(taken);
                        drop(previous);
                        if drained {
                            self.rare.notify_waiters();
                        }
                        return Poll::Pending;
                    }
                }
            }
            let Some(envelope) = taken.batch.pop_front() else { continue };
            hand.take_up(envelope);
            self.note_taken(&taken);
            taken.note_gone(Lane::Ordinary);
            self.after_take(taken);
            if self.is_in_time(hand) {
                return Poll::Ready(Received::Message);
            }
        }
    }

    /// Takes a message of the priority lane if there is one; otherwise sees to it that the batch has something. When
    /// nothing waits, whoever brings the next message will wake the receiver.
    fn refill(&self, taken: &mut Taken<M>, cx: &Context<'_>) -> Refill<M> {
        let mut inbound = self.inbound();
        if let Some(urgent) = inbound.priority.pop_front() {
            self.urgent.store(!inbound.priority.is_empty(), Ordering::Release);
            taken.note_gone(Lane::Priority);
            return Refill::Urgent(urgent);
        }
        if taken.batch.is_empty() {
            std::mem::swap(&mut taken.batch, &mut inbound.queue);
            // As if the first one were gone already, which it will be before anybody else can look.
            self.taken_len.store(taken.batch.len().saturating_sub(1), Ordering::Relaxed);
        }
        self.open_direct(taken, &mut inbound);
        if !taken.batch.is_empty() {
            return Refill::Batch;
        }
        let previous = inbound.wait(cx);
        Refill::Nothing { previous, drained: inbound.gate == Gate::Draining }
    }

    /// Lets a sender have the room.
    #[inline(always)]
    fn after_take(&self, mut taken: MutexGuard<'_, Taken<M>>) {
        let sender_waits = taken.waiting_senders > taken.told_senders;
        if sender_waits {
            taken.told_senders += 1;
        }
        drop(taken);
        if sender_waits {
            self.rare.notify_one();
        }
    }

    /// Whether the message at hand has come in time. One that has not is not handled, and the hand is empty.
    #[inline(always)]
    pub(super) fn is_in_time(&self, hand: &mut Hand<M>) -> bool {
        if hand.deadline.is_none() && hand.extra.is_none() {
            return true;
        }
        let Some(why) = self.too_late(hand) else { return true };
        if let Some(envelope) = hand.put_down() {
            self.refuse(envelope, why);
        }
        false
    }

    #[cold]
    fn refuse(&self, envelope: Envelope<M>, why: WhyDead) {
        let lost = match why {
            WhyDead::Expired => {
                self.rare.make().expired.fetch_add(1, Ordering::Relaxed);
                Lost::Expired
            }
            _ => Lost::Shed,
        };
        self.lose([envelope], why, &lost);
    }

    /// Why the message at hand is not handled.
    fn too_late(&self, hand: &Hand<M>) -> Option<WhyDead> {
        let since = hand.extra.as_ref().and_then(|extra| extra.since);
        let now = Instant::now();
        if hand.deadline.is_some_and(|deadline| deadline <= now) {
            return Some(WhyDead::Expired);
        }
        let age = self.rare.rules()?.overflow.age_max()?;
        (now.saturating_duration_since(since?) > age).then(|| {
            self.rare.note_shed(1);
            WhyDead::Shed
        })
    }
}

impl<M> Inbound<M> {
    /// Has the receiver woken by whoever brings the next message. Returns its waker of before, to be dropped without a
    /// lock.
    #[inline]
    pub(super) fn wait(&mut self, cx: &Context<'_>) -> Option<Waker> {
        match &self.receiver {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            _ => self.receiver.replace(cx.waker().clone()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.priority.is_empty()
    }
}

impl<M> Taken<M> {
    #[inline]
    fn note_gone(&mut self, lane: Lane) {
        if let Some(stale) = &mut self.stale {
            let count = match lane {
                Lane::Ordinary => &mut stale.ordinary,
                Lane::Priority => &mut stale.priority,
            };
            *count = count.saturating_sub(1);
        }
    }
}
