//! Values of a definition that TOML has no exact type for: amounts and moments.
//!
//! Promises that an amount arrives digit by digit. Never lets one pass through a float.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// An amount of USD as it was written.
pub(super) struct Amount(pub(super) String);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AmountVisitor;

        impl Visitor<'_> for AmountVisitor {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of USD in quotes, such as \"250.00\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                Ok(Amount(text.to_owned()))
            }

            // Whole dollars are exact without quotes; a float is refused by the default, with `expecting` as advice.
            fn visit_i64<E: Error>(self, whole: i64) -> Result<Amount, E> {
                Ok(Amount(whole.to_string()))
            }
        }

        deserializer.deserialize_any(AmountVisitor)
    }
}

/// A day or a moment as it was written, in quotes or as TOML's own date-time.
#[derive(serde::Deserialize)]
#[serde(
    untagged,
    expecting = "invalid type: expected a day such as 2026-09-01, or a moment such as 2026-09-01T00:00:00+08:00"
)]
pub(super) enum When {
    Quoted(String),
    Bare(toml::value::Datetime),
}

/// Which end of a day is meant by a day without a time.
#[derive(Clone, Copy)]
pub(super) enum DayEnd {
    /// `starts = 2026-09-01` begins with the day.
    First,
    /// `ends = 2026-09-30` lasts through the day.
    Last,
}

impl When {
    /// Reads unix milliseconds. A day is a day of UTC; a moment must say its offset, as the server's own zone is no part of
    /// the definition.
    pub(super) fn to_ms(&self, day_end: DayEnd) -> Result<i64, String> {
        let text = match self {
            Self::Quoted(text) => text.clone(),
            Self::Bare(datetime) => datetime.to_string(),
        };
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Ok(moment.as_millisecond());
        }
        // A date parser accepts a moment and drops its time, so a day is told by its length.
        let day = (text.len() == "2026-09-01".len()).then(|| text.parse::<Date>().ok()).flatten();
        let midnight = match (day, day_end) {
            (Some(day), DayEnd::First) => Some(day),
            (Some(day), DayEnd::Last) => day.tomorrow().ok(),
            (None, _) => None,
        };
        midnight.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|day| day.timestamp().as_millisecond()).ok_or_else(
            || format!("{text:?} is neither a day such as 2026-09-01 nor a moment with offset such as 2026-09-01T00:00:00+08:00"),
        )
    }
}
