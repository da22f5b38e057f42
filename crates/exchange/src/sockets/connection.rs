//! One connection: frames requests, asks the handler within the deadline, sends exactly one answer to each.
//!
//! It never closes a keep-alive connection because of what the handler did or failed to do.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::body::{self, BodyError};
use super::handler::{Answer, Framed, Handler, Outcome};
use super::idle::IdleTimer;
use super::limits::{Deadlines, Limits, TIME_LEFT_MIN, TIMER_SLACK};
use super::reply::{self, Reply};
use super::rest::Rest;
use super::seat::Seat;
use super::timed_stream::TimedStream;
use super::tracker::ConnectionGuard;
use super::within::within;
use crate::reason::unserved;

/// What all connections of one listener share.
#[derive(Debug)]
pub(super) struct Shared<H> {
    pub(super) handler: Arc<H>,
    pub(super) bid_path: Arc<str>,
    pub(super) ready_path: Option<Arc<str>>,
    pub(super) limits: Limits,
    pub(super) deadlines: Deadlines,
}

/// What the driver of one connection and the service of its requests share.
struct Line<H> {
    shared: Arc<Shared<H>>,
    seat: Arc<Seat>,
    rest: Rest,
}

/// Why a connection's driver stops driving it.
enum Stop {
    /// The connection has ended.
    Ended(hyper::Result<()>),
    Idle,
    Order,
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
    let mut idle = IdleTimer::new(Arc::clone(&seat), limits.idle_timeout);
    let line = Arc::new(Line { shared: Arc::clone(&shared), seat, rest: Rest::default() });
    let service = service_fn(|request| respond(Arc::clone(&line), request));
    let mut connection = pin!(
        http1::Builder::new()
            // A slow head is the stream's to end, and a quiet connection the idle timer's: hyper would set a timer each time.
            .header_read_timeout(None::<Duration>)
            // hyper would look for the client's end behind every request, with a new buffer as long as the body is held. It is
            // looked for where an answer must be waited for.
            .half_close(true)
            .max_buf_size(limits.head_bytes_max.max(8 * 1024))
            .writev(true)
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut finishing = false;
    let ended = loop {
        let drive =
            |cx: &mut Context<'_>| drive(connection.as_mut(), &line, &mut idle, &mut entry.guard, finishing, cx);
        match poll_fn(drive).await {
            Stop::Ended(ended) => break ended,
            Stop::Idle => {
                shared.handler.connection_event("idle");
                return;
            }
            Stop::Order if finishing => {
                shared.handler.connection_event("cut");
                return;
            }
            Stop::Order => {
                finishing = true;
                // A request that has arrived and was not read yet is in flight too: let the driver deliver it first.
                tokio::task::yield_now().await;
                if let Poll::Ready(ended) = poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx))).await {
                    break ended;
                }
                connection.as_mut().graceful_shutdown();
            }
        }
    };
    if let Err(error) = ended {
        shared.handler.connection_event(event_of(&error));
    }
}

/// One turn. What only has to be noticed some time is not asked anew each time.
fn drive<H: Handler>(
    mut connection: Pin<&mut impl Future<Output = hyper::Result<()>>>,
    line: &Line<H>,
    idle: &mut IdleTimer,
    guard: &mut ConnectionGuard,
    finishing: bool,
    cx: &mut Context<'_>,
) -> Poll<Stop> {
    loop {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Stop::Ended(ended));
        }
        // After the connection, whose poll is what leaves a rest.
        if line.rest.poll_read(cx).is_pending() {
            break;
        }
        line.seat.request_read();
    }
    if Pin::new(idle).poll(cx).is_ready() {
        return Poll::Ready(Stop::Idle);
    }
    guard.poll_order(finishing, cx).map(|()| Stop::Order)
}

fn event_of(error: &hyper::Error) -> &'static str {
    let io_kind =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    if error.is_parse() {
        "bad_head"
    } else if io_kind == Some(io::ErrorKind::TimedOut) {
        "stalled"
    } else {
        "io"
    }
}

/// What a request is answered; an error ends the connection without an answer: its client has gone.
async fn respond<H: Handler>(
    line: Arc<Line<H>>,
    request: Request<Incoming>,
) -> io::Result<Response<Full<bytes::Bytes>>> {
    let Line { shared, seat, rest } = &*line;
    let (head, mut body) = request.into_parts();
    let framing = body::framing(&head.headers);
    let first_byte = seat.head_parsed(framing.length);
    if is_ready_poll(shared.ready_path.as_deref(), &head.method, head.uri.path()) {
        if body.is_end_stream() {
            seat.request_read();
        } else {
            rest.leave(body, shared.limits.body_bytes_max, shared.deadlines.deadline(first_byte, None));
        }
        seat.answered(Instant::now());
        shared.handler.connection_event("ready_poll");
        return Ok(reply::ready(head.headers));
    }
    let mut unanswered = Unanswered { handler: &*shared.handler, armed: true };
    let routed = route(&shared.bid_path, &head.method, head.uri.path());
    if routed.is_ok()
        && let Err(reason) = shared.handler.admit(first_byte)
    {
        unanswered.armed = false;
        if body.is_end_stream() {
            seat.request_read();
        } else {
            rest.leave(body, shared.limits.body_bytes_max, shared.deadlines.deadline(first_byte, None));
        }
        return Ok(answered(&line, head.headers, Reply::no_bid(reason), first_byte, None));
    }
    let read =
        body::read(framing, &mut body, first_byte, &shared.limits, &shared.deadlines, || seat.request_read()).await;
    let (mut reply, deadline) = match (routed, read) {
        (Err(refused), Ok(_)) => (refused, None),
        (Err(refused), Err(BodyError::LengthRequired)) => {
            seat.request_read();
            (refused, None)
        }
        (Err(refused), Err(_)) => (refused.closing(), None),
        // Answered before it has been read: the rest may come until the deadline of a request that says none.
        (Ok(()), Err(error @ (BodyError::TooSlow | BodyError::InsufficientTime))) => {
            let until = shared.deadlines.deadline(first_byte, None);
            if until.saturating_duration_since(Instant::now()) < TIME_LEFT_MIN {
                (refusal(error).closing(), None)
            } else {
                rest.leave(body, shared.limits.body_bytes_max, until);
                (refusal(error), None)
            }
        }
        (Ok(()), Err(error)) => {
            if error == BodyError::LengthRequired {
                seat.request_read();
            }
            (refusal(error), None)
        }
        (Ok(()), Ok((body, deadline))) => (ask(&line, Framed { body, first_byte, deadline }).await?, Some(deadline)),
    };
    unanswered.armed = false;
    let now = Instant::now();
    if reply.status == StatusCode::OK && deadline.is_some_and(|deadline| now > deadline) {
        // The runtime stood still meanwhile: a bid would be worth nothing now.
        reply = Reply::no_bid(unserved::DEADLINE);
    }
    Ok(answered(&line, head.headers, reply, first_byte, deadline))
}

