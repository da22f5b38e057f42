//! A seat's stream as hyper uses it, which gives up on a client that stalls.
//!
//! hyper's own header time-out also runs while a keep-alive connection is idle, so it cannot tell a slow head from a quiet
//! exchange: this one starts with the first byte. It never delays a byte.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::seat::{NothingYet, Seat};

pub(super) struct TimedStream {
    seat: Arc<Seat>,
    /// What was read already and is to be read again.
    early: Bytes,
    head_timeout: Duration,
    write_timeout: Duration,
    head_timer: Option<Pin<Box<Sleep>>>,
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl TimedStream {
    pub(super) fn new(seat: Arc<Seat>, head_timeout: Duration, write_timeout: Duration) -> Self {
        Self { seat, early: Bytes::new(), head_timeout, write_timeout, head_timer: None, write_timer: None }
    }

    /// The same stream, of which these bytes are read before all others; the clock knows of them.
    pub(super) fn after(self, early: Bytes) -> Self {
        debug_assert!(self.early.is_empty(), "what was given back is read before more is given back");
        Self { early, ..self }
    }

    /// Called when a read found nothing: an unfinished head is on the clock.
    fn poll_head_timer(&mut self, started: Option<Instant>, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(started) = started else {
            self.head_timer = None;
            return Poll::Pending;
        };
        let at = started + self.head_timeout;
        let timer = self.head_timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "request head took too long"))
    }

    fn after_write<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.write_timer = None;
            return polled;
        }
        let timeout = self.write_timeout;
        let timer =
            self.write_timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + timeout)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "client does not read its answers")))
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let bytes = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early.split_to(bytes));
            return Poll::Ready(Ok(()));
        }
        match self.seat.poll_read(cx, buf) {
            Ok(polled) => polled,
            Err(NothingYet { head_in_progress }) => self.poll_head_timer(head_in_progress, cx).map(Err),
        }
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = self.seat.poll_write(cx, &[IoSlice::new(buf)]);
        self.after_write(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = self.seat.poll_write(cx, bufs);
        self.after_write(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A socket holds nothing back.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.seat.poll_shutdown(cx);
        self.after_write(polled, cx)
    }
}
