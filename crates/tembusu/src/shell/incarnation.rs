//! One life of a child: what it has been asked to do, what it has published, its ties to others, and the scope
//! that fences what it does.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::slot::Slot;
use crate::core::Generation;
use crate::exit::ExitReason;
use crate::later;
use crate::panics::Caught;
use crate::scope::{Lost, Scope, Scoped};
use crate::table::Withdraw;
use crate::ties::{Linked, Notice, Tie, Ties};

/// What an incarnation has been asked to do: a bit each, so that one load says that there is nothing.
mod signal {
    pub(super) const STOP: u8 = 1;
    pub(super) const KILL: u8 = 1 << 1;
    /// Messages wait.
    pub(super) const SUSPENDED: u8 = 1 << 2;
    /// A notice waits.
    pub(super) const NOTICE: u8 = 1 << 3;
    /// Somebody wants its state described.
    pub(super) const ASKED: u8 = 1 << 4;
}

/// Distinguishes the publications of all incarnations of the process.
static NEXT_OWNER: AtomicU64 = AtomicU64::new(1);

pub(crate) struct Incarnation {
    pub(crate) generation: Generation,
    pub(crate) owner: u64,
    pub(crate) scope: Scope,
    slot: Weak<Slot>,
    signals: AtomicU8,
    /// Set once: by the first panic inside an inline call, or by the end of a linked incarnation.
    verdict: OnceLock<Box<ExitReason>>,
    /// How many messages it has begun to handle, `init` being the first. Written by its own task only, as is the next.
    begun: AtomicU64,
    /// How many it has handled.
    handled: AtomicU64,
    held: Mutex<Held>,
}

/// What ends with an incarnation.
#[derive(Default)]
pub(crate) struct Held {
    ties: Option<Box<Ties>>,
}

impl Held {
    pub(crate) fn ties(&mut self) -> &mut Ties {
        self.ties.get_or_insert_default()
    }
}

/// What an incarnation has been asked to do, at one instant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signals(u8);

impl Signals {
    pub(crate) fn none(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn kill(self) -> bool {
        self.0 & signal::KILL != 0
    }

    pub(crate) fn stop(self) -> bool {
        self.0 & signal::STOP != 0
    }

    pub(crate) fn suspended(self) -> bool {
        self.0 & signal::SUSPENDED != 0
    }

    pub(crate) fn notice(self) -> bool {
        self.0 & signal::NOTICE != 0
    }

    pub(crate) fn asked(self) -> bool {
        self.0 & signal::ASKED != 0
    }
}

impl Scoped for Incarnation {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Incarnation {
    pub(crate) fn new(generation: Generation, slot: Weak<Slot>) -> Arc<Self> {
        Arc::new(Self {
            generation,
            owner: NEXT_OWNER.fetch_add(1, Ordering::Relaxed),
            scope: Scope::new(),
            slot,
            signals: AtomicU8::new(0),
            verdict: OnceLock::new(),
            begun: AtomicU64::new(1),
            handled: AtomicU64::new(0),
            held: Mutex::default(),
        })
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, bit: u8) {
        self.signals.fetch_or(bit, Ordering::Release);
    }

    fn unsignal(&self, bit: u8) {
        self.signals.fetch_and(!bit, Ordering::Release);
    }

    #[inline]
    pub(crate) fn signals(&self) -> Signals {
        Signals(self.signals.load(Ordering::Acquire))
    }

    pub(crate) fn request_stop(&self) {
        self.signal(signal::STOP);
    }

    pub(crate) fn request_kill(&self) {
        self.signal(signal::KILL);
    }

    #[inline]
    pub(crate) fn is_killed(&self) -> bool {
        self.signals().kill()
    }

    /// Lets messages wait, or no longer.
    pub(crate) fn suspend(&self, suspended: bool) {
        if suspended {
            self.signal(signal::SUSPENDED);
        } else {
            self.unsignal(signal::SUSPENDED);
            self.wake();
        }
    }

    /// Wakes its task, wherever it waits.
    fn wake(&self) {
        if let Some(slot) = self.slot.upgrade() {
            slot.wake(self.generation);
        }
    }

    // === ties ===

    /// Remembers what is to be done when it ends; hands it back when it has ended.
    pub(crate) fn tie(&self, key: u64, tie: Tie) -> Result<(), Tie> {
        let mut held = self.held();
        // Decided under the lock that `conclude` takes: nothing is remembered after it.
        if self.scope.is_replaced() {
            return Err(tie);
        }
        held.ties().by_key.insert(key, tie);
        Ok(())
    }

    pub(crate) fn untie(&self, key: u64) -> Option<Tie> {
        self.held().ties.as_mut()?.by_key.remove(&key)
    }

    pub(crate) fn trap_exits(&self) {
        self.held().ties().traps_exits = true;
    }

    pub(crate) fn traps_exits(&self) -> bool {
        self.held().ties.as_ref().is_some_and(|ties| ties.traps_exits)
    }

    /// Tells it something, unless it has ended.
    pub(crate) fn notify(&self, notice: Notice) {
        let mut held = self.held();
        if self.scope.is_replaced() {
            return;
        }
        held.ties().notices.push_back(notice);
        self.signal(signal::NOTICE);
        drop(held);
        self.wake();
    }

    pub(crate) fn take_notice(&self) -> Option<Notice> {
        let mut held = self.held();
        let ties = held.ties.as_mut()?;
        let notice = ties.notices.pop_front();
        if ties.notices.is_empty() {
            self.unsignal(signal::NOTICE);
        }
        notice
    }

