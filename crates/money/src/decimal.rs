//! Decimal text to scaled integers and back, digit by digit.
//!
//! Promises: exact for any length of text and any exponent, in time linear in the text.
//! Never: allocates, or goes through a float.

use crate::{ParseMoneyError, Rounding};

/// Exponents beyond this are cut: no text that fits in memory needs more, and sums stay far from overflow.
const EXPONENT_ABS_MAX: i64 = 1 << 40;

/// What to do with digits below the smallest unit.
#[derive(Clone, Copy)]
pub(crate) enum Rest {
    Round(Rounding),
    Refuse,
}

struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

/// Reads JSON number syntax as an integer count of `10^-decimals` units.
pub(crate) fn parse(text: &str, decimals: u32, rest: Rest) -> Result<i64, ParseMoneyError> {
    let parts = split(text.as_bytes())?;
    let negative = parts.negative;
    let too_large = ParseMoneyError::TooLarge { negative };

    // The digits before `point` make the units, those after it the rest.
    let length = (parts.whole.len() + parts.fraction.len()) as i64;
    let point = parts.whole.len() as i64 + parts.exponent + i64::from(decimals);
    let mut units: i128 = 0;
    let mut inexact = false;
    for (index, digit) in parts.whole.iter().chain(parts.fraction).enumerate() {
        if (index as i64) < point {
            units = units * 10 + i128::from(digit - b'0');
            if units > i128::from(u64::MAX) {
                return Err(too_large);
            }
        } else if *digit != b'0' {
            inexact = true;
            break;
        }
    }
    if units != 0 {
        for _ in length..point {
            units *= 10;
            if units > i128::from(u64::MAX) {
                return Err(too_large);
            }
        }
    }
    if inexact {
        match rest {
            Rest::Refuse => return Err(ParseMoneyError::Inexact { decimals }),
            // Away from zero exactly when the direction and the sign agree.
            Rest::Round(Rounding::Up) if !negative => units += 1,
            Rest::Round(Rounding::Down) if negative => units += 1,
            Rest::Round(_) => {}
        }
    }
    let signed = if negative { -units } else { units };
    i64::try_from(signed).map_err(|_| too_large)
}

/// Splits by the grammar of RFC 8259, section 6.
fn split(text: &[u8]) -> Result<Parts<'_>, ParseMoneyError> {
    let syntax = |at: usize| ParseMoneyError::Syntax { at };
    let mut at = 0;
    let negative = text.first() == Some(&b'-');
    at += usize::from(negative);

    let whole = digits(text, at);
    let leading_zero = whole.len() > 1 && whole[0] == b'0';
    if whole.is_empty() || leading_zero {
        return Err(syntax(at));
    }
    at += whole.len();

    let mut fraction: &[u8] = &[];
    if text.get(at) == Some(&b'.') {
        at += 1;
        fraction = digits(text, at);
        if fraction.is_empty() {
            return Err(syntax(at));
        }
        at += fraction.len();
    }

    let mut exponent = 0;
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        let exponent_negative = text.get(at) == Some(&b'-');
        at += usize::from(matches!(text.get(at), Some(b'-' | b'+')));
        let shown = digits(text, at);
        if shown.is_empty() {
            return Err(syntax(at));
        }
        at += shown.len();
        for digit in shown {
            exponent = (exponent * 10 + i64::from(digit - b'0')).min(EXPONENT_ABS_MAX);
        }
        if exponent_negative {
            exponent = -exponent;
        }
    }
    if at < text.len() {
        return Err(syntax(at));
    }
    Ok(Parts { negative, whole, fraction, exponent })
}

/// The run of digits that starts at `from`.
fn digits(text: &[u8], from: usize) -> &[u8] {
    let tail = text.get(from..).unwrap_or(&[]);
    let length = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    &tail[..length]
}

/// Writes `value * 10^-decimals` exactly, without trailing zeros.
pub(crate) fn format(value: i64, decimals: u32, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    // 19 digits of an i64, the point, and a leading zero with up to 12 decimals fit.
    let mut text = [0_u8; 40];
    let mut start = text.len();
    let mut rest = value.unsigned_abs();
    let mut position = 0;
    let mut significant = false;
    while position <= decimals || rest != 0 {
        let digit = (rest % 10) as u8;
        rest /= 10;
        significant |= digit != 0 || position >= decimals;
        if position == decimals && decimals > 0 && start < text.len() {
            start -= 1;
            text[start] = b'.';
        }
        if significant {
            start -= 1;
            text[start] = b'0' + digit;
        }
        position += 1;
    }
    let shown = std::str::from_utf8(&text[start..]).unwrap_or("0");
    f.pad_integral(value >= 0, "", shown)
}
