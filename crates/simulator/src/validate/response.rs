//! The bids of a response, each judged.

use std::collections::BTreeSet;

use money::{Cpm, Currency, Rates, Rounding};

use super::{ImpView, RequestView, Violation};
use crate::json::RawObject;

/// Longest creative id that exchanges take, in bytes.
const CREATIVE_ID_BYTES_MAX: usize = 128;

/// A bid as the exchange reads it.
#[derive(Clone, Debug, Default)]
pub struct BidView {
    /// The bid's id.
    pub id: String,
    /// The impression that it is for.
    pub imp_id: String,
    /// The price, exact.
    pub price: Cpm,
    /// The seat that bids.
    pub seat: String,
    /// Called when the auction is won.
    pub nurl: Option<String>,
    /// Called when the impression is billable.
    pub burl: Option<String>,
    /// Called when the auction is lost.
    pub lurl: Option<String>,
    /// The campaign.
    pub cid: String,
    /// The creative.
    pub crid: String,
    /// The creative's id in the exchange.
    pub adid: String,
    /// The deal, if it is on one.
    pub deal_id: Option<String>,
}

/// The judgement of a response.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The response's currency; USD if it could not be read.
    pub currency: Currency,
    /// The response's `bidid`.
    pub bid_id: String,
    /// The bids that may take part in the auction.
    pub good: Vec<BidView>,
    /// The bids that may not, each with its first violation.
    pub bad: Vec<(BidView, Violation)>,
    /// What is wrong with the response as a whole; then no bid is good.
    pub whole: Option<Violation>,
}

impl Verdict {
    /// Says whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.bad.is_empty() && self.whole.is_none()
    }

    /// Lists everything found.
    pub fn violations(&self) -> impl Iterator<Item = &Violation> {
        self.whole.iter().chain(self.bad.iter().map(|(_, violation)| violation))
    }

    fn rejected(whole: Violation) -> Self {
        Self { currency: Currency::USD, bid_id: String::new(), good: Vec::new(), bad: Vec::new(), whole: Some(whole) }
    }
}

/// Judges a response (plain JSON) against its request.
pub fn judge(request: &RequestView, response: &[u8], rates: &Rates) -> Verdict {
    let Some(response) = std::str::from_utf8(response).ok().and_then(RawObject::read) else {
        return Verdict::rejected(Violation::NotJson);
    };
    let id = response.text("id").unwrap_or_default();
    if id != request.id {
        return Verdict::rejected(Violation::ResponseId { response: id, request: request.id.clone() });
    }
    let currency = response.text("cur").unwrap_or_else(|| Currency::USD.to_string());
    let Some(currency) = currency.parse().ok().filter(|_| request.accepts(&currency)) else {
        return Verdict::rejected(Violation::Currency(currency));
    };

    let mut verdict = Verdict {
        currency,
        bid_id: response.text("bidid").unwrap_or_default(),
        good: Vec::new(),
        bad: Vec::new(),
        whole: None,
    };
    let mut judge = Judge { request, rates, currency, bid_ids: BTreeSet::new(), imp_ids: BTreeSet::new() };
    for seat in response.objects("seatbid") {
        let seat_name = seat.text("seat").unwrap_or_default();
        for bid in seat.objects("bid") {
            let view = view(&bid, &seat_name);
            match judge.first_violation(&bid, &view) {
                None => verdict.good.push(view),
                Some(violation) => verdict.bad.push((view, violation)),
            }
        }
    }
    if verdict.good.is_empty() && verdict.bad.is_empty() {
        verdict.whole = Some(Violation::NoBid);
    }
    verdict
}

fn view(bid: &RawObject<'_>, seat: &str) -> BidView {
    let url = |key: &str| bid.text(key).filter(|url| !url.is_empty());
    BidView {
        id: bid.text("id").unwrap_or_default(),
        imp_id: bid.text("impid").unwrap_or_default(),
        price: bid.text("price").and_then(|text| Cpm::parse(&text, Rounding::Down).ok()).unwrap_or(Cpm::ZERO),
        seat: seat.to_owned(),
        nurl: url("nurl"),
        burl: url("burl"),
        lurl: url("lurl"),
        cid: bid.text("cid").unwrap_or_default(),
        crid: bid.text("crid").unwrap_or_default(),
        adid: bid.text("adid").unwrap_or_default(),
        deal_id: bid.text("dealid").filter(|deal| !deal.is_empty()),
    }
}

struct Judge<'a> {
    request: &'a RequestView,
    rates: &'a Rates,
    currency: Currency,
    bid_ids: BTreeSet<String>,
    imp_ids: BTreeSet<String>,
}

