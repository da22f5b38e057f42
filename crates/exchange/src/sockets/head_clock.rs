//! When did the first byte of this request's head arrive?
//!
//! The stream reports what it reads, the service reports the ends of heads and bodies, and the clock puts the two together. A
//! head that comes glued to the body before it (pipelining) is dated by the read that brought it. It never dates a request
//! later than its first byte, with one exception: after a *chunked* body, or after a pipelined request, a following head that
//! is itself split over two reads is dated by the second.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Shared by a connection's stream and its service; both run in the connection's task.
#[derive(Clone, Debug)]
pub(super) struct HeadClock(Arc<Mutex<Heads>>);

#[derive(Debug)]
struct Heads {
    last_read: Instant,
    /// First byte of the head that is being read or was read last.
    started: Option<Instant>,
    /// The head is complete; what is read now is its body.
    head_done: bool,
    /// We have seen this request from its very first byte and may count.
    counting: bool,
    /// Bytes since `started`.
    bytes: u64,
    /// Length of the head, when its end has been seen.
    head_bytes: Option<u64>,
    /// Line feeds seen in a row, carriage returns skipped: two end a head.
    line_feeds: u8,
    content_length: Option<u64>,
}

impl HeadClock {
    pub(super) fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(Heads {
            last_read: now,
            started: None,
            head_done: false,
            counting: false,
            bytes: 0,
            head_bytes: None,
            line_feeds: 0,
            content_length: None,
        })))
    }

    fn heads(&self) -> MutexGuard<'_, Heads> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream has read `bytes`.
    pub(super) fn read(&self, bytes: &[u8], now: Instant) {
        if bytes.is_empty() {
            return;
        }
        let mut heads = self.heads();
        heads.last_read = now;
        if heads.started.is_none() {
            heads.started = Some(now);
            heads.counting = true;
            heads.bytes = 0;
            heads.head_bytes = None;
            heads.line_feeds = 0;
        }
        if heads.counting {
            heads.scan(bytes);
        }
    }

    /// Since when a head has been arriving that is not complete.
    pub(super) fn head_in_progress(&self) -> Option<Instant> {
        let heads = self.heads();
        if heads.head_done { None } else { heads.started }
    }

    /// A head has been parsed; hands back the instant of its first byte.
    pub(super) fn head_parsed(&self, content_length: Option<u64>) -> Instant {
        let mut heads = self.heads();
        heads.head_done = true;
        heads.content_length = content_length;
        heads.started.unwrap_or(heads.last_read)
    }

    /// The body of that head has been read to its end.
    pub(super) fn request_read(&self) {
        let mut heads = self.heads();
        let surplus = heads.surplus();
        heads.head_done = false;
        heads.counting = false;
        heads.started = surplus.then_some(heads.last_read);
    }
}

impl Heads {
    fn scan(&mut self, bytes: &[u8]) {
        if self.head_bytes.is_none() {
            for (index, byte) in bytes.iter().enumerate() {
                match byte {
                    b'\n' => self.line_feeds += 1,
                    b'\r' => {}
                    _ => self.line_feeds = 0,
                }
                // An empty line before the request line is legal and is not the end of a head.
                if self.line_feeds == 2 && self.bytes + index as u64 > 3 {
                    self.head_bytes = Some(self.bytes + index as u64 + 1);
                    break;
                }
            }
        }
        self.bytes += bytes.len() as u64;
    }

    /// Whether more has been read than this request is long.
    fn surplus(&self) -> bool {
        match (self.counting, self.head_bytes, self.content_length) {
            (true, Some(head), Some(body)) => self.bytes > head.saturating_add(body),
            _ => false,
        }
    }
}
