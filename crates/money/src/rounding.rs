//! The direction in which an inexact result goes.
//!
//! Never: "to nearest". Whoever converts says who may lose the remainder.

/// The direction in which a value that falls between two units is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// Towards positive infinity: floors and spend.
    Up,
    /// Towards negative infinity: bids.
    Down,
}

impl Rounding {
    /// Divides with this rounding; `None` if the divisor is not positive or the result leaves `i64`.
    pub(crate) fn divide(self, numerator: i128, denominator: i128) -> Option<i64> {
        if denominator <= 0 {
            return None;
        }
        let floor = numerator.div_euclid(denominator);
        let exact = numerator.rem_euclid(denominator) == 0;
        let result = match self {
            Rounding::Up if !exact => floor + 1,
            _ => floor,
        };
        i64::try_from(result).ok()
    }
}
