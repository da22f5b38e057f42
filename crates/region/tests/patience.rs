//! Near the end of a plan no money is held for bids that would come back too late, if they are lost, to be bid once more.

mod common;

use std::time::Duration;

use campaign::{Flight, Pacing};
use common::{PRICE, START_MS, World, plan, settle, want};
use money::Nanos;
use region::limits::HOLD_MAX;
use region::{Plan, Refusal, Want};
use tokio::time::sleep;

const MINUTE_MS: i64 = 60_000;

/// A plan of twelve hours that has an hour and a half left: half an hour until all is to be spent.
fn ending(pacing: Pacing) -> Plan {
    let ends_ms = START_MS + 90 * MINUTE_MS;
    Plan { flight: Flight { starts_ms: ends_ms - 12 * 60 * MINUTE_MS, ends_ms }, ..plan(pacing) }
}

/// How many of a thousand bids that may be out for so long are let through.
fn passed(world: &World, plan: Plan, ttl: Duration) -> usize {
    let holds = (0..1_000).map(|draw| world.hold(Want { plan: plan.clone(), ttl, draw, ..want() }));
    holds.filter(|hold| !matches!(hold, Err(Refusal::Paced))).count()
}

const SHORT: Duration = Duration::from_secs(6 * 60);

/// A region that was asked for bids of one length before.
async fn world(plan: Plan, asked: Duration) -> World {
    let world = World::one(Nanos(PRICE.0 * 1_000_000)).await;
    assert_eq!(
        world.hold(Want { plan: plan.clone(), ..want() }).map(drop),
        Err(Refusal::Unfunded),
        "there is no account yet"
    );
    settle().await;
    passed(&world, plan, asked);
    sleep(region::limits::CONTROL_PERIOD).await;
    world
}

#[tokio::test(start_paused = true)]
async fn towards_its_end_a_plan_takes_bids_that_are_soon_over_and_no_others() {
    let plan = ending(Pacing::Even);
    let world = world(plan.clone(), SHORT).await;
    assert_eq!(passed(&world, plan.clone(), HOLD_MAX), 0, "an hour");
    let short = passed(&world, plan, SHORT);
    assert!((50..200).contains(&short), "one in ten at first: {short}");
}

#[tokio::test(start_paused = true)]
async fn a_campaign_that_is_offered_long_bids_only_makes_them_to_its_end() {
    let plan = ending(Pacing::Even);
    assert!(0 < passed(&world(plan.clone(), HOLD_MAX).await, plan, HOLD_MAX));
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_time_before_it_and_one_that_takes_all_it_gets_take_bids_of_any_length() {
    let day = plan(Pacing::Even);
    assert!(0 < passed(&world(day.clone(), SHORT).await, day, HOLD_MAX));
    let asap = ending(Pacing::Asap);
    assert_eq!(passed(&world(asap.clone(), SHORT).await, asap, HOLD_MAX), 1_000);
}
