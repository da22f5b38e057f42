//! The rest of a body whose request has been answered already: it must be read off before the next head can come.
//!
//! It is thrown away as it comes, in the connection's own task, up to a time and a size. What has not come by then is given up,
//! and hyper closes the connection behind it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Incoming};
use tokio::time::{Instant, Sleep, sleep_until};

/// A connection's place for it.
#[derive(Debug, Default)]
pub(super) struct Rest {
    left: Mutex<Option<Left>>,
    /// Whether there is something. One task leaves and reads: to look needs no lock.
    is_left: AtomicBool,
}

#[derive(Debug)]
struct Left {
    body: Incoming,
    timer: Pin<Box<Sleep>>,
    bytes_max: usize,
}

impl Rest {
    fn left(&self) -> MutexGuard<'_, Option<Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a body of so many bytes at most, to be read until then.
    pub(super) fn leave(&self, body: Incoming, bytes_max: usize, until: Instant) {
        *self.left() = Some(Left { body, timer: Box::pin(sleep_until(until)), bytes_max });
        self.is_left.store(true, Relaxed);
    }

    /// Ready when a body that was left has been read or given up; never without one.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_left.load(Relaxed) {
            return Poll::Pending;
        }
        let mut place = self.left();
        let Some(left) = place.as_mut() else { return Poll::Pending };
        if left.timer.as_mut().poll(cx).is_pending() {
            ready!(left.poll_body(cx));
        }
        *place = None;
        self.is_left.store(false, Relaxed);
        Poll::Ready(())
    }
}

impl Left {
    /// Ready at the body's end, at an error, and when it is longer than agreed.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(Ok(frame)) = ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            let bytes = frame.data_ref().map_or(0, |data| data.len());
            match self.bytes_max.checked_sub(bytes) {
                Some(bytes_max) => self.bytes_max = bytes_max,
                None => break,
            }
        }
        Poll::Ready(())
    }
}
