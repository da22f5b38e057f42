//! How long one request takes while there is work, smoothed over the last ones.
//!
//! Measured from answer to answer, so that everything counts which the exchange's threads do for a request: framing, queues,
//! decision, writing. Quiet time does not count. It never divides by zero and says nothing before the first answer.

use std::time::Duration;

use tokio::time::Instant;

/// Answers after which what is known counts half: some tens of milliseconds under load, and longer than any batch.
const WINDOW: u32 = 1_024;

/// A longer gap between two answers is a stall (a drill, a suspended process), which says nothing about the next request.
const GAP_MAX: Duration = Duration::from_millis(50);

/// Time spent and requests served with it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    since: Option<Instant>,
    spent: Duration,
    served: u32,
}

impl Pace {
    /// Work begins after a quiet time.
    pub(super) fn begin(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// A request has been served.
    pub(super) fn served(&mut self, now: Instant) {
        let Some(since) = self.since.replace(now) else { return };
        self.spent += now.saturating_duration_since(since).min(GAP_MAX);
        self.served += 1;
        if self.served == WINDOW {
            self.spent /= 2;
            self.served /= 2;
        }
    }

    /// How long so many requests will take.
    pub(super) fn wait(&self, requests: usize) -> Duration {
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        self.spent.saturating_mul(requests).checked_div(self.served).unwrap_or_default()
    }
}
