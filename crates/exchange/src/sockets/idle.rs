//! Ends a connection on which nothing has happened for too long.
//!
//! Its timer is set once and looks at the clock when it fires: a busy connection never touches it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use super::seat::Seat;

/// Ready when the connection has been quiet, with nothing in hand, for the whole time.
pub(super) struct IdleTimer {
    seat: Arc<Seat>,
    timeout: Duration,
    timer: Pin<Box<Sleep>>,
    /// Whom the timer wakes when it fires.
    wakes: Option<Waker>,
}

impl IdleTimer {
    pub(super) fn new(seat: Arc<Seat>, timeout: Duration) -> Self {
        Self { seat, timeout, timer: Box::pin(sleep_until(Instant::now() + timeout)), wakes: None }
    }

    /// Whether the timer runs and will wake that task: then it need not be asked.
    fn runs_for(&self, cx: &Context<'_>) -> bool {
        self.wakes.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) && !self.timer.is_elapsed()
    }
}

impl Future for IdleTimer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.runs_for(cx) {
            return Poll::Pending;
        }
        self.wakes = None;
        loop {
            // A task that has used up its turn would be told to come back, and the timer not be set.
            let timer = pin!(unconstrained(self.timer.as_mut()));
            if timer.poll(cx).is_pending() {
                self.wakes = Some(cx.waker().clone());
                return Poll::Pending;
            }
            let now = Instant::now();
            // While something is in hand, quiet has not even begun.
            let due = self.seat.quiet_since().unwrap_or(now) + self.timeout;
            if due <= now {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }
}
