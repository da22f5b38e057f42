//! A request as its sender understands it.

use money::{Cpm, Currency, Rounding};

use crate::json::RawObject;

/// What of a request an exchange needs for the auction.
#[derive(Clone, Debug, Default)]
pub struct RequestView {
    /// The request's id; empty if it has none.
    pub id: String,
    /// The impressions, valid or not, in order.
    pub imps: Vec<ImpView>,
    /// The currencies accepted; USD if the request says nothing.
    pub currencies: Vec<String>,
    /// First price; second price otherwise, also when the request says nothing.
    pub first_price: bool,
    /// Not billable.
    pub test: bool,
    /// Blocked categories.
    pub blocked_categories: Vec<String>,
    /// Allowed categories; everything if empty.
    pub allowed_categories: Vec<String>,
    /// Blocked advertisers.
    pub blocked_advertisers: Vec<String>,
    /// Allowed seats; every one if empty.
    pub allowed_seats: Vec<String>,
    /// Blocked seats.
    pub blocked_seats: Vec<String>,
}

/// An impression.
#[derive(Clone, Debug, Default)]
pub struct ImpView {
    /// Its id; empty if it has none.
    pub id: String,
    /// Whether it has a banner.
    pub banner: bool,
    /// Whether it has any media at all.
    pub media: bool,
    /// Whether it has media other than a banner, to which banner sizes do not apply.
    pub other_media: bool,
    /// The sizes of its banner, in pixels.
    pub sizes: Vec<(i64, i64)>,
    /// The floor, rounded up; zero if there is none or it is unreadable.
    pub floor: Cpm,
    /// The currency of the floor; USD if nothing is said.
    pub floor_currency: String,
    /// Markup must be secure.
    pub secure: bool,
    /// Blocked creative attributes of its banner.
    pub blocked_attributes: Vec<i64>,
    /// Only bids on a deal are taken.
    pub private_auction: bool,
    /// The deals offered, with floor and its currency (USD if nothing is said: it does not follow the impression's).
    pub deals: Vec<(String, Cpm, String)>,
}

impl RequestView {
    /// Reads a request; `None` if it is no JSON object.
    pub fn read(json: &[u8]) -> Option<Self> {
        let request = RawObject::read(std::str::from_utf8(json).ok()?)?;
        let mut currencies = request.texts("cur");
        if currencies.is_empty() {
            currencies.push("USD".to_owned());
        }
        Some(Self {
            id: request.text("id").unwrap_or_default(),
            imps: request.objects("imp").iter().map(ImpView::of).collect(),
            currencies,
            first_price: request.integer("at") == Some(1),
            test: request.flag("test"),
            blocked_categories: request.texts("bcat"),
            allowed_categories: request.texts("acat"),
            blocked_advertisers: request.texts("badv"),
            allowed_seats: request.texts("wseat"),
            blocked_seats: request.texts("bseat"),
        })
    }

    /// Says whether bids in a currency are accepted.
    pub fn accepts(&self, currency: &str) -> bool {
        self.currencies.iter().any(|accepted| accepted.eq_ignore_ascii_case(currency))
    }

    /// Says whether at least one impression has a banner with a size.
    pub fn has_sized_banner(&self) -> bool {
        self.imps.iter().any(|imp| !imp.sizes.is_empty())
    }

    /// Finds an impression that may be bid on: its id is not empty, no other's, and it has media.
    pub fn imp(&self, id: &str) -> Option<&ImpView> {
        if id.is_empty() || self.id.is_empty() {
            return None;
        }
        let mut named = self.imps.iter().filter(|imp| imp.id == id);
        let (imp, other) = (named.next()?, named.next());
        (other.is_none() && imp.media).then_some(imp)
    }
}

impl ImpView {
    fn of(imp: &RawObject<'_>) -> Self {
        let banner = imp.object("banner");
        let other_media = ["video", "audio", "native"].iter().any(|media| imp.object(media).is_some());
        let pmp = imp.object("pmp").unwrap_or_default();
        let deals = pmp
            .objects("deals")
            .iter()
            .filter_map(|deal| Some((deal.text("id")?, floor(deal), floor_currency(deal))))
            .collect();
        Self {
            id: imp.text("id").unwrap_or_default(),
            banner: banner.is_some(),
            media: banner.is_some() || other_media,
            other_media,
            sizes: banner.as_ref().map(sizes).unwrap_or_default(),
            floor: floor(imp),
            floor_currency: floor_currency(imp),
            secure: imp.flag("secure"),
            blocked_attributes: banner
                .map(|banner| banner.texts("battr").iter().filter_map(|text| text.parse().ok()).collect())
                .unwrap_or_default(),
            private_auction: pmp.flag("private_auction"),
            deals,
        }
    }
}

fn sizes(banner: &RawObject<'_>) -> Vec<(i64, i64)> {
    let formats = banner.objects("format");
    let pairs = formats.iter().chain(std::iter::once(banner)).map(|object| (object.integer("w"), object.integer("h")));
    pairs.filter_map(|(w, h)| Some((w?, h?))).filter(|(w, h)| 0 < *w && 0 < *h).collect()
}

fn floor(object: &RawObject<'_>) -> Cpm {
    let text = object.text("bidfloor").unwrap_or_default();
    Cpm::parse(text.trim(), Rounding::Up).unwrap_or(Cpm::ZERO)
}

fn floor_currency(object: &RawObject<'_>) -> String {
    let currency = object.text("bidfloorcur").filter(|currency| !currency.is_empty());
    currency.map_or_else(|| Currency::USD.to_string(), |currency| currency.to_ascii_uppercase())
}
