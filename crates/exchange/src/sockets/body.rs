//! Reads a request's body within its limits: bytes on the wire, bytes after inflation, time.
//!
//! It never holds more than the limits say, whatever the client claims, and inflates nothing past its limit.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
}

/// A length as the head gives it: absent for chunks.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(TRANSFER_ENCODING) {
        return None;
    }
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// The whole body, inflated, and the deadline that its `tmax` makes.
///
/// `read_to_end` is called once nothing of the body is left on the connection, whatever comes of it afterwards. After an error
/// there may be a rest.
pub(super) async fn read(
    headers: &HeaderMap,
    body: &mut Incoming,
    first_byte: Instant,
    limits: &Limits,
    deadlines: &Deadlines,
    read_to_end: impl FnOnce(),
) -> Result<(Bytes, Instant), BodyError> {
    if !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING) {
        return Err(BodyError::LengthRequired);
    }
    if content_length(headers).is_some_and(|length| length > limits.body_bytes_max as u64) {
        return Err(BodyError::TooLarge);
    }
    let encoding = encoding(headers);
    let raw = collect(body, encoding, first_byte, limits, deadlines).await?;
    read_to_end();
    let bytes = match encoding.ok_or(BodyError::UnknownEncoding)? {
        Encoding::Identity => raw,
        Encoding::Gzip => inflate(raw, limits.inflated_bytes_max)?,
    };
    let deadline = deadlines.deadline(first_byte, openrtb::tmax_of(&bytes));
    Ok((bytes, deadline))
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let Some(value) = headers.get(CONTENT_ENCODING) else {
        return Some(Encoding::Identity);
    };
    let value = value.to_str().ok()?.trim();
    if value.is_empty() || value.eq_ignore_ascii_case("identity") {
        Some(Encoding::Identity)
    } else if value.eq_ignore_ascii_case("gzip") || value.eq_ignore_ascii_case("x-gzip") {
        Some(Encoding::Gzip)
    } else {
        None
    }
}

/// Collects the frames. A body in one frame is not copied.
///
/// A slow body is dated by the `tmax` found in what has arrived of it; it is looked for when the part has doubled, so that a
/// body in many small pieces is scanned a bounded number of times.
async fn collect(
    body: &mut Incoming,
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
    while !body.is_end_stream() {
        let frame = match within(deadline - TIMER_SLACK, body.frame()).await {
            None => return Err(BodyError::TooSlow),
            Some(None) => break,
            Some(Some(Err(_))) => return Err(BodyError::BadFraming),
            Some(Some(Ok(frame))) => frame,
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
                    return Err(BodyError::InsufficientTime);
                }
            }
        }
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}
