//! Crashes of a region, with the real ledger: at any of the moments that matter, nothing is counted twice, no old lease is
//! used again, and nobody else notices.
//!
//! Chaos points belong to the process, so these tests take turns.

mod common;

use std::time::Duration;

use common::{CAMPAIGN, LEASE_GRACE, LEASE_LIFE, PRICE, Sent, World, capped, settle, want};
use ledger::{LeaseId, LedgerMessage, NoticeKind};
use money::Nanos;
use region::{Refusal, chaos};
use tembusu::State;
use tembusu::chaos::Point;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::sleep;

const BUDGET: Nanos = Nanos(250_000_000_000);

static TURN: Mutex<()> = Mutex::const_new(());

/// Points are armed while this is held.
async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// Crashes the region by way of the next event of the ledger.
async fn crash(world: &mut World, point: &'static Point) -> Sent {
    let sent = world.bid(capped(9, 1_000));
    point.arm();
    world.notice(NoticeKind::Billing, &sent, PRICE).await;
    settle().await;
    assert!(!point.is_armed(), "{} was not reached", point.name());
    sent
}

async fn assert_agrees_with_the_ledger(world: &World, users: &[u8]) {
    for user in users {
        let (disk, region) = world.billed(*user).await;
        assert_eq!(disk, region, "billed counts of user {user}");
    }
    for (lease, disk, region) in world.spent_by_lease().await {
        assert_eq!(disk, region, "spend of lease {lease}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_durable_write_and_its_delivery_counts_nothing_twice() {
    let _turn = turn().await;
    for point in [&chaos::BIDDING_EVENT, &chaos::PACER_EVENT, &chaos::CAPPER_EVENT] {
        let mut world = World::one(BUDGET).await;
        world.fund().await;
        let before = world.bid(capped(1, 9));
        let open = world.bid(capped(1, 9));
        world.notice(NoticeKind::Billing, &before, PRICE).await;
        settle().await;
        crash(&mut world, point).await;
        assert_eq!(world.incarnations("sg"), [2, 2, 2], "{}", point.name());
        assert_agrees_with_the_ledger(&world, &[1, 9]).await;
        assert_eq!(world.billed(9).await, (1, 1));

        // What the old incarnation had out is billed to the new one's counts, and to the old lease.
        world.notice(NoticeKind::Billing, &open, PRICE).await;
        // And a notice that the exchange repeats is nothing new.
        world.notice(NoticeKind::Billing, &before, PRICE).await;
        world.fund().await;
        let after = world.bid(capped(1, 9));
        world.notice(NoticeKind::Billing, &after, PRICE).await;
        settle().await;
        assert_agrees_with_the_ledger(&world, &[1, 9]).await;
        assert_eq!(world.billed(1).await, (3, 3));
        let totals = world.totals().await;
        assert_eq!((totals.spent, totals.late), (Nanos(PRICE.0 * 4), Nanos(0)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_snapshot_and_the_first_message_counts_nothing_twice() {
    let _turn = turn().await;
    let points = [&chaos::BIDDING_FIRST_MESSAGE, &chaos::PACER_FIRST_MESSAGE, &chaos::CAPPER_FIRST_MESSAGE];
    for point in points {
        let mut world = World::one(BUDGET).await;
        world.fund().await;
        let open = world.bid(capped(1, 9));
        let billed = world.bid(capped(1, 9));
        world.notice(NoticeKind::Billing, &billed, PRICE).await;
        settle().await;
        point.arm();
        crash(&mut world, &chaos::BIDDING_EVENT).await;
        // The capper hears of nothing until there is an event: the ledger pushes its newest one twice a second.
        sleep(Duration::from_secs(1)).await;
        assert!(!point.is_armed(), "{} was not reached", point.name());
        // The second crash may come before the group's later siblings had started again: their count is one less.
        assert_eq!(world.incarnations("sg")[0], 3, "{}", point.name());
        assert_agrees_with_the_ledger(&world, &[1, 9]).await;
        world.notice(NoticeKind::Billing, &open, PRICE).await;
        settle().await;
        assert_eq!(world.billed(1).await, (2, 2));
        assert_agrees_with_the_ledger(&world, &[1, 9]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_init_after_the_snapshot_is_a_failed_start_and_the_next_one_agrees_with_the_ledger() {
    let _turn = turn().await;
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    chaos::PACER_INIT.arm();
    crash(&mut world, &chaos::CAPPER_EVENT).await;
    assert!(!chaos::PACER_INIT.is_armed());
    assert!(world.port().is_open());
    assert_agrees_with_the_ledger(&world, &[9]).await;
}

#[tokio::test(start_paused = true)]
async fn the_leases_of_a_crashed_incarnation_are_never_used_again_and_come_back_when_they_close() {
    let _turn = turn().await;
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let old = crash(&mut world, &chaos::PACER_EVENT).await.claims.lease;
    assert!(world.leases().await.iter().any(|lease| lease.lease == old), "its bids may still bill");
    let mut used: Vec<LeaseId> = Vec::new();
    for _ in 0..50 {
        match world.hold(want()) {
            Ok(hold) => used.push(world.send(hold).claims.lease),
            Err(refusal) => assert_eq!(refusal, Refusal::Unfunded),
        }
        settle().await;
    }
    assert!(!used.is_empty());
    assert!(!used.contains(&old));
    sleep(LEASE_LIFE + LEASE_GRACE + Duration::from_secs(1)).await;
    assert!(!world.leases().await.iter().any(|lease| lease.lease == old), "its rest is free again");
}

#[tokio::test(start_paused = true)]
async fn what_was_held_before_a_crash_and_committed_after_it_is_left_in_the_old_lease() {
    let _turn = turn().await;
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let hold = world.hold(want()).unwrap();
    let old = hold.lease();
    crash(&mut world, &chaos::BIDDING_EVENT).await;
    let sent = world.send(hold);
    let figures = world.figures().await;
    assert_eq!((figures.stale, figures.open), (1, 0));
    world.notice(NoticeKind::Billing, &sent, PRICE).await;
    settle().await;
    assert_eq!(sent.claims.lease, old);
    let totals = world.totals().await;
    assert_eq!((totals.spent, totals.late), (Nanos(PRICE.0 * 2), Nanos(0)));
}

#[tokio::test(start_paused = true)]
async fn a_crash_frees_nothing_that_a_bid_may_still_bill() {
    let _turn = turn().await;
    // A budget of five bids is all out when the region crashes, but for what is too little for one more bid; all of
    // it is billed afterwards.
    let mut world = World::one(Nanos(PRICE.0 * 5)).await;
    let mut sent = Vec::new();
    for _ in 0..50 {
        match world.hold(want()) {
            Ok(hold) => sent.push(world.send(hold)),
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
    assert!((4..=5).contains(&sent.len()));
    chaos::CAPPER_EVENT.arm();
    world.notice(NoticeKind::Win, &sent[0], PRICE).await;
    settle().await;
    assert_eq!(world.incarnations("sg"), [2, 2, 2]);
    for _ in 0..50 {
        assert!(world.hold(want()).is_err(), "there is no money left that nobody holds");
        sleep(Duration::from_millis(100)).await;
    }
    for sent in &sent {
        world.notice(NoticeKind::Billing, sent, PRICE).await;
    }
    let totals = world.totals().await;
    let all = PRICE.0 * i64::try_from(sent.len()).unwrap();
    assert_eq!((totals.spent, totals.late), (Nanos(all), Nanos(0)));
}

#[tokio::test(start_paused = true)]
async fn one_region_restarts_as_a_whole_and_another_notices_nothing() {
    let _turn = turn().await;
    let mut world = World::start(&["sg", "id"], BUDGET, |args| args).await;
    world.fund().await;
    drop(world.ports[1].open().unwrap().try_hold(want()));
    settle().await;
    let elsewhere = world.ports[1].open().unwrap().try_hold(want()).expect("the other region has money");
    crash(&mut world, &chaos::PACER_EVENT).await;
    assert_eq!(world.incarnations("sg"), [2, 2, 2]);
    assert_eq!(world.incarnations("id"), [1, 1, 1]);
    elsewhere.commit(ledger::TokenId([3; ledger::TokenId::BYTES])).expect("it goes on");
}

#[tokio::test(start_paused = true)]
async fn readers_see_the_successors_tables_and_a_view_from_before_the_crash_stays_by_the_old_ones() {
    let _turn = turn().await;
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let port = world.port().clone();
    let old = port.open().unwrap();
    drop(old.try_hold(want()).unwrap());
    crash(&mut world, &chaos::BIDDING_EVENT).await;
    assert!(port.open().unwrap().pacer().account(CAMPAIGN).is_none(), "a fresh table has no account");
    assert!(old.pacer().account(CAMPAIGN).is_some(), "an old view has the old tables");
    assert_eq!(old.try_hold(want()).unwrap_err(), Refusal::Unfunded, "and nobody bids with old leases any more");
}

#[tokio::test(start_paused = true)]
async fn a_region_whose_intensity_is_used_up_is_in_quarantine_with_its_money_frozen_until_it_is_restored() {
    let _turn = turn().await;
    let mut world = World::start(&["sg", "id"], BUDGET, |mut args| {
        args.intensity = (1, Duration::from_secs(10));
        args
    })
    .await;
    world.fund().await;
    crash(&mut world, &chaos::CAPPER_EVENT).await;
    world.fund().await;
    let sent = world.bid(capped(1, 9));
    let hold = world.hold(capped(2, 1)).unwrap();
    crash(&mut world, &chaos::CAPPER_EVENT).await;

    assert_eq!(world.node("root/sg").state, State::Degraded);
    let down = world.port().open().expect_err("no table is published");
    assert_eq!(down, region::RegionClosed::Down { region: "sg".into() });
    assert_eq!(hold.commit(ledger::TokenId([5; ledger::TokenId::BYTES])), Err(region::NotTracked::RegionDown));
    assert_eq!(world.incarnations("id"), [1, 1, 1]);
    let frozen = world.totals().await.account(CAMPAIGN).unwrap().leased;
    sleep(Duration::from_secs(30)).await;
    assert_eq!(world.totals().await.account(CAMPAIGN).unwrap().leased, frozen);

    // A bid from before bills all the same.
    world.notice(NoticeKind::Billing, &sent, PRICE).await;
    world.tree.handle().find("root/sg").unwrap().restore().await.unwrap();
    settle().await;
    assert!(world.port().is_open());
    assert_agrees_with_the_ledger(&world, &[1, 2, 9]).await;
    assert_eq!(world.billed(1).await, (1, 1));
    world.fund().await;
    assert!(world.hold(want()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn events_that_the_ledger_lost_on_the_way_are_fetched() {
    let _turn = turn().await;
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let sent: Vec<Sent> = (0..3).map(|_| world.bid(capped(1, 9))).collect();
    // Two billings are durable in one group, and the ledger crashes before it tells anybody; its next incarnation tells
    // of the newest event only.
    ledger::chaos::AFTER_COMMIT.arm();
    let bill = |sent: &Sent| {
        let claims = sent.claims.clone();
        let price = ledger::PriceSeen::Price(money::Cpm(PRICE.0));
        let notice = Box::new(ledger::Notice { kind: NoticeKind::Billing, token: sent.token, claims, price });
        let ledger = world.ledger.clone();
        async move { ledger.call(|reply| LedgerMessage::Notice { notice, reply }, Duration::from_secs(1)).await }
    };
    let (first, second) = tokio::join!(bill(&sent[0]), bill(&sent[1]));
    for lost in [first, second] {
        assert!(matches!(lost, Err(tembusu::CallError::Died(_))), "{lost:?}");
    }
    settle().await;
    assert_eq!(world.billed(1).await, (2, 2));
    world.notice(NoticeKind::Billing, &sent[2], PRICE).await;
    settle().await;
    assert_eq!(world.incarnations("sg"), [1, 1, 1], "the region did not crash");
    assert_eq!(world.billed(1).await, (3, 3));
    assert_agrees_with_the_ledger(&world, &[1]).await;
    let figures = world.figures().await;
    assert_eq!((figures.billed, figures.open), (3, 0));
}
