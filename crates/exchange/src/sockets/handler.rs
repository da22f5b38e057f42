//! What sits behind the sockets: something that turns framed bytes into an answer.
//!
//! The sockets call it inside the connection's task and bound it by the deadline; dropping the future is how a late one ends.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// One request as the socket framed it: body inflated, deadline known.
#[derive(Clone, Debug)]
pub struct Framed {
    /// The whole body, after inflation.
    pub body: Bytes,
    /// When the first byte of its head was read.
    pub first_byte: Instant,
    /// No bid leaves after this, and whatever can be answered is answered by then.
    pub deadline: Instant,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 with this body.
    Content(Bytes),
    /// 204, with the reason in `x-no-bid` and in the counters.
    NoBid(&'static str),
    /// 400 with an empty body; the reason goes to the counters only.
    Malformed(&'static str),
}

/// How one request ended, for the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Status sent.
    pub status: u16,
    /// Why, for everything but 200; `""` there.
    pub reason: &'static str,
    /// From the first byte of the head to the answer's hand-over to the connection.
    pub elapsed: Duration,
    /// Whether that was after a deadline that could have been kept (the answer is then never a bid).
    pub late: bool,
}

/// Answers framed requests and counts what happens on the sockets.
///
/// # Cancel safety
///
/// The future of [`answer`](Self::answer) is dropped when its deadline passes or its client goes away.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. Called within the connection's task.
    fn answer(&self, request: Framed) -> impl Future<Output = Answer> + Send;

    /// Called when a request's head has been read, and before its body is: whether to read on, or why not. What is refused
    /// here is answered 204 at once, its body read off and thrown away, and its connection kept.
    ///
    /// # Errors
    ///
    /// The reason of the no-bid.
    fn admit(&self, first_byte: Instant) -> Result<(), &'static str> {
        let _ = first_byte;
        Ok(())
    }

    /// Called once for each request, when its answer is handed to the connection.
    fn record(&self, outcome: Outcome);

    /// Called when something happened to a connection rather than to a request: `opened`, `closed`, `panicked`, `accept_failed`,
    /// `bad_head`, `stalled` (a head or a reader too slow), `idle`, `io`, `cut` (at a drain), `client_gone` (before its answer),
    /// `ready_poll` (answered, and no request of the counters);
    /// when its thread was lost, `moved` (nothing was in hand: it goes on on another) or `lost` instead of `closed`, and
    /// `resumed` instead of `opened` where it goes on.
    fn connection_event(&self, event: &'static str) {
        let _ = event;
    }
}
