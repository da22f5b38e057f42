//! Conversion: the direction asked for, no value out of nothing.

use money::{Cpm, Currency, Nanos, Rate, Rates, RatesError, Rounding};
use proptest::prelude::*;

fn rates() -> Rates {
    let table = r#"{"as_of":"2026-07-01","usd_per_unit":{"SGD":"0.7815","IDR":"0.0000613","THB":"0.03071"}}"#;
    serde_json::from_str(table).unwrap()
}

#[test]
fn floors_round_up_and_bids_down() {
    let rates = rates();
    assert_eq!(rates.to_usd(Cpm(1), Currency::SGD, Rounding::Up), Some(Cpm(1)));
    assert_eq!(rates.to_usd(Cpm(1), Currency::SGD, Rounding::Down), Some(Cpm(0)));
    // 15,000 rupiah are 0.9195 USD.
    assert_eq!(rates.to_usd(Cpm(15_000_000_000), Currency::IDR, Rounding::Up), Some(Cpm(919_500)));
    assert_eq!(rates.from_usd(Cpm(919_500), Currency::IDR, Rounding::Down), Some(Cpm(15_000_000_000)));
    assert_eq!(rates.to_usd(Cpm(-1), Currency::SGD, Rounding::Up), Some(Cpm(0)));
}

#[test]
fn an_unknown_currency_has_no_price() {
    let euro: Currency = "eur".parse().unwrap();
    assert_eq!(rates().to_usd(Cpm(1), euro, Rounding::Up), None);
    assert_eq!(rates().from_usd(Cpm(1), euro, Rounding::Up), None);
}

#[test]
fn overflow_is_none() {
    assert_eq!(rates().from_usd(Cpm::MAX, Currency::IDR, Rounding::Down), None);
    assert_eq!(rates().from_usd(Cpm::MIN, Currency::IDR, Rounding::Down), None);
}

#[test]
fn a_wrong_table_is_refused_with_a_reason() {
    let day = "2026-07-01".parse().unwrap();
    assert_eq!(Rates::new(day, [(Currency::SGD, Rate(0))]), Err(RatesError::NotPositive(Currency::SGD)));
    assert_eq!(Rates::new(day, [(Currency::USD, Rate(2))]), Err(RatesError::UsdNotOne));
    let twice = [(Currency::SGD, Rate::ONE), (Currency::SGD, Rate::ONE)];
    assert_eq!(Rates::new(day, twice), Err(RatesError::Twice(Currency::SGD)));
    let undated = r#"{"as_of":"yesterday","usd_per_unit":{}}"#;
    assert!(serde_json::from_str::<Rates>(undated).unwrap_err().to_string().contains("year-month-day"));
}

#[test]
fn currencies_are_three_letters_of_any_case() {
    assert_eq!("uSd".parse(), Ok(Currency::USD));
    for wrong in ["", "US", "USDT", "U D", "\u{0130}D"] {
        assert!(wrong.parse::<Currency>().is_err(), "{wrong:?}");
    }
    assert_eq!(serde_json::to_string(&Currency::SGD).unwrap(), "\"SGD\"");
}

#[test]
fn arithmetic_says_when_it_overflows() {
    assert_eq!(Nanos::MAX.checked_add(Nanos(1)), None);
    assert_eq!(Nanos::MIN.checked_sub(Nanos(1)), None);
    assert_eq!(Nanos::checked_sum([Nanos(1), Nanos(2)]), Some(Nanos(3)));
    assert_eq!(Nanos::checked_sum([Nanos::MAX, Nanos(2)]), None);
    assert_eq!(Cpm(10).checked_mul_ratio(1, 3, Rounding::Up), Some(Cpm(4)));
    assert_eq!(Cpm(10).checked_mul_ratio(1, 3, Rounding::Down), Some(Cpm(3)));
    assert_eq!(Cpm(10).checked_mul_ratio(1, 0, Rounding::Down), None);
    assert_eq!(Cpm::MAX.checked_mul_ratio(2, 1, Rounding::Down), None);
}

proptest! {
    #[test]
    fn there_and_back_never_gains_when_rounded_down(micros in 0_i64..1_000_000_000_000, pico in 1_000_000_i64..10_000_000_000_000) {
        let rate = Rate(pico);
        let there = rate.from_usd(Cpm(micros), Rounding::Down).unwrap();
        prop_assert!(rate.to_usd(there, Rounding::Down).unwrap() <= Cpm(micros));
        let there = rate.from_usd(Cpm(micros), Rounding::Up).unwrap();
        prop_assert!(rate.to_usd(there, Rounding::Up).unwrap() >= Cpm(micros));
    }

    #[test]
    fn up_and_down_differ_by_at_most_one_unit(micros: i64, pico in 1_i64..i64::MAX) {
        let up = Rate(pico).to_usd(Cpm(micros), Rounding::Up);
        let down = Rate(pico).to_usd(Cpm(micros), Rounding::Down);
        if let (Some(up), Some(down)) = (up, down) {
            prop_assert!(down <= up && up.0 - down.0 <= 1);
        }
    }
}
