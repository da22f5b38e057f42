//! Nothing that an exchange can send panics, recurses without end or takes more than linear time.

mod common;

use openrtb::{parse_request, parse_response, peek_tmax, validity};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

/// One seed for all runs, so that a failure is found again. Printed with it.
const SEED: u64 = 20_260_701;

fn config(cases: u32) -> Config {
    println!("seed {SEED}");
    Config { cases, rng_seed: RngSeed::Fixed(SEED), failure_persistence: None, ..Config::default() }
}

/// Everything that the bid path does with a body before it decides.
fn swallow(body: &[u8]) {
    let _ = peek_tmax(body);
    let _ = parse_response(body);
    let Ok(request) = parse_request(body) else { return };
    let _ = (request.country(), request.schain(), request.eids().len(), request.gpp_sid().len());
    let _ = (request.coppa(), request.inventory().is_some(), request.currencies().count());
    if let Ok(validity) = validity(&request) {
        for (_, imp) in validity.biddable(&request) {
            let _ = (imp.floor(), imp.floor_currency(), imp.is_rewarded());
            let _ = imp.banner.as_ref().map(|banner| banner.sizes().count());
            let _ = imp.native.as_ref().and_then(|native| native.request).map(|request| request.text().len());
        }
    }
}

fn corpus() -> Vec<String> {
    let mut lines = common::fixture("requests.jsonl");
    for name in ["bid-requests-other.jsonl", "bid-requests-odd.jsonl"] {
        lines.extend(common::recorded(name).unwrap_or_default().into_iter().step_by(9));
    }
    lines
}

#[test]
fn every_prefix_of_a_request_is_survived() {
    for line in common::fixture("requests.jsonl") {
        for end in 0..line.len() {
            swallow(&line.as_bytes()[..end]);
            assert!(parse_request(&line.as_bytes()[..end]).is_err(), "a prefix is no request");
        }
    }
}

