//! A used-up root as those who hold the system see it: an alert, and a drain all the same. What the process does then is
//! in `process.rs`, the other rows of the design's table in `what_happens.rs`.

mod support;

use campaign::actors::IndexMessage;
use support::{WITHIN, start_with};
use telemetry::Cause;
use tembusu::ExitReason;

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
