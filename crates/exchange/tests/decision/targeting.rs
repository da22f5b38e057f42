//! Whom a campaign is for: its rules, its deals, its users.

use exchange::NoBidReason;
use region::Refusal;
use serde_json::{Value, json};

use crate::world::{CAMPAIGNS, World, kopi_for, request};

#[test]
fn a_capped_campaign_bids_only_on_users_that_may_be_counted() {
    let world = || World::refusing(&[(1, Refusal::Unfunded)]);
    let bid = world().decide(&request(|_| {})).expect("campaign 2 bids");
    assert_eq!(bid.imps[0].campaign.id().0, 2);
    assert!(bid.imps[0].cap_key.is_some());
    type Change = fn(&mut Value);
    let uncountable: [(&str, Change); 5] = [
        ("lmt", |r| r["device"]["lmt"] = json!(1)),
        ("dnt", |r| r["device"]["dnt"] = json!(1)),
        ("coppa", |r| r["regs"] = json!({"coppa": 1})),
        ("zero ifa", |r| r["device"]["ifa"] = json!("00000000-0000-0000-0000-000000000000")),
        ("no id", |r| r["device"] = json!({"geo": {"country": "SG"}})),
    ];
    for (name, change) in uncountable {
        // The reason that came furthest is the other campaign's: money. So let that one not fit at all.
        let world = World { country: "TH", ..World::default() };
        assert_eq!(world.decide(&request(change)).err(), Some(NoBidReason::NoCapKey), "{name}");
    }
    for (name, change) in uncountable {
        let anyway = CAMPAIGNS.replace("\ncap", "\nbid_on_uncounted_users = true\ncap");
        let world = World { campaigns: anyway, ..world() };
        let bid = world.decide(&request(change)).expect(name);
        assert_eq!((bid.imps[0].campaign.id().0, bid.imps[0].cap_key), (2, None), "{name}: it is not counted");
        let wants = world.wallet.wants.borrow();
        assert!(wants.iter().all(|want| want.user.is_none() && want.caps.is_empty()), "{name}");
    }
    let counted = World { campaigns: CAMPAIGNS.replace("\ncap", "\nbid_on_uncounted_users = true\ncap"), ..world() };
    let counted = counted.decide(&request(|_| {})).expect("campaign 2 bids");
    assert!(counted.imps[0].cap_key.is_some(), "whoever can be counted is");
    let uncapped = World::default().decide(&request(|r| r["device"]["lmt"] = json!(1))).expect("campaign 1 has no cap");
    assert_eq!((uncapped.imps[0].campaign.id().0, uncapped.imps[0].cap_key), (1, None));
}

#[test]
fn a_campaign_with_deals_bids_on_them_and_not_in_the_open_auction() {
    let world = kopi_for("[campaign.include]\ndeals = [\"k1\", \"k2\"]");
    let bid_with = |deals: Value| {
        let bid = world.decide(&request(|r| r["imp"][0]["pmp"] = json!({ "deals": deals }))).expect("a bid");
        (bid.imps[0].campaign.id().0, bid.imps[0].deal.clone())
    };
    assert_eq!(bid_with(json!([])), (2, None));
    assert_eq!(bid_with(json!([{ "id": "other" }])), (2, None));
    assert_eq!(bid_with(json!([{ "id": "other" }, { "id": "k2", "bidfloor": 1.5 }])), (1, Some("k2".to_owned())));
    // Offered, but to another seat: found by the index, refused by the terms.
    assert_eq!(bid_with(json!([{ "id": "k1", "wseat": ["x"] }])), (2, None));
    let private = request(|r| {
        r["imp"][0]["bidfloor"] = json!(1.5);
        r["imp"][0]["pmp"] = json!({ "deals": [{ "id": "k1", "wseat": ["x"] }] });
    });
    assert_eq!(world.decide(&private).err(), Some(NoBidReason::BelowFloor), "what Teh came to is further");
}

#[test]
fn rules_of_a_campaign_choose_its_requests() {
    let winner = |world: &World, request: Value| world.decide(&request).expect("a bid").imps[0].campaign.id().0;
    let phones = kopi_for("[campaign.include]\ndevices = [\"phone\"]\n[campaign.exclude]\nsegments = [\"seen\"]");
    assert_eq!(winner(&phones, request(|_| {})), 2, "an included value that the request does not say");
    assert_eq!(winner(&phones, request(|r| r["device"]["devicetype"] = json!(4))), 1);
    let seen = request(|r| {
        r["device"]["devicetype"] = json!(4);
        r["user"] = json!({ "data": [{ "segment": [{ "id": "seen" }] }] });
    });
    assert_eq!(winner(&phones, seen), 2);
}

#[test]
fn more_categories_or_segments_than_can_be_looked_at_get_no_bid() {
    let categories = |count: usize| request(|r| r["site"] = json!({ "pagecat": vec!["IAB1"; count] }));
    assert!(World::default().decide(&categories(campaign::CONTENT_CATEGORIES_MAX)).is_ok());
    let too_many = World::default().decide(&categories(campaign::CONTENT_CATEGORIES_MAX + 1));
    assert_eq!(too_many.err(), Some(NoBidReason::ListTooLong));
    let segments = |count: usize| {
        let half = vec![json!({ "id": "s" }); count / 2];
        request(|r| r["user"] = json!({ "data": [{ "segment": half }, { "segment": half }] }))
    };
    assert!(World::default().decide(&segments(campaign::SEGMENTS_MAX)).is_ok());
    let too_many = World::default().decide(&segments(campaign::SEGMENTS_MAX + 2));
    assert_eq!(too_many.err(), Some(NoBidReason::ListTooLong));
}
