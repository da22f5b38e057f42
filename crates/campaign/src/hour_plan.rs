//! How a campaign's budget is spread over the hours of the week.
//!
//! Promises exact weights: what lies between two moments is the sum of what lies between those in between. Hours in which
//! the campaign may not bid weigh nothing. Never knows how much traffic there is.

use std::fmt;
use std::str::FromStr;

use crate::Campaign;
use crate::targeting::{Hours, UtcOffset};

/// The most weights that a campaign may list: one for each hour of the week.
pub const HOUR_WEIGHTS_MAX: usize = 168;
/// The heaviest that an hour can be.
pub const HOUR_WEIGHT_MAX: u8 = 100;

const HOURS: usize = 168;
const HOUR_MS: i64 = 60 * 60 * 1_000;
const WEEK_MS: i64 = HOURS as i64 * HOUR_MS;

/// One line of `hour_weights`: how much more or less than an ordinary hour each of these hours gets.
///
/// # Examples
///
/// ```
/// let evening: campaign::HourWeight = "mon-fri 18-23: 3".parse()?;
/// assert_eq!(evening.weight, 3);
/// assert!("mon-fri 18-23".parse::<campaign::HourWeight>().is_err());
/// assert!("mon-fri 18-23: 101".parse::<campaign::HourWeight>().is_err());
/// # Ok::<(), campaign::ParseHourWeightError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourWeight {
    /// Which hours.
    pub hours: Hours,
    /// 1 is an ordinary hour, 0 spends nothing.
    pub weight: u8,
}

/// A text that weighs no hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} weighs no hours: write days, hours and a weight from 0 to 100, such as \"mon-fri 18-23: 3\" or \"sat,sun: 2\""
)]
pub struct ParseHourWeightError(String);

/// As it is read.
impl fmt::Display for HourWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.hours, self.weight)
    }
}

impl FromStr for HourWeight {
    type Err = ParseHourWeightError;

    fn from_str(text: &str) -> Result<Self, ParseHourWeightError> {
        let parsed = text.rsplit_once(':').and_then(|(hours, weight)| {
            let weight: u8 = weight.trim().parse().ok().filter(|weight| *weight <= HOUR_WEIGHT_MAX)?;
            Some(Self { hours: hours.parse().ok()?, weight })
        });
        parsed.ok_or_else(|| ParseHourWeightError(text.to_owned()))
    }
}

/// How much of its budget a campaign spends in each hour of the week, relative to the others, by its own clock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HourPlan {
    weights: [u8; HOURS],
    offset: UtcOffset,
}

impl HourPlan {
    /// A plan by the weight of each hour of the week, Monday's first hour first, on a clock with this offset.
    #[must_use]
    pub const fn new(weights: [u8; HOURS], offset: UtcOffset) -> Self {
        Self { weights, offset }
    }

    /// The weight of each hour of the week, Monday's first hour first.
    #[must_use]
    pub const fn weights(&self) -> [u8; HOURS] {
        self.weights
    }

    /// The offset of its clock.
    #[must_use]
    pub const fn offset(&self) -> UtcOffset {
        self.offset
    }

