//! The age-weighted reservation in its parts: what is learnt, what is held back, and what a lease gets as credit.

mod common;

use std::sync::Arc;
use std::time::Duration;

use campaign::Pacing;
use common::{CAMPAIGN, PRICE, World, plan, settle, want};
use ledger::{LeaseId, NoticeKind};
use money::Nanos;
use proptest::prelude::*;
use region::risk::{
    AGE_BUCKETS, BidClass, Chance, Classes, ENDGAME_BIDS, End, Exposure, Format, PRICE_MAX, Risks, Survival,
    age_begin_ms, bucket_of,
};
use region::{LeaseCell, Plan, Refusal, Want};

const CLASS: fn() -> BidClass = || BidClass::of("xandr", Format::Web);

fn cell(amount: i64) -> Arc<LeaseCell> {
    Arc::new(LeaseCell::new(LeaseId(1), Nanos(amount), i64::MAX))
}

/// As many bids as were seen of a class: so many won after a second, so many lost when they were 60 seconds old.
fn taught(won: u64, lost: u64) -> Survival {
    let mut survival = Survival::new();
    let (early, late) = (bucket_of(1_000), bucket_of(60_000));
    (0..won).for_each(|_| survival.won(early));
    (0..lost).for_each(|_| survival.lost(late));
    (0..early).for_each(|bucket| survival.passed(bucket, won + lost));
    (early..late).for_each(|bucket| survival.passed(bucket, lost));
    survival.settle();
    survival
}

fn share(chance: Chance) -> f64 {
    f64::from(chance.units()) / f64::from(Chance::CERTAIN.units())
}

#[test]
fn ages_fall_into_buckets_without_a_gap() {
    assert_eq!((age_begin_ms(0), bucket_of(0), bucket_of(i64::MAX)), (0, 0, AGE_BUCKETS - 1));
    for bucket in 1..AGE_BUCKETS {
        assert!(age_begin_ms(bucket - 1) < age_begin_ms(bucket));
        assert_eq!((bucket_of(age_begin_ms(bucket)), bucket_of(age_begin_ms(bucket) - 1)), (bucket, bucket - 1));
    }
}

#[test]
fn a_chance_is_rounded_up_and_never_more_than_certain() {
    assert_eq!(Chance::ratio(0, 7), Chance::NONE);
    assert_eq!(
        (Chance::ratio(7, 7), Chance::ratio(8, 7), Chance::ratio(0, 0)),
        (Chance::CERTAIN, Chance::CERTAIN, Chance::CERTAIN)
    );
    assert_eq!(Chance::ratio(1, u128::MAX).units(), 1);
    assert_eq!(Chance::ratio(1, 3).of(3_000), 1_001);
    assert_eq!((Chance::CERTAIN.of(5), Chance::NONE.of(5)), (5, 0));
    assert_eq!((Chance::CERTAIN.variance_of(5), Chance::ratio(1, 2).variance_of(1_000)), (0, 250));
    assert_eq!(Chance::CERTAIN.plus(Chance::CERTAIN), Chance::CERTAIN);
}

#[test]
fn what_nobody_has_seen_is_certain() {
    let nothing = Survival::new();
    let few = taught(10, 10);
    let nobody_won = taught(0, 10_000);
    for bucket in 0..AGE_BUCKETS {
        for survival in [&nothing, &few, &nobody_won] {
            assert_eq!(survival.chance(bucket), Chance::CERTAIN);
        }
    }
}

#[test]
fn the_chance_falls_with_the_age_at_which_wins_are_known() {
    let survival = taught(10_000, 90_000);
    let (fresh, old) = (share(survival.chance(0)), share(survival.chance(bucket_of(30_000))));
    // A tenth is won, and two standard errors of ten thousand wins are a fiftieth of it.
    assert!((0.1..=0.1 * 1.021 + 0.001).contains(&fresh), "{fresh}");
    assert!(0.0 < old && old < 0.001, "all wins are known by then: {old}");
    assert_eq!(survival.chance(bucket_of(120_000)), Chance::CERTAIN, "nobody was ever as old");
}

#[test]
fn counts_are_halved_and_the_chance_stays() {
    let mut survival = taught(20_000, 180_000);
    let before = share(survival.chance(0));
    (0..3).for_each(|_| survival.settle());
    let after = share(survival.chance(0));
    assert!((before - after).abs() < 0.002, "{before} and {after}");
}

#[test]
fn bids_need_their_full_price_until_something_is_known() {
    let (lease, mut risks) = (cell(1_000), Risks::new());
    for now_ms in 0..50 {
        assert!(lease.try_reserve(Nanos(10), now_ms));
        assert!(risks.enter(&lease, CLASS(), Nanos(10), now_ms).is_some());
    }
    risks.tick(60_000);
    assert_eq!((lease.figures().credit, lease.figures().needed()), (Nanos(0), Nanos(500)));
}

