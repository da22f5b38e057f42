//! The design's table of used-up intensities, row by row, on a whole system: what is lost is what the
//! row says, and an alert says so.
//!
//! Chaos points belong to the process, so one row is played at a time. The exchange's own row, with its
//! restore by an operator, is in `degraded.rs`.

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

use campaign::CampaignId;
use campaign::actors::{DefinitionMessage, IndexMessage};
use money::Nanos;
use serde_json::Value;
use support::{WITHIN, World, bid, bid_from, bid_request, get, post, start, start_with, target, wait_until};
use telemetry::Cause;
use tembusu::{ExitReason, NodeSnapshot, State};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn state(world: &World, path: &str) -> State {
    world.system.tree().snapshot().find(path).map(|node| node.state).expect("a node of the tree")
}

#[track_caller]
fn assert_alert(world: &World, cause: &str, subtree: &str) {
    let alerts: Value = serde_json::from_str(&get(world.system.ports().admin, "/alerts").body).expect("JSON");
    let stands = |alert: &Value| alert["cause"] == cause && alert["subtree"] == subtree;
    assert!(
        alerts["standing"].as_array().is_some_and(|all| all.iter().any(stands)),
        "{cause} of {subtree} in {alerts}"
    );
    assert_eq!(get(world.system.ports().admin, "/readyz").status, 200, "degraded stays ready");
}

/// Incarnations of everything outside of `path`.
fn elsewhere(world: &World, path: &str) -> Vec<(String, u64)> {
    let outside = |node: &&NodeSnapshot| !path.starts_with(&*node.path) && !node.path.starts_with(path);
    let root = world.system.tree().snapshot();
    root.walk().filter(outside).map(|node| (node.path.to_string(), node.incarnation)).collect()
}

#[test]
fn a_region_that_is_down_gets_no_bids_and_keeps_its_money_frozen() {
    let _alone = alone();
    let world = start();
    let first = bid(&world, "xandr");
    bid_from("IDN", &world, "xandr");
    let before = elsewhere(&world, "root/regions/sg");
    assert_eq!(get(world.system.ports().notices, &target(first.burl.as_deref().expect("a URL"), "1")).status, 200);
    // Only an incarnation that has just begun passes the point, and only Singapore begins anew.
    let singapore = world.system.tree().find("root/regions/sg").expect("Singapore's supervisor");
    wait_until("singapore is in quarantine", || {
        region::chaos::BIDDING_FIRST_MESSAGE.arm();
        // Refused while the region restarts by itself.
        let _ = world.system.block_on(singapore.terminate_child("bidding_state"));
        let _ = world.system.block_on(singapore.restart_child("bidding_state"));
        state(&world, "root/regions/sg") == State::Degraded
    });
    region::chaos::BIDDING_FIRST_MESSAGE.disarm();

    let port = world.system.ports().exchange("xandr").expect("configured").clone();
    let reply = post(port.address, &port.path, &bid_request("after", "0.1"));
    assert_eq!(reply.status, 204);
    assert!(reply.head.contains("region_down"), "{reply:?}");
    bid_from("IDN", &world, "xandr");
    assert_alert(&world, "region_down", "root/regions/sg");
    let totals = world.system.block_on(world.system.totals()).expect("the ledger answers");
    let leased: i64 = totals.accounts.iter().map(|account| account.leased.0).sum();
    assert!(0 < leased, "the leases of the region stay outstanding: {totals:?}");
    assert_eq!(totals.spent, Nanos(1_000_000));
    assert_eq!(elsewhere(&world, "root/regions/sg"), before);
    assert_eq!(post(world.system.ports().admin, "/regions/sg/restore", "").status, 200);
    bid(&world, "xandr");
}

#[test]
fn a_campaign_in_quarantine_is_out_and_the_next_one_bids() {
    let _alone = alone();
    let world = start();
    assert_eq!(bid(&world, "xandr").cid.as_deref(), Some("7"));
    let path = "root/campaigns/each/campaign_7";
    let before = elsewhere(&world, path);
    let id = CampaignId(7);
    campaign::chaos::DEFINITION_HANDLE.arm(id);
    let definition = world.system.campaigns().definition(id).expect("it has started");
    wait_until("the campaign is in quarantine", || {
        let _ = definition.tell(DefinitionMessage::Poke);
        state(&world, path) == State::Degraded
    });
    campaign::chaos::DEFINITION_HANDLE.disarm(id);
    assert_eq!(bid(&world, "xandr").cid.as_deref(), Some("8"));
    assert_alert(&world, "campaign_quarantined", path);
    assert_eq!(elsewhere(&world, path), before);
    assert_eq!(post(world.system.ports().admin, "/campaigns/7/restore", "").status, 200);
    wait_until("the campaign bids again", || bid(&world, "xandr").cid.as_deref() == Some("7"));
}

