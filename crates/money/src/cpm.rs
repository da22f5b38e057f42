//! Price per thousand impressions.

use crate::Nanos;

/// A price in micros of a currency unit per 1,000 impressions. The currency stands beside it, not in it.
///
/// # Examples
/// ```
/// use money::{Cpm, Nanos, Rounding};
/// let floor = Cpm::parse("0.0000015", Rounding::Up)?;
/// assert_eq!(floor, Cpm(2));
/// assert_eq!(Cpm(1_234_500).to_string(), "1.2345");
/// assert_eq!(Cpm(1_234_500).cost_in_usd(), Nanos(1_234_500));
/// # Ok::<(), money::ParseMoneyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cpm(pub i64);

crate::amount::amount!(Cpm, 6);

impl Cpm {
    /// What one impression at this price costs, the price being in USD. Exact.
    #[must_use]
    pub const fn cost_in_usd(self) -> Nanos {
        Nanos(self.0)
    }
}
