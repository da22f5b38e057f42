//! Leases that their region has left in good order: their rest comes back when the last of their bids can no longer bill.

mod common;

use common::{BUDGET, CAMPAIGN, GRACE_MS, LIFE_MS, World, billing, lease, notice};
use ledger::{Audit, EventKind, LastBids, LeaseId, LeaseLeft, NoticeKind, Store};
use money::Nanos;

const WON_TTL_MS: i64 = 100_000;
/// Until when the bids of the tests may be won: long before their lease closes by itself.
const OPEN_UNTIL_MS: i64 = 40_000;

/// A region leaves a lease of which its bids need so much, having heard of all that was recorded.
fn leave(store: &mut Store, lease: LeaseId, keep: i64, now_ms: i64) -> Nanos {
    let last = LastBids { open_until_ms: OPEN_UNTIL_MS, won_ttl_ms: WON_TTL_MS };
    let heard = store.books().head("sg");
    let back = store.leave(LeaseLeft { lease, keep: Nanos(keep), last, heard }, now_ms).expect("the store works");
    store.commit().expect("a commit");
    back
}

fn record(store: &mut Store, kind: NoticeKind, number: u64, lease: LeaseId, price: i64, now_ms: i64) {
    store.record_notice(&notice(kind, number, lease, price), now_ms).expect("the store works");
    store.commit().expect("a commit");
}

/// What is leased and free, and what an audit that replays all events finds.
fn money(world: &World, store: &Store) -> (Nanos, Nanos) {
    let account = *store.totals().unwrap().account(CAMPAIGN).unwrap();
    let audited = *Audit::open(&world.path()).unwrap().verify().expect("replay agrees").account(CAMPAIGN).unwrap();
    assert_eq!(audited, account);
    (account.leased, account.free)
}

#[test]
fn what_no_bid_needs_comes_back_at_once_and_the_rest_with_the_last_bid() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    assert_eq!(leave(&mut store, grant.lease, 1_000, 10), Nanos(4_000));
    assert_eq!(money(&world, &store), (Nanos(1_000), Nanos(BUDGET.0 - 1_000)));
    assert_eq!(store.expire(OPEN_UNTIL_MS - 1).unwrap(), 0, "its bids may still be won");
    assert_eq!(store.expire(OPEN_UNTIL_MS).unwrap(), 1);
    store.commit().unwrap();
    assert_eq!(money(&world, &store), (Nanos(0), BUDGET));
}

#[test]
fn a_lease_that_was_left_closes_in_time_after_a_restart_as_well() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    leave(&mut store, grant.lease, 1_000, 10);
    drop(store);
    let mut store = world.open();
    assert_eq!(store.books().lease(grant.lease).unwrap().closes_ms(), OPEN_UNTIL_MS);
    assert_eq!((store.expire(OPEN_UNTIL_MS - 1).unwrap(), store.expire(OPEN_UNTIL_MS).unwrap()), (0, 1));
    store.commit().unwrap();
    assert_eq!(money(&world, &store), (Nanos(0), BUDGET));
}

#[test]
fn a_win_keeps_it_for_the_billing_whether_the_region_had_heard_of_it_or_not() {
    // Recorded before the region leaves and not heard of, or afterwards, with a restart in between or not.
    for (before, restart) in [(true, false), (true, true), (false, false), (false, true)] {
        let world = World::new();
        let mut store = world.funded();
        let grant = lease(&mut store, "sg", 5_000);
        let (heard, won_ms) = (store.books().head("sg"), OPEN_UNTIL_MS - 10_000);
        let last = LastBids { open_until_ms: OPEN_UNTIL_MS, won_ttl_ms: WON_TTL_MS };
        let left = LeaseLeft { lease: grant.lease, keep: Nanos(1_000), last, heard };
        if before {
            record(&mut store, NoticeKind::Win, 1, grant.lease, 900, won_ms);
        }
        store.leave(left, won_ms + 1).unwrap();
        store.commit().unwrap();
        if restart {
            drop(store);
            store = world.open();
        }
        if !before {
            record(&mut store, NoticeKind::Win, 1, grant.lease, 900, won_ms);
        }
        let closes_ms = won_ms + WON_TTL_MS;
        assert_eq!(store.books().lease(grant.lease).unwrap().closes_ms(), closes_ms, "{before} {restart}");
        assert_eq!(store.expire(closes_ms - 1).unwrap(), 0);
        store.record_notice(&billing(1, grant.lease, 900), closes_ms - 1).unwrap();
        assert_eq!(store.expire(closes_ms).unwrap(), 1);
        store.commit().unwrap();
        let account = *store.totals().unwrap().account(CAMPAIGN).unwrap();
        assert_eq!((account.spent, account.late, account.leased), (Nanos(900), Nanos(0), Nanos(0)));
        money(&world, &store);
    }
}

#[test]
fn no_lease_is_kept_longer_than_its_term_and_none_is_left_sooner_than_was_said_before() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    leave(&mut store, grant.lease, 1_000, 10);
    let sooner = LastBids { open_until_ms: OPEN_UNTIL_MS / 2, won_ttl_ms: WON_TTL_MS };
    let left = LeaseLeft { lease: grant.lease, keep: Nanos(5_000), last: sooner, heard: u64::MAX >> 1 };
    assert_eq!(store.leave(left, 20).unwrap(), Nanos(0), "nothing more is taken");
    assert_eq!(store.books().lease(grant.lease).unwrap().closes_ms(), OPEN_UNTIL_MS);
    let returns = store.books().count(EventKind::LeaseReturned);
    assert_eq!(returns, 1, "a repetition is no event");
    let later = LastBids { open_until_ms: i64::MAX, ..sooner };
    store.leave(LeaseLeft { last: later, ..left }, 30).unwrap();
    store.commit().unwrap();
    assert_eq!(store.books().lease(grant.lease).unwrap().closes_ms(), LIFE_MS + GRACE_MS);
    money(&world, &store);
}

#[test]
fn a_lease_of_which_nothing_is_needed_is_closed_when_it_is_left() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    assert_eq!(leave(&mut store, grant.lease, 0, 10), Nanos(5_000));
    assert_eq!(store.totals().unwrap().open_leases, 0);
    assert_eq!(leave(&mut store, grant.lease, 0, 20), Nanos(0));
    assert_eq!(money(&world, &store), (Nanos(0), BUDGET));
}
