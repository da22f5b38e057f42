//! Responses: what is written is JSON and is read back.

use std::borrow::Cow;

use money::{Cpm, Currency};
use openrtb::{Bid, BidExt, BidResponse, EventNotificationToken, Nbr, SeatBid, parse_response, write_response};
use proptest::prelude::*;

fn written(response: &BidResponse<'_>) -> String {
    let mut body = Vec::new();
    write_response(&mut body, response);
    String::from_utf8(body).unwrap()
}

#[test]
fn a_no_bid_with_its_reason_is_a_response_without_bids() {
    let response = BidResponse { id: "a".into(), nbr: Some(Nbr::INVALID_REQUEST), ..BidResponse::default() };
    assert_eq!(written(&response), r#"{"id":"a","seatbid":[],"nbr":2}"#);
}

#[test]
fn text_is_escaped_so_that_any_parser_reads_it() {
    let adm = "<a href=\"x\\y\">\u{0}\u{1f}\n\r\t\u{7f}\u{2028}\u{1f600}</a>";
    let bid = Bid { id: "b".into(), impid: "\"".into(), adm: Some(adm.into()), ..Bid::default() };
    let response = BidResponse {
        id: "a\"".into(),
        seatbid: vec![SeatBid { bid: vec![bid], ..SeatBid::default() }],
        ..BidResponse::default()
    };
    let tree: serde_json::Value = serde_json::from_str(&written(&response)).unwrap();
    assert_eq!(tree["seatbid"][0]["bid"][0]["adm"], adm);
    assert_eq!(tree["seatbid"][0]["bid"][0]["impid"], "\"");
}

#[test]
fn what_must_be_escaped_is_found_wherever_it_stands() {
    for special in ["\"", "\\", "\n", "\u{0}", "\u{1f}", "\u{7f}", "\u{e9}", "\u{10ffff}"] {
        for length in 0..=25 {
            for at in 0..=length {
                let text = format!("{}{special}{}{special}", "x".repeat(at), "y".repeat(length - at));
                let response = BidResponse { id: text.as_str().into(), ..BidResponse::default() };
                let read: serde_json::Value = serde_json::from_str(&written(&response)).expect("it is JSON");
                assert_eq!(read["id"], *text, "{special:?} at {at} of {length}");
            }
        }
    }
}

#[test]
fn the_reader_tolerates_what_bidders_send() {
    let body = br#"{"id":7,"cur":"usd","seatbid":[{"seat":12,"bid":[{"id":"b","impid":"1","price":"1.2345678","w":"300","mtype":"1"}]},{"bid":{}},null]}"#;
    let response = parse_response(body).unwrap();
    assert_eq!((&*response.id, response.currency()), ("7", Currency::USD));
    let (seat, bid) = response.bids().next().unwrap();
    assert_eq!((seat.seat.as_deref(), bid.price, bid.w, bid.mtype), (Some("12"), Cpm(1_234_567), Some(300), Some(1)));
    assert_eq!(response.bids().count(), 1);
}

#[test]
fn a_wrong_currency_is_no_dollar_and_a_missing_price_no_bid() {
    let response = parse_response(br#"{"cur":"dollar","seatbid":[{"bid":[{"id":"b"}]}]}"#).unwrap();
    assert_eq!(response.currency().as_str(), "XXX");
    assert_eq!(response.bids().next().unwrap().1.price, Cpm::ZERO);
}

#[test]
fn empty_answers_are_no_bids() {
    for body in
        ["{}", r#"{"id":"a","seatbid":[]}"#, r#"{"id":"a","seatbid":[],"nbr":2}"#, r#"{"id":"a","seatbid":null}"#]
    {
        assert_eq!(parse_response(body.as_bytes()).unwrap().bids().count(), 0, "{body}");
    }
    assert!(parse_response(b"").is_err());
}

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    prop_oneof!["[a-z0-9]{1,8}", "(?s).{1,12}"].prop_map(Cow::Owned)
}

prop_compose! {
    fn bid()(
        id in text(), impid in text(), price: i64,
        urls in proptest::array::uniform3(proptest::option::of(text())),
        texts in proptest::array::uniform9(proptest::option::of(text())),
        lists in proptest::array::uniform2(prop::collection::vec(text(), 0..3)),
        codes in proptest::array::uniform2(prop::collection::vec(any::<i64>(), 0..3)),
        numbers in proptest::array::uniform4(proptest::option::of(any::<i64>())),
        sizes in proptest::array::uniform4(proptest::option::of(any::<u32>())),
    ) -> Bid<'static> {
        let [nurl, burl, lurl] = urls;
        let [adm, adid, bundle, iurl, cid, crid, tactic, language, dealid] = texts;
        let [adomain, cat] = lists;
        let [attr, apis] = codes;
        let [cattax, protocol, qagmediarating, mtype] = numbers;
        let [w, h, exp, dur] = sizes;
        let ext = adid.clone().map(|token| BidExt {
            event_notification_token: Some(EventNotificationToken { payload: Some(token) }),
        });
        Bid {
            id, impid, price: Cpm(price), nurl, burl, lurl, adm, adid, adomain, bundle, iurl, cid, crid, tactic, cattax,
            cat, attr, apis, protocol, qagmediarating, language, dealid, w, h, exp, dur, mtype, ext,
        }
    }
}

prop_compose! {
    fn response()(
        id in text(), bidid in proptest::option::of(text()), customdata in proptest::option::of(text()),
        cur in proptest::option::of(Just(Currency::IDR)), nbr in proptest::option::of(any::<u16>().prop_map(Nbr)),
        seats in prop::collection::vec((prop::collection::vec(bid(), 0..3), proptest::option::of(text()), any::<Option<bool>>()), 0..3),
    ) -> BidResponse<'static> {
        let seatbid = seats.into_iter().map(|(bid, seat, group)| SeatBid { bid, seat, group }).collect();
        BidResponse { id, seatbid, bidid, cur, customdata, nbr }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(response in response()) {
        let body = written(&response);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok(), "{}", body);
        prop_assert_eq!(parse_response(body.as_bytes()).unwrap(), response);
    }
}
