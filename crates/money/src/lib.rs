//! Exact money: prices, amounts, currencies and dated exchange rates.
//!
//! Promises: every value is an integer, every conversion names the direction in which it rounds, every
//! operation that can overflow says so. Decimal text is read digit by digit.
//!
//! Never: a float, a silent loss of precision, a panic on input.
//!
//! Units:
//!
//! | type | unit |
//! |---|---|
//! | [`Cpm`] | micros of a currency unit per 1,000 impressions |
//! | [`Nanos`] | nano-USD |
//! | [`Rate`] | pico-USD per currency unit |
//!
//! One impression at `Cpm(x)` in USD costs exactly `Nanos(x)`: micros per thousand are nanos per one.
//!
//! Direction: floors round up, bids down, spend up. So a bid never falls below a floor, exceeds what the
//! campaign offered, or costs more than was debited, because of arithmetic.

mod amount;
mod cpm;
mod currency;
mod decimal;
mod error;
mod nanos;
mod rates;
mod rounding;

pub use cpm::Cpm;
pub use currency::Currency;
pub use error::{ParseMoneyError, RatesError};
pub use nanos::Nanos;
pub use rates::{Rate, Rates};
pub use rounding::Rounding;
