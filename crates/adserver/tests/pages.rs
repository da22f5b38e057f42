//! The operators' API says the truth about a running system.

mod support;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use adserver::Phase;
use adserver::system::System;
use serde_json::Value;
use support::{WITHIN, bid, bid_request, connect, get, post, start, wait_until};

fn json(reply: &support::Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"))
}

#[test]
fn a_started_system_is_healthy_and_ready() {
    let world = start();
    let admin = world.system.ports().admin;
    assert_eq!(world.system.phase(), Phase::Serving);
    assert_eq!(get(admin, "/healthz").status, 200);
    assert_eq!(get(admin, "/readyz").status, 200);
    assert_eq!(get(admin, "/nowhere").status, 404);
}

#[test]
fn the_tree_is_that_of_the_design() {
    let world = start();
    let tree = json(&get(world.system.ports().admin, "/tree"));
    let names = |node: &Value| -> Vec<String> {
        let children = node["children"].as_array().cloned().unwrap_or_default();
        children.iter().map(|child| child["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let top = names(&tree);
    assert_eq!(
        top,
        [
            "admin",
            "telemetry",
            "ledger",
            "campaigns",
            "campaign_book",
            "regions",
            "notices",
            "exchanges",
            "sockets",
            "supply",
            "drop_reasons"
        ]
    );
    let child =
        |name: &str| tree["children"].as_array().and_then(|all| all.iter().find(|node| node["name"] == name)).cloned();
    let exchanges = child("exchanges").expect("exchanges");
    assert_eq!(names(&exchanges), ["google_adx", "xandr", "index"]);
    assert_eq!(names(&exchanges["children"][0]), ["connection_pool", "bid_engine", "response_serializer"]);
    let regions = child("regions").expect("regions");
    assert_eq!(names(&regions), ["sg", "id", "th"]);
    assert_eq!(names(&regions["children"][0]), ["bidding_state", "budget_pacer", "frequency_capper"]);
    assert_eq!(exchanges["children"][0]["state"], "running");
    assert_eq!(exchanges["children"][0]["incarnation"], 1);
}

#[test]
fn metrics_count_requests_by_exchange_and_region() {
    let world = start();
    bid(&world, "xandr");
    let port = world.system.ports().exchange("xandr").expect("configured").clone();
    assert_eq!(post(port.address, &port.path, "{").status, 400);
    assert_eq!(post(port.address, &port.path, &bid_request("x", "-1")).status, 204);
    let page = get(world.system.ports().admin, "/metrics").body;
    for series in [
        "adserver_bids_total{exchange=\"xandr\"} 1",
        "adserver_responses_total{exchange=\"xandr\",status=\"400\"} 1",
        "adserver_no_bids_total{exchange=\"xandr\",reason=\"negative_floor\"} 1",
        "adserver_region_bids_total{exchange=\"xandr\",region=\"sg\"} 1",
        "adserver_requests_total{exchange=\"index\"} 0",
        "tembusu_restarts_total{path=\"root/exchanges/xandr\"} 0",
        "adserver_alerts{severity=\"critical\",cause=\"exchange_degraded\",subtree=\"\"} 0",
        "adserver_latency_seconds_bucket{le=\"+Inf\",exchange=\"xandr\"}",
    ] {
        assert!(page.contains(series), "`{series}` is missing in\n{page}");
    }
    assert!(page.ends_with("# EOF\n"), "the page ends as OpenMetrics asks");
}

#[test]
fn service_levels_show_what_is_promised_and_what_failed() {
    let world = start();
    bid(&world, "xandr");
    let admin = world.system.ports().admin;
    let levels = || json(&get(admin, "/service-levels"))["service_levels"].as_array().cloned().expect("a list");
    let of = |exchange: &str, level: &str| {
        let is_it = |found: &Value| found["exchange"] == exchange && found["level"] == level;
        levels().into_iter().find(is_it).unwrap_or_else(|| panic!("{exchange} has a level {level}"))
    };
    assert_eq!(levels().len(), 3 * 2);
    let answered = of("xandr", "answered_in_time");
    assert_eq!((&answered["objective"], &answered["too_fast"]), (&"99.95%".into(), &false.into()), "{answered}");
    let windows = answered["windows"].as_array().cloned().unwrap_or_default();
    let windows: Vec<_> = windows.iter().map(|window| window["window_s"].as_u64()).collect();
    assert_eq!(windows, [Some(300), Some(1_800), Some(3_600), Some(21_600)]);
    assert_eq!(of("index", "able_to_bid")["requests"], 0);

    // What is malformed is answered, and nothing to bid on.
    let able = of("xandr", "able_to_bid");
    let port = world.system.ports().exchange("xandr").expect("configured").clone();
    assert_eq!(post(port.address, &port.path, "{").status, 400);
    assert_eq!(of("xandr", "able_to_bid"), able);
    let requests = |level: &Value| level["requests"].as_u64().expect("a count");
    assert_eq!(requests(&of("xandr", "answered_in_time")), requests(&answered) + 1);
}

#[test]
fn campaigns_show_their_money() {
    let world = start();
    bid(&world, "xandr");
    let page = json(&get(world.system.ports().admin, "/campaigns"));
    let campaign = &page["campaigns"][0];
    assert_eq!((campaign["id"].as_u64(), campaign["state"].as_str()), (Some(7), Some("live")));
    assert_eq!((campaign["budget_usd"].as_str(), campaign["spent_usd"].as_str()), (Some("100"), Some("0")));
    assert_eq!((campaign["late_usd"].as_str(), page["late_usd"].as_str()), (Some("0"), Some("0")));
}

#[test]
fn a_request_is_explained_to_the_last_campaign_and_a_killed_one_is_out_at_once() {
    let world = start();
    let admin = world.system.ports().admin;
    let explain = |body: &str| post(admin, "/exchanges/xandr/explain", body);
    let first_reasons = |body: &str| -> Vec<String> {
        let page = json(&explain(body));
        assert_eq!(page["region"], "sg", "{page}");
        let campaigns = page["imps"][0]["campaigns"].as_array().cloned().unwrap_or_default();
        campaigns.iter().map(|of| format!("{} {}", of["id"], of["first_reason"].as_str().unwrap_or_default())).collect()
    };
    assert_eq!(first_reasons(&bid_request("a", "0.1")), ["7 eligible", "8 eligible"]);
    assert_eq!(first_reasons(&bid_request("a", "2.0")), ["7 eligible", "8 below_floor"]);
    let blocked = bid_request("a", "0.1").replace("\"at\":1", "\"at\":1,\"badv\":[\"second.example\"]");
    assert_eq!(first_reasons(&blocked), ["7 eligible", "8 blocked_advertiser"]);
    let odd = bid_request("a", "0.1").replace("\"w\":300", "\"w\":301");
    assert_eq!(first_reasons(&odd), ["7 size", "8 size"]);
    let page = json(&explain(&odd));
    assert_eq!(page["imps"][0]["reasons"], serde_json::json!({ "size": 2 }));
    assert_eq!(json(&explain(&bid_request("a", "-1")))["imps"][0]["no_bid"], "negative_floor");
    assert_eq!(json(&explain(&bid_request("a", "1").replace("SGP", "FRA")))["no_bid"], "unserved_country");
    assert_eq!(explain("{").status, 400);
    assert_eq!(post(admin, "/exchanges/nobody/explain", "").status, 404);

    assert_eq!(post(admin, "/campaigns/7/kill", "").status, 200);
    assert_eq!(first_reasons(&bid_request("a", "0.1")), ["7 killed", "8 eligible"]);
    assert_eq!(json(&get(admin, "/campaigns"))["campaigns"][0]["state"], "killed");
    assert_eq!(post(admin, "/campaigns/7/revive", "").status, 200);
    assert_eq!(first_reasons(&bid_request("a", "0.1")), ["7 eligible", "8 eligible"]);
    assert_eq!(post(admin, "/campaigns/99/kill", "").status, 404);
}

#[test]
fn there_are_no_alerts_and_no_payloads_at_first() {
    let world = start();
    let admin = world.system.ports().admin;
    assert_eq!(json(&get(admin, "/alerts")), serde_json::json!({ "standing": [], "ended": [] }));
    assert_eq!(json(&get(admin, "/crash-payloads")), serde_json::json!({ "payloads": [] }));
}

#[test]
fn only_a_degraded_exchange_can_be_restored() {
    let world = start();
    let admin = world.system.ports().admin;
    let unknown = post(admin, "/exchanges/nobody/restore", "");
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("google_adx, xandr, index"), "{unknown:?}");
    let running = post(admin, "/exchanges/xandr/restore", "");
    assert_eq!(running.status, 409);
    assert!(running.body.contains("not degraded"), "{running:?}");
}

/// The ledger's start waits for a lock on its file; meanwhile the operators' API answers.
#[test]
fn a_starting_system_lives_and_is_not_ready() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config = support::config(folder.path());
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    config.admin.listen = free.local_addr().expect("its address");
    let admin = config.admin.listen;
    drop(free);
    let lock = rusqlite::Connection::open(&config.ledger.path).expect("a file");
    lock.execute_batch("BEGIN EXCLUSIVE").expect("locked");

    let starting = std::thread::spawn(move || System::start(&config, support::campaigns()));
    wait_until("it listens", || TcpStream::connect(admin).is_ok());
    let reply = get(admin, "/readyz");
    assert_eq!((reply.status, &*reply.body), (503, "starting\n"), "{reply:?}");
    assert_eq!(get(admin, "/healthz").status, 200);
    drop(lock);
    let system = starting.join().expect("no panic").expect("it starts");
    assert_eq!(get(admin, "/readyz").status, 200);
    drop(system);
}

/// A request that is never sent to its end keeps the exchange's drain open until it is cut; meanwhile
/// the operators' API must answer.
#[test]
fn a_draining_system_lives_and_is_not_ready() {
    let world = start();
    let port = world.system.ports().exchange("index").expect("configured").clone();
    let admin = world.system.ports().admin;
    let mut unfinished = connect(port.address);
    let head = format!("POST {} HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\n\r\n{{", port.path);
    unfinished.write_all(head.as_bytes()).expect("half a request is sent");
    let started = Instant::now();
    while world.system.meters().exchange("index").expect("configured").connections.open.get() == 0 {
        assert!(started.elapsed() < WITHIN, "the connection was never accepted");
        std::thread::yield_now();
    }

    let system = world.system;
    let draining = std::thread::spawn(move || system.drain());
    let started = Instant::now();
    while get(admin, "/readyz").status != 503 {
        assert!(started.elapsed() < WITHIN, "it is still ready");
    }
    assert_eq!(get(admin, "/healthz").status, 200);
    let drained = draining.join().expect("the drain ends");
    assert!(drained.reason.is_some(), "{drained:?}");
}

#[test]
fn every_refusal_says_what_is_wrong_and_what_to_do() {
    let world = start();
    let admin = world.system.ports().admin;
    let refused = [
        (get(admin, "/nowhere"), 404, "there are /campaigns, "),
        (post(admin, "/campaigns", ""), 405, "reading is GET"),
        (get(admin, "/campaigns/seven"), 404, "an id is a number"),
        (get(admin, "/campaigns/99"), 404, "see GET /campaigns"),
        (get(admin, "/campaigns/99/plan"), 404, "see GET /campaigns"),
        (get(admin, "/campaigns/99/plan.svg"), 404, "see GET /campaigns"),
        (get(admin, "/campaigns/99/log"), 404, "see GET /campaigns"),
        (post(admin, "/campaigns/99/kill", ""), 404, "see GET /campaigns"),
        (post(admin, "/campaigns/99/restore", ""), 404, "see GET /campaigns"),
        (post(admin, "/campaigns/7/restore", ""), 409, "nothing to restore"),
        (post(admin, "/campaigns/7/sing", ""), 404, "there are pause, "),
        (post(admin, "/campaigns/reload?take=x", ""), 400, "take=7,8"),
        (get(admin, "/drop-reasons?campaign=x"), 400, "campaign=7"),
        (post(admin, "/exchanges/nobody/restore", ""), 404, "google_adx, xandr, index"),
        (post(admin, "/exchanges/nobody/explain", ""), 404, "google_adx, xandr, index"),
        (post(admin, "/exchanges/xandr/restore", ""), 409, "see /tree"),
        (post(admin, "/exchanges/xandr/explain", "{"), 400, "as the exchange sends it"),
        (post(admin, "/regions/nobody/restore", ""), 404, "sg, "),
    ];
    for (reply, status, advice) in refused {
        assert_eq!(reply.status, status, "{reply:?}");
        assert!(reply.head.contains("content-type: application/json"), "{reply:?}");
        let errors: serde_json::Value = serde_json::from_str(&reply.body).unwrap_or_else(|_| panic!("{reply:?}"));
        let error = errors["errors"][0].as_str().unwrap_or_else(|| panic!("{reply:?}"));
        assert!(error.contains(advice), "{error}");
    }
    assert!(post(admin, "/campaigns", "").head.contains("allow: GET"));
}
