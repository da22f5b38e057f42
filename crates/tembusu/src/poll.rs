//! What each thread is polling, and what waits for the end of it.
//!
//! Every thread that polls children has a record: which incarnation, and a number that changes with every poll.
//! The thread writes it with plain stores, so that the watchdog looks at a few threads instead of at all
//! children, and no clock is read.
//!
//! A task that is woken or spawned on a worker of Tokio goes to that worker's LIFO slot, from which nobody can steal
//! it: woken by a child that then never returns, it would wait for ever. So what the library wakes or spawns inside a
//! poll of a child is remembered in the thread's record and done when the poll is over, which it is soon after; if
//! it never is, the watchdog does it. Nothing is lost, and it is late by two looks of the watchdog at the most.
//! Channels of others, used inside a handler, wake as they always do.
//!
//! The record also says whose inline call the thread is in, be it in a poll of a child or not: a call that does not
//! return is its owner's.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::panics;
use crate::shell::incarnation::Incarnation;
use crate::shell::slot::Slot;

/// After how many messages a child whose wake-ups wait gives its thread away, so that they do not wait any longer.
const MESSAGES_DEFERRED: u32 = 16;

/// For how long a thread waits for the watchdog at the end of a poll: a user's waker may be in its hands.
const YIELDS_TO_RELIEF: u32 = 10_000;

/// For how many wake-ups a thread keeps the memory.
const DEFERRED_KEPT: usize = 64;

/// What one thread is polling.
#[derive(Default)]
pub(crate) struct Record {
    /// Changes at the beginning and at the end of each poll. Written by its thread only.
    turn: AtomicU64,
    /// Which incarnation is polled: [`Incarnation::owner`](crate::shell::incarnation::Incarnation::owner), or 0.
    who: AtomicU64,
    /// As the two above, for the innermost inline call: whose view it has entered.
    call: AtomicU64,
    callee: AtomicU64,
    deferred: Mutex<Vec<Deferred>>,
    /// Whether the watchdog is doing what was deferred.
    is_relieved: AtomicBool,
}

/// What would be stranded in the LIFO slot of a worker that is held up.
enum Deferred {
    Wake(Waker),
    /// A sender that waits for room in a queue that was full: it takes the room as well when there is more of it.
    WakeSender(Waker),
    Launch {
        slot: Arc<Slot>,
        epoch: u64,
        incarnation: Arc<Incarnation>,
    },
}

impl Deferred {
    fn act(self) {
        match self {
            Self::Wake(waker) | Self::WakeSender(waker) => waker.wake(),
            Self::Launch { slot, epoch, incarnation } => slot.launch(epoch, incarnation),
        }
    }
}

/// All threads that have polled a child and have not ended.
static RECORDS: Mutex<Vec<Arc<Record>>> = Mutex::new(Vec::new());

/// A thread's own side of its record.
struct Mine {
    record: Arc<Record>,
    /// Whether something may be deferred: spares the lock.
    deferring: Cell<bool>,
}

thread_local! {
    static MINE: Mine = Mine::register();
    /// Whether this thread polls a child: what most wake-ups ask, before anything else.
    static IS_POLLING: Cell<bool> = const { Cell::new(false) };
    /// Whether something waits that is worth the end of the poll.
    static IS_PRESSING: Cell<bool> = const { Cell::new(false) };
    /// How many messages were handled since.
    static HANDLED: Cell<u32> = const { Cell::new(0) };
}

impl Mine {
    fn register() -> Self {
        let record = Arc::<Record>::default();
        lock(&RECORDS).push(Arc::clone(&record));
        Self { record, deferring: Cell::new(false) }
    }

    fn defer(&self, what: Deferred) {
        if !matches!(what, Deferred::WakeSender(_)) {
            IS_PRESSING.set(true);
        }
        self.deferring.set(true);
        lock(&self.record.deferred).push(what);
    }

    fn release(&self) {
        if IS_PRESSING.replace(false) {
            HANDLED.set(0);
        }
        if self.deferring.replace(false) {
            self.record.release();
            self.record.await_relief();
        }
    }

