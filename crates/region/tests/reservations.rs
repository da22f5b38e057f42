//! How reservations end: once each, by billing, loss or time, and not at all by a crash.

use std::sync::Arc;

use campaign::{CampaignId, CapWindow, Caps};
use ledger::{CapKey, LeaseId, TokenId};
use money::Nanos;
use region::limits::STALE_EXPIRIES_MIN;
use region::{CapTable, CapUser, LeaseCell, Reservation, Reservations};

const ONE_A_DAY: Caps = Caps::NONE.with(CapWindow::Day, 1);
const CAMPAIGN: CampaignId = CampaignId(1);
const PRICE: Nanos = Nanos(10);

fn bid(number: u8) -> TokenId {
    TokenId([number; TokenId::BYTES])
}

fn lease() -> Arc<LeaseCell> {
    Arc::new(LeaseCell::new(LeaseId(1), Nanos(100), i64::MAX))
}

fn reserve(lease: &Arc<LeaseCell>, number: u8, expires_ms: i64) -> Reservation {
    assert!(lease.try_reserve(PRICE, 0));
    Reservation::new(bid(number), CAMPAIGN, Arc::clone(lease), PRICE, expires_ms)
}

#[test]
fn reservations_expire_in_the_order_of_their_time_and_not_before() {
    let lease = lease();
    let mut open = Reservations::new();
    for (number, expires_ms) in [(1, 300), (2, 100), (3, 200)] {
        open.track(reserve(&lease, number, expires_ms)).unwrap();
    }
    assert!(open.next_expired(99).is_none());
    let mut ended = 0;
    while let Some(reservation) = open.next_expired(200) {
        reservation.release();
        ended += 1;
    }
    assert_eq!(ended, 2);
    assert_eq!(open.len(), 1);
    assert_eq!(lease.figures().held, PRICE);
}

#[test]
fn a_win_keeps_its_reservation_longer_and_a_second_win_does_not_shorten_it() {
    let lease = lease();
    let mut open = Reservations::new();
    open.track(reserve(&lease, 1, 100)).unwrap();
    assert!(open.win(bid(1), 1_000));
    assert!(open.win(bid(1), 500));
    assert!(open.next_expired(999).is_none());
    open.next_expired(1_000).expect("the win's time has run out").release();
    assert!(!open.win(bid(1), 2_000), "it has ended");
}

#[test]
fn a_bid_ends_once() {
    let lease = lease();
    let mut open = Reservations::new();
    open.track(reserve(&lease, 1, 100)).unwrap();
    open.end(bid(1)).expect("it is open").settle(Nanos(4));
    assert!(open.end(bid(1)).is_none());
    assert!(open.next_expired(i64::MAX).is_none());
    assert_eq!(lease.figures().spent, Nanos(4));
    assert_eq!(lease.figures().available, Nanos(96));
}

#[test]
fn what_is_kept_follows_the_open_bids_and_not_those_that_have_ended() {
    let lease = Arc::new(LeaseCell::new(LeaseId(1), Nanos(1_000_000), i64::MAX));
    let mut open = Reservations::new();
    let named = |number: u16| {
        let mut name = [0; TokenId::BYTES];
        name[..2].copy_from_slice(&number.to_be_bytes());
        TokenId(name)
    };
    let track = |open: &mut Reservations, bid| {
        assert!(lease.try_reserve(PRICE, 0));
        open.track(Reservation::new(bid, CAMPAIGN, Arc::clone(&lease), PRICE, 100)).unwrap();
    };
    track(&mut open, named(u16::MAX));
    for number in 0..10_000 {
        track(&mut open, named(number));
        assert!(open.win(named(number), 200));
        open.end(named(number)).expect("it is open").release();
        assert!(open.expiries() <= STALE_EXPIRIES_MIN, "{} expiries", open.expiries());
    }
    open.next_expired(100).expect("the first one is still due").release();
}

#[test]
fn a_bid_that_is_tracked_already_is_handed_back() {
    let lease = lease();
    let mut open = Reservations::new();
    open.track(reserve(&lease, 1, 100)).unwrap();
    let second = open.track(reserve(&lease, 1, 100)).expect_err("the same bid");
    second.release();
    assert_eq!(lease.figures().held, PRICE, "the first one still holds");
}

#[test]
fn a_release_frees_money_and_cap_together() {
    let (lease, caps, user) = (lease(), Arc::new(CapTable::new()), CapKey([1; CapKey::BYTES]));
    assert!(caps.try_open(CAMPAIGN, CapUser::lasting(user), ONE_A_DAY, bid(1), 0, 100));
    let reservation = reserve(&lease, 1, 100).with_cap(Arc::clone(&caps), user);
    reservation.release();
    assert!(caps.is_below(CAMPAIGN, CapUser::lasting(user), ONE_A_DAY, 0));
    assert_eq!(lease.figures().available, Nanos(100));
}

#[test]
fn dropping_all_reservations_as_a_crash_does_frees_nothing() {
    let lease = lease();
    let mut open = Reservations::new();
    for number in 1..=10 {
        open.track(reserve(&lease, number, 100)).unwrap();
    }
    drop(open);
    assert_eq!(lease.figures().held, Nanos(100));
    assert!(!lease.try_reserve(Nanos(1), 0), "those bids may still bill");
}
