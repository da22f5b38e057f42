//! Wrong types are converted or absent; prices are exact; older places of fields count.

mod common;

use money::{Cpm, Currency};
use openrtb::{AuctionType, BidRequest, Country, Floor, Inventory, MalformedKind, parse_request};

fn read(line: &str) -> BidRequest<'_> {
    parse_request(line.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn an_app_request_is_read_whole() {
    let line = &common::fixture("requests.jsonl")[0];
    let request = read(line);
    assert_eq!((&*request.id, request.tmax), ("sg-app-banner", Some(150)));
    assert_eq!(request.auction_type(), AuctionType::FirstPrice);
    assert_eq!(request.currencies().collect::<Vec<_>>(), [Currency::SGD, Currency::USD]);
    assert!(request.accepts_currency(Currency::SGD, Currency::USD));
    assert!(!request.accepts_currency(Currency::THB, Currency::THB));
    assert_eq!(request.country(), Some(Country::SG));
    let imp = &request.imp[0];
    assert_eq!((imp.floor(), imp.floor_currency()), (Some(Cpm(450_000)), Some(Currency::SGD)));
    assert!(imp.is_secure());
    let banner = imp.banner.as_ref().unwrap();
    assert_eq!(banner.sizes().collect::<Vec<_>>(), [(320, 50), (300, 50)]);
    assert!(
        matches!(request.inventory(), Some(Inventory::App(app)) if app.bundle.as_deref() == Some("sg.example.kopi"))
    );
    assert_eq!(request.bcat, ["IAB25", "IAB26"]);
    assert_eq!(request.badv, ["blocked.example"]);
    assert_eq!(request.consent(), Some("CPx"));
    assert_eq!(request.eids()[0].uids[0].id.as_deref(), Some("e1"));
    assert_eq!(request.gdpr(), Some(false));
}

#[test]
fn numbers_in_strings_and_strings_in_numbers_are_converted() {
    let line = &common::fixture("requests.jsonl")[1];
    let request = read(line);
    assert_eq!(request.tmax, Some(200));
    assert_eq!(request.imp[0].floor(), Some(Cpm(12_500_500_000)));
    assert_eq!(request.imp[1].floor(), Some(Cpm(10_000_000_000)));
    assert!(request.imp[0].is_rewarded());
    let site = request.site.as_ref().unwrap();
    assert_eq!(site.id.as_deref(), Some("7"));
    assert_eq!(site.page.as_deref(), Some("https://berita.example/a?b=\"c\""));
    assert_eq!(site.referrer, None);
    assert_eq!(request.publisher().unwrap().id.as_deref(), Some("12"));
    assert_eq!(request.country(), Some(Country::ID));
}

#[test]
fn a_deal_has_its_own_floor_type_and_currency() {
    let line = &common::fixture("requests.jsonl")[2];
    let request = read(line);
    let imp = &request.imp[0];
    assert!(imp.is_private());
    let deals = &imp.pmp.as_ref().unwrap().deals;
    assert_eq!((&*deals[0].id, deals[0].floor()), ("D-1", Some(Cpm(2_500_000))));
    assert_eq!(deals[0].auction_type(request.auction_type()), AuctionType::FixedPrice);
    assert_eq!(deals[1].auction_type(request.auction_type()), AuctionType::SecondPricePlus);
    assert_eq!(deals[0].floor_currency(), Some(Currency::USD));
    assert_eq!(&*deals[1].id, "");
    assert_eq!(request.schain().unwrap().nodes[0].asi.as_deref(), Some("ssp.example"));
}

#[test]
fn a_deal_does_not_inherit_the_currency_of_the_impression() {
    let request = read(r#"{"imp":[{"bidfloorcur":"THB","pmp":{"deals":[{"id":"d","bidfloor":1}]}}]}"#);
    assert_eq!(request.imp[0].floor_currency(), Some(Currency::THB));
    assert_eq!(request.imp[0].pmp.as_ref().unwrap().deals[0].floor_currency(), Some(Currency::USD));
    assert_eq!(read(r#"{"imp":[{"bidfloorcur":"baht"}]}"#).imp[0].floor_currency(), None);
}

#[test]
fn a_native_request_comes_as_text_or_as_an_object() {
    let line = &common::fixture("requests.jsonl")[3];
    let request = read(line);
    let text = |index: usize| request.imp[index].native.as_ref().unwrap().request.unwrap().text();
    assert_eq!(text(0), r#"{"ver":"1.2","assets":[{"id":1}]}"#);
    assert_eq!(text(1), r#"{"ver":"1.2"}"#);
    assert!(request.is_test());
    assert!(matches!(request.inventory(), Some(Inventory::Dooh(_))));
}

#[test]
fn a_negative_floor_is_a_number_like_any_other() {
    let line = &common::fixture("requests.jsonl")[4];
    let request = read(line);
    assert_eq!(request.imp[0].floor(), Some(Cpm(-10_000)));
    assert!(request.coppa());
    assert_eq!(request.us_privacy(), Some("1YNN"));
    assert_eq!((request.gpp(), request.gpp_sid()), (Some("DBAA"), &[7, 8][..]));
}

#[test]
fn placeholders_are_absent() {
    let line = &common::fixture("requests.jsonl")[5];
    let request = read(line);
    assert_eq!((request.tmax, request.at, request.test), (None, None, None));
    assert_eq!(request.auction_type(), AuctionType::SecondPricePlus);
    let imp = &request.imp[0];
    assert_eq!((imp.bidfloor, imp.floor()), (Floor::Unreadable, None));
    assert!(imp.is_secure());
    assert_eq!(imp.banner.as_ref().unwrap().sizes().collect::<Vec<_>>(), [(300, 250)]);
    assert!(request.device.is_none() && request.user.is_none() && request.site.is_none());
    assert_eq!(request.cur, ["USD"]);
    assert_eq!(request.bcat, ["IAB1", "2"]);
    assert_eq!(request.schain().unwrap().complete, Some(false));
}

#[test]
fn privacy_is_found_in_its_old_places_and_the_new_place_counts_first() {
    let old = read(
        r#"{"regs":{"ext":{"gdpr":"1","us_privacy":"1YYY","gpp":"X","gpp_sid":["7"],"coppa":1}},
            "user":{"ext":{"consent":"OLD","eids":[{"source":"o"}]}},"source":{"ext":{"schain":{"ver":"2.5"}}}}"#,
    );
    assert_eq!(
        (old.gdpr(), old.us_privacy(), old.gpp(), old.gpp_sid()),
        (Some(true), Some("1YYY"), Some("X"), &[7][..])
    );
    assert!(old.coppa());
    assert_eq!((old.consent(), old.eids().len()), (Some("OLD"), 1));
    assert_eq!(old.schain().unwrap().ver.as_deref(), Some("2.5"));

    let both = read(
        r#"{"regs":{"gdpr":0,"us_privacy":"1---","gpp":"N","gpp_sid":[2],"coppa":0,"ext":{"gdpr":1,"us_privacy":"1YYY","gpp":"X","gpp_sid":[7],"coppa":1}},
            "user":{"consent":"NEW","eids":[{"source":"a"},{"source":"b"}],"ext":{"consent":"OLD","eids":[{"source":"o"}]}},
            "source":{"schain":{"ver":"2.6"},"ext":{"schain":{"ver":"2.5"}}},"ext":{"schain":{"ver":"2.4"}}}"#,
    );
    assert_eq!(
        (both.gdpr(), both.us_privacy(), both.gpp(), both.gpp_sid()),
        (Some(false), Some("1---"), Some("N"), &[2][..])
    );
    assert!(!both.coppa());
    assert_eq!((both.consent(), both.eids().len()), (Some("NEW"), 2));
    assert_eq!(both.schain().unwrap().ver.as_deref(), Some("2.6"));

    let oldest = read(r#"{"ext":{"schain":{"ver":"2.4"}},"imp":[{"ext":{"rewarded":1}}]}"#);
    assert_eq!(oldest.schain().unwrap().ver.as_deref(), Some("2.4"));
    assert!(oldest.imp[0].is_rewarded());
    assert_eq!(read("{}").gdpr(), None);
}

#[test]
fn of_a_repeated_key_the_last_one_counts() {
    let request = read(r#"{"id":"a","id":"b","imp":[{"id":"1"}],"imp":[{"id":"2"},{"id":"3"}],"tmax":1,"tmax":null}"#);
    assert_eq!(&*request.id, "b");
    assert_eq!(request.imp.len(), 2);
    assert_eq!(request.tmax, None);
}

#[test]
fn floors_round_up_and_are_read_without_a_float() {
    for (shown, micros) in [
        ("0.0000001", 1),
        ("1.0000009", 1_000_001),
        ("0.1", 100_000),
        ("-0.0000001", 0),
        ("1e400", i64::MAX),
        ("-1e400", i64::MIN),
        ("9007199254.740993", 9_007_199_254_740_993),
        ("\" 0.25 \"", 250_000),
        ("null", 0),
        ("\"\"", 0),
    ] {
        let line = format!(r#"{{"imp":[{{"bidfloor":{shown}}}]}}"#);
        assert_eq!(read(&line).imp[0].floor(), Some(Cpm(micros)), "{shown}");
    }
}

#[test]
fn a_floor_that_is_no_price_is_not_taken_for_none() {
    for shown in ["\"0,25\"", "\"1 USD\"", "true", "[1]", "{\"a\":1}"] {
        let line = format!(r#"{{"imp":[{{"bidfloor":{shown},"pmp":{{"deals":[{{"bidfloor":{shown}}}]}}}}]}}"#);
        let imp = &read(&line).imp[0];
        assert_eq!((imp.bidfloor, imp.floor()), (Floor::Unreadable, None), "{shown}");
        assert_eq!(imp.pmp.as_ref().unwrap().deals[0].floor(), None, "{shown}");
    }
    assert_eq!(read(r#"{"imp":[{}]}"#).imp[0].floor(), Some(Cpm::ZERO));
}

#[test]
fn integers_take_what_has_a_plain_meaning() {
    for (shown, tmax) in [
        ("100", Some(100)),
        ("100.0", Some(100)),
        ("1e2", Some(100)),
        ("\"100\"", Some(100)),
        ("\" 100 \"", Some(100)),
        ("-1", None),
        ("1e400", Some(u32::MAX)),
        ("99999999999999999999999", Some(u32::MAX)),
        ("\"\"", None),
        ("\"inf\"", None),
        ("\"NaN\"", None),
        ("{}", None),
    ] {
        assert_eq!(read(&format!(r#"{{"tmax":{shown}}}"#)).tmax, tmax, "{shown}");
    }
}

#[test]
fn what_is_no_request_says_what_it_is() {
    for (body, kind, at) in [
        (&b""[..], MalformedKind::Empty, 0),
        (b"  \n", MalformedKind::Empty, 3),
        (b"[]", MalformedKind::NotAnObject, 0),
        (b"null", MalformedKind::NotAnObject, 0),
        (b"hello", MalformedKind::Syntax, 0),
        (b"{\"id\":\"a\"", MalformedKind::Truncated, 8),
        (b"{\"id\":\"a\"} x", MalformedKind::Syntax, 11),
        (b"{\"id\":\"\xff\"}", MalformedKind::Encoding, 7),
        (b"{\"id\":\"\xe2\x82", MalformedKind::Truncated, 7),
        (b"{\"id\":01}", MalformedKind::Syntax, 7),
        (b"{'id':1}", MalformedKind::Syntax, 1),
    ] {
        let malformed = parse_request(body).unwrap_err();
        assert_eq!((malformed.kind, malformed.at), (kind, at), "{malformed} in {}", body.escape_ascii());
        assert!(!malformed.to_string().is_empty());
    }
    assert!(parse_request(b"\xef\xbb\xbf{\"id\":\"bom\"}").is_ok());
}

#[test]
fn a_position_is_read_in_any_notation_and_one_that_is_no_place_is_absent() {
    let position = |geo: &str| {
        let line = format!("{{\"id\":\"a\",\"device\":{{\"geo\":{geo}}}}}");
        let request = read(&line);
        let geo = request.device.as_ref().unwrap().geo.as_ref().unwrap();
        geo.position().map(|(lat, lon)| (lat.microdegrees(), lon.microdegrees()))
    };
    for geo in [r#"{"lat":1.3521,"lon":103.8198}"#, r#"{"lat":"1.3521","lon":" 103.8198 "}"#] {
        assert_eq!(position(geo), Some((1_352_100, 103_819_800)), "{geo}");
    }
    assert_eq!(position(r#"{"lat":-90,"lon":1e1}"#), Some((-90_000_000, 10_000_000)));
    for geo in [
        r#"{"lat":1.3521}"#,
        r#"{"lat":0,"lon":0}"#,
        r#"{"lat":"0.0","lon":0.0}"#,
        r#"{"lat":91,"lon":1}"#,
        r#"{"lat":1,"lon":1e400}"#,
        r#"{"lat":"NaN","lon":1}"#,
        r#"{"lat":"","lon":[1]}"#,
        r#"{"lat":null,"lon":{}}"#,
    ] {
        assert_eq!(position(geo), None, "{geo}");
    }
}

#[test]
fn segments_come_with_their_provider_and_odd_ones_do_not_stop_the_rest() {
    let line = r#"{"id":"a","user":{"data":[
        {"id":"dmp","name":"DMP","segment":[{"id":"s1","name":"car buyers"},{"id":7},{"name":"no id"},"s2",null]},
        {"segment":{"id":"no list"}},
        "no provider",
        {"name":"other","segment":[{"id":"s3"}]}]}}"#;
    let request = read(line);
    let found: Vec<_> = request.segments().map(|(data, id)| (data.id.as_deref(), data.name.as_deref(), id)).collect();
    let dmp = (Some("dmp"), Some("DMP"));
    assert_eq!(found, [(dmp.0, dmp.1, "s1"), (dmp.0, dmp.1, "7"), (None, Some("other"), "s3")]);
    assert_eq!(read(r#"{"id":"a","user":{"data":{}}}"#).segments().count(), 0);
}
