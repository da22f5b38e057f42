//! The lane of what nearly all exchanges send: whole requests with a length, over connections that are kept.
//!
//! Promises the answers of the other lane, byte by byte but for the order of a head's lines. It makes no maps, bodies that are
//! channels, or tasks: a request is read where its bytes lie, and its answer leaves in one piece. At the first byte that is not
//! as usual, or does not come in time, it gives back the stream with all that it has not answered, and ends.
//!
//! Never holds memory for a connection on which nothing is in hand: what is read and what is written lies in one place for each
//! thread.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::answer::{Unanswered, ask, count, in_time, refusal};
use super::body::{self, Encoding};
use super::connection::Line;
use super::handler::{Framed, Handler};
use super::limits::{TIME_LEFT_MIN, TIMER_SLACK};
use super::reply::Reply;
use super::timed_stream::TimedStream;
use super::usual_head::{self, Come, UsualHead};
use super::within::within;

/// Bytes that one read takes at most: several times the longest request that was recorded.
const READ_BYTES: usize = 16 * 1024;

/// More room than this for what is written is not kept.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// A head that comes in more pieces, or is longer, is not usual: each piece is looked at from the beginning.
const PIECES_MAX: u32 = 4;
const HEAD_BYTES_MAX: usize = 8 * 1024;

thread_local! {
    /// Lent out for one read. What is read is taken from it where it lies, and is in its place again when the request is over.
    static READ: Cell<Option<BytesMut>> = const { Cell::new(None) };
    /// Lent out for one answer.
    static WRITTEN: Cell<Option<Vec<u8>>> = const { Cell::new(None) };
}

/// How the lane ends.
pub(super) enum Left {
    /// With the connection.
    Ended(io::Result<()>),
    /// With something that is not usual, at the beginning of the stream.
    Unusual(TimedStream),
}

/// What came.
enum Next {
    Request(UsualHead),
    Unusual,
    /// Nothing more.
    End,
}

/// Serves a connection as long as it is as usual.
pub(super) async fn serve<H: Handler>(line: &Line<H>, mut stream: TimedStream) -> Left {
    // What was read and not answered.
    let mut bytes = BytesMut::new();
    loop {
        match next(line, &mut stream, &mut bytes).await {
            Ok(Next::Request(head)) => match answer(line, &mut stream, &mut bytes, head).await {
                Ok(true) => {}
                Ok(false) => return Left::Ended(stream.shutdown().await),
                Err(error) => return Left::Ended(Err(error)),
            },
            Ok(Next::Unusual) => {
                line.seat.leave_usual(&bytes);
                // In a place of its own: hyper keeps it for longer.
                return Left::Unusual(stream.after(Bytes::copy_from_slice(&bytes)));
            }
            Ok(Next::End) => return Left::Ended(Ok(())),
            Err(error) => return Left::Ended(Err(error)),
        }
    }
}

/// Waits for the next request.
async fn next<H: Handler>(line: &Line<H>, stream: &mut TimedStream, bytes: &mut BytesMut) -> io::Result<Next> {
    let mut pieces = 0;
    loop {
        if !bytes.is_empty() {
            match usual_head::read(bytes, &line.shared.bid_path) {
                Come::Whole(head) if head.body_bytes > line.shared.limits.body_bytes_max => return Ok(Next::Unusual),
                Come::Whole(head) if head.bytes + head.body_bytes <= bytes.len() => return Ok(Next::Request(head)),
                Come::Whole(head) => return rest(line, stream, bytes, head).await,
                Come::Part if pieces < PIECES_MAX && bytes.len() < HEAD_BYTES_MAX => pieces += 1,
                Come::Part | Come::Unusual => return Ok(Next::Unusual),
            }
        }
        if read(line, stream, bytes).await? == 0 {
            return Ok(if bytes.is_empty() { Next::End } else { Next::Unusual });
        }
    }
}

