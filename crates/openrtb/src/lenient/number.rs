//! Integers, flags and prices.
//!
//! Never: a float for a price.

use money::{Cpm, ParseMoneyError, Rounding};

use super::{scalar, text};
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

/// A value without the quotes that it may have, and without the blanks in them.
fn bare(raw: &str) -> &str {
    if raw.starts_with('"') { raw.trim_matches('"').trim() } else { raw }
}

scalar!(Option<i64>, raw => integer(raw), small => Some(i64::from(small)));

scalar!(
    /// For counts and sizes: a negative number is absent.
    Option<u32>,
    raw => integer(raw).filter(|value| 0 <= *value).map(|value| u32::try_from(value).unwrap_or(u32::MAX)),
    small => Some(small)
);

scalar!(
    /// A place is no price: a float will do.
    Option<Coordinate>,
    raw => match millionths(raw) {
        Some(microdegrees) => Coordinate::from_microdegrees(microdegrees),
        None => bare(raw).parse().ok().and_then(Coordinate::from_degrees),
    }
);

/// A number in millionths, if it is plain and short: some digits, perhaps a point and at most six more. Nothing is rounded.
fn millionths(raw: &str) -> Option<i64> {
    /// The millionths of so many digits and no more fit, and a float would be rounded to the same.
    const DIGITS_MAX: usize = 12;
    let (negative, digits) = match raw.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > DIGITS_MAX {
        return None;
    }
    let (mut units, mut decimals) = (0_i64, None);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                units = units * 10 + i64::from(byte - b'0');
                decimals = decimals.map(|decimals| decimals + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    // A point is between digits, and there is one at least.
    let whole = digits.len() - decimals.map_or(0, |decimals| decimals + 1);
    if whole == 0 || decimals == Some(0) {
        return None;
    }
    let missing = 6_usize.checked_sub(decimals.unwrap_or(0))?;
    let scaled = units * 10_i64.pow(missing as u32);
    Some(if negative { -scaled } else { scaled })
}

scalar!(
    /// A flag: any number but zero is true; the words "true" and "false" count.
    Option<bool>,
    raw => flag(raw),
    small => Some(small != 0)
);

fn flag(raw: &str) -> Option<bool> {
    match bare(raw) {
        word if word.eq_ignore_ascii_case("true") => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        _ => integer(raw).map(|value| value != 0),
    }
}

/// A price that an exchange asks for, rounded up. A negative one stays negative; one that no integer holds is the
/// greatest or least price.
fn price(raw: &str, rounding: Rounding) -> Option<Cpm> {
    if let Some(micros) = millionths(raw) {
        return Some(Cpm(micros));
    }
    match Cpm::parse(bare(raw), rounding) {
        Ok(price) => Some(price),
        Err(ParseMoneyError::TooLarge { negative: true }) => Some(Cpm::MIN),
        Err(ParseMoneyError::TooLarge { negative: false }) => Some(Cpm::MAX),
        Err(_) => None,
    }
}

scalar!(Floor, raw => floor(raw));

fn floor(raw: &str) -> Floor {
    match price(raw, Rounding::Up) {
        Some(price) => Floor::Price(price),
        None if raw == "null" || bare(raw).is_empty() => Floor::Absent,
        None => Floor::Unreadable,
    }
}

scalar!(Option<Cpm>, raw => price(raw, Rounding::Up));

scalar!(
    /// A price that a bidder offers, rounded down; absent or unreadable reads as zero, which is no bid.
    Cpm,
    raw => price(raw, Rounding::Down).unwrap_or(Cpm::ZERO)
);
