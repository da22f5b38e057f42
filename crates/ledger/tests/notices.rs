//! What each notice does to the money.

mod common;

use common::{BID, BUDGET, CAMPAIGN, GRACE_MS, LIFE_MS, World, billing, lease, notice};
use ledger::{EventKind, Flags, LeaseId, Notice, NoticeKind, Outcome, PriceSeen, TokenClaims};
use money::{Cpm, Currency, Nanos, Rate};

#[test]
fn a_billing_moves_money_from_its_lease_to_spent() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    let answer = store.record_notice(&billing(1, grant.lease, 800), 10).unwrap();
    assert_eq!((answer.outcome, answer.billed, answer.flags), (Outcome::Counted, Nanos(800), Flags::NONE));
    let events = store.commit().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].amount, events[0].region_seq), (EventKind::Billing, Nanos(800), 2));

    let totals = store.totals().unwrap();
    let account = totals.account(CAMPAIGN).unwrap();
    assert_eq!((account.spent, account.leased), (Nanos(800), Nanos(4_200)));
    assert_eq!(account.free, Nanos(BUDGET.0 - 5_000));
    assert_eq!((totals.spent, totals.late), (Nanos(800), Nanos::ZERO));
}

#[test]
fn a_notice_that_comes_twice_counts_once_before_and_after_a_restart() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    let notice = billing(1, grant.lease, 800);
    store.record_notice(&notice, 10).unwrap();
    assert_eq!(store.record_notice(&notice, 11).unwrap().outcome, Outcome::Duplicate, "in the same batch");
    store.commit().unwrap();
    assert_eq!(store.record_notice(&notice, 12).unwrap().outcome, Outcome::Duplicate, "after the commit");
    assert!(store.commit().unwrap().is_empty());
    drop(store);

    let mut store = world.open();
    let answer = store.record_notice(&notice, 13).unwrap();
    assert_eq!((answer.outcome, answer.billed), (Outcome::Duplicate, Nanos::ZERO), "after a restart");
    let totals = store.totals().unwrap();
    assert_eq!((totals.spent, totals.count(EventKind::Billing)), (Nanos(800), 1));
}

#[test]
fn win_billing_and_loss_of_one_token_are_three_notices() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    for kind in [NoticeKind::Win, NoticeKind::Billing] {
        assert_eq!(store.record_notice(&notice(kind, 1, grant.lease, 800), 10).unwrap().outcome, Outcome::Counted);
    }
    store.commit().unwrap();
    let totals = store.totals().unwrap();
    assert_eq!((totals.count(EventKind::Win), totals.count(EventKind::Billing)), (1, 1));
    assert_eq!(totals.spent, Nanos(800), "a win moves no money");
}

#[test]
fn billing_may_come_before_the_win() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    let billed = store.record_notice(&notice(NoticeKind::Billing, 1, grant.lease, 800), 10).unwrap();
    let won = store.record_notice(&notice(NoticeKind::Win, 1, grant.lease, 800), 20).unwrap();
    assert_eq!((billed.outcome, billed.billed), (Outcome::Counted, Nanos(800)));
    assert_eq!((won.outcome, won.billed, won.flags), (Outcome::Counted, Nanos::ZERO, Flags::NONE));
    store.commit().unwrap();
    assert_eq!(store.totals().unwrap().spent, Nanos(800));
}

#[test]
fn a_price_above_the_bid_is_billed_at_the_bid_and_flagged() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    let answer = store.record_notice(&billing(1, grant.lease, BID.0 + 1), 10).unwrap();
    assert_eq!((answer.billed, answer.flags), (BID.cost_in_usd(), Flags::CLAMPED));
    let events = store.commit().unwrap();
    assert_eq!(events[0].bid.as_ref().unwrap().price, Some(Cpm(BID.0 + 1)), "the record shows what was claimed");
}

