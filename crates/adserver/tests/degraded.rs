//! An exchange that crashes too often is degraded, says so, and is restored by an operator.

mod support;

use std::time::Instant;

use serde_json::Value;
use support::{WITHIN, bid, bid_request, get, post, start};

/// The incident's bug is armed: each negative floor crashes the engine of the exchange that sent it.
#[test]
fn the_sixth_crash_degrades_an_exchange_and_an_operator_restores_it() {
    let world = start();
    bid(&world, "google_adx");
    let port = world.system.ports().exchange("google_adx").expect("configured").clone();
    let admin = world.system.ports().admin;
    exchange::chaos::NEGATIVE_FLOOR.arm();
    for round in 0..6 {
        let reply = post(port.address, &port.path, &bid_request(&format!("bad-{round}"), "-1.5"));
        assert_eq!(reply.status, 204, "{reply:?}");
    }
    let started = Instant::now();
    let alerts = loop {
        let alerts: Value = serde_json::from_str(&get(admin, "/alerts").body).expect("JSON");
        if alerts["standing"].as_array().is_some_and(|standing| !standing.is_empty()) {
            break alerts;
        }
        assert!(started.elapsed() < WITHIN, "no alert stands: {alerts}");
    };
    assert_eq!(alerts["standing"][0]["cause"], "exchange_degraded");
    assert_eq!(alerts["standing"][0]["subtree"], "root/exchanges/google_adx");
    assert_eq!(alerts["standing"][0]["severity"], "critical");
    assert_eq!(get(admin, "/readyz").status, 200, "degraded stays ready");
    assert_eq!(post(port.address, &port.path, &bid_request("good", "0.1")).status, 204);
    bid(&world, "xandr");
    let page = get(admin, "/metrics").body;
    let standing =
        "adserver_alerts{severity=\"critical\",cause=\"exchange_degraded\",subtree=\"root/exchanges/google_adx\"} 1";
    assert!(page.contains(standing), "{page}");

    let payloads: Value = serde_json::from_str(&get(admin, "/crash-payloads").body).expect("JSON");
    let kept = payloads["payloads"].as_array().expect("a list");
    assert_eq!(kept.len(), 6, "{payloads}");
    assert!(
        kept[0]["text"].as_str().is_some_and(|text| text.contains("-1.5") && !text.contains("203.0.113.1")),
        "{payloads}"
    );

    exchange::chaos::NEGATIVE_FLOOR.disarm();
    let restored = post(admin, "/exchanges/google_adx/restore", "");
    assert_eq!(restored.status, 200, "{restored:?}");
    bid(&world, "google_adx");
    let alerts: Value = serde_json::from_str(&get(admin, "/alerts").body).expect("JSON");
    assert_eq!(alerts["standing"], Value::Array(Vec::new()));
    assert_eq!(alerts["ended"][0]["cause"], "exchange_degraded");
}
