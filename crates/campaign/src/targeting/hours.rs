//! Hours of the week, in a fixed offset from UTC.
//!
//! Promises whole hours. Never knows summer time: Singapore, Indonesia and Thailand have none.

use std::fmt;
use std::str::FromStr;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const HOURS_PER_DAY: usize = 24;
const HOURS_PER_WEEK: usize = 7 * HOURS_PER_DAY;
const MINUTE_MS: i64 = 60_000;
/// The first moment of Unix time was a Thursday's midnight.
const EPOCH_HOUR: i64 = 3 * HOURS_PER_DAY as i64;

/// Some hours of the week.
///
/// # Examples
///
/// ```
/// use campaign::targeting::{Hours, UtcOffset};
///
/// let breakfast: Hours = "mon-fri 7-10".parse()?;
/// let singapore: UtcOffset = "+08:00".parse()?;
/// // 2026-11-23 is a Monday.
/// let at = |moment: &str| moment.parse::<jiff::Timestamp>().unwrap().as_millisecond();
/// assert!(breakfast.contains(singapore.hour_of_week(at("2026-11-23T07:00:00+08:00"))));
/// assert!(breakfast.contains(singapore.hour_of_week(at("2026-11-23T01:59:59Z"))));
/// assert!(!breakfast.contains(singapore.hour_of_week(at("2026-11-23T10:00:00+08:00"))));
/// assert!(!breakfast.contains(singapore.hour_of_week(at("2026-11-22T07:00:00+08:00"))));
/// # Ok::<(), campaign::targeting::ParseHoursError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hours([u64; 3]);

impl Hours {
    /// Tells whether an hour is among them, counted from Monday's first.
    #[must_use]
    pub fn contains(self, hour_of_week: u8) -> bool {
        let hour = usize::from(hour_of_week);
        hour < HOURS_PER_WEEK && self.0[hour / 64] >> (hour % 64) & 1 == 1
    }

    /// These and those.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1], self.0[2] | other.0[2]])
    }

    /// These without those.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self([self.0[0] & !other.0[0], self.0[1] & !other.0[1], self.0[2] & !other.0[2]])
    }

    /// The whole week.
    #[must_use]
    pub fn all() -> Self {
        Self([u64::MAX; 3])
    }

    /// These hours by a clock of UTC, where they are of a clock ahead by whole hours; `None` if its hours begin at other minutes.
    pub(crate) fn in_utc(self, offset: UtcOffset) -> Option<impl Iterator<Item = u8>> {
        let ahead = (offset.0 % 60 == 0).then_some(i64::from(offset.0 / 60))?;
        let hours = (0..HOURS_PER_WEEK as u8).filter(move |hour| self.contains(*hour));
        Some(hours.map(move |hour| (i64::from(hour) - ahead).rem_euclid(HOURS_PER_WEEK as i64) as u8))
    }

    fn insert(&mut self, hour: usize) {
        self.0[hour / 64] |= 1 << (hour % 64);
    }
}

/// A text that names no hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseHoursError {
    /// No days and hours.
    #[error(
        "{0:?} names no hours of the week: write days and hours from 0 to 24, such as \"mon-fri 7-10\" or \"sat,sun\""
    )]
    Hours(String),
    /// No offset.
    #[error("{0:?} is no offset from UTC: write hours and minutes within 14:00, such as \"+08:00\"")]
    Offset(String),
}

impl FromStr for Hours {
    type Err = ParseHoursError;

    fn from_str(text: &str) -> Result<Self, ParseHoursError> {
        parse_hours(text).ok_or_else(|| ParseHoursError::Hours(text.to_owned()))
    }
}

/// As they are read: days, each with the hours of the first of them. Hours that differ from day to day have no such text.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |day: usize, hour: usize| self.contains((day * HOURS_PER_DAY + hour) as u8);
        let days: Vec<usize> = (0..DAYS.len()).filter(|day| (0..HOURS_PER_DAY).any(|hour| has(*day, hour))).collect();
        let Some(first) = days.first() else { return Ok(()) };
        let from = (0..HOURS_PER_DAY).find(|hour| has(*first, *hour)).unwrap_or(0);
        let to = (from..HOURS_PER_DAY).find(|hour| !has(*first, *hour)).unwrap_or(HOURS_PER_DAY);
        let names: Vec<&str> = days.iter().map(|day| DAYS[*day]).collect();
        write!(f, "{} {from}-{to}", names.join(","))
    }
}

fn parse_hours(text: &str) -> Option<Hours> {
    let lower = text.trim().to_ascii_lowercase();
    let (days, hours) = lower.split_once(' ').unwrap_or((&lower, "0-24"));
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    let (from, to) = hours.trim().split_once('-')?;
    let (from, to): (usize, usize) = (hour(from)?, hour(to)?);
    if from >= to {
        return None;
    }
    let mut found = Hours::default();
    for part in days.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        // "sat-mon" goes over the end of the week.
        let count = (last + 7 - first) % 7 + 1;
        for day in (first..first + count).map(|day| day % 7) {
            (from..to).for_each(|hour| found.insert(day * HOURS_PER_DAY + hour));
        }
    }
    Some(found)
}

fn hour(text: &str) -> Option<usize> {
    let plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|hour| plain && *hour <= HOURS_PER_DAY)
}

/// How far a clock is ahead of UTC, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UtcOffset(i16);

impl UtcOffset {
    /// The hour of the week that a clock with this offset shows, counted from Monday's first.
    #[must_use]
    pub fn hour_of_week(self, now_ms: i64) -> u8 {
        let minutes = now_ms.div_euclid(MINUTE_MS) + i64::from(self.0);
        let hour = (minutes.div_euclid(60) + EPOCH_HOUR).rem_euclid(HOURS_PER_WEEK as i64);
        // Below 168.
        hour as u8
    }

    /// How many minutes a clock with this offset is ahead of UTC.
    pub(crate) fn minutes(self) -> i64 {
        i64::from(self.0)
    }

    /// What is to be added to Unix time to count from a Monday's midnight by this clock.
    pub(crate) fn ahead_of_monday_ms(self) -> i64 {
        i64::from(self.0) * MINUTE_MS + EPOCH_HOUR * 60 * MINUTE_MS
    }
}

impl FromStr for UtcOffset {
    type Err = ParseHoursError;

    fn from_str(text: &str) -> Result<Self, ParseHoursError> {
        parse_offset(text.trim()).map(Self).ok_or_else(|| ParseHoursError::Offset(text.to_owned()))
    }
}

fn parse_offset(text: &str) -> Option<i16> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let number = |digits: &str| -> Option<i16> {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let ahead = hours * 60 + minutes;
    (minutes < 60 && ahead <= 14 * 60).then_some(sign * ahead)
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", self.0.abs() / 60, self.0.abs() % 60)
    }
}
