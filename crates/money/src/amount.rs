//! What all amounts share: text, serde and checked arithmetic.
//!
//! Never: an operator that could overflow unseen. There is no `+` here on purpose.

/// Gives a newtype over `i64` its decimal text, serde form and checked arithmetic.
macro_rules! amount {
    ($name:ident, $decimals:literal) => {
        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The greatest value.
            pub const MAX: Self = Self(i64::MAX);
            /// The least value.
            pub const MIN: Self = Self(i64::MIN);
            /// Decimals of one unit that the type holds.
            pub const DECIMALS: u32 = $decimals;

            /// Reads a decimal in JSON's number syntax ("1.5", "2e-1", "-3"), rounding what is finer than the type.
            ///
            /// # Errors
            /// [`ParseMoneyError::Syntax`](crate::ParseMoneyError::Syntax) and
            /// [`ParseMoneyError::TooLarge`](crate::ParseMoneyError::TooLarge).
            pub fn parse(text: &str, rounding: crate::Rounding) -> Result<Self, crate::ParseMoneyError> {
                crate::decimal::parse(text, $decimals, crate::decimal::Rest::Round(rounding)).map(Self)
            }

            /// Reads a decimal that the type holds exactly; finer digits are an error. For configuration.
            ///
            /// # Errors
            /// As [`parse`](Self::parse), and [`ParseMoneyError::Inexact`](crate::ParseMoneyError::Inexact).
            pub fn parse_exact(text: &str) -> Result<Self, crate::ParseMoneyError> {
                crate::decimal::parse(text, $decimals, crate::decimal::Rest::Refuse).map(Self)
            }

            /// Adds; `None` on overflow.
            #[must_use]
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// Subtracts; `None` on overflow.
            #[must_use]
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }

            /// Multiplies by a whole number; `None` on overflow.
            #[must_use]
            pub fn checked_mul(self, factor: i64) -> Option<Self> {
                self.0.checked_mul(factor).map(Self)
            }

            /// Multiplies by `numerator / denominator`; `None` on overflow or unless the denominator is positive.
            #[must_use]
            pub fn checked_mul_ratio(
                self,
                numerator: i64,
                denominator: i64,
                rounding: crate::Rounding,
            ) -> Option<Self> {
                let product = i128::from(self.0) * i128::from(numerator);
                rounding.divide(product, i128::from(denominator)).map(Self)
            }

            /// Adds, staying at the greatest or least value instead of overflowing.
            #[must_use]
            pub const fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }

            /// Subtracts, staying at the greatest or least value instead of overflowing.
            #[must_use]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }

            /// Sums; `None` on overflow.
            pub fn checked_sum(values: impl IntoIterator<Item = Self>) -> Option<Self> {
                values.into_iter().try_fold(Self::ZERO, Self::checked_add)
            }

            /// Says whether the value is below zero.
            #[must_use]
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }
        }

        /// Exact decimal, trailing zeros trimmed.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::decimal::format(self.0, $decimals, f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        /// As [`parse_exact`](Self::parse_exact).
        impl std::str::FromStr for $name {
            type Err = crate::ParseMoneyError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse_exact(text)
            }
        }

        /// A decimal string.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        /// From a decimal string ("1.20") or a whole number of units; a float is refused.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an amount as a decimal string, for example \"1.20\"")
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::parse_exact(text).map_err(E::custom)
                    }

                    fn visit_i64<E: serde::de::Error>(self, units: i64) -> Result<$name, E> {
                        const SCALE: i64 = 10_i64.pow($decimals);
                        let negative = units < 0;
                        let too_large = crate::ParseMoneyError::TooLarge { negative };
                        units.checked_mul(SCALE).map($name).ok_or_else(|| E::custom(too_large))
                    }

                    fn visit_u64<E: serde::de::Error>(self, units: u64) -> Result<$name, E> {
                        let too_large = crate::ParseMoneyError::TooLarge { negative: false };
                        let units = i64::try_from(units).map_err(|_| E::custom(too_large))?;
                        self.visit_i64(units)
                    }
                }
                deserializer.deserialize_any(Text)
            }
        }
    };
}

pub(crate) use amount;
