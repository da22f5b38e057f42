//! Substitution macros: `${AUCTION_PRICE}` and its kin (OpenRTB 2.6, section 4.4).
//!
//! Promises: a known macro becomes its value, the empty string if the value is unknown; `AUDIT` when rendered for
//! review. A suffix (`${AUCTION_PRICE:B64}`) asks for an encoding.
//! Never: a value in the clear where an encoding was asked for that nobody knows; a change to a macro of someone
//! else, such as `${CLICK_URL}`.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a macro of the standard stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Macro {
    /// `${AUCTION_ID}`: the request.
    AuctionId,
    /// `${AUCTION_BID_ID}`: `BidResponse.bidid`.
    BidId,
    /// `${AUCTION_IMP_ID}`: the impression.
    ImpId,
    /// `${AUCTION_SEAT_ID}`: the seat.
    SeatId,
    /// `${AUCTION_AD_ID}`: `Bid.adid`.
    AdId,
    /// `${AUCTION_PRICE}`: the clearing price, in currency and unit of the bid.
    Price,
    /// `${AUCTION_CURRENCY}`: the currency.
    Currency,
    /// `${AUCTION_MBR}`: clearing price by bid price.
    Mbr,
    /// `${AUCTION_LOSS}`: the [`LossReason`](crate::LossReason).
    Loss,
    /// `${AUCTION_MIN_TO_WIN}`: the least bid that would have won.
    MinToWin,
    /// `${AUCTION_MULTIPLIER}`: impressions won, out of home.
    Multiplier,
    /// `${AUCTION_IMP_TS}`: time of the impression, out of home.
    ImpTs,
    /// `${AUCTION_DISCOUNT_PCT}`: discount in per cent.
    DiscountPct,
    /// `${AUCTION_DISCOUNT_CPM}`: discount as CPM.
    DiscountCpm,
}

impl Macro {
    /// Names the macro `AUCTION_..`; `None` if the standard has none of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.strip_prefix("AUCTION_")? {
            "ID" => Self::AuctionId,
            "BID_ID" => Self::BidId,
            "IMP_ID" => Self::ImpId,
            "SEAT_ID" => Self::SeatId,
            "AD_ID" => Self::AdId,
            "PRICE" => Self::Price,
            "CURRENCY" => Self::Currency,
            "MBR" => Self::Mbr,
            "LOSS" => Self::Loss,
            "MIN_TO_WIN" => Self::MinToWin,
            "MULTIPLIER" => Self::Multiplier,
            "IMP_TS" => Self::ImpTs,
            "DISCOUNT_PCT" => Self::DiscountPct,
            "DISCOUNT_CPM" => Self::DiscountCpm,
            _ => return None,
        })
    }
}

/// What an exchange knows when it renders a notice. The price is text, for it may be encrypted.
#[derive(Debug, Clone, Default)]
pub struct Values<'a> {
    /// The request.
    pub auction_id: Option<Cow<'a, str>>,
    /// `BidResponse.bidid`.
    pub bid_id: Option<Cow<'a, str>>,
    /// The impression.
    pub imp_id: Option<Cow<'a, str>>,
    /// The seat.
    pub seat_id: Option<Cow<'a, str>>,
    /// `Bid.adid`.
    pub ad_id: Option<Cow<'a, str>>,
    /// The clearing price.
    pub price: Option<Cow<'a, str>>,
    /// The currency.
    pub currency: Option<Cow<'a, str>>,
    /// Clearing price by bid price.
    pub mbr: Option<Cow<'a, str>>,
    /// Why the bid lost.
    pub loss: Option<crate::LossReason>,
    /// The least bid that would have won.
    pub min_to_win: Option<Cow<'a, str>>,
}

impl Values<'_> {
    fn get(&self, name: Macro) -> Option<Cow<'_, str>> {
        let text = match name {
            Macro::AuctionId => &self.auction_id,
            Macro::BidId => &self.bid_id,
            Macro::ImpId => &self.imp_id,
            Macro::SeatId => &self.seat_id,
            Macro::AdId => &self.ad_id,
            Macro::Price => &self.price,
            Macro::Currency => &self.currency,
            Macro::Mbr => &self.mbr,
            Macro::MinToWin => &self.min_to_win,
            Macro::Loss => return self.loss.map(|loss| Cow::Owned(loss.to_string())),
            Macro::Multiplier | Macro::ImpTs | Macro::DiscountPct | Macro::DiscountCpm => &None,
        };
        text.as_deref().map(Cow::Borrowed)
    }
}

/// Replaces the macros of a notice URL or of markup.
///
/// # Examples
/// ```
/// use openrtb::macros::{substitute, Values};
/// let values = Values { price: Some("1.25".into()), ..Values::default() };
/// let url = "https://bid.example/win?p=${AUCTION_PRICE}&e=${AUCTION_PRICE:B64}&l=${AUCTION_LOSS}&c=${CLICK_URL}";
/// assert_eq!(substitute(url, &values), "https://bid.example/win?p=1.25&e=MS4yNQ==&l=&c=${CLICK_URL}");
/// ```
#[must_use]
pub fn substitute(template: &str, values: &Values<'_>) -> String {
    substitute_with(template, |name, encoding| {
        let value = values.get(name)?;
        match encoding {
            None => Some(value),
            Some("B64") => Some(Cow::Owned(STANDARD.encode(value.as_bytes()))),
            Some(_) => None,
        }
    })
}

/// Replaces every macro by the literal `AUDIT`, as for a review of quality.
#[must_use]
pub fn substitute_for_audit(template: &str) -> String {
    substitute_with(template, |_, _| Some(Cow::Borrowed("AUDIT")))
}

/// Replaces each macro by what `value` answers for it and its encoding; by nothing if that is `None`.
#[must_use]
pub fn substitute_with<'v>(
    template: &str,
    mut value: impl FnMut(Macro, Option<&str>) -> Option<Cow<'v, str>>,
) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let inside = &from[2..];
        let known = inside.find('}').and_then(|end| {
            let (name, encoding) = match inside[..end].split_once(':') {
                Some((name, encoding)) => (name, Some(encoding)),
                None => (&inside[..end], None),
            };
            Some((Macro::from_name(name)?, encoding, end))
        });
        match known {
            Some((name, encoding, end)) => {
                out.push_str(value(name, encoding).as_deref().unwrap_or_default());
                rest = &inside[end + 1..];
            }
            None => {
                out.push_str("${");
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}
