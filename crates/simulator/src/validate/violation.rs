//! What can be wrong with a bid.

use money::{Cpm, Currency};

/// A reason to reject a bid, or a whole response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The answer is no JSON object.
    #[error("response is not a JSON object")]
    NotJson,
    /// The response answers another request.
    #[error("response id {response:?} is not the request's {request:?}")]
    ResponseId {
        /// The response's.
        response: String,
        /// The request's.
        request: String,
    },
    /// A 200 without a bid: 204 is the form for that.
    #[error("response holds no bid")]
    NoBid,
    /// The response's currency is not among those accepted.
    #[error("currency {0} is not accepted")]
    Currency(String),
    /// No exchange rate leads from the floor's currency to the bid's.
    #[error("floor in {floor} cannot be compared to a bid in {bid}")]
    NoRate {
        /// The floor's currency.
        floor: String,
        /// The bid's currency.
        bid: Currency,
    },
    /// The bid has no id, or the same as another of the response.
    #[error("bid id {0:?} is empty or not unique")]
    BidId(String),
    /// The bid is for an impression that was not offered, or not validly.
    #[error("impid {0:?} was not offered")]
    ImpId(String),
    /// A second bid for one impression.
    #[error("second bid for impid {0:?}")]
    SecondBid(String),
    /// The price is missing, unreadable, or not above zero.
    #[error("price {0:?} is no price")]
    Price(String),
    /// The price is below the floor.
    #[error("price {price} {currency} is below the floor {floor} {floor_currency}")]
    BelowFloor {
        /// The bid's price.
        price: Cpm,
        /// The bid's currency.
        currency: Currency,
        /// The floor.
        floor: Cpm,
        /// The floor's currency.
        floor_currency: Currency,
    },
    /// The floor is negative: the server promises not to bid then.
    #[error("bid on a negative floor")]
    NegativeFloor,
    /// The size is missing or none of the impression's.
    #[error("size {w}x{h} is none of the impression's")]
    Size {
        /// Width, zero if missing.
        w: i64,
        /// Height, zero if missing.
        h: i64,
    },
    /// No advertiser domain.
    #[error("adomain is missing")]
    NoAdvertiser,
    /// The advertiser is blocked.
    #[error("advertiser {0} is blocked")]
    BlockedAdvertiser(String),
    /// No creative id, or one longer than 128 bytes.
    #[error("crid {0:?} is missing or too long")]
    Creative(String),
    /// The category is blocked, or not among those allowed.
    #[error("category {0} is blocked")]
    BlockedCategory(String),
    /// An attribute of the creative is blocked.
    #[error("creative attribute {0} is blocked")]
    BlockedAttribute(i64),
    /// No markup.
    #[error("adm is missing")]
    NoMarkup,
    /// Insecure markup where a secure one is required.
    #[error("adm loads over http where secure is 1")]
    Insecure,
    /// An open bid in a private auction, or a deal that was not offered.
    #[error("deal {0:?} was not offered")]
    Deal(String),
    /// The seat is not among those allowed.
    #[error("seat {0:?} is not allowed")]
    Seat(String),
}

impl Violation {
    /// A short name for counters.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::ResponseId { .. } => "response_id",
            Self::NoBid => "no_bid",
            Self::Currency(_) => "currency",
            Self::NoRate { .. } => "no_rate",
            Self::BidId(_) => "bid_id",
            Self::ImpId(_) => "imp_id",
            Self::SecondBid(_) => "second_bid",
            Self::Price(_) => "price",
            Self::BelowFloor { .. } => "below_floor",
            Self::NegativeFloor => "negative_floor",
            Self::Size { .. } => "size",
            Self::NoAdvertiser => "no_advertiser",
            Self::BlockedAdvertiser(_) => "blocked_advertiser",
            Self::Creative(_) => "creative",
            Self::BlockedCategory(_) => "blocked_category",
            Self::BlockedAttribute(_) => "blocked_attribute",
            Self::NoMarkup => "no_markup",
            Self::Insecure => "insecure",
            Self::Deal(_) => "deal",
            Self::Seat(_) => "seat",
        }
    }

    /// The loss reason that an exchange tells for it (OpenRTB 2.6, loss reason codes).
    pub fn loss_code(&self) -> u16 {
        match self {
            Self::ResponseId { .. } => 5,
            Self::NoAdvertiser => 6,
            Self::NoMarkup => 7,
            Self::Creative(_) => 8,
            Self::Price(_) => 9,
            Self::Deal(_) => 4,
            Self::BelowFloor { .. } | Self::NegativeFloor => 100,
            Self::Seat(_) => 104,
            Self::Size { .. } => 203,
            Self::BlockedAdvertiser(_) => 205,
            Self::Insecure => 207,
            Self::BlockedCategory(_) => 209,
            Self::BlockedAttribute(_) => 210,
            _ => 3,
        }
    }
}
