//! Hostile payloads are what they say, and the incident's is otherwise valid.

use money::Cpm;
use openrtb::{parse_request, validate};
use serde_json::Value;
use simulator::{Expectation, HostileKind};

#[test]
fn the_incidents_payload_is_valid_but_for_its_floor() {
    for seed in 0..100 {
        let payload = HostileKind::NegativeFloor.payload(seed);
        assert_eq!((payload.gzip, payload.expectation), (false, Expectation::NoBid));
        let request = parse_request(&payload.body).expect("parses");
        validate(&request).expect("valid");
        let json: Value = serde_json::from_slice(&payload.body).expect("json");
        let floor = Cpm::parse_exact(&json["imp"][0]["bidfloor"].to_string()).expect("a price");
        assert!(floor < Cpm(0), "seed {seed}: {floor}");
    }
}

#[test]
fn each_kind_is_made_from_its_seed_and_bounded() {
    for kind in HostileKind::ALL {
        let (one, two) = (kind.payload(1), kind.payload(1));
        assert_eq!(one.body, two.body, "{kind:?}");
        assert!(one.body.len() < 150_000, "{kind:?}: {} bytes", one.body.len());
    }
}

#[test]
fn what_must_be_refused_does_not_parse_and_what_may_pass_is_told_apart() {
    for kind in HostileKind::ALL {
        let payload = kind.payload(3);
        let parsed = serde_json::from_slice::<serde::de::IgnoredAny>(&payload.body);
        match payload.expectation {
            Expectation::BadRequest if kind != HostileKind::TopLevelList => assert!(parsed.is_err(), "{kind:?}"),
            Expectation::Refusal => assert!(payload.gzip, "{kind:?}"),
            _ => {}
        }
        let allowed = [200, 204, 400, 413, 500].map(|status| payload.expectation.allows(status));
        assert!(!allowed[4], "{kind:?}: a 500 is never right");
        assert!(allowed.contains(&true), "{kind:?}");
    }
}

#[test]
fn the_library_survives_every_kind() {
    for kind in HostileKind::ALL {
        let payload = kind.payload(9);
        if let Ok(request) = parse_request(&payload.body) {
            let _ = validate(&request);
        }
        let _ = simulator::RequestView::read(&payload.body);
    }
}
