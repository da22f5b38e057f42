//! Exact money: prices, amounts, currencies and dated exchange rates.
