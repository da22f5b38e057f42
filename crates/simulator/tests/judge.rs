//! The validator finds each fault, and none in a good bid.

mod support;

use money::{Cpm, Currency};
use serde_json::{Value, json};
use simulator::{RequestView, Verdict, judge};
use support::{corpus, rates};

fn request() -> Value {
    json!({
        "id": "r", "cur": ["SGD", "USD"], "at": 1, "bcat": ["IAB25", "IAB7-39"], "badv": ["rival.example"],
        "imp": [
            {"id": "1", "banner": {"format": [{"w": 320, "h": 50}], "w": "300", "h": 250, "battr": [13]}, "bidfloor": 0.5, "secure": 1},
            {"id": "2", "banner": {"w": 728, "h": 90}, "bidfloor": 1.0, "bidfloorcur": "SGD",
             "pmp": {"private_auction": 1, "deals": [{"id": "d", "bidfloor": 2}]}},
            {"id": "3", "banner": {"w": 728, "h": 90}, "bidfloor": -1},
            {"id": "4"},
        ],
    })
}

fn bid() -> Value {
    json!({
        "id": "b", "impid": "1", "price": 1.25, "adm": "<a href='https://x.example'>x</a>", "w": 320, "h": 50,
        "adomain": ["house.example"], "crid": "c", "cid": "7", "cat": ["IAB3-1"], "nurl": "http://n", "burl": "http://b",
    })
}

fn verdict_of(request: &Value, response: &Value) -> Verdict {
    let view = RequestView::read(request.to_string().as_bytes()).expect("a request");
    judge(&view, response.to_string().as_bytes(), &rates())
}

/// Judges a bid after one change, and returns what was found.
fn found(change: impl Fn(&mut Value)) -> Option<&'static str> {
    found_in(&request(), change)
}

fn found_in(request: &Value, change: impl Fn(&mut Value)) -> Option<&'static str> {
    let mut bid = bid();
    change(&mut bid);
    let verdict = verdict_of(request, &json!({"id": "r", "cur": "USD", "seatbid": [{"seat": "s", "bid": [bid]}]}));
    assert_eq!(verdict.good.len() + verdict.bad.len(), 1);
    verdict.violations().next().map(simulator::Violation::label)
}

#[test]
fn a_good_bid_is_read_and_passed() {
    let response = json!({"id": "r", "bidid": "x", "cur": "SGD", "seatbid": [{"seat": "s", "bid": [bid()]}]});
    let verdict = verdict_of(&request(), &response);
    assert!(verdict.is_clean(), "{verdict:?}");
    let good = &verdict.good[0];
    assert_eq!((verdict.currency, verdict.bid_id.as_str(), good.price), (Currency::SGD, "x", Cpm(1_250_000)));
    assert_eq!((good.cid.as_str(), good.seat.as_str(), good.burl.as_deref()), ("7", "s", Some("http://b")));
}

#[test]
fn each_fault_of_a_bid_is_found() {
    let set = |key: &'static str, value: Value| move |bid: &mut Value| bid[key] = value.clone();
    assert_eq!(found(|_| {}), None);
    for (key, value, label) in [
        ("id", json!(""), "bid_id"),
        ("impid", json!("9"), "imp_id"),
        ("impid", json!("4"), "imp_id"),
        ("impid", json!("3"), "size"),
        ("price", json!(0), "price"),
        ("price", json!("1.25"), "price"),
        ("price", Value::Null, "price"),
        ("price", json!(0.49), "below_floor"),
        ("w", json!(321), "size"),
        ("h", Value::Null, "size"),
        ("adomain", json!([]), "no_advertiser"),
        ("adomain", json!(["www.Rival.example"]), "blocked_advertiser"),
        ("crid", Value::Null, "creative"),
        ("crid", json!("c".repeat(129)), "creative"),
        ("cat", json!(["IAB7-39"]), "blocked_category"),
        ("cat", json!(["IAB25-3"]), "blocked_category"),
        ("attr", json!([13]), "blocked_attribute"),
        ("adm", Value::Null, "no_markup"),
        ("adm", json!("<img src='http://x.example'>"), "insecure"),
        ("dealid", json!("d"), "deal"),
    ] {
        let expected = if (key, label) == ("impid", "size") { "negative_floor" } else { label };
        assert_eq!(found(set(key, value.clone())), Some(expected), "{key} = {value}");
    }
    // What merely looks like a fault.
    for (key, value) in [
        ("price", json!(0.5)),
        ("cat", json!(["IAB7", "IAB2-5"])),
        ("adomain", json!(["notrival.example"])),
        ("w", json!("320")),
        ("attr", json!([1])),
        ("adm", json!("<svg xmlns='http://www.w3.org/2000/svg'></svg>")),
    ] {
        assert_eq!(found(set(key, value.clone())), None, "{key} = {value}");
    }
}

#[test]
fn sizes_of_the_banner_itself_count_even_as_text() {
    assert_eq!(found(|bid| (bid["w"], bid["h"]) = (json!(300), json!(250))), None);
    assert_eq!(found(|bid| (bid["w"], bid["h"]) = (json!(320), json!(250))), Some("size"));
}

