//! Contracted queries per second: a token bucket in one word.
//!
//! It keeps the instant at which the bucket will be full again (GCRA, the generic cell rate algorithm: ITU-T I.371). No lock, no
//! timer, no clock of its own: a request brings the instant of its first byte.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::time::Instant;

/// Parts of a nanosecond that it counts in, so that rates of millions a second are exact to a thousandth.
const PARTS: u64 = 16;

/// At most so many requests a second, and so many at once.
///
/// ```
/// use std::time::Duration;
/// use exchange::pool::Quota;
/// use tokio::time::Instant;
///
/// let start = Instant::now();
/// let quota = Quota::new(1_000, 2, start);
/// assert!(quota.admits(start) && quota.admits(start));
/// assert!(!quota.admits(start), "more at once");
/// assert!(quota.admits(start + Duration::from_millis(1)));
/// ```
#[derive(Debug)]
pub struct Quota {
    base: Instant,
    /// Between two requests at that rate.
    step: u64,
    /// How far ahead of time the bucket may be drawn.
    burst: u64,
    full_at: AtomicU64,
}

impl Quota {
    /// A full bucket. Zeros count as ones.
    #[must_use]
    pub fn new(max_qps: u32, burst: u32, now: Instant) -> Self {
        let step = (1_000_000_000 * PARTS).div_ceil(u64::from(max_qps.max(1)));
        Self { base: now, step, burst: step.saturating_mul(u64::from(burst.max(1))), full_at: AtomicU64::new(0) }
    }

    /// Takes a token, if there is one.
    #[must_use]
    pub fn admits(&self, now: Instant) -> bool {
        let nanos = u64::try_from(now.saturating_duration_since(self.base).as_nanos()).unwrap_or(u64::MAX);
        let now = nanos.saturating_mul(PARTS);
        let take = |full_at: u64| {
            let full_at = full_at.max(now).saturating_add(self.step);
            (full_at - now <= self.burst).then_some(full_at)
        };
        self.full_at.fetch_update(Relaxed, Relaxed, take).is_ok()
    }
}
