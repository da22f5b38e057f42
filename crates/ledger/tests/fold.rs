//! Folding: what is kept and for how long, what is refused, and that the file does not grow for ever.

mod common;

use std::time::Duration;

use common::history::{folded_at_once, never_folded};
use common::{BUDGET, CAMPAIGN, World, ask, billing, lease, notice};
use ledger::{Audit, EventKind, LeaseId, NoticeKind, Outcome, Retention, Store, StoreError, StoreOptions};
use money::Nanos;
use rusqlite::Connection;

const DAY_MS: i64 = 86_400_000;

fn count(world: &World, what: &str) -> i64 {
    let query = format!("SELECT count(*) FROM event WHERE {what}");
    Connection::open(world.path()).unwrap().query_row(&query, [], |row| row.get(0)).unwrap()
}

fn fold_all(store: &mut Store, now_ms: i64) {
    while store.fold(now_ms, 1).unwrap().is_more {}
}

/// Opens with another retention.
fn open(world: &World, retention: Retention) -> Store {
    Store::open(StoreOptions { retention, ..world.options.clone() }).unwrap()
}

/// A budget, three leases of which one is open, two wins, three billings, a loss; all at time 10 of the first day.
fn lived() -> World {
    let world = World::new();
    let mut store = Store::open(never_folded(&world.options)).unwrap();
    store.set_budget(CAMPAIGN, BUDGET, 0).unwrap();
    let open = lease(&mut store, "sg", 50_000).lease;
    let back = lease(&mut store, "sg", 50_000).lease;
    let closed = lease(&mut store, "id", 50_000).lease;
    for (kind, number) in [(NoticeKind::Win, 1), (NoticeKind::Billing, 1), (NoticeKind::Win, 2), (NoticeKind::Loss, 3)]
    {
        store.record_notice(&notice(kind, number, open, 100), 10).unwrap();
    }
    store.record_notice(&billing(2, closed, 200), 10).unwrap();
    store.record_notice(&billing(4, back, 300), 10).unwrap();
    store.give_back(back, Nanos::ZERO, 11).unwrap();
    store.give_back(closed, Nanos::ZERO, 12).unwrap();
    store.commit().unwrap();
    world
}

#[test]
fn closed_leases_become_balances_and_billings_stay() {
    let world = lived();
    let before = Audit::open(&world.path()).unwrap();
    let (totals, billed) = (before.verify().unwrap(), before.billed().unwrap());
    drop(before);
    let mut store = Store::open(folded_at_once(&world.options)).unwrap();
    fold_all(&mut store, 100);
    assert_eq!(store.folded_seq(), totals.last_seq);
    assert_eq!(store.totals().unwrap(), totals);
    assert_eq!(count(&world, "kind LIKE 'lease%'"), 0);
    assert_eq!(count(&world, "kind = 'billing'"), 3);
    assert_eq!(count(&world, "kind = 'budget'"), 1);
    assert_eq!(count(&world, "kind IN ('win', 'loss')"), 3, "their tokens still open");
    let audit = Audit::open(&world.path()).unwrap();
    assert_eq!((audit.verify().unwrap(), audit.billed().unwrap()), (totals.clone(), billed));
    drop(store);
    assert_eq!(Store::open(folded_at_once(&world.options)).unwrap().totals().unwrap(), totals);
}

#[test]
fn nothing_is_folded_before_its_time_and_a_portion_as_a_whole() {
    let world = lived();
    let retention = Retention { events: Duration::from_secs(60), ..Retention::default() };
    let mut store = open(&world, retention);
    assert_eq!(store.fold(60_000 + 9, 10).unwrap().events, 0, "one of ten is younger");
    assert_eq!(store.fold(60_000 + 11, 20).unwrap().events, 0, "there are not so many");
    let folding = store.fold(60_000 + 10, 10).unwrap();
    assert_eq!((folding.events, folding.is_more), (10, true));
    assert_eq!(store.fold(60_000 + 10, 10).unwrap().events, 0);
    assert_eq!(store.folded_seq(), 10);
}

#[test]
fn beyond_so_many_events_the_oldest_are_folded_however_young_they_are() {
    let world = lived();
    let mut store = open(&world, Retention { events_max: 7, ..Retention::default() });
    fold_all(&mut store, 20);
    assert_eq!(store.books().last_seq() - store.folded_seq(), 7);
}

