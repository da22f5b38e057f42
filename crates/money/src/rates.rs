//! A dated table of exchange rates.
//!
//! Promises: one rounding per conversion, in the direction asked for. A currency that is not in the table has no
//! rate, and the answer is `None`: no common currency is a no-bid.
//! Never: fetches anything, or guesses.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};

use crate::{Cpm, Currency, RatesError, Rounding};

/// An exchange rate in pico-USD per currency unit: 12 decimals, so that a rupiah keeps eight digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub i64);

crate::amount::amount!(Rate, 12);

impl Rate {
    /// The rate of USD.
    pub const ONE: Self = Self(PICOS_PER_UNIT);

    /// Converts a price in the currency of this rate to USD; `None` on overflow.
    #[must_use]
    pub fn to_usd(self, price: Cpm, rounding: Rounding) -> Option<Cpm> {
        convert(price, self, Self::ONE, rounding)
    }

    /// Converts a price in USD to the currency of this rate; `None` on overflow or unless the rate is positive.
    #[must_use]
    pub fn from_usd(self, price: Cpm, rounding: Rounding) -> Option<Cpm> {
        convert(price, Self::ONE, self, rounding)
    }
}

const PICOS_PER_UNIT: i64 = 1_000_000_000_000;

/// USD per unit of each known currency, as of a date. USD itself is always known.
///
/// # Examples
/// ```
/// use money::{Cpm, Currency, Rates, Rounding};
/// let rates = Rates::new("2026-07-01".parse()?, [(Currency::SGD, "0.78".parse()?)])?;
/// assert_eq!(rates.to_usd(Cpm(1_000_000), Currency::SGD, Rounding::Down), Some(Cpm(780_000)));
/// assert_eq!(rates.from_usd(Cpm(1_000_000), Currency::SGD, Rounding::Down), Some(Cpm(1_282_051)));
/// assert_eq!(rates.to_usd(Cpm(1), Currency::THB, Rounding::Up), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    as_of: Date,
    usd_per_unit: Vec<(Currency, Rate)>,
}

impl Rates {
    /// Builds a table.
    ///
    /// # Errors
    /// [`RatesError`] if a rate is not positive, a currency stands twice, or USD is not 1.
    pub fn new(as_of: Date, usd_per_unit: impl IntoIterator<Item = (Currency, Rate)>) -> Result<Self, RatesError> {
        let mut table = BTreeMap::new();
        for (currency, rate) in usd_per_unit {
            if rate.0 <= 0 {
                return Err(RatesError::NotPositive(currency));
            }
            if currency == Currency::USD && rate != Rate::ONE {
                return Err(RatesError::UsdNotOne);
            }
            if table.insert(currency, rate).is_some() {
                return Err(RatesError::Twice(currency));
            }
        }
        table.insert(Currency::USD, Rate::ONE);
        Ok(Self { as_of, usd_per_unit: table.into_iter().collect() })
    }

    /// The table that knows nothing but USD.
    #[must_use]
    pub fn usd_only(as_of: Date) -> Self {
        Self { as_of, usd_per_unit: vec![(Currency::USD, Rate::ONE)] }
    }

    /// The day for which the rates were published.
    #[must_use]
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// The currencies of the table in alphabetical order, USD among them.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> + '_ {
        self.usd_per_unit.iter().map(|(currency, _)| *currency)
    }

    /// USD per unit of a currency; `None` if the table does not know it.
    #[must_use]
    pub fn rate(&self, currency: Currency) -> Option<Rate> {
        let index = self.usd_per_unit.binary_search_by_key(&currency, |(known, _)| *known).ok()?;
        Some(self.usd_per_unit[index].1)
    }

    /// Converts a price to USD; `None` if the currency is unknown or the result overflows.
    #[must_use]
    pub fn to_usd(&self, price: Cpm, currency: Currency, rounding: Rounding) -> Option<Cpm> {
        self.convert(price, currency, Currency::USD, rounding)
    }

    /// Converts a price from USD; `None` if the currency is unknown or the result overflows.
    #[must_use]
    pub fn from_usd(&self, price: Cpm, currency: Currency, rounding: Rounding) -> Option<Cpm> {
        self.convert(price, Currency::USD, currency, rounding)
    }

    /// Converts between two currencies with a single rounding; `None` if one is unknown or the result overflows.
    #[must_use]
    pub fn convert(&self, price: Cpm, source: Currency, target: Currency, rounding: Rounding) -> Option<Cpm> {
        convert(price, self.rate(source)?, self.rate(target)?, rounding)
    }
}

/// `price * source / target`; the product of two `i64` cannot leave `i128`.
fn convert(price: Cpm, source: Rate, target: Rate, rounding: Rounding) -> Option<Cpm> {
    if source == target {
        return Some(price);
    }
    let product = i128::from(price.0) * i128::from(source.0);
    rounding.divide(product, i128::from(target.0)).map(Cpm)
}

/// From `{ as_of = "2026-07-01", usd_per_unit = { SGD = "0.78", .. } }`.
impl<'de> Deserialize<'de> for Rates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            as_of: String,
            usd_per_unit: BTreeMap<Currency, Rate>,
        }
        let Table { as_of, usd_per_unit } = Table::deserialize(deserializer)?;
        let as_of = as_of
            .parse()
            .map_err(|_| de::Error::custom("as_of is not a date: write year-month-day, for example \"2026-07-01\""))?;
        Self::new(as_of, usd_per_unit).map_err(de::Error::custom)
    }
}
