//! Where a connection's stream is kept, so that it can be taken from a thread that does not come back.
//!
//! The connection's task uses the stream through its seat, one call of the system at a time. Whoever takes it gets all of it:
//! from then on the task finds nothing there and ends, if it ever runs again. What it had read and not answered is lost.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::head_clock::HeadClock;

/// One connection's.
#[derive(Debug)]
pub(super) struct Seat<S> {
    held: Mutex<Held<S>>,
    clock: HeadClock,
}

#[derive(Debug)]
struct Held<S> {
    stream: Option<S>,
    /// Something was read since the last write that went out whole.
    owes: bool,
}

/// What was taken from a seat.
#[derive(Debug)]
pub(super) enum Taken {
    /// Nothing was in hand: whoever has the stream can go on.
    Quiet(std::net::TcpStream),
    /// A request was in hand. The connection is closed.
    Cut,
    /// Nothing: it had ended.
    Nothing,
}

impl<S> Seat<S> {
    pub(super) fn new(stream: S, clock: HeadClock) -> Self {
        Self { held: Mutex::new(Held { stream: Some(stream), owes: false }), clock }
    }

    pub(super) fn clock(&self) -> &HeadClock {
        &self.clock
    }

    fn held(&self) -> MutexGuard<'_, Held<S>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A seat of which the stream can be taken.
pub(super) trait Takes: Send + Sync {
    fn take(&self) -> Taken;
}

impl Takes for Seat<TcpStream> {
    fn take(&self) -> Taken {
        let (stream, owes) = {
            let mut held = self.held();
            (held.stream.take(), held.owes)
        };
        let Some(stream) = stream else { return Taken::Nothing };
        if owes || self.clock.quiet_since().is_none() {
            return Taken::Cut;
        }
        stream.into_std().map_or(Taken::Cut, Taken::Quiet)
    }
}

/// The task's side of a seat.
#[derive(Debug)]
pub(super) struct Seated<S>(pub(super) Arc<Seat<S>>);

impl<S: Unpin> Seated<S> {
    fn with<T>(&self, poll: impl FnOnce(Pin<&mut S>, &mut bool) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let mut held = self.0.held();
        let Held { stream, owes } = &mut *held;
        match stream {
            Some(stream) => poll(Pin::new(stream), owes),
            None => Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was taken over"))),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Seated<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        self.with(|stream, owes| {
            let polled = stream.poll_read(cx, buf);
            *owes |= buf.filled().len() > before;
            polled
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Seated<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream, owes| {
            let polled = stream.poll_write(cx, buf);
            *owes = !matches!(polled, Poll::Ready(Ok(written)) if written == buf.len());
            polled
        })
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream, owes| {
            let polled = stream.poll_write_vectored(cx, bufs);
            let whole: usize = bufs.iter().map(|buf| buf.len()).sum();
            *owes = !matches!(polled, Poll::Ready(Ok(written)) if written == whole);
            polled
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.0.held().stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream, _| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream, _| stream.poll_shutdown(cx))
    }
}
