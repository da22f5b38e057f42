//! What can be wrong with money that comes from outside.

use crate::Currency;

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseMoneyError {
    /// The text is not a decimal number in JSON's syntax.
    #[error("not a decimal number at byte {at}: write digits as in 1.25, -3 or 2e-1")]
    Syntax {
        /// Offset of the first byte that does not fit.
        at: usize,
    },
    /// The number is beyond what the type holds; the sign tells in which direction.
    #[error("number too large for an amount of money: at most 19 digits in the smallest unit")]
    TooLarge {
        /// True if the number is below the least amount, false if above the greatest.
        negative: bool,
    },
    /// The number has more decimals than the type holds, and exactness was asked for.
    #[error("more than {decimals} decimals: round the amount where it is written")]
    Inexact {
        /// Decimals that the type holds.
        decimals: u32,
    },
    /// The text is not a currency code.
    #[error("not a currency code: write three letters of ISO 4217, for example USD")]
    Currency,
}

/// Why a table of exchange rates is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RatesError {
    /// A rate is zero or negative.
    #[error("rate of {0} is not positive: write USD per one {0}")]
    NotPositive(Currency),
    /// USD is given a rate other than 1.
    #[error("rate of USD is not 1: the table is in USD per unit")]
    UsdNotOne,
    /// A currency stands twice in the table.
    #[error("currency {0} stands twice in the table: keep one rate")]
    Twice(Currency),
}
