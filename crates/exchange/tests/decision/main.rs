//! The decision, as a table of business outcomes.
//!
//! How: campaigns are compiled into an index, requests are JSON, and the region is a purse that notes what was wanted and
//! refuses on demand. Every no-bid is checked by its reason, every bid by its price, creative and hold.

#[path = "../common/mod.rs"]
mod common;
mod lists;
mod markup;
mod money;
mod reasons;
mod targeting;
mod world;

use std::time::Duration;

use ::money::{Cpm, Currency, Nanos};
use campaign::chaos;
use exchange::NoBidReason;
use ledger::LeaseId;
use region::Refusal;
use serde_json::json;

use crate::common::purse::Wallet;
use crate::world::{CAMPAIGNS, World, request};

#[test]
fn the_best_payer_wins_the_imp_and_its_whole_price_is_held() {
    let world = World::default();
    let bid = world.decide(&request(|_| {})).expect("a bid");
    assert_eq!((bid.auction.as_str(), bid.currency, bid.test, bid.imps.len()), ("auction-1", Currency::USD, false, 1));
    let imp = &bid.imps[0];
    assert_eq!(
        (imp.campaign.id().0, imp.creative.0, imp.price, imp.price_usd),
        (1, 101, Cpm(2_000_000), Cpm(2_000_000))
    );
    assert_eq!((imp.lease, imp.exp_s, imp.deal.as_deref()), (LeaseId(7), 60, None));
    let wants = world.wallet.wants.borrow();
    assert_eq!((wants.len(), wants[0].price, wants[0].ttl), (1, Nanos(2_000_000), Duration::from_secs(120)));
    assert_eq!(world.wallet.released.get(), 0);
    drop(bid);
    assert_eq!(world.wallet.released.get(), 1, "a bid that is dropped gives its money back");
}

#[test]
fn a_test_request_is_bid_on_and_holds_nothing() {
    let world = World::default();
    let bid = world.decide(&request(|r| r["test"] = json!(1))).expect("a bid");
    assert!(bid.test && bid.imps[0].hold.is_none());
    assert_eq!((bid.imps[0].lease, bid.imps[0].cap_key), (LeaseId(0), None));
    assert!(world.wallet.wants.borrow().is_empty(), "the region hears nothing of it");
}

#[test]
fn every_imp_is_decided_by_itself() {
    let many = request(|r| {
        r["imp"] = json!([
            {"id": "a", "banner": {"w": 300, "h": 250}},
            {"id": "b", "bidfloor": -1, "banner": {"w": 300, "h": 250}},
            {"id": "c", "video": {"mimes": ["video/mp4"]}},
            {"id": "d", "banner": {"w": 320, "h": 50}, "instl": 1, "exp": 30},
            {"id": "e"},
            {"id": "a2", "banner": {"w": 300, "h": 250}, "exp": 999_999},
        ]);
    });
    let world = World::default();
    let bid = world.decide(&many).expect("a bid");
    let imps: Vec<_> = bid.imps.iter().map(|imp| (imp.imp.as_str(), imp.creative.0, imp.exp_s)).collect();
    assert_eq!(imps, [("a", 101, 60), ("d", 102, 30), ("a2", 101, 3_600)]);
    let wants = world.wallet.wants.borrow();
    assert!(wants[0].draw != wants[1].draw, "each imp is paced by its own draw");
}

#[test]
fn a_campaign_that_crashes_costs_itself_and_not_the_request() {
    // An id of its own, since points are the process's.
    let campaigns = CAMPAIGNS.replace("id = 1\n", "id = 91\n");
    let world = World { campaigns, ..World::default() };
    chaos::EVALUATION.arm(campaign::CampaignId(91));
    let bid = world.decide(&request(|_| {})).expect("the other campaign bids");
    assert_eq!(bid.imps[0].campaign.id().0, 2);
    let only = World { wallet: Wallet { refusals: vec![(2, Refusal::Capped)], ..Wallet::default() }, ..world };
    assert_eq!(
        only.decide(&request(|_| {})).err(),
        Some(NoBidReason::Capped),
        "and the reason is the one that came furthest"
    );
    chaos::EVALUATION.disarm(campaign::CampaignId(91));
}
