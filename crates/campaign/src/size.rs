//! The size of a creative or of an ad slot.
//!
//! Promises a width and a height that are both above zero when parsed. Never scales: sizes match exactly or not at all.

use std::fmt;
use std::str::FromStr;

/// The largest width or height that a definition may name, in device-independent pixels: larger ones are slips.
pub const SIDE_MAX: u32 = 10_000;

/// Width and height in device-independent pixels, as OpenRTB's `w` and `h`.
///
/// # Examples
///
/// ```
/// use campaign::Size;
///
/// assert_eq!("300x250".parse(), Ok(Size::new(300, 250)));
/// assert_eq!(Size::new(320, 50).to_string(), "320x50");
/// assert!("300".parse::<Size>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size {
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
}

impl Size {
    /// Makes a size of `w` by `h`.
    pub const fn new(w: u32, h: u32) -> Self {
        Self { w, h }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.w, self.h)
    }
}

/// A text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no size: write width x height in pixels, each from 1 to {SIDE_MAX}, such as \"300x250\"")]
pub struct ParseSizeError(String);

impl FromStr for Size {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let side = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let value = digits.parse::<u32>().ok()?;
            (plain && (1..=SIDE_MAX).contains(&value)).then_some(value)
        };
        text.split_once('x')
            .and_then(|(w, h)| Some(Self::new(side(w)?, side(h)?)))
            .ok_or_else(|| ParseSizeError(text.to_owned()))
    }
}