impl Judge<'_> {
    fn first_violation(&mut self, bid: &RawObject<'_>, view: &BidView) -> Option<Violation> {
        if view.id.is_empty() || !self.bid_ids.insert(view.id.clone()) {
            return Some(Violation::BidId(view.id.clone()));
        }
        let Some(imp) = self.request.imp(&view.imp_id) else {
            return Some(Violation::ImpId(view.imp_id.clone()));
        };
        if !self.imp_ids.insert(view.imp_id.clone()) {
            return Some(Violation::SecondBid(view.imp_id.clone()));
        }
        self.seat(&view.seat)
            .or_else(|| self.price(bid, view, imp))
            .or_else(|| size(bid, imp))
            .or_else(|| self.brand(bid))
            .or_else(|| creative(bid, view, imp))
    }

    fn seat(&self, seat: &str) -> Option<Violation> {
        let among = |seats: &[String]| seats.iter().any(|listed| listed == seat);
        let allowed = self.request.allowed_seats.is_empty() || among(&self.request.allowed_seats);
        let blocked = !seat.is_empty() && among(&self.request.blocked_seats);
        (!allowed || blocked).then(|| Violation::Seat(seat.to_owned()))
    }

    fn price(&self, bid: &RawObject<'_>, view: &BidView, imp: &ImpView) -> Option<Violation> {
        // Price must be a JSON number: exchanges do not read strings.
        let raw = bid.get("price").unwrap_or_default();
        if raw.starts_with('"') || view.price <= Cpm::ZERO {
            return Some(Violation::Price(raw.to_owned()));
        }
        let (floor, floor_currency) = match &view.deal_id {
            Some(deal) => match imp.deals.iter().find(|(id, ..)| id == deal) {
                Some((_, floor, currency)) => (*floor, currency),
                None => return Some(Violation::Deal(deal.clone())),
            },
            None if imp.private_auction => return Some(Violation::Deal(String::new())),
            None => (imp.floor, &imp.floor_currency),
        };
        if floor.is_negative() {
            return Some(Violation::NegativeFloor);
        }
        if floor == Cpm::ZERO {
            return None;
        }
        let no_rate = || Violation::NoRate { floor: floor_currency.clone(), bid: self.currency };
        let Ok(floor_currency) = floor_currency.parse::<Currency>() else { return Some(no_rate()) };
        // The least that a bid at the floor, rounded in our favour, can be worth.
        match self.rates.convert(floor, floor_currency, self.currency, Rounding::Down) {
            None => Some(no_rate()),
            Some(least) if view.price < least => {
                Some(Violation::BelowFloor { price: view.price, currency: self.currency, floor, floor_currency })
            }
            Some(_) => None,
        }
    }

    fn brand(&self, bid: &RawObject<'_>) -> Option<Violation> {
        let advertisers = bid.texts("adomain");
        if advertisers.is_empty() || advertisers.iter().any(String::is_empty) {
            return Some(Violation::NoAdvertiser);
        }
        for advertiser in advertisers {
            if self.request.blocked_advertisers.iter().any(|blocked| is_domain_of(&advertiser, blocked)) {
                return Some(Violation::BlockedAdvertiser(advertiser));
            }
        }
        let is_in = |category: &str, listed: &[String]| listed.iter().any(|entry| is_category_of(category, entry));
        let allowed = &self.request.allowed_categories;
        bid.texts("cat")
            .into_iter()
            .find(|category| {
                is_in(category, &self.request.blocked_categories) || (!allowed.is_empty() && !is_in(category, allowed))
            })
            .map(Violation::BlockedCategory)
    }
}

fn size(bid: &RawObject<'_>, imp: &ImpView) -> Option<Violation> {
    if imp.other_media && bid.integer("mtype").is_some_and(|media| media != 1) {
        return None;
    }
    let (w, h) = (bid.integer("w").unwrap_or(0), bid.integer("h").unwrap_or(0));
    (!imp.sizes.contains(&(w, h))).then_some(Violation::Size { w, h })
}

fn creative(bid: &RawObject<'_>, view: &BidView, imp: &ImpView) -> Option<Violation> {
    if view.crid.is_empty() || CREATIVE_ID_BYTES_MAX < view.crid.len() {
        return Some(Violation::Creative(view.crid.clone()));
    }
    let markup = bid.text("adm").unwrap_or_default();
    if markup.trim().is_empty() {
        return Some(Violation::NoMarkup);
    }
    if imp.secure && loads_insecurely(&markup) {
        return Some(Violation::Insecure);
    }
    let attributes = bid.texts("attr").into_iter().filter_map(|text| text.parse::<i64>().ok());
    attributes.into_iter().find(|attribute| imp.blocked_attributes.contains(attribute)).map(Violation::BlockedAttribute)
}

/// Names of XML name spaces are no addresses: nothing is loaded from there.
fn loads_insecurely(markup: &str) -> bool {
    let markup = markup.to_ascii_lowercase();
    markup.match_indices("http://").any(|(at, _)| !markup[at..].starts_with("http://www.w3.org/"))
}

/// A block on a domain holds for its subdomains.
fn is_domain_of(domain: &str, blocked: &str) -> bool {
    let (domain, blocked) = (domain.to_ascii_lowercase(), blocked.trim().to_ascii_lowercase());
    domain == blocked || (!blocked.is_empty() && domain.ends_with(&format!(".{blocked}")))
}

/// A block on `IAB7` holds for `IAB7-39`, in the Content Taxonomy 1.0.
fn is_category_of(category: &str, blocked: &str) -> bool {
    let (category, blocked) = (category.to_ascii_uppercase(), blocked.trim().to_ascii_uppercase());
    category == blocked || (!blocked.is_empty() && category.starts_with(&format!("{blocked}-")))
}
