//! A region with the real ledger, in good order: money, caps and pacing as the bid path meets them.

mod common;

use std::time::Duration;

use campaign::Pacing;
use common::{CAMPAIGN, LEASE_LIFE, PRICE, TTL, World, capped, key, plan, settle, want};
use ledger::{EventKind, NoticeKind};
use money::Nanos;
use region::limits::{HOLD_MAX, WON_TTL};
use region::{CapCounts, NotTracked, Refusal, RegionArgs, Want};
use tokio::time::sleep;

const BUDGET: Nanos = Nanos(250_000_000_000);

#[tokio::test(start_paused = true)]
async fn the_first_bid_of_a_campaign_is_refused_and_has_the_pacer_take_a_lease() {
    let world = World::one(BUDGET).await;
    assert_eq!(world.hold(want()).err(), Some(Refusal::Unfunded));
    assert_eq!(world.count(EventKind::LeaseGranted).await, 0, "no lease before somebody asks");
    settle().await;
    assert!(world.hold(want()).is_ok());
    assert_eq!(world.count(EventKind::LeaseGranted).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_is_dropped_gives_money_and_cap_back() {
    let world = World::one(BUDGET).await;
    world.fund().await;
    let before = world.port().open().unwrap().funds(CAMPAIGN).unwrap();
    let hold = world.hold(capped(1, 1)).unwrap();
    assert_eq!(world.hold(capped(1, 1)).err(), Some(Refusal::Capped), "the first one is still open");
    assert_eq!(world.port().open().unwrap().funds(CAMPAIGN).unwrap().held, PRICE);
    drop(hold);
    assert_eq!(world.port().open().unwrap().funds(CAMPAIGN).unwrap(), before);
    assert!(world.hold(capped(1, 1)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_billing_turns_the_reservation_into_spend_and_the_open_bid_into_a_billed_one() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let sent = world.bid(capped(1, 2));
    world.notice(NoticeKind::Win, &sent, Nanos(900_000)).await;
    world.notice(NoticeKind::Billing, &sent, Nanos(900_000)).await;
    settle().await;
    let view = world.port().open().unwrap();
    let funds = view.funds(CAMPAIGN).unwrap();
    assert_eq!((funds.held, funds.spent), (Nanos(0), Nanos(900_000)));
    assert_eq!(view.caps().counts(CAMPAIGN, key(1)), CapCounts { billed: 1, open: 0 });
    let figures = world.figures().await;
    assert_eq!((figures.committed, figures.won, figures.billed, figures.open), (1, 1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_is_repeated_is_counted_once() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let sent = world.bid(capped(1, 9));
    for _ in 0..5 {
        world.notice(NoticeKind::Billing, &sent, PRICE).await;
    }
    settle().await;
    assert_eq!(world.billed(1).await, (1, 1));
    assert!(world.spent_by_lease().await.iter().all(|(_, disk, region)| disk == region));
    assert_eq!(world.totals().await.spent, PRICE);
}

#[tokio::test(start_paused = true)]
async fn a_loss_frees_the_money_and_the_place_in_the_cap() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let sent = world.bid(capped(1, 1));
    assert_eq!(world.hold(capped(1, 1)).err(), Some(Refusal::Capped));
    world.notice(NoticeKind::Loss, &sent, PRICE).await;
    settle().await;
    assert!(world.hold(capped(1, 1)).is_ok());
    assert_eq!(world.figures().await.lost, 1);
}

#[tokio::test(start_paused = true)]
async fn a_committed_bid_that_is_withdrawn_frees_money_and_cap_once() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let sent = world.bid(capped(1, 1));
    for _ in 0..2 {
        world.port().withdraw(sent.token);
    }
    settle().await;
    assert_eq!(world.port().open().unwrap().funds(CAMPAIGN).unwrap().held, Nanos::ZERO);
    assert!(world.hold(capped(1, 1)).is_ok());
    assert_eq!((world.figures().await.withdrawn, world.figures().await.open), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_bid_of_which_nothing_is_heard_expires_and_a_won_one_waits_longer() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let (_silent, won) = (world.bid(want()), world.bid(want()));
    world.notice(NoticeKind::Win, &won, PRICE).await;
    sleep(TTL + Duration::from_secs(1)).await;
    let figures = world.figures().await;
    assert_eq!((figures.expired, figures.open), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_billing_after_its_reservation_expired_is_booked_and_counted() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let sent = world.bid(Want { ttl: Duration::from_secs(1), ..capped(1, 5) });
    sleep(Duration::from_secs(2)).await;
    assert_eq!(world.figures().await.expired, 1);
    world.notice(NoticeKind::Billing, &sent, PRICE).await;
    settle().await;
    assert_eq!(world.figures().await.billed_late, 1);
    assert_eq!(world.billed(1).await, (1, 1));
    assert!(world.spent_by_lease().await.iter().all(|(_, disk, region)| disk == region));
}

#[tokio::test(start_paused = true)]
async fn a_capped_campaign_does_not_bid_for_a_user_without_a_key() {
    let world = World::one(BUDGET).await;
    world.fund().await;
    let unknown = Want { user: None, ..capped(1, 3) };
    assert_eq!(world.hold(unknown).err(), Some(Refusal::NoCapKey));
    assert!(world.hold(want()).is_ok(), "one without a cap does");
}

#[tokio::test(start_paused = true)]
async fn ten_requests_of_one_user_at_once_do_not_exceed_the_cap() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let mut sent = Vec::new();
    for _ in 0..10 {
        if let Ok(hold) = world.hold(capped(1, 3)) {
            sent.push(world.send(hold));
        }
    }
    assert_eq!(sent.len(), 3);
    for sent in &sent {
        world.notice(NoticeKind::Billing, sent, PRICE).await;
    }
    settle().await;
    assert_eq!(world.hold(capped(1, 3)).err(), Some(Refusal::Capped), "three were shown");
}

#[tokio::test(start_paused = true)]
async fn an_even_plan_starts_slowly_and_the_same_draw_gives_the_same_answer() {
    let world = World::one(BUDGET).await;
    world.fund().await;
    let even = |draw| Want { plan: plan(Pacing::Even), draw, ..want() };
    drop(world.hold(even(0)));
    settle().await;
    let paced = |draw| world.hold(even(draw)).err() == Some(Refusal::Paced);
    // The lease lasts for a few bids at a time; each hold is dropped at once.
    let passed = || (0..1_000).filter(|draw| !paced(*draw)).collect::<Vec<u64>>();
    assert!(passed().is_empty(), "nothing is known of the traffic yet");
    tokio::time::sleep(region::limits::CONTROL_PERIOD).await;
    let passed = passed();
    assert!((1..=140).contains(&passed.len()), "{} of 1000 passed", passed.len());
    assert!(passed.iter().all(|draw| !paced(*draw)));
}

#[tokio::test(start_paused = true)]
async fn a_changed_plan_takes_effect_and_keeps_the_leases() {
    let world = World::one(BUDGET).await;
    world.fund().await;
    let lease = world.hold(want()).unwrap().lease();
    let changed = Want { plan: plan(Pacing::Even), ..want() };
    drop(world.hold(changed));
    settle().await;
    let view = world.port().open().unwrap();
    let account = view.pacer().account(CAMPAIGN).unwrap();
    assert_eq!(*account.plan(), plan(Pacing::Even));
    assert!(account.lease(lease).is_some());
}

#[tokio::test(start_paused = true)]
async fn leases_are_topped_up_before_they_run_dry() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    // 100 bids a second for ten seconds; the first second may be short while the rate is learnt.
    let mut refused = 0;
    for round in 0..1_000 {
        match world.hold(want()) {
            Ok(hold) => drop(world.send(hold)),
            Err(_) if round < 100 => {}
            Err(_) => refused += 1,
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert!(refused <= 9, "{refused} of 900 bids found no money");
    let leased = world.leases().await.iter().map(|lease| lease.left.0).sum::<i64>();
    let held = world.port().open().unwrap().funds(CAMPAIGN).unwrap().held.0;
    assert!(leased - held <= 500 * PRICE.0, "more than five seconds of bidding lie idle: {}", leased - held);
    assert!(leased < BUDGET.0 / 50, "leases stay small: {leased}");
}

#[tokio::test(start_paused = true)]
async fn an_expired_lease_is_not_bid_with_and_goes_back_but_for_what_open_bids_hold() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let sent = world.bid(Want { ttl: LEASE_LIFE * 2, ..want() });
    let first = sent.claims.lease;
    sleep(LEASE_LIFE + Duration::from_secs(1)).await;
    let leases = world.leases().await;
    let left = leases.iter().find(|lease| lease.lease == first).expect("an open bid holds it").left;
    assert_eq!(left, PRICE);
    drop(world.hold(want()));
    settle().await;
    assert_ne!(world.hold(want()).unwrap().lease(), first);
    world.notice(NoticeKind::Billing, &sent, PRICE).await;
    sleep(Duration::from_secs(1)).await;
    let totals = world.totals().await;
    assert_eq!((totals.spent, totals.late), (PRICE, Nanos(0)), "the money was still there");
    let left = world.leases().await.iter().find(|lease| lease.lease == first).map_or(Nanos(0), |lease| lease.left);
    assert_eq!(left, Nanos(0), "nothing is left of it");
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_spent_to_the_last_bid_and_never_exceeded_though_bids_are_lost_on_the_way() {
    let mut world = World::one(Nanos(PRICE.0 * 10)).await;
    let mut sent = Vec::new();
    for _ in 0..200 {
        if let Ok(hold) = world.hold(want()) {
            sent.push(world.send(hold));
        }
        sleep(Duration::from_millis(50)).await;
    }
    // Each bid holds its whole price; less than a bid may be left over in each lease until its bids have ended.
    assert!((8..=10).contains(&sent.len()), "{} bids", sent.len());
    assert_eq!(world.hold(want()).err(), Some(Refusal::BudgetExhausted));
    for sent in &sent[..4] {
        world.notice(NoticeKind::Loss, sent, PRICE).await;
    }
    for sent in &sent[4..] {
        world.notice(NoticeKind::Billing, sent, PRICE).await;
    }
    for _ in 0..200 {
        if let Ok(hold) = world.hold(want()) {
            let sent = world.send(hold);
            world.notice(NoticeKind::Billing, &sent, PRICE).await;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let totals = world.totals().await;
    assert_eq!((totals.spent, totals.late), (Nanos(PRICE.0 * 10), Nanos(0)));
}

#[tokio::test(start_paused = true)]
async fn a_campaign_that_the_ledger_does_not_know_stays_without_money() {
    let world = World::one(BUDGET).await;
    let stranger = Want { campaign: campaign::CampaignId(99), ..want() };
    for _ in 0..5 {
        assert_eq!(world.hold(stranger.clone()).err(), Some(Refusal::Unfunded));
        settle().await;
    }
    assert_eq!(world.count(EventKind::LeaseGranted).await, 0);
}

#[tokio::test(start_paused = true)]
async fn without_the_ledger_bidding_goes_on_until_the_lease_is_used_up_and_comes_back_with_it() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let ledger = world.tree.handle().find("root/ledger").unwrap();
    ledger.terminate_child("event_log").await.unwrap();
    let mut bids = 0;
    for _ in 0..100 {
        if let Ok(hold) = world.hold(want()) {
            world.send(hold);
            bids += 1;
        }
        settle().await;
    }
    assert!((1..100).contains(&bids), "{bids} bids from the last lease");
    assert_eq!(world.incarnations("sg"), [1, 1, 1], "a missing ledger crashes nobody");
    ledger.restart_child("event_log").await.unwrap();
    drop(world.hold(want()));
    sleep(Duration::from_secs(1)).await;
    assert!(world.hold(want()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn no_bid_is_held_longer_than_its_lease_can_be_billed() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    world.bid(Want { ttl: HOLD_MAX * 10, ..want() });
    sleep(HOLD_MAX - Duration::from_secs(1)).await;
    assert_eq!(world.figures().await.open, 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(world.figures().await.expired, 1);
}

#[tokio::test(start_paused = true)]
async fn a_bid_that_is_won_and_billed_at_the_last_moment_is_not_late() {
    let mut world = World::one(BUDGET).await;
    world.fund().await;
    let sent = world.bid(Want { ttl: HOLD_MAX, ..want() });
    sleep(HOLD_MAX - Duration::from_secs(1)).await;
    world.notice(NoticeKind::Win, &sent, PRICE).await;
    sleep(WON_TTL - Duration::from_secs(1)).await;
    world.notice(NoticeKind::Billing, &sent, PRICE).await;
    let totals = world.totals().await;
    assert_eq!((totals.spent, totals.late), (PRICE, Nanos(0)));
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_of_open_bids_a_commit_is_refused_and_its_hold_released_until_one_ends() {
    let mut world = World::start(&["sg"], BUDGET, |args| RegionArgs { open_bids_max: 1, ..args }).await;
    world.fund().await;
    let open = world.bid(capped(1, 1));
    let hold = world.hold(capped(2, 1)).unwrap();
    assert_eq!(hold.commit(ledger::TokenId([9; ledger::TokenId::BYTES])), Err(NotTracked::TooManyOpen));
    let view = world.port().open().unwrap();
    assert_eq!(view.funds(CAMPAIGN).unwrap().held, PRICE, "of the first one only");
    assert_eq!(view.caps().counts(CAMPAIGN, key(2)), CapCounts::default());
    drop(view);
    world.notice(NoticeKind::Loss, &open, PRICE).await;
    settle().await;
    world.bid(capped(2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_commit_to_a_region_that_is_gone_releases_the_hold() {
    let world = World::one(BUDGET).await;
    world.fund().await;
    let hold = world.hold(capped(1, 1)).unwrap();
    world.tree.handle().terminate_child("sg").await.unwrap();
    let token = ledger::TokenId([1; ledger::TokenId::BYTES]);
    assert_eq!(hold.commit(token), Err(NotTracked::RegionDown));
    assert!(world.port().open().is_err());
}
