//! When did the first byte of this request's head arrive?
//!
//! The stream reports what it reads, the service reports the ends of heads and bodies, and the clock puts the two together. A
//! head that comes glued to the body before it (pipelining) is dated by the read that brought it. It never dates a request
//! later than its first byte, with one exception: after a *chunked* body, or after a pipelined request, a following head that
//! is itself split over two reads is dated by the second.

use memchr::memchr_iter;
use tokio::time::Instant;

/// One connection's; it lies in the connection's [seat](super::seat).
#[derive(Debug)]
pub(super) struct HeadClock {
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
    /// Bytes up to and with the last line feed of the head so far.
    line_end: u64,
    /// The byte before what is read next.
    last_byte: u8,
    content_length: Option<u64>,
    /// A request's head has been parsed and its answer not been handed over.
    in_hand: bool,
    /// When the last answer was handed over, or the connection came.
    answered: Instant,
}

impl HeadClock {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            last_read: now,
            started: None,
            head_done: false,
            counting: false,
            bytes: 0,
            head_bytes: None,
            line_end: 0,
            last_byte: 0,
            content_length: None,
            in_hand: false,
            answered: now,
        }
    }

    /// The stream has read `bytes`.
    pub(super) fn read(&mut self, bytes: &[u8], now: Instant) {
        if bytes.is_empty() {
            return;
        }
        self.last_read = now;
        if self.started.is_none() {
            self.started = Some(now);
            self.counting = true;
            self.bytes = 0;
            self.head_bytes = None;
            self.line_end = 0;
        }
        if self.counting {
            self.scan(bytes);
        }
    }

    /// Something was read on the usual lane, which finds the ends of requests by itself.
    pub(super) fn came(&mut self, now: Instant) {
        self.last_read = now;
        self.started.get_or_insert(now);
    }

    /// The head that came on the usual lane is complete, its body is not; hands back the instant of its first byte.
    pub(super) fn head_came(&mut self) -> Instant {
        self.head_done = true;
        self.started.unwrap_or(self.last_read)
    }

    /// A whole request came on the usual lane, and perhaps the beginning of another; hands back the instant of its first byte.
    pub(super) fn request_came(&mut self, is_more: bool) -> Instant {
        let first_byte = self.started.unwrap_or(self.last_read);
        self.head_done = false;
        self.in_hand = true;
        self.started = is_more.then_some(self.last_read);
        first_byte
    }

    /// The usual lane ends with these bytes, which are part of no request that came: from here on the clock counts.
    pub(super) fn leave_usual(&mut self, bytes: &[u8]) {
        self.head_done = false;
        if let Some(started) = self.started.take() {
            let last_read = self.last_read;
            self.read(bytes, started);
            self.last_read = last_read;
        }
    }

    /// Since when a head has been arriving that is not complete.
    pub(super) fn head_in_progress(&self) -> Option<Instant> {
        if self.head_done { None } else { self.started }
    }

    /// A head has been parsed; hands back the instant of its first byte.
    pub(super) fn head_parsed(&mut self, content_length: Option<u64>) -> Instant {
        self.head_done = true;
        self.in_hand = true;
        self.content_length = content_length;
        self.started.unwrap_or(self.last_read)
    }

    /// The body of that head has been read to its end.
    pub(super) fn request_read(&mut self) {
        let surplus = self.surplus();
        self.head_done = false;
        self.counting = false;
        self.started = surplus.then_some(self.last_read);
    }

    /// The answer to the last request is handed over.
    pub(super) fn answered(&mut self, now: Instant) {
        self.in_hand = false;
        self.answered = now;
    }

    /// Since when nothing has been arriving and nothing has been in hand; `None` if something is.
    pub(super) fn quiet_since(&self) -> Option<Instant> {
        let is_quiet = !self.in_hand && !self.head_done && self.started.is_none();
        is_quiet.then(|| self.answered.max(self.last_read))
    }

    fn scan(&mut self, bytes: &[u8]) {
        if self.head_bytes.is_none() {
            for index in memchr_iter(b'\n', bytes) {
                let end = self.bytes + index as u64 + 1;
                let before = index.checked_sub(1).map_or(self.last_byte, |before| bytes[before]);
                let line_is_empty = match end - self.line_end {
                    1 => true,
                    2 => before == b'\r',
                    _ => false,
                };
                // An empty line before the request line is legal and is not the end of a head.
                if line_is_empty && end > 4 {
                    self.head_bytes = Some(end);
                    break;
                }
                self.line_end = end;
            }
            self.last_byte = bytes.last().copied().unwrap_or(self.last_byte);
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
