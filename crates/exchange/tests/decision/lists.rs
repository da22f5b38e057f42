//! What a request keeps out by its lists, and how long they may be.

use std::time::Duration;

use exchange::NoBidReason;
use exchange::decision::{
    APPS_MAX, ATTRIBUTES_MAX, CATEGORIES_MAX, DEAL_LIST_MAX, DOMAINS_MAX, LANGUAGES_MAX, SIZES_MAX,
};
use region::Refusal;
use serde_json::{Value, json};

use crate::common::purse::Wallet;
use crate::world::{CAMPAIGNS, World, request};

#[test]
fn another_taxonomy_without_lists_blocks_nothing() {
    assert!(World::default().decide(&request(|r| r["cattax"] = json!(6))).is_ok());
}

#[test]
fn lists_at_their_limit_are_looked_at_and_longer_ones_are_not_bid_on() {
    let list = |count: usize, last: &str| {
        let filler = (1..count).map(|number| format!("IAB{number}.example"));
        json!(filler.chain([last.to_owned()]).collect::<Vec<_>>())
    };
    let decide = |key: &str, list: Value| World::default().decide(&request(|r| r[key] = list)).err();
    for (key, max, last, reason) in [
        ("bcat", CATEGORIES_MAX, "IAB8", NoBidReason::BlockedCategory),
        ("badv", DOMAINS_MAX, "kopi.example", NoBidReason::BlockedAdvertiser),
    ] {
        let blocks_both = |max: usize| {
            let mut list = list(max - 1, last);
            list.as_array_mut().expect("a list").push(if key == "bcat" { json!("IAB9") } else { json!("teh.example") });
            list
        };
        assert_eq!(decide(key, blocks_both(max)), Some(reason), "{key} is read to its last entry");
        assert_eq!(decide(key, list(max + 1, last)), Some(NoBidReason::ListTooLong), "{key}");
    }
    for (key, entry) in [("btype", json!(99)), ("mimes", json!("text/html")), ("api", json!(5))] {
        let list = |count: usize| request(|r| r["imp"][0]["banner"][key] = json!(vec![entry.clone(); count]));
        assert!(World::default().decide(&list(ATTRIBUTES_MAX)).is_ok(), "{key}");
        assert_eq!(World::default().decide(&list(ATTRIBUTES_MAX + 1)).err(), Some(NoBidReason::ListTooLong), "{key}");
    }
    let attributes = |count: usize| request(|r| r["imp"][0]["banner"]["battr"] = json!(vec![99; count]));
    assert!(World::default().decide(&attributes(ATTRIBUTES_MAX)).is_ok());
    assert_eq!(World::default().decide(&attributes(ATTRIBUTES_MAX + 1)).err(), Some(NoBidReason::ListTooLong));
    let deal = |count: usize| {
        request(|r| {
            let deal = json!({"id": "d", "wseat": vec!["seat-1"; count]});
            r["imp"][0]["pmp"] = json!({"private_auction": 1, "deals": [deal]});
        })
    };
    assert!(World::default().decide(&deal(DEAL_LIST_MAX)).is_ok());
    assert_eq!(World::default().decide(&deal(DEAL_LIST_MAX + 1)).err(), Some(NoBidReason::PrivateAuction));
    let sizes = |count: usize| {
        request(|r| {
            let ours = json!({"w": 300, "h": 250});
            let formats: Vec<_> = (1..count).map(|w| json!({"w": w, "h": 1})).chain([ours]).collect();
            r["imp"][0]["banner"] = json!({ "format": formats });
        })
    };
    assert!(World::default().decide(&sizes(SIZES_MAX)).is_ok());
    assert_eq!(World::default().decide(&sizes(SIZES_MAX + 1)).err(), Some(NoBidReason::NoCandidate));
}

