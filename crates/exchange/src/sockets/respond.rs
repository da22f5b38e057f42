//! The lane of what is unusual: hyper frames the request, this answers it.

use std::io;
use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use tokio::time::Instant;

use super::answer::{Unanswered, ask, count, in_time, refusal};
use super::body::{self, BodyError};
use super::connection::Line;
use super::handler::{Framed, Handler};
use super::limits::TIME_LEFT_MIN;
use super::reply::{self, Reply};

/// What a request is answered; an error ends the connection without an answer: its client has gone.
pub(super) async fn respond<H: Handler>(
    line: Arc<Line<H>>,
    request: Request<Incoming>,
) -> io::Result<Response<Full<bytes::Bytes>>> {
    let Line { shared, seat, rest, .. } = &*line;
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
    let unanswered = Unanswered::new(&*shared.handler);
    let routed = route(&shared.bid_path, &head.method, head.uri.path());
    let answered = |reply: Reply, deadline| {
        let now = Instant::now();
        let reply = in_time(reply, deadline, now);
        count(&line, &reply, first_byte, deadline, now);
        reply.into_response(head.headers, shared.limits.gzip_bytes_min)
    };
    if routed.is_ok()
        && let Err(reason) = line.admit(first_byte)
    {
        unanswered.answered();
        if body.is_end_stream() {
            seat.request_read();
        } else {
            rest.leave(body, shared.limits.body_bytes_max, shared.deadlines.deadline(first_byte, None));
        }
        return Ok(answered(Reply::no_bid(reason), None));
    }
    let read =
        body::read(framing, &mut body, first_byte, &shared.limits, &shared.deadlines, || seat.request_read()).await;
    let (reply, deadline) = match (routed, read) {
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
        (Ok(()), Ok((body, deadline))) => {
            let framed = Framed { body, first_byte, deadline };
            (ask(&line, framed, Instant::now()).await?, Some(deadline))
        }
    };
    unanswered.answered();
    Ok(answered(reply, deadline))
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
