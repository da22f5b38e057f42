//! The shape of a week: how many requests come in each of its hours.
//!
//! Promises rates that are finite and not negative, whatever is counted. Never extrapolates a trend: the level of the last day
//! counts for all hours.

/// Hours of a week; the first is Monday's first of UTC.
pub const HOURS: usize = 168;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const HOURS_PER_DAY: usize = 24;
/// The first moment of Unix time was a Thursday's midnight.
const EPOCH_HOUR: i64 = 3 * HOURS_PER_DAY as i64;
/// What the newest week counts of an hour: the one before it half as much, and so on.
const NEWEST: f32 = 0.5;
/// By how much of its own surprise an hour moves the level of all: a lasting change is known within a day or so.
const LEVEL: f32 = 1.0 / 24.0;
/// A surprise of more than this many times, up or down, counts as that much for the level.
const LEVEL_SURPRISE_MAX: f32 = 2.0;
/// And for its hour: a surge of half an hour is no habit.
const HOUR_SURPRISE_MAX: f32 = 3.0;
/// A rate of a request a nanosecond: what is above it is a slip.
const RATE_MAX: f32 = 1.0e9;
/// An hour is weighed as if so many requests more had come, spread like the whole: few requests say little.
const PRIOR_REQUESTS: f32 = 100.0;

/// Which hour of the week a moment lies in, by UTC.
#[must_use]
pub fn hour_of_week(now_ms: i64) -> usize {
    // Below 168.
    (now_ms.div_euclid(HOUR_MS) + EPOCH_HOUR).rem_euclid(HOURS as i64) as usize
}

/// Requests a second in each hour of the week, exponentially forgotten over the weeks.
///
/// # Examples
///
/// ```
/// use region::supply::WeekShape;
///
/// let mut shape = WeekShape::default();
/// for hour in 0..24 {
///     assert!(!shape.is_ready(), "a day is to be seen first");
///     shape.observe(hour, if hour < 12 { 10.0 } else { 20.0 });
/// }
/// assert!(shape.is_ready());
/// assert_eq!(shape.rate(5), 10.0);
/// assert_eq!(shape.rate(24 + 15), 20.0, "Tuesday is taken to be like Monday until it has been seen");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct WeekShape {
    rates: [f32; HOURS],
    /// How often each hour was seen; it need not count far.
    weeks: [u8; HOURS],
}

impl Default for WeekShape {
    fn default() -> Self {
        Self { rates: [0.0; HOURS], weeks: [0; HOURS] }
    }
}

impl WeekShape {
    /// A shape that was learnt before; `None` if its numbers are none of a shape.
    #[must_use]
    pub fn known(rates: [f32; HOURS], weeks: [u8; HOURS]) -> Option<Self> {
        rates.iter().all(|rate| (0.0..=RATE_MAX).contains(rate)).then_some(Self { rates, weeks })
    }

    /// Requests a second in each hour, as far as it was seen, and how often.
    #[must_use]
    pub fn hours(&self) -> (&[f32; HOURS], &[u8; HOURS]) {
        (&self.rates, &self.weeks)
    }

    /// An hour was seen, with so many requests a second.
    pub fn observe(&mut self, hour: usize, rate: f32) {
        let hour = hour % HOURS;
        let mut rate = if rate.is_finite() { rate.clamp(0.0, RATE_MAX) } else { return };
        let before = self.rates[hour];
        if self.weeks[hour] == 0 {
            self.rates[hour] = rate;
        } else {
            if before > 0.0 {
                let surprise = (rate / before).clamp(1.0 / LEVEL_SURPRISE_MAX, LEVEL_SURPRISE_MAX);
                let level = 1.0 + LEVEL * (surprise - 1.0);
                self.rates.iter_mut().for_each(|known| *known = (*known * level).min(RATE_MAX));
                let before = self.rates[hour];
                rate = rate.clamp(before / HOUR_SURPRISE_MAX, before * HOUR_SURPRISE_MAX);
            }
            let newest = NEWEST.max(1.0 / (f32::from(self.weeks[hour]) + 1.0));
            self.rates[hour] += (rate - self.rates[hour]) * newest;
        }
        self.weeks[hour] = self.weeks[hour].saturating_add(1);
    }

    /// Whether each hour of the day has been seen on some day: before that it is no shape.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        (0..HOURS_PER_DAY).all(|hour| self.of_day(hour).is_some())
    }

    /// Requests a second in an hour. One that was not seen is like the same hour of the other days.
    #[must_use]
    pub fn rate(&self, hour: usize) -> f32 {
        let hour = hour % HOURS;
        if self.weeks[hour] > 0 { self.rates[hour] } else { self.of_day(hour).unwrap_or(0.0) }
    }

    /// The rate of each hour, as far as it is more than chance: an hour of a handful of requests is drawn towards the mean.
    #[must_use]
    pub fn smoothed(&self) -> [f32; HOURS] {
        let rates: [f32; HOURS] = std::array::from_fn(|hour| self.rate(hour));
        let mean = rates.iter().sum::<f32>() / HOURS as f32;
        rates.map(|rate| {
            let requests = rate * (HOUR_MS / 1_000) as f32;
            (rate * requests + mean * PRIOR_REQUESTS) / (requests + PRIOR_REQUESTS)
        })
    }

    /// The mean of an hour of the day over the days on which it was seen.
    fn of_day(&self, hour: usize) -> Option<f32> {
        let seen = (hour % HOURS_PER_DAY..HOURS).step_by(HOURS_PER_DAY).filter(|hour| self.weeks[*hour] > 0);
        let (sum, count) = seen.fold((0.0, 0.0_f32), |(sum, count), hour| (sum + self.rates[hour], count + 1.0));
        (count > 0.0).then(|| sum / count)
    }
}
