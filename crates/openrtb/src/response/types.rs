//! The objects of a response, and the tolerant reader for tests and the simulator.

use std::borrow::Cow;

use money::{Cpm, Currency};
use serde::Deserializer;

use super::owned::IntoOwned;
use crate::EventNotificationToken;
use crate::lenient::{Lenient, Scanner, object};
use crate::{Malformed, Nbr, parse};

/// Reads a bid response as tolerantly as [`parse_request`](crate::parse_request) reads a request.
///
/// A price that is missing or no number reads as zero; a `cur` that is no currency code as XXX.
///
/// # Errors
/// [`Malformed`] if the body is no JSON object.
pub fn parse_response(body: &[u8]) -> Result<BidResponse<'static>, Malformed> {
    parse::object::<BidResponse<'_>>(body).map(BidResponse::into_owned)
}

object! {
    /// A bid response.
    BidResponse<'a> {
        /// The request that it answers.
        "id" => id: Cow<'a, str>,
        /// Bids by seat; none means no bid.
        "seatbid" => seatbid: Vec<SeatBid<'a>>,
        /// The bidder's own id of the response.
        "bidid" => bidid: Option<Cow<'a, str>>,
        /// The currency of all bids; absent means USD.
        "cur" => cur: Option<Currency>,
        /// Data to be kept in the exchange's cookie.
        "customdata" => customdata: Option<Cow<'a, str>>,
        /// Why there is no bid.
        "nbr" => nbr: Option<Nbr>,
    }
}

object! {
    /// The bids of a seat.
    SeatBid<'a> {
        /// The bids.
        "bid" => bid: Vec<Bid<'a>>,
        /// The seat.
        "seat" => seat: Option<Cow<'a, str>>,
        /// Whether the bids win or lose together.
        "group" => group: Option<bool>,
    }
}

object! {
    /// A bid on one impression.
    Bid<'a> {
        /// The bid, chosen by the bidder.
        "id" => id: Cow<'a, str>,
        /// The impression.
        "impid" => impid: Cow<'a, str>,
        /// The price per thousand.
        "price" => price: Cpm,
        /// Win notice.
        "nurl" => nurl: Option<Cow<'a, str>>,
        /// Billing notice.
        "burl" => burl: Option<Cow<'a, str>>,
        /// Loss notice.
        "lurl" => lurl: Option<Cow<'a, str>>,
        /// Markup.
        "adm" => adm: Option<Cow<'a, str>>,
        /// A creative that the exchange has already.
        "adid" => adid: Option<Cow<'a, str>>,
        /// Domains of the advertiser.
        "adomain" => adomain: Vec<Cow<'a, str>>,
        /// The advertised app.
        "bundle" => bundle: Option<Cow<'a, str>>,
        /// An image of the creative.
        "iurl" => iurl: Option<Cow<'a, str>>,
        /// The campaign.
        "cid" => cid: Option<Cow<'a, str>>,
        /// The creative.
        "crid" => crid: Option<Cow<'a, str>>,
        /// Tactic.
        "tactic" => tactic: Option<Cow<'a, str>>,
        /// The taxonomy of `cat`.
        "cattax" => cattax: Option<i64>,
        /// Categories of the creative.
        "cat" => cat: Vec<Cow<'a, str>>,
        /// Attributes of the creative.
        "attr" => attr: Vec<i64>,
        /// API frameworks that the markup needs.
        "apis" => apis: Vec<i64>,
        /// Protocol of video markup.
        "protocol" => protocol: Option<i64>,
        /// Media rating.
        "qagmediarating" => qagmediarating: Option<i64>,
        /// Language of the creative (ISO 639-1).
        "language" => language: Option<Cow<'a, str>>,
        /// The deal.
        "dealid" => dealid: Option<Cow<'a, str>>,
        /// Width in device-independent pixels.
        "w" => w: Option<u32>,
        /// Height in device-independent pixels.
        "h" => h: Option<u32>,
        /// Seconds that may pass between auction and impression.
        "exp" => exp: Option<u32>,
        /// Duration in seconds.
        "dur" => dur: Option<u32>,
        /// Kind of markup: 1 banner, 2 video, 3 audio, 4 native.
        "mtype" => mtype: Option<i64>,
        /// Extensions of exchanges.
        "ext" => ext: Option<BidExt<'a>>,
    }
}

object! {
    /// Extensions of a bid.
    BidExt<'a> {
        /// Google: comes back with what becomes of the bid.
        "event_notification_token" => event_notification_token: Option<EventNotificationToken<'a>>,
    }
}

impl BidResponse<'_> {
    /// The currency of the bids, USD by default.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.cur.unwrap_or(Currency::USD)
    }

    /// All bids with their seat.
    pub fn bids(&self) -> impl Iterator<Item = (&SeatBid<'_>, &Bid<'_>)> {
        self.seatbid.iter().flat_map(|seat| seat.bid.iter().map(move |bid| (seat, bid)))
    }

    /// Copies what is still borrowed.
    #[must_use]
    pub fn into_owned(self) -> BidResponse<'static> {
        IntoOwned::into_owned(self)
    }
}

/// Reads the field by way of another type.
macro_rules! by_way_of {
    ($type:ty, $other:ty, $value:ident => $from:expr) => {
        impl<'de> Lenient<'de> for $type {
            fn read<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
                let mut $value: $other = None;
                $value.read(deserializer)?;
                *self = $from;
                Ok(())
            }

            fn scan(&mut self, scanner: Scanner<'de>, at: usize) -> Option<usize> {
                let mut $value: $other = None;
                let behind = $value.scan(scanner, at)?;
                *self = $from;
                Some(behind)
            }
        }
    };
}

by_way_of!(
    Option<Currency>,
    Option<Cow<'de, str>>,
    code => code.and_then(|code| code.trim().parse().ok().or_else(|| Currency::from_bytes(*b"XXX")))
);

by_way_of!(Option<Nbr>, Option<u32>, code => code.map(|code| Nbr(u16::try_from(code).unwrap_or(u16::MAX))));