/// Waits for the rest of a body, until it would be too late: what is to be answered then, the other lane knows.
async fn rest<H: Handler>(
    line: &Line<H>,
    stream: &mut TimedStream,
    bytes: &mut BytesMut,
    head: UsualHead,
) -> io::Result<Next> {
    let deadlines = &line.shared.deadlines;
    let first_byte = line.seat.head_came();
    // What is not let in is answered before its body has been read.
    if line.admit_head(first_byte).is_err() {
        return Ok(Next::Unusual);
    }
    let mut deadline = deadlines.deadline(first_byte, None);
    let mut tmax_known = head.encoding != Encoding::Identity;
    let mut next_peek = 0;
    loop {
        let part = &bytes[head.bytes..];
        // When it has doubled, so that a body in many small pieces is scanned a bounded number of times.
        if !tmax_known && next_peek <= part.len() {
            next_peek = part.len() * 2;
            if let Some(tmax_ms) = openrtb::peek_tmax(part) {
                tmax_known = true;
                deadline = deadlines.deadline(first_byte, Some(tmax_ms));
            }
        }
        if deadline.saturating_duration_since(Instant::now()) < TIME_LEFT_MIN {
            return Ok(Next::Unusual);
        }
        let came = within(deadline - TIMER_SLACK, pin!(read(line, stream, bytes))).await;
        match came {
            None | Some(Ok(0)) => return Ok(Next::Unusual),
            Some(Ok(_)) if head.bytes + head.body_bytes <= bytes.len() => return Ok(Next::Request(head)),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error),
        }
    }
}

/// Reads once; zero at the end, and where nothing is in hand of a connection that is to end.
///
/// # Cancel safety
///
/// Safe: what was read is in `bytes`.
async fn read<H: Handler>(line: &Line<H>, stream: &mut TimedStream, bytes: &mut BytesMut) -> io::Result<usize> {
    poll_fn(|cx| {
        if !bytes.is_empty() {
            // The beginning of a request moves to a place of its own with this, and leaves the thread's to others.
            bytes.reserve(READ_BYTES / 4);
            return pin!(stream.read_buf(bytes)).poll(cx);
        }
        if line.is_finishing() {
            return Poll::Ready(Ok(0));
        }
        let mut place = READ.take().unwrap_or_default();
        // All of it, from its beginning, unless somebody still has a request that lies there: then in a new one.
        place.reserve(READ_BYTES);
        let polled = pin!(stream.read_buf(&mut place)).poll(cx);
        *bytes = place.split();
        READ.set(Some(place));
        polled
    })
    .await
}

/// Answers the request that the bytes begin with; `false` if that was the connection's last.
async fn answer<H: Handler>(
    line: &Line<H>,
    stream: &mut TimedStream,
    bytes: &mut BytesMut,
    head: UsualHead,
) -> io::Result<bool> {
    let is_more = head.bytes + head.body_bytes < bytes.len();
    let first_byte = line.seat.request_came(is_more);
    bytes.advance(head.bytes);
    let raw = if is_more { bytes.split_to(head.body_bytes) } else { std::mem::take(bytes) };
    let (reply, deadline) = reply(line, raw.freeze(), head.encoding, first_byte).await?;
    let now = Instant::now();
    let mut reply = in_time(reply, deadline, now);
    count(line, &reply, first_byte, deadline, now);
    reply.close |= line.is_finishing();

    let mut written = WRITTEN.take().unwrap_or_default();
    written.clear();
    reply.write(&mut written, line.shared.limits.gzip_bytes_min, head.takes_gzip, now);
    stream.write_all(&written).await?;
    if written.capacity() <= KEPT_BYTES_MAX {
        WRITTEN.set(Some(written));
    }
    Ok(!reply.close)
}

/// The answer, and the deadline of the request if its body could be read.
async fn reply<H: Handler>(
    line: &Line<H>,
    raw: Bytes,
    encoding: Encoding,
    first_byte: Instant,
) -> io::Result<(Reply, Option<Instant>)> {
    let shared = &*line.shared;
    let unanswered = Unanswered::new(&*shared.handler);
    let replied = match line.admit(first_byte) {
        Err(reason) => (Reply::no_bid(reason), None),
        Ok(()) => match body::whole(raw, encoding, first_byte, &shared.limits, &shared.deadlines) {
            Err(error) => (refusal(error), None),
            Ok((body, deadline)) => {
                let framed = Framed { body, first_byte, deadline };
                (ask(line, framed, Instant::now()).await?, Some(deadline))
            }
        },
    };
    unanswered.answered();
    Ok(replied)
}
