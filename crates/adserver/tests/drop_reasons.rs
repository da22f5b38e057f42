//! Why campaigns drop out: of every request that is sampled, each campaign's first reason is counted once.

mod support;

use serde_json::Value;
use support::{World, bid_request, get, post, start_with};

fn drop_reasons(world: &World, of: &str) -> Value {
    let page = get(world.system.ports().admin, &format!("/drop-reasons{of}"));
    assert_eq!(page.status, 200, "{page:?}");
    serde_json::from_str(&page.body).expect("JSON")
}

fn xandr(page: &Value) -> &Value {
    let exchanges = page["exchanges"].as_array().expect("the exchanges");
    exchanges.iter().find(|exchange| exchange["exchange"] == "xandr").expect("it is listed")
}

/// Asks until the engine has decided, and in a way that is wanted; every decision is sampled and asked about.
fn ask(world: &World, body: &str, wanted: impl Fn(u16, &str) -> bool) {
    let port = world.system.ports().exchange("xandr").expect("a configured exchange").clone();
    let started = std::time::Instant::now();
    loop {
        let reply = post(port.address, &port.path, body);
        drop_reasons(world, "");
        if wanted(reply.status, &reply.head) {
            return;
        }
        assert!(started.elapsed() < support::WITHIN, "the last answer was {reply:?}");
    }
}

#[test]
fn each_campaign_of_a_sampled_request_is_counted_once_with_its_first_reason() {
    let world = start_with(|config| config.telemetry.drop_reasons_one_in = 1);
    assert_eq!(xandr(&drop_reasons(&world, ""))["reasons"], Value::Null, "nothing was asked for");

    let no_size = bid_request("odd", "0.1").replace("\"w\":300", "\"w\":301");
    ask(&world, &no_size, |_, head| head.contains("x-no-bid: no_candidate"));
    let (all, one) = (drop_reasons(&world, ""), drop_reasons(&world, "?campaign=7"));
    let sampled = all["sampled"].as_u64().expect("a count");
    assert!(sampled > 0);
    assert_eq!(xandr(&all)["reasons"], serde_json::json!({ "size": 2 * sampled }));
    assert_eq!(xandr(&one)["reasons"], serde_json::json!({ "size": sampled }));
    assert_eq!(xandr(&drop_reasons(&world, "?campaign=99"))["reasons"], Value::Null, "there is no such campaign");

    ask(&world, &bid_request("far", "0.1").replace("SGP", "FRA"), |_, head| head.contains("unserved_country"));
    ask(&world, &bid_request("good", "0.1"), |status, _| status == 200);
    let all = drop_reasons(&world, "");
    let reasons = xandr(&all)["reasons"].as_object().expect("reasons");
    assert!(reasons["bid"].as_u64() >= Some(1), "one of the two: {reasons:?}");
    assert_eq!(reasons["unserved_country"], 2, "both: {reasons:?}");
    let counted: u64 = reasons.values().filter_map(Value::as_u64).sum();
    assert_eq!(counted, 2 * all["sampled"].as_u64().expect("a count"), "each of the two once: {reasons:?}");
    assert_eq!(xandr(&all)["skipped"], 0);
}

#[test]
fn nothing_is_sampled_where_it_is_turned_off() {
    let world = start_with(|config| config.telemetry.drop_reasons_one_in = 0);
    ask(&world, &bid_request("good", "0.1"), |status, _| status == 200);
    let page = drop_reasons(&world, "");
    assert_eq!((&page["sampled"], &xandr(&page)["one_in"]), (&0.into(), &0.into()));
}
