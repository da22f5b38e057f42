//! The top of a bid request.

use std::borrow::Cow;

use money::Currency;

use super::{App, Data, Device, Dooh, Floor, Imp, Publisher, Regs, Site, Source, SupplyChain, User};
use crate::lenient::object;
use crate::{Country, Malformed, parse};

/// Reads a bid request of OpenRTB 2.x, borrowing from the body.
///
/// Tolerates what real exchanges send: unknown fields, optional fields of the wrong type (converted or absent),
/// placeholders, repeated keys (the last one counts). Whether the request obeys the standard is a question for
/// [`validate`](crate::validate) and [`validity`](crate::validity).
///
/// # Errors
/// [`Malformed`] if the body is no JSON object.
///
/// # Examples
/// ```
/// use money::Cpm;
/// let body = br#"{"id":"a","imp":[{"id":"1","bidfloor":"0.25","banner":{"w":300,"h":250}}],"tmax":"120"}"#;
/// let request = openrtb::parse_request(body)?;
/// assert_eq!(request.tmax, Some(120));
/// assert_eq!(request.imp[0].floor(), Some(Cpm(250_000)));
/// assert_eq!(openrtb::validate(&request), Ok(()));
/// # Ok::<(), openrtb::Malformed>(())
/// ```
pub fn parse_request(body: &[u8]) -> Result<BidRequest<'_>, Malformed> {
    parse::object(body)
}

/// As [`parse_request`], into a fresh request: some kilobytes that are not moved. One that is not fresh keeps what the body
/// does not name.
///
/// # Errors
/// As [`parse_request`]; what `request` holds then means nothing.
pub fn read_request<'a>(body: &'a [u8], request: &mut BidRequest<'a>) -> Result<(), Malformed> {
    parse::object_into(body, request)
}

object! {
    /// A bid request.
    BidRequest<'a> {
        /// The auction; empty if the exchange sent none.
        "id" => id: Cow<'a, str>,
        /// The impressions on offer.
        "imp" => imp: Vec<Imp<'a>>,
        /// The website.
        "site" => site: Option<Site<'a>>,
        /// The app.
        "app" => app: Option<App<'a>>,
        /// The out-of-home screen.
        "dooh" => dooh: Option<Dooh<'a>>,
        /// The device.
        "device" => device: Option<Device<'a>>,
        /// The user.
        "user" => user: Option<User<'a>>,
        /// Whether the auction is not billable; see [`is_test`](BidRequest::is_test).
        "test" => test: Option<bool>,
        /// The auction type as a number; see [`auction_type`](BidRequest::auction_type).
        "at" => at: Option<i64>,
        /// Milliseconds for the answer, network included.
        "tmax" => tmax: Option<u32>,
        /// Seats that may bid; empty means all.
        "wseat" => wseat: Vec<Cow<'a, str>>,
        /// Seats that may not bid.
        "bseat" => bseat: Vec<Cow<'a, str>>,
        /// Whether all impressions of the page are here.
        "allimps" => allimps: Option<bool>,
        /// Currencies that bids may have; see [`accepts_currency`](BidRequest::accepts_currency).
        "cur" => cur: Vec<Cow<'a, str>>,
        /// Languages that creatives may have (ISO 639-1); empty means all.
        "wlang" => wlang: Vec<Cow<'a, str>>,
        /// The same as BCP 47 tags; either is sent.
        "wlangb" => wlangb: Vec<Cow<'a, str>>,
        /// Categories that are allowed; empty means all.
        "acat" => acat: Vec<Cow<'a, str>>,
        /// Categories that are blocked.
        "bcat" => bcat: Vec<Cow<'a, str>>,
        /// The taxonomy of `acat` and `bcat`.
        "cattax" => cattax: Option<i64>,
        /// Advertiser domains that are blocked.
        "badv" => badv: Vec<Cow<'a, str>>,
        /// Advertised apps that are blocked.
        "bapp" => bapp: Vec<Cow<'a, str>>,
        /// Where the request comes from.
        "source" => source: Option<Source<'a>>,
        /// Regulations.
        "regs" => regs: Option<Regs<'a>>,
        /// Older places of fields.
        "ext" => ext: Option<RequestExt<'a>>,
    }
}

