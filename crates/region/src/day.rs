//! Days and milliseconds, the units of caps and of stored times.
//!
//! Never used to order events: that is what sequence numbers are for.

use std::time::Duration;

pub use ledger::DAY_MS;

/// The number of whole days since 1970-01-01 (UTC) at a time.
#[must_use]
pub fn day_of(now_ms: i64) -> u32 {
    u32::try_from(now_ms.div_euclid(DAY_MS)).unwrap_or(0)
}

/// A duration in whole milliseconds, saturating.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
