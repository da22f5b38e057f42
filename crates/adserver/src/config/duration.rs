//! Durations as people write them: `200ms`, `10s`, `5m`, `1h`, `90d`.
//!
//! A bare number is refused: its unit would be a guess.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// For `#[serde(deserialize_with)]`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text).ok_or_else(|| {
        de::Error::custom(format!("`{text}` is not a duration; write a whole number and its unit, such as \"200ms\", \"10s\", \"5m\", \"1h\" or \"90d\""))
    })
}

/// The same for a setting that may be missing.
pub(super) fn deserialize_some<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    deserialize(from).map(Some)
}

pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3_600).map(Duration::from_secs),
        "d" => number.checked_mul(86_400).map(Duration::from_secs),
        _ => None,
    }
}

/// Writes a duration as [`parse`] reads it.
pub(crate) fn show(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        _ if !ms.is_multiple_of(1_000) => format!("{ms} ms"),
        _ if ms.is_multiple_of(3_600_000) && ms > 0 => format!("{} h", ms / 3_600_000),
        _ if ms.is_multiple_of(60_000) && ms > 60_000 => format!("{} min", ms / 60_000),
        _ => format!("{} s", ms / 1_000),
    }
}
