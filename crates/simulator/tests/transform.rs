//! The transformer moves a request and leaves everything else alone.

mod support;

use openrtb::{parse_request, validate};
use serde_json::Value;
use simulator::{CurrencyRewrite, Market, RequestView, TransformError, transform};
use support::corpus;

const SEED: u64 = 20_261_122;

const CORPORA: [&str; 4] =
    ["bid-requests-prebid.jsonl", "bid-requests-other.jsonl", "bid-requests-odd.jsonl", "bid-requests-invalid.jsonl"];

#[test]
fn only_what_it_promises_is_rewritten() {
    let line = r#"{"z":1.10,"id":"1","imp":[{"bidfloor":0.30,"id":"a","banner":{"h":250,"w":300}}],"device":{"ua":"x","ip":"1.2.3.4","geo":{"country":"USA","zip":"1"},"carrier":"V","odd":[1.0]},"cur":["EUR"],"id":"2"}"#;
    let moved = transform(line.as_bytes(), SEED, 0, CurrencyRewrite::AddLocal).expect("moved");
    let text = String::from_utf8(moved.json).expect("text");
    assert!(text.starts_with(r#"{"z":1.10,"id":"1","imp":[{"bidfloor":0.30,"id":"a","banner":{"h":250,"w":300}}],"device":{"ua":"x","ip":""#), "{text}");
    assert!(text.contains(r#""odd":[1.0]"#) && text.ends_with(r#","id":"2"}"#), "{text}");
    let local = moved.market.currency();
    assert!(text.contains(&format!(r#""cur":["{local}","EUR"]"#)), "{text}");
    assert!(!text.contains("USA") && !text.contains("1.2.3.4"), "{text}");
}

#[test]
fn a_device_is_added_where_there_is_none_and_replaced_where_it_is_none() {
    for line in [r#"{"id":"1"}"#, r#"{"id":"1","device":null}"#, r#"{"id":"1","device":"phone"}"#] {
        let moved = transform(line.as_bytes(), SEED, 1, CurrencyRewrite::Keep).expect("moved");
        let json: Value = serde_json::from_slice(&moved.json).expect("json");
        assert!(json["device"]["geo"]["country"].is_string(), "{json}");
        assert!(json.get("cur").is_none());
    }
}

#[test]
fn what_is_no_object_is_refused() {
    assert!(matches!(transform(b"[1]", SEED, 0, CurrencyRewrite::Keep), Err(TransformError::NotAnObject)));
    assert!(matches!(transform(b"\xff", SEED, 0, CurrencyRewrite::Keep), Err(TransformError::NotUtf8(_))));
}

#[test]
fn every_line_of_the_corpora_can_be_moved_and_stays_as_valid_as_it_was() {
    println!("seed {SEED}");
    for name in CORPORA {
        let Some(lines) = corpus(name) else { continue };
        let mut markets = [0; 3];
        for (number, line) in lines.iter().enumerate() {
            let number = number as u64;
            let moved = transform(line.as_bytes(), SEED, number, CurrencyRewrite::Mixed)
                .unwrap_or_else(|error| panic!("{name}:{}: {error}", number + 1));
            let again = transform(line.as_bytes(), SEED, number, CurrencyRewrite::Mixed).expect("moved");
            assert_eq!(moved.json, again.json, "{name}:{}", number + 1);
            markets[Market::ALL.iter().position(|market| *market == moved.market).expect("a market")] += 1;

            let is_valid = |json: &[u8]| parse_request(json).is_ok_and(|request| validate(&request).is_ok());
            assert!(!is_valid(line.as_bytes()) || is_valid(&moved.json), "{name}:{}", number + 1);
            let (before, after) = (RequestView::read(line.as_bytes()), RequestView::read(&moved.json));
            let (before, after) = (before.expect("a view"), after.expect("a view"));
            assert_eq!((&before.id, before.imps.len(), before.test), (&after.id, after.imps.len(), after.test));
            assert_eq!(before.has_sized_banner(), after.has_sized_banner());
        }
        println!("{name}: {} lines, SG {} ID {} TH {}", lines.len(), markets[0], markets[1], markets[2]);
        assert!(lines.len() < 30 || markets.iter().all(|count| lines.len() / 6 < *count), "{name}: {markets:?}");
    }
}
