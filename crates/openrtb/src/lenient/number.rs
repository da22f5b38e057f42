//! Integers, flags and prices.
//!
//! Never: a float for a price.

use money::{Cpm, ParseMoneyError, Rounding};
use serde::Deserializer;

use super::{Lenient, raw, text};
use crate::request::{Coordinate, Floor};

/// A whole number: from digits, a string of digits, or a flag; a fraction is cut, what is too large is the largest.
fn integer(raw: &str) -> Option<i64> {
    if let Ok(value) = raw.parse() {
        return Some(value);
    }
    match raw.as_bytes().first()? {
        b't' => Some(1),
        b'f' => Some(0),
        b'"' => {
            let inner = text::text(raw)?;
            let inner = inner.trim();
            match inner.as_bytes().first()? {
                b'-' | b'0'..=b'9' => integer(inner),
                _ => None,
            }
        }
        // A decimal or an exponent. `as` saturates, so that 1e400 is the largest.
        _ => raw.parse::<f64>().ok().filter(|value| !value.is_nan()).map(|value| value as i64),
    }
}

impl<'de> Lenient<'de> for Option<i64> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = integer(raw(deserializer)?);
        Ok(())
    }
}

/// For counts and sizes: a negative number is absent.
impl<'de> Lenient<'de> for Option<u32> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let value = integer(raw(deserializer)?).filter(|value| 0 <= *value);
        *self = value.map(|value| u32::try_from(value).unwrap_or(u32::MAX));
        Ok(())
    }
}

/// A place is no price: a float will do.
impl<'de> Lenient<'de> for Option<Coordinate> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let degrees = raw(deserializer)?.trim_matches('"').trim().parse().ok();
        *self = degrees.and_then(Coordinate::from_degrees);
        Ok(())
    }
}

/// A flag: any number but zero is true; the words "true" and "false" count.
impl<'de> Lenient<'de> for Option<bool> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let raw = raw(deserializer)?;
        *self = match raw.trim_matches('"').trim() {
            word if word.eq_ignore_ascii_case("true") => Some(true),
            word if word.eq_ignore_ascii_case("false") => Some(false),
            _ => integer(raw).map(|value| value != 0),
        };
        Ok(())
    }
}

/// A price that an exchange asks for, rounded up. A negative one stays negative; one that no integer holds is the
/// greatest or least price.
fn price(raw: &str, rounding: Rounding) -> Option<Cpm> {
    let digits = raw.trim_matches('"').trim();
    match Cpm::parse(digits, rounding) {
        Ok(price) => Some(price),
        Err(ParseMoneyError::TooLarge { negative: true }) => Some(Cpm::MIN),
        Err(ParseMoneyError::TooLarge { negative: false }) => Some(Cpm::MAX),
        Err(_) => None,
    }
}

impl<'de> Lenient<'de> for Floor {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let raw = raw(deserializer)?;
        *self = match price(raw, Rounding::Up) {
            Some(price) => Self::Price(price),
            None if raw == "null" || raw.trim_matches('"').trim().is_empty() => Self::Absent,
            None => Self::Unreadable,
        };
        Ok(())
    }
}

impl<'de> Lenient<'de> for Option<Cpm> {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = price(raw(deserializer)?, Rounding::Up);
        Ok(())
    }
}

/// A price that a bidder offers, rounded down; absent or unreadable reads as zero, which is no bid.
impl<'de> Lenient<'de> for Cpm {
    fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = price(raw(deserializer)?, Rounding::Down).unwrap_or(Cpm::ZERO);
        Ok(())
    }
}