#[test]
fn a_notice_is_known_as_long_as_its_token_opens_and_its_row_is_removed_then() {
    let world = lived();
    let kept = Retention { events_max: 0, notices: Duration::from_secs(3 * 86_400), ..Retention::default() };
    let mut store = open(&world, kept);
    fold_all(&mut store, 3 * DAY_MS + 9);
    for (kind, number) in [(NoticeKind::Win, 1), (NoticeKind::Loss, 3), (NoticeKind::Billing, 1)] {
        let answer = store.record_notice(&notice(kind, number, LeaseId(1), 100), 3 * DAY_MS + 9).unwrap();
        assert_eq!(answer.outcome, Outcome::Duplicate, "{kind:?}");
    }
    let before = store.totals().unwrap();
    fold_all(&mut store, 3 * DAY_MS + 20);
    assert_eq!(count(&world, "kind IN ('win', 'loss')"), 0);
    assert_eq!(count(&world, "kind = 'billing'"), 3);
    assert_eq!(store.totals().unwrap(), before, "they still count");
    let again = store.record_notice(&billing(1, LeaseId(1), 100), 3 * DAY_MS + 20).unwrap();
    assert_eq!(again.outcome, Outcome::Duplicate, "a billing is known for as long as it is kept");
    Audit::open(&world.path()).unwrap().verify().unwrap();
}

#[test]
fn billings_are_removed_if_that_is_wanted_and_stay_in_the_spend() {
    let world = lived();
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let kept = Retention { events_max: 0, billings: Some(days(30)), ..Retention::default() };
    let mut store = open(&world, kept.clone());
    let before = store.totals().unwrap();
    // Users' keys are forgotten long before.
    store.forget_cap_keys(29 * DAY_MS, 1_000).unwrap();
    fold_all(&mut store, 29 * DAY_MS);
    assert_eq!(count(&world, "kind = 'billing'"), 3);
    fold_all(&mut store, 30 * DAY_MS + 20);
    assert_eq!((count(&world, "kind = 'billing'"), count(&world, "kind = 'budget'")), (0, 1));
    assert_eq!(store.totals().unwrap(), before);
    assert_eq!(Audit::open(&world.path()).unwrap().verify().unwrap().spent, Nanos(600));
    drop(store);
    assert_eq!(open(&world, kept).totals().unwrap(), before);
}

#[test]
fn billings_are_kept_no_shorter_than_notices_whatever_is_wanted() {
    let world = lived();
    let mut store = open(&world, Retention { events_max: 0, billings: Some(Duration::ZERO), ..Retention::default() });
    fold_all(&mut store, 3 * DAY_MS + 9);
    assert_eq!(count(&world, "kind = 'billing'"), 3);
    fold_all(&mut store, 3 * DAY_MS + 20);
    assert_eq!(count(&world, "kind = 'billing'"), 0);
}

#[test]
fn a_clock_that_was_set_back_removes_nothing_too_early() {
    let world = World::new();
    let retention =
        Retention { events: Duration::from_secs(60), notices: Duration::from_secs(60), ..Retention::default() };
    let mut store = open(&world, retention);
    store.set_budget(CAMPAIGN, BUDGET, 0).unwrap();
    for (number, at_ms) in [(1, 50_000), (2, 10_000)] {
        store.record_notice(&notice(NoticeKind::Win, number, LeaseId(1), 100), at_ms).unwrap();
    }
    store.commit().unwrap();
    assert_eq!(store.fold(100_000, 3).unwrap().events, 0, "the one before the last is too young");
    assert_eq!(store.fold(110_000, 3).unwrap().events, 3);
    assert_eq!(store.fold(110_000, 3).unwrap().rows, 2);
    assert_eq!(count(&world, "TRUE"), 1);
}

#[test]
fn who_has_missed_what_is_not_kept_gets_no_events_and_is_told_so() {
    let world = lived();
    let mut store = Store::open(folded_at_once(&world.options)).unwrap();
    let whole = store.events_since("sg", 0).unwrap();
    assert_eq!((whole.events.len(), whole.head, whole.folded), (9, 9, 0));
    store.fold(100, 5).unwrap();
    let page = store.events_since("sg", 0).unwrap();
    assert_eq!((page.events.len(), page.head), (0, 9));
    assert!(0 < page.folded && page.folded < 9, "{}", page.folded);
    let page = store.events_since("sg", page.folded).unwrap();
    assert_eq!(page.events.last().unwrap().region_seq, 9);
    assert_eq!(page.events.len() as u64, 9 - page.folded);
    assert_eq!(store.newest("sg").unwrap().unwrap().region_seq, 9);
    fold_all(&mut store, 100);
    assert!(store.newest("sg").unwrap().is_none(), "it was a lease, and is a balance now");
    assert_eq!(store.snapshot(&"sg".into(), 0).unwrap().region_seq, 9, "a snapshot has all of it");
}

