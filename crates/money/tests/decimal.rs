//! Decimal text: exact, any length, any exponent, no panic.

use money::{Cpm, Nanos, ParseMoneyError, Rounding};
use proptest::prelude::*;

#[test]
fn json_number_syntax_is_read_exactly() {
    for (text, down, up) in [
        ("0", 0, 0),
        ("-0", 0, 0),
        ("1.5", 1_500_000, 1_500_000),
        ("2e-1", 200_000, 200_000),
        ("-3", -3_000_000, -3_000_000),
        ("1E2", 100_000_000, 100_000_000),
        ("1e+2", 100_000_000, 100_000_000),
        ("0.1", 100_000, 100_000),
        ("0.0000001", 0, 1),
        ("-0.0000001", -1, 0),
        ("1.2345678", 1_234_567, 1_234_568),
        ("1.2340000000000000000000000000000000", 1_234_000, 1_234_000),
        ("123e-8", 1, 2),
        ("1e-400", 0, 1),
        ("-1e-400", -1, 0),
        ("0e400", 0, 0),
        ("0e999999999999999999999999", 0, 0),
        ("9223372036854.775807", i64::MAX, i64::MAX),
        ("-9223372036854.775808", i64::MIN, i64::MIN),
        ("0.09", 90_000, 90_000),
    ] {
        assert_eq!(Cpm::parse(text, Rounding::Down), Ok(Cpm(down)), "{text} down");
        assert_eq!(Cpm::parse(text, Rounding::Up), Ok(Cpm(up)), "{text} up");
    }
}

#[test]
fn what_is_no_json_number_is_refused_with_its_place() {
    for (text, at) in [
        ("", 0),
        ("-", 1),
        ("+1", 0),
        (".5", 0),
        ("1.", 2),
        ("01", 0),
        ("1e", 2),
        ("1e+", 3),
        ("1 ", 1),
        (" 1", 0),
        ("1_000", 1),
        ("NaN", 0),
        ("Infinity", 0),
        ("0x10", 1),
        ("1,5", 1),
        ("\u{0663}", 0),
    ] {
        assert_eq!(Cpm::parse(text, Rounding::Up), Err(ParseMoneyError::Syntax { at }), "{text:?}");
    }
}

#[test]
fn what_the_type_cannot_hold_is_too_large_and_keeps_its_sign() {
    for (text, negative) in [
        ("1e400", false),
        ("-1e400", true),
        ("9223372036854.775808", false),
        ("9223372036854.7758071", false),
        ("-9223372036854.775809", true),
        ("1e99999999999999999999999999", false),
        ("99999999999999999999999999999999999999999999", false),
    ] {
        assert_eq!(Cpm::parse(text, Rounding::Up), Err(ParseMoneyError::TooLarge { negative }), "{text}");
    }
}

#[test]
fn a_number_of_ten_megabytes_is_read() {
    let mut text = String::from("0.");
    text.extend(std::iter::repeat_n('0', 10_000_000));
    text.push('7');
    assert_eq!(Cpm::parse(&text, Rounding::Up), Ok(Cpm(1)));
    assert_eq!(Cpm::parse(&text, Rounding::Down), Ok(Cpm(0)));
    text.push_str("e10000000");
    assert_eq!(Cpm::parse(&text, Rounding::Down), Ok(Cpm(700_000)));
}

#[test]
fn configuration_may_not_be_finer_than_the_type() {
    assert_eq!(Cpm::parse_exact("1.2345670"), Ok(Cpm(1_234_567)));
    assert_eq!(Cpm::parse_exact("1.2345678"), Err(ParseMoneyError::Inexact { decimals: 6 }));
    assert_eq!("250.00".parse(), Ok(Nanos(250_000_000_000)));
}

#[test]
fn display_is_exact_and_trims_zeros() {
    for (value, text) in [
        (0, "0"),
        (1, "0.000001"),
        (-1, "-0.000001"),
        (1_234_567, "1.234567"),
        (1_500_000, "1.5"),
        (10_000_000, "10"),
        (100_000, "0.1"),
        (i64::MAX, "9223372036854.775807"),
        (i64::MIN, "-9223372036854.775808"),
    ] {
        assert_eq!(Cpm(value).to_string(), text);
    }
    assert_eq!(format!("{:>8}|{:<6}|", Cpm(1_500_000), Cpm(2_000_000)), "     1.5|2     |");
    assert_eq!(Nanos(1).to_string(), "0.000000001");
}

#[test]
fn serde_takes_decimal_strings_and_whole_numbers_but_no_float() {
    assert_eq!(serde_json::from_str::<Cpm>("\"1.20\"").unwrap(), Cpm(1_200_000));
    assert_eq!(serde_json::from_str::<Cpm>("3").unwrap(), Cpm(3_000_000));
    assert_eq!(serde_json::from_str::<Nanos>("-3").unwrap(), Nanos(-3_000_000_000));
    assert_eq!(serde_json::to_string(&Cpm(1_200_000)).unwrap(), "\"1.2\"");
    let refused = serde_json::from_str::<Cpm>("1.2").unwrap_err().to_string();
    assert!(refused.contains("decimal string"), "{refused}");
    assert!(serde_json::from_str::<Nanos>("99999999999").is_err());
}

proptest! {
    #[test]
    fn display_is_read_back_as_the_same_value(value: i64) {
        prop_assert_eq!(Cpm::parse_exact(&Cpm(value).to_string()), Ok(Cpm(value)));
        prop_assert_eq!(Nanos::parse_exact(&Nanos(value).to_string()), Ok(Nanos(value)));
    }

    #[test]
    fn parse_agrees_with_integer_arithmetic(mantissa in -1_000_000_000_000_i64..1_000_000_000_000, exponent in -20_i32..6) {
        let text = format!("{mantissa}e{exponent}");
        let scale = 10_i128.pow((exponent + 6).unsigned_abs());
        let (down, up) = if exponent + 6 < 0 {
            let floor = i128::from(mantissa).div_euclid(scale);
            (floor, floor + i128::from(i128::from(mantissa).rem_euclid(scale) != 0))
        } else {
            let exact = i128::from(mantissa) * scale;
            (exact, exact)
        };
        for (rounding, expected) in [(Rounding::Down, down), (Rounding::Up, up)] {
            match i64::try_from(expected) {
                Ok(expected) => prop_assert_eq!(Cpm::parse(&text, rounding), Ok(Cpm(expected))),
                Err(_) => prop_assert!(Cpm::parse(&text, rounding).is_err()),
            }
        }
    }

    #[test]
    fn the_point_may_stand_anywhere(digits in "[0-9]{1,15}", cut in 0_usize..15) {
        let cut = cut.min(digits.len());
        let whole = digits[..cut].trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let fraction = &digits[cut..];
        let text = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
        let shifted = format!("{}e-{}", digits.parse::<u64>().unwrap(), fraction.len());
        prop_assert_eq!(Cpm::parse(&text, Rounding::Up), Cpm::parse(&shifted, Rounding::Up));
        prop_assert_eq!(Cpm::parse(&text, Rounding::Down), Cpm::parse(&shifted, Rounding::Down));
    }

    #[test]
    fn no_text_panics(text in ".{0,40}", numeric in "[-+0-9.eE]{0,30}") {
        for text in [text, numeric] {
            let up = Cpm::parse(&text, Rounding::Up);
            let down = Cpm::parse(&text, Rounding::Down);
            if let (Ok(up), Ok(down)) = (up, down) {
                prop_assert!(down <= up && up.0 - down.0 <= 1);
            }
        }
    }
}
