//! The wall clock of a region, in unix milliseconds.
//!
//! Promises one reading for the whole region. Never used to order events: that is what sequence numbers are for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Milliseconds in a day, the period of frequency caps (UTC).
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Tells the time in unix milliseconds.
///
/// The virtual form follows Tokio's clock from a given start, so that a test on a paused clock moves leases,
/// reservations and caps along with its timers.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    System,
    Virtual { start_ms: i64, origin: Instant },
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that reads `start_ms` now and moves with Tokio's.
    #[must_use]
    pub fn virtual_from(start_ms: i64) -> Self {
        Self(Source::Virtual { start_ms, origin: Instant::now() })
    }

    /// Now, in unix milliseconds. A system clock before 1970 reads as zero.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        match self.0 {
            Source::System => {
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
            }
            Source::Virtual { start_ms, origin } => start_ms.saturating_add(millis(origin.elapsed())),
        }
    }
}

/// The number of whole days since 1970-01-01 (UTC) at a time.
#[must_use]
pub fn day_of(now_ms: i64) -> u32 {
    u32::try_from(now_ms.div_euclid(DAY_MS)).unwrap_or(0)
}

/// A duration in whole milliseconds, saturating.
#[must_use]
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
