//! How an exchange's details differ from the standard.
//!
//! Plain data, given at wiring. It never decides whether to bid: it says how a bid is written, and what a request means that
//! leaves things out.

use money::Currency;

/// One exchange's way to speak OpenRTB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// `seatbid.seat`, our name there. Compared with `wseat` and `bseat`.
    pub seat: String,
    /// Currency of requests that name none.
    pub currency: Currency,
    /// Decimals of a price as written; more are cut, which rounds a bid down. At most 6.
    pub price_decimals: u32,
    /// Whether a registered creative is named by `adid` besides `crid`.
    pub sends_adid: bool,
    /// Whether `nurl` is written (some exchanges call only what is billable).
    pub sends_nurl: bool,
    /// Whether `lurl` is written.
    pub sends_lurl: bool,
    /// Whether the impression itself is the billing event: the billing notice's URL stands as a tracker in the markup,
    /// and no `burl` is written.
    pub bills_on_impression: bool,
    /// Whether it tells what became of bids within later requests (`ext.bid_feedback`), by the token that the bid carries as
    /// `ext.event_notification_token`.
    pub gives_feedback: bool,
    /// Whether bids in its first-price auctions are shaded by what it tells of the prices that win.
    pub shades: bool,
}

impl Dialect {
    /// OpenRTB 2.6 as it stands.
    #[must_use]
    pub fn openrtb(seat: impl Into<String>) -> Self {
        Self {
            seat: seat.into(),
            currency: Currency::USD,
            price_decimals: 6,
            sends_adid: false,
            sends_nurl: true,
            sends_lurl: true,
            bills_on_impression: false,
            gives_feedback: false,
            shades: true,
        }
    }

    /// Google Authorized Buyers: prices in micros, which six decimals of CPM are; `crid` names the creative. What became of
    /// a bid comes with later requests.
    #[must_use]
    pub fn google_adx(seat: impl Into<String>) -> Self {
        Self { gives_feedback: true, ..Self::openrtb(seat) }
    }

    /// Microsoft Monetize: the seat is the member id and required, `adid` is preferred, prices have four decimals.
    #[must_use]
    pub fn xandr(seat: impl Into<String>) -> Self {
        Self { sends_adid: true, price_decimals: 4, ..Self::openrtb(seat) }
    }

    /// Index Exchange: prices in cents.
    #[must_use]
    pub fn index(seat: impl Into<String>) -> Self {
        Self { price_decimals: 2, ..Self::openrtb(seat) }
    }

    /// The smallest step of a price, in micros.
    #[must_use]
    pub fn price_step(&self) -> i64 {
        10_i64.pow(6 - self.price_decimals.min(6))
    }
}
