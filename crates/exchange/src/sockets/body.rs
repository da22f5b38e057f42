//! Reads a request's body within its limits: bytes on the wire, bytes after inflation, time.
//!
//! It never holds more than the limits say, whatever the client claims, and inflates nothing past its limit.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use tokio::time::Instant;

use super::inflate::inflate;
use super::limits::{Deadlines, Limits, TIME_LEFT_MIN, TIMER_SLACK};
use super::within::within;

/// Why a body could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// Neither a length nor chunks.
    LengthRequired,
    /// Longer than allowed on the wire. What is left of it is not read.
    TooLarge,
    /// Longer than allowed after inflation.
    InflatesTooLarge,
    /// An encoding that we do not read.
    UnknownEncoding,
    /// Not the gzip that it claims to be.
    BadGzip,
    /// Chunks that are none, or a client that went away.
    BadFraming,
    /// Did not arrive before the deadline.
    TooSlow,
    /// Its beginning says that the deadline is too near to wait for the rest.
    InsufficientTime,
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
}

/// What a head says about its body.
#[derive(Clone, Copy)]
pub(super) struct Framing {
    /// Its length; absent for chunks, and where nothing says it.
    pub(super) length: Option<u64>,
    /// Whether there is a length or chunks.
    is_framed: bool,
    /// Absent for one that we do not read.
    encoding: Option<Encoding>,
}

/// Reads it off the head.
pub(super) fn framing(headers: &HeaderMap) -> Framing {
    let length = headers.get(CONTENT_LENGTH);
    let is_chunked = headers.contains_key(TRANSFER_ENCODING);
    Framing {
        length: length.filter(|_| !is_chunked).and_then(|value| value.to_str().ok()?.trim().parse().ok()),
        is_framed: length.is_some() || is_chunked,
        encoding: encoding(headers),
    }
}

/// The whole body, inflated, and the deadline that its `tmax` makes.
///
/// `read_to_end` is called once nothing of the body is left on the connection, whatever comes of it afterwards. After an error
/// there may be a rest.
pub(super) async fn read(
    framing: Framing,
    body: &mut Incoming,
    first_byte: Instant,
    limits: &Limits,
    deadlines: &Deadlines,
    read_to_end: impl FnOnce(),
) -> Result<(Bytes, Instant), BodyError> {
    let Framing { length, is_framed, encoding } = framing;
    if !is_framed {
        return Err(BodyError::LengthRequired);
    }
    if length.is_some_and(|length| length > limits.body_bytes_max as u64) {
        return Err(BodyError::TooLarge);
    }
    let raw = match come(body, limits).await {
        Come::Whole(raw) => raw,
        Come::Part(part) => Box::pin(collect(body, part, encoding, first_byte, limits, deadlines)).await?,
    };
    read_to_end();
    whole(raw, encoding.ok_or(BodyError::UnknownEncoding)?, first_byte, limits, deadlines)
}

/// A body that has come, inflated, and the deadline that its `tmax` makes.
pub(super) fn whole(
    raw: Bytes,
    encoding: Encoding,
    first_byte: Instant,
    limits: &Limits,
    deadlines: &Deadlines,
) -> Result<(Bytes, Instant), BodyError> {
    let bytes = match encoding {
        Encoding::Identity => raw,
        Encoding::Gzip => inflate(&raw, limits.inflated_bytes_max)?,
    };
    let deadline = deadlines.deadline(first_byte, openrtb::tmax_of(&bytes));
    Ok((bytes, deadline))
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    headers.get(CONTENT_ENCODING).map_or(Some(Encoding::Identity), |value| encoding_of(value.as_bytes()))
}

/// What a value of `Content-Encoding` means.
pub(super) fn encoding_of(value: &[u8]) -> Option<Encoding> {
    let value = value.trim_ascii();
    if value.is_empty() || value.eq_ignore_ascii_case(b"identity") {
        Some(Encoding::Identity)
    } else if value.eq_ignore_ascii_case(b"gzip") || value.eq_ignore_ascii_case(b"x-gzip") {
        Some(Encoding::Gzip)
    } else {
        None
    }
}

/// What a body's next frame is; `None` at its end.
type NextFrame = Option<Result<Frame<Bytes>, hyper::Error>>;

/// What has come of a body by the time that its head is handed over.
enum Come {
    /// All of it, in one frame, which is not copied.
    Whole(Bytes),
    /// Nothing, or what came first.
    Part(Poll<NextFrame>),
}

async fn come(body: &mut Incoming, limits: &Limits) -> Come {
    if body.is_end_stream() {
        return Come::Whole(Bytes::new());
    }
    match poll_fn(|cx| Poll::Ready(Pin::new(&mut *body).poll_frame(cx))).await {
        Poll::Ready(Some(Ok(frame))) if body.is_end_stream() => match frame.into_data() {
            Ok(data) if data.len() <= limits.body_bytes_max => Come::Whole(data),
            Ok(data) => Come::Part(Poll::Ready(Some(Ok(Frame::data(data))))),
            Err(frame) => Come::Part(Poll::Ready(Some(Ok(frame)))),
        },
        part => Come::Part(part),
    }
}

/// Collects the frames.
///
/// A slow body is dated by the `tmax` found in what has arrived of it; it is looked for when the part has doubled, so that a
/// body in many small pieces is scanned a bounded number of times.
async fn collect(
    body: &mut Incoming,
    part: Poll<NextFrame>,
    encoding: Option<Encoding>,
    first_byte: Instant,
    limits: &Limits,
    deadlines: &Deadlines,
) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::new();
    let mut first: Option<Bytes> = None;
    let mut deadline = deadlines.deadline(first_byte, None);
    let mut tmax_known = false;
    let mut next_peek = 0;
    let mut part = Some(part);
    loop {
        let next = match part.take() {
            Some(Poll::Ready(next)) => next,
            _ if body.is_end_stream() => break,
            _ => within(deadline - TIMER_SLACK, pin!(body.frame())).await.ok_or(BodyError::TooSlow)?,
        };
        let frame = match next {
            None => break,
            Some(Err(_)) => return Err(BodyError::BadFraming),
            Some(Ok(frame)) => frame,
        };
        let Ok(data) = frame.into_data() else {
            continue; // trailers
        };
        let have = first.as_ref().map_or(whole.len(), Bytes::len);
        if have + data.len() > limits.body_bytes_max {
            return Err(BodyError::TooLarge);
        }
        if have == 0 {
            first = Some(data);
        } else {
            if let Some(first) = first.take() {
                whole.reserve(have + data.len());
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&data);
        }
        let part = first.as_deref().unwrap_or(&whole);
        if encoding == Some(Encoding::Identity) && !tmax_known && !body.is_end_stream() && part.len() >= next_peek {
            next_peek = part.len() * 2;
            if let Some(tmax_ms) = openrtb::peek_tmax(part) {
                tmax_known = true;
                deadline = deadlines.deadline(first_byte, Some(tmax_ms));
                if deadline.saturating_duration_since(Instant::now()) < TIME_LEFT_MIN {
                    // There was time, and the client has used it.
                    let was_time = deadline.saturating_duration_since(first_byte) >= TIME_LEFT_MIN;
                    return Err(if was_time { BodyError::TooSlow } else { BodyError::InsufficientTime });
                }
            }
        }
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}