#[test]
fn a_price_at_the_bid_is_not_flagged() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    let answer = store.record_notice(&billing(1, grant.lease, BID.0), 10).unwrap();
    assert_eq!((answer.billed, answer.flags), (BID.cost_in_usd(), Flags::NONE));
}

#[test]
fn a_price_in_another_currency_is_converted_with_the_rate_of_the_token_and_rounded_up() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    let mut sgd = billing(1, grant.lease, 999);
    sgd.claims = TokenClaims { currency: Currency::SGD, rate: "0.78".parse().unwrap(), ..sgd.claims };
    assert_eq!(store.record_notice(&sgd, 10).unwrap().billed, Nanos(780), "779.22 rounds up");

    let mut absurd = billing(2, grant.lease, i64::MAX);
    absurd.claims = TokenClaims { currency: Currency::SGD, rate: Rate(i64::MAX), ..absurd.claims };
    let answer = store.record_notice(&absurd, 10).unwrap();
    assert_eq!((answer.billed, answer.flags), (BID.cost_in_usd(), Flags::CLAMPED), "overflow is above every bid");
}

#[test]
fn notices_that_name_no_price_are_recorded_and_not_billed() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    let cases = [
        (PriceSeen::Audit, Flags::AUDIT),
        (PriceSeen::Empty, Flags::EMPTY),
        (PriceSeen::Unsubstituted, Flags::UNSUBSTITUTED),
        (PriceSeen::Unreadable, Flags::UNREADABLE),
        (PriceSeen::Price(Cpm(-1)), Flags::UNREADABLE),
    ];
    for (number, (price, flags)) in (1..).zip(cases) {
        let notice = Notice { price, ..billing(number, grant.lease, 0) };
        let answer = store.record_notice(&notice, 10).unwrap();
        assert_eq!((answer.outcome, answer.billed, answer.flags), (Outcome::Observed, Nanos::ZERO, flags), "{price:?}");
        assert_eq!(store.record_notice(&notice, 10).unwrap().outcome, Outcome::Duplicate, "{price:?}");
    }
    store.commit().unwrap();
    let totals = store.totals().unwrap();
    assert_eq!(totals.count(EventKind::BillingObserved), 5);
    assert_eq!((totals.count(EventKind::Billing), totals.spent), (0, Nanos::ZERO));
}

#[test]
fn a_real_billing_after_an_audit_of_the_same_bid_is_billed() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    let audit = Notice { price: PriceSeen::Audit, ..billing(1, grant.lease, 0) };
    assert_eq!(store.record_notice(&audit, 10).unwrap().outcome, Outcome::Observed);
    let answer = store.record_notice(&billing(1, grant.lease, 800), 20).unwrap();
    assert_eq!((answer.outcome, answer.billed), (Outcome::Counted, Nanos(800)));
    store.commit().unwrap();
}

#[test]
fn a_test_request_is_recorded_and_moves_nothing() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    // The bid on a test has no lease: number 0 stands in its token.
    for (number, lease) in [(1, grant.lease), (2, LeaseId(0))] {
        for kind in [NoticeKind::Win, NoticeKind::Billing, NoticeKind::Loss] {
            let mut notice = notice(kind, number, lease, 800);
            notice.claims.test = true;
            let answer = store.record_notice(&notice, 10).unwrap();
            assert_eq!((answer.outcome, answer.billed), (Outcome::Observed, Nanos::ZERO));
            assert_eq!(answer.flags, Flags::TEST);
        }
    }
    store.commit().unwrap();
    assert_eq!(store.totals().unwrap().spent, Nanos::ZERO);
    drop(store);
    world.open();
}

#[test]
fn a_win_or_loss_without_a_price_counts() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    for (number, kind) in [(1, NoticeKind::Win), (2, NoticeKind::Loss)] {
        let notice = Notice { price: PriceSeen::Empty, ..notice(kind, number, grant.lease, 0) };
        assert_eq!(store.record_notice(&notice, 10).unwrap().outcome, Outcome::Counted, "{kind:?}");
    }
    store.commit().unwrap();
}

