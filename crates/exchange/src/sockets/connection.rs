//! One connection: frames requests, asks the handler within the deadline, sends exactly one answer to each.
//!
//! It never closes a keep-alive connection because of what the handler did or failed to do.
//!
//! Two lanes lead from bytes to a request and back. What nearly all exchanges send, the [usual lane](super::usual) frames; at
//! the first byte that it does not expect the connection goes over to hyper, which takes all of HTTP/1 and knows what is wrong
//! with the rest, and stays there.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::handler::Handler;
use super::idle::IdleTimer;
use super::limits::{Deadlines, Limits};
use super::respond::respond;
use super::rest::Rest;
use super::seat::Seat;
use super::timed_stream::TimedStream;
use super::tracker::ConnectionGuard;
use super::usual::{self, Left};

/// What all connections of one listener share.
#[derive(Debug)]
pub(super) struct Shared<H> {
    pub(super) handler: Arc<H>,
    pub(super) bid_path: Arc<str>,
    pub(super) ready_path: Option<Arc<str>>,
    pub(super) limits: Limits,
    pub(super) deadlines: Deadlines,
}

/// What the driver of one connection and its lanes share.
pub(super) struct Line<H> {
    pub(super) shared: Arc<Shared<H>>,
    pub(super) seat: Arc<Seat>,
    pub(super) rest: Rest,
    is_finishing: AtomicBool,
    /// Of the request whose head has come, if it was asked for before the body.
    verdict: Mutex<Option<Verdict>>,
}

/// Whether a request is read on, or why not.
type Verdict = Result<(), &'static str>;

impl<H: Handler> Line<H> {
    /// Whether the request is let in; the handler is asked once, whichever lane asks.
    pub(super) fn admit(&self, first_byte: Instant) -> Verdict {
        let verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner).take();
        verdict.unwrap_or_else(|| self.shared.handler.admit(first_byte))
    }

    /// The same before its body has come: whoever asks again for this request gets the same answer.
    pub(super) fn admit_head(&self, first_byte: Instant) -> Verdict {
        let verdict = self.shared.handler.admit(first_byte);
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        verdict
    }
}

impl<H> Line<H> {
    /// Whether the connection is to end with the next answer, or at once if nothing has come.
    pub(super) fn is_finishing(&self) -> bool {
        self.is_finishing.load(Relaxed)
    }
}

/// Serves one connection until it ends, by whichever side.
pub(super) async fn serve<H: Handler>(
    shared: Arc<Shared<H>>,
    seat: Arc<Seat>,
    guard: ConnectionGuard,
    how: &'static str,
) {
    let mut entry = ConnectionEvents::opened(Arc::clone(&shared.handler), guard, how);
    let limits = &shared.limits;
    let stream = TimedStream::new(Arc::clone(&seat), limits.head_timeout, limits.write_timeout);
    let idle = IdleTimer::new(Arc::clone(&seat), limits.idle_timeout);
    let line = Arc::new(Line {
        shared: Arc::clone(&shared),
        seat,
        rest: Rest::default(),
        is_finishing: AtomicBool::new(false),
        verdict: Mutex::default(),
    });
    let mut driver = Driver { line: &line, idle, guard: &mut entry.guard };
    let event = match driver.drive(pin!(usual::serve(&line, stream)), |_| {}).await {
        Ok(Left::Ended(Ok(()))) => None,
        Ok(Left::Ended(Err(error))) => Some(event_of_io(error.kind())),
        Ok(Left::Unusual(stream)) => Box::pin(unusual(&mut driver, stream)).await,
        Err(event) => Some(event),
    };
    if let Some(event) = event {
        shared.handler.connection_event(event);
    }
}