    /// Returns who was polled before.
    fn turn_to(&self, who: u64) -> u64 {
        let Record { turn, who: current, .. } = &*self.record;
        // One writer: no read-modify-write is needed.
        turn.store(turn.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
        let previous = current.load(Ordering::Relaxed);
        current.store(who, Ordering::Release);
        IS_POLLING.set(who != 0);
        previous
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        lock(&RECORDS).retain(|record| !Arc::ptr_eq(record, &self.record));
        self.record.release();
    }
}

impl Record {
    /// All of them, for the watchdog.
    pub(crate) fn all() -> Vec<Arc<Self>> {
        lock(&RECORDS).clone()
    }

    /// The present poll's number, and the incarnation that is polled, if one is.
    pub(crate) fn read(&self) -> Option<(u64, u64)> {
        let turn = self.turn.load(Ordering::Acquire);
        let who = self.who.load(Ordering::Acquire);
        // Torn readings are of different polls: no two of them are alike.
        (who != 0).then_some((turn, who))
    }

    /// The number of the inline call that the thread is in, and whose it is, if it is in one.
    pub(crate) fn read_call(&self) -> Option<(u64, u64)> {
        let call = self.call.load(Ordering::Acquire);
        let callee = self.callee.load(Ordering::Acquire);
        (callee != 0).then_some((call, callee))
    }

    /// Does for the thread what it may never do itself.
    pub(crate) fn relieve(&self) {
        self.is_relieved.store(true, Ordering::Release);
        self.release();
        self.is_relieved.store(false, Ordering::Release);
    }

    /// Gives the watchdog time to finish what it has taken out of this thread's hands. Otherwise the thread might find
    /// nothing to do meanwhile, and a runtime whose clock is paused lets time jump then.
    fn await_relief(&self) {
        for _ in 0..YIELDS_TO_RELIEF {
            if !self.is_relieved.load(Ordering::Acquire) {
                return;
            }
            #[cfg(test)]
            tests::waiting();
            std::thread::yield_now();
        }
    }