#[test]
fn a_ledger_that_is_down_costs_notices_503_and_comes_back_by_itself() {
    let _alone = alone();
    let world = start();
    let first = bid(&world, "xandr");
    let burl = target(first.burl.as_deref().expect("a URL"), "1");
    let notices = world.system.ports().notices;
    wait_until("the ledger is off", || {
        ledger::chaos::BEFORE_COMMIT.arm();
        let status = get(notices, &burl).status;
        assert_eq!(status, 503);
        state(&world, "root/ledger") == State::BackingOff
    });
    ledger::chaos::BEFORE_COMMIT.disarm();
    assert_alert(&world, "ledger_down", "root/ledger");
    wait_until("the notice is taken when it is repeated", || get(notices, &burl).status == 200);
    let totals = world.system.block_on(world.system.totals()).expect("the ledger answers");
    assert_eq!(totals.spent, Nanos(1_000_000));
    assert_eq!(state(&world, "root/ledger"), State::Running);
    bid(&world, "xandr");
}

#[test]
fn telemetry_that_crashes_is_off_and_comes_back_by_itself() {
    let _alone = alone();
    let world = start();
    let before = elsewhere(&world, "root/telemetry");
    telemetry::chaos::FOLLOW.arm();
    wait_until("telemetry is off", || state(&world, "root/telemetry") == State::BackingOff);
    assert_alert(&world, "telemetry_off", "root/telemetry");
    assert_eq!(get(world.system.ports().admin, "/metrics").status, 503);
    bid(&world, "xandr");
    telemetry::chaos::FOLLOW.disarm();
    wait_until("telemetry is back", || get(world.system.ports().admin, "/metrics").status == 200);
    let page = get(world.system.ports().admin, "/metrics").body;
    assert!(page.contains("adserver_bids_total{exchange=\"xandr\"} 1"), "meters outlive the aggregator: {page}");
    assert!(page.contains("adserver_alerts_raised_total{cause=\"telemetry_off\"} 1"), "{page}");
    assert_eq!(elsewhere(&world, "root/telemetry"), before);
}

/// The stand-in of a degraded exchange dies too: its sockets answer by themselves, until an operator starts it anew.
#[test]
fn an_exchange_whose_stand_in_fails_gets_204_from_its_sockets() {
    let _alone = alone();
    let world = start();
    bid(&world, "index");
    let port = world.system.ports().exchange("index").expect("configured").clone();
    let path = "root/exchanges/index";
    let ask = |floor: &str| post(port.address, &port.path, &bid_request("x", floor));
    exchange::chaos::NEGATIVE_FLOOR.arm();
    wait_until("it is degraded", || {
        assert_eq!(ask("-1").status, 204);
        state(&world, path) == State::Degraded
    });
    exchange::chaos::NEGATIVE_FLOOR.disarm();
    let before = elsewhere(&world, path);
    wait_until("it is silent", || {
        exchange::chaos::NO_BID.arm();
        assert_eq!(ask("0.1").status, 204);
        state(&world, path) == State::Stopped
    });
    exchange::chaos::NO_BID.disarm();
    assert_eq!(ask("0.1").status, 204);
    assert_alert(&world, "exchange_silent", path);
    bid(&world, "xandr");
    assert_eq!(elsewhere(&world, path), before);
    assert_eq!(post(world.system.ports().admin, "/exchanges/index/restore", "").status, 200);
    bid(&world, "index");
}

/// The index publisher dies until `campaigns` is exhausted; the root grants nothing.
#[test]
fn an_exhausted_root_is_an_alert_and_the_system_can_still_be_drained() {
    let _alone = alone();
    let world = start_with(|config| config.intensity.restarts = 0);
    let publisher = world.system.campaigns().index_publisher().clone();
    campaign::chaos::INDEX_PUBLISHER.arm();
    let ended = world.system.block_on(async {
        let poke = async {
            // Each is one crash; when nobody is left to be told, the tree has ended.
            while publisher.call(IndexMessage::Refresh, WITHIN).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            reason = world.system.ended() => reason,
            () = poke => panic!("the index publisher answers"),
            () = tokio::time::sleep(WITHIN) => panic!("the root has not ended"),
        }
    });
    campaign::chaos::INDEX_PUBLISHER.disarm();
    assert!(matches!(ended, ExitReason::Exhausted(_)), "{ended}");
    let causes: Vec<_> = world.system.board().standing().iter().map(|alert| alert.cause).collect();
    assert!(causes.contains(&Cause::RootExhausted), "{causes:?}");
    let drained = world.system.drain();
    assert!(matches!(drained.reason, Some(ExitReason::Exhausted(_))), "{drained:?}");
}