    /// The plan of a campaign that treats some hours unlike others; `None` if all hours are alike.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Option<Self> {
        let (include, exclude) = (&campaign.include().hours, &campaign.exclude().hours);
        if campaign.hour_weights.is_empty() && include.is_empty() && exclude.is_empty() {
            return None;
        }
        let offset = campaign.targeting.as_ref().and_then(|targeting| targeting.utc_offset).unwrap_or_default();
        let is_among = |list: &[Hours], hour| list.iter().any(|hours| hours.contains(hour));
        let weight = |hour: u8| {
            if !include.is_empty() && !is_among(include, hour) || is_among(exclude, hour) {
                return 0;
            }
            // The last line that names the hour counts.
            let line = campaign.hour_weights.iter().rev().find(|line| line.hours.contains(hour));
            line.map_or(1, |line| line.weight)
        };
        // Below 168.
        Some(Self::new(std::array::from_fn(|hour| weight(hour as u8)), offset))
    }

    /// A plan by the supply of each hour of the week, Monday's first hour of UTC first, on the clock and in the hours of
    /// another plan: an hour that weighs nothing there gets nothing here, and every other one gets something, so that a
    /// supply of which nothing was seen is found when it comes.
    ///
    /// # Examples
    ///
    /// ```
    /// use campaign::HourPlan;
    ///
    /// // Twice as much in the afternoon.
    /// let supply = std::array::from_fn(|hour| if hour % 24 < 12 { 1_000 } else { 2_000 });
    /// let plan = HourPlan::shaped(None, &supply);
    /// let (noon, midnight) = (12 * 60 * 60 * 1_000, 24 * 60 * 60 * 1_000);
    /// let (morning, afternoon) = (plan.between(0, noon), plan.between(noon, midnight));
    /// assert!(morning * 19 < afternoon * 10 && afternoon <= morning * 2, "in steps of a 255th of the best hour");
    /// ```
    #[must_use]
    pub fn shaped(hours: Option<&Self>, supply: &[u32; HOURS]) -> Self {
        let offset = hours.map_or_else(UtcOffset::default, |plan| plan.offset);
        // An hour of this clock lies in one hour of UTC, or in two of them where clocks differ by a part of an hour.
        let ahead = offset.minutes().rem_euclid(60) as u64;
        let first = (0..HOURS).map(|hour| (hour as i64 - offset.minutes().div_euclid(60)).rem_euclid(HOURS as i64));
        let of_hour = |first: i64| {
            let (late, early) = (first as usize, (first as usize + HOURS - 1) % HOURS);
            u64::from(supply[late]) * (60 - ahead) + u64::from(supply[early]) * ahead
        };
        let supply: Vec<u64> = first.map(of_hour).collect();
        let most = supply.iter().copied().max().unwrap_or(0).max(1);
        let weight = |hour: usize| {
            let scaled = (supply[hour] * u64::from(u8::MAX)).div_ceil(most).max(1);
            if hours.is_none_or(|plan| plan.weights[hour] > 0) { scaled as u8 } else { 0 }
        };
        Self::new(std::array::from_fn(weight), offset)
    }

    /// Whether no hour weighs anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights.iter().all(|weight| *weight == 0)
    }

    /// The weights between two moments: of each millisecond that of its hour, summed up. Zero if the second is not later.
    #[must_use]
    pub fn between(&self, from_ms: i64, to_ms: i64) -> i128 {
        if to_ms <= from_ms {
            return 0;
        }
        self.until(to_ms) - self.until(from_ms)
    }

    /// The weights of the last `length_ms` in which something is to be spent, of the time between two moments: hours that
    /// weigh nothing are passed over.
    #[must_use]
    pub fn last(&self, from_ms: i64, to_ms: i64, length_ms: i64) -> i128 {
        let (mut end_ms, mut left_ms, mut sum) = (to_ms, length_ms, 0);
        let mut empty = 0;
        while from_ms < end_ms && 0 < left_ms && empty < HOURS {
            let into_ms = end_ms.saturating_add(self.offset.ahead_of_monday_ms()).rem_euclid(HOUR_MS);
            let hour_ms = if into_ms == 0 { HOUR_MS } else { into_ms };
            let begin_ms = end_ms.saturating_sub(hour_ms).max(from_ms);
            let begin_ms = if self.between(begin_ms, end_ms) == 0 {
                empty += 1;
                begin_ms
            } else {
                empty = 0;
                let begin_ms = begin_ms.max(end_ms.saturating_sub(left_ms));
                sum += self.between(begin_ms, end_ms);
                left_ms -= end_ms - begin_ms;
                begin_ms
            };
            end_ms = begin_ms;
        }
        sum
    }

    /// The weights since some Monday's midnight long ago.
    fn until(&self, now_ms: i64) -> i128 {
        let local = now_ms.saturating_add(self.offset.ahead_of_monday_ms());
        let (weeks, rest) = (local.div_euclid(WEEK_MS), local.rem_euclid(WEEK_MS));
        let hour = (rest / HOUR_MS) as usize;
        let sum = |weights: &[u8]| weights.iter().map(|weight| i64::from(*weight)).sum::<i64>();
        let week = i128::from(sum(&self.weights) * HOUR_MS);
        let before = sum(&self.weights[..hour]) * HOUR_MS + i64::from(self.weights[hour]) * (rest % HOUR_MS);
        week * i128::from(weeks) + i128::from(before)
    }
}

impl fmt::Debug for HourPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HourPlan(UTC{}", self.offset)?;
        self.weights.chunks(24).try_for_each(|day| write!(f, " {day:?}"))?;
        f.write_str(")")
    }
}
