//! When something that is done from time to time is due again.
//!
//! Promises that nothing waits for longer than its period, also when the clock is set back meanwhile. Never looks at a clock.

use std::time::Duration;

use crate::day::millis;

/// A moment that comes again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    at_ms: i64,
}

impl Default for Due {
    fn default() -> Self {
        Self::NOW
    }
}

impl Due {
    /// It is due already.
    pub(crate) const NOW: Self = Self { at_ms: i64::MIN };

    /// It is due at a time.
    pub(crate) fn at(at_ms: i64) -> Self {
        Self { at_ms }
    }

    /// Whether it is due. One that is further away than a period was set by a clock that has been set back since.
    pub(crate) fn is_due(&self, now_ms: i64, period: Duration) -> bool {
        self.at_ms <= now_ms || now_ms.saturating_add(millis(period)) < self.at_ms
    }

    /// It is due again a period from now.
    pub(crate) fn put_off(&mut self, now_ms: i64, period: Duration) {
        self.at_ms = now_ms.saturating_add(millis(period));
    }

    /// Whether it is due; then it is due again a period from now.
    pub(crate) fn take(&mut self, now_ms: i64, period: Duration) -> bool {
        let is_due = self.is_due(now_ms, period);
        if is_due {
            self.put_off(now_ms, period);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(200);

    #[test]
    fn it_is_due_once_a_period() {
        let mut due = Due::default();
        let taken = (0..10).map(|tick| tick * 100).filter(|now_ms| due.take(*now_ms, PERIOD));
        assert_eq!(taken.collect::<Vec<_>>(), [0, 200, 400, 600, 800]);
    }

    #[test]
    fn a_clock_that_is_set_back_delays_it_by_no_more_than_a_period() {
        let mut due = Due::at(10_000_000);
        assert!(!due.is_due(10_000_000 - 200, PERIOD), "a period ahead is no sign of it");
        assert!(due.take(10_000_000, PERIOD));
        // An hour back, and from there on by the period again.
        assert!(due.take(6_400_000, PERIOD));
        assert!(!due.take(6_400_199, PERIOD));
        assert!(due.take(6_400_200, PERIOD));
        assert!(due.is_due(6_400_199, PERIOD), "back by a moment: it was put off later than now");
    }
}
