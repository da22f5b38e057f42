//! Which creative is sent: by its caps, its security, and what it is made of.

use exchange::NoBidReason;
use serde_json::{Value, json};

use crate::common::purse::Wallet;
use crate::world::{CAMPAIGNS, World, request};

#[test]
fn a_creative_whose_cap_is_reached_makes_way_for_the_next_that_fits() {
    let second = "caps = [\"1 per hour\"]\nmarkup = \"<a>teh</a>\"\n[[campaign.creative]]\nid = 202\nw = 300\nh = 250\nmarkup = \"<a>teh o</a>\"";
    let campaigns = CAMPAIGNS.replace("markup = \"<a>teh</a>\"", second);
    let world = |capped: &[u32]| World {
        wallet: Wallet { capped_creatives: capped.to_vec(), ..Wallet::default() },
        campaigns: campaigns.clone(),
        country: "TH",
        ..World::default()
    };
    let shown = |capped: &[u32]| world(capped).decide(&request(|_| {})).map(|bid| bid.imps[0].creative.0);
    assert_eq!(shown(&[]).ok(), Some(201));
    assert_eq!(shown(&[201]).ok(), Some(202));
    assert_eq!(shown(&[201, 202]).err(), Some(NoBidReason::Capped));
    let bid = world(&[201]).decide(&request(|_| {})).expect("the second creative");
    let key = bid.imps[0].cap_key.expect("the user is counted");
    assert!(key.counts_creatives(), "the ledger is to count the creative too");
}

#[test]
fn secure_slots_get_secure_creatives_in_one_of_their_sizes() {
    let secure = World::default().decide(&request(|r| r["imp"][0]["secure"] = json!(1))).expect("a bid");
    assert_eq!(secure.imps[0].creative.0, 201, "the better payer's creative is not secure in that size");
    let sizes = json!({"format": [{"w": 1, "h": 1}, {"w": 320, "h": 50}, {"w": 300, "h": 250}]});
    let change = |r: &mut Value| {
        r["imp"][0]["secure"] = json!(1);
        r["imp"][0]["banner"] = sizes;
    };
    let by_format = World::default().decide(&request(change)).expect("a bid");
    assert_eq!((by_format.imps[0].creative.0, by_format.imps[0].size.w), (102, 320));
}

/// Campaign 1 shows an image and, in its second creative of that size, a script that needs MRAID 2.
fn made_of() -> World {
    let image = "attributes = [1]\nmarkup = \"<img src='https://cdn.kopi.example/1.png'>\"";
    let script = r#"attributes = [1]
markup = "<img src='https://cdn.kopi.example/1.png'>"

[[campaign.creative]]
id = 103
w = 300
h = 250
apis = ["mraid_2"]
markup = "<script src='https://cdn.kopi.example/1.js'></script>""#;
    let campaigns =
        CAMPAIGNS.replacen("attributes = [1]\nmarkup = \"<a>kopi</a>\"", image, 1).replacen(image, script, 1);
    let only_first = campaigns.split("[[campaign]]").take(2).collect::<Vec<_>>().join("[[campaign]]");
    World { campaigns: only_first, ..World::default() }
}

#[test]
fn a_creative_is_sent_only_where_what_it_is_made_of_is_taken() {
    let decide = |banner: Value| {
        let mut asked = request(|_| {});
        let slot = &mut asked["imp"][0]["banner"];
        *slot = json!({"w": 300, "h": 250});
        slot.as_object_mut().expect("an object").extend(banner.as_object().expect("an object").clone());
        made_of().decide(&asked).map(|bid| bid.imps[0].creative.0)
    };
    let cases = [
        ("anything", json!({}), Ok(101)),
        ("no images", json!({"btype": [2], "api": [5]}), Ok(103)),
        ("no attribute of the first", json!({"battr": [1], "api": [6]}), Ok(103)),
        ("no scripts and no images", json!({"btype": [2, 3], "api": [5]}), Err(NoBidReason::BlockedBannerType)),
        ("no images, and no MRAID", json!({"btype": [2]}), Err(NoBidReason::UnsupportedApi)),
        ("no images, and too old an MRAID", json!({"btype": [2], "api": [3]}), Err(NoBidReason::UnsupportedApi)),
        ("only PNG", json!({"mimes": ["image/png"]}), Ok(101)),
        ("only scripts", json!({"mimes": ["text/javascript"], "api": [5]}), Ok(103)),
        ("only JPEG", json!({"mimes": ["image/jpg"], "api": [5]}), Err(NoBidReason::UnsupportedMime)),
        ("only what nobody knows", json!({"mimes": ["x/y"], "battr": [1]}), Err(NoBidReason::UnsupportedMime)),
        ("HTML of any kind", json!({"mimes": ["text/html"]}), Ok(101)),
        ("neither", json!({"battr": [1], "btype": [3]}), Err(NoBidReason::BlockedBannerType)),
    ];
    for (name, banner, expected) in cases {
        assert_eq!(decide(banner), expected, "{name}");
    }
}
