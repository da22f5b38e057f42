//! How much of a budget is out on leases, with the real ledger: what a crash would freeze, and what a region that ends in
//! good order gives back.
//!
//! Chaos points belong to the process, so these tests take turns.

mod common;

use std::time::Duration;

use campaign::Pacing;
use common::{CAMPAIGN, PRICE, Sent, TTL, World, capped, plan, settle, want};
use ledger::NoticeKind;
use money::Nanos;
use region::{Plan, Want, chaos};
use tembusu::chaos::Point;
use tokio::sync::Mutex;
use tokio::time::sleep;

static TURN: Mutex<()> = Mutex::const_new(());

/// So many bids' worth.
fn bids(count: i64) -> Nanos {
    Nanos(PRICE.0 * count)
}

/// A bid of a campaign with this budget.
fn of(budget: Nanos) -> Want {
    Want { plan: Plan { budget, ..plan(Pacing::Asap) }, ..want() }
}

async fn leased(world: &World) -> Nanos {
    world.totals().await.account(CAMPAIGN).expect("the ledger knows the campaign").leased
}

#[tokio::test(start_paused = true)]
async fn a_small_budget_is_leased_by_the_bid_and_a_large_one_by_the_burst() {
    let _turn = TURN.lock().await;
    for (budget, least, most) in [(bids(20), 1, 1), (bids(600), 1, 5), (bids(1_000_000), 32, 64)] {
        let world = World::one(budget).await;
        drop(world.hold(of(budget)));
        sleep(Duration::from_secs(3)).await;
        let out = leased(&world).await;
        assert!(bids(least) <= out && out <= bids(most), "{out} of {budget} for one bid of {PRICE}");
    }
}