/// A market in which a tenth is won at once and the rest is never heard of.
fn known(risks: &mut Risks) {
    let other = Arc::new(LeaseCell::new(LeaseId(9), Nanos(i64::MAX / 4), i64::MAX));
    let slots: Vec<_> = (0..10_000).map(|_| risks.enter(&other, CLASS(), Nanos(1), 0).expect("entered")).collect();
    let (won, lost) = slots.split_at(1_000);
    won.iter().for_each(|slot| risks.leave(other.id(), *slot, Nanos(1), End::Won));
    risks.tick(30_000);
    lost.iter().for_each(|slot| risks.leave(other.id(), *slot, Nanos(1), End::Lost));
    risks.tick(30_000);
}

#[test]
fn what_open_bids_do_not_need_may_be_bid_once_more_until_they_end() {
    let (lease, mut risks) = (cell(1_000), Risks::new());
    known(&mut risks);
    let slots: Vec<_> = (0..100)
        .map(|_| {
            assert!(lease.try_reserve(Nanos(10), 31_000));
            risks.enter(&lease, CLASS(), Nanos(10), 31_000).expect("entered")
        })
        .collect();
    assert!(!lease.has_room(Nanos(10), 31_000), "between two looks everything is held in full");
    risks.tick(31_100);
    let figures = lease.figures();
    // Of a hundred ten are won; the standard deviation is three: some 10·(10 + 12 + 1) are held back.
    assert!((230..=245).contains(&figures.needed().0), "{figures:?}");
    assert_eq!(figures.available, figures.credit);
    assert!(lease.try_reserve(Nanos(10), 31_200));
    lease.release(Nanos(10));

    for slot in slots {
        let before = lease.figures();
        risks.leave(lease.id(), slot, Nanos(10), End::Lost);
        lease.release(Nanos(10));
        let gained = lease.figures().available.0 - before.available.0;
        assert!(gained <= 10, "no more than comes back: {gained}");
    }
    assert_eq!((lease.figures().credit, lease.figures().available), (Nanos(0), Nanos(1_000)));
}

#[test]
fn the_last_bids_of_a_lease_are_held_in_full() {
    let mut risks = Risks::new();
    known(&mut risks);
    let lease = cell(10 * ENDGAME_BIDS - 1);
    for _ in 0..7 {
        assert!(lease.try_reserve(Nanos(10), 31_000));
        risks.enter(&lease, CLASS(), Nanos(10), 31_000).expect("entered");
    }
    risks.tick(31_100);
    assert_eq!(lease.figures().credit, Nanos(0));
}

#[test]
fn a_bid_beyond_all_reason_stays_held_in_full() {
    let lease = cell(i64::MAX / 4);
    let mut risks = Risks::new();
    assert!(risks.enter(&lease, CLASS(), Nanos(PRICE_MAX.0 + 1), 0).is_none());
    assert!(risks.enter(&lease, CLASS(), PRICE_MAX, 0).is_some());
}

proptest! {
    #[test]
    fn what_is_entered_and_left_leaves_nothing_and_never_needs_more_than_its_price(
        bids in prop::collection::vec((1_i64..=PRICE_MAX.0, 0_i64..100_000, 0_u8..3), 1..60),
        wins in 0_u64..60, losses in 0_u64..200, looks in prop::collection::vec(0_i64..400_000, 1..5),
    ) {
        let mut classes = Classes::new();
        for format in [Format::Web, Format::App, Format::FullScreen] {
            let place = classes.place(BidClass::of("index", format)).expect("a place");
            *classes.at_mut(place) = taught(wins, losses);
        }
        let mut exposure = Exposure::new();
        let mut slots = Vec::new();
        for (price, now_ms, class) in &bids {
            slots.push((exposure.enter(*class, Nanos(*price), *now_ms), Nanos(*price)));
        }
        for now_ms in looks {
            exposure.age(now_ms, &mut classes);
            classes.settle();
            let need = exposure.need(Nanos(i64::MAX), &classes);
            let sum: i64 = bids.iter().map(|(price, _, _)| price).sum();
            let dearest = bids.iter().map(|(price, _, _)| *price).max().expect("a bid");
            prop_assert_eq!(need.full, Nanos(sum));
            prop_assert!(need.held_back <= need.full && Nanos(dearest) <= need.held_back);
        }
        for (slot, price) in slots {
            prop_assert!(exposure.leave(slot, price).is_some());
        }
        prop_assert!(exposure.is_empty());
        prop_assert_eq!(exposure.need(Nanos(1), &classes).full, Nanos(0));
    }
}

