//! Recorded traffic: what parses, what is reported, and that both agree with a second reading by the book.

mod common;

use openrtb::{parse_request, validate, validity};
use serde_json::Value;

struct Tally {
    parsed: usize,
    lines: usize,
}

/// Parses every line and compares what may be bid on with the second reading.
fn tally(name: &str, lines: &[String]) -> Tally {
    let mut parsed = 0;
    for (number, line) in lines.iter().enumerate() {
        let request = match parse_request(line.as_bytes()) {
            Ok(request) => request,
            Err(malformed) => {
                println!("{name}:{}: {malformed}", number + 1);
                continue;
            }
        };
        parsed += 1;
        let tree: Value = serde_json::from_str(line).unwrap();
        let expected = common::biddable_by_the_book(&tree);
        let biddable: Vec<usize> = match validity(&request) {
            Ok(validity) => validity.biddable(&request).map(|(index, _)| index).collect(),
            Err(_) => Vec::new(),
        };
        assert_eq!(biddable, expected, "{name}:{}", number + 1);
        let imps = tree["imp"].as_array().map_or(0, Vec::len);
        assert_eq!(validate(&request).is_ok(), imps > 0 && expected.len() == imps, "{name}:{}", number + 1);
    }
    println!("{name}: {parsed} of {} parse", lines.len());
    Tally { parsed, lines: lines.len() }
}

#[test]
fn every_request_of_this_crate_parses_and_is_valid() {
    let lines = common::fixture("requests.jsonl");
    assert_eq!(tally("requests.jsonl", &lines).parsed, lines.len());
    for line in &lines {
        assert_eq!(validate(&parse_request(line.as_bytes()).unwrap()), Ok(()), "{line}");
    }
}

#[test]
fn every_broken_must_of_this_crate_is_reported() {
    for line in common::fixture("invalid.jsonl") {
        let request = parse_request(line.as_bytes()).unwrap();
        let invalid = validate(&request).expect_err(&line);
        println!("{}: {invalid}", invalid.kind().label());
    }
}

#[test]
fn every_prebid_request_parses() {
    let Some(lines) = common::recorded("bid-requests-prebid.jsonl") else { return };
    let Tally { parsed, lines } = tally("prebid", &lines);
    assert_eq!(parsed, lines);
}

#[test]
fn at_least_98_percent_of_other_requests_parse() {
    let Some(lines) = common::recorded("bid-requests-other.jsonl") else { return };
    let Tally { parsed, lines } = tally("other", &lines);
    assert!(parsed * 100 >= lines * 98, "{parsed} of {lines}");
}

#[test]
fn odd_requests_parse() {
    let Some(lines) = common::recorded("bid-requests-odd.jsonl") else { return };
    let Tally { parsed, lines } = tally("odd", &lines);
    assert_eq!(parsed, lines);
}

#[test]
fn every_recorded_request_that_breaks_a_must_is_reported() {
    let Some(lines) = common::recorded("bid-requests-invalid.jsonl") else { return };
    tally("invalid", &lines);
    let mut reported = 0;
    for line in &lines {
        let Ok(request) = parse_request(line.as_bytes()) else { continue };
        match validate(&request) {
            Err(invalid) => {
                reported += 1;
                println!("{invalid}");
            }
            Ok(()) => println!("breaks no MUST: {line}"),
        }
    }
    assert_eq!(reported, lines.len());
}

#[test]
fn recorded_prices_keep_their_digits() {
    for name in ["bid-requests-prebid.jsonl", "bid-requests-other.jsonl"] {
        let Some(lines) = common::recorded(name) else { return };
        for line in &lines {
            let request = parse_request(line.as_bytes()).unwrap();
            let tree: Value = serde_json::from_str(line).unwrap();
            for (imp, shown) in request.imp.iter().zip(tree["imp"].as_array().unwrap()) {
                // A float is good enough to check a digit, not to carry money.
                if let Some(price) = shown["bidfloor"].as_f64().filter(|price| price.abs() < 1e9) {
                    let floor = imp.floor().unwrap();
                    let micros = floor.0 as f64 / 1e6;
                    assert!((micros - price).abs() < 1.1e-6, "{price} became {floor}");
                }
            }
        }
    }
}

#[test]
fn every_recorded_response_parses() {
    let Some(lines) = common::recorded("bid-responses-prebid.jsonl") else { return };
    let mut bids = 0;
    for line in &lines {
        let response = openrtb::parse_response(line.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line}"));
        bids += response.bids().count();
    }
    println!("{} responses, {bids} bids", lines.len());
    assert!(bids > 500);
}