    pub(crate) fn notices(&self) -> usize {
        self.held().ties.as_ref().map_or(0, |ties| ties.notices.len())
    }

    /// Drops a notice that waits and is no longer wanted.
    pub(crate) fn forget_notice_of(&self, key: u64) {
        if let Some(ties) = self.held().ties.as_mut() {
            ties.notices.retain(|notice| !matches!(notice, Notice::Down { monitor, .. } if *monitor == key));
        }
    }

    /// Asks for a description of its state; the sender is dropped when it has ended.
    pub(crate) fn ask(&self, answer: oneshot::Sender<String>) {
        let mut held = self.held();
        if self.scope.is_replaced() {
            return;
        }
        held.ties().asked.push(answer);
        self.signal(signal::ASKED);
        drop(held);
        self.wake();
    }

    pub(crate) fn take_asked(&self) -> Vec<oneshot::Sender<String>> {
        let mut held = self.held();
        self.unsignal(signal::ASKED);
        held.ties.as_mut().map(|ties| std::mem::take(&mut ties.asked)).unwrap_or_default()
    }

    /// Ends it from outside for `reason`: what it is doing is dropped at its next await, and if it has none its slot
    /// is taken away from it.
    pub(crate) fn crash_with(&self, reason: ExitReason) {
        if self.scope.is_replaced() {
            return;
        }
        if let Some(slot) = self.slot.upgrade() {
            slot.condemn(self, Caught { reason, raised: None, caught: Instant::now() });
            slot.wake(self.generation);
        }
    }

    /// The next message is at hand.
    #[inline]
    pub(crate) fn begins(&self) {
        // One writer: no read-modify-write is needed.
        self.begun.store(self.handled().wrapping_add(1), Ordering::Relaxed);
    }

    /// For how long the message at hand has been handled, counted from the first look that saw it: no clock is read for
    /// a message that nobody looks at.
    pub(crate) fn handles_for(&self, now: tokio::time::Instant) -> Option<Duration> {
        let begun = self.begun.load(Ordering::Relaxed);
        if begun == self.handled() {
            return None;
        }
        let mut held = self.held();
        let (seen, since) = held.ties().seen_at_hand.get_or_insert((begun, now));
        if *seen != begun {
            (*seen, *since) = (begun, now);
        }
        Some(now.saturating_duration_since(*since))
    }

    /// `init` or a message is through: whatever takes long now is something else.
    pub(crate) fn has_handled(&self) {
        // One writer: no read-modify-write is needed.
        self.handled.store(self.handled.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    pub(crate) fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    /// Condemns it, once: a panic inside an inline call is its end, and so is that of a linked incarnation. False
    /// when it was condemned already.
    pub(crate) fn condemn(&self, reason: ExitReason) -> bool {
        self.verdict.set(Box::new(reason)).is_ok()
    }

    pub(crate) fn is_condemned(&self) -> bool {
        self.verdict.get().is_some()
    }

    /// What it is said to have died of: why it was condemned, or else `reason`.
    pub(crate) fn verdict_or(&self, reason: ExitReason) -> ExitReason {
        self.verdict.get().map_or(reason, |verdict| (**verdict).clone())
    }

    /// Publishes unless this incarnation has been replaced.
    pub(crate) fn publish<T: Send + Sync + 'static>(&self, table: &crate::Table<T>, value: Arc<T>) {
        let withdraw = |owner| (!table.is_owned_by(owner)).then(|| table.withdrawer());
        self.publish_with(withdraw, |owner| table.publish(owner, value));
    }

    /// Publishes unless this incarnation has been replaced or condemned: `withdraw` says how it is taken back,
    /// unless that is known already; `publish` returns what was there before.
    pub(crate) fn publish_with<P>(
        &self,
        withdraw: impl FnOnce(u64) -> Option<Box<dyn Withdraw>>,
        publish: impl FnOnce(u64) -> P,
    ) {
        let mut held = self.held();
        // Decided under the lock that `conclude` takes: nothing is published after it.
        if self.scope.is_replaced() || self.is_condemned() {
            return;
        }
        if let Some(withdraw) = withdraw(self.owner) {
            held.ties().published.push(withdraw);
        }
        let previous = publish(self.owner);
        drop(held);
        // Code of a user may run here.
        drop(previous);
    }

    /// Ends what this incarnation may do: what it has published or entered is withdrawn, its replies settled, the
    /// fence is up; then those who asked for it are told that it has ended, and why. Returns what is linked to it, to be
    /// ended when the supervisor has been told.
    pub(crate) fn conclude(&self, lost: Lost, reason: &ExitReason) -> Option<Linked> {
        let Held { mut ties } = {
            let mut held = self.held();
            self.scope.replace();
            std::mem::take(&mut *held)
        };
        if let Some(ties) = &mut ties {
            for table in std::mem::take(&mut ties.published) {
                crate::panics::drop_quietly(crate::panics::catch(|| table.withdraw(self.owner)));
                // It may be the last reference to the table.
                later::drop_value(table);
            }
            ties.withdraw(self.owner);
        }
        self.scope.conclude(lost);
        let ties = ties?;
        let path = self.slot.upgrade().map_or_else(|| "".into(), |slot| Arc::clone(slot.path()));
        ties.tell(self.owner, &path, self.generation, reason)
    }
}
