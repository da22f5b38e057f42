//! Pacing in a region that runs: what the gate follows, and what a crash leaves of it.

mod common;

use std::time::Duration;

use campaign::Pacing;
use common::{CAMPAIGN, PRICE, World, plan, settle};
use ledger::NoticeKind;
use money::Nanos;
use region::{PacingBoard, Pass, Plan, Want, chaos};
use tokio::sync::Mutex;
use tokio::time::sleep;

/// Chaos points belong to the process: the tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

const BUDGET: Nanos = Nanos(PRICE.0 * 50_000);
const WITHIN: Duration = Duration::from_millis(100);

fn even() -> Plan {
    Plan { budget: BUDGET, ..plan(Pacing::Even) }
}

/// Offers so many bids in each tenth of a second, of which nothing comes.
async fn traffic(world: &World, region: usize, tenths: u64, bids: u64) {
    for tenth in 0..tenths {
        for bid in 0..bids {
            let draw = (tenth * bids + bid).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let view = world.ports[region].open().expect("the region is open");
            drop(view.try_hold(Want { plan: even(), draw, ..common::want() }));
        }
        sleep(WITHIN).await;
    }
}

fn pass(world: &World, region: usize) -> Option<Pass> {
    Some(world.ports[region].open().ok()?.pacer().account(CAMPAIGN)?.pass())
}

#[tokio::test(start_paused = true)]
async fn a_region_that_crashes_goes_on_at_the_pass_probability_it_had() {
    let _turn = TURN.lock().await;
    let mut world = World::one(BUDGET).await;
    traffic(&world, 0, 100, 20).await;
    let before = pass(&world, 0).expect("there is an account");
    assert!(Pass::NONE < before && before < Pass::ALL && before != Pass::SLOW_START, "{before:?} was learnt");

    let mut draws = (0..10_000).map(|draw| Want { plan: even(), draw, ..common::want() });
    let hold = draws.find_map(|want| world.hold(want).ok()).expect("one in ten thousand passes");
    let sent = world.send(hold);
    chaos::PACER_EVENT.arm();
    world.notice(NoticeKind::Billing, &sent, PRICE).await;
    while world.incarnations("sg") != [2, 2, 2] || !world.port().is_open() {
        settle().await;
    }
    assert_eq!(pass(&world, 0), None, "accounts are opened anew");
    traffic(&world, 0, 1, 20).await;
    assert_eq!(pass(&world, 0), Some(before), "no slow start");
    world.tree.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn regions_at_one_board_share_a_plan_by_their_traffic() {
    let _turn = TURN.lock().await;
    let board = PacingBoard::new();
    let regions = ["sg", "id", "th"];
    let world = World::start(&regions, BUDGET, |args| region::RegionArgs { pacing: board.clone(), ..args }).await;
    for _ in 0..100 {
        traffic(&world, 0, 1, 20).await;
        traffic(&world, 1, 1, 2).await;
    }
    sleep(Duration::from_secs(2)).await;
    let [sg, id] = [0, 1].map(|region| pass(&world, region).expect("there is an account").share());
    assert!(sg < 1.0 && (sg - id).abs() < sg / 5.0, "{sg} and {id}");
    assert_eq!(pass(&world, 2), None, "no traffic, no account, no part of the plan");
    world.tree.shutdown().await;
}
