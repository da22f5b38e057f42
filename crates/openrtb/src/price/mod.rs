//! Prices as they come back in notices.
//!
//! Promises: whatever stands where the price should be is named: a price, `AUDIT`, nothing, a macro that nobody
//! replaced, or something unreadable. Only the first is worth money.
//! Never: an error that would keep a notice from being recorded.

pub mod adx;

use money::{Cpm, Rounding};

/// How an exchange writes the price into a notice.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PriceCodec {
    /// In the clear.
    Plain,
    /// Encrypted as Google does.
    Adx {
        /// The keys in use.
        current: Box<adx::Keys>,
        /// The keys before, while prices made with them are still under way.
        previous: Option<Box<adx::Keys>>,
    },
}

/// What stands where the price should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeenPrice {
    /// A price, in the currency of the bid; rounded up, as spend is.
    Price(Cpm),
    /// The notice was rendered for a review: not billable.
    Audit,
    /// Nothing: not billable.
    Empty,
    /// The macro itself: not billable.
    Unsubstituted,
    /// No price: not billable.
    Unreadable,
}

impl SeenPrice {
    /// The price, if it is one.
    #[must_use]
    pub const fn price(self) -> Option<Cpm> {
        match self {
            Self::Price(price) => Some(price),
            _ => None,
        }
    }

    /// A label for a metric or a record.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Price(_) => "price",
            Self::Audit => "audit",
            Self::Empty => "empty",
            Self::Unsubstituted => "unsubstituted",
            Self::Unreadable => "unreadable",
        }
    }
}

impl PriceCodec {
    /// Reads what a notice says, after percent-decoding.
    ///
    /// # Examples
    /// ```
    /// use money::Cpm;
    /// use openrtb::price::{PriceCodec, SeenPrice};
    /// assert_eq!(PriceCodec::Plain.read("1.25"), SeenPrice::Price(Cpm(1_250_000)));
    /// assert_eq!(PriceCodec::Plain.read("AUDIT"), SeenPrice::Audit);
    /// assert_eq!(PriceCodec::Plain.read("${AUCTION_PRICE}"), SeenPrice::Unsubstituted);
    /// ```
    #[must_use]
    pub fn read(&self, text: &str) -> SeenPrice {
        let text = text.trim();
        if text.is_empty() {
            return SeenPrice::Empty;
        }
        if text.eq_ignore_ascii_case("AUDIT") {
            return SeenPrice::Audit;
        }
        if text.starts_with("${") || text.starts_with("%%") {
            return SeenPrice::Unsubstituted;
        }
        let price = match self {
            Self::Plain => Cpm::parse(text, Rounding::Up).ok(),
            Self::Adx { current, previous } => {
                let current = current.decrypt_price(text).ok();
                let previous = || previous.as_ref().and_then(|keys| keys.decrypt_price(text).ok());
                current.or_else(previous).map(|sealed| sealed.price)
            }
        };
        match price {
            Some(price) if !price.is_negative() => SeenPrice::Price(price),
            _ => SeenPrice::Unreadable,
        }
    }
}
