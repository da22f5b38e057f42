//! A runtime's beat: it says that the runtime still runs what is due, and how late.
//!
//! Lateness is what a request feels there: the time from being due to being run. It is measured twice in each beat, by a timer
//! and by [turns](Turns) through the run queue, and the greater one counts. The beat itself stands in no queue: it says that the
//! runtime lives, however many wait. It costs two wake-ups for each beat and allocates nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::turn::Turns;

/// From beat to beat.
pub(super) const BEAT: Duration = Duration::from_millis(10);

/// Tokio's timer counts whole milliseconds and fires up to so much late: that much says nothing.
const TIMER_GRAIN: Duration = Duration::from_millis(2);

/// Told of each beat how late it came.
pub(super) type OnBeat = dyn Fn(Duration) + Send + Sync;

/// How late a runtime is, for meters and pages. Read by any thread.
#[derive(Debug, Default)]
pub struct LagGauge {
    beats: AtomicU64,
    lag_nanos: AtomicU64,
}

impl LagGauge {
    /// Beats so far.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.beats.load(Relaxed)
    }

    /// How late the last beat came.
    #[must_use]
    pub fn lag(&self) -> Duration {
        Duration::from_nanos(self.lag_nanos.load(Relaxed))
    }

    fn beat(&self, lag: Duration) {
        self.lag_nanos.store(u64::try_from(lag.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        self.beats.fetch_add(1, Relaxed);
    }
}

/// Beats until the runtime ends.
pub(super) async fn beat(gauge: Arc<LagGauge>, turns: Arc<Turns>, on_beat: Arc<OnBeat>) {
    loop {
        let due = Instant::now() + BEAT;
        sleep_until(due).await;
        let by_timer = due.elapsed().saturating_sub(TIMER_GRAIN);
        let lag = by_timer.max(turns.lag());
        gauge.beat(lag);
        on_beat(lag);
        turns.want();
    }
}