#[test]
fn a_ledger_whose_folded_part_was_changed_is_refused_with_advice() {
    let cases = [
        ("UPDATE carried_account SET spent = spent + 1, free = free - 1", "do not follow from its events"),
        ("UPDATE carried_account SET unlisted = 1", "kept billings of campaign 7"),
        ("UPDATE carried_account SET leased = leased + 1, free = free - 1", "does not balance"),
        ("UPDATE carried_account SET budget = budget + 1, free = free + 1", "do not follow from its events"),
        ("UPDATE carried_lease SET left = left - 1", "does not balance"),
        ("UPDATE carried_lease SET spent = spent + 1", "do not follow from its events: open leases"),
        ("DELETE FROM carried_lease", "does not balance"),
        ("UPDATE carried_region SET head = head + 1", "in its region"),
        ("UPDATE carried_tally SET count = count + 1", "do not follow from its events: counts"),
        ("UPDATE carried_mark SET last_seq = last_seq - 1, notices_seq = 0", "in its region"),
        ("UPDATE carried_mark SET last_lease = 2", "cannot have happened"),
        ("DELETE FROM event WHERE kind = 'billing' AND seq <= 8", "kept events billing"),
        ("DELETE FROM event WHERE kind = 'win'", "kept events win"),
        ("UPDATE event SET amount = amount + 1 WHERE kind = 'billing' AND seq <= 8", "kept billings of campaign 7"),
        ("UPDATE event SET amount = amount + 1 WHERE kind = 'budget'", "last budget of campaign 7"),
        ("DELETE FROM event WHERE seq > 8", "do not follow from its events"),
    ];
    for (statement, says) in cases {
        let world = lived();
        let options = folded_at_once(&world.options);
        let mut store = Store::open(options.clone()).unwrap();
        // Users are forgotten, or they would tell of the billings; another lease, so that there is something to replay.
        store.forget_cap_keys(60 * DAY_MS, 1_000).unwrap();
        store.fold(100, 10).unwrap();
        store.grant(&ask("sg", 5_000), 20).unwrap().unwrap();
        store.commit().unwrap();
        drop(store);
        Connection::open(world.path()).unwrap().execute_batch(statement).unwrap();
        let error = Store::open(options).expect_err(statement).to_string();
        assert!(error.contains(says) && error.contains("backup"), "{statement}: {error}");
        assert!(Audit::open(&world.path()).unwrap().verify().is_err(), "{statement}");
    }
}

/// A long ledger is not replayed when it is opened: then folding finds it.
#[test]
fn events_that_contradict_the_balances_are_not_folded_away() {
    let cases = [
        ("DELETE FROM event WHERE seq = 3", "stands where event 3 should"),
        ("UPDATE event SET amount = amount + 1 WHERE kind = 'lease_returned'", "cannot have happened"),
        ("UPDATE event SET kind = 'bribe' WHERE seq = 3", "unknown kind"),
    ];
    for (statement, says) in cases {
        let world = lived();
        let mut store = Store::open(folded_at_once(&world.options)).unwrap();
        Connection::open(world.path()).unwrap().execute_batch(statement).unwrap();
        let rows = count(&world, "TRUE");
        let error = store.fold(100, 12).expect_err(statement);
        assert!(error.to_string().contains(says) && error.to_string().contains("backup"), "{statement}: {error}");
        assert!(matches!(store.fold(100, 12), Err(StoreError::Poisoned)));
        drop(store);
        assert_eq!(count(&world, "TRUE"), rows, "nothing was removed");
        assert_eq!(count(&world, "seq IN (SELECT last_seq FROM carried_mark)"), 0);
    }
}

#[test]
fn what_is_not_committed_is_not_folded() {
    let world = World::new();
    let mut store = Store::open(folded_at_once(&world.options)).unwrap();
    store.set_budget(CAMPAIGN, BUDGET, 0).unwrap();
    assert!(matches!(store.fold(0, 1), Err(StoreError::Uncommitted)));
    store.commit().unwrap();
    assert_eq!(store.fold(0, 1).unwrap().events, 1);
}

#[test]
fn the_file_does_not_grow_with_the_number_of_leases() {
    let world = World::new();
    let mut store = open(&world, Retention { events_max: 500, ..Retention::default() });
    store.set_budget(CAMPAIGN, BUDGET, 0).unwrap();
    let mut sizes = Vec::new();
    for round in 0..12 {
        for _ in 0..500 {
            let grant = store.grant(&ask("sg", 5_000), round).unwrap().unwrap();
            store.give_back(grant.lease, Nanos::ZERO, round).unwrap();
        }
        store.commit().unwrap();
        while store.fold(round, 100).unwrap().is_more {}
        sizes.push(store.size().unwrap().bytes);
    }
    assert_eq!(store.totals().unwrap().count(EventKind::LeaseGranted), 6_000);
    assert!(sizes[11] <= sizes[2] + sizes[2] / 4, "what was freed is written to again: {sizes:?}");
    assert!(count(&world, "TRUE") <= 500 + 100 + 1, "as many as are kept, less than a portion, and the budget");
}
