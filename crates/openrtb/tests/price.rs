//! Encrypted prices, against vectors that others published, and what else stands where a price should be.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use money::Cpm;
use openrtb::price::adx::{AdxError, Iv, Keys};
use openrtb::price::{PriceCodec, SeenPrice};
use proptest::prelude::*;

fn keys_a() -> Keys {
    let encryption = "skU7Ax_NL5pPAFyKdkfZjZz2-VhIN8bjj1rVFOaJ_5o=";
    let integrity = "arO23ykdNqUQ5LEoQ0FVmPkBd7xB5CO89PDZlSjpFxo=";
    Keys::from_base64(encryption, integrity).unwrap()
}

fn keys_b() -> Keys {
    let encryption = "sIxwz7yw62yrfoLGt12lIHKuYrK_S5kLuApI2BQe7Ac=";
    let integrity = "v3fsVcMBMMHYzRhi7SpM0sdqwzvAxM6KPTu9OtVod5I=";
    Keys::from_base64(encryption, integrity).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn the_published_prices_are_decrypted_and_encrypted() {
    let counting = "000102030405060708090a0b0c0d0e0f";
    for (keys, text, micros, iv) in [
        (
            keys_a(),
            "YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCce_6msaw",
            100,
            hex("616263313233646566343536676869").into_iter().chain([b'7']).collect(),
        ),
        (keys_a(), "YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCAWJRxOgA", 1_900, b"abc123def456ghi7".to_vec()),
        (keys_a(), "YWJjMTIzZGVmNDU2Z2hpN7fhCuPemC32prpWWw", 2_700, b"abc123def456ghi7".to_vec()),
        (keys_a(), "AAECAwQFBgcICQoLDA0OD-zub_WgSbtPP9GXag", 0, hex(counting)),
        (keys_b(), "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ==", 1_200_000, hex("386e3ac0000c0a080123456789abcdef")),
    ] {
        let sealed = keys.decrypt_price(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(sealed.price, Cpm(micros), "{text}");
        assert_eq!(sealed.iv.0.to_vec(), iv, "{text}");
        assert_eq!(keys.encrypt_price(Cpm(micros), sealed.iv), text.trim_end_matches('='));
    }
}

#[test]
fn the_published_ids_are_decrypted_and_encrypted() {
    let keys = keys_b();
    let adid = "000102030405060708090a0b0c0d0e0f";
    for (package, payload) in [
        (URL_SAFE_NO_PAD.decode("OG46wAAMCggBI0VniavN7-mMyUZXP79GV5XMEA").unwrap(), "0001020304050607"),
        (hex("386E3AC0000C0A080123456789ABCDEFE98CC946573FBF4645EF060B17A667A617C66BCB"), adid),
        (URL_SAFE_NO_PAD.decode("5nmwvgAM0UABI0VniavN72_tyXf-QJOmQdL0tmh_fduB2go_").unwrap(), adid),
        (hex("386E3AC0000C0A080123456789ABCDEFFB87C645530EFB544DE63842A609CC0C"), "120a0d000034421500003442"),
    ] {
        let (decrypted, iv) = keys.decrypt(&package).unwrap();
        assert_eq!(decrypted, hex(payload));
        assert_eq!(keys.encrypt(&decrypted, iv), package);
    }
}

#[test]
fn a_forged_price_is_refused() {
    assert_eq!(keys_a().decrypt_price("YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCAWJRxOlA"), Err(AdxError::Signature));
    assert_eq!(keys_b().decrypt_price("YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCce_6msaw"), Err(AdxError::Signature));
    assert_eq!(keys_a().decrypt_price("YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCce_6ms"), Err(AdxError::Length(27)));
    assert_eq!(keys_a().decrypt_price(""), Err(AdxError::Length(0)));
    assert_eq!(keys_a().decrypt_price("1.25"), Err(AdxError::Encoding));
}

#[test]
fn both_paddings_are_read() {
    for padding in ["", "=", "==", ".", ".."] {
        let text = format!("YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCce_6msaw{padding}");
        assert_eq!(keys_a().decrypt_price(&text).unwrap().price, Cpm(100));
    }
}

#[test]
fn a_price_that_no_integer_of_ours_holds_is_refused() {
    let package = keys_a().encrypt(&u64::MAX.to_be_bytes(), Iv::new(1, 2, 3));
    let text = URL_SAFE_NO_PAD.encode(package);
    assert_eq!(keys_a().decrypt_price(&text), Err(AdxError::TooLarge));
}

#[test]
fn keys_are_32_bytes_and_never_shown() {
    assert_eq!(Keys::from_base64("c2hvcnQ", "c2hvcnQ").unwrap_err(), AdxError::Key);
    assert_eq!(format!("{:?}", keys_a()), "Keys(..)");
}

#[test]
fn what_stands_in_a_notice_is_named() {
    let adx = PriceCodec::Adx { current: Box::new(keys_b()), previous: Some(Box::new(keys_a())) };
    for (codec, text, seen) in [
        (&PriceCodec::Plain, "1.25", SeenPrice::Price(Cpm(1_250_000))),
        (&PriceCodec::Plain, " 0.0000001 ", SeenPrice::Price(Cpm(1))),
        (&PriceCodec::Plain, "0", SeenPrice::Price(Cpm(0))),
        (&PriceCodec::Plain, "-1", SeenPrice::Unreadable),
        (&PriceCodec::Plain, "1e400", SeenPrice::Unreadable),
        (&PriceCodec::Plain, "1,25", SeenPrice::Unreadable),
        (&PriceCodec::Plain, "", SeenPrice::Empty),
        (&PriceCodec::Plain, "AUDIT", SeenPrice::Audit),
        (&PriceCodec::Plain, "${AUCTION_PRICE}", SeenPrice::Unsubstituted),
        (&PriceCodec::Plain, "YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCce_6msaw", SeenPrice::Unreadable),
        (&adx, "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ", SeenPrice::Price(Cpm(1_200_000))),
        (&adx, "YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCce_6msaw", SeenPrice::Price(Cpm(100))),
        (&adx, "YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCAWJRxOlA", SeenPrice::Unreadable),
        (&adx, "%%WINNING_PRICE%%", SeenPrice::Unsubstituted),
        (&adx, "1.25", SeenPrice::Unreadable),
    ] {
        assert_eq!(codec.read(text), seen, "{text}");
    }
}

proptest! {
    #[test]
    fn prices_survive_the_round_trip(micros in 0_i64.., seconds: u32, micros_of_second: u32, server: u64) {
        let iv = Iv::new(seconds, micros_of_second, server);
        let text = keys_a().encrypt_price(Cpm(micros), iv);
        prop_assert_eq!(text.len(), 38);
        let sealed = keys_a().decrypt_price(&text).unwrap();
        prop_assert_eq!((sealed.price, sealed.iv, sealed.iv.seconds()), (Cpm(micros), iv, seconds));
    }

    #[test]
    fn payloads_longer_than_one_pad_survive_the_round_trip(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let iv = Iv::new(1, 2, 3);
        prop_assert_eq!(keys_a().decrypt(&keys_a().encrypt(&payload, iv)), Ok((payload, iv)));
    }

    #[test]
    fn no_notice_panics(text in ".{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let adx = PriceCodec::Adx { current: Box::new(keys_a()), previous: None };
        let _ = (adx.read(&text), PriceCodec::Plain.read(&text), keys_a().decrypt(&bytes));
    }
}
