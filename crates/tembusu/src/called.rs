//! Queues with callers that wait for the end of a receiver's poll, for the watchdog to look at.
//!
//! Such a caller has no timer until it is woken ([`crate::mailbox`], `expected.rs`), and its receiver may never be polled:
//! every worker of its runtime may be held up. A queue is here from a call to the first look that finds no new one, and a
//! caller that is found twice is woken. Nothing here is touched by each call.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::mailbox::{Mailbox, Queue};
use crate::panics;

/// Calls with less time left see to their deadlines themselves from the beginning: the watchdog would be too late.
pub(crate) const PATIENT: Duration = Duration::from_secs(1);

static CALLED: Mutex<Vec<Weak<dyn Queue>>> = Mutex::new(Vec::new());

fn called() -> MutexGuard<'static, Vec<Weak<dyn Queue>>> {
    CALLED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A queue has its first call, or its first one since it was looked at.
#[cold]
pub(crate) fn watch<M: Send + 'static>(queue: &Arc<Mailbox<M>>) {
    let queue = Arc::downgrade(queue) as Weak<dyn Queue>;
    called().push(queue);
}

/// Looks at all of them; forgets those that have had no call since the last look.
pub(crate) fn look() {
    let mut queues = mem::take(&mut *called());
    queues.retain(|queue| {
        let Some(queue) = queue.upgrade() else { return false };
        let is_called = queue.look_at_calls();
        // The last reference to it may be this one.
        panics::drop_quietly(queue);
        is_called
    });
    called().append(&mut queues);
}

/// Nobody will look any more: every caller that waits sees to its deadline itself.
pub(crate) fn let_go() {
    look();
    look();
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    use tokio::time::Instant;

    use super::*;
    use crate::mailbox::{Caller, Hand, Lane, Turn};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Count {
        fn get(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    struct Called {
        mailbox: Arc<Mailbox<u8>>,
        token: u64,
    }

    impl Called {
        /// With a receiver that waits.
        fn new() -> Self {
            let mailbox = Mailbox::new("a".into());
            let token = mailbox.attach();
            let queue = Self { mailbox, token };
            queue.poll();
            queue
        }

        /// What a poll of the receiver does, but for its end.
        fn poll(&self) {
            let mut hand = Hand::default();
            let mut cx = Context::from_waker(Waker::noop());
            while self.mailbox.poll_receive(self.token, &mut cx, &mut hand).is_ready() {
                hand.take();
            }
        }

        fn call(&self) -> (Arc<Count>, Turn) {
            let count = Arc::<Count>::default();
            let mut turn = Turn { waker: Some(Arc::clone(&count).into()), ..Turn::default() };
            let caller = Caller { deadline: Instant::now() + Duration::from_secs(600), settle: None };
            assert!(self.mailbox.push_call(Lane::Ordinary, 0, caller, &mut turn).is_ok());
            (count, turn)
        }
    }

    #[test]
    fn one_caller_is_woken_at_the_end_of_the_receivers_poll_and_others_see_to_themselves() {
        let queue = Called::new();
        let (first, turn) = queue.call();
        assert!(turn.is_expected && turn.is_first);
        let (_, turn) = queue.call();
        assert!(!turn.is_expected && turn.waker.is_some(), "another one waits");
        queue.poll();
        let (_, turn) = queue.call();
        assert!(!turn.is_expected, "another one waits");
        assert_eq!(first.get(), 0);
        queue.mailbox.end_poll();
        assert_eq!(first.get(), 1);
        queue.poll();
        queue.mailbox.end_poll();
        let (_, turn) = queue.call();
        assert!(turn.is_expected && !turn.is_first);
        assert_eq!(first.get(), 1, "once");
    }

    #[test]
    fn who_waits_is_woken_when_the_receiver_leaves_and_when_the_queue_is_closed() {
        let queue = Called::new();
        let (caller, _) = queue.call();
        drop(Queue::leave(&*queue.mailbox));
        queue.mailbox.end_poll();
        assert_eq!(caller.get(), 1);
        let queue = Called::new();
        let (caller, _) = queue.call();
        Queue::close(Arc::clone(&queue.mailbox));
        assert_eq!(caller.get(), 1);
    }

    #[test]
    fn who_is_found_twice_is_woken_and_a_queue_without_calls_is_forgotten() {
        let queue = Called::new();
        let (caller, _) = queue.call();
        assert!(queue.mailbox.look_at_calls());
        assert_eq!(caller.get(), 0);
        assert!(queue.mailbox.look_at_calls());
        assert_eq!(caller.get(), 1);
        assert!(!queue.mailbox.look_at_calls());
        queue.poll();
        let (later, turn) = queue.call();
        assert!(turn.is_expected && turn.is_first, "it is to be looked at again");
        assert!(queue.mailbox.look_at_calls());
        queue.poll();
        queue.mailbox.end_poll();
        let (latest, _) = queue.call();
        assert!(queue.mailbox.look_at_calls());
        assert_eq!((later.get(), latest.get()), (1, 0), "another one than was found before");
    }
}