#[test]
fn private_auctions_take_deals_only_at_the_deals_own_floor() {
    let on = |price: Value, deal: Value| {
        found(move |bid| {
            (bid["impid"], bid["w"], bid["h"]) = (json!("2"), json!(728), json!(90));
            (bid["price"], bid["dealid"]) = (price.clone(), deal.clone());
        })
    };
    assert_eq!(on(json!(9), Value::Null), Some("deal"));
    assert_eq!(on(json!(9), json!("other")), Some("deal"));
    // The deal's floor is in USD although the impression's is in SGD.
    assert_eq!(on(json!(1.99), json!("d")), Some("below_floor"));
    assert_eq!(on(json!(2), json!("d")), None);
}

#[test]
fn floors_in_another_currency_are_compared_at_the_rate() {
    let mut request = request();
    request["imp"][0]["bidfloorcur"] = json!("IDR");
    // 16,313.2137.. IDR are one USD at the rate of the tests.
    request["imp"][0]["bidfloor"] = json!(16_314);
    assert_eq!(found_in(&request, |bid| bid["price"] = json!(1.0)), Some("below_floor"));
    request["imp"][0]["bidfloor"] = json!(16_313);
    assert_eq!(found_in(&request, |bid| bid["price"] = json!(1.0)), None);
    request["imp"][0]["bidfloorcur"] = json!("EUR");
    assert_eq!(found_in(&request, |bid| bid["price"] = json!(1.0)), Some("no_rate"));
    request["imp"][0]["bidfloor"] = json!(0);
    assert_eq!(found_in(&request, |bid| bid["price"] = json!(1.0)), None, "no floor needs no rate");
}

#[test]
fn seats_and_allowed_categories_are_kept_to() {
    let mut request = request();
    request["wseat"] = json!(["t"]);
    assert_eq!(found_in(&request, |_| {}), Some("seat"));
    request["wseat"] = json!(["s", "t"]);
    assert_eq!(found_in(&request, |_| {}), None);
    request["acat"] = json!(["IAB3"]);
    assert_eq!(found_in(&request, |_| {}), None);
    assert_eq!(found_in(&request, |bid| bid["cat"] = json!(["IAB4"])), Some("blocked_category"));
    request["wseat"] = Value::Null;
    request["bseat"] = json!(["s"]);
    assert_eq!(found_in(&request, |_| {}), Some("seat"));
}

#[test]
fn a_response_as_a_whole_can_be_wrong() {
    let whole = |response: &[u8]| {
        let view = RequestView::read(request().to_string().as_bytes()).expect("a request");
        judge(&view, response, &rates()).whole.map(|violation| violation.label())
    };
    let with = |change: fn(&mut Value)| {
        let mut response = json!({"id": "r", "seatbid": [{"bid": [bid()]}]});
        change(&mut response);
        whole(response.to_string().as_bytes())
    };
    assert_eq!(with(|_| {}), None, "USD by silence is accepted here");
    assert_eq!(with(|response| response["id"] = json!("q")), Some("response_id"));
    assert_eq!(with(|response| response["cur"] = json!("THB")), Some("currency"));
    assert_eq!(with(|response| response["seatbid"] = json!([])), Some("no_bid"));
    assert_eq!(whole(b""), Some("not_json"));
    assert_eq!(whole(b"[]"), Some("not_json"));
    assert_eq!(whole(b"\xff"), Some("not_json"));
}

#[test]
fn a_second_bid_for_an_impression_and_a_bid_id_used_twice_are_found() {
    let mut second = bid();
    second["id"] = json!("b2");
    let response = |bids: Value| json!({"id": "r", "seatbid": [{"bid": bids}]});
    let labels = |verdict: Verdict| verdict.violations().map(simulator::Violation::label).collect::<Vec<_>>();
    assert_eq!(labels(verdict_of(&request(), &response(json!([bid(), second])))), ["second_bid"]);
    assert_eq!(labels(verdict_of(&request(), &response(json!([bid(), bid()])))), ["bid_id"]);
}

#[test]
fn no_bid_on_a_request_that_breaks_a_must_is_ever_good() {
    let Some(lines) = corpus("bid-requests-invalid.jsonl") else { return };
    for (number, line) in lines.iter().enumerate() {
        let Some(view) = RequestView::read(line.as_bytes()) else { continue };
        let mut response = json!({"id": view.id, "cur": view.currencies[0], "seatbid": [{"bid": [bid()]}]});
        for imp in view.imps.iter().filter(|imp| !imp.media || imp.id.is_empty()) {
            response["seatbid"][0]["bid"][0]["impid"] = json!(imp.id);
            let verdict = judge(&view, response.to_string().as_bytes(), &rates());
            assert!(verdict.good.is_empty(), "line {}: {line}", number + 1);
        }
    }
}

#[test]
fn public_responses_are_read_without_harm() {
    let (Some(requests), Some(responses)) = (corpus("bid-requests-prebid.jsonl"), corpus("bid-responses-prebid.jsonl"))
    else {
        return;
    };
    let view = RequestView::read(requests[0].as_bytes()).expect("a request");
    let mut bids = 0;
    for response in &responses {
        let json: Value = serde_json::from_str(response).expect("json");
        let view = RequestView { id: json["id"].as_str().unwrap_or_default().to_owned(), ..view.clone() };
        let verdict = judge(&view, response.as_bytes(), &rates());
        bids += verdict.good.len() + verdict.bad.len();
    }
    println!("{} responses, {bids} bids read", responses.len());
    assert!(responses.len() / 2 < bids);
}
