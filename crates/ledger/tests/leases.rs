//! Leases: granted, given back, closed.

mod common;

use campaign::CampaignId;
use common::{BUDGET, CAMPAIGN, GRACE_MS, LIFE_MS, World, ask, billing, lease};
use ledger::{EventKind, LeaseAsk, LeaseRefusal, StoreOptions};
use money::Nanos;

#[test]
fn a_lease_is_debited_before_it_is_granted() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 3_000);
    assert_eq!(
        (grant.amount, grant.term.expires_ms, grant.term.closes_ms),
        (Nanos(3_000), LIFE_MS, LIFE_MS + GRACE_MS)
    );
    let account = *store.totals().unwrap().account(CAMPAIGN).unwrap();
    assert_eq!((account.leased, account.free), (Nanos(3_000), Nanos(BUDGET.0 - 3_000)));
    drop(store);
    let store = world.open();
    assert_eq!(store.snapshot(&"sg".into(), 0).unwrap().leases[0].left, Nanos(3_000), "after a restart too");
}

#[test]
fn one_lease_takes_at_most_half_of_a_regions_share_but_at_least_one_bid() {
    let world = World::new();
    let options = StoreOptions { regions: 3, ..world.options.clone() };
    let mut store = ledger::Store::open(options).unwrap();
    store.set_budget(CAMPAIGN, Nanos(60_000), 0).unwrap();
    let grant = store.grant(&ask("sg", 1_000_000), 0).unwrap().unwrap();
    assert_eq!(grant.amount, Nanos(10_000));
    let mut sum = grant.amount.0;
    let refusal = loop {
        match store.grant(&ask("id", 1_000_000), 0).unwrap() {
            Ok(grant) => sum += grant.amount.0,
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, LeaseRefusal::BudgetExhausted { free } if free < Nanos(1_000)), "{refusal:?}");
    assert!((59_001..=60_000).contains(&sum), "all but less than one bid was leased: {sum}");
    store.commit().unwrap();
}

#[test]
fn no_lease_without_budget_account_or_sense() {
    let world = World::new();
    let mut store = world.open();
    assert_eq!(store.grant(&ask("sg", 5_000), 0).unwrap(), Err(LeaseRefusal::UnknownCampaign));
    store.set_budget(CAMPAIGN, Nanos(999), 0).unwrap();
    let refusal = LeaseRefusal::BudgetExhausted { free: Nanos(999) };
    assert_eq!(store.grant(&ask("sg", 5_000), 0).unwrap(), Err(refusal));
    let absurd = LeaseAsk { least: Nanos::ZERO, ..ask("sg", 5_000) };
    assert_eq!(store.grant(&absurd, 0).unwrap(), Err(LeaseRefusal::Absurd));
    assert_eq!(store.grant(&ask("sg", 999), 0).unwrap(), Err(LeaseRefusal::Absurd));
}

#[test]
fn a_region_gives_back_what_no_bid_needs_and_repeating_it_changes_nothing() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    store.record_notice(&billing(1, grant.lease, 500), 10).unwrap();
    assert_eq!(store.give_back(grant.lease, Nanos(1_000), 20).unwrap(), Nanos(3_500));
    assert_eq!(store.give_back(grant.lease, Nanos(1_000), 20).unwrap(), Nanos::ZERO);
    store.commit().unwrap();
    let account = *store.totals().unwrap().account(CAMPAIGN).unwrap();
    assert_eq!((account.spent, account.leased), (Nanos(500), Nanos(1_000)));
    assert_eq!(store.give_back(grant.lease, Nanos::ZERO, 30).unwrap(), Nanos(1_000));
    assert_eq!(store.give_back(grant.lease, Nanos::ZERO, 30).unwrap(), Nanos::ZERO, "the lease is closed");
    store.commit().unwrap();
    let totals = store.totals().unwrap();
    assert_eq!((totals.open_leases, totals.count(EventKind::LeaseReturned)), (0, 2));
    assert_eq!(totals.account(CAMPAIGN).unwrap().free, Nanos(BUDGET.0 - 500));
    drop(store);
    world.open();
}

