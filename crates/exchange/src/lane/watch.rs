//! When is a runtime lost? A decision without a clock: it is told what was seen, and when.
//!
//! It never blames a runtime for time in which nobody looked: then the whole process stood still.

use std::time::Duration;

use tokio::time::Instant;

/// How often one looks within the limit.
const LOOKS_PER_LIMIT: u32 = 4;

/// A look that comes later than after so many looks' time comes late: the rest of that time says nothing.
const LATE: u32 = 2;

/// So many looks at least have seen a runtime stand still before it is lost.
const LOOKS_MIN: u32 = 4;

/// Follows the beats of one runtime.
///
/// ```
/// use std::time::Duration;
/// use exchange::lane::LaneWatch;
/// use tokio::time::Instant;
///
/// let mut watch = LaneWatch::new(Duration::from_secs(1));
/// let start = Instant::now();
/// let at = |ms| start + Duration::from_millis(ms);
/// assert!(!watch.look(7, at(0)));
/// assert!((1..4).all(|look| !watch.look(7, at(250 * look))));
/// assert!(watch.look(7, at(1_000)), "a second without a beat");
/// assert!(!watch.look(8, at(1_250)));
/// ```
#[derive(Clone, Debug)]
pub struct LaneWatch {
    limit: Duration,
    looked: Option<Instant>,
    beats: u64,
    /// When the beat was seen first.
    since: Option<Instant>,
    looks: u32,
}

impl LaneWatch {
    /// A runtime is lost after so long without a beat.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { limit, looked: None, beats: 0, since: None, looks: 0 }
    }

    /// How often to look.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.limit / LOOKS_PER_LIMIT
    }

    /// Looks at the number of beats; true when the runtime is lost.
    pub fn look(&mut self, beats: u64, now: Instant) -> bool {
        let since_look =
            self.looked.replace(now).map_or(Duration::ZERO, |looked| now.saturating_duration_since(looked));
        if self.beats != beats || self.since.is_none() {
            (self.beats, self.since, self.looks) = (beats, Some(now), 0);
            return false;
        }
        self.looks += 1;
        let forgiven = since_look.saturating_sub(self.period() * LATE);
        self.since = self.since.map(|since| since + forgiven);
        self.looks >= LOOKS_MIN && self.since.is_some_and(|since| now.saturating_duration_since(since) >= self.limit)
    }

    /// Begins anew, with a fresh runtime.
    pub fn begin(&mut self) {
        self.since = None;
    }
}
