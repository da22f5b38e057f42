//! Each MUST of the standard by itself, and the reason that a person reads.

use openrtb::{Invalid, parse_request, validate, validity};

fn verdict(line: &str) -> Result<(), Invalid> {
    validate(&parse_request(line.as_bytes()).unwrap())
}

#[test]
fn a_request_needs_an_id_and_an_impression() {
    assert_eq!(verdict(r#"{"imp":[{"id":"1","banner":{}}]}"#), Err(Invalid::NoId));
    assert_eq!(verdict(r#"{"id":null,"imp":[{"id":"1","banner":{}}]}"#), Err(Invalid::NoId));
    assert_eq!(verdict(r#"{"id":"a"}"#), Err(Invalid::NoImp));
    assert_eq!(verdict(r#"{"id":"a","imp":[]}"#), Err(Invalid::NoImp));
    assert_eq!(verdict(r#"{"id":"a","imp":"1"}"#), Err(Invalid::NoImp));
    assert_eq!(verdict(r#"{"id":"a","imp":[{"id":"1","banner":{}}]}"#), Ok(()));
}

#[test]
fn an_impression_needs_an_id_and_a_kind_of_ad() {
    assert_eq!(verdict(r#"{"id":"a","imp":[{"banner":{}}]}"#), Err(Invalid::ImpWithoutId { index: 0 }));
    assert_eq!(verdict(r#"{"id":"a","imp":[{"id":"1"}]}"#), Err(Invalid::ImpWithoutMedia { index: 0 }));
    for kind in ["banner", "video", "audio", "native"] {
        assert_eq!(verdict(&format!(r#"{{"id":"a","imp":[{{"id":"1","{kind}":{{}}}}]}}"#)), Ok(()), "{kind}");
    }
}

#[test]
fn impressions_that_share_an_id_are_both_out_and_the_others_stay() {
    let line = r#"{"id":"a","imp":[{"id":"1","banner":{}},{"id":"2","banner":{}},{"id":"1","video":{}},{"id":"3"}]}"#;
    let request = parse_request(line.as_bytes()).unwrap();
    let validity = validity(&request).unwrap();
    let biddable: Vec<_> = validity.biddable(&request).map(|(index, imp)| (index, &*imp.id)).collect();
    assert_eq!(biddable, [(1, "2")]);
    assert_eq!(validity.fault(0), Some(&Invalid::DuplicateImpId { index: 0, first: 2 }));
    assert_eq!(validity.fault(2), Some(&Invalid::DuplicateImpId { index: 2, first: 0 }));
    assert_eq!(validity.fault(3), Some(&Invalid::ImpWithoutMedia { index: 3 }));
    assert_eq!(validity.fault(1), None);
}

#[test]
fn a_reason_names_the_place_and_what_to_do() {
    let reason = verdict(r#"{"id":"a","imp":[{"id":"1","banner":{}},{"id":"2"}]}"#).unwrap_err().to_string();
    assert_eq!(reason, "imp[1] has no banner, video, audio or native: name at least one kind of ad");
}
