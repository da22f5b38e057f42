//! What a bid pays, in which currency, and what is held for it.

use exchange::{Dialect, NoBidReason};
use money::{Cpm, Currency, Nanos};
use serde_json::{Value, json};

use crate::common::purse::Wallet;
use crate::world::{World, request};

/// What is bid when so many USD are best, and what is held for it; the first campaign is worth 2.00.
fn shaded(best: i64, change: impl FnOnce(&mut World), asked: impl FnOnce(&mut Value)) -> (Cpm, Cpm, Option<bool>) {
    let mut world = World { wallet: Wallet { shaded: Some(Cpm(best)), ..Wallet::default() }, ..World::default() };
    change(&mut world);
    let bid = world.decide(&request(asked)).expect("a bid");
    let (imp, wants) = (&bid.imps[0], world.wallet.wants.borrow());
    assert_eq!(wants[0].price, Nanos(imp.price_usd.0), "what is held is what can be billed");
    (imp.price, imp.price_usd, wants[0].lesson.map(|lesson| lesson.full_price))
}

#[test]
fn a_bid_in_an_open_auction_of_the_first_price_is_shaded_within_floor_and_price() {
    let as_it_is = |_: &mut World| {};
    let at = |best| shaded(best, as_it_is, |_| {});
    assert_eq!(at(1_234_567), (Cpm(1_234_567), Cpm(1_234_567), Some(false)));
    assert_eq!(at(100_000), (Cpm(505_000), Cpm(505_000), Some(false)), "a hundredth above the floor");
    assert_eq!(at(3_000_000), (Cpm(2_000_000), Cpm(2_000_000), Some(true)), "never above the campaign's price");
    let cents = |world: &mut World| world.dialect = Dialect::index("seat-1");
    assert_eq!(shaded(1_234_567, cents, |_| {}).0, Cpm(1_230_000), "down to the cent");
    assert_eq!(shaded(100_000, cents, |_| {}).0, Cpm(510_000), "the floor's hundredth up to the cent");
    let (price, usd, _) = shaded(1_000_000, as_it_is, |r| r["cur"] = json!(["SGD"]));
    assert_eq!((price, usd), (Cpm(1_333_333), Cpm(1_000_000)), "down into the bid's currency, and back up");
}

#[test]
fn second_prices_deals_tests_and_who_forbids_it_are_not_shaded() {
    let full = (Cpm(2_000_000), Cpm(2_000_000), None);
    let as_it_is = |_: &mut World| {};
    assert_eq!(shaded(1_000_000, as_it_is, |r| r["at"] = json!(2)), full);
    assert_eq!(shaded(1_000_000, as_it_is, |r| r["at"] = Value::Null), full, "the second price is the default");
    assert_eq!(shaded(1_000_000, |world| world.dialect.shades = false, |_| {}), full);
    let forbid = |world: &mut World| world.campaigns = world.campaigns.replacen("budget", "shading = false\nbudget", 1);
    assert_eq!(shaded(1_000_000, forbid, |_| {}), full);
    let deal = |r: &mut Value| {
        r["imp"][0]["pmp"] = json!({ "private_auction": 1, "deals": [{ "id": "d", "bidfloor": 0.5, "at": 1 }] });
    };
    assert_eq!(shaded(1_000_000, as_it_is, deal), full);
}

#[test]
fn prices_round_down_into_the_bid_currency_and_floors_up() {
    // 2 USD are 66.666666.. THB; the dialect has four decimals.
    let world = World { dialect: Dialect::xandr("seat-1"), ..World::default() };
    let bid = world.decide(&request(|r| r["cur"] = json!(["THB"]))).expect("a bid");
    assert_eq!((bid.currency, bid.imps[0].price), (Currency::THB, Cpm(66_666_600)));
    assert_eq!(bid.imps[0].price_usd, Cpm(1_999_998), "what is held is what can be charged");
    // A floor of 66.6666 THB is met, one of 66.66660001 is not.
    let floor = |digits: &str| {
        let digits: Value = serde_json::from_str(digits).expect("a number");
        request(|r| {
            r["cur"] = json!(["THB"]);
            r["imp"][0]["bidfloor"] = digits;
            r["imp"][0]["bidfloorcur"] = json!("THB");
        })
    };
    assert!(world.decide(&floor("66.6666")).is_ok());
    assert_eq!(world.decide(&floor("66.66660001")).err(), Some(NoBidReason::BelowFloor));
}

#[test]
fn usd_is_preferred_and_a_request_without_cur_takes_the_exchanges_own() {
    let bid = World::default().decide(&request(|r| r["cur"] = json!(["SGD", "USD"]))).expect("a bid");
    assert_eq!(bid.currency, Currency::USD);
    let world = World { dialect: Dialect { currency: Currency::SGD, ..Dialect::openrtb("s") }, ..World::default() };
    let bid = world.decide(&request(|r| drop(r.as_object_mut().expect("object").remove("cur")))).expect("a bid");
    assert_eq!((bid.currency, bid.imps[0].price), (Currency::SGD, Cpm(2_666_666)));
}

#[test]
fn deals_are_bid_on_where_the_open_auction_is_closed_or_too_dear() {
    let deals = |private: u8, deal: Value| {
        request(|r| {
            r["imp"][0]["bidfloor"] = json!(9);
            r["imp"][0]["pmp"] = json!({"private_auction": private, "deals": [{"id": "other", "wseat": ["x"]}, deal]});
        })
    };
    for private in [0, 1] {
        let bid = World::default().decide(&deals(private, json!({"id": "d1", "bidfloor": 1.5}))).expect("a bid");
        assert_eq!((bid.imps[0].deal.as_deref(), bid.imps[0].price), (Some("d1"), Cpm(2_000_000)));
    }
    let fixed = json!({"id": "d2", "bidfloor": 1.505, "at": 3, "wseat": ["seat-1"], "wadomain": ["kopi.example"]});
    let world = World { dialect: Dialect::index("seat-1"), ..World::default() };
    let bid = world.decide(&deals(1, fixed)).expect("a bid");
    assert_eq!(bid.imps[0].price, Cpm(1_510_000), "the agreed price, up to the exchange's step");
    // The deal's floor is in USD even if the imp's is not (OpenRTB 2.6, 3.2.12).
    let trap = request(|r| {
        r["imp"][0] = json!({"id": "1", "bidfloor": 99, "bidfloorcur": "THB", "banner": {"w": 300, "h": 250},
            "pmp": {"private_auction": 1, "deals": [{"id": "d", "bidfloor": 2.5}]}});
    });
    assert_eq!(World::default().decide(&trap).err(), Some(NoBidReason::BelowFloor));
}
