//! What is kept of a payload that crashed an engine: its shape, never its ids and addresses.

use bytes::Bytes;
use exchange::payload::{KEPT_MAX, PAYLOAD_BYTES_MAX, PayloadKeeper, scrub};

#[test]
fn ids_and_addresses_lose_their_letters_and_digits_and_harmless_values_stay() {
    let payload = br#"{"id":"a1b2-77","imp":[{"id":"1","bidfloor":-1.5e2,"secure":1,"banner":{"w":300,"h":250}}],
        "device":{"ip":"192.168.7.13","ua":"Mozil/5","ifa":"6F1B-09","lmt":true,"geo":{"lat":1.3521,"country":"SGP"}},
        "user":{"id":12345,"buyeruid":null},"bcat":["IAB25","IAB26"],"cur":["SGD"],"tmax":120}"#;
    let text = scrub(payload);
    for kept in
        ["-1.5e2", "\"secure\":1", "\"w\":300", "true", "\"SGP\"", "null", "[\"IAB25\",\"IAB26\"]", "\"tmax\":120"]
    {
        assert!(text.contains(kept), "{kept} is lost in {text}");
    }
    for gone in ["a1b2", "77", "192", "168", "Mozil", "6F1B", "12345", "1.3521"] {
        assert!(!text.contains(gone), "{gone} stands in {text}");
    }
    assert_eq!(text.len(), payload.len(), "the shape is the same");
    assert!(text.contains("\"lat\":9.9999") && text.contains("\"id\":99999"));
}

#[test]
fn whatever_is_no_json_is_scrubbed_as_well() {
    for payload in
        [&b"\"unfinished 123"[..], b"{\"ip\":\"10.0.0.1", b"[[[[", b"}}]]", b"{\"a\":\"\\", b"\xff\xfe12", b""]
    {
        let text = scrub(payload);
        assert!(!text.contains("123") && !text.contains("10.0"), "{text}");
    }
    let deep = "[".repeat(200_000);
    assert_eq!(scrub(deep.as_bytes()).len(), deep.len());
    // A harmless key does not make what is nested below it harmless.
    assert_eq!(scrub(br#"{"banner":{"id":"abc","w":1}}"#), r#"{"banner":{"id":"xxx","w":1}}"#);
}

#[test]
fn the_last_payloads_are_kept_bounded_in_number_and_size() {
    let keeper = PayloadKeeper::new();
    for incarnation in 1..=KEPT_MAX as u64 + 3 {
        let body = Bytes::from(vec![b'7'; PAYLOAD_BYTES_MAX + 9]);
        keeper.keep(&"root/exchanges/x/bid_engine".into(), incarnation, &body);
        assert!(keeper.is_untidy());
        if incarnation % 2 == 0 {
            keeper.tidy();
            assert!(!keeper.is_untidy());
        }
    }
    let kept = keeper.payloads();
    assert_eq!(kept.len(), KEPT_MAX);
    assert_eq!((kept[0].incarnation, kept[KEPT_MAX - 1].incarnation), (4, KEPT_MAX as u64 + 3));
    assert!(
        kept.iter().all(|payload| payload.text.len() == PAYLOAD_BYTES_MAX && payload.bytes == PAYLOAD_BYTES_MAX + 9)
    );
    assert!(!kept[0].text.contains('7'));
}

#[test]
fn a_key_that_the_standard_does_not_know_is_masked_as_well() {
    let text = scrub(br#"{"user":{"ext":{"ana@mail.example":{"w":7},"w\"12":1}},"imp":[]}"#);
    assert_eq!(text, r#"{"user":{"ext":{"xxx@xxxx.exxxxxe":{"w":7},"x\"99":9}},"imp":[]}"#);
}