#[test]
fn a_loss_names_the_reservation_that_it_releases() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    store.record_notice(&notice(NoticeKind::Loss, 1, grant.lease, 0), 10).unwrap();
    let events = store.commit().unwrap();
    let bid = events[0].bid.as_ref().unwrap();
    assert_eq!((events[0].kind, events[0].lease, bid.bid_price), (EventKind::Loss, Some(grant.lease), BID));
    let account = *store.totals().unwrap().account(CAMPAIGN).unwrap();
    assert_eq!((account.spent, account.leased), (Nanos::ZERO, Nanos(5_000)), "the lease holds it again");
}

#[test]
fn notices_that_contradict_each_other_are_kept_and_flagged() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    let mut record = |kind, number| store.record_notice(&notice(kind, number, grant.lease, 800), 10).unwrap();
    record(NoticeKind::Loss, 1);
    let billed = record(NoticeKind::Billing, 1);
    assert_eq!((billed.billed, billed.flags), (Nanos(800), Flags::CONTRADICTS));
    record(NoticeKind::Win, 2);
    assert_eq!(record(NoticeKind::Loss, 2).flags, Flags::CONTRADICTS);
}

#[test]
fn a_billing_after_its_lease_closed_is_booked_as_late() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 5_000);
    assert_eq!(store.expire(LIFE_MS + GRACE_MS).unwrap(), 1);
    store.commit().unwrap();

    let answer = store.record_notice(&billing(1, grant.lease, 800), LIFE_MS + GRACE_MS + 1).unwrap();
    assert_eq!((answer.outcome, answer.billed, answer.flags), (Outcome::Counted, Nanos(800), Flags::LATE));
    store.commit().unwrap();
    let account = *store.totals().unwrap().account(CAMPAIGN).unwrap();
    assert_eq!((account.spent, account.late, account.leased), (Nanos(800), Nanos(800), Nanos::ZERO));
    assert_eq!(account.free, Nanos(BUDGET.0 - 800));
}

#[test]
fn a_billing_beyond_what_its_lease_holds_is_late_for_the_rest() {
    let world = World::new();
    let mut store = world.funded();
    let grant = lease(&mut store, "sg", 1_000);
    store.record_notice(&billing(1, grant.lease, 700), 10).unwrap();
    let answer = store.record_notice(&billing(2, grant.lease, 700), 10).unwrap();
    assert_eq!((answer.billed, answer.flags), (Nanos(700), Flags::LATE));
    store.commit().unwrap();
    let account = *store.totals().unwrap().account(CAMPAIGN).unwrap();
    assert_eq!((account.spent, account.late, account.leased), (Nanos(1_400), Nanos(400), Nanos::ZERO));
}

#[test]
fn late_billings_may_exceed_the_budget_and_are_never_dropped() {
    let world = World::new();
    let mut store = world.open();
    store.set_budget(CAMPAIGN, Nanos(500), 0).unwrap();
    store.record_notice(&billing(1, LeaseId(99), 800), 10).unwrap();
    store.commit().unwrap();
    let account = *store.totals().unwrap().account(CAMPAIGN).unwrap();
    assert_eq!((account.budget, account.spent, account.free), (Nanos(500), Nanos(800), Nanos(-300)));
    assert!(store.grant(&common::ask("sg", 1_000), 20).unwrap().is_err(), "nothing more is leased");
}

#[test]
fn a_billing_of_a_campaign_without_an_account_is_booked() {
    let world = World::new();
    let mut store = world.open();
    store.record_notice(&billing(1, LeaseId(1), 800), 10).unwrap();
    store.commit().unwrap();
    let account = *store.totals().unwrap().account(CAMPAIGN).unwrap();
    assert_eq!((account.budget, account.spent, account.free), (Nanos::ZERO, Nanos(800), Nanos(-800)));
    drop(store);
    world.open();
}
