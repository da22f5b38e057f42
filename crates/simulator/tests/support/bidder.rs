//! A bidder of the simplest kind, with a ledger in memory: what the simulator is tried on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Request};
use money::{Cpm, Currency, Nanos, Rates, Rounding};
use openrtb::price::{PriceCodec, SeenPrice};
use serde_json::{Value, json};

use super::{Reply, Server, adx_keys, answer, rates};

/// What the bidder has bid and been told.
#[derive(Debug, Default)]
pub struct Book {
    /// Token → price and currency of the bid.
    pub bids: BTreeMap<String, (Cpm, Currency)>,
    /// Token → amount charged, once each.
    pub charged: BTreeMap<String, Nanos>,
    /// Calls of the notice listener by kind.
    pub calls: BTreeMap<String, u64>,
    /// Calls by method.
    pub methods: BTreeMap<String, u64>,
    /// Loss reasons told.
    pub losses: BTreeMap<String, u64>,
    /// What stood for the price where it was no price.
    pub odd_prices: BTreeMap<&'static str, u64>,
    next: u64,
}

pub struct Bidder {
    pub server: Server,
    pub book: Arc<Mutex<Book>>,
}

const BID: Cpm = Cpm(1_200_000);

impl Bidder {
    /// Starts a bidder that answers on `/bid/{exchange}` and `/notice/{kind}/{token}`.
    pub async fn start() -> Self {
        let book = Arc::new(Mutex::new(Book::default()));
        let (shared, rates) = (book.clone(), Arc::new(rates()));
        let server = Server::start(move |request| {
            let (book, rates) = (shared.clone(), rates.clone());
            async move { handle(&request, &mut book.lock().expect("book"), &rates) }
        })
        .await;
        Self { server, book }
    }

    pub fn charged(&self) -> Nanos {
        let book = self.book.lock().expect("book");
        Nanos::checked_sum(book.charged.values().copied()).expect("a sum")
    }
}

fn handle(request: &Request<Bytes>, book: &mut Book, rates: &Rates) -> Reply {
    let path = request.uri().path().to_owned();
    if let Some(exchange) = path.strip_prefix("/bid/") {
        return Some(bid(request, exchange, book, rates));
    }
    let (kind, token) = path.strip_prefix("/notice/")?.split_once('/')?;
    *book.calls.entry(kind.to_owned()).or_default() += 1;
    *book.methods.entry(request.method().to_string()).or_default() += 1;
    let query: BTreeMap<&str, &str> =
        request.uri().query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')).collect();
    if kind == "loss" {
        *book.losses.entry(query["l"].to_owned()).or_default() += 1;
    }
    if kind == "billing" {
        let codec = if query["x"] == "google_adx" {
            PriceCodec::Adx { current: Box::new(adx_keys()), previous: None }
        } else {
            PriceCodec::Plain
        };
        charge(book, token, codec.read(query["p"]), query["t"] == "1", rates);
    }
    Some(answer(200, ""))
}

fn charge(book: &mut Book, token: &str, seen: SeenPrice, test: bool, rates: &Rates) {
    let SeenPrice::Price(price) = seen else {
        *book.odd_prices.entry(seen.label()).or_default() += 1;
        return;
    };
    let (bid, currency) = book.bids[token];
    assert!(price <= bid, "cleared {price} above the bid {bid}");
    if !test {
        let usd = rates.to_usd(price, currency, Rounding::Up).expect("a rate");
        book.charged.insert(token.to_owned(), usd.cost_in_usd());
    }
}

fn bid(
    request: &Request<Bytes>,
    exchange: &str,
    book: &mut Book,
    rates: &Rates,
) -> http::Response<http_body_util::Full<Bytes>> {
    let mut body = request.body().to_vec();
    if request.headers().get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&body[..]), &mut plain).expect("gzip");
        body = plain;
    }
    let Ok(request_json) = serde_json::from_slice::<Value>(&body) else { return answer(400, "") };
    let host = request.headers()["host"].to_str().expect("host");
    let currency = request_json["cur"][0].as_str().unwrap_or("USD").parse::<Currency>().expect("a currency");
    let price = rates.from_usd(BID, currency, Rounding::Down).expect("a rate");
    let test = u8::from(request_json["test"] == 1);
    let mut bids = Vec::new();
    for imp in request_json["imp"].as_array().expect("imps") {
        let banner = &imp["banner"];
        if price < floor(imp, currency, rates)
            || request_json["badv"].as_array().is_some_and(|badv| badv.contains(&json!("house.example")))
        {
            continue;
        }
        book.next += 1;
        let token = format!("t{}", book.next);
        book.bids.insert(token.clone(), (price, currency));
        let url = |kind: &str| {
            format!(
                "http://{host}/notice/{kind}/{token}?p=${{AUCTION_PRICE}}&l=${{AUCTION_LOSS}}&m=${{AUCTION_MIN_TO_WIN}}&x={exchange}&t={test}"
            )
        };
        bids.push(json!({
            "id": token, "impid": imp["id"], "price": 0, "w": banner["w"], "h": banner["h"],
            "adomain": ["house.example"], "crid": "c1", "cid": format!("{}", book.next % 3), "cat": ["IAB3"],
            "adm": "<a href=\"https://house.example\"></a>",
            "nurl": url("win"), "burl": url("billing"), "lurl": url("loss"),
        }));
    }
    if bids.is_empty() {
        let mut response = answer(204, "");
        response.headers_mut().insert("x-no-bid", HeaderValue::from_static("below_floor"));
        return response;
    }
    let text = json!({"id": request_json["id"], "cur": currency.as_str(), "bidid": "r1", "seatbid": [{"seat": "1", "bid": bids}]});
    // Put in as digits: the price is never a float.
    let text = text.to_string().replace("\"price\":0", &format!("\"price\":{price}"));
    let accepts_gzip = request.headers().get("accept-encoding").is_some_and(|encodings| encodings == "gzip");
    if accepts_gzip {
        let mut response = answer(200, simulator::gzip(text.as_bytes()));
        response.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
        return response;
    }
    answer(200, text)
}

fn floor(imp: &Value, currency: Currency, rates: &Rates) -> Cpm {
    let Some(number) = imp.get("bidfloor") else { return Cpm(0) };
    let floor = Cpm::parse(&number.to_string(), Rounding::Up).expect("a floor");
    let floor_currency = imp["bidfloorcur"].as_str().unwrap_or("USD").parse().expect("a currency");
    rates.convert(floor, floor_currency, currency, Rounding::Up).expect("a rate")
}