/// hyper's lane, to the end of the connection; returns what is to be told of that.
async fn unusual<H: Handler>(driver: &mut Driver<'_, H>, stream: TimedStream) -> Option<&'static str> {
    let line = driver.line;
    let service = service_fn(|request| respond(Arc::clone(line), request));
    let connection = pin!(
        http1::Builder::new()
            // A slow head is the stream's to end, and a quiet connection the idle timer's: hyper would set a timer each time.
            .header_read_timeout(None::<Duration>)
            // hyper would look for the client's end behind every request, with a new buffer as long as the body is held. It is
            // looked for where an answer must be waited for.
            .half_close(true)
            .max_buf_size(line.shared.limits.head_bytes_max.max(8 * 1024))
            .writev(true)
            .serve_connection(TokioIo::new(stream), service)
    );
    match driver.drive(connection, |connection| connection.graceful_shutdown()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(event_of(&error)),
        Err(event) => Some(event),
    }
}

/// Drives a connection on whichever lane.
struct Driver<'a, H> {
    line: &'a Arc<Line<H>>,
    idle: IdleTimer,
    guard: &'a mut ConnectionGuard,
}

/// Why a lane is driven no further.
enum Stop<T> {
    Ended(T),
    Idle,
    Order,
}

impl<H: Handler> Driver<'_, H> {
    /// Drives a lane to its end, or to that of the connection, with what is to be told of it. `finish` tells the lane when the
    /// connection is to end.
    async fn drive<F: Future>(
        &mut self,
        mut lane: Pin<&mut F>,
        finish: impl Fn(Pin<&mut F>),
    ) -> Result<F::Output, &'static str> {
        let mut is_told = false;
        loop {
            if self.line.is_finishing() && !is_told {
                is_told = true;
                // A request that has arrived and was not read yet is in flight too: let the lane deliver it first.
                if let Poll::Ready(ended) = poll_fn(|cx| Poll::Ready(lane.as_mut().poll(cx))).await {
                    return Ok(ended);
                }
                finish(lane.as_mut());
            }
            match poll_fn(|cx| self.turn(lane.as_mut(), cx)).await {
                Stop::Ended(ended) => return Ok(ended),
                Stop::Idle => return Err("idle"),
                Stop::Order if self.line.is_finishing() => return Err("cut"),
                Stop::Order => {
                    tokio::task::yield_now().await;
                    if let Poll::Ready(ended) = poll_fn(|cx| Poll::Ready(lane.as_mut().poll(cx))).await {
                        return Ok(ended);
                    }
                    self.line.is_finishing.store(true, Relaxed);
                }
            }
        }
    }

    /// One turn. What only has to be noticed some time is not asked anew each time.
    fn turn<F: Future>(&mut self, mut lane: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<Stop<F::Output>> {
        loop {
            if let Poll::Ready(ended) = lane.as_mut().poll(cx) {
                return Poll::Ready(Stop::Ended(ended));
            }
            // After the lane, whose poll is what leaves a rest.
            if self.line.rest.poll_read(cx).is_pending() {
                break;
            }
            self.line.seat.request_read();
        }
        if Pin::new(&mut self.idle).poll(cx).is_ready() {
            return Poll::Ready(Stop::Idle);
        }
        self.guard.poll_order(self.line.is_finishing(), cx).map(|()| Stop::Order)
    }
}

fn event_of(error: &hyper::Error) -> &'static str {
    if error.is_parse() {
        return "bad_head";
    }
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    io.map_or("io", |error| event_of_io(error.kind()))
}

fn event_of_io(kind: io::ErrorKind) -> &'static str {
    if kind == io::ErrorKind::TimedOut { "stalled" } else { "io" }
}

/// Says how it was opened, and `closed` or `panicked` however the task ends; nothing if the connection was taken over.
struct ConnectionEvents<H: Handler> {
    handler: Arc<H>,
    guard: ConnectionGuard,
}

impl<H: Handler> ConnectionEvents<H> {
    fn opened(handler: Arc<H>, guard: ConnectionGuard, how: &'static str) -> Self {
        handler.connection_event(how);
        Self { handler, guard }
    }
}

impl<H: Handler> Drop for ConnectionEvents<H> {
    fn drop(&mut self) {
        if !self.guard.leave() {
            return;
        }
        self.handler.connection_event(if std::thread::panicking() { "panicked" } else { "closed" });
    }
}