/// Counts an answer and hands it over.
fn answered<H: Handler>(
    line: &Line<H>,
    headers: http::HeaderMap,
    reply: Reply,
    first_byte: Instant,
    deadline: Option<Instant>,
) -> Response<Full<bytes::Bytes>> {
    let Line { shared, seat, .. } = line;
    let now = Instant::now();
    seat.answered(now);
    shared.handler.record(Outcome {
        status: reply.status.as_u16(),
        reason: reply.reason,
        elapsed: now.saturating_duration_since(first_byte),
        late: deadline.is_some_and(|deadline| was_possible(first_byte, deadline) && now > deadline),
    });
    reply.into_response(headers, shared.limits.gzip_bytes_min)
}

/// Some exchanges send a `tmax` that nobody can keep.
fn was_possible(first_byte: Instant, deadline: Instant) -> bool {
    deadline.saturating_duration_since(first_byte) >= TIME_LEFT_MIN
}

/// It is no bid request, and so in no count of them: nobody promises it anything.
fn is_ready_poll(ready_path: Option<&str>, method: &Method, path: &str) -> bool {
    *method == Method::GET && ready_path == Some(path)
}

fn route(bid_path: &str, method: &Method, path: &str) -> Result<(), Reply> {
    if path != bid_path {
        return Err(Reply::refused(StatusCode::NOT_FOUND, "unknown_path"));
    }
    if method != Method::POST {
        return Err(Reply::refused(StatusCode::METHOD_NOT_ALLOWED, "method"));
    }
    Ok(())
}

fn refusal(error: BodyError) -> Reply {
    match error {
        BodyError::LengthRequired => Reply::refused(StatusCode::LENGTH_REQUIRED, "length_required"),
        BodyError::TooLarge => Reply::refused(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large").closing(),
        BodyError::InflatesTooLarge => Reply::refused(StatusCode::PAYLOAD_TOO_LARGE, "inflates_too_large"),
        BodyError::UnknownEncoding => Reply::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_encoding"),
        BodyError::BadGzip => Reply::refused(StatusCode::BAD_REQUEST, "bad_gzip"),
        BodyError::BadFraming => Reply::refused(StatusCode::BAD_REQUEST, "bad_framing").closing(),
        BodyError::TooSlow => Reply::no_bid("slow_body"),
        BodyError::InsufficientTime => Reply::no_bid(unserved::INSUFFICIENT_TIME),
    }
}

/// Asks the handler and keeps the deadline, whatever it does. Where it must be waited for, the client may go away meanwhile.
async fn ask<H: Handler>(line: &Line<H>, request: Framed) -> io::Result<Reply> {
    let deadline = request.deadline;
    if deadline.saturating_duration_since(Instant::now()) < TIME_LEFT_MIN {
        return Ok(Reply::no_bid(unserved::INSUFFICIENT_TIME));
    }
    let mut answering = pin!(line.shared.handler.answer(request));
    let at_once = poll_fn(|cx| Poll::Ready(answering.as_mut().poll(cx))).await;
    let answer = match at_once {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => Box::pin(wait(&line.seat, deadline, answering)).await?,
    };
    Ok(match answer {
        None => Reply::no_bid(unserved::DEADLINE),
        Some(Answer::Content(body)) => Reply::content(body),
        Some(Answer::NoBid(reason)) => Reply::no_bid(reason),
        Some(Answer::Malformed(reason)) => Reply::refused(StatusCode::BAD_REQUEST, reason),
    })
}

/// Waits for an answer until the deadline; an error if the client goes away before.
async fn wait(
    seat: &Seat,
    deadline: Instant,
    answering: Pin<&mut impl Future<Output = Answer>>,
) -> io::Result<Option<Answer>> {
    tokio::select! {
        biased;
        answer = within(deadline - TIMER_SLACK, answering) => Ok(answer),
        () = seat.client_gone() => {
            Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client has gone before its answer"))
        }
    }
}

/// Says that a client went away before its answer, if it does.
struct Unanswered<'a, H: Handler> {
    handler: &'a H,
    armed: bool,
}

impl<H: Handler> Drop for Unanswered<'_, H> {
    fn drop(&mut self) {
        if self.armed {
            self.handler.connection_event("client_gone");
        }
    }
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

/// Between a request's deadline and the answer there must be room for the timer's slack.
const _: () = assert!(TIMER_SLACK.as_nanos() < TIME_LEFT_MIN.as_nanos());
const _: () = assert!(Duration::from_millis(1).as_nanos() <= TIMER_SLACK.as_nanos());
