//! Where a connection's stream is kept, so that it can be taken from a thread that does not come back.
//!
//! The connection's task uses the stream through its seat, one call of the system at a time. Whoever takes it gets all of it:
//! from then on the task finds nothing there and ends, if it ever runs again. What it had read and not answered is lost.
//!
//! The [head clock](HeadClock) lies there too, under the same lock: every read sets it.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::head_clock::HeadClock;

/// One connection's.
#[derive(Debug)]
pub(super) struct Seat(Mutex<Held>);

#[derive(Debug)]
struct Held {
    stream: Option<TcpStream>,
    /// Something was read since the last write that went out whole.
    owes: bool,
    clock: HeadClock,
    /// Whether hyper frames, and the clock must find out where.
    is_unusual: bool,
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

/// A read that found nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct NothingYet {
    /// Since when a head has been arriving that is not complete.
    pub(super) head_in_progress: Option<Instant>,
}

impl Seat {
    /// A seat for a connection that came now.
    pub(super) fn new(stream: TcpStream, now: Instant) -> Self {
        Self(Mutex::new(Held { stream: Some(stream), owes: false, clock: HeadClock::new(now), is_unusual: false }))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the stream.
    pub(super) fn take(&self) -> Taken {
        let (stream, is_quiet) = {
            let mut held = self.held();
            (held.stream.take(), !held.owes && held.clock.quiet_since().is_some())
        };
        match stream {
            None => Taken::Nothing,
            Some(stream) if is_quiet => stream.into_std().map_or(Taken::Cut, Taken::Quiet),
            Some(_) => Taken::Cut,
        }
    }

    /// See [`HeadClock::head_parsed`].
    pub(super) fn head_parsed(&self, content_length: Option<u64>) -> Instant {
        self.held().clock.head_parsed(content_length)
    }

    /// See [`HeadClock::head_came`].
    pub(super) fn head_came(&self) -> Instant {
        self.held().clock.head_came()
    }

    /// See [`HeadClock::request_came`].
    pub(super) fn request_came(&self, is_more: bool) -> Instant {
        self.held().clock.request_came(is_more)
    }

    /// See [`HeadClock::leave_usual`].
    pub(super) fn leave_usual(&self, bytes: &[u8]) {
        let mut held = self.held();
        held.is_unusual = true;
        held.clock.leave_usual(bytes);
    }

    /// See [`HeadClock::request_read`].
    pub(super) fn request_read(&self) {
        self.held().clock.request_read();
    }

    /// See [`HeadClock::answered`].
    pub(super) fn answered(&self, now: Instant) {
        self.held().clock.answered(now);
    }

    /// See [`HeadClock::quiet_since`].
    pub(super) fn quiet_since(&self) -> Option<Instant> {
        self.held().clock.quiet_since()
    }

    /// Reads, and tells the clock; what it hands back besides says what is on the clock if there was nothing.
    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Result<Poll<io::Result<()>>, NothingYet> {
        let before = buf.filled().len();
        let mut held = self.held();
        let Held { stream, owes, clock, is_unusual } = &mut *held;
        let Some(stream) = stream else { return Ok(Poll::Ready(Err(taken_over()))) };
        match Pin::new(stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                let bytes = &buf.filled()[before..];
                if !bytes.is_empty() {
                    *owes = true;
                    let now = Instant::now();
                    if *is_unusual { clock.read(bytes, now) } else { clock.came(now) }
                }
                Ok(Poll::Ready(Ok(())))
            }
            Poll::Ready(Err(error)) => Ok(Poll::Ready(Err(error))),
            Poll::Pending => Err(NothingYet { head_in_progress: clock.head_in_progress() }),
        }
    }

    /// Writes, all parts at once.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut held = self.held();
        let Held { stream, owes, .. } = &mut *held;
        let Some(stream) = stream else { return Poll::Ready(Err(taken_over())) };
        let polled = match bufs {
            // Sending one part costs the kernel less than gathering a list of one.
            [buf] => Pin::new(stream).poll_write(cx, buf),
            _ => Pin::new(stream).poll_write_vectored(cx, bufs),
        };
        let whole: usize = bufs.iter().map(|buf| buf.len()).sum();
        *owes = !matches!(polled, Poll::Ready(Ok(written)) if written == whole);
        polled
    }

    /// Closes the writing half.
    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.held().stream {
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => Poll::Ready(Err(taken_over())),
        }
    }

    /// Returns when the client has gone; never once it has sent more. Takes nothing of what it sends.
    ///
    /// # Cancel safety
    ///
    /// Safe. The task's reads find what they would have found.
    pub(super) async fn client_gone(&self) {
        let gone = poll_fn(|cx| {
            let mut byte = [0; 1];
            let held = self.held();
            let Some(stream) = &held.stream else { return Poll::Ready(true) };
            let peeked = ready!(stream.poll_peek(cx, &mut ReadBuf::new(&mut byte)));
            Poll::Ready(!peeked.is_ok_and(|bytes| bytes > 0))
        });
        if !gone.await {
            std::future::pending::<()>().await;
        }
    }
}

fn taken_over() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was taken over")
}
