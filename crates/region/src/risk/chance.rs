//! A probability in fixed point.
//!
//! Promises that it is between nothing and certainty, and that what is rounded is rounded up. Never a float.

/// A probability in units of 2^-24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

const BITS: u32 = 24;
const ONE: u128 = 1 << BITS;

impl Chance {
    /// It does not happen.
    pub const NONE: Self = Self(0);
    /// It happens.
    pub const CERTAIN: Self = Self(1 << BITS);

    /// `part / whole`, rounded up; certainty if that is more than one, or if `whole` is zero.
    #[must_use]
    pub fn ratio(part: u128, whole: u128) -> Self {
        if part >= whole {
            return Self::CERTAIN;
        }
        // `part < whole`, so that a shift that overflows is of two numbers beyond any count.
        let units = part.saturating_mul(ONE).div_ceil(whole);
        u32::try_from(units).map_or(Self::CERTAIN, |units| Self(units.min(1 << BITS)))
    }

    /// The probability in units of 2^-24.
    #[must_use]
    pub const fn units(self) -> u32 {
        self.0
    }

    /// The sum of two, at most certainty.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self((self.0 + other.0).min(1 << BITS))
    }

    /// What is to be expected of an amount, rounded up.
    #[must_use]
    pub fn of(self, amount: u128) -> u128 {
        amount.saturating_mul(u128::from(self.0)).div_ceil(ONE)
    }

    /// The variance of one trial times an amount, rounded up: `p (1 − p) · amount`.
    #[must_use]
    pub fn variance_of(self, amount: u128) -> u128 {
        let units = (u128::from(self.0) * (ONE - u128::from(self.0))).div_ceil(ONE);
        amount.saturating_mul(units).div_ceil(ONE)
    }
}
