//! The queue behind an address. It belongs to the slot: incarnations come and go, the queue stays.
//!
//! An incarnation attaches and gets a token; it borrows the queue for each receive under that token and holds
//! nothing in between, so that its successor can take over at any time, also from one that never yields.
//! Senders never wait behind a receiver: the lock is held to push or pop one message and never while code of a
//! user runs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::exit::ExitReason;
use crate::lives::Lives;
use crate::panics;
use crate::scope::{Lost, Scope};

/// How many messages wait at the most, unless the specification says otherwise.
pub(crate) const DEFAULT_CAPACITY: usize = 1024;

/// A message with what travels with it.
pub(crate) struct Envelope<M> {
    pub(crate) message: M,
    /// The caller waits no longer than this.
    pub(crate) deadline: Option<Instant>,
}

/// Why a message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Degraded,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    Degraded,
    Closed,
    ClosedForGood,
}

pub(crate) enum Received<M> {
    Message(Envelope<M>),
    /// The token is no longer the queue's: another incarnation has attached.
    Replaced,
}

struct State<M> {
    queue: VecDeque<Envelope<M>>,
    gate: Gate,
    token: u64,
    receiver: Option<Waker>,
    waiting_senders: usize,
    /// How many messages at the front waited under an incarnation that is over, and what becomes of them.
    stale: Option<(usize, ExitReason)>,
    expired: u64,
    dead_letters: u64,
}

pub(crate) struct Mailbox<M> {
    name: Arc<str>,
    path: OnceLock<Arc<str>>,
    capacity: OnceLock<usize>,
    has_stand_in: AtomicBool,
    state: Mutex<State<M>>,
    room: Notify,
    lives: Lives,
}

impl<M: Send + 'static> Mailbox<M> {
    pub(crate) fn new(name: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            name,
            path: OnceLock::new(),
            capacity: OnceLock::new(),
            has_stand_in: AtomicBool::new(false),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                gate: Gate::Open,
                token: 0,
                receiver: None,
                waiting_senders: 0,
                stale: None,
                expired: 0,
                dead_letters: 0,
            }),
            room: Notify::new(),
            lives: Lives::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lives(&self) -> &Lives {
        &self.lives
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        self.path.get().unwrap_or(&self.name)
    }

    fn capacity(&self) -> usize {
        self.capacity.get().copied().unwrap_or(DEFAULT_CAPACITY)
    }

    /// Puts a message into the queue, or hands it back.
    pub(crate) fn push(&self, message: M, deadline: Option<Instant>) -> Result<(), (Refusal, M)> {
        let mut state = self.lock();
        match state.gate {
            Gate::Open => {}
            Gate::Degraded => return Err((Refusal::Degraded, message)),
            Gate::Closed | Gate::ClosedForGood => return Err((Refusal::Gone, message)),
        }
        if state.queue.len() >= self.capacity() {
            return Err((Refusal::Full, message));
        }
        state.queue.push_back(Envelope { message, deadline });
        let receiver = state.receiver.take();
        drop(state);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        Ok(())
    }

    /// Puts a message into the queue, waiting for room.
    ///
    /// Cancel safe: a dropped wait has sent nothing.
    pub(crate) async fn push_when_room(&self, mut message: M) -> Result<(), (Refusal, M)> {
        loop {
            let room = self.room.notified();
            let mut room = std::pin::pin!(room);
            room.as_mut().enable();
            match self.push(message, None) {
                Err((Refusal::Full, unsent)) => message = unsent,
                result => return result,
            }
            let _waiting = WaitingSender::new(self);
            room.await;
        }
    }

    /// Makes the caller the queue's receiver; whoever was it before no longer is.
    pub(crate) fn attach(&self) -> u64 {
        let mut state = self.lock();
        state.token += 1;
        let token = state.token;
        let previous = state.receiver.take();
        drop(state);
        drop(previous);
        token
    }

    pub(crate) fn poll_receive(&self, token: u64, cx: &mut Context<'_>) -> Poll<Received<M>> {
        loop {
            let mut state = self.lock();
            if state.token != token {
                return Poll::Ready(Received::Replaced);
            }
            let Some(envelope) = state.queue.pop_front() else {
                if !state.receiver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    state.receiver = Some(cx.waker().clone());
                }
                return Poll::Pending;
            };
            if let Some((stale, _)) = &mut state.stale {
                *stale = stale.saturating_sub(1);
            }
            let sender_waits = state.waiting_senders > 0;
            let expired = envelope.deadline.is_some_and(|deadline| deadline <= Instant::now());
            if expired {
                state.expired += 1;
            }
            drop(state);
            if sender_waits {
                self.room.notify_one();
            }
            if !expired {
                return Poll::Ready(Received::Message(envelope));
            }
            // Nobody waits for it any more.
            Scope::enter(Some(&Scope::settling(Lost::Expired)), || panics::drop_quietly(envelope));
        }
    }

    fn set_gate(&self, change: impl FnOnce(Gate) -> Gate) {
        let mut state = self.lock();
        state.gate = change(state.gate);
        drop(state);
        self.room.notify_waiters();
    }

    /// Empties the queue; calls in it learn `lost`.
    fn empty(&self, lost: Lost, gate: Option<Gate>) {
        let mut state = self.lock();
        let messages = std::mem::take(&mut state.queue);
        state.stale = None;
        state.dead_letters += messages.len() as u64;
        if let Some(gate) = gate
            && state.gate != Gate::ClosedForGood
        {
            state.gate = gate;
        }
        drop(state);
        self.room.notify_waiters();
        lose(messages, lost);
    }
}

