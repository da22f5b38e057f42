//! Campaigns that are over leave nothing behind in their regions.

mod common;

use std::time::Duration;

use campaign::{Flight, Pacing};
use common::{CAMPAIGN, LEASE_LIFE, PRICE, START_MS, World, plan, settle, want};
use ledger::NoticeKind;
use money::Nanos;
use region::{PacingBoard, Plan, RegionArgs, Want};
use tokio::time::sleep;

/// How long the flight lasts: shorter than a lease.
const FLIGHT: Duration = Duration::from_secs(30);

fn ending() -> Plan {
    let ends_ms = START_MS + i64::try_from(FLIGHT.as_millis()).unwrap();
    let plan = plan(Pacing::Asap);
    Plan { flight: Flight { ends_ms, ..plan.flight }, ..plan }
}

/// Two regions that share a board.
async fn world(board: &PacingBoard) -> World {
    let adjust = |args| RegionArgs { pacing: board.clone(), ..args };
    World::start(&["sg", "id"], Nanos(PRICE.0 * 1_000_000), adjust).await
}

fn has_account(world: &World, region: usize) -> bool {
    world.ports[region].open().expect("the region is open").pacer().account(CAMPAIGN).is_some()
}

#[tokio::test(start_paused = true)]
async fn a_campaign_whose_flight_has_ended_is_forgotten_when_the_ledger_has_its_money() {
    let board = PacingBoard::new();
    let mut world = world(&board).await;
    for port in &world.ports {
        drop(port.open().expect("the region is open").try_hold(Want { plan: ending(), ..want() }));
    }
    settle().await;
    let sent = world.bid(Want { plan: ending(), ttl: LEASE_LIFE * 3, ..want() });
    sleep(Duration::from_secs(2)).await;
    assert_eq!(board.campaigns(), 1, "both regions have posted");

    sleep(FLIGHT).await;
    assert!(has_account(&world, 0) && has_account(&world, 1), "its leases can still be bid with");
    sleep(LEASE_LIFE).await;
    assert!(!has_account(&world, 1), "its lease has gone back");
    assert!(has_account(&world, 0), "a bid of its last lease is out");
    assert_eq!(board.campaigns(), 1);
    world.notice(NoticeKind::Loss, &sent, Nanos(0)).await;
    sleep(Duration::from_secs(3)).await;
    assert!(!has_account(&world, 0));
    assert_eq!((board.campaigns(), world.leases().await.len()), (0, 0));

    // Longer, it bids again.
    let longer = || Want { plan: plan(Pacing::Asap), ..want() };
    drop(world.hold(longer()));
    settle().await;
    world.bid(longer());
    world.tree.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_campaign_that_rests_within_its_flight_is_not_forgotten() {
    let board = PacingBoard::new();
    let world = world(&board).await;
    world.fund().await;
    sleep(LEASE_LIFE * 3).await;
    assert!(has_account(&world, 0), "its lease has gone back, and what was learnt of its traffic stays");
    assert_eq!(world.leases().await.len(), 0);
    world.tree.shutdown().await;
}
