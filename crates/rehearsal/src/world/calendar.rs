//! Hours of the day, and how busy they are.
//!
//! Promises a curve whose mean over a day is one. Never knows summer time: none of the countries has it.

use super::places::Country;

/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;

/// How busy each local hour is: quiet at four in the morning, busiest in the evening.
const BUSY: [u32; 24] =
    [55, 40, 30, 25, 24, 28, 40, 60, 80, 95, 105, 115, 125, 120, 115, 112, 115, 120, 130, 145, 160, 165, 140, 90];

/// The clock on the wall of a country.
#[derive(Debug)]
pub struct Calendar;

impl Calendar {
    /// The local hour, 0 to 23.
    pub fn hour(country: &Country, now_ms: i64) -> usize {
        let local = now_ms + country.ahead_h * HOUR_MS;
        usize::try_from(local.div_euclid(HOUR_MS).rem_euclid(24)).expect("below 24")
    }

    /// How busy it is, as a part of the day's mean, going smoothly from hour to hour.
    pub fn busy(country: &Country, now_ms: i64) -> f64 {
        let mean = f64::from(BUSY.iter().sum::<u32>()) / 24.0;
        let hour = Self::hour(country, now_ms);
        let into = (now_ms + country.ahead_h * HOUR_MS).rem_euclid(HOUR_MS) as f64 / HOUR_MS as f64;
        let (this, next) = (f64::from(BUSY[hour]), f64::from(BUSY[(hour + 1) % 24]));
        (this + (next - this) * into) / mean
    }

    /// The most that [`busy`](Self::busy) ever is.
    pub fn busiest() -> f64 {
        f64::from(*BUSY.iter().max().expect("24 hours")) / (f64::from(BUSY.iter().sum::<u32>()) / 24.0)
    }

    /// The part of a day's traffic in these local hours.
    pub fn part_of_day(hours: std::ops::Range<usize>) -> f64 {
        f64::from(BUSY[hours].iter().sum::<u32>()) / f64::from(BUSY.iter().sum::<u32>())
    }
}
