//! Macros: known ones become values or nothing, foreign ones stay.

use openrtb::LossReason;
use openrtb::macros::{Values, substitute, substitute_for_audit};
use proptest::prelude::*;

fn values() -> Values<'static> {
    Values {
        auction_id: Some("req".into()),
        bid_id: Some("resp".into()),
        imp_id: Some("imp".into()),
        seat_id: Some("seat".into()),
        ad_id: Some("ad".into()),
        price: Some("1.25".into()),
        currency: Some("SGD".into()),
        mbr: Some("0.8".into()),
        loss: Some(LossReason::OUTBID),
        min_to_win: Some("1.26".into()),
    }
}

#[test]
fn every_macro_has_its_value() {
    for (name, value) in [
        ("AUCTION_ID", "req"),
        ("AUCTION_BID_ID", "resp"),
        ("AUCTION_IMP_ID", "imp"),
        ("AUCTION_SEAT_ID", "seat"),
        ("AUCTION_AD_ID", "ad"),
        ("AUCTION_PRICE", "1.25"),
        ("AUCTION_CURRENCY", "SGD"),
        ("AUCTION_MBR", "0.8"),
        ("AUCTION_LOSS", "102"),
        ("AUCTION_MIN_TO_WIN", "1.26"),
        ("AUCTION_MULTIPLIER", ""),
        ("AUCTION_IMP_TS", ""),
        ("AUCTION_DISCOUNT_PCT", ""),
        ("AUCTION_DISCOUNT_CPM", ""),
    ] {
        assert_eq!(substitute(&format!("<${{{name}}}>"), &values()), format!("<{value}>"));
        assert_eq!(substitute(&format!("<${{{name}}}>"), &Values::default()), "<>");
        assert_eq!(substitute_for_audit(&format!("<${{{name}}}>")), "<AUDIT>");
    }
}

#[test]
fn an_encoding_nobody_knows_reveals_nothing() {
    assert_eq!(substitute("${AUCTION_PRICE:B64}", &values()), "MS4yNQ==");
    assert_eq!(substitute("${AUCTION_PRICE:OXCRYPT}", &values()), "");
}

#[test]
fn what_is_no_macro_of_the_standard_stays() {
    for text in [
        "",
        "$",
        "${",
        "${}",
        "$}",
        "${CLICK_URL}",
        "${AUCTION_}",
        "${AUCTION_PRICE",
        "$AUCTION_PRICE",
        "${auction_price}",
    ] {
        assert_eq!(substitute(text, &values()), text);
    }
    assert_eq!(substitute("${${AUCTION_PRICE}}", &values()), "${1.25}");
    assert_eq!(substitute("${X}${AUCTION_ID}", &values()), "${X}req");
}

proptest! {
    #[test]
    fn no_template_panics(template in "(?s)[${}:A-Z_]{0,40}.{0,10}") {
        let _ = substitute(&template, &values());
    }
}
