//! Limits what forged notices cost.
//!
//! Genuine notices are never limited: every token is checked, which costs about a microsecond.
//! Beyond the limit a forger loses its connection with each attempt.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Counts events by the second.
#[derive(Debug)]
pub(crate) struct PerSecond {
    max: u32,
    started: Instant,
    /// The second since the start in the upper half, the count in it in the lower.
    window: AtomicU64,
}

impl PerSecond {
    pub(crate) fn new(max: u32) -> PerSecond {
        PerSecond { max, started: Instant::now(), window: AtomicU64::new(0) }
    }

    /// Counts one event; false if the second's limit was reached already.
    pub(crate) fn admit(&self) -> bool {
        self.admit_at(self.started.elapsed().as_secs())
    }

    fn admit_at(&self, second: u64) -> bool {
        let second = second & u64::from(u32::MAX);
        let counted = self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |window| {
            let count = if window >> 32 == second { window & u64::from(u32::MAX) } else { 0 };
            (count < u64::from(self.max)).then_some((second << 32) | (count + 1))
        });
        counted.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::PerSecond;

    #[test]
    fn the_limit_holds_within_a_second_and_begins_anew_with_the_next() {
        let limit = PerSecond::new(2);
        assert!(limit.admit_at(0) && limit.admit_at(0));
        assert!(!limit.admit_at(0));
        assert!(limit.admit_at(1) && limit.admit_at(1));
        assert!(!limit.admit_at(1));
    }

    #[test]
    fn a_limit_of_zero_admits_nothing() {
        assert!(!PerSecond::new(0).admit_at(7));
    }
}
