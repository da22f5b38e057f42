//! Why a connect or a request failed, told apart by whose doing it was.

use std::io;

/// A connection that could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody listens there, or the listener's queue turned the connect away.
    #[error("connect refused: is the server running at that address?")]
    Refused,
    /// No connection within the time given.
    #[error("no connection within the time given")]
    TimedOut,
    /// Any other failure of the operating system.
    #[error("connect failed: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Self::Refused,
            _ => Self::Io(error),
        }
    }
}

/// A request that got no answer. The connection cannot be used again after any of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The server closed the connection while it was idle; nothing of this request was sent.
    #[error("the server closed the idle connection; the request was not sent")]
    ClosedIdle,
    /// The server closed the connection between the first byte of the request and the last of the answer.
    #[error("the server closed the connection with the request in flight")]
    ClosedInFlight,
    /// No complete answer within the time given; we gave up, the server did not.
    #[error("no complete answer within the time given")]
    TimedOut,
    /// What came back is no HTTP/1.1, or larger than [`RESPONSE_BYTES_MAX`](super::RESPONSE_BYTES_MAX).
    #[error("the answer is not usable: {0}")]
    Unusable(String),
}
