//! The cheapest HTTP/1.1 client that is still honest: for benches, where the client must not be what is measured.
//!
//! Promises: one `write` of prepared bytes, as few `read`s as the answer needs, no allocation per request. Reads only
//! answers with a `Content-Length` or without a body (204); anything else is reported as unusable, never guessed at.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{ConnectError, RESPONSE_BYTES_MAX, SendError};

/// Largest answer head that is read, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Size of the first read, in bytes: one answer with a bid fits.
const READ_BYTES: usize = 16 * 1024;

/// A keep-alive connection for prepared bytes.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What the bench needs to know of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The length of the body in bytes.
    pub body_len: usize,
}

impl Wire {
    /// Connects, with `TCP_NODELAY`.
    ///
    /// # Errors
    ///
    /// [`ConnectError`], as [`Connection::connect`](super::Connection::connect).
    pub async fn connect(address: SocketAddr, within: Duration) -> Result<Self, ConnectError> {
        let stream = timeout(within, TcpStream::connect(address)).await.map_err(|_| ConnectError::TimedOut)??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; READ_BYTES] })
    }

    /// Sends prepared bytes (one whole request) and reads one whole answer.
    ///
    /// There is no time-out here: wrap the loop that calls it.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the connection is of no further use after it.
    pub async fn send(&mut self, request: &[u8]) -> Result<WireAnswer, SendError> {
        self.stream.write_all(request).await.map_err(|error| self.closed(&error))?;
        let mut filled = 0;
        let (head_len, head) = loop {
            filled += self.read_more(filled).await?;
            if let Some(found) = find_head(&self.buffer[..filled])? {
                break found;
            }
            if filled >= HEAD_BYTES_MAX {
                return Err(SendError::Unusable(format!("head is larger than {HEAD_BYTES_MAX} bytes")));
            }
        };
        let total = head_len + head.body_len;
        while filled < total {
            filled += self.read_more(filled).await?;
        }
        if filled > total {
            return Err(SendError::Unusable(format!("{} bytes after the end of the answer", filled - total)));
        }
        Ok(head)
    }

    async fn read_more(&mut self, filled: usize) -> Result<usize, SendError> {
        if filled == self.buffer.len() {
            self.buffer.resize((filled * 2).min(HEAD_BYTES_MAX + RESPONSE_BYTES_MAX + 1), 0);
        }
        match self.stream.read(&mut self.buffer[filled..]).await {
            Ok(0) => Err(SendError::ClosedInFlight),
            Ok(read) => Ok(read),
            Err(error) => Err(self.closed(&error)),
        }
    }

    fn closed(&self, error: &io::Error) -> SendError {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                SendError::ClosedInFlight
            }
            _ => SendError::Unusable(error.to_string()),
        }
    }
}

/// Returns the length of the head and what it says, or `None` while it is incomplete.
fn find_head(bytes: &[u8]) -> Result<Option<(usize, WireAnswer)>, SendError> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = &bytes[..end];
    let unusable = |what: &str| SendError::Unusable(format!("{what} in {:?}", String::from_utf8_lossy(head)));
    let status = head
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse::<u16>().ok())
        .ok_or_else(|| unusable("no status"))?;
    let mut body_len = None;
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let parsed = std::str::from_utf8(value).ok().and_then(|text| text.parse::<usize>().ok());
            body_len = Some(parsed.ok_or_else(|| unusable("bad content-length"))?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Err(unusable("transfer-encoding"));
        }
    }
    let body_len = match (status, body_len) {
        (204 | 304, _) => 0,
        (_, Some(len)) if len <= RESPONSE_BYTES_MAX => len,
        (_, Some(_)) => return Err(unusable("oversized content-length")),
        (_, None) => return Err(unusable("no content-length")),
    };
    Ok(Some((end + 4, WireAnswer { status, body_len })))
}
