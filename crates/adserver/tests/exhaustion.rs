//! What ends, ends as the design's table says. Chaos points are the process's, so each has its own
//! file or its own campaign.

mod support;

use adserver::Phase;
use campaign::actors::IndexMessage;
use telemetry::Cause;
use tembusu::ExitReason;
use support::{WITHIN, get, start_with};

/// The index publisher dies until `campaigns` is exhausted; the root grants nothing.
#[test]
fn an_exhausted_root_is_an_alert_and_the_system_can_still_be_drained() {
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

/// Telemetry's intensity is used up by terminating it by hand; the API says so, and nobody else notices.
#[test]
fn telemetry_that_is_off_takes_nothing_along() {
    let world = start_with(|_| {});
    let telemetry = world.system.tree().find("root/telemetry").expect("telemetry");
    world.system.block_on(telemetry.terminate_child("metrics_aggregator")).expect("terminated");
    let admin = world.system.ports().admin;
    assert_eq!(get(admin, "/metrics").status, 503);
    assert_eq!(get(admin, "/readyz").status, 200);
    assert_eq!(world.system.phase(), Phase::Serving);
    world.system.block_on(telemetry.restart_child("metrics_aggregator")).expect("restarted");
    assert_eq!(get(admin, "/metrics").status, 200);
}
