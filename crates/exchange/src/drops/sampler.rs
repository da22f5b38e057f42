//! Sets every n-th request of an exchange aside.
//!
//! It costs the bid path one relaxed addition a request, and one short lock a sampled one. Never holds more than
//! [`SAMPLES_MAX`] requests: what comes faster than they are asked about is counted and let go.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::NoBidReason;
use crate::decision::Trail;

/// Requests of one exchange that wait to be asked about, which happens once a second. All campaigns are asked, microseconds
/// each: more of them would cost a busy exchange as much as its answers do.
pub const SAMPLES_MAX: usize = 1;

/// One request that was set aside.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The body as it came.
    pub body: Bytes,
    /// Why it got no bid; none if it got one.
    pub no_bid: Option<NoBidReason>,
    /// What became of the candidates that were looked at.
    pub trail: Trail,
}

/// Shared by an exchange's engines, of all incarnations, and by whoever asks about its samples.
#[derive(Debug, Clone, Default)]
pub struct DropSampler(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Zero for none.
    one_in: u32,
    requests: AtomicU64,
    skipped: AtomicU64,
    waiting: Mutex<VecDeque<Sample>>,
}

impl DropSampler {
    /// A sampler of one request in so many; of none if that is zero, as is the default.
    #[must_use]
    pub fn new(one_in: u32) -> Self {
        Self(Arc::new(Inner { one_in, ..Inner::default() }))
    }

    /// One request is sampled in so many; zero for none.
    #[must_use]
    pub fn one_in(&self) -> u32 {
        self.0.one_in
    }

    /// Sampled requests that nobody was asked about, because others waited.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.0.skipped.load(Relaxed)
    }

    /// Counts a request, and tells whether it is one to set aside: that in the middle of so many. The first of a process would
    /// tell of its start, when no region has a lease yet, and for hours of nothing else.
    #[must_use]
    pub fn picks(&self) -> bool {
        let one_in = u64::from(self.0.one_in);
        one_in > 0 && self.0.requests.fetch_add(1, Relaxed) % one_in == one_in / 2
    }

    /// Sets a request aside, if there is room.
    pub fn put(&self, sample: Sample) {
        let mut waiting = self.waiting();
        if waiting.len() < SAMPLES_MAX {
            waiting.push_back(sample);
        } else {
            self.0.skipped.fetch_add(1, Relaxed);
        }
    }

    /// Takes the oldest request that was set aside.
    #[must_use]
    pub fn take(&self) -> Option<Sample> {
        self.waiting().pop_front()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Sample>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
