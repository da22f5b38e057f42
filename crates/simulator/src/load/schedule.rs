//! When each request is due.
//!
//! Promises: slot *i* is due at `start + i / rate`, whatever the server does; each slot is given out once; the last one
//! is known beforehand ([`Limit`]). Never creates a slot because an answer arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The end of a run: whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At most this many requests.
    pub requests: u64,
    /// At most this long.
    pub duration: Duration,
}

/// How exactly a slot's instant is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// By Tokio's timer: up to a millisecond late, no CPU spent. The lateness is part of the latency.
    Timer,
    /// By yielding in a loop through the last two milliseconds: exact, at the price of a core.
    Spin,
}

/// How long before its instant a slot is awaited by spinning: Tokio's timer has a resolution of one millisecond.
const SPIN_MARGIN: Duration = Duration::from_millis(2);

/// A turn to send one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The number of the request, from 0.
    pub index: u64,
    /// When it should be sent, and from when its latency counts.
    pub due: Instant,
}

/// A fixed schedule shared by the connections that carry it.
#[derive(Debug)]
pub struct Schedule {
    start: Instant,
    per_second: u64,
    limit: Limit,
    pace: Pace,
    patience: Option<Duration>,
    next: AtomicU64,
    taken: AtomicU64,
    stop: StopHandle,
}

/// Ends the schedules made with it.
#[derive(Clone, Debug)]
pub struct StopHandle(Arc<watch::Sender<Option<Instant>>>);

impl Default for StopHandle {
    fn default() -> Self {
        Self::new()
    }
}

impl StopHandle {
    /// Makes a handle that stops nothing yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Lets no further slot be given out; requests in flight go on.
    pub fn stop(&self) {
        self.0.send_if_modified(|stopped_at| {
            let first = stopped_at.is_none();
            stopped_at.get_or_insert_with(Instant::now);
            first
        });
    }

    /// Returns when [`stop`](Self::stop) was first called.
    pub fn stopped_at(&self) -> Option<Instant> {
        *self.0.borrow()
    }

    /// Waits until [`stop`](Self::stop) is called.
    pub async fn stopped(&self) {
        // The sender lives in self: the wait cannot fail.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }
}

impl Schedule {
    /// Makes the schedule of a rate. A rate of zero is taken as one a second.
    pub fn new(start: Instant, per_second: u64, limit: Limit, pace: Pace, stop: &StopHandle) -> Self {
        Self {
            start,
            per_second: per_second.max(1),
            limit,
            pace,
            patience: None,
            next: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            stop: stop.clone(),
        }
    }

    /// Gives out no slot that has been due for longer than that: it stays unsent. Without one, every slot is sent, however late.
    #[must_use]
    pub fn patience(self, patience: Option<Duration>) -> Self {
        Self { patience, ..self }
    }

    /// Waits for the next slot; `None` when the run is over.
    ///
    /// A caller that comes late gets an overdue slot at once, the oldest that is not [too old](Self::patience).
    ///
    /// # Cancel safety
    ///
    /// A slot is lost if this future is dropped; it then counts as unsent.
    pub async fn next(&self) -> Option<Slot> {
        let end = self.start + self.limit.duration;
        let now = Instant::now();
        if self.stop.stopped_at().is_some() || end <= now {
            return None;
        }
        let (index, due) = loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let due = self.due(index);
            if self.limit.requests <= index || end <= due {
                return None;
            }
            if self.patience.is_none_or(|patience| now <= due + patience) {
                break (index, due);
            }
        };
        if now < due {
            tokio::select! {
                biased;
                () = self.stop.stopped() => {}
                () = self.wait_until(due) => {}
            }
            // A timer is late by up to a millisecond: a slot that was due before the stop is still sent.
            if Instant::now() < due {
                return None;
            }
        }
        self.taken.fetch_add(1, Ordering::Relaxed);
        Some(Slot { index, due })
    }

    /// Counts the slots whose instant came before `now` and before the end, but that no connection was free to take.
    pub fn unsent(&self, now: Instant) -> u64 {
        let now = self.stop.stopped_at().map_or(now, |stopped_at| now.min(stopped_at));
        let elapsed = now.saturating_duration_since(self.start).min(self.limit.duration);
        let come = elapsed.as_nanos().saturating_mul(u128::from(self.per_second)).div_ceil(NANOS_PER_SECOND);
        let come = u64::try_from(come).unwrap_or(u64::MAX).min(self.limit.requests);
        come.saturating_sub(self.taken.load(Ordering::Relaxed))
    }

    fn due(&self, index: u64) -> Instant {
        let nanos = u128::from(index) * NANOS_PER_SECOND / u128::from(self.per_second);
        self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    async fn wait_until(&self, due: Instant) {
        match self.pace {
            Pace::Timer => {
                if Instant::now() < due {
                    sleep_until(due).await;
                }
            }
            Pace::Spin => {
                if let Some(coarse) = due.checked_sub(SPIN_MARGIN)
                    && Instant::now() < coarse
                {
                    sleep_until(coarse).await;
                }
                while Instant::now() < due {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;
