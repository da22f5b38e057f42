//! How long what is due now waits for its turn on a runtime's thread.
//!
//! It is asked of the run queue, not of the timer. What a timer or a socket wakes last is run first (Tokio keeps it in a place of its
//! own, before the queue), and `yield_now` comes back through that place: both look punctual while hundreds wait. A task that
//! wakes itself while it runs goes to the queue's end, and comes back when all have run that were due before it. What does not fit
//! into a thread's queue (256 tasks) waits in the runtime's, which a lane's runtime must look at first.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// What the queue said last.
#[derive(Debug, Default)]
pub(super) struct Turns {
    last: Mutex<Last>,
    wanted: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    /// Since when a turn is awaited that has not come.
    asked: Option<Instant>,
    waited: Duration,
}

impl Turns {
    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long what is due now waits: the last turn, or the one that has not come yet, if that is longer.
    pub(super) fn lag(&self) -> Duration {
        let Last { asked, waited } = *self.last();
        asked.map_or(waited, |asked| waited.max(asked.elapsed()))
    }

    /// Lets another turn be asked for, unless one is awaited.
    pub(super) fn want(&self) {
        if self.last().asked.is_none() {
            self.wanted.notify_one();
        }
    }

    /// Asks for a turn whenever one is [wanted](Self::want), until the runtime ends. A task of its own, and without a timer of its
    /// own: whoever shows that the runtime lives must not stand in this queue, nor be kept from being run first.
    pub(super) async fn ask(self: Arc<Self>) {
        loop {
            self.wanted.notified().await;
            let asked = Instant::now();
            self.last().asked = Some(asked);
            turn().await;
            *self.last() = Last { asked: None, waited: asked.elapsed() };
        }
    }
}

/// Goes to the end of the run queue, once.
async fn turn() {
    let mut is_behind = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_behind, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use tokio::runtime::Builder;

    use super::*;

    /// More than Tokio runs before it looks after its timers and sockets, and more than a thread's queue holds.
    const WAITING: usize = 1_000;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "bare tasks are what is counted")]
    fn a_turn_comes_after_all_that_were_due_before_it() {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .global_queue_interval(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let ran = Arc::new(AtomicUsize::new(0));
        let before = runtime.block_on(async {
            let asks = async move {
                for _ in 0..WAITING {
                    let ran = Arc::clone(&ran);
                    tokio::spawn(async move { ran.fetch_add(1, Relaxed) });
                }
                turn().await;
                ran.load(Relaxed)
            };
            tokio::spawn(asks).await
        });
        assert_eq!(before.expect("no panic"), WAITING);
    }

    #[test]
    fn a_turn_that_does_not_come_counts_as_long_as_it_has_been_awaited() {
        let turns = Turns::default();
        let long_ago = Instant::now().checked_sub(Duration::from_secs(7)).expect("an instant");
        *turns.last() = Last { asked: Some(long_ago), waited: Duration::from_millis(1) };
        assert!(turns.lag() >= Duration::from_secs(7));
        *turns.last() = Last { asked: None, waited: Duration::from_millis(1) };
        assert_eq!(turns.lag(), Duration::from_millis(1));
    }
}