/// Drops messages that nobody will handle; calls among them learn `lost`.
fn lose<M>(messages: VecDeque<Envelope<M>>, lost: Lost) {
    if messages.is_empty() {
        return;
    }
    Scope::enter(Some(&Scope::settling(lost)), || {
        for message in messages {
            panics::drop_quietly(message);
        }
    });
}

struct WaitingSender<'a, M: Send + 'static>(&'a Mailbox<M>);

impl<'a, M: Send + 'static> WaitingSender<'a, M> {
    fn new(mailbox: &'a Mailbox<M>) -> Self {
        mailbox.lock().waiting_senders += 1;
        // A message may have been taken since the queue was found full.
        let state = mailbox.lock();
        if state.queue.len() < mailbox.capacity() || state.gate != Gate::Open {
            drop(state);
            mailbox.room.notify_one();
        }
        Self(mailbox)
    }
}

impl<M: Send + 'static> Drop for WaitingSender<'_, M> {
    fn drop(&mut self) {
        self.0.lock().waiting_senders -= 1;
    }
}

/// What a supervisor does with a queue, whatever its messages are.
pub(crate) trait Queue: Send + Sync {
    fn settle_in(&self, path: Arc<str>, capacity: usize);
    fn close(&self);
    fn close_for_good(&self);
    fn reopen(&self);
    fn degrade(&self);
    fn restore(&self);
    /// Drops what waits; calls learn why.
    fn discard(&self, reason: ExitReason);
    /// Remembers that what waits now is not for the next incarnation.
    fn mark_stale(&self, reason: ExitReason);
    /// Drops what was marked.
    fn discard_stale(&self);
    /// Takes the queue away from its receiver.
    fn detach(&self);
    fn len(&self) -> usize;
    fn dead_letters(&self) -> u64;
    fn expired(&self) -> u64;
    /// Registers a stand-in. False when there is one already.
    fn take_stand_in(&self) -> bool;
    /// Identifies the queue, to compare.
    fn id(&self) -> usize;
    /// Why a message would be refused whatever it is and however much room there is.
    fn refusal(&self) -> Option<Refusal>;
}

impl<M: Send + 'static> Queue for Mailbox<M> {
    fn settle_in(&self, path: Arc<str>, capacity: usize) {
        let _ = self.path.set(path);
        let _ = self.capacity.set(capacity);
    }

    fn close(&self) {
        self.empty(Lost::Gone, Some(Gate::Closed));
    }

    fn close_for_good(&self) {
        self.empty(Lost::Gone, Some(Gate::ClosedForGood));
        self.lives.close();
    }

    fn reopen(&self) {
        self.set_gate(|gate| if gate == Gate::Degraded { gate } else { Gate::Open });
    }

    fn degrade(&self) {
        if !self.has_stand_in.load(Ordering::Acquire) {
            self.set_gate(|gate| if gate == Gate::Open { Gate::Degraded } else { gate });
        }
    }

    fn restore(&self) {
        self.set_gate(|gate| if gate == Gate::Degraded { Gate::Open } else { gate });
    }

    fn discard(&self, reason: ExitReason) {
        self.empty(Lost::Died(reason), None);
    }

    fn mark_stale(&self, reason: ExitReason) {
        let mut state = self.lock();
        state.stale = Some((state.queue.len(), reason));
    }

    fn discard_stale(&self) {
        let mut state = self.lock();
        let Some((stale, reason)) = state.stale.take() else { return };
        let stale = stale.min(state.queue.len());
        let kept = state.queue.split_off(stale);
        let messages = std::mem::replace(&mut state.queue, kept);
        state.dead_letters += messages.len() as u64;
        drop(state);
        self.room.notify_waiters();
        lose(messages, Lost::Died(reason));
    }

    fn detach(&self) {
        self.attach();
    }

    fn len(&self) -> usize {
        self.lock().queue.len()
    }

    fn dead_letters(&self) -> u64 {
        self.lock().dead_letters
    }

    fn expired(&self) -> u64 {
        self.lock().expired
    }

    fn take_stand_in(&self) -> bool {
        !self.has_stand_in.swap(true, Ordering::AcqRel)
    }

    fn id(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>().addr()
    }

    fn refusal(&self) -> Option<Refusal> {
        match self.lock().gate {
            Gate::Open => None,
            Gate::Degraded => Some(Refusal::Degraded),
            Gate::Closed | Gate::ClosedForGood => Some(Refusal::Gone),
        }
    }
}
