//! The deadline, seen before the request is parsed.

mod common;

use openrtb::{parse_request, peek_tmax, tmax_of};

#[test]
fn only_the_top_level_counts() {
    for (body, tmax) in [
        (r#"{"tmax":120}"#, Some(120)),
        (r#"{ "tmax" : 120 , "id":1}"#, Some(120)),
        (r#"{"ext":{"tmax":1},"tmax":120}"#, Some(120)),
        (r#"{"imp":[{"tmax":1}],"tmax":120}"#, Some(120)),
        (r#"{"id":"\"tmax\":1,","tmax":120}"#, Some(120)),
        (r#"{"id":"tmax","x":5,"tmax":120}"#, Some(120)),
        (r#"{"id":"}{][\\","tmax":120}"#, Some(120)),
        (r#"{"tmax":"120"}"#, Some(120)),
        (r#"{"tmax":120.0}"#, Some(120)),
        (r#"{"tmax":0}"#, Some(0)),
        (r#"{"tmax":99999999999}"#, Some(u32::MAX)),
        (r#"{"tmax":-1}"#, None),
        (r#"{"tmax":null}"#, None),
        (r#"{"tmax":"${TMAX}"}"#, None),
        (r#"{"id":"tmax"}"#, None),
        (r#"["tmax",120]"#, None),
        ("", None),
        ("}}}", None),
        ("\"", None),
        ("{\"a\\", None),
    ] {
        assert_eq!(peek_tmax(body.as_bytes()), tmax, "{body}");
    }
}

#[test]
fn digits_still_on_their_way_are_not_taken_for_the_number() {
    let body = br#"{"id":"a","tmax":1250,"imp":[]}"#;
    let full = body.iter().position(|byte| *byte == b'0').unwrap() + 2;
    for end in 0..=body.len() {
        let expected = if end < full { None } else { Some(1250) };
        assert_eq!(peek_tmax(&body[..end]), expected, "{}", body[..end].escape_ascii());
    }
}

#[test]
fn the_peek_agrees_with_the_parser_on_recorded_requests() {
    for name in ["bid-requests-prebid.jsonl", "bid-requests-other.jsonl"] {
        for line in common::recorded(name).unwrap_or_default() {
            let request = parse_request(line.as_bytes()).unwrap();
            assert_eq!(peek_tmax(line.as_bytes()), request.tmax, "{line}");
            assert_eq!(tmax_of(line.as_bytes()), request.tmax, "{line}");
        }
    }
}
