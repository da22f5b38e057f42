//! What the operators' API says of plans, and what is kept of what they follow.

mod support;

use adserver::system::{Drained, System};
use region::supply::SupplyBook;
use serde_json::Value;
use support::{bid, campaigns, get, post, start, target, wait_until};

fn json(reply: &support::Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"))
}

#[test]
fn a_plan_says_what_is_planned_spent_and_passed_and_what_limits_it() {
    let world = start();
    let (admin, notices) = (world.system.ports().admin, world.system.ports().notices);
    let plan = |id: &str| json(&get(admin, &format!("/campaigns/{id}/plan")));
    assert_eq!(plan("7")["limited_by"], "supply", "nobody has asked for it: {}", plan("7"));
    let won = bid(&world, "xandr");
    let id = won.cid.as_deref().expect("a campaign").to_owned();
    let url = won.burl.as_deref().expect("a billing notice");
    assert_eq!(get(notices, &target(url, "1.5")).status, 200);
    wait_until("what was billed is on the page", || plan(&id)["spent_usd"] == "0.0015");
    let shown = plan(&id);
    assert_eq!(shown["pacing"], "asap");
    assert_eq!(shown["plans_by"], "nothing");
    assert!(shown["planned_usd"].is_null() && shown["deviation_usd"].is_null(), "as fast as it wins: {shown}");
    let regions = shown["regions"].as_array().expect("regions");
    assert_eq!(regions.len(), 3);
    let sg = regions.iter().find(|region| region["region"] == "sg").expect("sg");
    assert_eq!((&sg["open"], &sg["asked"], &sg["pass"]), (&Value::from(true), &Value::from(true), &Value::from(1.0)));
    let listed = json(&get(admin, "/campaigns"));
    let of_list =
        listed["campaigns"].as_array().and_then(|all| all.iter().find(|line| line["id"].as_u64() == id.parse().ok()));
    assert_eq!(of_list.expect("it is listed")["spent_usd"], shown["spent_usd"]);

    assert_eq!(post(admin, &format!("/campaigns/{id}/pause"), "").status, 200);
    assert_eq!(plan(&id)["limited_by"], "paused");
    assert_eq!(get(admin, "/campaigns/99/plan").status, 404);
}

#[test]
fn what_shading_has_learnt_stands_with_the_campaign_that_it_is_for() {
    let world = start();
    let (admin, notices) = (world.system.ports().admin, world.system.ports().notices);
    let mut of = String::new();
    for _ in 0..230 {
        let lost = bid(&world, "xandr");
        of = lost.cid.as_deref().expect("a campaign").to_owned();
        let url = lost.lurl.as_deref().expect("a loss notice");
        let told = target(url, "").replace("${AUCTION_LOSS}", "102").replace("${AUCTION_MIN_TO_WIN}", "0.3");
        assert_eq!(get(notices, &told).status, 200);
    }
    let markets = || json(&get(admin, &format!("/campaigns/{of}/plan")))["markets"].clone();
    wait_until("the market is published", || markets().as_array().is_some_and(|markets| !markets.is_empty()));
    let market = markets()[0].clone();
    assert_eq!((&market["exchange"], &market["region"]), (&Value::from("xandr"), &Value::from("sg")));
    assert_eq!(market["win_rate_at_full_price"], 1.0, "{market}");
    let multiplier = market["bid_multiplier"].as_f64().expect("a number");
    assert!(0.1 < multiplier && multiplier < 0.3, "just above 0.3 of 1.5 or 2.5 USD: {market}");
    assert_eq!(market["explores_one_in"], 50);
}

#[test]
fn a_plan_is_drawn() {
    let world = start();
    let drawn = get(world.system.ports().admin, "/campaigns/7/plan.svg");
    assert_eq!(drawn.status, 200);
    assert!(drawn.head.to_ascii_lowercase().contains("image/svg+xml"), "{}", drawn.head);
    assert!(
        drawn.body.contains("campaign 7: house") && drawn.body.contains("<polyline class=\"plan\""),
        "{}",
        drawn.body
    );
}

#[test]
fn what_was_learnt_of_supply_is_kept_when_the_process_drains() {
    let world = start();
    let (file, config) = (world.config.ledger.supply_path(), world.config.clone());
    assert!(!file.exists());
    let Drained { reason, .. } = world.system.drain();
    assert!(reason.is_some(), "it drains in time");
    let text = std::fs::read_to_string(&file).expect("it is kept");
    SupplyBook::from_text(&text).expect("it is read again");
    // A damaged one is no reason not to start.
    std::fs::write(&file, "tembusu supply 1 0\ncut").expect("written");
    drop(System::start(&config, campaigns()).expect("it starts"));
    assert!(file.with_extension("unreadable").exists());
}
