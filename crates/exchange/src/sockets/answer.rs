//! What both lanes do with a request that has been framed: ask the handler within the deadline, and count the answer.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use http::StatusCode;
use tokio::time::Instant;

use super::body::BodyError;
use super::connection::Line;
use super::handler::{Answer, Framed, Handler, Outcome};
use super::limits::{TIME_LEFT_MIN, TIMER_SLACK};
use super::reply::Reply;
use super::seat::Seat;
use super::within::within;
use crate::reason::unserved;

pub(super) fn refusal(error: BodyError) -> Reply {
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

/// Asks the handler, at that instant, and keeps the deadline, whatever it does. Where it must be waited for, the client may go away meanwhile.
pub(super) async fn ask<H: Handler>(line: &Line<H>, request: Framed, now: Instant) -> io::Result<Reply> {
    let deadline = request.deadline;
    if deadline.saturating_duration_since(now) < TIME_LEFT_MIN {
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
pub(super) struct Unanswered<'a, H: Handler> {
    handler: &'a H,
    armed: bool,
}

impl<'a, H: Handler> Unanswered<'a, H> {
    pub(super) fn new(handler: &'a H) -> Self {
        Self { handler, armed: true }
    }

    /// There is an answer.
    pub(super) fn answered(mut self) {
        self.armed = false;
    }
}

impl<H: Handler> Drop for Unanswered<'_, H> {
    fn drop(&mut self) {
        if self.armed {
            self.handler.connection_event("client_gone");
        }
    }
}

/// The answer, unless it is a bid that comes too late: the runtime stood still meanwhile, and it would be worth nothing now.
pub(super) fn in_time(reply: Reply, deadline: Option<Instant>, now: Instant) -> Reply {
    if reply.status == StatusCode::OK && deadline.is_some_and(|deadline| now > deadline) {
        return Reply::no_bid(unserved::DEADLINE);
    }
    reply
}

/// Counts an answer that is handed over now.
pub(super) fn count<H: Handler>(
    line: &Line<H>,
    reply: &Reply,
    first_byte: Instant,
    deadline: Option<Instant>,
    now: Instant,
) {
    line.seat.answered(now);
    line.shared.handler.record(Outcome {
        status: reply.status.as_u16(),
        reason: reply.reason,
        elapsed: now.saturating_duration_since(first_byte),
        late: deadline.is_some_and(|deadline| was_possible(first_byte, deadline) && now > deadline),
    });
}

/// Some exchanges send a `tmax` that nobody can keep.
fn was_possible(first_byte: Instant, deadline: Instant) -> bool {
    deadline.saturating_duration_since(first_byte) >= TIME_LEFT_MIN
}

/// Between a request's deadline and the answer there must be room for the timer's slack.
const _: () = assert!(TIMER_SLACK.as_nanos() < TIME_LEFT_MIN.as_nanos());
const _: () = assert!(std::time::Duration::from_millis(1).as_nanos() <= TIMER_SLACK.as_nanos());