object! {
    /// Extensions of the request.
    RequestExt<'a> {
        /// Where OpenRTB 2.4 put the supply chain.
        "schain" => schain: Option<SupplyChain<'a>>,
        /// Google: what became of earlier bids.
        "bid_feedback" => bid_feedback: Vec<BidFeedback<'a>>,
    }
}

object! {
    /// What became of an earlier bid (Google's `BidRequestExt.BidFeedback`).
    BidFeedback<'a> {
        /// The request that was answered.
        "request_id" => request_id: Option<Cow<'a, str>>,
        /// Google's code: 1 is a win, others say why it was none.
        "creative_status_code" => creative_status_code: Option<i64>,
        /// The least price that would have won, in the currency of the account.
        "minimum_bid_to_win" => minimum_bid_to_win: Floor,
        /// What the bid had said of itself.
        "event_notification_token" => event_notification_token: Option<EventNotificationToken<'a>>,
    }
}

object! {
    /// What a bid says of itself, to be given back with what becomes of it (Google).
    EventNotificationToken<'a> {
        /// Any text of the bidder's.
        "payload" => payload: Option<Cow<'a, str>>,
    }
}

/// How the clearing price is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuctionType {
    /// 1: the winner pays its bid.
    FirstPrice,
    /// 2: the winner pays a little more than the second bid. The default.
    SecondPricePlus,
    /// 3, in deals only: the floor is the agreed price.
    FixedPrice,
    /// Any other number: the exchange's own.
    Exchange(i64),
}

impl AuctionType {
    /// Names the number of `at`.
    #[must_use]
    pub const fn from_code(code: i64) -> Self {
        match code {
            1 => Self::FirstPrice,
            2 => Self::SecondPricePlus,
            3 => Self::FixedPrice,
            other => Self::Exchange(other),
        }
    }
}

/// Where the ad would be shown.
#[derive(Debug, Clone, Copy)]
pub enum Inventory<'r, 'a> {
    /// In an app.
    App(&'r App<'a>),
    /// On a website.
    Site(&'r Site<'a>),
    /// On an out-of-home screen.
    Dooh(&'r Dooh<'a>),
}

impl<'a> BidRequest<'a> {
    /// Says whether the auction is not billable: answer, but count neither spend nor caps.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.test.unwrap_or(false)
    }

    /// The auction type: second price plus unless the request says otherwise.
    #[must_use]
    pub fn auction_type(&self) -> AuctionType {
        self.at.map_or(AuctionType::SecondPricePlus, AuctionType::from_code)
    }

    /// The currencies that the exchange names and that are currency codes.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> + '_ {
        self.cur.iter().filter_map(|code| code.trim().parse().ok())
    }

    /// Says whether a bid may have this currency. An exchange that names none accepts its default only.
    #[must_use]
    pub fn accepts_currency(&self, currency: Currency, default: Currency) -> bool {
        if self.cur.is_empty() { currency == default } else { self.currencies().any(|accepted| accepted == currency) }
    }

    /// Where the ad would be shown. Of several (45 of 3,605 recorded requests) the app counts first, then the site.
    #[must_use]
    pub fn inventory(&self) -> Option<Inventory<'_, 'a>> {
        let app = self.app.as_ref().map(Inventory::App);
        let site = || self.site.as_ref().map(Inventory::Site);
        let dooh = || self.dooh.as_ref().map(Inventory::Dooh);
        app.or_else(site).or_else(dooh)
    }

    /// The publisher of the [`inventory`](Self::inventory).
    #[must_use]
    pub fn publisher(&self) -> Option<&Publisher<'a>> {
        match self.inventory()? {
            Inventory::App(app) => app.publisher.as_ref(),
            Inventory::Site(site) => site.publisher.as_ref(),
            Inventory::Dooh(dooh) => dooh.publisher.as_ref(),
        }
    }

    /// The segments of the user that have an id, each with who says so.
    pub fn segments(&self) -> impl Iterator<Item = (&Data<'a>, &str)> {
        let data = self.user.as_ref().map_or(&[][..], |user| &user.data);
        data.iter().flat_map(|data| {
            let ids = data.segment.iter().filter_map(|segment| segment.id.as_deref());
            ids.map(move |id| (data, id))
        })
    }

    /// The country of the device, whichever way it is written.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        self.device.as_ref()?.geo.as_ref()?.country()
    }
}
