//! Countries in any notation, and the names of codes.

use std::collections::BTreeSet;

use openrtb::{Country, LossReason, Nbr};

#[test]
fn every_country_is_known_by_both_codes_in_any_case() {
    let all: Vec<_> = Country::all().collect();
    assert_eq!(all.len(), 250);
    let mut codes = BTreeSet::new();
    for country in all {
        let (alpha_2, alpha_3) = (country.as_str().to_owned(), country.alpha_3());
        let mixed: String =
            alpha_3.char_indices().map(|(at, c)| if at == 1 { c.to_ascii_lowercase() } else { c }).collect();
        for code in
            [&alpha_2, &alpha_2.to_lowercase(), alpha_3, &alpha_3.to_lowercase(), &mixed, &format!(" {alpha_3} ")]
        {
            assert_eq!(Country::parse(code), Some(country), "{code}");
        }
        assert!(codes.insert(alpha_2) && codes.insert(alpha_3.to_owned()));
    }
}

#[test]
fn codes_that_traffic_has_instead_are_known() {
    for (code, country) in
        [("UK", "GB"), ("uk", "GB"), ("ROM", "RO"), ("XKX", "XK"), ("SGP", "SG"), ("idn", "ID"), ("Tha", "TH")]
    {
        assert_eq!(Country::parse(code).map(|country| country.to_string()).as_deref(), Some(country), "{code}");
    }
}

#[test]
fn what_is_no_country_is_none() {
    for code in ["", "S", "ZZ", "ZZZ", "SGPX", "Singapore", "\u{e9}\u{e9}", "12", "  ", "S\u{0}"] {
        assert_eq!(Country::parse(code), None, "{code:?}");
    }
    assert!("ZZ".parse::<Country>().unwrap_err().to_string().contains("ISO 3166-1"));
}

#[test]
fn codes_have_names() {
    assert_eq!((Nbr::INSUFFICIENT_TIME.code(), Nbr::INSUFFICIENT_TIME.label()), (15, "insufficient_time"));
    assert_eq!((LossReason::OUTBID.to_string().as_str(), LossReason(102).label()), ("102", "outbid"));
    assert_eq!(
        (Nbr(18).label(), Nbr(500).label(), LossReason(9_999).label()),
        ("unassigned", "exchange_specific", "exchange_specific")
    );
}
