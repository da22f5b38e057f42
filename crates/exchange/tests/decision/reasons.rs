//! Every reason for a no-bid, by a request that brings it about.

use exchange::NoBidReason;
use region::Refusal;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::{World, request};

#[test]
fn every_reason_for_no_bid() {
    let cases: Vec<(&str, World, Value, NoBidReason)> = vec![
        ("no seat of ours", World::default(), request(|r| r["wseat"] = json!(["other"])), NoBidReason::SeatBlocked),
        ("our seat blocked", World::default(), request(|r| r["bseat"] = json!(["seat-1"])), NoBidReason::SeatBlocked),
        ("unknown currency", World::default(), request(|r| r["cur"] = json!(["JPY", "X"])), NoBidReason::Currency),
        (
            "no banner",
            World::default(),
            request(|r| r["imp"][0] = json!({"id": "1", "video": {}})),
            NoBidReason::UnsupportedMedia,
        ),
        (
            "no size",
            World::default(),
            request(|r| r["imp"][0]["banner"] = json!({"w": 0, "h": 250})),
            NoBidReason::NoSize,
        ),
        (
            "negative floor",
            World::default(),
            request(|r| r["imp"][0]["bidfloor"] = json!(-0.01)),
            NoBidReason::NegativeFloor,
        ),
        (
            "negative floor of a deal",
            World::default(),
            request(|r| r["imp"][0]["pmp"] = json!({"deals": [{"id": "d", "bidfloor": -1}]})),
            NoBidReason::NegativeFloor,
        ),
        (
            "a floor that is no price",
            World::default(),
            request(|r| r["imp"][0]["bidfloor"] = json!("1,50")),
            NoBidReason::UnreadableFloor,
        ),
        (
            "a deal's floor that is no price",
            World::default(),
            request(|r| r["imp"][0]["pmp"] = json!({"deals": [{"id": "d", "bidfloor": {"usd": 1}}]})),
            NoBidReason::UnreadableFloor,
        ),
        (
            "categories of another taxonomy",
            World::default(),
            request(|r| {
                r["cattax"] = json!(6);
                r["bcat"] = json!(["483"]);
            }),
            NoBidReason::BlockedCategory,
        ),
        (
            "allowed ones of another taxonomy",
            World::default(),
            request(|r| {
                r["cattax"] = json!(6);
                r["acat"] = json!(["IAB8", "IAB9"]);
            }),
            NoBidReason::BlockedCategory,
        ),
        ("no time", World { deadline: Instant::now(), ..World::default() }, request(|_| {}), NoBidReason::Deadline),
        (
            "floor in yen",
            World::default(),
            request(|r| r["imp"][0]["bidfloorcur"] = json!("JPY")),
            NoBidReason::FloorCurrency,
        ),
        (
            "floor too high",
            World::default(),
            request(|r| r["imp"][0]["bidfloor"] = json!(2.000001)),
            NoBidReason::BelowFloor,
        ),
        (
            "floor too high in SGD",
            World::default(),
            request(|r| {
                r["imp"][0]["bidfloor"] = json!(2.7);
                r["imp"][0]["bidfloorcur"] = json!("SGD");
            }),
            NoBidReason::BelowFloor,
        ),
        (
            "private without deals",
            World::default(),
            request(|r| r["imp"][0]["pmp"] = json!({"private_auction": 1})),
            NoBidReason::PrivateAuction,
        ),
        (
            "private with others' deals",
            World::default(),
            request(|r| {
                r["imp"][0]["pmp"] =
                    json!({"private_auction": 1, "deals": [{"id": "d", "wseat": ["x"]}, {"bidfloor": 0}]})
            }),
            NoBidReason::PrivateAuction,
        ),
        (
            "a deal for another advertiser",
            World::default(),
            request(|r| {
                r["imp"][0]["pmp"] =
                    json!({"private_auction": 1, "deals": [{"id": "d", "wadomain": ["milo.example"]}]});
            }),
            NoBidReason::BelowFloor,
        ),
        (
            "another size",
            World::default(),
            request(|r| r["imp"][0]["banner"] = json!({"w": 728, "h": 90})),
            NoBidReason::NoCandidate,
        ),
        ("another country", World { country: "ID", ..World::default() }, request(|_| {}), NoBidReason::NoCandidate),
        (
            "both categories",
            World::default(),
            request(|r| r["bcat"] = json!(["IAB8", "IAB9"])),
            NoBidReason::BlockedCategory,
        ),
        ("none allowed", World::default(), request(|r| r["acat"] = json!(["IAB1"])), NoBidReason::BlockedCategory),
        (
            "both advertisers",
            World::default(),
            request(|r| r["badv"] = json!(["kopi.example", "teh.example"])),
            NoBidReason::BlockedAdvertiser,
        ),
        (
            "attribute",
            World { country: "SG", ..World::refusing(&[(2, Refusal::Capped)]) },
            request(|r| r["imp"][0]["banner"]["battr"] = json!([1])),
            NoBidReason::Capped,
        ),
        (
            "capped",
            World::refusing(&[(1, Refusal::Unfunded), (2, Refusal::Capped)]),
            request(|_| {}),
            NoBidReason::Unfunded,
        ),
        ("paced", World::refusing(&[(1, Refusal::Paced), (2, Refusal::Capped)]), request(|_| {}), NoBidReason::Paced),
        (
            "no room to count",
            World::refusing(&[(1, Refusal::CapsFull), (2, Refusal::Capped)]),
            request(|_| {}),
            NoBidReason::CapsFull,
        ),
        (
            "exhausted",
            World::refusing(&[(1, Refusal::BudgetExhausted), (2, Refusal::Paced)]),
            request(|_| {}),
            NoBidReason::BudgetExhausted,
        ),
    ];
    for (name, world, request, expected) in cases {
        let decided = world.decide(&request);
        assert_eq!(decided.err(), Some(expected), "{name}");
        assert_eq!(world.wallet.released.get(), 0, "{name}: nothing was held");
    }
}