#[tokio::test(start_paused = true)]
async fn rests_of_leases_that_cover_no_bid_do_not_keep_the_next_lease_away() {
    let _turn = TURN.lock().await;
    // A lease of one bid and a half: with each bid that is out, half a bid lies idle.
    let budget = bids(192);
    let mut world = World::one(budget).await;
    for number in 0..40 {
        let mut tries = 0;
        let hold = loop {
            match world.hold(of(budget)) {
                Ok(hold) => break hold,
                Err(refusal) => assert!(tries < 10, "bid {number} finds no money within a second: {refusal}"),
            }
            tries += 1;
            sleep(Duration::from_millis(100)).await;
        };
        world.send(hold);
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_that_ends_in_good_order_gives_back_what_no_bid_holds_and_no_more() {
    let _turn = TURN.lock().await;
    let mut world = World::one(bids(1_000_000)).await;
    world.fund().await;
    let open = world.bid(want());
    assert!(bids(30) < leased(&world).await);
    world.tree.handle().terminate_child("sg").await.expect("the region is there");
    assert_eq!(leased(&world).await, PRICE, "the bid may still bill");
    world.notice(NoticeKind::Billing, &open, PRICE).await;
    let totals = world.totals().await;
    assert_eq!((totals.spent, totals.late, leased(&world).await), (PRICE, Nanos(0), Nanos(0)));

    world.tree.handle().restart_child("sg").await.expect("it starts again");
    world.fund().await;
    world.bid(want());
}

#[tokio::test(start_paused = true)]
async fn what_open_bids_hold_when_a_region_ends_comes_back_without_it_when_the_last_of_them_can_no_longer_bill() {
    let _turn = TURN.lock().await;
    // A bid is lost without a word; or it is won, while the region is there or after its end.
    for (won, after) in [(false, false), (true, false), (true, true)] {
        let mut world = World::one(bids(1_000_000)).await;
        world.fund().await;
        let sent = world.bid(want());
        if won && !after {
            world.notice(NoticeKind::Win, &sent, PRICE).await;
        }
        world.tree.handle().terminate_child("sg").await.expect("the region is there");
        if won && after {
            world.notice(NoticeKind::Win, &sent, PRICE).await;
        }
        let over = if won { region::limits::WON_TTL } else { TTL };
        sleep(over - Duration::from_secs(1)).await;
        assert_eq!(leased(&world).await, PRICE, "it may still bill, {won} {after}");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(leased(&world).await, Nanos(0), "long before the ledger closes it, {won} {after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_that_ends_leaves_the_leases_of_its_crashes_as_well() {
    let _turn = TURN.lock().await;
    let mut world = World::one(bids(1_000_000)).await;
    world.fund().await;
    let sent = world.bid(want());
    crash_by(&world, &chaos::PACER_EVENT, NoticeKind::Loss, &sent).await;
    let whole = leased(&world).await;
    assert!(bids(30) < whole, "a crash freezes all of it");
    world.tree.handle().terminate_child("sg").await.expect("the region is there");
    assert_eq!(leased(&world).await, whole, "nobody knows what its bids need");
    sleep(TTL + Duration::from_secs(1)).await;
    assert_eq!(leased(&world).await, Nanos(0));
}

#[tokio::test(start_paused = true)]
async fn a_region_that_crashes_gives_nothing_back_whichever_of_its_actors_it_was() {
    let _turn = TURN.lock().await;
    let mut world = World::one(bids(1_000_000)).await;
    // One after the other in one region: what an incarnation says of its end is not heard by the next.
    for point in [&chaos::PACER_EVENT, &chaos::CAPPER_EVENT, &chaos::BIDDING_EVENT, &chaos::CAPPER_EVENT] {
        world.fund().await;
        let before = leased(&world).await;
        let sent = world.bid(capped(9, 1_000));
        point.arm();
        world.notice(NoticeKind::Billing, &sent, PRICE).await;
        settle().await;
        assert!(!point.is_armed(), "{} was not reached", point.name());
        assert_eq!(leased(&world).await, before.saturating_sub(PRICE), "{}", point.name());
    }
}

/// Crashes the region by way of a notice of a bid.
async fn crash_by(world: &World, point: &'static Point, kind: NoticeKind, sent: &Sent) {
    point.arm();
    world.notice(kind, sent, PRICE).await;
    settle().await;
    assert!(!point.is_armed(), "{} was not reached", point.name());
}

async fn is_out(world: &World, sent: &Sent) -> bool {
    world.leases().await.iter().any(|lease| lease.lease == sent.claims.lease)
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_a_lease_stays_out_until_the_last_of_its_bids_can_no_longer_bill_and_no_longer() {
    let _turn = TURN.lock().await;
    let mut world = World::one(bids(1_000_000)).await;
    world.fund().await;
    let first = world.bid(want());
    sleep(TTL / 2).await;
    let last = world.bid(want());
    assert_eq!(first.claims.lease, last.claims.lease, "a lease of many bids");
    let whole = world.leases().await[0].left;
    crash_by(&world, &chaos::PACER_EVENT, NoticeKind::Loss, &first).await;
    sleep(TTL - Duration::from_secs(1)).await;
    let lease = world.leases().await.into_iter().find(|lease| lease.lease == last.claims.lease);
    assert_eq!(lease.expect("the last bid may still be won").left, whole, "nothing of it was given back");
    sleep(Duration::from_secs(2)).await;
    assert!(is_out(&world, &last).await, "a win of its last moment may be on its way");
    sleep(Duration::from_secs(3)).await;
    assert!(!is_out(&world, &last).await, "long before the ledger closes it");
    let totals = world.totals().await;
    assert_eq!((totals.spent, totals.late), (Nanos(0), Nanos(0)));
}

#[tokio::test(start_paused = true)]
async fn a_win_of_an_old_bid_keeps_its_lease_out_for_the_billing_also_if_it_came_with_the_crash() {
    let _turn = TURN.lock().await;
    // The win is what crashes the region before it is applied; or it comes after the crash.
    for with_the_crash in [true, false] {
        let mut world = World::one(bids(1_000_000)).await;
        world.fund().await;
        let (won, other) = (world.bid(want()), world.bid(want()));
        let (point, kind, of) = match with_the_crash {
            true => (&chaos::BIDDING_EVENT, NoticeKind::Win, &won),
            false => (&chaos::PACER_EVENT, NoticeKind::Loss, &other),
        };
        crash_by(&world, point, kind, of).await;
        if !with_the_crash {
            world.notice(NoticeKind::Win, &won, PRICE).await;
        }
        sleep(region::limits::WON_TTL - Duration::from_secs(1)).await;
        assert!(is_out(&world, &won).await, "it waits for its billing, {with_the_crash}");
        world.notice(NoticeKind::Billing, &won, PRICE).await;
        sleep(Duration::from_secs(5)).await;
        assert!(!is_out(&world, &won).await, "its rest is back, {with_the_crash}");
        let totals = world.totals().await;
        assert_eq!((totals.spent, totals.late), (PRICE, Nanos(0)), "{with_the_crash}");
    }
}
