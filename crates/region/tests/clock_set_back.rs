//! A clock that is set back by an hour, as by an operator or after a pause of the machine: the region goes on as before, and not
//! only when the hour is over.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use campaign::Pacing;
use common::{CAMPAIGN, PRICE, World, plan, want};
use ledger::{Clock, NoticeKind};
use money::Nanos;
use region::{Pass, Plan, RegionArgs, Want};
use tokio::time::sleep;

const BUDGET: Nanos = Nanos(250_000_000_000);
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// A region, and by how much its clock was moved.
async fn world() -> (World, Arc<AtomicI64>) {
    let moved_ms = Arc::<AtomicI64>::default();
    let adjust = |args: RegionArgs| {
        let (clock, moved_ms) = (args.clock.clone(), Arc::clone(&moved_ms));
        RegionArgs { clock: Clock::new(move || clock.now_ms() + moved_ms.load(SeqCst)), ..args }
    };
    let world = World::start(&["sg"], BUDGET, adjust).await;
    world.fund().await;
    (world, moved_ms)
}

fn short() -> Want {
    Want { ttl: Duration::from_secs(2), ..want() }
}

/// Sends as many bids as find money, up to so many.
fn send(world: &mut World, bids: usize) -> Vec<common::Sent> {
    (0..bids)
        .map_while(|_| world.hold(short()).ok())
        .collect::<Vec<_>>()
        .into_iter()
        .map(|hold| world.send(hold))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn open_bids_are_weighed_as_before() {
    let (mut world, moved_ms) = world().await;
    // A tenth wins, the others run out: the region learns to hold back less.
    for _ in 0..40 {
        for sent in send(&mut world, 20).iter().step_by(10) {
            world.notice(NoticeKind::Billing, sent, PRICE).await;
        }
        sleep(Duration::from_millis(150)).await;
    }
    sleep(Duration::from_secs(4)).await;
    moved_ms.store(-HOUR_MS, SeqCst);
    world.fund().await;
    assert!(20 < send(&mut world, 200).len(), "there is money");
    sleep(Duration::from_millis(600)).await;
    let funds = world.port().open().unwrap().funds(CAMPAIGN).unwrap();
    assert!(Nanos(0) < funds.credit, "most of these bids will be lost: {funds:?}");
}

#[tokio::test(start_paused = true)]
async fn a_campaign_is_paced_as_before() {
    let (world, moved_ms) = world().await;
    let paced = Want { plan: Plan { budget: Nanos(1_000_000_000), ..plan(Pacing::Even) }, ..want() };
    let pass = |world: &World| world.port().open().unwrap().pacer().account(CAMPAIGN).expect("it bids").pass();
    let second = async |world: &World, number: u64| {
        for ask in 0..10_u64 {
            // Drawn like auctions are, and dropped: nothing is spent.
            drop(world.hold(Want { draw: (number * 10 + ask).wrapping_mul(0x9E37_79B9_7F4A_7C15), ..paced.clone() }));
            sleep(Duration::from_millis(100)).await;
        }
    };
    for number in 0..30 {
        second(&world, number).await;
    }
    let before = pass(&world);
    assert!(Pass::NONE < before && before.share() < 0.9, "a part is enough for the plan: {before:?}");
    moved_ms.store(-1_000, SeqCst);
    for number in 30..33 {
        second(&world, number).await;
    }
    let after = pass(&world);
    assert!(before.share() / 2.0 < after.share(), "{before:?} and {after:?}");
}
