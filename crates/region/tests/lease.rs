//! One lease under every order of reserving, releasing, settling and late billing, from one thread and from many.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ledger::LeaseId;
use money::Nanos;
use proptest::prelude::*;
use region::LeaseCell;

const NEVER: i64 = i64::MAX;

fn sum(cell: &LeaseCell) -> i64 {
    let figures = cell.figures();
    figures.available.0 + figures.held.0 + figures.spent.0
}

#[test]
fn a_reservation_moves_money_from_available_to_held_and_back() {
    let cell = LeaseCell::new(LeaseId(1), Nanos(100), NEVER);
    assert!(cell.try_reserve(Nanos(60), 0));
    assert!(!cell.try_reserve(Nanos(60), 0), "only 40 are left");
    cell.release(Nanos(60));
    assert!(cell.try_reserve(Nanos(100), 0));
    cell.settle(Nanos(100), Nanos(30));
    assert_eq!(cell.figures().spent, Nanos(30));
    assert_eq!(cell.figures().available, Nanos(70));
}

#[test]
fn nothing_is_reserved_from_the_moment_a_lease_expires() {
    let cell = LeaseCell::new(LeaseId(1), Nanos(100), 1_000);
    assert!(cell.try_reserve(Nanos(1), 999));
    assert!(!cell.try_reserve(Nanos(1), 1_000));
    assert_eq!(cell.reservable(1_000), Nanos(0));
}

#[test]
fn a_price_of_zero_or_less_is_not_reserved() {
    let cell = LeaseCell::new(LeaseId(1), Nanos(100), NEVER);
    assert!(!cell.try_reserve(Nanos(0), 0));
    assert!(!cell.try_reserve(Nanos(-5), 0));
    assert_eq!(sum(&cell), 100);
}

#[test]
fn a_closed_lease_gives_nothing_even_when_its_bids_are_released_and_can_then_be_returned() {
    let cell = LeaseCell::new(LeaseId(1), Nanos(100), NEVER);
    assert!(cell.try_reserve(Nanos(40), 0));
    cell.close();
    cell.close();
    assert!(!cell.is_returnable(), "a bid is still out");
    assert!(!cell.try_reserve(Nanos(1), 0));
    cell.release(Nanos(40));
    assert!(!cell.try_reserve(Nanos(1), 0));
    assert!(cell.is_returnable());
    assert_eq!(sum(&cell), 100);
}

#[test]
fn a_billing_after_its_reservation_expired_overdraws_and_stops_further_bids() {
    let cell = LeaseCell::new(LeaseId(1), Nanos(100), NEVER);
    assert!(cell.try_reserve(Nanos(100), 0));
    cell.release(Nanos(100));
    assert!(cell.try_reserve(Nanos(100), 0));
    cell.debit(Nanos(80));
    assert_eq!(cell.figures().available, Nanos(-80));
    assert!(!cell.try_reserve(Nanos(1), 0));
    cell.settle(Nanos(100), Nanos(100));
    assert_eq!(sum(&cell), 100);
}

#[test]
fn threads_that_reserve_at_once_never_hold_more_than_the_lease() {
    const LEASE: i64 = 10_000;
    let cell = Arc::new(LeaseCell::new(LeaseId(1), Nanos(LEASE), NEVER));
    let held = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for thread in 1..=4_i64 {
            let (cell, held) = (Arc::clone(&cell), &held);
            scope.spawn(move || {
                for round in 0..20_000_i64 {
                    let price = Nanos(1 + (round * thread) % 4_000);
                    if cell.try_reserve(price, 0) {
                        let now = held.fetch_add(price.0, Ordering::SeqCst) + price.0;
                        assert!(now <= LEASE, "{now} held of {LEASE}");
                        held.fetch_sub(price.0, Ordering::SeqCst);
                        cell.release(price);
                    }
                }
            });
        }
    });
    assert_eq!(cell.figures().available, Nanos(LEASE));
}

#[derive(Clone, Debug)]
enum Step {
    Reserve(i64),
    Release(usize),
    Settle(usize, i64),
    Debit(i64),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..500_i64).prop_map(Step::Reserve),
        2 => any::<usize>().prop_map(Step::Release),
        2 => (any::<usize>(), 0..=100_i64).prop_map(|(which, share)| Step::Settle(which, share)),
        1 => (1..50_i64).prop_map(Step::Debit),
        1 => Just(Step::Close),
    ]
}

proptest! {
    // A failing case prints its seed and minimal input.
    #[test]
    fn held_and_available_and_spent_are_the_lease_after_every_step(steps in prop::collection::vec(step(), 0..200)) {
        let cell = LeaseCell::new(LeaseId(9), Nanos(1_000), NEVER);
        let (mut open, mut spent, mut closed) = (Vec::new(), 0_i64, false);
        for step in steps {
            match step {
                Step::Reserve(price) => {
                    let room = cell.figures().available.0 >= price && !closed;
                    prop_assert_eq!(cell.try_reserve(Nanos(price), 0), room);
                    if room {
                        open.push(price);
                    }
                }
                Step::Release(which) if !open.is_empty() => cell.release(Nanos(open.swap_remove(which % open.len()))),
                Step::Settle(which, share) if !open.is_empty() => {
                    let price = open.swap_remove(which % open.len());
                    let billed = price * share / 100;
                    cell.settle(Nanos(price), Nanos(billed));
                    spent += billed;
                }
                Step::Debit(billed) => {
                    cell.debit(Nanos(billed));
                    spent += billed;
                }
                Step::Close => {
                    cell.close();
                    closed = true;
                }
                Step::Release(_) | Step::Settle(..) => {}
            }
            prop_assert_eq!(sum(&cell), 1_000);
            prop_assert_eq!(cell.figures().held.0, open.iter().sum::<i64>());
            prop_assert_eq!(cell.figures().spent.0, spent);
            prop_assert_eq!(cell.is_returnable(), closed && open.is_empty());
        }
    }
}
