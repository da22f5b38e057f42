//! A histogram of durations with fixed buckets, for hot paths.
//!
//! It never locks and never allocates after it was made. The buckets are fixed, so that histograms
//! of all exchanges can be summed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, in microseconds. Dense between 50 µs and 10 ms, where a bid is
/// decided, and reaching past the longest `tmax` that an exchange grants (1 s).
pub const BUCKETS_US: [u64; 18] = [
    20, 50, 100, 200, 300, 500, 750, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000,
];

/// Durations counted by bucket.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS_US.len() + 1],
    sum_us: AtomicU64,
}

/// What a [`Histogram`] held at one moment.
#[derive(Debug, Clone)]
pub struct HistogramSnapshot {
    /// How many durations fell into each bucket of [`BUCKETS_US`]; the last is everything above.
    pub counts: [u64; BUCKETS_US.len() + 1],
    /// Sum of the durations in microseconds.
    pub sum_us: u64,
}

impl Histogram {
    /// Returns an empty histogram.
    pub fn new() -> Histogram {
        Histogram::default()
    }

    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_US.partition_point(|bound| *bound < us);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Returns what it holds now.
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            counts: std::array::from_fn(|bucket| self.buckets[bucket].load(Ordering::Relaxed)),
            sum_us: self.sum_us.load(Ordering::Relaxed),
        }
    }
}

impl HistogramSnapshot {
    /// Returns how many durations were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the upper bound, in microseconds, of the bucket that holds the given share of the
    /// durations, for example 990 per mille. `None` if nothing was counted or it lies above the
    /// last bound.
    pub fn quantile_us_max(&self, per_mille: u64) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = count.saturating_mul(per_mille.min(1_000)).div_ceil(1_000).max(1);
        let mut seen = 0;
        let bucket = self.counts.iter().position(|in_bucket| {
            seen += in_bucket;
            seen >= rank
        })?;
        BUCKETS_US.get(bucket).copied()
    }
}
