//! What came back, and when.

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, StatusCode, header};
use tokio::time::Instant;

use super::RESPONSE_BYTES_MAX;

/// The header in which the ad server says why it does not bid.
pub const NO_BID_HEADER: &str = "x-no-bid";

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers, as received.
    pub headers: HeaderMap,
    /// The body, as received (still compressed, if it is).
    pub body: Bytes,
    /// When the request was handed to the connection.
    pub sent_at: Instant,
    /// When the last byte of the answer had been read.
    pub answered_at: Instant,
}

impl Answer {
    /// Returns the server's reason not to bid, if it gave one.
    pub fn no_bid_reason(&self) -> Option<&str> {
        self.headers.get(NO_BID_HEADER)?.to_str().ok()
    }

    /// Returns the body in plain, inflating gzip.
    ///
    /// # Errors
    ///
    /// [`InflateError`] if the encoding is unknown, damaged, or inflates beyond [`RESPONSE_BYTES_MAX`].
    pub fn plain_body(&self) -> Result<Bytes, InflateError> {
        let Some(encoding) = self.headers.get(header::CONTENT_ENCODING) else {
            return Ok(self.body.clone());
        };
        match encoding.as_bytes() {
            b"identity" => Ok(self.body.clone()),
            b"gzip" | b"x-gzip" => inflate(&self.body),
            other => Err(InflateError::UnknownEncoding(String::from_utf8_lossy(other).into_owned())),
        }
    }
}

/// A body that could not be inflated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InflateError {
    /// A `Content-Encoding` that was never asked for.
    #[error("content-encoding {0} was not asked for")]
    UnknownEncoding(String),
    /// The gzip stream is damaged.
    #[error("gzip stream is damaged: {0}")]
    Damaged(#[source] std::io::Error),
    /// More than [`RESPONSE_BYTES_MAX`] after inflation.
    #[error("body inflates beyond {RESPONSE_BYTES_MAX} bytes")]
    TooLarge,
}

fn inflate(body: &[u8]) -> Result<Bytes, InflateError> {
    let mut plain = Vec::new();
    let limit = RESPONSE_BYTES_MAX as u64 + 1;
    GzDecoder::new(body).take(limit).read_to_end(&mut plain).map_err(InflateError::Damaged)?;
    if plain.len() > RESPONSE_BYTES_MAX {
        return Err(InflateError::TooLarge);
    }
    Ok(plain.into())
}
