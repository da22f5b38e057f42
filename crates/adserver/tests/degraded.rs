//! An exchange that crashes too often is degraded, says so, and is restored by an operator or by a healthy trial.

mod drill;
mod support;

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use adserver::config::{ProbeConfig, RestoreBy};
use drill::keep_alive::KeepAlive;
use drill::{Turn, until};
use serde_json::Value;
use support::{WITHIN, bid, bid_request, get, post, start, start_with};

/// The incident's bug is armed: each negative floor crashes the engine of the exchange that sent it.
#[test]
fn the_sixth_crash_degrades_an_exchange_and_an_operator_restores_it() {
    let _turn = Turn::take();
    let world = start();
    bid(&world, "google_adx");
    let port = world.system.ports().exchange("google_adx").expect("configured").clone();
    let admin = world.system.ports().admin;
    let unable = |exchange: &str| -> u64 {
        let page: Value = serde_json::from_str(&get(admin, "/service-levels").body).expect("JSON");
        let levels = page["service_levels"].as_array().cloned().expect("a list");
        let is_it = |level: &&Value| level["exchange"] == exchange && level["level"] == "able_to_bid";
        levels.iter().find(is_it).and_then(|level| level["failures"].as_u64()).expect("a count")
    };
    let unable_before = ["google_adx", "xandr"].map(unable);
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
    let unable_now = ["google_adx", "xandr"].map(unable);
    assert_eq!(unable_now[0], unable_before[0] + 7, "six were in hand at a crash, one found it degraded");
    assert_eq!(unable_now[1], unable_before[1]);
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

/// The bug stays armed through a first trial, and is mended before a later one.
#[test]
fn a_degraded_exchange_fails_its_trials_until_the_bug_is_mended_and_then_bids_again_by_itself() {
    let _turn = Turn::take();
    let one_in = NonZeroU32::new(3).expect("not zero");
    let ms = Duration::from_millis;
    let probe = ProbeConfig { one_in, first: ms(20), max: ms(100), intervals: 2, interval: ms(100) };
    let world = start_with(|config| {
        for exchange in &mut config.exchanges {
            exchange.restore = RestoreBy::Probe;
            exchange.probe = Some(probe);
        }
    });
    bid(&world, "xandr");
    let mut connection = KeepAlive::open(world.system.ports().exchange("xandr").expect("configured"));
    let mut other = KeepAlive::open(world.system.ports().exchange("index").expect("configured"));
    let alerts = || -> Value { serde_json::from_str(&get(world.system.ports().admin, "/alerts").body).expect("JSON") };
    let mut crashes = 0;
    exchange::chaos::NEGATIVE_FLOOR.arm();
    until("it is degraded, and a trial has failed", || {
        let answer = connection.ask(&bid_request("bad", "-1.5"));
        crashes += usize::from(answer.is_no_bid("engine_crashed"));
        assert_eq!(answer.status, 204, "{answer:?}");
        (crashes == 6 + 2).then_some(())
    });
    until("the alert stands", || (alerts()["standing"][0]["cause"] == "exchange_degraded").then_some(()));
    assert_eq!(other.ask(&bid_request("good", "0.1")).status, 200, "nobody else is concerned");
    exchange::chaos::NEGATIVE_FLOOR.disarm();
    until("the alert has ended", || alerts()["standing"].as_array()?.is_empty().then_some(()));
    for _ in 0..6 {
        let answer = connection.ask(&bid_request("good", "0.1"));
        assert_eq!(answer.status, 200, "every request meets the engine again: {answer:?}");
    }
    let ended = alerts()["ended"].as_array().expect("a list").len();
    assert_eq!(ended, 1, "one alert from the first degradation to the restore: {}", alerts());
}
