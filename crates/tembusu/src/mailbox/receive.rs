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
        let previous = self.inbound().receiver.take();
        drop(taken);
        drop(previous);
        token
    }

    /// Takes the next message into `hand`.
    // Inlined: each move of a message through memory costs as much as a lock.
    #[inline(always)]
    pub(crate) fn poll_receive(&self, token: u64, cx: &mut Context<'_>, hand: &mut Hand<M>) -> Poll<Received> {
        hand.clear();
        loop {
            let mut taken = self.taken();
            if taken.token != token {
                return Poll::Ready(Received::Replaced);
            }
            if taken.batch.is_empty() || self.urgent.load(Ordering::Acquire) {
                match self.refill(&mut taken, cx) {
                    Refill::Batch => {}
                    Refill::Urgent(urgent) => {
                        self.after_take(taken);
                        let why = self.too_late(&urgent);
                        let Some(why) = why else {
                            hand.take_up(urgent);
                            return Poll::Ready(Received::Message);
                        };
                        self.refuse(urgent, why);
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
            let why = taken.batch.front().and_then(|envelope| self.too_late(envelope));
            let Some(envelope) = taken.batch.pop_front() else { continue };
            self.note_taken(&taken);
            taken.note_gone(Lane::Ordinary);
            let Some(why) = why else {
                hand.take_up(envelope);
                self.after_take(taken);
                return Poll::Ready(Received::Message);
            };
            self.after_take(taken);
            self.refuse(envelope, why);
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
        if !taken.batch.is_empty() {
            return Refill::Batch;
        }
        let previous = match &inbound.receiver {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            _ => inbound.receiver.replace(cx.waker().clone()),
        };
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

    /// Why a message whose turn has come is not handled.
    #[inline(always)]
    fn too_late(&self, envelope: &Envelope<M>) -> Option<WhyDead> {
        if envelope.deadline.is_none() && envelope.extra.is_none() {
            return None;
        }
        self.too_late_now(envelope)
    }

    fn too_late_now(&self, envelope: &Envelope<M>) -> Option<WhyDead> {
        let since = envelope.extra.as_ref().and_then(|extra| extra.since);
        let now = Instant::now();
        if envelope.deadline.is_some_and(|deadline| deadline <= now) {
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