/// Bids that nobody hears of but for every tenth, which is billed at once.
async fn traffic(world: &mut World, want: Want, seconds: u64) {
    for number in 0..seconds * 10 {
        if let Ok(hold) = world.hold(want.clone()) {
            let sent = world.send(hold);
            if number % 10 == 0 {
                world.notice(NoticeKind::Billing, &sent, PRICE).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn strict() -> Want {
    Want { plan: Plan { strict: true, ..plan(Pacing::Asap) }, ..want() }
}

/// Until the pacer has changed the plan, whose old leases it closes then.
#[tokio::test(start_paused = true)]
async fn a_budget_that_has_become_strict_is_not_bid_from_leases_that_may_have_credit() {
    let mut world = World::one(Nanos(250_000_000_000)).await;
    world.fund().await;
    let before = world.bid(want()).claims.lease;
    assert_eq!(world.hold(strict()).err(), Some(Refusal::Unfunded));
    settle().await;
    let after = world.bid(strict()).claims.lease;
    assert_ne!(before, after);
    assert_eq!(world.bid(want()).claims.lease, after, "the other way round nothing has to wait");
}

#[tokio::test(start_paused = true)]
async fn a_region_learns_what_its_bids_need_and_a_strict_budget_needs_all_of_it() {
    for (want, is_strict) in [(want(), false), (strict(), true)] {
        let mut world = World::one(Nanos(PRICE.0 * 20_000)).await;
        world.fund().await;
        traffic(&mut world, want.clone(), 130).await;
        let funds = world.port().open().unwrap().funds(CAMPAIGN).unwrap();
        println!("strict {is_strict}: {funds:?}");
        assert_eq!(funds.credit == Nanos(0), is_strict, "{funds:?}");

        let leased: i64 = world.leases().await.iter().map(|lease| lease.left.0).sum();
        // Bids are out for a minute, ten a second.
        let open = i64::try_from(world.figures().await.open).unwrap() * PRICE.0;
        println!("{leased} leased for {open} of open bids");
        assert_eq!(leased < open, !is_strict, "leases that are closed keep what their bids need");

        tokio::time::sleep(common::TTL * 2).await;
        settle().await;
        assert_eq!(world.figures().await.open, 0);
        let funds = world.port().open().unwrap().funds(CAMPAIGN).unwrap();
        assert_eq!((funds.credit, funds.held), (Nanos(0), Nanos(0)));
        let totals = world.totals().await;
        assert_eq!(totals.late, Nanos(0));
    }
}

/// What a campaign of 500 impressions has spent after five minutes of 25 bids a second, of which a tenth is won and billed
/// after some seconds, and of which no loss is ever told.
async fn five_minutes(want: Want, seed: u64) -> (i64, Nanos, Nanos) {
    const BUDGET: i64 = 500;
    let mut world = World::one(Nanos(PRICE.0 * BUDGET)).await;
    let want = Want { ttl: Duration::from_secs(20), ..want };
    let mut dice = seed;
    let mut draw = move || {
        // Knuth's multiplier; the upper bits are the good ones.
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        dice >> 40
    };
    let mut won: Vec<(u64, common::Sent)> = Vec::new();
    for tick in 0..300 * 25_u64 {
        if let Ok(hold) = world.hold(want.clone()) {
            let sent = world.send(hold);
            if draw() % 10 == 0 {
                won.push((tick + 1 + draw() % 150, sent));
            }
        }
        let (due, later): (Vec<_>, Vec<_>) = won.into_iter().partition(|(at, _)| *at <= tick);
        won = later;
        for (_, sent) in &due {
            world.notice(NoticeKind::Billing, sent, PRICE).await;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    for (_, sent) in &won {
        world.notice(NoticeKind::Billing, sent, PRICE).await;
    }
    let totals = world.totals().await;
    let account = totals.account(CAMPAIGN).expect("it has an account");
    (totals.spent.0 / PRICE.0, account.free, account.late)
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_delivered_from_many_leases_and_not_overspent() {
    let seed = 20_261_122;
    let (spent, free, late) = five_minutes(want(), seed).await;
    let (spent_strictly, _, late_strictly) = five_minutes(strict(), seed).await;
    println!("seed {seed}: {spent} of 500, late {late}, free {free}; strictly {spent_strictly}");
    assert!((475..=500).contains(&spent), "{spent}");
    assert!(Nanos(0) <= free, "{free}");
    assert_eq!(late_strictly, Nanos(0));
    assert!(spent_strictly < spent, "{spent_strictly}");
}