#[test]
fn the_rest_of_a_lease_comes_back_at_the_end_of_its_grace_and_not_before() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    store.record_notice(&billing(1, grant.lease, 500), 10).unwrap();
    store.commit().unwrap();
    drop(store);

    let mut store = world.open();
    assert_eq!(store.expire(LIFE_MS + GRACE_MS - 1).unwrap(), 0);
    assert_eq!(store.totals().unwrap().account(CAMPAIGN).unwrap().leased, Nanos(4_500), "outstanding over a restart");
    assert_eq!(store.expire(LIFE_MS + GRACE_MS).unwrap(), 1);
    let events = store.commit().unwrap();
    assert_eq!((events[0].kind, events[0].amount), (EventKind::LeaseExpired, Nanos(4_500)));
    let account = *store.totals().unwrap().account(CAMPAIGN).unwrap();
    assert_eq!((account.leased, account.free), (Nanos::ZERO, Nanos(BUDGET.0 - 500)));
    assert_eq!(store.expire(i64::MAX).unwrap(), 0);
}

#[test]
fn a_budget_may_be_raised_and_cut_below_what_is_leased_but_not_below_zero() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    assert_eq!(store.set_budget(CAMPAIGN, Nanos(2_000), 10).unwrap().free(), Nanos(-3_000));
    assert!(store.grant(&ask("sg", 1_000), 10).unwrap().is_err());
    assert_eq!(store.set_budget(CAMPAIGN, Nanos(-1), 10).unwrap().budget(), Nanos::ZERO);
    assert_eq!(store.set_budget(CAMPAIGN, Nanos(20_000), 10).unwrap().free(), Nanos(15_000));
    store.give_back(grant.lease, Nanos::ZERO, 20).unwrap();
    store.commit().unwrap();
    assert_eq!(store.totals().unwrap().account(CAMPAIGN).unwrap().free, Nanos(20_000));
    assert!(store.books().account(CampaignId(8)).is_none());
}

#[test]
fn a_snapshot_shows_the_leases_of_its_region_only_and_where_it_stands() {
    let world = World::new();
    let mut store = world.funded();
    let sg = lease(&mut store, "sg", 2_000);
    lease(&mut store, "id", 3_000);
    lease(&mut store, "sg", 4_000);
    let snapshot = store.snapshot(&"sg".into(), 0).unwrap();
    assert_eq!((snapshot.region_seq, snapshot.leases.len()), (2, 2));
    assert_eq!(store.snapshot(&"th".into(), 0).unwrap().region_seq, 0);

    store.record_notice(&billing(1, sg.lease, 10), 10).unwrap();
    assert!(store.snapshot(&"sg".into(), 0).is_err(), "nothing is shown before it is durable");
    store.commit().unwrap();
    let page = store.events_since("sg", snapshot.region_seq).unwrap();
    assert_eq!((page.head, page.events.len(), page.events[0].region_seq), (3, 1, 3));
    assert_eq!(page.events[0].kind, EventKind::Billing);
    assert_eq!(store.newest("sg").unwrap(), page.events.last().cloned());
    assert_eq!(store.newest("th").unwrap(), None);
}

#[test]
fn events_are_read_in_pages_without_a_gap() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 9_000_000);
    let count = ledger::EVENTS_PAGE_MAX as u64 + 10;
    for number in 1..=count {
        store.record_notice(&billing(number, grant.lease, 1), 10).unwrap();
    }
    store.commit().unwrap();
    let (mut seen, mut pages) = (0, 0);
    loop {
        let page = store.events_since("sg", seen).unwrap();
        for event in &page.events {
            assert_eq!(event.region_seq, seen + 1);
            seen = event.region_seq;
        }
        pages += 1;
        if seen == page.head {
            break;
        }
    }
    assert_eq!((seen, pages), (count + 1, 2));
}
