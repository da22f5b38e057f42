//! Every limit of a connection, with its unit and its reason.
//!
//! A limit that is not here does not exist: framing holds no other constant.

use std::time::Duration;

use tokio::time::Instant;

/// Less time than this to the deadline, and a request is answered 204 `insufficient_time` without being looked at.
pub const TIME_LEFT_MIN: Duration = Duration::from_millis(5);

/// Tokio's timer counts whole milliseconds and fires late, never early: waiting stops this long before the deadline.
pub const TIMER_SLACK: Duration = Duration::from_millis(2);

/// How much of a connection's time and memory one client may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections open at once; at the limit nothing is accepted, and connects wait in the kernel's backlog.
    pub connections_max: usize,
    /// Bytes of request line and headers (hyper's buffer; at least 8 192). What comes in one read is parsed before it is
    /// weighed, so that up to twice as many may pass.
    pub head_bytes_max: usize,
    /// Bytes of a body as sent.
    pub body_bytes_max: usize,
    /// Bytes of a body after inflation: a bomb ends here.
    pub inflated_bytes_max: usize,
    /// From the first byte of a head to its last.
    pub head_timeout: Duration,
    /// Between two requests of a connection. Exchanges keep theirs open for minutes.
    pub idle_timeout: Duration,
    /// A write that makes no progress for this long ends the connection.
    pub write_timeout: Duration,
    /// At a drain: from the first notice to the moment when what is still open is cut.
    pub drain_timeout: Duration,
    /// Response bodies smaller than this are not worth compressing.
    pub gzip_bytes_min: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 8_192,
            head_bytes_max: 64 * 1024,
            body_bytes_max: 256 * 1024,
            inflated_bytes_max: 1024 * 1024,
            head_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(120),
            write_timeout: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(2),
            gzip_bytes_min: 512,
        }
    }
}

/// How an exchange's `tmax` becomes an internal deadline.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// Used while the request has not said its own, or says none.
    pub tmax_default: Duration,
    /// A longer `tmax` is cut to this, so that no request holds a place for hours.
    pub tmax_max: Duration,
    /// Network time to the exchange and back, and some safety.
    pub margin: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            tmax_default: Duration::from_millis(100),
            tmax_max: Duration::from_secs(2),
            margin: Duration::from_millis(10),
        }
    }
}

impl Deadlines {
    /// The instant after which no answer leaves, counted from the first byte of the head.
    ///
    /// A `tmax` of zero says nothing and counts as absent.
    #[must_use]
    pub fn deadline(&self, first_byte: Instant, tmax_ms: Option<u32>) -> Instant {
        let tmax = match tmax_ms {
            Some(ms) if ms > 0 => Duration::from_millis(u64::from(ms)),
            _ => self.tmax_default,
        };
        first_byte + tmax.min(self.tmax_max).saturating_sub(self.margin)
    }
}