    /// Does what was deferred.
    fn release(&self) {
        let mut deferred = std::mem::take(&mut *lock(&self.deferred));
        for what in deferred.drain(..) {
            // It may be a waker of a user's.
            panics::drop_quietly(panics::catch(|| what.act()));
        }
        if deferred.capacity() <= DEFERRED_KEPT {
            let mut emptied = lock(&self.deferred);
            if emptied.capacity() == 0 {
                // The next poll need not allocate.
                *emptied = deferred;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wakes now, or when the poll of a child that this thread is in lets it.
#[inline]
pub(crate) fn wake(waker: Waker) {
    if IS_POLLING.get() { act(Deferred::Wake(waker)) } else { waker.wake() }
}

/// Makes the task of a child now, or when the poll of another one that this thread is in lets it.
pub(crate) fn launch(slot: Arc<Slot>, epoch: u64, incarnation: Arc<Incarnation>) {
    act(Deferred::Launch { slot, epoch, incarnation });
}

fn act(what: Deferred) {
    let mut what = Some(what);
    if IS_POLLING.get() {
        let _ = MINE.try_with(|mine| what.take().map(|what| mine.defer(what)));
    }
    if let Some(what) = what {
        what.act();
    }
}

/// Somebody waits for the end of this poll, if it is one of a child.
#[inline]
pub(crate) fn press() {
    if IS_POLLING.get() {
        IS_PRESSING.set(true);
    }
}

/// A message has been handled. True when it is time to end the poll.
#[inline]
pub(crate) fn has_handled() -> bool {
    if !IS_PRESSING.get() {
        return false;
    }
    HANDLED.set(HANDLED.get() + 1);
    HANDLED.get() >= MESSAGES_DEFERRED
}

/// Whether this thread is inside a poll of a child.
pub(crate) fn is_in_poll() -> bool {
    IS_POLLING.get()
}

/// From here on this poll is of that incarnation: its task goes on with the next one.
pub(crate) fn goes_on_as(who: u64) {
    let _ = MINE.try_with(|mine| mine.turn_to(who));
}

/// A poll that is recorded, until it is dropped. One inside another, by a handler that drives a runtime of its own,
/// gives the record back.
pub(crate) struct Polling(u64);

/// A poll of that incarnation begins.
pub(crate) fn polling(who: u64) -> Polling {
    Polling(MINE.try_with(|mine| mine.turn_to(who)).unwrap_or(0))
}

impl Drop for Polling {
    fn drop(&mut self) {
        let _ = MINE.try_with(|mine| {
            mine.turn_to(self.0);
            mine.release();
        });
    }
}

/// An inline call that is recorded, until it is dropped. The one around it goes on then, under the number that it had.
pub(crate) struct Calling {
    call: u64,
    callee: u64,
}

/// A call enters what that incarnation has published.
#[inline]
pub(crate) fn calling(callee: u64) -> Calling {
    thread_local! {
        /// How many calls this thread has entered. Never again the number of an earlier one.
        static CALLS: Cell<u64> = const { Cell::new(0) };
    }
    let call = CALLS.get().wrapping_add(1);
    CALLS.set(call);
    let around = MINE.try_with(|mine| {
        let Record { call: current, callee: owner, .. } = &*mine.record;
        let around = (current.load(Ordering::Relaxed), owner.load(Ordering::Relaxed));
        // One writer, as for polls.
        current.store(call, Ordering::Release);
        owner.store(callee, Ordering::Release);
        around
    });
    let (call, callee) = around.unwrap_or_default();
    Calling { call, callee }
}

impl Drop for Calling {
    #[inline]
    fn drop(&mut self) {
        let _ = MINE.try_with(|mine| {
            mine.record.callee.store(self.callee, Ordering::Release);
            mine.record.call.store(self.call, Ordering::Release);
        });
    }
}

/// A waker that others may wake as they like: from inside a poll of a child it wakes like our own.
pub(crate) fn later(waker: &Waker) -> Waker {
    wrapped(waker, Deferred::Wake)
}

fn wrapped(waker: &Waker, deferred: fn(Waker) -> Deferred) -> Waker {
    struct Later(Waker, fn(Waker) -> Deferred);
    impl Wake for Later {
        fn wake(self: Arc<Self>) {
            act(self.1(self.0.clone()));
        }
    }
    Waker::from(Arc::new(Later(waker.clone(), deferred)))
}

/// Awaits a future that others wake, so that those wake-ups are deferred like our own.
pub(crate) async fn deferring<F: Future>(future: F) -> F::Output {
    awaiting(future, Deferred::Wake).await
}

/// Awaits room in a queue: like [`deferring`], but what makes the room does not end its poll for that.
pub(crate) async fn deferring_for_room<F: Future>(future: F) -> F::Output {
    awaiting(future, Deferred::WakeSender).await
}

async fn awaiting<F: Future>(future: F, deferred: fn(Waker) -> Deferred) -> F::Output {
    let mut future = pin!(future);
    let mut known: Option<(Waker, Waker)> = None;
    poll_fn(|cx| {
        if !known.as_ref().is_some_and(|(inner, _)| inner.will_wake(cx.waker())) {
            known = Some((cx.waker().clone(), wrapped(cx.waker(), deferred)));
        }
        match &known {
            Some((_, waker)) => future.as_mut().poll(&mut Context::from_waker(waker)),
            None => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    thread_local! {
        /// What this thread does when it first waits for the watchdog at the end of a poll.
        static WAITING: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
    }

    pub(super) fn waiting() {
        if let Some(act) = WAITING.take() {
            act();
        }
    }

    async fn recorded<F: Future>(who: u64, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let _polling = polling(who);
            future.as_mut().poll(cx)
        })
        .await
    }

    struct Count(AtomicU64);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn wake_ups_inside_a_poll_come_when_it_ends_or_lets_them_and_outside_at_once() {
        let count = Arc::new(Count(AtomicU64::new(0)));
        let woken = || count.0.load(Ordering::SeqCst);
        let waker = || Waker::from(Arc::clone(&count));
        wake(waker());
        assert_eq!(woken(), 1, "outside a poll of a child");
        recorded(7, async {
            wake(waker());
            assert_eq!(woken(), 1);
            let due = (0..MESSAGES_DEFERRED).position(|_| has_handled());
            assert_eq!(due, Some(MESSAGES_DEFERRED as usize - 1), "which is not put off for ever");
            tokio::task::yield_now().await;
            assert_eq!(woken(), 2, "when the poll has ended");
            assert!(!has_handled());
            wake(waker());
            let mine = MINE.with(|mine| Arc::clone(&mine.record));
            assert_eq!(mine.read().map(|(_, who)| who), Some(7));
            std::thread::scope(|watchdog| watchdog.spawn(|| mine.relieve()).join().expect("no panic"));
            assert_eq!(woken(), 3, "when the watchdog does it");
        })
        .await;
        assert_eq!(woken(), 3, "once each");
    }

    #[test]
    fn a_poll_does_not_end_while_the_watchdog_has_what_it_deferred_in_its_hands() {
        /// Says that it is being woken, and is not until it may be.
        struct Slow {
            begins: mpsc::SyncSender<()>,
            may_end: Mutex<mpsc::Receiver<()>>,
            woken: Count,
        }
        impl Wake for Slow {
            fn wake(self: Arc<Self>) {
                let _ = self.begins.send(());
                let _ = lock(&self.may_end).recv_timeout(PATIENCE);
                self.woken.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let ((begins, begun), (end, may_end)) = (mpsc::sync_channel(1), mpsc::channel());
        let slow = Arc::new(Slow { begins, may_end: Mutex::new(may_end), woken: Count(AtomicU64::new(0)) });
        let poll = polling(7);
        wake(Waker::from(Arc::clone(&slow)));
        let mine = MINE.with(|mine| Arc::clone(&mine.record));
        let watchdog = std::thread::Builder::new().spawn(move || mine.relieve()).expect("there is a thread for it");
        begun.recv_timeout(PATIENCE).expect("the watchdog wakes it");
        // The poll comes to its end just now, finds nothing to be done, and waits: only then the waker goes on, and only
        // when that is through the poll looks again.
        WAITING.set(Some(Box::new(move || {
            end.send(()).expect("it waits");
            watchdog.join().expect("no panic");
        })));
        drop(poll);
        assert_eq!(slow.woken.0.load(Ordering::SeqCst), 1, "by the end of the poll");
    }

    #[tokio::test]
    async fn a_sender_that_is_told_of_room_does_not_end_the_poll_and_is_woken_at_its_end() {
        let count = Arc::new(Count(AtomicU64::new(0)));
        let woken = || count.0.load(Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&count));
        recorded(7, async {
            wrapped(&waker, Deferred::WakeSender).wake();
            assert!(!(0..2 * MESSAGES_DEFERRED).any(|_| has_handled()));
            assert_eq!(woken(), 0);
            wake(waker.clone());
            assert!((0..MESSAGES_DEFERRED).any(|_| has_handled()), "somebody else's wake-up does");
            tokio::task::yield_now().await;
            assert_eq!(woken(), 2);
            wrapped(&waker, Deferred::WakeSender).wake();
        })
        .await;
        assert_eq!(woken(), 3);
    }

    #[tokio::test]
    async fn a_poll_inside_a_poll_gives_the_record_back() {
        let read = || MINE.with(|mine| mine.record.read().map(|(_, who)| who));
        recorded(1, async {
            let mut inner = pin!(recorded(2, async { read() }));
            let seen = poll_fn(|cx| inner.as_mut().poll(cx)).await;
            assert_eq!((seen, read()), (Some(2), Some(1)));
        })
        .await;
        assert_eq!(read(), None);
    }
}
