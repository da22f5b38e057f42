//! A pass probability and the draw against it.
//!
//! Promises that the ends are exact: nothing passes [`Pass::NONE`], everything passes [`Pass::ALL`].

/// A pass probability: the share of eligible bids that go on, in units of 2^-24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pass(u32);

const PASS_BITS: u32 = 24;

impl Pass {
    /// Nothing passes.
    pub const NONE: Self = Self(0);
    /// Everything passes.
    pub const ALL: Self = Self(1 << PASS_BITS);
    /// One in ten: the most that a campaign starts with, while there is little to go by.
    pub const SLOW_START: Self = Self((1 << PASS_BITS) / 10);

    /// The probability `part / whole`, at most one; one if `whole` is nothing.
    #[must_use]
    pub fn ratio(part: f64, whole: f64) -> Self {
        if part.is_nan() || part <= 0.0 {
            return Self::NONE;
        }
        if whole.is_nan() || part >= whole {
            return Self::ALL;
        }
        // A share below the resolution still passes something: zero would never be measured again. Below 2^24.
        Self(((part / whole * f64::from(Self::ALL.0)) as u32).max(1))
    }

    /// Whether a bid with this draw goes on. A draw is any 64 bits that look random and differ from bid to bid.
    #[must_use]
    pub fn passes(self, draw: u64) -> bool {
        (draw >> (64 - PASS_BITS)) < u64::from(self.0)
    }

    /// The probability in units of 2^-24.
    #[must_use]
    pub const fn units(self) -> u32 {
        self.0
    }

    /// The probability as a number from 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ALL.0)
    }

    /// The probability of so many units of 2^-24, at most one.
    #[must_use]
    pub const fn from_units(units: u32) -> Self {
        if units > Self::ALL.0 { Self::ALL } else { Self(units) }
    }
}