/// Kopi advertises an app, in English; Teh says nothing of either and takes what Kopi leaves.
#[test]
fn a_blocked_app_and_a_language_that_is_not_listed_keep_out_whom_they_are_about() {
    let said = "advertised_app = \"com.kopi.app\"\nlanguage = \"en\"\nbudget";
    let bidder = |change: &dyn Fn(&mut Value)| {
        let world = World { campaigns: CAMPAIGNS.replacen("budget", said, 1), ..World::default() };
        world.decide(&request(|r| change(r))).map(|bid| bid.imps[0].campaign.id().0)
    };
    for (key, list, takes) in [
        ("bapp", json!(["com.other", "com.kopi.app.lite"]), 1),
        ("bapp", json!(["com.other", " COM.Kopi.App"]), 2),
        ("wlang", json!(["th", "EN"]), 1),
        ("wlang", json!(["th", "zh"]), 2),
        ("wlang", json!([]), 1),
        ("wlangb", json!(["zh-Hant", "en-SG"]), 1),
        ("wlangb", json!(["zh-Hant"]), 2),
    ] {
        assert_eq!(bidder(&|r| r[key] = list.clone()), Ok(takes), "{key}: {list}");
    }
    let alone = |key: &'static str, list: Value| {
        bidder(&move |r| {
            r[key] = list.clone();
            r["badv"] = json!(["teh.example"]);
        })
    };
    assert_eq!(alone("bapp", json!(["com.kopi.app"])), Err(NoBidReason::BlockedApp));
    assert_eq!(alone("wlang", json!(["th"])), Err(NoBidReason::OtherLanguage));
    for (key, max) in [("bapp", APPS_MAX), ("wlang", LANGUAGES_MAX), ("wlangb", LANGUAGES_MAX)] {
        assert_eq!(bidder(&|r| r[key] = json!(vec!["th"; max + 1])), Err(NoBidReason::ListTooLong), "{key}");
    }
}

#[test]
fn what_a_request_blocks_is_judged_once_for_all_its_imps() {
    let two = request(|r| {
        let imp = |id: &str| json!({"id": id, "banner": {"w": 300, "h": 250}});
        r["imp"] = json!([imp("a"), imp("b")]);
        r["badv"] = json!(["kopi.example"]);
    });
    let bid = World::default().decide(&two).expect("the other campaign bids");
    assert_eq!(bid.imps.iter().map(|imp| imp.campaign.id().0).collect::<Vec<_>>(), [2, 2]);
}

/// How long this thread has run, whatever else the machine does: the first number of `schedstat`, in nanoseconds. Nothing where
/// the kernel does not say.
fn burnt() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// How: three hundred campaigns, and requests of 1 MiB that each grow one list; the time is this thread's own, of an unoptimised
/// build, and still far from what a product of two lists takes.
#[test]
fn a_request_of_a_mebibyte_costs_no_more_than_reading_it() {
    const BYTES: usize = 1024 * 1024;
    let tail = &CAMPAIGNS[CAMPAIGNS.find("advertiser_domain").expect("it")..CAMPAIGNS.find("id = 2").expect("it")];
    let (head, _) = tail.split_at(tail.find("[[campaign.creative]]").expect("it"));
    let campaigns = (1..=300).map(|id| {
        format!(
            "[[campaign]]\nid = {id}\nname = \"c\"\n{head}\n[[campaign.creative]]\nid = {id}\nw = 300\nh = 250\nsecure = true\nattributes = [1]\nmarkup = \"<a>kopi</a>\"\n"
        )
    });
    let world = World {
        campaigns: campaigns.collect(),
        wallet: Wallet { refusals: (1..=300).map(|id| (id, Refusal::Paced)).collect(), ..Wallet::default() },
        ..World::default()
    };
    let slot = || json!({"w": 300, "h": 250});
    let imps = |count: usize, banner: Value| -> Value {
        (0..count).map(|id| json!({"id": id.to_string(), "banner": banner})).collect()
    };
    let fill = |bytes: usize, entry: &str| json!(vec![entry; bytes / (entry.len() + 3)]);
    let requests = [
        (
            "formats",
            request(|r| {
                let formats = (0..BYTES / 18).map(|n| json!({"w": 1 + n % 9_999, "h": 1 + n / 9_999}));
                r["imp"][0]["banner"] = json!({ "format": formats.collect::<Vec<_>>() });
            }),
        ),
        (
            "bcat",
            request(|r| {
                r["bcat"] = fill(BYTES, "IAB1");
                r["imp"] = imps(64, slot());
            }),
        ),
        (
            "badv at its limit",
            request(|r| {
                r["badv"] = json!(vec!["a.example"; DOMAINS_MAX]);
                r["imp"] = imps(64, slot());
            }),
        ),
        (
            "battr",
            request(|r| {
                r["imp"] = imps(64, json!({"w": 300, "h": 250, "battr": vec![1; BYTES / 64 / 2]}));
            }),
        ),
        (
            "deals",
            request(|r| {
                let deals: Vec<_> = (0..BYTES / 32).map(|id| json!({"id": id.to_string(), "bidfloor": 9})).collect();
                r["imp"][0]["pmp"] = json!({"deals": deals});
            }),
        ),
        ("imps", request(|r| r["imp"] = imps(BYTES / 48, slot()))),
    ];
    for (name, request) in requests {
        let before = burnt();
        let decided = world.decide(&request);
        let took = burnt() - before;
        assert!(decided.is_err(), "{name}");
        println!("{name}: {:?} in {took:?}", decided.err());
        assert!(took < Duration::from_secs(5), "{name} took {took:?}");
    }
}