#[test]
fn nesting_of_100_000_levels_is_survived_anywhere() {
    const LEVELS: usize = 100_000;
    for (open, close) in [("[", "]"), ("{\"imp\":", "}"), ("{\"a\":", "}"), ("[{\"ext\":", "}]")] {
        for field in ["imp", "ext", "id", "tmax", "bcat", "device", "unknown", "cur"] {
            for closed in [true, false] {
                let mut body = format!("{{\"{field}\":");
                body.push_str(&open.repeat(LEVELS));
                body.push('1');
                if closed {
                    body.push_str(&close.repeat(LEVELS));
                    body.push('}');
                }
                swallow(body.as_bytes());
                swallow(&body.as_bytes()[body.find(':').unwrap() + 1..]);
            }
        }
    }
    let deep = format!(r#"{{"id":"a","ext":{}{},"imp":[]}}"#, "[".repeat(LEVELS), "]".repeat(LEVELS));
    assert_eq!(&*parse_request(deep.as_bytes()).unwrap().id, "a");
}

#[test]
fn odd_values_in_every_place_are_survived() {
    let values = [
        "1e400",
        "-1e400",
        "1e-400",
        "-0",
        "0.0",
        "99999999999999999999999999",
        "true",
        "null",
        "\"\"",
        "[]",
        "{}",
        "[[]]",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\u0000\"",
        "\"\u{202e}\u{10ffff}\"",
        "[null,1,\"x\",{},[1e400]]",
        "{\"id\":1e400,\"id\":{}}",
        "\"1e999999999999\"",
        "18446744073709551616",
        "-9223372036854775809",
    ];
    let fields = [
        "id", "imp", "tmax", "at", "test", "cur", "bcat", "badv", "site", "app", "device", "user", "regs", "source",
        "ext",
    ];
    let imp_fields =
        ["id", "banner", "video", "native", "pmp", "bidfloor", "bidfloorcur", "secure", "exp", "ext", "instl"];
    for value in values {
        for field in fields {
            swallow(format!(r#"{{"id":"a","imp":[{{"id":"1","banner":{{}}}}],"{field}":{value}}}"#).as_bytes());
        }
        for field in imp_fields {
            swallow(format!(r#"{{"id":"a","imp":[{{"id":"1","banner":{{}},"{field}":{value}}}]}}"#).as_bytes());
        }
        for inner in ["w", "format", "battr", "mimes", "pos"] {
            swallow(format!(r#"{{"id":"a","imp":[{{"id":"1","banner":{{"{inner}":{value}}}}}]}}"#).as_bytes());
        }
    }
}

#[test]
fn a_string_that_is_no_text_is_absent_where_it_is_optional() {
    let request = parse_request(br#"{"id":"a","device":{"ua":"\ud800","model":"\ud83d\ude00"}}"#).unwrap();
    let device = request.device.unwrap();
    assert_eq!(device.ua, None);
    assert_eq!(device.model.as_deref(), Some("\u{1f600}"));
}

#[test]
fn a_string_of_ten_megabytes_is_read() {
    let long = "x".repeat(10_000_000);
    for field in ["id", "unknown", "tmax", "cur"] {
        let body = format!(r#"{{"{field}":"{long}","tmax":7}}"#);
        assert_eq!(parse_request(body.as_bytes()).unwrap().tmax, Some(7), "{field}");
        swallow(body.as_bytes());
    }
    let body = format!(r#"{{"{long}":1,"imp":[{{"bidfloor":{}}}]}}"#, "9".repeat(10_000_000));
    assert_eq!(parse_request(body.as_bytes()).unwrap().imp[0].floor(), Some(money::Cpm::MAX));
}

#[test]
fn a_hundred_thousand_impressions_are_checked_in_linear_time() {
    let imp = r#"{"id":"same","banner":{}}"#;
    let body = format!(r#"{{"id":"a","imp":[{}]}}"#, vec![imp; 100_000].join(","));
    let request = parse_request(body.as_bytes()).unwrap();
    let validity = validity(&request).unwrap();
    assert_eq!(validity.biddable(&request).count(), 0);
    assert_eq!(validity.faults().count(), 100_000);
}

#[test]
fn mutated_requests_are_survived() {
    let corpus = corpus();
    let mutation =
        (0..corpus.len(), proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..6), 1..8));
    let mut runner = prop::test_runner::TestRunner::new(config(4_000));
    let result = runner.run(&mutation, |(line, edits)| {
        let mut body = corpus[line].as_bytes().to_vec();
        for (place, byte, kind) in edits {
            let at = place.index(body.len().max(1)).min(body.len());
            match kind {
                0 => body.truncate(at),
                1 => body.insert(at, byte),
                2 => drop(body.splice(at..at, *b"\"\\ud800\"")),
                3 => drop(body.splice(at..at, *b"1e400")),
                4 => body.extend_from_within(at..),
                _ => {
                    if let Some(old) = body.get_mut(at) {
                        *old = [b'{', b'}', b'[', b']', b'"', b',', b':', b'0', byte][usize::from(byte) % 9];
                    }
                }
            }
        }
        swallow(&body);
        Ok(())
    });
    result.unwrap();
}

#[test]
fn values_moved_to_other_places_never_fail_the_parse() {
    // Whatever JSON value stands at a key that OpenRTB knows, the request is read.
    let value = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        "-?[1-9][0-9]{0,4}\\.[0-9]{1,9}",
        "\"[a-z0-9 ]{0,12}\"",
    ];
    let value = value.prop_recursive(4, 24, 5, |inner| {
        let key = prop::sample::select(vec!["id", "imp", "w", "banner", "geo", "ext", "country", "deals", "pmp", "x"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|list| format!("[{}]", list.join(","))),
            prop::collection::vec((key, inner), 0..5).prop_map(|fields| {
                let fields: Vec<_> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    });
    let keys = vec!["id", "imp", "device", "user", "site", "app", "regs", "source", "cur", "bcat", "tmax", "at", "ext"];
    let request = prop::collection::vec((prop::sample::select(keys), value), 0..8);
    let mut runner = prop::test_runner::TestRunner::new(config(2_000));
    let result = runner.run(&request, |fields| {
        let fields: Vec<_> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        let body = format!("{{{}}}", fields.join(","));
        prop_assert!(parse_request(body.as_bytes()).is_ok(), "{}", body);
        swallow(body.as_bytes());
        Ok(())
    });
    result.unwrap();
}
