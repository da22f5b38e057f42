//! When is a runtime lost? A decision without a clock: it is told what was seen, and when.
//!
//! It never blames a runtime for time in which nobody looked: then the whole process stood still. Nor for time in which its
//! threads waited for a processor: what they have used of one counts by itself, and tells an endless loop from a loaded machine
//! long before the limit has passed.

use std::time::Duration;

use tokio::time::Instant;

/// How often one looks within the limit.
const LOOKS_PER_LIMIT: u32 = 40;

/// A look that comes later than after so many looks' time comes late: the rest of that time says nothing.
const LATE: u32 = 20;

/// So many looks at least have seen a runtime stand still before it is lost.
const LOOKS_MIN: u32 = 4;

/// So much of the limit is enough if the runtime's threads have used a processor all that time, and answered nobody: a
/// hundred milliseconds of a second, as long as a bid may take altogether.
const BURNT_OF_LIMIT: u32 = 10;

/// And at least so much, however short the limit is: one slow request is no endless loop.
const BURNT_MIN: Duration = Duration::from_millis(50);

/// Looks closer together would see no more: a runtime beats every ten milliseconds.
const PERIOD_MIN: Duration = Duration::from_millis(10);

/// What a look sees of a runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sign {
    /// How often it has beaten.
    pub beats: u64,
    /// How many requests it has answered.
    pub answers: u64,
}

/// Follows the beats of one runtime.
///
/// ```
/// use std::time::Duration;
/// use exchange::lane::{LaneWatch, Sign};
/// use tokio::time::Instant;
///
/// let mut watch = LaneWatch::new(Duration::from_secs(1));
/// let start = Instant::now();
/// let at = |ms| start + Duration::from_millis(ms);
/// let sign = Sign { beats: 7, answers: 3 };
/// assert!((0..40).all(|look| !watch.look(sign, at(25 * look), || None)));
/// assert!(watch.look(sign, at(1_000), || None), "a second without a beat");
///
/// watch.begin();
/// let burnt = |look: u64| Some(Duration::from_millis(25 * look));
/// assert!((0..5).all(|look| !watch.look(sign, at(2_000 + 25 * look), || burnt(look))));
/// assert!(watch.look(sign, at(2_125), || burnt(5)), "100 ms of a processor since it was seen to stand still");
/// ```
#[derive(Clone, Debug)]
pub struct LaneWatch {
    limit: Duration,
    looked: Option<Instant>,
    sign: Sign,
    /// When its beat was seen first.
    since: Option<Instant>,
    /// What its threads had used when it was first seen to stand still, and had answered so many.
    burnt: Option<(Duration, u64)>,
    looks: u32,
}

impl LaneWatch {
    /// A runtime is lost after so long without a beat, or after a tenth of it on a processor without a beat and an answer.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { limit, looked: None, sign: Sign::default(), since: None, burnt: None, looks: 0 }
    }

    /// How often to look.
    #[must_use]
    pub fn period(&self) -> Duration {
        (self.limit / LOOKS_PER_LIMIT).max(PERIOD_MIN)
    }

    /// Whether the last look saw it stand still.
    #[must_use]
    pub fn is_suspicious(&self) -> bool {
        self.looks > 0
    }

    /// Looks at a runtime; true when it is lost. `burnt` says what each of its threads has used of a processor, the least of
    /// them, if that is known; it is asked of one that stands still, and of no other.
    pub fn look(&mut self, sign: Sign, now: Instant, burnt: impl FnOnce() -> Option<Duration>) -> bool {
        let since_look =
            self.looked.replace(now).map_or(Duration::ZERO, |looked| now.saturating_duration_since(looked));
        let Some(since) = self.since.filter(|_| self.sign.beats == sign.beats) else {
            (self.sign, self.since, self.burnt, self.looks) = (sign, Some(now), None, 0);
            return false;
        };
        self.looks += 1;
        let since = since + since_look.saturating_sub(self.period() * LATE);
        self.since = Some(since);
        let is_over = self.looks >= LOOKS_MIN && now.saturating_duration_since(since) >= self.limit;
        is_over || self.burns(sign.answers, burnt())
    }

    /// Whether it has used enough of a processor, without an answer.
    fn burns(&mut self, answers: u64, burnt: Option<Duration>) -> bool {
        let Some(burnt) = burnt else { return false };
        match self.burnt {
            Some((before, answered)) if answered == answers => {
                burnt.saturating_sub(before) >= (self.limit / BURNT_OF_LIMIT).max(BURNT_MIN)
            }
            _ => {
                self.burnt = Some((burnt, answers));
                false
            }
        }
    }

    /// Begins anew, with a fresh runtime.
    pub fn begin(&mut self) {
        (self.since, self.burnt, self.looks) = (None, None, 0);
    }
}
