//! Ends a connection on which nothing has happened for too long.
//!
//! Its timer is set once and looks at the clock when it fires: a busy connection never touches it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::head_clock::HeadClock;

/// Ready when the connection has been quiet, with nothing in hand, for the whole time.
pub(super) struct IdleTimer {
    clock: HeadClock,
    timeout: Duration,
    timer: Pin<Box<Sleep>>,
}

impl IdleTimer {
    pub(super) fn new(clock: HeadClock, timeout: Duration) -> Self {
        Self { clock, timeout, timer: Box::pin(sleep_until(Instant::now() + timeout)) }
    }
}

impl Future for IdleTimer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            // While something is in hand, quiet has not even begun.
            let due = self.clock.quiet_since().unwrap_or(now) + self.timeout;
            if due <= now {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }
}
